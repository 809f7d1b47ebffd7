"""Random families that graph generators are compared on; graph g of a family depends on (seed, g) alone.

The numbers come from `gengraph.streams`, so that the graphs are the same on every machine and with every numpy version, and the
first graphs of a longer set are those of a shorter one.

References:
    1. J. You et al. GraphRNN. ICML 2018, section 4.1, and its code.
    2. R. Liao et al. Efficient Graph Generation with Graph Recurrent Attention Networks (GRAN). NeurIPS 2019.
    3. K. Martinkus et al. SPECTRE: Spectral Conditioning Helps to Overcome the Expressivity Limits of One-shot Graph
       Generators. ICML 2022.
    4. A. Bergmeister et al. Efficient and Scalable Graph Generation through Iterative Local Expansion. ICLR 2024.
"""

from collections.abc import Callable
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from scipy import sparse

from gengraph.graphs import GraphSet, Int64Array
from gengraph.seeded import Stream
from gengraph.streams import below, key_of

Graph = tuple[int, Int64Array]
"""(nodes, edges int64[E, 2])."""


def draw_graphs(num_graphs: int, seed: int, draw: Callable[[Stream], Graph]) -> GraphSet:
    """A set of graphs, each from its own stream."""
    graphs = [draw(Stream(seed, g)) for g in range(num_graphs)]
    return GraphSet.from_edge_lists([n for n, _ in graphs], [edges for _, edges in graphs])


def draw_compiled(num_graphs: int, seed: int, draw: Callable[[npt.NDArray[np.uint64]], Graph]) -> GraphSet:
    """The same for compiled functions of a stream's state uint64[1]."""
    graphs = [draw(np.array([key_of(seed, g, 0)], np.uint64)) for g in range(num_graphs)]
    return GraphSet.from_edge_lists([n for n, _ in graphs], [edges for _, edges in graphs])


def communities(num_graphs: int, sizes: range, *, density: float, seed: int) -> GraphSet:
    """Two Erdos-Renyi communities of n/2 nodes, joined by round(0.05 n), at least one, random edges [1].

    Args:
        num_graphs: graphs to make.
        sizes: n is uniform over these numbers.
        density: the probability of an edge inside a community, in [0, 1].
        seed: of the set.
    """

    def draw(stream: Stream) -> Graph:
        n = sizes[stream.integer(len(sizes))]
        first = n // 2
        u, v = np.triu_indices(n, k=1)
        inside = (u < first) == (v < first)
        chosen = inside & (stream.uniforms(len(u)) < density)
        between = np.flatnonzero(~inside)
        bridges = between[np.argsort(stream.uniforms(len(between)), kind="stable")[: max(1, round(0.05 * n))]]
        chosen[bridges] = True
        return n, np.column_stack([u[chosen], v[chosen]])

    return draw_graphs(num_graphs, seed, draw)


def cavemen(sizes: range, *, copies: int, seed: int) -> GraphSet:
    """Two cliques of k nodes of which 70% of the edges are removed, joined by ceil(0.1 k) random edges [1, code].

    Of each graph the largest component is kept. The bridges are drawn with replacement, so some graphs have fewer.

    Args:
        sizes: of one clique, each `copies` times.
        copies: graphs of every size.
        seed: of the set.
    """
    graphs = []
    for g, k in enumerate(k for k in sizes for _ in range(copies)):
        stream = Stream(seed, g)
        u, v = np.triu_indices(2 * k, k=1)
        inside = (u < k) == (v < k)
        chosen = inside & (stream.uniforms(len(u)) < 0.3)
        ends = np.floor(stream.uniforms(2 * -(-k // 10)) * k).astype(np.int64).reshape(2, -1)
        bridges = np.unique(np.column_stack([ends[0], ends[1] + k]), axis=0)
        graphs.append((2 * k, np.concatenate([np.column_stack([u[chosen], v[chosen]]), bridges])))
    return GraphSet.from_edge_lists([n for n, _ in graphs], [edges for _, edges in graphs]).largest_components()


def delaunay_triangulations(num_graphs: int, *, nodes: int, seed: int) -> GraphSet:
    """Delaunay triangulations of uniform points in the unit square: planar and connected [3]."""
    from scipy.spatial import Delaunay

    def draw(stream: Stream) -> Graph:
        triangles = Delaunay(stream.uniforms(2 * nodes).reshape(nodes, 2)).simplices
        sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]), axis=1)
        return nodes, np.unique(sides.astype(np.int64), axis=0)

    return draw_graphs(num_graphs, seed, draw)


def block_models(num_graphs: int, *, blocks: range, sizes: range, inside: float, between: float, seed: int) -> GraphSet:
    """Connected stochastic block models: drawn again until connected [3].

    Args:
        num_graphs: graphs to make.
        blocks: the number of blocks is uniform over these.
        sizes: the nodes of each block are uniform over these.
        inside: probability of an edge in a block.
        between: probability of an edge between two blocks.
        seed: of the set.
    """

    def draw(stream: Stream) -> Graph:
        while True:
            count = blocks[stream.integer(len(blocks))]
            block = np.repeat(np.arange(count), [sizes[stream.integer(len(sizes))] for _ in range(count)])
            u, v = np.triu_indices(len(block), k=1)
            chosen = stream.uniforms(len(u)) < np.where(block[u] == block[v], inside, between)
            u, v = u[chosen], v[chosen]
            adjacency = sparse.coo_array((np.ones(len(u)), (u, v)), shape=(len(block), len(block)))
            if sparse.csgraph.connected_components(adjacency, directed=False, return_labels=False) == 1:
                return len(block), np.column_stack([u, v])

    return draw_graphs(num_graphs, seed, draw)


def uniform_trees(num_graphs: int, *, nodes: int, seed: int) -> GraphSet:
    """Trees that are uniform over all labelled trees [4], from uniform Pruefer sequences; nodes >= 3."""
    return draw_compiled(num_graphs, seed, lambda state: (nodes, _tree(nodes, state)))


@nb.njit(cache=True)
def _tree(n: int, state: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """The tree int64[n - 1, 2] of a Pruefer sequence drawn here, decoded in O(n)."""
    sequence = np.empty(n - 2, np.int64)
    degree = np.ones(n, np.int64)
    for i in range(n - 2):
        sequence[i] = below(state, n)
        degree[sequence[i]] += 1
    edges = np.empty((n - 1, 2), np.int64)
    smallest = 0
    while degree[smallest] != 1:
        smallest += 1
    leaf = smallest
    for i in range(n - 2):
        node = sequence[i]
        edges[i, 0], edges[i, 1] = leaf, node
        degree[node] -= 1
        if degree[node] == 1 and node < smallest:
            leaf = node
        else:
            smallest += 1
            while degree[smallest] != 1:
                smallest += 1
            leaf = smallest
    edges[n - 2, 0], edges[n - 2, 1] = leaf, n - 1
    return edges


def lobsters(num_graphs: int, *, backbone: int, sizes: tuple[int, int], seed: int) -> GraphSet:
    """Lobsters: trees whose nodes are at most two steps from a path, as GRAN makes them [2].

    The path has 0 to 2 `backbone` nodes, uniformly; each of them gets further neighbours while a coin with p = 0.7 says so, and
    each of these likewise. Drawn again until the nodes lie in `sizes`, both ends included.
    """
    return draw_compiled(num_graphs, seed, lambda state: _lobster(backbone, sizes[0], sizes[1], state))


@nb.njit(cache=True)
def _lobster(backbone: int, smallest: int, largest: int, state: npt.NDArray[np.uint64]) -> Any:
    edges = np.empty((largest, 2), np.int64)
    while True:
        path = below(state, 2 * backbone + 1)
        n = path
        if n <= largest:
            for i in range(path - 1):
                edges[i, 0], edges[i, 1] = i, i + 1
            for i in range(path):
                n = _grow_claws(i, n, edges, state)
        if smallest <= n <= largest:
            return n, edges[: n - 1].copy()


@nb.njit(cache=True)
def _grow_claws(node: int, n: int, edges: npt.NDArray[np.int64], state: npt.NDArray[np.uint64]) -> int:
    """Hang neighbours on a path node of a tree of n nodes, and their neighbours; edges beyond the array are not written."""
    while below(state, 10) < 7:
        claw = n
        if n <= edges.shape[0]:
            edges[n - 1, 0], edges[n - 1, 1] = node, claw
        n += 1
        while below(state, 10) < 7:
            if n <= edges.shape[0]:
                edges[n - 1, 0], edges[n - 1, 1] = claw, n
            n += 1
    return n


def preferential_attachment(num_graphs: int, sizes: range, *, attached: int, seed: int) -> GraphSet:
    """Barabasi-Albert graphs [1]: from a star on, each new node joins `attached` different nodes, drawn by their degree.

    Args:
        num_graphs: graphs to make.
        sizes: n is uniform over these numbers, all above `attached`.
        attached: m, edges of a new node.
        seed: of the set.
    """

    def draw(state: npt.NDArray[np.uint64]) -> Graph:
        n = sizes[int(below(state, len(sizes)))]
        return n, _attach(n, attached, state)

    return draw_compiled(num_graphs, seed, draw)


@nb.njit(cache=True)
def _attach(n: int, m: int, state: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    edges = np.empty((m * (n - m), 2), np.int64)
    chosen = np.arange(m)
    for new in range(m, n):
        first = m * (new - m)
        for i in range(m):
            edges[first + i, 0], edges[first + i, 1] = chosen[i], new
        ends = edges[: first + m].reshape(-1)  # every node as often as its degree
        count = 0
        while count < m:
            node = ends[below(state, ends.shape[0])]
            if not (chosen[:count] == node).any():
                chosen[count] = node
                count += 1
    return edges
