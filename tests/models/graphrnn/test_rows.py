import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import graph_sets

from gengraph.data import load_dataset
from gengraph.graphs import GraphSet
from gengraph.graphs.order_names import BREADTH_FIRST
from gengraph.graphs.orderings import ORDERINGS, Adjacency, order_nodes
from gengraph.models.graphrnn.bandwidth import estimate_max_prev_node
from gengraph.models.graphrnn.rows import CONTINUE, NEW_COMPONENT, STOP, RowBatch, decode_rows, encode_rows, scan_rows
from gengraph.streams import key_of


def encode(graphs: GraphSet, max_prev_node: int, *, ordering: str = "bfs", adaptive: bool = True, seed: int = 0) -> RowBatch:
    return encode_rows(
        Adjacency.of(graphs),
        np.arange(len(graphs)),
        ordering=ordering,
        max_prev_node=max_prev_node,
        adaptive=adaptive,
        key=(seed, 0),
    )


def renumbered(graphs: GraphSet, g: int, ordering: str, seed: int) -> GraphSet:
    """Graph g with its nodes numbered by the ordering that `encode` draws for it."""
    adjacency = Adjacency.of(graphs)
    n = int(graphs.num_nodes[g])
    order, position = np.empty(n, np.int32), np.empty(n, np.int32)
    first = int(graphs.node_offsets[g])
    state = np.array([key_of(seed, g, 0)], np.uint64)
    order_nodes(ORDERINGS[ordering], adjacency.indptr[first : first + n + 1], adjacency.neighbours, state, order, position)
    return GraphSet.from_edge_lists([n], [position[graphs[g].edges]])


@pytest.mark.parametrize("ordering", ORDERINGS)
@given(graphs=graph_sets(min_nodes=1), adaptive=st.booleans(), seed=st.integers(0, 99))
def test_decoding_inverts_encoding(ordering: str, graphs: GraphSet, adaptive: bool, seed: int) -> None:
    batch = encode(graphs, 9, ordering=ordering, adaptive=adaptive and ordering in BREADTH_FIRST, seed=seed)
    assert batch.num_cut == 0
    assert sorted(batch.graph.tolist()) == list(range(len(graphs)))
    expected = [renumbered(graphs, int(g), ordering, seed) for g in batch.graph]
    decoded = decode_rows(batch)
    assert decoded == GraphSet.concatenate(expected)
    assert GraphSet(decoded.num_nodes, decoded.edge_offsets, decoded.edges) == decoded  # it obeys all rules


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_extreme_graphs_and_one_of_ten_thousand_nodes(ordering: str) -> None:
    tree = nx.Graph([(node, (node - 1) // 3) for node in range(1, 9_000)])  # and a cycle, and isolated nodes
    large = nx.disjoint_union_all([tree, nx.cycle_graph(990), nx.empty_graph(10)])
    small = [nx.empty_graph(1), nx.complete_graph(30), nx.empty_graph(5), nx.disjoint_union(nx.path_graph(3), nx.path_graph(2))]
    for graphs in (GraphSet.from_networkx(small), GraphSet.from_networkx([large])):
        bound = 6_100 if ordering in {"bfs", "cm", "rcm"} else 10_000
        batch = encode(graphs, bound, ordering=ordering, adaptive=ordering in BREADTH_FIRST)
        assert batch.num_cut == 0
        expected = [renumbered(graphs, int(g), ordering, 0) for g in batch.graph]
        assert decode_rows(batch) == GraphSet.concatenate(expected)


def test_no_graphs_and_graphs_without_nodes() -> None:
    assert decode_rows(encode(GraphSet.empty(), 3)) == GraphSet.empty()
    nothing = GraphSet.from_networkx([nx.empty_graph(0), nx.path_graph(2)])
    assert decode_rows(encode(nothing, 3)).num_nodes.tolist() == [2, 0]


@given(graphs=graph_sets(min_nodes=1), seed=st.integers(0, 99))
def test_rows_obey_their_decisions(graphs: GraphSet, seed: int) -> None:
    batch = encode(graphs, 9, seed=seed)
    chosen = batch.bits.any(axis=1)
    assert (chosen == (batch.decisions == CONTINUE)).all()
    assert (batch.decisions == STOP).sum() == len(graphs)
    assert (batch.decisions == NEW_COMPONENT).sum() == (graphs.num_components() - 1).sum()
    assert ((batch.widths >= 1) & (batch.widths <= 9)).all()
    beyond = np.arange(9) >= batch.widths[:, None]
    assert not batch.bits[beyond].any()


@given(graphs=graph_sets(min_nodes=1, max_nodes=8), max_prev_node=st.integers(1, 3), adaptive=st.booleans())
def test_what_does_not_fit_is_counted(graphs: GraphSet, max_prev_node: int, adaptive: bool) -> None:
    batch = encode(graphs, max_prev_node, adaptive=adaptive)
    assert batch.num_cut + batch.bits.sum() == len(graphs.edges)


def test_an_ordering_does_not_depend_on_its_batch() -> None:
    graphs = load_dataset("grid-small")
    bound = estimate_max_prev_node(graphs, "bfs").max_prev_node
    together = decode_rows(encode(graphs, bound))
    where = encode(graphs, bound).graph.tolist().index(7)
    alone = encode_rows(Adjacency.of(graphs), np.array([7]), ordering="bfs", max_prev_node=bound, adaptive=True, key=(0, 0))
    assert decode_rows(alone) == together[where]
    other_epoch = encode_rows(
        Adjacency.of(graphs), np.array([7]), ordering="bfs", max_prev_node=bound, adaptive=True, key=(0, 1)
    )
    assert decode_rows(other_epoch) != decode_rows(alone)


@pytest.mark.parametrize("oldest_first", [True, False])
@pytest.mark.parametrize("every_row", [True, False])
@given(graphs=graph_sets(min_nodes=1), seed=st.integers(0, 9))
def test_scan_packs_each_window(oldest_first: bool, every_row: bool, graphs: GraphSet, seed: int) -> None:
    batch = encode(graphs, 9, seed=seed)
    scan = scan_rows(batch, oldest_first=oldest_first, every_row=every_row)
    rows = np.arange(len(batch.widths)) if every_row else np.flatnonzero(batch.decisions == CONTINUE)
    assert sorted(scan.rows.tolist()) == rows.tolist()
    offsets = np.concatenate([[0], np.cumsum(scan.step_sizes)])
    for i, row in enumerate(scan.rows):
        width = batch.widths[row]
        places = offsets[:width] + i
        window = batch.bits[row, :width]
        expected = window[::-1] if oldest_first else window
        assert scan.bits[places].tolist() == expected.tolist()
        assert scan.previous[places].tolist() == [1, *expected[:-1].tolist()]
        certain = not every_row and not expected[:-1].any()
        assert scan.free[places].tolist() == [1] * (width - 1) + [0 if certain else 1]
    assert (scan.step_sizes > 0).all()
    assert scan.step_sizes.sum() == len(scan.bits) == batch.widths[scan.rows].sum()
