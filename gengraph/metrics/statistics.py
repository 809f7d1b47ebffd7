"""Statistics of a graph set: one row of numbers a graph.

Legend: G graphs, N nodes of all graphs together, D numbers a graph.

References:
    [1] D. Watts and S. Strogatz, Collective dynamics of small-world networks, Nature 393, 1998.
    [2] J. You, R. Ying, X. Ren, W. Hamilton and J. Leskovec, GraphRNN, ICML 2018.
    [3] R. Liao et al., Efficient graph generation with graph recurrent attention networks (GRAN), NeurIPS 2019.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.graphlets import large_orbits
from gengraph.graphs.orbits import node_orbits, node_triangles

FloatArray = npt.NDArray[np.float64]

CLUSTERING_BINS = 100


def node_degrees(graphs: GraphSet) -> Int64Array:
    """int64[N], the degree of each node of each graph in order; O(N + E)."""
    return graphs.degrees()


def local_clustering(graphs: GraphSet) -> FloatArray:
    """The share of the pairs of neighbours of each node that are joined [1].

    Returns:
        float64[N] in [0, 1], nodes of all graphs in order; 0 for a node with fewer than two neighbours.

    Complexity: O(E^1.5) time, O(N + E) memory.
    """
    degrees = node_degrees(graphs)
    pairs = degrees * (degrees - 1)
    return np.asarray(2 * node_triangles(graphs) / np.maximum(pairs, 1))


def degree_histogram(graphs: GraphSet) -> FloatArray:
    """How many nodes of each graph have each degree.

    Returns:
        float64[G, D] of counts, D = 1 + the largest degree in the set (1 for a set without nodes); the row of a graph without
        nodes is zero. Memory 8 G D bytes.
    """
    return count_by_graph(graphs, node_degrees(graphs))


@dataclass(frozen=True, slots=True, eq=False)
class SparseHistograms:
    """Histograms of which most bins are empty in all graphs, as degrees with a hub among them: only the other bins are kept.

    Attributes:
        counts: float64[G, K].
        bins: int64[K], the bins that the columns count, ascending.
    """

    counts: FloatArray
    bins: Int64Array

    @classmethod
    def of(cls, rows: "Rows") -> "SparseHistograms":
        """Those of dense rows."""
        if isinstance(rows, cls):
            return rows
        bins = np.flatnonzero(np.asarray(rows).any(axis=0))
        return cls(np.asarray(rows)[:, bins], bins)

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, graphs: npt.NDArray[np.bool_] | slice) -> "SparseHistograms":
        return SparseHistograms(self.counts[graphs], self.bins)


@dataclass(frozen=True, slots=True, eq=False)
class FeatureRows:
    """Rows of which few of very many columns are not 0.

    Attributes:
        matrix: csr, float64[G, D].
    """

    matrix: sparse.csr_array

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def __getitem__(self, graphs: npt.NDArray[Any] | slice) -> "FeatureRows":
        return FeatureRows(self.matrix[graphs])

    @classmethod
    def concatenate(cls, parts: "Sequence[FeatureRows]") -> "FeatureRows":
        """One after the other."""
        return cls(sparse.csr_array(sparse.vstack([part.matrix for part in parts], format="csr")))

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What a file keeps."""
        matrix = self.matrix
        return {"data": matrix.data, "columns": matrix.indices, "offsets": matrix.indptr, "shape": np.array(matrix.shape)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "FeatureRows":
        """What `to_arrays` gave."""
        parts = arrays["data"], arrays["columns"], arrays["offsets"]
        return cls(sparse.csr_array(parts, shape=tuple(arrays["shape"].tolist())))


Rows = FloatArray | SparseHistograms | FeatureRows
"""float64[G, D], or rows with most columns left out."""


def sparse_degree_histogram(graphs: GraphSet) -> SparseHistograms:
    """`degree_histogram` for graphs with hubs."""
    return sparse_rows(len(graphs), graphs.graph_of_node, node_degrees(graphs))


def clustering_histogram(graphs: GraphSet) -> FloatArray:
    """How many nodes of each graph have a local clustering coefficient in each of 100 bins on [0, 1] [2].

    Bins are closed on the left, the last one on both sides, with the edges of numpy.histogram: what lies on an edge such
    as 0.29 falls where numpy puts it.

    Returns:
        float64[G, 100] of counts; the row of a graph without nodes is zero.
    """
    bins = histogram_bins(local_clustering(graphs), num_bins=CLUSTERING_BINS, low=0.0, high=1.0)
    return count_by_graph(graphs, bins, CLUSTERING_BINS)


def orbit_means(graphs: GraphSet) -> FloatArray:
    """The 15 orbit counts of connected graphlets with up to four nodes, summed over the nodes, divided by their number [2].

    Returns:
        float64[G, 15] >= 0, not normalised; zero for a graph without nodes or without edges.
    """
    return _node_means(graphs, node_orbits(graphs))


def large_orbit_means(graphs: GraphSet) -> FloatArray:
    """As `orbit_means`, for the 73 orbits of graphlets with up to five nodes.

    Returns:
        float64[G, 73] >= 0.

    Complexity: see `gengraph.graphs.graphlets.large_orbits`.
    """
    return np.hstack([orbit_means(graphs), _node_means(graphs, large_orbits(graphs))])


def _node_means(graphs: GraphSet, counts: Int64Array) -> FloatArray:
    """float64[G, D], the mean of counts int64[N, D] over the nodes of each graph."""
    if int(counts.max(initial=0)) * len(counts) < 2**63:
        totals = np.zeros((len(counts) + 1, counts.shape[1]), np.int64)
        np.cumsum(counts, axis=0, out=totals[1:])
        sums = np.diff(totals[graphs.node_offsets], axis=0)
    else:  # sums that do not fit are those of floats
        graph = graphs.graph_of_node
        sums = np.stack([np.bincount(graph, column, len(graphs)) for column in counts.T], axis=1)
    return np.asarray(sums / np.maximum(graphs.num_nodes, 1)[:, None])


def histogram_bins(values: FloatArray, *, num_bins: int, low: float, high: float) -> Int64Array:
    """The bin of each value as numpy.histogram(values, num_bins, (low, high)) has it; -1 or num_bins for values outside."""
    edges = np.linspace(low, high, num_bins + 1)
    bins = np.searchsorted(edges, values, side="right") - 1
    return np.where(values == high, num_bins - 1, bins).astype(np.int64)


def count_by_graph(graphs: GraphSet, column: Int64Array, num_columns: int | None = None) -> FloatArray:
    """float64[G, D], how many nodes of each graph fall in each column; columns outside 0..D-1 are left out."""
    width = int(column.max(initial=0)) + 1 if num_columns is None else num_columns
    row = graphs.graph_of_node
    inside = (column >= 0) & (column < width)
    return count_rows(len(graphs), row[inside], column[inside], width)


def count_rows(num_graphs: int, graph: Int64Array, column: Int64Array, num_columns: int) -> FloatArray:
    """float64[G, D], how many of the things that belong to a graph and a column there are."""
    cells = np.bincount(graph * num_columns + column, minlength=num_graphs * num_columns)
    return cells.reshape(num_graphs, num_columns).astype(np.float64)


def sparse_rows(num_graphs: int, graph: Int64Array, column: Int64Array) -> SparseHistograms:
    """The same without columns that are empty in all graphs; memory 8 G K bytes for K others."""
    bins, place = np.unique(column, return_inverse=True)
    return SparseHistograms(count_rows(num_graphs, graph, place.reshape(-1), len(bins)), bins)
