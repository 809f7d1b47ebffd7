"""All that only a CUDA device can say, in one call of a few minutes: `python -m gengraph.benchmarks.speed.card --out card`.

Tests of what computes there, the programs alone, training beside one core, and sampling beside one core and beside rows that go
to and fro; with `--against` training beside another build's (9c96a92 say, the last whose steps wait for the device). Each is a
command of its own, whose output is a file in the folder; what fails or takes too long leaves its place to the next. In a
checkout only, where the tests are.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import torch

_ROOT = Path(__file__).parents[2]
_MODULES = "gengraph.benchmarks.speed."
_TESTS = (
    "tests/models/graphrnn/kernels/test_triton_kernels.py",
    "tests/models/graphrnn/test_device_graphs.py",
    "tests/training/test_training_on_devices.py",
)
_SAMPLING = ["-m", f"{_MODULES}sampling", "--part", "device", "--turns", "1", "--budget", "10", "--device", "cuda"]
WORKS: dict[str, tuple[list[str], int]] = {
    "tests": (["-m", "pytest", "-q", "-n", "0", "--durations=5", *_TESTS], 100),
    "training": (["-m", f"{_MODULES}training_on_device", "--device", "cuda", "--part", "steps", "--part", "profile"], 80),
    "until": (["-m", f"{_MODULES}training_on_device", "--device", "cuda", "--part", "until", "--budget", "15"], 60),
    "grids": ([*_SAMPLING, "--preset", "graphrnn/gpu", "--dataset", "grid", "--graphs", "50000"], 90),
    "proteins": ([*_SAMPLING, "--preset", "graphrnn-c/gpu", "--dataset", "protein", "--graphs", "10000"], 120),
    "programs": (["-m", f"{_MODULES}kernels", "--device", "cuda", "--turns", "3"], 60),
}
"""What is run, the most telling first, and the seconds that it may take."""
OTHERS = {"paper": ("graphrnn", "graphrnn/paper", 32), "context": ("graphrnn-c", "graphrnn-c/default", 128)}
"""The model, its preset and the batch size in which both builds train."""


def main(arguments: list[str] | None = None) -> None:
    """Run all, and print a line for each; the exit status is 0 if all went well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("card"), help="a folder for what the commands print")
    parser.add_argument("--only", choices=tuple(WORKS), action="append")
    parser.add_argument("--against", type=Path, help="the checkout of another build")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        parser.error("no CUDA device: torch finds none here; nothing was run")
    options.out.mkdir(parents=True, exist_ok=True)
    print(json.dumps({"device": torch.cuda.get_device_name(), "torch": torch.__version__}), flush=True)
    works = dict(WORKS)
    if options.against:
        works |= {f"other-{name}": (_builds(options.against, *work), 150) for name, work in OTHERS.items()}
    failed = [name for name in options.only or works if not _run(name, works[name], options.out)]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def _builds(against: Path, model: str, preset: str, size: int) -> list[str]:
    """The command that takes turns between the steps of both builds on proteins."""
    options = {"against": against, "models": model, "datasets": "protein", "preset": preset, "batch-size": size}
    options |= {"device": "cuda", "steps": 32, "graphs": 4, "turns": 1}
    return ["-m", f"{_MODULES}builds", *(part for name, value in options.items() for part in (f"--{name}", str(value)))]


def _run(name: str, work: tuple[list[str], int], folder: Path) -> bool:
    """Run one work; whether it went well."""
    command, limit = work
    start = time.monotonic()
    with (folder / f"{name}.txt").open("w") as file:
        try:
            status: int | str = subprocess.run(
                [sys.executable, *command], cwd=_ROOT, stdout=file, stderr=subprocess.STDOUT, timeout=limit, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            status = f"took more than {limit} s"
    print(json.dumps({"work": name, "status": status, "seconds": round(time.monotonic() - start, 1)}), flush=True)
    return status == 0


if __name__ == "__main__":
    main()
