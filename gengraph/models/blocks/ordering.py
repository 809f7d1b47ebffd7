"""Orders of nodes in which a piece is finished before the next begins.

Every node but the first of a component has an earlier neighbour, and every node but the first of a piece has one in its piece.
Among such nodes the next one is uniformly random, or (breadth first) uniform among those that were reached first. A node comes
by an event: one more of its block, the first of a new block, or the first of a new component.

Legend: n nodes of a graph, m its edges, E' directed edges of a graph set.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.streams import State, below

SAME, BLOCK, COMPONENT, STOP = range(4)


@nb.njit(cache=True)
def draw_order(indptr: Int64Array, neighbours: Int32Array, piece: Int32Array, breadth: bool, state: State, out: Any) -> float:
    """Draw an order of a graph's nodes; O(n + m), and O(n) more for every piece and, if breadth first, for every node.

    Args:
        indptr: int64[n + 1] into neighbours, of this graph's nodes.
        neighbours: int32[E'] of the whole set.
        piece: int32[n], each connected.
        breadth: whether nodes come in the order in which they were reached.
        state: uint64[1], a random stream, advanced.
        out: int32[n] order and uint8[n] events, filled.

    Returns:
        The log of the probability of this order.
    """
    order, events = out
    n = order.shape[0]
    placed, log_prob = np.zeros(n, np.bool_), 0.0
    reached, touched = np.full(n, -1, np.int32), np.full(n, -1, np.int32)  # when: from the own piece, from another one
    inner, outer, rest = np.empty(n, np.int32), np.empty(n, np.int32), np.arange(n).astype(np.int32)
    num_inner, num_outer, num_rest = 0, 0, n
    for t in range(n):
        event = SAME
        if num_inner:
            node, ties = _take(inner, num_inner, reached, breadth, state)
            num_inner -= 1
        else:
            num_outer = _drop_placed(outer, num_outer, placed)
            event = BLOCK if num_outer else COMPONENT
        if event == BLOCK:
            node, ties = _take(outer, num_outer, touched, breadth, state)
            num_outer -= 1
        if event == COMPONENT:
            num_rest = _drop_placed(rest, num_rest, placed)
            node, ties = _take(rest, num_rest, reached, False, state)
            num_rest -= 1
        order[t], events[t], placed[node] = node, event, True
        log_prob -= np.log(ties)
        for e in range(indptr[node], indptr[node + 1]):
            other = neighbours[e]
            if placed[other]:
                continue
            if piece[other] == piece[node] and reached[other] < 0:
                reached[other], inner[num_inner] = t, other
                num_inner += 1
            elif piece[other] != piece[node] and touched[other] < 0:
                touched[other], outer[num_outer] = t, other
                num_outer += 1
    return log_prob


@nb.njit(cache=True)
def _take(pool: Int32Array, count: int, rank: Int32Array, breadth: bool, state: State) -> tuple[Any, int]:
    """Draw a node of pool[:count] and remove it, the last one takes its place; and among how many it was drawn."""
    ties, chosen = count, 0
    if breadth:
        lowest, ties = rank[pool[0]], 0
        for i in range(count):
            if rank[pool[i]] < lowest:
                lowest, ties = rank[pool[i]], 0
            ties += rank[pool[i]] == lowest
        left = below(state, ties)
        for i in range(count):
            if rank[pool[i]] == lowest:
                if left == 0:
                    chosen = i
                    break
                left -= 1
    else:
        chosen = below(state, count)
    node = pool[chosen]
    pool[chosen] = pool[count - 1]
    return node, ties


@nb.njit(cache=True)
def _drop_placed(pool: Int32Array, count: int, placed: npt.NDArray[np.bool_]) -> int:
    """Keep the nodes of pool[:count] that are not placed yet; how many there are."""
    kept = 0
    for i in range(count):
        if not placed[pool[i]]:
            pool[kept] = pool[i]
            kept += 1
    return kept
