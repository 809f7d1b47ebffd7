"""How many times the floor: the ratio of squared MMDs to those of the training graphs, and how sure it is.

Legend: P bootstrap samples.

Reference:
    B. Efron and R. Tibshirani, An introduction to the bootstrap, Chapman and Hall 1993, chapters 13 and 25.
"""

from collections.abc import Mapping

import numpy as np

from gengraph.metrics.statistics import FloatArray

ROUNDING = 5e-7  # of the sums of the kernel: squared MMDs below are 0
Values = Mapping[str, float | None]
Drawn = Mapping[str, FloatArray]


def ratios_of(values: Values, floor: Values) -> dict[str, float | None]:
    """Value / floor by statistic; None where the value is unknown or the floor is 0."""
    return {name: _ratio(value, floor.get(name)) for name, value in values.items()}


def mean_ratio(ratios: Values) -> float | None:
    """The mean of those that are known."""
    known = [value for value in ratios.values() if value is not None]
    return float(np.mean(known)) if known else None


def ratio_interval(values: Values, drawn: Drawn, floor: Values, drawn_floor: Drawn, *, level: float) -> list[float] | None:
    """The interval of the mean ratio when samples, test graphs and training graphs are drawn again.

    Values and floor are drawn again together, with the same test graphs. Of the floor itself the denominator stays, which
    gives what chance does: the ratio that other real graphs, as many as the training graphs, would get. Both are too wide
    rather than too narrow (in simulations at level .95 they held 95 to 98 of 100), since the bootstrap of an MMD is where
    both laws are alike.

    Args:
        values: squared MMD by statistic.
        drawn: float64[P] each, how far it goes from that when it is drawn again.
        floor: squared MMD of the training graphs.
        drawn_floor: the same for it; empty where the floor itself is judged.
        level: of the interval.

    Returns:
        [low, high], both >= 0; None if nothing was drawn or there is no ratio.
    """
    judged = [name for name, ratio in ratios_of(values, floor).items() if ratio is not None and name in drawn]
    if not judged:
        return None
    above = [_again(values[name], drawn[name]) for name in judged]
    below = [np.maximum(_again(floor[name], drawn_floor.get(name, np.zeros(1))), ROUNDING) for name in judged]
    replicates = [numerator / denominator for numerator, denominator in zip(above, below, strict=True)]
    low, high = np.quantile(np.mean(replicates, axis=0), [(1 - level) / 2, (1 + level) / 2])
    return [float(low), float(high)]


def _ratio(value: float | None, floor: float | None) -> float | None:
    return None if value is None or floor is None or floor < ROUNDING else max(value, 0.0) / floor


def _again(value: float | None, deviations: FloatArray) -> FloatArray:
    """Value + deviations; below the value its exponential, alike to first order, so that it stays positive."""
    assert value is not None
    if value <= 0:
        return np.maximum(deviations, 0.0)
    return np.where(deviations < 0, value * np.exp(np.minimum(deviations, 0.0) / value), value + deviations)
