"""Ratios to the floor against laws that are known."""

import math

import numpy as np
import pytest

from gengraph.benchmarks.ratios import mean_ratio, ratio_interval, ratios_of
from gengraph.metrics.kernels import gram, squared_distances
from gengraph.metrics.protocols import find_protocol
from gengraph.metrics.significance import bootstrap_replicates
from gengraph.metrics.statistics import FloatArray

KERNEL = find_protocol("emd").kernels["orbit"]
SIGMA = 1.0
NUM_TEST, NUM_TRAIN = 12, 40


def mmd2(first: FloatArray, second: FloatArray) -> float:
    def mean(one: FloatArray, other: FloatArray) -> float:
        return float(gram(squared_distances(one, other, KERNEL), SIGMA, KERNEL).mean())

    return mean(first, first) + mean(second, second) - 2 * mean(first, second)


def drawn_again(test: FloatArray, graphs: FloatArray, seed: int) -> FloatArray:
    rngs = np.random.default_rng([0, 0]), np.random.default_rng([1, seed])
    return bootstrap_replicates(test, graphs, KERNEL, SIGMA, count=200, rngs=rngs)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_the_interval_holds_the_ratio_of_expected_values_as_often_as_it_says(shift: float) -> None:
    rng = np.random.default_rng(0)
    values, floors, intervals, chances = [], [], [], []
    for _ in range(100):
        test, train, samples = (rng.normal(size=(count, 1)) for count in (NUM_TEST, NUM_TRAIN, NUM_TRAIN))
        samples = samples + shift
        value, floor = {"x": mmd2(test, samples)}, {"x": mmd2(test, train)}
        drawn, drawn_floor = {"x": drawn_again(test, samples, 1)}, {"x": drawn_again(test, train, 2)}
        values.append(value["x"])
        floors.append(floor["x"])
        intervals.append(ratio_interval(value, drawn, floor, drawn_floor, level=0.95))
        chances.append(ratio_interval(floor, drawn_floor, floor, {}, level=0.95))
    expected = np.mean(values) / np.mean(floors)
    assert 0.9 <= np.mean([low <= expected <= high for low, high in intervals]) <= 1
    within_chance = [low <= value / floor <= high for (low, high), value, floor in zip(chances, values, floors, strict=True)]
    above_the_floor = [low > 1 for low, _ in intervals]
    if shift:
        assert np.mean(within_chance) < 0.1
        assert np.mean(above_the_floor) > 0.8
    else:
        assert np.mean(within_chance) >= 0.9
        assert np.mean(above_the_floor) <= 0.05


def test_ratios_leave_out_a_floor_of_nothing() -> None:
    ratios = ratios_of({"a": 0.3, "b": 0.2, "c": None, "d": -1e-9}, {"a": 0.1, "b": 4e-7, "c": 0.1, "d": 0.1})
    assert ratios == {"a": pytest.approx(3.0), "b": None, "c": None, "d": 0.0}
    assert mean_ratio(ratios) == pytest.approx(1.5)
    assert mean_ratio({"b": None}) is None
    deviations = {name: np.array([-0.05, 0.0, 0.05]) for name in "abcd"}
    assert ratio_interval({"b": 0.2}, deviations, {"b": 4e-7}, deviations, level=0.95) is None
    assert ratio_interval({"a": 0.2}, {}, {"a": 0.1}, {}, level=0.95) is None


def test_the_interval_is_never_negative_nor_infinite_and_that_of_a_constant_is_a_point() -> None:
    still = {"x": np.zeros(5)}
    assert ratio_interval({"x": 0.2}, still, {"x": 0.1}, still, level=0.95) == pytest.approx([2.0, 2.0])
    wild = {"x": np.array([-10.0, 0.0, 10.0])}
    for value in (0.0, 1e-9, 0.1):
        low, high = ratio_interval({"x": value}, wild, {"x": 1e-6}, wild, level=0.99) or (math.nan, math.nan)
        assert 0 <= low <= high < math.inf
    up, down = {"x": np.array([0.1])}, {"x": np.array([-0.1])}
    value = {"x": 0.1}
    assert ratio_interval(value, up, value, {}, level=0.5) == pytest.approx([2.0, 2.0])
    assert ratio_interval(value, down, value, {}, level=0.5) == pytest.approx([1 / math.e] * 2)
    assert ratio_interval(value, up, value, up, level=0.5) == pytest.approx([1.0, 1.0])  # drawn again together
