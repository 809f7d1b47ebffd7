"""Every generator by its name: `GENERATORS`."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from gengraph.errors import InputError
from gengraph.models.generator import GraphGenerator
from gengraph.models.registry import (
    CLOSED_FORMS,
    FAMILY_POINTS,
    GENERATOR_POINTS,
    LISTED,
    family_of,
    find_entry,
    load_entry,
    package_of,
    unknown_model,
)


class _Registry(Mapping[str, type[GraphGenerator]]):
    """Generator classes by name, imported when they are first looked up.

    It lists those of gengraph. Names that installed packages offer are known too: they are looked for when one is asked for.
    """

    def __getitem__(self, name: str) -> type[GraphGenerator]:
        if family_of(name) is not None:
            from gengraph.learned import learned  # and torch

            return cast("type[GraphGenerator]", learned(name))
        if name in CLOSED_FORMS:
            module, attribute = CLOSED_FORMS[name].place.split(":")
            return cast("type[GraphGenerator]", getattr(import_module(module), attribute))
        return _offered(name)

    def __contains__(self, name: object) -> bool:
        return name in LISTED or any(entry_points(group=group, name=str(name)) for group in (FAMILY_POINTS, GENERATOR_POINTS))

    def __iter__(self) -> Iterator[str]:
        return iter(LISTED)

    def __len__(self) -> int:
        return len(LISTED)


GENERATORS: Mapping[str, type[GraphGenerator]] = _Registry()


def _offered(name: str) -> type[GraphGenerator]:
    """The generator that an installed package offers under a name.

    Raises:
        InputError: none does, or several do, or it cannot be imported, or is no generator.
    """
    entry = find_entry(GENERATOR_POINTS, name)
    if entry is None:
        raise unknown_model(name)
    generator = load_entry(entry)
    if not isinstance(generator, type) or not issubclass(generator, GraphGenerator):
        msg = (
            f"model {name!r} of package {package_of(entry)} must be a class with fit, sample, parameters, save and load, got "
            f"{generator!r}; docs/add-a-generator.md says what these do"
        )
        raise InputError(msg)
    return generator
