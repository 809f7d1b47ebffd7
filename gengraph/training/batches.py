"""Which graphs come together: the batches of an epoch, and chunks of graphs of like size."""

from typing import Any

import numpy as np

from gengraph.graphs import GraphSet, Int64Array
from gengraph.seeded import Stream

VALIDATION_GRAPHS = 2048  # of a larger validation part a sample of so many is evaluated
NUM_GROUPS = 16  # of the sample, whose means tell how sure their mean is
_BATCHES_A_POOL = 4  # graphs of so many batches are sorted by size before they are cut into batches


def batch_indices(num_nodes: np.ndarray[Any, Any], batch_size: int, *, seed: int, epoch: int) -> list[Int64Array]:
    """The batches of one epoch: graphs shuffled, sorted by size in pools of a few batches, batches shuffled.

    Every batch has exactly min(batch_size, graphs) graphs; the few that are left over, drawn at random, sit this epoch out.
    """
    stream = Stream(seed, epoch)
    order = stream.permutation(len(num_nodes))
    size = min(batch_size, len(order))
    order = order[: len(order) - len(order) % size]
    pool = np.arange(len(order)) // (size * _BATCHES_A_POOL)
    batches = order[np.lexsort((num_nodes[order], pool))].reshape(-1, size)
    return list(batches[stream.permutation(len(batches))])


def size_chunks(num_nodes: np.ndarray[Any, Any], size: int) -> list[Int64Array]:
    """The indices of graphs of int[G] nodes, at most `size` at a time, graphs of like size together."""
    order = np.argsort(num_nodes, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def validation_sample(graphs: GraphSet, *, seed: int) -> GraphSet:
    """The validation graphs that are evaluated: all, or VALIDATION_GRAPHS drawn with the seed, the same at every evaluation."""
    if len(graphs) <= VALIDATION_GRAPHS:
        return graphs
    return graphs[Stream(seed, 1).permutation(len(graphs))[:VALIDATION_GRAPHS]]
