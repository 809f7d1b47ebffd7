"""Compare one statistic of two graph sets.

Legend: m rows of the reference, n of the generated set, D numbers a row.
"""

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gengraph.graphs.pieces import Spread
from gengraph.metrics.kernels import Kernel, pad_and_normalise, points, sparse_points
from gengraph.metrics.mmd import Estimator, gram_sums
from gengraph.metrics.significance import Uncertainty, bootstrap_deviations, permutation_p_value
from gengraph.metrics.statistics import FloatArray, Rows, SparseHistograms

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
            single graph, of which there is nothing to draw again.
        p_value: of the permutation test that both sets have one distribution; None if not asked for.
        seconds_statistics: spent on the statistic of both sets.
        seconds_kernel: spent on the Gram matrices and what follows from them.
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


def compare(
    reference: Rows, generated: Rows, train: Rows | None, how: Comparison, *, seconds_statistics: float = 0.0
) -> MetricResult:
    """Compare rows of numbers.

    Args:
        reference: float64[M, D1], M >= 0; rows with a NaN are left out and counted.
        generated: float64[N, D2], N >= 0; D2 may differ from D1 if the rows are histograms, which may also be sparse.
        train: float64[T, D3] for the floor, or None.
        how: kernel and estimators.
        seconds_statistics: to note in the result.

    Complexity: see `mmd.gram_sums` and `significance.quadratic_forms`.
    """
    start = time.perf_counter()
    kept_reference, kept_generated = _defined(reference), _defined(generated)
    mmd2, sigma, expected = _mmd2(kept_reference, kept_generated, how)
    floor = expected if train is None else _mmd2(_defined(train), kept_reference, how)[0]
    interval, p_value = _certainty(kept_reference, kept_generated, how, mmd2, sigma)
    return MetricResult(
        mmd2=mmd2,
        kernel=how.kernel.name,
        sigma=sigma,
        estimator=how.estimator,
        num_reference=len(kept_reference),
        num_generated=len(kept_generated),
        undefined_reference=len(reference) - len(kept_reference),
        undefined_generated=len(generated) - len(kept_generated),
        floor=floor,
        floor_kind="expected" if train is None else "train",
        ratio=mmd2 / floor if floor > 0 else np.nan,
        interval=interval,
        p_value=p_value,
        seconds_statistics=seconds_statistics,
        seconds_kernel=time.perf_counter() - start,
    )


def _defined(rows: Rows) -> Rows:
    if isinstance(rows, SparseHistograms):
        return rows
    return rows[np.isfinite(rows).all(axis=1)]


def _embedded(first: Rows, second: Rows, how: Comparison) -> tuple[FloatArray, FloatArray]:
    if isinstance(first, SparseHistograms) or isinstance(second, SparseHistograms):
        return sparse_points(first, second, how.kernel)
    rows = pad_and_normalise(first, second) if how.histogram else (first, second)
    return points(rows[0], how.kernel), points(rows[1], how.kernel)


def _mmd2(first: Rows, second: Rows, how: Comparison) -> tuple[float, float, float]:
    """MMD^2, the bandwidth (the one with the largest MMD^2) and the expected floor."""
    if not len(first) or not len(second):
        return np.nan, np.nan, np.nan
    sums = gram_sums(*_embedded(first, second, how), how.kernel, spread=how.spread)
    mmd2 = sums.mmd2(how.estimator)
    best = int(np.argmax(mmd2))
    floor = sums.expected_floor()[best] if how.estimator == "biased" else 0.0
    return float(mmd2[best]), float(sums.sigma[best]), float(floor)


def _certainty(
    reference: Rows, generated: Rows, how: Comparison, mmd2: float, sigma: float
) -> tuple[tuple[float, float] | None, float | None]:
    interval, p_value = None, None
    if np.isnan(mmd2):
        return interval, p_value
    first, second = _embedded(reference, generated, how)
    if how.uncertainty.num_bootstrap and min(len(reference), len(generated)) > 1:
        low, high = bootstrap_deviations(first, second, how.kernel, sigma, how.uncertainty, how.spread)
        interval = mmd2 + low, mmd2 + high
    if how.uncertainty.num_permutations:
        p_value = permutation_p_value(first, second, how.kernel, how.uncertainty, how.spread)
    return interval, p_value
