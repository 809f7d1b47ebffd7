"""Graphs whose pairs of nodes are independent edges, in cells of pairs that are drawn by themselves.

Node u has weight w_u, and in a cell (rows x columns, or the pairs of a triangle) the pair (u, v) has the rate
lambda_uv = rate w_u w_v. A Poisson process runs through the cell: its points fall on pairs of stubs, so on (u, v) as often as a
Poisson(lambda_uv) variable says, and a pair on which at least one falls is an edge: independently with probability
1 - exp(-lambda_uv), exactly. No pair lies in two cells, so no edge is drawn twice wherever the cells are drawn.

Legend: C cells, n nodes, E points.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.graphs import Int32Array, Int64Array
from gengraph.large.stubs import Stubs, owner
from gengraph.streams import below, open_stream, stream_key, uniform

SHARD_EDGES = 1 << 20
"""About as many edges make a shard."""

FloatArray = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
"""uint64[E], u 2^32 + v with u <= v: loops and repetitions among them."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of pairs of stubs.

    Attributes:
        bounds: int64[C, 4], the stubs of the rows, first and behind the last, and those of the columns; equal ones are a
            triangle, others have no stub in common.
        measures: float64[C] >= 0, expected points.
    """

    bounds: Int64Array
    measures: FloatArray

    def no_larger(self, most: float, stubs: Stubs) -> "Cells":
        """The same pairs in cells of at most so many expected points each, as far as nodes can be parted."""
        large = self.measures > most
        parts = [
            _split(bounds, measure, most, stubs.offsets)
            for bounds, measure in zip(self.bounds[large].tolist(), self.measures[large].tolist(), strict=True)
        ]
        bounds = [self.bounds[~large], *(np.array([bound for bound, _ in part], np.int64) for part in parts)]
        return Cells(np.concatenate(bounds), np.array([*self.measures[~large], *(m for part in parts for _, m in part)]))


def _split(bounds: list[int], measure: float, most: float, offsets: Int64Array) -> list[tuple[list[int], float]]:
    todo, done = [(bounds, measure)], []
    while todo:
        cell, measure = todo.pop()
        halves = _halves(cell, offsets) if measure > most else []
        area = _area(cell)
        if halves:
            todo += [(half, measure * _area(half) / area) for half in halves]
        else:
            done.append((cell, measure))
    return done


def _area(cell: list[int]) -> float:
    first, last, left, right = cell
    return (last - first) * (right - left) / (2 if first == left else 1)


def _halves(cell: list[int], offsets: Int64Array) -> list[list[int]]:
    """Two rectangles, or two triangles and a rectangle; none of what cannot be parted between nodes."""
    first, last, left, right = cell
    if first == left:
        return [half for m in _between(first, last, offsets) for half in ([first, m] * 2, [m, last] * 2, [first, m, m, last])]
    rows, columns = _between(first, last, offsets), _between(left, right, offsets)
    if rows and (last - first >= right - left or not columns):
        return [[first, rows[0], left, right], [rows[0], last, left, right]]
    return [half for m in columns for half in ([first, last, left, m], [first, last, m, right])]


def _between(start: int, stop: int, offsets: Int64Array) -> list[int]:
    """The first stub of a node about half way, if there is one inside."""
    place = int(np.searchsorted(offsets, (start + stop) // 2))
    return next(([int(stub)] for stub in offsets[max(place - 1, 0) : place + 1][::-1] if start < stub < stop), [])


@dataclass(frozen=True, slots=True)
class CellPlan:
    """A graph as cells, the cells in shards.

    Attributes:
        num_nodes: of the graph; nodes without a weight have no edges.
        stubs: those of the nodes.
        cells: ordered by shard.
        ends: int64[S + 1], shard s has the cells `ends[s]:ends[s + 1]`.
    """

    num_nodes: int
    stubs: Stubs
    cells: Cells
    ends: Int64Array

    @classmethod
    def of(cls, num_nodes: int, stubs: Stubs, cells: Cells, most: int = SHARD_EDGES) -> "CellPlan":
        """Shards of about so many edges: they follow from the cells alone."""
        fitting = cells.no_larger(most, stubs)
        return cls(num_nodes, stubs, fitting, shard_ends(fitting.measures, most))

    @property
    def expected(self) -> FloatArray:
        """float64[S], edges that a shard will have, about."""
        return np.add.reduceat(self.cells.measures, self.ends[:-1])

    def draw(self, shard: int, seed: int) -> Keys:
        """The points of a shard."""
        cells = slice(self.ends[shard], self.ends[shard + 1])
        key = stream_key(seed, "cells")
        return np.asarray(_points(self.cells.bounds[cells], self.cells.measures[cells], self.stubs.tables, key, shard))


def shard_ends(measures: FloatArray, most: float) -> Int64Array:
    """int64[S + 1], where shards of about `most` end among cells of at most as much, float64[C], C >= 1."""
    shard = np.floor((np.cumsum(measures) - measures) / most)
    return np.concatenate([[0], np.flatnonzero(np.diff(shard)) + 1, [len(measures)]]).astype(np.int64)


@njit(cache=True)
def enlarged(keys: Keys) -> Keys:
    """Twice the room."""
    larger = np.empty(2 * len(keys), np.uint64)
    larger[: len(keys)] = keys
    return larger


@njit(cache=True)
def room_for(measures: FloatArray) -> Keys:
    """Room for the points of cells, most of the time."""
    expected = measures.sum()
    return np.empty(int(expected + 6 * math.sqrt(expected)) + 16, np.uint64)


@njit(cache=True)
def _points(
    bounds: Int64Array, measures: FloatArray, tables: tuple[Int64Array, Int32Array, int], key: np.uint64, shard: int
) -> Keys:
    state = open_stream(key, shard)
    keys = room_for(measures)
    count = 0
    for cell in range(len(measures)):
        first, last, left, right = bounds[cell]
        time = -math.log(uniform(state))
        while time < measures[cell]:
            u = owner(first + below(state, last - first), tables)
            v = owner(left + below(state, right - left), tables)
            if count == len(keys):
                keys = enlarged(keys)
            keys[count] = (np.uint64(min(u, v)) << np.uint64(32)) | np.uint64(max(u, v))
            count += 1
            time -= math.log(uniform(state))
    drawn: Keys = keys[:count]
    return drawn
