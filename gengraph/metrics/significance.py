"""How sure an MMD^2 is: permutation test, bootstrap interval, correction for many tests.

Legend: m and n graphs of the two samples, N = m + n, K different points of both, P permutations or bootstrap samples, S
bandwidths, B block size.

The biased MMD^2 is the quadratic form w' K w of the pooled Gram matrix K with weights 1/m on the first sample and -1/n on the
second. Permuted and resampled statistics are the same form with other weights, so that one Gram matrix serves them all.

References:
    [1] A. Gretton et al., A kernel two-sample test, JMLR 13, 2012.
    [2] B. Phipson and G. Smyth, Permutation p-values should never be zero, Statistical Applications in Genetics 9, 2010.
    [3] B. Efron and R. Tibshirani, An introduction to the bootstrap, Chapman and Hall 1993, chapter 13.
    [4] S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs.pieces import Spread
from gengraph.metrics.kernels import Kernel, gram, squared_distances
from gengraph.metrics.mmd import Block, Sample, as_sample, block_distance_sum, gram_blocks
from gengraph.metrics.statistics import FloatArray

_FEWEST = 100  # graphs that an estimate is made from
MAX_WEIGHTS = 1 << 25  # numbers in one array of weights: 256 MiB


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncertainty:
    """What to find out about the certainty of a result.

    Attributes:
        num_permutations: of the permutation test; 0 leaves it out. 10,000 tell p-values down to 0.0001.
        num_bootstrap: samples of the bootstrap interval; 0 leaves it out.
        level: of the interval, in (0, 1).
        seed: of all.
        max_graphs: a statistic that differs for more graphs of a set than that is compared by so many of them, drawn at
            random, an estimate with its interval (`gengraph.metrics.sampled`); 0 compares all.

    Raises:
        InputError: a number is negative, or the level lies outside (0, 1).
    """

    num_permutations: int = 0
    num_bootstrap: int = 0
    level: float = 0.95
    seed: int = 0
    max_graphs: int = 0

    def __post_init__(self) -> None:
        if self.max_graphs and (self.max_graphs < _FEWEST or self.num_bootstrap):
            msg = (
                f"max_graphs must be 0 or >= {_FEWEST}, and gives an interval of its own, got {self.max_graphs} with "
                f"num_bootstrap {self.num_bootstrap}; leave one of them out"
            )
            raise InputError(msg)
        for name in ("num_permutations", "num_bootstrap", "seed"):
            if getattr(self, name) < 0:
                msg = f"{name} must be >= 0, got {getattr(self, name)}"
                raise InputError(msg)
        if not 0 < self.level < 1:
            msg = f"level must lie between 0 and 1, got {self.level}; 0.95 is usual"
            raise InputError(msg)


def block_forms(pooled: Sample, kernel: Kernel, sigma: FloatArray, weights: FloatArray, block: Block) -> FloatArray:
    """float64[S, P], the part of w' K w that a block on or above the diagonal (and its mirror image) adds; a pure function."""
    start, stop, left, right = block
    squared = squared_distances(pooled.points[start:stop], pooled.points[left:right], kernel)
    times = 1 if start == left else 2
    columns = [gram(squared, float(bandwidth), kernel) @ weights[left:right] for bandwidth in sigma]
    return np.stack([times * np.einsum("bp,bp->p", weights[start:stop], column) for column in columns])


def quadratic_forms(
    pooled: Sample | FloatArray,
    kernel: Kernel,
    sigma: FloatArray,
    draw: Callable[[int], FloatArray],
    count: int,
    spread: Spread = map,
) -> FloatArray:
    """Evaluate w' K w for many weights.

    Args:
        pooled: a sample of N graphs, or float64[N, D] of points.
        kernel: the distance.
        sigma: float64[S], bandwidths in units of the distance.
        draw: makes float64[N, p], the next p columns of weights.
        count: P, how many columns in all.
        spread: where the blocks are computed.

    Returns:
        float64[S, P].

    Complexity: O(S K^2 P + N P) time in matrix products; the Gram matrix is computed once for every 2^25 / N columns. Memory
    512 MiB at most for weights, and 24 (B + P) B bytes for a block.
    """
    pooled = as_sample(pooled)
    blocks = gram_blocks(len(pooled.points), len(pooled.points), symmetric=True)
    width = max(1, MAX_WEIGHTS // pooled.size)
    parts = []
    for begin in range(0, count, width):
        weights = pooled.folded(draw(min(width, count - begin)))
        forms = spread(partial(block_forms, pooled, kernel, sigma, weights), blocks)
        parts.append(np.sum(list(forms), axis=0))
    return np.concatenate(parts, axis=1)


def permutation_p_value(
    first: Sample | FloatArray, second: Sample | FloatArray, kernel: Kernel, uncertainty: Uncertainty, spread: Spread = map
) -> float:
    """The p-value of the hypothesis that both samples come from one distribution.

    The statistic is the biased MMD^2, the largest over the bandwidths; (1 + b) / (1 + P) with b permuted statistics that are
    as large as the observed one [1], [2]. Bandwidths that are relative to the data take the distances between all points of
    both samples here, which no permutation changes, so that the test is exact for them too.

    Args:
        first: a sample of m graphs, or float64[m, D] of points.
        second: likewise.
        kernel: the distance and its bandwidths.
        uncertainty: how many permutations, P >= 1, and their seed.
        spread: where the blocks are computed.

    Returns:
        In [1 / (1 + P), 1]; exact level for every m, n >= 1.
    """
    first, second = as_sample(first), as_sample(second)
    m, n, pooled = first.size, second.size, first.followed_by(second)
    sigma = np.array(kernel.sigma)
    if kernel.relative:
        blocks = gram_blocks(len(pooled.points), len(pooled.points))
        sums = spread(partial(block_distance_sum, pooled, pooled, kernel), blocks)
        mean_square = sum(sums) / (m + n) ** 2
        sigma = sigma * (np.sqrt(mean_square) if mean_square > 0 else 1.0)
    weights = np.concatenate([np.full(m, 1 / m), np.full(n, -1 / n)])
    rng = np.random.default_rng([uncertainty.seed, 0])

    def draw(count: int) -> FloatArray:
        return np.asarray(rng.permuted(np.tile(weights, (count, 1)), axis=1).T)

    observed = quadratic_forms(pooled, kernel, sigma, lambda _: weights[:, None], 1, spread).max()
    permuted = quadratic_forms(pooled, kernel, sigma, draw, uncertainty.num_permutations, spread).max(axis=0)
    rounding = 1e-12
    return float((1 + (permuted >= observed - rounding).sum()) / (1 + uncertainty.num_permutations))


def bootstrap_deviations(
    first: Sample | FloatArray,
    second: Sample | FloatArray,
    kernel: Kernel,
    sigma: float,
    uncertainty: Uncertainty,
    spread: Spread = map,
) -> tuple[float, float]:
    """How far below and above its mean the biased MMD^2 goes when both samples are drawn again, at their full sizes [3].

    Resampled statistics are larger than the estimate on average, because a point may stand twice in a sample; their mean is
    known in closed form and taken away, so that the interval of an estimate, (estimate + low, estimate + high), is one for its
    own expectation at these sizes: floor included for the biased estimate. Flaw: too wide where both distributions are
    the same (the statistic is degenerate there); use the p-value to tell that.

    Returns:
        (low, high), quantiles at (1 - level) / 2 and (1 + level) / 2.
    """
    rng = np.random.default_rng([uncertainty.seed, 1])
    deviations = bootstrap_replicates(
        first, second, kernel, sigma, count=uncertainty.num_bootstrap, rngs=(rng, rng), spread=spread
    )
    low, high = np.quantile(deviations, [(1 - uncertainty.level) / 2, (1 + uncertainty.level) / 2])
    return float(low), float(high)


def bootstrap_replicates(
    first: Sample | FloatArray,
    second: Sample | FloatArray,
    kernel: Kernel,
    sigma: float,
    *,
    count: int,
    rngs: tuple[np.random.Generator, np.random.Generator],
    spread: Spread = map,
) -> FloatArray:
    """The biased MMD^2 when both samples are drawn again [3], without its mean: float64[P], P = count.

    Two second samples whose first generators start alike are compared with the same draws of the first sample.

    Args:
        first: a sample of m graphs, or float64[m, D] of points.
        second: likewise.
        kernel: the distance.
        sigma: the bandwidth in units of the distance.
        count: P.
        rngs: what draws the first and the second sample.
        spread: where the blocks are computed.
    """
    first, second = as_sample(first), as_sample(second)
    m, n, pooled = first.size, second.size, first.followed_by(second)
    bandwidth = np.array([sigma])

    def draw(width: int) -> FloatArray:
        drawn = rngs[0].multinomial(m, np.full(m, 1 / m), width) / m, -rngs[1].multinomial(n, np.full(n, 1 / n), width) / n
        return np.concatenate(drawn, axis=1).T

    observed = np.zeros((m + n, 3))
    observed[:m, 0], observed[m:, 1] = 1 / m, 1 / n
    observed[:, 2] = observed[:, 0] - observed[:, 1]
    within_first, within_second, mmd2 = quadratic_forms(pooled, kernel, bandwidth, lambda _: observed, 3, spread)[0]
    mean = mmd2 + (1 - within_first) / m + (1 - within_second) / n
    return np.asarray(quadratic_forms(pooled, kernel, bandwidth, draw, count, spread)[0] - mean)


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Adjust the p-values of a whole table, so that the chance of any false alarm stays below the level [4].

    Args:
        p_values: of any shape, in [0, 1]; NaN stays NaN and does not count as a test.

    Returns:
        float64 of the same shape, each >= its p-value, at most 1.
    """
    values = np.asarray(p_values, dtype=np.float64)
    flat = values.reshape(-1)
    order = np.argsort(flat)[: int(np.isfinite(flat).sum())]
    adjusted = np.full(flat.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(flat[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted.reshape(values.shape)
