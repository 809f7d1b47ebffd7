"""How fast training is: `python -m gengraph.benchmarks.speed.training --dataset grid --batch-size 32 --max-prev-node 40`.

Our training step against the algorithm of the 2018 code, written plainly here: networkx relabels and searches every graph,
rows are padded, both recurrent networks run on packed sequences, and the loss is the binary cross-entropy of sigmoids. Both
train the published network (four layers, breadth-first order, nearest node first, zero-row stop) with the same batch size and
max_prev_node, in turn (A-B-A-B) in one process with one thread; the input pipeline counts. Seconds are of CPU time, which a
busy machine stretches less than wall time.

Memory (Linux) is that of two further processes, one for each. Both import the same, load the data and make a step with a batch
of one graph; from there on the kernel is asked for the peak of the resident memory during whole steps. What was there before is
subtracted: libraries and data are not the algorithm's.

The share of sgemm is that of this core's rate in a matrix product of 1024 x 1024 which the operations of a whole step reach.

Reference:
    J. You et al. GraphRNN. ICML 2018.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from gengraph.benchmarks.speed.kernels import sgemm_rate
from gengraph.data import load_dataset
from gengraph.graphs import GraphSet
from gengraph.models.graphrnn.kernels import backend, use
from gengraph.models.graphrnn.network import DataFacts, GraphRNNModel
from gengraph.models.graphrnn.rows import scan_rows
from gengraph.training.config import Config, load_config
from gengraph.training.trainer import Trainer, prepare_graphs

SIDES = ("reference", "gengraph")


@dataclass(frozen=True, slots=True)
class Workload:
    """What both sides are given."""

    dataset: str
    head: str
    batch_size: int
    max_prev_node: int


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="grid")
    parser.add_argument("--head", choices=("rnn", "mlp"), default="rnn")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-prev-node", type=int, default=40)
    parser.add_argument("--steps", type=int, default=2, help="steps of the reference in a turn; ours makes four times as many")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--backend", default="", help="native, torch or reference; by itself the best that works")
    parser.add_argument("--memory-of", choices=SIDES, help="print the memory of one side alone, in this process")
    options = parser.parse_args()
    work = Workload(options.dataset, options.head, options.batch_size, options.max_prev_node)
    torch.set_num_threads(1)
    use(options.backend)
    if options.memory_of:
        print(json.dumps(_memory(options.memory_of, work, options.steps)))
        return
    report = vars(options) | {"backend": backend().label} | _speed(work, options.steps, options.turns)
    report["memory_mb"] = {side: _memory_elsewhere(side) for side in SIDES}
    report["torch"] = torch.__version__
    print(json.dumps(report, indent=2))


def _speed(work: Workload, steps: int, turns: int) -> dict[str, Any]:
    graphs = load_dataset(work.dataset).largest_components()
    make_step = {side: step_of(side, graphs, work) for side in SIDES}
    for step in make_step.values():
        step()
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    sgemm = []
    for _ in range(turns):
        sgemm.append(sgemm_rate())
        seconds["reference"].append(_seconds_a_step(make_step["reference"], steps))
        seconds["gengraph"].append(_seconds_a_step(make_step["gengraph"], 4 * steps))
    means = {side: float(np.mean(values)) for side, values in seconds.items()}
    pipeline = input_pipeline(graphs, work)
    pipeline()
    return {
        "seconds_a_step": {side: [round(value, 4) for value in values] for side, values in seconds.items()},
        "ratio": round(means["reference"] / means["gengraph"], 2),
        "share_of_sgemm": round(_operations_a_step(graphs, work) / means["gengraph"] / max(sgemm), 3),
        "share_of_input_pipeline": round(_seconds_a_step(pipeline, 8 * steps) / means["gengraph"], 4),
    }


def _seconds_a_step(step: Callable[[], None], count: int) -> float:
    start = time.process_time()
    for _ in range(count):
        step()
    return (time.process_time() - start) / count


def _operations_a_step(graphs: GraphSet, work: Workload) -> float:
    """Multiplications and additions with weights, forward and twice as many backward, in our step on average."""
    config = _config(work)
    prepared, facts = prepare_graphs(graphs, config)
    model = GraphRNNModel(config.model, DataFacts(**facts))
    batch = model.encoder(prepared)(np.arange(len(prepared)), key=(0, 0))
    scan = scan_rows(batch, oldest_first=False, every_row=True)
    times = dict.fromkeys(("head.rnn.", "head.output."), len(scan.bits)) if work.head == "rnn" else {}
    total = 0
    for name, weight in model.named_parameters():
        if weight.dim() == 2 and name != "head.rnn.input_weights.0":  # that one sees two inputs only
            total += weight.numel() * next((count for part, count in times.items() if name.startswith(part)), len(batch.widths))
    return 6.0 * total * min(work.batch_size, len(prepared)) / len(prepared)


def _memory_elsewhere(side: str) -> dict[str, float]:
    """The memory of one side in a process of its own, with the options of this one."""
    command = [sys.executable, "-m", "gengraph.benchmarks.speed.training", *sys.argv[1:], "--memory-of", side]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    values: dict[str, float] = json.loads(output)
    return values


def _memory(side: str, work: Workload, steps: int) -> dict[str, float]:
    """Resident memory in MB: before whole steps, at their peak, and the difference."""
    graphs = load_dataset(work.dataset).largest_components()
    step_of(side, graphs, Workload(work.dataset, work.head, 1, work.max_prev_node))()
    step = step_of(side, graphs, work)
    gc.collect()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    for _ in range(2 * steps):
        step()
    peak = _resident("VmHWM")
    return {"before": round(before, 1), "peak": round(peak, 1), "added": round(peak - before, 1)}


def _resident(field: str) -> float:
    """A field of /proc/self/status in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def step_of(side: str, graphs: GraphSet, work: Workload) -> Callable[[], None]:
    """A training step of one side."""
    if side == "reference":
        return Reference(graphs, work.head, work.batch_size, work.max_prev_node).step
    config = _config(work)
    prepared, facts = prepare_graphs(graphs, config)
    return Trainer(config, facts, prepared, GraphSet.empty()).train_step


def input_pipeline(graphs: GraphSet, work: Workload) -> Callable[[], None]:
    """What our step does with graphs before a network sees them: orderings, rows and scans of a batch drawn at random."""
    config = _config(work)
    prepared, facts = prepare_graphs(graphs, config)
    encode, random = GraphRNNModel(config.model, DataFacts(**facts)).encoder(prepared), np.random.default_rng(0)

    def step() -> None:
        drawn = random.integers(len(prepared), size=work.batch_size)
        batch = encode(drawn, key=(0, 0))
        if work.head == "rnn":
            scan_rows(batch, oldest_first=False, every_row=True)

    return step


def _config(work: Workload) -> Config:
    return load_config("graphrnn/paper").replace(
        [
            f"training.batch_size={work.batch_size}",
            f"model.sequence.max_prev_node={work.max_prev_node}",
            f"model.head.kind={work.head}",
        ]
    )


class Reference:
    """The 2018 training step, as its authors describe it."""

    def __init__(self, graphs: GraphSet, head: str, batch_size: int, max_prev_node: int) -> None:
        """Networks of the published sizes and one Adam for each."""
        self.graphs = graphs.to_networkx()
        self.batch_size, self.width = batch_size, max_prev_node
        self.longest = int(graphs.num_nodes.max())
        self.random = np.random.default_rng(0)
        self.head = head
        self.embed = nn.Linear(max_prev_node, 64)
        self.node_rnn = nn.GRU(64, 128, 4, batch_first=True)
        self.edge_start = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 16))
        self.edge_embed = nn.Linear(1, 8)
        self.edge_rnn = nn.GRU(8, 16, 4, batch_first=True)
        self.edge_output = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1))
        self.mlp = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, max_prev_node))
        modules = nn.ModuleList([self.embed, self.node_rnn, self.edge_start, self.edge_embed, self.edge_rnn])
        modules.extend([self.edge_output, self.mlp])
        self.optimizer = torch.optim.Adam(modules.parameters(), lr=0.003)

    def encode(self, graph: nx.Graph) -> tuple[Tensor, int]:
        """Relabel at random, search breadth first from a random node, and keep the last bits of every adjacency row."""
        matrix = nx.to_numpy_array(graph)
        shuffled = self.random.permutation(len(matrix))
        matrix = matrix[np.ix_(shuffled, shuffled)]
        relabelled = nx.from_numpy_array(matrix)
        root = int(self.random.integers(len(matrix)))
        order = [root] + [child for _, children in nx.bfs_successors(relabelled, root) for child in children]
        matrix = matrix[np.ix_(order, order)]
        rows = np.zeros((self.longest, self.width), np.float32)
        for i in range(1, len(matrix)):
            last = matrix[i, max(0, i - self.width) : i][::-1]
            rows[i - 1, : len(last)] = last
        return torch.from_numpy(rows), len(matrix)

    def step(self) -> None:
        """One optimiser step on a batch of graphs drawn with replacement."""
        drawn = [self.encode(self.graphs[i]) for i in self.random.integers(len(self.graphs), size=self.batch_size)]
        drawn.sort(key=lambda item: -item[1])
        lengths = [length for _, length in drawn]
        rows = torch.stack([row for row, _ in drawn])[:, : lengths[0]]
        before = torch.cat([torch.ones_like(rows[:, :1]), rows[:, :-1]], dim=1)
        packed = pack_padded_sequence(functional.relu(self.embed(before)), lengths, batch_first=True)
        states: PackedSequence = self.node_rnn(packed)[0]
        loss = self.edge_loss(states, rows, lengths) if self.head == "rnn" else self.mlp_loss(states, rows)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def mlp_loss(self, states: PackedSequence, rows: Tensor) -> Tensor:
        """GraphRNN-S: all positions at once, padding included."""
        padded, _ = pad_packed_sequence(states, batch_first=True)
        return functional.binary_cross_entropy(torch.sigmoid(self.mlp(padded)), rows)

    def edge_loss(self, states: PackedSequence, rows: Tensor, lengths: list[int]) -> Tensor:
        """GraphRNN: a second recurrent network over the bits of every row, longest rows first."""
        targets = pack_padded_sequence(rows, lengths, batch_first=True)
        step_of_row = torch.repeat_interleave(torch.arange(len(targets.batch_sizes)), targets.batch_sizes)
        widths = (step_of_row + 1).clamp(max=self.width)
        longest_first = torch.argsort(widths, descending=True)
        bits, widths = targets.data[longest_first].unsqueeze(2), widths[longest_first]
        previous = torch.cat([torch.ones_like(bits[:, :1]), bits[:, :-1]], dim=1)
        start = torch.zeros(4, len(bits), 16)
        start[0] = self.edge_start(states.data[longest_first])
        packed = pack_padded_sequence(functional.relu(self.edge_embed(previous)), widths, batch_first=True)
        hidden, _ = pad_packed_sequence(self.edge_rnn(packed, start)[0], batch_first=True)
        predicted = torch.sigmoid(self.edge_output(hidden))
        mask = torch.arange(predicted.shape[1]) < widths[:, None]
        return functional.binary_cross_entropy(predicted * mask.unsqueeze(2), bits[:, : predicted.shape[1]] * mask.unsqueeze(2))


if __name__ == "__main__":
    main()
