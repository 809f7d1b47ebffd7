from collections import Counter

import networkx as nx
import numpy as np
import pytest
from scipy.stats import chisquare

from gengraph.data import families, load_dataset
from gengraph.graphs import GraphSet


def test_communities_have_the_density_of_the_paper() -> None:
    graphs = load_dataset("community")
    n = graphs.num_nodes
    first = (n // 2)[graphs.graph_of_edge]
    between = (graphs.edges[:, 0] < first) != (graphs.edges[:, 1] < first)
    assert (np.bincount(graphs.graph_of_edge[between]) == np.maximum(1, np.round(0.05 * n))).all()
    pairs = (n // 2) * (n // 2 - 1) / 2 + (n - n // 2) * (n - n // 2 - 1) / 2
    assert (~between).sum() / pairs.sum() == pytest.approx(0.3, abs=0.002)


def test_cavemen_are_two_thinned_cliques_with_few_bridges() -> None:
    graphs = load_dataset("caveman")
    whole = graphs[(graphs.num_nodes % 2 == 0) & (graphs.num_nodes >= 62)]  # nothing was cut off, but for the odd accident
    half = (whole.num_nodes // 2)[whole.graph_of_edge]
    between = (whole.edges[:, 0] < half) != (whole.edges[:, 1] < half)
    bridges = np.bincount(whole.graph_of_edge[between], minlength=len(whole))
    assert (bridges <= -(-whole.num_nodes // 2 // 10)).mean() > 0.98
    k = whole.num_nodes / 2
    assert (~between).sum() / (k * (k - 1)).sum() == pytest.approx(0.3, abs=0.003)
    assert (graphs.num_components() == 1).all()


def test_triangulations_are_planar_connected_and_full() -> None:
    graphs = load_dataset("planar")
    assert (graphs.num_components() == 1).all()
    assert all(nx.check_planarity(graph)[0] for graph in graphs[:20].to_networkx())
    assert (graphs.num_edges > 2.5 * 64).all()  # 3 n - 3 - points on the hull


def test_every_labelled_tree_is_equally_likely() -> None:
    trees = families.uniform_trees(4000, nodes=4, seed=1)
    counts = Counter(tree.edges.tobytes() for tree in trees)
    assert len(counts) == 4**2  # Cayley's formula
    assert chisquare(list(counts.values())).pvalue > 1e-4
    assert all(nx.is_tree(graph) for graph in load_dataset("tree").to_networkx())


def test_block_models_are_connected_and_have_both_densities() -> None:
    graphs = load_dataset("sbm:400")
    assert (graphs.num_components() == 1).all()
    one = families.block_models(60, blocks=range(3, 4), sizes=range(30, 31), inside=0.3, between=0.05, seed=3)
    same = one.edges[:, 0] // 30 == one.edges[:, 1] // 30
    assert same.sum() / (60 * 3 * 30 * 29 / 2) == pytest.approx(0.3, abs=0.01)
    assert (~same).sum() / (60 * 3 * 900) == pytest.approx(0.05, abs=0.005)


def without_leaves(graph: nx.Graph) -> nx.Graph:
    return graph.subgraph([node for node, degree in graph.degree() if degree > 1])


def test_lobsters_are_two_steps_from_a_path() -> None:
    for graph in load_dataset("lobster").to_networkx():
        assert nx.is_tree(graph)
        backbone = without_leaves(without_leaves(graph))
        assert max((degree for _, degree in backbone.degree()), default=0) <= 2


def test_lobsters_have_claws_by_the_toss_of_a_coin() -> None:
    """A path node has 0.7 / 0.3 claws on average, and so has a claw."""
    edges, state = np.zeros((100_000, 2), np.int64), np.array([7], np.uint64)
    sizes = np.array([families._grow_claws(0, 1, edges, state) - 1 for _ in range(20_000)])
    mean = 0.7 / 0.3 * (1 + 0.7 / 0.3)
    assert sizes.mean() == pytest.approx(mean, rel=0.05)


def test_preferential_attachment_has_its_law() -> None:
    """After a star with m = 1 the third edge: node 3 joins node 0, 1 or 2 in proportion to their degrees."""
    graphs = families.preferential_attachment(4000, range(4, 5), attached=1, seed=2)
    counts = Counter(tuple(map(tuple, graph.edges.tolist())) for graph in graphs)
    expected = {}
    for third in (0, 1):  # node 2 joins 0 or 1, both of degree one
        degrees = Counter([0, 1, third, 2])
        for last in range(3):
            expected[tuple(sorted([(0, 1), (third, 2), (last, 3)]))] = 4000 * 0.5 * degrees[last] / 4
    assert set(counts) == set(expected)
    assert chisquare([counts[key] for key in expected], list(expected.values())).pvalue > 1e-4


def test_preferential_attachment_joins_different_nodes() -> None:
    graphs = load_dataset("barabasi-albert:50")
    assert (graphs.num_edges == 4 * (graphs.num_nodes - 4)).all()
    assert (graphs.num_components() == 1).all()


def test_a_set_does_not_depend_on_its_length() -> None:
    for name in ("community", "community-small", "barabasi-albert", "planar", "tree", "sbm", "lobster"):
        assert load_dataset(f"{name}:5") == load_dataset(f"{name}:9")[:5]
    assert load_dataset("tree:3") == GraphSet.concatenate([load_dataset("tree:2"), load_dataset("tree:3")[2:]])
