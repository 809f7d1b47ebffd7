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
from gengraph.generators import GENERATORS
from gengraph.models.registry import LEARNED

ROOT = Path(__file__).parents[1]
TORCH_ROOMS = {("gengraph", "models"), ("gengraph", "training"), ("gengraph", "testing"), ("benchmarks", "speed")}
HEAVY = ("torch", "ray", "numba", "scipy", "networkx", "matplotlib", "rdkit", "pytest")


@pytest.mark.slow
@pytest.mark.timeout(420)  # it compiles the native library, once for each instruction set
def test_the_wheel_holds_every_room_under_one_name(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("gengraph", "cli", "baselines", "benchmarks", "configs"):
        shutil.copytree(ROOT / name, source / name, symlinks=True)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=400)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"gengraph"}
    for preset in (ROOT / "configs").rglob("*.toml"):
        assert f"gengraph/configs/{preset.relative_to(ROOT / 'configs').as_posix()}" in names
    assert not [name for name in names if "/tests/" in name or name.endswith("RESULTS.md")]
    for member in (
        "cli/app.py",
        "baselines/erdos_renyi.py",
        "benchmarks/suite.py",
        "benchmarks/published.toml",
        "benchmarks/report.css",
        "benchmarks/report.js",
        "benchmarks/scale/measured.json",
        "configs/graphrnn/paper.toml",
        "configs/graphrnn-c/grid.toml",
        "configs/gran/default.toml",
        "py.typed",
        "__main__.py",
        "learned.py",
        "graphs/graphset.py",
        "models/graphrnn/kernels/native/gru.cpp",
        "models/gran/family.py",
        "runs/folders.py",
        "testing/families.py",
        "tuning/sweep.py",
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
    assert len(sources()) > 100
    for path in sources():
        room = path.relative_to(ROOT).parts[:2]
        tree = ast.parse(path.read_text())
        if room != ("gengraph", "distributed"):
            assert "ray" not in imports(ast.walk(tree)), path
        if room not in TORCH_ROOMS:
            assert "torch" not in imports(tree.body), path


def test_public_names() -> None:
    for name in gengraph.__all__:
        assert getattr(gengraph, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gengraph.nothing
    assert dir(gengraph) == gengraph.__all__
    assert {"GraphSet", "GENERATORS", "evaluate", "load_dataset", "read_graphs", "write_graphs"} <= set(gengraph.__all__)
    for model, listed in LEARNED.items():
        assert getattr(gengraph, listed.class_name) is GENERATORS[model]


def test_help_and_import_load_no_heavy_library() -> None:
    script = (
        "import sys, gengraph\n"
        "from typer.testing import CliRunner\n"
        "from gengraph.cli.app import app\n"
        "for command in ('--help', 'train --help', 'sample --help', 'benchmark --help', '--version'):\n"
        "    assert CliRunner().invoke(app, command.split()).exit_code == 0, command\n"
        f"loaded = [name for name in {HEAVY} if name in sys.modules]\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_workers_zero_imports_no_ray(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from gengraph.cli.app import app\n"
        "for command in ('train --dataset ladder-small --steps 2 --run a',\n"
        "                'resume a --steps 3',\n"
        "                'sample --run a -n 5 --out s',\n"
        "                'sample --model er --dataset ladder-small -n 5 --unique --out e --workers 0',\n"
        "                'likelihood a --orderings 1',\n"
        "                'tune --dataset ladder-small --trials 1 --steps 1',\n"
        "                'evaluate runs/a/data/test.parquet s',\n"
        "                'models', 'info', 'runs', 'sweeps',\n"
        "                'benchmark --datasets ladder-small --models er'):\n"
        "    result = CliRunner().invoke(app, command.split())\n"
        "    assert result.exit_code == 0, result.output\n"
        "assert 'ray' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=170, cwd=tmp_path)
