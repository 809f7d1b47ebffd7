"""The section [model] of a GraphRNN: how graphs become rows, the node level, and one of three heads.

[model.head] is a tagged union: its `kind` says which head it is, and only that head's fields are known.
"""

import copy
from dataclasses import dataclass
from typing import Any, Literal

from gengraph.graphs.order_names import BREADTH_FIRST, LEVELLED, ROOTED, OrderingName
from gengraph.models.family import Capability
from gengraph.rewards.conditions import check_conditions
from gengraph.schema import at_least, check, within

CONTEXT_FEATURES = (
    "distance",
    "far_end",
    "gap",
    "chosen",
    "chosen_adjacent",
    "degree",
    "last_adjacent",
    "common_first",
    "common_last",
)
MODEL_NAMES = {"rnn": "graphrnn", "mlp": "graphrnn-s", "context": "graphrnn-c"}
_HEADS = 4  # attention heads of a transformer, where the config does not say


@dataclass(frozen=True, kw_only=True, slots=True)
class SequenceConfig:
    """How graphs become rows.

    Attributes:
        ordering: node ordering, as `gengraph.graphs.orderings` has them.
        max_prev_node: earlier nodes that a row can connect to; None takes it from the training graphs.
        bandwidth: how it is taken from them: estimate (from random orderings) or bound (no edge is ever cut; bfs, cm, rcm).
        quantile: share of those orderings, in (0, 1], that an estimate covers; 1 takes the furthest reach seen.
        window: adaptive (a row's candidates start at the oldest neighbour of the row before; bfs and cm) or fixed.
        scan: the order of a row's edge decisions.
        components: all, or largest: train on the largest component of each graph only (their number is reported).
    """

    ordering: OrderingName = "cm"
    max_prev_node: int | None = None
    bandwidth: Literal["estimate", "bound"] = "estimate"
    quantile: float = 1.0
    window: Literal["adaptive", "fixed"] = "adaptive"
    scan: Literal["oldest_first", "nearest_first"] = "oldest_first"
    components: Literal["all", "largest"] = "all"

    def __post_init__(self) -> None:
        within("(0, 1]", "model.sequence", self, "quantile")
        at_least(1, "model.sequence", self, "max_prev_node")
        check(
            self.window == "fixed" or self.ordering in BREADTH_FIRST,
            f"model.sequence.window = adaptive would lose edges under ordering {self.ordering}, it is exact for "
            f"{' and '.join(BREADTH_FIRST)}; set model.sequence.window = fixed",
        )
        check(
            self.bandwidth == "estimate" or self.ordering in LEVELLED,
            f"model.sequence.bandwidth = bound is known for {', '.join(LEVELLED)}, got ordering {self.ordering}; "
            "set model.sequence.bandwidth = estimate",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RNNHead:
    """GraphRNN: an edge-level GRU scans a row's candidates.

    Attributes:
        kind: rnn.
        hidden_size: units of the GRU; half of them are the hidden units of its output.
        num_layers: its layers.
        start: where its layers but the first start in each row: zero (as published) or state (the node-level state, mapped to
            every layer).
        node_input: what the node level reads of the row before: adjacency (its bits, as published) or edge_state (the edge
            level's state after its last decision, as Stanford's CS224W teaches it; trained row by row, many times slower).
    """

    kind: Literal["rnn"] = "rnn"
    hidden_size: int = 32
    num_layers: int = 2
    start: Literal["zero", "state"] = "zero"
    node_input: Literal["adjacency", "edge_state"] = "adjacency"

    def __post_init__(self) -> None:
        at_least(2, "model.head", self, "hidden_size")
        at_least(1, "model.head", self, "num_layers")


@dataclass(frozen=True, kw_only=True, slots=True)
class MLPHead:
    """GraphRNN-S: all edges of a row at once, independent given the node-level state.

    Attributes:
        kind: mlp.
        hidden_size: units of the hidden layer.
        mixture: so many vectors of independent Bernoullis, of which each row takes one (GRAN: Liao et al., NeurIPS 2019, has
            20); 0 or 1 is one vector, as published.
    """

    kind: Literal["mlp"] = "mlp"
    hidden_size: int = 64
    mixture: int = 0

    def __post_init__(self) -> None:
        at_least(1, "model.head", self, "hidden_size")
        check(self.mixture >= 0, f"model.head.mixture must be >= 0, got {self.mixture}; 0 is no mixture")


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextHead:
    """GraphRNN-C: every edge decision sees the graph built so far.

    Attributes:
        kind: context.
        hidden_size: units of the first hidden layer; the second has half as many.
        features: what is seen of a candidate: distance to the newest node and far_end, to the oldest candidate; gap to the one
            chosen last; how many were chosen, and are adjacent to it (chosen_adjacent); its degree; last_adjacent, whether it
            is adjacent to the newest node; common neighbours with the first chosen (common_first) and with the newest node
            (common_last).
    """

    kind: Literal["context"] = "context"
    hidden_size: int = 64
    features: tuple[str, ...] = CONTEXT_FEATURES

    def __post_init__(self) -> None:
        at_least(1, "model.head", self, "hidden_size")
        for feature in self.features:
            known = ", ".join(CONTEXT_FEATURES)
            check(feature in CONTEXT_FEATURES, f"model.head.features must be among {known}, got {feature!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphRNNConfig:
    """The two levels of GraphRNN.

    Attributes:
        sequence: how graphs become rows.
        stop: decision (a stop head: before each row the node state chooses continue, new component or stop, and a row that
            continues is never empty), size (the number of nodes is drawn first, from the smoothed training sizes, and the node
            level is told how many are still to come; the rest is as for decision), edge_eos (the choice is the edge level's
            first step, as Stanford's CS224W teaches it; head rnn) or zero_row (an empty row is the end, as published).
        totals: draw, with the size, how many edges, triangles and paths of two edges a graph is to have, and tell the node
            level how many are to come (`gengraph.models.graphrnn.totals`): for graphs that differ as wholes. Needs stop = size.
        node: the node-level network: gru (as published), lstm, or transformer (causal attention over all rows before).
        hidden_size: units of the node-level network.
        num_layers: its layers.
        num_heads: attention heads of a transformer, which divide hidden_size; None takes 4. Not for gru and lstm.
        dropout: share of units, in [0, 1), that training sets to zero: in the embedded rows, between layers and in what a
            transformer's blocks add (Srivastava et al., JMLR 2014). Never in evaluation or sampling.
        layer_norm: normalise the states of each recurrent layer (Ba et al., 2016) before anything but the layer itself
            reads them; a transformer always does.
        embedding_size: units that a row is embedded in.
        head: the edge level.
        conditions: properties that the node level is told of a graph with every row, names of rewards, or `class`
            (`gengraph.rewards.conditions`).
        condition_dropout: share of the graphs in training, in (0, 1), of which nothing is told; of the others each condition is
            left out as often, by itself.
    """

    sequence: SequenceConfig = SequenceConfig()
    stop: Literal["decision", "size", "edge_eos", "zero_row"] = "decision"
    totals: bool = False
    node: Literal["gru", "lstm", "transformer"] = "gru"
    hidden_size: int = 128
    num_layers: int = 1
    num_heads: int | None = None
    dropout: float = 0.0
    layer_norm: bool = False
    embedding_size: int = 64
    head: RNNHead | MLPHead | ContextHead = RNNHead()
    conditions: tuple[str, ...] = ()
    condition_dropout: float = 0.1

    def __post_init__(self) -> None:
        at_least(1, "model", self, "hidden_size", "num_layers", "num_heads", "embedding_size")
        within("[0, 1)", "model", self, "dropout")
        check_conditions(self.conditions, self.condition_dropout)
        _check_node(self)
        _check_end(self)

    @property
    def model_name(self) -> str:
        """graphrnn, graphrnn-s or graphrnn-c."""
        return MODEL_NAMES[self.head.kind]

    @property
    def attention_heads(self) -> int:
        """Of a transformer."""
        return self.num_heads or _HEADS

    @property
    def feeds_edge_state(self) -> bool:
        """Whether the node level reads the edge level's last state."""
        return isinstance(self.head, RNNHead) and self.head.node_input == "edge_state"


def capabilities(config: GraphRNNConfig) -> frozenset[Capability]:
    """What models of a config can do."""
    able: set[Capability] = {"likelihood", "gpu", "policy"}
    if config.stop != "size":  # there a graph knows its end from the start, and its size no conditions
        able |= {"overrun", "conditions"}
    if config.stop != "zero_row":  # there the edges decide where a graph ends
        able.add("temperature")
    if config.head.kind == "context":
        able.add("planar")
    return frozenset(able)


def _check_node(config: GraphRNNConfig) -> None:
    transformer = config.node == "transformer"
    check(
        transformer or config.num_heads is None,
        f"model.num_heads is for node transformer, got {config.num_heads} with node {config.node}; leave it out",
    )
    check(
        not transformer or config.hidden_size % config.attention_heads == 0,
        f"model.hidden_size must be a multiple of model.num_heads, got {config.hidden_size} and {config.attention_heads}; "
        "change one",
    )
    check(
        not (transformer and config.layer_norm),
        "model.layer_norm is for gru and lstm, got true with node transformer, which always has it; leave it false",
    )
    check(
        not config.feeds_edge_state or config.node == "gru",
        f"model.head.node_input = edge_state goes row by row and needs node gru, got {config.node}; set model.node = gru",
    )


def _check_end(config: GraphRNNConfig) -> None:
    check(
        config.stop != "edge_eos" or config.head.kind == "rnn",
        f"model.stop = edge_eos needs an edge-level network, got head {config.head.kind}; set model.head.kind = rnn",
    )
    check(
        config.stop != "zero_row" or config.sequence.ordering in ROOTED,
        f"model.stop = zero_row takes an empty row for the end, and ordering {config.sequence.ordering} has empty rows "
        f"within a graph; set model.stop = decision or one of {', '.join(ROOTED)}",
    )
    check(
        config.head.kind != "context" or (config.stop in ("decision", "size") and config.sequence.scan == "oldest_first"),
        "model.head.kind = context needs model.stop = decision or size and model.sequence.scan = oldest_first, got "
        f"{config.stop} and {config.sequence.scan}; set both",
    )
    check(
        config.stop != "size" or not config.feeds_edge_state,
        "model.stop = size tells the node level more than the edge level's state, which is all that it reads with "
        "model.head.node_input = edge_state; set model.stop = decision",
    )
    check(
        config.stop == "size" or not config.totals,
        f"model.totals are drawn with the size, got model.stop = {config.stop}; set model.stop = size",
    )
    check(
        config.stop != "size" or not config.conditions,
        f"model.conditions are not told to a size that is drawn first, got {', '.join(config.conditions)} with model.stop = "
        "size; set model.stop = decision",
    )


def upgrade_0_1(tables: dict[str, Any]) -> dict[str, Any]:
    """The tables of a config of gengraph 0.1.0, which had [sequence] beside a [model] with the fields of all heads."""
    old = copy.deepcopy(tables)
    model, training = old.pop("model", {}), old.pop("training", {})
    if not isinstance(model, dict) or not isinstance(training, dict):
        return tables  # which is refused as it is
    if training.get("select") == "nll":
        training["select"] = "loss"
    if isinstance(model.get("head"), dict):
        return {**old, "model": model, "training": training}
    kind = model.pop("head", "rnn")
    names = {
        "rnn": {"hidden_size": "edge_hidden_size", "num_layers": "edge_num_layers", "start": "edge_context"},
        "mlp": {"hidden_size": "embedding_size", "mixture": "mixture"},
        "context": {"hidden_size": "context_size", "features": "context"},
    }
    names["rnn"]["node_input"] = "node_input"
    if not isinstance(kind, str) or kind not in names:
        return {**old, "model": {**model, "head": {"kind": kind}}, "training": training}
    head = {new: model[name] for new, name in names[kind].items() if name in model}
    of_heads = {name for fields in names.values() for name in fields.values()} - {"embedding_size"}
    rest = {name: value for name, value in model.items() if name not in of_heads}
    if rest.get("node", "gru") != "transformer":
        rest.pop("num_heads", None)
    return {
        **{name: value for name, value in old.items() if name != "sequence"},
        "model": {**rest, "head": {"kind": kind, **head}} | ({"sequence": old["sequence"]} if "sequence" in old else {}),
        "training": training,
    }
