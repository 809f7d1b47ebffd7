"""Spectra of normalised Laplacians.

References:
    [1] F. Chung, Spectral graph theory, AMS 1997.
    [2] R. Liao et al., GRAN, NeurIPS 2019 (the histogram).
"""

import numpy as np
from scipy.linalg import eigvalsh

from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.metrics.statistics import FloatArray, count_by_graph, histogram_bins, node_degrees

SPECTRAL_BINS = 200
LOWEST, HIGHEST = -1e-5, 2.0


def laplacian_spectra(graphs: GraphSet) -> FloatArray:
    """Eigenvalues of I - D^(-1/2) A D^(-1/2), with 0 instead of 1 on the diagonal at isolated nodes [1].

    Returns:
        float64[N], ascending for each graph, in [0, 2] but for rounding (about 1e-15): a bipartite component has an
        eigenvalue that comes out as 2 or just above or below.

    Complexity: O(n^3) time and 16 n^2 bytes for a graph with n nodes, one graph at a time: 4 GB for n = 16,000.
    """
    degrees = node_degrees(graphs)
    scale = np.where(degrees > 0, 1 / np.sqrt(np.maximum(degrees, 1)), 0.0)
    spectra = np.zeros(len(degrees))
    for start, stop, first, last in zip(
        graphs.node_offsets[:-1], graphs.node_offsets[1:], graphs.edge_offsets[:-1], graphs.edge_offsets[1:], strict=True
    ):
        if first < last:
            laplacian = _laplacian(degrees[start:stop], scale[start:stop], graphs.edges[first:last])
            spectra[start:stop] = eigvalsh(laplacian, overwrite_a=True, check_finite=False)
    return spectra


def _laplacian(degrees: Int64Array, scale: FloatArray, edges: Int32Array) -> FloatArray:
    """float64[n, n]; the order of the products on the diagonal is the original's, down to the last bit."""
    u, v = edges.T
    laplacian = np.zeros((len(degrees), len(degrees)))
    laplacian[u, v] = laplacian[v, u] = -scale[u] * scale[v]
    np.fill_diagonal(laplacian, scale * (degrees * scale))
    return laplacian


def spectral_histogram(graphs: GraphSet, *, strict: bool = False) -> FloatArray:
    """How many eigenvalues of each graph lie in each of 200 bins on [-1e-5, 2] [2].

    Eigenvalues are clipped to the range, so that each graph keeps as many as it has nodes. With `strict`, those that rounding
    moves above 2 are left out, as numpy.histogram does in the original: bipartite graphs lose one or not, by chance of the
    linear algebra library.

    Returns:
        float64[G, 200] of counts; the row of a graph without nodes is zero.
    """
    spectra = laplacian_spectra(graphs)
    values = spectra if strict else np.clip(spectra, LOWEST, HIGHEST)
    return count_by_graph(graphs, histogram_bins(values, num_bins=SPECTRAL_BINS, low=LOWEST, high=HIGHEST), SPECTRAL_BINS)
