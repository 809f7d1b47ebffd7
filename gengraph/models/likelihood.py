"""What a likelihood is divided by, and bounds on the likelihood of a graph.

A model gives probabilities to row sequences. A row sequence is a graph with numbered nodes, and every numbering of a graph
that the window can hold is a sequence of its own, so that

    p(G) = sum of p(s) over the distinct sequences s whose graph is isomorphic to G.

The sum has up to n! terms; what is left out of it makes it smaller. Hence, without any expectation,

    mean over k of log p(s_k)  <=  max over k of log p(s_k)  <=  log sum of p(s) over distinct s among s_1..s_K  <=  log p(G)

for whatever sequences s_1..s_K of G. The first is what You et al. [1] report for GraphRNN (their code averages over
breadth-first orderings); the third is the tighter bound. Their distance from log p(G) is at most the log of the number of
orderings that count: where an ordering leaves little to chance (cm on ladders and grids) they are nearly exact, and the
likelihoods of models with different orderings are bounds of different tightness.

Legend: G graphs, K orderings a graph.

Reference:
    [1] J. You et al. GraphRNN. ICML 2018, section 4.3 and table 2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from gengraph.config import Config
from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.graphrnn.network import DataFacts, GraphRNNModel
from gengraph.graphs.orderings import Adjacency
from gengraph.models.graphrnn.rows import CONTINUE, RowBatch, decode_rows, encode_rows

_BOUND_EPOCH = 2**41  # epochs that neither training nor validation reaches: the orderings of a bound are its own
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Extent:
    """What a likelihood is about.

    Attributes:
        num_graphs: graphs.
        num_nodes: their nodes, each of which has a row.
        num_edge_bits: the decisions of the edge level that are free: whether a node connects to one candidate of its row's
            window. Under `stop = zero_row` all rows have such decisions, the empty one at the end included. Otherwise only
            rows that continue have them, and the last one of a row is not free where nothing was chosen before.
    """

    num_graphs: int = 0
    num_nodes: int = 0
    num_edge_bits: int = 0

    @classmethod
    def of(cls, batch: RowBatch, config: Config) -> "Extent":
        """Of a batch, as a model of this config scores it."""
        return cls(len(batch.graph), len(batch.widths), _count_edge_bits(batch, config))

    def __add__(self, other: "Extent") -> "Extent":
        return Extent(
            self.num_graphs + other.num_graphs,
            self.num_nodes + other.num_nodes,
            self.num_edge_bits + other.num_edge_bits,
        )

    def divide(self, nll: float, prefix: str = "") -> dict[str, float]:
        """A whole negative log-likelihood in nats, a graph (`nll`), a node (`nll_per_node`), an edge bit (`nll_per_edge_bit`).

        All decisions are in it, those to stop too, whatever it is divided by. What there is none of is left out.
        """
        units = {"nll": self.num_graphs, "nll_per_node": self.num_nodes, "nll_per_edge_bit": self.num_edge_bits}
        return {prefix + name: nll / count for name, count in units.items() if count}


def _count_edge_bits(batch: RowBatch, config: Config) -> int:
    if config.model.stop == "zero_row":
        return int(batch.widths.sum())
    rows = np.flatnonzero(batch.decisions == CONTINUE)
    last = 0 if config.sequence.scan == "oldest_first" else batch.widths[rows] - 1
    certain = (batch.bits[rows, last] == 1) & (batch.bits[rows].sum(1) == 1)
    return int(batch.widths[rows].sum() - certain.sum())


def encode(config: Config, facts: DataFacts, adjacency: Adjacency, graphs: Int64Array, *, seed: int, epoch: int) -> RowBatch:
    """Rows of graphs, as a model of this config reads them, under the orderings that belong to (seed, graph, epoch)."""
    return encode_rows(
        adjacency,
        graphs,
        ordering=config.sequence.ordering,
        max_prev_node=facts.max_prev_node,
        adaptive=config.sequence.window == "adaptive",
        key=(seed, epoch),
    )


def size_chunks(graphs: GraphSet, size: int) -> list[Int64Array]:
    """The indices of graphs, at most `size` at a time, graphs of like size together."""
    order = np.argsort(graphs.num_nodes, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


@dataclass(frozen=True, kw_only=True, slots=True)
class LikelihoodBound:
    """Lower bounds on the log-likelihood of graphs up to the numbering of their nodes, in nats.

    Attributes:
        average: float64[G], the mean of log p(rows) over the orderings drawn.
        distinct: float64[G], the log of the sum of p(rows) over the distinct row sequences among them; never below average.
        num_distinct: int64[G], how many those are.
        extent: graphs, nodes, and edge bits averaged over the orderings.
        num_cut: edges that did not fit into a window, over all orderings: the bounds are those of graphs without them.
    """

    average: npt.NDArray[np.float64]
    distinct: npt.NDArray[np.float64]
    num_distinct: Int64Array
    extent: Extent
    num_cut: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready means over the graphs, as negative log-likelihoods."""
        return {
            "num_graphs": self.extent.num_graphs,
            **self.extent.divide(-float(self.average.sum())),
            "nll_distinct": -float(self.distinct.mean()),
            "num_distinct": float(self.num_distinct.mean()),
            "num_cut": self.num_cut,
        }


def log_prob_bound(
    model: GraphRNNModel, graphs: GraphSet, config: Config, *, num_orderings: int = 16, seed: int = 0
) -> LikelihoodBound:
    """Bound the log-likelihood of graphs from below; O(K) evaluations of the model.

    Args:
        model: trained, in evaluation mode.
        graphs: prepared (`training.prepare_part`), at least one.
        config: of the model.
        num_orderings: K >= 1, drawn for each graph from the config's ordering.
        seed: of these orderings; those of training are others.

    Raises:
        InputError: no graphs, or num_orderings < 1.
    """
    if num_orderings < 1 or not len(graphs):
        msg = f"a bound needs at least 1 ordering and 1 graph, got {num_orderings} and {len(graphs)}"
        raise InputError(msg)
    adjacency = Adjacency.of(graphs)
    log_probs = np.empty((num_orderings, len(graphs)))
    is_new = np.zeros((num_orderings, len(graphs)), np.bool_)
    seen: list[set[bytes]] = [set() for _ in range(len(graphs))]
    extent, num_cut = Extent(), 0
    with torch.inference_mode():
        for k in range(num_orderings):
            for chunk in size_chunks(graphs, _BATCH):
                batch = encode(config, model.facts, adjacency, chunk, seed=seed, epoch=_BOUND_EPOCH + k)
                log_probs[k, batch.graph] = model(batch).double().cpu().numpy()
                for graph, numbered in zip(batch.graph, _sequences(batch), strict=True):
                    is_new[k, graph] = numbered not in seen[graph]
                    seen[graph].add(numbered)
                extent, num_cut = extent + Extent.of(batch, config), num_cut + batch.num_cut
    return LikelihoodBound(
        average=log_probs.mean(0),
        distinct=np.logaddexp.reduce(np.where(is_new, log_probs, -np.inf), axis=0),
        num_distinct=is_new.sum(0),
        extent=Extent(len(graphs), int(graphs.num_nodes.sum()), round(extent.num_edge_bits / num_orderings)),
        num_cut=num_cut,
    )


def _sequences(batch: RowBatch) -> list[bytes]:
    """The row sequence of each graph as a name: the numbered graph that it stands for, nothing else is in it."""
    decoded = decode_rows(batch)
    return [edges.tobytes() for edges in np.split(decoded.edges, decoded.edge_offsets[1:-1])]
