"""Section [model] of a model of trees."""

from dataclasses import dataclass
from typing import Literal

from gengraph.models.family import Capability
from gengraph.schema import at_least, within

CAPABILITIES: frozenset[Capability] = frozenset({"likelihood", "temperature"})


@dataclass(frozen=True, kw_only=True, slots=True)
class TreesConfig:
    """A model of trees and forests.

    Attributes:
        hidden_size: F, units of the first hidden layer of both perceptrons; the second has half as many.
        dropout: share of the first layer's units that are left out in training, in [0, 1).
        cycles: what is done with training graphs that have cycles: error, drop them, or cut an edge of each cycle (counted).
        size_smoothing: > 0, weight, in training graphs, of a geometric law that gives every size a likelihood.
    """

    hidden_size: int = 64
    dropout: float = 0.0
    cycles: Literal["error", "drop", "cut"] = "error"
    size_smoothing: float = 0.01

    def __post_init__(self) -> None:
        at_least(2, "model", self, "hidden_size")
        within("[0, 1)", "model", self, "dropout")
        within("(0, inf)", "model", self, "size_smoothing")
