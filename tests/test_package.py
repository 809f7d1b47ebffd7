"""What a user installs, and who may import what."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

import gengraph
from gengraph.generators import GENERATORS
from gengraph.models.registry import LEARNED

ROOT = Path(__file__).parents[1]
TORCH_ROOMS = {
    *(("gengraph", room) for room in ("models", "training", "goals", "testing")),
    ("benchmarks", "speed"),
}
HEAVY = ("torch", "ray", "numba", "scipy", "networkx", "matplotlib", "rdkit", "pytest")


def copy_of_the_sources(folder: Path) -> Path:
    """What is built from."""
    for name in ("gengraph", "cli", "baselines", "benchmarks", "configs", "src"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def test_an_editable_install_is_found_from_the_folder_above_a_clone_that_has_its_name(tmp_path: Path) -> None:
    clone, site = copy_of_the_sources(tmp_path / "gengraph"), tmp_path / "site"
    (clone / "setup.py").unlink()  # compiles
    site.mkdir()
    build = [sys.executable, "-W", "ignore", "-c", f"from setuptools.build_meta import *; build_editable({str(site)!r})"]
    subprocess.run(build, check=True, capture_output=True, timeout=100, cwd=clone)
    (wheel,) = site.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    script = (
        "import importlib.util, site, sys\n"
        "sys.meta_path = [finder for finder in sys.meta_path if 'editable' not in getattr(finder, '__module__', '')]\n"
        f"sys.path = [path for path in sys.path if not path.startswith({str(ROOT)!r}) or 'site-packages' in path]\n"
        f"site.addsitedir({str(site)!r})\n"
        "import gengraph.cli.app\n"
        "print(gengraph.__file__, gengraph.GraphSet.__name__, importlib.util.find_spec('cli'))"
    )
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert found.stdout.split() == [str(clone / "src" / "gengraph" / "__init__.py"), "GraphSet", "None"]


@pytest.mark.slow
@pytest.mark.timeout(420)  # it compiles the native library, once for each instruction set
def test_the_wheel_holds_every_room_under_one_name(tmp_path: Path) -> None:
    source, quick = copy_of_the_sources(tmp_path / "source"), tmp_path / "quick"
    # What is in the wheel matters here: a library of nothing is compiled in less time than the real ones.
    quick.write_text('while [ "$1" != -o ]; do shift; done; echo | g++ -shared -x c++ - -o "$2"\n')
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    compiler = {"CXX": f"bash {quick}"} if shutil.which("g++") else {}
    subprocess.run(command, check=True, capture_output=True, timeout=400, env=os.environ | compiler)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"gengraph"}
    for preset in (ROOT / "configs").rglob("*.toml"):
        assert f"gengraph/configs/{preset.relative_to(ROOT / 'configs').as_posix()}" in names
    for model in (ROOT / "gengraph" / "zoo" / "models").iterdir():
        assert f"gengraph/zoo/models/{model.name}" in names
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


IN_A_PACKAGE_OF = {"sklearn": "scikit-learn", "ot": "pot", "optuna": "optuna", "mlflow": "mlflow-skinny"}
MEASURES = (
    "benchmarks/interchange",
    "benchmarks/speed",
    "benchmarks/scale",
    "benchmarks/studies.py",
    "benchmarks/study_pictures.py",
)  # ours
USERS_EXTRAS = ("metrics", "molecules", "plot", "tracking", "tune")


def required(texts: Iterable[str]) -> set[str]:
    return {re.split(r"[^\w.-]", text)[0].lower() for text in texts}


def test_what_a_user_installs_is_what_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    always = required(project["dependencies"])
    extras = required(text for name in USERS_EXTRAS for text in project["optional-dependencies"][name])
    assert not {"matplotlib", "igraph", "scikit-learn", "optuna", "pytest"} & always
    known = {*sys.stdlib_module_names, "gengraph"}
    at_once, anywhere = set(), set()
    for path in sources():
        if path.is_relative_to(ROOT / "gengraph" / "testing") or any(
            str(path.relative_to(ROOT)).startswith(m) for m in MEASURES
        ):
            continue
        tree = ast.parse(path.read_text())
        of_molecules = {"rdkit"} if path.is_relative_to(ROOT / "gengraph" / "chemistry") else set()  # its __init__ says so
        at_once |= imports(tree.body) - known - of_molecules
        anywhere |= imports(ast.walk(tree)) - known
    named = {name: IN_A_PACKAGE_OF.get(name, name.replace("_", "-")) for name in anywhere}
    where_it_is_found = {"optuna", "triton"}  # modules that nothing imports elsewhere; a torch for CUDA brings triton
    assert {named[name] for name in at_once} <= always | where_it_is_found
    assert set(named.values()) <= always | extras | where_it_is_found
    assert always <= set(named.values())


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
        "for command in ('train --dataset ladder-small --model graphrnn-c --steps 2 --run a',\n"
        "                'resume a --steps 3',\n"
        "                'sample --run a -n 5 --out s',\n"
        "                'sample --pretrained ladder-small -n 5 --out r',\n"
        "                'sample --model er --dataset ladder-small -n 5 --unique --out e --workers 0',\n"
        "                'likelihood a --orderings 1',\n"
        "                'tune --dataset ladder-small --model graphrnn-c --trials 1 --steps 1',\n"
        "                'evaluate runs/a/data/test.parquet s',\n"
        "                'models', 'info', 'runs', 'sweeps',\n"
        "                'benchmark --datasets ladder-small --models er'):\n"
        "    result = CliRunner().invoke(app, command.split())\n"
        "    assert result.exit_code == 0, result.output\n"
        "assert 'ray' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=170, cwd=tmp_path)
