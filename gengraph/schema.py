"""Frozen dataclasses <-> nested tables, as TOML and JSON have them; every value is checked against its field's type.

A field may be a plain value, a tuple of names or of whole numbers, a Literal, another dataclass, or a tagged union: several
dataclasses that each have a field `kind`, a Literal of its own; the table's `kind` says which is meant, and the fields of the
others are refused.
"""

import dataclasses
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar

from gengraph.errors import InputError

T = TypeVar("T")
_KIND = "kind"


def check(rule: bool, message: str) -> None:
    """Refuse what breaks a rule.

    Raises:
        InputError: the rule is false.
    """
    if not rule:
        raise InputError(message)


def at_least(least: int, section: str, config: Any, *names: str) -> None:
    """Refuse numbers below a least one; None is passed over.

    Raises:
        InputError: a field is too small.
    """
    for name in names:
        value = getattr(config, name)
        check(value is None or value >= least, f"{section}.{name} must be >= {least}, got {value}")


def within(interval: str, section: str, config: Any, *names: str) -> None:
    """Refuse numbers outside an interval, `[0, 1)` or `(0, inf)` say; None is passed over.

    Raises:
        InputError: a field lies outside, or is not a number.
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    included = [end for end, bracket in ((low, interval[0]), (high, interval[-1])) if bracket in "[]"]
    for name in names:
        value = getattr(config, name)
        inside = value is None or low < value < high or value in included
        check(inside, f"{section}.{name} must lie in {interval}, got {value}")


def build(cls: type[T], values: Any, path: str = "") -> T:
    """An instance of a dataclass from nested tables; what is left out takes its default.

    Args:
        cls: the dataclass.
        values: a table of fields.
        path: where the table stands, "model." say, for messages.

    Raises:
        InputError: an unknown field, a value of the wrong type, or what the dataclass itself refuses.
    """
    check(isinstance(values, Mapping), f"{path.rstrip('.') or 'the config'} must be a table of fields, got {values!r}")
    kind: Any = cls
    hints = _hints(kind)
    unknown = [name for name in values if name not in hints]
    check(not unknown, f"unknown field {path}{', '.join(unknown)}; known are {', '.join(path + name for name in hints)}")
    return cls(**{name: _field(cls, hints[name], name, value, path) for name, value in values.items()})


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _field(cls: type[Any], hint: Any, name: str, value: Any, path: str) -> Any:
    options = [part for part in _parts(hint) if dataclasses.is_dataclass(part)]
    if not options or (value is None and types.NoneType in _parts(hint)):
        return _convert(hint, value, path + name)
    table = f"{path}{name} must be a table of fields, got {value!r}"
    check(isinstance(value, Mapping), table + (f"; its field {_KIND} says which" if len(options) > 1 else ""))
    if len(options) == 1:
        return build(typing.cast("type[Any]", options[0]), value, f"{path}{name}.")
    by_kind = {typing.get_args(_hints(typing.cast("Any", option))[_KIND])[0]: option for option in options}
    usual = next(field.default for field in dataclasses.fields(cls) if field.name == name)
    kind = value.get(_KIND, getattr(usual, _KIND, None))
    check(isinstance(kind, str) and kind in by_kind, f"{path}{name}.{_KIND} must be one of {', '.join(by_kind)}, got {kind!r}")
    return build(typing.cast("type[Any]", by_kind[kind]), value, f"{path}{name}.")


def _parts(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union else (hint,)


def _convert(hint: Any, value: Any, path: str) -> Any:
    kinds = _parts(hint)
    choices = [choice for kind in kinds if typing.get_origin(kind) is Literal for choice in typing.get_args(kind)]
    if choices:
        if value is None and "none" in choices and types.NoneType not in kinds:
            return "none"  # as TOML has no null, `none` is read as one
        known = value in choices or (value is None and types.NoneType in kinds)
        check(known, f"{path} must be one of {', '.join(map(str, choices))}, got {value!r}")
        return value
    if type(value) in kinds or (value is None and types.NoneType in kinds):
        return value
    if float in kinds and type(value) is int:
        return float(value)
    if listed := [kind for kind in kinds if typing.get_origin(kind) is tuple]:
        of = typing.get_args(listed[0])[0]
        fit = isinstance(value, list | tuple) and all(type(item) is of for item in value)
        check(fit, f"{path} must be a list of {'names' if of is str else 'whole numbers'}, got {value!r}")
        return tuple(value)
    names_of = " or ".join("none" if kind is types.NoneType else kind.__name__ for kind in kinds)
    msg = f"{path} must be {names_of}, got {value!r}"
    raise InputError(msg)


def to_tables(config: Any) -> dict[str, Any]:
    """Nested tables; fields that are None are left out, as TOML has no null."""
    tables: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            tables[field.name] = to_tables(value)
        elif value is not None:
            tables[field.name] = list(value) if isinstance(value, tuple) else value
    return tables


def flat(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value of nested tables by its dotted name."""
    found: dict[str, Any] = {}
    for name, value in tables.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return found


def kinds_first(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every value by its dotted name, tables taken apart; kinds of tagged unions first, as they say what the others mean."""
    return dict(sorted(flat(values).items(), key=lambda item: not item[0].endswith(f".{_KIND}")))


def assign(tables: dict[str, Any], name: str, value: Any) -> None:
    """Set a dotted name in nested tables; another kind of a tagged union begins with that kind's own defaults.

    Raises:
        InputError: the name goes through something that is no table.
    """
    *above, last = name.split(".")
    for part in above:
        tables = tables.setdefault(part, {})
        check(isinstance(tables, dict), f"{name} is no field: {part} is a value, not a table of fields")
    if last == _KIND and tables.get(_KIND) != value:
        tables.clear()
    tables[last] = value


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Values by dotted name, from texts of the form `model.hidden_size=64`; a bare word is a string, none is None.

    Raises:
        InputError: a text of another form.
    """
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        check(
            bool(equals and "." in name.strip(" .")),
            f"a setting has the form section.field=value, model.hidden_size=64 say, got {assignment!r}",
        )
        values[name.strip()] = _parse(text.strip())
    return values


def _parse(text: str) -> Any:
    if text.lower() == "none":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
