"""Equal rows are kept once: what is computed of them is what is computed of all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import graph_sets

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics import PROTOCOLS, Kernel, Uncertainty, comparison, evaluate
from gengraph.metrics.comparison import Comparison, compare
from gengraph.metrics.distinct import Distinct
from gengraph.metrics.protocols import find_protocol

SURE = Uncertainty(num_permutations=60, num_bootstrap=60, seed=3)


def repeated(count: int, kinds: int, width: int, seed: int) -> np.ndarray:
    """Histograms of few kinds, whole numbers; one kind is without mass."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 7, (kinds, width)).astype(float)
    values[0] = 0
    return values[rng.integers(0, kinds, count)]


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0, 300.0, 70000.0, 0.5, -1.0, np.nan]), min_size=2, max_size=2)))
def test_rows_come_back_as_they_were(rows: list[list[float]]) -> None:
    given_rows = np.array(rows, float).reshape(-1, 2)
    cut = len(given_rows) // 3
    found = Distinct.of([given_rows[:cut], given_rows[cut:]])
    assert np.array_equal(found.dense(), given_rows, equal_nan=True)
    finite = np.isfinite(given_rows).all(axis=1)
    assert np.array_equal(found.defined().dense(), given_rows[finite])
    different = len({row.tobytes() for row in given_rows})
    assert len(found.values) == (different if different <= 0.9 * len(given_rows) else len(given_rows))


def test_one_hash_for_different_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengraph.metrics.distinct._hashes", lambda rows: np.zeros(len(rows), np.uint64))
    rows = repeated(50, 4, 5, seed=0)
    assert np.array_equal(Distinct.of([rows[:20], rows[20:]]).dense(), rows)


@pytest.mark.parametrize("protocol", ["emd", "tv", "rbf"])
@pytest.mark.parametrize("estimator", ["biased", "unbiased"])
def test_grouped_is_pairwise(protocol: str, estimator: str) -> None:
    """Value, floor, interval and p-value of rows that repeat, against those of the same rows one by one."""
    first, second, train = (repeated(*shape, seed=i) for i, shape in enumerate([(80, 9, 6), (70, 7, 4), (50, 8, 5)]))
    kernel = find_protocol(protocol).kernels["degree"]
    how = Comparison(kernel=kernel, histogram=True, estimator=estimator, uncertainty=SURE, spread=map)
    grouped = compare(*(Distinct.of([rows]) for rows in (first, second, train)), how)
    pairwise = compare(*(Distinct(rows) for rows in (first, second, train)), how)
    assert len(Distinct.of([first]).values) <= 9
    for name in ("mmd2", "sigma", "floor", "interval", "p_value", "num_reference", "num_generated"):
        assert getattr(grouped, name) == pytest.approx(getattr(pairwise, name), rel=1e-9, abs=1e-13), name


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(graph_sets(), graph_sets())
def test_sets_with_copies(protocol: str, first: GraphSet, second: GraphSet) -> None:
    """Three copies of both sets have the biased MMD^2 of one."""
    if not len(first) or not len(second):
        return
    copies = [GraphSet.concatenate([part] * 3) for part in (first, second)]
    one, three = evaluate(first, second, protocol), evaluate(*copies, protocol)
    for name, metric in one.metrics.items():
        assert three.metrics[name].mmd2 == pytest.approx(metric.mmd2, abs=1e-12, nan_ok=True)


def rows_of(count: int, shift: float, seed: int) -> Distinct:
    return Distinct(np.random.default_rng(seed).normal(shift, 1, (count, 3)))


def test_estimates_are_unbiased_and_know_how_sure_they_are() -> None:
    first, second = rows_of(900, 0, 0), rows_of(600, 0.3, 1)
    kernel = Kernel(distance="euclidean", sigma=(1.0,))
    how = Comparison(kernel=kernel, histogram=False, estimator="biased", uncertainty=Uncertainty(), spread=map)
    exact = compare(first, second, None, how)
    assert exact.standard_error is None
    found = []
    for seed in range(300):
        few = Comparison(
            kernel=kernel, histogram=False, estimator="biased", uncertainty=Uncertainty(max_graphs=150, seed=seed), spread=map
        )
        found.append(compare(first, second, None, few))
    values, errors = np.array([metric.mmd2 for metric in found]), np.array([metric.standard_error for metric in found])
    assert values.mean() == pytest.approx(exact.mmd2, abs=4 * values.std() / np.sqrt(len(values)))
    assert errors.mean() == pytest.approx(values.std(), rel=0.25)
    inside = np.mean([low <= exact.mmd2 <= high for low, high in (metric.interval for metric in found)])
    assert 0.9 < inside < 0.99
    assert {metric.max_graphs for metric in found} == {150}


def test_what_repeats_is_not_estimated() -> None:
    rows = [Distinct.of([repeated(800, 9, 5, seed=seed)]) for seed in (0, 1)]
    kernel = PROTOCOLS["tv"].kernels["degree"]
    exact, same = (
        compare(*rows, None, Comparison(kernel=kernel, histogram=True, estimator="biased", uncertainty=sure, spread=map))
        for sure in (Uncertainty(), Uncertainty(max_graphs=100))
    )
    assert (same.mmd2, same.max_graphs, same.standard_error) == (exact.mmd2, None, None)


def test_settings_that_exclude_each_other() -> None:
    with pytest.raises(InputError, match="max_graphs must be 0 or >= 100, and gives an interval of its own, got 5"):
        Uncertainty(max_graphs=5)
    with pytest.raises(InputError, match="got 200 with num_bootstrap 10; leave one of them out"):
        Uncertainty(max_graphs=200, num_bootstrap=10)


def test_kernel_values_are_counted() -> None:
    sets = [rows_of(30, 0, 0), rows_of(20, 0, 1)]
    kernel = PROTOCOLS["tv"].kernels["degree"]
    how = Comparison(kernel=kernel, histogram=False, estimator="biased", uncertainty=SURE, spread=map)
    assert comparison.num_kernel_values(sets, how) == 30 * 31 / 2 + 20 * 21 / 2 + 600
