"""The order that a GraphSet keeps its edges in: made, checked, or refused with what is wrong.

Legend: E edges.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
_BLOCK_EDGES = 1 << 20  # that are checked at a time


def order_of_edges(graph: Int64Array, low: Int64Array, high: Int64Array, *, width: int, num_graphs: int) -> Int64Array | None:
    """The order that sorts edges by (graph, low, high), None if they are sorted; `width` is above every right node id."""
    width = max(width, int(high.max(initial=0)) + 1)
    if low.min(initial=0) < 0 or num_graphs * width * width >= 2**63:  # such a key would not fit
        return np.lexsort((high, low, graph))
    key = (graph * width + low) * width + high
    return np.argsort(key, kind="stable") if (np.diff(key) < 0).any() else None


def sorted_pairs(first: Int64Array, second: Int64Array) -> Int64Array:
    """int64[2, E]."""
    order = np.lexsort((second, first))
    return np.stack([first[order], second[order]])


def narrow(values: Int64Array, dtype: Any, what: str) -> npt.NDArray[Any]:
    """The values in a narrower type, or InputError if they do not fit."""
    limits = np.iinfo(dtype)
    if values.min(initial=0) < limits.min or values.max(initial=0) > limits.max:
        far = int(values.max()) if values.max() > limits.max else int(values.min())
        msg = f"{what} must be at most {limits.max}, got {far}"
        raise InputError(msg)
    return values.astype(dtype, copy=False)


def is_canonical(num_nodes: Int32Array, offsets: Int64Array, edges: Int32Array) -> bool:
    """Whether edges are inside their graph, u < v, sorted and unique in each graph; the fast way to say yes."""
    bounds = np.searchsorted(offsets, np.arange(0, len(edges), _BLOCK_EDGES)).tolist()
    return all(
        _block_is_canonical(num_nodes[start:stop], offsets[start : stop + 1], edges)
        for start, stop in pairwise([*bounds, len(num_nodes)])
    )


def _block_is_canonical(num_nodes: Int32Array, offsets: Int64Array, edges: Int32Array) -> bool:
    """The same of some graphs, whose offsets are those into all edges."""
    edges, offsets = edges[offsets[0] : offsets[-1]], offsets - offsets[0]
    if not len(edges):
        return True
    u, v = edges[:, 0], edges[:, 1]
    filled = np.diff(offsets) > 0
    if u.min() < 0 or (u >= v).any() or (np.maximum.reduceat(v, offsets[:-1][filled]) >= num_nodes[filled]).any():
        return False
    key = u.astype(np.int64)
    key <<= 32
    key |= v
    rising = key[1:] > key[:-1]
    rising[offsets[1:-1][(offsets[1:-1] > 0) & (offsets[1:-1] < len(edges))] - 1] = True
    return bool(rising.all())


def check_edges(num_nodes: npt.NDArray[Any], graph: Int64Array, edges: npt.NDArray[Any]) -> None:
    """Raise InputError unless edges are canonical: inside their graph, u < v, sorted by (graph, u, v), unique."""
    if not len(edges):
        return
    u, v = edges[:, 0], edges[:, 1]
    outside = (u < 0) | (v >= num_nodes[graph])
    same_graph = graph[1:] == graph[:-1]
    repeated = same_graph & (u[1:] == u[:-1]) & (v[1:] == v[:-1])
    for what, bad, advice in (
        ("an edge to a node outside 0..n-1", outside, "number the nodes of each graph 0..n-1"),
        ("a self-loop", u == v, "remove the loops"),
        ("a parallel edge", np.concatenate([[False], repeated]), "keep one edge a pair of nodes"),
    ):
        if bad.any():
            first = int(np.argmax(bad))
            msg = (
                f"graphs must be simple and undirected: graph {int(graph[first])} has {what} "
                f"({int(u[first])}, {int(v[first])}), and {int(bad.sum()) - 1} more edges are of this kind; {advice}"
            )
            raise InputError(msg)
    if (u > v).any() or (same_graph & ((u[1:] < u[:-1]) | ((u[1:] == u[:-1]) & (v[1:] < v[:-1])))).any():
        msg = "edges must have u < v and be sorted by (u, v) in each graph; GraphSet.from_flat sorts them"
        raise InputError(msg)
