"""Section [model] of a blocks model."""

from dataclasses import dataclass
from typing import Literal

from gengraph.models.family import Capability
from gengraph.schema import at_least, within

CAPABILITIES: frozenset[Capability] = frozenset({"likelihood", "temperature"})


@dataclass(frozen=True, kw_only=True, slots=True)
class BlocksConfig:
    """A blocks model: how graphs are cut and ordered, and the size of the perceptrons that decide.

    Attributes:
        resolution: of the communities, >= 0: larger ones for smaller numbers, 0 for whole components. None takes the one at
            which communities that are found with different seeds agree most.
        order: the next node of a block: random (uniform among those adjacent to the block so far) or bfs (the one that was
            reached first).
        events: what is seen when a block, a component or the graph may end: structure, or the sizes of blocks alone, which are
            then not learnt by heart so soon.
        links: when edges to earlier blocks are decided: joining (as each node joins) or finished (when its block is finished,
            and all know what they lack within it).
        totals: draw, before anything else, how many nodes and edges a graph is to have, and tell each decision how many are to
            come.
        hidden_size: F, units of the first hidden layer; the second has half as many.
        dropout: share of the first layer's units that are set to zero in training, in [0, 1).
    """

    resolution: float | None = None
    order: Literal["random", "bfs"] = "random"
    events: Literal["sizes", "structure"] = "structure"
    links: Literal["joining", "finished"] = "joining"
    totals: bool = False
    hidden_size: int = 64
    dropout: float = 0.0

    def __post_init__(self) -> None:
        at_least(2, "model", self, "hidden_size")
        within("[0, inf)", "model", self, "resolution")
        within("[0, 1)", "model", self, "dropout")
