"""MolRNN and MolMP: probabilities sum to one, samples follow them, a start is kept, orders have their weights."""

import itertools
from collections import Counter
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import stats

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, LabelArrays, Labels, LabelSchema
from gengraph.graphs.orderings import Adjacency
from gengraph.models.family import Decoding, HasPolicy
from gengraph.models.molrnn import FAMILY
from gengraph.models.molrnn.config import MolRNNConfig
from gengraph.models.molrnn.model import MolRNNModel
from gengraph.models.molrnn.network import Partial
from gengraph.models.molrnn.sequences import encoder, log_prob_of_order, sequences_of
from gengraph.testing.generators import TRAINING, path_graphs

SCHEMA = LabelSchema(Labels("element", ("N", "C")), Labels("bond", ("1", "2")))
VALENCES = [[1, 3], [1, 2]]
WAYS: list[dict[str, Any]] = [{"recurrent": True}, {"recurrent": False, "hops": 1}, {"recurrent": False, "masked": True}]
MOST = 3


def small_model(*, masked: bool = False, connected: bool = False, schema: LabelSchema = SCHEMA, **fields: Any) -> MolRNNModel:
    """Random weights in float64 that are large enough for the law to be far from uniform."""
    sizes = {"embedding_size": 3, "layer_sizes": (5, 4), "skip_size": 5, "state_size": 6, "policy_size": 5}
    config = MolRNNConfig(**{**sizes, **fields})
    facts = {"max_num_node": 3, "has_edges": True, "connected": connected, "valences": VALENCES if masked else None}
    torch.manual_seed(4)
    model = FAMILY.build(config, facts | ({"labels": schema.to_json()} if schema else {}))
    assert isinstance(model, MolRNNModel)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(0, 0.6) if "norms" not in name else weight.add_(0.1)
    return model.double().eval()


def numbered(sizes: list[int], edges: list[Any], nodes: list[int], bonds: list[int]) -> GraphSet:
    """Labelled graphs; edges are in their order."""
    labels = LabelArrays(SCHEMA, np.array(nodes, np.int32), np.array(bonds, np.int32))
    return GraphSet.from_flat(
        sizes, np.repeat(np.arange(len(sizes)), [len(own) for own in edges]), [*itertools.chain(*edges)], labels
    )


def all_graphs(n: int) -> list[tuple[Any, ...]]:
    """Every graph of n numbered nodes: its node labels, and for each pair 0 or 1 + the label of an edge."""
    pairs = n * (n - 1) // 2
    return [*itertools.product(itertools.product(range(2), repeat=n), itertools.product(range(3), repeat=pairs))]


def as_set(graphs: list[tuple[Any, ...]], n: int) -> GraphSet:
    pairs = list(zip(*np.tril_indices(n, -1), strict=True))
    edges = [[(int(v), int(u)) for (u, v), kind in zip(pairs, kinds, strict=True) if kind] for _, kinds in graphs]
    bonds = [kind - 1 for _, kinds in graphs for kind in kinds if kind]
    return numbered([n] * len(graphs), edges, [label for labels, _ in graphs for label in labels], bonds)


def keys_of(graphs: GraphSet) -> list[tuple[Any, ...]]:
    """What `all_graphs` has for each graph."""
    found = []
    for graph in graphs:
        n = int(graph.num_nodes[0])
        kinds = np.zeros((n, n), int)
        kinds[graph.edges[:, 1], graph.edges[:, 0]] = 1 + np.asarray(graph.edge_labels)
        found.append((tuple(np.asarray(graph.node_labels).tolist()), tuple(kinds[np.tril_indices(n, -1)].tolist())))
    return found


@torch.inference_mode()
def law(model: MolRNNModel, n: int, *, ended: bool = True) -> dict[tuple[Any, ...], float]:
    """The probability of each graph of n nodes, or of having built it so far."""
    graphs = all_graphs(n)
    batch = sequences_of(as_set(graphs, n), ended=np.full(len(graphs), ended))
    return dict(zip(graphs, model.log_prob(batch).exp().tolist(), strict=True))


def drawn_from(model: MolRNNModel, count: int, **decoding: Any) -> tuple[GraphSet, np.ndarray]:
    """Graphs in the order of their indices, and which were cut."""
    parts = list(model.sampler(Decoding(**decoding)).draw(np.arange(count), np.zeros(count, np.int64), seed=3))
    order = np.argsort(np.concatenate([part.place for part in parts]))
    return GraphSet.concatenate(part.graphs for part in parts)[order], np.concatenate([part.cut for part in parts])[order]


@pytest.mark.parametrize("fields", WAYS)
def test_probabilities_sum_to_one_and_samples_follow_them(fields: dict[str, Any]) -> None:
    """All graphs of up to three nodes, and a fourth node however it comes."""
    model, expected = small_model(**fields), dict[Any, float]()
    for n in range(1, MOST + 1):
        expected |= law(model, n)
    larger = law(model, MOST + 1, ended=False)
    last = MOST * (MOST - 1) // 2
    fourth = sum(share for (_, kinds), share in larger.items() if sum(kind > 0 for kind in kinds[last:]) <= 1)
    assert sum(expected.values()) + fourth == pytest.approx(1, abs=1e-9)
    assert 0.02 < fourth < 0.9
    count = 4000
    graphs, cut = drawn_from(model, count, max_num_node=MOST)
    found = Counter(keys_of(graphs[np.flatnonzero(~cut)]))
    assert all(expected[key] > 0 for key in found)
    often = [key for key, share in expected.items() if share * count >= 5]
    rest = 1 - fourth - sum(expected[key] for key in often)
    observed = [int(cut.sum()), *(found[key] for key in often)]
    shares = np.array([fourth, *(expected[key] for key in often), rest])
    assert len(often) > 8
    assert stats.chisquare([*observed, count - sum(observed)], count * shares, sum_check=False).pvalue > 1e-3


@pytest.mark.parametrize("fields", WAYS)
def test_a_rollout_tells_the_decisions_of_what_was_drawn(fields: dict[str, Any]) -> None:
    model = small_model(**fields)
    assert isinstance(model, HasPolicy)
    graphs, cut = drawn_from(model, 60)
    whole = np.flatnonzero(graphs.num_nodes <= MOST)
    expected = law(model, 1) | law(model, 2) | law(model, 3)
    batch = model.rollout(graphs, np.arange(60), np.zeros(60, np.int64), seed=3)
    log_prob, owner = model.decisions(batch)
    assert log_prob.requires_grad
    sums = torch.zeros(60).double().index_add(0, owner, log_prob.detach()).numpy()
    assert np.exp(sums[whole]) == pytest.approx([expected[key] for key in keys_of(graphs[whole])])
    decisions = np.bincount(owner.numpy(), minlength=60)
    bonded = [len(set(graph.edges[:, 1].tolist())) for graph in graphs]  # nodes with an earlier neighbour; the others begin
    begun = graphs.num_nodes - bonded
    assert (decisions == graphs.num_edges + begun + (graphs.num_nodes != model.most)).all()
    assert (graphs.num_nodes[cut] == model.most).all()
    assert 0 < len(whole) < 60


def test_temperature_leaves_the_end_alone() -> None:
    model = small_model(schema=LabelSchema())
    bare = GraphSet.from_edge_lists([1], [[]])
    with torch.inference_mode():
        ends = float(model.log_prob(sequences_of(bare)).exp())
    for temperature in (0.4, 3.0):
        graphs, _ = drawn_from(model, 1500, temperature=temperature)
        assert stats.binomtest(int((graphs.num_nodes == 1).sum()), 1500, ends).pvalue > 1e-3
    assert 0.05 < ends < 0.95


@pytest.mark.parametrize("recurrent", [True, False])
def test_graphs_go_on_from_a_start(recurrent: bool) -> None:
    """Its nodes come first in their order, nothing changes between them, and the end comes as often as the model says."""
    model = small_model(recurrent=recurrent)
    with torch.no_grad():
        model.network.graph_logits[-1].bias[0] += 4  # ends often
    start = numbered([4], [[(0, 2), (0, 1), (1, 3)]], [0, 1, 1, 0], [0, 1, 1])
    graphs, _ = drawn_from(model, 400, start=start)
    assert (graphs.num_nodes > 4).any()
    for graph in graphs:
        assert graph.induced(np.arange(graph.num_nodes[0]) < 4) == start
    order = np.array([0, 1, 3, 2])
    assert sequences_of(start, [order]).nodes.tolist() == [[0, 1, 0, 1]]
    with torch.inference_mode():
        batch = sequences_of(start, [order])
        partial = Partial(*map(torch.from_numpy, (batch.nodes, batch.edges, batch.sizes, np.zeros(1, np.int64))))
        nodes = model.network.of_nodes(partial)
        before = model.states_along(sequences_of(start, [order], ended=np.zeros(1, bool)))
        known, _ = model.network.along(model.network.summary(nodes, partial)[:, None], before)
        ends = float(model.network.logits(nodes, known[:, 0], partial).softmax(1)[0, 4 * model.kinds.of_node])
    assert stats.binomtest(int((graphs.num_nodes == 4).sum()), 400, ends).pvalue > 1e-3
    assert 0.02 < ends < 0.98


def test_a_start_that_cannot_be_gone_on_from_is_refused() -> None:
    model = small_model(connected=True)
    two = numbered([2], [[]], [0, 1], [])
    with pytest.raises(InputError, match="must be connected, as all training graphs are, got 2 components"):
        model.sampler(Decoding(start=two))
    with pytest.raises(InputError, match="must have 1 to 1 nodes here, got 2"):
        model.sampler(Decoding(start=two, max_num_node=1))
    with pytest.raises(InputError, match="label"):
        model.sampler(Decoding(start=path_graphs(2)))


def test_decisions_of_a_graph_written_out() -> None:
    """A triangle with a tail; the newest node takes its latest neighbour first."""
    graph = numbered([4], [[(0, 1), (0, 2), (1, 2), (0, 3)]], [0, 1, 1, 0], [0, 1, 0, 1])
    batch = sequences_of(graph)
    assert batch.target.tolist() == [0, 1, 0, 0, -1]
    assert batch.label.tolist() == [1, 1, -1, 0, -1]
    assert batch.bond.tolist() == [0, 0, 1, 1, -1]
    assert batch.count.tolist() == [1, 2, 3, 3, 4]
    assert batch.floor.tolist() == [0, 0, 1, 0, 0]
    assert batch.arrival[0, 2].tolist()[:2] == [2, 1]
    moved = sequences_of(graph, [np.array([3, 0, 2, 1])])
    assert moved.nodes.tolist() == [[0, 0, 1, 1]]
    assert moved.target.tolist() == [0, 1, 2, 1, -1]
    assert moved.bond.tolist() == [1, 1, 0, 0, -1]


def test_relations_are_bonds_and_distances_of_networkx() -> None:
    model = small_model(hops=3)
    graph = nx.gnp_random_graph(9, 0.25, seed=2)
    edges = torch.zeros(1, 9, 9, dtype=torch.int64)
    for k, (u, v) in enumerate(graph.edges):
        edges[0, u, v] = edges[0, v, u] = 1 + k % 2
    found = model.network.of_nodes._relations(edges, torch.float64)[0].numpy()
    distances = dict(nx.all_pairs_shortest_path_length(graph))
    assert (found[0] + found[1] == nx.to_numpy_array(graph)).all()
    assert (found[1] == (edges[0] == 2).numpy()).all()
    for row, hops in ((2, 2), (3, 3)):
        assert found[row].tolist() == [[float(distances[u].get(v) == hops) for v in range(9)] for u in range(9)]


def test_numbers_of_other_nodes_and_padding_do_not_matter() -> None:
    model, n = small_model(hops=3), 6
    generator = np.random.default_rng(1)
    nodes, edges = generator.integers(0, 2, n), np.tril(generator.integers(0, 3, (n, n)), -1)
    edges, order = edges + edges.T, np.append(generator.permutation(n - 1), n - 1)

    def logits(nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
        arrays = (nodes[None], edges[None], np.array([n]), np.array([n - 1]))
        partial = Partial(*map(torch.from_numpy, arrays))
        with torch.inference_mode():
            of_nodes = model.network.of_nodes(partial)
            known, _ = model.network.along(model.network.summary(of_nodes, partial)[:, None])
            return model.network.logits(of_nodes, known[:, 0], partial)[0].numpy()

    plain, moved = logits(nodes, edges), logits(nodes[order], edges[order][:, order])
    longer, size = logits(np.pad(nodes, (0, 2)), np.pad(edges, (0, 2))), n * model.kinds.of_node
    assert np.allclose(plain[:size].reshape(n, -1)[order], moved[:size].reshape(n, -1))
    assert np.allclose(plain[size:], moved[size:])
    assert np.allclose(plain[:size], longer[:size])
    assert np.isneginf(longer[size : -1 - model.kinds.nodes]).all()
    assert np.allclose(plain[size:], longer[-1 - model.kinds.nodes :])


@pytest.mark.parametrize("canonical", [0.0, 0.4])
def test_orders_are_drawn_with_their_probabilities(canonical: float) -> None:
    """A triangle with a tail, and an isolated node."""
    graphs, count = GraphSet.from_edge_lists([5], [[(0, 1), (0, 2), (1, 2), (2, 3)]]), 800
    adjacency, encode = (
        Adjacency.of(graphs),
        encoder(
            graphs.labelled(LabelArrays(LabelSchema(Labels("name", tuple("abcde"))), np.arange(5, dtype=np.int32))),
            MolRNNConfig(canonical=canonical),
        ),
    )
    found = Counter(tuple(encode(np.array([0]), key=(1, epoch)).nodes[0].tolist()) for epoch in range(count))
    shares = {order: np.exp(log_prob_of_order(adjacency, 0, np.array(order), canonical)) for order in found}
    assert sum(shares.values()) == pytest.approx(1)
    assert stats.chisquare([found[order] for order in shares], [count * share for share in shares.values()]).pvalue > 1e-3


def test_weights_of_several_orders_make_the_sum_over_all() -> None:
    """The mean of p / q is the sum of p over all orders; of k orders the loss is its logarithm."""
    graphs = numbered([3], [[(0, 1), (1, 2)]], [0, 1, 1], [0, 1])
    model = small_model(orders=1500, canonical=0.3)
    orders = [np.array(order) for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0])]
    one = small_model(orders=1)
    with torch.inference_mode():
        loss = float(model(model.encoder(graphs)(np.array([0]), key=(0, 0))).total)
        total = float(one.log_prob(sequences_of(graphs[np.zeros(4, int)], orders)).exp().sum())
    assert np.exp(-loss) == pytest.approx(total, rel=0.1)
    assert "likelihood" not in FAMILY.capabilities(model.config)
    assert "likelihood" in FAMILY.capabilities(one.config)


def test_what_cannot_be_learned_is_refused() -> None:
    with pytest.raises(InputError, match=r"at most 8 nodes, got 12: .* set model\.most_nodes = 12"):
        FAMILY.select(TRAINING, MolRNNConfig(most_nodes=8))
    directed = path_graphs(2).labelled(LabelArrays(LabelSchema(directed=True), directions=np.array([1], np.int8)))
    with pytest.raises(InputError, match="draws no directions; symmetrise"):
        FAMILY.select(directed, MolRNNConfig())
