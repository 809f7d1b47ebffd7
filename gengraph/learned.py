"""Any family as a `GraphGenerator`: `GraphRNN`, `GRAN` and so on, one class for each learned model of the registry."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.taken import as_graph_set
from gengraph.models.generator import as_indices, read_saved, write_saved
from gengraph.models.registry import CLOSED_FORMS, LEARNED, family_of, unknown_model
from gengraph.sampling.attempts import Source, sample_graphs, validation_mmd
from gengraph.sampling.conditions import Conditions
from gengraph.training.card import write_card
from gengraph.training.checkpoint import Checkpoint, find_device, load_checkpoint, save_checkpoint
from gengraph.training.config import Config, usual_config
from gengraph.training.trainer import Place, Trainer, prepare_graphs

if TYPE_CHECKING:
    import networkx as nx


class Learned:
    """A model that is trained: fit, then sample.

    Args:
        config: what is trained and how; by default the model's preset (`gengraph.training.config.usual_config`).
        report: called with a dict of metrics while training, about twice a second.
        device: cpu or cuda, where `fit` trains; samples are drawn on the CPU.

    Raises:
        InputError: the config is of another model.
    """

    model: ClassVar[str]
    """Its name in the registry."""

    def __init__(
        self,
        config: Config | None = None,
        *,
        report: Callable[[dict[str, Any]], None] | None = None,
        device: str = "cpu",
    ) -> None:
        self.config = config or usual_config(self.model)
        if self.config.model_name != self.model:
            msg = f"the config must be of {self.model}, got one of {self.config.model_name}; use that model or another config"
            raise InputError(msg)
        self._report = report or (lambda _metrics: None)
        self._device = device
        self._checkpoint: Checkpoint | None = None
        self._source: Source | None = None

    def fit(self, graphs: "GraphSet | Iterable[nx.Graph[Any]]", *, seed: int, budget: float | None = None) -> Self:
        """Train on graphs; `budget` seconds override the config's steps or budget.

        Raises:
            InputError: graphs that this config cannot learn (none, or graphs without nodes), or that would lose something as a
                GraphSet.
            NotEnoughResources: there is no such device.
        """
        length = {} if budget is None else {"steps": None, "budget": budget}
        config = self.config.trained(seed=seed, **length)
        place = Place(device=find_device(self._device))
        prepared, facts = prepare_graphs(as_graph_set(graphs), config)
        trainer = Trainer(config, facts, prepared, GraphSet.empty(), place, measure_mmd=validation_mmd)
        trainer.run(self._report, self._set)
        return self

    def sample(self, indices: int | Int64Array, *, seed: int, conditions: Conditions | None = None) -> GraphSet:
        """Sample graphs by their index (a number n stands for 0..n-1), by default all components kept.

        Raises:
            InputError: not fitted, an index or the number is negative, or conditions that the model or too few graphs meet.
        """
        self._fitted()
        assert self._source is not None
        return sample_graphs(self._source, as_indices(indices), seed=seed, conditions=conditions).graphs

    def parameters(self) -> dict[str, Any]:
        """Config, what was taken from the data, optimiser steps and number of weights.

        Raises:
            InputError: not fitted.
        """
        fitted = self._fitted()
        return {
            "config": fitted.config.to_dict(),
            "facts": fitted.facts,
            "steps": fitted.step,
            "num_weights": sum(value.numel() for value in fitted.weights.values()),
        }

    def save(self, path: Path | str) -> None:
        """Write a JSON file and a checkpoint in a folder beside it, NAME.checkpoints.

        Raises:
            InputError: not fitted.
        """
        target, fitted = Path(path), self._fitted()
        folder = target.with_suffix(".checkpoints")
        checkpoint = save_checkpoint(fitted, folder, card=write_card(fitted, None), keep=1)
        state = {"checkpoint": str(checkpoint.relative_to(target.parent))}
        write_saved(target, self.model, {"config": self.config.to_dict()}, state)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Restore what `save` wrote, or take what a run has trained: its best checkpoint, or the last if none was evaluated.

        Args:
            path: of the file, or of the folder of a run, runs/grid-graphrnn say.

        Raises:
            InputError: the file is no saved generator of this model, the run has no checkpoint or trains another model, or the
                checkpoint is damaged.
        """
        if (Path(path) / "run.json").is_file():
            from gengraph.runs.folders import find_checkpoint

            return cls.from_checkpoint(load_checkpoint(find_checkpoint(Path(path))))
        options, state = read_saved(path, cls.model)
        generator = cls(Config.from_dict(options["config"]))
        generator._set(load_checkpoint(Path(path).parent / state["checkpoint"]))
        return generator

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Self:
        """What a checkpoint holds, fitted.

        Raises:
            InputError: it is of another model, or damaged.
        """
        generator = cls(checkpoint.config)
        generator._set(checkpoint)
        return generator

    def _fitted(self) -> Checkpoint:
        if self._checkpoint is None:
            msg = f"{self.model} must be fitted before it samples or is saved; call fit(graphs, seed=...) first"
            raise InputError(msg)
        return self._checkpoint

    def _set(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._source = checkpoint.build_model()


@cache
def learned(model: str) -> type[Learned]:
    """The class of a learned model.

    Args:
        model: its name in the registry.

    Raises:
        InputError: there is none of this name.
    """
    if model in CLOSED_FORMS:
        msg = f"a learned model has a family, got {model}, which has none; take its class from gengraph.GENERATORS"
        raise InputError(msg)
    if family_of(model) is None:
        raise unknown_model(model)
    name = LEARNED[model].class_name if model in LEARNED else model.title().replace("-", "")
    about = f"{Learned.__doc__}\n    The model is {model}" + (f": {LEARNED[model].summary}." if model in LEARNED else ".")
    return cast("type[Learned]", type(name, (Learned,), {"model": model, "__module__": __name__, "__doc__": about}))


def __getattr__(name: str) -> type[Learned]:
    """The classes by name, for imports and for pickle."""
    for model, listed in LEARNED.items():
        if listed.class_name == name:
            return learned(model)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
