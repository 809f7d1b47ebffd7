"""Bounds on the likelihood of a graph, for every model that has one.

A model gives probabilities to sequences. A sequence stands for a graph with numbered nodes, and every numbering of a graph that
the coding can hold is a sequence of its own, so that

    p(G) = sum of p(s) over the distinct sequences s whose graph is isomorphic to G.

The sum has up to n! terms; what is left out of it makes it smaller. Hence, without any expectation,

    mean over k of log p(s_k)  <=  max over k of log p(s_k)  <=  log sum of p(s) over distinct s among s_1..s_K  <=  log p(G)

for whatever sequences s_1..s_K of G. The first is what You et al. [1] report for GraphRNN (their code averages over
breadth-first orderings); the third is the tighter bound. Their distance from log p(G) is at most the log of the number of
orderings that count: where an ordering leaves little to chance (cm on ladders and grids) they are nearly exact, and the
likelihoods of models with different orderings are bounds of different tightness.

Where a model knows the probability q with which its encoder drew how a graph is coded (`gengraph.models.family.HasWays`), the
sum can be estimated: at most |Aut(G)| drawings make the same sequence, so the mean of p(s) / (q |Aut(G)|) over drawings is at
most p(G), and the log of its mean over K of them is below log p(G) on average [2], though not for every draw. It does not
depend on how many sequences a graph has, which log K in the third bound cannot catch up with.

Legend: G graphs, K orderings a graph.

References:
    [1] J. You et al. GraphRNN. ICML 2018, section 4.3 and table 2.
    [2] Y. Burda, R. Grosse, R. Salakhutdinov. Importance weighted autoencoders. ICLR 2016.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.isomorphism import log_automorphisms
from gengraph.models.family import HasLikelihood, HasWays
from gengraph.training.batches import size_chunks

_BOUND_EPOCH = 2**41  # epochs that neither training nor validation reaches: the orderings of a bound are its own
_BATCH = 32


def per_unit(total: float, units: Mapping[str, float], name: str) -> dict[str, float]:
    """A total divided by each unit: `name` for a graph, `name_per_node` for a node; what there is none of is left out."""
    return {name if unit == "graph" else f"{name}_per_{unit}": total / count for unit, count in units.items() if count}


@dataclass(frozen=True, kw_only=True, slots=True)
class LikelihoodBound:
    """Lower bounds on the log-likelihood of graphs up to the numbering of their nodes, in nats.

    Attributes:
        average: float64[G], the mean of log p(rows) over the orderings drawn.
        distinct: float64[G], the log of the sum of p(rows) over the distinct row sequences among them; never below average.
        num_distinct: int64[G], how many those are.
        weighted: float64[G], the log of the mean of p(rows) / (q |Aut|), a bound on average; None where a model knows no q.
        units: what the likelihood is divided by, averaged over the orderings: graphs, nodes, edge bits.
        num_cut: what the coding could not keep (edges that did not fit into a window), over all orderings: the bounds are those
            of graphs without them.
    """

    average: npt.NDArray[np.float64]
    distinct: npt.NDArray[np.float64]
    num_distinct: Int64Array
    weighted: npt.NDArray[np.float64] | None
    units: Mapping[str, float]
    num_cut: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready means over the graphs, as negative log-likelihoods."""
        return {
            "num_graphs": len(self.average),
            **per_unit(-float(self.average.sum()), self.units, "nll"),
            "nll_distinct": -float(self.distinct.mean()),
            "num_distinct": float(self.num_distinct.mean()),
            **({} if self.weighted is None else {"nll_weighted": -float(self.weighted.mean())}),
            "num_cut": self.num_cut,
        }


def log_prob_bound(model: Any, graphs: GraphSet, *, num_orderings: int = 16, seed: int = 0) -> LikelihoodBound:
    """Bound the log-likelihood of graphs from below; O(K) evaluations of the model.

    Args:
        model: trained, in evaluation mode; it obeys `gengraph.models.family.HasLikelihood`.
        graphs: as its family selects them (`Family.select`), at least one.
        num_orderings: K >= 1, sequences drawn for each graph.
        seed: of these; those of training are others.

    Raises:
        InputError: no graphs, num_orderings < 1, or a model without a likelihood.
    """
    if num_orderings < 1 or not len(graphs):
        msg = f"a bound needs at least 1 ordering and 1 graph, got {num_orderings} and {len(graphs)}"
        raise InputError(msg)
    if not isinstance(model, HasLikelihood):
        msg = "a bound needs a model with an exact likelihood, this one has none; compare samples instead, by their MMD"
        raise InputError(msg)
    encode = model.encoder(graphs)  # type: ignore[attr-defined]
    log_probs = np.empty((num_orderings, len(graphs)))
    is_new, log_ways = np.zeros(log_probs.shape, np.bool_), np.zeros(log_probs.shape)
    seen: list[set[bytes]] = [set() for _ in range(len(graphs))]
    units: Counter[str] = Counter()
    num_cut = 0
    with torch.inference_mode():
        for k in range(num_orderings):
            for chunk in size_chunks(graphs.num_nodes, _BATCH):
                batch = encode(chunk, key=(seed, _BOUND_EPOCH + k))
                log_probs[k, batch.graph] = model.log_prob(batch).double().cpu().numpy()
                if isinstance(model, HasWays):
                    log_ways[k, batch.graph] = model.log_ways(batch)
                for graph, numbered in zip(batch.graph, model.sequences(batch), strict=True):
                    is_new[k, graph] = numbered not in seen[graph]
                    seen[graph].add(numbered)
                units.update(model.units(batch))
                num_cut += sum(batch.losses_of_data.values())
    return LikelihoodBound(
        average=log_probs.mean(0),
        distinct=np.logaddexp.reduce(np.where(is_new, log_probs, -np.inf), axis=0),
        num_distinct=is_new.sum(0),
        weighted=_weighted(log_probs + log_ways, graphs) if isinstance(model, HasWays) else None,
        units={name: count / num_orderings for name, count in units.items()},
        num_cut=num_cut,
    )


def _weighted(log_weights: npt.NDArray[np.float64], graphs: GraphSet) -> npt.NDArray[np.float64]:
    """float64[G], of log p(s) / q, float64[K, G]."""
    of_draws: npt.NDArray[np.float64] = np.logaddexp.reduce(log_weights, axis=0) - np.log(len(log_weights))
    return of_draws - log_automorphisms(graphs)
