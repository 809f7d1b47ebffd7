"""Whether this build is as fast as another: `python -m gengraph.benchmarks.speed.builds --against ../gengraph-0.1.0`.

Both builds train models with the preset of a data set and sample from them, each in a process of its own that stays, one after
the other (A-B-A-B) on the same graphs with the same seeds; while one works, the other waits. The first turn compiles and does
not count. `--against` is the folder of a checkout, of gengraph 0.1.0 or later, whose native library is built in place
(`pip install -e`); it is used through the class interface alone, fit and sample.

Times are of CPU time of one thread, which other programs on the machine stretch less than wall time:

- prepare: of a fit, what is not steps (max_prev_node, the network);
- step: of training, the input pipeline included;
- graph: of sampling.

With `--device cuda` both train there, samples are drawn on the CPU all the same, and times are of wall time.

Of each, `ratios` has this build over the other: the median over the turns, whose two sides are neighbours in time; and that of
the least times. For these, steps and graphs are timed a few at a time, and of each few the least over the turns counts: both
builds do the same there, and what another program stretches in one turn it hardly stretches in all. Where `same_graphs` is
false the samples differ, and their times may, too, by the sizes of the graphs.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Self

SIDES = ("this", "other")
QUANTITIES = ("prepare", "step", "graph")
BLOCKS = 32  # that the steps of a fit are timed in; a power of two: progress is then an exact fraction at the end of each
CALLS = 4  # that the graphs of a turn are sampled in
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
Figures = dict[str, Any]


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="the checkout of the other build")
    parser.add_argument("--models", type=_names, default=["graphrnn", "graphrnn-c"], help="separated by commas")
    parser.add_argument("--datasets", type=_names, default=["grid", "protein"], help="separated by commas")
    parser.add_argument("--steps", type=int, default=64, help=f"training steps of a turn, a multiple of {BLOCKS}")
    parser.add_argument("--graphs", type=int, default=64, help=f"graphs to sample in a turn, a multiple of {CALLS}")
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--preset", help="instead of that of each model on each data set: graphrnn/paper, say")
    parser.add_argument("--batch-size", type=int, help="instead of the preset's")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    if options.against is None:
        parser.error("--against PATH must name the checkout of another build")
    if options.steps % BLOCKS or options.graphs % CALLS:
        parser.error(
            f"--steps must be a multiple of {BLOCKS} and --graphs of {CALLS}, got {options.steps} and {options.graphs}"
        )
    print(json.dumps(compare(options), indent=2))


def _names(text: str) -> list[str]:
    return text.split(",")


def compare(options: argparse.Namespace) -> Figures:
    """What was measured, by model and data set."""
    import gengraph

    roots = {"this": Path(gengraph.__file__).parents[1], "other": options.against.resolve()}
    report: Figures = {"steps": options.steps, "graphs": options.graphs, "turns": options.turns}
    with Build(roots["this"]) as this, Build(roots["other"]) as other:
        builds = {"this": this, "other": other}
        report["builds"] = {side: build.ask({}) for side, build in builds.items()}
        for model in options.models:
            for dataset in options.datasets:
                job = {"model": model, "dataset": dataset, "steps": options.steps, "graphs": options.graphs, "seed": 0}
                job |= {"device": options.device, "preset": options.preset, "batch_size": options.batch_size}
                report[f"{model}, {dataset}"] = summarize(take_turns(builds, job, options.turns))
    report["load"] = [round(value, 1) for value in os.getloadavg()]
    return report


def take_turns(builds: "dict[str, Build]", job: Figures, turns: int) -> dict[str, list[Figures]]:
    """What each side found in every turn but the first, which compiles."""
    short = job | {"steps": BLOCKS, "graphs": CALLS}
    for build in builds.values():
        build.ask(short)
    found: dict[str, list[Figures]] = {side: [] for side in SIDES}
    for _ in range(turns):
        for side in SIDES:
            found[side].append(builds[side].ask(job))
    return found


def summarize(found: dict[str, list[Figures]]) -> Figures:
    """Milliseconds by quantity and side, the ratios of this build to the other, and whether both made the same graphs."""
    milliseconds: Figures = {}
    ratios: Figures = {}
    for quantity in QUANTITIES:
        parts = {side: [turn[quantity] for turn in turns] for side, turns in found.items()}
        whole = {side: [statistics.mean(values) for values in turns] for side, turns in parts.items()}
        least = {side: statistics.mean(map(min, zip(*turns, strict=True))) for side, turns in parts.items()}
        milliseconds[quantity] = {
            side: {"least": round(1000 * least[side], 3), "median": round(1000 * statistics.median(whole[side]), 3)}
            for side in SIDES
        }
        pairs = zip(whole["this"], whole["other"], strict=True)
        ratios[quantity] = {
            "median": round(statistics.median(this / other for this, other in pairs), 3),
            "least": round(least["this"] / least["other"], 3),
        }
    hashes = {side: {tuple(turn["content_hashes"]) for turn in turns} for side, turns in found.items()}
    nodes = {side: round(turns[0]["mean_num_nodes"], 1) for side, turns in found.items()}
    same = hashes["this"] == hashes["other"]
    return {"ratios": ratios, "milliseconds": milliseconds, "same_graphs": same, "mean_num_nodes": nodes}


class Build:
    """A process that imports gengraph from a checkout and does jobs, one at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._elsewhere = tempfile.TemporaryDirectory()

    def __enter__(self) -> Self:
        environment = os.environ | _ONE_THREAD | {"PYTHONPATH": str(self._root)}
        command = [sys.executable, "-P", str(Path(__file__).resolve()), "--serve"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, env=environment, cwd=self._elsewhere.name, **pipes)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its input, which ends it
        self._elsewhere.cleanup()

    def ask(self, job: Figures) -> Figures:
        """What a job found; of an empty job, which build it is.

        Raises:
            RuntimeError: the process has ended; what it said stands on standard error.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            msg = f"the build in {self._root} failed with {job}; see above"
            raise RuntimeError(msg)
        found: Figures = json.loads(line)
        return found


def serve() -> None:
    """Do the jobs that come on standard input, a line each, and answer on standard output; in either build."""
    import torch

    torch.set_num_threads(1)
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(work(job) if job else about()), file=answers, flush=True)


def about() -> Figures:
    """Which build this is."""
    import gengraph

    return {"version": gengraph.__version__, "folder": str(Path(gengraph.__file__).parent)}


def work(job: Figures) -> Figures:
    """Fit and sample once: seconds of what goes before the steps, of a step in every block, of a graph in every call."""
    from gengraph import GENERATORS

    make: Any = GENERATORS[job["model"]]
    graphs, reports = _data(job["dataset"]), list[Figures]()
    model = make(_config(job), device=job["device"], report=reports.append)
    clock, timed = ("wall", time.perf_counter) if job["device"] == "cuda" else ("cpu", time.process_time)
    fit, _ = _seconds(timed, lambda: model.fit(graphs, seed=job["seed"]))
    size = job["steps"] // BLOCKS
    marks = [0.0] + [report[f"{clock}_seconds"] for report in reports if report["step"] % size == 0]  # from the first step on
    assert len(marks) == BLOCKS + 1
    count = job["graphs"] // CALLS
    calls = [_seconds(timed, partial(model.sample, count, seed=job["seed"] + call)) for call in range(CALLS)]
    samples = [made for _, made in calls]
    return {
        "prepare": [fit - marks[-1]],
        "step": [(end - start) / size for start, end in itertools.pairwise(marks)],
        "graph": [seconds / count for seconds, _ in calls],
        "content_hashes": [made.content_hash() for made in samples],
        "mean_num_nodes": statistics.mean(float(made.num_nodes.mean()) for made in samples),
    }


def _seconds(timed: Callable[[], float], call: Callable[[], Any]) -> tuple[float, Any]:
    start = timed()
    result = call()
    return timed() - start, result


@cache
def _data(name: str) -> Any:
    from gengraph import load_dataset

    return load_dataset(name)


def _config(job: Figures) -> Any:
    """The preset of a model on a data set, with another length."""
    preset = job["preset"]
    try:
        own = import_module("gengraph.training.config")
        usual = own.load_config(preset) if preset else own.usual_config(job["model"], job["dataset"])
    except ModuleNotFoundError:  # gengraph 0.1.0, with presets `paper` and `graphrnn-c`
        former = import_module("gengraph.config")
        name = preset and preset.removeprefix("graphrnn/").removesuffix("/default")
        usual = former.load_config(name or former.preset_for(job["model"], job["dataset"]))
    size = [f"training.batch_size={job['batch_size']}"] if job["batch_size"] else []
    return usual.replace([f"training.steps={job['steps']}", f"training.evaluations={BLOCKS}", *size])


if __name__ == "__main__":
    main()
