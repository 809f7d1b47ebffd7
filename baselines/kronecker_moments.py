"""Fit a stochastic Kronecker graph by its moments: the expected counts of four small subgraphs.

References:
    [1] D. Gleich and A. Owen, "Moment-based estimation of stochastic Kronecker graph parameters", Internet Mathematics 8
        (2012).
    [2] T. Schank and D. Wagner, "Finding, counting and listing all triangles in large graphs", WEA 2005.
"""

import itertools
from math import comb

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.graphs import GraphSet

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

# The coefficients of the four counts in r, d, r^2, r d, q, d^2, r^3, r^2 d, r d^2, d^3, r q, d q, t, trace P^3.
_WEIGHTS = np.array(
    [
        [1 / 2, -1 / 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1 / 2, -1, -1 / 2, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 1 / 6, -1 / 2, 1, -1, -1 / 2, 1 / 2, 1 / 3, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1 / 3, 0, -1 / 2, 0, 1 / 6],
    ]
).T.copy()
_MOVES = np.array(list(itertools.product([0, -1, 1], repeat=3)), np.float64)  # of (a, b, c); staying comes first
_GRID = 12  # points a side of the first, coarse search
_STARTS = 6  # best points of it that are refined
_SMALLEST_STEP = 1e-5
_MAX_ROUNDS = 400


def subgraph_counts(graphs: GraphSet) -> Int64Array:
    """int64[G, 4]: edges, hairpins (paths of two edges), tripins (stars of three edges) and triangles of each graph.

    Complexity O(N + E^1.5) by the forward algorithm [2].
    """
    matrix = graphs.to_csr()
    degree = np.diff(matrix.indptr).astype(np.int64)
    hairpins = degree * (degree - 1) // 2
    tripins = hairpins * (degree - 2) // 3
    source, target = np.repeat(np.arange(len(degree)), degree), matrix.indices
    upwards = (degree[source] < degree[target]) | ((degree[source] == degree[target]) & (source < target))
    starts = np.concatenate([[0], np.cumsum(np.bincount(source[upwards], minlength=len(degree)))])
    triangles = _triangles(starts, target[upwards])
    per_node = np.zeros((len(degree) + 1, 3), np.int64)
    np.cumsum(np.column_stack([hairpins, tripins, triangles]), axis=0, out=per_node[1:])
    return np.column_stack([graphs.num_edges, np.diff(per_node[graphs.node_offsets], axis=0)])


@njit(cache=True)
def _triangles(starts: Int64Array, target: npt.NDArray[np.int32]) -> Int64Array:
    """int64[N]: triangles counted at their lowest node; `target` holds each node's higher neighbours."""
    num_nodes = len(starts) - 1
    triangles = np.zeros(num_nodes, np.int64)
    marked_by = np.full(num_nodes, -1, np.int64)
    for u in range(num_nodes):
        higher = target[starts[u] : starts[u + 1]]
        for v in higher:
            marked_by[v] = u
        for v in higher:
            for w in target[starts[v] : starts[v + 1]]:
                triangles[u] += marked_by[w] == u
    return triangles


@njit(cache=True)
def expected_counts(initiator: Float64Array, levels: int) -> Float64Array:
    """Expected edges, hairpins, tripins and triangles of a stochastic Kronecker graph [1].

    With d the diagonal and r, q, t the row sums of P, P^2 and P^3 (entry by entry) of the whole probability matrix P,
    inclusion and exclusion of equal nodes gives, summed over the nodes,
        edges (r - d) / 2, hairpins (r^2 - 2 r d - q + 2 d^2) / 2,
        tripins (r^3 - 3 r^2 d + 6 r d^2 - 6 d^3 - 3 r q + 3 d q + 2 t) / 6, triangles (trace P^3 - 3 d q + 2 d^3) / 6,
    and the sum of each product over s^k nodes is the k-th power of its sum over the s rows of the initiator.

    Args:
        initiator: float64[s, s], symmetric, entries in 0..1.
        levels: k >= 1.

    Returns:
        float64[4] in the order of `subgraph_counts`; O(s^3).
    """
    sums = np.zeros(len(_WEIGHTS))
    for i in range(len(initiator)):
        d, r, q, t, cycles = initiator[i, i], 0.0, 0.0, 0.0, 0.0
        for j in range(len(initiator)):
            entry = initiator[i, j]
            r += entry
            q += entry**2
            t += entry**3
            for last in range(len(initiator)):
                cycles += entry * initiator[j, last] * initiator[last, i]
        terms = (r, d, r * r, r * d, q, d * d, r**3, r * r * d, r * d * d, d**3, r * q, d * q, t, cycles)
        for term in range(len(terms)):
            sums[term] += terms[term]
    counts: Float64Array = sums**levels @ _WEIGHTS
    return counts


def chance_counts(num_edges: float, num_nodes: int) -> Float64Array:
    """float64[4]: what G(n, p) with as many expected edges has, in the order of `subgraph_counts`; zeros for n < 2."""
    if num_nodes < 2:
        return np.zeros(4)
    p = num_edges / comb(num_nodes, 2)
    stars = [num_nodes * comb(num_nodes - 1, arms) * p**arms for arms in (2, 3)]
    return np.array([num_edges, *stars, comb(num_nodes, 3) * p**3])


def fit_by_moments(counts: Float64Array, scale: Float64Array, levels: int, start: Float64Array | None = None) -> Float64Array:
    """The 2x2 initiator [[a, b], [b, c]], a >= c, whose expected counts are nearest to counts float64[4].

    Minimises the sum of ((expected - counts) / scale)^2 [1] over 0 <= a, b, c <= 1 by a pattern search; deterministic.

    Args:
        counts: float64[4] in the order of `subgraph_counts`.
        scale: float64[4], > 0; the counts themselves weigh every moment by its relative error.
        levels: k >= 1.
        start: float64[2, 2], where to search from; None starts from the best points of a grid over the cube.
    """
    if start is None:
        axis = np.linspace(0, 1, _GRID)
        grid = np.array(list(itertools.product(axis, repeat=3)))
        starts = grid[np.argsort(_objectives(grid, counts, scale, levels), kind="stable")[:_STARTS]]
    else:
        starts = start[np.triu_indices(2)][None]
    points = np.stack([_pattern_search(point, counts, scale, levels) for point in starts])
    a, b, c = points[np.argmin(_objectives(points, counts, scale, levels))]
    return np.array([[max(a, c), b], [b, min(a, c)]])


@njit(cache=True)
def _objectives(points: Float64Array, counts: Float64Array, scale: Float64Array, levels: int) -> Float64Array:
    """float64[Q]: the objective at points (a, b, c) float64[Q, 3]."""
    values = np.empty(len(points))
    for row in range(len(points)):
        a, b, c = points[row]
        residuals = (expected_counts(np.array([[a, b], [b, c]]), levels) - counts) / scale
        values[row] = (residuals**2).sum()
    return values


@njit(cache=True)
def _pattern_search(point: Float64Array, counts: Float64Array, scale: Float64Array, levels: int) -> Float64Array:
    """Move to the best neighbour on a grid around the point; a finer grid when there is none better, a coarser one else."""
    step = 0.5 / _GRID
    for _ in range(_MAX_ROUNDS):
        candidates = np.minimum(np.maximum(point + step * _MOVES, 0.0), 1.0)
        best = np.argmin(_objectives(candidates, counts, scale, levels))
        point = candidates[best]
        step *= 0.5 if best == 0 else 1.5
        if step < _SMALLEST_STEP:
            break
    return point
