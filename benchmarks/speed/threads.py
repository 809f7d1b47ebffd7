"""How much faster several threads are: `python -m gengraph.benchmarks.speed.threads --threads 2`.

Training steps and sampling of the published sizes on grid, and of GraphRNN-C, with one thread and with several, in turn
(A-B-A-B) in one process. Seconds are of wall time: this needs as many cores that do nothing else. The CPU seconds beside them
say how much is lost: they are the same where all threads do useful work at full speed.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from gengraph.benchmarks.speed.sampling import GRID
from gengraph.benchmarks.speed.training import Workload, step_of
from gengraph.data import load_dataset
from gengraph.graphs import GraphSet
from gengraph.models.graphrnn.kernels import backend
from gengraph.models.graphrnn.network import GraphRNNModel
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.training.config import load_config
from gengraph.training.trainer import Trainer, prepare_graphs

Work = Callable[[], object]


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="training steps of a turn")
    parser.add_argument("--lanes", type=int, default=512, help="graphs of a sample, which grow side by side")
    parser.add_argument("--context-dataset", default="protein", help="what GraphRNN-C is trained on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    works = _training(options) | _sampling(options)
    report: dict[str, Any] = vars(options) | {"backend": backend().label, "torch": torch.__version__}
    report |= {name: _compare(work, options.threads, options.turns) for name, work in works.items()}
    report["load"] = [round(value, 1) for value in os.getloadavg()]
    print(json.dumps(report, indent=2))


def _training(options: argparse.Namespace) -> dict[str, Work]:
    """So many steps of each model."""
    grid = load_dataset("grid").largest_components()
    steps = {f"training {head} on grid": step_of("gengraph", grid, Workload("grid", head, 32, 40)) for head in ("rnn", "mlp")}
    config = load_config("graphrnn-c/default")
    graphs, facts = prepare_graphs(load_dataset(options.context_dataset), config)
    steps |= {f"training context on {options.context_dataset}": Trainer(config, facts, graphs, GraphSet.empty()).train_step}
    return {name: partial(_repeat, step, options.steps) for name, step in steps.items()}


def _repeat(step: Callable[[], None], count: int) -> None:
    for _ in range(count):
        step()


def _sampling(options: argparse.Namespace) -> dict[str, Work]:
    """Samples of models whose weights are random: graphs of the size of the largest grid, all grown to the end."""
    works: dict[str, Work] = {}
    conditions = Conditions(stop="reference", max_num_node=GRID.max_num_node)
    for head, preset in (("rnn", "graphrnn/paper"), ("mlp", "graphrnn/paper"), ("context", "graphrnn-c/default")):
        torch.manual_seed(0)
        model = GraphRNNModel(load_config(preset).replace([f"model.head.kind={head}"]).model, GRID).eval()
        works[f"sampling {head}"] = partial(sample_graphs, model, np.arange(options.lanes), seed=0, conditions=conditions)
    return works


def _compare(work: Work, threads: int, turns: int) -> dict[str, Any]:
    """Wall and CPU seconds with one thread and with several, and the ratio of the means of the wall seconds."""
    seconds: dict[int, list[tuple[float, float]]] = {1: [], threads: []}
    work()  # compiles, and does not count
    for _ in range(turns):
        for count, own in seconds.items():
            torch.set_num_threads(count)
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            own.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall_means = {count: float(np.mean([wall for wall, _ in values])) for count, values in seconds.items()}
    return {
        "wall_seconds": {count: [round(wall, 3) for wall, _ in values] for count, values in seconds.items()},
        "cpu_seconds": {count: [round(cpu, 3) for _, cpu in values] for count, values in seconds.items()},
        "ratio": round(wall_means[1] / wall_means[threads], 2),
    }


if __name__ == "__main__":
    main()
