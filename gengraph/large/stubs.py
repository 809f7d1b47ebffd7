"""Ends of edges, numbered through all nodes: node u owns as many as its weight says, and a lookup says who owns one.

Legend: n nodes, S stubs, B buckets of the guide.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.graphs import Int32Array, Int64Array
from gengraph.seeded import Stream
from gengraph.streams import key_of, mix

_ROUNDS = 4
_SHUFFLED = 1 << 16  # stubs up to which a permutation is drawn as a whole


@dataclass(frozen=True, slots=True)
class Stubs:
    """Who owns which stub.

    Attributes:
        offsets: int64[n + 1], node u owns the stubs `offsets[u]:offsets[u + 1]`.
        guide: int32[B], who owns the first stub of each bucket of 2^shift stubs.
        shift: so large that there are about as many buckets as nodes.
    """

    offsets: Int64Array
    guide: Int32Array
    shift: int

    @classmethod
    def of(cls, weights: npt.NDArray[np.integer]) -> "Stubs":
        """Of weights int[n] >= 0; a look-up takes constant time on average."""
        offsets = np.concatenate([[0], np.cumsum(weights, dtype=np.int64)])
        total = int(offsets[-1])
        shift = int(math.log2(max(total // max(len(weights), 1), 1)))
        first = np.arange((total >> shift) + 1, dtype=np.int64) << shift
        return cls(offsets, (np.searchsorted(offsets, first, side="right") - 1).astype(np.int32), shift)

    @property
    def tables(self) -> tuple[Int64Array, Int32Array, int]:
        """For compiled code."""
        return self.offsets, self.guide, self.shift

    def owners(self, stubs: Int64Array) -> Int64Array:
        """int64[K], the nodes of stubs int64[K]."""
        return np.asarray(_owners(stubs, self.tables))


@njit(cache=True)
def owner(stub: int, tables: tuple[Int64Array, Int32Array, int]) -> Any:
    """The node of a stub."""
    offsets, guide, shift = tables
    node = np.int64(guide[stub >> shift])
    while offsets[node + 1] <= stub:
        node += 1
    return node


@njit(cache=True)
def _owners(stubs: Int64Array, tables: tuple[Int64Array, Int32Array, int]) -> Int64Array:
    nodes = np.empty_like(stubs)
    for place in range(len(stubs)):
        nodes[place] = owner(stubs[place], tables)
    return nodes


def permuted(start: int, stop: int, size: int, *, seed: int, number: int) -> Int64Array:
    """Places start..stop-1 of a random permutation of 0..size-1; of a large one no other place is computed.

    A small permutation is drawn as a whole. A large one is a Feistel network [1] on pairs of numbers below
    a = ceil(sqrt(size)), 4 rounds [2] of SplitMix64's finaliser, and what falls on size..a^2-1 goes through it again.

    Args:
        start: >= 0.
        stop: <= size.
        size: of the permutation.
        seed: of it, and number: of several permutations of one seed.
        number: see seed.

    References:
        [1] J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002.
        [2] M. Luby and C. Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", SIAM Journal on
            Computing 17 (1988).
    """
    if size <= _SHUFFLED:
        return Stream(seed, number).permutation(size)[start:stop]
    side = math.isqrt(size - 1) + 1
    return np.asarray(_network(start, stop, size, side, np.uint64(key_of(seed, number, size))))


@njit(cache=True)
def _network(start: int, stop: int, size: int, side: int, key: np.uint64) -> Int64Array:
    keys = np.empty(_ROUNDS, np.uint64)
    for turn in range(_ROUNDS):
        keys[turn] = mix(key + np.uint64(turn))
    places = np.empty(stop - start, np.int64)
    for i in range(stop - start):
        place = np.int64(start + i)
        while True:
            left, right = place // side, place % side
            for turn in range(_ROUNDS):
                word = mix(keys[turn] ^ np.uint64(right)) >> np.uint64(32)
                left += np.int64((word * np.uint64(side)) >> np.uint64(32))
                if left >= side:
                    left -= side
                left, right = right, left
            place = left * side + right
            if place < size:
                break
        places[i] = place
    return places
