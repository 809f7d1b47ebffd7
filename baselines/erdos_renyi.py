"""Erdos-Renyi graphs: every pair of nodes is an edge with the same probability, independently of all others."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.baselines.baseline import Baseline
from gengraph.baselines.edge_buffer import Int32Array, skip, with_room
from gengraph.baselines.xoshiro import State, choices, open_stream, stream_key
from gengraph.graphs import GraphSet


@dataclass(kw_only=True)
class ErdosRenyi(Baseline):
    """G(n, p) [1] fitted by maximum likelihood: p = sum of edges / sum of n (n - 1) / 2.

    References:
        [1] E. N. Gilbert, "Random graphs", Annals of Mathematical Statistics 30 (1959).
    """

    model: ClassVar[str] = "er"

    def _learn(self, graphs: GraphSet, seed: int, budget: float | None) -> dict[str, Any]:
        sizes = graphs.num_nodes.astype(np.int64)
        pairs = int((sizes * (sizes - 1) // 2).sum())
        return {"p": len(graphs.edges) / pairs if pairs else 0.0, "sizes": sizes.tolist()}

    def _draw(self, state: dict[str, Any], num_graphs: int, seed: int) -> GraphSet:
        sizes = np.array(state["sizes"], np.int32)
        num_nodes = sizes[choices(stream_key(seed, "sizes"), num_graphs, len(sizes))]
        return sample_gnp(num_nodes, np.full(num_graphs, state["p"]), stream_key(seed, "edges"))


def sample_gnp(num_nodes: Int32Array, probability: npt.NDArray[np.float64], key: np.uint64) -> GraphSet:
    """One G(n, p) for each size int32[G] and probability float64[G] in 0..1; O(G + N + E)."""
    edges, offsets = _gnp_set(num_nodes, probability, key)
    return GraphSet(num_nodes, offsets, edges)


@njit(cache=True)
def _gnp_set(
    num_nodes: Int32Array, probability: npt.NDArray[np.float64], key: np.uint64
) -> tuple[Int32Array, npt.NDArray[np.int64]]:
    expected = (probability * num_nodes * (num_nodes - 1.0) / 2).sum()
    edges = np.empty((int(1.01 * expected + 4 * math.sqrt(expected)) + 16, 2), np.int32)
    offsets = np.zeros(len(num_nodes) + 1, np.int64)
    for graph in range(len(num_nodes)):
        edges, offsets[graph + 1] = append_gnp(
            edges, offsets[graph], num_nodes[graph], probability[graph], open_stream(key, graph)
        )
    return edges[: offsets[-1]], offsets


@njit(cache=True)
def append_gnp(edges: Int32Array, count: int, num_nodes: int, probability: float, state: State) -> tuple[Int32Array, int]:
    """Append one G(n, p) to the first `count` rows of edges, sorted by (u, v), and return edges and the new count."""
    if probability <= 0.0 or num_nodes < 2:
        return edges, count
    log_failure = math.log1p(-probability) if probability < 1.0 else -math.inf
    num_pairs = num_nodes * (num_nodes - 1) // 2
    u, v = 0, 0  # pairs in the order (0, 1), (0, 2), ..; v - u - 1 of row u lie behind us
    while True:
        v += 1 + skip(state, log_failure, num_pairs)
        while v >= num_nodes and u < num_nodes - 2:
            u += 1
            v += u + 1 - num_nodes
        if v >= num_nodes:
            return edges, count
        edges = with_room(edges, count, 1)
        edges[count, 0] = u
        edges[count, 1] = v
        count += 1
