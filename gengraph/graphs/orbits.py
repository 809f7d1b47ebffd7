"""How often each node takes part in each orbit of the connected graphs with two to four nodes.

Legend: N nodes and E edges of all graphs together. Inside this file nodes are renumbered by (graph, degree), so that an
edge u < v leads from the lower to the higher degree; `upper` is the adjacency of those edges, in CSR form.

The 15 orbits, numbered as in [1]: 0 edge; 1 end and 2 middle of the path with three nodes; 3 triangle; 4 end and 5 inner
node of the path with four nodes; 6 leaf and 7 centre of the claw; 8 four-cycle; 9 tail, 10 far corner and 11 knot of the
paw (a triangle with a tail); 12 and 13 nodes of degree two and three of the diamond; 14 complete graph with four nodes.

References:
    [1] N. Przulj, Biological network comparison using graphlet degree distribution, Bioinformatics 23(2), 2007.
    [2] T. Hocevar and J. Demsar, A combinatorial approach to graphlet counting, Bioinformatics 30(4), 2014.
    [3] A. Pinar, C. Seshadhri and V. Vishal, ESCAPE: efficiently counting all 5-vertex subgraphs, WWW 2017.
    [4] N. Chiba and T. Nishizeki, Arboricity and subgraph listing algorithms, SIAM J. Computing 14(1), 1985.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array

NUM_ORBITS = 15


@dataclass(frozen=True, slots=True)
class _Ordered:
    """The edges of a set with nodes renumbered by (graph, degree), each edge from the lower to the higher number.

    Attributes:
        number: int64[N], the new number of each node.
        pointers: int64[N + 1], where the edges that leave each node begin.
        tail: int64[E], ascending.
        head: int64[E], ascending for equal tails.
    """

    number: Int64Array
    pointers: Int64Array
    tail: Int64Array
    head: Int64Array


def _order(graphs: GraphSet) -> _Ordered:
    pairs = graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]
    num_nodes = int(graphs.node_offsets[-1])
    degree = np.bincount(pairs.reshape(-1), minlength=num_nodes)
    graph_of_node = graphs.graph_of_node
    number = np.empty(num_nodes, np.int64)
    number[np.lexsort((degree, graph_of_node))] = np.arange(num_nodes)
    tail, head = np.sort(number[pairs], axis=1).T
    order = np.lexsort((head, tail))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=num_nodes))])
    return _Ordered(number, pointers, tail[order], head[order])


@njit(cache=True)
def _close_triangles(uv: int, pointers: Int64Array, head: Int64Array, edge_to: Int64Array, found: Int64Array) -> int:
    """Put the edges (v, w) that close a triangle with (u, v) into `found`; edge_to[w] is the edge (u, w) or -1."""
    num_found = 0
    v = head[uv]
    for vw in range(pointers[v], pointers[v + 1]):
        if edge_to[head[vw]] >= 0:
            found[num_found] = vw
            num_found += 1
    return num_found


@njit(cache=True)
def _triangles_of_edges(pointers: Int64Array, head: Int64Array) -> Int64Array:
    """int64[E], the triangles that contain each edge."""
    triangles = np.zeros(len(head), np.int64)
    edge_to = np.full(len(pointers) - 1, -1, np.int64)
    found = np.empty(len(pointers), np.int64)
    for u in range(len(pointers) - 1):
        edges = range(pointers[u], pointers[u + 1])
        for uv in edges:
            edge_to[head[uv]] = uv
        for uv in edges:
            for vw in found[: _close_triangles(uv, pointers, head, edge_to, found)]:
                triangles[uv] += 1
                triangles[vw] += 1
                triangles[edge_to[head[vw]]] += 1
        for uv in edges:
            edge_to[head[uv]] = -1
    return triangles


@njit(cache=True)
def _cliques_and_far_diamonds(pointers: Int64Array, head: Int64Array, triangles: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Complete graphs with four nodes at each node, and diamonds (not only induced) that have the node off the chord."""
    num_nodes = len(pointers) - 1
    cliques, far = np.zeros(num_nodes, np.int64), np.zeros(num_nodes, np.int64)
    edge_to = np.full(num_nodes, -1, np.int64)
    found = np.empty(num_nodes, np.int64)
    third = np.full(num_nodes, -1, np.int64)  # the edge (u, v) with which the node was last seen in a triangle
    for u in range(num_nodes):
        edges = range(pointers[u], pointers[u + 1])
        for uv in edges:
            edge_to[head[uv]] = uv
        for uv in edges:
            v = head[uv]
            closing = found[: _close_triangles(uv, pointers, head, edge_to, found)]
            for vw in closing:
                w = head[vw]
                third[w] = uv
                far[u] += triangles[vw] - 1
                far[v] += triangles[edge_to[w]] - 1
                far[w] += triangles[uv] - 1
            for vw in closing:
                _count_cliques(uv, u, head[vw], pointers, head, third, cliques)
        for uv in edges:
            edge_to[head[uv]] = -1
    return cliques, far


@njit(cache=True)
def _count_cliques(
    uv: int, u: int, w: int, pointers: Int64Array, head: Int64Array, third: Int64Array, cliques: Int64Array
) -> None:
    """Add the complete graphs u, v, w, x with x > w to all four nodes."""
    for x in head[pointers[w] : pointers[w + 1]]:
        if third[x] == uv:
            for node in (u, head[uv], w, x):
                cliques[node] += 1


@njit(cache=True)
def _list_wedges(u: int, pointers: Int64Array, neighbours: Int64Array, middle: Int64Array, far: Int64Array) -> int:
    """Put the paths u - v - w with v, w < u into `middle` and `far`."""
    num_found = 0
    for v in neighbours[pointers[u] : pointers[u + 1]]:
        if v > u:
            break
        for w in neighbours[pointers[v] : pointers[v + 1]]:
            if w >= u:
                break
            middle[num_found], far[num_found] = v, w
            num_found += 1
    return num_found


@njit(cache=True)
def _four_cycles(pointers: Int64Array, neighbours: Int64Array) -> Int64Array:
    """int64[N], four-cycles (not only induced) through each node; each is found at its highest node u, opposite to w."""
    num_nodes = len(pointers) - 1
    cycles, ways = np.zeros(num_nodes, np.int64), np.zeros(num_nodes, np.int64)
    middle, far = np.empty(len(neighbours), np.int64), np.empty(len(neighbours), np.int64)
    for u in range(num_nodes):
        num_found = _list_wedges(u, pointers, neighbours, middle, far)
        for w in far[:num_found]:
            cycles[u] += ways[w]
            cycles[w] += ways[w]
            ways[w] += 1
        for i in range(num_found):
            cycles[middle[i]] += ways[far[i]] - 1
        for w in far[:num_found]:
            ways[w] = 0
    return cycles


def _both_ways(edges: _Ordered) -> tuple[Int64Array, Int64Array]:
    """The full adjacency (pointers int64[N + 1], neighbours int64[2E], ascending for each node)."""
    source = np.concatenate([edges.tail, edges.head])
    target = np.concatenate([edges.head, edges.tail])
    order = np.lexsort((target, source))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=len(edges.number)))])
    return pointers, target[order]


def _sum_over_neighbours(edges: _Ordered, of_node: Int64Array, of_edge: Int64Array | int = 1) -> Int64Array:
    """int64[N], the sum of of_edge[uv] * of_node[v] over the neighbours v of each node u, exact."""
    total = np.zeros(len(edges.number), np.int64)
    np.add.at(total, edges.tail, of_edge * of_node[edges.head])
    np.add.at(total, edges.head, of_edge * of_node[edges.tail])
    return total


def _check_that_counts_fit(edges: _Ordered, degree: Int64Array) -> None:
    """Raise InputError unless all counts, and what they are computed from, stay below 2^63.

    Every one is at most d^3 for the largest degree d; where that says nothing, the largest terms are estimated in floats.
    """
    largest = int(degree.max(initial=0))
    if largest < 2**20:
        return
    d = degree.astype(np.float64)

    def over_neighbours(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        total = np.bincount(edges.tail, values[edges.head], len(d)) + np.bincount(edges.head, values[edges.tail], len(d))
        return total.astype(np.float64, copy=False)

    paths2 = over_neighbours(d)
    if max(term.max() for term in (d**3 / 2, d * paths2, over_neighbours(paths2), over_neighbours(d**2 / 2))) >= 2**63 * 0.999:
        msg = (
            f"orbits are counted exactly, which takes numbers below 2^63, but a node has {largest} neighbours; leave out the "
            "statistic orbit, or graphs with such hubs"
        )
        raise InputError(msg)


def node_triangles(graphs: GraphSet) -> Int64Array:
    """int64[N], the triangles that contain each node of each graph; O(E^1.5) time, O(N + E) memory [4]."""
    edges = _order(graphs)
    of_edge = _triangles_of_edges(edges.pointers, edges.head)
    return np.asarray(_sum_over_neighbours(edges, np.ones(len(edges.number), np.int64), of_edge)[edges.number] // 2)


def node_orbits(graphs: GraphSet) -> Int64Array:
    """Count the 15 orbits of connected graphlets with up to four nodes at every node.

    Triangles, complete graphs with four nodes, four-cycles and diamonds are listed in the order of the degrees [4]; the
    other counts follow from them by linear equations [2], [3]: each equation counts a pattern with no regard to further
    edges, then takes away the induced subgraphs that also contain it, as often as they do.

    Returns:
        int64[N, 15], nodes of all graphs in order, exact.

    Raises:
        InputError: counts that may reach 2^63 (a hub with more than 2.6 million neighbours, say).

    Complexity: O(E * a) for triangles, cycles and diamonds, O(E * a^2) for the complete graphs, where a <= sqrt(E) is the
    arboricity of a graph; O(N + E) memory, with no matrix of common neighbours, so that hubs cost nothing extra.
    """
    edges = _order(graphs)
    of_edge = _triangles_of_edges(edges.pointers, edges.head)
    cliques, far = _cliques_and_far_diamonds(edges.pointers, edges.head, of_edge)
    pointers, neighbours = _both_ways(edges)
    d = np.diff(pointers)
    _check_that_counts_fit(edges, d)
    one = np.ones_like(d)
    t = _sum_over_neighbours(edges, one, of_edge) // 2
    chord = _sum_over_neighbours(edges, one, of_edge * (of_edge - 1) // 2)
    paths2 = _sum_over_neighbours(edges, d - 1)
    paths3 = _sum_over_neighbours(edges, paths2) - d * (d - 1) - 2 * t
    claw_leaf = _sum_over_neighbours(edges, (d - 1) * (d - 2) // 2)

    o14 = cliques
    o13 = chord - 3 * o14
    o12 = far - 3 * o14
    o11 = t * (d - 2) - 2 * o13 - 3 * o14
    o10 = _sum_over_neighbours(edges, d - 2, of_edge) - 2 * o12 - 2 * o13 - 6 * o14
    o9 = _sum_over_neighbours(edges, t) - 2 * t - 2 * o12 - 3 * o14
    o8 = _four_cycles(pointers, neighbours) - o12 - o13 - 3 * o14
    o7 = d * (d - 1) // 2 * (d - 2) // 3 - o11 - o13 - o14
    o6 = claw_leaf - o9 - o10 - 2 * o12 - o13 - 3 * o14
    o5 = (d - 1) * paths2 - 2 * t - 2 * o8 - o10 - 2 * o11 - 2 * o12 - 4 * o13 - 6 * o14
    o4 = paths3 - 2 * o8 - 2 * o9 - o10 - 4 * o12 - 2 * o13 - 6 * o14
    small = [d, paths2 - 2 * t, d * (d - 1) // 2 - t, t]
    return np.stack([*small, o4, o5, o6, o7, o8, o9, o10, o11, o12, o13, o14], axis=1)[edges.number]
