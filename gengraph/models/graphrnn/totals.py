"""How many edges, triangles and paths of two edges a graph is to have: drawn with its size, and counted down as it grows.

Graphs of one kind differ as wholes: some proteins are denser than others throughout. A node-level state that must find this
out row by row, and keep it, forgets: graphs come out too much alike, and their means drift. With totals both levels are told
before each row how many there are a node, in the whole graph and in what is still to come; so what was missed is made up for.

The law of totals c given the size n is a mixture over the training graphs i of about that size,

    p(c | n) = mean over i of the product over kinds j of Poisson(c_j; c_ij n / n_i),

the k nearest in size, k the square root of their number, and all that have n nodes. Totals need not be met: they are variables
of their own, and the joint probability of a sequence and of its own totals bounds that of the sequence from below.

Legend: G training graphs, B graphs of a batch, R rows, M max_prev_node, L lanes of a sampler, 3 kinds of counts.
"""

import math
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.graphrnn.rows import RowBatch, UInt8Array
from gengraph.streams import uniform_at

FloatArray = npt.NDArray[np.float64]

KINDS = ("edges", "triangles", "paths")
NUM_TOLD = 2 * len(KINDS)
_LEAST = 1e-3  # mean of a count that no training graph has, so that it has a likelihood
_LEAST_A_NODE = 1e-2
_TOTALS = 2**50  # where, in the stream of an attempt, the four numbers for its totals stand
_SURE = 10  # standard deviations: nothing of a Poisson law lies beyond


def graph_totals(graphs: GraphSet) -> list[list[int]]:
    """[nodes, edges, triangles, paths of two edges] of each graph, ascending; JSON-ready. O(sum of squared degrees)."""
    matrix = graphs.to_csr()
    degrees, owner = np.diff(matrix.indptr), np.repeat(np.arange(len(graphs)), graphs.num_nodes)
    triangles = np.asarray((matrix @ matrix).multiply(matrix).sum(axis=1)).ravel() / 6
    of_nodes = np.ones(len(owner)), degrees / 2, triangles, degrees * (degrees - 1) / 2
    counts = [np.bincount(owner, count, len(graphs)) for count in of_nodes]
    return sorted(np.rint(counts).astype(int).T.tolist())


@dataclass(frozen=True, slots=True)
class TotalsLaw:
    """How many edges, triangles and paths a graph of a given size has.

    Attributes:
        nodes: int64[G] ascending, the sizes of the training graphs.
        counts: float64[G, 3], what they have.
    """

    nodes: Int64Array
    counts: FloatArray

    @classmethod
    def of(cls, table: list[list[int]]) -> "TotalsLaw":
        """The law of training graphs that were counted by `graph_totals`."""
        rows = np.array(table, np.int64)
        return cls(rows[:, 0], rows[:, 1:].astype(np.float64))

    @property
    def a_node(self) -> FloatArray:
        """float64[3], counts a node of the average training graph, > 0."""
        a_node: FloatArray = np.maximum((self.counts / self.nodes[:, None]).mean(axis=0), _LEAST_A_NODE)
        return a_node

    def means(self, num_nodes: int) -> FloatArray:
        """float64[k, 3], the means of the Poisson laws of which that of a size is made."""
        first = min(int(np.searchsorted(self.nodes, num_nodes)), len(self.nodes) - 1)
        last = max(int(np.searchsorted(self.nodes, num_nodes + 1)), first + 1)
        reach, middle = math.isqrt(len(self.nodes)), (first + last) // 2
        near = slice(max(0, min(first, middle - reach // 2)), max(last, middle + (reach + 1) // 2))
        means: FloatArray = np.maximum(self.counts[near] * (num_nodes / self.nodes[near, None]), _LEAST)
        return means

    def log_prob(self, num_nodes: Int64Array, totals: Int64Array) -> FloatArray:
        """Log p float64[B] of totals int64[B, 3] given the sizes int64[B]."""
        return np.array([self._log_prob(int(n), row) for n, row in zip(num_nodes, totals, strict=True)])

    def _log_prob(self, num_nodes: int, totals: Int64Array) -> float:
        from scipy.special import gammaln, logsumexp

        means = self.means(num_nodes)
        each = (totals * np.log(means) - means - gammaln(totals + 1.0)).sum(axis=1)
        return float(logsumexp(each) - np.log(len(means)))

    def draw(self, num_nodes: int, key: np.uint64) -> Int64Array:
        """The totals int64[3] that belong to four numbers of an attempt's stream, by the inverse of each distribution."""
        means = self.means(num_nodes)
        row = means[int(uniform_at(key, _TOTALS) * len(means))]
        return np.array([_inverse_poisson(mean, uniform_at(key, _TOTALS + 1 + j)) for j, mean in enumerate(row)], np.int64)


def _inverse_poisson(mean: float, uniform: float) -> int:
    from scipy.special import gammaln

    reach = _SURE * math.sqrt(mean) + _SURE
    first = max(0, math.floor(mean - reach))
    counts = np.arange(first, math.ceil(mean + reach) + 1)
    below = np.cumsum(np.exp(counts * math.log(mean) - mean - gammaln(counts + 1.0)))
    return first + min(int(np.searchsorted(below, uniform, side="right")), len(counts) - 1)


def told_of(totals: Any, so_far: Any, sizes: tuple[Any, Any], a_node: FloatArray) -> FloatArray:
    """What both levels are told before rows, float64[R, 6]: log(1 + counts a node, in averages), of all and of those to come.

    Args:
        totals: int64[R, 3] of each row's graph.
        so_far: int64[R, 3] of the graph before the row.
        sizes: int64[R] nodes of the graph, and int64[R] those to come after the one that the row adds.
        a_node: float64[3], as `TotalsLaw` has it.
    """
    num_nodes, to_come = sizes
    whole = totals / (num_nodes[:, None] * a_node)
    rest = np.maximum(totals - so_far, 0) / (np.maximum(to_come, 1)[:, None] * a_node)
    told: FloatArray = np.log1p(np.concatenate([whole, rest], axis=1))
    return told


def count_rows(batch: RowBatch) -> tuple[Int64Array, Int64Array]:
    """int64[R, 3], what each graph has before each row, and int64[B, 3], what it has in the end; O(R M + squared degrees)."""
    before, totals = np.zeros((len(batch.widths), 3), np.int64), np.zeros((len(batch.graph), 3), np.int64)
    _count_rows(batch.num_nodes, batch.step_offsets, batch.bits, before, totals)
    return before, totals


def totals_of(batch: RowBatch) -> Int64Array:
    """int64[B, 3], what was drawn for the graphs of a batch, or what they have."""
    return count_rows(batch)[1] if batch.totals is None else batch.totals


@nb.njit(cache=True)
def _count_rows(num_nodes: Int64Array, offsets: Int64Array, bits: UInt8Array, before: Int64Array, totals: Int64Array) -> None:
    for b in range(num_nodes.shape[0]):
        degrees, place = np.zeros(num_nodes[b] + 1, np.int64), offsets + b
        for t in range(num_nodes[b]):
            before[place[t]] = totals[b]
            _count(bits, place, bits[place[t]], t, degrees, totals[b])


@nb.njit(cache=True)
def _count(rows: UInt8Array, place: Int64Array, bits: UInt8Array, newest: int, degrees: Int64Array, counts: Int64Array) -> None:
    """Add node newest + 1 with its bits, nearest first; the row that added node v stands at rows[place[v - 1]]."""
    degree = 0
    for k in range(min(bits.shape[0], newest + 1)):
        if not bits[k]:
            continue
        node = newest - k
        for other in range(k + 1, min(bits.shape[0], newest + 1)):
            if bits[other] and rows[place[(node - 1) % place.shape[0]], other - k - 1]:
                counts[1] += 1
        counts[2] += degrees[node] + degree
        degrees[node] += 1
        degree += 1
    counts[0] += degree
    degrees[newest + 1] = degree


class Tally:
    """The totals of graphs that grow side by side, and what they have of them.

    Args:
        law: of totals.
        lanes: L.
        max_prev_node: M.
        limit: most nodes of a graph.
    """

    def __init__(self, law: TotalsLaw, lanes: int, max_prev_node: int, limit: int) -> None:
        self._law, self._a_node = law, law.a_node
        self._totals, self._counts = np.zeros((lanes, 3), np.int64), np.zeros((lanes, 3), np.int64)
        self._degrees = np.zeros((lanes, limit + 1), np.int64)
        self._rows = np.zeros((lanes, max_prev_node, max_prev_node), np.uint8)  # the last M of each lane, row t at t mod M

    @staticmethod
    def bytes_per_lane(max_prev_node: int, limit: int) -> int:
        """What is remembered of one lane."""
        return max_prev_node**2 + 8 * (limit + 1)

    def reset(self, lanes: Int64Array, sizes: Int64Array, keys: list[np.uint64]) -> None:
        """New graphs of so many nodes begin in these lanes, their totals drawn from their streams."""
        self._totals[lanes] = [self._law.draw(int(n), key) for n, key in zip(sizes, keys, strict=True)]
        self._counts[lanes] = self._degrees[lanes] = self._rows[lanes] = 0

    def told(self, num_nodes: Int64Array, to_come: Int64Array) -> FloatArray:
        """float64[L, 6] before the next rows."""
        return told_of(self._totals, self._counts, (num_nodes, to_come), self._a_node)

    def read(self, bits: UInt8Array, grows: npt.NDArray[np.bool_], newest: Int64Array) -> None:
        """Take in the rows uint8[L, W] of the lanes that grow, before their newest nodes int64[L] move on."""
        _read(bits, grows, newest, self._rows, self._degrees, self._counts)

    def keep(self, lanes: Int64Array) -> None:
        """Only these lanes go on, numbered anew in this order."""
        self._totals, self._counts = self._totals[lanes], self._counts[lanes]
        self._degrees, self._rows = self._degrees[lanes], self._rows[lanes]


@nb.njit(cache=True)
def _read(bits: UInt8Array, grows: Any, newest: Int64Array, rows: UInt8Array, degrees: Int64Array, counts: Int64Array) -> None:
    bound = rows.shape[1]
    place = np.arange(bound)
    for lane in range(bits.shape[0]):
        if grows[lane]:
            _count(rows[lane], place, bits[lane], newest[lane], degrees[lane], counts[lane])
            row = rows[lane, newest[lane] % bound]
            row[:] = 0
            row[: bits.shape[1]] = bits[lane]
