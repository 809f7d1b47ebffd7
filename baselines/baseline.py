"""What all baselines share: the checks around fit and sample, and the JSON file of a fitted generator."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.models.generator import read_saved, write_saved
from gengraph.graphs import GraphSet
from gengraph.streams import choices, stream_key


class Baseline(ABC):
    """A generator with keyword options and a fitted state, both JSON-ready.

    A subclass sets `model`, its name in gengraph.models.generator.GENERATORS, checks its options, hands them all to this
    constructor, and implements `_learn` and `_draw`.
    """

    model: ClassVar[str]

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._state: dict[str, Any] | None = None

    @abstractmethod
    def _learn(self, graphs: GraphSet, seed: int, budget: float | None) -> dict[str, Any]:
        """The state fitted to at least one graph: JSON-ready values."""

    @abstractmethod
    def _draw(self, state: dict[str, Any], num_graphs: int, seed: int) -> GraphSet:
        """Sample num_graphs >= 1 graphs from a fitted state."""

    def _readable(self, state: dict[str, Any]) -> dict[str, Any]:
        """What `parameters` shows of a fitted state."""
        return {**state, "sizes": summary(state["sizes"])}

    def fit(self, graphs: GraphSet, *, seed: int, budget: float | None = None) -> Self:
        """Learn from graphs and return self; `budget` is the seconds that an iterative fit may take.

        Raises:
            InputError: `graphs` is empty or cannot be learned by this generator.
        """
        if not len(graphs):
            msg = f"{self.model} needs at least 1 graph to fit, got 0; check the split or the file the graphs come from"
            raise InputError(msg)
        self._state = self._learn(graphs, seed, budget)
        return self

    def sample(self, num_graphs: int, *, seed: int) -> GraphSet:
        """Sample num_graphs >= 0 graphs; graph g depends on the seed and on g alone.

        Raises:
            InputError: the generator has not been fitted, or num_graphs or seed is negative.
        """
        state = self._fitted()
        if num_graphs < 0:
            msg = f"num_graphs must be >= 0, got {num_graphs}"
            raise InputError(msg)
        return self._draw(state, num_graphs, seed) if num_graphs else GraphSet.empty()

    def parameters(self) -> dict[str, Any]:
        """Options and fitted values, JSON-ready, for people to read: of many sizes only their range is shown.

        Raises:
            InputError: the generator has not been fitted.
        """
        return {**self._options, **self._readable(self._fitted())}

    def save(self, path: Path | str) -> None:
        """Write options and fitted state to a JSON file, from which `load` restores the generator.

        Raises:
            InputError: the generator has not been fitted.
        """
        write_saved(path, self.model, self._options, self._fitted())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Restore a fitted generator that `save` wrote.

        Raises:
            InputError: the file cannot be read, or holds another model or another format.
        """
        options, state = read_saved(path, cls.model)
        generator = cls(**options)
        generator._state = state
        return generator

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._options.items())
        return f"{type(self).__name__}({options})"

    def _fitted(self) -> dict[str, Any]:
        if self._state is None:
            msg = f"{self.model} must be fitted before it samples or is saved; call fit(graphs, seed=...) first"
            raise InputError(msg)
        return self._state


def draw_sizes(sizes: list[int], num_graphs: int, seed: int) -> npt.NDArray[np.int32]:
    """int32[G]: a size for each graph index, drawn from the training sizes."""
    chosen = choices(stream_key(seed, "sizes"), num_graphs, len(sizes))
    return np.asarray(np.array(sizes, np.int32)[chosen])


def summary(values: list[int]) -> dict[str, float]:
    """What `parameters` shows of a value for each training graph."""
    return {"graphs": len(values), "smallest": min(values), "mean": sum(values) / len(values), "largest": max(values)}


def check_choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raise InputError unless the option's value is an allowed one."""
    if value not in allowed:
        msg = f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}"
        raise InputError(msg)
