"""Samples of G(n, p) and G(n, m), and the density of a graph set as a function of n."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy import special

from gengraph.baselines.edge_buffer import Int32Array, skip, stream_indices, with_room
from gengraph.graphs import GraphSet, Int64Array
from gengraph.streams import State, below, open_stream

Float64Array = npt.NDArray[np.float64]
DensityLaw = Callable[[npt.NDArray[Any]], Float64Array]

_NEWTON_STEPS = 50


def fit_density(graphs: GraphSet, density: str) -> DensityLaw:
    """The probability of an edge as a function of the sizes int[S], by maximum likelihood; O(G).

    Args:
        graphs: at least one.
        density: "constant"; "size", a logistic function of log n; or "auto", the one with the lower BIC.
    """
    sizes, edges = graphs.num_nodes.astype(np.float64), graphs.num_edges.astype(np.float64)
    pairs = sizes * (sizes - 1) / 2
    constant = float(edges.sum() / pairs.sum()) if pairs.sum() else 0.0
    # A slope means nothing for one size, or at density 0 or 1.
    if density == "constant" or not 0 < constant < 1 or len(np.unique(sizes[pairs > 0])) < 2:
        return lambda sizes: np.full(len(sizes), constant)
    beta = _logistic_fit(np.log(np.maximum(sizes, 1)), edges, pairs, constant)

    def law(sizes: npt.NDArray[Any]) -> Float64Array:
        return np.asarray(special.expit(beta[0] + beta[1] * np.log(np.maximum(sizes, 1))))

    gain = _log_likelihood(law(graphs.num_nodes), edges, pairs) - _log_likelihood(np.full(len(sizes), constant), edges, pairs)
    if density == "auto" and 2 * gain <= math.log(len(graphs)):
        return lambda sizes: np.full(len(sizes), constant)
    return law


def _log_likelihood(p: Float64Array, edges: Float64Array, pairs: Float64Array) -> float:
    return float((special.xlogy(edges, p) + special.xlog1py(pairs - edges, -p)).sum())


def _logistic_fit(x: Float64Array, edges: Float64Array, pairs: Float64Array, constant: float) -> Float64Array:
    """Intercept and slope float64[2] of the logistic regression of edges among pairs on x, by damped Newton steps."""
    centre = np.average(x, weights=pairs)
    design = np.column_stack([np.ones_like(x), x - centre])
    beta = np.array([special.logit(constant), 0.0])
    for _ in range(_NEWTON_STEPS):
        p = special.expit(design @ beta)
        hessian = design.T @ (design * (pairs * p * (1 - p))[:, None])
        step = np.linalg.solve(hessian + 1e-9 * np.eye(2), design.T @ (edges - pairs * p))
        beta += step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    return np.array([beta[0] - beta[1] * centre, beta[1]])


def sample_gnp(num_nodes: Int32Array, probability: Float64Array, key: np.uint64, indices: Int64Array | None = None) -> GraphSet:
    """One G(n, p) for each size int32[G] and probability float64[G] in 0..1; O(G + N + E).

    indices int64[G] name the random stream of each graph; by default 0..G-1.
    """
    edges, offsets = _gnp_set(num_nodes, probability, key, stream_indices(indices, len(num_nodes)))
    return GraphSet(num_nodes, offsets, edges)


def sample_gnm(num_nodes: Int32Array, num_edges: Int64Array, key: np.uint64, indices: Int64Array | None = None) -> GraphSet:
    """One G(n, m) for each size int32[G] and number of edges int64[G] in 0..n (n - 1) / 2; O(G + N + E) expected.

    Draws G(n, m / pairs), whose edges, given their number, are a uniform choice; then takes edges away or adds pairs at
    random until there are m, about sqrt(m) of them, which keeps the choice uniform. indices int64[G] name the random stream
    of each graph; by default 0..G-1.
    """
    offsets = np.concatenate([[0], np.cumsum(num_edges)])
    return GraphSet(num_nodes, offsets, _gnm_set(num_nodes, offsets, key, stream_indices(indices, len(num_nodes))))


@njit(cache=True)
def _gnp_set(
    num_nodes: Int32Array, probability: Float64Array, key: np.uint64, indices: Int64Array
) -> tuple[Int32Array, Int64Array]:
    expected = (probability * num_nodes * (num_nodes - 1.0) / 2).sum()
    edges = np.empty((int(1.01 * expected + 4 * math.sqrt(expected)) + 16, 2), np.int32)
    offsets = np.zeros(len(num_nodes) + 1, np.int64)
    for graph in range(len(num_nodes)):
        state = open_stream(key, indices[graph])
        edges, offsets[graph + 1] = append_gnp(edges, offsets[graph], num_nodes[graph], probability[graph], state)
    return edges[: offsets[-1]], offsets


@njit(cache=True)
def append_gnp(edges: Int32Array, count: int, num_nodes: int, probability: float, state: State) -> tuple[Int32Array, int]:
    """Append one G(n, p) to the first `count` rows of edges, sorted by (u, v), and return edges and the new count."""
    if probability <= 0.0 or num_nodes < 2:
        return edges, count
    log_failure = math.log1p(-probability) if probability < 1.0 else -math.inf
    num_pairs = num_nodes * (num_nodes - 1) // 2
    u, v = 0, 0  # the pairs in the order (0, 1), (0, 2), .., (1, 2), ..
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


@njit(cache=True)
def _gnm_set(num_nodes: Int32Array, offsets: Int64Array, key: np.uint64, indices: Int64Array) -> Int32Array:
    result = np.empty((offsets[-1], 2), np.int32)
    for graph in range(len(num_nodes)):
        size, wanted = num_nodes[graph], offsets[graph + 1] - offsets[graph]
        if wanted == 0:
            continue
        state = open_stream(key, indices[graph])
        drawn = np.empty((wanted + 4 * int(math.sqrt(wanted)) + 16, 2), np.int32)
        drawn, count = append_gnp(drawn, 0, size, wanted / (size * (size - 1) / 2), state)
        keys = drawn[:count, 0] * np.int64(size) + drawn[:count, 1]
        keys = _without(keys, count - wanted, state) if count >= wanted else _with_more(keys, wanted - count, size, state)
        for row in range(wanted):
            result[offsets[graph] + row, 0] = keys[row] // size
            result[offsets[graph] + row, 1] = keys[row] % size
    return result


@njit(cache=True)
def _without(keys: Int64Array, surplus: int, state: State) -> Int64Array:
    """The sorted keys but `surplus` of them, chosen at random."""
    keep = np.ones(len(keys), np.bool_)
    while surplus > 0:
        row = below(state, len(keys))
        surplus -= keep[row]
        keep[row] = False
    return keys[keep]


@njit(cache=True)
def _with_more(keys: Int64Array, missing: int, size: int, state: State) -> Int64Array:
    """The sorted keys u * size + v and `missing` more pairs u < v, chosen at random among the others; sorted."""
    added = {np.int64(-1)}
    while len(added) <= missing:
        u, v = below(state, size), below(state, size)
        if u < v:
            key = np.int64(u) * size + v
            place = np.searchsorted(keys, key)
            if place == len(keys) or keys[place] != key:
                added.add(key)
    added.remove(np.int64(-1))
    new = np.sort(np.array(list(added)))
    merged = np.empty(len(keys) + len(new), np.int64)
    start = 0
    for number, place in enumerate(np.searchsorted(keys, new)):
        merged[start + number : place + number] = keys[start:place]
        merged[place + number] = new[number]
        start = place
    merged[start + len(new) :] = keys[start:]
    return merged
