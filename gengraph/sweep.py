"""Sweeps over configurations: the space, seeded random trials, and one trial as a pure function."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gengraph.config import Config
from gengraph.data import Split
from gengraph.streams import Stream


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values, each as likely."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LogUniform:
    """A number between two bounds whose logarithm is uniform."""

    low: float
    high: float


SPACE: Mapping[str, Choice | LogUniform] = {
    "training.learning_rate": LogUniform(1e-3, 1e-2),
    "training.batch_size": Choice((2, 4, 8, 16)),
    "model.hidden_size": Choice((64, 128, 256)),
    "model.edge_hidden_size": Choice((16, 32)),
    "model.edge_num_layers": Choice((1, 2, 4)),
    "sequence.ordering": Choice(("cm", "bfs")),
}


def draw_assignments(seed: int, trial: int) -> dict[str, Any]:
    """The settings of one trial of a random search, from (seed, trial) alone."""
    uniforms = Stream(seed, trial).uniforms(len(SPACE))
    drawn: dict[str, Any] = {}
    for (name, part), uniform in zip(SPACE.items(), uniforms, strict=True):
        if isinstance(part, Choice):
            drawn[name] = part.values[int(uniform * len(part.values))]
        else:
            drawn[name] = round(part.low * math.exp(uniform * math.log(part.high / part.low)), 6)
    return drawn


def apply_assignments(config: Config, assignments: Mapping[str, Any]) -> Config:
    """The configuration with the settings of a trial."""
    return config.replace(f"{name}={value}" for name, value in assignments.items())


def run_trial(config: Config, split: Split, report: Callable[[dict[str, Any]], None]) -> None:
    """Train on the training part; report is called with every validation loss (keys validation_nll, step, seconds).

    Raises:
        InputError: the graphs cannot be learned with this configuration.
        TrainingDiverged: the loss is not finite any more.
    """
    from gengraph.training import Trainer, prepare_graphs, prepare_part

    train, facts, _ = prepare_graphs(split.train, config)
    trainer = Trainer(config, facts, train, prepare_part(split.validation, config))

    def filter_report(metrics: dict[str, Any]) -> None:
        if "validation_nll" in metrics:
            report({name: metrics[name] for name in ("validation_nll", "step", "seconds")})

    trainer.run(filter_report, lambda _checkpoint: None)
