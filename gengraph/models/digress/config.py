"""Section [model] of a DiGress config."""

from dataclasses import dataclass
from typing import Literal

from gengraph.schema import at_least, check, within


@dataclass(frozen=True, kw_only=True, slots=True)
class DiGressConfig:
    """A DiGress.

    Attributes:
        steps: T, of the noise in training.
        draws: D, how often each graph is disturbed in a batch; more make the loss less noisy.
        num_layers: of the graph transformer.
        node_size: numbers a node.
        edge_size: numbers a pair of nodes.
        graph_size: numbers a graph.
        heads: of the attention; node_size is a multiple.
        features: what is computed of the noisy graph for the network: all (cycles and spectra), cycles, or none.
        molecular: whether bonds of each atom, room for more and the weight of a noisy molecule are computed too: auto (where
            labels are elements and whole bonds), yes, or no.
        labels: joint (labels of nodes and edges are disturbed and denoised with the edges) or after (the network that all
            families share labels what was drawn, directions too).
        size_smoothing: >= 0, weight, in training graphs, of a geometric law that makes every size possible.
        most_nodes: graphs with more are refused, since cost grows with the square of the largest, and with spectra its cube.
    """

    steps: int = 200
    draws: int = 1
    num_layers: int = 4
    node_size: int = 64
    edge_size: int = 32
    graph_size: int = 32
    heads: int = 8
    features: Literal["all", "cycles", "none"] = "all"
    molecular: Literal["auto", "yes", "no"] = "auto"
    labels: Literal["joint", "after"] = "joint"
    size_smoothing: float = 0.0
    most_nodes: int = 256

    def __post_init__(self) -> None:
        at_least(1, "model", self, "steps", "draws", "num_layers", "heads")
        at_least(1, "model", self, "node_size", "edge_size", "graph_size", "most_nodes")
        check(
            self.node_size % self.heads == 0,
            f"model.node_size must be a multiple of model.heads, got {self.node_size} and {self.heads}",
        )
        check(
            self.labels == "joint" or self.molecular != "yes",
            "model.molecular = yes needs labels that are drawn with the edges, got model.labels = after; "
            "set model.labels = joint, or model.molecular = auto",
        )
        within("[0, inf)", "model", self, "size_smoothing")
