import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from command_line import answer, gengraph

import gengraph as package
from gengraph.models.graphrnn import kernels

# A start of Python in which packages are neither found nor known.
WITHOUT = """
import importlib.metadata, os, sys
GONE = set(os.environ["GONE"].split(","))
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in GONE - {"gengraph"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Gone())
installed = importlib.metadata.version
def version(name):
    if name in GONE:
        raise importlib.metadata.PackageNotFoundError(name)
    return installed(name)
importlib.metadata.version = version
"""


def test_info_says_what_computes_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.VARIABLE, "torch")
    kernels.use("")
    facts = answer("info --format json")
    assert facts["back-end"] == "torch: GENGRAPH_BACKEND=torch"
    assert facts["on CUDA"] in {"no CUDA device", "torch: GENGRAPH_BACKEND=torch"}
    assert facts["threads"].isdigit()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert "training:  1 thread; OMP_NUM_THREADS sets another number" in gengraph("info")
    assert facts["gengraph"] == package.__version__
    assert "back-end:  torch" in gengraph("info")
    assert "'xml' is not one of 'table'" in gengraph("info --format xml", code=2)
    kernels.use("")
    monkeypatch.setenv(kernels.VARIABLE, "abacus")
    assert "one of triton, native, torch, reference, got 'abacus'" in gengraph("info", code=2)
    kernels.use("")


@pytest.mark.skipif(
    torch.version.cuda is not None and not torch.cuda.is_available(), reason="a torch for CUDA looks for the device itself"
)
def test_info_says_what_trains_and_samples_on_a_cuda_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.VARIABLE, "torch")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    kernels.use("")
    facts = answer("info --format json")
    assert facts["on CUDA"] == "torch: GENGRAPH_BACKEND=torch"
    assert facts["training on CUDA"].startswith("GraphRNN's edge level by torch, its node level by ")
    assert "batches are made by 3 threads of the CPU ahead" in facts["training on CUDA"]
    assert facts["sampling on CUDA"].startswith("whole graphs on the device")
    kernels.use("")


@pytest.fixture
def plain_tree(tmp_path: Path) -> Path:
    """A folder on Python's path with the sources of gengraph, as a clone has them."""
    rooms = Path(package.__file__).parent
    (tmp_path / "gengraph").mkdir()
    for room in rooms.iterdir():
        if room.name != "__pycache__":
            (tmp_path / "gengraph" / room.name).symlink_to(room.resolve())
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    return tmp_path


def run(tree: Path, gone: str, *arguments: str) -> str:
    """Standard output of `python ...` that starts in another folder."""
    environment = os.environ | {"PYTHONPATH": str(tree), "GONE": gone}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, cwd="/", env=environment).stdout


def test_a_plain_source_tree_without_ray_says_what_it_is(plain_tree: Path) -> None:
    place = run(plain_tree, "ray,gengraph", "-c", "import gengraph; print(gengraph.__file__, gengraph.__version__)").split()
    assert place[0].startswith(str(plain_tree))
    assert run(plain_tree, "ray,gengraph", "-m", "gengraph", "--version") == f"gengraph {place[1]}\n"
    facts = json.loads(run(plain_tree, "ray,gengraph", "-m", "gengraph", "info", "--format", "json"))
    assert facts["ray"] == "not installed"
    assert facts["gengraph"] == place[1]
    assert facts["threads"].isdigit()


@pytest.mark.parametrize("missing", ["torch", "numba"])
def test_info_names_what_is_not_installed(plain_tree: Path, missing: str) -> None:
    output = run(plain_tree, f"ray,{missing}", "-m", "gengraph", "info")
    assert f"{missing}: " in output
    assert output.count("not installed") >= 2


def test_the_version() -> None:
    assert gengraph("--version") == f"gengraph {package.__version__}\n"
