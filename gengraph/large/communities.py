"""Communities of a graph: Louvain's partitions, and the one of them that describes the graph in the fewest nats.

Legend: n nodes, E edges, B communities.

References:
    [1] V. Blondel, J.-L. Guillaume, R. Lambiotte and E. Lefebvre, "Fast unfolding of communities in large networks", Journal of
        Statistical Mechanics (2008).
    [2] T. Peixoto, "Nonparametric Bayesian inference of the microcanonical stochastic block model", Physical Review E
        95 (2017).
"""

import numpy as np
from numba import njit
from scipy import sparse, special

from gengraph.graphs import GraphSet, Int32Array, Int64Array

_PASSES = 20
_FEW = 0.01  # share of nodes that move at which a level ends


def best_communities(graph: GraphSet) -> Int64Array:
    """int64[n], the community of each node of one graph, 0..B-1.

    Of one community and the levels of Louvain's method [1] that with the least description length under the degree-corrected
    stochastic block model; nodes in their order, nothing is random. O(E) time a pass over the edges, of which there are some
    tens, and O(n + E) memory.
    """
    partitions = [np.zeros(int(graph.num_nodes[0]), np.int64), *louvain(graph)]
    return min(partitions, key=lambda communities: description_length(graph, communities))


def louvain(graph: GraphSet) -> list[Int64Array]:
    """The partition int64[n] after each level, coarser and coarser; none of a graph without edges."""
    matrix = graph.to_csr()
    matrix = sparse.csr_array((np.ones(len(matrix.indices), np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
    levels: list[Int64Array] = []
    while matrix.nnz:
        strength = np.asarray(matrix.sum(axis=1, dtype=np.float64)).ravel()
        moved = _moved(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data, strength)
        names, community = np.unique(moved, return_inverse=True)
        if len(names) == matrix.shape[0]:
            break
        levels.append(community[levels[-1]] if levels else community)
        ends = np.repeat(community, np.diff(matrix.indptr)), community[matrix.indices]
        matrix = sparse.coo_array((matrix.data, ends), shape=(len(names), len(names))).tocsr()
    return levels


@njit(cache=True)
def _moved(pointers: Int64Array, neighbours: Int32Array, weights: np.ndarray, strength: np.ndarray) -> Int64Array:
    """int64[n]: nodes that each begin alone move, in their order, to the neighbouring community where modularity gains most."""
    num_nodes = len(strength)
    community, total = np.arange(num_nodes), strength.copy()
    towards = np.zeros(num_nodes)
    twice = strength.sum()
    for _ in range(_PASSES):
        moves = 0
        for node in range(num_nodes):
            own = community[node]
            total[own] -= strength[node]
            for place in range(pointers[node], pointers[node + 1]):
                if neighbours[place] != node:
                    towards[community[neighbours[place]]] += weights[place]
            best, most = own, towards[own] - strength[node] * total[own] / twice
            for place in range(pointers[node], pointers[node + 1]):
                other = community[neighbours[place]]
                gain = towards[other] - strength[node] * total[other] / twice
                if gain > most + 1e-9:
                    best, most = other, gain
            for place in range(pointers[node], pointers[node + 1]):
                towards[community[neighbours[place]]] = 0.0
            total[best] += strength[node]
            community[node] = best
            moves += best != own
        if moves <= _FEW * num_nodes:
            break
    return community


def edges_of_communities(graph: GraphSet, communities: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Pairs of communities r <= s with edges between them, int64[P, 2] in order, and how many, int64[P]."""
    width = int(communities.max(initial=0)) + 1
    low, high = np.sort(communities[graph.edges], axis=1).T
    keys, counts = np.unique(low * width + high, return_counts=True)
    return np.stack([keys // width, keys % width], axis=1), counts


def description_length(graph: GraphSet, communities: Int64Array) -> float:
    """Nats that edges, their numbers between communities, and communities take, but for what depends on degrees alone [2]."""
    pairs, counts = edges_of_communities(graph, communities)
    sizes = np.bincount(communities).astype(np.float64)
    ends = np.bincount(pairs.ravel(), np.repeat(counts, 2), len(sizes))
    num_nodes, num_edges, cells = sizes.sum(), counts.sum(), len(sizes) * (len(sizes) + 1) / 2
    within = pairs[:, 0] == pairs[:, 1]
    of_edges = special.gammaln(ends + 1).sum() - special.gammaln(counts + 1).sum()
    of_edges -= (np.log(2.0) * counts[within]).sum()
    of_numbers = special.gammaln(cells + num_edges) - special.gammaln(cells) - special.gammaln(num_edges + 1)
    of_nodes = special.gammaln(num_nodes + 1) - special.gammaln(sizes + 1).sum() + np.log(num_nodes)
    of_nodes += special.gammaln(num_nodes) - special.gammaln(len(sizes)) - special.gammaln(num_nodes - len(sizes) + 1)
    of_degrees = (special.gammaln(sizes + ends) - special.gammaln(ends + 1) - special.gammaln(sizes)).sum()
    return float(of_edges + of_numbers + of_nodes + of_degrees)
