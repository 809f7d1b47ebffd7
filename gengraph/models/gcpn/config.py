"""Section [model] of a GCPN config."""

from dataclasses import dataclass
from typing import Literal

from gengraph.models.family import Capability
from gengraph.schema import at_least, check

CAPABILITIES: frozenset[Capability] = frozenset({"joint", "likelihood", "temperature", "policy", "start", "gpu"})


@dataclass(frozen=True, kw_only=True, slots=True)
class GCPNConfig:
    """A GCPN; the paper's own choices stand in brackets where they differ.

    Attributes:
        hidden_size: H, units of a node's state.
        num_layers: of the graph convolutions.
        distances: steps up to which the second node of an action knows how far it is from the first, so that a ring can be
            closed at a size; 0 for none [0].
        valences: auto (an atom gets no more bonds than it may have, where all labels are atoms and bonds and no training graph
            breaks this), masked (demand it), or none [masked].
        most_nodes: graphs with more are refused: the whole graph is read before each action.
    """

    hidden_size: int = 64
    num_layers: int = 3
    distances: int = 8
    valences: Literal["auto", "masked", "none"] = "auto"
    most_nodes: int = 128

    def __post_init__(self) -> None:
        at_least(1, "model", self, "hidden_size", "num_layers", "most_nodes")
        check(self.distances >= 0, f"model.distances must be >= 0, got {self.distances}")
