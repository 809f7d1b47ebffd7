"""All row sequences of a tiny model, and their probabilities by the plainest evaluation: bit by bit, one graph at a time."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
import numpy.typing as npt
import torch
from plain_context import context_logits
from scipy.stats import chisquare
from torch.nn import functional

from gengraph.graphs import GraphSet
from gengraph.models.graphrnn.config import GraphRNNConfig
from gengraph.models.graphrnn.context_head import ContextEdges
from gengraph.models.graphrnn.network import DataFacts, GraphRNNModel
from gengraph.models.graphrnn.node import COUNTDOWN
from gengraph.models.graphrnn.rnn_head import EdgeRNN
from gengraph.models.graphrnn.rows import CONTINUE, NEW_COMPONENT, STOP, RowBatch
from gengraph.training.config import Config

MAX_NODES = 4
HEAD_SIZES = {"rnn": 4, "mlp": 4, "context": 64}


@dataclass(frozen=True)
class Rows:
    """The rows of one graph: chosen[t] are the bits of row t (nearest first), the last row is the end."""

    chosen: tuple[tuple[int, ...], ...]
    widths: tuple[int, ...]

    @property
    def num_nodes(self) -> int:
        return len(self.widths)

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        return tuple(sorted((t - k, t + 1) for t, bits in enumerate(self.chosen) for k, bit in enumerate(bits) if bit))

    def batch(self, max_prev_node: int) -> RowBatch:
        n = self.num_nodes
        bits = np.zeros((n, max_prev_node), np.uint8)
        decisions = np.full(n, STOP, np.uint8)
        for t, row in enumerate(self.chosen):
            bits[t, : len(row)] = row
            decisions[t] = CONTINUE if any(row) else NEW_COMPONENT
        one = np.ones(n, np.int64)
        return RowBatch(np.array([0]), np.array([n]), one, bits, np.array(self.widths, np.int32), decisions, 0)


def tiny_config(**settings: str) -> GraphRNNConfig:
    """Sizes of a few units; settings have `__` for `.`."""
    head = HEAD_SIZES[settings.get("model__head__kind", "rnn")]
    sizes = ["model.hidden_size=6", "model.embedding_size=4", f"model.head.hidden_size={head}"]
    sizes += ["model.num_heads=2"] * (settings.get("model__node") == "transformer")
    config: GraphRNNConfig = (
        Config().replace([*sizes, *(f"{name.replace('__', '.')}={value}" for name, value in settings.items())]).model
    )
    return config


def tiny_model(*, several_components: bool = True, max_prev_node: int = 3, **settings: str) -> GraphRNNModel:
    """A model with random weights of order one, in float64."""
    sizes = [[2, 3, 4], [0.2, 0.5, 0.3]] if settings.get("model__stop") == "size" else None
    facts = DataFacts(max_prev_node=max_prev_node, max_num_node=MAX_NODES, several_components=several_components, sizes=sizes)
    torch.manual_seed(3)
    model = GraphRNNModel(tiny_config(**settings), facts).double()
    if model.sizes:  # no others, so that their probabilities sum to one
        model.sizes = replace(model.sizes, smoothing=0.0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model


def sequences(model: GraphRNNModel) -> Iterator[Rows]:
    """All row sequences with at most MAX_NODES nodes."""

    def grow(rows: Rows, start: int) -> Iterator[Rows]:
        t = rows.num_nodes
        width = min(t + 1 - start, model.facts.max_prev_node)
        ended = Rows(rows.chosen, (*rows.widths, width))
        yield ended
        if t + 1 == MAX_NODES:
            return
        for bits in itertools.product((0, 1), repeat=width):
            if any(bits) or (model.decides and model.facts.several_components):
                oldest = min((t - k for k, bit in enumerate(bits) if bit), default=t + 1)
                yield from grow(Rows((*rows.chosen, bits), ended.widths), oldest if model.adaptive else 0)

    return grow(Rows((), ()), 0)


def plain_log_prob(model: GraphRNNModel, rows: Rows, *, with_end: bool = True, temperature: float = 1.0) -> float:
    """The log-probability of a sequence, or of it without its end (of growing so far), edges drawn at a temperature."""
    log_prob = 0.0
    made = [torch.ones(model.embed.in_features, dtype=torch.float64)]
    for t, width in enumerate(rows.widths):
        if model.sizes:
            to_come = torch.tensor([float(rows.num_nodes - 1 - t)], dtype=torch.float64)
            made[-1][-len(COUNTDOWN) :] = torch.cat([torch.exp(-to_come / scale) for scale in COUNTDOWN])
        states = model.node(functional.relu(model.embed(torch.stack(made))), [1] * len(made))
        state = states[-1:]
        at_end = t == rows.num_nodes - 1
        if at_end and model.sizes:
            return log_prob + float(model.sizes.log_prob(np.array([rows.num_nodes]))[0])
        if at_end and not with_end:
            break
        bits = (0,) * width if at_end else rows.chosen[t]
        if model.decides:
            decision = STOP if at_end else CONTINUE if any(bits) else NEW_COMPONENT
            log_prob += model.decision_log_probs(state)[0, decision].item()
        if not model.decides or decision == CONTINUE:
            parts = _plain_mixture(model, states, rows, bits)
            log_prob += math.log(sum(share * math.exp(_plain_row(model, logits, bits, temperature)) for share, logits in parts))
        made.append(_plain_input(model, state, bits))
    return log_prob


def _plain_input(model: GraphRNNModel, state: torch.Tensor, bits: tuple[int, ...]) -> torch.Tensor:
    """What the node level is told of a row that was made from a state."""
    told = torch.zeros(model.embed.in_features, dtype=torch.float64)
    if not model.reads_edge_state:
        told[: len(bits)] = torch.tensor(bits, dtype=torch.float64)
    elif any(bits) or not model.decides:
        read = torch.tensor([1, *(bits[k] for k in scan_order(model, len(bits)))], dtype=torch.float64)[:, None]
        told = model.head.rnn(functional.relu(model.head.embed(read)), [1] * len(read), model.head.start(state))[-1]
    return told


def _plain_mixture(
    model: GraphRNNModel, states: torch.Tensor, rows: Rows, bits: tuple[int, ...]
) -> list[tuple[float, list[float]]]:
    """Weight and logits, in the order of the scan, of each component of a row's law, the states up to it being given."""
    head, state, newest = model.head, states[-1:], len(states) - 1
    if isinstance(head, ContextEdges):
        graph = nx.empty_graph(newest + 1)
        graph.add_edges_from(edge for edge in rows.edges if edge[1] <= newest)
        return [(1.0, context_logits(head, states, graph, newest, {newest - k: bit for k, bit in enumerate(bits)}).tolist())]
    order = scan_order(model, len(bits))
    if isinstance(head, EdgeRNN):
        read = torch.tensor([1, *(bits[k] for k in order[:-1])], dtype=torch.float64)[:, None]
        hidden = head.rnn(functional.relu(head.embed(read)), [1] * len(bits), head.start(state))
        return [(1.0, head.output(hidden)[:, 0].tolist())]
    outputs, bound = head.output(state)[0].tolist(), model.facts.max_prev_node
    weights = [math.exp(value) for value in outputs[head.num_components * bound :]] or [1.0]
    return [(weight / sum(weights), [outputs[c * bound + k] for k in order]) for c, weight in enumerate(weights)]


def scan_order(model: GraphRNNModel, width: int) -> list[int]:
    """The bits of a row in the order of its scan."""
    return list(range(width))[:: -1 if model.oldest_first else 1]


def _plain_row(model: GraphRNNModel, logits: list[float], bits: tuple[int, ...], temperature: float) -> float:
    width, log_prob = len(bits), 0.0
    order = scan_order(model, width)
    for j, k in enumerate(order):
        certain = model.decides and j == width - 1 and not any(bits[i] for i in order[:j])
        if not certain:
            log_prob -= math.log1p(math.exp((-1 if bits[k] else 1) * logits[j] / temperature))
    return log_prob


def law(model: GraphRNNModel, temperature: float = 1.0) -> dict[int, float]:
    """The probability of each graph, named by its code, when sequences are cut at MAX_NODES."""
    expected: dict[int, float] = {}
    for rows in sequences(model):
        (code,) = codes(GraphSet.from_edge_lists([rows.num_nodes], [rows.edges])).tolist()
        with_end = rows.num_nodes < MAX_NODES
        probability = math.exp(plain_log_prob(model, rows, with_end=with_end, temperature=temperature))
        expected[code] = expected.get(code, 0.0) + probability
    return expected


def codes(graphs: GraphSet) -> npt.NDArray[np.int64]:
    """A number for each graph with at most four nodes: its nodes, then one bit for each of the six pairs of nodes."""
    u, v = graphs.edges.astype(np.int64).T
    return (graphs.num_nodes.astype(np.int64) << 6) + np.bincount(
        graphs.graph_of_edge, 2.0 ** (v * (v - 1) // 2 + u), len(graphs)
    ).astype(np.int64)


def chi_square(graphs: GraphSet, expected: dict[int, float]) -> float:
    """The p-value of the chi-square test of graphs against the probabilities of their codes; rare codes are taken together."""
    assert abs(sum(expected.values()) - 1) < 1e-9
    found, counts = np.unique(codes(graphs), return_counts=True)
    observed = dict(zip(found.tolist(), counts.tolist(), strict=True))
    assert set(observed) <= set(expected)
    common = {code: len(graphs) * p for code, p in expected.items() if len(graphs) * p >= 5}
    seen = [observed.get(code, 0) for code in common]
    rest = max(len(graphs) - sum(common.values()), 1e-9)
    if len(common) == len(expected):
        return float(chisquare(seen, np.array([*common.values()]) * (sum(seen) / sum(common.values()))).pvalue)
    return float(chisquare([*seen, len(graphs) - sum(seen)], [*common.values(), rest]).pvalue)
