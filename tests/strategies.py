"""Hypothesis strategies shared by the tests."""

import itertools

import numpy as np
from hypothesis import strategies as st

from gengraph.graphs import GraphSet, LabelArrays, Labels, LabelSchema


@st.composite
def graph_sets(draw: st.DrawFn, max_graphs: int = 4, min_nodes: int = 0, max_nodes: int = 9) -> GraphSet:
    """Any batch of simple graphs, the empty batch and graphs without nodes or edges among them."""
    num_nodes = draw(st.lists(st.integers(min_nodes, max_nodes), max_size=max_graphs))
    edge_lists = []
    for n in num_nodes:
        pairs = list(itertools.combinations(range(n), 2))
        chosen = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
        edge_lists.append(np.array([pair for pair, keep in zip(pairs, chosen, strict=True) if keep], dtype=np.int64))
    return GraphSet.from_edge_lists(num_nodes, edge_lists)


@st.composite
def labelled_sets(draw: st.DrawFn, max_graphs: int = 4, max_nodes: int = 5) -> GraphSet:
    """Batches with few kinds of labels of nodes, edges or both, directed or not."""
    graphs = draw(graph_sets(max_graphs=max_graphs, max_nodes=max_nodes))
    kinds = Labels("element", ("C", "N")), Labels("bond", ("1", "2"))
    schema = LabelSchema(*(draw(st.sampled_from([None, kind])) for kind in kinds), draw(st.booleans()))

    def some(count: int, low: int, high: int, dtype: type) -> np.ndarray:
        return np.array(draw(st.lists(st.integers(low, high), min_size=count, max_size=count)), dtype)

    num_nodes, num_edges = int(graphs.node_offsets[-1]), len(graphs.edges)
    labels = LabelArrays(
        schema,
        some(num_nodes, 0, 1, np.int32) if schema.nodes else None,
        some(num_edges, 0, 1, np.int32) if schema.edges else None,
        some(num_edges, 1, 3, np.int8) if schema.directed else None,
    )
    return graphs.labelled(labels)


def renumbered(graphs: GraphSet, seed: int) -> GraphSet:
    """The same graphs with their nodes in another order, labels and directions with them."""
    rng = np.random.default_rng(seed)
    starts = graphs.node_offsets[:-1]
    place = np.concatenate([start + rng.permutation(n) for start, n in zip(starts, graphs.num_nodes, strict=True)] or [[]])
    place = place.astype(np.int64)
    rows, ends = graphs.arcs()
    graph = graphs.graph_of_edge[rows]
    labels = LabelArrays(
        LabelSchema(graphs.schema.nodes, graphs.schema.edges),
        None if graphs.node_labels is None else graphs.node_labels[np.argsort(place)],
        None if graphs.edge_labels is None else graphs.edge_labels[rows],
    )
    moved = place[ends + starts[graph][:, None]] - starts[graph][:, None]
    return GraphSet.from_flat(graphs.num_nodes, graph, moved, labels, directed=graphs.schema.directed)
