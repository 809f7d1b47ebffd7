"""Trees and the generator's law against networkx and sums over all walks."""

import networkx as nx
import numpy as np
import pytest

from gengraph.graphs import GraphSet
from gengraph.models.graphgan.sampler import log_links, pair_law
from gengraph.models.graphgan.trees import Links, Trees
from gengraph.testing.generators import path_graphs

DRAWN = [nx.gnp_random_graph(n, 0.3, seed=n) for n in (5, 9, 12)]
GRAPHS = GraphSet.from_edge_lists([len(graph) for graph in DRAWN], [list(graph.edges) for graph in DRAWN])
LINKS = Links.of(GRAPHS)
VECTORS = np.random.default_rng(0).normal(size=(26, 4))


def test_trees_are_breadth_first() -> None:
    graph = np.repeat(np.arange(3), [5, 9, 12])
    root = np.concatenate([np.arange(5), np.arange(9), np.arange(12)])
    trees = Trees.of(LINKS, graph, root)
    for t in range(len(root)):
        drawn, first, last = DRAWN[graph[t]], *trees.first[t : t + 2]
        depths = nx.single_source_shortest_path_length(drawn, root[t])
        assert dict(enumerate(trees.depth[first:last].tolist())) == {v: depths.get(v, -1) for v in drawn}
        for v in drawn:
            nearer = [u for u in drawn[v] if v in depths and depths[u] == depths[v] - 1]
            assert trees.parent[first + v] == (first + min(nearer) if nearer else -1)
        assert trees.deepest()[t] == max(depths.values()) + 1


def test_branches_are_the_neighbours_in_the_tree() -> None:
    trees = Trees.of(LINKS, np.array([1, 2]), np.array([3, 7]))
    found = trees.branches(np.flatnonzero(trees.depth >= 0))
    inner = np.flatnonzero(trees.parent >= 0)
    both = {*zip(inner, trees.parent[inner], strict=True), *zip(trees.parent[inner], inner, strict=True)}
    states = np.flatnonzero(trees.depth >= 0)
    assert set(zip(states[found.of], found.target, strict=True)) == both
    np.testing.assert_array_equal(found.up, found.target == trees.parent[states[found.of]])


def test_the_law_of_a_generator_sums_to_one_and_is_that_of_walks() -> None:
    """Equation 7 by hand: the branches on the way down, and one back."""
    root, first = 4, int(LINKS.first_node[2])
    ours = np.exp(log_links(LINKS, 2, np.array([root]), VECTORS)[0]) / DRAWN[2].degree[root]
    tree = Trees.of(LINKS, np.array([2]), np.array([root]))
    near = nx.Graph((v, int(p)) for v, p in enumerate(tree.parent) if p >= 0)

    def step(v: int, u: int) -> float:
        weights = {w: np.exp(VECTORS[first + w] @ VECTORS[first + v]) for w in near[v]}
        return float(weights[u] / sum(weights.values()))

    theirs = np.zeros(12)
    for end in set(near) - {root}:
        way = nx.shortest_path(near, root, end)
        theirs[end] = np.prod([step(v, u) for v, u in nx.utils.pairwise([*way, way[-2]])])
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert ours.sum() == pytest.approx(1)


def test_pairs_are_those_that_paths_join_whatever_is_looked_at_together(monkeypatch: pytest.MonkeyPatch) -> None:
    two = GraphSet.from_edge_lists([6], [[(0, 1), (1, 2), (3, 4)]])
    pairs, law = pair_law(Links.of(two), 0, VECTORS)
    assert pairs.tolist() == [[0, 1], [0, 2], [1, 2], [3, 4]]
    assert np.exp(law).sum() == pytest.approx(6)  # the degrees
    monkeypatch.setattr("gengraph.models.graphgan.sampler._STATES", 1)
    np.testing.assert_array_equal(pair_law(Links.of(two), 0, VECTORS)[1], law)


def test_without_edges_there_are_no_trees() -> None:
    links = Links.of(GraphSet.concatenate([GraphSet.from_edge_lists([3], [[]]), path_graphs(2)]))
    trees = Trees.of(links, np.empty(0, np.int64), np.empty(0, np.int64))
    assert len(trees.node) == len(trees.log_reached(VECTORS)) == 0
    assert pair_law(links, 0, VECTORS)[0].shape == (0, 2)
