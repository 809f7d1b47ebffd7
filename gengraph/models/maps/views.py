"""What the network sees at a gate u -> v: codes, each a row of a table, and numbers; and of the nodes that S may name.

Around the gate are the boundary nodes left of it, u, x, ..., and right of it, v, y, ...; three of each are looked at. A map of
a graph that is near to a triangulation has no virtual edge but those to infinity: then the codes about what is real are left
out.
"""

from typing import Any

import numba as nb
import numpy as np

from gengraph.graphs import Int64Array
from gengraph.models.maps.frontier import (
    AFTER,
    ARCS,
    BEFORE,
    BEHIND,
    DEGREE,
    DEPTH,
    NEXT,
    NODE,
    NUM_ARCS,
    NUM_LOOPS,
    NUM_NODES,
    NUM_OPEN,
    NUM_REAL,
    PREVIOUS,
    REAL,
    REAL_DEGREE,
    SIDES,
    SPLIT,
    TO,
    State,
    adjacent,
    component,
    may_split,
)

WINDOW = 3  # boundary nodes on each side of the gate
_COUNTS = 192  # codes of a count: exact below 64, then eight to a doubling
_FAR, _REACH = 24, 8  # bins of the distance to infinity along the loop; nodes a side whose degrees are added up
_SIZES = np.array(
    [16] * (2 * WINDOW) + [12] * (2 * WINDOW) + [17] * (2 * WINDOW - 1) + [_COUNTS, _COUNTS, 6, _FAR + 1, _FAR + 1]
    + [12] * (2 * WINDOW) + [32, 8, 16, 144]
)  # fmt: skip
OFFSETS = np.cumsum(_SIZES) - _SIZES
NUM_CODES, NUM_NUMBERS = (6 * WINDOW + 4, len(_SIZES)), (20, 22)
"""Of a gate, in maps without virtual edges and in all others."""
NUM_ROWS = int(OFFSETS[NUM_CODES[0]]), int(_SIZES.sum())
"""Rows of the table that these codes name."""
_CHOICE_SIZES = np.array([32, 32, 16, 12, 5, 5, 16, 16, 12, 2])
_CHOICE_OFFSETS = np.cumsum(_CHOICE_SIZES) - _CHOICE_SIZES
NUM_CHOICE_CODES, NUM_CHOICE_ROWS = len(_CHOICE_SIZES), int(_CHOICE_SIZES.sum())


@nb.njit(cache=True)
def count_code(count: int) -> int:
    """The code of a count >= 0."""
    if count < 64:
        return count
    halvings = 0
    while count >= 128 << halvings:
        halvings += 1
    return min(64 + 8 * halvings + (count >> (halvings + 3)) - 8, _COUNTS - 1)


@nb.njit(cache=True)
def degree_code(nodes: Any, a: int, at_infinity: int) -> int:
    """Edges of a node so far, at most 15; infinity has a code of its own."""
    return min(nodes[a, DEGREE], 15) if a else at_infinity


@nb.njit(cache=True)
def describe_root(size: int, codes: Int64Array, numbers: Any, mask: Any) -> None:
    """What is seen before there is anything: how many nodes there will be; the letters are L's."""
    codes[:] = OFFSETS[: len(codes)]
    numbers[:] = 0
    mask[:] = False
    mask[PREVIOUS : PREVIOUS + 2] = True
    codes[6 * WINDOW] += count_code(size)


@nb.njit(cache=True)
def describe(state: State, half: int, size: int, codes: Int64Array, numbers: Any) -> None:
    """What is seen at a gate: rows int64[NUM_CODES] of the table, float32[NUM_NUMBERS]."""
    _, halves, _, _, _ = state
    u, v, x = halves[half, NODE], halves[halves[half, AFTER], NODE], halves[halves[half, BEFORE], NODE]
    around = u, v, x, halves[halves[halves[half, AFTER], AFTER], NODE]
    codes[:] = OFFSETS[: len(codes)]
    excess = _look_around(state, half, codes)
    loop = _walk_loop(state, half, codes)
    _count(state, size, loop, codes, numbers)
    for k in range(3):
        numbers[6 + k] = excess[k] / (4 << k)
    for k in range(4):
        numbers[10 + k] = _excess_of_neighbours(state, around[k])
    numbers[16] = adjacent(state, x, v)
    numbers[17] = adjacent(state, u, around[3])
    numbers[18] = adjacent(state, x, around[3])
    numbers[19] = u == 0
    if len(codes) > NUM_CODES[0]:
        _describe_reality(state, half, around, codes, numbers)


@nb.njit(cache=True)
def _look_around(state: State, half: int, codes: Int64Array) -> tuple[int, int, int]:
    """The nodes near the gate; degrees above four of 2, 4 and 8 nodes a side, added up."""
    _, halves, nodes, _, _ = state
    left, right = half, halves[half, AFTER]
    two, four, eight = 0, 0, 0
    for k in range(_REACH):
        a, b = halves[left, NODE], halves[right, NODE]
        if k < WINDOW:
            codes[k] += degree_code(nodes, a, 0)
            codes[WINDOW + k] += degree_code(nodes, b, 0)
            codes[2 * WINDOW + k] += min(nodes[a, DEPTH], 11)
            codes[3 * WINDOW + k] += min(nodes[b, DEPTH], 11)
            codes[4 * WINDOW + k] += degree_code(nodes, halves[left, BEHIND], 16)
            if k:
                codes[5 * WINDOW - 1 + k] += degree_code(nodes, halves[halves[right, BEFORE], BEHIND], 16)
        excess = (nodes[a, DEGREE] - 4 if a else 0) + (nodes[b, DEGREE] - 4 if b else 0)
        eight += excess
        four += excess if k < 4 else 0
        two += excess if k < 2 else 0
        left, right = halves[left, BEFORE], halves[right, AFTER]
    return two, four, eight


@nb.njit(cache=True)
def _walk_loop(state: State, half: int, codes: Int64Array) -> tuple[int, int, int]:
    """Nodes of the loop of the gate, how many of them are joined to infinity, and their degrees added up."""
    _, halves, nodes, _, _ = state
    length, hull, total, to_infinity = 0, 0, 0, -1
    other = half
    while True:
        a = halves[other, NODE]
        if a:
            total += nodes[a, DEGREE]
        else:
            to_infinity = length
        hull += nodes[a, DEPTH] == 1
        length += 1
        other = halves[other, AFTER]
        if other == half:
            break
    place = 6 * WINDOW + 2
    codes[place] += _FAR if to_infinity < 0 else min(to_infinity, _FAR - 1)
    codes[place + 1] += _FAR if to_infinity < 0 else min(length - to_infinity, _FAR - 1)
    codes[place - 3] += count_code(length)
    return length, hull, total


@nb.njit(cache=True)
def _count(state: State, size: int, loop: tuple[int, int, int], codes: Int64Array, numbers: Any) -> None:
    """How much there is and how much is still to come."""
    counts, _, nodes, _, _ = state
    length, hull, total = loop
    nodes_left, others = size + 1 - counts[NUM_NODES], counts[NUM_OPEN] - length
    side = np.sqrt(size / 64)
    codes[6 * WINDOW] += count_code(nodes_left)
    codes[6 * WINDOW + 1] += min(counts[NUM_LOOPS] - 1, 5)
    numbers[0], numbers[1], numbers[2] = 2 * nodes_left / size - 1, length / (10 * side) - 1, others / (10 * side)
    numbers[3], numbers[4] = min(nodes[0, DEGREE] / (5 * side) - 2, 4), min(hull / (5 * side), 4)
    numbers[5] = total / length - 4
    numbers[9] = min(length * length / (nodes_left + 2) / 10, 6) - 1
    finished = counts[NUM_NODES] - 1 - length
    everything = counts[NUM_ARCS] - nodes[0, DEGREE]
    numbers[14] = (everything - total) / finished - 5 if finished > 0 else 0
    numbers[15] = min(nodes_left / (counts[NUM_OPEN] + 1), 4)


@nb.njit(cache=True)
def _excess_of_neighbours(state: State, a: int) -> float:
    """Degrees above five of the neighbours that a node has so far, added up."""
    _, _, nodes, arcs, _ = state
    excess, arc = 0, nodes[a, ARCS] if a else -1
    while arc >= 0:
        b = arcs[arc, TO]
        excess += nodes[b, DEGREE] - 5 if b else 0
        arc = arcs[arc, NEXT]
    return excess / 6


@nb.njit(cache=True)
def _describe_reality(state: State, half: int, around: tuple[int, int, int, int], codes: Int64Array, numbers: Any) -> None:
    """Which edges around the gate are real, and what they join."""
    counts, halves, nodes, _, _ = state
    u, v, x, y = around
    first = NUM_CODES[0]
    left, right = half, halves[half, AFTER]
    for k in range(WINDOW):
        a, b = halves[left, NODE], halves[right, NODE]
        codes[first + k] += min(nodes[a, REAL_DEGREE], 10) if a else 11
        codes[first + WINDOW + k] += min(nodes[b, REAL_DEGREE], 10) if b else 11
        left, right = halves[left, BEFORE], halves[right, AFTER]
    place = first + 2 * WINDOW
    before, after = halves[half, BEFORE], halves[half, AFTER]
    real = halves[half, REAL] + 2 * halves[before, REAL] + 4 * halves[after, REAL]
    codes[place] += real + 8 * halves[halves[before, BEFORE], REAL] + 16 * halves[halves[after, AFTER], REAL]
    of_u, of_v = component(nodes, u), component(nodes, v)
    codes[place + 1] += (of_u == of_v) + 2 * (component(nodes, x) == of_v) + 4 * (component(nodes, y) == of_u)
    codes[place + 2] += 0 if halves[half, REAL] else min(halves[half, SIDES], 15)
    codes[place + 3] += 12 * min(nodes[u, REAL_DEGREE], 11) + min(nodes[v, REAL_DEGREE], 11)
    built = counts[NUM_NODES] - 1
    numbers[20], numbers[21] = counts[NUM_REAL] / built - 1.5, nodes[0, DEGREE] / built


@nb.njit(cache=True)
def describe_choices(state: State, half: int, letter: int, codes: Any, targets: Int64Array) -> int:
    """The nodes that a letter S at a gate may name.

    Args:
        state: of the map.
        half: the gate.
        letter: with its bits: real edges do not lead to infinity.
        codes: int64[K, NUM_CHOICE_CODES], filled.
        targets: int64[K], filled with half-edges that start at these nodes.

    Returns:
        How many there are.
    """
    _, halves, nodes, _, _ = state
    before, after = halves[half, BEFORE], halves[half, AFTER]
    u, v = halves[half, NODE], halves[after, NODE]
    count, offset, other = 0, 3, halves[halves[after, AFTER], AFTER]
    while other != before:
        w = halves[other, NODE]
        if (w or letter == SPLIT) and may_split(state, half, w):
            codes[count, 0], codes[count, 1] = min(offset, 31), offset
            codes[count, 2], codes[count, 3] = degree_code(nodes, w, 0), min(nodes[w, DEPTH], 11)
            codes[count, 4], codes[count, 5] = _num_shared(state, w, u), _num_shared(state, w, v)
            codes[count, 6] = degree_code(nodes, halves[halves[other, AFTER], NODE], 0)
            codes[count, 7] = degree_code(nodes, halves[halves[other, BEFORE], NODE], 0)
            codes[count, 8] = min(nodes[w, REAL_DEGREE], 11)
            codes[count, 9] = component(nodes, w) == component(nodes, u)
            targets[count] = other
            count += 1
        offset += 1
        other = halves[other, AFTER]
    for k in range(count):
        codes[k, 1] = min(offset + 1 - codes[k, 1], 31)
        codes[k] += _CHOICE_OFFSETS
    return count


@nb.njit(cache=True)
def _num_shared(state: State, a: int, b: int) -> int:
    """Common neighbours of two nodes so far, at most 4."""
    _, _, nodes, arcs, _ = state
    if nodes[a, DEGREE] > nodes[b, DEGREE]:
        a, b = b, a
    shared, arc = 0, nodes[a, ARCS]
    while arc >= 0 and shared < 4:
        shared += adjacent(state, arcs[arc, TO], b)
        arc = arcs[arc, NEXT]
    return shared
