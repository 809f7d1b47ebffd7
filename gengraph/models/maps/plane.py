"""Graphs in the plane: an embedding of each graph, and the map that letters build, its outer face and root drawn.

A dart is a directed edge; `follow` walks the face on its left. In the map of a graph everything is connected: components are
linked by virtual edges, the largest first, from the root of each to that of the next; a root is a dart of the component's
largest face, that a graph without edges lacks.

Legend: n nodes, m edges and D darts of a graph, E edges of all graphs.
"""

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.planarity import edges_are_planar, embed_edges, is_planar
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


SOURCE, FOLLOW, PRECEDE, BACK, IS_REAL = range(5)
"""Of a dart of a map: its first node, the darts after and before it around its face, its reverse, whether it is real."""
Darts = Any
"""int64[D, 5]."""


@nb.njit(cache=True)
def draw_map(num_nodes: int, edges: Int64Array, rotation: Int64Array, state: Any) -> tuple[Darts, Int64Array, int]:
    """A map of a graph of two nodes or more, connected by virtual edges, mirrored or not, with a root, drawn from a stream.

    Returns:
        The darts, with room for infinity and a triangulation; int64[1], how many there are; the root, on the outer face.
    """
    total = 2 * len(edges)
    darts, count = np.empty((6 * num_nodes + 6, 5), np.int64), np.array([total])
    mirrored = below(state, 2)
    for dart in range(total):
        back = (dart + len(edges)) % total
        darts[dart, SOURCE], darts[dart, BACK] = edges[dart % len(edges), dart // len(edges)], back
        darts[dart, IS_REAL] = 1
    for dart in range(total):
        following = rotation[dart]
        if mirrored:
            _walk_on(darts, darts[following, BACK], dart)
        else:
            _walk_on(darts, darts[dart, BACK], following)
    return darts, count, _link_components(num_nodes, darts, count, state)


@nb.njit(cache=True)
def _walk_on(darts: Darts, dart: int, following: int) -> None:
    darts[dart, FOLLOW], darts[following, PRECEDE] = following, dart


@nb.njit(cache=True)
def _link_components(num_nodes: int, darts: Darts, count: Int64Array, state: Any) -> int:
    """Link the root of each component to that of the next; return the first root."""
    component, sizes = _components(num_nodes, darts, count[0])
    roots = _draw_roots(component, len(sizes), darts, count[0], state)
    singles = np.empty(len(sizes), np.int64)
    for node in range(num_nodes):
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


@nb.njit(cache=True)
def _draw_roots(component: Int64Array, num_components: int, darts: Darts, num_darts: int, state: Any) -> Int64Array:
    """A uniformly random dart of the largest face of each component, ties drawn too; -1 for one without edges."""
    roots, lengths = np.full(num_components, -1), np.zeros(num_components, np.int64)
    ties, seen = np.zeros(num_components, np.int64), np.zeros(num_darts, np.bool_)
    for first in range(num_darts):
        dart, length = first, 0
        while not seen[dart]:
            seen[dart] = True
            dart = darts[dart, FOLLOW]
            length += 1
        own = component[darts[first, SOURCE]]
        if length > lengths[own]:
            lengths[own], ties[own] = length, 0
        if length and length == lengths[own]:
            ties[own] += 1
            if below(state, ties[own]) == 0:
                roots[own] = first
    for own in range(num_components):
        for _ in range(below(state, max(1, lengths[own]))):
            roots[own] = darts[roots[own], FOLLOW]
    return roots


@nb.njit(cache=True)
def add_diagonal(darts: Darts, count: Int64Array, first: tuple[int, int], second: tuple[int, int]) -> int:
    """Add a virtual edge a - b inside a face, or between the faces of two components.

    Args:
        darts: as `draw_map` gives them.
        count: int64[1], raised.
        first: a, and the dart of the face that starts there; -1 where a has none.
        second: b, likewise.

    Returns:
        The dart a -> b; after it comes the dart given for b.
    """
    there, back = count[0], count[0] + 1
    count[0] += 2
    for dart, other, (node, _) in ((there, back, first), (back, there, second)):
        darts[dart, SOURCE], darts[dart, BACK], darts[dart, IS_REAL] = node, other, 0
    into_first = back if first[1] < 0 else darts[first[1], PRECEDE]
    into_second = there if second[1] < 0 else darts[second[1], PRECEDE]
    _walk_on(darts, into_first, there)
    _walk_on(darts, there, back if second[1] < 0 else second[1])
    _walk_on(darts, into_second, back)
    _walk_on(darts, back, there if first[1] < 0 else first[1])
    return int(there)
