"""Graphs that are drawn one after the other, each by itself, and handed over some at a time."""

from collections.abc import Callable, Iterator

import numpy as np

from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.models.family import Drawn

DrawOne = Callable[[int, int, int], tuple[int, Int32Array, bool]]
"""Draws the graph of (seed, index, attempt): its number of nodes, edges int32[m, 2], and whether it was cut."""


def draw_in_turn(draw: DrawOne, asked: tuple[Int64Array, Int64Array], *, seed: int, together: int) -> Iterator[Drawn]:
    """Draw one graph for each pair of index and attempt.

    Args:
        draw: of one graph.
        asked: indices int64[G] and attempts int64[G].
        seed: >= 0.
        together: how many are handed over at a time.
    """
    indices, attempts = asked
    for first in range(0, len(indices), together):
        places = np.arange(first, min(first + together, len(indices)))
        drawn = [draw(seed, int(indices[place]), int(attempts[place])) for place in places]
        num_nodes, edges, cut = zip(*drawn, strict=True)
        graph_of_edge = np.repeat(places - first, [len(own) for own in edges])
        yield Drawn(places, GraphSet.from_flat(num_nodes, graph_of_edge, np.concatenate(edges)), np.array(cut, np.bool_))
