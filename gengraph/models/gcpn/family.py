"""The family GCPN."""

from typing import TYPE_CHECKING

from gengraph.graphs import GraphSet
from gengraph.models.dense import BoundedFamily, check_undirected
from gengraph.models.family import Capability, Facts
from gengraph.models.gcpn.config import CAPABILITIES, GCPNConfig
from gengraph.models.valences import check_valences, valence_lists

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class GCPN(BoundedFamily):
    """Graph convolutional policy network.

    Reference:
        J. You, B. Liu, R. Ying, V. Pande, J. Leskovec. Graph convolutional policy network for goal-directed molecular graph
        generation. NeurIPS 2018.
    """

    name = "gcpn"
    config = GCPNConfig
    loss = "negative log-likelihood of a random growth, nats a graph"

    def capabilities(self, config: GCPNConfig) -> frozenset[Capability]:
        """All of them can do the same."""
        return CAPABILITIES

    def select(self, graphs: GraphSet, config: GCPNConfig) -> GraphSet:
        """Checked.

        Raises:
            InputError: graphs without nodes, larger than the config allows, or directed.
        """
        graphs = super().select(graphs, config)
        check_undirected(graphs, self.name)
        return graphs

    def prepare(self, graphs: GraphSet, config: GCPNConfig, *, seed: int) -> Facts:
        """The largest graph, kinds of labels, valences if they are masked, whether there are edges and several components.

        Raises:
            InputError: model.valences = masked, and labels are no atoms and bonds, or atoms have more bonds than they may.
        """
        return {
            "max_num_node": int(graphs.num_nodes.max()),
            "kinds": [max(1, kinds) for kinds in graphs.schema.num_kinds],
            "valences": _valences(graphs, config),
            "has_edges": len(graphs.edges) > 0,
            "components": bool((graphs.num_components() > 1).any()),
        }

    def describe(self, config: GCPNConfig, facts: Facts) -> dict[str, str]:
        """Order, masks, end."""
        return {
            "order": "random edges of what has grown, from a random node",
            "messages": f"{config.num_layers} graph convolutions before each action",
            "valences": "none has more bonds than it may" if facts["valences"] else "learned",
            "components": "several" if facts["components"] else "one",
            "end": "a decision of the model",
        }

    def build(self, config: GCPNConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.gcpn.model import GCPNModel

        return GCPNModel(config, facts, self.capabilities(config))

    def space(self, config: GCPNConfig) -> "Space":
        """Sizes, layers, learning rate."""
        from gengraph.models.space import Choice, Range

        return {
            "model.hidden_size": Choice((32, 64, 128)),
            "model.num_layers": Choice((2, 3, 4, 5)),
            "training.learning_rate": Range(5e-4, 5e-3, log=True),
        }


def _valences(graphs: GraphSet, config: GCPNConfig) -> list[list[int]] | None:
    """The largest valences by node label and the orders by edge label; None where they are not masked."""
    if config.valences == "masked":
        check_valences(graphs)
    found = None if config.valences == "none" else valence_lists(graphs.schema)
    if found is not None and config.valences == "auto":
        from gengraph.chemistry.valences import valences_fit

        return found if valences_fit(graphs).all() else None
    return found
