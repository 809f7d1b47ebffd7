import itertools
from collections import Counter

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from strategies import graph_sets

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.order_names import BREADTH_FIRST, ROOTED
from gengraph.graphs.orderings import ORDERINGS, Adjacency, order_nodes, ordering_code
from gengraph.streams import key_of

LAW_GRAPHS = [nx.star_graph(3), nx.cycle_graph(4), nx.lollipop_graph(3, 2), nx.house_graph()]
DISCONNECTED = nx.disjoint_union(nx.path_graph(3), nx.path_graph(2))


def draw(graph: GraphSet, ordering: str, seed: int) -> list[int]:
    adjacency = Adjacency.of(graph)
    n = int(graph.num_nodes[0])
    order, position = np.empty(n + 1, np.int32), np.empty(n + 1, np.int32)
    state = np.array([key_of(seed, 0, 0)], np.uint64)
    order_nodes(ORDERINGS[ordering], adjacency.indptr, adjacency.neighbours, state, order, position)
    assert [position[node] for node in order[:n]] == list(range(n))
    return order[:n].tolist()


def breadth_first(graph: nx.Graph, root: int, rank: dict[int, int], by_degree: bool) -> list[int]:
    order, head = [root], 0
    while head < len(order):
        children = set(graph[order[head]]) - set(order)
        order += sorted(children, key=lambda node: (graph.degree[node] if by_degree else 0, rank[node]))
        head += 1
    return order


def depth_first(graph: nx.Graph) -> dict[tuple[int, ...], float]:
    """The law of the walk that goes on to a uniformly random new neighbour, and back where there is none."""
    law: Counter[tuple[int, ...]] = Counter()

    def go_on(order: tuple[int, ...], stack: tuple[int, ...], p: float) -> None:
        if not stack:
            law[order] += p
            return
        new = [node for node in graph[stack[-1]] if node not in order]
        if not new:
            go_on(order, stack[:-1], p)
        for node in new:
            go_on((*order, node), (*stack, node), p / len(new))

    for root in graph:
        go_on((root,), (root,), 1 / len(graph))
    return law


def order_with(graph: nx.Graph, ordering: str, rank: dict[int, int]) -> list[list[int]]:
    """The orders of a connected graph whose nodes have ranks, one for each root where there are roots."""
    core = nx.core_number(graph)
    keys = {"random": lambda _: (), "degree": lambda v: (-graph.degree[v],), "k-core": lambda v: (-core[v], -graph.degree[v])}
    if ordering in keys:
        return [sorted(graph, key=lambda node: (*keys[ordering](node), rank[node]))]
    orders = [breadth_first(graph, root, rank, ordering == "rcm") for root in graph]
    return [order[::-1] for order in orders] if ordering == "rcm" else orders


def reference_orders(graph: nx.Graph, ordering: str) -> dict[tuple[int, ...], float]:
    """The exact law: relabel the nodes in every way (as the 2018 code does at random), then order by label."""
    if ordering == "dfs":
        return depth_first(graph)
    law: Counter[tuple[int, ...]] = Counter()
    for labels in itertools.permutations(graph):
        law.update(map(tuple, order_with(graph, ordering, {node: i for i, node in enumerate(labels)})))
    return {order: count / law.total() for order, count in law.items()}


@pytest.mark.parametrize("ordering", sorted(set(ORDERINGS) - {"cm"}))
@pytest.mark.parametrize("graph", LAW_GRAPHS)
def test_orderings_have_their_exact_law(graph: nx.Graph, ordering: str) -> None:
    law = reference_orders(graph, ordering)
    flat = GraphSet.from_networkx([graph])
    counts = Counter(tuple(draw(flat, ordering, seed)) for seed in range(4000))
    assert set(counts) <= set(law)
    if len(law) > 1:
        assert chisquare([counts[order] for order in law], [4000 * p for p in law.values()]).pvalue > 1e-4


@pytest.mark.parametrize("ordering", ["bfs", "dfs", "rcm"])
def test_components_come_in_random_order_each_from_a_random_root(ordering: str) -> None:
    """The first root is uniform over all nodes, so the path of three comes first in 3 of 5 cases."""
    law: Counter[tuple[int, ...]] = Counter()
    parts = [DISCONNECTED.subgraph(part).copy() for part in nx.connected_components(DISCONNECTED)]
    for first, second in (parts, parts[::-1]):
        orders = [reference_orders(part, ordering) for part in (first, second)]
        for (left, p), (right, q) in itertools.product(orders[0].items(), orders[1].items()):
            law[left + right] = p * q * len(first) / 5
    flat = GraphSet.from_networkx([DISCONNECTED])
    counts = Counter(tuple(draw(flat, ordering, seed)) for seed in range(4000))
    assert set(counts) <= set(law)
    assert chisquare([counts[order] for order in law], [4000 * p for p in law.values()]).pvalue > 1e-4


@pytest.mark.parametrize("ordering", ORDERINGS)
@given(graphs=graph_sets(max_graphs=1, min_nodes=1), seed=st.integers(0, 2**31))
def test_every_ordering_is_complete_and_the_searches_have_parents(ordering: str, graphs: GraphSet, seed: int) -> None:
    for flat in graphs:
        (graph,) = flat.to_networkx()
        order = draw(flat, ordering, seed)
        assert sorted(order) == list(graph)
        position = {node: i for i, node in enumerate(order)}
        oldest = [min((position[v] for v in graph[node] if position[v] < i), default=None) for i, node in enumerate(order)]
        if ordering in ROOTED:
            assert sum(parent is None for parent in oldest) == nx.number_connected_components(graph)
        if ordering in BREADTH_FIRST:
            parents = [parent for parent in oldest if parent is not None]
            assert parents == sorted(parents)
        if ordering == "degree":
            degrees = [graph.degree[node] for node in order]
            assert degrees == sorted(degrees, reverse=True)
        if ordering == "k-core":
            core = nx.core_number(graph)
            keys = [(core[node], graph.degree[node]) for node in order]
            assert keys == sorted(keys, reverse=True)


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


def test_unknown_orderings_are_refused() -> None:
    with pytest.raises(InputError, match="one of bfs, cm, dfs, degree, k-core, rcm, random, got 'zfs'"):
        ordering_code("zfs")
