"""Darts, the directed edges of a map: `follow` walks the face on the left of a dart.

Legend: D darts.
"""

from typing import Any

import numba as nb

from gengraph.graphs import Int64Array

SOURCE, FOLLOW, PRECEDE, BACK, IS_REAL = range(5)
"""Of a dart of a map: its first node, the darts after and before it around its face, its reverse, whether it is real."""
Darts = Any
"""int64[D, 5]."""


@nb.njit(cache=True)
def walk_on(darts: Darts, dart: int, following: int) -> None:
    """Let a dart be followed by another."""
    darts[dart, FOLLOW], darts[following, PRECEDE] = following, dart


@nb.njit(cache=True)
def add_diagonal(darts: Darts, count: Int64Array, first: tuple[int, int], second: tuple[int, int]) -> int:
    """Add a virtual edge a - b inside a face, or between the faces of two components.

    Args:
        darts: as `gengraph.models.maps.plane.draw_map` gives them.
        count: int64[1], raised.
        first: a, and the dart of the face that starts there; -1 where a has none.
        second: b, likewise.

    Returns:
        The dart a -> b; after it comes the dart given for b.
    """
    there, back = count[0], count[0] + 1
    count[0] += 2
    for dart, other, (node, _) in ((there, back, first), (back, there, second)):
        darts[dart, SOURCE], darts[dart, BACK], darts[dart, IS_REAL] = node, other, 0
    into_first = back if first[1] < 0 else darts[first[1], PRECEDE]
    into_second = there if second[1] < 0 else darts[second[1], PRECEDE]
    walk_on(darts, into_first, there)
    walk_on(darts, there, back if second[1] < 0 else second[1])
    walk_on(darts, into_second, back)
    walk_on(darts, back, there if first[1] < 0 else first[1])
    return int(there)
