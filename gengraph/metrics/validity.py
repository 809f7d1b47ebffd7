"""Which graphs are what they should be: grids, ladders, trees, lobsters, planar graphs, communities, block models.

References:
    [1] J. You et al., GraphRNN, ICML 2018 (grid, ladder, community).
    [2] R. Liao et al., GRAN, NeurIPS 2019 (lobster).
    [3] K. Martinkus et al., SPECTRE, ICML 2022 (planar, sbm).
    [4] A. Bergmeister et al., Efficient and scalable graph generation through iterative local expansion, ICLR 2024 (tree).
"""

from collections.abc import Callable, Mapping
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.graphs.planarity import is_planar
from gengraph.metrics.blockmodel import has_two_communities, looks_like
from gengraph.metrics.statistics import node_degrees

BoolArray = npt.NDArray[np.bool_]


def is_connected(graphs: GraphSet) -> BoolArray:
    """bool[G], whether each graph has exactly one component; False for a graph without nodes."""
    return np.asarray(graphs.num_components() == 1)


def is_tree(graphs: GraphSet) -> BoolArray:
    """bool[G], connected and without cycles; one node is a tree, none is not."""
    return np.asarray(is_connected(graphs) & (graphs.num_edges == graphs.num_nodes - 1))


def is_lobster(graphs: GraphSet) -> BoolArray:
    """bool[G], trees that are a path, or nothing, once their leaves have been taken away twice [2]."""
    rest = graphs
    for _ in range(2):
        rest = rest.induced(node_degrees(rest) > 1)
    graph_of_node = rest.graph_of_node
    branches = np.bincount(graph_of_node[node_degrees(rest) > 2], minlength=len(rest))
    return np.asarray(is_tree(graphs) & (branches == 0))


def is_grid(graphs: GraphSet) -> BoolArray:
    """bool[G], isomorphic to the a x b grid for some a, b >= 2 [1]; needs igraph.

    The numbers of nodes ab and of edges 2ab - a - b leave one pair of sides, which is then compared by canonical form.
    """
    return _is_grid(graphs, ladder=False)


def is_ladder(graphs: GraphSet) -> BoolArray:
    """bool[G], isomorphic to the 2 x b grid for some b >= 2 [1]; needs igraph."""
    return _is_grid(graphs, ladder=True)


def is_planar_and_connected(graphs: GraphSet) -> BoolArray:
    """bool[G], connected and without crossings in some drawing [3]."""
    return is_connected(graphs) & is_planar(graphs)


def is_community(graphs: GraphSet) -> BoolArray:
    """bool[G], connected with two clear communities, an approximation (see `blockmodel.has_two_communities`)."""
    return is_connected(graphs) & has_two_communities(graphs)


VALIDITY: Mapping[str, Callable[[GraphSet], BoolArray]] = {
    "grid": is_grid,
    "ladder": is_ladder,
    "tree": is_tree,
    "lobster": is_lobster,
    "planar": is_planar_and_connected,
    "community": is_community,
    "sbm": partial(looks_like, blocks=range(2, 6), sizes=range(20, 41), p_intra=0.3, p_inter=0.005),
}
APPROXIMATE = frozenset({"community", "sbm"})
"""Tests that fit a model and may err, on either side; the others are exact."""


def _is_grid(graphs: GraphSet, *, ladder: bool) -> BoolArray:
    nodes, edges = graphs.num_nodes.astype(np.int64), graphs.num_edges
    total = 2 * nodes - edges  # a + b
    root = np.sqrt(np.maximum(total**2 - 4 * nodes, 0)).astype(np.int64)
    short = (total - root) // 2
    result: BoolArray = (short >= 2) & (short * (total - short) == nodes)
    if ladder:
        result &= short == 2
    for g in np.flatnonzero(result):
        result[g] = canonical_keys(graphs[int(g)])[0] == _grid_key(int(short[g]), int(total[g] - short[g]))
    return result


@cache
def _grid_key(rows: int, columns: int) -> bytes | None:
    node = np.arange(rows * columns).reshape(rows, columns)
    across = np.stack([node[:, :-1], node[:, 1:]], axis=-1).reshape(-1, 2)
    down = np.stack([node[:-1], node[1:]], axis=-1).reshape(-1, 2)
    return canonical_keys(GraphSet.from_edge_lists([rows * columns], [np.concatenate([across, down])]))[0]


def validity_of(dataset: str) -> str | None:
    """The name of a data set's test in VALIDITY, `community` for community-small:500; None if it has none."""
    name = dataset.partition(":")[0].removesuffix("-small")
    return name if name in VALIDITY else None
