"""Ladders and grids.

Reference:
    J. You, R. Ying, X. Ren, W. Hamilton, J. Leskovec. GraphRNN: Generating Realistic Graphs with Deep Auto-regressive
    Models. ICML 2018, section 4.1.
"""

import numpy as np

from gengraph.graphs import GraphSet


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
