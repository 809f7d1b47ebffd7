"""Every baseline is addressed by index: graph i of a seed is the same whichever others are asked for."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gengraph.baselines.barabasi_albert import BarabasiAlbert, sample_ba
from gengraph.baselines.baseline import Baseline
from gengraph.baselines.configuration import Configuration, switch_edges
from gengraph.baselines.empirical import Empirical
from gengraph.baselines.erdos_renyi import ErdosRenyi
from gengraph.baselines.gnp import sample_gnm, sample_gnp
from gengraph.baselines.kronecker import Kronecker
from gengraph.baselines.mmsb import MMSB, sample_mmsb
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.registry import CLOSED_FORMS
from gengraph.streams import stream_key

KEY = stream_key(11, "test")
SIZES = np.array([12, 9, 20, 16, 12, 20, 9, 14], np.int32)
TRAINING = sample_gnp(SIZES, np.full(len(SIZES), 0.4), KEY)
LARGE = 10**9

BASELINES: list[Baseline] = [
    ErdosRenyi(),
    ErdosRenyi(density="size"),
    ErdosRenyi(fit="mmd"),
    ErdosRenyi(variant="gnm"),
    BarabasiAlbert(),
    BarabasiAlbert(fit="mmd"),
    Kronecker(),
    Kronecker(fit="likelihood"),
    Kronecker(fit="likelihood", side=3),
    MMSB(num_groups=3, sweeps=8),
    Configuration(),
    Configuration(steps_per_edge=1),
    Empirical(),
]
every_baseline = pytest.mark.parametrize("baseline", BASELINES, ids=repr)


@pytest.fixture(scope="module", autouse=True)
def _fitted() -> None:
    for baseline in BASELINES:
        baseline.fit(TRAINING, seed=1, budget=1.0)


def at(*indices: int) -> np.ndarray:
    return np.array(indices, np.int64)


def test_all_closed_forms_are_here() -> None:
    assert {baseline.model for baseline in BASELINES} == set(CLOSED_FORMS)


@every_baseline
def test_many_equal_single_calls(baseline: Baseline) -> None:
    single = [baseline.sample(at(index), seed=2) for index in (7, 3, LARGE, 3)]
    assert baseline.sample(at(7, 3, LARGE, 3), seed=2) == GraphSet.concatenate(single)
    assert baseline.sample(8, seed=2)[[7, 3]] == GraphSet.concatenate(single[:2])


@every_baseline
@settings(max_examples=10)
@given(indices=st.lists(st.integers(0, 30) | st.integers(0, 2**63 - 1), max_size=6), seed=st.integers(0, 2**70))
def test_order_and_company_do_not_matter(baseline: Baseline, indices: list[int], seed: int) -> None:
    asked = np.array(indices, np.int64)
    assert baseline.sample(asked, seed=seed) == baseline.sample(asked[::-1], seed=seed)[np.arange(len(asked))[::-1]]


@every_baseline
def test_a_number_stands_for_the_first_indices(baseline: Baseline) -> None:
    assert baseline.sample(9, seed=3) == baseline.sample(np.arange(9), seed=3)
    assert baseline.sample(0, seed=3) == baseline.sample(at(), seed=3) == GraphSet.empty()


@every_baseline
def test_large_indices_have_streams_of_their_own(baseline: Baseline) -> None:
    graphs = baseline.sample(LARGE + np.arange(40), seed=4)
    assert graphs != baseline.sample(40, seed=4)
    assert len({graph.content_hash() for graph in graphs}) > 4


@every_baseline
@pytest.mark.parametrize("wrong", [at(3, -1), np.array([0.5]), np.array([[1, 2]]), -1])
def test_wrong_indices(baseline: Baseline, wrong: Any) -> None:
    with pytest.raises(InputError, match="must be"):
        baseline.sample(wrong, seed=0)


def test_kernels_draw_the_first_indices_by_default() -> None:
    count = len(SIZES)
    for draw in (
        lambda *indices: sample_gnp(SIZES, np.full(count, 0.3), KEY, *indices),
        lambda *indices: sample_gnm(SIZES, np.full(count, 15), KEY, *indices),
        lambda *indices: sample_ba(SIZES, 2, KEY, *indices),
        lambda *indices: sample_mmsb(SIZES, np.ones(count), (np.ones(2), np.eye(2) / 2), KEY, *indices),
        lambda *indices: switch_edges(TRAINING, 5, KEY, *indices),
    ):
        assert draw() == draw(np.arange(count))
        assert draw() != draw(np.arange(count) + 1)
