import numpy as np
import pytest

from gengraph.errors import InputError
from gengraph.metrics import Kernel, Uncertainty, holm, mmd, significance
from gengraph.metrics.kernels import gram, squared_distances
from gengraph.metrics.mmd import gram_sums
from gengraph.metrics.significance import bootstrap_deviations, permutation_p_value, quadratic_forms

KERNEL = Kernel(distance="euclidean", sigma=(1.0,))
GRID = Kernel(distance="euclidean", sigma=(0.3, 1.0, 3.0), relative=True)


def normal_samples(rng: np.random.Generator, m: int, n: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(m, 2)), rng.normal(size=(n, 2)) + shift


def test_quadratic_forms_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    pooled, weights, sigma = rng.normal(size=(11, 3)), rng.normal(size=(11, 9)), np.array([0.5, 2.0])
    monkeypatch.setattr(mmd, "BLOCK_SIZE", 4)
    monkeypatch.setattr(significance, "MAX_WEIGHTS", 30)
    columns = iter(weights.T)
    found = quadratic_forms(pooled, KERNEL, sigma, lambda count: np.stack([next(columns) for _ in range(count)], axis=1), 9)
    for s in range(2):
        matrix = gram(squared_distances(pooled, pooled, KERNEL), sigma[s], KERNEL)
        assert found[s] == pytest.approx(np.diag(weights.T @ matrix @ weights))


@pytest.mark.parametrize("kernel", [KERNEL, GRID], ids=["gaussian", "rbf"])
def test_p_values_of_equal_distributions_are_uniform(kernel: Kernel) -> None:
    rng = np.random.default_rng(0)
    few = Uncertainty(num_permutations=19)
    p_values = [permutation_p_value(*normal_samples(rng, 8, 5), kernel, few) for _ in range(400)]
    counts = np.bincount(np.rint(np.array(p_values) * 20).astype(int), minlength=21)[1:]
    assert np.square(counts - 20).sum() / 20 < 43.8  # the 0.999 quantile of chi squared with 19 degrees of freedom


def test_p_value_of_different_distributions_is_the_smallest() -> None:
    samples = normal_samples(np.random.default_rng(0), 20, 30, shift=3.0)
    assert permutation_p_value(*samples, KERNEL, Uncertainty(num_permutations=999)) == 1 / 1000


def test_p_value_of_constant_samples_is_one() -> None:
    assert permutation_p_value(np.ones((4, 1)), np.ones((3, 1)), GRID, Uncertainty(num_permutations=99)) == 1


def test_p_value_enumerates_small_cases() -> None:
    """Of the 3 splits of {0, 0, 5} into two and one, one is as extreme as the observed one."""
    p_value = permutation_p_value(np.zeros((2, 1)), np.full((1, 1), 5.0), KERNEL, Uncertainty(num_permutations=5000))
    assert p_value == pytest.approx(1 / 3, abs=0.03)


def test_bootstrap_intervals_cover() -> None:
    rng = np.random.default_rng(0)
    settings = Uncertainty(num_bootstrap=400, level=0.9)
    truth = np.mean([gram_sums(*normal_samples(rng, 40, 30, 1.0), KERNEL).mmd2("biased")[0] for _ in range(1500)])
    hits = 0
    for _ in range(200):
        samples = normal_samples(rng, 40, 30, 1.0)
        estimate = gram_sums(*samples, KERNEL).mmd2("biased")[0]
        low, high = bootstrap_deviations(*samples, KERNEL, 1.0, settings)
        assert low < 0 < high
        hits += estimate + low <= truth <= estimate + high
    assert 0.82 < hits / 200 < 0.97


def test_bootstrap_by_enumeration() -> None:
    """{0, 5} is drawn again as {0, 0}, {0, 5} (twice) or {5, 5}; against {0, 0} that gives 0, (1 - k) / 2 or 2 (1 - k)."""
    settings = Uncertainty(num_bootstrap=100, level=0.999)
    found = bootstrap_deviations(np.array([[0.0], [5.0]]), np.zeros((2, 1)), KERNEL, 1.0, settings)
    assert found == pytest.approx((-0.75, 1.25), abs=1e-4)


def test_certainty_is_reproducible() -> None:
    samples = normal_samples(np.random.default_rng(0), 9, 9)
    settings = Uncertainty(num_permutations=50, num_bootstrap=50, seed=3)
    assert permutation_p_value(*samples, GRID, settings) == permutation_p_value(*samples, GRID, settings)
    assert bootstrap_deviations(*samples, KERNEL, 1.0, settings) == bootstrap_deviations(*samples, KERNEL, 1.0, settings)


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([[0.5, np.nan], [0.9, 0.02]]) == pytest.approx(np.array([[1.0, np.nan], [1.0, 0.06]]), nan_ok=True)
    assert holm([]).tolist() == []


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match="num_bootstrap must be >= 0, got -1"):
        Uncertainty(num_bootstrap=-1)
    with pytest.raises(InputError, match="level must lie between 0 and 1, got 95"):
        Uncertainty(level=95)
