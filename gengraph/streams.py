"""Random streams keyed by what they are for, from pinned algorithms: the same numbers on every machine.

numpy promises the bits of a bit generator for ever, but not the distributions of its Generator; what must be the same with
every version takes its numbers from here. `Stream` serves numpy code; the functions below it serve compiled code.

Reference:
    G. Steele, D. Lea, C. Flood. Fast splittable pseudorandom number generators. OOPSLA 2014 (SplitMix64).
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt


class Stream:
    """The uniform random numbers that belong to a key of non-negative integers, (seed, graph index) say."""

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def uniforms(self, count: int) -> npt.NDArray[np.float64]:
        """float64[count] in [0, 1): the upper 53 bits of PCG64's output."""
        raw = np.asarray(self._bits.random_raw(count), dtype=np.uint64)
        return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integer(self, bound: int) -> int:
        """One integer uniform on 0..bound-1, bound <= 2**31 (the bias is below 2**-22)."""
        return int(self.uniforms(1)[0] * bound)

    def permutation(self, count: int) -> npt.NDArray[np.int64]:
        """int64[count]: a uniformly random order of 0..count-1."""
        return np.argsort(self.uniforms(count), kind="stable")


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


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
def below(state: npt.NDArray[np.uint64], bound: int) -> Any:
    """The next integer uniform on 0..bound-1 of the stream in state uint64[1]; bound < 2**31, bias below bound / 2**32."""
    state[0] += _GOLDEN
    return np.int64(((mix(state[0]) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@nb.njit(cache=True)
def uniform_at(key: Any, counter: int) -> Any:
    """The number in [0, 1) that stands at a counter of the stream of a key: 53 random bits."""
    word = mix(key + np.uint64(counter + 1) * _GOLDEN)
    return np.float64(word >> np.uint64(11)) * 2.0**-53
