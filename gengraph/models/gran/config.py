"""Section [model] of a GRAN."""

from dataclasses import dataclass
from typing import Literal

from gengraph.graphs.order_names import BREADTH_FIRST, ORDERING_NAMES
from gengraph.models.family import Capability
from gengraph.rewards.conditions import check_conditions
from gengraph.schema import at_least, check, within


@dataclass(frozen=True, kw_only=True, slots=True)
class GRANConfig:
    """A GRAN: how graphs become steps, the graph network, the law of a step.

    The defaults are what learns most a minute; the paper's own choices stand in brackets, and in the preset gran/gpu.

    Attributes:
        orderings: node orderings of the family, names of bfs, cm, dfs, degree, k-core, rcm, random [dfs].
        family: what several orderings are: average (each graph is seen under one of them, drawn anew for each epoch) or sum
            (the likelihood of a graph is summed over one sequence of each; needs all prefixes) [sum].
        block_size: B, nodes that the network adds at a time [1].
        stride: S <= B, nodes of a block that are kept; the rest of it is drawn anew with the next block [1].
        window: what a new node may connect to: all earlier nodes, or adaptive (from the oldest neighbour of the node before
            the block on; exact for bfs and cm) [all].
        max_prev_node: the window's last so many nodes only; edges that reach further are cut, and counted. None is no bound.
        messages: where messages pass: in the window (with the nodes of the halo) or in all of the graph so far [graph].
        halo: nodes before the window that messages in the window pass through too.
        row_input: how a node's row enters the network: absolute (the numbers of its neighbours) or relative (how far back
            they are) [absolute].
        positions: whether nodes see how far they are from the block and from the window's start [false].
        counts: whether new nodes see how many nodes there are or, under termination = size, how many are still to come [false].
        row_length: entries of a row that the network reads; None takes the longest reach seen in training graphs.
        hidden_size: H, units of a node's state [128, 512 on proteins].
        num_layers: layers of the graph network [7].
        rounds: times that each layer is applied [1].
        attention: whether sigmoid gates weigh the messages [true].
        num_mixtures: K, vectors of Bernoullis that a step mixes [20].
        alpha_pool: how the weights of the mixture pool the pairs of a step, mean or sum [mean in the public code].
        empty_rows: whether a node without earlier neighbours is what the mixture makes of it (mixture), or a decision of its
            own, all other rows being conditioned on an edge (decision) [mixture].
        oldest: the law of a node's oldest neighbour: what the mixture makes of it (mixture), or a softmax over the candidates,
            the mixture being that of the candidates after it (softmax; needs empty_rows = decision; keeps an adaptive window as
            wide as it should be) [mixture].
        termination: what ends a graph: its size, drawn first (size), or a decision before each step (stop) [size].
        size_smoothing: > 0, weight, in training graphs, of a geometric law that gives every size a likelihood.
        prefixes: steps drawn from each graph in training, an unbiased estimate of its loss; 0 for all [0].
        conditions: what every layer is told of a graph, names of rewards or `class` (`gengraph.rewards.conditions`) [none].
        condition_dropout: share of the graphs in training, in (0, 1), of which nothing is told; of the others each condition is
            left out as often, by itself.
    """

    orderings: tuple[str, ...] = ("cm",)
    family: Literal["average", "sum"] = "average"
    block_size: int = 1
    stride: int = 1
    window: Literal["all", "adaptive"] = "adaptive"
    max_prev_node: int | None = None
    messages: Literal["window", "graph"] = "window"
    halo: int = 0
    row_input: Literal["absolute", "relative"] = "relative"
    positions: bool = True
    counts: bool = True
    row_length: int | None = None
    hidden_size: int = 48
    num_layers: int = 3
    rounds: int = 1
    attention: bool = True
    num_mixtures: int = 20
    alpha_pool: Literal["mean", "sum"] = "mean"
    empty_rows: Literal["mixture", "decision"] = "decision"
    oldest: Literal["mixture", "softmax"] = "mixture"
    termination: Literal["size", "stop"] = "stop"
    size_smoothing: float = 0.01
    prefixes: int = 16
    conditions: tuple[str, ...] = ()
    condition_dropout: float = 0.1

    def __post_init__(self) -> None:
        self._check_orderings()
        sizes = "block_size", "stride", "hidden_size", "num_layers", "rounds", "num_mixtures", "max_prev_node", "row_length"
        at_least(1, "model", self, *sizes)
        at_least(0, "model", self, "halo", "prefixes")
        check_conditions(self.conditions, self.condition_dropout)
        check(
            self.termination == "stop" or not self.conditions,
            f"model.conditions are not told to a size that is drawn first, got {', '.join(self.conditions)} with "
            "model.termination = size; set model.termination = stop",
        )
        check(
            self.stride <= self.block_size,
            f"model.stride must be <= model.block_size, got {self.stride} and {self.block_size}; larger steps leave nodes out",
        )
        check(
            self.oldest == "mixture" or self.empty_rows == "decision",
            f"model.oldest = softmax draws no empty rows, got model.empty_rows = {self.empty_rows}; set that to decision, or "
            "model.oldest to mixture",
        )
        within("(0, inf)", "model", self, "size_smoothing")

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What models of this config can do; a size that is drawn first knows no conditions."""
        sized: frozenset[Capability] = frozenset({"likelihood", "temperature", "gpu"})
        return sized | {"conditions"} if self.termination == "stop" else sized

    def _check_orderings(self) -> None:
        check(bool(self.orderings), "model.orderings must name one ordering at least, got none; cm suits most graphs")
        for name in self.orderings:
            check(name in ORDERING_NAMES, f"model.orderings must be of {', '.join(ORDERING_NAMES)}, got {name!r}")
        check(
            self.window == "all" or all(name in BREADTH_FIRST for name in self.orderings),
            f"model.window = adaptive would lose edges under {', '.join(self.orderings)}, it is exact for "
            f"{' and '.join(BREADTH_FIRST)}; set model.window to all",
        )
        check(
            self.family == "average" or not self.prefixes,
            f"model.family = sum needs whole sequences, got model.prefixes = {self.prefixes}; set it to 0",
        )
