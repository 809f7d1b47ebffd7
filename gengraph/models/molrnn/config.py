"""Section [model] of a MolRNN or a MolMP."""

from dataclasses import dataclass
from typing import Literal

from gengraph.rewards.conditions import check_conditions
from gengraph.schema import at_least, check, within


@dataclass(frozen=True, kw_only=True, slots=True)
class MolRNNConfig:
    """A MolRNN, or without `recurrent` a MolMP.

    Attributes:
        recurrent: whether a recurrent network carries what was decided; without, each decision sees the partial graph alone.
        canonical: share of graphs, in [0, 1], that are encoded along one order, depth first by the numbers that the data give
            the nodes (a SMILES as it is written); the others along a random depth-first order, anew for each epoch.
        orders: k, encoded of each graph in a batch; of more than one the loss is importance-weighted, and no likelihood.
        embedding_size: of a node label.
        layer_sizes: numbers a node after each graph convolution.
        skip_size: numbers a node that all layers together give.
        hops: d, further kinds of edges between nodes 2, ..., d edges apart; 1 for none.
        state_size: of what decisions know of the whole graph.
        state_layers: of the recurrent network.
        policy_size: hidden units of the decisions.
        valences: none (the network learns them), or masked (no atom is given more bonds than it may have).
        most_nodes: graphs with more are refused, since cost grows with the cube of the largest.
        conditions: properties that decisions are told of a graph, names of rewards, or `class` (`gengraph.rewards.conditions`).
        condition_dropout: share of the graphs in training, in (0, 1), of which nothing is told; of the others each condition is
            left out as often, by itself.
    """

    recurrent: bool = True
    canonical: float = 0.8
    orders: int = 1
    embedding_size: int = 16
    layer_sizes: tuple[int, ...] = (32, 64, 64)
    skip_size: int = 64
    hops: int = 3
    state_size: int = 128
    state_layers: int = 1
    policy_size: int = 64
    valences: Literal["none", "masked"] = "none"
    most_nodes: int = 64
    conditions: tuple[str, ...] = ()
    condition_dropout: float = 0.1

    def __post_init__(self) -> None:
        at_least(1, "model", self, "orders", "embedding_size", "skip_size", "hops", "state_size", "state_layers")
        at_least(1, "model", self, "policy_size", "most_nodes")
        sizes = self.layer_sizes
        check(bool(sizes) and min(sizes) >= 1, f"model.layer_sizes must be numbers >= 1, at least one, got {list(sizes)}")
        within("[0, 1]", "model", self, "canonical")
        check_conditions(self.conditions, self.condition_dropout)
