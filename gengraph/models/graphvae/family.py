"""The family GraphVAE."""

from typing import TYPE_CHECKING

from gengraph.models.dense import DenseFamily
from gengraph.models.family import Capability, Facts
from gengraph.models.graphvae.config import GraphVAEConfig

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class GraphVAE(DenseFamily):
    """A variational auto-encoder of graphs.

    Reference:
        M. Simonovsky, N. Komodakis. GraphVAE: towards generation of small graphs using variational autoencoders. ICANN 2018.
    """

    name = "graphvae"
    config = GraphVAEConfig
    loss = "reconstruction and weighted divergence, nats a graph"

    def capabilities(self, config: GraphVAEConfig) -> frozenset[Capability]:
        """It takes a temperature and a GPU; its loss only bounds a likelihood."""
        return frozenset({"temperature", "gpu"})

    def describe(self, config: GraphVAEConfig, facts: Facts) -> dict[str, str]:
        """Latent, matching, weight of the divergence."""
        return {
            "latent": f"{config.latent_size} numbers a graph, divergence times {config.beta:g}",
            "matching": {
                "order": "breadth-first order from a node of highest degree",
                "pool": f"{config.matching_rounds} rounds of max-pooling, then assignment",
            }[config.matching],
            "end": f"the decoder says which of {facts['max_num_node']} nodes exist",
        }

    def build(self, config: GraphVAEConfig, facts: Facts) -> "nn.Module":
        """The networks with fresh weights."""
        from gengraph.models.graphvae.model import GraphVAEModel

        return GraphVAEModel(config, facts)

    def space(self, config: GraphVAEConfig) -> "Space":
        """Latent, decoder, weight of the divergence."""
        from gengraph.models.space import Choice, Range

        return {
            "model.latent_size": Choice((8, 16, 32, 64)),
            "model.decoder_size": Choice((128, 256, 512)),
            "model.beta": Range(0.1, 1.0, log=True),
            "training.learning_rate": Range(3e-4, 3e-3, log=True),
        }
