"""Mixed-membership stochastic block model: nodes share several groups, and groups decide who is joined to whom."""

import math
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.baselines.baseline import Baseline, draw_sizes
from gengraph.baselines.edge_buffer import Int32Array, stream_indices, with_room
from gengraph.baselines.gnp import append_gnp, fit_density
from gengraph.baselines.mmsb_gibbs import fit_block_model
from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.streams import State, open_stream, stream_key, uniform

Float64Array = npt.NDArray[np.float64]

_MAX_PAIRS = 400_000
_MAX_NODES = 900


class MMSB(Baseline):
    """The mixed-membership stochastic block model [1], fitted by collapsed Gibbs sampling.

    Node i has shares pi_i ~ Dirichlet(alpha) of K groups, and i < j are joined with probability c_n pi_i' B pi_j. The density
    c_n = p(n) / max p follows the size as in Erdos-Renyi's fit (constant, or logistic in log n, by BIC), so that sparse
    families keep their density at every size. Where the training graphs have more than 400,000 pairs of nodes together, every
    s-th of them by falling number of edges is used; of a graph of more than 900 nodes so many at random (what they induce
    follows the same law).

    Args:
        num_groups: K, 1..16.
        sweeps: of the sampler over all pairs, >= 4.

    References:
        [1] E. Airoldi, D. Blei, S. Fienberg and E. Xing, "Mixed membership stochastic blockmodels", JMLR 9 (2008).
    """

    model: ClassVar[str] = "mmsb"

    def __init__(self, *, num_groups: int = 4, sweeps: int = 300) -> None:
        for name, value, low, high in (("num_groups", num_groups, 1, 16), ("sweeps", sweeps, 4, 10**9)):
            if not low <= value <= high:
                msg = f"{name} must be in {low}..{high}, got {value}; leave it out for the default"
                raise InputError(msg)
        super().__init__(num_groups=num_groups, sweeps=sweeps)
        self._num_groups, self._sweeps = num_groups, sweeps

    def _learn(self, graphs: GraphSet, seed: int, budget: float | None) -> dict[str, Any]:
        key = stream_key(seed, "fit")
        distinct, where = np.unique(graphs.num_nodes, return_inverse=True)
        p_of_size = fit_density(graphs, "auto")(distinct)
        top = float(p_of_size.max())
        density = p_of_size / top if top else p_of_size
        few, chosen = _part_of(graphs, key)
        alpha, rates = np.ones(1), np.array([[top]])  # one group is Erdos-Renyi
        if len(few.edges):
            fitted = fit_block_model(few, density[where[chosen]], self._num_groups, key=key, sweeps=self._sweeps, budget=budget)
            alpha, rates = fitted.alpha, fitted.rates
        return {
            "alpha": alpha.tolist(),
            "rates": rates.tolist(),
            "density_of_size": dict(zip(map(str, distinct), density.tolist(), strict=True)),
            "sizes": graphs.num_nodes.tolist(),
        }

    def _draw(self, state: dict[str, Any], indices: Int64Array, seed: int) -> GraphSet:
        num_nodes = draw_sizes(state["sizes"], indices, seed)
        distinct, where = np.unique(num_nodes, return_inverse=True)
        density = np.array([state["density_of_size"][str(size)] for size in distinct])[where]
        alpha_rates = np.array(state["alpha"]), np.array(state["rates"])
        return sample_mmsb(num_nodes, density, alpha_rates, stream_key(seed, "edges"), indices)


def _part_of(graphs: GraphSet, key: np.uint64) -> tuple[GraphSet, Int64Array]:
    """Graphs, or parts of them, with few enough pairs of nodes to sample all; and their indices int64[G']."""
    sizes = np.minimum(graphs.num_nodes, _MAX_NODES).astype(np.int64)
    stride = math.ceil((sizes * (sizes - 1) // 2).sum() / _MAX_PAIRS)
    chosen = np.argsort(-graphs.num_edges, kind="stable")[:: max(stride, 1)]
    few = graphs[chosen]
    random = np.random.Generator(np.random.PCG64(int(key)))
    place = random.random(int(few.node_offsets[-1]))
    graph_of_node = np.repeat(np.arange(len(few)), few.num_nodes)
    order = np.lexsort((place, graph_of_node))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - few.node_offsets[graph_of_node]
    return few.induced(rank < _MAX_NODES), chosen


def sample_mmsb(
    num_nodes: Int32Array,
    density: Float64Array,
    alpha_rates: tuple[Float64Array, Float64Array],
    key: np.uint64,
    indices: Int64Array | None = None,
) -> GraphSet:
    """One graph for each size int32[G] and density c float64[G]; O(N K^2 + E K max(B) / mean(B)).

    Pairs are drawn with the highest probability c max(B) and kept with their own share of it. indices int64[G] name the random
    stream of each graph; by default 0..G-1.
    """
    edges, offsets = _mmsb_set(num_nodes, density, alpha_rates, key, stream_indices(indices, len(num_nodes)))
    return GraphSet(num_nodes, offsets, edges)


@njit(cache=True)
def _mmsb_set(
    num_nodes: Int32Array,
    density: Float64Array,
    alpha_rates: tuple[Float64Array, Float64Array],
    key: np.uint64,
    indices: Int64Array,
) -> tuple[Int32Array, Int64Array]:
    alpha, rates = alpha_rates
    edges = np.empty((1024, 2), np.int32)
    candidates = np.empty((1024, 2), np.int32)
    offsets = np.zeros(len(num_nodes) + 1, np.int64)
    top = rates.max()
    for graph in range(len(num_nodes)):
        state = open_stream(key, indices[graph])
        shares = _dirichlet(num_nodes[graph], alpha, state)
        towards = shares @ rates
        count = offsets[graph]
        candidates, num_candidates = append_gnp(candidates, 0, num_nodes[graph], density[graph] * top, state)
        edges = with_room(edges, count, num_candidates)
        for u, v in candidates[:num_candidates]:
            if uniform(state) * top <= (towards[u] * shares[v]).sum():
                edges[count, 0] = u
                edges[count, 1] = v
                count += 1
        offsets[graph + 1] = count
    return edges[: offsets[-1]], offsets


@njit(cache=True)
def _dirichlet(num_nodes: int, alpha: Float64Array, state: State) -> Float64Array:
    """float64[n, K]: independent draws, as Gamma(alpha_k) variables divided by their sum.

    Gamma(a) is Gamma(a + 1) U^(1 / a), taken in logarithms because it may underflow.
    """
    shares = np.empty((num_nodes, len(alpha)))
    for node in range(num_nodes):
        for k in range(len(alpha)):
            shares[node, k] = math.log(_gamma_above_one(alpha[k] + 1, state)) + math.log(uniform(state)) / alpha[k]
        shares[node] = np.exp(shares[node] - shares[node].max())
        shares[node] /= shares[node].sum()
    return shares


@njit(cache=True)
def _gamma_above_one(shape: float, state: State) -> float:
    """A Gamma(shape >= 1) variable by the rejection of [1].

    References:
        [1] G. Marsaglia and W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
    """
    d = shape - 1 / 3
    while True:
        normal = math.sqrt(-2 * math.log(uniform(state))) * math.cos(2 * math.pi * uniform(state))
        cubed = (1 + normal / math.sqrt(9 * d)) ** 3
        if cubed > 0 and math.log(uniform(state)) < normal**2 / 2 + d * (1 - cubed + math.log(cubed)):
            return d * cubed
