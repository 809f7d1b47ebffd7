"""The left-right test and its embedding, against networkx and Euler's formula."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengraph.graphs import GraphSet
from gengraph.graphs.planarity import edges_are_planar, embed_edges, is_planar


def rotation_of(num_nodes: int, edges: np.ndarray) -> list[list[int]]:
    """The neighbours of every node in the order of the embedding; checks that the darts of a node are one cycle."""
    after = embed_edges(num_nodes, edges)
    darts = np.concatenate([edges, edges[:, ::-1]])
    around: list[list[int]] = []
    for node in range(num_nodes):
        own = np.flatnonzero(darts[:, 0] == node)
        cycle = [own[0]] if len(own) else []
        while len(cycle) < len(own):
            cycle.append(after[cycle[-1]])
        assert sorted(cycle) == own.tolist()
        assert not len(own) or after[cycle[-1]] == cycle[0]
        around.append([int(darts[dart, 1]) for dart in cycle])
    return around


def num_faces(edges: np.ndarray, after: np.ndarray) -> int:
    """Cycles of darts, each followed by the one after its reverse."""
    count, seen = 0, np.zeros(len(after), bool)
    for first in range(len(after)):
        count += not seen[first]
        dart = first
        while not seen[dart]:
            seen[dart] = True
            dart = after[(dart + len(edges)) % len(after)]
    return count


def check_embedding(num_nodes: int, edges: np.ndarray) -> None:
    embedding = nx.PlanarEmbedding()
    embedding.add_nodes_from(range(num_nodes))
    for node, around in enumerate(rotation_of(num_nodes, edges)):
        for place, neighbour in enumerate(around):
            embedding.add_half_edge(node, neighbour, cw=around[place - 1] if place else None)
    embedding.check_structure()
    graph = nx.Graph(edges.tolist())
    faces = num_faces(edges, embed_edges(num_nodes, edges))
    assert graph.number_of_nodes() - len(edges) + faces == 2 * nx.number_connected_components(graph)


def thinned(graph: nx.Graph, share: float, seed: int) -> tuple[int, np.ndarray]:
    """A share of the edges of a graph, nodes and edges in random order, some isolated nodes beside."""
    rng = np.random.default_rng(seed)
    num_nodes = graph.number_of_nodes() + 2
    edges = np.array([edge for edge in graph.edges if rng.random() < share], np.int64).reshape(-1, 2)
    return num_nodes, rng.permutation(num_nodes)[rng.permutation(edges)]


def stacked(num_nodes: int, seed: int) -> nx.Graph:
    """A triangulation: each new node into a random face."""
    rng, faces = np.random.default_rng(seed), [(0, 1, 2), (0, 1, 2)]
    graph = nx.cycle_graph(3)
    for new in range(3, num_nodes):
        a, b, c = faces.pop(rng.integers(len(faces)))
        graph.add_edges_from([(new, a), (new, b), (new, c)])
        faces += [(a, b, new), (b, c, new), (a, c, new)]
    return graph


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 1.0])
def test_embeddings_of_planar_graphs(share: float) -> None:
    for seed in range(20):
        check_embedding(*thinned(stacked(4 + 3 * seed, seed), share, seed))
        check_embedding(*thinned(nx.random_labeled_tree(3 + 2 * seed, seed=seed), share, seed))
        check_embedding(*thinned(nx.convert_node_labels_to_integers(nx.grid_2d_graph(3, 3 + seed % 9)), share, seed))


@given(st.integers(1, 9), st.randoms(use_true_random=False), st.floats(0, 1))
def test_any_graph_is_embedded_or_refused(num_nodes: int, random: object, density: float) -> None:
    pairs = np.column_stack(np.triu_indices(num_nodes, 1))
    edges = pairs[[random.random() < density for _ in pairs]].astype(np.int64)  # type: ignore[attr-defined]
    graph = nx.empty_graph(num_nodes)
    graph.add_edges_from(edges.tolist())
    planar = nx.check_planarity(graph)[0]
    assert edges_are_planar(num_nodes, edges) == planar
    assert is_planar(GraphSet.from_edge_lists([num_nodes], [edges]))[0] == planar
    if not planar:
        assert len(edges)
        assert not len(embed_edges(num_nodes, edges))
    elif len(edges):
        check_embedding(num_nodes, edges)


def test_wheels_with_many_chords() -> None:
    """Sides that depend on each other through long chains of links."""
    for seed in range(15):
        rng = np.random.default_rng(seed)
        graph = nx.disjoint_union(nx.wheel_graph(12 + seed), nx.ladder_graph(4 + seed))
        graph.add_edge(int(rng.integers(12)), 12 + seed)
        check_embedding(*thinned(graph, 0.95, seed))
