"""How far back edges reach under an ordering: max_prev_node, estimated or bounded, and what a smaller one cuts."""

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.order_names import BREADTH_FIRST, LEVELLED, ORDERING_NAMES
from gengraph.graphs.orderings import Adjacency, order_nodes, ordering_code
from gengraph.models.graphrnn.config import SequenceConfig
from gengraph.seeded import Stream
from gengraph.streams import key_of

_MAX_ORDERINGS = 100_000
_MAX_WORK = 30_000_000  # nodes and edge ends visited by an estimate: about a second
_MAX_BOUND_WORK = 1_500_000_000  # and by the bound, which searches from every node: a few seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What was seen in random orderings of a graph set.

    Attributes:
        edges_at: int64[n + 1], edges by how far back they reach.
        maxima_at: int64[n + 1], orderings by how far back their furthest edge reaches.
        mean_candidates: earlier nodes that a graph's rows choose among, all rows together, in the narrowest exact window:
            adaptive for breadth-first orderings, else fixed at the furthest reach seen.
    """

    edges_at: Int64Array
    maxima_at: Int64Array
    mean_candidates: float

    @property
    def num_orderings(self) -> int:
        """Orderings that were drawn."""
        return int(self.maxima_at.sum())

    def quantile(self, share: float) -> int:
        """The smallest max_prev_node, >= 1, that a share in (0, 1] of the orderings stays within."""
        return max(1, int(np.searchsorted(np.cumsum(self.maxima_at), share * self.num_orderings)))

    def share_cut(self, max_prev_node: int) -> float:
        """Share of the edges, in [0, 1], that reach further back than max_prev_node."""
        return float(self.edges_at[max_prev_node + 1 :].sum() / max(self.edges_at.sum(), 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Bandwidth:
    """The max_prev_node of a graph set under an ordering.

    Attributes:
        max_prev_node: previous nodes that a row keeps, >= 1.
        num_orderings: orderings drawn to estimate it.
        share_cut: share of edges, in [0, 1], that reach further back in those orderings.
    """

    max_prev_node: int
    num_orderings: int
    share_cut: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"max_prev_node": self.max_prev_node, "num_orderings": self.num_orderings, "share_cut": self.share_cut}


def measure_reach(graphs: GraphSet, ordering: str, *, seed: int = 0) -> Reach:
    """Draw orderings of all graphs in turn and see how far back edges reach.

    Up to 100,000 orderings are drawn, fewer where the graphs are large; their number depends on the data alone. Of more graphs
    than that, as many are drawn at random, the same for a seed.

    Args:
        graphs: at least one graph.
        ordering: a name of ORDERING_NAMES.
        seed: of the orderings.

    Raises:
        InputError: an unknown ordering or no graphs.
    """
    code = ordering_code(ordering)
    if not len(graphs):
        msg = "max_prev_node cannot be estimated from an empty graph set"
        raise InputError(msg)
    if len(graphs) > _MAX_ORDERINGS:
        graphs = graphs[np.sort(Stream(seed).permutation(len(graphs))[:_MAX_ORDERINGS])]
    work = int(graphs.num_nodes.sum()) + 2 * len(graphs.edges)
    num_orderings = max(len(graphs), min(_MAX_ORDERINGS, _MAX_WORK * len(graphs) // max(work, 1)))
    size = int(graphs.num_nodes.max()) + 1
    edges_at, maxima_at = np.zeros(size, np.int64), np.zeros(size, np.int64)
    adaptive = _measure_reach(code, seed, num_orderings, Adjacency.of(graphs).arrays, edges_at, maxima_at)
    candidates = adaptive / num_orderings
    if ordering not in BREADTH_FIRST:
        width = max(1, int(np.flatnonzero(maxima_at)[-1]))
        rows = np.maximum(graphs.num_nodes.astype(np.int64) - 1, 0)
        full = np.minimum(rows, width)
        candidates = float((full * (full + 1) // 2 + (rows - full) * width).mean())
    return Reach(edges_at=edges_at, maxima_at=maxima_at, mean_candidates=candidates)


def safe_bound(graphs: GraphSet) -> int | None:
    """A max_prev_node that no breadth-first ordering exceeds, reversed or not; None where finding it takes too long.

    In a search whose levels hold L_0, L_1, ... nodes an edge joins nodes of one level or of two neighbouring ones, so it
    reaches at most L_d + L_(d+1) - 1 back; the bound is the maximum over all roots and levels. Complexity O(n (n + m)) a graph.
    """
    n, m = graphs.num_nodes.astype(np.int64), graphs.num_edges
    if (n * (n + 2 * m)).sum() > _MAX_BOUND_WORK:
        return None
    return max(1, int(_widest_levels(Adjacency.of(graphs).arrays)))


def estimate_max_prev_node(
    graphs: GraphSet, ordering: str, *, seed: int = 0, quantile: float = 1.0, max_prev_node: int | None = None
) -> Bandwidth:
    """Estimate max_prev_node from random orderings, or say what a given one cuts.

    Args:
        graphs: at least one graph.
        ordering: a name of ORDERING_NAMES.
        seed: of the orderings.
        quantile: in (0, 1]; 1 takes the furthest reach seen, 0.999 what 99.9% of the orderings stay within.
        max_prev_node: measure this one instead of estimating.

    Raises:
        InputError: an unknown ordering, no graphs, or a quantile outside (0, 1].
    """
    if not 0 < quantile <= 1:
        msg = f"quantile must lie in (0, 1], got {quantile}"
        raise InputError(msg)
    reach = measure_reach(graphs, ordering, seed=seed)
    chosen = reach.quantile(quantile) if max_prev_node is None else max_prev_node
    return Bandwidth(max_prev_node=chosen, num_orderings=reach.num_orderings, share_cut=reach.share_cut(chosen))


def choose_max_prev_node(graphs: GraphSet, sequence: SequenceConfig, *, seed: int) -> Bandwidth:
    """The max_prev_node that a config asks for: given, estimated or bounded.

    Raises:
        InputError: no graphs, or graphs too large for the bound.
    """
    chosen = sequence.max_prev_node
    if chosen is None and sequence.bandwidth == "bound":
        chosen = safe_bound(graphs)
        if chosen is None:
            msg = (
                "model.sequence.bandwidth = bound searches from every node, and these graphs are too large for that; "
                "set model.sequence.bandwidth = estimate"
            )
            raise InputError(msg)
    return estimate_max_prev_node(graphs, sequence.ordering, seed=seed, quantile=sequence.quantile, max_prev_node=chosen)


def describe_orderings(graphs: GraphSet, *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """How far back edges reach under each ordering, JSON-ready.

    Returns:
        By ordering: maximum, p999 (the 99.9th percentile of the orderings' furthest reaches), safe_bound (None where none is
        known), share_cut_at_p999 of the edges in [0, 1], candidates (of a graph's rows), num_orderings.
    """
    bound = safe_bound(graphs)
    described: dict[str, dict[str, Any]] = {}
    for ordering in ORDERING_NAMES:
        reach = measure_reach(graphs, ordering, seed=seed)
        p999 = reach.quantile(0.999)
        described[ordering] = {
            "maximum": reach.quantile(1),
            "p999": p999,
            "safe_bound": bound if ordering in LEVELLED else None,
            "share_cut_at_p999": reach.share_cut(p999),
            "candidates": reach.mean_candidates,
            "num_orderings": reach.num_orderings,
        }
    return described


@nb.njit(cache=True)
def _measure_reach(
    ordering: int,
    seed: int,
    num_orderings: int,
    adjacency: Any,
    edges_at: npt.NDArray[np.int64],
    maxima_at: npt.NDArray[np.int64],
) -> int:
    """Count edges and per-ordering maxima by how far back they reach; return the candidates in adaptive windows."""
    node_offsets, indptr, neighbours = adjacency
    num_graphs = node_offsets.shape[0] - 1
    state = np.empty(1, np.uint64)
    order = np.empty(edges_at.shape[0], np.int32)
    position = np.empty(edges_at.shape[0], np.int32)
    candidates = 0
    for k in range(num_orderings):
        g = k % num_graphs
        state[0] = key_of(seed, g, k // num_graphs)
        own = indptr[node_offsets[g] : node_offsets[g + 1] + 1]
        order_nodes(ordering, own, neighbours, state, order, position)
        furthest, start = 0, 0
        for place in range(1, own.shape[0] - 1):
            candidates += place - start
            oldest = place
            node = order[place]
            for e in range(own[node], own[node + 1]):
                earlier = position[neighbours[e]]
                if earlier < place:
                    edges_at[place - earlier] += 1
                    oldest = min(oldest, earlier)
            furthest = max(furthest, place - oldest)
            start = oldest
        maxima_at[furthest] += 1
    return candidates


@nb.njit(cache=True)
def _widest_levels(adjacency: Any) -> int:
    """The maximum over graphs, roots and levels of the nodes in a level and the next, less one."""
    node_offsets, indptr, neighbours = adjacency
    widest = 0
    for g in range(node_offsets.shape[0] - 1):
        own = indptr[node_offsets[g] : node_offsets[g + 1] + 1]
        n = own.shape[0] - 1
        queue, seen_from = np.empty(n, np.int32), np.full(n, -1, np.int32)
        for root in range(n):
            queue[0] = root
            seen_from[root] = root
            before, level, end = 0, 0, 1  # where the level before, this level and the next begin
            while level < end:
                widest = max(widest, end - before - 1)
                tail = end
                for i in range(level, end):
                    for e in range(own[queue[i]], own[queue[i] + 1]):
                        child = neighbours[e]
                        if seen_from[child] != root:
                            seen_from[child] = root
                            queue[tail] = child
                            tail += 1
                before, level, end = level, end, tail
    return widest
