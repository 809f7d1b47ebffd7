import numpy as np
import pytest
from scipy import stats

from gengraph.errors import InputError
from gengraph.seeded import Stream
from gengraph.streams import below, choices, exponential, next_bits, open_stream, stream_key, uniform, uniform_at


def test_equals_the_published_generator() -> None:
    # The first outputs of SplitMix64 from the state 1234567, as published with the algorithm.
    state = np.array([1234567], np.uint64)
    assert [int(next_bits(state)) for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_uniforms_are_uniform_and_never_zero() -> None:
    state = open_stream(stream_key(1, "test"), 0)
    values = np.array([uniform(state) for _ in range(20_000)])
    assert values.min() > 0
    assert values.max() <= 1
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_waiting_times_are_exponential() -> None:
    state = open_stream(stream_key(5, "test"), 0)
    values = np.array([exponential(state) for _ in range(100_000)])
    tail = values[values > 5] - 5  # where layers are thin, and behind the last
    assert stats.kstest(values, "expon").pvalue > 0.001
    assert stats.kstest(tail, "expon").pvalue > 0.001
    assert len(tail) == pytest.approx(100_000 * np.exp(-5), abs=100)
    assert values.max() > 8


def test_integers_are_uniform() -> None:
    state = open_stream(stream_key(2, "test"), 0)
    counts = np.bincount([below(state, 7) for _ in range(20_000)], minlength=7)
    assert stats.chisquare(counts).pvalue > 0.001
    assert stats.chisquare(np.bincount(choices(stream_key(3, "test"), np.arange(20_000), 7), minlength=7)).pvalue > 0.001


def test_streams_differ_by_seed_purpose_and_index() -> None:
    keys = [stream_key(seed, purpose) for seed in (0, 1, 2**70) for purpose in ("sizes", "edges")]
    first = [int(next_bits(open_stream(key, index))) for key in keys for index in range(50)]
    assert len(set(first)) == len(first)


def test_negative_seed() -> None:
    with pytest.raises(InputError, match="seed must be >= 0, got -1"):
        stream_key(-1, "edges")


def test_counters_reach_what_the_stream_draws() -> None:
    state = open_stream(stream_key(4, "test"), 0)
    key = state[0]
    assert [uniform_at(key, i) for i in range(5)] == [uniform(state) - 2.0**-53 for _ in range(5)]


def test_numpy_streams_are_pinned() -> None:
    assert Stream(1, 2).uniforms(2).tolist() == [0.44841514333227195, 0.4308819875443376]
    assert sorted(Stream(3).permutation(9).tolist()) == list(range(9))
    assert Stream(3).permutation(9).tolist() != Stream(4).permutation(9).tolist()
