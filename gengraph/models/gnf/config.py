"""Section [model] of a GNF config."""

from dataclasses import dataclass
from typing import Literal

from gengraph.schema import at_least, check, within


@dataclass(frozen=True, kw_only=True, slots=True)
class GNFConfig:
    """A graph normalising flow.

    Attributes:
        embedding_size: k, numbers that embed a node.
        sharpness: C, how steeply the probability of an edge falls where nodes are about a distance of one apart.
        decoder: fixed, or learnt: C and the distance are where training begins, and the last of a node's numbers adds to the
            distance at which it is linked.
        noise: > 0, standard deviation of what is added to embeddings, so that they have a density.
        encoder_layers: of the network that embeds graphs.
        flow_layers: couplings of the flow.
        coupling_layers: of the network in each coupling.
        hidden_size: units of a node in all networks; a multiple of heads.
        heads: of the attention.
        flow_weight: in [0, 1], how much of the flow's gradient reaches the encoder in the end: 1 for all (a variational
            bound), 0 for none.
        autoencoder_share: of the training, in (0, 1), until which that grows from none; without any the encoder stays as it is
            from then on, and the flow follows it.
        edges: how edges are drawn: bernoulli, or threshold (where they are likelier than not).
        softness: > 0, divides the logits of edges that are drawn, beside the temperature: the encoder makes edges surer than
            they are between points of the flow.
        size_smoothing: >= 0, weight, in training graphs, of a geometric law that makes every size possible.
        most_nodes: graphs with more are refused, since cost grows with the square of the largest.
    """

    embedding_size: int = 5
    sharpness: float = 10.0
    decoder: Literal["learnt", "fixed"] = "learnt"
    noise: float = 0.1
    encoder_layers: int = 2
    flow_layers: int = 4
    coupling_layers: int = 1
    hidden_size: int = 32
    heads: int = 4
    flow_weight: float = 0.1
    autoencoder_share: float = 0.4
    edges: Literal["bernoulli", "threshold"] = "bernoulli"
    softness: float = 1.0
    size_smoothing: float = 0.0
    most_nodes: int = 512

    def __post_init__(self) -> None:
        at_least(2, "model", self, "embedding_size")
        at_least(1, "model", self, "encoder_layers", "flow_layers", "coupling_layers", "hidden_size", "heads", "most_nodes")
        check(
            self.hidden_size % self.heads == 0,
            f"model.hidden_size must be a multiple of model.heads, got {self.hidden_size} and {self.heads}",
        )
        within("(0, inf)", "model", self, "sharpness", "softness", "noise")
        within("[0, 1]", "model", self, "flow_weight")
        within("(0, 1)", "model", self, "autoencoder_share")
        within("[0, inf)", "model", self, "size_smoothing")
