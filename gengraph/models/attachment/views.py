"""What decisions see: small numbers about the graph so far, each an entry of the decision's table of embeddings.

There are two kinds of decisions: how many older nodes the next node joins, and which of them next. Counts are kept as they are
while they are small, and eight to a doubling above.

Legend: R rows (nodes that join), P choices, n nodes, K candidates of all choices together, C codes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.attachment.orders import Matrix

Ints = Int32Array | Int64Array

_SMALL, _SIGNED = 64, 32
NUMBER = (64, 64, 64, 256, 64, 64, 64, 64, 64)
UNTOLD = 7  # the first codes of a number, which do not know how many edges the graph is to have
CHOICE = (128, 64, 64, 128, 128, 64, 64, 256, 128, 64)
"""How many entries each code has; codes are numbered through."""
_NUMBER_AT, _CHOICE_AT = (np.cumsum((0, *sizes[:-1])).astype(np.int32) for sizes in (NUMBER, CHOICE))
_BOUNDS = np.array([*range(1, 16), *(16 * 2**k + 2 * 2**k * j for k in range(6) for j in range(8))])
_CODES = np.searchsorted(_BOUNDS, np.arange(_BOUNDS[-1] + 1), side="right").astype(np.int32)


def _count(values: Ints) -> Int32Array:
    """0..63: a count >= 0 itself below 16, then eight to a doubling."""
    return _CODES.take(values, mode="clip")


def _signed(values: Ints, known: npt.NDArray[np.bool_]) -> Int64Array:
    """0..63: a number in -31..31, what is beyond cut, and 0 for none."""
    return np.asarray((np.clip(values, 1 - _SIGNED, _SIGNED - 1) + _SIGNED) * known, np.int64)


class Typical(NamedTuple):
    """What decisions compare a graph with: the degree of a typical node, and edges a node of the training graphs together."""

    degree: int
    edges: float


@dataclass(frozen=True, slots=True)
class Rows:
    """The nodes of a graph as they join; all int64[R].

    Attributes:
        num_nodes: of the whole graph.
        place: how many nodes are older.
        missing: how many edges the older nodes lack to the typical degree, together.
        slack: how many the nodes to come would have, if all were typical, without those.
        before: int64[R, 3], how many older nodes the newest three joined, 0 where there are none.
        oldest: the oldest of those that the newest one joined, -1 for none.
        left: how many edges are to come.
        excess: how many more than training graphs have for so many nodes to come, rounded.
    """

    num_nodes: Int64Array
    place: Int64Array
    missing: Int64Array
    slack: Int64Array
    before: Int64Array
    oldest: Int64Array
    left: Int64Array
    excess: Int64Array


def excess_of(left: Int64Array, to_come: Int64Array, typical: Typical) -> Int64Array:
    """How many of the edges left int64[R] are more than training graphs have for so many nodes to come int64[R]."""
    return np.rint(left - typical.edges * to_come).astype(np.int64)


def number_bounds(num_nodes: Int64Array, place: Int64Array, left: Int64Array) -> tuple[Int64Array, Int64Array]:
    """How many older nodes the next one joins at least and at most, where so many edges are left, int64[R] all."""
    room_after = (num_nodes * (num_nodes - 1) - place * (place + 1)) // 2
    return np.maximum(left - room_after, 0), np.minimum(left, place)


def number_codes(rows: Rows) -> Int32Array:
    """int32[R, C], of how many older nodes are joined."""
    before = np.minimum(rows.before, (63, 15, 15))
    codes = [
        _count(rows.place),
        _count(rows.num_nodes - 1 - rows.place),
        before[:, 0],
        before[:, 1] * 16 + before[:, 2],
        _signed(rows.slack, rows.place > 0),
        _count(rows.missing),
        np.where(rows.oldest >= 0, _count(rows.place - rows.oldest), 0),
        _count(16 * rows.left // (rows.num_nodes - rows.place)),
        _signed(rows.excess, rows.place > 0),
    ]
    return np.stack(codes, axis=1).astype(np.int32) + _NUMBER_AT


@dataclass(frozen=True, slots=True)
class Choices:
    """Choices of older nodes.

    Attributes:
        num_nodes: int64[P], of the whole graph.
        place: int64[P], how many nodes are older than the one that joins.
        chosen: int64[P], how many it has joined.
        left: int64[P], how many it has yet to join, this one included.
        last: int64[P], the one chosen before, -1 for none.
        oldest: int64[P], the oldest of those that the node before joined, -1 for none.
        open: bool[P, n], which nodes can be chosen.
        degree: float32[P, n], edges of each.
        own: float32[P, n], how many of these it had when it joined.
        beside: float32[P, n], whether it is adjacent to the node before.
        touch: float32[P, n], how many of the chosen it is adjacent to.
        shared: float32[P, n], how many neighbours it has in common with the chosen, summed over these.
    """

    num_nodes: Int64Array
    place: Int64Array
    chosen: Int64Array
    left: Int64Array
    last: Int64Array
    oldest: Int64Array
    open: npt.NDArray[np.bool_]
    degree: Matrix
    own: Matrix
    beside: Matrix
    touch: Matrix
    shared: Matrix


def choice_codes(choices: Choices) -> tuple[Int32Array, Int64Array, Int64Array]:
    """int32[K, C], what speaks for each candidate; and which choice int64[K] and node int64[K] each is."""
    flat = np.flatnonzero(choices.open)
    choice, node = np.divmod(flat, choices.open.shape[1])
    of_choice = choices.num_nodes, choices.place, choices.chosen, choices.left, choices.last, choices.oldest
    n, place, chosen, left, last, oldest = (values.astype(np.int32)[choice] for values in of_choice)
    of_node = choices.degree, choices.own, choices.beside, choices.touch, choices.shared
    degree, own, beside, touch, shared = (values.ravel()[flat].astype(np.int32) for values in of_node)
    few, left = np.minimum(chosen, 7), np.minimum(left - 1, 7)
    codes = np.empty((len(flat), len(CHOICE)), np.int32)
    codes[:, 0] = (chosen > 0) * _SMALL + _count(degree)
    codes[:, 1] = _count(place - 1 - node)
    codes[:, 2] = _count(n - place + node)
    codes[:, 3] = np.minimum(touch, 15) * 8 + few
    codes[:, 4] = np.minimum(shared, 31) * 4 + np.minimum(few, 3)
    codes[:, 5] = _signed(node - last, last >= 0)
    codes[:, 6] = _signed(node - oldest, oldest >= 0)
    codes[:, 7] = np.minimum(own, 15) * 16 + np.minimum(degree - own, 15)
    codes[:, 8] = beside * 64 + few * 8 + left
    codes[:, 9] = _count(n - 1 - place)
    return codes + _CHOICE_AT, choice, node
