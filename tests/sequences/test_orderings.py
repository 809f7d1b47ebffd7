import itertools
from collections import Counter

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from strategies import graph_sets

from gengraph.data import load_dataset
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.sequences.orderings import ORDERINGS, Adjacency, estimate_max_prev_node, order_nodes
from gengraph.streams import key_of


def draw(graph: GraphSet, ordering: str, seed: int) -> list[int]:
    adjacency = Adjacency.of(graph)
    n = int(graph.num_nodes[0])
    order, position = np.empty(n + 1, np.int32), np.empty(n + 1, np.int32)
    state = np.array([key_of(seed, 0, 0)], np.uint64)
    order_nodes(ORDERINGS[ordering], adjacency.indptr, adjacency.neighbours, state, order, position)
    assert [position[node] for node in order[:n]] == list(range(n))
    return order[:n].tolist()


def reference_orders(graph: nx.Graph) -> dict[tuple[int, ...], float]:
    """The law of the 2018 code: relabel the nodes at random, then breadth first from a random node, children in label order."""
    law: Counter[tuple[int, ...]] = Counter()
    nodes = list(graph)
    for labels in itertools.permutations(nodes):
        rank = {node: i for i, node in enumerate(labels)}
        for root in nodes:
            order, head = [root], 0
            while head < len(order):
                order += sorted(set(graph[order[head]]) - set(order), key=rank.__getitem__)
                head += 1
            law[tuple(order)] += 1
    total = sum(law.values())
    return {order: count / total for order, count in law.items()}


@pytest.mark.parametrize("graph", [nx.star_graph(3), nx.cycle_graph(4), nx.lollipop_graph(3, 2), nx.house_graph()])
def test_bfs_has_the_law_of_the_reference(graph: nx.Graph) -> None:
    law = reference_orders(graph)
    flat = GraphSet.from_networkx([graph])
    counts = Counter(tuple(draw(flat, "bfs", seed)) for seed in range(4000))
    assert set(counts) <= set(law)
    assert chisquare([counts[order] for order in law], [4000 * p for p in law.values()]).pvalue > 1e-4


@pytest.mark.parametrize("ordering", ORDERINGS)
@given(graphs=graph_sets(max_graphs=1, min_nodes=1), seed=st.integers(0, 2**31))
def test_every_ordering_is_breadth_first_and_complete(ordering: str, graphs: GraphSet, seed: int) -> None:
    for flat in graphs:
        (graph,) = flat.to_networkx()
        order = draw(flat, ordering, seed)
        assert sorted(order) == list(graph)
        position = {node: i for i, node in enumerate(order)}
        oldest = [min((position[v] for v in graph[node] if position[v] < i), default=None) for i, node in enumerate(order)]
        assert sum(parent is None for parent in oldest) == nx.number_connected_components(graph)
        parents = [parent for parent in oldest if parent is not None]
        assert parents == sorted(parents)


def test_cuthill_mckee_starts_at_a_corner_of_a_grid_and_sorts_children_by_degree() -> None:
    grid = GraphSet.from_networkx([nx.convert_node_labels_to_integers(nx.grid_2d_graph(4, 6))])
    assert {draw(grid, "cm", seed)[0] for seed in range(40)} == {0, 5, 18, 23}
    spider = GraphSet.from_networkx(
        [nx.Graph([(0, 1), (1, 2), (2, 3), (2, 4), (2, 5), (4, 6), (5, 7), (5, 8), (0, 9), (9, 10)])]
    )
    orders = [draw(spider, "cm", seed) for seed in range(20)]
    from_far_end = [order for order in orders if order[0] == 10]
    assert from_far_end
    assert all(order[:8] == [10, 9, 0, 1, 2, 3, 4, 5] for order in from_far_end)


def test_max_prev_node_estimates() -> None:
    ladder = load_dataset("ladder-small")
    assert estimate_max_prev_node(ladder, "cm").max_prev_node == 2
    grid = load_dataset("grid-small")
    exact = estimate_max_prev_node(grid, "bfs")
    assert exact.share_cut == 0
    assert exact == estimate_max_prev_node(grid, "bfs")
    smaller = estimate_max_prev_node(grid, "bfs", quantile=0.5)
    assert smaller.max_prev_node < exact.max_prev_node
    assert 0 < smaller.share_cut < 1
    given_one = estimate_max_prev_node(grid, "bfs", max_prev_node=1)
    assert given_one.max_prev_node == 1
    assert given_one.share_cut > smaller.share_cut
    edgeless = GraphSet.from_networkx([nx.empty_graph(3)])
    assert estimate_max_prev_node(edgeless, "bfs").to_dict() == {
        "max_prev_node": 1,
        "num_orderings": 100_000,
        "share_cut": 0.0,
    }


def test_wrong_requests_are_refused() -> None:
    graphs = load_dataset("ladder-small")
    with pytest.raises(InputError, match="one of bfs, cm, got 'dfs'"):
        estimate_max_prev_node(graphs, "dfs")
    with pytest.raises(InputError, match=r"quantile must lie in \(0, 1\], got 0"):
        estimate_max_prev_node(graphs, "bfs", quantile=0)
    with pytest.raises(InputError, match="empty graph set"):
        estimate_max_prev_node(GraphSet.empty(), "bfs")
