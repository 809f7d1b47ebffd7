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
FIRST, SIZE, EDGES, MOST, LEAVES, BETWEEN, LATEST, REACH, ENDS, OWING = range(10)
"""Columns of Growth.blocks: a block's first node, its size and the edges within it; the most neighbours that a node has in it,
and how many nodes have one there; edges between it and the newest block, and its node at the last of them or -1; half-edges
to it from the candidates chosen in this row; its edges to other blocks; of one that is finished, how many nodes are `owing`."""
NODES, BLOCKS, BASE, CHOSEN, LAST, NUM_EDGES, LACKING, ALL_NODES, ALL_EDGES, RATE, LATE = range(11)
"""Of Growth.counts: nodes; blocks; the first block of this component; candidates chosen in this row; the candidate that was
chosen last; all edges; how many they are fewer than the pairs within blocks. What is told: the nodes and edges that there are
to be, 64 times the edges that training graphs have a node, and whether edges between blocks are decided late, when the block
of the newer end is finished."""


class Growth(NamedTuple):
    """A graph so far, arrays that compiled functions change in place.

    Attributes:
        nodes: int32[n, 7], columns above.
        blocks: int32[n, 10], columns above.
        counts: int64[11], see above.
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
        told: int64[4], the last of its counts.
    """
    n = begin.shape[0]
    nodes, blocks, row = np.zeros((n, 7), np.int32), np.zeros((n, 10), np.int32), np.zeros(n, np.int32)
    counts = np.zeros(11, np.int64)
    counts[ALL_NODES:] = told
    return Growth(nodes, blocks, counts, row, begin, begin.copy(), np.empty(num_ends, np.int32))


@nb.njit(cache=True)
def begin_row(graph: Growth, event: int) -> None:
    """The next node comes, by an event; the edges to its own block are decided."""
    nodes, blocks, counts = graph.nodes, graph.blocks, graph.counts
    t = counts[NODES]
    _stand_beside(graph, t)
    if event != SAME:
        own = counts[BLOCKS]
        for p in range(blocks[own - 1, FIRST] if own else 0, t):
            blocks[own - 1, OWING] += owing(nodes[p], blocks[own - 1, SIZE])
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
def owing(node: Int32Array, size: int) -> Any:
    """Whether a node lacks more edges within its block of that size than it has beyond it."""
    return size - 1 - node[INSIDE] > node[OUTSIDE]


@nb.njit(cache=True)
def first_to_link(graph: Growth, finished: bool) -> Any:
    """From which node to the newest one edges to earlier blocks are decided now; finished: whether the block is."""
    if not graph.counts[LATE]:
        return graph.counts[NODES] - 1
    return np.int64(graph.blocks[graph.counts[BLOCKS] - 1, FIRST]) if finished else graph.counts[NODES]


@nb.njit(cache=True)
def begin_links(graph: Growth, r: int) -> None:
    """The edges of node r of the newest block to earlier blocks are decided."""
    _stand_beside(graph, r)
    for e in range(graph.begin[r], graph.end[r]):
        _reach(graph, graph.neighbours[e])


@nb.njit(cache=True)
def _stand_beside(graph: Growth, t: int) -> None:
    if t:
        for e in range(graph.begin[t - 1], graph.end[t - 1]):
            graph.nodes[graph.neighbours[e], BESIDE] = t


@nb.njit(cache=True)
def _reach(graph: Growth, p: int) -> None:
    for e in range(graph.begin[p], graph.end[p]):
        q = graph.neighbours[e]
        graph.nodes[q, NEAR] += 1
        graph.blocks[graph.nodes[q, BLOCK_OF], REACH] += 1


@nb.njit(cache=True)
def choose(graph: Growth, p: int) -> None:
    """There is an edge to candidate p."""
    graph.row[graph.counts[CHOSEN]] = p
    graph.counts[CHOSEN] += 1
    graph.counts[LAST] = p
    _reach(graph, p)


@nb.njit(cache=True)
def end_row(graph: Growth) -> None:
    """The edges of the next node to its own block are decided: it joins the graph."""
    nodes, blocks, counts = graph.nodes, graph.blocks, graph.counts
    t, own = counts[NODES], counts[BLOCKS] - 1
    _forget(graph, t)
    nodes[t, BLOCK_OF], nodes[t, PARENT] = own, t
    for k in range(counts[CHOSEN]):
        p = graph.row[k]
        _join(graph, t, p)
        nodes[t, INSIDE] += 1
        nodes[p, INSIDE] += 1
        blocks[own, EDGES] += 1
        blocks[own, MOST] = max(blocks[own, MOST], nodes[p, INSIDE], nodes[t, INSIDE])
        blocks[own, LEAVES] += (nodes[p, INSIDE] == 1) - (nodes[p, INSIDE] == 2)
        nodes[t, PARENT] = min(nodes[t, PARENT], p)
    nodes[t, LINKS] = nodes[t, INSIDE]
    counts[LACKING] += blocks[own, SIZE]
    blocks[own, SIZE] += 1
    blocks[own, LEAVES] += nodes[t, INSIDE] == 1
    counts[NODES] += 1
    _count_chosen(counts)


@nb.njit(cache=True)
def end_links(graph: Growth, r: int) -> None:
    """The edges of node r of the newest block to earlier blocks are decided: it has them."""
    nodes, blocks, counts = graph.nodes, graph.blocks, graph.counts
    _forget(graph, r)
    for k in range(counts[CHOSEN]):
        p = graph.row[k]
        b = nodes[p, BLOCK_OF]
        _join(graph, r, p)
        blocks[b, OWING] -= owing(nodes[p], blocks[b, SIZE])
        nodes[r, OUTSIDE] += 1
        nodes[p, OUTSIDE] += 1
        blocks[b, OWING] += owing(nodes[p], blocks[b, SIZE])
        blocks[b, BETWEEN] += 1
        blocks[b, LATEST] = p
        blocks[b, ENDS] += 1
        blocks[counts[BLOCKS] - 1, ENDS] += 1
    _count_chosen(counts)


@nb.njit(cache=True)
def _forget(graph: Growth, r: int) -> None:
    """No candidate is chosen, nor next to one that is or to a neighbour of node r."""
    for e in range(graph.begin[r], graph.end[r]):
        _unreach(graph, graph.neighbours[e])
    for k in range(graph.counts[CHOSEN]):
        _unreach(graph, graph.row[k])


@nb.njit(cache=True)
def _unreach(graph: Growth, p: int) -> None:
    for e in range(graph.begin[p], graph.end[p]):
        q = graph.neighbours[e]
        graph.nodes[q, NEAR], graph.blocks[graph.nodes[q, BLOCK_OF], REACH] = 0, 0


@nb.njit(cache=True)
def _join(graph: Growth, r: int, p: int) -> None:
    graph.neighbours[graph.end[r]], graph.neighbours[graph.end[p]] = p, r
    graph.end[r] += 1
    graph.end[p] += 1
    graph.nodes[p, LINKS] += 1


@nb.njit(cache=True)
def _count_chosen(counts: Int64Array) -> None:
    counts[NUM_EDGES] += counts[CHOSEN]
    counts[LACKING] -= counts[CHOSEN]
    counts[CHOSEN] = 0


@nb.njit(cache=True)
def has_room(graph: Growth, r: int) -> Any:
    """Whether there is room for the edges of node r that are decided, where all nodes have the same."""
    counts, width = graph.counts, graph.neighbours.shape[0] // graph.begin.shape[0]
    for k in range(counts[CHOSEN]):
        p = graph.row[k]
        if graph.end[p] - graph.begin[p] == width:
            return False
    return graph.end[r] - graph.begin[r] + counts[CHOSEN] <= width


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
