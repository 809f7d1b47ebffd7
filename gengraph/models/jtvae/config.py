"""Section [model] of a JT-VAE config."""

from dataclasses import dataclass
from typing import Literal

from gengraph.schema import at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class JTVAEConfig:
    """A JT-VAE.

    Attributes:
        hidden_size: numbers of a cluster, an atom, a bond and of the decoder's state.
        latent_size: numbers of the latent of the tree, and as many of that of the graph.
        graph_rounds: of messages along bonds in the graph encoder; those of the tree go from the leaves to the root.
        beta: > 0, weight of the Kullback-Leibler divergence at the end of training; with 1 the loss is a bound of -log p.
        anneal: share of the training, in [0, 1], over which that weight rises from 0.
        valences: auto (where labels are atoms and bonds in Kekule form, no atom gets more bonds than it may) or none (no rule).
        most_nodes: graphs with more are refused.
    """

    hidden_size: int = 128
    latent_size: int = 28
    graph_rounds: int = 3
    beta: float = 1.0
    anneal: float = 0.3
    valences: Literal["auto", "none"] = "auto"
    most_nodes: int = 128

    def __post_init__(self) -> None:
        at_least(1, "model", self, "hidden_size", "latent_size", "graph_rounds", "most_nodes")
        within("(0, inf)", "model", self, "beta")
        within("[0, 1]", "model", self, "anneal")
