import numpy as np
import pytest
from scipy.stats import chisquare

from gengraph.models.sizes import SizeLaw, spread_counts

ROUGH = np.round(np.random.default_rng(0).normal(200, 40, 300)).astype(int)


def test_few_values_that_come_again_are_not_spread() -> None:
    sizes, counts = spread_counts(np.repeat([10, 20, 30], [50, 30, 20]))
    assert (sizes.tolist(), counts.tolist()) == ([10, 20, 30], [50, 30, 20])
    assert [part.tolist() for part in spread_counts([7, 7, 7])] == [[7], [3]]


def test_many_values_are_spread_within_their_range() -> None:
    sizes, counts = spread_counts(ROUGH)
    assert counts.sum() == pytest.approx(len(ROUGH))
    assert (sizes[0], sizes[-1]) == (ROUGH.min(), ROUGH.max())
    assert len(sizes) > len(set(ROUGH.tolist()))
    mean = np.average(sizes, weights=counts)
    assert mean == pytest.approx(ROUGH.mean(), rel=0.01)
    assert np.sqrt(np.average((sizes - mean) ** 2, weights=counts)) == pytest.approx(ROUGH.std(), rel=0.1)


def test_the_width_is_the_likeliest_when_sizes_are_left_out() -> None:
    """Against the definition: each size under the law of the others, with kernels cut to the range of all."""
    values, places = ROUGH[:60], np.arange(ROUGH[:60].min(), ROUGH[:60].max() + 1)

    def kernels(width: float) -> np.ndarray:
        distance = np.abs(places[:, None] - values)
        kernel = np.exp(-0.5 * (distance / width) ** 2) * (distance <= 4 * width + 0.5)
        return kernel / kernel.sum(axis=0)

    def left_out(width: float) -> float:
        kernel, at = kernels(width), values - places[0]
        return float(np.log(kernel[at].sum(axis=1) - kernel[at, np.arange(len(values))]).sum())

    best = max(2.0 ** np.arange(4, 8), key=left_out)
    assert spread_counts(values)[1] == pytest.approx(kernels(best).sum(axis=1), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 5.0])
def test_draws_have_the_law(smoothing: float) -> None:
    law = SizeLaw(*spread_counts(ROUGH), smoothing)
    rng = np.random.default_rng(1)
    drawn = np.array([law.draw(uniform, tail) for uniform, tail in rng.random((20_000, 2))])
    sizes = np.arange(1, 400)
    with np.errstate(divide="ignore"):
        mass = np.exp(law.log_prob(sizes))
    assert mass.sum() == pytest.approx(1, abs=0.02 if smoothing else 1e-9)
    common = mass * len(drawn) > 5
    counts = np.bincount(drawn, minlength=400)[sizes]
    assert chisquare(counts[common], mass[common] * counts[common].sum() / mass[common].sum()).pvalue > 1e-4
    assert set(drawn[drawn < 400].tolist()) <= set(sizes[mass > 0].tolist())
