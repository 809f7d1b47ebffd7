"""Collapsed Gibbs sampling for the mixed-membership stochastic block model on many graphs at once.

The model [1]: node i has shares pi_i ~ Dirichlet(alpha) of K groups; for a pair i < j each end takes a group from its shares,
k and l, and the pair is an edge with probability c_g B_kl, where B is symmetric and c_g is the density of graph g relative to
the densest (the sparsity of [1], known here: it follows the sizes). alpha and B belong to all graphs.

With the shares integrated out, the groups of a pair given all others have probabilities proportional to

    (alpha_k + n_ik) (alpha_l + n_jl) (c_g B_kl, or 1 - c_g B_kl without an edge),

n_ik counting the other pairs in which i takes k. A sweep draws them anew for every pair; then alpha and B maximise the
likelihood of what was drawn, B that of the average over sweeps (stochastic approximation EM). The variational posterior of [1]
lets shares explain the edges between groups and drives the off-diagonal of B to zero; sampling does not.

Legend: G graphs, N nodes, E edges and P pairs of nodes of all graphs together, K groups.

References:
    [1] E. Airoldi, D. Blei, S. Fienberg and E. Xing, "Mixed membership stochastic blockmodels", JMLR 9 (2008).
    [2] T. Minka, "Estimating a Dirichlet distribution" (2000).
"""

import itertools
import math
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy import special

from gengraph.graphs import GraphSet
from gengraph.streams import below, open_stream, uniform

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
Groups = npt.NDArray[np.uint8]

_MARGIN = 1e-6  # rates stay this far from 0 and 1
_FIRST_ALPHA = 0.1
_LOCAL_SWEEPS = 10  # before B moves; alpha waits twice as long
_TRIAL_SWEEPS = 50  # of each of the two starts


class Pairs(NamedTuple):
    """The graphs in flat arrays."""

    edges: npt.NDArray[np.int32]  # [E, 2]
    edge_offsets: Int64Array  # [G + 1]
    node_offsets: Int64Array  # [G + 1]
    pair_offsets: Int64Array  # [G + 1], of the pairs (0, 1), (0, 2), .., (1, 2), ..
    density: Float64Array  # [G], c_g


@dataclass(kw_only=True, slots=True)
class BlockModel:
    """A fit in progress, or its result.

    Attributes:
        alpha: float64[K], > 0.
        rates: float64[K, K], symmetric, B.
        groups: uint8[P], k K + l of each pair.
        counts: int64[N, K], n_ik.
        statistics: float64[2, G, K, K], pairs without and with an edge by graph and groups, averaged over sweeps.
        log_likelihood: of edges and groups, the shares integrated out, after the last sweep.
    """

    alpha: Float64Array
    rates: Float64Array
    groups: Groups
    counts: Int64Array
    statistics: Float64Array
    log_likelihood: float = -math.inf


def fit_block_model(
    graphs: GraphSet, density: Float64Array, num_groups: int, *, key: np.uint64, sweeps: int = 500, budget: float | None = None
) -> BlockModel:
    """Fit alpha and B, groups by falling alpha; O(sweeps P K^2) time, P bytes.

    Begins once with more and once with fewer edges inside the groups than between them, and goes on with the likelier one.

    Args:
        graphs: with at least one edge.
        density: c_g of each graph, in 0..1, above 0 where there is an edge.
        num_groups: K in 1..16.
        key: of the random streams.
        sweeps: over all pairs; the second half of them is averaged.
        budget: seconds after which no further sweep begins; the first of each start does not count.
    """
    num_pairs = graphs.num_nodes.astype(np.int64) * (graphs.num_nodes - 1) // 2
    pair_offsets = np.concatenate([[0], np.cumsum(num_pairs)])
    pairs = Pairs(graphs.edges, graphs.edge_offsets, graphs.node_offsets, pair_offsets, density)
    mean_rate = len(graphs.edges) / float(density @ num_pairs)
    inside = np.eye(num_groups, dtype=bool)
    contrasts = (np.where(inside, 2.0, 0.25), np.where(inside, 0.25, 2.0))[: 1 if num_groups == 1 else 2]
    models = [_start(np.minimum(mean_rate * contrast, 0.9), pairs, key) for contrast in contrasts]
    for model in models:  # the first sweep compiles: the clock starts after it
        _improve(model, pairs, key, range(1), math.inf)
    deadline = math.inf if budget is None else time.monotonic() + budget
    for model in models:
        _improve(model, pairs, key, range(1, min(_TRIAL_SWEEPS, sweeps // 2)), deadline)
    best = max(models, key=lambda model: model.log_likelihood)
    _improve(best, pairs, key, range(_TRIAL_SWEEPS, sweeps // 2), deadline)
    _improve(best, pairs, key, range(sweeps // 2, sweeps), deadline, average=True)
    order = np.argsort(-best.alpha, kind="stable")
    best.alpha, best.rates = best.alpha[order], best.rates[np.ix_(order, order)]
    return best


def _start(rates: Float64Array, pairs: Pairs, key: np.uint64) -> BlockModel:
    num_groups = len(rates)
    groups, counts = _random_groups(pairs, num_groups, key)
    statistics = np.zeros((2, len(pairs.density), num_groups, num_groups))
    return BlockModel(alpha=np.full(num_groups, _FIRST_ALPHA), rates=rates, groups=groups, counts=counts, statistics=statistics)


def _improve(model: BlockModel, pairs: Pairs, key: np.uint64, sweeps: range, deadline: float, *, average: bool = False) -> None:
    for sweep in sweeps:
        if time.monotonic() > deadline:
            break
        drawn = sweep_pairs(pairs, (model.groups, model.counts), model.alpha, model.rates, key, sweep + 1)
        model.statistics += (drawn - model.statistics) / (sweep - sweeps.start + 1 if average else 1)
        if sweep >= _LOCAL_SWEEPS:
            if not average:
                _align_groups(model, pairs)
            model.rates = _best_rates(model, pairs.density)
        if sweep >= 2 * _LOCAL_SWEEPS:
            model.alpha = _best_alpha(model.alpha, model.counts)
        model.log_likelihood = _log_likelihood(model, pairs, drawn)


def _log_rates(rates: Float64Array, density: Float64Array) -> Float64Array:
    """float64[2, G, K, K]: the logarithms of 1 - c B and c B; 0 for the latter where c is 0, which has no edges."""
    scaled = density[:, None, None] * rates
    return np.asarray(np.stack([np.log1p(-scaled), np.log(np.where(scaled > 0, scaled, 1.0))]))


def _log_likelihood(model: BlockModel, pairs: Pairs, drawn: Float64Array) -> float:
    alpha, total = model.alpha, model.alpha.sum()
    shares = special.gammaln(model.counts + alpha).sum() - len(model.counts) * special.gammaln(alpha).sum()
    totals = model.counts.sum(axis=1)
    shares += len(totals) * special.gammaln(total) - special.gammaln(totals + total).sum()
    return float((drawn * _log_rates(model.rates, pairs.density)).sum() + shares)


def _align_groups(model: BlockModel, pairs: Pairs) -> None:
    """Exchange two groups' names in each graph whose likelihood gains from it: every graph begins with names of its own."""
    num_groups = len(model.alpha)
    logarithms = _log_rates(model.rates, pairs.density)
    graph_of_node = np.repeat(np.arange(len(pairs.density)), np.diff(pairs.node_offsets))
    graph_of_pair = np.repeat(np.arange(len(pairs.density)), np.diff(pairs.pair_offsets))
    for swap in itertools.combinations(range(num_groups), 2):
        names = np.arange(num_groups)
        names[list(swap)] = swap[::-1]
        renamed = model.statistics[:, :, names][..., names]
        gaining = ((renamed - model.statistics) * logarithms).sum(axis=(0, 2, 3)) > 0
        if gaining.any():
            model.statistics[:, gaining] = renamed[:, gaining]
            rows = gaining[graph_of_node]
            model.counts[rows] = model.counts[rows][:, names]
            pair_names = np.add.outer(num_groups * names, names).ravel().astype(np.uint8)
            rows = gaining[graph_of_pair]
            model.groups[rows] = pair_names[model.groups[rows]]


def _best_rates(model: BlockModel, density: Float64Array) -> Float64Array:
    """The maximum in B: edges / B = sum over graphs of absent c / (1 - c B), by a step that is exact where all c are 1."""
    weight = density[:, None, None] / (1 - density[:, None, None] * model.rates)
    exposure, edges = (model.statistics[0] * weight).sum(axis=0), model.statistics[1].sum(axis=0)
    edges, exposure = edges + edges.T, exposure + exposure.T
    rates = edges / np.maximum(edges + exposure * (1 - model.rates), 1e-300)
    return np.asarray(np.clip(rates, _MARGIN, 1 - _MARGIN))


def _best_alpha(alpha: Float64Array, counts: Int64Array) -> Float64Array:
    """Steps of the fixed point of [2] towards the maximum of the Dirichlet-multinomial likelihood of counts int64[N, K]."""
    totals = counts.sum(axis=1)
    for _ in range(5):
        gained = (special.psi(counts + alpha) - special.psi(alpha)).sum(axis=0)
        alpha = np.clip(alpha * gained / (special.psi(totals + alpha.sum()) - special.psi(alpha.sum())).sum(), 1e-3, 1e3)
    return alpha


@njit(cache=True)
def _random_groups(pairs: Pairs, num_groups: int, key: np.uint64) -> tuple[Groups, Int64Array]:
    groups = np.empty(pairs.pair_offsets[-1], np.uint8)
    counts = np.zeros((pairs.node_offsets[-1], num_groups), np.int64)
    for graph in range(len(pairs.density)):
        state = open_stream(key, graph)
        pair = pairs.pair_offsets[graph]
        for u in range(pairs.node_offsets[graph], pairs.node_offsets[graph + 1]):
            for v in range(u + 1, pairs.node_offsets[graph + 1]):
                k, m = below(state, num_groups), below(state, num_groups)
                groups[pair] = k * num_groups + m
                counts[u, k] += 1
                counts[v, m] += 1
                pair += 1
    return groups, counts


@njit(cache=True)
def sweep_pairs(
    pairs: Pairs,
    drawn: tuple[Groups, Int64Array],
    alpha: Float64Array,
    rates: Float64Array,
    key: np.uint64,
    sweep: int,
) -> Float64Array:
    """Draw the groups of every pair anew, in place, given those of all others.

    Args:
        pairs: the graphs.
        drawn: groups uint8[P] and counts int64[N, K].
        alpha: float64[K].
        rates: float64[K, K].
        key: of the random streams.
        sweep: >= 1, picks among them.

    Returns:
        float64[2, G, K, K]: pairs without and with an edge by graph and groups.
    """
    groups, counts = drawn
    num_graphs, num_groups = len(pairs.density), len(alpha)
    statistics = np.zeros((2, num_graphs, num_groups, num_groups))
    for graph in range(num_graphs):
        state = open_stream(key, sweep * num_graphs + graph)
        factors = np.stack((1 - pairs.density[graph] * rates, pairs.density[graph] * rates))
        first, pair = pairs.node_offsets[graph], pairs.pair_offsets[graph]
        edge, last_edge = pairs.edge_offsets[graph], pairs.edge_offsets[graph + 1]
        size = pairs.node_offsets[graph + 1] - first
        for u in range(size):
            for v in range(u + 1, size):
                present = int(edge < last_edge and pairs.edges[edge, 0] == u and pairs.edges[edge, 1] == v)
                edge += present
                k, m = divmod(np.int64(groups[pair]), num_groups)
                counts[first + u, k] -= 1
                counts[first + v, m] -= 1
                k, m = _draw_groups(counts[first + u], counts[first + v], alpha, factors[present], state)
                counts[first + u, k] += 1
                counts[first + v, m] += 1
                groups[pair] = k * num_groups + m
                statistics[present, graph, k, m] += 1
                pair += 1
    return statistics


@njit(cache=True)
def _draw_groups(
    counts_u: Int64Array, counts_v: Int64Array, alpha: Float64Array, factor: Float64Array, state: npt.NDArray[np.uint64]
) -> tuple[int, int]:
    """The groups k, l of a pair, with probability proportional to (alpha_k + n_uk) (alpha_l + n_vl) factor_kl."""
    num_groups = len(alpha)
    total = 0.0
    for k in range(num_groups):
        inner = 0.0
        for m in range(num_groups):
            inner += (alpha[m] + counts_v[m]) * factor[k, m]
        total += (alpha[k] + counts_u[k]) * inner
    left = uniform(state) * total
    for k in range(num_groups):
        for m in range(num_groups):
            left -= (alpha[k] + counts_u[k]) * (alpha[m] + counts_v[m]) * factor[k, m]
            if left <= 0.0:
                return k, m
    return num_groups - 1, num_groups - 1
