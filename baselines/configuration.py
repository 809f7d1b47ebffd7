"""Configuration model: random graphs with the degrees of the training graphs."""

from typing import Any, ClassVar

import numpy as np
from numba import njit

from gengraph.baselines.baseline import Baseline
from gengraph.baselines.edge_buffer import Int32Array, stream_indices
from gengraph.baselines.empirical import draw_remembered, readable_remembered, remembered
from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.streams import below, open_stream, stream_key

NeighbourLists = tuple[Int64Array, Int32Array]  # int64[N + 1], where a node's neighbours begin, and int32[2 E]


class Configuration(Baseline):
    """Simple graphs drawn uniformly among those with the degree sequence of a random training graph.

    By the switch chain [1]: two random edges (a, b), (c, d) become (a, d), (c, b) unless that makes a loop or a parallel
    edge; every step that fails counts as a step, so the limit is uniform. It begins at the training graph, whose every node
    keeps its degree: the degree MMD is near the floor, and what the other statistics still miss is not a matter of degrees.

    Args:
        steps_per_edge: length of the chain, >= 1; 10 per edge leave no trace of the first graph in the statistics of [2].

    References:
        [1] B. Fosdick, D. Larremore, J. Nishimura and J. Ugander, "Configuring random graph models with fixed degree
            sequences", SIAM Review 60 (2018).
        [2] R. Milo et al., "On the uniform generation of random graphs with prescribed degree sequences",
            arXiv:cond-mat/0312028 (2003).
    """

    model: ClassVar[str] = "configuration"

    def __init__(self, *, steps_per_edge: int = 20) -> None:
        if steps_per_edge < 1:
            msg = f"steps_per_edge must be >= 1, got {steps_per_edge}; 0 steps are the model 'empirical'"
            raise InputError(msg)
        super().__init__(steps_per_edge=steps_per_edge)
        self._steps_per_edge = steps_per_edge

    def _learn(self, graphs: GraphSet, seed: int, budget: float | None) -> dict[str, Any]:
        return remembered(graphs)

    def _draw(self, state: dict[str, Any], indices: Int64Array, seed: int) -> GraphSet:
        drawn = draw_remembered(state, indices, seed)
        return switch_edges(drawn, self._steps_per_edge, stream_key(seed, "edges"), indices)

    def _readable(self, state: dict[str, Any]) -> dict[str, Any]:
        return readable_remembered(super()._readable(state))


def switch_edges(graphs: GraphSet, steps_per_edge: int, key: np.uint64, indices: Int64Array | None = None) -> GraphSet:
    """Each graph after steps_per_edge * E steps of the switch chain; O(steps d), d the degree of an edge's end.

    indices int64[G] name the random stream of each graph; by default 0..G-1.
    """
    matrix = graphs.to_csr()
    starts, neighbours = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
    edges = graphs.edges + graphs.node_offsets[:-1].astype(np.int32)[graphs.graph_of_edge][:, None]
    streams = key, stream_indices(indices, len(graphs))
    _switch(graphs.edge_offsets, edges, (starts, neighbours), steps_per_edge, streams)
    local = edges - graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]
    return GraphSet.from_flat(graphs.num_nodes, graphs.graph_of_edge, local)


@njit(cache=True)
def _switch(
    offsets: Int64Array,
    edges: Int32Array,
    lists: NeighbourLists,
    steps_per_edge: int,
    streams: tuple[np.uint64, Int64Array],
) -> None:
    """Switch in place; `edges` have node numbers through all graphs. Degrees stay, so the lists keep their lengths."""
    key, indices = streams
    for graph in range(len(offsets) - 1):
        first, num_edges = offsets[graph], offsets[graph + 1] - offsets[graph]
        state = open_stream(key, indices[graph])
        for _ in range(steps_per_edge * num_edges):
            one, other = first + below(state, num_edges), first + below(state, num_edges)
            a, b = edges[one]
            flip = below(state, 2)
            c, d = edges[other, flip], edges[other, 1 - flip]
            if a == d or c == b or _place(lists, a, d) >= 0 or _place(lists, c, b) >= 0:
                continue
            neighbours = lists[1]
            neighbours[_place(lists, a, b)], neighbours[_place(lists, b, a)] = d, c
            neighbours[_place(lists, c, d)], neighbours[_place(lists, d, c)] = b, a
            edges[one, 0], edges[one, 1] = a, d
            edges[other, 0], edges[other, 1] = c, b


@njit(cache=True)
def _place(lists: NeighbourLists, node: int, other: int) -> int:
    """Where `other` stands among the neighbours of `node`, or -1."""
    starts, neighbours = lists
    for place in range(starts[node], starts[node + 1]):
        if neighbours[place] == other:
            return place
    return -1
