import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from strategies import graph_sets

from gengraph.errors import InputError
from gengraph.graphs import GraphSet


@given(graph_sets())
def test_round_trips(graphs: GraphSet) -> None:
    assert GraphSet.from_networkx(graphs.to_networkx()) == graphs
    assert GraphSet.from_arrow(graphs.to_arrow()) == graphs
    edge_index, batch = graphs.to_edge_index()
    if len(graphs) and graphs.num_nodes[-1]:  # PyG's arrays cannot tell trailing graphs without nodes
        assert GraphSet.from_edge_index(edge_index, batch) == graphs
    assert GraphSet.concatenate(list(graphs)) == graphs
    for graph in graphs:
        assert GraphSet.from_csr(graph.to_csr()) == graph


@given(graph_sets(), st.randoms(use_true_random=False))
def test_flat_edges_come_in_any_order(graphs: GraphSet, random) -> None:
    order = list(range(len(graphs.edges)))
    random.shuffle(order)
    flipped = [pair[::-1] if random.random() < 0.5 else pair for pair in graphs.edges[order].tolist()]
    assert GraphSet.from_flat(graphs.num_nodes, graphs.graph_of_edge[order], np.array(flipped).reshape(-1, 2)) == graphs


@given(graph_sets())
def test_components_equal_networkx(graphs: GraphSet) -> None:
    expected = [nx.number_connected_components(graph) if len(graph) else 0 for graph in graphs.to_networkx()]
    assert graphs.num_components().tolist() == expected
    largest = graphs.largest_components()
    for graph, biggest in zip(graphs.to_networkx(), largest.to_networkx(), strict=True):
        size = max(map(len, nx.connected_components(graph)), default=0)
        assert len(biggest) == size
        assert size == 0 or nx.is_connected(biggest)


def test_indexing() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(3), nx.cycle_graph(4), nx.empty_graph(2)])
    assert graphs[1] == GraphSet.from_networkx([nx.cycle_graph(4)])
    assert graphs[-1] == graphs[2]
    assert graphs[::2] == graphs[[0, 2]]
    assert graphs[graphs.num_edges > 0] == graphs[:2]
    assert [len(graph) for graph in graphs] == [1, 1, 1]
    assert graphs[[]] == GraphSet.empty()
    with pytest.raises(IndexError, match=r"0..2, got 3"):
        graphs[3]


def test_arrow_shares_the_edges() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(3)])
    table = graphs.to_arrow()
    flat = table.column("edges").chunks[0].values.flatten()
    assert flat.buffers()[1].address == graphs.edges.ctypes.data


def test_arrays_are_immutable() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(3)])
    with pytest.raises(ValueError, match="read-only"):
        graphs.edges[0, 0] = 2


def test_content_hash_is_pinned() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(3), nx.empty_graph(0)])
    assert graphs.content_hash() == GraphSet.from_arrow(graphs.to_arrow()).content_hash()
    assert graphs.content_hash() != graphs[::-1].content_hash()
    assert graphs.content_hash()[:16] == "d5c3725b48681975"


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([(0, 1), (1, 1)], r"graph 0 has a self-loop \(1, 1\)"),
        ([(0, 1), (1, 0)], r"graph 0 has a parallel edge \(0, 1\)"),
        ([(0, 3)], r"graph 0 has an edge to a node outside 0..n-1 \(0, 3\)"),
        ([(-1, 0)], r"node outside"),
    ],
)
def test_what_is_not_simple_is_refused(edges: list[tuple[int, int]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        GraphSet.from_edge_lists([3], [edges])


def test_directed_graphs_are_refused() -> None:
    with pytest.raises(InputError, match="graph 0 is directed"):
        GraphSet.from_networkx([nx.DiGraph([(0, 1)])])
    with pytest.raises(InputError, match="graph 0 is a multigraph"):
        GraphSet.from_networkx([nx.MultiGraph([(0, 1)])])
    with pytest.raises(InputError, match="symmetric"):
        GraphSet.from_csr(sparse.csr_array(np.array([[0, 1], [0, 0]])))
    with pytest.raises(InputError, match="1 of 1 edges have no edge the other way"):
        GraphSet.from_edge_index([[0], [1]], [0, 0])
    with pytest.raises(InputError, match="nodes of two graphs"):
        GraphSet.from_edge_index([[0, 1], [1, 0]], [0, 1])


def test_broken_offsets_are_refused() -> None:
    with pytest.raises(InputError, match="edge_offsets"):
        GraphSet([2], [0, 2], [[0, 1]])
    with pytest.raises(InputError, match="sorted"):
        GraphSet([3], [0, 2], [[0, 2], [0, 1]])
