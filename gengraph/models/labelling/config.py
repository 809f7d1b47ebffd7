"""Section [labels] of a config: the network that labels nodes and edges."""

from dataclasses import dataclass

from gengraph.schema import at_least


@dataclass(frozen=True, kw_only=True, slots=True)
class LabellingConfig:
    """The network that labels the graphs of a model; without labels in the data there is none.

    Attributes:
        hidden_size: of the recurrent network over a graph's nodes and edges.
        context_size: numbers that say where in the graph a node stands.
        rounds: of message passing that these come from.
        head_size: hidden units between the recurrent state and the logits.
    """

    hidden_size: int = 128
    context_size: int = 64
    rounds: int = 3
    head_size: int = 128

    def __post_init__(self) -> None:
        at_least(1, "labels", self, "hidden_size", "context_size", "head_size")
        at_least(0, "labels", self, "rounds")
