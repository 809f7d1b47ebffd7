"""What the drawing kernels share: the streams of a set, growing edge arrays, geometric skips, sorting edges in linear time."""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.graphs import Int64Array
from gengraph.streams import State, uniform

Int32Array = npt.NDArray[np.int32]


def stream_indices(indices: Int64Array | None, num_graphs: int) -> Int64Array:
    """int64[G]: the indices whose streams G graphs are drawn from; 0..G-1 where none are given."""
    if indices is None:
        return np.arange(num_graphs, dtype=np.int64)
    assert len(indices) == num_graphs
    return indices


@njit(cache=True)
def with_room(edges: Int32Array, count: int, extra: int) -> Int32Array:
    """`edges` int32[capacity, 2], or a copy at least twice as large if `extra` more rows than `count` do not fit."""
    if count + extra <= len(edges):
        return edges
    larger = np.empty((max(2 * len(edges), count + extra), 2), np.int32)
    larger[:count] = edges[:count]
    return larger


@njit(cache=True)
def skip(state: State, log_failure: float, limit: int) -> int:
    """How many Bernoulli(p) trials fail before the next success, at most `limit`; log_failure = log(1 - p), p > 0.

    The geometric law by inversion [1]: floor(log(U) / log(1 - p)).

    References:
        [1] V. Batagelj and U. Brandes, "Efficient generation of large random networks", Phys. Rev. E 71 (2005).
    """
    failures = math.log(uniform(state)) / log_failure
    return limit if failures >= limit else int(failures)


@njit(cache=True)
def sorted_by(edges: Int32Array, column: int, num_nodes: int) -> Int32Array:
    """A copy of edges int32[E, 2] sorted by one column, stably, by counting; O(N + E)."""
    place = np.zeros(num_nodes + 1, np.int64)
    for row in range(len(edges)):
        place[edges[row, column] + 1] += 1
    for node in range(num_nodes):
        place[node + 1] += place[node]
    result = np.empty_like(edges)
    for row in range(len(edges)):
        node = edges[row, column]
        result[place[node], 0] = edges[row, 0]
        result[place[node], 1] = edges[row, 1]
        place[node] += 1
    return result
