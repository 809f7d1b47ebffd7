"""A graph that grows block by block: what it is so far, and how a node joins it. Compiled.

Legend: n room for nodes (and for blocks), E room for half-edges.
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.blocks.ordering import COMPONENT, SAME

BLOCK_OF, INSIDE, OUTSIDE, LINKS, PARENT, NEAR, BESIDE = range(7)
"""Columns of Growth.nodes: a node's block; neighbours in its own block, in other blocks, in the newest block; its oldest
neighbour in its own block, or itself; how many of the candidates chosen in this row are adjacent to it; t where it is adjacent
to the newest node t - 1."""
FIRST, SIZE, EDGES, MOST, LEAVES, BETWEEN, LATEST, REACH, ENDS = range(9)
"""Columns of Growth.blocks: a block's first node, its size and the edges within it; the most neighbours that a node has in it,
and how many nodes have one there; edges between it and the newest block, and its node at the last of them or -1; half-edges
to it from the candidates chosen in this row; its edges to other blocks."""
NODES, BLOCKS, BASE, CHOSEN, LAST, NUM_EDGES, ALL_NODES, ALL_EDGES, RATE = range(9)
"""Of Growth.counts: nodes; blocks; the first block of this component; candidates chosen in this row; the candidate that was
chosen last; all edges. What is told: the nodes and edges that there are to be, and 64 times the edges that training graphs have
a node."""


class Growth(NamedTuple):
    """A graph so far, arrays that compiled functions change in place.

    Attributes:
        nodes: int32[n, 7], columns above.
        blocks: int32[n, 9], columns above.
        counts: int64[9], see above.
        row: int32[n], the candidates chosen in this row.
        begin: int64[n], where a node's neighbours begin.
        end: int64[n], where they end.
        neighbours: int32[E], those of a node in the order in which they came.
    """

    nodes: Int32Array
    blocks: Int32Array
    counts: Int64Array
    row: Int32Array
    begin: Int64Array
    end: Int64Array
    neighbours: Int32Array


@nb.njit(cache=True)
def empty_growth(begin: Int64Array, num_ends: int, told: Int64Array) -> Growth:
    """The graph without nodes.

    Args:
        begin: int64[n], where there is room for the neighbours of each node.
        num_ends: for all neighbours together.
        told: int64[3], the last of its counts.
    """
    n = begin.shape[0]
    nodes, blocks, row = np.zeros((n, 7), np.int32), np.zeros((n, 9), np.int32), np.zeros(n, np.int32)
    counts = np.zeros(9, np.int64)
    counts[ALL_NODES:] = told
    return Growth(nodes, blocks, counts, row, begin, begin.copy(), np.empty(num_ends, np.int32))


@nb.njit(cache=True)
def begin_row(graph: Growth, event: int) -> None:
    """The next node comes, by an event."""
    nodes, blocks, counts = graph.nodes, graph.blocks, graph.counts
    t = counts[NODES]
    if t:
        for e in range(graph.begin[t - 1], graph.end[t - 1]):
            nodes[graph.neighbours[e], BESIDE] = t
    if event != SAME:
        own = counts[BLOCKS]
        blocks[own] = 0
        blocks[own, FIRST] = t
        for b in range(own + 1):
            blocks[b, BETWEEN], blocks[b, LATEST] = 0, -1
        for p in range(t):
            nodes[p, LINKS] = 0
        counts[BLOCKS] = own + 1
        if event == COMPONENT:
            counts[BASE] = own


@nb.njit(cache=True)
def choose(graph: Growth, p: int) -> None:
    """There is an edge to candidate p."""
    nodes, blocks, counts = graph.nodes, graph.blocks, graph.counts
    graph.row[counts[CHOSEN]] = p
    counts[CHOSEN] += 1
    counts[LAST] = p
    for e in range(graph.begin[p], graph.end[p]):
        q = graph.neighbours[e]
        nodes[q, NEAR] += 1
        blocks[nodes[q, BLOCK_OF], REACH] += 1


@nb.njit(cache=True)
def end_row(graph: Growth) -> None:
    """The row is decided: the node joins the graph."""
    nodes, blocks, counts, end = graph.nodes, graph.blocks, graph.counts, graph.end
    t, own = counts[NODES], counts[BLOCKS] - 1
    for k in range(counts[CHOSEN]):
        p = graph.row[k]
        for e in range(graph.begin[p], end[p]):
            q = graph.neighbours[e]
            nodes[q, NEAR], blocks[nodes[q, BLOCK_OF], REACH] = 0, 0
    nodes[t, BLOCK_OF], nodes[t, PARENT] = own, t
    for k in range(counts[CHOSEN]):
        p = graph.row[k]
        b = nodes[p, BLOCK_OF]
        graph.neighbours[end[t]], graph.neighbours[end[p]] = p, t
        end[t] += 1
        end[p] += 1
        nodes[p, LINKS] += 1
        side = INSIDE if b == own else OUTSIDE
        nodes[t, side] += 1
        nodes[p, side] += 1
        if b == own:
            blocks[own, EDGES] += 1
            blocks[own, MOST] = max(blocks[own, MOST], nodes[p, INSIDE], nodes[t, INSIDE])
            blocks[own, LEAVES] += (nodes[p, INSIDE] == 1) - (nodes[p, INSIDE] == 2)
            nodes[t, PARENT] = min(nodes[t, PARENT], p)
        else:
            blocks[b, BETWEEN] += 1
            blocks[b, LATEST] = p
            blocks[b, ENDS] += 1
            blocks[own, ENDS] += 1
    nodes[t, LINKS] = nodes[t, INSIDE]
    blocks[own, SIZE] += 1
    blocks[own, LEAVES] += nodes[t, INSIDE] == 1
    counts[NODES] += 1
    counts[NUM_EDGES] += counts[CHOSEN]
    counts[CHOSEN] = 0


@nb.njit(cache=True)
def has_room(graph: Growth) -> Any:
    """Whether there is room for the edges of the row that is decided, where all nodes have the same."""
    counts, width = graph.counts, graph.neighbours.shape[0] // graph.begin.shape[0]
    for k in range(counts[CHOSEN]):
        p = graph.row[k]
        if graph.end[p] - graph.begin[p] == width:
            return False
    return counts[CHOSEN] <= width


@nb.njit(cache=True)
def widened(graph: Growth) -> Growth:
    """The same graph, with twice the room for the neighbours of every node, where all have the same."""
    n = graph.begin.shape[0]
    width = 2 * (graph.neighbours.shape[0] // n)
    begin, neighbours = np.arange(n) * width, np.empty(n * width, np.int32)
    end = begin + (graph.end - graph.begin)
    for i in range(n):
        neighbours[begin[i] : end[i]] = graph.neighbours[graph.begin[i] : graph.end[i]]
    return Growth(graph.nodes, graph.blocks, graph.counts, graph.row, begin, end, neighbours)
