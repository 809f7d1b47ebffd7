import numpy as np
import pytest
from scipy import stats

from gengraph.baselines.xoshiro import below, choices, next_bits, open_stream, stream_key, uniform
from gengraph.errors import InputError


def test_equals_the_published_generator() -> None:
    # The first outputs of xoshiro256++ from the state 1, 2, 3, 4, as in the authors' C code.
    state = np.array([1, 2, 3, 4], np.uint64)
    assert [int(next_bits(state)) for _ in range(4)] == [41943041, 58720359, 3588806011781223, 3591011842654386]


def test_uniforms_are_uniform_and_never_zero() -> None:
    state = open_stream(stream_key(1, "test"), 0)
    values = np.array([uniform(state) for _ in range(20_000)])
    assert values.min() > 0
    assert values.max() <= 1
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_integers_are_uniform() -> None:
    state = open_stream(stream_key(2, "test"), 0)
    counts = np.bincount([below(state, 7) for _ in range(20_000)], minlength=7)
    assert stats.chisquare(counts).pvalue > 0.001
    assert stats.chisquare(np.bincount(choices(stream_key(3, "test"), 20_000, 7), minlength=7)).pvalue > 0.001


def test_streams_differ_by_seed_purpose_and_index() -> None:
    keys = [stream_key(seed, purpose) for seed in (0, 1, 2**70) for purpose in ("sizes", "edges")]
    first = [int(next_bits(open_stream(key, index))) for key in keys for index in range(50)]
    assert len(set(first)) == len(first)


def test_negative_seed() -> None:
    with pytest.raises(InputError, match="seed must be >= 0, got -1"):
        stream_key(-1, "edges")
