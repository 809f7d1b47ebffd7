"""Which resolution suits a graph set: the one at which communities that are found with different seeds agree most.

Where a graph has communities, runs that start differently find the same ones; where the resolution asks for larger or smaller
ones, they merge or cut what they happen to [1]. The partition into one piece, and that into single nodes, agree with
themselves whatever the graph is: they say nothing, and count as no agreement.

References:
    1. R. Lambiotte. Multi-scale modularity and dynamics in complex networks. 2013.
    2. L. Hubert, P. Arabie. Comparing partitions. Journal of Classification 2, 1985.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int32Array
from gengraph.graphs.orderings import Adjacency
from gengraph.models.blocks.pieces import find_pieces

RESOLUTIONS = (0.3, 0.5, 0.7, 0.85, 1.0, 1.3)
_MOST_GRAPHS = 100  # that are looked at
_SEEDS = 3
_LEAST = 0.6  # below, graphs have no communities to speak of, and are not cut
_NEAR = 1e-3  # agreements that differ by less are level


def agreements(graphs: GraphSet, *, seed: int) -> dict[float, float]:
    """By resolution the mean agreement of pieces that are found with different seeds, each pair of seeds, each graph alike.

    Args:
        graphs: at least one; if there are more than a hundred, a hundred of them are looked at, evenly spaced.
        seed: of the communities.
    """
    if len(graphs) > _MOST_GRAPHS:
        graphs = graphs[np.linspace(0, len(graphs) - 1, _MOST_GRAPHS).astype(np.int64)]
    adjacency = Adjacency.of(graphs)
    found = {}
    for resolution in RESOLUTIONS:
        pieces = [find_pieces(adjacency, resolution, seed=seed + run) for run in range(_SEEDS)]
        pairs = [(pieces[i], pieces[j]) for i in range(_SEEDS) for j in range(i)]
        parts = [adjusted_rand(*(p[a:b] for p in pair)) for pair in pairs for a, b in pairwise(adjacency.node_offsets)]
        found[resolution] = float(np.mean(parts))
    return found


def best_resolution(agreement: dict[float, float]) -> float:
    """The resolution of the highest agreement, the middle one of those that are level with it; 0 if there is no agreement."""
    highest = max(agreement.values())
    if highest < _LEAST:
        return 0.0
    level = sorted(resolution for resolution, value in agreement.items() if value >= highest - _NEAR)
    return level[len(level) // 2]


def adjusted_rand(first: Int32Array, second: Int32Array) -> float:
    """The adjusted Rand index [2] of two partitions int32[n], <= 1, 0 expected by chance; 0 too if both say nothing."""
    both = np.unique(first.astype(np.int64) * (int(second.max()) + 1) + second, return_counts=True)[1]
    same = _pairs(both)
    of_first, of_second = (_pairs(np.bincount(labels)) for labels in (first, second))
    expected = of_first * of_second / max(_pairs(np.array([len(first)])), 1.0)
    highest = (of_first + of_second) / 2
    return 0.0 if highest == expected else (same - expected) / (highest - expected)


def _pairs(counts: npt.NDArray[np.int64]) -> float:
    return float((counts * (counts - 1) // 2).sum())
