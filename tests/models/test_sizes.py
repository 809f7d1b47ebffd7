import numpy as np
import pytest
from scipy.stats import chisquare

from gengraph.models.sizes import NEVER, SizeLaw

ROUGH = np.round(np.random.default_rng(0).normal(200, 40, 300)).astype(int)


def test_the_law_of_one_size_is_that_size() -> None:
    law = SizeLaw.of([7, 7, 7])
    assert law.to_pairs() == [[7, 1.0]]
    assert law.log_prob(np.array([6, 7])).tolist() == [NEVER, 0.0]


def test_few_values_that_come_again_are_not_spread() -> None:
    law = SizeLaw.of(np.repeat([10, 20, 30], [50, 30, 20]))
    assert law.to_pairs() == [[10, 0.5], [20, 0.3], [30, 0.2]]


def test_many_values_are_spread_within_their_range() -> None:
    law = SizeLaw.of(ROUGH)
    assert law.mass.sum() == pytest.approx(1)
    assert (law.sizes[0], law.sizes[-1]) == (ROUGH.min(), ROUGH.max())
    assert len(law.sizes) > len(set(ROUGH.tolist()))
    mean = (law.sizes * law.mass).sum()
    assert mean == pytest.approx(ROUGH.mean(), rel=0.01)
    assert np.sqrt(((law.sizes - mean) ** 2 * law.mass).sum()) == pytest.approx(ROUGH.std(), rel=0.1)


def test_the_width_is_the_likeliest_when_sizes_are_left_out() -> None:
    """Against the definition: each size under the law of the others, with kernels cut to the range of all."""
    values, places = ROUGH[:60], np.arange(ROUGH[:60].min(), ROUGH[:60].max() + 1)

    def left_out(width: float) -> float:
        kernel = np.exp(-0.5 * ((places[:, None] - values) / width) ** 2) * (
            np.abs(places[:, None] - values) <= 4 * width + 0.5
        )
        kernel /= kernel.sum(axis=0)
        at = values - places[0]
        return float(np.log(kernel[at].sum(axis=1) - kernel[at, np.arange(len(values))]).sum())

    best = max(2.0 ** np.arange(4, 8), key=left_out)
    kernel = np.exp(-0.5 * ((places[:, None] - values) / best) ** 2) * (np.abs(places[:, None] - values) <= 4 * best + 0.5)
    expected = (kernel / kernel.sum(axis=0)).mean(axis=1)
    assert SizeLaw.of(values).mass == pytest.approx(expected, rel=1e-6)


def test_draws_have_the_law_and_pairs_keep_it() -> None:
    law = SizeLaw.of(ROUGH)
    again = SizeLaw.from_pairs(law.to_pairs())
    drawn = again.draw(np.random.default_rng(1).random(200_000))
    assert again.log_prob(law.sizes) == pytest.approx(np.log(law.mass))
    counts = np.bincount(drawn - law.sizes[0], minlength=len(law.sizes))
    common = law.mass * len(drawn) > 5
    assert chisquare(counts[common], law.mass[common] * counts[common].sum() / law.mass[common].sum()).pvalue > 1e-4
