"""The configuration model: stubs of given degrees, matched uniformly at random, in shards that need nothing of each other.

Nodes are cut into G groups of about equally many stubs. How many edges a uniform perfect matching has between each two groups
is drawn first, from its exact law. Given these numbers the stubs of a group are in random order, a stretch of them for each
other group, and the stretch of group i for j is matched with that of j for i, place by place. The order of a group is a
permutation of which any stretch can be computed by itself. What lies between two groups is a shard, so parallel edges meet in
one.

Legend: G groups, n nodes, S shards.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from gengraph.graphs import Int64Array
from gengraph.large.cells import SHARD_EDGES, FloatArray, Keys
from gengraph.large.stubs import Stubs, permuted
from gengraph.seeded import Stream


@dataclass(frozen=True, slots=True)
class MatchingPlan:
    """Stubs in groups.

    Attributes:
        num_nodes: n.
        stubs: an even number.
        starts: int64[G + 1], the first stub of each group; a node's stubs are in one group.
    """

    num_nodes: int
    stubs: Stubs
    starts: Int64Array

    @classmethod
    def of(cls, degrees: npt.NDArray[np.integer], most: int = SHARD_EDGES) -> "MatchingPlan":
        """For degrees int[n] with an even sum; about `most` edges a shard."""
        stubs = Stubs.of(degrees)
        total = int(stubs.starts[-1])
        wanted = np.arange(1, math.ceil(math.sqrt(total / most))) * (total / math.ceil(math.sqrt(total / most)))
        offsets = stubs.offsets
        inner = offsets[np.searchsorted(offsets, wanted)]
        return cls(len(degrees), stubs, np.unique(np.concatenate([[0], inner, [total]])).astype(np.int64))

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Of each shard, the two groups."""
        groups = range(len(self.starts) - 1)
        return [(i, j) for i in groups for j in groups if i <= j]

    @property
    def expected(self) -> FloatArray:
        """float64[S], edges that a shard will have, about."""
        sizes = np.diff(self.starts).astype(float)
        return np.array([sizes[i] * sizes[j] / (1 + (i == j)) / sizes.sum() for i, j in self.pairs])

    def draw(self, shard: int, seed: int) -> Keys:
        """The edges of a shard."""
        i, j = self.pairs[shard]
        between = edges_between(tuple(np.diff(self.starts).tolist()), seed)
        rows = self._stretch(i, j, between, seed)
        if i == j:
            rows, columns = rows[0::2], rows[1::2]
        else:
            columns = self._stretch(j, i, between, seed)
        u, v = self.stubs.owners(rows), self.stubs.owners(columns)
        return np.asarray((np.minimum(u, v) << 32) | np.maximum(u, v)).astype(np.uint64)

    def _stretch(self, group: int, other: int, between: Int64Array, seed: int) -> Int64Array:
        """The stubs of a group that are matched with another, in random order."""
        lengths = between[group] * np.where(np.arange(len(between)) == group, 2, 1)
        stop = int(lengths[: other + 1].sum())
        size = int(self.starts[group + 1] - self.starts[group])
        places = permuted(stop - int(lengths[other]), stop, size, seed=seed, number=1 + group)
        return np.asarray(self.starts[group] + places)


@lru_cache(maxsize=8)
def edges_between(sizes: tuple[int, ...], seed: int) -> Int64Array:
    """int64[G, G], symmetric: how many edges of a uniform perfect matching lie between and (on the diagonal) within groups.

    Of a group of s stubs, r of them not yet matched with earlier groups, beside R in later ones: the number of pairs within it
    is k with weight 1 / (4^k k! (r - 2k)! ((R - r) / 2 + k)!), and what is left takes its partners among the later groups as
    draws without replacement do.

    Args:
        sizes: stubs of the G groups, in all an even number.
        seed: of it.
    """
    stream, left = Stream(seed, 0), np.array(sizes, np.int64)
    between = np.zeros((len(sizes), len(sizes)), np.int64)
    for i in range(len(sizes)):
        own, later = int(left[i]), int(left[i + 1 :].sum())
        within = between[i, i] = _within(own, later, float(stream.uniforms(1)[0]))
        drawn = own - 2 * int(within)
        for j, taken in enumerate(_parted(left[i + 1 :].tolist(), drawn, stream), start=i + 1):
            between[i, j] = between[j, i] = taken
            left[j] -= taken
    return between


def _within(own: int, later: int, at: float) -> int:
    def weight(k: FloatArray) -> FloatArray:
        logs = special.gammaln(k + 1) + special.gammaln(own - 2 * k + 1) + special.gammaln((later - own) / 2 + k + 1)
        return np.asarray(-2 * math.log(2) * k - logs)

    mean = own * (own - 1) / (2 * max(own + later - 1, 1))
    return _inverted(weight, max(0, (own - later + 1) // 2), own // 2, mean, at)


def _parted(sizes: list[int], drawn: int, stream: Stream) -> Iterator[int]:
    """How many of so many draws without replacement fall into each of several parts."""
    rest = sum(sizes)
    for size in sizes:
        rest -= size
        low, high, mean = max(0, drawn - rest), min(size, drawn), drawn * size / max(size + rest, 1)

        def weight(k: FloatArray, size: int = size, rest: int = rest, drawn: int = drawn) -> FloatArray:
            logs = special.gammaln(k + 1) + special.gammaln(size - k + 1) + special.gammaln(drawn - k + 1)
            return np.asarray(-logs - special.gammaln(rest - drawn + k + 1))

        taken = _inverted(weight, low, high, mean, float(stream.uniforms(1)[0]))
        drawn -= taken
        yield taken


def _inverted(log_weight: Callable[[FloatArray], FloatArray], low: int, high: int, mean: float, at: float) -> int:
    """A number in low..high with such weights by inversion; further than 12 deviations from the mean there are none."""
    reach = 12 * math.sqrt(mean) + 20
    numbers = np.arange(max(low, math.floor(mean - reach)), min(high, math.ceil(mean + reach)) + 1)
    weights = log_weight(numbers.astype(np.float64))
    sums = np.cumsum(np.exp(weights - weights.max()))
    return int(numbers[np.searchsorted(sums, at * sums[-1], side="right")])
