"""What a sweep draws from: values and ranges of config fields, and the rule that makes every drawn point valid.

A space file is TOML with the sections of a config, and `[sampling]` for the temperature:

    [training]
    learning_rate = { low = 1e-3, high = 1e-2, log = true }   # a range, here uniform in the logarithm
    batch_size = [4, 8, 16]                                     # choices, each as likely
    [model]
    hidden_size = { low = 64, high = 256 }                      # both bounds whole: whole numbers, bounds included
    [sequence]
    ordering = ["cm", "bfs", "dfs"]
    [sampling]
    temperature = { low = 0.7, high = 1.0 }
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengraph.config import BREADTH_FIRST, LEVELLED, ROOTED, Config
from gengraph.errors import InputError
from gengraph.files import read_text
from gengraph.streams import Stream

LEARNING_RATE, TEMPERATURE = "training.learning_rate", "sampling.temperature"
_LENGTH = ("training.steps", "training.budget", "training.clock", "training.evaluations", "training.seed")
_FORM = "write a list of choices, or { low = 1e-3, high = 1e-2, log = true }"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values, each as likely."""

    values: tuple[Any, ...]

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Values that are valid if all are."""
        return self.values

    def at(self, uniform: float) -> Any:
        """The value that a number in [0, 1) stands for."""
        return self.values[int(uniform * len(self.values))]


@dataclass(frozen=True, slots=True)
class Range:
    """A number between two bounds, uniform or with a uniform logarithm; with whole bounds a whole number, both included."""

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether it gives whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Values that are valid if all are."""
        return self.low, self.high

    def at(self, uniform: float) -> Any:
        """The value that a number in [0, 1) stands for; fractions have four digits."""
        low, high = self.low, self.high + self.whole
        value = low * (high / low) ** uniform if self.log else low + uniform * (high - low)
        return min(int(value), int(self.high)) if self.whole else min(max(float(f"{value:.4g}"), self.low), self.high)


Space = Mapping[str, Choice | Range]
"""By field, `model.hidden_size` say; `sampling.temperature` besides the fields of a config."""

Point = Mapping[str, Any]
"""A value for every field of a space."""

_DEFAULT: Space = {
    LEARNING_RATE: Range(1e-3, 1e-2, log=True),
    "training.batch_size": Choice((2, 4, 8, 16)),
    "model.hidden_size": Choice((64, 128, 256)),
    "model.num_layers": Choice((1, 2)),
    "model.edge_hidden_size": Choice((16, 32)),
    "model.edge_num_layers": Choice((1, 2, 4)),
    "sequence.ordering": Choice(("cm", "bfs", "dfs")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What one trial does.

    Attributes:
        config: of its training.
        temperature: of its samples, where it draws any.
    """

    config: Config
    temperature: float = 1.0

    def values(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """The values that fields have here; where a point was repaired they differ from it."""
        sections = {**self.config.to_dict(), "sampling": {"temperature": self.temperature}}
        return {name: sections[name.split(".")[0]].get(name.split(".")[1]) for name in names}


def default_space(*, samples: bool) -> Space:
    """Learning rate, batch size, sizes, layers and ordering; the temperature where trials are judged by samples."""
    return {**_DEFAULT, TEMPERATURE: Range(0.7, 1.0)} if samples else _DEFAULT


def load_space(path: Path) -> dict[str, Any]:
    """The tables of a space file, for `parse_space`.

    Raises:
        InputError: no such file, or it is not TOML.
    """
    if not path.is_file():
        msg = f"no space file {path}; leave --space out for the default space"
        raise InputError(msg)
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not TOML: {error}"
        raise InputError(msg) from error


def parse_space(tables: Mapping[str, Any], base: Config, *, samples: bool) -> Space:
    """A space from its tables, every value tried on the base config.

    Args:
        tables: sections of fields, as in a space file.
        base: what points are applied to.
        samples: whether trials draw samples, without which a temperature means nothing.

    Raises:
        InputError: not of the form above, an unknown field, or a value that a config does not take.
    """
    space: dict[str, Choice | Range] = {}
    for section, fields in tables.items():
        if not isinstance(fields, dict):
            msg = f"a space has sections of fields, [training] say; got {section} = {fields!r}"
            raise InputError(msg)
        space |= {f"{section}.{name}": _part(f"{section}.{name}", value) for name, value in fields.items()}
    if not space:
        msg = f"a space needs at least one field, got none; {_FORM}"
        raise InputError(msg)
    if TEMPERATURE in space and not samples:
        msg = f"{TEMPERATURE} shapes samples, and --metric nll draws none; use --metric mmd or leave it out"
        raise InputError(msg)
    for name, part in space.items():
        if name in _LENGTH:
            msg = f"{name} is the same for all trials; leave it out and use --steps, --trial-budget or --seed"
            raise InputError(msg)
        for value in part.extremes:
            _try(base, name, value)
    return space


def space_tables(space: Space) -> dict[str, dict[str, Any]]:
    """The tables that `parse_space` reads, JSON-ready."""
    tables: dict[str, dict[str, Any]] = {}
    for name, part in space.items():
        section, field = name.split(".")
        ranges = {"low": part.low, "high": part.high, "log": part.log} if isinstance(part, Range) else None
        tables.setdefault(section, {})[field] = ranges or list(part.extremes)
    return tables


def draw_point(space: Space, seed: int, trial: int) -> dict[str, Any]:
    """The point of one trial of a random search, from (seed, trial) alone."""
    uniforms = Stream(seed, trial).uniforms(len(space))
    return {name: part.at(float(uniform)) for (name, part), uniform in zip(space.items(), uniforms, strict=True)}


def apply_point(base: Config, point: Point, *, least_batch: int = 1) -> Setting:
    """The setting of a point, made valid.

    Ordering, head, node level and optimiser win, what does not go with them gives way:

    - under an ordering that is not breadth-first the window is fixed, where levels mean nothing the bandwidth is estimated, and
      where rows may be empty stop = zero_row becomes decision;
    - the head context has its stop rule and scan; edge_eos, edge_context and edge_state are of the head rnn, a mixture of mlp;
    - edge_state is of gru, a transformer has no layer_norm of its own, and hidden_size is raised to a multiple of its heads;
    - under stop = zero_row the temperature is 1, under adam the weight decay 0;
    - a batch has a graph for each worker.

    Args:
        base: what the point is applied to.
        point: values by field.
        least_batch: workers of a trial.

    Raises:
        InputError: an unknown field, or a value that a config does not take.
    """
    tables = base.to_dict()
    for name, value in point.items():
        if name != TEMPERATURE:
            section, _, field = name.partition(".")
            tables.setdefault(section, {})[field] = value
    sequence, model, training = tables["sequence"], tables["model"], tables["training"]
    _fit_sequence(sequence, model)
    _fit_model(sequence, model)
    if training["optimizer"] == "adam":
        training["weight_decay"] = 0.0
    if _is_count(training["batch_size"]):
        training["batch_size"] = max(training["batch_size"], least_batch)
    temperature = 1.0 if model["stop"] == "zero_row" else point.get(TEMPERATURE, 1.0)
    return Setting(config=Config.from_dict(tables), temperature=float(temperature))


def _fit_sequence(sequence: dict[str, Any], model: dict[str, Any]) -> None:
    """Change what does not go with the ordering."""
    if sequence["ordering"] not in BREADTH_FIRST:
        sequence["window"] = "fixed"
    if sequence["ordering"] not in LEVELLED:
        sequence["bandwidth"] = "estimate"
    if sequence["ordering"] not in ROOTED and model["stop"] == "zero_row":
        model["stop"] = "decision"


def _fit_model(sequence: dict[str, Any], model: dict[str, Any]) -> None:
    """Change what does not go with the head and the node level."""
    if model["head"] == "context":
        model["stop"], sequence["scan"] = "decision", "oldest_first"
    if model["head"] != "rnn":
        model["stop"] = "decision" if model["stop"] == "edge_eos" else model["stop"]
        model["edge_context"] = "zero"
    if model["head"] != "rnn" or model["node"] != "gru":
        model["node_input"] = "adjacency"
    if model["head"] != "mlp":
        model["mixture"] = 0
    if model["node"] == "transformer":
        model["layer_norm"] = False
        if _is_count(model["hidden_size"]) and _is_count(model["num_heads"]):
            model["hidden_size"] += -model["hidden_size"] % model["num_heads"]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_number(value: Any) -> bool:
    """Whether a value of a setting is a finite number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _part(name: str, value: Any) -> Choice | Range:
    """A field of a space file."""
    if isinstance(value, list) and value:
        if len(value) == len(set(map(repr, value))):
            return Choice(tuple(value))
        msg = f"{name}: choices must differ, got {value}"
        raise InputError(msg)
    if not isinstance(value, dict) or not {"low", "high"} <= set(value) <= {"low", "high", "log"}:
        msg = f"{name}: got {value!r}; {_FORM}"
        raise InputError(msg)
    low, high, log = value["low"], value["high"], value.get("log", False)
    if not (is_number(low) and is_number(high)) or not isinstance(log, bool) or not low < high or (log and low <= 0):
        msg = f"{name}: a range needs numbers low < high (0 < low if log = true) and log = true or false, got {value!r}"
        raise InputError(msg)
    return Range(low, high, log)


def _try(base: Config, name: str, value: Any) -> None:
    try:
        if name == TEMPERATURE:
            if not is_number(value) or value <= 0:
                msg = f"{name} must be > 0, got {value!r}"
                raise InputError(msg)
        else:
            apply_point(base, {name: value})
    except InputError as error:
        msg = f"{name} = {value!r} in the space: {error}"
        raise InputError(msg) from error
