"""Which graphs are the same up to the names of their nodes, compiled: a hash that isomorphic graphs share, and a matching.

Colour refinement [1] gives every node a number that follows from its degree, those of its neighbours, and so on. Graphs with
different multisets of colours differ; of two with the same, the nodes of one are matched with nodes of the other that have
their colours, neighbour by neighbour, with steps back where that fails. On almost all graphs no step back is needed; where
more than MAX_STEPS are, the answer is UNDECIDED.

Legend: G graphs, n nodes and m edges of one graph.

Reference:
    [1] L. Babai, P. Erdos and S. Selkow, Random graph isomorphism, SIAM Journal on Computing 9, 1980.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.streams import mix

MAX_STEPS = 20_000
UNDECIDED = -1
_FIRST = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


@nb.njit(cache=True)
def graph_hashes(num_nodes: Int32Array, edge_offsets: Int64Array, edges: Int32Array) -> npt.NDArray[np.uint64]:
    """uint64[G], equal for isomorphic graphs; O((n + m) log n) a round of the refinement, of which a graph has n at most."""
    hashes = np.empty(num_nodes.shape[0], np.uint64)
    for g in range(num_nodes.shape[0]):
        own = edges[edge_offsets[g] : edge_offsets[g + 1]]
        _, _, colours = _prepared(num_nodes[g], own)
        total = mix(np.uint64(num_nodes[g]) + _FIRST) ^ mix(np.uint64(own.shape[0]) + _SECOND)
        for node in range(num_nodes[g]):
            total += mix(colours[node] ^ _SECOND)
        hashes[g] = total
    return hashes


@nb.njit(cache=True)
def representatives(
    num_nodes: Int32Array, edge_offsets: Int64Array, edges: Int32Array, order: Int64Array, bounds: Int64Array
) -> Int64Array:
    """The first graph that each graph is isomorphic to.

    Args:
        num_nodes: of the graphs, with `edge_offsets` and `edges` as a GraphSet has them.
        edge_offsets: likewise.
        edges: likewise.
        order: int64[G], the graphs with equal hashes together, each such bucket ascending.
        bounds: int64[buckets + 1], where in `order` each bucket begins.

    Returns:
        int64[G]; UNDECIDED for all graphs of a bucket in which a matching took too long.
    """
    found = np.empty(num_nodes.shape[0], np.int64)
    different = np.empty(order.shape[0], np.int64)  # graphs of a bucket that are isomorphic to none before
    for b in range(bounds.shape[0] - 1):
        members = order[bounds[b] : bounds[b + 1]]
        found[members[0]] = different[0] = members[0]
        if members.shape[0] == 1:
            continue
        count, prepared = 1, members[0]
        other = _prepared(num_nodes[prepared], edges[edge_offsets[prepared] : edge_offsets[prepared + 1]])
        for g in members[1:]:
            own = _prepared(num_nodes[g], edges[edge_offsets[g] : edge_offsets[g + 1]])
            answer = 0
            for k in range(count):
                if different[k] != prepared:
                    prepared = different[k]
                    other = _prepared(num_nodes[prepared], edges[edge_offsets[prepared] : edge_offsets[prepared + 1]])
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
def _prepared(n: int, edges: Int32Array) -> Any:
    """The neighbours of each node (pointers int64[n + 1], neighbours int32[2m]), and its colour (uint64[n])."""
    pointers = np.zeros(n + 2, np.int64)
    for e in range(edges.shape[0]):
        pointers[edges[e, 0] + 2] += 1
        pointers[edges[e, 1] + 2] += 1
    for node in range(n):
        pointers[node + 2] += pointers[node + 1]
    neighbours = np.empty(2 * edges.shape[0], np.int32)
    for e in range(edges.shape[0]):
        for u, v in ((edges[e, 0], edges[e, 1]), (edges[e, 1], edges[e, 0])):
            neighbours[pointers[u + 1]] = v
            pointers[u + 1] += 1
    return pointers[: n + 1], neighbours, _refined(pointers[: n + 1], neighbours)


@nb.njit(cache=True)
def _refined(pointers: Int64Array, neighbours: Int32Array) -> npt.NDArray[np.uint64]:
    """Colours that no further round tells further apart, or all different ones."""
    n = pointers.shape[0] - 1
    colours, finer = np.empty(n, np.uint64), np.empty(n, np.uint64)
    for node in range(n):
        colours[node] = mix(np.uint64(pointers[node + 1] - pointers[node]) + _FIRST)
    kinds = _num_different(colours)
    for _ in range(n):
        for node in range(n):
            total = colours[node] * _SECOND
            for e in range(pointers[node], pointers[node + 1]):
                total += mix(colours[neighbours[e]] + _FIRST)
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
    pointers, neighbours, colours = own
    their_pointers, their_neighbours, their_colours = other
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
                and _fits(node, candidate, pointers, neighbours, their_pointers, their_neighbours, image)
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
def _fits(
    node: int,
    candidate: int,
    pointers: Int64Array,
    neighbours: Int32Array,
    their_pointers: Int64Array,
    their_neighbours: Int32Array,
    image: Int32Array,
) -> bool:
    """Whether the images of the node's neighbours, as far as they have one, are neighbours of the candidate."""
    for e in range(pointers[node], pointers[node + 1]):
        wanted = image[neighbours[e]]
        if wanted >= 0:
            there = False
            for f in range(their_pointers[candidate], their_pointers[candidate + 1]):
                if their_neighbours[f] == wanted:
                    there = True
                    break
            if not there:
                return False
    return True
