"""The pieces of a graph: its communities, each cut into connected components.

Communities are found by Louvain's method [1]: nodes move to the neighbouring community that raises the modularity [2] most
until none does; then communities become nodes, and so on. The resolution [3] weighs what is expected by chance. Compiled, with
streams of our own: the same graph has the same pieces on every machine.

Legend: n nodes of a graph, E directed edges of a graph, N nodes of a graph set, C communities.

References:
    1. V. D. Blondel, J.-L. Guillaume, R. Lambiotte, E. Lefebvre. Fast unfolding of communities in large networks. 2008.
    2. M. E. J. Newman, M. Girvan. Finding and evaluating community structure in networks. Physical Review E 69, 2004.
    3. J. Reichardt, S. Bornholdt. Statistical mechanics of community detection. Physical Review E 74, 2006.
"""

from typing import Any

import numba as nb
import numpy as np

from gengraph.graphs import Int32Array, Int64Array
from gengraph.graphs.orderings import Adjacency
from gengraph.streams import State, below, key_of

_TRIES = 5  # communities are the best of so many runs, by modularity
_LEAST_GAIN = 1e-9  # of a move, in edges


def find_pieces(adjacency: Adjacency, resolution: float, *, seed: int) -> Int32Array:
    """int32[N]: the number of each node's piece, from 0 on in each graph.

    O(N + E) in practice for each of a few runs. What is drawn hangs on the seed and the graph's structure alone.

    Args:
        adjacency: of a graph set.
        resolution: >= 0; 1 is modularity as it was first defined, less makes larger communities, 0 whole components.
        seed: >= 0.
    """
    pieces = np.empty(adjacency.node_offsets[-1], np.int32)
    _find_pieces(adjacency.arrays, resolution, seed, pieces)
    return pieces


@nb.njit(cache=True)
def _find_pieces(adjacency: Any, resolution: float, seed: int, pieces: Int32Array) -> None:
    node_offsets, indptr, neighbours = adjacency
    state = np.empty(1, np.uint64)
    for g in range(node_offsets.shape[0] - 1):
        own = indptr[node_offsets[g] : node_offsets[g + 1] + 1]
        best, highest = np.zeros(own.shape[0] - 1, np.int32), -np.inf
        for run in range(_TRIES):
            state[0] = key_of(seed, run, 0)
            found = louvain(own, neighbours, resolution, state)
            quality = modularity(own, neighbours, found, resolution)
            if quality > highest + _LEAST_GAIN:
                best, highest = found, quality
        pieces[node_offsets[g] : node_offsets[g + 1]] = connected_pieces(own, neighbours, best)


@nb.njit(cache=True)
def louvain(indptr: Int64Array, neighbours: Int32Array, resolution: float, state: State) -> Int32Array:
    """int32[n]: the community of each node, by one run.

    Args:
        indptr: int64[n + 1] into neighbours, of this graph's nodes.
        neighbours: int32[E'] of the whole set.
        resolution: >= 0.
        state: uint64[1], a random stream, advanced.
    """
    n = indptr.shape[0] - 1
    labels = np.arange(n).astype(np.int32)
    ends = indptr[n] - indptr[0]
    graph = indptr - indptr[0], neighbours[indptr[0] : indptr[n]].copy(), np.ones(ends, np.int64), np.zeros(n, np.int64)
    while True:
        communities, count = _move_nodes(graph, resolution, state)
        for i in range(n):
            labels[i] = communities[labels[i]]
        if count == graph[3].shape[0]:
            return labels
        graph = _merge(graph, communities, count)


@nb.njit(cache=True)
def _move_nodes(graph: Any, resolution: float, state: State) -> Any:
    """The community of each node of a weighted graph, numbered from 0 on, and how many there are."""
    indptr, _, _, loops = graph
    n = loops.shape[0]
    degree, community, whole = loops.copy(), np.arange(n).astype(np.int32), 0
    for i in range(n):
        for e in range(indptr[i], indptr[i + 1]):
            degree[i] += graph[2][e]
        whole += degree[i]
    total, scale = degree.copy(), resolution / max(1, whole)
    order, weights = np.arange(n), np.zeros(n, np.int64)
    for i in range(n - 1, 0, -1):
        j = below(state, i + 1)
        order[i], order[j] = order[j], order[i]
    moved = True
    while moved:
        moved = False
        for i in order:
            former = community[i]
            total[former] -= degree[i]
            community[i] = _best_community(i, graph, community, scale * degree[i], (total, weights))
            total[community[i]] += degree[i]
            moved = moved or community[i] != former
    return _numbered(community)


@nb.njit(cache=True)
def _best_community(i: int, graph: Any, community: Int32Array, cost: float, room: Any) -> Any:
    """Where node i is best off; it stays where it is unless another one is better. room: totals, and weights that are all 0."""
    indptr, neighbours, weight, _ = graph
    total, weights = room
    for e in range(indptr[i], indptr[i + 1]):
        weights[community[neighbours[e]]] += weight[e]
    best = community[i]
    highest = weights[best] - cost * total[best]
    for e in range(indptr[i], indptr[i + 1]):
        other = community[neighbours[e]]
        gain = weights[other] - cost * total[other]
        if gain > highest + _LEAST_GAIN:
            best, highest = other, gain
    for e in range(indptr[i], indptr[i + 1]):
        weights[community[neighbours[e]]] = 0
    return best


@nb.njit(cache=True)
def _numbered(labels: Int32Array) -> tuple[Int32Array, Any]:
    """Labels 0..n-1 numbered by first appearance, and how many there are."""
    names, count = np.full(labels.shape[0], -1, np.int32), 0
    for i in range(labels.shape[0]):
        if names[labels[i]] < 0:
            names[labels[i]] = count
            count += 1
        labels[i] = names[labels[i]]
    return labels, count


@nb.njit(cache=True)
def _by_label(labels: Int32Array, count: int) -> Int64Array:
    """int64[n]: the nodes by their label in 0..count-1."""
    place, nodes = np.zeros(count + 1, np.int64), np.empty(labels.shape[0], np.int64)
    for i in range(labels.shape[0]):
        place[labels[i] + 1] += 1
    for c in range(count):
        place[c + 1] += place[c]
    for i in range(labels.shape[0]):
        nodes[place[labels[i]]] = i
        place[labels[i]] += 1
    return nodes


@nb.njit(cache=True)
def _merge(graph: Any, community: Int32Array, count: int) -> Any:
    """The weighted graph whose nodes are the communities: indptr, neighbours, weights, weights of loops (both directions)."""
    indptr, neighbours, weight, loops = graph
    members = _by_label(community, count)
    merged, to = np.zeros(count + 1, np.int64), np.empty(neighbours.shape[0], np.int32)
    weights, own, sums = np.empty(neighbours.shape[0], np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64)
    filled, m = 0, 0
    for c in range(count):
        start = filled
        while m < members.shape[0] and community[members[m]] == c:
            i = members[m]
            own[c] += loops[i]
            for e in range(indptr[i], indptr[i + 1]):
                other = community[neighbours[e]]
                if other == c:
                    own[c] += weight[e]
                    continue
                if sums[other] == 0:
                    to[filled] = other
                    filled += 1
                sums[other] += weight[e]
            m += 1
        for e in range(start, filled):
            weights[e], sums[to[e]] = sums[to[e]], 0
        merged[c + 1] = filled
    return merged, to[:filled].copy(), weights[:filled].copy(), own


@nb.njit(cache=True)
def modularity(indptr: Int64Array, neighbours: Int32Array, labels: Int32Array, resolution: float) -> Any:
    """The modularity of a partition int32[n], -inf <= Q < 1; 0 of a graph without edges."""
    n = labels.shape[0]
    num_ends = indptr[n] - indptr[0]
    if num_ends == 0:
        return 0.0
    total, inside, expected = np.zeros(n, np.int64), 0, 0.0
    for i in range(n):
        total[labels[i]] += indptr[i + 1] - indptr[i]
        for e in range(indptr[i], indptr[i + 1]):
            inside += labels[neighbours[e]] == labels[i]
    for c in range(n):
        expected += (total[c] / num_ends) ** 2
    return inside / num_ends - resolution * expected


@nb.njit(cache=True)
def connected_pieces(indptr: Int64Array, neighbours: Int32Array, labels: Int32Array) -> Int32Array:
    """int32[n]: the connected parts of every community, numbered from 0 on."""
    n = labels.shape[0]
    pieces, stack, count = np.full(n, -1, np.int32), np.empty(n, np.int32), 0
    for root in range(n):
        if pieces[root] >= 0:
            continue
        pieces[root], stack[0], left = count, root, 1
        while left:
            left -= 1
            i = stack[left]
            for e in range(indptr[i], indptr[i + 1]):
                other = neighbours[e]
                if pieces[other] < 0 and labels[other] == labels[i]:
                    pieces[other], stack[left] = count, other
                    left += 1
        count += 1
    return pieces
