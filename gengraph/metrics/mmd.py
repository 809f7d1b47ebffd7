"""The squared maximum mean discrepancy (MMD) of two samples, from Gram matrices that are computed in blocks.

Legend: m and n points of the first and the second sample, D numbers a point, S bandwidths, B block size.

    biased:   MMD^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y), pairs of a point with itself included
    unbiased: the same with those pairs left out of the first two means

There is no square root. The biased estimate of two samples of one distribution is above 0 by `expected_floor`.

References:
    [1] A. Gretton et al., A kernel two-sample test, JMLR 13, 2012, equations 3 and 5.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from gengraph.graphs.pieces import Spread
from gengraph.metrics.kernels import Kernel, gram, squared_distances
from gengraph.metrics.statistics import FloatArray

Estimator = Literal["biased", "unbiased"]
BLOCK_SIZE = 1024
Block = tuple[int, int, int, int]
"""Rows start:stop and columns start:stop of a Gram matrix."""


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


def block_distance_sum(first: FloatArray, second: FloatArray, kernel: Kernel, block: Block) -> float:
    """Sum of the squared distances in a block."""
    start, stop, left, right = block
    return float(squared_distances(first[start:stop], second[left:right], kernel).sum())


def block_kernel_sums(first: FloatArray, second: FloatArray, kernel: Kernel, sigma: FloatArray, block: Block) -> FloatArray:
    """float64[S], sums of the kernel values in a block, a pure function; O(B^2 (D + S)) time and 24 B^2 bytes."""
    start, stop, left, right = block
    squared = squared_distances(first[start:stop], second[left:right], kernel)
    return np.array([gram(squared, float(bandwidth)).sum() for bandwidth in sigma])


def gram_sums(first: FloatArray, second: FloatArray, kernel: Kernel, *, spread: Spread = map) -> GramSums:
    """Sum up the three Gram matrices of two samples, block by block.

    Args:
        first: float64[m, D] of points (`kernels.points`), m >= 1.
        second: float64[n, D], n >= 1.
        kernel: the distance and its bandwidths.
        spread: where the blocks are computed.

    Complexity: O((m + n)^2 (D + S)) time. Memory beside the points: 24 MiB (three blocks of 1024 x 1024) for each block that
    is computed at a time, whatever m and n are.
    """
    m, n = len(first), len(second)
    sigma = np.array(kernel.sigma)
    cross_blocks = gram_blocks(m, n)
    if kernel.relative:
        mean_square = sum(spread(partial(block_distance_sum, first, second, kernel), cross_blocks)) / (m * n)
        sigma = sigma * (np.sqrt(mean_square) if mean_square > 0 else 1.0)
    within = [_symmetric_sum(sample, kernel, sigma, spread) for sample in (first, second)]
    cross = np.sum(list(spread(partial(block_kernel_sums, first, second, kernel, sigma), cross_blocks)), axis=0)
    return GramSums(first=within[0], second=within[1], cross=cross, num_first=m, num_second=n, sigma=sigma)


def _symmetric_sum(sample: FloatArray, kernel: Kernel, sigma: FloatArray, spread: Spread) -> FloatArray:
    blocks = gram_blocks(len(sample), len(sample), symmetric=True)
    times = [1 if row == column else 2 for row, _, column, _ in blocks]
    sums = spread(partial(block_kernel_sums, sample, sample, kernel, sigma), blocks)
    return np.asarray(np.sum([time * total for time, total in zip(times, sums, strict=True)], axis=0))
