"""Section [model] of a GraphVAE config."""

from dataclasses import dataclass
from typing import Literal

from gengraph.schema import at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphVAEConfig:
    """A GraphVAE.

    Attributes:
        latent_size: c, numbers that stand for a graph.
        hidden_size: of a node in the encoder.
        num_layers: graph convolutions of the encoder.
        decoder_size: units of each hidden layer of the decoder.
        decoder_layers: hidden layers of the decoder.
        matching: which position of the decoder a node is compared with: order (a breadth-first order from a node of highest
            degree), or pool (max-pooling matching of the graph and what was decoded, made a permutation by assignment).
        matching_rounds: of max-pooling matching; for pool.
        beta: > 0, weight of the Kullback-Leibler divergence in the loss; with 1 the loss is a bound of -log p.
        most_nodes: graphs with more are refused, since cost grows with the square of the largest, with pool its cube.
    """

    latent_size: int = 32
    hidden_size: int = 64
    num_layers: int = 3
    decoder_size: int = 256
    decoder_layers: int = 2
    matching: Literal["order", "pool"] = "order"
    matching_rounds: int = 75
    beta: float = 1.0
    most_nodes: int = 128

    def __post_init__(self) -> None:
        at_least(1, "model", self, "latent_size", "hidden_size", "num_layers", "decoder_size", "decoder_layers")
        at_least(1, "model", self, "matching_rounds", "most_nodes")
        within("(0, inf)", "model", self, "beta")
