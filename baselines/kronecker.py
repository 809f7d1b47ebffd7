"""Stochastic Kronecker graphs: edge probabilities are the k-fold Kronecker product of a small initiator matrix."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gengraph.baselines.baseline import Baseline, check_choice, draw_sizes
from gengraph.baselines.kronecker_classes import num_levels
from gengraph.baselines.kronecker_moments import chance_counts, expected_counts, fit_by_moments, subgraph_counts
from gengraph.baselines.kronecker_sampling import sample_kronecker
from gengraph.baselines.kronfit import fit_by_likelihood
from gengraph.graphs import GraphSet, Int64Array
from gengraph.streams import stream_key

Float64Array = npt.NDArray[np.float64]

_TRIAL_GRAPHS = 30
_MAX_ROUNDS = 8
_SETTLED = 0.01
# Steepness of a core and its periphery, weight of the diagonal. Communities (1.6) lead 2x2 fits astray: their assignments are
# likelier one by one, but fewer; 3x3 fits of core-periphery starts alone are worse.
_CORES = ((0.3, 1.0), (0.6, 1.0), (1.0, 1.0))
_STARTS = {2: _CORES, 3: (*_CORES, (0.3, 1.6))}


class Kronecker(Baseline):
    """Stochastic Kronecker graphs [1] with a small symmetric initiator.

    Nodes u and v of s^k are joined with probability prod over the levels l of initiator[u_l, v_l], where u_l is the l-th
    digit of u in base s. A graph of n nodes, n no power of s, is what the n nodes of highest degree of a larger graph induce
    (at random among equals): the isolated nodes of the larger graph are left out first. Trimming costs edges, so how many
    survive is simulated, and the fit corrected, until the density at every training size is that of the training graphs. The
    budget of a fit bounds the likelihood's iterations alone.

    Args:
        fit: "moments" [2]: an initiator for each training size, nearest to the mean edges, hairpins, tripins and
            triangles of its graphs after trimming; or "likelihood", KronFit [1]: one initiator for all sizes with the same
            k, of maximum likelihood for their graphs padded with isolated nodes, then scaled for each size to its mean
            number of edges after trimming (a size of s^k nodes alone in its class is left as fitted).
        side: s, 2 or 3; moments identify 2 only.

    Known flaws: independent edges of such probabilities make few triangles, so clustering is missed on most data. Likelihood
    ends in a local mode: on samples of 1,024 nodes the entries of 2x2 were within .03 of the truth, on samples of 10 times 243
    nodes those of 3x3 only within .2.

    References:
        [1] J. Leskovec, D. Chakrabarti, J. Kleinberg, C. Faloutsos and Z. Ghahramani, "Kronecker graphs: an approach to
            modeling networks", JMLR 11 (2010).
        [2] D. Gleich and A. Owen, "Moment-based estimation of stochastic Kronecker graph parameters", Internet
            Mathematics 8 (2012).
    """

    model: ClassVar[str] = "kronecker"

    def __init__(self, *, fit: str = "moments", side: int = 2) -> None:
        check_choice("fit", fit, ("moments", "likelihood"))
        check_choice(f"side with fit={fit!r}", side, (2, 3) if fit == "likelihood" else (2,))
        super().__init__(fit=fit, side=side)
        self._likelihood, self._side = fit == "likelihood", side

    def _learn(self, graphs: GraphSet, seed: int, budget: float | None) -> dict[str, Any]:
        key = stream_key(seed, "fit")
        initiators = _by_likelihood(graphs, self._side, key, budget) if self._likelihood else _by_moments(graphs, key)
        ordered = {str(size): initiators[size].tolist() for size in sorted(initiators)}
        return {"initiators": ordered, "sizes": graphs.num_nodes.tolist()}

    def _draw(self, state: dict[str, Any], indices: Int64Array, seed: int) -> GraphSet:
        num_nodes = draw_sizes(state["sizes"], indices, seed)
        key = stream_key(seed, "edges")
        parts, places = [], []
        for size in np.unique(num_nodes).tolist():
            places.append(np.flatnonzero(num_nodes == size))
            parts.append(sample_kronecker(np.array(state["initiators"][str(size)]), size, indices[places[-1]], key))
        return GraphSet.concatenate(parts)[np.argsort(np.concatenate(places))]


def _by_moments(graphs: GraphSet, key: np.uint64) -> dict[int, Float64Array]:
    counts = subgraph_counts(graphs)
    sizes = np.unique(graphs.num_nodes).tolist()
    return {size: _fit_size(size, counts[graphs.num_nodes == size].mean(axis=0), key) for size in sizes}


def _fit_size(num_nodes: int, counts: Float64Array, key: np.uint64) -> Float64Array:
    """The initiator float64[2, 2] whose trimmed graphs have the given counts float64[4], as nearly as one can."""
    if counts[0] == 0:
        return np.zeros((2, 2))
    # A count is no smaller than chance allows: where data have no triangles, a few more or less do not outweigh the rest.
    scale = np.maximum(counts, chance_counts(counts[0], num_nodes))
    levels = num_levels(num_nodes, 2)
    initiator = fit_by_moments(counts, scale, levels)
    retained = np.ones(4)
    for _ in range(_MAX_ROUNDS if num_nodes < 2**levels else 0):
        trial = subgraph_counts(sample_kronecker(initiator, num_nodes, np.arange(_TRIAL_GRAPHS), key)).mean(axis=0)
        share = np.clip(trial / np.maximum(expected_counts(initiator, levels), 1e-9), 0.01, 1.0)
        if np.abs(share - retained).max() < _SETTLED:
            break
        retained = np.sqrt(retained * share)
        initiator = fit_by_moments(counts / retained, scale / retained, levels, initiator)
    return initiator


def _by_likelihood(graphs: GraphSet, side: int, key: np.uint64, budget: float | None) -> dict[int, Float64Array]:
    levels = np.array([num_levels(size, side) for size in graphs.num_nodes.tolist()])
    initiators = {}
    for k in np.unique(levels).tolist():
        members = graphs[np.flatnonzero(levels == k)]
        shared = _fit_class(members, side, k, key, None if budget is None else budget * len(members) / len(graphs))
        sizes = np.unique(members.num_nodes).tolist()
        for size in sizes:
            mean_edges = float(members.num_edges[members.num_nodes == size].mean())
            initiators[size] = shared if sizes == [side**k] else _scaled(shared, size, mean_edges, key)
    return initiators


def _fit_class(graphs: GraphSet, side: int, levels: int, key: np.uint64, budget: float | None) -> Float64Array:
    mean_edges = float(graphs.num_edges.mean())
    if mean_edges == 0:
        return np.zeros((side, side))
    starts = []
    for steepness, diagonal in _STARTS[side]:
        start = np.exp(-steepness * np.add.outer(np.arange(side), np.arange(side)))
        start *= np.where(np.eye(side), diagonal, 1.0)
        start *= (mean_edges / expected_counts(start, levels)[0]) ** (1 / levels)
        starts.append(np.clip(start, 0.01, 0.99))
    return fit_by_likelihood(graphs, starts, levels, key=key, budget=budget).initiator


def _scaled(initiator: Float64Array, num_nodes: int, mean_edges: float, key: np.uint64) -> Float64Array:
    """The initiator times the factor (entries at most 1) at which trimmed graphs have mean_edges edges."""
    if mean_edges == 0:
        return np.zeros_like(initiator)
    levels = num_levels(num_nodes, len(initiator))
    for _ in range(_MAX_ROUNDS):
        trial = float(sample_kronecker(initiator, num_nodes, np.arange(_TRIAL_GRAPHS), key).num_edges.mean())
        if abs(trial - mean_edges) < _SETTLED * mean_edges:
            break
        initiator = np.minimum(initiator * (mean_edges / max(trial, 0.1)) ** (1 / levels), 1.0)
    return initiator
