"""Ends of edges, numbered through all nodes: node u owns as many as its weight says, and a lookup says who owns one.

Nodes of one weight that follow each other are a run, and there are few runs where nodes are sorted by weight: then all that a
lookup reads stays in the processor's cache, whatever the size of the graph.

Legend: n nodes, S stubs, R runs, B buckets of the guide.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.graphs import Int32Array, Int64Array
from gengraph.seeded import Stream

_LEAST_BUCKETS = 1 << 10
_BUCKETS_PER_RUN = 4
_ROUNDS = 4
_SHUFFLED = 1 << 16  # stubs up to which a permutation is drawn as a whole
_MIX_1, _MIX_2, _SHIFT_1, _SHIFT_2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35), np.uint32(16), np.uint32(13)

Tables = tuple[Int64Array, Int64Array, npt.NDArray[np.float64], Int32Array, int]
"""Fields of Stubs, for compiled code: starts, nodes, weights, guide, shift."""

_Keys = tuple[np.uint32, np.uint32, np.uint32, np.uint32]


@dataclass(frozen=True, slots=True)
class Stubs:
    """Who owns which stub.

    Attributes:
        starts: int64[R + 1], the first stub of each run, and S.
        nodes: int64[R + 1], the first node of each run, and n.
        weights: float64[R], whole numbers, the stubs of each node of a run.
        guide: int32[B], the run of the first stub of each bucket of 2^shift stubs.
        shift: so large that there are some buckets a run.
    """

    starts: Int64Array
    nodes: Int64Array
    weights: npt.NDArray[np.float64]
    guide: Int32Array
    shift: int

    @classmethod
    def of(cls, weights: npt.NDArray[np.integer]) -> "Stubs":
        """Of weights int[n] >= 0; a look-up takes constant time on average."""
        inner = np.flatnonzero(weights[1:] != weights[:-1]) + 1
        nodes = np.concatenate([[0], inner, [len(weights)]]).astype(np.int64)
        each = weights[nodes[:-1]].astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(np.diff(nodes) * each)])
        total, buckets = int(starts[-1]), max(_LEAST_BUCKETS, _BUCKETS_PER_RUN * len(each))
        shift = int(math.log2(max(total // buckets, 1)))
        first = np.arange((total >> shift) + 1, dtype=np.int64) << shift
        guide = (np.searchsorted(starts, first, side="right") - 1).astype(np.int32)
        return cls(starts, nodes, each.astype(np.float64), guide, shift)

    @property
    def offsets(self) -> Int64Array:
        """int64[n + 1], made anew: node u owns the stubs `offsets[u]:offsets[u + 1]`."""
        offsets = np.zeros(int(self.nodes[-1]) + 1, np.int64)
        np.cumsum(np.repeat(self.weights.astype(np.int64), np.diff(self.nodes)), out=offsets[1:])
        return offsets

    @property
    def tables(self) -> Tables:
        """For compiled code."""
        return self.starts, self.nodes, self.weights, self.guide, self.shift

    def owners(self, stubs: Int64Array) -> Int64Array:
        """int64[K], the nodes of stubs int64[K]."""
        return np.asarray(_owners(stubs, self.tables))


@njit(cache=True)
def owner(stub: int, tables: Tables) -> Any:
    """The node of a stub. Indices are unsigned, which saves asking whether they count from the end."""
    starts, nodes, weights, guide, shift = tables
    run, one = np.uint64(guide[np.uint64(stub) >> np.uint64(shift)]), np.uint64(1)
    while starts[run + one] <= stub:
        run += one
    return nodes[run] + np.int64((stub - starts[run]) / weights[run])


@njit(cache=True)
def _owners(stubs: Int64Array, tables: Tables) -> Int64Array:
    nodes = np.empty_like(stubs)
    for place in range(len(stubs)):
        nodes[place] = owner(stubs[place], tables)
    return nodes


def permuted(start: int, stop: int, size: int, *, seed: int, number: int) -> Int64Array:
    """Places start..stop-1 of a random permutation of 0..size-1; of a large one no other place is computed.

    A small permutation is drawn as a whole. A large one is a Feistel network [1] on pairs of numbers below
    a = ceil(sqrt(size)), 4 rounds [2] of MurmurHash3's finaliser [3], and what falls on size..a^2-1 goes through it again.

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
        [3] A. Appleby, MurmurHash3, https://github.com/aappleby/smhasher (2011).
    """
    if size <= _SHUFFLED:
        return Stream(seed, number).permutation(size)[start:stop]
    side = math.isqrt(size - 1) + 1
    keys = (Stream(seed, number, size).uniforms(_ROUNDS) * 2**32).astype(np.uint32)
    return np.asarray(_network(start, stop, size, side, tuple(keys)))


@njit(cache=True)
def _network(start: int, stop: int, size: int, side: int, keys: _Keys) -> Int64Array:
    places = np.empty(stop - start, np.int64)
    done = 0
    while done < len(places):
        left, right = (start + done) // side, (start + done) % side
        many = min(side - right, len(places) - done)
        for i in range(many):  # which the compiler does several of at a time
            places[done + i] = _through(np.uint32(left), np.uint32(right + i), np.uint32(side), keys)
        done += many
    for i in range(len(places)):
        while places[i] >= size:
            places[i] = _through(np.uint32(places[i] // side), np.uint32(places[i] % side), np.uint32(side), keys)
    return places


@njit(cache=True)
def _through(left: Any, right: Any, side: Any, keys: _Keys) -> Any:
    """Where the network puts the pair of numbers, in arithmetic of 32 bits."""
    for key in keys:
        word = np.uint32(right ^ key)
        word = np.uint32((word ^ (word >> _SHIFT_1)) * _MIX_1)
        word = np.uint32((word ^ (word >> _SHIFT_2)) * _MIX_2)
        word = np.uint32(word ^ (word >> _SHIFT_1))
        moved = np.uint32(left + np.uint32((np.uint64(word) * np.uint64(side)) >> np.uint64(32)))
        left, right = right, min(moved, np.uint32(moved - side))
    return np.int64(left) * np.int64(side) + np.int64(right)
