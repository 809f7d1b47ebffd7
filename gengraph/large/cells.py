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

from gengraph.graphs import Int64Array
from gengraph.large.stubs import Stubs, Tables, owner
from gengraph.streams import exponential, open_stream, stream_key

SHARD_EDGES = 1 << 20
"""About as many edges make a shard."""

FloatArray = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
"""uint64[E], u 2^32 + v with u <= v: loops and repetitions among them."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of pairs of stubs.

    Attributes:
        bounds: int64[C, 4], the stubs of the rows, first and behind the last, and those of the columns. If both begin with the
            same stub, a row has the columns behind it; else rows and columns have no stub in common.
        measures: float64[C] >= 0, expected points.
    """

    bounds: Int64Array
    measures: FloatArray

    def no_larger(self, most: float, stubs: Stubs) -> "Cells":
        """The same pairs in cells of at most so many expected points each, as far as nodes can be parted."""
        large = self.measures > most
        offsets = stubs.offsets
        parts = [
            _split(bounds, measure, most, offsets)
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
            todo += [(half, measure * _area(half) / area) for half in reversed(halves)]
        else:
            done.append((cell, measure))
    return done


def _area(cell: list[int]) -> float:
    first, last, left, right = cell
    return (last - first) * (right - left - (last - first) / 2 * (first == left))


def _halves(cell: list[int], offsets: Int64Array) -> list[list[int]]:
    """Two cells of about equal area, or none of what cannot be parted between nodes."""
    first, last, left, right = cell
    behind, width = first == left, right - left
    middle = first + (width - math.sqrt(width**2 - _area(cell)) if behind else (last - first) / 2)
    start = last if behind else left
    rows, columns = _between(first, last, middle, offsets), _between(start, right, (start + right) / 2, offsets)
    if rows and (behind or last - first >= width or not columns):
        return [half for m in rows for half in ([first, m, left, right], [m, last, m if behind else left, right])]
    return [half for m in columns for half in ([first, last, start, m], [first, last, m, right])]


def _between(start: int, stop: int, middle: float, offsets: Int64Array) -> list[int]:
    """The first stub of a node near the middle, if there is one inside."""
    place = int(np.searchsorted(offsets, middle))
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
def _points(bounds: Int64Array, measures: FloatArray, tables: Tables, key: np.uint64, shard: int) -> Keys:
    """Cell after cell, row after row, and along a row the waiting times of the process: in order, so that nothing is sorted."""
    starts, nodes, weights, guide, shift = tables
    state = open_stream(key, shard)
    keys = room_for(measures)
    count = 0
    for cell in range(len(measures)):
        first, last, left, right = bounds[cell]
        if not measures[cell]:
            continue
        behind = first == left
        area = np.float64(last - first) * (right - left - (last - first) / 2 * behind)
        apart = area / measures[cell]  # pairs of stubs a point
        at = exponential(state) * apart  # how many pairs of stubs from the beginning of the row the next point is
        stub, run = first, guide[first >> shift]
        while stub < last:
            while starts[run + 1] <= stub:
                run += 1
            weight = weights[run]
            u = nodes[run] + np.int64((stub - starts[run]) / weight)
            end = min(last, starts[run + 1])
            while stub < end:
                stub += np.int64(weight)
                low = stub if behind else left
                row = (right - low) * weight
                while at < row:
                    v = owner(min(low + np.int64(at / weight), right - 1), tables)
                    if count == len(keys):
                        keys = enlarged(keys)
                    keys[count] = (np.uint64(u) << np.uint64(32)) | np.uint64(v)
                    count += 1
                    at += exponential(state) * apart
                at -= row
                u += 1
    drawn: Keys = keys[:count]
    return drawn
