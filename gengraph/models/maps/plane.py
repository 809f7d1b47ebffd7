"""Graphs in the plane: an embedding of each graph, and the map that letters build, drawn from it.

In the map of a graph everything is connected: components are linked by virtual edges, the largest first, from the root of each
to that of the next; a root is a dart of the component's outer face, that a graph without edges lacks.

Legend: n nodes, m edges and D darts of a graph, E edges of all graphs.
"""

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.planarity import edges_are_planar, embed_edges, is_planar
from gengraph.models.maps.darts import BACK, IS_REAL, SOURCE, Darts, add_diagonal, walk_on
from gengraph.models.maps.hanging import hang_blocks
from gengraph.streams import below, key_of, open_stream

_TRIES = 32  # embeddings of each graph, of which that with the longest face is kept


@dataclass(frozen=True, slots=True)
class PlaneGraphs:
    """Graphs with an embedding of each.

    Attributes:
        num_nodes: int64[G].
        edge_offsets: int64[G + 1].
        edges: int64[E, 2], the numbers of nodes within their graph.
        rotations: int64[2E]: of graph g the 2m numbers that `embed_edges` gives.
        num_cut: int64[G], edges that were cut because the graph is not planar.
        outer: int64[G], the length of the longest face, 1 where there is none.
    """

    num_nodes: Int64Array
    edge_offsets: Int64Array
    edges: Int64Array
    rotations: Int64Array
    num_cut: Int64Array
    outer: Int64Array

    @classmethod
    def of(cls, graphs: GraphSet) -> "PlaneGraphs":
        """Embed graphs; O(n + m) for each that is planar, O(m (n + m)) for others, which lose edges."""
        num_nodes, edges = graphs.num_nodes.astype(np.int64), graphs.edges.astype(np.int64)
        keep = np.ones(len(edges), np.bool_)
        for g in np.flatnonzero(~is_planar(graphs)):
            part = slice(graphs.edge_offsets[g], graphs.edge_offsets[g + 1])
            keep[part] = _planar_part(num_nodes[g], edges[part])
        kept = np.bincount(graphs.graph_of_edge[keep], minlength=len(graphs))
        offsets = np.concatenate([[0], np.cumsum(kept)])
        rotations, outer = np.empty(2 * offsets[-1], np.int64), np.empty(len(graphs), np.int64)
        _embed_all(num_nodes, offsets, edges[keep], rotations, outer)
        return cls(num_nodes, offsets, edges[keep], rotations, graphs.num_edges - kept, outer)

    @property
    def arrays(self) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
        """For compiled code."""
        return self.num_nodes, self.edge_offsets, self.edges, self.rotations


@nb.njit(cache=True)
def _planar_part(num_nodes: int, edges: Int64Array) -> Any:
    """bool[m]: the edges of a planar subgraph that no other edge could join, taken in random order."""
    keep, chosen, count = np.zeros(len(edges), np.bool_), np.empty_like(edges), 0
    for e in shuffled(len(edges), open_stream(key_of(num_nodes, len(edges), 0), 0)):
        chosen[count] = edges[e]
        if edges_are_planar(num_nodes, chosen[: count + 1]):
            keep[e] = True
            count += 1
    return keep


@nb.njit(cache=True)
def _embed_all(num_nodes: Int64Array, offsets: Int64Array, edges: Int64Array, rotations: Int64Array, outer: Int64Array) -> None:
    for g in range(len(num_nodes)):
        rotation = _best_embedding(num_nodes[g], edges[offsets[g] : offsets[g + 1]])
        rotations[2 * offsets[g] : 2 * offsets[g + 1]] = rotation
        outer[g] = max(1, _longest_face(rotation))


@nb.njit(cache=True)
def _best_embedding(num_nodes: int, edges: Int64Array) -> Int64Array:
    """The embedding of a planar graph with the longest face, of some; they differ where the graph is not 3-connected."""
    best, longest = np.empty(0, np.int64), -1
    for attempt in range(_TRIES):
        state = open_stream(key_of(num_nodes, len(edges), attempt), 0)
        nodes, order = shuffled(num_nodes, state), shuffled(len(edges), state)
        renamed = np.empty_like(edges)
        for k in range(len(edges)):
            renamed[k, 0], renamed[k, 1] = nodes[edges[order[k], 0]], nodes[edges[order[k], 1]]
        found = embed_edges(num_nodes, renamed)
        length = _longest_face(found)
        if length > longest:
            dart = np.concatenate((order, order + len(edges)))
            best, longest = np.empty_like(found), length
            for k in range(len(dart)):
                best[dart[k]] = dart[found[k]]
        if longest >= 3 * num_nodes - 3 - len(edges) or longest == 2 * len(edges):  # all others are triangles, or there is none
            break
    return best


@nb.njit(cache=True)
def shuffled(count: int, state: Any) -> Int64Array:
    """int64[count], 0..count-1 in uniformly random order."""
    order = np.arange(count)
    for k in range(count - 1, 0, -1):
        other = below(state, k + 1)
        order[k], order[other] = order[other], order[k]
    return order


@nb.njit(cache=True)
def _longest_face(rotation: Int64Array) -> int:
    """Darts of the longest face of an embedding."""
    darts, longest = len(rotation), 0
    seen = np.zeros(darts, np.bool_)
    for first in range(darts):
        dart, length = first, 0
        while not seen[dart]:
            seen[dart] = True
            dart = rotation[(dart + darts // 2) % darts]
            length += 1
        longest = max(longest, length)
    return longest


@nb.njit(cache=True)
def draw_map(
    num_nodes: int, edges: Int64Array, rotation: Int64Array, state: Any
) -> tuple[Darts, Int64Array, tuple[int, float]]:
    """A map of a graph of two nodes or more, connected by virtual edges; its embedding and root are drawn from a stream.

    Returns:
        The darts, with room for infinity and a triangulation; int64[1], how many there are; the root, on the outer face, and
        -log of the probability of what was drawn.
    """
    total = 2 * len(edges)
    darts, count = np.empty((6 * num_nodes + 6, 5), np.int64), np.array([total])
    for dart in range(total):
        darts[dart, SOURCE], darts[dart, IS_REAL] = edges[dart % len(edges), dart // len(edges)], 1
        darts[dart, BACK] = (dart + len(edges)) % total
    for dart in range(total):
        walk_on(darts, darts[dart, BACK], rotation[dart])
    component, sizes = _components(num_nodes, darts, total)
    roots, choices = hang_blocks(num_nodes, darts, total, component, state)
    return darts, count, (_link_components(darts, count, component, (sizes, roots)), choices)


@nb.njit(cache=True)
def _link_components(darts: Darts, count: Int64Array, component: Int64Array, parts: tuple[Int64Array, Int64Array]) -> int:
    """Link the root of each component to that of the next; return the first root."""
    sizes, roots = parts
    singles = np.empty(len(sizes), np.int64)
    for node in range(len(component)):
        singles[component[node]] = node
    order = np.argsort(-sizes, kind="mergesort")
    for k in range(1, len(order)):
        first, second = roots[order[k - 1]], roots[order[k]]
        a = singles[order[k - 1]] if first < 0 else darts[first, SOURCE]
        b = singles[order[k]] if second < 0 else darts[second, SOURCE]
        link = add_diagonal(darts, count, (a, first), (b, second))
        roots[order[k - 1]] = link if first < 0 else first
        roots[order[k]] = darts[link, BACK] if second < 0 else second
    return int(roots[order[0]])


@nb.njit(cache=True)
def _components(num_nodes: int, darts: Darts, num_darts: int) -> tuple[Int64Array, Int64Array]:
    """The component int64[n] of each node, and the sizes of these."""
    link = np.arange(num_nodes)
    for dart in range(num_darts):
        a, b = darts[dart, SOURCE], darts[darts[dart, BACK], SOURCE]
        while link[a] != a:
            link[a] = link[link[a]]
            a = link[a]
        while link[b] != b:
            link[b] = link[link[b]]
            b = link[b]
        link[max(a, b)] = min(a, b)
    component, count = np.empty(num_nodes, np.int64), 0
    for node in range(num_nodes):
        if link[node] == node:
            component[node] = count
            count += 1
        else:
            component[node] = component[link[node]]
    return component, np.bincount(component, minlength=count)
