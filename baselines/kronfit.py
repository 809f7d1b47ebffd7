"""KronFit: maximum likelihood for stochastic Kronecker graphs, the assignment of nodes to numbers being unknown.

Given an assignment, the log-likelihood of G graphs is

    sum over edges of log(P / (1 - P)) + sum over all pairs u < v of log(1 - P),

and both sums run over classes of pairs of equal probability: the first needs only how many edges each class holds, the second
how many pairs. KronFit [1] replaces log(1 - P) by its Taylor polynomial -P - P^2 / 2; by classes the sum is exact at the same
price. Assignments are sampled by Metropolis: exchange the numbers of two nodes, accept by the change of the edges' sum.

The fit alternates: sample assignments given the initiator, average the edges per class over them, maximise the expected
log-likelihood over the initiator. That is stochastic approximation EM [2], which ends where KronFit's gradient steps end (the
expected gradient vanishes) and needs no learning rate.

Legend: G graphs, N = s^k nodes of each (padded with isolated ones), E edges, C classes of pairs, T = s (s + 1) / 2.

References:
    [1] J. Leskovec, D. Chakrabarti, J. Kleinberg, C. Faloutsos and Z. Ghahramani, "Kronecker graphs: an approach to modeling
        networks", JMLR 11 (2010).
    [2] B. Delyon, M. Lavielle and E. Moulines, "Convergence of a stochastic approximation version of the EM algorithm",
        Annals of Statistics 27 (1999).
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy import optimize

from gengraph.baselines.kronecker_classes import Int32Array, Int64Array, cut_levels, half_classes
from gengraph.graphs import GraphSet
from gengraph.streams import below, open_stream, uniform

Float64Array = npt.NDArray[np.float64]

Tables = tuple[Int32Array, Int32Array]  # PairClasses.high and low

_MARGIN = 1e-6  # entries stay this far from 0 and 1, where the likelihood of one edge may be zero
_SAMPLES = 10  # assignments an iteration averages over, of all graphs together, but at least two of each
_SWAPS_PER_NODE = 2  # between two of them


class PairClasses(NamedTuple):
    """Classes of the pairs of numbers below s^k: of (u, v) it is high[high halves of u, v] + low[low halves of u, v]."""

    high: Int32Array  # [s^H, s^H]
    low: Int32Array  # [s^L, s^L]
    exponents: Int64Array  # [C, T]
    num_pairs: Int64Array  # [C], pairs u < v in each class


class Positions(NamedTuple):
    """Which number each node of each graph has, cut into halves; GraphSet.to_csr's arrays beside it."""

    high: Int32Array  # [G * N]
    low: Int32Array  # [G * N]
    starts: Int32Array  # [G * N + 1]
    neighbours: Int32Array  # [2 E], numbered through all graphs
    num_nodes: Int32Array  # [G], before padding


@dataclass(frozen=True, kw_only=True, slots=True)
class KronFit:
    """A maximum-likelihood fit.

    Attributes:
        initiator: float64[s, s].
        log_likelihoods: after each iteration, of the sampled assignments under the new initiator, summed over the graphs.
    """

    initiator: Float64Array
    log_likelihoods: list[float]


def pair_classes(side: int, levels: int) -> PairClasses:
    """The classes of all pairs; O(s^k)."""
    high, low = (half_classes(side, half) for half in cut_levels(levels))
    counts = {}
    for name, half in (("high", high), ("low", low)):
        masks = np.tri(len(half.class_of), k=-1, dtype=bool), np.eye(len(half.class_of), dtype=bool)
        counts[name] = [np.bincount(half.class_of[mask], minlength=len(half.exponents)) for mask in masks]
    (high_ordered, high_equal), (low_ordered, low_equal) = counts["high"], counts["low"]
    num_pairs = np.outer(high_ordered, 2 * low_ordered + low_equal) + np.outer(high_equal, low_ordered)
    exponents = high.exponents[:, None] + low.exponents
    return PairClasses(
        high.class_of * len(low.exponents), low.class_of, exponents.reshape(-1, exponents.shape[-1]), num_pairs.ravel()
    )


def log_likelihood(
    entries: Float64Array, edge_counts: Float64Array, num_graphs: int, classes: PairClasses
) -> tuple[float, Float64Array]:
    """The exact log-likelihood given assignments, summed over the graphs, and its gradient; O(C T).

    Args:
        entries: float64[T], the initiator on and above its diagonal, row by row, inside 0..1.
        edge_counts: float64[C], edges of all graphs by the class of their ends' numbers.
        num_graphs: G.
        classes: of the pairs of s^k numbers.

    Returns:
        the log-likelihood, and its gradient float64[T] with respect to the entries (the two equal entries on both sides of
        the diagonal move together).
    """
    probability = np.exp(classes.exponents @ np.log(entries))
    # A pair of equal numbers is no pair: its class may have P = 1, and counts nothing.
    failure = np.where(classes.num_pairs > 0, 1 - probability, 1.0)
    absent = num_graphs * classes.num_pairs - edge_counts
    value = edge_counts @ np.log(probability) + absent @ np.log(failure)
    per_log_probability = edge_counts - absent * probability / failure
    return float(value), per_log_probability @ classes.exponents / entries


def fit_by_likelihood(
    graphs: GraphSet,
    starts: Sequence[Float64Array],
    levels: int,
    *,
    key: np.uint64,
    iterations: int = 60,
    budget: float | None = None,
) -> KronFit:
    """The initiator of maximum likelihood for all graphs at once.

    The assignments have many local modes. So several starts, each with assignments by degree, are followed for a third of
    the iterations, and the one that is likeliest then to the end.

    Args:
        graphs: at least one graph of at most s^k nodes; padded with isolated nodes to s^k.
        starts: initiators float64[s, s] to begin with, at least one.
        levels: k.
        key: of the random streams.
        iterations: of each fit that is followed to the end, >= 6; each takes O(G N d + E) with d the mean degree.
        budget: seconds after which no further iteration begins; the first of each start, which compiles, does not count.
    """
    classes = pair_classes(len(starts[0]), levels)
    fits = []
    for start in starts:
        entries = np.clip(start[np.triu_indices(len(start))], _MARGIN, 1 - _MARGIN)
        fits.append(_Fit(entries, initial_positions(graphs, start, levels), np.zeros(len(classes.num_pairs)), []))
        _iterate(fits[-1], classes, key, 1, math.inf)
    deadline = math.inf if budget is None else time.monotonic() + budget
    for fit in fits:
        _iterate(fit, classes, key, iterations // 3 if len(starts) > 1 else iterations, deadline)
    best = max(fits, key=lambda fit: float(np.mean(fit.log_likelihoods[-(iterations // 6) :])))
    _iterate(best, classes, key, iterations, deadline)
    initiator = np.zeros_like(starts[0])
    initiator[np.triu_indices(len(initiator))] = best.entries
    return KronFit(initiator=_canonical(np.maximum(initiator, initiator.T)), log_likelihoods=best.log_likelihoods)


@dataclass(slots=True)
class _Fit:
    """A fit in progress."""

    entries: Float64Array  # [T]
    positions: Positions
    edge_counts: Float64Array  # [C], averaged
    log_likelihoods: list[float]


def _iterate(fit: _Fit, classes: PairClasses, key: np.uint64, iterations: int, deadline: float) -> None:
    """Go on until `iterations` are done or the deadline is past."""
    num_graphs = len(fit.positions.num_nodes)
    for iteration in range(len(fit.log_likelihoods), iterations):
        if time.monotonic() > deadline:
            break
        probability = np.exp(classes.exponents @ np.log(fit.entries))
        log_odds = np.log(probability) - np.log1p(-np.minimum(probability, 1 - 1e-15))
        sampled = sample_assignments(fit.positions, (classes.high, classes.low), log_odds, key, iteration)
        fit.edge_counts += (sampled - fit.edge_counts) / max(iteration - iterations // 3, 1)
        fit.entries = _maximise(fit.entries, fit.edge_counts, num_graphs, classes)
        fit.log_likelihoods.append(log_likelihood(fit.entries, sampled, num_graphs, classes)[0])


def initial_positions(graphs: GraphSet, initiator: Float64Array, levels: int) -> Positions:
    """Nodes of high degree get numbers of high expected degree; O(G N log N)."""
    side, num_padded = len(initiator), len(initiator) ** levels
    padded = GraphSet(np.full(len(graphs), num_padded, np.int32), graphs.edge_offsets, graphs.edges).to_csr()
    degree = np.diff(padded.indptr).reshape(-1, num_padded)
    expected = np.ones(1)
    for _ in range(levels):
        expected = np.outer(expected, initiator.sum(axis=1)).ravel()
    number = np.empty(degree.shape, np.int64)
    ranked_numbers = np.argsort(-expected, kind="stable")
    np.put_along_axis(number, np.argsort(-degree, axis=1, kind="stable"), ranked_numbers[None], axis=1)
    high, low = np.divmod(number.ravel(), side ** cut_levels(levels)[1])
    starts, neighbours = padded.indptr.astype(np.int32), padded.indices.astype(np.int32)
    return Positions(high.astype(np.int32), low.astype(np.int32), starts, neighbours, graphs.num_nodes)


def _maximise(entries: Float64Array, edge_counts: Float64Array, num_graphs: int, classes: PairClasses) -> Float64Array:
    used = classes.num_pairs > 0
    held = PairClasses(classes.high, classes.low, classes.exponents[used], classes.num_pairs[used])
    counts = edge_counts[used]

    def loss(values: Float64Array) -> tuple[float, Float64Array]:
        value, gradient = log_likelihood(values, counts, num_graphs, held)
        return -value / num_graphs, -gradient / num_graphs

    bounds = [(_MARGIN, 1 - _MARGIN)] * len(entries)
    return np.asarray(optimize.minimize(loss, entries, jac=True, bounds=bounds, method="L-BFGS-B").x)


def _canonical(initiator: Float64Array) -> Float64Array:
    """Renaming the digits changes nothing: put the largest diagonal entries first."""
    order = np.argsort(-np.diag(initiator), kind="stable")
    return initiator[np.ix_(order, order)]


@njit(cache=True)
def sample_assignments(
    positions: Positions, tables: Tables, log_odds: Float64Array, key: np.uint64, iteration: int
) -> Float64Array:
    """Metropolis over the assignments, in place; float64[C]: edges by class, averaged over the sampled assignments.

    A proposal exchanges the numbers of a random node and a random, perhaps padded, other.
    """
    num_graphs = len(positions.num_nodes)
    num_padded = len(positions.high) // num_graphs
    counts = np.zeros(len(log_odds))
    num_samples = max(2, _SAMPLES // num_graphs)
    for graph in range(num_graphs):
        state = open_stream(key, iteration * num_graphs + graph)
        first = graph * num_padded
        for _ in range(num_samples):
            for _ in range(_SWAPS_PER_NODE * num_padded):
                node = first + below(state, positions.num_nodes[graph])
                other = first + below(state, num_padded)
                gain = _gain(positions, tables, log_odds, node, other) + _gain(positions, tables, log_odds, other, node)
                if gain >= 0.0 or math.log(uniform(state)) < gain:
                    _exchange(positions.high, node, other)
                    _exchange(positions.low, node, other)
            _add_edges(positions, tables, (first, first + num_padded), counts)
    return counts / num_samples


@njit(cache=True)
def _gain(positions: Positions, tables: Tables, log_odds: Float64Array, node: int, other: int) -> float:
    """What the edges of `node` gain if it takes the number of `other`; an edge between the two stays as it is."""
    high, low = positions.high, positions.low
    old_high, old_low = tables[0][high[node]], tables[1][low[node]]
    new_high, new_low = tables[0][high[other]], tables[1][low[other]]
    gain = 0.0
    for edge in range(positions.starts[node], positions.starts[node + 1]):
        neighbour = positions.neighbours[edge]
        if neighbour != other:
            u, v = high[neighbour], low[neighbour]
            gain += log_odds[new_high[u] + new_low[v]] - log_odds[old_high[u] + old_low[v]]
    return gain


@njit(cache=True)
def _exchange(values: Int32Array, one: int, other: int) -> None:
    values[one], values[other] = values[other], values[one]


@njit(cache=True)
def _add_edges(positions: Positions, tables: Tables, nodes: tuple[int, int], counts: Float64Array) -> None:
    high, low = positions.high, positions.low
    for node in range(nodes[0], nodes[1]):
        for edge in range(positions.starts[node], positions.starts[node + 1]):
            neighbour = positions.neighbours[edge]
            if node < neighbour:
                counts[tables[0][high[node], high[neighbour]] + tables[1][low[node], low[neighbour]]] += 1
