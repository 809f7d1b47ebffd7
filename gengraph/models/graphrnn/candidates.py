"""What the edges made so far say about each candidate of a new node.

Rows are scanned from the oldest candidate to the nearest. A candidate p of the new node t + 1 is described by small numbers,
all known before the bit (t + 1, p) is decided (FEATURES). They are coded as entries of one table: `CODES` of them a candidate,
so that a model adds so many embeddings.

The same compiled functions describe candidates for training, where the bits are known, and for sampling, bit by bit. A graph
that grows is a tuple of arrays: `first` int32[N] and `following` int32[E] are linked lists of half-edges, `target` int32[E]
their ends, `degree` int32[N]. A window is a tuple, too: `newest` (t) and `width`, numbers; `scratch` int32[4, M], of each
candidate, oldest first, how many of the chosen are adjacent to it, whether the newest node is, and its common neighbours with
the first chosen and with the newest node; `progress` int64[2], how many were chosen in this row, and the last of them.

Legend: N nodes, M max_prev_node, S candidates of all rows, E half-edges.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.graphrnn.config import CONTEXT_FEATURES
from gengraph.models.graphrnn.rows import CONTINUE, RowBatch, UInt8Array

CODES = 6
MOST_CHOSEN, MOST_ADJACENT, MOST_DEGREE, MOST_COMMON = 7, 5, 11, 5
CHOSEN_CODES = (MOST_CHOSEN + 1) * (MOST_ADJACENT + 1)
DEGREE_CODES = (MOST_DEGREE + 1) * 2
COMMON_CODES = (MOST_COMMON + 1) ** 2
(_DISTANCE, _FAR_END, _GAP, _CHOSEN, _CHOSEN_ADJACENT, _DEGREE, _LAST_ADJACENT, _COMMON_FIRST, _COMMON_LAST) = range(9)
_ADJACENT_ROW, _LAST_ROW, _FIRST_ROW, _COMMON_ROW = range(4)  # of a row's scratch


@dataclass(frozen=True, slots=True)
class ContextTable:
    """The candidates of a batch, graph by graph, row by row, oldest first; only rows that continue have any.

    Attributes:
        rows: int32[S], the row of the batch that a candidate belongs to.
        candidate_rows: int32[S], the row before which the candidate was the newest node.
        codes: int32[S, CODES], entries of the table of embeddings.
        bits: uint8[S], whether the candidate was chosen.
        free: uint8[S], 0 where the decision is certain: the last candidate, and nothing chosen before.
    """

    MOVED: ClassVar = ("rows", "candidate_rows", "codes", "bits", "free")

    rows: Int32Array
    candidate_rows: Int32Array
    codes: Int32Array
    bits: UInt8Array
    free: UInt8Array


def num_codes(max_prev_node: int) -> int:
    """Entries of the table of embeddings."""
    return 3 * max_prev_node + CHOSEN_CODES + DEGREE_CODES + COMMON_CODES


def used_features(names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """bool[9], which of CONTEXT_FEATURES are used."""
    return np.array([name in names for name in CONTEXT_FEATURES])


def context_table(batch: RowBatch, used: npt.NDArray[np.bool_]) -> ContextTable:
    """Describe all candidates of a batch; O(S + the neighbours of neighbours of each node).

    Args:
        batch: rows of graphs.
        used: bool[9], which features are used; the others are 0 throughout.
    """
    total = int(batch.widths[batch.decisions == CONTINUE].sum())
    table = ContextTable(
        np.empty(total, np.int32),
        np.empty(total, np.int32),
        np.empty((total, CODES), np.int32),
        np.empty(total, np.uint8),
        np.ones(total, np.uint8),
    )
    out = table.rows, table.candidate_rows, table.codes, table.bits, table.free
    _describe_batch(batch.num_nodes, batch.step_offsets, (batch.bits, batch.widths, batch.decisions), used, out)
    return table


@nb.njit(cache=True, nogil=True)
def _describe_batch(num_nodes: Int64Array, offsets: Int64Array, rows: Any, used: npt.NDArray[np.bool_], out: Any) -> None:
    bits, widths, decisions = rows
    row_of, candidate_row, codes, chosen, free = out
    scratch = np.empty((4, bits.shape[1]), np.int32)
    progress = np.empty(2, np.int64)
    s = 0
    for b in range(num_nodes.shape[0]):
        n = num_nodes[b]
        half_edges = 0
        for t in range(n):
            half_edges += 2 * int(bits[offsets[t] + b].sum())
        graph = new_graph(n, half_edges)
        filled = 0
        for t in range(n - 1):
            row = offsets[t] + b
            if decisions[row] != CONTINUE:
                continue
            width = widths[row]
            window = t, width, scratch, progress
            begin_row(graph, window)
            for i in range(width):
                node = t + 1 - width + i
                row_of[s], candidate_row[s] = row, offsets[node] + b
                describe(graph, window, i, used, codes[s])
                chosen[s] = bits[row, width - 1 - i]
                if i == width - 1 and progress[0] == 0:
                    free[s] = 0
                if chosen[s]:
                    choose(graph, window, i)
                s += 1
            filled = end_row(graph, t, bits[row, :width], filled)


@nb.njit(cache=True)
def new_graph(num_nodes: int, half_edges: int) -> Any:
    """A graph without edges: first, degree, following, target."""
    return (
        np.full(num_nodes, -1, np.int32),
        np.zeros(num_nodes, np.int32),
        np.empty(half_edges, np.int32),
        np.empty(half_edges, np.int32),
    )


@nb.njit(cache=True)
def begin_row(graph: Any, window: Any) -> None:
    """Before the row of node newest + 1."""
    first, _, following, target = graph
    newest, width, scratch, progress = window
    oldest = newest + 1 - width
    scratch[:, :width] = 0
    progress[0], progress[1] = 0, -1
    edge = first[newest]
    while edge >= 0:
        if target[edge] >= oldest:
            scratch[_LAST_ROW, target[edge] - oldest] = 1
        edge = following[edge]
    _count_common(graph, newest, oldest, scratch[_COMMON_ROW])


@nb.njit(cache=True)
def _count_common(graph: Any, node: int, oldest: int, counts: Int32Array) -> None:
    """Add one to each candidate for each common neighbour with the node."""
    first, _, following, target = graph
    edge = first[node]
    while edge >= 0:
        second = first[target[edge]]
        while second >= 0:
            if target[second] >= oldest:
                counts[target[second] - oldest] += 1
            second = following[second]
        edge = following[edge]


@nb.njit(cache=True)
def describe(graph: Any, window: Any, i: int, used: npt.NDArray[np.bool_], codes: Int32Array) -> None:
    """Write the codes of candidate i of the window."""
    newest, width, scratch, progress = window
    bound = scratch.shape[1]
    node = newest + 1 - width + i
    gap = node - progress[1] if progress[0] and used[_GAP] else 0
    chosen = min(progress[0], MOST_CHOSEN) if used[_CHOSEN] else 0
    adjacent = min(scratch[_ADJACENT_ROW, i], MOST_ADJACENT) if used[_CHOSEN_ADJACENT] else 0
    degree = min(graph[1][node], MOST_DEGREE) if used[_DEGREE] else 0
    last = scratch[_LAST_ROW, i] if used[_LAST_ADJACENT] else 0
    common_first = min(scratch[_FIRST_ROW, i], MOST_COMMON) if used[_COMMON_FIRST] else 0
    common_last = min(scratch[_COMMON_ROW, i], MOST_COMMON) if used[_COMMON_LAST] else 0
    codes[0] = newest - node if used[_DISTANCE] else 0
    codes[1] = bound + (i if used[_FAR_END] else 0)
    codes[2] = 2 * bound + gap
    codes[3] = 3 * bound + chosen * (MOST_ADJACENT + 1) + adjacent
    codes[4] = 3 * bound + CHOSEN_CODES + 2 * degree + last
    codes[5] = 3 * bound + CHOSEN_CODES + DEGREE_CODES + common_first * (MOST_COMMON + 1) + common_last


@nb.njit(cache=True)
def choose(graph: Any, window: Any, i: int) -> None:
    """Candidate i of the window is chosen."""
    first, _, following, target = graph
    newest, width, scratch, progress = window
    oldest = newest + 1 - width
    node = oldest + i
    edge = first[node]
    while edge >= 0:
        if target[edge] >= oldest:
            scratch[_ADJACENT_ROW, target[edge] - oldest] += 1
        edge = following[edge]
    if progress[0] == 0:
        _count_common(graph, node, oldest, scratch[_FIRST_ROW])
    progress[0] += 1
    progress[1] = node


@nb.njit(cache=True)
def end_row(graph: Any, newest: int, bits: UInt8Array, filled: int) -> int:
    """Link node newest + 1 to the candidates whose bits (nearest first) are set; returns the half-edges there are now."""
    first, degree, following, target = graph
    for k in range(bits.shape[0]):
        if bits[k]:
            for node, neighbour in ((newest + 1, newest - k), (newest - k, newest + 1)):
                following[filled], target[filled] = first[node], neighbour
                first[node] = filled
                degree[node] += 1
                filled += 1
    return filled
