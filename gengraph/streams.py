"""Random streams keyed by what they are for, from pinned algorithms: the same numbers on every machine.

What must be the same with every version takes its numbers from here: these functions serve compiled code, `gengraph.seeded`
code that is not.

References:
    [1] G. Steele, D. Lea, C. Flood. Fast splittable pseudorandom number generators. OOPSLA 2014 (SplitMix64).
    [2] G. Marsaglia, W. W. Tsang. The ziggurat method for generating random variables. Journal of Statistical Software 5, 2000.
"""

import math
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError

State = npt.NDArray[np.uint64]
"""uint64[1], where a compiled stream stands; the functions that draw from it advance it."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

_LAYERS = 256
_TAIL = 7.69711747013104972  # where the lowest of 256 layers ends, and the area of each [2]
_AREA = 0.0039496598225815571993


def _ziggurat() -> npt.NDArray[np.float64]:
    """float64[257], where the layers under exp(-x) end, from the lowest up; that of the first is as if it were a rectangle."""
    ends = [_AREA * math.exp(_TAIL), _TAIL]
    while len(ends) < _LAYERS:
        ends.append(-math.log(_AREA / ends[-1] + math.exp(-ends[-1])))
    return np.array([*ends, 0.0])


_ENDS = _ziggurat()


def stream_key(seed: int, purpose: str) -> np.uint64:
    """The key that all compiled streams of one seed and one purpose ("sizes", "edges") share.

    Raises:
        InputError: seed is negative.
    """
    if seed < 0:
        msg = f"seed must be >= 0, got {seed}; use any whole number from 0 up"
        raise InputError(msg)
    entropy = np.random.SeedSequence([seed, *purpose.encode()])
    return np.uint64(entropy.generate_state(1, np.uint64)[0])


@nb.njit(cache=True, inline="always")
def mix(word: Any) -> Any:
    """SplitMix64's finaliser, a bijection of 64-bit words."""
    word = (word ^ (word >> np.uint64(30))) * _MIX_1
    word = (word ^ (word >> np.uint64(27))) * _MIX_2
    return word ^ (word >> np.uint64(31))


@nb.njit(cache=True)
def key_of(seed: int, first: int, second: int) -> Any:
    """The 64-bit key of a stream named by three integers."""
    word = mix(np.uint64(seed) + _GOLDEN)
    word = mix((word ^ np.uint64(first)) + _GOLDEN)
    return mix((word ^ np.uint64(second)) + _GOLDEN)


@nb.njit(cache=True)
def open_stream(key: np.uint64, index: int) -> State:
    """The state at which the stream of (key, index) begins."""
    return np.array([mix(key + np.uint64(index) * _GOLDEN)], np.uint64)


@nb.njit(cache=True)
def next_bits(state: State) -> Any:
    """The next 64 random bits."""
    state[0] += _GOLDEN
    return mix(state[0])


@nb.njit(cache=True)
def uniform(state: State) -> Any:
    """The next float64 uniform on (0, 1], on the grid of 2**-53: its logarithm is finite."""
    return np.float64((next_bits(state) >> np.uint64(11)) + np.uint64(1)) * 2.0**-53


@nb.njit(cache=True)
def below(state: State, bound: int) -> Any:
    """The next integer uniform on 0..bound-1, 1 <= bound <= 2**53; the bias is below bound / 2**53."""
    return np.int64(np.float64(next_bits(state) >> np.uint64(11)) * 2.0**-53 * bound)


@nb.njit(cache=True)
def choices(key: np.uint64, indices: npt.NDArray[np.int64], bound: int) -> npt.NDArray[np.int64]:
    """int64[G]: for each graph index of int64[G] an integer uniform on 0..bound-1."""
    chosen = np.empty(len(indices), np.int64)
    for g in range(len(indices)):
        chosen[g] = below(open_stream(key, indices[g]), bound)
    return chosen


@nb.njit(cache=True)
def uniform_at(key: Any, counter: int) -> Any:
    """The number in [0, 1) that stands at a counter of the stream of a key: 53 random bits."""
    word = mix(key + np.uint64(counter + 1) * _GOLDEN)
    return np.float64(word >> np.uint64(11)) * 2.0**-53


@nb.njit(cache=True)
def exponential(state: State) -> Any:
    """The next waiting time of a Poisson process of rate 1, by the ziggurat method [2]: 98.9% of them take one number."""
    more = 0.0
    while True:
        word = next_bits(state)
        layer = np.int64(word & np.uint64(_LAYERS - 1))
        x = np.float64(word >> np.uint64(11)) * 2.0**-53 * _ENDS[layer]
        if x < _ENDS[layer + 1]:
            return more + x
        if layer == 0:
            more += _TAIL  # behind it the law is the same again
            continue
        low, high = math.exp(-_ENDS[layer]), math.exp(-_ENDS[layer + 1])
        if low + uniform(state) * (high - low) < math.exp(-x):
            return more + x
