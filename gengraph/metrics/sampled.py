"""The MMD^2 of sets that are too large for it, estimated from graphs drawn at random, and how sure that is.

Legend: m and n graphs of the two sets, m' and n' of them drawn, S bandwidths.

The means of k(x, x') over pairs of two graphs and of k(x, y) among the drawn graphs are unbiased for those of all graphs, so
what they give for m and n is unbiased for the exact MMD^2 (with one bandwidth; the largest of several is a little above). The
standard error is that of the means' projections [1] on single graphs, with the correction for drawing without replacement.

Reference:
    [1] W. Hoeffding, A class of statistics with asymptotically normal distribution, Annals of Mathematical Statistics 19, 1948.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gengraph.graphs.pieces import Spread
from gengraph.metrics.distinct import Distinct
from gengraph.metrics.kernels import Kernel
from gengraph.metrics.mmd import GramSums, Sample, row_sums
from gengraph.metrics.statistics import FloatArray


@dataclass(frozen=True, slots=True)
class Drawn:
    """Graphs that were drawn from a set.

    Attributes:
        rows: of these graphs.
        total: graphs in the set.
    """

    rows: Distinct
    total: int


def draw_graphs(rows: Distinct, max_graphs: int, *, seed: Sequence[int]) -> Drawn:
    """At most so many graphs of a set, without replacement."""
    chosen = np.zeros(len(rows), bool)
    chosen[np.random.default_rng(seed).permutation(len(rows))[:max_graphs]] = True
    return Drawn(rows if chosen.all() else rows[chosen], len(rows))


def extrapolated(sums: GramSums, num_first: int, num_second: int) -> GramSums:
    """What the sums over all pairs would be, estimated from those over the pairs of drawn graphs (two of each set at least)."""

    def within(total: FloatArray, drawn: int, count: int) -> FloatArray:
        if drawn == count:
            return total
        return count + count * (count - 1) * (total - drawn) / (drawn * (drawn - 1))

    return replace(
        sums,
        first=within(sums.first, sums.num_first, num_first),
        second=within(sums.second, sums.num_second, num_second),
        cross=sums.cross * (num_first * num_second / (sums.num_first * sums.num_second)),
        num_first=num_first,
        num_second=num_second,
    )


def standard_error(
    first: Sample, second: Sample, totals: tuple[int, int], kernel: Kernel, sigma: float, spread: Spread = map
) -> float:
    """Of the estimate for sets of `totals` graphs, as one of the exact value; 0 where all graphs were drawn."""
    variance = 0.0
    for own, other, total in ((first, second, totals[0]), (second, first, totals[1])):
        drawn = own.size
        if drawn == total:
            continue
        within = (row_sums(own, own, kernel, sigma, spread) - 1) / (drawn - 1)
        projections = 2 * (within - row_sums(own, other, kernel, sigma, spread) / other.size)
        mean = float(own.counts @ projections) / drawn
        spread_out = float(own.counts @ np.square(projections - mean)) / (drawn - 1)
        variance += spread_out / drawn * (1 - drawn / total)
    return float(np.sqrt(variance))
