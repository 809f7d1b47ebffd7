"""GCPN as a `GraphModel`: random growths of graphs, their likelihood, and the decisions of graphs that were drawn.

Legend: B graphs, T actions of all together.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Capability, Decoding, Encoder, Facts, Loss, Sampler, check_decoding, labels_of
from gengraph.models.gcpn.config import GCPNConfig
from gengraph.models.gcpn.network import Policy
from gengraph.models.gcpn.sampler import GCPNSampler
from gengraph.models.gcpn.sequences import Batch, batch_of, growth
from gengraph.models.gcpn.states import ALONE_KIND, Rules, kinds_of
from gengraph.models.numbers import Numbers


class GCPNModel(nn.Module):
    """The policy with what graphs may become.

    Args:
        config: of the model.
        facts: from `GCPN.prepare`, with the schema of the labels.
        capable: what it can do.
    """

    def __init__(self, config: GCPNConfig, facts: Facts, capable: frozenset[Capability]) -> None:
        super().__init__()
        self.capable, self.largest, self.rules = capable, int(facts["max_num_node"]), Rules.of(facts)
        self.schema = labels_of(facts)
        self.masked, self.has_edges = facts["valences"] is not None, bool(facts["has_edges"])
        self.policy = Policy(
            *facts["kinds"],
            hidden_size=config.hidden_size,
            num_layers=config.num_layers,
            distances=config.distances,
            largest=self.largest,
        )

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches of growths, each from (seed, epoch, index of the graph).

        Raises:
            InputError: they have other labels than those that the model knows, or are what it cannot draw.
        """
        known = self.checked(graphs) if len(graphs) else graphs

        def encode(indices: Int64Array, key: tuple[int, int]) -> Batch:
            numbers = Numbers.of(key[0], indices, np.full(len(indices), key[1]))
            return batch_of(self.rules, indices, growth(known[indices], numbers))

        return encode

    def checked(self, graphs: GraphSet) -> GraphSet:
        """The graphs by the labels that the model knows.

        Raises:
            InputError: they have others, several components, or atoms with more bonds than they may have, and the model draws
                none such.
        """
        graphs = graphs.relabelled(self.schema)
        outside = int((~self.rules.obeyed(graphs)).sum())
        if outside:
            drawn = ["no more bonds at an atom than it may have (model.valences = none draws others)"] * self.masked
            drawn += ["no edges"] * (not self.has_edges) + ["one component"] * (not self.rules.components)
            msg = (
                f"graphs must be as a model draws them that was trained on graphs of {' and '.join(drawn)}, {outside} of "
                f"{len(graphs)} are not; leave these out, or train on graphs like them"
            )
            raise InputError(msg)
        return graphs

    def forward(self, batch: Batch, progress: float) -> Loss:
        """Minus the log-likelihood of the growths."""
        del progress
        units = self.units(batch)
        kinds = len(self.rules.largest) * len(self.rules.orders)
        guess = units["action"] * np.log(3 * kinds * max(batch.states.room, 2) ** 2)
        return Loss(total=-self.log_prob(batch).sum(), units=units, guess=guess)

    def units(self, batch: Batch) -> Mapping[str, int]:
        """Graphs, nodes, actions."""
        return {"graph": len(batch.graph), "node": batch.num_nodes, "action": len(batch.owner)}

    def log_prob(self, batch: Batch) -> Tensor:
        """float[B], log p of each growth."""
        decided, owner = self.decisions(batch)
        return torch.zeros(len(batch.graph), dtype=decided.dtype, device=decided.device).index_add(0, owner, decided)

    def sequences(self, batch: Batch) -> list[bytes]:
        """The actions."""
        lengths = np.bincount(batch.owner, minlength=len(batch.graph))
        return [actions[:length].tobytes() for actions, length in zip(batch.actions, lengths, strict=True)]

    def decisions(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """float[T], log p of each action given those before it, and int64[T], which of the graphs it is of."""
        device = self.policy.embed.weight.device

        def at(array: Any) -> Tensor:
            return torch.from_numpy(array).to(device)

        nodes, graph = self.policy.read(batch.states)
        rows = torch.arange(len(graph), device=device)
        kinds = at(kinds_of(batch.taken[:, 0]))
        total = log_softmax(self.policy.kind(graph), at(batch.kinds))[rows, kinds]
        alone = at(np.flatnonzero(kinds_of(batch.taken[:, 0]) == ALONE_KIND))
        labels = torch.log_softmax(self.policy.alone(graph[alone]), -1)
        total = total.index_add(0, alone, labels[rows[: len(alone)], at(-1 - batch.taken[:, 1])[alone]])
        linking, room = at(batch.linking), batch.states.room
        nodes, graph, rows = nodes[linking], graph[linking], rows[: len(linking)]
        first, target, bond = at(batch.taken[batch.linking]).T
        target = torch.where(target >= 0, target, room - 1 - target)
        away = self.policy.away_from(first, at(batch.states.bonds[batch.linking]))
        parts = (
            log_softmax(self.policy.first_logits(nodes, graph, room), at(batch.firsts))[rows, first],
            log_softmax(self.policy.target_logits(nodes, graph, first, away), at(batch.targets))[rows, target],
            log_softmax(self.policy.bond_logits(nodes, graph, (first, target), away), at(batch.bonds))[rows, bond],
        )
        return total.index_add(0, linking, torch.stack(parts).sum(0)), at(batch.owner)

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: the decoding asks for what a GCPN cannot do, or a start that it cannot go on from.
        """
        check_decoding(decoding, self.capable, "gcpn")
        start = None if decoding.start is None else self.checked(decoding.start)
        return GCPNSampler(self.policy, self.rules, self.schema, replace(decoding, start=start))

    def rollout(
        self, drawn: GraphSet, indices: Int64Array, attempts: Int64Array, *, seed: int, start: GraphSet | None = None
    ) -> Batch:
        """The actions by which its sampler drew graphs: drawn again, as a graph does not say in which order its edges came.

        Raises:
            InputError: they are not what it draws.
        """
        most = int(drawn.num_nodes.max(initial=1))  # they ended by themselves: no limit cuts them
        start = None if start is None else self.checked(start)
        sampler = GCPNSampler(self.policy, self.rules, self.schema, Decoding(max_num_node=most, start=start))
        graphs, actions = sampler.actions(indices, attempts, seed=seed)
        if graphs != drawn:
            msg = "the decisions are known of graphs that this model drew with these numbers, got others; draw them anew"
            raise InputError(msg)
        return batch_of(self.rules, np.asarray(indices, np.int64), actions, start)


def log_softmax(logits: Tensor, allowed: Tensor) -> Tensor:
    """float[..., K], where something is allowed in each row."""
    return torch.log_softmax(logits.masked_fill(~allowed, -torch.inf), -1)
