"""The family GNF."""

from typing import TYPE_CHECKING

from gengraph.models.dense import DenseFamily
from gengraph.models.family import Capability, Facts
from gengraph.models.gnf.config import GNFConfig

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class GNF(DenseFamily):
    """Graph normalising flows.

    Reference:
        J. Liu, A. Kumar, J. Ba, J. Kiros, K. Swersky. Graph normalizing flows. NeurIPS 2019.
    """

    name = "gnf"
    config = GNFConfig
    loss = "reconstruction and flow, a bound of the negative log-likelihood given the size, nats a graph"

    def capabilities(self, config: GNFConfig) -> frozenset[Capability]:
        """It takes a GPU, and a temperature where edges are drawn; a graph has no exact likelihood."""
        return frozenset({"temperature", "gpu"}) if config.edges == "bernoulli" else frozenset({"gpu"})

    def describe(self, config: GNFConfig, facts: Facts) -> dict[str, str]:
        """Embeddings, flow, decoder."""
        drawn = {"bernoulli": "drawn", "threshold": "where likelier than not"}[config.edges]
        learnt = (
            f"with {config.flow_weight:g} of the flow"
            if config.flow_weight
            else f"first, {config.autoencoder_share:.0%} of the time"
        )
        return {
            "embeddings": f"{config.embedding_size} numbers a node, noise {config.noise:g}, learnt {learnt}",
            "flow": f"{config.flow_layers} couplings",
            "edges": f"between nodes closer than about 1, {drawn}",
            "end": "drawn from the sizes of the training graphs",
        }

    def build(self, config: GNFConfig, facts: Facts) -> "nn.Module":
        """The networks with fresh weights."""
        from gengraph.models.gnf.model import GNFModel

        return GNFModel(config, facts)

    def space(self, config: GNFConfig) -> "Space":
        """Embeddings, noise, couplings."""
        from gengraph.models.space import Choice, Range

        return {
            "model.embedding_size": Choice((4, 8, 12, 16)),
            "model.noise": Range(0.03, 0.3, log=True),
            "model.flow_weight": Choice((0.0, 0.1, 0.3, 1.0)),
            "model.flow_layers": Choice((4, 8, 12)),
            "training.learning_rate": Range(3e-4, 3e-3, log=True),
        }
