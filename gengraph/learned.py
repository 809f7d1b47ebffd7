"""GraphRNN as a graph generator: fit trains a model in this process, sample draws from it."""

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from gengraph.training.checkpoint import Checkpoint, find_device, load_checkpoint, save_checkpoint
from gengraph.config import Config, load_config
from gengraph.errors import InputError
from gengraph.models.generator import read_saved, write_saved
from gengraph.graphs import GraphSet
from gengraph.sampling.attempts import sample_graphs
from gengraph.training.trainer import Place, Trainer, prepare_graphs

if TYPE_CHECKING:
    from gengraph.models.graphrnn.network import GraphRNNModel

_log = logging.getLogger(__name__)


class GraphRNN:
    """GraphRNN: a node-level and an edge-level recurrent network (You et al., ICML 2018).

    Args:
        config: a Config; by default the class's preset. The paper's recipe is `load_config("paper")`.
        report: called with a dict of metrics while training, about twice a second.
        device: cpu or cuda, where `fit` trains; samples are drawn on the CPU.
    """

    model = "graphrnn"
    head = "rnn"
    preset = "default"

    def __init__(
        self,
        config: Config | None = None,
        *,
        report: Callable[[dict[str, Any]], None] | None = None,
        device: str = "cpu",
    ) -> None:
        chosen = config or load_config(self.preset)
        self.config = dataclasses.replace(chosen, model=dataclasses.replace(chosen.model, head=self.head))
        self._report = report or (lambda _metrics: None)
        self._device = device
        self._checkpoint: Checkpoint | None = None
        self._model: GraphRNNModel | None = None

    def fit(self, graphs: GraphSet, *, seed: int, budget: float | None = None) -> Self:
        """Train on graphs; `budget` seconds override the config's steps or budget.

        Raises:
            InputError: graphs that this config cannot learn (none, without nodes, or disconnected under stop = zero_row).
            NotEnoughResources: there is no such device.
        """
        changes: dict[str, Any] = {"seed": seed}
        if budget is not None:
            changes |= {"steps": None, "budget": budget}
        config = dataclasses.replace(self.config, training=dataclasses.replace(self.config.training, **changes))
        place = Place(device=find_device(self._device))
        prepared, facts, bandwidth = prepare_graphs(graphs, config)
        _log.info("%s", bandwidth)
        trainer = Trainer(config, facts, prepared, GraphSet.empty(), place)
        trainer.run(self._report, self._set)
        return self

    def sample(self, num_graphs: int, *, seed: int) -> GraphSet:
        """Sample graphs, all components kept, cut at twice the largest training graph.

        Raises:
            InputError: not fitted, or num_graphs is negative.
        """
        self._fitted()
        if num_graphs < 0:
            msg = f"num_graphs must be >= 0, got {num_graphs}"
            raise InputError(msg)
        assert self._model is not None
        return sample_graphs(self._model, np.arange(num_graphs), seed=seed).graphs

    def parameters(self) -> dict[str, Any]:
        """Config, what was taken from the data, optimiser steps and number of weights.

        Raises:
            InputError: not fitted.
        """
        fitted = self._fitted()
        return {
            "config": fitted.config.to_dict(),
            "facts": fitted.facts.to_dict(),
            "steps": fitted.step,
            "num_weights": sum(value.numel() for value in fitted.weights.values()),
        }

    def save(self, path: Path | str) -> None:
        """Write a JSON file and a checkpoint in a folder beside it, NAME.checkpoints.

        Raises:
            InputError: not fitted.
        """
        target = Path(path)
        checkpoint = save_checkpoint(self._fitted(), target.with_suffix(".checkpoints"), keep=1)
        state = {"checkpoint": str(checkpoint.relative_to(target.parent))}
        write_saved(target, self.model, {"config": self.config.to_dict()}, state)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Restore what `save` wrote.

        Raises:
            InputError: the file is no saved generator of this model, or its checkpoint is damaged.
        """
        options, state = read_saved(path, cls.model)
        generator = cls(Config.from_dict(options["config"]))
        generator._set(load_checkpoint(Path(path).parent / state["checkpoint"]))
        return generator

    def _fitted(self) -> Checkpoint:
        if self._checkpoint is None:
            msg = f"{self.model} must be fitted before it samples or is saved; call fit(graphs, seed=...) first"
            raise InputError(msg)
        return self._checkpoint

    def _set(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._model = checkpoint.build_model()


class GraphRNNS(GraphRNN):
    """GraphRNN-S: the edge level is a multilayer perceptron of independent Bernoullis."""

    model = "graphrnn-s"
    head = "mlp"


class GraphRNNC(GraphRNN):
    """GraphRNN-C: every edge decision sees the graph that was built so far."""

    model = "graphrnn-c"
    head = "context"
    preset = "graphrnn-c"
