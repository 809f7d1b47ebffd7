"""How fast training is: `python -m gengraph.benchmarks.speed.training --dataset grid --batch-size 32 --max-prev-node 40`.

Our training step against the algorithm of the 2018 code, written plainly here: networkx relabels and searches every graph,
rows are padded, both recurrent networks run on packed sequences, and the loss is the binary cross-entropy of sigmoids. Both
train the published network (four layers, breadth-first order, nearest node first, zero-row stop) with the same batch size and
max_prev_node, in turn (A-B-A-B) in one process with one thread; the input pipeline counts.

Reference:
    J. You et al. GraphRNN. ICML 2018.
"""

import argparse
import json
import time
from collections.abc import Callable

import networkx as nx
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from gengraph.config import load_config
from gengraph.data import load_dataset
from gengraph.graphs import GraphSet
from gengraph.training import Trainer, prepare_graphs


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="grid")
    parser.add_argument("--head", choices=("rnn", "mlp"), default="rnn")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-prev-node", type=int, default=40)
    parser.add_argument("--steps", type=int, default=2, help="steps of the reference in a turn; ours makes four times as many")
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    graphs = load_dataset(options.dataset).largest_components()
    reference = Reference(graphs, options.head, options.batch_size, options.max_prev_node)
    ours = _ours(graphs, options.head, options.batch_size, options.max_prev_node)
    reference.step()
    ours()
    seconds: dict[str, list[float]] = {"reference": [], "gengraph": []}
    for _ in range(options.turns):
        seconds["reference"].append(_seconds_a_step(reference.step, options.steps))
        seconds["gengraph"].append(_seconds_a_step(ours, 4 * options.steps))
    means = {name: float(np.mean(values)) for name, values in seconds.items()}
    report = vars(options) | {
        "seconds_a_step": {name: [round(value, 4) for value in values] for name, values in seconds.items()},
        "ratio": round(means["reference"] / means["gengraph"], 2),
        "torch": torch.__version__,
    }
    print(json.dumps(report, indent=2))


def _seconds_a_step(step: Callable[[], None], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def _ours(graphs: GraphSet, head: str, batch_size: int, max_prev_node: int) -> Callable[[], None]:
    settings = [f"training.batch_size={batch_size}", f"sequence.max_prev_node={max_prev_node}", f"model.head={head}"]
    config = load_config("paper").replace(settings)
    prepared, facts, _ = prepare_graphs(graphs, config)
    trainer = Trainer(config, facts, prepared, GraphSet.empty())
    return trainer.train_step


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
