"""What a graph generator is: fit a set of graphs, sample new ones; and the registry of all of them by name.

Other packages add theirs as entry points of the group `gengraph.generators` (docs/add-a-generator.md).

Reference:
    https://packaging.python.org/en/latest/specifications/entry-points/: what an installed package says of itself.
"""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.graphs import GraphSet

ENTRY_POINTS = "gengraph.generators"
_FORMAT = 1


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
        """What was fitted, as JSON-ready values, for people to read.

        Raises:
            InputError: the generator has not been fitted.
        """
        ...

    def save(self, path: Path | str) -> None:
        """Write what `load` needs as JSON (`write_saved`); what is too large for it, weights say, into a folder beside.

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
    """Generator classes by name, imported when they are first looked up.

    It lists those of gengraph. Names that installed packages offer are known too: they are looked for when one is asked for.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> type[GraphGenerator]:
        if name not in self._places:
            return _offered(name)
        module, attribute = self._places[name].split(":")
        generator: type[GraphGenerator] = getattr(import_module(module), attribute)
        return generator

    def __contains__(self, name: object) -> bool:
        return name in self._places or bool(entry_points(group=ENTRY_POINTS, name=str(name)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


GENERATORS: Mapping[str, type[GraphGenerator]] = _Registry(
    {
        "graphrnn": "gengraph.learned:GraphRNN",
        "graphrnn-s": "gengraph.learned:GraphRNNS",
        "graphrnn-c": "gengraph.learned:GraphRNNC",
        "er": "gengraph.baselines.erdos_renyi:ErdosRenyi",
        "ba": "gengraph.baselines.barabasi_albert:BarabasiAlbert",
        "kronecker": "gengraph.baselines.kronecker:Kronecker",
        "mmsb": "gengraph.baselines.mmsb:MMSB",
        "configuration": "gengraph.baselines.configuration:Configuration",
        "empirical": "gengraph.baselines.empirical:Empirical",
    }
)


def unknown_model(name: str) -> InputError:
    """What to say of a name that is not in GENERATORS."""
    offered = sorted({entry.name for entry in entry_points(group=ENTRY_POINTS)})
    return InputError(f"unknown model {name!r}; choose from {', '.join([*GENERATORS, *offered])}")


def _offered(name: str) -> type[GraphGenerator]:
    """The generator that an installed package offers under a name.

    Raises:
        InputError: none does, or several do, or it cannot be imported, or is no generator.
    """
    found = list(entry_points(group=ENTRY_POINTS, name=name))
    if not found:
        raise unknown_model(name)
    if len(found) > 1:
        packages = " and ".join(map(_package, found))
        msg = f"a model must be offered by one package, got {name!r} of {packages}; uninstall the others"
        raise InputError(msg)
    try:
        generator = found[0].load()
    except Exception as error:
        msg = (
            f"model {name!r} cannot be imported from package {_package(found[0])} ({type(error).__name__}: {error}); install "
            "what that package needs, or a version of it that works here"
        )
        raise InputError(msg) from error
    if not isinstance(generator, type) or not issubclass(generator, GraphGenerator):
        msg = (
            f"model {name!r} of package {_package(found[0])} must be a class with fit, sample, parameters, save and load, got "
            f"{generator!r}; docs/add-a-generator.md says what these do"
        )
        raise InputError(msg)
    return generator


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def load_generator(path: Path | str) -> GraphGenerator:
    """Restore a generator of any model from the file that its `save` wrote.

    Raises:
        InputError: the file is no saved generator, or of a model that is not in GENERATORS.
    """
    return GENERATORS[_read(Path(path))["model"]].load(path)


def write_saved(path: Path | str, model: str, options: dict[str, Any], state: dict[str, Any]) -> None:
    """Write the file of a saved generator, whole or not at all; options and state are JSON-ready."""
    content = {"format": _FORMAT, "model": model, "options": options, "state": state}
    write_text(Path(path), json.dumps(content) + "\n")


def read_saved(path: Path | str, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options and the state in a file that `write_saved` wrote.

    Raises:
        InputError: there is no such file, or it holds no saved generator, another format or another model.
    """
    content = _read(Path(path))
    if (content["format"], content["model"]) != (_FORMAT, model):
        found = f"format {content['format']} of model {content['model']!r}"
        msg = f"{path} must hold format {_FORMAT} of model {model!r}, got {found}; save the generator again"
        raise InputError(msg)
    return content["options"], content["state"]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}; name a file that a generator's save wrote"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"{path} is not a saved generator: it is no JSON ({error})"
        raise InputError(msg) from error
    if not isinstance(content, dict) or not {"format", "model", "options", "state"} <= set(content):
        msg = f"{path} is not a saved generator: it must be JSON with the keys format, model, options, state"
        raise InputError(msg)
    return content
