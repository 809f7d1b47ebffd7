"""GraphRNN as a graph generator: fit trains a model in this process, sample draws from it."""

import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from gengraph.checkpoint import Checkpoint
from gengraph.config import Config, load_config
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.sampling import sample_graphs
from gengraph.training import Trainer, prepare_graphs

if TYPE_CHECKING:
    from gengraph.models.graphrnn import GraphRNNModel

_log = logging.getLogger(__name__)


class GraphRNN:
    """GraphRNN: a node-level and an edge-level recurrent network (You et al., ICML 2018).

    Args:
        config: a Config; by default the preset `default`. The paper's recipe is `load_config("paper")`.
        report: called with a dict of metrics while training, about twice a second.
    """

    head = "rnn"

    def __init__(self, config: Config | None = None, *, report: Callable[[dict[str, Any]], None] | None = None) -> None:
        chosen = config or load_config("default")
        self.config = dataclasses.replace(chosen, model=dataclasses.replace(chosen.model, head=self.head))
        self._report = report or (lambda _metrics: None)
        self._checkpoint: Checkpoint | None = None
        self._model: GraphRNNModel | None = None

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Self:
        """A fitted generator from a checkpoint of a training run."""
        generator = cls(checkpoint.config)
        generator._set(checkpoint)
        return generator

    def fit(self, graphs: GraphSet, *, seed: int, budget: float | None = None) -> Self:
        """Train on graphs; `budget` seconds override the config's steps or budget.

        Raises:
            InputError: graphs that this config cannot learn (none, without nodes, or disconnected under stop = zero_row).
        """
        changes: dict[str, Any] = {"seed": seed}
        if budget is not None:
            changes |= {"steps": None, "budget": budget}
        config = dataclasses.replace(self.config, training=dataclasses.replace(self.config.training, **changes))
        prepared, facts, bandwidth = prepare_graphs(graphs, config)
        _log.info("%s", bandwidth)
        trainer = Trainer(config, facts, prepared, GraphSet.empty())
        trainer.run(self._report, self._set)
        return self

    def sample(self, num_graphs: int, *, seed: int) -> GraphSet:
        """Sample graphs, all components kept, cut at twice the largest training graph.

        Raises:
            InputError: not fitted.
        """
        if self._model is None:
            msg = "fit must be called before sample"
            raise InputError(msg)
        return sample_graphs(self._model, np.arange(num_graphs), seed=seed).graphs

    def parameters(self) -> dict[str, Any]:
        """Config, what was taken from the data, optimiser steps and number of weights."""
        if self._checkpoint is None:
            return {"config": self.config.to_dict()}
        return {
            "config": self._checkpoint.config.to_dict(),
            "facts": self._checkpoint.facts.to_dict(),
            "steps": self._checkpoint.step,
            "num_weights": sum(value.numel() for value in self._checkpoint.weights.values()),
        }

    def _set(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._model = checkpoint.build_model()


class GraphRNNS(GraphRNN):
    """GraphRNN-S: the edge level is a multilayer perceptron of independent Bernoullis."""

    head = "mlp"
