"""How fast a device trains beside one core: `python -m gengraph.benchmarks.speed.training_on_device --device cuda`.

Parts, each by itself with --part:

- steps: seconds a step of each of WORKS on the device and in one thread of the CPU, which take turns (A-B-A-B) in one process,
  batches and their coding included; and how many graphs a second one thread codes, of which the device needs some ahead.
- until: wall seconds of training until the validation loss of grids is --loss; programs are compiled before.
- profile: milliseconds a step of what takes the device longest.

Seconds are of wall time, until the device has nothing left to do.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from gengraph.data import load_dataset, split_graphs
from gengraph.graphs import GraphSet
from gengraph.models.family import Facts
from gengraph.models.graphrnn.kernels import backend
from gengraph.training.batches import batch_indices
from gengraph.training.config import Config, load_config
from gengraph.training.threads import num_encoding_threads
from gengraph.training.trainer import Place, Trainer, prepare_graphs

WORKS = {
    "graphrnn/paper": ("protein", 32),
    "graphrnn/gpu": ("grid", 64),
    "graphrnn-s/gpu": ("grid", 64),
    "graphrnn-c/gpu": ("protein", 128),
}
"""The data set and the graphs a step of presets."""
Work = tuple[Config, Facts, GraphSet]
UNTIL = ("graphrnn/gpu", "graphrnn-c/gpu")
_WARM = 2  # steps that compile and allocate, and do not count
_LONGEST = 12


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--part", choices=tuple(PARTS), action="append")
    parser.add_argument(
        "--preset", choices=tuple(WORKS), action="append", help="of the parts steps and profile; all by default"
    )
    parser.add_argument("--dataset", help="instead of each preset's")
    parser.add_argument("--steps", type=int, default=20, help="of the device in a turn")
    parser.add_argument("--core-steps", type=int, default=1, help="of the core in a turn")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--budget", type=float, default=30.0, help="seconds of the part until")
    parser.add_argument("--loss", type=float, default=5.2, help="of the part until, nats a graph")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda needs a CUDA device, and torch finds none; nothing was measured")
    torch.set_num_threads(1)
    device = torch.device(options.device)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    report: dict[str, Any] = {"device": name, "backend": backend(options.device).label, "torch": torch.__version__}
    for part in options.part or PARTS:
        report[part] = PARTS[part](options, device)
    print(json.dumps(report, indent=2))


def of_steps(options: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Seconds a step and graphs a second of device and core, and the ratio of the medians."""
    report = {}
    for preset in options.preset or WORKS:
        config, _, graphs = work = _work(preset, options.dataset)
        sides = {"device": (_trainer(work, device), options.steps)}
        sides["core"] = _trainer(work, torch.device("cpu")), options.core_steps
        for trainer, _ in sides.values():
            _seconds_a_step(trainer.train_step, _WARM, device)
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(options.turns):
            for side, (trainer, count) in sides.items():
                seconds[side].append(_seconds_a_step(trainer.train_step, count, device))
        medians = {side: statistics.median(values) for side, values in seconds.items()}
        size = min(config.training.batch_size, len(graphs))
        report[preset] = {
            "batch_size": size,
            "seconds_a_step": {side: [round(value, 5) for value in values] for side, values in seconds.items()},
            "graphs_a_second": {side: round(size / value, 1) for side, value in medians.items()},
            "ratio": round(medians["core"] / medians["device"], 2),
            "graphs_a_second_coded_by_a_thread": round(size / _seconds_of_coding(sides["core"][0], graphs, size), 1),
            "threads_that_code": num_encoding_threads(device),
        }
    return report


def until(options: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Wall seconds until the validation loss is low enough, and the least that there was."""
    report = {}
    for preset in options.preset or UNTIL:
        config = load_config(preset).trained(steps=None, budget=options.budget, evaluations=max(1, int(2 * options.budget)))
        split = split_graphs(load_dataset(options.dataset or "grid"))
        graphs, facts = prepare_graphs(split.train, config)
        _seconds_a_step(_trainer((config, facts, graphs), device).train_step, _WARM, device)
        reports: list[dict[str, Any]] = []
        trainer = Trainer(config, facts, graphs, split.validation, Place(device=device))
        trainer.run(reports.append, lambda _: None)
        losses = [(found["wall_seconds"], found["validation_loss"]) for found in reports if "validation_loss" in found]
        reached = next((round(seconds, 2) for seconds, loss in losses if loss <= options.loss), None)
        least = round(min(loss for _, loss in losses), 3)
        report[preset] = {"loss": options.loss, "seconds": reached, "least": least, "steps": trainer.step}
    return report


def of_profile(options: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Milliseconds a step of the operations that take longest, and of all."""
    report = {}
    cuda = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    for preset in options.preset or WORKS:
        trainer = _trainer(_work(preset, options.dataset), device)
        _seconds_a_step(trainer.train_step, _WARM, device)
        with profile(activities=activities) as profiled:
            _seconds_a_step(trainer.train_step, options.core_steps, device)
        times = {
            event.key: (event.self_device_time_total if cuda else event.self_cpu_time_total) / 1000 / options.core_steps
            for event in profiled.key_averages()
        }
        longest = sorted(times.items(), key=lambda item: -item[1])[:_LONGEST]
        report[preset] = {"all": round(sum(times.values()), 3), **{name[:80]: round(ms, 3) for name, ms in longest}}
    return report


@cache
def _work(preset: str, dataset: str | None) -> Work:
    name, batch_size = WORKS[preset]
    config = load_config(preset).trained(batch_size=batch_size)
    graphs, facts = prepare_graphs(split_graphs(load_dataset(dataset or name)).train, config)
    return config, facts, graphs


def _trainer(work: Work, device: torch.device) -> Trainer:
    return Trainer(*work, GraphSet.empty(), Place(device=device))


def _seconds_a_step(step: Callable[[], None], count: int, device: torch.device) -> float:
    start = time.perf_counter()
    for _ in range(count):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / count


def _seconds_of_coding(trainer: Trainer, graphs: GraphSet, size: int) -> float:
    """What a batch takes until a step can read it, in one thread."""
    encode, indices = trainer.model.encoder(graphs), batch_indices(graphs.num_nodes, size, seed=0, epoch=0)[0]
    return _seconds_a_step(lambda: trainer.model.ready(encode(indices, key=(0, 0))), 3, torch.device("cpu"))


PARTS: dict[str, Callable[[argparse.Namespace, torch.device], Any]] = {"steps": of_steps, "until": until, "profile": of_profile}

if __name__ == "__main__":
    main()
