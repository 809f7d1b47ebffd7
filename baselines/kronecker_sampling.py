"""Exact samples of stochastic Kronecker graphs in time proportional to their edges.

Pairs of nodes fall into few classes of equal probability (kronecker_classes). Inside a class the edges are found by
geometric skips [1]: every pair is an independent Bernoulli trial, as the model says. Dropping edges down the levels one by
one would need a rule for duplicates, which bends that law; here no pair is ever met twice.

The pairs of each half of the levels are listed class by class, so a class of whole pairs is a product of two stretches of
those lists and an edge is found by two look-ups.

Legend: s side of the initiator, k levels, L levels of a half, P pairs of a half, C classes of a half.

References:
    [1] A. Ramani, N. Eikmeier and D. Gleich, "Coin-flipping, ball-dropping, and grass-hopping for generating random graphs
        from matrices of edge probabilities", SIAM Review 61 (2019).
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.baselines.edge_buffer import Int32Array, skip, sorted_by, with_room
from gengraph.baselines.kronecker_classes import Int64Array, cut_levels, half_classes, num_levels
from gengraph.graphs import GraphSet
from gengraph.streams import State, below, open_stream

Float64Array = npt.NDArray[np.float64]


class _Half(NamedTuple):
    """Pairs of node numbers of one half of the levels, class by class."""

    pairs: Int32Array  # [P, 2]
    offsets: Int64Array  # [C + 1], where each class begins in `pairs`
    probability: Float64Array  # [C]


def sample_kronecker(initiator: Float64Array, num_nodes: int, indices: Int64Array, key: np.uint64) -> GraphSet:
    """One stochastic Kronecker graph of num_nodes nodes for each graph index; O(s^k + E) a graph.

    A graph of s^k >= num_nodes nodes is drawn, k as small as possible, and its num_nodes nodes of highest degree are kept
    in their order, chosen at random among equals: isolated nodes are the first to go.

    Args:
        initiator: float64[s, s], symmetric, entries in 0..1.
        num_nodes: the size of all these graphs.
        indices: int64[G], graph index of each, which picks its random stream.
        key: of the random streams.
    """
    side = len(initiator)
    levels = num_levels(num_nodes, side)
    high, low = cut_levels(levels)
    # u < v where the high halves are ordered, or where they are equal and the low halves are ordered.
    products = (
        (_half(initiator, high, "ordered"), _half(initiator, low, "all")),
        (_half(initiator, high, "equal"), _half(initiator, low, "ordered")),
    )
    edges, counts = _kronecker_set(products, (side**levels, side**low, num_nodes), indices, key)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return GraphSet(np.full(len(indices), num_nodes, np.int32), offsets, edges)


def _half(initiator: Float64Array, levels: int, which: str) -> _Half:
    entries = initiator[np.triu_indices(len(initiator))]
    probability = np.prod(entries ** half_classes(len(initiator), levels).exponents, axis=1)
    return _Half(*pairs_by_class(len(initiator), levels, which), probability)


@lru_cache(maxsize=64)
def pairs_by_class(side: int, levels: int, which: str) -> tuple[Int32Array, Int64Array]:
    """(pairs int32[P, 2], offsets int64[C + 1]) of "all" pairs i, j of a half, or those "ordered" i < j, or "equal" i = j."""
    class_of, exponents = half_classes(side, levels)
    size = len(class_of)
    chosen = {"all": np.ones((size, size)), "ordered": np.tri(size, k=-1).T, "equal": np.eye(size)}
    pairs = np.argwhere(chosen[which])
    number = class_of[pairs[:, 0], pairs[:, 1]]
    order = np.argsort(number, kind="stable")
    return pairs[order].astype(np.int32), np.searchsorted(number[order], np.arange(len(exponents) + 1))


@njit(cache=True)
def _kronecker_set(
    products: tuple[tuple[_Half, _Half], tuple[_Half, _Half]], shape: tuple[int, int, int], indices: Int64Array, key: np.uint64
) -> tuple[Int32Array, Int64Array]:
    num_drawn, num_low, num_nodes = shape
    edges = np.empty((1024, 2), np.int32)
    counts = np.empty(len(indices), np.int64)
    total = 0
    for g in range(len(indices)):
        state = open_stream(key, indices[g])
        drawn = np.empty((1024, 2), np.int32)
        count = 0
        for high, low in products:
            drawn, count = _append_product(drawn, count, high, low, num_low, state)
        kept = _trimmed(drawn[:count], num_drawn, num_nodes, state)
        edges = with_room(edges, total, len(kept))
        edges[total : total + len(kept)] = sorted_by(sorted_by(kept, 1, num_nodes), 0, num_nodes)
        counts[g] = len(kept)
        total += len(kept)
    return edges[:total], counts


@njit(cache=True)
def _append_product(
    edges: Int32Array, count: int, high: _Half, low: _Half, num_low: int, state: State
) -> tuple[Int32Array, int]:
    """Append the edges among all combinations of a high and a low pair, and return edges and the new count."""
    for a in range(len(high.probability)):
        for b in range(len(low.probability)):
            probability = high.probability[a] * low.probability[b]
            if probability <= 0.0:
                continue
            log_failure = math.log1p(-probability) if probability < 1.0 else -math.inf
            width = low.offsets[b + 1] - low.offsets[b]
            num_pairs = (high.offsets[a + 1] - high.offsets[a]) * width
            position = skip(state, log_failure, num_pairs)
            while position < num_pairs:
                upper = high.pairs[high.offsets[a] + position // width]
                lower = low.pairs[low.offsets[b] + position % width]
                edges = with_room(edges, count, 1)
                edges[count, 0] = upper[0] * num_low + lower[0]
                edges[count, 1] = upper[1] * num_low + lower[1]
                count += 1
                position += 1 + skip(state, log_failure, num_pairs)
    return edges, count


@njit(cache=True)
def _trimmed(edges: Int32Array, num_drawn: int, num_nodes: int, state: State) -> Int32Array:
    """The edges among the num_nodes nodes of highest degree, renumbered in order; equals are chosen at random."""
    degree = np.zeros(num_drawn, np.int64)
    for row in range(len(edges)):
        degree[edges[row, 0]] += 1
        degree[edges[row, 1]] += 1
    having = np.bincount(degree)
    threshold, above = len(having) - 1, 0  # `above` nodes have a degree above the threshold
    while above + having[threshold] < num_nodes:
        above += having[threshold]
        threshold -= 1
    wanted, equals = num_nodes - above, having[threshold]
    new_id = np.full(num_drawn, -1, np.int32)
    kept = 0
    for node in range(num_drawn):
        take = degree[node] > threshold
        if degree[node] == threshold:
            take = below(state, equals) < wanted
            wanted -= take
            equals -= 1
        if take:
            new_id[node] = kept
            kept += 1
    result = np.empty_like(edges)
    count = 0
    for row in range(len(edges)):
        u, v = new_id[edges[row, 0]], new_id[edges[row, 1]]
        if u >= 0 and v >= 0:
            result[count, 0], result[count, 1] = u, v
            count += 1
    return result[:count]
