"""Gaussian kernels between rows of numbers, by three distances.

Legend: G graphs, D numbers a graph, S bandwidths.

None of the kernels on histograms is the Gaussian of a Euclidean distance: `emd` and `tv` give Gram matrices that are not
positive definite (-2.3 is the smallest eigenvalue for the clustering of 918 proteins under `emd`), so that their MMD^2 can be
negative and is no metric [3]. Rankings depend on the bandwidth: with sigma = 30 on orbit counts, grids come closer to
proteins than random graphs do. They stand here because published tables use them.

References:
    [1] J. You et al., GraphRNN, ICML 2018 (Gaussian of the earth mover's distance).
    [2] R. Liao et al., GRAN, NeurIPS 2019 (Gaussian of the total variation distance).
    [3] L. O'Bray et al., Evaluation metrics for graph generative models: problems, pitfalls, and practical solutions,
        ICLR 2022.
    [4] R. Thompson et al., On evaluation metrics for graph generative models, ICLR 2022 (bandwidths relative to the data).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.spatial.distance import cdist

from gengraph.errors import InputError
from gengraph.metrics.statistics import FloatArray, Rows, SparseHistograms

Distance = Literal["emd", "tv", "euclidean"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kernel:
    """k(x, y) = exp(-d(x, y)^2 / (2 sigma^2)), one kernel for each bandwidth sigma.

    Attributes:
        distance: `emd` is the earth mover's distance of two histograms of mass 1 with ground distance |i - j| / scaling, in
            one dimension the sum of |CDF_x - CDF_y| / scaling [1]; `tv` is half the sum of |x - y| [2]; `euclidean`.
        sigma: bandwidths, each > 0.
        scaling: bins per unit of the ground distance of `emd`, > 0.
        relative: bandwidths are in units of the root mean squared distance between the two sets [4] (1 where that is 0).

    Raises:
        InputError: a bandwidth or the scaling is not > 0.
    """

    distance: Distance
    sigma: tuple[float, ...] = (1.0,)
    scaling: float = 1.0
    relative: bool = False

    def __post_init__(self) -> None:
        if not self.sigma or min(self.sigma) <= 0 or self.scaling <= 0:
            msg = f"sigma and scaling must be > 0, got sigma {self.sigma} and scaling {self.scaling}"
            raise InputError(msg)

    @property
    def name(self) -> str:
        """gaussian_emd, gaussian_tv, gaussian, or rbf for relative bandwidths."""
        if self.relative:
            return "rbf"
        return "gaussian" if self.distance == "euclidean" else f"gaussian_{self.distance}"


def pad_and_normalise(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two sets of histograms as histograms of mass 1 on the same bins.

    The shorter ones are padded with empty bins. The mass of a histogram without any (a graph without nodes) goes to a bin of
    its own before the first one: below degree 0 for `emd`, at distance 1 from every other histogram for `tv`. Where there is
    no such graph, the bin is left out.

    Args:
        first: float64[G1, D1] >= 0.
        second: float64[G2, D2] >= 0.

    Returns:
        float64[G1, D], float64[G2, D]; each row sums to 1.
    """
    width = max(first.shape[1], second.shape[1])
    masses = first.sum(axis=1, keepdims=True), second.sum(axis=1, keepdims=True)
    null_bin = any((mass == 0).any() for mass in masses)
    result = []
    for histograms, mass in zip((first, second), masses, strict=True):
        rows = np.pad(histograms / np.where(mass == 0, 1, mass), ((0, 0), (0, width - histograms.shape[1])))
        result.append(np.hstack([mass == 0, rows]) if null_bin else rows)
    return result[0], result[1]


def points(rows: FloatArray, kernel: Kernel) -> FloatArray:
    """Map rows float64[G, D] to points of the same shape whose cityblock or Euclidean distance is the kernel's distance."""
    if kernel.distance == "emd":
        return np.asarray(np.cumsum(rows, axis=1) / kernel.scaling)
    return rows / 2 if kernel.distance == "tv" else rows


def sparse_points(first: Rows, second: Rows, kernel: Kernel) -> tuple[FloatArray, FloatArray]:
    """The points of two sets of histograms at the bins that are not empty alone; the distances between them are the same.

    The difference of two cumulated histograms is constant over a run of empty bins, so that for `emd` one column times the
    length of the run stands for it.

    Returns:
        float64[G1, K], float64[G2, K] for K different bins.
    """
    parts = [SparseHistograms.of(rows) for rows in (first, second)]
    bins = np.union1d(parts[0].bins, parts[1].bins)
    columns = [np.zeros((len(part), len(bins))) for part in parts]
    for part, dense in zip(parts, columns, strict=True):
        dense[:, np.searchsorted(bins, part.bins)] = part.counts
    rows = pad_and_normalise(columns[0], columns[1])
    if kernel.distance == "emd":
        bins = bins if rows[0].shape[1] == len(bins) else np.concatenate([[-1], bins])  # the bin of graphs without nodes
        runs = np.diff(bins, append=bins[-1:] + 1)
        return points(rows[0], kernel) * runs, points(rows[1], kernel) * runs
    return points(rows[0], kernel), points(rows[1], kernel)


def squared_distances(first: FloatArray, second: FloatArray, kernel: Kernel) -> FloatArray:
    """float64[G1, G2] of squared distances between points; O(G1 G2 D) time, 8 G1 G2 bytes."""
    if kernel.distance == "euclidean":
        return np.asarray(cdist(first, second, "sqeuclidean"))
    distances = cdist(first, second, "cityblock")
    return np.asarray(np.square(distances, out=distances))


def gram(squared: FloatArray, sigma: float) -> FloatArray:
    """Kernel values in [0, 1] for squared distances of any shape."""
    values = squared / (-2 * sigma**2)
    return np.asarray(np.exp(values, out=values))
