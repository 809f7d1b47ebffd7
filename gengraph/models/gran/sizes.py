"""The law of the number of nodes: that of the training graphs, and a little of everything else.

    p(n) = (count(n) + s q(n)) / (G + s),    q(n) = (1 - r) r^(n - 1),  r = 1 - 1 / mean size

with G training graphs, count(n) of which have n nodes, and s = size_smoothing: a size that no training graph has is possible,
and log p(n) finite. The law of [1] is the first term alone.

Reference:
    1. R. Liao et al. Efficient Graph Generation with Graph Recurrent Attention Networks. NeurIPS 2019, section 2.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int64Array


@dataclass(frozen=True, slots=True)
class SizeLaw:
    """How many nodes a graph has.

    Attributes:
        sizes: int64[D] ascending, the different sizes of the training graphs.
        counts: int64[D], how many have each.
        smoothing: s > 0.
    """

    sizes: Int64Array
    counts: Int64Array
    smoothing: float

    @classmethod
    def of(cls, num_nodes: npt.ArrayLike, smoothing: float) -> "SizeLaw":
        """The law of training graphs of these sizes, at least one."""
        sizes, counts = np.unique(np.asarray(num_nodes, np.int64), return_counts=True)
        return cls(sizes, counts, smoothing)

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
        if place < len(self.sizes):
            return int(self.sizes[place])
        ratio = self._ratio
        return 1 if ratio <= 0 else 1 + int(np.log1p(-tail) / np.log(ratio))
