"""Of many drawn graphs those that together have the sizes, degrees and clustering that they should.

Legend: M graphs, P of them chosen, F features.
"""

import numpy as np

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orbits import node_triangles
from gengraph.large.cells import FloatArray
from gengraph.seeded import Stream

_BINS = 40  # of each distribution
_EXCHANGES = 16  # that are tried for each chosen graph
_OTHERS = 128  # graphs that it is compared with


def features(pieces: GraphSet, outside: Int64Array, bounds: Int64Array) -> FloatArray:
    """float64[M, F]: how many nodes of a graph there are, with a degree above each bound, and with a clustering above i / 40.

    In units such that the differences between two sums over graphs are the areas between the distributions, in edges and in
    thirtieths of the clustering; and the ends of links.

    Args:
        pieces: M graphs.
        outside: int64[N], links of each node to other graphs; they count as neighbours without triangles.
        bounds: int64[B], ascending.
    """
    degree = pieces.degrees() + outside
    clustering = 2 * node_triangles(pieces) / np.maximum(degree * (degree - 1), 1)
    steps = (np.arange(_BINS) + 0.5) / _BINS
    columns = [
        np.ones((len(degree), 1)),
        (degree[:, None] > bounds) * np.diff(bounds, append=bounds[-1] + 1),
        (clustering[:, None] > steps) * (30 / _BINS),
        outside[:, None],
    ]
    sums = np.cumsum(np.concatenate([np.zeros((1, 2 + len(bounds) + _BINS)), np.hstack(columns)]), axis=0)
    return np.asarray(np.diff(sums[pieces.node_offsets], axis=0))


def bounds_of(degrees: Int64Array) -> Int64Array:
    """int64[B], bounds of degrees: all that there are, or 40 with about as many nodes between any two, and the largest."""
    bounds = np.unique(degrees)
    if len(bounds) > _BINS:
        bounds = np.unique(np.quantile(degrees, np.linspace(0, 1, _BINS), method="lower").astype(np.int64))
    return np.asarray(bounds)


def chosen(found: FloatArray, target: FloatArray, count: int, seed: int) -> Int64Array:
    """int64[P], which graphs have features that sum to about a target, found by exchanges that bring the sum nearer.

    O(P F) time; of P = M there is one choice.

    Args:
        found: float64[M, F].
        target: float64[F].
        count: P <= M.
        seed: of where the search begins, and what it tries.
    """
    stream = Stream(seed, 3)
    order = stream.permutation(len(found))
    taken, others = order[:count], order[count:]
    away = found[taken].sum(axis=0) - target
    tried = stream.uniforms(2 * _EXCHANGES * count if len(others) else 0).reshape(-1, 2)
    for place, start in (tried * [count, len(others)]).astype(np.int64).tolist():
        window = slice(start, start + _OTHERS)
        after = away - found[taken[place]] + found[others[window]]
        distance = np.abs(after).sum(axis=1)
        best = int(distance.argmin())
        if distance[best] < np.abs(away).sum():
            taken[place], others[start + best] = others[start + best], taken[place]
            away = after[best]
    return np.sort(taken)
