"""The neighbourhood subgraph pairwise distance kernel (NSPDK) as explicit features of labelled graphs.

A feature is a pair of nodes at a distance d <= D with the neighbourhoods of radius r <= R around both, and another the
neighbourhood of the second node alone. Neighbourhoods are equal if at each distance from the root the same nodes (label and
degree) and the same edges (label, and direction as seen from the nearer end) stand. The features of each (r, d) are brought to
norm 1, then all together [1]. R = D = 4 and these features are those of the package EDeN with `complexity=4`, by which [2] and
later papers compare molecules; there features share 2^16 columns, here 2^30, so that values differ by the collisions.

Legend: G graphs, n nodes of one graph, b nodes within distance D of a node.

References:
    [1] F. Costa and K. De Grave, Fast neighborhood subgraph pairwise distance kernel, ICML 2010.
    [2] N. Goyal, H. V. Jain and S. Ranu, GraphGen: a scalable approach to domain-agnostic labeled graph generation, WWW 2020.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from scipy import sparse

from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.graphs.matching import arrays_of, neighbours_of, turned
from gengraph.metrics.statistics import FeatureRows
from gengraph.streams import mix

RADIUS = DISTANCE = 4
COLUMNS = 1 << 30
_NODE, _EDGE, _PAIR, _HALF = (np.uint64(k * 0x9E3779B97F4A7C15 % 2**64) for k in (1, 3, 5, 7))


def nspdk_features(graphs: GraphSet, *, radius: int = RADIUS, distance: int = DISTANCE) -> FeatureRows:
    """The features of each graph, a row of norm 1 each, so that their products are the kernel.

    Args:
        graphs: any; labels and directions count where there are some. A graph without nodes has one feature of its own.
        radius: R, >= 0.
        distance: D, >= 0.

    Complexity: O(n b (R + log n b)) time and 24 n b R bytes for the largest graph.
    """
    arrays = arrays_of(graphs)
    found = [_features(g, arrays, radius, distance) for g in range(len(graphs))]
    offsets = np.cumsum([0, *(len(keys) for keys, _ in found)])
    keys = np.concatenate([keys for keys, _ in found] or [np.zeros(0, np.uint64)])
    values = np.concatenate([values for _, values in found] or [np.zeros(0)])
    columns = (keys >> np.uint64(34)).astype(np.int32)
    matrix = sparse.csr_array((values, columns, offsets), shape=(len(graphs), COLUMNS))
    matrix.sum_duplicates()
    return FeatureRows(matrix)


@nb.njit(cache=True)
def _features(g: int, graphs: Any, radius: int, distance: int) -> Any:
    """Hashes of the different features of graph g of a set in `arrays_of`, uint64, and their values, float64."""
    pointers, neighbours, seen, own_labels = neighbours_of(g, *graphs)
    n = own_labels.shape[0]
    if n == 0:
        return np.zeros(1, np.uint64), np.ones(1)
    hashes, reach = np.zeros((n, radius + 1), np.uint64), np.empty(n, np.int64)
    depth, queue, num_pairs = np.full(n, -1, np.int64), np.empty(n, np.int64), 0
    for root in range(n):
        count = _search(root, max(radius, distance), pointers, neighbours, depth, queue)
        reach[root] = min(depth[queue[count - 1]], radius)
        num_pairs += (depth[queue[:count]] <= distance).sum()
        _neighbourhoods(queue[:count], depth, pointers, neighbours, seen, own_labels, hashes[root])
        depth[queue[:count]] = -1
    size = 2 * num_pairs * (radius + 1)
    keys, kinds, filled = np.empty(size, np.uint64), np.empty(size, np.int64), 0
    for root in range(n):
        count = _search(root, distance, pointers, neighbours, depth, queue)
        for other in queue[:count]:
            for r in range(min(reach[root], reach[other]) + 1):
                here, there = hashes[root, r], hashes[other, r]
                kind = r * (distance + 1) + depth[other]
                name = np.uint64(kind + 1)
                keys[filled] = mix(mix(min(here, there) + _PAIR * name) + max(here, there))
                keys[filled + 1] = mix(there + _HALF * name)
                kinds[filled] = kinds[filled + 1] = kind
                filled += 2
        depth[queue[:count]] = -1
    return _normalised(keys[:filled], kinds[:filled], (radius + 1) * (distance + 1))


@nb.njit(cache=True)
def _search(root: int, limit: int, pointers: Int64Array, neighbours: Int32Array, depth: Int64Array, queue: Int64Array) -> int:
    """Nodes within a distance: `queue` gets them by distance, `depth` (-1 before) their distances; how many there are."""
    queue[0], depth[root], count, place = root, 0, 1, 0
    while place < count:
        node = queue[place]
        place += 1
        if depth[node] == limit:
            break
        for e in range(pointers[node], pointers[node + 1]):
            other = neighbours[e]
            if depth[other] < 0:
                depth[other] = depth[node] + 1
                queue[count] = other
                count += 1
    return count


@nb.njit(cache=True)
def _neighbourhoods(
    nodes: Int64Array,
    depth: Int64Array,
    pointers: Int64Array,
    neighbours: Int32Array,
    marks: Int32Array,
    labels: Int32Array,
    hashes: npt.NDArray[np.uint64],
) -> None:
    """Fill in the hash of the neighbourhood of each radius around a root, whose nodes stand by distance."""
    total, place = np.uint64(0), 0
    for r in range(hashes.shape[0]):
        of_nodes = of_edges = np.uint64(0)
        begin = place
        while place < nodes.shape[0] and depth[nodes[place]] == r:
            node = nodes[place]
            degree = pointers[node + 1] - pointers[node]
            of_nodes += mix(np.uint64(labels[node]) * _NODE + mix(np.uint64(degree) + _NODE))
            place += 1
        if begin == place:
            break
        total = hashes[r] = mix(total + mix(of_nodes + _NODE))
        for node in nodes[begin:place]:
            for e in range(pointers[node], pointers[node + 1]):
                other = neighbours[e]
                if depth[other] == r and other > node:  # both ends are as near: no end's view goes before the other's
                    of_edges += mix(np.uint64(min(marks[e], turned(marks[e]))) + _EDGE)
                elif depth[other] > r or depth[other] < 0:
                    of_edges += mix(np.uint64(marks[e]) + _EDGE)
        total = mix(total + mix(of_edges + _EDGE))


@nb.njit(cache=True)
def _normalised(
    keys: npt.NDArray[np.uint64], kinds: Int64Array, num_kinds: int
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.float64]]:
    """The different keys with their numbers: brought to norm 1 within each kind, then all together."""
    order = np.argsort(keys)
    different, of_kind = np.empty(keys.shape[0], np.uint64), np.empty(keys.shape[0], np.int64)
    counts, squares, last = np.zeros(keys.shape[0]), np.zeros(num_kinds), -1
    for i in order:
        if last < 0 or keys[i] != different[last]:
            last += 1
            different[last], of_kind[last] = keys[i], kinds[i]
        counts[last] += 1
    for k in range(last + 1):
        squares[of_kind[k]] += counts[k] ** 2
    norm = np.sqrt(float((squares > 0).sum()))
    for k in range(last + 1):
        counts[k] /= np.sqrt(squares[of_kind[k]]) * norm
    return different[: last + 1], counts[: last + 1]
