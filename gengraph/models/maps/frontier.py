"""A planar map under construction: what is built has loops of half-edges for a boundary, and grows by one triangle a letter.

Infinity is node 0, the node a of the graph is node a + 1. The first triangle is (infinity, 1, 2). Beyond a boundary edge
u -> v, the gate, a letter puts a triangle whose apex w is

- N: a new node;
- L: x, the boundary node before u, which closes u (its last triangle is there);
- R: y, the boundary node after v, which closes v;
- S: another node of the same loop, which splits the loop in two;
- E: the third node of a loop of three, which closes the loop.

Each edge that a letter adds is real (an edge of the graph) or virtual; its bits stand in the letter: N and S add u-w and
w-v, L adds x-v, R adds u-y. Edges to infinity are virtual. No letter may double an edge, so every node is on a loop at most
once, and what the masks allow always leads to the end: a loop without nodes to spare has a triangulation inside that doubles
no edge, since one of u-y and x-v can be added (an edge outside of one would separate the ends of the other). Hence every
sequence of allowed letters is a triangulation of the sphere with n + 1 nodes, of 2 n - 3 letters after that of the root, and a
planar graph.

The gate is the newest virtual edge, so that a face is finished once it is begun; else the boundary edge whose first node has
the most edges, the oldest first, gates that start at infinity last.

Reference:
    J. Rossignac. Edgebreaker: connectivity compression for triangle meshes. IEEE Transactions on Visualization and Computer
    Graphics 5, 1999 (the letters, there in the order of a search in depth and without bits).
"""

from typing import Any

import numba as nb
import numpy as np

NODE, AFTER, BEFORE, BEHIND, REAL, PLACE, SIDES = range(7)
"""Of a half-edge: its first node, its neighbours in the loop, the apex behind it, whether it is real, its place among the open
ones (-1 once it is closed), the sides of its face that lie behind it if it is virtual."""
DEGREE, REAL_DEGREE, DEPTH, ARCS, GROUP = range(5)
"""Of a node: edges and real edges so far, distance to infinity, its newest arc, a link to a node of its component."""
TO, NEXT, IS_REAL = range(3)
"""Of an arc: where it leads, the next arc of its node, whether it is real. Arcs 2 k and 2 k + 1 are one edge."""
NUM_NODES, NUM_HALVES, NUM_OPEN, NUM_ARCS, NUM_LOOPS, NUM_REAL = range(6)
"""Of a map."""
NEW, PREVIOUS, FOLLOWING, SPLIT, END = 0, 4, 6, 8, 12
"""Where each kind of letter begins; the bits are added to it."""
NUM_LETTERS = 13
DEEP = 99

State = Any
"""counts int64[6], halves int64[H, 7], nodes int64[V, 5], arcs int64[A, 3], opened int64[H]."""


@nb.njit(cache=True)
def new_state(size: int) -> State:
    """Room for a map of a graph of so many nodes, >= 1."""
    room = 3 * (size + 1)
    return (
        np.zeros(6, np.int64),
        np.empty((room, 7), np.int64),
        np.empty((size + 1, 5), np.int64),
        np.empty((2 * room, 3), np.int64),
        np.empty(room, np.int64),
    )


@nb.njit(cache=True)
def start(state: State, real: int) -> None:
    """The first triangle; real says whether its edge 1-2 is."""
    counts, halves, _, _, _ = state
    counts[:] = 0
    for node in range(3):
        _add_node(state, DEEP if node else 0)
    counts[NUM_LOOPS] = 1
    add_edge(state, 0, 1, 0)
    add_edge(state, 0, 2, 0)
    add_edge(state, 1, 2, real)
    for half in range(3):
        _open(state, (0, 2, 1)[half], (1, 0, 2)[half], real if half == 1 else 0)
        halves[half, AFTER], halves[half, BEFORE] = (half + 1) % 3, (half + 2) % 3


@nb.njit(cache=True)
def _add_node(state: State, depth: int) -> Any:
    counts, _, nodes, _, _ = state
    node = counts[NUM_NODES]
    nodes[node, DEGREE] = nodes[node, REAL_DEGREE] = 0
    nodes[node, DEPTH], nodes[node, ARCS], nodes[node, GROUP] = depth, -1, node
    counts[NUM_NODES] += 1
    return node


@nb.njit(cache=True)
def add_edge(state: State, a: int, b: int, real: int) -> None:
    """Join two nodes."""
    counts, _, nodes, arcs, _ = state
    for node, other in ((a, b), (b, a)):
        arc = counts[NUM_ARCS]
        counts[NUM_ARCS] += 1
        arcs[arc, TO], arcs[arc, NEXT], arcs[arc, IS_REAL] = other, nodes[node, ARCS], real
        nodes[node, ARCS] = arc
        nodes[node, DEGREE] += 1
        nodes[node, REAL_DEGREE] += real
        nodes[node, DEPTH] = min(nodes[node, DEPTH], nodes[other, DEPTH] + 1)
    if real:
        counts[NUM_REAL] += 1
        nodes[component(nodes, a), GROUP] = component(nodes, b)


@nb.njit(cache=True)
def component(nodes: Any, a: int) -> int:
    """The node that stands for the component of real edges of a node."""
    while nodes[a, GROUP] != a:
        nodes[a, GROUP] = nodes[nodes[a, GROUP], GROUP]
        a = nodes[a, GROUP]
    return a


@nb.njit(cache=True)
def adjacent(state: State, a: int, b: int) -> bool:
    """Whether two nodes are joined, by an edge of either kind; O(the smaller degree)."""
    _, _, nodes, arcs, _ = state
    if nodes[a, DEGREE] > nodes[b, DEGREE]:
        a, b = b, a
    arc = nodes[a, ARCS]
    while arc >= 0:
        if arcs[arc, TO] == b:
            return True
        arc = arcs[arc, NEXT]
    return False


@nb.njit(cache=True)
def _open(state: State, node: int, behind: int, real: int) -> Any:
    """A half-edge that is in no loop yet."""
    counts, halves, _, _, opened = state
    half = counts[NUM_HALVES]
    counts[NUM_HALVES] += 1
    halves[half, NODE], halves[half, BEHIND], halves[half, REAL] = node, behind, real
    halves[half, PLACE], halves[half, SIDES] = counts[NUM_OPEN], 1
    opened[counts[NUM_OPEN]] = half
    counts[NUM_OPEN] += 1
    return half


@nb.njit(cache=True)
def _close(state: State, half: int) -> None:
    counts, halves, _, _, opened = state
    counts[NUM_OPEN] -= 1
    last, place = opened[counts[NUM_OPEN]], halves[half, PLACE]
    opened[place], halves[last, PLACE] = last, place
    halves[half, PLACE] = -1


@nb.njit(cache=True)
def _join(halves: Any, first: int, second: int) -> None:
    halves[first, AFTER], halves[second, BEFORE] = second, first


@nb.njit(cache=True)
def gate(state: State) -> int:
    """The half-edge whose turn it is; one must be open."""
    counts, halves, nodes, _, opened = state
    best, least = -1, 0
    for place in range(counts[NUM_OPEN]):
        half = opened[place]
        u = halves[half, NODE]
        if u == 0:
            key = 2**50 + half
        elif halves[half, REAL] == 0 and halves[halves[half, AFTER], NODE] != 0:
            key = -(2**50) - half
        else:
            key = -nodes[u, DEGREE] * 2**40 + u * 2**20 + half
        if best < 0 or key < least:
            best, least = half, key
    return best


@nb.njit(cache=True)
def put(state: State, half: int, letter: int, target: int) -> None:
    """Put the triangle of a letter beyond a gate; target is the half-edge of the loop that starts at the apex of S."""
    counts, halves, _, _, _ = state
    before, after, u = halves[half, BEFORE], halves[half, AFTER], halves[half, NODE]
    v = halves[after, NODE]
    _close(state, half)
    if letter == END:
        _close(state, before)
        _close(state, after)
        counts[NUM_LOOPS] -= 1
    elif letter >= SPLIT:
        counts[NUM_LOOPS] += 1
        left, right = (letter - SPLIT) >> 1, (letter - SPLIT) & 1
        w, previous = halves[target, NODE], halves[target, BEFORE]
        first, second = _two_sides(state, (u, w, v), left, right, half)
        _join(halves, before, first)
        _join(halves, first, target)
        _join(halves, previous, second)
        _join(halves, second, after)
    elif letter >= PREVIOUS:
        _put_beside(state, half, letter)
    else:
        w = _add_node(state, DEEP)
        first, second = _two_sides(state, (u, w, v), letter >> 1, letter & 1, half)
        _join(halves, before, first)
        _join(halves, first, second)
        _join(halves, second, after)


@nb.njit(cache=True)
def _two_sides(state: State, corners: tuple[int, int, int], left: int, right: int, half: int) -> tuple[int, int]:
    """The half-edges u -> w and w -> v of a triangle that adds both edges."""
    _, halves, _, _, _ = state
    u, w, v = corners
    first, second = _open(state, u, v, left), _open(state, w, u, right)
    if not left:
        halves[first, SIDES] = halves[half, SIDES] + 1
    add_edge(state, u, w, left)
    add_edge(state, w, v, right)
    return first, second


@nb.njit(cache=True)
def _put_beside(state: State, half: int, letter: int) -> None:
    """The triangle of L or R."""
    _, halves, _, _, _ = state
    before, after, u = halves[half, BEFORE], halves[half, AFTER], halves[half, NODE]
    v = halves[after, NODE]
    if letter < FOLLOWING:
        x, real = halves[before, NODE], letter - PREVIOUS
        _close(state, before)
        new = _open(state, x, u, real)
        _join(halves, halves[before, BEFORE], new)
        _join(halves, new, after)
        add_edge(state, x, v, real)
        other = before
    else:
        real = letter - FOLLOWING
        y = halves[halves[after, AFTER], NODE]
        _close(state, after)
        new = _open(state, u, v, real)
        _join(halves, before, new)
        _join(halves, new, halves[after, AFTER])
        add_edge(state, u, y, real)
        other = after
    if not real:
        halves[new, SIDES] = halves[half, SIDES] + halves[other, SIDES]


@nb.njit(cache=True)
def may_split(state: State, half: int, w: int) -> bool:
    """Whether the edges that S would add to a node of the loop of the gate exist already: False if one does."""
    _, halves, _, _, _ = state
    u, v = halves[half, NODE], halves[halves[half, AFTER], NODE]
    return not adjacent(state, u, w) and not adjacent(state, v, w)


@nb.njit(cache=True)
def mark_allowed(state: State, half: int, size: int, mask: Any) -> None:
    """Mark which letters the gate may have, bool[NUM_LETTERS], in a map of a graph of so many nodes."""
    counts, halves, _, _, _ = state
    before, after, u = halves[half, BEFORE], halves[half, AFTER], halves[half, NODE]
    v, x, last = halves[after, NODE], halves[before, NODE], halves[after, AFTER]
    y, nodes_left = halves[last, NODE], size + 1 - counts[NUM_NODES]
    real_left, real_right = u != 0, v != 0
    _mark_two(mask, NEW, nodes_left > 0, real_left, real_right)
    mask[END] = last == before and (counts[NUM_LOOPS] > 1 or nodes_left == 0)
    if last == before:
        mask[PREVIOUS:END] = False
        return
    mask[PREVIOUS] = not adjacent(state, x, v)
    mask[PREVIOUS + 1] = mask[PREVIOUS] and x != 0 and real_right
    mask[FOLLOWING] = not adjacent(state, u, y)
    mask[FOLLOWING + 1] = mask[FOLLOWING] and y != 0 and real_left
    some, some_real, other = False, False, halves[last, AFTER]
    while not some_real and other != before:
        if may_split(state, half, halves[other, NODE]):
            some, some_real = True, halves[other, NODE] != 0
        other = halves[other, AFTER]
    _mark_two(mask, SPLIT, some, real_left and some_real, real_right and some_real)


@nb.njit(cache=True)
def _mark_two(mask: Any, letter: int, some: bool, left: bool, right: bool) -> None:
    """The four letters of N or S: some says whether there are any, left and right whether u-w and w-v may be real."""
    mask[letter] = some
    mask[letter + 1] = some and right
    mask[letter + 2] = some and left
    mask[letter + 3] = some and left and right
