"""What a GraphRNN is and how it is trained: frozen dataclasses <-> TOML.

`load_config("default")` and `load_config("paper")` are the presets in configs/; a path reads a file of the same form. Every
field can be set from the command line: `--set model.hidden_size=64`.
"""

import dataclasses
import math
import tomllib
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import tomli_w

from gengraph.errors import InputError
from gengraph.files import read_text

PRESETS = Path(__file__).parent / "configs"
ORDERINGS = ("bfs", "cm", "dfs", "degree", "k-core", "rcm", "random")
BREADTH_FIRST = ("bfs", "cm")  # the oldest neighbour never moves back: adaptive windows are exact
LEVELLED = (*BREADTH_FIRST, "rcm")  # an edge reaches no further than two neighbouring levels of a search
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
ROOTED = ("bfs", "cm", "dfs")  # every node but the first of a component has an earlier neighbour


def _check(rule: bool, message: str) -> None:
    if not rule:
        raise InputError(message)


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    _check(value in choices, f"{name} must be one of {', '.join(choices)}, got {value!r}")


def _at_least_one(section: str, config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        _check(value is None or value >= 1, f"{section}.{name} must be >= 1, got {value}")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SequenceConfig:
    """How graphs become rows.

    Attributes:
        ordering: node ordering: bfs, cm, dfs, degree, k-core, rcm or random, as `gengraph.graphs.orderings` has them.
        max_prev_node: earlier nodes that a row can connect to; None takes it from the training graphs.
        bandwidth: how it is taken from them: estimate (from random orderings) or bound (no edge is ever cut; bfs, cm, rcm).
        quantile: share of those orderings, in (0, 1], that an estimate covers; 1 takes the furthest reach seen.
        window: adaptive (a row's candidates start at the oldest neighbour of the row before; bfs and cm) or fixed.
        scan: the order of a row's edge decisions, oldest_first or nearest_first.
        components: all, or largest: train on the largest component of each graph only (their number is reported).
    """

    ordering: str = "cm"
    max_prev_node: int | None = None
    bandwidth: str = "estimate"
    quantile: float = 1.0
    window: str = "adaptive"
    scan: str = "oldest_first"
    components: str = "all"

    def __post_init__(self) -> None:
        _one_of("sequence.ordering", self.ordering, ORDERINGS)
        _one_of("sequence.bandwidth", self.bandwidth, ("estimate", "bound"))
        _check(0 < self.quantile <= 1, f"sequence.quantile must lie in (0, 1], got {self.quantile}")
        _one_of("sequence.window", self.window, ("adaptive", "fixed"))
        _one_of("sequence.scan", self.scan, ("oldest_first", "nearest_first"))
        _one_of("sequence.components", self.components, ("all", "largest"))
        _at_least_one("sequence", self, "max_prev_node")
        _check(
            self.window == "fixed" or self.ordering in BREADTH_FIRST,
            f"sequence.window = adaptive would lose edges under ordering {self.ordering}, it is exact for "
            f"{' and '.join(BREADTH_FIRST)}; use --set sequence.window=fixed",
        )
        _check(
            self.bandwidth == "estimate" or self.ordering in LEVELLED,
            f"sequence.bandwidth = bound is known for {', '.join(LEVELLED)}, got ordering {self.ordering}; "
            "use --set sequence.bandwidth=estimate",
        )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """The two levels of GraphRNN.

    Attributes:
        head: rnn (an edge-level GRU: GraphRNN), mlp (independent Bernoullis: GraphRNN-S) or context (decisions that see the
            graph built so far: GraphRNN-C).
        stop: decision (a stop head: before each row the node state chooses continue, new component or stop, and a row that
            continues is never empty), edge_eos (the same choice by the edge level's first step, as Stanford's CS224W
            teaches it; rnn head) or zero_row (an empty row is the end, as published).
        node: the node-level network: gru (as published), lstm, or transformer (causal attention over all rows before).
        hidden_size: units of the node-level network.
        num_layers: its layers.
        num_heads: attention heads of a transformer; they divide hidden_size.
        dropout: share of units, in [0, 1), that training sets to zero: in the embedded rows, between layers and in what a
            transformer's blocks add (Srivastava et al., JMLR 2014). Never in evaluation or sampling.
        layer_norm: normalise the states of each recurrent layer (Ba et al., 2016) before anything but the layer itself
            reads them; a transformer always does.
        embedding_size: units that a row is embedded in; also the hidden units of the mlp head.
        edge_hidden_size: units of the edge-level GRU; half of them are the hidden units of its output.
        edge_num_layers: layers of the edge-level GRU.
        edge_context: where its layers but the first start in each row: zero (as published) or state (the node-level state,
            mapped to every layer).
        node_input: what the node level reads of the row before: adjacency (its bits, as published) or edge_state (the edge
            level's state after its last decision, as CS224W teaches it; trained row by row, many times slower; gru with rnn
            head).
        mixture: the mlp head is a mixture of so many vectors of independent Bernoullis (GRAN: Liao et al., NeurIPS 2019, has
            20); 0 or 1 is one vector, as published.
        context_size: units of the first hidden layer of the context head; the second has half as many.
        context: what the context head sees of a candidate: distance to the newest node and far_end, to the oldest candidate;
            gap to the one chosen last; how many were chosen, and are adjacent to it (chosen_adjacent); its degree;
            last_adjacent, whether it is adjacent to the newest node; common neighbours with the first chosen
            (common_first) and with the newest node (common_last).
    """

    head: str = "rnn"
    stop: str = "decision"
    node: str = "gru"
    hidden_size: int = 128
    num_layers: int = 1
    num_heads: int = 4
    dropout: float = 0.0
    layer_norm: bool = False
    embedding_size: int = 64
    edge_hidden_size: int = 32
    edge_num_layers: int = 2
    edge_context: str = "zero"
    node_input: str = "adjacency"
    mixture: int = 0
    context_size: int = 64
    context: tuple[str, ...] = CONTEXT_FEATURES

    def __post_init__(self) -> None:
        _one_of("model.head", self.head, ("rnn", "mlp", "context"))
        for feature in self.context:
            _one_of("model.context", feature, CONTEXT_FEATURES)
        _one_of("model.stop", self.stop, ("decision", "edge_eos", "zero_row"))
        _one_of("model.edge_context", self.edge_context, ("zero", "state"))
        _one_of("model.node_input", self.node_input, ("adjacency", "edge_state"))
        for name, value in (("stop", "edge_eos"), ("edge_context", "state"), ("node_input", "edge_state")):
            _check(
                getattr(self, name) != value or self.head == "rnn",
                f"model.{name} = {value} needs an edge-level network, got head {self.head}; use --set model.head=rnn",
            )
        _check(
            self.node_input == "adjacency" or self.node == "gru",
            f"model.node_input = edge_state goes row by row and needs node gru, got {self.node}; use --set model.node=gru",
        )
        _one_of("model.node", self.node, ("gru", "lstm", "transformer"))
        sizes = "hidden_size", "num_layers", "num_heads", "embedding_size", "edge_num_layers", "context_size"
        _at_least_one("model", self, *sizes)
        _check(
            self.node != "transformer" or self.hidden_size % self.num_heads == 0,
            f"model.hidden_size must be a multiple of model.num_heads, got {self.hidden_size} and {self.num_heads}; set one",
        )
        _check(
            self.node != "transformer" or not self.layer_norm,
            "model.layer_norm is for gru and lstm, got true with node transformer, which always has it; leave it false",
        )
        _check(0 <= self.dropout < 1, f"model.dropout must lie in [0, 1), got {self.dropout}; 0 is none")
        _check(self.mixture >= 0, f"model.mixture must be >= 0, got {self.mixture}; 0 is no mixture")
        _check(
            self.mixture <= 1 or self.head == "mlp",
            f"model.mixture is of the mlp head, got {self.mixture} with head {self.head}; use --set model.head=mlp",
        )
        _check(self.edge_hidden_size >= 2, f"model.edge_hidden_size must be >= 2, got {self.edge_hidden_size}")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """How the model is trained; either `steps` or `budget` says for how long.

    Attributes:
        batch_size: graphs a step, over all workers together.
        accumulate: parts that a worker's share of a batch is computed in, one after the other: less memory, the same gradient.
        optimizer: adam or adamw.
        learning_rate: of the optimiser, before the schedule.
        beta1: decay of the gradient's average, in [0, 1).
        beta2: decay of the squared gradient's average, in [0, 1).
        weight_decay: of adamw, on matrices; 0 for none.
        schedule: cosine (to zero at the end), milestones (x 0.3 after 13% and 33%, the 2018 schedule) or constant.
        warmup: share of the training, in [0, 1), over which the learning rate rises from zero.
        clip_norm: largest norm of the gradient, 0 for no bound.
        precision: float32, or tf32: on a GPU, gradients from products of matrices whose factors are rounded to 10 bits.
        ema: decay of a moving average of the weights, in [0, 1), which is then evaluated and sampled from; 0 for none.
        steps: optimiser steps; None trains by budget.
        budget: seconds of training by the clock.
        clock: what counts the budget and drives the schedule: wall, or cpu (of all threads of the process, of rank 0 if there
            are several), which other programs on the machine do not use up.
        evaluations: how often the validation loss is measured, evenly over the training.
        mmd_every: every so many evaluations as many graphs as the validation part has are sampled, and their squared MMD
            (protocol emd: degree, clustering, orbit) to it is measured; 0 for never.
        select: what makes a checkpoint the best one: nll (on the validation part) or mmd (the mean of the three).
        patience: evaluations in a row that may bring nothing better before training stops early; 0 never stops early.
        checkpoint_every: seconds of wall time between checkpoints; there is always one at the end and at the best evaluation.
        seed: of the weights, the batches and the orderings.
    """

    batch_size: int = 4
    accumulate: int = 1
    optimizer: str = "adam"
    learning_rate: float = 0.006
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.0
    clip_norm: float = 1.0
    precision: str = "float32"
    ema: float = 0.0
    steps: int | None = None
    budget: float = 600.0
    clock: str = "wall"
    evaluations: int = 10
    mmd_every: int = 0
    select: str = "nll"
    patience: int = 0
    checkpoint_every: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("training.schedule", self.schedule, ("cosine", "milestones", "constant"))
        _one_of("training.optimizer", self.optimizer, ("adam", "adamw"))
        _one_of("training.clock", self.clock, ("wall", "cpu"))
        _one_of("training.select", self.select, ("nll", "mmd"))
        _one_of("training.precision", self.precision, ("float32", "tf32"))
        _at_least_one("training", self, "batch_size", "accumulate", "steps", "evaluations")
        for name in ("learning_rate", "clip_norm", "budget", "checkpoint_every", "weight_decay"):
            _check(math.isfinite(getattr(self, name)), f"training.{name} must be a finite number, got {getattr(self, name)}")
        for name in ("beta1", "beta2", "warmup", "ema"):
            _check(0 <= getattr(self, name) < 1, f"training.{name} must lie in [0, 1), got {getattr(self, name)}")
        for name in ("clip_norm", "weight_decay", "mmd_every", "patience"):
            _check(getattr(self, name) >= 0, f"training.{name} must be >= 0, got {getattr(self, name)}")
        _check(self.learning_rate > 0, f"training.learning_rate must be > 0, got {self.learning_rate}")
        _check(self.budget > 0, f"training.budget must be > 0 seconds, got {self.budget}")
        _check(self.checkpoint_every > 0, f"training.checkpoint_every must be > 0 seconds, got {self.checkpoint_every}")
        _check(0 <= self.seed < 2**63, f"training.seed must be in 0..2^63-1, got {self.seed}")
        _check(
            self.optimizer == "adamw" or not self.weight_decay,
            f"training.weight_decay is for adamw, got {self.weight_decay}; use --set training.optimizer=adamw",
        )
        _check(
            self.select == "nll" or self.mmd_every >= 1,
            "training.select = mmd needs evaluations that measure it; use --set training.mmd_every=1",
        )
        _check(
            self.mmd_every <= self.evaluations,
            f"training.mmd_every must be <= training.evaluations, or none of these measures the MMD, got {self.mmd_every} and "
            f"{self.evaluations}; use --set training.mmd_every={self.evaluations}",
        )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """Everything that defines a training run besides its data.

    Attributes:
        sequence: how graphs become rows.
        model: the two levels of GraphRNN.
        training: how the model is trained.
    """

    sequence: SequenceConfig = SequenceConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()

    def __post_init__(self) -> None:
        _check(
            self.model.stop != "zero_row" or self.sequence.ordering in ROOTED,
            f"model.stop = zero_row takes an empty row for the end, and ordering {self.sequence.ordering} has empty rows "
            f"within a graph; use --set model.stop=decision or one of {', '.join(ROOTED)}",
        )
        _check(
            self.model.head != "context" or (self.model.stop == "decision" and self.sequence.scan == "oldest_first"),
            f"model.head = context needs model.stop = decision and sequence.scan = oldest_first, got {self.model.stop} and "
            f"{self.sequence.scan}; set both",
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from nested dicts; what is left out takes its default.

        Raises:
            InputError: an unknown section or field, a value of the wrong type or out of range.
        """
        config: Self = _build(cls, values, "")
        return config

    def to_dict(self) -> dict[str, Any]:
        """Nested dicts; fields that are None are left out, as TOML has no null."""
        sections = dataclasses.asdict(self)
        return {
            name: {k: list(v) if isinstance(v, tuple) else v for k, v in section.items() if v is not None}
            for name, section in sections.items()
        }

    def to_toml(self) -> str:
        """The form that `load_config` reads."""
        return tomli_w.dumps(self.to_dict())

    def replace(self, assignments: Iterable[str]) -> Self:
        """A copy with fields set, each assignment of the form `model.hidden_size=64`.

        Raises:
            InputError: not of that form, an unknown field, or a value that its field does not take.
        """
        values = self.to_dict()
        for assignment in assignments:
            path, equals, text = assignment.partition("=")
            section, dot, name = path.strip().partition(".")
            _check(bool(equals and dot), f"a setting has the form section.field=value, got {assignment!r}")
            values.setdefault(section, {})[name] = _parse(text.strip())
        return type(self).from_dict(values)


def presets() -> list[str]:
    """The names of the presets, `default` and `graphrnn-c/grid` say."""
    return sorted(file.relative_to(PRESETS).with_suffix("").as_posix() for file in PRESETS.rglob("*.toml"))


def load_config(name_or_path: str | Path) -> Config:
    """Read a preset by its name, or a TOML file.

    Raises:
        InputError: neither exists, or the file is not TOML of the form that Config has.
    """
    preset = PRESETS / f"{name_or_path}.toml"
    path = preset if preset.is_file() else Path(name_or_path)
    if not path.is_file():
        msg = f"no config {str(name_or_path)!r}: neither a preset ({', '.join(presets())}) nor a file"
        raise InputError(msg)
    try:
        return Config.from_dict(tomllib.loads(read_text(path)))
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not TOML: {error}"
        raise InputError(msg) from error


def preset_for(model: str, dataset: str) -> str:
    """The name of the preset that a model is trained with on a data set: MODEL/DATASET, else MODEL, else default."""
    names = (f"{model}/{dataset.partition(':')[0]}", model)
    return next((name for name in names if (PRESETS / f"{name}.toml").is_file()), "default")


def _parse(text: str) -> Any:
    """A value as TOML spells it; a bare word is a string, none is None."""
    if text.lower() == "none":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _build(cls: type[Any], values: Any, path: str) -> Any:
    """An instance of a dataclass from a dict, every value checked against its field's type."""
    _check(isinstance(values, dict), f"{path.rstrip('.') or 'the config'} must be a table of fields, got {values!r}")
    hints = typing.get_type_hints(cls)
    unknown = [name for name in values if name not in hints]
    _check(not unknown, f"unknown field {path}{', '.join(unknown)}; known are {', '.join(path + name for name in hints)}")
    built = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints[name]):
            built[name] = _build(typing.cast("type[Any]", hints[name]), value, f"{path}{name}.")
        else:
            built[name] = _convert(hints[name], value, path + name)
    return cls(**built)


def _convert(hint: Any, value: Any, path: str) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if type(value) in kinds or (value is None and types.NoneType in kinds):
        return value
    if float in kinds and type(value) is int:
        return float(value)
    if typing.get_origin(hint) is tuple and isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return tuple(value)
    if typing.get_origin(hint) is tuple:
        msg = f"{path} must be a list of names, got {value!r}"
        raise InputError(msg)
    names = " or ".join("none" if kind is types.NoneType else kind.__name__ for kind in kinds)
    msg = f"{path} must be {names}, got {value!r}"
    raise InputError(msg)
