"""A model as it enters the table: how it is made, and what its fits depend on besides the data.

There are three kinds. A learned model has a family and a config, which can be tuned. A closed form of gengraph takes nothing.
What an installed package offers as a class is made without arguments too, but for two that its constructor may have
(`Contender.new`).
"""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gengraph
from gengraph.benchmarks.artefacts import meaning
from gengraph.generators import GENERATORS
from gengraph.models.family import Family
from gengraph.models.generator import GraphGenerator
from gengraph.models.registry import family_of
from gengraph.training.config import Config, usual_config
from gengraph.tuning.space import apply_point


@dataclass(frozen=True, slots=True)
class Contender:
    """A model on a data set.

    Attributes:
        model: its name in GENERATORS.
        dataset: the name of the data set, which its preset may belong to.
    """

    model: str
    dataset: str

    @property
    def family(self) -> Family | None:
        """The family of a learned model; None where there is nothing to configure."""
        return family_of(self.model)

    @property
    def base(self) -> Config:
        """What a learned model is trained with unless settings say otherwise."""
        return usual_config(self.model, self.dataset)

    @property
    def takes_gpu(self) -> bool:
        """Whether its fit can be told to use a GPU."""
        family = self.family
        return "device" in self._arguments if family is None else "gpu" in family.capabilities(self.base.model)

    def place(self, device: str) -> str:
        """Where it is fitted if cpu or cuda is asked for."""
        return device if self.takes_gpu else "cpu"

    @property
    def _arguments(self) -> set[str]:
        return set(inspect.signature(GENERATORS[self.model]).parameters)

    @property
    def loss(self) -> str | None:
        """What the loss of a learned model is called, with its unit; None for other kinds."""
        return None if self.family is None else self.family.loss

    def inputs(self, settings: dict[str, Any], device: str) -> dict[str, Any]:
        """What a fit depends on besides graphs, seed and budget, JSON-ready."""
        family, where = self.family, self.place(device)
        return {
            "model": self.model,
            "config": None if family is None else apply_point(self.base, settings).config.to_dict(),
            "device": where,
            "computed_by": None if family is None else family.computed_by(where),  # back-ends round differently
            "code": _outside_code(GENERATORS[self.model] if family is None else type(family)),
        }

    def new(self, settings: dict[str, Any], *, report: Callable[[dict[str, Any]], None], device: str = "cpu") -> GraphGenerator:
        """The generator, not yet fitted.

        Args:
            settings: values of a learned model's config by dotted name, over those of its preset; none for other kinds.
            report: told the progress of a training. A class of another package is given it if its constructor has an argument
                of that name.
            device: cpu or cuda, where there is a choice. Given to a class of another package in the same way.
        """
        make: Any = GENERATORS[self.model]
        given = {"report": report, "device": self.place(device)}
        if self.family is not None:
            given["config"] = apply_point(self.base, settings).config
        generator: GraphGenerator = make(**{name: value for name, value in given.items() if name in self._arguments})
        return generator


def _outside_code(kind: type) -> dict[str, str] | None:
    """Hashes of the Python files of the package that a class comes from; None for gengraph's own (`code_version`)."""
    top = kind.__module__.partition(".")[0]
    if top == gengraph.__name__:
        return None
    path = Path(sys.modules[top].__file__ or str(sys.modules[kind.__module__].__file__))
    if path.name != "__init__.py":
        return {path.name: meaning(path)}
    return {file.relative_to(path.parent).as_posix(): meaning(file) for file in sorted(path.parent.rglob("*.py"))}
