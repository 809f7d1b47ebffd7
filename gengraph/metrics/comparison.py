"""Compare one statistic of two graph sets.

Legend: m graphs of the reference, n of the generated set.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from gengraph.graphs.pieces import Spread
from gengraph.metrics.distinct import Distinct
from gengraph.metrics.kernels import Kernel, embedded
from gengraph.metrics.mmd import Estimator, Sample, gram_sums
from gengraph.metrics.sampled import Drawn, draw_graphs, extrapolated, standard_error
from gengraph.metrics.significance import Uncertainty, bootstrap_deviations, permutation_p_value

_TIMED = 512  # rows of each set, of which kernel values are timed
FloorKind = Literal["train", "expected"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How to compare rows.

    Attributes:
        kernel: between two rows.
        histogram: rows are counts, each is brought to mass 1.
        estimator: of the MMD^2 that is reported.
        uncertainty: of the permutation test and the bootstrap.
        spread: where blocks of Gram matrices are computed.
    """

    kernel: Kernel
    histogram: bool
    estimator: Estimator
    uncertainty: Uncertainty
    spread: Spread


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricResult:
    """The MMD^2 of one statistic, and what is needed to read it.

    Attributes:
        mmd2: the estimate, no square root; NaN where it is not defined: no graph is left in a set, or the estimator is
            unbiased and a set has a single graph.
        kernel: gaussian_emd, gaussian_tv, gaussian or rbf.
        sigma: the bandwidth in units of the distance; of several, the one with the largest mmd2.
        estimator: biased or unbiased.
        num_reference: m, graphs that were compared.
        num_generated: n, graphs that were compared.
        undefined_reference: further graphs, for which the statistic has no value (NaN); left out.
        undefined_generated: the same in the generated set.
        floor: mmd2 of the training set against the reference where a training set was given; else what mmd2 would be on
            average for a perfect generator at these m and n, estimated from the reference (NaN for m = 1). With several
            bandwidths that is the average at the chosen one, a little below that of the maximum.
        floor_kind: train or expected.
        ratio: mmd2 / floor; NaN where the floor is not above 0. 1 is as good as more real graphs.
        interval: bootstrap interval of the expectation of mmd2 at these m and n; None if not asked for, or if a set has a
            single graph, of which there is nothing to draw again. Of an estimate the interval of the exact mmd2.
        p_value: of the permutation test that both sets have one distribution; None if not asked for.
        seconds_statistics: spent on the statistic of both sets.
        seconds_kernel: spent on the Gram matrices and what follows from them.
        max_graphs: mmd2 (and the p-value) are from so many graphs of each set, drawn with the seed; None: from all, exactly.
        standard_error: of mmd2 as an estimate of the exact one; None where it is exact.
    """

    mmd2: float
    kernel: str
    sigma: float
    estimator: Estimator
    num_reference: int
    num_generated: int
    undefined_reference: int
    undefined_generated: int
    floor: float
    floor_kind: FloorKind
    ratio: float
    interval: tuple[float, float] | None
    p_value: float | None
    seconds_statistics: float
    seconds_kernel: float
    max_graphs: int | None = None
    standard_error: float | None = None


def compare(
    reference: Distinct, generated: Distinct, train: Distinct | None, how: Comparison, *, seconds_statistics: float = 0.0
) -> MetricResult:
    """Compare rows of numbers.

    Args:
        reference: a row a graph; rows with a NaN are left out and counted.
        generated: likewise; rows may be wider or narrower if they are histograms.
        train: rows for the floor, or None.
        how: kernel and estimators.
        seconds_statistics: to note in the result.

    Complexity: see `mmd.gram_sums` and `significance.quadratic_forms`.
    """
    start = time.perf_counter()
    kept_reference, kept_generated = reference.defined(), generated.defined()
    drawn = tuple(_drawn(rows, how, role) for role, rows in enumerate((kept_reference, kept_generated)))
    found = _mmd2(drawn[0], drawn[1], how)
    floor = found.floor if train is None else _mmd2(_drawn(train.defined(), how, 2), drawn[0], how).mmd2
    interval, p_value = _certainty(drawn[0].rows, drawn[1].rows, how, found)
    return MetricResult(
        mmd2=found.mmd2,
        kernel=how.kernel.name,
        sigma=found.sigma,
        estimator=how.estimator,
        num_reference=len(kept_reference),
        num_generated=len(kept_generated),
        undefined_reference=len(reference) - len(kept_reference),
        undefined_generated=len(generated) - len(kept_generated),
        floor=floor,
        floor_kind="expected" if train is None else "train",
        ratio=found.mmd2 / floor if floor > 0 else np.nan,
        interval=interval,
        p_value=p_value,
        seconds_statistics=seconds_statistics,
        seconds_kernel=time.perf_counter() - start,
        max_graphs=None if found.error is None else how.uncertainty.max_graphs,
        standard_error=found.error,
    )


def num_kernel_values(sets: Sequence[Distinct], how: Comparison) -> float:
    """How many kernel values the exact MMD^2 of two sets takes; with a third, for the floor, those of that too."""
    sizes = [len(rows.values) for rows in sets]
    if how.kernel.distance == "angle" and not how.uncertainty.num_permutations + how.uncertainty.num_bootstrap:
        return float(sum(sizes))
    pairs = sizes[0] * sizes[1] + sum(size * (size + 1) / 2 for size in sizes)
    if len(sizes) > 2:
        pairs += sizes[0] * sizes[2] + sizes[0] * (sizes[0] + 1) / 2
    return pairs * (len(how.kernel.sigma) + how.kernel.relative)


def seconds_of(num_values: float, sets: Sequence[Distinct], how: Comparison) -> float:
    """How long so many kernel values take here, by the time of a few."""
    few = [Distinct(rows.values[:_TIMED]) for rows in sets[:2]]
    start = time.perf_counter()
    gram_sums(*_samples(few[0], few[1], how), how.kernel)
    return (time.perf_counter() - start) * num_values / num_kernel_values(few, how)


def _samples(first: Distinct, second: Distinct, how: Comparison) -> tuple[Sample, Sample]:
    points = embedded(first.values, second.values, how.kernel, histogram=how.histogram)
    return Sample(points[0], first.index), Sample(points[1], second.index)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """MMD^2, the bandwidth (the one with the largest MMD^2), the expected floor, and the standard error of an estimate."""

    mmd2: float = np.nan
    sigma: float = np.nan
    floor: float = np.nan
    error: float | None = None


def _drawn(rows: Distinct, how: Comparison, role: int) -> Drawn:
    """All graphs, or some where the rows of all differ too much for all pairs; each role has draws of its own."""
    most = how.uncertainty.max_graphs
    if not most or len(rows.values) <= most:
        return Drawn(rows, len(rows))
    return draw_graphs(rows, most, seed=[how.uncertainty.seed, 2, role])


def _mmd2(first: Drawn, second: Drawn, how: Comparison) -> _Found:
    if not len(first.rows) or not len(second.rows):
        return _Found()
    samples = _samples(first.rows, second.rows, how)
    sums = gram_sums(*samples, how.kernel, spread=how.spread)
    totals = first.total, second.total
    estimated = totals != (len(first.rows), len(second.rows))
    if estimated:
        sums = extrapolated(sums, *totals)
    mmd2 = sums.mmd2(how.estimator)
    best = int(np.argmax(mmd2))
    sigma = float(sums.sigma[best])
    return _Found(
        mmd2=float(mmd2[best]),
        sigma=sigma,
        floor=float(sums.expected_floor()[best]) if how.estimator == "biased" else 0.0,
        error=standard_error(*samples, totals, how.kernel, sigma, how.spread) if estimated else None,
    )


def _certainty(
    reference: Distinct, generated: Distinct, how: Comparison, found: _Found
) -> tuple[tuple[float, float] | None, float | None]:
    interval, p_value = None, None
    if np.isnan(found.mmd2):
        return interval, p_value
    first, second = _samples(reference, generated, how)
    if found.error is not None:
        half = NormalDist().inv_cdf((1 + how.uncertainty.level) / 2) * found.error
        interval = found.mmd2 - half, found.mmd2 + half
    elif how.uncertainty.num_bootstrap and min(len(reference), len(generated)) > 1:
        low, high = bootstrap_deviations(first, second, how.kernel, found.sigma, how.uncertainty, how.spread)
        interval = found.mmd2 + low, found.mmd2 + high
    if how.uncertainty.num_permutations:
        p_value = permutation_p_value(first, second, how.kernel, how.uncertainty, how.spread)
    return interval, p_value
