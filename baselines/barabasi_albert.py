"""Barabasi-Albert graphs: nodes arrive one by one and attach to m earlier ones, in proportion to their degree."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.baselines.baseline import Baseline, check_choice, draw_sizes
from gengraph.baselines.edge_buffer import Int32Array, sorted_by, stream_indices
from gengraph.baselines.mmd_fit import least_mmd
from gengraph.graphs import GraphSet, Int64Array
from gengraph.streams import State, below, open_stream, stream_key


class BarabasiAlbert(Baseline):
    """Preferential attachment [1] with m edges a new node, fitted by moments.

    A graph of n nodes starts as a star of m + 1 nodes, so it has m (n - m) edges; one of n <= m nodes uses n - 1 for m.
    Given m the number of edges is no random variable, hence the likelihood of m is zero for nearly every graph and the
    fit is by moments.

    Args:
        fit: "moments": the m whose graphs of the training sizes have as many edges, together, as the training graphs (the
            smallest at a tie); or "mmd": the m whose samples have the least degree MMD^2 (protocol emd) to the training
            graphs, as in [2].

    References:
        [1] A.-L. Barabasi and R. Albert, "Emergence of scaling in random networks", Science 286 (1999).
        [2] J. You et al., "GraphRNN: generating realistic graphs with deep auto-regressive models", ICML 2018.
    """

    model: ClassVar[str] = "ba"

    def __init__(self, *, fit: str = "moments") -> None:
        check_choice("fit", fit, ("moments", "mmd"))
        super().__init__(fit=fit)
        self._by_mmd = fit == "mmd"

    def _learn(self, graphs: GraphSet, seed: int, budget: float | None) -> dict[str, Any]:
        m = _m_by_moments(graphs)
        if self._by_mmd and m > 0:
            tried = np.unique(np.geomspace(1, 2 * m + 2, 20).round().astype(np.int64))
            candidates = tried[np.argsort(abs(tried - m), kind="stable")].tolist()
            key = stream_key(seed, "fit")
            m = least_mmd(graphs, candidates, lambda m, sizes: sample_ba(sizes, m, key), budget)
        return {"m": m, "sizes": graphs.num_nodes.tolist()}

    def _draw(self, state: dict[str, Any], indices: Int64Array, seed: int) -> GraphSet:
        num_nodes = draw_sizes(state["sizes"], indices, seed)
        return sample_ba(num_nodes, state["m"], stream_key(seed, "edges"), indices)


def _m_by_moments(graphs: GraphSet) -> int:
    sizes, how_many = np.unique(graphs.num_nodes, return_counts=True)
    # m (n - m) >= m n / 2 up to m = n / 2, where it is largest: no larger m than this bound can fit better.
    mean_degree = 2 * graphs.num_edges / np.maximum(graphs.num_nodes, 1)
    candidates = range(int(np.ceil(mean_degree.max())) + 1)
    totals = [int((how_many * _num_edges(sizes, m)).sum()) for m in candidates]
    return int(np.argmin(np.abs(np.array(totals) - len(graphs.edges))))


def _num_edges(num_nodes: npt.NDArray[Any], m: int) -> Int64Array:
    sizes = num_nodes.astype(np.int64)
    effective = np.clip(sizes - 1, 0, m)
    return effective * (sizes - effective)


def sample_ba(num_nodes: Int32Array, m: int, key: np.uint64, indices: Int64Array | None = None) -> GraphSet:
    """One Barabasi-Albert graph for each size int32[G]; O(G + N + E m) (m is small: targets are compared one by one).

    indices int64[G] name the random stream of each graph; by default 0..G-1.
    """
    offsets = np.concatenate([[0], np.cumsum(_num_edges(num_nodes, m))])
    return GraphSet(num_nodes, offsets, _ba_set(num_nodes, m, offsets, key, stream_indices(indices, len(num_nodes))))


@njit(cache=True)
def _ba_set(num_nodes: Int32Array, m: int, offsets: Int64Array, key: np.uint64, indices: Int64Array) -> Int32Array:
    edges = np.empty((offsets[-1], 2), np.int32)
    for graph in range(len(num_nodes)):
        size = num_nodes[graph]
        attached = min(m, size - 1)
        if attached > 0:
            graph_edges = _grow(size, attached, open_stream(key, indices[graph]))
            edges[offsets[graph] : offsets[graph + 1]] = sorted_by(graph_edges, 0, size)
    return edges


@njit(cache=True)
def _grow(num_nodes: int, m: int, state: State) -> Int32Array:
    """int32[m (n - m), 2]: edges (target, new node) with the new nodes in rising order.

    The ends of all edges so far hold each node as often as its degree, so a uniform choice among them is preferential.
    """
    edges = np.empty((m * (num_nodes - m), 2), np.int32)
    for leaf in range(m):
        edges[leaf, 0] = 0
        edges[leaf, 1] = leaf + 1
    for node in range(m + 1, num_nodes):
        first = m * (node - m)
        count = first
        while count < first + m:
            end = below(state, 2 * first)
            target = edges[end // 2, end % 2]
            if not _contains(edges, first, count, target):
                edges[count, 0] = target
                edges[count, 1] = node
                count += 1
    return edges


@njit(cache=True)
def _contains(edges: Int32Array, first: int, last: int, target: int) -> bool:
    for row in range(first, last):  # noqa: SIM110 - compiled: a loop is faster than a generator
        if edges[row, 0] == target:
            return True
    return False
