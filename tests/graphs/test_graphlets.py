from itertools import combinations

import networkx as nx
import numpy as np
from networkx.algorithms.isomorphism import GraphMatcher

from gengraph.graphs import GraphSet
from gengraph.graphs.graphlets import GRAPHLETS, NUM_LARGE_ORBITS, large_orbits


def graphlet(edges: str) -> nx.Graph:
    return nx.Graph([(int(edge[0]), int(edge[1])) for edge in edges.split()])


def by_hand(graph: nx.Graph) -> np.ndarray:
    """Every five nodes, matched with every graphlet: slow and plain."""
    counts = np.zeros((len(graph), NUM_LARGE_ORBITS), int)
    for nodes in combinations(sorted(graph), 5):
        part = graph.subgraph(nodes)
        if not nx.is_connected(part):
            continue
        for edges, orbits in GRAPHLETS.items():
            matcher = GraphMatcher(graphlet(edges), part)
            if matcher.is_isomorphic():
                for node, image in matcher.mapping.items():
                    counts[image, orbits[node] - 15] += 1
    return counts


def test_the_graphlets_are_all_connected_graphs_with_five_nodes() -> None:
    shapes = [graphlet(edges) for edges in GRAPHLETS]
    assert len(shapes) == 21
    assert all(nx.is_connected(shape) and len(shape) == 5 for shape in shapes)
    assert not any(nx.is_isomorphic(a, b) for a, b in combinations(shapes, 2))
    assert sorted(set().union(*GRAPHLETS.values())) == list(range(15, 73))


def test_nodes_have_one_orbit_exactly_if_a_symmetry_exchanges_them() -> None:
    for edges, orbits in GRAPHLETS.items():
        shape = graphlet(edges)
        exchanged = {(u, v) for mapping in GraphMatcher(shape, shape).isomorphisms_iter() for u, v in mapping.items()}
        assert exchanged == {(u, v) for u in shape for v in shape if orbits[u] == orbits[v]}


def test_counts_are_those_of_all_subsets() -> None:
    shapes = [(9, 0.3), (9, 0.6), (8, 0.9), (4, 1.0), (1, 0.0), (0, 0.0), (5, 1.0), (11, 0.15)]
    graphs = [nx.gnp_random_graph(n, p, seed=k) for k, (n, p) in enumerate(shapes)]
    found = large_orbits(GraphSet.from_networkx(graphs))
    assert (found == np.concatenate([by_hand(graph) for graph in graphs])).all()
    assert found.sum() > 1000


def test_known_counts() -> None:
    star, clique, cycle = (
        large_orbits(GraphSet.from_networkx([g])) for g in (nx.star_graph(6), nx.complete_graph(7), nx.cycle_graph(8))
    )
    assert star[0, 23 - 15] == 15
    assert (star[1:, 22 - 15] == 10).all()
    assert (clique[:, 72 - 15] == 15).all()
    assert clique.sum() == 7 * 15
    assert (cycle[:, [0, 1, 2]] == [2, 2, 1]).all()
    assert cycle.sum() == 8 * 5
