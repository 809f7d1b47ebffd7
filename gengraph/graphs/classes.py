"""The class of each graph of a set, the kind of an enzyme say: what is said of a graph, and no part of it.

Graphs of different classes can be isomorphic, and the content hash of a set is that of its graphs alone.

Legend: G graphs, K classes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs.schema import Int32Array, in_order, text_of

CLASS = "class"
"""What it is called in files and among conditions."""
_NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Which class each graph of a set has.

    Attributes:
        values: str[K], their names, all different.
        codes: int32[G], a place in values each; -1 for a graph that has none.

    Raises:
        InputError: a name twice, or a code that no name stands for.
    """

    values: tuple[str, ...]
    codes: Int32Array

    def __post_init__(self) -> None:
        codes = np.ascontiguousarray(self.codes, np.int32).view()
        codes.flags.writeable = False
        object.__setattr__(self, "codes", codes)
        distinct = len(set(self.values) - {""}) == len(self.values)
        if not distinct or codes.min(initial=_NONE) < _NONE or codes.max(initial=_NONE) >= self.num:
            msg = f"classes need a name each, all different, got {', '.join(self.values)} for codes to {codes.max(initial=0)}"
            raise InputError(msg)

    @classmethod
    def of(cls, said: Sequence[Any]) -> Self | None:
        """The classes of values as files have them, None, NaN or "" for a graph that has none; None if no graph has one."""
        texts = [None if _is_missing(value) else text_of(value) for value in said]
        values = in_order({text for text in texts if text is not None})
        number: dict[str | None, int] = {text: k for k, text in enumerate(values)} | {None: _NONE}
        return cls(values, np.array([number[text] for text in texts], np.int32)) if values else None

    @property
    def num(self) -> int:
        """K."""
        return len(self.values)

    def names(self) -> list[str | None]:
        """str[G], the class of each graph; None where it has none."""
        return [None if code == _NONE else self.values[code] for code in self.codes.tolist()]

    def counts(self) -> dict[str, int]:
        """Graphs of each class, by its name; those that are there."""
        counted = np.bincount(self.codes[self.codes != _NONE], minlength=self.num).tolist()
        return {name: count for name, count in zip(self.values, counted, strict=True) if count}

    def taken(self, chosen: Any) -> "Classes":
        """Those of some graphs: an index array or a slice."""
        return Classes(self.values, self.codes[chosen])

    def one_hot(self, values: Sequence[str]) -> npt.NDArray[np.float64]:
        """float64[G, len(values)], 1 in the column of a graph's class and 0 elsewhere; NaN for a graph of none of these."""
        columns = np.array([values.index(name) if name in values else _NONE for name in self.values] + [_NONE])[self.codes]
        return np.where(columns[:, None] == _NONE, np.nan, columns[:, None] == np.arange(len(values)))


def _is_missing(value: Any) -> bool:
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    missing = value is None or type(value).__name__ in {"NAType", "NaTType"}
    return missing or (isinstance(value, str) and not value)


def same_classes(one: Classes | None, two: Classes | None) -> bool:
    """Whether each graph has the same class in both, whatever other names there are."""
    if one is None or two is None:
        return all(part is None or not part.counts() for part in (one, two))
    return one.names() == two.names()


def joined_classes(parts: Iterable[tuple[Classes | None, int]]) -> Classes | None:
    """The classes of several sets of so many graphs, one after the other; graphs of a set without classes have none."""
    listed = list(parts)
    known = [part for part, _ in listed if part is not None]
    if not known:
        return None
    values = known[0].values
    if any(part.values != values for part in known):
        values = in_order({name for part in known for name in part.values})
    number = {name: k for k, name in enumerate(values)}
    codes = [
        np.full(count, _NONE) if part is None else np.array([*map(number.get, part.values), _NONE])[part.codes]
        for part, count in listed
    ]
    return Classes(values, np.concatenate(codes))
