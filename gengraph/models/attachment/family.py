"""The family of attachment models."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.graphs import GraphSet
from gengraph.models.attachment.config import CAPABILITIES, AttachmentConfig
from gengraph.models.dense import BoundedFamily
from gengraph.models.family import Capability, Facts

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space

_SAVED = 0.9  # of what graphs cost if all edges are alike, the most that an order may cost to speak for the model
_NEAR = 0.1  # of what graphs cost under the cheapest order, how much more they may cost under one that is tried, too


class Attachment(BoundedFamily):
    """Nodes that join one after the other: how many older ones, then which, by a softmax over all of these."""

    name = "attachment"
    config = AttachmentConfig
    loss = "negative log-likelihood, nats a graph"

    def capabilities(self, config: AttachmentConfig) -> frozenset[Capability]:
        """All have a likelihood and take a temperature."""
        return CAPABILITIES

    def prepare(self, graphs: GraphSet, config: AttachmentConfig, *, seed: int) -> Facts:
        """Sizes, degrees, the order, and what graphs cost under each if that chose it."""
        from gengraph.models.attachment.selection import cost_of_edges_alike, order_costs
        from gengraph.models.sizes import spread_facts
        from gengraph.models.totals import edge_totals

        ends = graphs.edges + graphs.node_offsets[graphs.graph_of_edge][:, None]
        degrees = np.bincount(ends.ravel(), minlength=int(graphs.num_nodes.sum()))
        facts: Facts = {
            "max_num_node": int(graphs.num_nodes.max()),
            "sizes": spread_facts(graphs.num_nodes),
            "most_joined": int(degrees.max()),
            "typical": [int(np.median(degrees)), len(graphs.edges) / int(graphs.num_nodes.sum())],
            "totals": edge_totals(graphs) if config.totals else None,
            "order": config.order,
            "costs": [],
            "alike": round(cost_of_edges_alike(graphs), 2),
        }
        if config.order == "auto":
            costs = order_costs(graphs, config, facts, seed=seed)
            facts["order"] = min(costs, key=costs.__getitem__)
            facts["costs"] = [[order, round(cost, 2)] for order, cost in costs.items()]
        return facts

    def describe(self, config: AttachmentConfig, facts: Facts) -> dict[str, str]:
        """The order, and what others would have cost."""
        order = facts["order"]
        if facts["costs"]:
            table = ", ".join(f"{cost:.0f} {name}" for name, cost in facts["costs"])
            order += f"; nats a held-out graph after a short training: {table}; all edges alike: {facts['alike']:.0f}"
        return {"order": order, "end": "drawn from the sizes of the training graphs" + ", edges given the size" * config.totals}

    def suits(self, config: AttachmentConfig, facts: Facts) -> str:
        """Graphs that an order makes cheaper than edges that are all alike."""
        cost = dict(facts["costs"]).get(facts["order"], np.inf)
        if cost > facts["alike"] - (1 - _SAVED) * abs(facts["alike"]):
            return ""
        return f"nodes that join one after the other cost {cost:.0f} nats a graph, edges all alike {facts['alike']:.0f}"

    def variants(self, config: AttachmentConfig, facts: Facts) -> tuple[Mapping[str, Any], ...]:
        """Orders about as cheap as the cheapest: a shorter code need not be closer."""
        least = min((cost for _, cost in facts["costs"]), default=0.0)
        near = [order for order, cost in facts["costs"] if cost - least <= _NEAR * abs(least)]
        return tuple({"model.order": order} for order in near) or ({},)

    def build(self, config: AttachmentConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.attachment.network import AttachmentModel

        return AttachmentModel(config, facts)

    def space(self, config: AttachmentConfig) -> "Space":
        """Order, size, dropout and learning rate."""
        from gengraph.models.space import Choice, Range

        return {
            "model.order": Choice(("degeneracy", "cardinality", "bfs", "ring")),
            "model.hidden_size": Choice((32, 64, 96)),
            "model.dropout": Choice((0.0, 0.1, 0.2)),
            "training.learning_rate": Range(1e-3, 1e-2, log=True),
        }
