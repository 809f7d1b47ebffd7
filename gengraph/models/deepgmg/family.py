"""The family DeepGMG."""

from typing import TYPE_CHECKING

from gengraph.graphs import GraphSet
from gengraph.models.deepgmg.config import CAPABILITIES, DeepGMGConfig
from gengraph.models.dense import BoundedFamily
from gengraph.models.family import Capability, Facts

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class DeepGMG(BoundedFamily):
    """Deep generative models of graphs.

    Reference:
        Y. Li, O. Vinyals, C. Dyer, R. Pascanu, P. Battaglia. Learning deep generative models of graphs. arXiv 1803.03324, 2018.
    """

    name = "deepgmg"
    config = DeepGMGConfig
    loss = "negative log-likelihood, nats a graph"
    bound_by = "messages pass through the whole graph after each edge"

    def capabilities(self, config: DeepGMGConfig) -> frozenset[Capability]:
        """All have a likelihood and take a temperature."""
        return CAPABILITIES

    def prepare(self, graphs: GraphSet, config: DeepGMGConfig, *, seed: int) -> Facts:
        """The largest graph, and how many nodes and edges there are."""
        return {
            "max_num_node": int(graphs.num_nodes.max()),
            "num_graphs": len(graphs),
            "nodes": int(graphs.num_nodes.sum()),
            "edges": len(graphs.edges),
        }

    def describe(self, config: DeepGMGConfig, facts: Facts) -> dict[str, str]:
        """Order, messages, end."""
        edges = {"age": "a node's oldest neighbour first", "random": "those of a node in random order"}[config.edge_order]
        before = {"changes": "after each node and edge", "decisions": "before each decision"}[config.propagate]
        return {
            "ordering": f"{config.ordering}; edges: {edges}",
            "messages": f"{config.rounds} rounds {before}",
            "end": "a decision of the model",
        }

    def build(self, config: DeepGMGConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.deepgmg.model import DeepGMGModel

        return DeepGMGModel(config, facts)

    def space(self, config: DeepGMGConfig) -> "Space":
        """Ordering, sizes, rounds."""
        from gengraph.models.space import Choice, Range

        return {
            "model.ordering": Choice(("bfs", "cm", "dfs", "degree")),
            "model.hidden_size": Choice((16, 32, 64)),
            "model.rounds": Choice((1, 2, 3)),
            "training.learning_rate": Range(1e-3, 1e-2, log=True),
        }
