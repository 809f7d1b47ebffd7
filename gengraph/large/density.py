"""The density of the eigenvalues of one large graph's normalised Laplacian, by the kernel polynomial method.

Chebyshev moments of the spectrum are traces, estimated by random vectors of signs [1] in k products with the matrix for 2 k
moments; Jackson's kernel makes a density of them that is smooth over about 2 pi / (2 k) and nowhere negative [2].

Legend: n nodes, R random vectors, J moments, X points.

References:
    [1] M. Hutchinson, "A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines",
        Communications in Statistics 18 (1989).
    [2] A. Weiße, G. Wellein, A. Alvermann and H. Fehske, "The kernel polynomial method", Reviews of Modern Physics 78 (2006).
"""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gengraph.graphs import GraphSet
from gengraph.large.cells import FloatArray
from gengraph.seeded import Stream

NUM_MOMENTS = 128
POINTS = np.linspace(0.0, 2.0, 201)
"""float64[X], where the cumulative spectrum is looked at."""
_NUMBERS = 1 << 24  # of the vectors that are worked on together


def spectral_moments(graph: GraphSet, num_vectors: int, *, seed: int, num_moments: int = NUM_MOMENTS) -> FloatArray:
    """float64[R, J], from each random vector, mean over the eigenvalues x of T_j(x - 1), j = 0..J-1; unbiased.

    Eigenvalues as in `gengraph.metrics.spectra`: an isolated node has 0. Complexity: O(R J (n + E)) time, O(n + E) memory.

    Args:
        graph: a set of one graph with at least one node.
        num_vectors: R >= 1.
        seed: of the vectors.
        num_moments: J, even.
    """
    matrix = _shifted(graph)
    num_nodes = matrix.shape[0]
    width = max(1, _NUMBERS // num_nodes)
    parts = []
    for start in range(0, num_vectors, width):
        vectors = [_signs(num_nodes, Stream(seed, r)) for r in range(start, min(start + width, num_vectors))]
        parts.append(_moments(matrix, np.stack(vectors, axis=1), num_moments))
    return np.asarray(np.concatenate(parts) / num_nodes)


def _shifted(graph: GraphSet) -> "sparse.csr_array":
    """The normalised Laplacian less the identity: eigenvalues in -1..1."""
    degrees = graph.degrees()
    scale = np.where(degrees > 0, 1 / np.sqrt(np.maximum(degrees, 1)), 0.0)
    pattern = graph.to_csr()
    data = -np.repeat(scale, np.diff(pattern.indptr)) * scale[pattern.indices]
    matrix = sparse.csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)
    alone = np.flatnonzero(degrees == 0)
    return matrix - sparse.csr_array((np.ones(len(alone)), (alone, alone)), shape=pattern.shape) if len(alone) else matrix


def _signs(count: int, stream: Stream) -> FloatArray:
    return np.where(stream.uniforms(count) < 0.5, -1.0, 1.0)


def _moments(matrix: "sparse.csr_array", vectors: npt.NDArray[np.float64], num_moments: int) -> FloatArray:
    """float64[R, J] of vectors float64[n, R], by T_(i + j) = 2 T_i T_j - T_|i - j|."""
    before, now = vectors, matrix @ vectors
    moments = np.empty((num_moments, vectors.shape[1]))
    moments[0], moments[1] = (before * before).sum(axis=0), (before * now).sum(axis=0)
    for j in range(1, num_moments // 2):
        before, now = now, 2 * (matrix @ now) - before
        moments[2 * j] = 2 * (before * before).sum(axis=0) - moments[0]
        moments[2 * j + 1] = 2 * (before * now).sum(axis=0) - moments[1]
    return moments.T


def cumulative_spectrum(moments: FloatArray) -> FloatArray:
    """float64[..., X]: the share of eigenvalues up to each of POINTS that moments float64[..., J] say, smoothed [2]."""
    num_moments = moments.shape[-1]
    j = np.arange(num_moments)
    angle = np.pi / (num_moments + 1)
    jackson = ((num_moments - j + 1) * np.cos(j * angle) + np.sin(j * angle) / np.tan(angle)) / (num_moments + 1)
    theta = np.arccos(np.clip(POINTS - 1, -1, 1))
    waves = 2 * np.sin(np.outer(j[1:], theta)) / j[1:, None]
    above = moments[..., :1] * theta + (jackson * moments)[..., 1:] @ waves
    return np.asarray(1 - above / np.pi)
