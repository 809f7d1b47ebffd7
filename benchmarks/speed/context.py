"""How fast GraphRNN-C is: `python -m gengraph.benchmarks.speed.context --dataset protein`.

Graphs a second in training (the preset `graphrnn-c/default`, whole steps with the input pipeline) with plain PyTorch and with
the native library, in turn (A-B-A-B) in one process; then, of the model trained by those steps, milliseconds a graph in
sampling with its own stop rule, and the share of the sampler of rows in it. Seconds are of CPU time of one thread.
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

from gengraph.data import load_dataset
from gengraph.graphs import GraphSet
from gengraph.models.graphrnn.context_head import ContextSampler
from gengraph.models.graphrnn.kernels import backend, use
from gengraph.models.graphrnn.network import GraphRNNModel
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.training.config import load_config
from gengraph.training.trainer import Trainer, prepare_graphs

SIDES = ("torch", "native")


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="protein")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument(
        "--steps", type=int, default=20, help="steps of plain PyTorch in a turn; the native library makes twice as many"
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--graphs", type=int, default=64, help="graphs to sample")
    options = parser.parse_args()
    torch.set_num_threads(1)
    config = load_config("graphrnn-c/default").replace([f"training.batch_size={options.batch_size}"])
    graphs, facts = prepare_graphs(load_dataset(options.dataset), config)
    trainer = Trainer(config, facts, graphs, GraphSet.empty())
    training = _training(trainer.train_step, options)
    sampling = _sampling(trainer.evaluated.eval(), options.graphs)
    load = [round(value, 1) for value in os.getloadavg()]
    report = vars(options) | {"backend": backend().label, "torch": torch.__version__, "load": load}
    print(json.dumps(report | {"training": training, "sampling": sampling}, indent=2))


def _training(step: Callable[[], None], options: argparse.Namespace) -> dict[str, Any]:
    """Graphs a second of each side in every turn, and the ratio of the means of their times."""
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for turn in range(options.turns + 1):  # the first compiles and does not count
        for side in SIDES:
            use(side)
            count = 1 if turn == 0 else options.steps * (2 if side == "native" else 1)
            start = time.process_time()
            for _ in range(count):
                step()
            seconds[side].append((time.process_time() - start) / count)
    rates = {side: [round(options.batch_size / value, 1) for value in values[1:]] for side, values in seconds.items()}
    means = {side: float(np.mean(values[1:])) for side, values in seconds.items()}
    return {"graphs_a_second": rates, "ratio": round(means["torch"] / means["native"], 2)}


def _sampling(model: GraphRNNModel, count: int) -> dict[str, Any]:
    """Milliseconds a graph, the share of drawing rows, and how large the graphs are."""
    sample_graphs(model, np.arange(2), seed=0, conditions=Conditions(max_num_node=3))  # compiles
    drawing = 0.0
    draw = ContextSampler.draw

    def timed(*arguments: Any) -> Any:
        nonlocal drawing
        start = time.process_time()
        bits = draw(*arguments)
        drawing += time.process_time() - start
        return bits

    run = partial(sample_graphs, model, np.arange(count), seed=0)
    ContextSampler.draw = timed  # type: ignore[method-assign, assignment]
    start = time.process_time()
    sampled = run().graphs
    seconds = time.process_time() - start
    ContextSampler.draw = draw  # type: ignore[method-assign]
    return {
        "ms_a_graph": round(1000 * seconds / count, 2),
        "share_of_rows": round(drawing / seconds, 3),
        "mean_nodes": round(float(sampled.num_nodes.mean()), 1),
        "mean_edges": round(len(sampled.edges) / count, 1),
    }


if __name__ == "__main__":
    main()
