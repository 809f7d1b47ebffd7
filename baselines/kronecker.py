"""Stochastic Kronecker graphs: edge probabilities are the k-fold Kronecker product of a small initiator matrix."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gengraph.baselines.baseline import Baseline
from gengraph.baselines.kronecker_moments import chance_counts, expected_counts, fit_by_moments, subgraph_counts
from gengraph.baselines.kronecker_sampling import num_levels, sample_kronecker
from gengraph.baselines.xoshiro import choices, stream_key
from gengraph.graphs import GraphSet

Float64Array = npt.NDArray[np.float64]

_TRIAL_GRAPHS = 30
_MAX_ROUNDS = 8
_SETTLED = 0.01


@dataclass(kw_only=True)
class Kronecker(Baseline):
    """Stochastic Kronecker graphs [1] with a 2x2 symmetric initiator, fitted by moments [2].

    Nodes u and v of s^k are joined with probability prod over the levels l of initiator[u_l, v_l], where u_l is the l-th
    digit of u in base s. A graph of n nodes, n no power of s, is what the n nodes of highest degree of a larger graph induce
    (at random among equals): the isolated nodes of the larger graph are left out first.

    Each size among the training graphs has an initiator of its own, for the mean counts of its graphs, so that the density
    is right at every size. The share of edges, hairpins, tripins and triangles that survives the trimming is simulated, and
    fit and simulation alternate until the shares settle.

    References:
        [1] J. Leskovec et al., "Kronecker graphs: an approach to modeling networks", JMLR 11 (2010).
        [2] D. Gleich and A. Owen, "Moment-based estimation of stochastic Kronecker graph parameters", Internet
            Mathematics 8 (2012).
    """

    model: ClassVar[str] = "kronecker"

    def _learn(self, graphs: GraphSet, seed: int, budget: float | None) -> dict[str, Any]:
        counts = subgraph_counts(graphs)
        initiators = {}
        for size in np.unique(graphs.num_nodes).tolist():
            mean = counts[graphs.num_nodes == size].mean(axis=0)
            initiators[str(size)] = _fit_size(size, mean, stream_key(seed, "fit")).tolist()
        return {"initiators": initiators, "sizes": graphs.num_nodes.tolist()}

    def _draw(self, state: dict[str, Any], num_graphs: int, seed: int) -> GraphSet:
        sizes = np.array(state["sizes"], np.int32)
        num_nodes = sizes[choices(stream_key(seed, "sizes"), num_graphs, len(sizes))]
        key = stream_key(seed, "edges")
        parts, indices = [], []
        for size in np.unique(num_nodes).tolist():
            indices.append(np.flatnonzero(num_nodes == size))
            parts.append(sample_kronecker(np.array(state["initiators"][str(size)]), size, indices[-1], key))
        return GraphSet.concatenate(parts)[np.argsort(np.concatenate(indices))]


def _fit_size(num_nodes: int, counts: Float64Array, key: np.uint64) -> Float64Array:
    """The initiator float64[2, 2] whose trimmed graphs have the given counts float64[4], as nearly as one can."""
    if counts[0] == 0:
        return np.zeros((2, 2))
    # A count is no smaller than chance allows: where data have no triangles, a few more or less do not outweigh the rest.
    scale = np.maximum(counts, chance_counts(counts[0], num_nodes))
    levels = num_levels(num_nodes, 2)
    retained = np.ones(4)
    initiator = None
    for _ in range(_MAX_ROUNDS):
        initiator = fit_by_moments(counts / retained, scale / retained, levels, initiator)
        if num_nodes == 2**levels:
            break
        trial = subgraph_counts(sample_kronecker(initiator, num_nodes, np.arange(_TRIAL_GRAPHS), key)).mean(axis=0)
        share = np.clip(trial / np.maximum(expected_counts(initiator, levels), 1e-9), 0.01, 1.0)
        if np.abs(share - retained).max() < _SETTLED:
            break
        retained = np.sqrt(retained * share)
    assert initiator is not None
    return initiator
