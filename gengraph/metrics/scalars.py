"""Statistics that are one number a graph; NaN where a graph has none.

References:
    [1] F. Takes and W. Kosters, Determining the diameter of small world networks, CIKM 2011.
    [2] M. Newman, Assortative mixing in networks, Physical Review Letters 89, 2002.
    [3] K. Martinkus, A. Loukas, N. Perraudin and R. Wattenhofer, SPECTRE, ICML 2022 (the four-cycle motif).
"""

import numpy as np
from numba import njit

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orbits import node_triangles
from gengraph.metrics.statistics import FloatArray, local_clustering, node_degrees, orbit_means


def node_counts(graphs: GraphSet) -> FloatArray:
    """float64[G] >= 0, nodes of each graph."""
    return graphs.num_nodes.astype(np.float64)


def edge_counts(graphs: GraphSet) -> FloatArray:
    """float64[G] >= 0, edges of each graph."""
    return graphs.num_edges.astype(np.float64)


def component_counts(graphs: GraphSet) -> FloatArray:
    """float64[G] >= 0, connected components; an isolated node is one, a graph without nodes has none; O(N + E)."""
    return graphs.num_components().astype(np.float64)


def triangle_counts(graphs: GraphSet) -> FloatArray:
    """float64[G] >= 0, triangles of each graph; O(E^1.5)."""
    return _sum_by_graph(graphs, node_triangles(graphs)) / 3


def largest_degrees(graphs: GraphSet) -> FloatArray:
    """float64[G] >= 0, of the node with the most neighbours; 0 for a graph without nodes."""
    largest = np.zeros(len(graphs))
    np.maximum.at(largest, graphs.graph_of_node, graphs.degrees())
    return largest


def mean_degrees(graphs: GraphSet) -> FloatArray:
    """float64[G] >= 0, neighbours of a node, the mean over the nodes; 0 for a graph without nodes."""
    return np.asarray(2 * graphs.num_edges / np.maximum(graphs.num_nodes, 1))


def densities(graphs: GraphSet) -> FloatArray:
    """float64[G] in [0, 1], share of the pairs of nodes that are edges; 0 for a graph of fewer than two nodes."""
    return mean_degrees(graphs) / np.maximum(graphs.num_nodes.astype(np.int64) - 1, 1)


def mean_clustering(graphs: GraphSet) -> FloatArray:
    """float64[G] in [0, 1], the mean of the local clustering over the nodes; 0 for a graph without nodes."""
    sums = np.bincount(graphs.graph_of_node, local_clustering(graphs), minlength=len(graphs))
    return np.asarray(sums / np.maximum(graphs.num_nodes, 1))


def four_cycle_means(graphs: GraphSet) -> FloatArray:
    """float64[G] >= 0, chordless four-cycles through a node, on average over the nodes [3]; 0 for a graph without nodes."""
    return orbit_means(graphs)[:, 8]


def assortativity(graphs: GraphSet) -> FloatArray:
    """Correlation of the degrees at the two ends of an edge [2].

    Returns:
        float64[G] in [-1, 1]; NaN for a graph without edges and for a graph whose nodes with edges all have one degree.

    Complexity: O(N + E).
    """
    degrees = node_degrees(graphs)
    ends = degrees[graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]]
    twice_edges = np.maximum(2 * graphs.num_edges, 1)
    mean = _sum_by_graph(graphs, degrees**2) / twice_edges
    deviation = ends - mean[graphs.graph_of_edge][:, None]
    covariance = np.bincount(graphs.graph_of_edge, deviation.prod(axis=1), minlength=len(graphs))
    variance = np.bincount(graphs.graph_of_edge, np.square(deviation).sum(axis=1) / 2, minlength=len(graphs))
    return np.where(variance > 0, np.clip(covariance / np.where(variance > 0, variance, 1), -1, 1), np.nan)


def diameters(graphs: GraphSet) -> FloatArray:
    """The largest distance between two nodes that are joined by a path, exact [1].

    For a graph in several components that is the largest of their diameters.

    Returns:
        float64[G] >= 0; NaN for a graph without nodes.

    Complexity: O(n m) time at worst (cycles), a few searches on most graphs; O(N + E) memory.
    """
    adjacency = graphs.to_csr()
    result = _diameters(adjacency.indptr.astype(np.int64), adjacency.indices.astype(np.int64), graphs.node_offsets)
    return np.where(graphs.num_nodes > 0, result, np.nan)


def _sum_by_graph(graphs: GraphSet, of_node: Int64Array) -> Int64Array:
    """int64[G], exact sums over the nodes of each graph."""
    running = np.concatenate([[0], np.cumsum(of_node)])
    return np.asarray(np.diff(running[graphs.node_offsets]))


@njit(cache=True)
def _search(source: int, pointers: Int64Array, neighbours: Int64Array, distance: Int64Array, queue: Int64Array) -> int:
    """Breadth-first search: `queue` gets the nodes reached, `distance` (-1 before) their distances; how many there are."""
    distance[source] = 0
    queue[0] = source
    num_reached = 1
    position = 0
    while position < num_reached:
        node = queue[position]
        position += 1
        for neighbour in neighbours[pointers[node] : pointers[node + 1]]:
            if distance[neighbour] < 0:
                distance[neighbour] = distance[node] + 1
                queue[num_reached] = neighbour
                num_reached += 1
    return num_reached


@njit(cache=True)
def _bound_eccentricities(
    source: int, pointers: Int64Array, neighbours: Int64Array, distance: Int64Array, queue: Int64Array, upper: Int64Array
) -> tuple[int, int, int]:
    """Lower `upper` by what a search from `source` tells; its eccentricity, a farthest node, the middle of the way there."""
    num_reached = _search(source, pointers, neighbours, distance, queue)
    middle = farthest = queue[num_reached - 1]
    eccentricity = distance[farthest]
    for _ in range(eccentricity // 2):
        for neighbour in neighbours[pointers[middle] : pointers[middle + 1]]:
            if distance[neighbour] == distance[middle] - 1:
                middle = neighbour
                break
    for node in queue[:num_reached]:
        upper[node] = min(upper[node], eccentricity + distance[node])
        distance[node] = -1
    upper[source] = eccentricity
    return eccentricity, farthest, middle


@njit(cache=True)
def _diameters(pointers: Int64Array, neighbours: Int64Array, node_offsets: Int64Array) -> Int64Array:
    """int64[G]. Two sweeps give a long path, a search from its middle bounds what is left; then only nodes above the best."""
    num_nodes = len(pointers) - 1
    distance, queue = np.full(num_nodes, -1, np.int64), np.empty(num_nodes, np.int64)
    upper = np.full(num_nodes, num_nodes, np.int64)  # of the eccentricity; num_nodes in components not seen yet
    result = np.zeros(len(node_offsets) - 1, np.int64)
    for g in range(len(result)):
        for node in range(node_offsets[g], node_offsets[g + 1]):
            if upper[node] == num_nodes:
                _, farthest, _ = _bound_eccentricities(node, pointers, neighbours, distance, queue, upper)
                length, _, middle = _bound_eccentricities(farthest, pointers, neighbours, distance, queue, upper)
                result[g] = max(result[g], length)
                _bound_eccentricities(middle, pointers, neighbours, distance, queue, upper)
            if upper[node] > result[g]:
                length, _, _ = _bound_eccentricities(node, pointers, neighbours, distance, queue, upper)
                result[g] = max(result[g], length)
    return result
