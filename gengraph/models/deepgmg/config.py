"""Section [model] of a DeepGMG."""

from dataclasses import dataclass
from typing import Literal

from gengraph.graphs.order_names import ORDERING_NAMES, OrderingName
from gengraph.models.family import Capability
from gengraph.schema import at_least, check

CAPABILITIES: frozenset[Capability] = frozenset({"likelihood", "temperature", "gpu"})


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepGMGConfig:
    """A DeepGMG: in which order graphs are built, and the graph network.

    The defaults are what learns most a minute; the paper's own choices stand in brackets, and in the preset deepgmg/gpu.

    Attributes:
        ordering: of the nodes [random, or one that the data suggest].
        edge_order: of the edges of a new node: by age (its oldest neighbour first; candidates before the last one are then
            out, so that a numbered graph is one sequence) or random (candidates are those not chosen yet) [random].
        propagate: messages pass before each decision, or after each change of the graph alone, so that the decisions between
            two changes are read off the same states [decisions].
        hidden_size: H, units of a node's state.
        rounds: T, rounds of messages each time, with weights of their own [2].
        most_nodes: graphs with more are refused.
    """

    ordering: OrderingName = "bfs"
    edge_order: Literal["age", "random"] = "age"
    propagate: Literal["changes", "decisions"] = "changes"
    hidden_size: int = 32
    rounds: int = 1
    most_nodes: int = 128

    def __post_init__(self) -> None:
        at_least(1, "model", self, "hidden_size", "rounds", "most_nodes")
        names = ", ".join(ORDERING_NAMES)
        check(self.ordering in ORDERING_NAMES, f"model.ordering must be one of {names}, got {self.ordering!r}")
