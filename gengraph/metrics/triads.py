"""The census of triads of directed graphs: which of 16 kinds each three nodes are of.

References:
    [1] P. Holland and S. Leinhardt, A method for detecting structure in sociometric data, American Journal of Sociology 76,
        1970.
    [2] V. Batagelj and A. Mrvar, A subquadratic triad census algorithm for large sparse networks with small maximum degree,
        Social Networks 23, 2001.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.schema import BOTH
from gengraph.metrics.statistics import FloatArray

NAMES = (
    *("003", "012", "102", "021D", "021U", "021C", "111D", "111U"),
    *("030T", "030C", "201", "120D", "120U", "120C", "210", "300"),
)
"""The kinds: pairs joined both ways, one way and not at all; then down, up, transitive or cyclic."""
CONNECTED = slice(3, None)
# The kind of each of the 64 triads: 1 for an edge from v to u, 2 from u to v, 4 v w, 8 w v, 16 u w, 32 w u.
_KINDS = np.array(
    [
        *(0, 1, 1, 2, 1, 3, 5, 7, 1, 5, 4, 6, 2, 7, 6, 10, 1, 5, 3, 7, 4, 8, 8, 12, 5, 9, 8, 13, 6, 13, 11, 14),
        *(1, 4, 5, 6, 5, 8, 9, 13, 3, 8, 8, 11, 7, 12, 13, 14, 2, 6, 7, 10, 6, 11, 13, 14, 7, 13, 12, 14, 10, 14, 14, 15),
    ]
)


def triad_census(graphs: GraphSet) -> Int64Array:
    """How many triads of each graph are of each kind of NAMES [1].

    Returns:
        int64[G, 16]; rows sum to n (n - 1) (n - 2) / 6. Edges of an undirected set go both ways.

    Complexity: O(m d) time for m edges and the largest degree d [2].
    """
    directions = np.full(len(graphs.edges), BOTH, np.int8) if graphs.directions is None else graphs.directions
    ends = graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]
    node, neighbour = np.concatenate([ends, ends[:, ::-1]]).T
    ways = np.concatenate([directions, directions // 2 + directions % 2 * 2])  # 1 goes out, 2 comes in
    order = np.lexsort((neighbour, node))
    pointers = np.searchsorted(node[order], np.arange(int(graphs.node_offsets[-1]) + 1))
    return np.asarray(_census(graphs.node_offsets, pointers, neighbour[order], ways[order], _KINDS))


def connected_triads(graphs: GraphSet) -> FloatArray:
    """float64[G, 13], counts of the triads that are connected: of most graphs nearly all others are of the first kinds."""
    return triad_census(graphs)[:, CONNECTED].astype(np.float64)


@nb.njit(cache=True)
def _census(
    node_offsets: Int64Array, pointers: Int64Array, neighbours: Int64Array, ways: npt.NDArray[np.int8], kinds: Int64Array
) -> Int64Array:
    census = np.zeros((node_offsets.shape[0] - 1, 16), np.int64)
    for g in range(census.shape[0]):
        n = node_offsets[g + 1] - node_offsets[g]
        for v in range(node_offsets[g], node_offsets[g + 1]):
            for e in range(pointers[v], pointers[v + 1]):
                if neighbours[e] > v:
                    others = _count_joined(v, e, (pointers, neighbours, ways), kinds, census[g])
                    census[g, 2 if ways[e] == BOTH else 1] += n - others - 2
        census[g, 0] = n * (n - 1) * (n - 2) // 6 - census[g, 1:].sum()
    return census


@nb.njit(cache=True)
def _count_joined(v: int, e: int, adjacency: Any, kinds: Int64Array, census: Int64Array) -> int:
    """How many further nodes are joined to v, to its neighbour number e, u > v, or to both.

    Triads with them are counted where v and u are the first of their pairs that are joined.
    """
    pointers, neighbours, ways = adjacency
    u, count = neighbours[e], 0
    i, j = pointers[v], pointers[u]
    while i < pointers[v + 1] or j < pointers[u + 1]:
        of_v = neighbours[i] if i < pointers[v + 1] else np.int64(2**62)
        of_u = neighbours[j] if j < pointers[u + 1] else np.int64(2**62)
        w = min(of_v, of_u)
        from_v = from_u = np.int64(0)
        if of_v == w:
            from_v = np.int64(ways[i])
            i += 1
        if of_u == w:
            from_u = np.int64(ways[j])
            j += 1
        if w in (v, u):
            continue
        count += 1
        if u < w or (v < w and from_v == 0):
            census[kinds[ways[e] + 4 * from_v + 16 * from_u]] += 1
    return count
