"""What a sweep draws from: values and ranges of config fields. Only points that make a valid config are drawn.

A space file is TOML with the sections of a config, and `[sampling]` for the temperature:

    [training]
    learning_rate = { low = 1e-3, high = 1e-2, log = true }   # a range, here uniform in the logarithm
    batch_size = [4, 8, 16]                                     # choices, each as likely
    [model]
    hidden_size = { low = 64, high = 256 }                      # both bounds whole: whole numbers, bounds included
    sequence = [{ ordering = "cm", window = "adaptive" }, { ordering = "dfs", window = "fixed" }]   # fields that go together
    [sampling]
    temperature = { low = 0.7, high = 1.0 }
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengraph.errors import InputError
from gengraph.files import read_text
from gengraph.models.space import Choice, Range, Space
from gengraph.schema import flat
from gengraph.seeded import Stream
from gengraph.training.config import Config

LEARNING_RATE, TEMPERATURE = "training.learning_rate", "sampling.temperature"
_LENGTH = ("training.steps", "training.budget", "training.clock", "training.evaluations", "training.seed")
_FORM = "write a list of choices, or { low = 1e-3, high = 1e-2, log = true }"
_TRIES = 200  # points that are drawn before a space is said to have no valid one

Point = Mapping[str, Any]
"""A value for every field of a space."""

_TRAINING: Space = {LEARNING_RATE: Range(1e-3, 1e-2, log=True), "training.batch_size": Choice((2, 4, 8, 16))}


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
        """The values that fields have here; those of a table in one text, and those of a list."""
        fields = {**flat(self.config.to_dict()), TEMPERATURE: self.temperature}
        known = {name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in fields.items()}
        return {name: known[name] if name in known else _inside(known, name) for name in names}


def _inside(known: Mapping[str, Any], name: str) -> str | None:
    inside = [f"{field.removeprefix(f'{name}.')}={value}" for field, value in known.items() if field.startswith(f"{name}.")]
    return " ".join(inside) or None


def default_space(base: Config, *, samples: bool) -> Space:
    """Learning rate and batch size, what the family varies, and the temperature where trials are judged by samples."""
    family = base.own_family
    space: dict[str, Choice | Range] = {**_TRAINING, **family.space(base.model)}
    if samples and "temperature" in family.capabilities(base.model):
        space[TEMPERATURE] = Range(0.7, 1.0)
    return space


def load_space(path: Path) -> dict[str, Any]:
    """The tables of a space file, for `parse_space`.

    Raises:
        InputError: no such file, or it is not TOML.
    """
    if not path.is_file():
        msg = f"no space file {path}; leave it out for the default space"
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
        space |= _parts(section, fields)
    if not space:
        msg = f"a space needs at least one field, got none; {_FORM}"
        raise InputError(msg)
    if TEMPERATURE in space and not samples:
        msg = f"{TEMPERATURE} shapes samples, and metric = loss draws none; use metric = mmd or leave it out"
        raise InputError(msg)
    for name, part in space.items():
        if name in _LENGTH:
            msg = f"{name} is the same for all trials; leave it out and give the sweep a length"
            raise InputError(msg)
        for value in part.extremes:
            _try(base, space, name, value)
    return space


def space_tables(space: Space) -> dict[str, Any]:
    """The tables that `parse_space` reads, JSON-ready."""
    tables: dict[str, Any] = {}
    for name, part in space.items():
        *above, field = name.split(".")
        inside = tables
        for section in above:
            inside = inside.setdefault(section, {})
        if isinstance(part, Range):
            inside[field] = {"low": part.low, "high": part.high, "log": part.log}
        else:
            inside[field] = [list(value) if isinstance(value, tuple) else value for value in part.values]
    return tables


def draw_point(space: Space, base: Config, seed: int, trial: int, *, least_batch: int = 1) -> dict[str, Any]:
    """The point of one trial of a random search, from (seed, trial) alone: the first of its stream that makes a valid config.

    Raises:
        InputError: no point of the first 200 does.
    """
    error = None
    for number in range(_TRIES):
        uniforms = Stream(seed, trial, *([number] if number else [])).uniforms(len(space))
        point = {name: part.at(float(uniform)) for (name, part), uniform in zip(space.items(), uniforms, strict=True)}
        try:
            apply_point(base, point, least_batch=least_batch)
        except InputError as found:
            error = found
        else:
            return point
    msg = f"the space must have valid points, none of {_TRIES} was ({error}); put fields that go together in a table"
    raise InputError(msg)


def apply_point(base: Config, point: Point, *, least_batch: int = 1) -> Setting:
    """The setting of a point.

    Args:
        base: what the point is applied to.
        point: values by field.
        least_batch: workers of a trial; a batch has a graph for each.

    Raises:
        InputError: the point makes no valid config: an unknown field, a value that it does not take, values that do not go
            together.
    """
    config = base.with_values({name: value for name, value in point.items() if name != TEMPERATURE})
    if config.training.batch_size < least_batch:
        msg = f"training.batch_size must be >= {least_batch}, a graph for each worker, got {config.training.batch_size}"
        raise InputError(msg)
    temperature = float(point.get(TEMPERATURE, 1.0))
    if temperature != 1 and "temperature" not in config.own_family.capabilities(config.model):
        msg = f"{TEMPERATURE} must be 1 for {config.model_name} as it is configured, got {temperature:g}; leave it out"
        raise InputError(msg)
    return Setting(config=config, temperature=temperature)


def is_number(value: Any) -> bool:
    """Whether a value of a setting is a finite number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _parts(prefix: str, fields: Mapping[str, Any]) -> dict[str, Choice | Range]:
    """The fields of a section of a space file, and of the sections in it."""
    found: dict[str, Choice | Range] = {}
    for name, value in fields.items():
        section = isinstance(value, dict) and value and not set(value) & {"low", "high", "log"}
        found |= _parts(f"{prefix}.{name}", value) if section else {f"{prefix}.{name}": _part(f"{prefix}.{name}", value)}
    return found


def _part(name: str, value: Any) -> Choice | Range:
    """A field of a space file."""
    if isinstance(value, list) and value:
        if len(value) == len(set(map(repr, value))):
            return Choice(tuple(tuple(choice) if isinstance(choice, list) else choice for choice in value))
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


def _try(base: Config, space: Space, name: str, value: Any) -> None:
    """A value must be valid by itself, or beside some values of the other fields."""
    if name == TEMPERATURE:
        if not is_number(value) or value <= 0:
            msg = f"{name} must be > 0, got {value!r}"
            raise InputError(msg)
        return
    try:
        apply_point(base, {name: value})
    except InputError as error:
        try:
            draw_point({**space, name: Choice((value,))}, base, 0, 0)
        except InputError:
            msg = f"{name} = {value!r} in the space: {error}"
            raise InputError(msg) from error
