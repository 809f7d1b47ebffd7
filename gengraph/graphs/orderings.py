"""Node orderings: in which order a graph is built.

| name | order |
|---|---|
| bfs | breadth first from a uniformly random root, the children of a node in uniformly random order [1] |
| cm | Cuthill-McKee: breadth first from a random peripheral root, children by ascending degree, ties in random order [2] |
| rcm | the same from a uniformly random root, each component reversed at its end |
| dfs | depth first from a uniformly random root, each step to a uniformly random neighbour not yet visited |
| degree | by descending degree, ties in random order |
| k-core | by descending core number [3], then by descending degree, ties in random order |
| random | all orders equally likely |

The searches (bfs, cm, rcm, dfs) order every component of a disconnected graph, the next root drawn among the nodes that are
left. The others order all nodes together. Only in bfs, cm and dfs has every node but the roots an earlier neighbour.

References:
    1. J. You et al. GraphRNN. ICML 2018, section 2.3.4.
    2. E. Cuthill, J. McKee. Reducing the bandwidth of sparse symmetric matrices. ACM 1969.
    3. V. Batagelj, M. Zaversnik. An O(m) algorithm for cores decomposition of networks. 2003.
"""

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.graphs.order_names import ORDERING_NAMES
from gengraph.streams import below, key_of

ORDERINGS: dict[str, int] = {name: code for code, name in enumerate(ORDERING_NAMES)}
_CM, _RCM, _DFS = ORDERINGS["cm"], ORDERINGS["rcm"], ORDERINGS["dfs"]
_DEGREE, _CORE, _RANDOM = ORDERINGS["degree"], ORDERINGS["k-core"], ORDERINGS["random"]
_PERIPHERAL_SWEEPS = 2


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
        offsets = graphs.node_offsets
        return cls(offsets, *_neighbour_lists(offsets, graphs.edge_offsets, graphs.edges))

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
def _neighbour_lists(node_offsets: Int64Array, edge_offsets: Int64Array, edges: Int32Array) -> tuple[Int64Array, Int32Array]:
    """Where each node's neighbours begin, and these: edges are sorted, so those before a node are written before the others."""
    indptr = np.zeros(node_offsets[-1] + 1, np.int64)
    for g in range(node_offsets.shape[0] - 1):
        for e in range(edge_offsets[g], edge_offsets[g + 1]):
            indptr[node_offsets[g] + edges[e, 0] + 1] += 1
            indptr[node_offsets[g] + edges[e, 1] + 1] += 1
    for node in range(indptr.shape[0] - 1):
        indptr[node + 1] += indptr[node]
    neighbours, filled = np.empty(2 * edges.shape[0], np.int32), indptr[:-1].copy()
    for this in (1, 0):
        for g in range(node_offsets.shape[0] - 1):
            for e in range(edge_offsets[g], edge_offsets[g + 1]):
                node = node_offsets[g] + edges[e, this]
                neighbours[filled[node]] = edges[e, 1 - this]
                filled[node] += 1
    return indptr, neighbours


@nb.njit(cache=True)
def order_nodes(
    ordering: int,
    indptr: npt.NDArray[np.int64],
    neighbours: npt.NDArray[np.int32],
    state: npt.NDArray[np.uint64],
    order: npt.NDArray[np.int32],
    position: npt.NDArray[np.int32],
) -> None:
    """Draw one ordering of a graph; O(n + m), and sorting by degree: O(d log d) a node in cm and rcm, O(n log n) in degree.

    Args:
        ordering: a value of ORDERINGS.
        indptr: int64[n + 1] into neighbours, of this graph's nodes.
        neighbours: int32[2E] of the whole set.
        state: uint64[1], the random stream, advanced.
        order: int32[n], filled: order[i] is the node that is added i-th.
        position: int32[n], filled: the inverse of order.
    """
    n = indptr.shape[0] - 1
    if ordering in (_DEGREE, _CORE, _RANDOM):
        for node in range(n):
            order[node] = node
        _shuffle(order, 0, n, state)
        if ordering != _RANDOM:
            _sort_by_degree(order, 0, n, indptr, True)
        if ordering == _CORE:
            by_degree = order[:n].copy()
            cores = _core_numbers(indptr, neighbours)
            order[:n] = by_degree[np.argsort(-cores[by_degree], kind="mergesort")]
        for i in range(n):
            position[order[i]] = i
        return
    position[:n] = -1
    pool = np.empty(0, np.int32)
    left = n
    done = 0
    while done < n:
        if done == 0:
            root = below(state, n)
        else:
            if pool.shape[0] == 0:
                pool = np.arange(n).astype(np.int32)
            root, left = _draw_unplaced(pool, left, position, state)
        done = _order_component(ordering, root, indptr, neighbours, state, (order, position, done))


@nb.njit(cache=True)
def _draw_unplaced(
    pool: npt.NDArray[np.int32], left: int, position: npt.NDArray[np.int32], state: npt.NDArray[np.uint64]
) -> tuple[Any, int]:
    """A uniformly random node without a position from pool[:left], and how many are left; O(n) over all calls together."""
    while True:
        i = below(state, left)
        node = pool[i]
        left -= 1
        pool[i] = pool[left]
        if position[node] < 0:
            return node, left


@nb.njit(cache=True)
def _order_component(
    ordering: int,
    root: int,
    indptr: npt.NDArray[np.int64],
    neighbours: npt.NDArray[np.int32],
    state: npt.NDArray[np.uint64],
    out: Any,
) -> Any:
    """Order the component of a root into what follows `done` placed nodes, return how many are placed then."""
    order, position, done = out
    if ordering == _DFS:
        return _dive(root, indptr, neighbours, state, out)
    if ordering == _CM:
        for _ in range(_PERIPHERAL_SWEEPS):
            order[done] = root
            end = _search(False, indptr, neighbours, state, order, position, done)
            root = order[end - 1]
            for i in range(done, end):
                position[order[i]] = -1
    order[done] = root
    end = _search(ordering in (_CM, _RCM), indptr, neighbours, state, order, position, done)
    if ordering == _RCM:
        order[done:end] = order[done:end][::-1].copy()
        for i in range(done, end):
            position[order[i]] = i
    return end


@nb.njit(cache=True)
def _dive(
    root: int,
    indptr: npt.NDArray[np.int64],
    neighbours: npt.NDArray[np.int32],
    state: npt.NDArray[np.uint64],
    out: Any,
) -> Any:
    """Depth-first search from a root; neighbours are drawn without replacement, a part of Fisher and Yates's shuffle."""
    order, position, done = out
    stack = [(np.int32(root), neighbours[indptr[root] : indptr[root + 1]].copy(), 0)]
    order[done] = root
    position[root] = done
    done += 1
    while stack:
        node, untried, tried = stack.pop()
        if tried == untried.shape[0]:
            continue
        i = tried + below(state, untried.shape[0] - tried)
        child = untried[i]
        untried[i] = untried[tried]
        stack.append((node, untried, tried + 1))
        if position[child] < 0:
            order[done] = child
            position[child] = done
            done += 1
            stack.append((child, neighbours[indptr[child] : indptr[child + 1]].copy(), 0))
    return done


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
            _sort_by_degree(order, first_child, tail, indptr, False)
        for i in range(first_child, tail):
            position[order[i]] = i
    return tail


@nb.njit(cache=True)
def _shuffle(values: npt.NDArray[np.int32], start: int, end: int, state: npt.NDArray[np.uint64]) -> None:
    for i in range(end - 1, start, -1):
        j = start + below(state, i - start + 1)
        values[i], values[j] = values[j], values[i]


@nb.njit(cache=True)
def _sort_by_degree(
    order: npt.NDArray[np.int32], start: int, end: int, indptr: npt.NDArray[np.int64], descending: bool
) -> None:
    """Stable sort of order[start:end] by degree."""
    nodes = order[start:end].copy()
    keys = np.empty(end - start, np.int64)
    for i in range(end - start):
        degree = indptr[nodes[i] + 1] - indptr[nodes[i]]
        keys[i] = -degree if descending else degree
    order[start:end] = nodes[np.argsort(keys, kind="mergesort")]


@nb.njit(cache=True)
def _core_numbers(indptr: npt.NDArray[np.int64], neighbours: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The core number int64[n] of each node; O(n + m): nodes are peeled by degree, kept sorted in bins [3]."""
    degree = np.diff(indptr)
    n = degree.shape[0]
    bins = np.zeros(n + 2, np.int64)
    for d in degree:
        bins[d + 1] += 1
    bins = np.cumsum(bins)
    sorted_nodes = np.argsort(degree, kind="mergesort")
    place = np.empty(n, np.int64)
    place[sorted_nodes] = np.arange(n)
    for i in range(n):
        node = sorted_nodes[i]
        for e in range(indptr[node], indptr[node + 1]):
            other = neighbours[e]
            if degree[other] > degree[node]:
                first = bins[degree[other]]
                swapped = sorted_nodes[first]
                sorted_nodes[first], sorted_nodes[place[other]] = other, swapped
                place[swapped], place[other] = place[other], first
                bins[degree[other]] += 1
                degree[other] -= 1
    return degree


def drawn_order(adjacency: Adjacency, graph: int, ordering: str, *, key: tuple[int, int]) -> Int32Array:
    """int32[n]: the nodes of one graph in an ordering that belongs to (seed, graph, epoch).

    Args:
        adjacency: of the whole graph set.
        graph: its index in the set.
        ordering: a name of ORDERINGS.
        key: (seed, epoch).
    """
    seed, epoch = key
    first, after = adjacency.node_offsets[graph], adjacency.node_offsets[graph + 1]
    order, position = np.empty(after - first, np.int32), np.empty(after - first, np.int32)
    state = np.array([key_of(seed, graph, epoch)], np.uint64)
    own = adjacency.indptr[first : after + 1]
    order_nodes(ordering_code(ordering), own, adjacency.neighbours, state, order, position)
    return order
