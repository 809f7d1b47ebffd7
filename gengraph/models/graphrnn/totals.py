"""How many edges, triangles and paths of two edges a graph is to have: drawn with its size, and counted down as it grows.

Graphs of one kind differ as wholes: some proteins are denser than others throughout. A node-level state that must find this
out row by row, and keep it, forgets: graphs come out too much alike, and their means drift. With totals both levels are told
before each row how many there are a node, in the whole graph and in what is still to come; so what was missed is made up for.

Totals need not be met: they are variables of their own (their law: `gengraph.models.totals`), and the joint probability of a
sequence and of its own totals bounds that of the sequence from below.

Legend: G training graphs, B graphs of a batch, R rows, M max_prev_node, L lanes of a sampler, 3 kinds of counts.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.graphrnn.rows import RowBatch, UInt8Array
from gengraph.models.totals import TotalsLaw
from gengraph.streams import uniform_at

KINDS = ("edges", "triangles", "paths")
NUM_TOLD = 2 * len(KINDS)
_TOTALS = 2**50  # where, in the stream of an attempt, the four numbers for its totals stand


def graph_totals(graphs: GraphSet) -> list[list[int]]:
    """[nodes, edges, triangles, paths of two edges] of each graph, ascending; JSON-ready. O(sum of squared degrees)."""
    matrix = graphs.to_csr()
    degrees, owner = np.diff(matrix.indptr), graphs.graph_of_node
    triangles = np.asarray((matrix @ matrix).multiply(matrix).sum(axis=1)).ravel() / 6
    of_nodes = np.ones(len(owner)), degrees / 2, triangles, degrees * (degrees - 1) / 2
    counts = [np.bincount(owner, count, len(graphs)) for count in of_nodes]
    return sorted(np.rint(counts).astype(int).T.tolist())


def draw_totals(law: TotalsLaw, num_nodes: int, key: np.uint64) -> Int64Array:
    """The totals int64[3] of an attempt, by four numbers of its stream."""
    return law.draw(num_nodes, np.array([uniform_at(key, _TOTALS + j) for j in range(1 + len(KINDS))]))


def told_of(totals: Tensor, so_far: Tensor, sizes: tuple[Tensor, Tensor], a_node: Tensor) -> Tensor:
    """What both levels are told before rows, float64[R, 6]: log(1 + counts a node, in averages), of all and of those to come.

    Args:
        totals: int64[R, 3] of each row's graph.
        so_far: int64[R, 3] of the graph before the row.
        sizes: int64[R] nodes of the graph, and int64[R] those to come after the one that the row adds.
        a_node: float64[3], as `TotalsLaw` has it.
    """
    num_nodes, to_come = sizes
    whole = totals / (num_nodes[:, None] * a_node)
    rest = (totals - so_far).clamp(min=0) / (to_come.clamp(min=1)[:, None] * a_node)
    return torch.log1p(torch.cat([whole, rest], dim=1))


def count_rows(batch: RowBatch) -> tuple[Int64Array, Int64Array]:
    """int64[R, 3], what each graph has before each row, and int64[B, 3], what it has in the end; O(R M + squared degrees)."""
    before, totals = np.zeros((len(batch.widths), 3), np.int64), np.zeros((len(batch.graph), 3), np.int64)
    _count_rows(batch.num_nodes, batch.step_offsets, batch.bits, before, totals)
    return before, totals


def totals_of(batch: RowBatch) -> Int64Array:
    """int64[B, 3], what was drawn for the graphs of a batch, or what they have."""
    return count_rows(batch)[1] if batch.totals is None else batch.totals


@nb.njit(cache=True, nogil=True)
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
        self._totals[lanes] = [draw_totals(self._law, int(n), key) for n, key in zip(sizes, keys, strict=True)]
        self._counts[lanes] = self._degrees[lanes] = self._rows[lanes] = 0

    def told(self, num_nodes: Int64Array, to_come: Int64Array) -> Tensor:
        """float64[L, 6] before the next rows."""
        totals, counts, *sizes, a_node = map(torch.from_numpy, (self._totals, self._counts, num_nodes, to_come, self._a_node))
        return told_of(totals, counts, (sizes[0], sizes[1]), a_node)

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
