"""Graphs to letters: a map is triangulated along with the frontier that builds it.

At a gate u -> v lies a face of the map, what is left of it. The apex of its triangle is infinity, if the gate is real and
infinity a corner; else the first corner after v that may be one (the last, if v is infinity): its edges to u and v are sides of
the face, or not there yet. So the virtual edges of a face make a fan around u, one triangle after the other, and letters follow
from graph, embedding and root. There is always such a corner: if c, the corner after v, is joined to u outside the face, then
nothing beyond c is joined to v.

Legend: T letters of a graph, Q letters S, C codes a letter, K numbers a letter.
"""

from typing import Any

import numba as nb
import numpy as np

from gengraph.graphs import Int64Array
from gengraph.models.maps.darts import BACK, FOLLOW, IS_REAL, SOURCE, Darts, add_diagonal
from gengraph.models.maps.frontier import (
    AFTER,
    BEFORE,
    DEGREE,
    END,
    FOLLOWING,
    NEW,
    NODE,
    NUM_HALVES,
    NUM_LETTERS,
    NUM_NODES,
    PREVIOUS,
    SPLIT,
    State,
    gate,
    mark_allowed,
    new_state,
    put,
    start,
)
from gengraph.models.maps.plane import draw_map
from gengraph.models.maps.views import NUM_CHOICE_CODES, describe, describe_choices, describe_root


@nb.njit(cache=True)
def encode_graph(
    num_nodes: int, edges: Int64Array, rotation: Int64Array, widths: tuple[int, int], stream: Any
) -> tuple[Any, ...]:
    """The letters of a graph with a freshly drawn root, and what is seen before each.

    Args:
        num_nodes: n >= 1.
        edges: int64[m, 2].
        rotation: int64[2m], its embedding.
        widths: C and K.
        stream: of random numbers, advanced.

    Returns:
        codes int32[T, C], numbers float32[T, K], masks bool[T, NUM_LETTERS], letters int64[T]; codes of the choices of all
        letters S int32[., NUM_CHOICE_CODES], how many each has int64[Q], which is taken int64[Q]; how many virtual edges there
        are beside those to infinity; and -log of the probability with which embedding and root were drawn.
    """
    count = 2 * num_nodes - 2
    codes, numbers = np.empty((count, widths[0]), np.int64), np.empty((count, widths[1]), np.float32)
    masks, letters = np.empty((count, NUM_LETTERS), np.bool_), np.empty(count, np.int64)
    choices, targets = np.empty((max(2 * num_nodes, 8), NUM_CHOICE_CODES), np.int64), np.empty(num_nodes + 1, np.int64)
    num_choices, taken = np.empty(num_nodes, np.int64), np.empty(num_nodes, np.int64)
    splits, filled, at_infinity, drawn = 0, 0, 0, 0.0
    if count:
        state, (darts, num_darts, (root, drawn)) = new_state(num_nodes), draw_map(num_nodes, edges, rotation, stream)
        names, dart_of = np.full(num_nodes + 1, -1), np.empty(3 * num_nodes + 3, np.int64)
        marks = np.full((2, num_nodes + 1), -1)
        describe_root(num_nodes, codes[0], numbers[0], masks[0])
        letters[0] = PREVIOUS + _begin(state, num_nodes, (darts, num_darts), root, names, dart_of)
    for t in range(1, count):
        half = gate(state)
        describe(state, half, num_nodes, codes[t], numbers[t])
        mark_allowed(state, half, num_nodes, masks[t])
        sides = _triangle(darts, num_darts, dart_of[half], num_nodes, marks, t)
        letters[t], target = _letter(state, half, darts, sides, names)
        if SPLIT <= letters[t] < END:
            if filled + num_nodes > len(choices):
                choices = np.concatenate((choices, np.empty_like(choices)))
            more = describe_choices(state, half, letters[t], choices[filled:], targets)
            num_choices[splits], taken[splits] = more, _place_of(target, targets[:more])
            splits, filled = splits + 1, filled + more
        _put(state, half, letters[t], target, (darts, sides, dart_of), names)
        at_infinity = state[2][0, DEGREE]
    return (
        codes.astype(np.int32), numbers, masks, letters,
        choices[:filled].astype(np.int32), num_choices[:splits].copy(), taken[:splits].copy(),
        max(0, 3 * num_nodes - 3 - len(edges) - at_infinity), drawn,
    )  # fmt: skip


@nb.njit(cache=True)
def _place_of(item: int, items: Int64Array) -> int:
    for place in range(len(items)):
        if items[place] == item:
            return place
    return -1


@nb.njit(cache=True)
def _begin(
    state: State, infinity: int, map_: tuple[Darts, Int64Array], root: int, names: Int64Array, dart_of: Int64Array
) -> int:
    """Put infinity into the outer face, join it to both ends of the root; whether that is real."""
    darts, num_darts = map_
    second = darts[root, FOLLOW]
    a, b = darts[root, SOURCE], darts[second, SOURCE]
    to_infinity = add_diagonal(darts, num_darts, (a, root), (infinity, -1))
    from_infinity = add_diagonal(darts, num_darts, (infinity, darts[to_infinity, BACK]), (b, second))
    dart_of[0], dart_of[1], dart_of[2] = from_infinity, darts[root, BACK], to_infinity
    names[infinity], names[a], names[b] = 0, 1, 2
    start(state, darts[root, IS_REAL])
    return int(darts[root, IS_REAL])


@nb.njit(cache=True)
def _triangle(darts: Darts, num_darts: Int64Array, dart: int, infinity: int, marks: Int64Array, time: int) -> tuple[int, int]:
    """The darts v -> w and w -> u of the triangle at a dart u -> v, made if they are not there."""
    corner, second = _apex(darts, dart, infinity, marks, time), darts[dart, FOLLOW]
    u, v, w = darts[dart, SOURCE], darts[second, SOURCE], darts[corner, SOURCE]
    into_u, from_v = corner, second
    if darts[corner, FOLLOW] != dart:
        into_u = darts[add_diagonal(darts, num_darts, (u, dart), (w, corner)), BACK]
    if darts[second, FOLLOW] not in (corner, into_u):
        from_v = add_diagonal(darts, num_darts, (v, second), (w, into_u))
    return from_v, into_u


@nb.njit(cache=True)
def _apex(darts: Darts, dart: int, infinity: int, marks: Int64Array, time: int) -> Any:
    """The dart of the face at u -> v that starts at the apex of the next triangle."""
    second = darts[dart, FOLLOW]
    u, v = darts[dart, SOURCE], darts[second, SOURCE]
    for k, first in ((0, dart), (1, second)):
        other = first
        while True:
            marks[k, darts[darts[other, BACK], SOURCE]] = time
            other = darts[darts[other, BACK], FOLLOW]
            if other == first:
                break
    best, corner = -1, darts[second, FOLLOW]
    while corner != dart:
        w = darts[corner, SOURCE]
        from_v, into_u = darts[second, FOLLOW] == corner, darts[corner, FOLLOW] == dart
        if w not in (u, v) and (into_u or marks[0, w] != time) and (from_v or marks[1, w] != time):
            if w == infinity and darts[dart, IS_REAL]:
                return corner
            best = corner if best < 0 or v == infinity else best
        corner = darts[corner, FOLLOW]
    return best


@nb.njit(cache=True)
def _letter(state: State, half: int, darts: Darts, sides: tuple[int, int], names: Int64Array) -> tuple[int, int]:
    """The letter of the triangle with these darts v -> w and w -> u; of S also the half-edge that starts at w."""
    _, halves, _, _, _ = state
    from_v, into_u = sides
    right, left = darts[from_v, IS_REAL], darts[into_u, IS_REAL]
    w, before, after = names[darts[into_u, SOURCE]], halves[half, BEFORE], halves[half, AFTER]
    if w < 0:
        return NEW + 2 * left + right, -1
    if halves[after, AFTER] == before:
        return END, -1
    if halves[before, NODE] == w:
        return PREVIOUS + right, -1
    if halves[halves[after, AFTER], NODE] == w:
        return FOLLOWING + left, -1
    target = halves[after, AFTER]
    while halves[target, NODE] != w:
        target = halves[target, AFTER]
    return SPLIT + 2 * left + right, target


@nb.njit(cache=True)
def _put(state: State, half: int, letter: int, target: int, map_: Any, names: Int64Array) -> None:
    """Put the triangle into the map under construction, and remember the darts of its new half-edges."""
    darts, (from_v, into_u), dart_of = map_
    counts, new = state[0], state[0][NUM_HALVES]
    if letter < PREVIOUS:
        names[darts[into_u, SOURCE]] = counts[NUM_NODES]
    put(state, half, letter, target)
    if FOLLOWING <= letter < SPLIT or letter < PREVIOUS or SPLIT <= letter < END:
        dart_of[new] = darts[into_u, BACK]
        new += 1
    if letter < FOLLOWING or SPLIT <= letter < END:
        dart_of[new] = darts[from_v, BACK]
