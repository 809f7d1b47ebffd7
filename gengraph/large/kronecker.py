"""Stochastic Kronecker graphs in shards: every pair of s^k nodes is an edge with its own probability, independently.

As `gengraph.baselines.kronecker_sampling`, with the digits of a node number cut into three parts instead of two, so that the
lists of pairs of a part stay small, and classes of pairs cut into cells. A Poisson process of rate -log(1 - p) on each pair
makes it an edge with probability p exactly (`gengraph.large.cells`).

Legend: s side of the initiator, k levels, C cells, P pairs of a part, T = s (s + 1) / 2.
"""

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from gengraph.baselines.kronecker_classes import half_classes
from gengraph.baselines.kronecker_sampling import pairs_by_class
from gengraph.graphs import Int32Array, Int64Array
from gengraph.large.cells import SHARD_EDGES, FloatArray, Keys, enlarged, room_for, shard_ends
from gengraph.streams import below, exponential, open_stream, stream_key

_SUREST = 1 - 1e-9  # the largest probability: of a certain pair one in a thousand million is left out
_PRODUCTS = (("ordered", "all", "all"), ("equal", "ordered", "all"), ("equal", "equal", "ordered"))
"""How the three parts of u < v may stand to each other."""


class _Class(NamedTuple):
    """Pairs of one part of the digits that are alike."""

    start: int
    stop: int
    log_probability: float


@dataclass(frozen=True, slots=True)
class KroneckerPlan:
    """A graph as cells of pairs of equal probability, the cells in shards.

    Attributes:
        side: s.
        parts: levels of each of the three parts.
        products: int64[C], which of the three ways the parts of a cell stand to each other.
        bounds: int64[C, 3, 2], a stretch of the pairs of each part: a cell has all combinations.
        measures: float64[C], expected points.
        ends: int64[S + 1], shard s has the cells `ends[s]:ends[s + 1]`.
    """

    side: int
    parts: tuple[int, int, int]
    products: Int64Array
    bounds: Int64Array
    measures: FloatArray
    ends: Int64Array

    @classmethod
    def of(cls, initiator: FloatArray, levels: int, most: int = SHARD_EDGES) -> "KroneckerPlan":
        """For an initiator float64[s, s], symmetric, entries in 0..1, and k >= 1 levels.

        Complexity: O(k^(3 T - 3)) cells for T entries, about 100,000 for two million nodes and s = 2.
        """
        parts = ((levels + 2) // 3, (levels + 1) // 3, levels // 3)
        products, bounds, measures = [], [], []
        for number, ways in enumerate(_PRODUCTS):
            choices = [_classes(initiator, part, way) for part, way in zip(parts, ways, strict=True)]
            for combined in itertools.product(*choices):
                p = min(math.exp(sum(one.log_probability for one in combined)), _SUREST)
                pairs = math.prod(float(one.stop - one.start) for one in combined)
                for cell, share in _halved([(one.start, one.stop) for one in combined], -math.log1p(-p) * pairs, most):
                    products.append(number)
                    bounds.append(cell)
                    measures.append(share)
        if not measures:
            products, bounds, measures = [0], [[(0, 0)] * 3], [0.0]
        masses = np.array(measures)
        cells = np.array(products), np.array(bounds, np.int64), masses, shard_ends(masses, most)
        return cls(len(initiator), parts, *cells)

    @property
    def num_nodes(self) -> int:
        """s^k."""
        return int(self.side ** sum(self.parts))

    @property
    def expected(self) -> FloatArray:
        """float64[S], edges that a shard will have, about."""
        return np.add.reduceat(self.measures, self.ends[:-1])

    def draw(self, shard: int, seed: int) -> Keys:
        """The points of a shard."""
        chosen = slice(self.ends[shard], self.ends[shard + 1])
        lists = [
            [pairs_by_class(self.side, part, way)[0] for part, way in zip(self.parts, ways, strict=True)] for ways in _PRODUCTS
        ]
        widths = self.side ** (self.parts[1] + self.parts[2]), self.side ** self.parts[2]
        keys = [np.empty(0, np.uint64)]
        for number, (high, middle, low) in enumerate(lists):
            rows = np.flatnonzero(self.products[chosen] == number) + self.ends[shard]
            cells = self.bounds[rows], self.measures[rows]
            keys.append(_points(cells, (high, middle, low), widths, stream_key(seed, f"kronecker {number}"), shard))
        return np.concatenate(keys)


def _classes(initiator: FloatArray, levels: int, way: str) -> list[_Class]:
    """The classes of pairs of a part that are possible."""
    _, offsets = pairs_by_class(len(initiator), levels, way)
    entries = initiator[np.triu_indices(len(initiator))]
    probability = np.prod(entries ** half_classes(len(initiator), levels).exponents, axis=1)
    found = zip(offsets[:-1].tolist(), offsets[1:].tolist(), probability.tolist(), strict=True)
    return [_Class(start, stop, math.log(p)) for start, stop, p in found if stop > start and p > 0]


def _halved(cell: list[tuple[int, int]], measure: float, most: float) -> list[tuple[list[tuple[int, int]], float]]:
    """The cell in pieces of at most so many points, as far as it can be parted."""
    sizes = [stop - start for start, stop in cell]
    place = sizes.index(max(sizes))
    start, stop = cell[place]
    if measure <= most or stop - start == 1:
        return [(cell, measure)]
    middle = (start + stop) // 2
    found = []
    for piece in ((start, middle), (middle, stop)):
        share = measure * (piece[1] - piece[0]) / (stop - start)
        found += _halved([*cell[:place], piece, *cell[place + 1 :]], share, most)
    return found


@njit(cache=True)
def _points(
    cells: tuple[Int64Array, FloatArray],
    pairs: tuple[Int32Array, Int32Array, Int32Array],
    widths: tuple[int, int],
    key: np.uint64,
    shard: int,
) -> Keys:
    bounds, measures = cells
    high, middle, low = pairs
    state = open_stream(key, shard)
    keys = room_for(measures)
    count = 0
    for cell in range(len(measures)):
        part = bounds[cell]
        time = exponential(state)
        while time < measures[cell]:
            a = high[part[0, 0] + below(state, part[0, 1] - part[0, 0])]
            b = middle[part[1, 0] + below(state, part[1, 1] - part[1, 0])]
            c = low[part[2, 0] + below(state, part[2, 1] - part[2, 0])]
            u = np.int64(a[0]) * widths[0] + np.int64(b[0]) * widths[1] + c[0]
            v = np.int64(a[1]) * widths[0] + np.int64(b[1]) * widths[1] + c[1]
            if count == len(keys):
                keys = enlarged(keys)
            keys[count] = (np.uint64(u) << np.uint64(32)) | np.uint64(v)
            count += 1
            time += exponential(state)
    drawn: Keys = keys[:count]
    return drawn
