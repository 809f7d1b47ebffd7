"""The law of the number of nodes: that of the training graphs, spread if that is likelier, and a little of everything else.

    p(n) = (count(n) + s q(n)) / (G + s),    q(n) = (1 - r) r^(n - 1),  r = 1 - 1 / mean size

with G training graphs, count(n) of which have n nodes, and s = size_smoothing: a size that no training graph has is possible,
and log p(n) finite. The law of [1] is the first term alone.

References:
    1. R. Liao et al. Efficient Graph Generation with Graph Recurrent Attention Networks. NeurIPS 2019, section 2.
    2. C. Habbema, J. Hermans, K. van den Broek. A stepwise discriminant analysis program using density estimation. COMPSTAT
       1974 (the width of a kernel by the likelihood of what is left out).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int64Array

FloatArray = npt.NDArray[np.float64]

_WIDEST = 1024


@dataclass(frozen=True, slots=True)
class SizeLaw:
    """How many nodes a graph has.

    Attributes:
        sizes: int64[D] ascending, the different sizes of the training graphs; with `spread` those between them too.
        counts: float64[D], how many have each.
        smoothing: s > 0.
    """

    sizes: Int64Array
    counts: FloatArray
    smoothing: float

    @classmethod
    def from_counts(cls, counts: Sequence[Sequence[float]], smoothing: float) -> "SizeLaw":
        """The law of training graphs whose sizes were counted by `size_counts`."""
        sizes, repeats = np.array(counts, np.float64).T
        return cls(sizes.astype(np.int64), repeats, smoothing)

    @classmethod
    def from_spread(cls, parts: list[list[float]], smoothing: float) -> "SizeLaw":
        """The law of the sizes and counts that `spread_facts` found."""
        return cls(np.array(parts[0], np.int64), np.array(parts[1], np.float64), smoothing)

    @property
    def _ratio(self) -> float:
        return 1 - float(self.counts.sum()) / float(self.sizes @ self.counts)

    def log_prob(self, num_nodes: Int64Array) -> npt.NDArray[np.float64]:
        """Log p float64[...] of sizes >= 1."""
        place = np.minimum(np.searchsorted(self.sizes, num_nodes), len(self.sizes) - 1)
        seen = np.where(self.sizes[place] == num_nodes, self.counts[place], 0)
        ratio = self._ratio
        with np.errstate(divide="ignore"):
            broad = (1 - ratio) * np.power(ratio, num_nodes - 1.0)
            log_prob: npt.NDArray[np.float64] = np.log(seen + self.smoothing * broad)
        log_prob -= np.log(self.counts.sum() + self.smoothing)
        return log_prob

    def draw(self, uniform: float, tail: float) -> int:
        """The size that belongs to two numbers in [0, 1): the inverse of the distribution, training sizes first."""
        total = self.counts.sum() + self.smoothing
        place = int(np.searchsorted(np.cumsum(self.counts), uniform * total, side="right"))
        if place < len(self.sizes) or not self.smoothing:
            return int(self.sizes[min(place, len(self.sizes) - 1)])
        ratio = self._ratio
        return 1 if ratio <= 0 else 1 + int(np.log1p(-tail) / np.log(ratio))


def size_counts(num_nodes: npt.ArrayLike) -> list[list[int]]:
    """[n, how many graphs have n nodes] for each of their sizes, ascending; JSON-ready."""
    sizes, counts = np.unique(np.asarray(num_nodes, np.int64), return_counts=True)
    return [[int(n), int(count)] for n, count in zip(sizes, counts, strict=True)]


def spread_facts(num_nodes: npt.ArrayLike) -> list[list[float]]:
    """The two arrays of `spread_counts`, JSON-ready."""
    return [part.tolist() for part in spread_counts(num_nodes)]


def spread_counts(num_nodes: npt.ArrayLike) -> tuple[Int64Array, FloatArray]:
    """Sizes int64[D] and counts float64[D] of training graphs, each spread by a discrete Gaussian within their range.

    Its width is 0, 1, 2, 4, ...: the one under which each size is likeliest given the others [2]. Few different sizes that come
    again and again are not spread.
    """
    values = np.asarray(num_nodes, np.int64)
    first, last = int(values.min()), int(values.max())
    counts = np.bincount(values - first, minlength=last - first + 1).astype(np.float64)
    widest = min(last - first + 1, _WIDEST)
    spreads = [(counts, np.ones_like(counts)), *(_spread(counts, 2.0**k) for k in range(int(np.log2(widest)) + 1))]
    best = max(spreads, key=lambda spread: _left_out(counts, *spread))[0]
    sizes = np.flatnonzero(best > 0)
    return sizes + first, best[sizes]


def _spread(counts: FloatArray, width: float) -> tuple[FloatArray, FloatArray]:
    """Each count spread by a Gaussian that is cut to the range, float64[N]; and which share of each stays where it was."""
    from scipy.ndimage import gaussian_filter1d

    inside = gaussian_filter1d(np.ones_like(counts), width, mode="constant")
    reach = int(4 * width + 0.5)  # where the filter ends
    centre = 1 / np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2).sum()
    return gaussian_filter1d(counts / inside, width, mode="constant"), centre / inside


def _left_out(counts: FloatArray, mass: FloatArray, stays: FloatArray) -> float:
    """Log-likelihood of each size under the law of the others, its own kernel taken away."""
    seen = counts > 0
    with np.errstate(divide="ignore"):
        return float((counts[seen] * np.log(np.maximum(mass[seen] - stays[seen], 0))).sum())
