"""Random numbers for compiled generators: xoshiro256++ streams, one for each (seed, purpose, graph index).

The algorithms are pinned, so the graphs of a seed do not change with the version of numpy or numba, and a stream depends
on nothing but its key, so graph g is the same whether ten graphs are asked for or a million.

References:
    [1] D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47 (2021).
    [2] G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64).
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.errors import InputError

State = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def stream_key(seed: int, purpose: str) -> np.uint64:
    """The key that all streams of one seed and one purpose ("sizes", "edges") share.

    Raises:
        InputError: seed is negative.
    """
    if seed < 0:
        msg = f"seed must be >= 0, got {seed}; use any whole number from 0 up"
        raise InputError(msg)
    entropy = np.random.SeedSequence([seed, *purpose.encode()])
    return np.uint64(entropy.generate_state(1, np.uint64)[0])


@njit(cache=True)
def split_mix(value: np.uint64) -> np.uint64:
    """SplitMix64's finaliser [2]: a bijection of 64 bits that leaves no visible pattern."""
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return np.uint64(value ^ (value >> np.uint64(31)))


@njit(cache=True)
def open_stream(key: np.uint64, index: int) -> State:
    """uint64[4]: the state at which the stream of (key, index) begins."""
    start = split_mix(key + np.uint64(index) * _GOLDEN)
    state = np.empty(4, np.uint64)
    for word in range(4):
        state[word] = split_mix(start + np.uint64(word + 1) * _GOLDEN)
    return state


@njit(cache=True)
def next_bits(state: State) -> np.uint64:
    """The next 64 random bits of xoshiro256++ [1]; advances the state."""
    total = state[0] + state[3]
    result = np.uint64(((total << np.uint64(23)) | (total >> np.uint64(41))) + state[0])
    shifted = state[1] << np.uint64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = (state[3] << np.uint64(45)) | (state[3] >> np.uint64(19))
    return result


@njit(cache=True)
def uniform(state: State) -> float:
    """A float64 uniform on (0, 1], on the grid of 2**-53: its logarithm is finite."""
    return float((next_bits(state) >> np.uint64(11)) + np.uint64(1)) * 2.0**-53


@njit(cache=True)
def below(state: State, bound: int) -> int:
    """An integer uniform on 0..bound-1, 1 <= bound <= 2**53 (the bias is below bound / 2**53)."""
    return int(float(next_bits(state) >> np.uint64(11)) * 2.0**-53 * bound)


@njit(cache=True)
def choices(key: np.uint64, num_graphs: int, bound: int) -> npt.NDArray[np.int64]:
    """int64[G]: for each graph index an integer uniform on 0..bound-1."""
    chosen = np.empty(num_graphs, np.int64)
    for index in range(num_graphs):
        chosen[index] = below(open_stream(key, index), bound)
    return chosen
