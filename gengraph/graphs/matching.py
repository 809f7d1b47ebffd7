"""Which graphs are the same up to the names of their nodes, compiled: a hash that isomorphic graphs share, and a matching.

Colour refinement [1] gives every node a number that follows from its degree, those of its neighbours, and so on. Graphs with
different multisets of colours differ; of two with the same, the nodes of one are matched with nodes of the other that have
their colours, neighbour by neighbour, with steps back where that fails. On almost all graphs no step back is needed; where
more than MAX_STEPS are, the answer is UNDECIDED. Labels of nodes and edges and directions are part of what must agree.

Legend: G graphs, N nodes and E edges of all, n nodes and m edges of one graph.

Reference:
    [1] L. Babai, P. Erdos and S. Selkow, Random graph isomorphism, SIAM Journal on Computing 9, 1980.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs.graphset import GraphSet
from gengraph.streams import mix

MAX_STEPS = 20_000
UNDECIDED = -1
_FIRST = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


def arrays_of(graphs: GraphSet) -> tuple[Int64Array, Int64Array, Int32Array, Int32Array, Int32Array]:
    """What the functions here read.

    Returns:
        node_offsets int64[G + 1], edge_offsets int64[G + 1], edges int32[E, 2], labels int32[N] of the nodes, and marks
        int32[E]: four times the label of the edge, and its direction. Without labels the last two are empty.
    """
    marks = np.zeros(0, np.int32)
    if graphs.edge_labels is not None or graphs.directions is not None:
        marks = np.zeros(len(graphs.edges), np.int32)
        marks += 0 if graphs.edge_labels is None else 4 * graphs.edge_labels
        marks += 0 if graphs.directions is None else graphs.directions
    labels = np.zeros(0, np.int32) if graphs.node_labels is None else graphs.node_labels
    return graphs.node_offsets, graphs.edge_offsets, graphs.edges, labels, marks


@nb.njit(cache=True)
def graph_hashes(
    node_offsets: Int64Array, edge_offsets: Int64Array, edges: Int32Array, labels: Int32Array, marks: Int32Array
) -> npt.NDArray[np.uint64]:
    """uint64[G], equal for isomorphic graphs; O((n + m) log n) a round of the refinement, of which a graph has n at most."""
    hashes = np.empty(node_offsets.shape[0] - 1, np.uint64)
    for g in range(hashes.shape[0]):
        colours = _prepared(g, node_offsets, edge_offsets, edges, labels, marks)[4]
        total = mix(np.uint64(colours.shape[0]) + _FIRST) ^ mix(np.uint64(edge_offsets[g + 1] - edge_offsets[g]) + _SECOND)
        for node in range(colours.shape[0]):
            total += mix(colours[node] ^ _SECOND)
        hashes[g] = total
    return hashes


@nb.njit(cache=True)
def representatives(
    node_offsets: Int64Array,
    edge_offsets: Int64Array,
    edges: Int32Array,
    labels: Int32Array,
    marks: Int32Array,
    order: Int64Array,
    bounds: Int64Array,
) -> Int64Array:
    """The first graph that each graph is isomorphic to.

    Args:
        node_offsets: with the next four as `arrays_of` has them.
        edge_offsets: likewise.
        edges: likewise.
        labels: likewise.
        marks: likewise.
        order: int64[G], the graphs with equal hashes together, each such bucket ascending.
        bounds: int64[buckets + 1], where in `order` each bucket begins.

    Returns:
        int64[G]; UNDECIDED for all graphs of a bucket in which a matching took too long.
    """
    found = np.empty(node_offsets.shape[0] - 1, np.int64)
    different = np.empty(order.shape[0], np.int64)  # graphs of a bucket that are isomorphic to none before
    for b in range(bounds.shape[0] - 1):
        members = order[bounds[b] : bounds[b + 1]]
        found[members[0]] = different[0] = members[0]
        if members.shape[0] == 1:
            continue
        count, prepared = 1, members[0]
        other = _prepared(prepared, node_offsets, edge_offsets, edges, labels, marks)
        for g in members[1:]:
            own = _prepared(g, node_offsets, edge_offsets, edges, labels, marks)
            answer = 0
            for k in range(count):
                if different[k] != prepared:
                    prepared = different[k]
                    other = _prepared(prepared, node_offsets, edge_offsets, edges, labels, marks)
                answer = _match(own, other)
                if answer != 0:
                    found[g] = prepared
                    break
            if answer == UNDECIDED:
                for member in members:
                    found[member] = UNDECIDED
                break
            if answer == 0:
                found[g] = different[count] = g
                count += 1
    return found


@nb.njit(cache=True)
def neighbours_of(
    g: int, node_offsets: Int64Array, edge_offsets: Int64Array, edges: Int32Array, labels: Int32Array, marks: Int32Array
) -> tuple[Int64Array, Int32Array, Int32Array, Int32Array]:
    """A graph of a set in `arrays_of`.

    Returns:
        Where each node's neighbours begin, int64[n + 1]; these, int32[2m]; the marks of the edges as their nodes see them,
        int32[2m]; the labels of the nodes, int32[n].
    """
    n = node_offsets[g + 1] - node_offsets[g]
    own, own_marks = edges[edge_offsets[g] : edge_offsets[g + 1]], marks[edge_offsets[g] : edge_offsets[g + 1]]
    pointers = np.zeros(n + 2, np.int64)
    for e in range(own.shape[0]):
        pointers[own[e, 0] + 2] += 1
        pointers[own[e, 1] + 2] += 1
    for node in range(n):
        pointers[node + 2] += pointers[node + 1]
    neighbours, seen = np.empty(2 * own.shape[0], np.int32), np.zeros(2 * own.shape[0], np.int32)
    for e in range(own.shape[0]):
        for side in range(2):
            u, v = own[e, side], own[e, 1 - side]
            neighbours[pointers[u + 1]] = v
            if own_marks.shape[0]:
                mark = own_marks[e]
                seen[pointers[u + 1]] = mark if side == 0 else turned(mark)
            pointers[u + 1] += 1
    own_labels = labels[node_offsets[g] : node_offsets[g + 1]] if labels.shape[0] else np.zeros(n, np.int32)
    return pointers[: n + 1], neighbours, seen, own_labels


@nb.njit(cache=True)
def turned(mark: int) -> int:
    """The mark of an edge as its other end sees it: what goes out comes in."""
    return mark - mark % 4 + mark % 2 * 2 + mark % 4 // 2


@nb.njit(cache=True)
def _prepared(
    g: int, node_offsets: Int64Array, edge_offsets: Int64Array, edges: Int32Array, labels: Int32Array, marks: Int32Array
) -> Any:
    """A graph as it is matched: what `neighbours_of` gives, and the colours of the nodes, uint64[n]."""
    pointers, neighbours, seen, own_labels = neighbours_of(g, node_offsets, edge_offsets, edges, labels, marks)
    return pointers, neighbours, seen, own_labels, _refined(pointers, neighbours, seen, own_labels)


@nb.njit(cache=True)
def _refined(pointers: Int64Array, neighbours: Int32Array, marks: Int32Array, labels: Int32Array) -> npt.NDArray[np.uint64]:
    """Colours that no further round tells further apart, or all different ones."""
    n = pointers.shape[0] - 1
    colours, finer = np.empty(n, np.uint64), np.empty(n, np.uint64)
    for node in range(n):
        colours[node] = mix(np.uint64(pointers[node + 1] - pointers[node]) + _FIRST + np.uint64(labels[node]) * _SECOND)
    kinds = _num_different(colours)
    for _ in range(n):
        for node in range(n):
            total = colours[node] * _SECOND
            for e in range(pointers[node], pointers[node + 1]):
                total += mix(colours[neighbours[e]] + _FIRST + np.uint64(marks[e]) * _SECOND)
            finer[node] = mix(total)
        colours, finer = finer, colours
        before, kinds = kinds, _num_different(colours)
        if kinds in (before, n):
            break
    return colours


@nb.njit(cache=True)
def _num_different(values: npt.NDArray[np.uint64]) -> int:
    ordered = np.sort(values)
    count = 1 if ordered.shape[0] else 0
    for i in range(1, ordered.shape[0]):
        if ordered[i] != ordered[i - 1]:
            count += 1
    return count


@nb.njit(cache=True)
def _walk(pointers: Int64Array, neighbours: Int32Array, colours: npt.NDArray[np.uint64]) -> tuple[Int32Array, Int32Array]:
    """An order in which each node but the first of a component comes after a neighbour, and int32[n], that neighbour or -1.

    A component begins at a node whose colour is as rare as any other's in it.
    """
    n = colours.shape[0]
    ordered = np.sort(colours)
    count = np.searchsorted(ordered, colours, side="right") - np.searchsorted(ordered, colours)
    order, parent = np.empty(n, np.int32), np.full(n, -2, np.int32)
    done = 0
    for root in np.argsort(count, kind="mergesort"):
        if parent[root] != -2:
            continue
        order[done], parent[root] = root, -1
        tail = done + 1
        while done < tail:
            node = order[done]
            done += 1
            for e in range(pointers[node], pointers[node + 1]):
                child = neighbours[e]
                if parent[child] == -2:
                    parent[child] = node
                    order[tail] = child
                    tail += 1
    return order, parent


@nb.njit(cache=True)
def _match(own: Any, other: Any) -> int:
    """1 if two graphs with equally many nodes and edges are isomorphic, 0 if not, UNDECIDED after MAX_STEPS."""
    pointers, neighbours, _, labels, colours = own
    their_pointers, their_neighbours, _, their_labels, their_colours = other
    n = colours.shape[0]
    if n != their_colours.shape[0] or neighbours.shape[0] != their_neighbours.shape[0]:
        return 0
    if (np.sort(colours) != np.sort(their_colours)).any():
        return 0
    order, parent = _walk(pointers, neighbours, colours)
    image, taken = np.full(n, -1, np.int32), np.zeros(n, np.bool_)
    choice = np.zeros(n + 1, np.int64)  # the next candidate to try at each place of the order
    place, steps = 0, 0
    while 0 <= place < n:
        node = order[place]
        if image[node] >= 0:  # back here: the last choice has failed
            taken[image[node]] = False
            image[node] = -1
        first, last = 0, n
        if parent[node] >= 0:
            first, last = their_pointers[image[parent[node]]], their_pointers[image[parent[node]] + 1]
        k = choice[place]
        while first + k < last:
            steps += 1
            candidate = their_neighbours[first + k] if parent[node] >= 0 else first + k
            k += 1
            if (
                not taken[candidate]
                and their_colours[candidate] == colours[node]
                and their_labels[candidate] == labels[node]
                and _fits(node, candidate, own, other, image)
            ):
                image[node], taken[candidate] = candidate, True
                break
        if steps > MAX_STEPS + 4 * neighbours.shape[0]:
            return UNDECIDED
        choice[place] = k
        if image[node] >= 0:
            place += 1
            choice[place] = 0
        else:
            place -= 1
    return 1 if place == n else 0


@nb.njit(cache=True)
def _fits(node: int, candidate: int, own: Any, other: Any, image: Int32Array) -> bool:
    """Whether the images of the node's neighbours, as far as they have one, are neighbours of the candidate by like edges."""
    pointers, neighbours, marks, _, _ = own
    their_pointers, their_neighbours, their_marks, _, _ = other
    for e in range(pointers[node], pointers[node + 1]):
        wanted = image[neighbours[e]]
        if wanted >= 0:
            there = False
            for f in range(their_pointers[candidate], their_pointers[candidate + 1]):
                if their_neighbours[f] == wanted:
                    there = their_marks[f] == marks[e]
                    break
            if not there:
                return False
    return True
