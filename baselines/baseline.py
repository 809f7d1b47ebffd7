"""What all baselines share: the checks around fit and sample, and the JSON file of a fitted generator."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.graphs.taken import as_graph_set
from gengraph.models.generator import as_indices, read_saved, write_saved
from gengraph.streams import choices, stream_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    import networkx as nx


class Baseline(ABC):
    """A generator with keyword options and a fitted state, both JSON-ready.

    A subclass sets `model`, its name in gengraph.generators.GENERATORS, checks its options, hands them all to this
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
    def _draw(self, state: dict[str, Any], indices: Int64Array, seed: int) -> GraphSet:
        """Sample the graphs of indices int64[G], G >= 1, from a fitted state; each from the stream of its own index."""

    def _readable(self, state: dict[str, Any]) -> dict[str, Any]:
        """What `parameters` shows of a fitted state."""
        return {**state, "sizes": summary(state["sizes"])}

    def fit(self, graphs: "GraphSet | Iterable[nx.Graph[Any]]", *, seed: int, budget: float | None = None) -> Self:
        """Learn from the structure of graphs, without labels, and return self; an iterative fit may take `budget` seconds.

        Raises:
            InputError: `graphs` is empty, would lose something as a GraphSet, or cannot be learned by this generator.
        """
        graphs = as_graph_set(graphs).bare()
        if not len(graphs):
            msg = f"{self.model} needs at least 1 graph to fit, got 0; check the split or the file the graphs come from"
            raise InputError(msg)
        self._state = self._learn(graphs, seed, budget)
        return self

    def sample(self, indices: int | Int64Array, *, seed: int) -> GraphSet:
        """Sample graphs by their index: graph i of a seed is the same whichever others are asked for.

        Args:
            indices: int64[G] >= 0, in any order, repeated or not; or a number n >= 0, which stands for 0..n-1.
            seed: >= 0.

        Raises:
            InputError: the generator has not been fitted, or an index, the number or the seed is negative.
        """
        state = self._fitted()
        asked = as_indices(indices)
        return self._draw(state, asked, seed) if len(asked) else GraphSet.empty()

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


def draw_sizes(sizes: list[int], indices: Int64Array, seed: int) -> Int32Array:
    """int32[G]: a size for each graph index of int64[G], drawn from the training sizes."""
    chosen = choices(stream_key(seed, "sizes"), indices, len(sizes))
    return np.asarray(np.array(sizes, np.int32)[chosen])


def summary(values: list[int]) -> dict[str, float]:
    """What `parameters` shows of a value for each training graph."""
    return {"graphs": len(values), "smallest": min(values), "mean": sum(values) / len(values), "largest": max(values)}


def check_choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raise InputError unless the option's value is an allowed one."""
    if value not in allowed:
        msg = f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}; leave it out for the default"
        raise InputError(msg)
