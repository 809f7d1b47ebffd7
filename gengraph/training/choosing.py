"""Which model suits graphs: those that may are trained for a short while, and what they draw is compared.

No test graph is looked at: the reference is the training and validation graphs together. In so short a time nothing is learnt
by heart, which the comparison would not see.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.errors import InputError, TrainingFailed
from gengraph.graphs import GraphSet
from gengraph.models.family import Facts, Family
from gengraph.models.registry import LEARNED
from gengraph.training.config import Config, usual_config
from gengraph.training.trainer import Trainer, prepare_graphs

if TYPE_CHECKING:
    from gengraph.training.checkpoint import Checkpoint

MOST_SAMPLES, LEAST_SAMPLES = 256, 64
PROTOCOL = "tv"
_LEAST_FLOOR = 1e-5  # of a statistic that all graphs share, as the clustering of trees: it must not outweigh the others

Draw = Callable[[Any, int], GraphSet]
"""So many graphs of a trained model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A model that was tried.

    Attributes:
        model: its name in the registry.
        why: what speaks for it, by its family.
        ratios: of each statistic squared MMD over what more real graphs would get, at least 1: below, chance decides. None of
            the only model that may suit, which need not be tried.
        distance: their geometric mean; None where nothing was tried.
        steps: that it was trained for.
    """

    model: str
    why: str
    ratios: Mapping[str, float]
    distance: float | None
    steps: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A model that may suit, with its config, the graphs as its family sees them, and what that takes from them."""

    model: str
    why: str
    config: Config
    graphs: GraphSet
    facts: Facts


def candidates(graphs: GraphSet, dataset: str = "") -> Iterator[tuple[str, str]]:
    """The learned models that may suit graphs, and what speaks for each, by what their families find in the graphs."""
    return ((found.model, found.why) for found in _prepared(graphs, dataset))


def try_models(
    train: GraphSet, validation: GraphSet, draw: Draw, *, length: Mapping[str, Any], dataset: str = "", seed: int = 0
) -> Iterator[Trial]:
    """Train each candidate for a while, in one process, and judge what it draws; one that diverges is left out.

    Where there is one candidate alone nothing is trained.

    Args:
        train: to learn from.
        validation: added to these as the reference.
        draw: draws graphs of a trained model.
        length: fields of [training] that say for how long each is trained.
        dataset: whose presets are taken.
        seed: of everything random.
    """
    prepared = list(_prepared(train, dataset, **length, seed=seed))
    if len(prepared) == 1:
        yield Trial(model=prepared[0].model, why=prepared[0].why, ratios={}, distance=None, steps=0)
        return
    for found in prepared:
        try:
            made = _train(found, validation)
        except TrainingFailed:
            continue
        ratios = floor_ratios(GraphSet.concatenate([train, validation]), draw(made.build_model(), num_samples(train)))
        yield Trial(model=found.model, why=found.why, ratios=ratios, distance=mean_ratio(ratios), steps=made.step)


def best_trial(trials: list[Trial]) -> Trial:
    """The trial of the least distance; among those within a tenth of it the first, and the only one where there is one.

    Raises:
        InputError: no model took the graphs.
    """
    if not trials:
        msg = "no model could be trained on these graphs in the time it was given; name one, or give more time"
        raise InputError(msg)
    distances = [trial.distance or 0.0 for trial in trials]
    return next(trial for trial, distance in zip(trials, distances, strict=True) if distance <= 1.1 * min(distances))


def _prepared(graphs: GraphSet, dataset: str, **training: Any) -> Iterator[_Candidate]:
    for model in LEARNED:
        config = usual_config(model, dataset).trained(**training)
        if type(config.own_family).suits is Family.suits:
            continue  # it says of no graphs that it suits them; to prepare them could take long
        try:
            chosen, facts = prepare_graphs(graphs, config)
        except InputError:
            continue  # its family cannot say these graphs
        why = config.own_family.suits(config.model, facts)
        if why:
            yield _Candidate(model, why, config, chosen, facts)


def _train(found: _Candidate, validation: GraphSet) -> "Checkpoint":
    held_out, kept = found.config.own_family.select(validation, found.config.model), list["Checkpoint"]()
    for config in (found.config.trained(steps=1), found.config):  # the first compiles what is not compiled yet
        Trainer(config, found.facts, found.graphs, held_out).run(lambda metrics: None, kept.append)
    return kept[-1]


def num_samples(train: GraphSet) -> int:
    """How many samples a model is judged by."""
    return min(MOST_SAMPLES, max(LEAST_SAMPLES, len(train)))


def floor_ratios(reference: GraphSet, samples: GraphSet, train: GraphSet | None = None) -> dict[str, float]:
    """Squared MMD to a reference by statistic over its floor, at least 1: below, chance decides.

    Args:
        reference: real graphs.
        samples: to judge.
        train: whose squared MMD to the reference is the floor; None estimates what more real graphs would get.
    """
    from gengraph.metrics import evaluate

    found = evaluate(_some(reference), samples, PROTOCOL, train=None if train is None else _some(train)).metrics
    floors = {name: max(metric.floor, _LEAST_FLOOR) for name, metric in found.items()}
    return {name: max(metric.mmd2, floors[name]) / floors[name] for name, metric in found.items()}


def mean_ratio(ratios: Mapping[str, float]) -> float:
    """The geometric mean of ratios to the floor."""
    return float(np.exp(np.mean(np.log([*ratios.values()]))))


def _some(graphs: GraphSet) -> GraphSet:
    return graphs[np.linspace(0, len(graphs) - 1, min(len(graphs), MOST_SAMPLES)).astype(np.int64)]
