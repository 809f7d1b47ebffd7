"""The network that labels a graph, node by node and edge by edge, knowing the whole of its structure.

    context    a few rounds of message passing over the bare graph say where each node stands (degrees, cycles through edges)
    recurrence a GRU over the decisions of the graph, fed with the contexts of the two nodes and what is known of their labels
    head       logits from its state, its state when the older node was labelled, and the same features

so that p(labels | graph, order) is a product of softmaxes, exact and normalised.

Legend: B graphs, N nodes, E edges, D decisions, T decisions of the longest graph, F features, H hidden size, S context size.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array, LabelArrays, LabelSchema
from gengraph.models.labelling.config import LabellingConfig
from gengraph.models.labelling.decisions import NUM_CYCLES, Classes, Decisions, Known, classes_of, decisions_of, labels_of

NUM_DEGREES = 8  # degrees that nodes are told apart by: 0..6, more


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """The labels of some graphs, as the network reads them.

    Attributes:
        decisions: of the graphs.
        features: float32[D, F].
        classes: int64[D], what is decided.
    """

    decisions: Decisions
    features: Tensor
    classes: Int64Array


class _Round(nn.Module):
    """A node's context from its own and the sum of its neighbours'."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.own, self.near, self.norm = nn.Linear(size, size), nn.Linear(size, size, bias=False), nn.LayerNorm(size)

    def forward(self, context: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """float[N, S] from float[N, S]; neighbours `source` of nodes `target`, int64[2E] each."""
        near = torch.zeros_like(context).index_add(0, target, context[source])
        return context + functional.relu(self.norm(self.own(context) + self.near(near)))


class Labeller(nn.Module):
    """p(labels | structure), under a random depth-first order of the nodes.

    Args:
        config: of the network.
        schema: of the labels.
    """

    def __init__(self, config: LabellingConfig, schema: LabelSchema) -> None:
        super().__init__()
        self.schema, self.classes = schema, Classes.of(schema)
        self.with_edges = self.classes.edges > 1
        size, hidden = config.context_size, config.hidden_size
        known = self.classes.num_features + NUM_CYCLES + 2 * size
        self.first = nn.Linear(NUM_DEGREES + NUM_CYCLES, size)
        self.rounds = nn.ModuleList(_Round(size) for _ in range(config.rounds))
        self.recurrence = nn.GRU(known, hidden, batch_first=True)
        self.node_head = _head(2 * hidden + known, config.head_size, self.classes.nodes)
        self.edge_head = _head(2 * hidden + known, config.head_size, self.classes.edges) if self.with_edges else None

    def batch(self, graphs: GraphSet, keys: npt.NDArray[np.uint64]) -> LabelBatch:
        """Labelled graphs in the orders that keys draw, on the CPU."""
        decisions = decisions_of(graphs, keys, with_edges=self.with_edges)
        classes = classes_of(graphs, decisions)
        return LabelBatch(decisions, torch.from_numpy(Known(decisions, self.classes).all_features(classes)), classes)

    def log_prob(self, batch: LabelBatch) -> Tensor:
        """float[B], log p of the labels of each graph in nats."""
        device = self.first.weight.device
        decisions, lengths = batch.decisions, np.diff(batch.decisions.offsets)
        padded, own = _padding(lengths)
        inputs = torch.cat([batch.features.to(self.first.weight), self._places(decisions, np.arange(len(decisions.node)))], 1)
        states, _ = self.recurrence(inputs[torch.from_numpy(padded).to(device)])
        flat = states.reshape(-1, states.shape[-1])
        told = torch.from_numpy(own - _places_in(lengths) + decisions.told).to(device)
        state = torch.cat([flat[torch.from_numpy(own).to(device)], flat[told], inputs], 1)
        log_probs = inputs.new_zeros(len(own))
        classes = torch.from_numpy(batch.classes).to(device)
        for chosen, logits in self._logits(state, decisions.edge >= 0):
            log_probs = log_probs.index_add(0, chosen, _taken(logits, classes[chosen]))
        graph = torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths)).to(device)
        return inputs.new_zeros(len(lengths)).index_add(0, graph, log_probs)

    @torch.inference_mode()
    def draw(
        self,
        graphs: GraphSet,
        keys: npt.NDArray[np.uint64],
        uniforms: npt.NDArray[np.float64],
        temperature: float = 1.0,
    ) -> LabelArrays:
        """Labels of graphs.

        Args:
            graphs: bare, B of them.
            keys: uint64[B], that draw their orders.
            uniforms: float64[D] in [0, 1), one for each decision, graph after graph.
            temperature: divides the logits, > 0.
        """
        device = self.first.weight.device
        decisions = decisions_of(graphs, keys, with_edges=self.with_edges)
        known, lengths = Known(decisions, self.classes), np.diff(decisions.offsets)
        classes = np.zeros(len(decisions.node), np.int64)
        places = self._places(decisions, np.arange(len(decisions.node)))
        states = places.new_zeros(len(decisions.node), self.recurrence.hidden_size)
        hidden = places.new_zeros(len(lengths), self.recurrence.hidden_size)
        order = np.argsort(-lengths, kind="stable")
        for step in range(int(lengths.max(initial=0))):
            graph = order[: int((lengths > step).sum())]
            which = decisions.offsets[graph] + step
            features = torch.from_numpy(known.features(which, classes[which - 1] if step else classes[which])).to(places)
            here, of_graph = torch.from_numpy(which).to(device), torch.from_numpy(graph).to(device)
            inputs = torch.cat([features, places[here]], 1)
            new = self.recurrence(inputs[:, None], hidden[of_graph][None])[1][0]
            hidden[of_graph] = states[here] = new
            told = torch.from_numpy(decisions.offsets[graph] + decisions.told[which]).to(device)
            state = torch.cat([new, states[told], inputs], 1)
            for chosen, logits in self._logits(state, decisions.edge[which] >= 0):
                at = which[chosen.cpu().numpy()]
                classes[at] = _drawn(logits / temperature, uniforms[at])
            known.add(which, classes[which])
        return labels_of(classes, decisions, self.schema, len(graphs.edges))

    def num_decisions(self, graphs: GraphSet) -> Int64Array:
        """int64[B], of each graph."""
        return graphs.num_nodes + (graphs.num_edges if self.with_edges else 0)

    def guess(self, graphs: GraphSet) -> float:
        """What labels that are all as likely cost, in nats."""
        edges = len(graphs.edges) if self.with_edges else 0
        return float(graphs.num_nodes.sum() * np.log(self.classes.nodes) + edges * np.log(self.classes.edges))

    def _places(self, decisions: Decisions, which: Int64Array) -> Tensor:
        """float[D, NUM_CYCLES + 2S]: the cycle through the edge, and where both nodes stand."""
        device = self.first.weight.device
        node, other, edge = (torch.from_numpy(array[which]).long().to(device) for array in decisions[1:4])
        cycle = torch.from_numpy(decisions.cycle).long().to(device)
        there, along = (other >= 0)[:, None], (edge >= 0)[:, None]
        cycles = functional.one_hot(cycle, NUM_CYCLES).to(self.first.weight) if len(cycle) else None
        context = self._context(decisions, cycles)
        of_edge = context.new_zeros(len(which), NUM_CYCLES) if cycles is None else cycles[edge.clamp(min=0)] * along
        return torch.cat([of_edge, context[node], context[other.clamp(min=0)] * there], 1)

    def _context(self, decisions: Decisions, cycles: Tensor | None) -> Tensor:
        """float[N, S], where each node stands in its graph."""
        weight, degree = self.first.weight, np.diff(decisions.starts)
        source = torch.from_numpy(decisions.neighbours).long().to(weight.device)
        target = torch.from_numpy(np.repeat(np.arange(len(degree)), degree)).to(weight.device)
        degrees = torch.from_numpy(np.minimum(degree, NUM_DEGREES - 1)).to(weight.device)
        rings = weight.new_zeros(len(degree), NUM_CYCLES)
        if cycles is not None:
            rows = torch.from_numpy(decisions.rows).long().to(weight.device)
            rings = rings.index_add(0, target, cycles[rows])
        context = functional.relu(self.first(torch.cat([functional.one_hot(degrees, NUM_DEGREES).to(weight), rings], 1)))
        for layer in self.rounds:
            context = layer(context, source, target)
        return context

    def _logits(self, state: Tensor, is_edge: npt.NDArray[np.bool_]) -> list[tuple[Tensor, Tensor]]:
        """For each kind of decision: which rows of the state are of it, and their logits."""
        found = []
        for head, mask in ((self.node_head, ~is_edge), (self.edge_head, is_edge)):
            chosen = torch.from_numpy(np.flatnonzero(mask)).to(state.device)
            if head is not None and len(chosen):
                found.append((chosen, head(state[chosen])))
        return found


def _head(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def _places_in(lengths: Int64Array) -> Int64Array:
    """int64[D], the place of each decision in its graph."""
    begins = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) - np.repeat(begins, lengths)


def _padding(lengths: Int64Array) -> tuple[Int64Array, Int64Array]:
    """int64[B, T], the decision at each place of a padded table, the last one beyond the end; int64[D], where each stands."""
    longest = int(lengths.max(initial=0))
    begins = np.cumsum(lengths) - lengths
    padded = begins[:, None] + np.minimum(np.arange(longest), lengths[:, None] - 1)
    return padded, np.repeat(np.arange(len(lengths)) * longest, lengths) + _places_in(lengths)


def _taken(logits: Tensor, classes: Tensor) -> Tensor:
    return functional.log_softmax(logits, 1).gather(1, classes[:, None])[:, 0]


def _drawn(logits: Tensor, uniforms: npt.NDArray[np.float64]) -> Int64Array:
    """The class at which the cumulative probability passes the uniform number, in float64 on the CPU."""
    below = torch.softmax(logits.double(), 1).cumsum(1).cpu().numpy()
    classes: Int64Array = (uniforms[:, None] * below[:, -1:] >= below).sum(1)
    return np.minimum(classes, logits.shape[1] - 1)
