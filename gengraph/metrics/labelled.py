"""Statistics of labels of nodes and edges, and of directed edges: one row of counts a graph.

Legend: G graphs, K kinds of node labels, L kinds of edge labels, D numbers a graph. Graphs that are compared have one schema
(`gengraph.graphs.schema.LabelSchema.union`), so that columns mean the same.

References:
    [1] N. Goyal, H. V. Jain and S. Ranu, GraphGen: a scalable approach to domain-agnostic labeled graph generation, WWW 2020
        (the marginals of labels, and of degrees with labels).
"""

from collections.abc import Callable

import numpy as np

from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.metrics.statistics import FloatArray, SparseHistograms, count_rows, node_degrees, sparse_rows

Cells = Callable[[GraphSet], tuple[Int64Array, Int64Array, int]]
"""What is counted: (the graph of each, its column, how many columns there are)."""


def node_label_cells(graphs: GraphSet) -> tuple[Int64Array, Int64Array, int]:
    """Nodes by label: K columns."""
    return graphs.graph_of_node, _node_labels(graphs).astype(np.int64), graphs.schema.num_kinds[0]


def edge_label_cells(graphs: GraphSet) -> tuple[Int64Array, Int64Array, int]:
    """Edges by label: L columns; one of both directions counts once."""
    return graphs.graph_of_edge, _edge_labels(graphs).astype(np.int64), graphs.schema.num_kinds[1]


def degree_label_cells(graphs: GraphSet) -> tuple[Int64Array, Int64Array, int]:
    """Nodes by the number of their neighbours and by label: column degree x K + label [1]."""
    kinds, degrees = graphs.schema.num_kinds[0], node_degrees(graphs)
    return graphs.graph_of_node, degrees * kinds + _node_labels(graphs), kinds * (1 + int(degrees.max(initial=0)))


def labelled_edge_cells(graphs: GraphSet) -> tuple[Int64Array, Int64Array, int]:
    """Edges by the label of the edge and those of its ends: L K^2 columns.

    Directed edges have the source's label first, and one of both directions counts as two; else the smaller label is first.
    """
    edge, ends = graphs.arcs()
    kinds, graph = graphs.schema.num_kinds[0], graphs.graph_of_edge[edge]
    labels = _node_labels(graphs)[ends + graphs.node_offsets[:-1][graph][:, None]].astype(np.int64)
    if graphs.directions is None:
        labels = np.sort(labels, axis=1)
    column = (_edge_labels(graphs)[edge] * kinds + labels[:, 0]) * kinds + labels[:, 1]
    return graph, column, graphs.schema.num_kinds[1] * kinds**2


def in_degree_cells(graphs: GraphSet) -> tuple[Int64Array, Int64Array, int]:
    """Nodes by the number of edges that come in."""
    return _arc_degree_cells(graphs, 1)


def out_degree_cells(graphs: GraphSet) -> tuple[Int64Array, Int64Array, int]:
    """Nodes by the number of edges that go out."""
    return _arc_degree_cells(graphs, 0)


def histogram_of(cells: Cells, graphs: GraphSet) -> FloatArray:
    """float64[G, D] of counts."""
    return count_rows(len(graphs), *cells(graphs))


def sparse_histogram_of(cells: Cells, graphs: GraphSet) -> SparseHistograms:
    """The same without the columns that are empty in all graphs."""
    return sparse_rows(len(graphs), *cells(graphs)[:2])


def width_of(cells: Cells, graphs: GraphSet) -> int:
    """How many columns there are."""
    return cells(graphs)[2]


def _arc_degree_cells(graphs: GraphSet, end: int) -> tuple[Int64Array, Int64Array, int]:
    edge, ends = graphs.arcs()
    node = ends[:, end] + graphs.node_offsets[:-1][graphs.graph_of_edge[edge]]
    degrees = np.bincount(node, minlength=int(graphs.node_offsets[-1]))
    return graphs.graph_of_node, degrees, 1 + int(degrees.max(initial=0))


def _node_labels(graphs: GraphSet) -> Int32Array:
    return np.zeros(int(graphs.node_offsets[-1]), np.int32) if graphs.node_labels is None else graphs.node_labels


def _edge_labels(graphs: GraphSet) -> Int32Array:
    return np.zeros(len(graphs.edges), np.int32) if graphs.edge_labels is None else graphs.edge_labels
