"""What a graph generator is: fit a set of graphs, sample new ones; and the registry of all of them by name."""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from gengraph.errors import InputError
from gengraph.graphs import GraphSet


@runtime_checkable
class GraphGenerator(Protocol):
    """Learns the distribution of a set of graphs and samples new ones.

    A generator is constructed without arguments or with keyword arguments of its own. Every one obeys the same rules
    (tests/test_generators.py): sampled graphs are simple and undirected, their sizes follow the training sizes, and the
    same seed gives the same graphs.
    """

    def fit(self, graphs: GraphSet, *, seed: int, budget: float | None = None) -> Self:
        """Learn from graphs and return self.

        Args:
            graphs: at least one graph.
            seed: of everything random in the fit.
            budget: seconds that the fit may take; None leaves it to the generator. A closed-form fit ignores it.

        Raises:
            InputError: `graphs` is empty or cannot be learned by this generator.
        """
        ...

    def sample(self, num_graphs: int, *, seed: int) -> GraphSet:
        """Sample num_graphs >= 0 graphs.

        Raises:
            InputError: the generator has not been fitted.
        """
        ...

    def parameters(self) -> dict[str, Any]:
        """What was fitted, as JSON-ready values, for people to read."""
        ...


@runtime_checkable
class SavableGenerator(GraphGenerator, Protocol):
    """A generator whose fitted state survives in a file.

    The file is JSON with the keys format, model (its name in GENERATORS), options and state.
    State that is too large for JSON, weights say, stands in files beside it that `state` names.
    """

    def save(self, path: Path | str) -> None:
        """Write options and fitted state.

        Raises:
            InputError: the generator has not been fitted.
        """
        ...

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Restore a fitted generator: its samples are those of the saved one.

        Raises:
            InputError: the file is no saved generator of this model.
        """
        ...


class _Registry(Mapping[str, type[GraphGenerator]]):
    """Generator classes by name, imported when they are first looked up."""

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> type[GraphGenerator]:
        if name not in self._places:
            msg = f"unknown model {name!r}; choose from {', '.join(self._places)}"
            raise InputError(msg)
        module, attribute = self._places[name].split(":")
        generator: type[GraphGenerator] = getattr(import_module(module), attribute)
        return generator

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


GENERATORS: Mapping[str, type[GraphGenerator]] = _Registry(
    {
        "graphrnn": "gengraph.graphrnn:GraphRNN",
        "graphrnn-s": "gengraph.graphrnn:GraphRNNS",
        "er": "gengraph.baselines.erdos_renyi:ErdosRenyi",
        "ba": "gengraph.baselines.barabasi_albert:BarabasiAlbert",
        "kronecker": "gengraph.baselines.kronecker:Kronecker",
        "mmsb": "gengraph.baselines.mmsb:MMSB",
        "configuration": "gengraph.baselines.configuration:Configuration",
        "empirical": "gengraph.baselines.empirical:Empirical",
    }
)


def load_generator(path: Path | str) -> GraphGenerator:
    """Restore a generator of any model from the file that its `save` wrote.

    Raises:
        InputError: the file is no saved generator, or of a model that cannot be loaded.
    """
    name = read_saved(path)["model"]
    generator = GENERATORS[name]
    if not issubclass(generator, SavableGenerator):
        msg = f"a generator of model {name!r} cannot be loaded from JSON; {path} was written by something else"
        raise InputError(msg)
    return generator.load(path)


def read_saved(path: Path | str) -> dict[str, Any]:
    """The content of a file that the `save` of a generator wrote.

    Raises:
        InputError: there is no such file, or it has not the keys of a saved generator.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}; name a file that a generator's save wrote"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"{path} is not a saved generator: it is no JSON ({error})"
        raise InputError(msg) from error
    keys = ("format", "model", "options", "state")
    if not isinstance(content, dict) or not set(keys) <= set(content):
        msg = f"{path} is not a saved generator: it must be a JSON object with the keys {', '.join(keys)}"
        raise InputError(msg)
    return content
