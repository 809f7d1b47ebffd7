"""Which graphs can be drawn in the plane without crossings: the left-right test.

Legend: n nodes, m edges of one graph. A depth-first search turns tree edges away from the root and all others (back edges)
towards it. `low` and `low2` are the lowest and second lowest heights that return edges of an edge reach. Back edges that must
lie on one side form an interval, a linked list from its highest to its lowest edge; a conflict pair is a row
(left low, left high, right low, right high) of two intervals that must lie on different sides, with NONE for an empty one.

References:
    [1] H. de Fraysseix, P. Ossona de Mendez and P. Rosenstiehl, Tremaux trees and planarity, Int. J. Foundations of Computer
        Science 17, 2006.
    [2] U. Brandes, The left-right planarity test, 2009.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.graphs import GraphSet, Int64Array

NONE = -1
LEFT_LOW, LEFT_HIGH, RIGHT_LOW, RIGHT_HIGH = range(4)


def is_planar(graphs: GraphSet) -> npt.NDArray[np.bool_]:
    """bool[G], whether each graph is planar, connected or not; O(n + m log m) a graph [1], [2]."""
    result = (graphs.num_edges <= 3 * graphs.num_nodes - 6) | (graphs.num_nodes < 3)
    for g in np.flatnonzero(result):
        edges = graphs.edges[graphs.edge_offsets[g] : graphs.edge_offsets[g + 1]].astype(np.int64)
        result[g] = edges_are_planar(int(graphs.num_nodes[g]), edges)
    return result


@njit(cache=True)
def edges_are_planar(num_nodes: int, edges: Int64Array) -> bool:
    """Whether the graph of nodes 0..n-1 with edges int64[m, 2], none of them twice, is planar; O(n + m)."""
    num_edges = len(edges)
    if num_edges < 9:  # the smallest graph that is not planar has 9
        return True
    if num_edges > 3 * num_nodes - 6:
        return False
    ends, others = np.empty(2 * num_edges, np.int64), np.empty(2 * num_edges, np.int64)
    for e in range(num_edges):
        ends[e], ends[num_edges + e] = edges[e]
        others[num_edges + e], others[e] = edges[e]
    pointers, order = _sorted_by(ends, num_nodes, np.arange(2 * num_edges))
    height, parent, source, target, low, low2 = _orient(pointers, others[order], order % num_edges)
    nesting = 2 * low + (low2 < height[source])
    _, by_nesting = _sorted_by(nesting, 2 * num_nodes, np.arange(num_edges))
    first, leaving = _sorted_by(source, num_nodes, by_nesting)
    return bool(_sides_exist(first, leaving, height, parent, source, target, low))


@njit(cache=True)
def _sorted_by(keys: Int64Array, num_keys: int, items: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Items sorted by their keys 0..num_keys-1, equal ones in the order given, and where each key begins."""
    pointers = np.zeros(num_keys + 1, np.int64)
    for item in items:
        pointers[keys[item] + 1] += 1
    pointers = np.cumsum(pointers)
    place, order = pointers[:-1].copy(), np.empty_like(items)
    for item in items:
        order[place[keys[item]]] = item
        place[keys[item]] += 1
    return pointers, order


@njit(cache=True)
def _orient(pointers: Int64Array, others: Int64Array, edge_ids: Int64Array) -> tuple[Any, ...]:
    """The first search: heights and parent edges of the nodes; source, target, low and low2 of the edges."""
    num_nodes, num_edges = len(pointers) - 1, len(others) // 2
    height, parent = np.full(num_nodes, NONE), np.full(num_nodes, NONE)
    source, target = np.full(num_edges, NONE), np.full(num_edges, NONE)
    low, low2 = np.zeros(num_edges, np.int64), np.zeros(num_edges, np.int64)
    position, stack = pointers[:-1].copy(), np.empty(num_nodes, np.int64)
    for root in range(num_nodes):
        depth = 0
        if height[root] == NONE:
            height[root], stack[0], depth = 0, root, 1
        while depth:
            v = stack[depth - 1]
            if position[v] == pointers[v + 1]:
                depth -= 1
                if parent[v] != NONE:
                    _raise_to_parent(parent[v], parent[source[parent[v]]], low, low2)
                continue
            w, edge = others[position[v]], edge_ids[position[v]]
            position[v] += 1
            if source[edge] != NONE:
                continue
            source[edge], target[edge] = v, w
            low[edge] = low2[edge] = height[v]
            if height[w] == NONE:
                height[w], parent[w], stack[depth] = height[v] + 1, edge, w
                depth += 1
            else:
                low[edge] = height[w]
                _raise_to_parent(edge, parent[v], low, low2)
    return height, parent, source, target, low, low2


@njit(cache=True)
def _raise_to_parent(edge: int, parent_edge: int, low: Int64Array, low2: Int64Array) -> None:
    """What an edge returns to, the edge before it returns to as well."""
    if parent_edge == NONE:
        return
    if low[edge] < low[parent_edge]:
        low2[parent_edge] = min(low[parent_edge], low2[edge])
        low[parent_edge] = low[edge]
    elif low[edge] > low[parent_edge]:
        low2[parent_edge] = min(low2[parent_edge], low[edge])
    else:
        low2[parent_edge] = min(low2[parent_edge], low2[edge])


@njit(cache=True)
def _push(pairs: Int64Array, pair: Int64Array) -> None:
    pairs[0, 0] += 1
    pairs[pairs[0, 0]] = pair


@njit(cache=True)
def _pop(pairs: Int64Array) -> Int64Array:
    pairs[0, 0] -= 1
    top: Int64Array = pairs[pairs[0, 0] + 1].copy()
    return top


@njit(cache=True)
def _sides_exist(
    first: Int64Array,
    leaving: Int64Array,
    height: Int64Array,
    parent: Int64Array,
    source: Int64Array,
    target: Int64Array,
    low: Int64Array,
) -> bool:
    """The second search: whether all back edges can be laid to the left or to the right."""
    num_edges = len(source)
    pairs = np.full((num_edges + 2, 4), NONE)  # a stack: row 0 holds its height
    pairs[0, 0] = 0
    bottom = np.full(num_edges, NONE)
    lowest_edge = np.full(num_edges, NONE)
    next_edge = np.full(num_edges + 1, NONE)  # the last place takes what is written for NONE
    position, stack = first[:-1].copy(), np.empty(len(height), np.int64)
    roots = np.flatnonzero(parent == NONE)
    stack[: len(roots)], depth = roots, len(roots)
    while depth:
        v = stack[depth - 1]
        if position[v] == first[v + 1]:
            depth -= 1
            if parent[v] != NONE:
                _trim(source[parent[v]], height, pairs, low, target, next_edge)
            continue
        edge = leaving[position[v]]
        if bottom[edge] == NONE:
            bottom[edge] = pairs[0, 0]
            if parent[target[edge]] == edge:
                stack[depth] = target[edge]
                depth += 1
                continue
            lowest_edge[edge] = edge
            _push(pairs, np.array([NONE, NONE, edge, edge]))
        if low[edge] < height[v]:
            if position[v] == first[v]:
                lowest_edge[parent[v]] = lowest_edge[edge]
            elif not _constrain(edge, parent[v], pairs, bottom[edge], low, lowest_edge, next_edge):
                return False
        position[v] += 1
    return True


@njit(cache=True)
def _constrain(
    edge: int,
    parent_edge: int,
    pairs: Int64Array,
    bottom: int,
    low: Int64Array,
    lowest_edge: Int64Array,
    next_edge: Int64Array,
) -> bool:
    """Lay the return edges of `edge` to the right of those of its earlier siblings; False if that cannot be done."""
    merged = np.full(4, NONE)
    while pairs[0, 0] > bottom:
        pair = _pop(pairs)
        if pair[LEFT_HIGH] != NONE:
            pair = np.roll(pair, 2)
        if pair[LEFT_HIGH] != NONE:
            return False
        if low[pair[RIGHT_LOW]] > low[parent_edge]:
            _append(merged, pair, RIGHT_LOW, next_edge)
        else:
            next_edge[pair[RIGHT_LOW]] = lowest_edge[parent_edge]
    while pairs[0, 0] and max(_returns_to(pairs[pairs[0, 0]], low)) > low[edge]:
        pair = _pop(pairs)
        if _returns_to(pair, low)[1] > low[edge]:
            pair = np.roll(pair, 2)
        if _returns_to(pair, low)[1] > low[edge]:
            return False
        next_edge[merged[RIGHT_LOW]] = pair[RIGHT_HIGH]
        if pair[RIGHT_LOW] != NONE:
            merged[RIGHT_LOW] = pair[RIGHT_LOW]
        _append(merged, pair, LEFT_LOW, next_edge)
    if max(merged) != NONE:
        _push(pairs, merged)
    return True


@njit(cache=True)
def _append(merged: Int64Array, pair: Int64Array, low_end: int, next_edge: Int64Array) -> None:
    """Put an interval of `pair` below the same interval of `merged`."""
    high_end = low_end + 1
    if merged[high_end] == NONE:
        merged[high_end] = pair[high_end]
    else:
        next_edge[merged[low_end]] = pair[high_end]
    merged[low_end] = pair[low_end]


@njit(cache=True)
def _returns_to(pair: Int64Array, low: Int64Array) -> tuple[int, int]:
    """The greatest heights that the left and the right interval return to; NONE for an empty one."""
    left, right = pair[LEFT_HIGH], pair[RIGHT_HIGH]
    return (low[left] if left != NONE else NONE), (low[right] if right != NONE else NONE)


@njit(cache=True)
def _lowest(pair: Int64Array, low: Int64Array) -> int:
    """The least height that the pair returns to."""
    left, right = pair[LEFT_LOW], pair[RIGHT_LOW]
    if min(left, right) == NONE:
        return int(low[max(left, right)])
    return int(min(low[left], low[right]))


@njit(cache=True)
def _trim(node: int, height: Int64Array, pairs: Int64Array, low: Int64Array, target: Int64Array, next_edge: Int64Array) -> None:
    """Forget the back edges that end at `node`, whose subtree has been searched."""
    while pairs[0, 0] and _lowest(pairs[pairs[0, 0]], low) == height[node]:
        pairs[0, 0] -= 1
    if pairs[0, 0]:
        pair = pairs[pairs[0, 0]]
        for low_end, other_low in ((LEFT_LOW, RIGHT_LOW), (RIGHT_LOW, LEFT_LOW)):
            high_end = low_end + 1
            while pair[high_end] != NONE and target[pair[high_end]] == node:
                pair[high_end] = next_edge[pair[high_end]]
            if pair[high_end] == NONE and pair[low_end] != NONE:
                next_edge[pair[low_end]] = pair[other_low]
                pair[low_end] = NONE
