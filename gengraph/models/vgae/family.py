"""The family VGAE."""

from typing import TYPE_CHECKING

from gengraph.models.dense import DenseFamily
from gengraph.models.family import Capability, Facts
from gengraph.models.vgae.config import VGAEConfig

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class VGAE(DenseFamily):
    """Variational graph auto-encoders.

    Reference:
        T. Kipf, M. Welling. Variational graph auto-encoders. NeurIPS workshop on Bayesian deep learning, 2016.
    """

    name = "vgae"
    config = VGAEConfig
    loss = "negative evidence lower bound given the size, nats a graph"

    def capabilities(self, config: VGAEConfig) -> frozenset[Capability]:
        """It takes a temperature and a GPU, and scores links; its loss is a bound and no likelihood."""
        return frozenset({"temperature", "gpu", "links"})

    def describe(self, config: VGAEConfig, facts: Facts) -> dict[str, str]:
        """Latents, their prior, ranks."""
        learned = f"learned, given the rank, the size and {config.graph_size} numbers of the graph"
        return {
            "latents": f"{config.latent_size} a node",
            "prior": learned if config.prior == "learned" else "standard normal",
            "ranks of nodes": "as they are numbered" if config.ordering == "given" else f"by the order {config.ordering}",
            "end": "drawn from the sizes of the training graphs",
        }

    def build(self, config: VGAEConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.vgae.model import VGAEModel

        return VGAEModel(config, facts)

    def space(self, config: VGAEConfig) -> "Space":
        """Sizes, and the order by which nodes are ranked."""
        from gengraph.models.space import Choice, Range

        return {
            "model.hidden_size": Choice((32, 64, 128)),
            "model.latent_size": Choice((8, 16, 32)),
            "model.graph_size": Choice((8, 16, 32)),
            "model.ordering": Choice(("cm", "bfs", "dfs", "degree")),
            "training.learning_rate": Range(1e-3, 1e-2, log=True),
        }
