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

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist

from gengraph.errors import InputError
from gengraph.metrics.statistics import FeatureRows, FloatArray, Rows, SparseHistograms

Distance = Literal["emd", "tv", "euclidean", "angle"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kernel:
    """k(x, y) = exp(-d(x, y)^2 / (2 sigma^2)), one kernel for each bandwidth sigma.

    Attributes:
        distance: `emd` is the earth mover's distance of two histograms of mass 1 with ground distance |i - j| / scaling, in
            one dimension the sum of |CDF_x - CDF_y| / scaling [1]; `tv` is half the sum of |x - y| [2]; `euclidean`. `angle`
            is for rows of norm 1: the kernel is their product x y, without a bandwidth (NSPDK).
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
        """gaussian_emd, gaussian_tv, gaussian, rbf for relative bandwidths, or linear."""
        if self.distance == "angle":
            return "linear"
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
    null_bin = any(not rows.any(axis=1).all() for rows in (first, second))
    return _normalised(first, width, null_bin=null_bin), _normalised(second, width, null_bin=null_bin)


def _normalised(histograms: FloatArray, width: int, *, null_bin: bool) -> FloatArray:
    mass = histograms.sum(axis=1, keepdims=True)
    rows = np.pad(histograms / np.where(mass == 0, 1, mass), ((0, 0), (0, width - histograms.shape[1])))
    return np.hstack([mass == 0, rows]) if null_bin else rows


def points(rows: FloatArray, kernel: Kernel) -> FloatArray:
    """Map rows float64[G, D] to points of the same shape whose cityblock or Euclidean distance is the kernel's distance."""
    if kernel.distance == "emd":
        return np.asarray(np.cumsum(rows, axis=1) / kernel.scaling)
    return rows / 2 if kernel.distance == "tv" else rows


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Points:
    """Rows as points whose cityblock or Euclidean distance is the kernel's; they are made block by block: `points[0:1024]`.

    Attributes:
        rows: [K, D], counts or other numbers, of any type; csr for `angle`.
        kernel: the distance.
        width: bins that histograms are filled up to; None for rows that are no histograms.
        null_bin: whether there is a bin before the first one for histograms without mass.
        runs: float64[width], how many bins each column stands for (`emd` of sparse histograms); None for one each.
    """

    rows: Any
    kernel: Kernel
    width: int | None = None
    null_bin: bool = False
    runs: FloatArray | None = None

    def __len__(self) -> int:
        return int(self.rows.shape[0])

    def __getitem__(self, block: slice) -> Any:
        if self.kernel.distance == "angle":
            return self.rows[block]
        rows = self.rows[block].astype(np.float64)
        if self.width is not None:
            rows = _normalised(rows, self.width, null_bin=self.null_bin)
        found = points(rows, self.kernel)
        return found if self.runs is None else found * self.runs

    def followed_by(self, others: "Points") -> "Points":
        """The points of both, which are on the same bins."""
        if self.kernel.distance == "angle":
            return replace(self, rows=sparse.vstack([self.rows, others.rows], format="csr"))
        width = max(self.rows.shape[1], others.rows.shape[1])
        rows = [np.pad(part.rows, ((0, 0), (0, width - part.rows.shape[1]))) for part in (self, others)]
        return replace(self, rows=np.concatenate(rows))


def embedded(first: Rows, second: Rows, kernel: Kernel, *, histogram: bool) -> tuple[Points, Points]:
    """The points of two sets of rows.

    Of sparse histograms, bins that are empty in both sets are left out: the difference of two cumulated histograms is constant
    over a run of empty bins, so that for `emd` one column times the length of the run stands for it.
    """
    if isinstance(first, FeatureRows) and isinstance(second, FeatureRows):
        used, place = np.unique(np.concatenate([first.matrix.indices, second.matrix.indices]), return_inverse=True)
        places = np.split(place.reshape(-1), [first.matrix.nnz])
        few = [
            sparse.csr_array((part.matrix.data, columns, part.matrix.indptr), shape=(len(part), len(used)))
            for part, columns in zip((first, second), places, strict=True)
        ]
        return Points(rows=few[0], kernel=kernel), Points(rows=few[1], kernel=kernel)
    if not histogram:
        return Points(rows=np.asarray(first), kernel=kernel), Points(rows=np.asarray(second), kernel=kernel)
    bins = None
    if isinstance(first, SparseHistograms) or isinstance(second, SparseHistograms):
        kept = [SparseHistograms.of(part) for part in (first, second)]
        bins = np.union1d(kept[0].bins, kept[1].bins)
        rows = [np.zeros((len(part), len(bins))) for part in kept]
        for part, dense in zip(kept, rows, strict=True):
            dense[:, np.searchsorted(bins, part.bins)] = part.counts
    else:
        rows = [np.asarray(first), np.asarray(second)]
    null_bin = any(not part.any(axis=1).all() for part in rows)
    runs = None
    if bins is not None and kernel.distance == "emd":
        bins = np.concatenate([[-1], bins]) if null_bin else bins  # the bin of graphs without nodes
        runs = np.diff(bins, append=bins[-1:] + 1).astype(np.float64)
    width = max(part.shape[1] for part in rows)
    made = [Points(rows=part, kernel=kernel, width=width, null_bin=null_bin, runs=runs) for part in rows]
    return made[0], made[1]


def squared_distances(first: Any, second: Any, kernel: Kernel) -> FloatArray:
    """float64[G1, G2] of squared distances between points; O(G1 G2 D) time, 8 G1 G2 bytes."""
    if kernel.distance == "angle":
        return np.asarray(2 - 2 * (first @ second.T).toarray())
    if kernel.distance == "euclidean":
        return np.asarray(cdist(first, second, "sqeuclidean"))
    distances = cdist(first, second, "cityblock")
    return np.asarray(np.square(distances, out=distances))


def gram(squared: FloatArray, sigma: float, kernel: Kernel) -> FloatArray:
    """Kernel values in [0, 1] for squared distances of any shape."""
    if kernel.distance == "angle":
        return 1 - squared / 2
    values = squared / (-2 * sigma**2)
    return np.asarray(np.exp(values, out=values))
