"""Section [model] of a VGAE config."""

from dataclasses import dataclass
from typing import Literal

from gengraph.graphs.order_names import OrderingName
from gengraph.schema import at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class VGAEConfig:
    """A variational graph auto-encoder.

    Attributes:
        hidden_size: units of each hidden layer.
        latent_size: numbers of a node that its edges are decoded from.
        prior: of these: learned, by the node's rank, the size and numbers of the graph; or standard, the same normal law for
            every node.
        graph_size: numbers of a graph that a learned prior is given.
        ordering: by which nodes are ranked; given keeps the numbers that they have, which mean something in one graph alone.
        bias: whether a learned number is added to the logits of edges, without which most pairs of nodes are likely edges.
        balanced: whether the edges together weigh as much as all other pairs; the loss is then no bound of the likelihood.
        kl_warmup: share of the training over which the weight of the divergence rises to 1.
        size_smoothing: >= 0, weight, in training graphs, of a geometric law that makes every size possible.
        most_nodes: graphs with more are refused, since memory grows with the square of the largest.
    """

    hidden_size: int = 64
    latent_size: int = 16
    prior: Literal["learned", "standard"] = "learned"
    graph_size: int = 16
    ordering: OrderingName | Literal["given"] = "cm"
    bias: bool = True
    balanced: bool = False
    kl_warmup: float = 0.0
    size_smoothing: float = 0.0
    most_nodes: int = 512

    def __post_init__(self) -> None:
        at_least(1, "model", self, "hidden_size", "latent_size", "graph_size", "most_nodes")
        within("[0, 1]", "model", self, "kl_warmup")
        within("[0, inf)", "model", self, "size_smoothing")
