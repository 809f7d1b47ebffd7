"""Communities against networkx, the choice of a resolution, and orders that keep pieces together."""

import itertools

import networkx as nx
import numpy as np
import pytest

from gengraph.data import load_dataset
from gengraph.graphs import GraphSet
from gengraph.graphs.orderings import Adjacency
from gengraph.models.blocks.ordering import BLOCK, COMPONENT, SAME, draw_order
from gengraph.models.blocks.pieces import connected_pieces, find_pieces, louvain, modularity
from gengraph.models.blocks.resolution import RESOLUTIONS, adjusted_rand, agreements, best_resolution

COMMUNITIES = load_dataset("community-small")[:20]


def random_graph(seed: int, n: int = 40, p: float = 0.12) -> "nx.Graph[int]":
    return nx.gnp_random_graph(n, p, seed=seed)


def arrays(graph: "nx.Graph[int]") -> tuple[GraphSet, Adjacency]:
    graphs = GraphSet.from_edge_lists([len(graph)], [list(graph.edges)])
    return graphs, Adjacency.of(graphs)


@pytest.mark.parametrize("resolution", [0.5, 1.0, 1.7])
def test_modularity_is_that_of_networkx(resolution: float) -> None:
    labels = np.random.default_rng(0).integers(4, size=40).astype(np.int32)
    graph = random_graph(1)
    _, adjacency = arrays(graph)
    parts = [set(np.flatnonzero(labels == k).tolist()) for k in range(4)]
    ours = modularity(adjacency.indptr, adjacency.neighbours, labels, resolution)
    assert ours == pytest.approx(nx.community.modularity(graph, parts, resolution=resolution))


@pytest.mark.parametrize("resolution", [0.7, 1.0])
def test_communities_are_as_good_as_those_of_networkx(resolution: float) -> None:
    """The mean over graphs of the modularity of one run each."""
    ours, theirs = [], []
    for seed in range(12):
        graph = random_graph(seed)
        _, adjacency = arrays(graph)
        labels = louvain(adjacency.indptr, adjacency.neighbours, resolution, np.array([seed], np.uint64))
        ours.append(modularity(adjacency.indptr, adjacency.neighbours, labels, resolution))
        found = nx.community.louvain_communities(graph, resolution=resolution, seed=seed)
        theirs.append(nx.community.modularity(graph, found, resolution=resolution))
    assert np.mean(ours) > np.mean(theirs) - 0.01


def test_planted_communities_are_found() -> None:
    graph = nx.planted_partition_graph(3, 15, 0.8, 0.02, seed=3)
    _, adjacency = arrays(graph)
    pieces = find_pieces(adjacency, 1.0, seed=0)
    assert adjusted_rand(pieces, np.repeat(np.arange(3), 15).astype(np.int32)) == 1


def test_pieces_are_connected_and_whole_components_at_resolution_zero() -> None:
    graph = nx.disjoint_union(random_graph(5, 30, 0.1), nx.path_graph(4))
    graphs, adjacency = arrays(graph)
    for resolution in (0.0, 1.0, 3.0):
        pieces = find_pieces(adjacency, resolution, seed=0)
        for piece in range(pieces.max() + 1):
            assert nx.is_connected(graph.subgraph(np.flatnonzero(pieces == piece).tolist()))
        if resolution == 0:
            assert pieces.max() + 1 == graphs.num_components()[0]
    one = np.zeros(len(graph), np.int32)
    assert connected_pieces(adjacency.indptr, adjacency.neighbours, one).max() + 1 == nx.number_connected_components(graph)


def test_pieces_do_not_depend_on_the_other_graphs() -> None:
    together = find_pieces(Adjacency.of(COMMUNITIES), 1.0, seed=4)
    first = COMMUNITIES.node_offsets
    for g in (0, 7, 19):
        alone = find_pieces(Adjacency.of(COMMUNITIES[g : g + 1]), 1.0, seed=4)
        assert (alone == together[first[g] : first[g + 1]]).all()


def test_adjusted_rand_by_counting_pairs() -> None:
    rng = np.random.default_rng(2)
    first, second = (rng.integers(3, size=12).astype(np.int32) for _ in range(2))
    pairs = list(itertools.combinations(range(12), 2))
    in_first, in_second = ([labels[i] == labels[j] for i, j in pairs] for labels in (first, second))
    both, a, b = np.sum(np.logical_and(in_first, in_second)), np.sum(in_first), np.sum(in_second)
    expected = a * b / len(pairs)
    assert adjusted_rand(first, second) == pytest.approx((both - expected) / ((a + b) / 2 - expected))
    assert adjusted_rand(first, first) == 1
    assert adjusted_rand(np.zeros(5, np.int32), np.zeros(5, np.int32)) == 0  # says nothing


def test_the_resolution_finds_the_communities_that_are_there() -> None:
    found = agreements(COMMUNITIES, seed=0)
    assert set(found) == set(RESOLUTIONS)
    pieces = find_pieces(Adjacency.of(COMMUNITIES), best_resolution(found), seed=0)
    per_graph = np.maximum.reduceat(pieces, COMMUNITIES.node_offsets[:-1]) + 1
    assert np.mean(per_graph == 2) > 0.9


def test_graphs_without_communities_stay_whole() -> None:
    complete = GraphSet.from_edge_lists([8, 9], [list(itertools.combinations(range(n), 2)) for n in (8, 9)])
    assert best_resolution(agreements(complete, seed=0)) == 0
    assert best_resolution({0.5: 0.99, 0.7: 0.9895, 1.0: 0.9892, 1.3: 0.9}) == 0.7


@pytest.mark.parametrize("breadth", [False, True])
def test_orders_keep_pieces_together(breadth: bool) -> None:
    graph = nx.disjoint_union(random_graph(6, 30, 0.12), nx.path_graph(3))
    _, adjacency = arrays(graph)
    pieces = find_pieces(adjacency, 1.0, seed=0)
    for seed in range(20):
        order, events, _ = drawn(adjacency, pieces, breadth, seed)
        assert sorted(order) == list(range(len(graph)))
        starts = np.flatnonzero(events != SAME)
        for first, after in zip(starts, [*starts[1:], len(order)], strict=True):
            assert set(order[first:after]) == set(np.flatnonzero(pieces == pieces[order[first]]))
        for t, (node, event) in enumerate(zip(order, events, strict=True)):
            earlier = [p for p in order[:t] if graph.has_edge(int(p), int(node))]
            assert bool(earlier) == (event != COMPONENT)
            assert any(pieces[p] == pieces[node] for p in earlier) == (event == SAME)


@pytest.mark.parametrize("breadth", [False, True])
def test_orders_have_the_probability_that_is_said(breadth: bool) -> None:
    """Of a small graph all orders are seen, their probabilities sum to one, and their frequencies agree."""
    graph = nx.Graph([(0, 1), (1, 2), (0, 2), (2, 3), (3, 4)])
    _, adjacency = arrays(graph)
    pieces = np.array([0, 0, 0, 1, 1], np.int32)
    counts, probability, total = dict[bytes, int](), dict[bytes, float](), 6000
    for seed in range(total):
        order, _, log_prob = drawn(adjacency, pieces, breadth, seed)
        name = order.tobytes()
        counts[name], probability[name] = counts.get(name, 0) + 1, np.exp(log_prob)
    assert sum(probability.values()) == pytest.approx(1)
    for name, count in counts.items():
        assert abs(count - total * probability[name]) < 5 * np.sqrt(total * probability[name])


def drawn(adjacency: Adjacency, pieces: np.ndarray, breadth: bool, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """An order of the first graph, its events and log-probability."""
    n = len(adjacency.indptr) - 1
    order, events = np.empty(n, np.int32), np.empty(n, np.uint8)
    state = np.array([seed], np.uint64)
    log_prob = draw_order(adjacency.indptr, adjacency.neighbours, pieces, breadth, state, (order, events))
    assert events[0] == COMPONENT
    assert set(events) <= {SAME, BLOCK, COMPONENT}
    return order, events, log_prob
