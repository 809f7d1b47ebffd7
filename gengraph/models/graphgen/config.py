"""Section [model] of a GraphGen config."""

from dataclasses import dataclass
from typing import Literal

from gengraph.models.family import Capability
from gengraph.schema import at_least, check, within

CAPABILITIES: frozenset[Capability] = frozenset({"likelihood", "temperature", "gpu"})


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphGenConfig:
    """A GraphGen.

    Attributes:
        labels: what the codes call the vertices: degree, or none (all are alike).
        true_degrees: whether no graph is drawn in which a vertex has another degree than its label; otherwise labels are hints.
        codes: minimum (the least DFS code of each component), or random (one of its DFS codes, drawn anew for each epoch).
        most_partial: partial codes that the search for the least one keeps; where there are more, equal so far, the code is the
            least of those found, and counted.
        times: how the network names vertices: absolute (when they were found) or relative (how long ago).
        state: whether the network reads, beside the last step, where the code stands: the edges that vertices on the rightmost
            path still lack, which of them have neighbours in common with the newest vertex, and how many vertices there are;
            vertices to choose between are then told apart by these numbers too.
        hidden_size: units of the recurrent network.
        num_layers: of the recurrent network.
        embedding_size: of a step that is read.
        output_size: hidden units of each head.
        dropout: share of units that are left out in training, in [0, 1).
        most_nodes: graphs with more are refused, since masks grow with edges times nodes.
    """

    labels: Literal["degree", "none"] = "degree"
    true_degrees: bool = False
    codes: Literal["minimum", "random"] = "minimum"
    most_partial: int = 256
    times: Literal["absolute", "relative"] = "absolute"
    state: bool = False
    hidden_size: int = 256
    num_layers: int = 4
    embedding_size: int = 92
    output_size: int = 512
    dropout: float = 0.2
    most_nodes: int = 1024

    def __post_init__(self) -> None:
        at_least(1, "model", self, "most_partial", "hidden_size", "num_layers", "embedding_size", "output_size", "most_nodes")
        check(
            not self.true_degrees or self.labels == "degree",
            f"model.true_degrees = true needs model.labels = degree, got {self.labels}",
        )
        within("[0, 1)", "model", self, "dropout")
