"""The junction tree of a graph, by graph theory alone: rings and bonds, joined at the nodes and edges that separate them.

Clusters are the pieces that no cut node and no edge whose ends cut a piece in two can part any further: bonds outside rings,
and rings; rings that share a bond are parted there, those that share more (bridged ones, cages, three about one atom) stay
together. That is the decomposition of a graph by separators that are cliques of at most two nodes, which is unique [2]; where
rings share a bond in pairs it is the rule of [1], and its clusters always make a tree. Three or more clusters about one node or
one edge are joined by a cluster of that node or edge alone, a hinge, as in [1].

Legend: n nodes of a graph, m edges. A set of nodes is an integer with their bits.

References:
    [1] W. Jin, R. Barzilay, T. Jaakkola. Junction tree variational autoencoder for molecular graph generation. ICML 2018.
    [2] H.-G. Leimer. Optimal decomposition by clique separators. Discrete Mathematics 113, 1993.
    [3] J. Hopcroft, R. Tarjan. Algorithm 447: efficient algorithms for graph manipulation. Communications of the ACM 16, 1973.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Clusters and which of them are joined: a tree for each component.

    Attributes:
        clusters: the nodes of each, ascending.
        hinges: whether each is one that only joins others.
        links: the clusters that each is joined to.
    """

    clusters: list[tuple[int, ...]]
    hinges: list[bool]
    links: list[list[int]]


def decompose(near: list[int]) -> Decomposition:
    """The junction tree of a graph; O(m (n + m)) at worst, linear where rings are few.

    Args:
        near: the neighbours of each node, a set.
    """
    found = Decomposition([], [], [])
    blocks_of: list[list[list[int]]] = [[] for _ in near]  # of each node: for each block, its clusters
    for block in _blocks(near):
        pieces, separators = _pieces(block, near)
        first = len(found.clusters)
        members = {piece: first + k for k, piece in enumerate(pieces)}
        for piece in pieces:
            _add(found, piece, hinge=False)
        for pair in separators:
            _join(found, [number for piece, number in members.items() if piece & pair == pair], pair)
        for node in bits(block):
            blocks_of[node].append([number for piece, number in members.items() if piece >> node & 1])
    for node, blocks in enumerate(blocks_of):
        if not blocks:
            _add(found, 1 << node, hinge=False)
        elif len(blocks) > 1:
            _join(found, [max(own, key=lambda c: len(found.clusters[c])) for own in blocks], 1 << node)
    return found


def bits(nodes: int) -> Iterator[int]:
    """The members of a set, ascending."""
    while nodes:
        lowest = nodes & -nodes
        yield lowest.bit_length() - 1
        nodes ^= lowest


def _add(found: Decomposition, nodes: int, *, hinge: bool) -> int:
    found.clusters.append(tuple(bits(nodes)))
    found.hinges.append(hinge)
    found.links.append([])
    return len(found.links) - 1


def _join(found: Decomposition, members: list[int], separator: int) -> None:
    """Join two clusters, or more by a hinge."""
    centre, others = members[0], members[1:]
    if len(members) > 2:
        centre, others = _add(found, separator, hinge=True), members
    for other in others:
        found.links[centre].append(other)
        found.links[other].append(centre)


def _blocks(near: list[int]) -> Iterator[int]:
    """The nodes of each biconnected component with an edge [3]."""
    number, low, waiting = [0] * len(near), [0] * len(near), []
    count = 0
    for root in range(len(near)):
        if number[root]:
            continue
        count += 1
        number[root] = low[root] = count
        path, ahead = [root], [near[root]]
        while path:
            node = path[-1]
            if ahead[-1]:
                lowest = ahead[-1] & -ahead[-1]
                ahead[-1] ^= lowest
                other = lowest.bit_length() - 1
                if number[other]:
                    low[node] = min(low[node], number[other])
                else:
                    count += 1
                    number[other] = low[other] = count
                    path.append(other)
                    ahead.append(near[other] & ~(1 << node))
                    waiting.append(other)
                continue
            path.pop()
            ahead.pop()
            if path:
                before = path[-1]
                low[before] = min(low[before], low[node])
                if low[node] >= number[before]:
                    yield _popped(waiting, node) | 1 << before


def _popped(waiting: list[int], until: int) -> int:
    nodes = 0
    while not nodes >> until & 1:
        nodes |= 1 << waiting.pop()
    return nodes


def _pieces(block: int, near: list[int]) -> tuple[list[int], list[int]]:
    """The pieces of a biconnected component, and the edges (as sets of two nodes) at which they are parted."""
    pieces, separators, waiting = [], [], [block]
    while waiting:
        piece = waiting.pop()
        pair, parts = _parted(piece, near)
        if parts:
            separators.append(pair)
            waiting += [part | pair for part in parts]
        else:
            pieces.append(piece)
    return pieces, separators


def _parted(piece: int, near: list[int]) -> tuple[int, list[int]]:
    """An edge whose ends part a piece, and the parts without them; none if there is no such edge."""
    branching = 0
    for node in bits(piece):
        if (near[node] & piece).bit_count() > 2:
            branching |= 1 << node
    for node in bits(branching):
        for other in bits(near[node] & branching & -(1 << node)):
            pair = 1 << node | 1 << other
            parts = _components(piece & ~pair, near)
            if len(parts) > 1:
                return pair, parts
    return 0, []


def _components(nodes: int, near: list[int]) -> list[int]:
    """The connected parts of a set of nodes."""
    parts = []
    while nodes:
        part = fresh = nodes & -nodes
        while fresh:
            grown = 0
            for node in bits(fresh):
                grown |= near[node]
            fresh = grown & nodes & ~part
            part |= fresh
        parts.append(part)
        nodes &= ~part
    return parts
