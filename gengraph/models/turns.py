"""Graphs that are drawn one after the other, each by itself, and handed over some at a time."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.models.family import Drawn

Ints = Sequence[int] | Int64Array
Bools = Sequence[bool] | npt.NDArray[np.bool_]
DrawSome = Callable[[int, Int64Array, Int64Array], tuple[Ints, Ints, Int32Array, Bools]]
"""Draws the graphs of a seed, int64[G] indices and int64[G] attempts.

It returns how many nodes and edges each has, the edges int32[E, 2] of all, and whether each was cut.
"""


def draw_in_turn(draw: DrawSome, asked: tuple[Int64Array, Int64Array], *, seed: int, together: int) -> Iterator[Drawn]:
    """Draw one graph for each pair of index and attempt.

    Args:
        draw: of some graphs.
        asked: indices int64[G] and attempts int64[G].
        seed: >= 0.
        together: how many are handed over at a time.
    """
    indices, attempts = asked
    for first in range(0, len(indices), together):
        places = np.arange(first, min(first + together, len(indices)))
        num_nodes, num_edges, edges, cut = draw(seed, indices[places], attempts[places])
        graphs = GraphSet.from_flat(num_nodes, np.repeat(places - first, num_edges), edges)
        yield Drawn(places, graphs, np.array(cut, np.bool_))


def one_by_one(draw: Callable[[int, int, int], tuple[int, Int32Array, bool]]) -> DrawSome:
    """What draws some graphs by drawing each: its number of nodes, edges int32[m, 2], and whether it was cut."""

    def draw_some(seed: int, indices: Int64Array, attempts: Int64Array) -> tuple[Ints, Ints, Int32Array, Bools]:
        drawn = [draw(seed, int(index), int(attempt)) for index, attempt in zip(indices, attempts, strict=True)]
        num_nodes, edges, cut = zip(*drawn, strict=True)
        return num_nodes, [len(own) for own in edges], np.concatenate(edges), cut

    return draw_some
