"""The family GraphGen."""

from typing import TYPE_CHECKING

from gengraph.graphs import GraphSet
from gengraph.models.dense import BoundedFamily
from gengraph.models.family import Capability, Facts
from gengraph.models.graphgen.config import CAPABILITIES, GraphGenConfig

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class GraphGen(BoundedFamily):
    """Minimum DFS codes, step by step.

    Reference:
        N. Goyal, H. V. Jain, S. Ranu. GraphGen: a scalable approach to domain-agnostic labeled graph generation. WWW 2020.
    """

    name = "graphgen"
    config = GraphGenConfig
    loss = "negative log-likelihood of a DFS code, nats a graph"

    def capabilities(self, config: GraphGenConfig) -> frozenset[Capability]:
        """All have a likelihood, and take a temperature and a GPU."""
        return CAPABILITIES

    def prepare(self, graphs: GraphSet, config: GraphGenConfig, *, seed: int) -> Facts:
        """The largest graph, component and degree, and whether there are edges, and graphs of several components."""
        import numpy as np

        return {
            "max_num_node": int(graphs.num_nodes.max()),
            "largest_component": int(np.bincount(graphs.component_labels()).max()),
            "max_degree": int(graphs.degrees().max()),
            "several_components": bool((graphs.num_components() > 1).any()),
            "has_edges": len(graphs.edges) > 0,
        }

    def describe(self, config: GraphGenConfig, facts: Facts) -> dict[str, str]:
        """Codes and their labels."""
        searched = f"the least, of at most {config.most_partial} partial ones at a time"
        return {
            "codes": {"minimum": searched, "random": "any of a depth-first search, anew for each epoch"}[config.codes],
            "labels": {"degree": f"degrees, at most {facts['max_degree']} seen", "none": "none"}[config.labels],
            "end": "no vertex lacks an edge, and then a decision" if config.labels == "degree" else "a decision",
        }

    def build(self, config: GraphGenConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.graphgen.model import GraphGenModel

        return GraphGenModel(config, facts)

    def space(self, config: GraphGenConfig) -> "Space":
        """Size, layers, dropout, names, learning rate."""
        from gengraph.models.space import Choice, Range

        return {
            "model.hidden_size": Choice((64, 128, 256)),
            "model.num_layers": Choice((1, 2, 3)),
            "model.dropout": Choice((0.0, 0.1, 0.2, 0.4)),
            "model.times": Choice(("absolute", "relative")),
            "training.learning_rate": Range(5e-4, 5e-3, log=True),
        }
