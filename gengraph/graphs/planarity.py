"""Which graphs can be drawn in the plane without crossings, and how: the left-right test and its embedding.

Legend: n nodes, m edges of one graph. A depth-first search turns tree edges away from the root and all others (back edges)
towards it. `low` and `low2` are the lowest and second lowest heights that return edges of an edge reach. Back edges that must
lie on one side form an interval, a linked list from its highest to its lowest edge; a conflict pair is a row
(left low, left high, right low, right high) of two intervals that must lie on different sides, with NONE for an empty one.
`side` of an edge is relative to the edge that `next_edge` names; what is left of the links of an interval says the same.
Dart e < m is edge e from its first node to its second, dart m + e is the other direction.

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
    if len(edges) < 9:  # the smallest graph that is not planar has 9
        return True
    if len(edges) > 3 * num_nodes - 6:
        return False
    return bool(_lay(num_nodes, edges)[0])


@njit(cache=True)
def embed_edges(num_nodes: int, edges: Int64Array) -> Int64Array:
    """Embed a graph of nodes 0..n-1 with edges int64[m, 2], none of them twice; O(n + m).

    Returns:
        int64[2m]: for each dart the next one around its first node, all darts of a node in one cycle and in the same sense.
        Where a face is walked with the face on the same side, dart d is followed by the one after its reverse. No numbers if
        the graph is not planar.
    """
    if num_nodes >= 3 and len(edges) > 3 * num_nodes - 6:
        return np.empty(0, np.int64)
    planar, searched, side, next_edge = _lay(num_nodes, edges)
    if not planar:
        return np.empty(0, np.int64)
    after: Int64Array = _rotations(edges, searched, _signs(side, next_edge))
    return after


@njit(cache=True)
def _lay(num_nodes: int, edges: Int64Array) -> tuple[bool, Any, Int64Array, Int64Array]:
    """Both searches: whether there is an embedding, what the first found with its nesting order, and sides with their links."""
    num_edges = len(edges)
    ends, others = np.empty(2 * num_edges, np.int64), np.empty(2 * num_edges, np.int64)
    for e in range(num_edges):
        ends[e], ends[num_edges + e] = edges[e]
        others[num_edges + e], others[e] = edges[e]
    pointers, order = _sorted_by(ends, num_nodes, np.arange(2 * num_edges))
    height, parent, source, target, low, low2 = _orient(pointers, others[order], order % num_edges)
    nesting = 2 * low + (low2 < height[source])
    _, by_nesting = _sorted_by(nesting, 2 * num_nodes, np.arange(num_edges))
    first, leaving = _sorted_by(source, num_nodes, by_nesting)
    side, next_edge = np.ones(num_edges, np.int64), np.full(num_edges + 1, NONE)  # the last takes what is written for NONE
    planar = _sides_exist(first, leaving, (height, parent, source, target, low), side, next_edge)
    return planar, (parent, source, target, nesting, num_nodes), side, next_edge


@njit(cache=True)
def _signs(side: Int64Array, next_edge: Int64Array) -> Int64Array:
    """Sides that are relative to nothing: -1 left, 1 right; each link is followed once."""
    chain = np.empty(len(side), np.int64)
    for e in range(len(side)):
        length, link = 0, e
        while next_edge[link] != NONE:
            chain[length] = link
            link = next_edge[link]
            length += 1
        for k in range(length - 1, -1, -1):
            side[chain[k]] *= side[next_edge[chain[k]]]
            next_edge[chain[k]] = NONE
    return side


@njit(cache=True)
def _rotations(edges: Int64Array, searched: Any, side: Int64Array) -> Int64Array:
    """The third search [2]: darts around each node, those that leave it by signed nesting order, back edges beside the tree."""
    parent, source, target, nesting, num_nodes = searched
    num_edges = len(edges)
    _, by_nesting = _sorted_by(side * nesting + 2 * num_nodes, 4 * num_nodes + 1, np.arange(num_edges))
    first, leaving = _sorted_by(source, num_nodes, by_nesting)
    after, before = np.empty(2 * num_edges, np.int64), np.empty(2 * num_edges, np.int64)
    for v in range(num_nodes):
        for k in range(first[v], first[v + 1]):
            dart = _dart(edges, leaving[k], v)
            following = _dart(edges, leaving[k + 1 if k + 1 < first[v + 1] else first[v]], v)
            after[dart], before[following] = following, dart
    left, right = np.full(num_nodes, NONE), np.full(num_nodes, NONE)  # darts beside which back edges come in
    position, stack = first[:-1].copy(), np.empty(num_nodes, np.int64)
    for root in range(num_nodes):
        if parent[root] != NONE:
            continue
        stack[0], depth = root, 1
        while depth:
            v = stack[depth - 1]
            if position[v] == first[v + 1]:
                depth -= 1
                continue
            edge = leaving[position[v]]
            position[v] += 1
            w = target[edge]
            dart = _dart(edges, edge, w)  # from w back to v
            if parent[w] == edge:
                left[v] = right[v] = _dart(edges, edge, v)
                _insert(dart, _dart(edges, leaving[first[w]], w) if first[w] < first[w + 1] else NONE, after, before)
                stack[depth] = w
                depth += 1
            elif side[edge] == 1:
                _insert(dart, after[right[w]], after, before)
            else:
                _insert(dart, left[w], after, before)
                left[w] = dart
    return after


@njit(cache=True)
def _dart(edges: Int64Array, edge: int, node: int) -> int:
    """The dart of an edge that starts at one of its nodes."""
    return int(edge) if edges[edge, 0] == node else int(edge) + len(edges)


@njit(cache=True)
def _insert(dart: int, following: int, after: Int64Array, before: Int64Array) -> None:
    """Put a dart before another of the same node; alone if that is NONE."""
    if following == NONE:
        after[dart] = before[dart] = dart
        return
    after[before[following]], before[dart] = dart, before[following]
    after[dart], before[following] = following, dart


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
def _sides_exist(first: Int64Array, leaving: Int64Array, searched: Any, side: Int64Array, next_edge: Int64Array) -> bool:
    """The second search: whether all back edges can be laid to the left or to the right; fills the sides and their links."""
    height, parent, source, target, low = searched
    num_edges = len(source)
    pairs = np.full((num_edges + 2, 4), NONE)  # a stack: row 0 holds its height
    pairs[0, 0] = 0
    bottom = np.full(num_edges, NONE)
    lowest_edge = np.full(num_edges, NONE)
    position, stack = first[:-1].copy(), np.empty(len(height), np.int64)
    roots = np.flatnonzero(parent == NONE)
    stack[: len(roots)], depth = roots, len(roots)
    while depth:
        v = stack[depth - 1]
        if position[v] == first[v + 1]:
            depth -= 1
            if parent[v] != NONE:
                _trim(source[parent[v]], height, pairs, low, target, side, next_edge)
                _follow(parent[v], height[source[parent[v]]], pairs, low, next_edge)
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
def _trim(
    node: int,
    height: Int64Array,
    pairs: Int64Array,
    low: Int64Array,
    target: Int64Array,
    side: Int64Array,
    next_edge: Int64Array,
) -> None:
    """Forget the back edges that end at `node`, whose subtree has been searched."""
    while pairs[0, 0] and _lowest(pairs[pairs[0, 0]], low) == height[node]:
        pair = _pop(pairs)
        if pair[LEFT_LOW] != NONE:
            side[pair[LEFT_LOW]] = -1
    if pairs[0, 0]:
        pair = pairs[pairs[0, 0]]
        for low_end, other_low in ((LEFT_LOW, RIGHT_LOW), (RIGHT_LOW, LEFT_LOW)):
            high_end = low_end + 1
            while pair[high_end] != NONE and target[pair[high_end]] == node:
                pair[high_end] = next_edge[pair[high_end]]
            if pair[high_end] == NONE and pair[low_end] != NONE:
                next_edge[pair[low_end]] = pair[other_low]
                side[pair[low_end]] = -1
                pair[low_end] = NONE


@njit(cache=True)
def _follow(edge: int, height: int, pairs: Int64Array, low: Int64Array, next_edge: Int64Array) -> None:
    """A tree edge from a node of this height lies on the side of its highest return edge."""
    if low[edge] < height:
        left, right = _returns_to(pairs[pairs[0, 0]], low)
        next_edge[edge] = pairs[pairs[0, 0], LEFT_HIGH if left > right else RIGHT_HIGH]
