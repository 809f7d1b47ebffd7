"""The law of the number of nodes of a graph, from the sizes of the training graphs.

Legend: G training graphs, K sizes that the law gives mass to, B graphs.

Reference:
    C. Habbema, J. Hermans, K. van den Broek. A stepwise discriminant analysis program using density estimation. COMPSTAT 1974
    (the width of a kernel by the likelihood of what is left out).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from gengraph.graphs import Int64Array

FloatArray = npt.NDArray[np.float64]

NEVER = -30.0  # log-probability of a size that the law does not know, about
_WIDEST = 1024


@dataclass(frozen=True, slots=True, eq=False)
class SizeLaw:
    """Which sizes graphs have, and how likely each is.

    Attributes:
        sizes: int64[K], ascending.
        mass: float64[K] > 0, sums to 1.
    """

    sizes: Int64Array
    mass: FloatArray

    @classmethod
    def of(cls, sizes: npt.ArrayLike) -> "SizeLaw":
        """The training sizes int[G], each spread by a discrete Gaussian within their range.

        Its width is 0, 1, 2, 4, ...: the one under which each size is likeliest given the others. Sizes with a pattern (all
        even, say) and those of few different values keep a width of 0, under which nothing new is drawn, unless that would
        rule out a training size that occurs once.
        """
        values = np.asarray(sizes, np.int64)
        first, last = int(values.min()), int(values.max())
        counts = np.bincount(values - first, minlength=last - first + 1).astype(np.float64)
        widest = min(last - first + 1, _WIDEST)
        spreads = [(counts, np.ones_like(counts)), *(_spread(counts, 2.0**k) for k in range(int(np.log2(widest)) + 1))]
        mass = max(spreads, key=lambda spread: _left_out(counts, *spread))[0]
        known = mass > 0
        return cls(np.flatnonzero(known) + first, mass[known] / mass[known].sum())

    @classmethod
    def from_pairs(cls, pairs: Sequence[Sequence[float]]) -> "SizeLaw":
        """What `to_pairs` gave."""
        return cls(np.array([size for size, _ in pairs], np.int64), np.array([mass for _, mass in pairs], np.float64))

    def to_pairs(self) -> list[list[float]]:
        """Each size with its mass, JSON-ready."""
        return [[int(size), float(mass)] for size, mass in zip(self.sizes, self.mass, strict=True)]

    def log_prob(self, sizes: Int64Array) -> FloatArray:
        """float64[B], in nats; about e^-30 for sizes that the law does not know."""
        place = np.searchsorted(self.sizes, sizes).clip(max=len(self.sizes) - 1)
        known = self.sizes[place] == sizes
        return np.where(known, np.log(self.mass[place]), NEVER)

    def draw(self, uniforms: FloatArray) -> Int64Array:
        """int64[B], the sizes at uniform numbers float64[B] on [0, 1), by the inverse of the distribution."""
        place = np.searchsorted(np.cumsum(self.mass), uniforms, side="right").clip(max=len(self.sizes) - 1)
        return np.asarray(self.sizes[place])


def _spread(counts: FloatArray, width: float) -> tuple[FloatArray, FloatArray]:
    """Each count spread by a Gaussian that is cut to the range, float64[N]; and which share of each stays where it was."""
    inside = gaussian_filter1d(np.ones_like(counts), width, mode="constant")
    reach = int(4 * width + 0.5)  # where the filter ends
    centre = 1 / np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2).sum()
    return gaussian_filter1d(counts / inside, width, mode="constant"), centre / inside


def _left_out(counts: FloatArray, mass: FloatArray, stays: FloatArray) -> float:
    """Log-likelihood of each size under the law of the others, its own kernel taken away."""
    seen = counts > 0
    with np.errstate(divide="ignore"):
        return float((counts[seen] * np.log(np.maximum(mass[seen] - stays[seen], 0))).sum())
