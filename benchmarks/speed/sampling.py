"""How fast sampling is: `python -m gengraph.benchmarks.speed.sampling --run runs/grid`.

Parts, each by itself with --part:

- loop: the sampler against the loop of 2018, for GraphRNN and GraphRNN-S of the published sizes (preset `graphrnn/paper`) with
  weights that draw about as many edges as grids have. Both build every graph up to the largest training graph, without early
  stop. The two take turns. The published program went on to networkx graphs; its time is given without and with that.
- model: graphs a second of a trained run, with its own stop rule; and the share of decoding, which is everything that is
  done to turn decisions into a GraphSet.
- workers: one Ray worker against two, worker start not counted; turns again.
- memory: the resident memory of one process that writes more and more shards of a tiny model.
- device: graphs a second of a GraphRNN where whole graphs grow on the device, the same without Triton, where rows go to and fro
  (an eighth of the graphs), and on one core of the CPU (a hundredth); turns again. For --device cuda; on a CPU it says what the
  device's path costs there. `--part device --device cuda --preset graphrnn/gpu --dataset grid`

Times are CPU seconds of one thread, but for the workers and a device, whose times are wall seconds.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import torch
from torch import Tensor, nn

from gengraph.data import load_dataset
from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding
from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.lanes import LANES, Lanes, LanesSampler
from gengraph.models.graphrnn.network import DataFacts, GraphRNNModel
from gengraph.runs.folders import newest_checkpoint
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.job import CheckpointOrigin, ShardWriter
from gengraph.sampling.shards import Shard, plan_shards
from gengraph.storage import Folder
from gengraph.training.checkpoint import Checkpoint, load_checkpoint
from gengraph.training.config import load_config
from gengraph.training.trainer import Place, Trainer, prepare_graphs
from gengraph.zoo import load_ready_made

GRID = DataFacts(max_prev_node=40, max_num_node=361, several_components=False)  # the data set `grid`, M as in 2018


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("loop", "model", "workers", "memory", "device"), action="append")
    parser.add_argument("--run", type=Path, help="a trained run, for model, workers and device")
    parser.add_argument("--pretrained", help="a ready-made model instead, for device")
    parser.add_argument("--preset", help="or a preset, trained for some seconds beforehand")
    parser.add_argument("--dataset", default="grid", help="that it is trained on")
    parser.add_argument("--budget", type=float, default=15.0, help="seconds that it is trained for")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of the part device")
    parser.add_argument("--graphs", type=int, default=3000, help="graphs of the parts model, workers and device")
    parser.add_argument("--lanes", type=int, default=LANES, help="graphs that grow side by side in the part loop")
    parser.add_argument("--turns", type=int, default=3, help="how often the loop and the sampler take turns")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda needs a CUDA device, and torch finds none; nothing was measured")
    torch.set_num_threads(1)
    report: dict[str, Any] = {}
    for part in options.part or ("loop", "memory"):
        report[part] = PARTS[part](options)
    print(json.dumps(report, indent=2))


def against_loop(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds a graph of the loop of 2018 (a batch of 32) and of the sampler, and their ratio, for both models."""
    report = {}
    for name, head in (("graphrnn", "rnn"), ("graphrnn-s", "mlp")):
        torch.manual_seed(0)
        model = GraphRNNModel(load_config("graphrnn/paper").replace([f"model.head.kind={head}"]).model, GRID).eval()
        last = [layer for layer in model.head.output.modules() if isinstance(layer, nn.Linear)][-1]
        nn.init.constant_(last.bias, -3.0)  # as sparse as grids
        loop = Loop2018(head, GRID.max_prev_node)
        conditions = Conditions(stop="reference", max_num_node=GRID.max_num_node)
        ours = partial(sample_graphs, model, np.arange(options.lanes), seed=0, conditions=conditions)
        sample_graphs(model, np.arange(2), seed=0, conditions=Conditions(max_num_node=3))  # compiles
        times = []
        for _ in range(options.turns):
            rows, seconds = _cpu_seconds(partial(loop.sample, 32, GRID.max_num_node))
            _, more = _cpu_seconds(partial(decode_2018, rows))
            times.append((seconds / 32, (seconds + more) / 32, _cpu_seconds(ours)[1] / options.lanes))
        report[name] = {
            "ms_a_graph": {
                key: [round(1000 * turn[i], 2) for turn in times]
                for i, key in enumerate(("rows of 2018", "graphs of 2018", "graphs"))
            },
            "ratio_to_rows": round(statistics.median(rows / own for rows, _, own in times), 2),
            "ratio_to_graphs": round(statistics.median(graphs / own for _, graphs, own in times), 2),
        }
    return report


class Loop2018:
    """The published sampler, written out plainly: padded batches, one Python step an edge, no early stop, autograd on.

    Args:
        head: rnn or mlp.
        max_prev_node: M.
    """

    def __init__(self, head: str, max_prev_node: int) -> None:
        self._width = max_prev_node
        self._embed = nn.Sequential(nn.Linear(max_prev_node, 64), nn.ReLU())
        self._node_rnn = nn.GRU(64, 128, 4, batch_first=True)
        self._to_edge = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 16))
        self._embed_edge = nn.Sequential(nn.Linear(1, 8), nn.ReLU())
        self._edge_rnn = nn.GRU(8, 16, 4, batch_first=True)
        self._edge_output = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1))
        self._mlp = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, max_prev_node))
        self._draw_row = self._edge_by_edge if head == "rnn" else self._all_at_once

    def sample(self, batch: int, max_num_node: int) -> Tensor:
        """Rows float[batch, max_num_node, M]."""
        rows = torch.zeros(batch, max_num_node, self._width)
        row = torch.ones(batch, 1, self._width)
        hidden = torch.zeros(4, batch, 128)
        for i in range(max_num_node):
            output, hidden = self._node_rnn(self._embed(row), hidden)
            row = self._draw_row(output)
            rows[:, i : i + 1] = row.data
            hidden = hidden.data
        return rows

    def _edge_by_edge(self, output: Tensor) -> Tensor:
        row = torch.zeros(len(output), 1, self._width)
        hidden = torch.cat([self._to_edge(output).transpose(0, 1), torch.zeros(3, len(output), 16)])
        bit = torch.ones(len(output), 1, 1)
        for j in range(self._width):
            edge, hidden = self._edge_rnn(self._embed_edge(bit), hidden)
            bit = (torch.rand(len(output), 1, 1) < torch.sigmoid(self._edge_output(edge))).float()
            row[:, :, j : j + 1] = bit
            hidden = hidden.data
        return row

    def _all_at_once(self, output: Tensor) -> Tensor:
        return (torch.rand(len(output), 1, self._width) < torch.sigmoid(self._mlp(output))).float()


def decode_2018(rows: Tensor) -> "list[nx.Graph[int]]":
    """The graphs of rows, by way of dense adjacency matrices; nodes without an edge are deleted."""
    graphs = []
    for graph_rows in rows.numpy():
        size = len(graph_rows) + 1
        adjacency = np.zeros((size, size))
        for i, row in enumerate(graph_rows):
            width = min(i + 1, len(row))
            adjacency[i + 1, i + 1 - width : i + 1] = row[:width][::-1]
        adjacency += adjacency.T
        kept = adjacency.any(axis=1)
        graphs.append(nx.from_numpy_array(adjacency[kept][:, kept]))
    return graphs


def of_a_run(options: argparse.Namespace) -> dict[str, Any]:
    """Graphs a second of a trained model, and the share of decoding in the time."""
    model = load_checkpoint(newest_checkpoint(options.run)).build_model()
    sample_graphs(model, np.arange(2), seed=0, conditions=Conditions(max_num_node=3))
    decoding = 0.0

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            nonlocal decoding
            start = time.process_time()
            result = method(*args)
            decoding += time.process_time() - start
            return result

        return run

    originals = {name: getattr(Lanes, name) for name in ("_grow", "_retire", "take")}
    for name, method in originals.items():
        setattr(Lanes, name, timed(method))
    _, seconds = _cpu_seconds(partial(sample_graphs, model, np.arange(options.graphs), seed=0))
    for name, method in originals.items():
        setattr(Lanes, name, method)
    return {"graphs_a_second": round(options.graphs / seconds, 1), "share_of_decoding": round(decoding / seconds, 4)}


class TimedWriter(ShardWriter):
    """A ShardWriter that also notes its CPU seconds."""

    def __init__(self, origin: CheckpointOrigin, folder: Folder) -> None:
        super().__init__(origin, Conditions(), folder)

    def __call__(self, shard: Shard, report: Callable[[int], None] = lambda _finished: None) -> None:
        """Sample and write one shard."""
        _, seconds = _cpu_seconds(partial(super().__call__, shard, report))
        self._folder.write(f"{shard.index}.seconds", str(seconds).encode())


def of_workers(options: argparse.Namespace) -> dict[str, Any]:
    """Wall and CPU seconds a shard of one and of two workers, for the same shards, worker start not counted.

    The wall seconds count from the moment when every worker has finished a shard. On a machine that is busy otherwise the CPU
    seconds say more: where two workers need as many as one, two free cores make them twice as fast.
    """
    from gengraph.distributed.cluster import session
    from gengraph.distributed.sample import sample_shards

    origin = CheckpointOrigin(load_checkpoint(newest_checkpoint(options.run)), {})
    shards = plan_shards(options.graphs, max(1, options.graphs // 10), 0)
    wall: dict[int, list[float]] = {1: [], 2: []}
    cpu: dict[int, list[float]] = {1: [], 2: []}
    with session(num_cpus=2), tempfile.TemporaryDirectory() as temporary:
        for turn in range(options.turns):
            for workers in (1, 2):
                folder = Folder(f"{temporary}/{turn}-{workers}")
                marks: list[float] = []

                def mark(_count: int, marks: list[float] = marks) -> None:
                    marks.append(time.perf_counter())

                make = partial(TimedWriter, origin, folder)
                sample_shards(make, shards, workers=workers, per_worker={"CPU": 1.0}, report=mark)
                wall[workers].append((marks[-1] - marks[workers - 1]) / (len(marks) - workers))
                seconds = [float(folder.read(name)) for name in folder.names() if name.endswith(".seconds")]
                cpu[workers].append(statistics.median(seconds))
    return {
        name: {
            "1": [round(x, 3) for x in values[1]],
            "2": [round(x, 3) for x in values[2]],
            "ratio": round(statistics.median(one / two for one, two in zip(values[1], values[2], strict=True)), 2),
        }
        for name, values in (("wall_seconds_a_shard", wall), ("cpu_seconds_a_shard", cpu))
    }


def of_memory(_options: argparse.Namespace) -> list[dict[str, float]]:
    """Peak and present resident memory after 10,000 to 1,000,000 graphs of a tiny model, written in shards of 10,000."""
    config = load_config("graphrnn-s/default").replace(["model.hidden_size=4"])
    facts = DataFacts(max_prev_node=3, max_num_node=6, several_components=False)
    torch.manual_seed(0)
    weights = GraphRNNModel(config.model, facts).state_dict()
    checkpoint = Checkpoint(config=config, facts=facts.to_dict(), weights=weights, optimizer={}, step=0)
    curve = []
    with tempfile.TemporaryDirectory() as temporary:
        write = ShardWriter(CheckpointOrigin(checkpoint, {}), Conditions(), Folder(temporary))
        for index in range(100):
            write(Shard(index, 10_000 * index, 10_000, 0))
            if index + 1 in (1, 2, 5, 10, 20, 50, 100):
                present = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
                curve.append({"graphs": 10_000 * (index + 1), "mb_now": round(present, 1), "mb_peak": round(peak, 1)})
    return curve


def on_a_device(options: argparse.Namespace) -> dict[str, Any]:
    """Graphs a second, one graph at least of each path drawn before; the paths have the same law."""
    checkpoint = _checkpoint(options)
    models = {device: checkpoint.build_model(device) for device in (options.device, "cpu")}
    paths = {
        "whole graphs on the device": (models[options.device], True, 1, ""),
        "whole graphs, torch alone": (models[options.device], True, 1, "torch"),
        "rows to and fro": (models[options.device], False, 8, ""),
        "one core": (models["cpu"], False, 100, ""),
    }
    rates: dict[str, list[float]] = {path: [] for path in paths}
    nodes = dict.fromkeys(paths, 0.0)
    for turn in range(options.turns + 1):  # the first compiles and does not count
        for path, (model, on_device, share, backend) in paths.items():
            kernels.use(backend)
            for kind in ("cpu", options.device):
                kernels.backend(kind)  # which is checked now, not in what is timed
            sampler, count = LanesSampler(model, Decoding(), on_device=on_device), max(1, options.graphs // share)
            start, made = time.perf_counter(), 0
            for drawn in sampler.draw(np.arange(count), np.zeros(count, np.int64), seed=turn):
                made += int(drawn.graphs.num_nodes.sum())
            if turn:
                rates[path].append(round(count / (time.perf_counter() - start), 1))
            nodes[path] = round(made / count, 1)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    return {"device": name, "model": checkpoint.config.model_name, "mean_nodes": nodes} | rates


def _checkpoint(options: argparse.Namespace) -> Checkpoint:
    """A model that is there, or trained now."""
    if options.pretrained:
        return load_ready_made(options.pretrained).checkpoint
    if not options.preset:
        return load_checkpoint(newest_checkpoint(options.run))
    config = load_config(options.preset).trained(steps=None, budget=options.budget, evaluations=1)
    graphs, facts = prepare_graphs(load_dataset(options.dataset), config)
    trainer = Trainer(config, facts, graphs, GraphSet.empty(), Place(device=torch.device(options.device)))
    trainer.run(lambda _: None, lambda _: None)
    return trainer.checkpoint()


def _cpu_seconds(function: Callable[[], Any]) -> tuple[Any, float]:
    """What a function returns, and the CPU seconds it took."""
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


PARTS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "loop": against_loop,
    "model": of_a_run,
    "workers": of_workers,
    "memory": of_memory,
    "device": on_a_device,
}

if __name__ == "__main__":
    main()
