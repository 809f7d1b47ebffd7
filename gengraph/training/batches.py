"""Which graphs come together: the batches of an epoch, and chunks of graphs of like size."""

from typing import Any

import numpy as np

from gengraph.graphs import GraphSet, Int64Array
from gengraph.streams import Stream

_BATCHES_A_POOL = 4  # graphs of so many batches are sorted by size before they are cut into batches


def batch_indices(num_nodes: np.ndarray[Any, Any], batch_size: int, *, seed: int, epoch: int) -> list[Int64Array]:
    """The batches of one epoch: graphs shuffled, sorted by size in pools of a few batches, batches shuffled.

    Every batch has exactly min(batch_size, graphs) graphs; the few that are left over, drawn at random, sit this epoch out.
    """
    stream = Stream(seed, epoch)
    order = stream.permutation(len(num_nodes))
    size = min(batch_size, len(order))
    order = order[: len(order) - len(order) % size]
    pools = (order[start : start + size * _BATCHES_A_POOL] for start in range(0, len(order), size * _BATCHES_A_POOL))
    by_size = [pool[np.argsort(num_nodes[pool], kind="stable")] for pool in pools]
    batches = [batch for pool in by_size for batch in np.split(pool, len(pool) // size)]
    return [batches[i] for i in stream.permutation(len(batches))]


def size_chunks(graphs: GraphSet, size: int) -> list[Int64Array]:
    """The indices of graphs, at most `size` at a time, graphs of like size together."""
    order = np.argsort(graphs.num_nodes, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]
