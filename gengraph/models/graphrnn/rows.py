"""Graphs as batches of adjacency rows, and back.

A graph of n nodes under an ordering is n rows. Row t < n - 1 says to which of its candidates node t + 1 connects: the last
`width` nodes 0..t, bit k standing for node t - k. Row n - 1 is the end. Each row carries a decision: CONTINUE (node t + 1
has a neighbour among the candidates), NEW_COMPONENT (it has none) or STOP.

The window of candidates is `max_prev_node` wide, and in an adaptive window it starts at the oldest neighbour of the row
before. In breadth-first orderings the oldest neighbour never moves back, so nothing is lost; an edge that falls out of the
window all the same (max_prev_node is too small) is cut and counted. Where the ordering is not breadth first only a fixed window
is exact, and a row may be empty within a connected graph: NEW_COMPONENT then means no more than that.

Rows of a batch stand time-major, graphs by descending size: first row 0 of every graph, then row 1 of those that have one.

Legend: B graphs in a batch, T rows of the largest graph, R rows in all, M max_prev_node, S scan steps, W widest window.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.graphs.orderings import Adjacency, order_nodes, ordering_code
from gengraph.streams import key_of

CONTINUE, NEW_COMPONENT, STOP = 0, 1, 2
UInt8Array = npt.NDArray[np.uint8]
_BYTES = np.uint64(0x0101010101010101)
_FEW_STEPS = 256  # of a scan, which are not worth the loading of compiled code


@dataclass(frozen=True, slots=True)
class RowBatch:
    """A batch of graphs as adjacency rows.

    Attributes:
        graph: int64[B], the index in the graph set of each graph, largest graph first.
        num_nodes: int64[B], descending.
        batch_sizes: int64[T], how many graphs have a row t.
        bits: uint8[R, M], bit k of row t is the edge (t + 1, t - k).
        widths: int32[R], candidates of each row, 1..M.
        decisions: uint8[R], CONTINUE, NEW_COMPONENT or STOP.
        num_cut: edges that did not fit into a window.
        told: float64[B, C], what a model with C conditions is told of each graph (`gengraph.rewards.conditions`); None tells
            nothing.
        totals: int64[B, 3], what a model with totals has drawn for each graph (`gengraph.models.graphrnn.totals`); None stands
            for what the graphs have.
    """

    graph: Int64Array
    num_nodes: Int64Array
    batch_sizes: Int64Array
    bits: UInt8Array
    widths: Int32Array
    decisions: UInt8Array
    num_cut: int
    told: npt.NDArray[np.float64] | None = None
    totals: Int64Array | None = None

    @property
    def losses_of_data(self) -> dict[str, int]:
        """The edges that were cut, as `gengraph.models.family.Batch` has it."""
        return {"cut_edges": self.num_cut}

    @property
    def step_offsets(self) -> Int64Array:
        """int64[T + 1], where each time step's rows begin."""
        return np.concatenate([[0], np.cumsum(self.batch_sizes)])

    @property
    def rank(self) -> Int64Array:
        """int64[R], the place of each row's graph in the batch."""
        return np.arange(len(self.widths)) - np.repeat(self.step_offsets[:-1], self.batch_sizes)

    @property
    def to_come(self) -> Int64Array:
        """int64[R], nodes that come after the one that each row adds or would add to: 0 in the last row of a graph."""
        return self.num_nodes[self.rank] - 1 - np.repeat(np.arange(len(self.batch_sizes)), self.batch_sizes)


def encode_rows(
    adjacency: Adjacency, graph: Int64Array, *, ordering: str, max_prev_node: int, adaptive: bool, key: tuple[int, int]
) -> RowBatch:
    """Encode graphs under freshly drawn orderings; O(n M + m) a graph.

    Args:
        adjacency: of the whole graph set; every graph in the batch has a node.
        graph: int64[B], which graphs.
        ordering: a name of ORDERINGS.
        max_prev_node: M >= 1.
        adaptive: whether windows start at the oldest neighbour of the row before.
        key: (seed, epoch): with the graph's index it names the random stream, so that a graph's ordering depends neither
            on the batch nor on the worker it is encoded on.
    """
    sizes = np.diff(adjacency.node_offsets)[graph]
    largest_first, batch_sizes, (bits, widths, decisions) = _empty_rows(sizes, max_prev_node)
    graph, sizes = graph[largest_first], sizes[largest_first]
    offsets = np.concatenate([[0], np.cumsum(batch_sizes)])
    num_cut = _encode(
        ordering_code(ordering),
        adaptive,
        np.array(key, np.int64),
        graph,
        adjacency.arrays,
        offsets,
        (bits, widths, decisions),
    )
    return RowBatch(graph, sizes, batch_sizes, bits, widths, decisions, num_cut)


def encode_as_numbered(graphs: GraphSet, *, max_prev_node: int, adaptive: bool) -> RowBatch:
    """Encode all graphs in the order of their nodes, as `decode_rows` numbers them."""
    adjacency = Adjacency.of(graphs)
    largest_first, batch_sizes, (bits, widths, decisions) = _empty_rows(graphs.num_nodes, max_prev_node)
    offsets = np.concatenate([[0], np.cumsum(batch_sizes)])
    num_cut = _encode_numbered(adaptive, largest_first, adjacency.arrays, offsets, (bits, widths, decisions))
    sizes = graphs.num_nodes[largest_first].astype(np.int64)
    return RowBatch(largest_first, sizes, batch_sizes, bits, widths, decisions, num_cut)


def _empty_rows(sizes: Any, max_prev_node: int) -> tuple[Int64Array, Int64Array, tuple[UInt8Array, Int32Array, UInt8Array]]:
    """Of graphs with so many nodes: their places by descending size, how many have each row, and room for the rows."""
    largest_first = np.argsort(-sizes.astype(np.int64), kind="stable")
    sizes = sizes[largest_first]
    batch_sizes = np.searchsorted(-sizes, -np.arange(sizes[0] if len(sizes) else 0))
    rows = int(batch_sizes.sum())
    return (
        largest_first,
        batch_sizes,
        (np.zeros((rows, max_prev_node), np.uint8), np.empty(rows, np.int32), np.empty(rows, np.uint8)),
    )


@nb.njit(cache=True)
def _encode_numbered(
    adaptive: bool, graph: npt.NDArray[np.int64], adjacency: Any, offsets: npt.NDArray[np.int64], out: Any
) -> int:
    node_offsets, indptr, neighbours = adjacency
    order = np.arange(offsets.shape[0]).astype(np.int32)
    num_cut = 0
    for b in range(graph.shape[0]):
        g = graph[b]
        own = indptr[node_offsets[g] : node_offsets[g + 1] + 1]
        num_cut += _encode_graph(adaptive, own, neighbours, order, order, offsets[:-1] + b, out)
    return num_cut


@nb.njit(cache=True, nogil=True)
def _encode(
    ordering: int,
    adaptive: bool,
    key: npt.NDArray[np.int64],
    graph: npt.NDArray[np.int64],
    adjacency: Any,
    offsets: npt.NDArray[np.int64],
    out: Any,
) -> int:
    node_offsets, indptr, neighbours = adjacency
    state = np.empty(1, np.uint64)
    order = np.empty(offsets.shape[0], np.int32)
    position = np.empty(offsets.shape[0], np.int32)
    num_cut = 0
    for b in range(graph.shape[0]):
        g = graph[b]
        state[0] = key_of(key[0], g, key[1])
        own = indptr[node_offsets[g] : node_offsets[g + 1] + 1]
        order_nodes(ordering, own, neighbours, state, order, position)
        num_cut += _encode_graph(adaptive, own, neighbours, order, position, offsets[:-1] + b, out)
    return num_cut


@nb.njit(cache=True)
def _encode_graph(
    adaptive: bool,
    indptr: npt.NDArray[np.int64],
    neighbours: npt.NDArray[np.int32],
    order: npt.NDArray[np.int32],
    position: npt.NDArray[np.int32],
    row_of: npt.NDArray[np.int64],
    out: Any,
) -> int:
    """Write the rows of one graph, return the edges that were cut."""
    bits, widths, decisions = out
    n = indptr.shape[0] - 1
    start = 0
    num_cut = 0
    for t in range(n):
        row = row_of[t]
        width = min(t + 1 - start, bits.shape[1])
        widths[row] = width
        decisions[row] = STOP
        if t == n - 1:
            break
        node = order[t + 1]
        oldest = t + 1
        for e in range(indptr[node], indptr[node + 1]):
            earlier = position[neighbours[e]]
            if earlier <= t:
                if t - earlier < width:
                    bits[row, t - earlier] = 1
                    oldest = min(oldest, earlier)
                else:
                    num_cut += 1
        decisions[row] = CONTINUE if oldest <= t else NEW_COMPONENT
        if adaptive:
            start = oldest
    return num_cut


def decode_rows(batch: RowBatch) -> GraphSet:
    """The graphs of a batch in the order of `batch.graph`, nodes numbered by their ordering; O(n M / 8 + m) a graph."""
    edge_offsets, edges = _decode(batch.num_nodes, batch.step_offsets, np.ascontiguousarray(batch.bits))
    return GraphSet.unchecked(batch.num_nodes, edge_offsets, edges)


@nb.njit(cache=True)
def _decode(
    num_nodes: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64], bits: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Edge offsets and edges: rows come by their later node, so that counting the earlier ones sorts them."""
    first = np.zeros(num_nodes.shape[0] + 1, np.int64)
    first[1:] = np.cumsum(num_nodes)
    begins = np.zeros(first[-1] + 1, np.int64)  # where the edges of each earlier node begin, all graphs in turn
    places = _set_bits(bits.reshape(-1))
    found = np.empty((places.shape[0], 2), np.int32)  # earlier and later node, by the later one
    owner = np.empty(places.shape[0], np.int32)  # the earlier node, all graphs in turn
    t, row, row_end, graph_first, step_end = 0, 0, bits.shape[1], first[0], offsets[1] if len(offsets) > 1 else 0
    for i in range(places.shape[0]):
        while places[i] >= row_end:
            row += 1
            row_end += bits.shape[1]
            if row == step_end:
                t += 1
                step_end = offsets[t + 1]
            graph_first = first[row - offsets[t]]
        u = t - (places[i] - row_end + bits.shape[1])
        found[i, 0], found[i, 1] = u, t + 1
        owner[i] = graph_first + u
        begins[graph_first + u + 1] += 1
    for node in range(first[-1]):
        begins[node + 1] += begins[node]
    edge_offsets = begins[first]
    edges = np.empty_like(found)
    for i in range(places.shape[0]):
        place = begins[owner[i]]
        begins[owner[i]] += 1
        edges[place, 0], edges[place, 1] = found[i, 0], found[i, 1]
    return edge_offsets, edges


@nb.njit(cache=True)
def _set_bits(flat: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The indices of the ones among bytes 0 and 1; 64 zeros at a time are passed over."""
    tail = flat.shape[0] // 64 * 64
    words = flat[:tail].view(np.uint64)
    total = np.int64(flat[tail:].sum())
    for w in range(words.shape[0]):
        total += np.int64((words[w] * _BYTES) >> np.uint64(56))  # the sum of its bytes
    found = np.empty(total, np.int64)
    count = 0
    for first in range(0, words.shape[0], 8):
        any_set = np.uint64(0)
        for w in range(8):
            any_set |= words[first + w]
        if any_set:
            for w in range(first, first + 8):
                count = _add_bits(words[w], 8 * w, found, count)
    for i in range(tail, flat.shape[0]):
        if flat[i]:
            found[count] = i
            count += 1
    return found


@nb.njit(cache=True, inline="always")
def _add_bits(word: Any, first: int, found: npt.NDArray[np.int64], count: int) -> int:
    """Append the indices of a word's bytes that are one, lowest first, where its first byte has the index `first`."""
    while word:
        lowest = word & (~word + np.uint64(1))
        below = ((lowest - np.uint64(1)) & _BYTES) * _BYTES >> np.uint64(56)  # bytes below the lowest one
        found[count] = first + np.int64(below)
        count += 1
        word ^= lowest
    return count


@dataclass(frozen=True, slots=True)
class Scan:
    """The edge decisions of a batch, packed for an edge-level model that scans each row's window.

    Rows are sorted by descending width; scan step j of every row that is wider than j stands together.

    Attributes:
        rows: int64[R'], the scanned rows.
        step_sizes: int64[W], how many rows are wider than j; stays on the CPU.
        widths: int32[R'], descending.
        offsets: int64[W + 1], where each step begins.
        bits: uint8[S], the decision at each step.
        previous: uint8[S], the decision before it in the row; 1 at the start.
        free: uint8[S], 0 where the decision is certain: a row that connects to something, and nothing chosen until the last.
    """

    MOVED: ClassVar = ("rows", "widths", "offsets", "bits", "previous", "free")

    rows: Int64Array
    step_sizes: Int64Array
    widths: Int32Array
    offsets: Int64Array
    bits: UInt8Array
    previous: UInt8Array
    free: UInt8Array


def scan_rows(batch: RowBatch, *, oldest_first: bool, every_row: bool) -> Scan:
    """Pack the windows of a batch.

    Args:
        batch: rows of graphs.
        oldest_first: scan from the oldest candidate to the nearest, else the other way.
        every_row: scan all rows, an empty row being the end (nothing is certain); else only those that continue.
    """
    rows = np.arange(len(batch.widths)) if every_row else np.flatnonzero(batch.decisions == CONTINUE)
    widths = batch.widths[rows]
    widest_first = np.argsort(-widths, kind="stable")
    rows, widths = rows[widest_first], widths[widest_first]
    step_sizes = np.searchsorted(-widths, -np.arange(widths[0] if len(widths) else 0))
    total = int(step_sizes.sum())
    bits, previous, free = np.empty(total, np.uint8), np.empty(total, np.uint8), np.ones(total, np.uint8)
    offsets = np.concatenate([[0], np.cumsum(step_sizes)])
    scan = _scan if total > _FEW_STEPS else _scan.py_func
    scan(batch.bits, rows, widths, offsets, oldest_first, not every_row, (bits, previous, free))
    return Scan(rows, step_sizes, widths, offsets, bits, previous, free)


@nb.njit(cache=True, nogil=True)
def _scan(
    rows_bits: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int64],
    widths: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
    oldest_first: bool,
    never_empty: bool,
    out: Any,
) -> None:
    bits, previous, free = out
    for i in range(rows.shape[0]):
        last, any_chosen = np.uint8(1), False
        for j in range(widths[i]):
            place = offsets[j] + i
            previous[place] = last
            if never_empty and not any_chosen and j == widths[i] - 1:
                free[place] = 0
            last = rows_bits[rows[i], widths[i] - 1 - j if oldest_first else j]
            bits[place] = last
            any_chosen = any_chosen or last == 1
