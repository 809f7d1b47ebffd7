"""What a user installs, and who may import what."""

import ast
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

import gengraph

ROOT = Path(__file__).parents[1]
TORCH_ROOMS = {
    "models",
    "kernels",
    "training",
    "training_log",
    "optimizers",
    "likelihood",
    "lanes",
    "sampling",
    "checkpoint",
    "distributed",
    "speed",
}


@pytest.mark.slow
def test_the_wheel_holds_every_room_under_one_name(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("gengraph", "cli", "baselines", "benchmarks", "configs"):
        shutil.copytree(ROOT / name, source / name, symlinks=True)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"gengraph"}
    for member in (
        "cli/app.py",
        "baselines/erdos_renyi.py",
        "benchmarks/suite.py",
        "benchmarks/published.toml",
        "benchmarks/report.css",
        "benchmarks/report.js",
        "benchmarks/scale/measured.json",
        "configs/paper.toml",
        "py.typed",
        "models/graphrnn/kernels/native/gru.cpp",
    ):
        assert f"gengraph/{member}" in names
    assert "gengraph/models/graphrnn/kernels/libgengraph-baseline.so" in names or not shutil.which("g++")


def imports(nodes: Iterable[ast.AST]) -> set[str]:
    """Top-level packages that these statements import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def sources() -> list[Path]:
    folders = [ROOT / name for name in ("gengraph", "cli", "baselines", "benchmarks")]
    return [path for folder in folders for path in folder.rglob("*.py")]


def test_ray_has_one_room_and_torch_few() -> None:
    assert len(sources()) > 30
    for path in sources():
        parts = path.relative_to(ROOT).with_suffix("").parts
        tree = ast.parse(path.read_text())
        if "distributed" not in parts:
            assert "ray" not in imports(ast.walk(tree)), path
        if not TORCH_ROOMS & set(parts):
            assert "torch" not in imports(tree.body), path


def test_public_names() -> None:
    for name in gengraph.__all__:
        assert getattr(gengraph, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gengraph.nothing


def test_workers_zero_imports_no_ray(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from gengraph.cli.app import app\n"
        "for command in ('train --dataset ladder-small --steps 2 --run a --workers 0',\n"
        "                'sample --run a -n 5 --out s --workers 0',\n"
        "                'tune --dataset ladder-small --trials 1 --steps 1 --workers 0',\n"
        "                'evaluate runs/a/data/test.parquet s',\n"
        "                'benchmark --datasets ladder-small --models er --workers 0'):\n"
        "    result = CliRunner().invoke(app, command.split())\n"
        "    assert result.exit_code == 0, result.output\n"
        "assert 'ray' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, cwd=tmp_path)
