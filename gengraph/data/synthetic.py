"""The synthetic families of the GraphRNN paper, the same on every machine and with every numpy version.

Reference:
    J. You, R. Ying, X. Ren, W. Hamilton, J. Leskovec. GraphRNN: Generating Realistic Graphs with Deep Auto-regressive
    Models. ICML 2018, section 4.1.
"""

import numpy as np

from gengraph.graphs import GraphSet, Int64Array
from gengraph.streams import Stream


def ladders(rungs: range) -> GraphSet:
    """Ladders P_2 x P_r, one for each number of rungs r: 2r nodes, 3r - 2 edges."""
    edge_lists = []
    for r in rungs:
        rail = np.column_stack([np.arange(r - 1), np.arange(1, r)])
        steps = np.column_stack([np.arange(r), np.arange(r) + r])
        edge_lists.append(np.concatenate([rail, rail + r, steps]))
    return GraphSet.from_edge_lists([2 * r for r in rungs], edge_lists)


def grids(rows: range, columns: range) -> GraphSet:
    """Two-dimensional grids P_r x P_c, one for each r in rows and c in columns, numbered row by row."""
    sizes = [(r, c) for r in rows for c in columns]
    edge_lists = []
    for r, c in sizes:
        node = np.arange(r * c).reshape(r, c)
        across = np.column_stack([node[:, :-1].ravel(), node[:, 1:].ravel()])
        down = np.column_stack([node[:-1].ravel(), node[1:].ravel()])
        edge_lists.append(np.concatenate([across, down]))
    return GraphSet.from_edge_lists([r * c for r, c in sizes], edge_lists)


def communities(num_graphs: int, sizes: range, *, density: float, seed: int) -> GraphSet:
    """Two Erdos-Renyi communities of n/2 nodes, joined by round(0.05 n), at least one, random edges.

    Args:
        num_graphs: graphs to make.
        sizes: n is uniform over these numbers.
        density: the probability of an edge inside a community, in [0, 1].
        seed: graph g depends on (seed, g) alone.
    """
    graphs = [_community(sizes, density, Stream(seed, g)) for g in range(num_graphs)]
    return GraphSet.from_edge_lists([n for n, _ in graphs], [edges for _, edges in graphs])


def _community(sizes: range, density: float, stream: Stream) -> tuple[int, Int64Array]:
    n = sizes[stream.integer(len(sizes))]
    first = n // 2
    u, v = np.triu_indices(n, k=1)
    inside = (u < first) == (v < first)
    chosen = inside & (stream.uniforms(len(u)) < density)
    between = np.flatnonzero(~inside)
    bridges = between[np.argsort(stream.uniforms(len(between)), kind="stable")[: max(1, round(0.05 * n))]]
    chosen[bridges] = True
    return n, np.column_stack([u[chosen], v[chosen]])
