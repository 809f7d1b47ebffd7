"""DeepGMG: its probabilities sum to one, samples follow them, and lockstep computes what one graph by itself would."""

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn.functional import logsigmoid

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.deepgmg import FAMILY
from gengraph.models.deepgmg.changes import NODE, Batch, changes_of, stack
from gengraph.models.deepgmg.config import DeepGMGConfig
from gengraph.models.deepgmg.model import DeepGMGModel
from gengraph.models.deepgmg.network import DeepGMGNetwork
from gengraph.models.family import Decoding
from gengraph.testing.generators import TRAINING, path_graphs

FEW = path_graphs(2, 3, 2)
WAYS: list[dict[str, Any]] = [
    {},
    {"edge_order": "random"},
    {"propagate": "decisions", "rounds": 1},
    {"propagate": "decisions", "edge_order": "random"},
]


def small_model(graphs: GraphSet = TRAINING, **fields: Any) -> DeepGMGModel:
    """Random weights in float64 that are large enough for the law to be far from uniform."""
    config = DeepGMGConfig(**{"hidden_size": 5, "rounds": 2, **fields})
    torch.manual_seed(2)
    model = FAMILY.build(config, FAMILY.prepare(graphs, config, seed=0))
    assert isinstance(model, DeepGMGModel)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(2)
    return model.double().eval()


def all_changes(num_nodes: int, edge_order: str) -> list[np.ndarray]:
    """Every sequence that builds a graph of so many nodes."""
    turns = itertools.combinations if edge_order == "age" else itertools.permutations
    rows = [[[NODE, *row] for d in range(i + 1) for row in turns(range(i), d)] for i in range(num_nodes)]
    return [np.array([*itertools.chain(*parts)]) for parts in itertools.product(*rows)]


def batch_of(changes: list[np.ndarray]) -> Batch:
    return stack(np.arange(len(changes)), changes)


def built(changes: np.ndarray) -> tuple[int, frozenset[tuple[int, int]]]:
    """The numbered graph that changes build."""
    newest = np.cumsum(changes == NODE) - 1
    edges = changes != NODE
    return int(newest[-1]) + 1, frozenset(zip(changes[edges].tolist(), newest[edges].tolist(), strict=True))


@pytest.mark.parametrize("fields", WAYS)
@torch.inference_mode()
def test_probabilities_sum_to_one(fields: dict[str, Any]) -> None:
    model, total = small_model(FEW, **fields), 0.0
    for n in range(1, 5):
        batch = batch_of(all_changes(n, model.config.edge_order))
        probability = model.log_prob(batch).exp()
        states = model._all_states(batch, made := model.decisions(batch))
        graph, ends = model._nodes(batch, made, *states[1:])
        last = torch.tensor([np.flatnonzero(graph == b)[-1] for b in range(len(batch.graph))])
        goes_on = probability / ends[last].exp() - probability
        assert total + float((probability + goes_on).sum()) == pytest.approx(1, abs=1e-9)
        total += float(probability.sum())
    assert 0.1 < total < 1


@pytest.mark.parametrize("fields", WAYS)
@torch.inference_mode()
def test_samples_follow_the_likelihood(fields: dict[str, Any]) -> None:
    model, count, expected = small_model(FEW, **fields), 1500, Counter[Any]()
    for n in range(1, 5):
        batch = batch_of(changes := all_changes(n, model.config.edge_order))
        for place, log_prob in zip(batch.graph, model.log_prob(batch).tolist(), strict=True):
            expected[built(changes[place])] += count * np.exp(log_prob)
    found = Counter[Any]()
    for drawn in model.sampler(Decoding(max_num_node=5)).draw(np.arange(count), np.zeros(count, np.int64), seed=1):
        found.update(built(changes_of(int(graph.num_nodes[0]), graph.edges)) for graph in drawn.graphs)
    often = [graph for graph, times in expected.items() if times >= 4]
    rest = count - sum(expected[graph] for graph in often)
    observed = [*(found[graph] for graph in often), count - sum(found[graph] for graph in often)]
    assert len(often) > 8
    assert stats.chisquare(observed, [*(expected[graph] for graph in often), rest]).pvalue > 1e-3


def represented(readout: Any, states: list[Tensor]) -> Tensor:
    total = torch.zeros(1, 2 * readout.parts.in_features).double()
    for state in states:
        gate, value = readout.parts(state).chunk(2, 1)
        total = total + torch.sigmoid(gate) * value
    return total


def after_messages(network: DeepGMGNetwork, states: list[Tensor], edges: set[tuple[int, int]]) -> list[Tensor]:
    for one in network.rounds:
        sums = [torch.zeros(1, 2 * state.shape[1]).double() for state in states]
        for u, v in edges | {(v, u) for u, v in edges}:
            sums[v] = sums[v] + one.source(states[u]) + one.target(states[v])
        states = [one.cell(total, state) for total, state in zip(sums, states, strict=True)]
    return states


def alone(network: DeepGMGNetwork, changes: list[int], config: DeepGMGConfig) -> float:
    """Log p of a sequence, node by node and neighbour by neighbour."""
    states: list[Tensor] = []
    edges, barred, log_prob = set[tuple[int, int]](), set[int](), torch.zeros(1).double()
    for change, after in itertools.pairwise([*changes, -2]):
        if change == NODE:
            states, barred = [*states, torch.tanh(network.start(represented(network.first_readout, states)))], set()
        else:
            edges.add((change, len(states) - 1))
            barred |= set(range(change + 1)) if config.edge_order == "age" else {change}
        states = after_messages(network, states, edges)
        candidates = [u for u in range(len(states) - 1) if u not in barred]
        if candidates:
            logit = network.edge(torch.cat([represented(network.readout, states), states[-1]], 1))
            log_prob = log_prob + logsigmoid(logit if after >= 0 else -logit)
        if config.propagate == "decisions":
            states = after_messages(network, states, edges)
        if after >= 0:
            by = network.choice_by(states[-1])
            logits = torch.cat([network.choice(torch.relu(network.choice_of(states[u]) + by)) for u in candidates])
            log_prob = log_prob + torch.log_softmax(logits[:, 0], 0)[candidates.index(after)]
        else:
            logit = network.node(represented(network.readout, states))
            log_prob = log_prob + logsigmoid(logit if after == NODE else -logit)
    return float(log_prob)


@pytest.mark.parametrize("fields", WAYS)
@torch.inference_mode()
def test_lockstep_is_what_each_graph_would_be_by_itself(fields: dict[str, Any]) -> None:
    model = small_model(**fields)
    batch = model.encoder(TRAINING)(np.arange(len(TRAINING)), key=(0, 3))
    found = model.log_prob(batch).tolist()
    for changes, length, log_prob in zip(batch.changes.tolist(), batch.lengths, found, strict=True):
        assert alone(model.network, changes[:length], model.config) == pytest.approx(log_prob, rel=1e-9)


@pytest.mark.parametrize("edge_order", ["age", "random"])
def test_changes_build_the_graph(edge_order: str) -> None:
    model = small_model(edge_order=edge_order)
    batch = model.encoder(TRAINING)(np.arange(len(TRAINING)), key=(4, 5))
    for g, changes, length in zip(batch.graph, batch.changes, batch.lengths, strict=True):
        count, edges = built(changes[:length])
        assert (count, len(edges)) == (TRAINING.num_nodes[g], TRAINING.num_edges[g])
        assert GraphSet.from_edge_lists([count], [sorted(edges)]).degrees().max() == TRAINING[[g]].degrees().max()
    assert batch.num_nodes.sum() == TRAINING.num_nodes.sum()


@pytest.mark.parametrize("fields", WAYS)
def test_gradients_reach_all_weights(fields: dict[str, Any]) -> None:
    model = small_model(**fields).train()
    model(model.encoder(TRAINING)(np.arange(4), key=(0, 0)), 0.0).total.backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert float(weight.grad.abs().sum()) > 0, name


def test_what_has_no_edges_gets_none() -> None:
    graphs = GraphSet.from_edge_lists([3, 1, 4], [[], [], []])
    for fields in WAYS:
        model = small_model(graphs, **fields)
        with torch.inference_mode():
            assert torch.isfinite(model.log_prob(model.encoder(graphs)(np.arange(3), key=(0, 0)))).all()
        drawn = list(model.sampler(Decoding()).draw(np.arange(30), np.zeros(30, np.int64), seed=0))
        assert sum(len(part.graphs.edges) for part in drawn) == 0


def test_a_graph_that_does_not_end_is_cut() -> None:
    model = small_model()
    with torch.no_grad():
        model.network.node[-1].bias.fill_(50)
    for limit in (7, None):
        for part in model.sampler(Decoding(max_num_node=limit)).draw(np.arange(5), np.zeros(5, np.int64), seed=0):
            assert part.cut.all()
            assert (part.graphs.num_nodes == (limit or 2 * model.largest)).all()


def test_temperature_is_for_edges() -> None:
    """With a constant logit, the first decision on an edge is a Bernoulli; sizes keep their law."""
    model, sizes = small_model(FEW), {}
    with torch.no_grad():
        for weight in [*model.network.edge[-1].parameters(), model.network.node[-1].weight]:
            weight.zero_()
        model.network.edge[-1].bias.fill_(-1.0)
        model.network.node[-1].bias.fill_(1.0)
    for temperature in (0.5, 2.0):
        parts = list(model.sampler(Decoding(temperature=temperature)).draw(np.arange(800), np.zeros(800, np.int64), seed=7))
        graphs = GraphSet.concatenate([part.graphs for part in parts])
        graphs = graphs[np.argsort(np.concatenate([part.place for part in parts]))]
        sizes[temperature] = graphs.num_nodes.mean()
        firsts = np.bincount(graphs.graph_of_edge[(graphs.edges == [0, 1]).all(1)], minlength=len(graphs))
        assert firsts[graphs.num_nodes > 1].mean() == pytest.approx(1 / (1 + np.exp(1 / temperature)), abs=0.06)
    assert sizes[0.5] == pytest.approx(sizes[2.0], rel=0.1)


def test_large_graphs_are_refused() -> None:
    with pytest.raises(InputError, match="at most 4 nodes, got 9"):
        FAMILY.select(GraphSet.from_edge_lists([9], [[(0, 1)]]), DeepGMGConfig(most_nodes=4))
