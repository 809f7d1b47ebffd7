"""The labeller is a law: labels of every graph, in any order, have probabilities that sum to one, and are drawn with them."""

import itertools
from collections import Counter

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gengraph.graphs import GraphSet, LabelArrays, Labels, LabelSchema
from gengraph.models.labelling.config import LabellingConfig
from gengraph.models.labelling.decisions import (
    NUM_CYCLES,
    Classes,
    Known,
    classes_of,
    decisions_of,
    labels_of,
    uniforms_for,
)
from gengraph.models.labelling.network import Labeller
from gengraph.models.numbers import keys_of

NODES, EDGES = Labels("element", ("C", "N")), Labels("bond", ("1", "2"))
SMALL = LabellingConfig(hidden_size=8, context_size=4, head_size=8, rounds=2)
NUM_DRAWN = 20_000
TRIANGLE_AND_NODE = GraphSet.from_edge_lists([4], [[(0, 1), (1, 2), (0, 2)]])
PATH = GraphSet.from_edge_lists([3], [[(0, 1), (1, 2)]])


def random_labels(graphs: GraphSet, schema: LabelSchema, seed: int = 0) -> GraphSet:
    rng = np.random.default_rng(seed)
    nodes = None if schema.nodes is None else rng.integers(len(schema.nodes.values), size=int(graphs.node_offsets[-1]))
    edges = None if schema.edges is None else rng.integers(len(schema.edges.values), size=len(graphs.edges))
    directions = rng.integers(1, 4, size=len(graphs.edges)) if schema.directed else None
    return graphs.labelled(LabelArrays(schema, nodes, edges, directions))


def every_labelling(graph: GraphSet, schema: LabelSchema) -> GraphSet:
    n, m = int(graph.num_nodes[0]), len(graph.edges)
    kinds = [
        [None] if schema.nodes is None else itertools.product(range(len(schema.nodes.values)), repeat=n),
        [None] if schema.edges is None else itertools.product(range(len(schema.edges.values)), repeat=m),
        itertools.product((1, 2, 3), repeat=m) if schema.directed else [None],
    ]
    return GraphSet.concatenate(graph.labelled(LabelArrays(schema, *labels)) for labels in itertools.product(*kinds))


def labeller(schema: LabelSchema, config: LabellingConfig = SMALL) -> Labeller:
    torch.manual_seed(1)
    made = Labeller(config, schema).double()
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(2)  # far from all being as likely
    return made


SCHEMAS = [
    (LabelSchema(NODES, EDGES), TRIANGLE_AND_NODE),
    (LabelSchema(NODES), TRIANGLE_AND_NODE),
    (LabelSchema(edges=EDGES), TRIANGLE_AND_NODE),
    (LabelSchema(NODES, EDGES, directed=True), PATH),
    (LabelSchema(directed=True), TRIANGLE_AND_NODE),
]


def log_prob_of(model: Labeller, graphs: GraphSet, key: int) -> torch.Tensor:
    return model.log_prob(model.batch(graphs, np.full(len(graphs), key, np.uint64)))


@pytest.mark.parametrize(("schema", "graph"), SCHEMAS, ids=[str(schema) for schema, _ in SCHEMAS])
@pytest.mark.parametrize("rounds", [0, 2])
def test_probabilities_of_all_labellings_sum_to_one(schema: LabelSchema, graph: GraphSet, rounds: int) -> None:
    model = labeller(schema, LabellingConfig(hidden_size=8, context_size=4, head_size=8, rounds=rounds))
    log_probs = log_prob_of(model, every_labelling(graph, schema), 77).detach()
    assert float(log_probs.exp().sum()) == pytest.approx(1, abs=1e-9)
    assert float(log_probs.max() - log_probs.min()) > 0.1


@pytest.mark.parametrize(("schema", "graph"), SCHEMAS, ids=[str(schema) for schema, _ in SCHEMAS])
def test_labels_are_drawn_with_their_probabilities(schema: LabelSchema, graph: GraphSet) -> None:
    model, key = labeller(schema), 77
    many = every_labelling(graph, schema)
    expected = NUM_DRAWN * log_prob_of(model, many, key).detach().exp().numpy()
    copies = GraphSet.concatenate([graph] * NUM_DRAWN)
    uniforms = np.random.default_rng(5).random(int(model.num_decisions(copies).sum()))
    drawn = copies.labelled(model.draw(copies, np.full(NUM_DRAWN, key, np.uint64), uniforms))
    drawn_times = Counter(row.tobytes() for row in _rows(drawn))
    observed = np.array([drawn_times.pop(row.tobytes(), 0) for row in _rows(many)])
    assert not drawn_times
    enough = expected > 5
    groups = np.array([[*values[enough], values[~enough].sum()] for values in (observed, expected)])
    assert stats.chisquare(*groups[:, groups[1] > 0], sum_check=False).pvalue > 1e-4


def _rows(graphs: GraphSet) -> np.ndarray:
    arrays = [array.reshape(len(graphs), -1) for array in graphs.labels.arrays().values()]
    return np.concatenate(arrays, axis=1).astype(np.int64)


@st.composite
def graph_sets(draw: st.DrawFn) -> GraphSet:
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    seed = draw(st.integers(0, 2**20))
    return GraphSet.from_networkx([nx.gnp_random_graph(n, 0.4, seed=seed + i) for i, n in enumerate(sizes)])


@given(graphs=graph_sets(), seed=st.integers(0, 2**20), which=st.integers(0, len(SCHEMAS) - 1))
def test_decisions_say_the_labels_and_what_is_known(graphs: GraphSet, seed: int, which: int) -> None:
    """Labels come back; step by step the same is known as at once; the order is depth first."""
    schema = SCHEMAS[which][0]
    labelled, classes = random_labels(graphs, schema, seed), Classes.of(schema)
    keys = keys_of(seed, np.zeros(len(graphs), np.int64), np.arange(len(graphs)))
    decisions = decisions_of(graphs, keys, with_edges=classes.edges > 1)
    chosen = classes_of(labelled, decisions)
    assert labels_of(chosen, decisions, schema, len(graphs.edges)).equals(labelled.labels)
    together, known = Known(decisions, classes).all_features(chosen), Known(decisions, classes)
    lengths = np.diff(decisions.offsets)
    for step in range(int(lengths.max())):
        at = decisions.offsets[:-1][lengths > step] + step
        assert np.array_equal(known.features(at, chosen[at - 1]), together[at])
        known.add(at, chosen[at])
    for g, graph in enumerate(graphs.to_networkx()):
        rows = slice(decisions.offsets[g], decisions.offsets[g + 1])
        _check_order(graph, int(graphs.node_offsets[g]), decisions, rows, with_edges=classes.edges > 1)


def _check_order(graph: nx.Graph, first: int, decisions, rows: slice, *, with_edges: bool) -> None:
    """Every node and edge once; the parent of a node is the last node before it that has unvisited neighbours."""
    node, other, edge, told = (getattr(decisions, name)[rows] for name in ("node", "other", "edge", "told"))
    order = (node[edge < 0] - first).tolist()
    assert sorted(order) == list(graph)
    assert len(set(edge[edge >= 0].tolist())) == (graph.number_of_edges() if with_edges else 0)
    where = {int(v): d for d, v in enumerate(node) if edge[d] < 0}
    for d in range(len(node)):
        if other[d] >= 0:
            assert told[d] == where[int(other[d])] < d
    for position, v in enumerate(order[1:], 1):
        open_before = [u for u in order[:position] if set(graph[u]) - set(order[:position])]
        parent = int(other[where[v + first]]) - first
        assert parent == (open_before[-1] if open_before else -1 - first)


@given(graphs=graph_sets())
def test_shortest_cycles_are_those_of_networkx(graphs: GraphSet) -> None:
    decisions = decisions_of(graphs, np.arange(len(graphs), dtype=np.uint64), with_edges=False)
    expected = []
    for graph in graphs.to_networkx():
        for u, v in sorted(graph.edges):
            rest = nx.restricted_view(graph, [], [(u, v)])
            length = nx.shortest_path_length(rest, u, v) + 1 if nx.has_path(rest, u, v) else 99
            expected.append(min(length - 3, NUM_CYCLES - 1))
    assert decisions.cycle.tolist() == expected


def test_the_order_does_not_follow_the_numbers_of_the_nodes() -> None:
    star = GraphSet.concatenate([GraphSet.from_edge_lists([4], [[(0, 1), (0, 2), (0, 3)]])] * 12_000)
    decisions = decisions_of(star, keys_of(3, np.zeros(12_000, np.int64), np.arange(12_000)), with_edges=False)
    orders = (decisions.node.reshape(-1, 4) - 4 * np.arange(12_000)[:, None]) @ [64, 16, 4, 1]
    distinct, counts = np.unique(orders, return_counts=True)
    hub_first = distinct < 64  # one in four; then the leaves in six orders; else a leaf, the hub, two leaves in two orders
    assert len(counts) == 6 + 3 * 2
    assert stats.chisquare(counts, np.where(hub_first, 500, 1500)).pvalue > 1e-4


def test_uniform_numbers_are_those_of_their_keys() -> None:
    keys = np.array([3, 9], np.uint64)
    together = uniforms_for(keys, np.array([4, 2]))
    assert np.array_equal(together[4:], uniforms_for(keys[1:], np.array([2])))
    assert len(np.unique(together)) == 6
    assert ((together >= 0) & (together < 1)).all()


def test_a_temperature_near_zero_draws_the_likeliest() -> None:
    schema, graph = LabelSchema(NODES), GraphSet.from_edge_lists([1], [[]])
    model = labeller(schema)
    best = int(np.argmax([float(log_prob_of(model, one, 0).detach()) for one in every_labelling(graph, schema)]))
    copies = GraphSet.concatenate([graph] * 50)
    drawn = model.draw(copies, np.zeros(50, np.uint64), np.random.default_rng(0).random(50), temperature=1e-4)
    assert set(drawn.nodes.tolist()) == {best}
