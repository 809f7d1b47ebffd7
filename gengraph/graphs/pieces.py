"""Pieces of a graph set, and the place where what is computed of each may be spread over processes."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from gengraph.graphs.graphset import GraphSet

Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Like the built-in `map`: apply a function that pickles to each item, results in order. The place for worker processes."""

CHUNK_NODES = 1 << 14


def chunks(graphs: GraphSet, *, num_nodes: int | None = None) -> list[GraphSet]:
    """The graphs in order, in pieces that begin within the same `num_nodes` nodes (by default CHUNK_NODES); at least one piece.

    No edge is copied.
    """
    piece = graphs.node_offsets[:-1] // (CHUNK_NODES if num_nodes is None else num_nodes)
    bounds = [*np.flatnonzero(np.diff(piece, prepend=-1)).tolist(), len(graphs)]
    return [graphs[start:stop] for start, stop in pairwise(bounds)] or [graphs]
