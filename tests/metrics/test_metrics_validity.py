import itertools

import networkx as nx
import numpy as np
import pytest
from golden_files import golden_set, golden_values
from hypothesis import given
from strategies import graph_sets

from gengraph.graphs import GraphSet
from gengraph.graphs.planarity import is_planar
from gengraph.metrics.blockmodel import find_blocks
from gengraph.metrics.validity import VALIDITY, is_connected, is_grid, is_ladder, is_lobster, is_tree

pytest.importorskip("igraph")


def shuffled(graph: nx.Graph, seed: int = 0) -> nx.Graph:
    order = np.random.default_rng(seed).permutation(len(graph)).tolist()
    graph = nx.convert_node_labels_to_integers(graph)
    result = nx.empty_graph(len(graph))
    result.add_edges_from((order[u], order[v]) for u, v in graph.edges)
    return result


def test_planarity_of_all_graphs_with_up_to_seven_nodes() -> None:
    atlas = nx.graph_atlas_g()
    found = is_planar(GraphSet.from_networkx(atlas))
    assert found.tolist() == [nx.check_planarity(graph)[0] for graph in atlas]
    assert (~found).sum() > 200


def test_planarity_of_larger_graphs() -> None:
    rng = np.random.default_rng(0)
    graphs = [nx.gnm_random_graph(n, int(rng.integers(n, 2 * n)), seed=n) for n in rng.integers(8, 40, 150).tolist()]
    for side in range(3, 9):
        lattice = shuffled(nx.triangular_lattice_graph(side, side), side)
        crossed = lattice.copy()
        crossed.add_edges_from(rng.choice(len(lattice), (2, 2)).tolist())
        crossed.remove_edges_from(list(nx.selfloop_edges(crossed)))
        graphs += [
            lattice,
            crossed,
            nx.disjoint_union(lattice, nx.petersen_graph()),
            shuffled(nx.random_labeled_tree(99, seed=side)),
        ]
    expected = [nx.check_planarity(graph)[0] for graph in graphs]
    assert is_planar(GraphSet.from_networkx(graphs)).tolist() == expected
    assert 0.2 < np.mean(expected) < 0.8


def test_golden_flags() -> None:
    for golden in golden_values("per_graph"):
        graph = golden_set(golden["set"])[golden["index"]]
        assert is_connected(graph).tolist() == [golden["is_connected"]]
        assert is_planar(graph).tolist() == [golden["is_planar"]]
        assert is_tree(graph).tolist() == [golden["is_tree"]]


@given(graph_sets(max_nodes=7))
def test_trees_and_lobsters(graphs: GraphSet) -> None:
    for graph, tree, lobster in zip(graphs.to_networkx(), is_tree(graphs), is_lobster(graphs), strict=True):
        assert tree == (len(graph) > 0 and nx.is_tree(graph))
        assert lobster <= tree
        if tree:  # every node within two steps of a path: brute force over all pairs of ends
            paths = [nx.shortest_path(graph, a, b) for a, b in itertools.combinations_with_replacement(graph, 2)]
            near = [set(nx.multi_source_dijkstra_path_length(graph, set(path), cutoff=2)) for path in paths]
            assert lobster == any(len(nodes) == len(graph) for nodes in near)


def test_the_smallest_tree_that_is_no_lobster() -> None:
    spider = nx.Graph([(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, 7), (7, 8), (8, 9)])
    lobsters = [nx.random_lobster_graph(20, 0.5, 0.5, seed=s) for s in range(10)]
    assert is_lobster(GraphSet.from_networkx([spider, *lobsters])).tolist() == [False] + [True] * 10


def test_grids_and_ladders() -> None:
    grids = [shuffled(nx.grid_2d_graph(a, b)) for a, b in ((2, 2), (3, 4), (10, 17), (1, 5))]
    ladders = [shuffled(nx.ladder_graph(k), k) for k in (2, 3, 40)]
    torn = nx.grid_2d_graph(4, 5)
    torn.remove_edge((0, 0), (0, 1))
    torn.add_edge((0, 0), (3, 4))
    rest = [nx.circular_ladder_graph(4), torn, nx.path_graph(6), nx.empty_graph(0), nx.empty_graph(4), nx.cycle_graph(6)]
    graphs = GraphSet.from_networkx([*grids, *ladders, *rest])
    assert is_grid(graphs).tolist() == [True, True, True, False, True, True, True] + [False] * 6
    assert is_ladder(graphs).tolist() == [True, False, False, False, True, True, True] + [False] * 6


def block_graph(sizes: list[int], p_intra: float, p_inter: float, seed: int) -> nx.Graph:
    density = [[p_intra if i == j else p_inter for j in range(len(sizes))] for i in range(len(sizes))]
    return shuffled(nx.stochastic_block_model(sizes, density, seed=seed), seed)


def test_blocks_are_found() -> None:
    rng = np.random.default_rng(0)
    for seed in range(10):
        sizes = sorted(rng.integers(20, 41, int(rng.integers(1, 6))).tolist())
        found = find_blocks(GraphSet.from_networkx([block_graph(sizes, 0.3, 0.005, seed)]), max_blocks=6)
        assert sorted(found.sizes.tolist()) == sizes
        assert np.diag(found.densities) == pytest.approx(0.3, abs=0.12)
        assert np.bincount(found.labels).tolist() == found.sizes.tolist()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_blocks_of_tiny_graphs(n: int) -> None:
    for graph in (nx.empty_graph(n), nx.complete_graph(n)):
        assert find_blocks(GraphSet.from_networkx([graph]), max_blocks=6).sizes.sum() == n


def test_block_models_and_communities() -> None:
    def shares(graphs: list[nx.Graph]) -> tuple[float, float]:
        graph_set = GraphSet.from_networkx(graphs)
        return VALIDITY["sbm"](graph_set).mean(), VALIDITY["community"](graph_set).mean()

    sbm = [block_graph([25, 30, 38], 0.3, 0.005, seed) for seed in range(12)]
    two = [block_graph([n, n], 0.3, 0.01, n) for n in range(30, 80, 5)]
    random = [nx.gnp_random_graph(80, 0.1, seed=seed) for seed in range(10)]
    assert shares(sbm)[0] > 0.8
    assert shares(two)[1] == 1
    assert shares(random) == (0, 0)
    assert VALIDITY["community"](golden_set("community2")).all()
    assert not VALIDITY["community"](golden_set("grid")).any()
    assert not VALIDITY["community"](golden_set("er")).any()


def test_the_null_graph_is_valid_nowhere() -> None:
    assert {
        name: bool(test(GraphSet.from_networkx([nx.empty_graph(0)]))[0]) for name, test in VALIDITY.items()
    } == dict.fromkeys(VALIDITY, False)
