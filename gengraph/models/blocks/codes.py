"""What a decision sees: small numbers about the graph so far, each an entry of the decision's table of embeddings. Compiled.

There are three kinds of decisions: the event that comes next, the gate of an earlier block (has the new node an edge to it?),
and an edge. Counts are kept as they are while they are small, and eight to a doubling above (`count_code`).

The functions are given the arrays of a `Growth` that they read, not the whole: a call with many arrays costs more than they do.
"""

from typing import Any

import numba as nb
import numpy as np

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.blocks.growth import (
    ALL_EDGES,
    ALL_NODES,
    BASE,
    BESIDE,
    BETWEEN,
    BLOCKS,
    CHOSEN,
    EDGES,
    ENDS,
    INSIDE,
    LACKING,
    LAST,
    LATE,
    LEAVES,
    LINKS,
    MOST,
    NEAR,
    NODES,
    NUM_EDGES,
    OUTSIDE,
    OWING,
    RATE,
    REACH,
    SIZE,
    Growth,
)

SIZES = 128  # of blocks, as the event that comes next sees them
EVENT = (SIZES, 16, 64, 128, 64, 16, 16, 128, 64, 64, 128)
GATE = (16, 64, 64, 16, 64, 64, 16, 64, 64, 128, 64, 64, 128, 128, 64, 64, 64)
EDGE = (128, 128, 256, 64, 128, 256, 128, 128, 128, 64, 256, 64, 128, 256, 128, 128, 64)
"""How many entries each code has; codes are numbered through."""
SIZE_CODES = 3  # of an event: the first of them, which say how large blocks are
TOLD = 2, 9, 6  # of each kind: the last of them, which say what is to come and what a node or a block lacks to a clique
COUNTS = 2  # of an event: the first of them, whose tables are made of steps
_EVENT_AT, _GATE_AT, _EDGE_AT = (np.cumsum((0, *sizes)).astype(np.int32) for sizes in (EVENT, GATE, EDGE))


def columns_of(*, structure: bool, told: bool) -> list[Int64Array]:
    """Which codes events, gates and edges are decided by: those of events beyond sizes if structure, the last ones if told."""
    kinds = [np.arange(len(sizes) - (0 if told else last)) for sizes, last in zip((EVENT, GATE, EDGE), TOLD, strict=True)]
    events = kinds[0]
    return kinds if structure else [events[(events < SIZE_CODES) | (events >= len(EVENT) - TOLD[0])], *kinds[1:]]


@nb.njit(cache=True)
def count_code(count: int) -> Any:
    """The code of a count >= 0, in 0..63: itself below 16, then eight to a doubling."""
    if count < 16:
        return count
    halvings = 0
    while count >= 32 << halvings:
        halvings += 1
    return min(16 + 8 * halvings + (((count >> halvings) - 16) >> 1), 63)


@nb.njit(cache=True)
def _density_code(edges: int, pairs: int) -> Any:
    """0 for no edge, else 1..7 by the order of magnitude of edges / pairs, to the base 2."""
    return 0 if edges == 0 or pairs == 0 else 1 + max(0, min(6, int(np.log2(edges / pairs) + 7)))


@nb.njit(cache=True)
def inner_code(size: int, edges: int) -> Any:
    """Density and size of a block, in 0..127."""
    pairs, doublings = size * (size - 1) // 2, 0
    while doublings < 7 and size + 1 >= 2 << doublings:
        doublings += 1
    density = min(15, 16 * edges // pairs) if pairs else 0
    return density * 8 + doublings


@nb.njit(cache=True)
def shape_code(most: int, leaves: int) -> Any:
    """The most neighbours within a block, and how many nodes have one, in 0..127."""
    return min(most, 15) * 8 + min(leaves, 7)


@nb.njit(cache=True)
def edges_left(counts: Int64Array) -> Any:
    """How many edges are to come."""
    return counts[ALL_EDGES] - counts[NUM_EDGES] - counts[CHOSEN]


@nb.njit(cache=True)
def rate_code(counts: Int64Array) -> Any:
    """Edges to come for each node to come, in 0..63."""
    return count_code(16 * max(edges_left(counts), 0) // max(counts[ALL_NODES] - counts[NODES], 1))


@nb.njit(cache=True)
def excess_code(counts: Int64Array) -> Any:
    """How many edges more are to come than training graphs have for so many nodes, in 1..127: 64 for as many."""
    return signed_code(edges_left(counts) - (counts[RATE] * (counts[ALL_NODES] - counts[NODES]) >> 6))


@nb.njit(cache=True)
def signed_code(number: int) -> Any:
    """The code of a number, in 1..127: 64 for 0."""
    return 64 + count_code(number) if number > 0 else 64 - count_code(-number)


@nb.njit(cache=True)
def lack_code(missing: int, beyond: int) -> Any:
    """How many edges within its block a node does not have, and how many it has beyond it, in 0..127."""
    return min(max(missing, 0), 15) * 8 + min(beyond, 7)


@nb.njit(cache=True)
def describe_event(graph: Growth, codes: Int32Array) -> None:
    """What is known when the event after a node is decided."""
    counts, at = graph.counts, _EVENT_AT
    t, own = counts[NODES], counts[BLOCKS] - 1
    size = graph.blocks[own, SIZE]
    before = graph.blocks[own - 1, SIZE] if own else 0
    codes[0] = at[0] + min(size, SIZES - 1)
    codes[1] = at[1] + min(own, 15)
    codes[2] = at[2] + count_code(before)
    codes[3] = at[3] + inner_code(size, graph.blocks[own, EDGES])
    codes[4] = at[4] + count_code(t)
    codes[5] = at[5] + min(graph.blocks[own, ENDS], 15)
    codes[6] = at[6] + min(graph.nodes[t - 1, INSIDE], 15)
    codes[7] = at[7] + shape_code(graph.blocks[own, MOST], graph.blocks[own, LEAVES])
    codes[8] = at[8] + count_code(counts[NUM_EDGES] + 1 - t if counts[NUM_EDGES] + 1 > t else 0)
    codes[9] = at[9] + count_code(max(counts[ALL_NODES] - t, 0))
    codes[10] = at[10] + excess_code(counts)


@nb.njit(cache=True)
def describe_gate(
    node: Int32Array, blocks: Int32Array, counts: Int64Array, about: tuple[int, int, int, int, int], codes: Int32Array
) -> None:
    """Has a node of the newest block an edge to an earlier one?

    Args:
        node: its row of `Growth.nodes`.
        blocks: of the graph.
        counts: of the graph.
        about: the earlier block; how many nodes of its own block came before the node; how many blocks it has an edge to so
            far; how many are left, if one of them must have one, else 0; and how many nodes are owing in those after it.
        codes: int32[17], filled.
    """
    b, place, opened, due, ahead = about
    own, at = counts[BLOCKS] - 1, _GATE_AT
    mates, other, edges = blocks[own, SIZE] - 1, blocks[b, SIZE], blocks[b, BETWEEN]
    size = mates + 1 if counts[LATE] else place
    pairs = size * other
    codes[0] = at[0] + min(due, 15)
    codes[1] = at[1] + count_code(size)
    codes[2] = at[2] + count_code(other)
    codes[3] = at[3] + min(edges, 15)
    codes[4] = at[4] + _density_code(edges, pairs) * 8 + min(7, int(np.log2(pairs + 1) / 1.5))
    codes[5] = at[5] + min(opened, 7) * 8 + min(own - counts[BASE], 7)
    codes[6] = at[6] + min(own - b, 15)
    codes[7] = at[7] + min(node[INSIDE] + counts[CHOSEN], 7) * 8 + min(blocks[b, REACH], 7)
    codes[8] = at[8] + rate_code(counts)
    codes[9] = at[9] + excess_code(counts)
    codes[10] = at[10] + count_code(other * (other - 1) // 2 - blocks[b, EDGES])
    codes[11] = at[11] + count_code(blocks[b, ENDS])
    codes[12] = at[12] + lack_code(mates - node[INSIDE], counts[CHOSEN])
    codes[13] = at[13] + signed_code(counts[LACKING] - counts[CHOSEN])
    codes[14] = at[14] + count_code(max(counts[ALL_NODES] - counts[NODES], 0))
    codes[15] = at[15] + count_code(mates - place)
    codes[16] = at[16] + min(blocks[b, OWING], 7) * 8 + min(ahead, 7)


@nb.njit(cache=True)
def describe_edge(
    node: Int32Array,
    counts: Int64Array,
    p: int,
    chosen: int,
    due: int,
    about: tuple[int, int, int, int, int, int, int, int, int],
    codes: Int32Array,
) -> None:
    """Is there an edge to candidate p?

    Args:
        node: its row of `Growth.nodes`.
        counts: of the graph.
        p: the candidate.
        chosen: how many are, in its block so far.
        due: candidates left, if one of them must be chosen, else 0.
        about: nine numbers for all candidates of its block: the node whose edge it is, how many it has, whether the block is
            its own, whether it is the first there, the block's size, its `inner_code` and `shape_code`, and a node that the
            last row or edge there had, or -1; and how many candidates after it are owing (in its own block: how
            many blocks its component had before).
        codes: int32[17], filled.
    """
    t, joined, side, is_first, size, inner, shape, past, ahead = about
    at = _EDGE_AT
    codes[0] = at[0] + side * 64 + min(due, 63)
    codes[1] = at[1] + side * 64 + count_code(size)
    codes[2] = at[2] + side * 128 + min(chosen, 15) * 8 + min(node[NEAR], 7)
    codes[3] = at[3] + side * 32 + min(node[INSIDE], 31)
    codes[4] = at[4] + side * 64 + min(node[OUTSIDE], 7) * 8 + min(node[LINKS], 3) * 2 + (node[BESIDE] == t)
    codes[5] = at[5] + side * 128 + inner
    codes[6] = at[6] + side * 64 + count_code(t - 1 - p)
    codes[7] = at[7] + side * 64 + (count_code(p - counts[LAST]) if chosen else 0)
    codes[8] = at[8] + side * 64 + (min(max(p - past, -31), 31) + 32 if past >= 0 else 0)
    codes[9] = at[9] + side * 32 + min(joined + counts[CHOSEN], 15) * 2 + is_first
    codes[10] = at[10] + side * 128 + shape
    codes[11] = at[11] + rate_code(counts)
    codes[12] = at[12] + excess_code(counts)
    codes[13] = at[13] + side * 128 + lack_code(size - 1 - node[INSIDE], node[OUTSIDE])
    codes[14] = at[14] + side * 64 + min(ahead, 7) * 8 + min(due, 7)
    codes[15] = at[15] + signed_code(counts[LACKING] - counts[CHOSEN] + side * (size - (t - 1 - p) - 1))
    codes[16] = at[16] + count_code(max(counts[ALL_NODES] - t, 0))
