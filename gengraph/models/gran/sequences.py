"""Graphs under orderings, and the steps that they are built in.

Step s of a sequence of n nodes adds the nodes s, s + 1, ..., s + S - 1 that exist, for s = 0, S, 2 S, ... Their candidates are
the nodes window[s], ..., s - 1 and the earlier nodes of the block. In an adaptive window window[s] is the oldest neighbour of
node s - 1 (or that node itself, if it has none): in breadth-first orderings no later node has an older one. An edge that falls
out of the window (max_prev_node is too small) is cut and counted. Where a decision ends a graph, there is one more step, at
s = n, if n is a multiple of S: none of its nodes exists.

Legend: G graphs, K orderings of the family, Q = G K sequences, N nodes of all sequences, E edges of all sequences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.graphs.orderings import Adjacency, order_nodes, ordering_code
from gengraph.models.gran.config import GRANConfig
from gengraph.streams import key_of


@dataclass(frozen=True, slots=True)
class SequenceBatch:
    """Graphs of a batch under one ordering each, or under every ordering of the family.

    Attributes:
        graph: int64[G], the index in the graph set of each graph.
        num_orderings: K; sequence q is of graph q // K.
        num_nodes: int64[Q].
        indptr: int64[N + 1], where the neighbours of each node begin.
        neighbours: int32[2E], positions in the ordering, ascending for each node.
        num_earlier: int32[N], how many neighbours of each node come before it.
        window: int32[N + Q], of each sequence n + 1 numbers: where the window of a step at s starts, for every s in 0..n.
        num_cut: edges that did not fit into a window, over all sequences.
        key: (seed, epoch), that names what else is drawn for these graphs.
        told: float64[G, C], what a model with C conditions is told of each graph (`gengraph.rewards.conditions`); None tells
            nothing.
    """

    graph: Int64Array
    num_orderings: int
    num_nodes: Int64Array
    indptr: Int64Array
    neighbours: Int32Array
    num_earlier: Int32Array
    window: Int32Array
    num_cut: int
    key: tuple[int, int]
    told: npt.NDArray[np.float64] | None = None

    @property
    def losses_of_data(self) -> Mapping[str, int]:
        """Edges that were cut."""
        return {"cut_edges": self.num_cut}

    @property
    def node_offsets(self) -> Int64Array:
        """int64[Q + 1], where the nodes of each sequence begin."""
        return np.concatenate([[0], np.cumsum(self.num_nodes)])

    @property
    def arrays(self) -> tuple[Int64Array, Int64Array, Int32Array, Int32Array, Int32Array]:
        """For compiled code: node offsets, indptr, neighbours, num_earlier, window."""
        return self.node_offsets, self.indptr, self.neighbours, self.num_earlier, self.window

    def names(self) -> list[bytes]:
        """The numbered graph of each sequence: its edges by their later node; int32 pairs, the number of nodes first."""
        return _names(self)


def encode_sequences(adjacency: Adjacency, graph: Int64Array, config: GRANConfig, *, key: tuple[int, int]) -> SequenceBatch:
    """Encode graphs under freshly drawn orderings; O(n + m log m) a sequence.

    With `family = average` one ordering of the family is drawn for each graph; with `sum` there is a sequence of each, and
    which stands first changes from epoch to epoch.

    Args:
        adjacency: of the whole graph set; every graph has a node.
        graph: int64[G], which graphs.
        config: of the model.
        key: (seed, epoch): with the graph's index it names the random stream.
    """
    sizes = np.diff(adjacency.node_offsets)[graph]
    ends = np.diff(adjacency.indptr[adjacency.node_offsets])[graph]
    codes = np.array([ordering_code(name) for name in config.orderings], np.int64)
    copies = len(codes) if config.family == "sum" else 1
    num_nodes = np.repeat(sizes, copies)
    indptr = np.zeros(num_nodes.sum() + 1, np.int64)
    neighbours = np.empty(copies * ends.sum(), np.int32)
    num_earlier = np.empty(num_nodes.sum(), np.int32)
    window = np.empty(num_nodes.sum() + len(num_nodes), np.int32)
    bound = -1 if config.max_prev_node is None else config.max_prev_node
    rules = np.array([config.stride, config.window == "adaptive", bound], np.int64)
    out = indptr, neighbours, num_earlier, window
    num_cut = _encode(np.array(key, np.int64), codes, copies, rules, graph, adjacency.arrays, out)
    used = neighbours[: indptr[-1]]
    return SequenceBatch(graph, copies, num_nodes, indptr, used, num_earlier, window, num_cut, key)


@nb.njit(cache=True)
def _encode(
    key: Int64Array, codes: Int64Array, copies: int, rules: Int64Array, graph: Int64Array, adjacency: Any, out: Any
) -> int:
    node_offsets, indptr, neighbours = adjacency
    state = np.empty(1, np.uint64)
    first, first_window, num_cut = 0, 0, 0
    for g in graph:
        own = indptr[node_offsets[g] : node_offsets[g + 1] + 1]
        n = own.shape[0] - 1
        order, position = np.empty(n, np.int32), np.empty(n, np.int32)
        state[0] = key_of(key[0], g, key[1])
        shift = np.int64(state[0] >> np.uint64(33)) % codes.shape[0]
        for k in range(copies):
            order_nodes(codes[(shift + k) % codes.shape[0]], own, neighbours, state, order, position)
            num_cut += _encode_graph(rules, own, neighbours, order, position, (first, first_window), out)
            first, first_window = first + n, first_window + n + 1
    return num_cut


@nb.njit(cache=True)
def _encode_graph(
    rules: Int64Array,
    own: Int64Array,
    neighbours: Int32Array,
    order: Int32Array,
    position: Int32Array,
    places: tuple[int, int],
    out: Any,
) -> int:
    """Write one sequence, return the edges that were cut."""
    indptr, written, num_earlier, window = out
    stride, adaptive, bound = rules
    first, first_window = places
    n = order.shape[0]
    degree = np.zeros(n, np.int64)
    kept = np.empty(own[n] - own[0], np.int32)  # earlier neighbours, node by node
    begins = np.zeros(n + 1, np.int64)
    num_cut, start = 0, 0
    for i in range(n + 1):
        if i % stride == 0:
            start = _window_start(i, adaptive, bound, start, kept[begins[i - 1] : begins[i]] if i else kept[:0])
        window[first_window + i] = start
        if i == n:
            break
        node, count = order[i], begins[i]
        for e in range(own[node], own[node + 1]):
            earlier = position[neighbours[e]]
            if earlier < i and earlier >= start:
                kept[count] = earlier
                count += 1
                degree[earlier] += 1
            elif earlier < i:
                num_cut += 1
        kept[begins[i] : count].sort()
        begins[i + 1] = count
        num_earlier[first + i] = count - begins[i]
        degree[i] += count - begins[i]
    fill = np.empty(n, np.int64)
    for i in range(n):
        indptr[first + i + 1] = indptr[first + i] + degree[i]
        fill[i] = indptr[first + i]
    for i in range(n):
        for e in range(begins[i], begins[i + 1]):
            earlier = kept[e]
            written[fill[i]] = earlier
            fill[i] += 1
            written[fill[earlier]] = i
            fill[earlier] += 1
    return num_cut


@nb.njit(cache=True, inline="always")
def _window_start(i: int, adaptive: bool, bound: int, before: int, kept: Int32Array) -> int:
    """Where the window of a step at i starts; kept: the earlier neighbours of node i - 1, ascending."""
    start = 0
    if adaptive and i:
        start = i - 1 if kept.shape[0] == 0 else kept[0]
        start = max(start, before)
    if bound >= 0:
        start = max(start, i - bound)
    return start


def _names(batch: SequenceBatch) -> list[bytes]:
    node_offsets = batch.node_offsets
    names = []
    for q, n in enumerate(batch.num_nodes):
        nodes = np.arange(node_offsets[q], node_offsets[q] + n)
        later = np.repeat(np.arange(n), np.diff(batch.indptr)[nodes])
        earlier = batch.neighbours[batch.indptr[node_offsets[q]] : batch.indptr[node_offsets[q + 1]]]
        keep = earlier < later
        pairs = np.column_stack([later[keep], earlier[keep]]).astype(np.int32)
        names.append(np.int32(n).tobytes() + pairs.tobytes())
    return names


def reach(batch: SequenceBatch, stride: int) -> tuple[int, int]:
    """(the furthest that an edge goes back, the widest window) in the sequences of a batch, at least 1 each."""
    node_offsets = batch.node_offsets
    local = np.arange(len(batch.num_earlier)) - np.repeat(node_offsets[:-1], batch.num_nodes)
    oldest = np.where(batch.num_earlier > 0, np.append(batch.neighbours, 0)[batch.indptr[:-1]], local)
    furthest = int((local - oldest).max(initial=1))
    at = np.concatenate([np.arange(n + 1) for n in batch.num_nodes]) if len(batch.num_nodes) else np.zeros(0, np.int64)
    widest = int((at - batch.window)[at % stride == 0].max(initial=1))
    return max(1, furthest), max(1, widest)
