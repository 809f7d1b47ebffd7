"""Which model suits graphs: those that may are trained for a short while, and what they draw is compared.

No test graph is looked at: the reference is the training and validation graphs together. In so short a time nothing is learnt
by heart, which the comparison would not see.

What is closest early need not stay so: models learn at different speeds. Where two models are near each other, what was closest
of each is trained on to three times the length, and the line through its two distances, both axes logarithmic, says what it
would reach in the training that follows: losses of networks fall about like powers of what they have been trained with [1].

References:
    1. J. Hestness et al. Deep learning scaling is predictable, empirically. arXiv:1712.00409, 2017.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.errors import InputError, TrainingFailed
from gengraph.graphs import GraphSet
from gengraph.metrics import DescribedSet, evaluate
from gengraph.models.family import Facts, Family
from gengraph.models.registry import LEARNED
from gengraph.training.config import Config, usual_config
from gengraph.training.trainer import Trainer, prepare_graphs

if TYPE_CHECKING:
    from gengraph.training.checkpoint import Checkpoint

MOST_SAMPLES, LEAST_SAMPLES = 256, 64
PROTOCOL = "tv"
_FURTHEST = 10.0  # times as long as a trial, up to which distances are followed
_LONGER = 3.0  # times as long the two closest models are, if they differ by less than this factor:
_NEAR = 2.5
_ALIKE = 1.1  # distances that differ by less than this factor make no difference
_LEAST_FLOOR = 1e-5  # of a statistic that all graphs share, as the clustering of trees: it must not outweigh the others

Draw = Callable[[Any, int], GraphSet]
"""So many graphs of a trained model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A model that was tried.

    Attributes:
        model: its name in the registry.
        why: what speaks for it, by its family.
        settings: fields of [model] that differ from its usual config, by name.
        ratios: of each statistic squared MMD over what more real graphs would get, at least 1: below, chance decides. None of
            the only model that may suit, which need not be tried.
        distance: their geometric mean; None where nothing was tried.
        steps: that it was trained for.
        expected: of one that was trained on, the distance after the training that follows.
    """

    model: str
    why: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    ratios: Mapping[str, float]
    distance: float | None
    steps: int
    expected: float | None = None

    @property
    def name(self) -> str:
        """The model and what is set of it."""
        return " ".join([self.model, *(f"{name}={value}" for name, value in self.settings.items())])


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A model that may suit, with its config, the graphs as its family sees them, and what that takes from them."""

    model: str
    why: str
    settings: Mapping[str, Any]
    config: Config
    graphs: GraphSet
    facts: Facts


def candidates(graphs: GraphSet, dataset: str = "") -> Iterator[tuple[str, str]]:
    """The learned models that may suit graphs, and what speaks for each, by what their families find in the graphs."""
    return ((model, why) for model, why, *_ in _suitable(graphs, dataset))


def try_models(
    train: GraphSet,
    validation: GraphSet,
    draw: Draw,
    *,
    length: Mapping[str, Any],
    times: float = 10.0,
    dataset: str = "",
    seed: int = 0,
) -> Iterator[Trial]:
    """Train each candidate for a while, in one process, and judge what it draws; one that diverges is left out.

    Where there is one candidate alone nothing is trained. Those that were trained on are yielded again.

    Args:
        train: to learn from.
        validation: added to these as the reference.
        draw: draws graphs of a trained model.
        length: fields of [training] that say for how long each is trained.
        times: as long is the training that follows; what is expected is that after ten times at most, as noise grows with it.
        dataset: whose presets are taken.
        seed: of everything random.
    """
    prepared = [one for found in _suitable(train, dataset, **length, seed=seed) for one in _variants(*found, train)]
    if len(prepared) == 1:
        yield Trial(model=prepared[0].model, why=prepared[0].why, ratios={}, distance=None, steps=0)
        return
    reference = DescribedSet(_some(GraphSet.concatenate([train, validation])))
    closest: dict[str, tuple[float, int, Checkpoint]] = {}
    for number, found in enumerate(prepared):
        try:
            made = _train(found, validation)
        except TrainingFailed:
            continue
        trial = _judged(found, made, reference, draw(made.build_model(), num_samples(train)))
        own = mean_ratio(trial.ratios), number, made
        closest[found.model] = min(own, closest.get(found.model, own), key=lambda one: one[:2])
        yield trial
    last = sorted(closest.values(), key=lambda one: one[:2])[:2]
    if len(last) < 2 or last[1][0] > _NEAR * last[0][0] or times <= _LONGER:
        return
    try:
        longer = [(prepared[number], _train_on(prepared[number], begun, validation)) for _, number, begun in last]
    except TrainingFailed:
        return  # the first trials decide
    for (found, made), (distance, _, _) in sorted(zip(longer, last, strict=True), key=lambda pair: pair[1][1]):
        trial = _judged(found, made, reference, draw(made.build_model(), num_samples(train)))
        yield replace(trial, expected=_expected(distance, mean_ratio(trial.ratios), times))


def best_trial(trials: list[Trial]) -> Trial:
    """The trial of the least distance to be expected; among those within a tenth of it the first, the only one if there is one.

    Raises:
        InputError: no model took the graphs.
    """
    if not trials:
        msg = "no model could be trained on these graphs in the time it was given; name one, or give more time"
        raise InputError(msg)
    last = [trial for trial in trials if trial.expected is not None] or trials
    distances = [trial.expected or trial.distance or 0.0 for trial in last]
    return next(trial for trial, distance in zip(last, distances, strict=True) if distance <= _ALIKE * min(distances))


def _suitable(graphs: GraphSet, dataset: str, **training: Any) -> Iterator[tuple[str, str, Config, GraphSet, Facts]]:
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
            yield model, why, config, chosen, facts


def _variants(model: str, why: str, config: Config, chosen: GraphSet, facts: Facts, graphs: GraphSet) -> Iterator[_Candidate]:
    for settings in config.own_family.variants(config.model, facts):
        other = config.with_values(settings)
        own = prepare_graphs(graphs, other) if settings else (chosen, facts)
        yield _Candidate(model, why, settings, other, *own)


def _train(found: _Candidate, validation: GraphSet) -> "Checkpoint":
    for config in (found.config.trained(steps=1), found.config):  # the first compiles what is not compiled yet
        made = _run(replace(found, config=config), validation)
    return made


def _train_on(found: _Candidate, made: "Checkpoint", validation: GraphSet) -> "Checkpoint":
    training = found.config.training
    longer = {"budget": _LONGER * training.budget} if training.steps is None else {"steps": round(_LONGER * training.steps)}
    return _run(replace(found, config=found.config.trained(**longer)), validation, made)


def _run(found: _Candidate, validation: GraphSet, begun: "Checkpoint | None" = None) -> "Checkpoint":
    held_out, kept = found.config.own_family.select(validation, found.config.model), list["Checkpoint"]()
    trainer = Trainer(found.config, found.facts, found.graphs, held_out)
    if begun is not None:
        trainer.load(begun)
    trainer.run(lambda metrics: None, kept.append)
    return kept[-1]


def _judged(found: _Candidate, made: "Checkpoint", reference: DescribedSet, samples: GraphSet) -> Trial:
    ratios = floor_ratios(reference, samples)
    distance = mean_ratio(ratios)
    return Trial(model=found.model, why=found.why, settings=found.settings, ratios=ratios, distance=distance, steps=made.step)


def _expected(short: float, longer: float, times: float) -> float:
    """The distance >= 1 after a training, by those after trials that were so many times as short, and _LONGER times less."""
    power = math.log(min(times, _FURTHEST) / _LONGER, _LONGER)
    return float(max(1.0, longer * min(1.0, longer / short) ** power))


def num_samples(train: GraphSet) -> int:
    """How many samples a model is judged by."""
    return min(MOST_SAMPLES, max(LEAST_SAMPLES, len(train)))


def floor_ratios(reference: GraphSet | DescribedSet, samples: GraphSet, train: GraphSet | None = None) -> dict[str, float]:
    """Squared MMD to a reference by statistic over its floor, at least 1: below, chance decides.

    Args:
        reference: real graphs, of many some; described ones all, whose statistics are kept for the next samples.
        samples: to judge.
        train: whose squared MMD to the reference is the floor; None estimates what more real graphs would get.
    """
    known = reference if isinstance(reference, DescribedSet) else _some(reference)
    found = evaluate(known, samples, PROTOCOL, train=None if train is None else _some(train)).metrics
    floors = {name: max(metric.floor, _LEAST_FLOOR) for name, metric in found.items()}
    return {name: max(metric.mmd2, floors[name]) / floors[name] for name, metric in found.items()}


def mean_ratio(ratios: Mapping[str, float]) -> float:
    """The geometric mean of ratios to the floor."""
    return float(np.exp(np.mean(np.log([*ratios.values()]))))


def _some(graphs: GraphSet) -> GraphSet:
    return graphs[np.linspace(0, len(graphs) - 1, min(len(graphs), MOST_SAMPLES)).astype(np.int64)]
