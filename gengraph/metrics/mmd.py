"""The squared maximum mean discrepancy (MMD) of two samples, from Gram matrices that are computed in blocks.

Legend: m and n graphs of the first and the second sample, K different points of one, D numbers a point, S bandwidths, B block
size.

    biased:   MMD^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y), pairs of a point with itself included
    unbiased: the same with those pairs left out of the first two means

Points that are equal stand once, and count as often as they occur: the sums are those over all pairs, from K^2 kernel values
instead of m^2. There is no square root. The biased estimate of two samples of one distribution is above 0 by `expected_floor`.

References:
    [1] A. Gretton et al., A kernel two-sample test, JMLR 13, 2012, equations 3 and 5.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gengraph.graphs.pieces import Spread
from gengraph.metrics.kernels import Kernel, Points, gram, squared_distances
from gengraph.metrics.statistics import FloatArray

Estimator = Literal["biased", "unbiased"]
BLOCK_SIZE = 1024
Block = tuple[int, int, int, int]
"""Rows start:stop and columns start:stop of a Gram matrix."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The points of a sample.

    Attributes:
        points: float64[K, D], or what makes blocks of them.
        index: int64[m], the point of each graph; None where point i is that of graph i.
    """

    points: Points | FloatArray
    index: npt.NDArray[np.int64] | None = None

    @property
    def size(self) -> int:
        """Graphs, m."""
        return len(self.points) if self.index is None else len(self.index)

    @cached_property
    def counts(self) -> FloatArray:
        """float64[K], how many graphs have each point."""
        if self.index is None:
            return np.ones(len(self.points))
        return np.bincount(self.index, minlength=len(self.points)).astype(np.float64)

    @property
    def total(self) -> FloatArray:
        """The sum of the points of all graphs, of points that `angle` compares."""
        return np.asarray(self.counts @ self.points[:])

    def folded(self, weights: FloatArray) -> FloatArray:
        """float64[K, P], weights float64[m, P] of graphs summed up over those that have a point."""
        if self.index is None:
            return weights
        fold = sparse.csr_array((np.ones(self.size), (self.index, np.arange(self.size))), shape=(len(self.points), self.size))
        return np.asarray(fold @ weights)

    def followed_by(self, other: "Sample") -> "Sample":
        """Both samples, one after the other."""
        if isinstance(self.points, Points) and isinstance(other.points, Points):
            points: Points | FloatArray = self.points.followed_by(other.points)
        else:
            points = np.concatenate([self.points[:], other.points[:]])
        if self.index is None and other.index is None:
            return Sample(points)
        own, others = (np.arange(part.size) if part.index is None else part.index for part in (self, other))
        return Sample(points, np.concatenate([own, others + len(self.points)]))


def as_sample(points: Sample | FloatArray) -> Sample:
    """A sample, of points float64[m, D] too."""
    return points if isinstance(points, Sample) else Sample(points)


@dataclass(frozen=True, kw_only=True, slots=True)
class GramSums:
    """What the MMD needs to know of the three Gram matrices.

    Attributes:
        first: float64[S], sum of k(x, x') over all m^2 pairs.
        second: float64[S], sum of k(y, y') over all n^2 pairs.
        cross: float64[S], sum of k(x, y) over all m n pairs.
        num_first: m.
        num_second: n.
        sigma: float64[S], bandwidths in the units of the distance.
    """

    first: FloatArray
    second: FloatArray
    cross: FloatArray
    num_first: int
    num_second: int
    sigma: FloatArray

    def mmd2(self, estimator: Estimator) -> FloatArray:
        """float64[S], the estimate for each bandwidth; the unbiased one of a sample with a single point is NaN.

        Every kernel here has k(x, x) = 1. Range [-2, 2]; for a positive definite kernel the biased estimate is >= 0.
        """
        m, n = self.num_first, self.num_second
        cross = self.cross / (m * n)
        if estimator == "biased":
            return self.first / m**2 + self.second / n**2 - 2 * cross
        if min(m, n) < 2:
            return np.full_like(cross, np.nan)
        return (self.first - m) / (m * (m - 1)) + (self.second - n) / (n * (n - 1)) - 2 * cross

    def expected_floor(self) -> FloatArray:
        """float64[S], what the biased MMD^2 of m and n points would be on average, were both drawn from the first distribution.

        (1/m + 1/n) (1 - mean of k(x, x') over pairs of two points), an unbiased estimate; NaN for m = 1.
        """
        m, n = self.num_first, self.num_second
        if m < 2:
            return np.full_like(self.first, np.nan)
        return (1 / m + 1 / n) * (1 - (self.first - m) / (m * (m - 1)))


def gram_blocks(num_rows: int, num_columns: int, *, symmetric: bool = False) -> list[Block]:
    """Cut a Gram matrix into blocks; of a symmetric one only the blocks on and above the diagonal."""
    return [
        (row, min(row + BLOCK_SIZE, num_rows), column, min(column + BLOCK_SIZE, num_columns))
        for row in range(0, num_rows, BLOCK_SIZE)
        for column in range(row if symmetric else 0, num_columns, BLOCK_SIZE)
    ]


def block_distance_sum(first: Sample, second: Sample, kernel: Kernel, block: Block) -> float:
    """Sum of the squared distances in a block."""
    start, stop, left, right = block
    return _sum(squared_distances(first.points[start:stop], second.points[left:right], kernel), first, second, block)


def block_kernel_sums(first: Sample, second: Sample, kernel: Kernel, sigma: FloatArray, block: Block) -> FloatArray:
    """float64[S], sums of the kernel values in a block, a pure function; O(B^2 (D + S)) time and 24 B^2 bytes."""
    start, stop, left, right = block
    squared = squared_distances(first.points[start:stop], second.points[left:right], kernel)
    return np.array([_sum(gram(squared, float(bandwidth), kernel), first, second, block) for bandwidth in sigma])


def _sum(values: FloatArray, first: Sample, second: Sample, block: Block) -> float:
    """Over all pairs of graphs that have the points of a block."""
    if first.index is None and second.index is None:
        return float(values.sum())
    start, stop, left, right = block
    return float(first.counts[start:stop] @ (values @ second.counts[left:right]))


def gram_sums(first: Sample | FloatArray, second: Sample | FloatArray, kernel: Kernel, *, spread: Spread = map) -> GramSums:
    """Sum up the three Gram matrices of two samples, block by block.

    Args:
        first: a sample of m >= 1 graphs, or float64[m, D] of points.
        second: likewise, n >= 1.
        kernel: the distance and its bandwidths.
        spread: where the blocks are computed.

    Complexity: O(K^2 (D + S)) time for K different points of both, O(K D) for `angle`. Memory beside the points: 24 MiB (three
    blocks of 1024 x 1024) for each block that is computed at a time, whatever K is.
    """
    first, second = as_sample(first), as_sample(second)
    m, n = first.size, second.size
    sigma = np.array(kernel.sigma)
    if kernel.distance == "angle":
        totals = [sample.total for sample in (first, second)]
        products = [np.array([float(one @ other)]) for one, other in ((totals[0],) * 2, (totals[1],) * 2, totals)]
        return GramSums(first=products[0], second=products[1], cross=products[2], num_first=m, num_second=n, sigma=sigma)
    cross_blocks = gram_blocks(len(first.points), len(second.points))
    if kernel.relative:
        mean_square = sum(spread(partial(block_distance_sum, first, second, kernel), cross_blocks)) / (m * n)
        sigma = sigma * (np.sqrt(mean_square) if mean_square > 0 else 1.0)
    within = [_symmetric_sum(sample, kernel, sigma, spread) for sample in (first, second)]
    cross = np.sum(list(spread(partial(block_kernel_sums, first, second, kernel, sigma), cross_blocks)), axis=0)
    return GramSums(first=within[0], second=within[1], cross=cross, num_first=m, num_second=n, sigma=sigma)


def _symmetric_sum(sample: Sample, kernel: Kernel, sigma: FloatArray, spread: Spread) -> FloatArray:
    blocks = gram_blocks(len(sample.points), len(sample.points), symmetric=True)
    times = [1 if row == column else 2 for row, _, column, _ in blocks]
    sums = spread(partial(block_kernel_sums, sample, sample, kernel, sigma), blocks)
    return np.asarray(np.sum([time * total for time, total in zip(times, sums, strict=True)], axis=0))


def block_row_sums(first: Sample, second: Sample, kernel: Kernel, sigma: float, block: Block) -> tuple[int, FloatArray]:
    """Where a block's rows begin, and for each of them the sum of its kernel values over the graphs of its columns."""
    start, stop, left, right = block
    values = gram(squared_distances(first.points[start:stop], second.points[left:right], kernel), sigma, kernel)
    return start, np.asarray(values @ second.counts[left:right])


def row_sums(first: Sample, second: Sample, kernel: Kernel, sigma: float, spread: Spread = map) -> FloatArray:
    """float64[K], for each different point of the first sample the sum of k(x, y) over the graphs of the second."""
    total = np.zeros(len(first.points))
    blocks = gram_blocks(len(first.points), len(second.points))
    for start, values in spread(partial(block_row_sums, first, second, kernel, sigma), blocks):
        total[start : start + len(values)] += values
    return total
