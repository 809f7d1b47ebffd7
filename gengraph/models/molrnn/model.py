"""MolRNN as a `GraphModel`: the likelihood of decisions, all steps of all sequences of a batch at once.

Partial graphs of about as many nodes are computed together, so that there is little padding.

Legend: G graphs, B sequences, S decisions, M partial graphs of one width n.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orderings import Adjacency
from gengraph.models.family import Capability, Decoding, Encoder, Facts, Loss, Sampler, check_decoding, labels_of
from gengraph.models.molrnn.config import MolRNNConfig
from gengraph.models.molrnn.network import DecisionNetwork, Kinds, Partial
from gengraph.models.molrnn.sequences import NONE, Sequences, canonical_order, encoder, sequences_of
from gengraph.rewards.conditions import ConditionFacts, num_columns, telling

_WIDTHS = 4  # how many widths partial graphs are padded to


class MolRNNModel(nn.Module):
    """The network with a likelihood and a policy.

    Args:
        config: of the model.
        facts: from `MolRNN.prepare`.
        capable: what it can do.
        name: of the model.
    """

    def __init__(self, config: MolRNNConfig, facts: Facts, capable: frozenset[Capability], name: str) -> None:
        super().__init__()
        self.config, self.capable, self.name = config, capable, name
        self.largest: int = facts["max_num_node"]
        self.schema = labels_of(facts)
        nodes, edges = self.schema.num_kinds
        self.kinds = Kinds(nodes, max(edges, 1), not facts["has_edges"], facts["connected"], facts["valences"])
        self.conditions: ConditionFacts = facts.get("conditions", [])
        self.network = DecisionNetwork(config, self.kinds, self.largest, num_columns(self.conditions))

    @property
    def most(self) -> int:
        """Nodes at which a graph is cut unless a decoding says otherwise."""
        return 2 * self.largest

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches of these graphs, for indices and key=(seed, epoch).

        Raises:
            InputError: they have other labels than those that the model knows.
        """
        known = graphs.relabelled(self.schema) if len(graphs) else graphs
        return telling(encoder(known, self.config), known, self.conditions, self.config.condition_dropout)

    def forward(self, batch: Sequences, progress: float = 1.0) -> Loss:
        """The negative log-likelihood of a batch, given what is told; of several orders the importance-weighted one."""
        del progress
        units, log_prob = self.units(batch), self._sums(batch)
        if self.config.orders > 1:
            weights = log_prob - torch.from_numpy(batch.log_order).to(log_prob)
            log_prob = weights.view(-1, self.config.orders).logsumexp(1) - math.log(self.config.orders)
        ways = batch.count * self.kinds.of_node + 1 + self.kinds.nodes
        guess = float(np.log(ways).sum()) / self.config.orders + units["graph"] * math.log(2 * self.kinds.nodes)
        return Loss(-log_prob.sum(), units, guess=guess)

    def units(self, batch: Sequences) -> dict[str, int]:
        """Graphs and nodes of a batch."""
        return {"graph": len(batch.graph), "node": int(batch.sizes.sum()) // self.config.orders}

    def log_prob(self, batch: Sequences) -> Tensor:
        """float[B], log p of the decisions of each sequence, no condition being given; with one order these are float[G]."""
        return self._sums(replace(batch, told=None))

    def sequences(self, batch: Sequences) -> list[bytes]:
        """The decisions of each sequence."""
        rows = np.stack([batch.target, batch.label, batch.bond], 1)
        parts = np.split(rows, np.searchsorted(batch.owner, np.arange(1, len(batch.sizes))))
        return [first.tobytes() + part.tobytes() for first, part in zip(batch.nodes[:, 0], parts, strict=True)]

    def rollout(
        self, drawn: GraphSet, indices: Int64Array, attempts: Int64Array, *, seed: int, start: GraphSet | None = None
    ) -> Sequences:
        """The decisions by which the sampler drew graphs; of one that may have been cut, those before its last one."""
        del indices, attempts, seed  # a graph with its nodes in their order tells its decisions
        known, ended = drawn.relabelled(self.schema), drawn.num_nodes != self.most
        if start is None:
            return sequences_of(known, ended=ended)
        first = canonical_order(Adjacency.of(start), 0)
        orders = [np.append(first, np.arange(len(first), size)) for size in drawn.num_nodes.tolist()]
        return sequences_of(known, orders, ended=ended).after(len(first))

    def decisions(self, batch: Sequences) -> tuple[Tensor, Tensor]:
        """Log p float[T] of each decision, the first ones of all sequences before the others, and its sequence int64[T]."""
        if batch.given:
            decided = batch.decided
            return self._log_probs(batch)[self._tensor(decided)], self._tensor(batch.owner[decided])
        logits = self.network.first_logits(self._codes(batch)).expand(len(batch.sizes), -1)
        first = torch.log_softmax(logits, 1).gather(1, self._tensor(batch.nodes[:, :1]))[:, 0]
        owner = np.concatenate([np.arange(len(batch.sizes)), batch.owner])
        return torch.cat([first, self._log_probs(batch)]), self._tensor(owner)

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: a constraint or stop rule that it does not know, a start that it cannot go on from, or values of
                conditions that it was not trained with.
        """
        check_decoding(decoding, self.capable, self.name)
        from gengraph.models.molrnn.sampler import MolRNNSampler

        return MolRNNSampler(self, decoding)

    def states_along(self, batch: Sequences) -> Tensor | None:
        """What the recurrent network carries after the last decision; None if there is none."""
        return self._known(batch)[2]

    def _sums(self, batch: Sequences) -> Tensor:
        log_prob, owner = self.decisions(batch)
        return log_prob.new_zeros(len(batch.sizes)).index_add(0, owner, log_prob)

    def _log_probs(self, batch: Sequences) -> Tensor:
        """float[S]."""
        of_nodes, known, _ = self._known(batch)
        found, places = [known.new_zeros(0)], [np.zeros(0, np.int64)]
        for place, (rows, partial) in zip(of_nodes, self._partial(batch), strict=True):
            logits = self.network.logits(place, known[self._tensor(rows)], partial)
            chosen = self._tensor(self._chosen(batch, rows, partial.nodes.shape[1]))
            found.append(torch.log_softmax(logits, 1).gather(1, chosen[:, None])[:, 0])
            places.append(rows)
        return torch.cat(found)[self._tensor(np.argsort(np.concatenate(places)))]

    def _known(self, batch: Sequences) -> tuple[list[Tensor], Tensor, Tensor | None]:
        """Numbers of nodes float[M, n, F] for each part of `_partial`, those of graphs float[S, C], and the last state."""
        steps = int(batch.time.max(initial=0)) + 1
        summaries = self.network.first.new_zeros(len(batch.sizes), steps, 2 * self.config.skip_size + 1)
        of_nodes = []
        for rows, partial in self._partial(batch):
            of_nodes.append(self.network.of_nodes(partial))
            places = self._tensor(batch.owner[rows]), self._tensor(batch.time[rows])
            summaries = summaries.index_put(places, self.network.summary(of_nodes[-1], partial))
        known, state = self.network.along(summaries, codes=self._codes(batch))
        return of_nodes, known[self._tensor(batch.owner), self._tensor(batch.time)], state

    def _codes(self, batch: Sequences) -> Tensor | None:
        """float[B, D] of what is told of each sequence's graph; None of a model without conditions."""
        if self.network.code is None:
            return None
        count = len(batch.sizes)
        told = None if batch.told is None else np.repeat(batch.told, count // len(batch.told), 0)
        codes: Tensor = self.network.code(told, count)
        return codes

    def _partial(self, batch: Sequences) -> Iterator[tuple[Int64Array, Partial]]:
        """The graphs before decisions int64[M], some at a time."""
        step = 1 + batch.nodes.shape[1] // (_WIDTHS + 1)
        group = (batch.count - 1) // step
        nodes, edges, arrival = (self._tensor(array) for array in (batch.nodes, batch.edges, batch.arrival))
        for width in np.unique(group).tolist():
            rows = np.flatnonzero(group == width)
            owner, time, count, floor = (self._tensor(of[rows]) for of in (batch.owner, batch.time, batch.count, batch.floor))
            n = int(batch.count[rows].max())
            there = arrival[owner, :n, :n] < time[:, None, None]
            inside = torch.arange(n, device=count.device) < count[:, None]
            yield rows, Partial(nodes[owner, :n] * inside, edges[owner, :n, :n] * there, count, floor)

    def _chosen(self, batch: Sequences, rows: Int64Array, n: int) -> Int64Array:
        """int64[M], the place of each decision among the logits."""
        target, label, bond = batch.target[rows], batch.label[rows], batch.bond[rows]
        way = np.where(label == NONE, self.kinds.nodes, label) * self.kinds.edges + bond
        of_graph = n * self.kinds.of_node + 1 + label  # NONE, the end, stands before all labels
        return np.where(target == NONE, of_graph, target * self.kinds.of_node + way)

    def _tensor(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.network.first.device)
