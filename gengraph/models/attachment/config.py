"""Section [model] of an attachment model."""

from dataclasses import dataclass
from typing import Literal

from gengraph.models.family import Capability
from gengraph.schema import at_least, within

CAPABILITIES: frozenset[Capability] = frozenset({"likelihood", "temperature"})


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentConfig:
    """An attachment model: in which order nodes join, and the size of the perceptrons that decide.

    Attributes:
        order: in which nodes join: degeneracy, cardinality, bfs or ring; auto takes the one under which graphs that were held
            out of the training graphs cost least after a short training.
        totals: draw, with the size, how many edges a graph is to have, and tell each node how many are to come.
        hidden_size: F, units of the first hidden layer; the second has half as many.
        dropout: share of the first layer's units that are set to zero in training, in [0, 1).
        size_smoothing: > 0, weight, in training graphs, of a geometric law that gives every size a likelihood.
        most_nodes: graphs with more are refused, since a step takes time and memory that grow with nodes times edges.
    """

    order: Literal["auto", "degeneracy", "cardinality", "bfs", "ring"] = "auto"
    totals: bool = True
    hidden_size: int = 64
    dropout: float = 0.0
    size_smoothing: float = 0.01
    most_nodes: int = 512

    def __post_init__(self) -> None:
        at_least(2, "model", self, "hidden_size")
        at_least(1, "model", self, "most_nodes")
        within("[0, 1)", "model", self, "dropout")
        within("(0, inf)", "model", self, "size_smoothing")
