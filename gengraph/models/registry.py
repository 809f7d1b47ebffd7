"""The one list of models: learned ones, each of a family, and closed forms; and what installed packages offer.

A new family of gengraph is its folder in gengraph/models/ and a line in LEARNED. Other packages offer a family as an entry point
of the group `gengraph.families`, any other generator in the group `gengraph.generators` (docs/add-a-generator.md).

Reference:
    https://packaging.python.org/en/latest/specifications/entry-points/: what an installed package says of itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, cast

from gengraph.errors import InputError

if TYPE_CHECKING:  # the list itself costs nothing: `import gengraph` reads it
    from gengraph.models.family import Family
    from gengraph.models.generator import GraphGenerator

_FAMILIES, _GENERATORS = "gengraph.families", "gengraph.generators"


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of gengraph.

    Attributes:
        place: of a learned one the module of its family, which has it as FAMILY; of another "module:class".
        class_name: of its GraphGenerator, as `gengraph` exports it.
        summary: a line about it.
    """

    place: str
    class_name: str
    summary: str


LEARNED: dict[str, Listed] = {
    "graphrnn": Listed("gengraph.models.graphrnn", "GraphRNN", "two recurrent levels: nodes, then the edges of each (You 2018)"),
    "graphrnn-s": Listed("gengraph.models.graphrnn", "GraphRNNS", "GraphRNN whose edges of a node are independent (You 2018)"),
    "graphrnn-c": Listed("gengraph.models.graphrnn", "GraphRNNC", "GraphRNN whose edge decisions see the graph built so far"),
    "gran": Listed("gengraph.models.gran", "GRAN", "blocks of rows by an attentive graph network (Liao 2019)"),
}
CLOSED_FORMS: dict[str, Listed] = {
    "er": Listed("gengraph.baselines.erdos_renyi:ErdosRenyi", "ErdosRenyi", "Erdos-Renyi: all edges alike"),
    "ba": Listed("gengraph.baselines.barabasi_albert:BarabasiAlbert", "BarabasiAlbert", "Barabasi-Albert: the rich get richer"),
    "kronecker": Listed("gengraph.baselines.kronecker:Kronecker", "Kronecker", "powers of a small matrix (Leskovec 2010)"),
    "mmsb": Listed("gengraph.baselines.mmsb:MMSB", "MMSB", "mixed-membership stochastic blocks (Airoldi 2008)"),
    "configuration": Listed("gengraph.baselines.configuration:Configuration", "Configuration", "the degrees, nothing else"),
    "empirical": Listed("gengraph.baselines.empirical:Empirical", "Empirical", "the training graphs again: a memoriser"),
}
LISTED: dict[str, Listed] = {**LEARNED, **CLOSED_FORMS}


def find_family(name: str) -> "Family":
    """The family of a name, as config files and checkpoints say it.

    Raises:
        InputError: there is none, several packages offer it, or it cannot be imported.
    """
    places = {listed.place.rpartition(".")[2]: listed.place for listed in LEARNED.values()}
    if name in places:
        return cast("Family", import_module(places[name]).FAMILY)
    entry = _entry(_FAMILIES, name)
    if entry is None:
        known = ", ".join([*places, *(found.name for found in entry_points(group=_FAMILIES))])
        msg = f"unknown family {name!r}; choose from {known}, or install the package that offers it"
        raise InputError(msg)
    family = _load(entry)
    missing = [part for part in ("name", "config", "loss", "prepare", "build") if not hasattr(family, part)]
    if missing:
        msg = f"family {name!r} of package {_package(entry)} must have {', '.join(missing)}, see docs/add-a-family.md"
        raise InputError(msg)
    return cast("Family", family)


def family_of(model: str) -> "Family | None":
    """The family that a model's name belongs to; None for what is not learned by one.

    Raises:
        InputError: an installed package offers it, and it cannot be imported.
    """
    if model in LEARNED:
        return find_family(LEARNED[model].place.rpartition(".")[2])
    return find_family(model) if model not in LISTED and entry_points(group=_FAMILIES, name=model) else None


class _Registry(Mapping[str, "type[GraphGenerator]"]):
    """Generator classes by name, imported when they are first looked up.

    It lists those of gengraph. Names that installed packages offer are known too: they are looked for when one is asked for.
    """

    def __getitem__(self, name: str) -> "type[GraphGenerator]":
        if family_of(name) is not None:
            # By name: what trains stands above this room.
            return cast("type[GraphGenerator]", import_module("gengraph.learned").learned(name))
        if name in CLOSED_FORMS:
            module, attribute = CLOSED_FORMS[name].place.split(":")
            return cast("type[GraphGenerator]", getattr(import_module(module), attribute))
        return _offered(name)

    def __contains__(self, name: object) -> bool:
        return name in LISTED or any(entry_points(group=group, name=str(name)) for group in (_FAMILIES, _GENERATORS))

    def __iter__(self) -> Iterator[str]:
        return iter(LISTED)

    def __len__(self) -> int:
        return len(LISTED)


GENERATORS: "Mapping[str, type[GraphGenerator]]" = _Registry()


def offered_models() -> list[str]:
    """The names that installed packages offer, sorted."""
    return sorted({entry.name for group in (_FAMILIES, _GENERATORS) for entry in entry_points(group=group)})


def unknown_model(name: str) -> InputError:
    """What to say of a name that is not in GENERATORS."""
    return InputError(f"unknown model {name!r}; choose from {', '.join([*LISTED, *offered_models()])}")


def _offered(name: str) -> "type[GraphGenerator]":
    """The generator that an installed package offers under a name.

    Raises:
        InputError: none does, or several do, or it cannot be imported, or is no generator.
    """
    from gengraph.models.generator import GraphGenerator

    entry = _entry(_GENERATORS, name)
    if entry is None:
        raise unknown_model(name)
    generator = _load(entry)
    if not isinstance(generator, type) or not issubclass(generator, GraphGenerator):
        msg = (
            f"model {name!r} of package {_package(entry)} must be a class with fit, sample, parameters, save and load, got "
            f"{generator!r}; docs/add-a-generator.md says what these do"
        )
        raise InputError(msg)
    return generator


def _entry(group: str, name: str) -> EntryPoint | None:
    found = list(entry_points(group=group, name=name))
    if len(found) > 1:
        packages = " and ".join(map(_package, found))
        msg = f"a model must be offered by one package, got {name!r} of {packages}; uninstall the others"
        raise InputError(msg)
    return found[0] if found else None


def _load(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:
        msg = (
            f"model {entry.name!r} cannot be imported from package {_package(entry)} ({type(error).__name__}: {error}); "
            "install what that package needs, or a version of it that works here"
        )
        raise InputError(msg) from error


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
