"""What commands cost as graphs become many: `python -m gengraph.benchmarks.speed.scale --sizes 10000 100000 1000000`.

Every command runs in a process of its own, on one thread, and the processor time and the peak memory of that process count.
The cost of the same command on 100 graphs, its start, is taken away before the exponent a of cost ~ n^a is fitted, so that a
line that is not linear is seen. The graphs are those of `--data`, from the first on, or else made from a seed: trees with a few
rings of six nodes, 9 to 27 nodes, as molecules have them.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet

START = 100  # graphs of which a command costs its start
_GENERATED = 10_000
_LAUNCHER = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
sys.exit(done.returncode)
"""  # a small process between: the peak memory of a process counts that of the one it was made by
_MAX_RINGS = 4


def molecule_like(count: int, seed: int) -> GraphSet:
    """Trees in which a node hangs on one of the three before it, and chords that close rings of six nodes of a row."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(9, 28, count)
    graph = np.repeat(np.arange(count), sizes)
    node = np.arange(len(graph)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    child = node > 0
    parent = np.maximum(node - rng.integers(1, 4, len(node)), 0)
    ring = np.repeat(np.arange(count), _MAX_RINGS)
    end = rng.integers(0, sizes[ring])
    ring, end = np.unique(np.stack([ring, end]), axis=1)
    closed = end >= 5
    edges = np.concatenate([np.stack([parent, node], axis=1)[child], np.stack([end - 5, end], axis=1)[closed]])
    return GraphSet.from_flat(sizes, np.concatenate([graph[child], ring[closed]]), edges)


def commands(folder: Path, size: int) -> dict[str, list[str]]:
    """The commands that are measured, by what they do."""
    graphs, others = str(folder / f"{size}.parquet"), str(folder / "generated.parquet")
    tv = ["evaluate", graphs, others, "--no-cache", "--protocol", "tv", "--statistics"]
    return {
        "export from JSON lines": ["datasets", "export", str(folder / f"{size}.jsonl"), "--out", str(folder / "out.parquet")],
        "datasets show": ["datasets", "show", graphs],
        "datasets show --leaks": ["datasets", "show", graphs, "--leaks"],
        "train --steps 1": [
            "train",
            "--dataset",
            graphs,
            "--model",
            "graphrnn",
            "--steps",
            "1",
            "--run",
            f"r{size}",
            "--runs-dir",
            str(folder / "runs"),
        ],
        "evaluate, tv, degree": [*tv, "degree"],
        "evaluate, tv, degree, clustering, orbit": [*tv, "degree,clustering,orbit"],
        "evaluate --novelty": [*tv, "degree", "--train", graphs, "--novelty"],
    }


def measure(arguments: list[str]) -> dict[str, float]:
    """Processor seconds and peak memory (MB) of a command in a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _LAUNCHER, sys.executable, "-m", "gengraph", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        msg = f"gengraph {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}"
        raise RuntimeError(msg)
    cpu_s, peak_mb = map(float, done.stdout.split()[-2:])
    return {"cpu_s": cpu_s, "peak_mb": peak_mb}


def exponent(sizes: list[int], seconds: list[float], start: float) -> float:
    """The a of (seconds - start) ~ n^a by least squares; NaN where less than two sizes cost more than the start."""
    costs = np.array(seconds) - start
    dear = costs > 0.05
    if dear.sum() < 2:
        return float("nan")
    return float(np.polyfit(np.log(np.array(sizes)[dear]), np.log(costs[dear]), 1)[0])


def table(report: dict[str, dict[str, Any]], sizes: list[int]) -> str:
    """The report as a table of Markdown."""
    columns = ["work", "start", *(f"{size:,} graphs" for size in sizes), "a"]
    lines = [f"| {' | '.join(columns)} |", "|---|" + "---:|" * (len(columns) - 1)]
    for work, found in report.items():
        cells = [f"{cost['cpu_s']:.1f} s, {cost['peak_mb']:.0f} MB" for cost in (found["start"], *found["sizes"].values())]
        lines.append(
            f"| {work} | {' | '.join(cells)} | {'-' if math.isnan(slope := found['exponent']) else format(slope, '.2f')} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, and print a table or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="graphs of a set")
    parser.add_argument("--data", type=Path, help="a graph file that holds at least as many")
    parser.add_argument("--works", nargs="+", help="some of the commands, by the beginning of their names")
    parser.add_argument("--json", action="store_true", help="numbers instead of the table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        graphs = read_graphs(options.data) if options.data else molecule_like(max(options.sizes), seed=0)
        write_graphs(molecule_like(_GENERATED, seed=1), folder / "generated.parquet")
        report: dict[str, dict[str, Any]] = {}
        works = [name for name in commands(folder, START) if not options.works or name.startswith(tuple(options.works))]
        suffixes = {argument.rpartition(".")[2] for work in works for argument in commands(folder, START)[work]}
        for size in (START, *options.sizes):
            for suffix in suffixes & {"parquet", "jsonl"}:
                write_graphs(graphs[:size], folder / f"{size}.{suffix}")
        del graphs
        for work in works:
            start = measure(commands(folder, START)[work])
            found = {size: measure(commands(folder, size)[work]) for size in options.sizes}
            slope = exponent(options.sizes, [cost["cpu_s"] for cost in found.values()], start["cpu_s"])
            report[work] = {"start": start, "sizes": found, "exponent": slope}
            print(json.dumps({work: report[work]}), file=sys.stderr)
    print(json.dumps(report, indent=2) if options.json else table(report, options.sizes))


if __name__ == "__main__":
    main()
