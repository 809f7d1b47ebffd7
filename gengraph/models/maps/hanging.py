"""Embeddings drawn anew: a planar graph has as many as its blocks can be mirrored, and hung around its cut nodes.

A block is an edge or a largest part that no single node separates. The faces of an embedding fall into faces of its blocks,
where they pass a node twice. Each block may be mirrored. Of a component the block with the longest face comes first; the
others hang from it, each by the node that it shares with what is there: into the outer face if that node lies on it, else into
the longest face of the block at the node, with a longest face of its own to the outside, the order around a node drawn. So a
tree has every embedding that it can have.

Everything is drawn uniformly, and no two drawings are the same rotation with the same root: the logs of how many choices there
were add up to -log of the probability of a drawing.

Legend: n nodes, D darts, B blocks.
"""

from typing import Any

import numba as nb
import numpy as np

from gengraph.graphs import Int64Array
from gengraph.models.maps.darts import BACK, FOLLOW, PRECEDE, SOURCE, Darts, walk_on
from gengraph.streams import below


@nb.njit(cache=True)
def hang_blocks(num_nodes: int, darts: Darts, num_darts: int, component: Int64Array, state: Any) -> tuple[Int64Array, float]:
    """Draw an embedding of each component, and its root, a dart of the outer face.

    Args:
        num_nodes: n.
        darts: as the given embedding has them; those of the one drawn afterwards.
        num_darts: D.
        component: int64[n], of each node.
        state: a random stream, advanced.

    Returns:
        The root int64[.] of each component, -1 where it has no edge; -log of the probability of what was drawn.
    """
    split_faces(num_nodes, darts, num_darts)
    block, length, choices = _blocks(darts, num_darts, state)
    roots = np.full(component.max() + 1, -1)
    for dart in range(num_darts):
        own = component[darts[dart, SOURCE]]
        if roots[own] < 0 or length[dart] > length[roots[own]]:
            roots[own] = dart
    at, within = _grouped(darts[:num_darts, SOURCE], num_nodes), _grouped(block, num_darts)
    corner = np.full(num_nodes, -1)
    for own in np.flatnonzero(roots >= 0):
        first, ties = _longest(_of(within, block[roots[own]]), length, state)
        choices += np.log(ties / length[first]) + _hang(darts, (block, length, at, within), first, corner, state)
        total, other = 1, darts[first, FOLLOW]
        while other != first:
            total, other = total + 1, darts[other, FOLLOW]
        choices += np.log(total)
        for _ in range(below(state, total)):
            first = darts[first, FOLLOW]
        roots[own] = first
    return roots, choices


@nb.njit(cache=True)
def split_faces(num_nodes: int, darts: Darts, num_darts: int) -> None:
    """Cut faces where they pass a node twice: what is left are the faces of blocks."""
    walked, place, seen = np.empty(num_darts, np.int64), np.full(num_nodes, -1), np.zeros(num_darts, np.bool_)
    for first in range(num_darts):
        count, dart = 0, first
        while not seen[dart]:
            seen[dart] = True
            count = _close_face(darts, walked, place, count, place[darts[dart, SOURCE]])
            if count:
                walk_on(darts, walked[count - 1], dart)
            place[darts[dart, SOURCE]], walked[count] = count, dart
            count, dart = count + 1, darts[dart, FOLLOW]
        _close_face(darts, walked, place, count, 0 if count else -1)


@nb.njit(cache=True)
def _close_face(darts: Darts, walked: Int64Array, place: Int64Array, count: int, since: int) -> int:
    """Make a face of the darts that were walked from a place on, if there is one; how many others are left."""
    if since < 0:
        return count
    walk_on(darts, walked[count - 1], walked[since])
    for k in range(since, count):
        place[darts[walked[k], SOURCE]] = -1
    return since


@nb.njit(cache=True)
def _blocks(darts: Darts, num_darts: int, state: Any) -> tuple[Int64Array, Int64Array, float]:
    """The block int64[D] of each dart, the length int64[D] of its face; mirrors blocks, the log of how many ways there were.

    Blocks of less than three faces, edges and cycles, are their own mirror images.
    """
    block, faces, choices = _connected(darts, num_darts), np.zeros(num_darts, np.int64), 0.0
    mirrored, follow = np.zeros(num_darts, np.bool_), darts[:num_darts, FOLLOW].copy()
    length = _face_lengths(follow)
    for dart in range(num_darts):
        faces[block[dart]] += length[dart] < 0
    for own in np.flatnonzero(faces > 2):
        mirrored[own] = below(state, 2) == 1
        choices += np.log(2)
    for dart in range(num_darts):
        if mirrored[block[dart]]:
            walk_on(darts, darts[follow[dart], BACK], darts[dart, BACK])
    return block, np.abs(_face_lengths(darts[:num_darts, FOLLOW])), choices


@nb.njit(cache=True)
def _connected(darts: Darts, num_darts: int) -> Int64Array:
    """The block int64[D] of each dart, named by one of its darts: faces and reverses connect it."""
    block, pending = np.full(num_darts, -1), np.empty(num_darts, np.int64)
    for first in range(num_darts):
        if block[first] >= 0:
            continue
        block[first], pending[0], count = first, first, 1
        while count:
            count -= 1
            dart = pending[count]
            for column in (FOLLOW, BACK):
                other = darts[dart, column]
                if block[other] < 0:
                    block[other], pending[count] = first, other
                    count += 1
    return block


@nb.njit(cache=True)
def _face_lengths(follow: Int64Array) -> Int64Array:
    """The length int64[D] of the face of each dart, negative at one dart of each face."""
    length = np.zeros(len(follow), np.int64)
    for first in range(len(follow)):
        if length[first] == 0:
            total, dart = 1, follow[first]
            while dart != first:
                total, dart = total + 1, follow[dart]
            length[first], dart = -total, follow[first]
            while dart != first:
                length[dart], dart = total, follow[dart]
    return length


@nb.njit(cache=True)
def _grouped(keys: Int64Array, num_keys: int) -> tuple[Int64Array, Int64Array]:
    """Items sorted by their keys, and where those of each key begin, int64[num_keys + 1]."""
    order = np.argsort(keys, kind="mergesort")
    return order, np.searchsorted(keys[order], np.arange(num_keys + 1))


@nb.njit(cache=True)
def _of(groups: tuple[Int64Array, Int64Array], key: int) -> Int64Array:
    order, begin = groups
    return order[begin[key] : begin[key + 1]]


@nb.njit(cache=True)
def _longest(among: Int64Array, length: Int64Array, state: Any) -> tuple[int, int]:
    """One of the darts on a longest face, and how many of them there are."""
    best, ties = among[0], 0
    for dart in among:
        if length[dart] > length[best]:
            best, ties = dart, 0
        if length[dart] == length[best]:
            ties += 1
            if below(state, ties) == 0:
                best = dart
    return best, ties


@nb.njit(cache=True)
def _hang(darts: Darts, blocks: Any, first: int, corner: Int64Array, state: Any) -> float:
    """Hang the other blocks of a component from one, a dart of whose outer face is given; the log of the choices."""
    block, length, at, _ = blocks
    placed, pending, heads = np.zeros(len(block), np.bool_), np.empty(len(corner) + 1, np.int64), np.empty(len(block), np.int64)
    node = darts[first, SOURCE]
    corner[node], pending[0], pending[1] = first, 1, node
    choices = _place(darts, blocks, first, placed, (corner, pending), state)
    while pending[0]:
        node = pending[pending[0]]
        pending[0] -= 1
        heads[0], count = corner[node], 1  # darts from the node before which a block may be hung
        for dart in _of(at, node):
            if placed[block[dart]]:
                continue
            own = _of(at, node)
            inner, ties = _longest(own[block[own] == block[dart]], length, state)
            choices += np.log(ties * count) + _place(darts, blocks, inner, placed, (corner, pending), state)
            head = heads[below(state, count)]
            into_head, into_inner = darts[head, PRECEDE], darts[inner, PRECEDE]
            walk_on(darts, into_head, inner)
            walk_on(darts, into_inner, head)
            heads[count] = inner
            count += 1
    return float(choices)


@nb.njit(cache=True)
def _place(darts: Darts, blocks: Any, first: int, placed: Any, reached: Any, state: Any) -> float:
    """Mark the block of a dart of its outer face, and where other blocks may hang from its nodes; the log of the choices."""
    block, length, at, within = blocks
    corner, pending = reached
    placed[block[first]], dart, choices = True, darts[first, FOLLOW], 0.0
    while dart != first:
        corner[darts[dart, SOURCE]] = dart
        _push(pending, darts[dart, SOURCE])
        dart = darts[dart, FOLLOW]
    for dart in _of(within, block[first]):
        node = darts[dart, SOURCE]
        if corner[node] < 0:
            own = _of(at, node)
            corner[node], ties = _longest(own[block[own] == block[first]], length, state)
            choices += np.log(ties) if (block[own] != block[first]).any() else 0.0
            _push(pending, node)
    return choices


@nb.njit(cache=True)
def _push(stack: Int64Array, item: int) -> None:
    """Put an item onto a stack, whose first number says how many it holds."""
    stack[0] += 1
    stack[stack[0]] = item
