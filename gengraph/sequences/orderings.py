"""Node orderings: in which order a graph is built.

| name | order |
|---|---|
| bfs | breadth first from a uniformly random root, the children of a node in uniformly random order [1] |
| cm | Cuthill-McKee: breadth first from a random peripheral root, children by ascending degree, ties in random order [2] |

Cuthill-McKee is not reversed: in the reversed order a node may have no earlier neighbour. Every component of a disconnected
graph is ordered, the next root drawn among the nodes that are left.

References:
    1. J. You et al. GraphRNN. ICML 2018, section 2.3.4.
    2. E. Cuthill, J. McKee. Reducing the bandwidth of sparse symmetric matrices. ACM 1969.
"""

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.streams import below, key_of

ORDERINGS = {"bfs": 0, "cm": 1}
_CM = ORDERINGS["cm"]
_PERIPHERAL_SWEEPS = 2
_MAX_ORDERINGS = 100_000
_MAX_WORK = 30_000_000  # nodes and edge ends visited while estimating max_prev_node: about a second


@dataclass(frozen=True, slots=True)
class Adjacency:
    """Compressed neighbour lists of a graph set, the form that compiled code reads.

    Attributes:
        node_offsets: int64[G + 1], where each graph's nodes begin.
        indptr: int64[N + 1], where each node's neighbours begin.
        neighbours: int32[2E], node ids local to the graph, ascending for each node.
    """

    node_offsets: Int64Array
    indptr: Int64Array
    neighbours: Int32Array

    @classmethod
    def of(cls, graphs: GraphSet) -> "Adjacency":
        """The neighbour lists of all graphs; complexity O(N + E)."""
        matrix = graphs.to_csr()
        first_node = np.repeat(graphs.node_offsets[:-1], graphs.num_nodes)
        local = matrix.indices - np.repeat(first_node, np.diff(matrix.indptr))
        return cls(graphs.node_offsets, matrix.indptr.astype(np.int64), local.astype(np.int32))

    @property
    def arrays(self) -> tuple[Int64Array, Int64Array, Int32Array]:
        """The three arrays in their order, for compiled code."""
        return self.node_offsets, self.indptr, self.neighbours


def ordering_code(name: str) -> int:
    """The number of an ordering in compiled code.

    Raises:
        InputError: no such ordering.
    """
    if name not in ORDERINGS:
        msg = f"ordering must be one of {', '.join(ORDERINGS)}, got {name!r}"
        raise InputError(msg)
    return ORDERINGS[name]


@nb.njit(cache=True)
def order_nodes(
    ordering: int,
    indptr: npt.NDArray[np.int64],
    neighbours: npt.NDArray[np.int32],
    state: npt.NDArray[np.uint64],
    order: npt.NDArray[np.int32],
    position: npt.NDArray[np.int32],
) -> None:
    """Draw one ordering of a graph; O(n + m), and O(d log d) for each node of degree d under cm.

    Args:
        ordering: a value of ORDERINGS.
        indptr: int64[n + 1] into neighbours, of this graph's nodes.
        neighbours: int32[2E] of the whole set.
        state: uint64[1], the random stream, advanced.
        order: int32[n], filled: order[i] is the node that is added i-th.
        position: int32[n], filled: the inverse of order.
    """
    n = indptr.shape[0] - 1
    position[:n] = -1
    done = 0
    while done < n:
        root = _unplaced(position, n, below(state, n - done))
        if ordering == _CM:
            for _ in range(_PERIPHERAL_SWEEPS):
                order[done] = root
                end = _search(False, indptr, neighbours, state, order, position, done)
                root = order[end - 1]
                for i in range(done, end):
                    position[order[i]] = -1
        order[done] = root
        done = _search(ordering == _CM, indptr, neighbours, state, order, position, done)


@nb.njit(cache=True)
def _unplaced(position: npt.NDArray[np.int32], n: int, index: int) -> int:
    """The index-th node that has no position yet."""
    seen = -1
    for node in range(n):
        if position[node] < 0:
            seen += 1
            if seen == index:
                return node
    return -1


@nb.njit(cache=True)
def _search(
    by_degree: bool,
    indptr: npt.NDArray[np.int64],
    neighbours: npt.NDArray[np.int32],
    state: npt.NDArray[np.uint64],
    order: npt.NDArray[np.int32],
    position: npt.NDArray[np.int32],
    start: int,
) -> int:
    """Breadth-first search from the node in order[start] into what follows it, returns where its component ends."""
    position[order[start]] = start
    head, tail = start, start + 1
    while head < tail:
        node = order[head]
        head += 1
        first_child = tail
        for e in range(indptr[node], indptr[node + 1]):
            child = neighbours[e]
            if position[child] < 0:
                position[child] = 0
                order[tail] = child
                tail += 1
        _shuffle(order, first_child, tail, state)
        if by_degree:
            _sort_by_degree(order, first_child, tail, indptr)
        for i in range(first_child, tail):
            position[order[i]] = i
    return tail


@nb.njit(cache=True)
def _shuffle(values: npt.NDArray[np.int32], start: int, end: int, state: npt.NDArray[np.uint64]) -> None:
    for i in range(end - 1, start, -1):
        j = start + below(state, i - start + 1)
        values[i], values[j] = values[j], values[i]


@nb.njit(cache=True)
def _sort_by_degree(order: npt.NDArray[np.int32], start: int, end: int, indptr: npt.NDArray[np.int64]) -> None:
    """Stable sort of order[start:end] by ascending degree."""
    nodes = order[start:end].copy()
    degrees = np.empty(end - start, np.int64)
    for i in range(end - start):
        degrees[i] = indptr[nodes[i] + 1] - indptr[nodes[i]]
    ranks = np.argsort(degrees, kind="mergesort")
    for i in range(end - start):
        order[start + i] = nodes[ranks[i]]


@nb.njit(cache=True)
def _measure_reach(
    ordering: int,
    seed: int,
    num_orderings: int,
    adjacency: Any,
    edges_at: npt.NDArray[np.int64],
    maxima_at: npt.NDArray[np.int64],
) -> None:
    """Count, over orderings of the graphs in turn, edges and per-ordering maxima by how far back they reach."""
    node_offsets, indptr, neighbours = adjacency
    num_graphs = node_offsets.shape[0] - 1
    state = np.empty(1, np.uint64)
    order = np.empty(edges_at.shape[0], np.int32)
    position = np.empty(edges_at.shape[0], np.int32)
    for k in range(num_orderings):
        g = k % num_graphs
        state[0] = key_of(seed, g, k // num_graphs)
        own = indptr[node_offsets[g] : node_offsets[g + 1] + 1]
        order_nodes(ordering, own, neighbours, state, order, position)
        furthest = 0
        for node in range(own.shape[0] - 1):
            for e in range(own[node], own[node + 1]):
                reach = position[node] - position[neighbours[e]]
                if reach > 0:
                    edges_at[reach] += 1
                    furthest = max(furthest, reach)
        maxima_at[furthest] += 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Bandwidth:
    """How far back edges reach under an ordering.

    Attributes:
        max_prev_node: previous nodes that a row keeps, >= 1.
        num_orderings: orderings drawn to estimate it.
        share_cut: share of edges, in [0, 1], that reach further back in those orderings.
    """

    max_prev_node: int
    num_orderings: int
    share_cut: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"max_prev_node": self.max_prev_node, "num_orderings": self.num_orderings, "share_cut": self.share_cut}


def estimate_max_prev_node(
    graphs: GraphSet, ordering: str, *, seed: int = 0, quantile: float = 1.0, max_prev_node: int | None = None
) -> Bandwidth:
    """Estimate max_prev_node from random orderings, or say what a given one cuts.

    Up to 100,000 orderings are drawn, fewer where the graphs are large; their number depends on the data alone.

    Args:
        graphs: at least one graph.
        ordering: a name of ORDERINGS.
        seed: of the orderings.
        quantile: in (0, 1]; 1 takes the furthest reach seen, 0.999 what 99.9% of the orderings stay within.
        max_prev_node: measure this one instead of estimating.

    Raises:
        InputError: an unknown ordering, no graphs, or a quantile outside (0, 1].
    """
    code = ordering_code(ordering)
    if not 0 < quantile <= 1:
        msg = f"quantile must lie in (0, 1], got {quantile}"
        raise InputError(msg)
    if not len(graphs):
        msg = "max_prev_node cannot be estimated from an empty graph set"
        raise InputError(msg)
    work = int(graphs.num_nodes.sum()) + 2 * len(graphs.edges)
    num_orderings = max(len(graphs), min(_MAX_ORDERINGS, _MAX_WORK * len(graphs) // max(work, 1)))
    size = int(graphs.num_nodes.max()) + 1
    edges_at, maxima_at = np.zeros(size, np.int64), np.zeros(size, np.int64)
    _measure_reach(code, seed, num_orderings, Adjacency.of(graphs).arrays, edges_at, maxima_at)
    if max_prev_node is None:
        max_prev_node = max(1, int(np.searchsorted(np.cumsum(maxima_at), quantile * num_orderings)))
    share_cut = float(edges_at[max_prev_node + 1 :].sum() / max(edges_at.sum(), 1))
    return Bandwidth(max_prev_node=max_prev_node, num_orderings=num_orderings, share_cut=share_cut)
