"""Erdos-Renyi graphs: every pair of nodes is an edge with the same probability, independently of all others."""

import math
from typing import Any, ClassVar

import numpy as np

from gengraph.baselines.baseline import Baseline, check_choice, summary
from gengraph.baselines.gnp import fit_density, sample_gnm, sample_gnp
from gengraph.baselines.mmd_fit import least_mmd
from gengraph.graphs import GraphSet, Int64Array
from gengraph.streams import choices, stream_key


class ErdosRenyi(Baseline):
    """G(n, p) [1]: a graph with m edges has probability p^m (1 - p)^(n (n - 1) / 2 - m); or G(n, m) [2].

    Args:
        variant: "gnp"; or "gnm": all graphs with the numbers of nodes and edges of a training graph are equally likely.
        density: how p depends on n, by maximum likelihood: "constant", p = edges / pairs of all graphs; "size",
            log(p / (1 - p)) = intercept + slope log n; or "auto", the one with the lower BIC [3].
        fit: "likelihood"; or "mmd": p is further multiplied by the factor whose samples have the least degree MMD^2
            (protocol emd) to the training graphs, as in [4]. Both options are for gnp alone.

    References:
        [1] E. N. Gilbert, "Random graphs", Annals of Mathematical Statistics 30 (1959).
        [2] P. Erdos and A. Renyi, "On random graphs I", Publicationes Mathematicae 6 (1959).
        [3] G. Schwarz, "Estimating the dimension of a model", Annals of Statistics 6 (1978).
        [4] J. You et al., "GraphRNN: generating realistic graphs with deep auto-regressive models", ICML 2018.
    """

    model: ClassVar[str] = "er"

    def __init__(self, *, variant: str = "gnp", density: str = "auto", fit: str = "likelihood") -> None:
        check_choice("variant", variant, ("gnp", "gnm"))
        check_choice("density", density, ("auto", "constant", "size") if variant == "gnp" else ("auto",))
        check_choice("fit", fit, ("likelihood", "mmd") if variant == "gnp" else ("likelihood",))
        super().__init__(variant=variant, density=density, fit=fit)
        self._variant, self._density, self._fit = variant, density, fit

    def _learn(self, graphs: GraphSet, seed: int, budget: float | None) -> dict[str, Any]:
        if self._variant == "gnm":
            return {"sizes": graphs.num_nodes.tolist(), "num_edges": graphs.num_edges.tolist()}
        law = fit_density(graphs, self._density)
        factor = 1.0
        if self._fit == "mmd" and len(graphs.edges):
            key = stream_key(seed, "fit")
            factors = sorted(
                np.geomspace(1 / 4, 4, 33).tolist(), key=lambda factor: abs(math.log(factor))
            )  # the likeliest first
            factor = least_mmd(
                graphs, factors, lambda factor, sizes: sample_gnp(sizes, np.minimum(factor * law(sizes), 1), key), budget
            )
        sizes = np.unique(graphs.num_nodes)
        p_of_size = np.minimum(factor * law(sizes), 1)
        return {"p_of_size": dict(zip(map(str, sizes), p_of_size.tolist(), strict=True)), "sizes": graphs.num_nodes.tolist()}

    def _draw(self, state: dict[str, Any], indices: Int64Array, seed: int) -> GraphSet:
        key = stream_key(seed, "edges")
        chosen = choices(stream_key(seed, "sizes"), indices, len(state["sizes"]))
        num_nodes = np.array(state["sizes"], np.int32)[chosen]
        if self._variant == "gnm":
            return sample_gnm(num_nodes, np.array(state["num_edges"], np.int64)[chosen], key, indices)
        sizes, where = np.unique(num_nodes, return_inverse=True)
        return sample_gnp(num_nodes, np.array([state["p_of_size"][str(size)] for size in sizes])[where], key, indices)

    def _readable(self, state: dict[str, Any]) -> dict[str, Any]:
        shown = super()._readable(state)
        return {**shown, "num_edges": summary(state["num_edges"])} if "num_edges" in state else shown
