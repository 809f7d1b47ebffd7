"""Section [model] of a model of planar maps."""

from dataclasses import dataclass
from typing import Literal

from gengraph.models.family import Capability
from gengraph.schema import at_least, within

CAPABILITIES: frozenset[Capability] = frozenset({"likelihood", "temperature", "planar"})


@dataclass(frozen=True, kw_only=True, slots=True)
class MapsConfig:
    """A model of planar maps.

    Attributes:
        hidden_size: hidden units of the perceptron that says the letters.
        choice_hidden_size: hidden units of the perceptron that says which node a letter S names.
        dropout: share of hidden units that are left out in training, in [0, 1).
        count: what counts once in training: graphs, or roots, so that a graph counts as often as its outer face has edges.
        calibration: > 0, all logits are divided by it outside training [1]. Training makes log p of the letters large in the
            mean over roots; p of a graph is a sum over its roots, which a somewhat surer network (0.95, say) makes larger.
        not_planar: what is done with training graphs that are not planar: error, drop them, or cut edges (counted) until they
            are.
        size_smoothing: > 0, weight, in training graphs, of a geometric law that gives every size a likelihood.

    Reference:
        1. C. Guo, G. Pleiss, Y. Sun, K. Weinberger. On calibration of modern neural networks. ICML 2017.
    """

    hidden_size: int = 64
    choice_hidden_size: int = 64
    dropout: float = 0.1
    count: Literal["graphs", "roots"] = "graphs"
    calibration: float = 1.0
    not_planar: Literal["error", "drop", "cut"] = "error"
    size_smoothing: float = 0.01

    def __post_init__(self) -> None:
        at_least(1, "model", self, "hidden_size", "choice_hidden_size")
        within("[0, 1)", "model", self, "dropout")
        within("(0, inf)", "model", self, "calibration", "size_smoothing")
