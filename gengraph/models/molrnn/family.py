"""The family of MolRNN and MolMP."""

from typing import TYPE_CHECKING

from gengraph.graphs import GraphSet
from gengraph.models.dense import BoundedFamily, check_undirected
from gengraph.models.family import Capability, Facts
from gengraph.models.molrnn.config import MolRNNConfig
from gengraph.models.valences import check_valences, valence_lists
from gengraph.rewards.conditions import condition_facts, describe_conditions

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class MolRNN(BoundedFamily):
    """Append, connect, end: with a recurrent state (MolRNN) or without (MolMP).

    Reference:
        Y. Li, L. Zhang, Z. Liu. Multi-objective de novo drug design with conditional graph generative model. Journal of
        Cheminformatics 10:33, 2018.
    """

    name = "molrnn"
    config = MolRNNConfig
    loss = "negative log-likelihood of decisions, nats a graph"

    def model_name(self, config: MolRNNConfig) -> str:
        """By the recurrent state: molrnn or molmp."""
        return "molrnn" if config.recurrent else "molmp"

    def capabilities(self, config: MolRNNConfig) -> frozenset[Capability]:
        """All but a likelihood, where the loss is one of several orders."""
        likelihood: frozenset[Capability] = frozenset({"likelihood"} if config.orders == 1 else ())
        return likelihood | {"joint", "temperature", "policy", "start", "gpu", "conditions"}

    def select(self, graphs: GraphSet, config: MolRNNConfig) -> GraphSet:
        """Checked.

        Raises:
            InputError: graphs without nodes, larger than the config allows, directed ones, or atoms with more bonds than they
                may have where these are masked.
        """
        graphs = super().select(graphs, config)
        check_undirected(graphs, self.model_name(config))
        if config.valences == "masked":
            check_valences(graphs)
        return graphs

    def prepare(self, graphs: GraphSet, config: MolRNNConfig, *, seed: int) -> Facts:
        """The largest graph, whether there are edges and several components, and what valences allow if they are masked."""
        return {
            "max_num_node": int(graphs.num_nodes.max()),
            "has_edges": len(graphs.edges) > 0,
            "connected": bool((graphs.num_components() == 1).all()),
            "valences": valence_lists(graphs.schema) if config.valences == "masked" else None,
            "conditions": condition_facts(graphs, config.conditions, self.model_name(config)),
        }

    def describe(self, config: MolRNNConfig, facts: Facts) -> dict[str, str]:
        """Orders, state, masks."""
        share = f"depth first, {config.canonical:.0%} by the numbers of the data, the others at random"
        return {
            "order": share if config.orders == 1 else f"{share}; {config.orders} of each graph, weighted by importance",
            "state": "a recurrent network" if config.recurrent else "none, the partial graph alone",
            "valences": config.valences,
            "end": "a decision of the model",
            **describe_conditions(facts.get("conditions", [])),
        }

    def build(self, config: MolRNNConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.molrnn.model import MolRNNModel

        return MolRNNModel(config, facts, self.capabilities(config), self.model_name(config))

    def space(self, config: MolRNNConfig) -> "Space":
        """Orders, sizes, learning rate."""
        from gengraph.models.space import Choice, Range

        return {
            "model.canonical": Choice((0.0, 0.5, 0.8, 1.0)),
            "model.skip_size": Choice((32, 64, 128)),
            "model.state_size": Choice((64, 128, 256)),
            "model.policy_size": Choice((32, 64, 128)),
            "training.learning_rate": Range(5e-4, 5e-3, log=True),
        }
