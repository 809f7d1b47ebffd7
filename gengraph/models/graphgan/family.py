"""The family GraphGAN."""

from typing import TYPE_CHECKING

from gengraph.graphs import GraphSet
from gengraph.models.dense import BoundedFamily
from gengraph.models.family import Capability, Facts
from gengraph.models.graphgan.config import CAPABILITIES, GraphGANConfig

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class GraphGAN(BoundedFamily):
    """Embeddings of the nodes of each training graph, by a game of two players.

    Reference:
        H. Wang, J. Wang, J. Wang, M. Zhao, W. Zhang, F. Zhang, X. Xie, M. Guo. GraphGAN: graph representation learning with
        generative adversarial nets. AAAI 2018.
    """

    name = "graphgan"
    config = GraphGANConfig
    loss = "cross-entropy of a neighbour of a node under the generator, nats a link, of training graphs"

    def capabilities(self, config: GraphGANConfig) -> frozenset[Capability]:
        """A temperature, and scores of links."""
        return CAPABILITIES

    def prepare(self, graphs: GraphSet, config: GraphGANConfig, *, seed: int) -> Facts:
        """The graphs themselves: a model is a fit to each of them."""
        return {
            "max_num_node": int(graphs.num_nodes.max()),
            "num_nodes": graphs.num_nodes.tolist(),
            "num_edges": (graphs.edge_offsets[1:] - graphs.edge_offsets[:-1]).tolist(),
            "edges": graphs.edges.ravel().tolist(),
        }

    def describe(self, config: GraphGANConfig, facts: Facts) -> dict[str, str]:
        """One fit a graph, what a sample is, what the losses are of."""
        return {
            "fits": f"one to each of {len(facts['num_nodes'])} training graphs, which the model keeps",
            "a sample": "a training graph drawn, and as many edges by the generator's law of its pairs of nodes"
            + (f", to the power {config.sharpness:g}" if config.sharpness != 1 else ""),
            "losses": "of training graphs, those of the validation part too: other graphs have no embeddings",
            "walks": f"{config.samples} from each of at most {config.roots} roots a graph and step",
        }

    def build(self, config: GraphGANConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.graphgan.network import GraphGANModel

        return GraphGANModel(config, facts)

    def space(self, config: GraphGANConfig) -> "Space":
        """Sizes, walks, sharpness."""
        from gengraph.models.space import Choice, Range

        return {
            "model.embedding_size": Choice((8, 16, 32, 50)),
            "model.samples": Choice((4, 8, 20)),
            "model.sharpness": Range(1.0, 10.0, log=True),
            "training.learning_rate": Range(1e-3, 3e-2, log=True),
        }
