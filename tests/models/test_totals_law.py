"""The law of totals: it sums to one, is drawn as it is said, and knows where the size fixes them."""

import numpy as np
import pytest
from scipy.stats import chisquare

from gengraph.models.totals import TotalsLaw

ROUGH = [[4, 2], [4, 3], [4, 6], [5, 4], [5, 9], [6, 7], [6, 8], [6, 12], [7, 11], [7, 14]]
FIXED = [[n, 2 * n - 4] for n in (40, 42, 43, 50, 55, 61, 62, 70, 77)]
THREE = [[4, 3, 0, 3], [4, 5, 2, 8], [4, 6, 4, 12]]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 9])
@pytest.mark.parametrize("table", [ROUGH, FIXED, ROUGH[:1]])
def test_probabilities_of_totals_sum_to_one(table: list[list[int]], size: int) -> None:
    """Over all that so many nodes can have, each of which has some."""
    totals = np.arange(size * (size - 1) // 2 + 1)[:, None]
    log_prob = TotalsLaw.of(table).log_prob(np.full(len(totals), size), totals)
    assert np.exp(log_prob).sum() == pytest.approx(1)
    assert np.isfinite(log_prob).all()


def test_probabilities_of_three_kinds_sum_to_one() -> None:
    totals = np.indices((7, 5, 13)).reshape(3, -1).T
    assert np.exp(TotalsLaw.of(THREE).log_prob(np.full(len(totals), 4), totals)).sum() == pytest.approx(1)


def test_totals_are_drawn_with_their_probabilities() -> None:
    law, size, count = TotalsLaw.of(ROUGH), 5, 3000
    totals = np.arange(11)[:, None]
    expected = count * np.exp(law.log_prob(np.full(11, size), totals))
    drawn = [int(law.draw(size, uniforms)[0]) for uniforms in np.random.default_rng(1).random((count, 2))]
    seen, often = np.bincount(drawn, minlength=11), expected > 5
    assert often.sum() > 4
    assert chisquare(seen[often], expected[often] * seen[often].sum() / expected[often].sum()).pvalue > 1e-3


def test_totals_that_the_size_fixes_are_known_for_other_sizes() -> None:
    law = TotalsLaw.of(FIXED)
    assert law.width == 0
    assert [int(law.draw(n, np.array([0.4, 0.7]))[0]) for n in (38, 41, 66, 80)] == [72, 78, 128, 156]
    sizes = np.array([41, 66])
    assert (law.log_prob(sizes, 2 * sizes[:, None] - 4) > -0.01).all()
    assert (law.log_prob(sizes, 2 * sizes[:, None] - 3) < -5).all()


def test_the_width_is_that_of_the_training_graphs() -> None:
    """A sum of chances has a spread of about the root of its mean."""
    rng = np.random.default_rng(2)
    assert TotalsLaw.of([[30, int(m)] for m in rng.poisson(100, 100)]).width >= 0.25
    assert TotalsLaw.of(sorted([n, 100 + int(m)] for n, m in rng.integers(20, 24, (50, 2)))).width <= 0.25


def test_all_that_a_graph_has_may_be_nothing() -> None:
    law = TotalsLaw.of([[1, 0], [1, 0]])
    assert law.draw(1, np.array([0.9, 0.9])).tolist() == [0]
    assert law.log_prob(np.array([1]), np.array([[0]]))[0] == pytest.approx(0)
