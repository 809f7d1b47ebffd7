"""What is trained and how: the config of a run, its TOML form, and the presets in configs/.

    family = "graphrnn"      # whose network it is
    [model]                  # the family's own fields (gengraph/models/FAMILY/config.py)
    [training]               # how it is trained (TrainingConfig)
    [labels]                 # the network that labels nodes and edges, where the data have labels (LabellingConfig)

`load_config("graphrnn/paper")` reads a preset, a path a file of the same form. Every field can be set by its dotted name,
`model.hidden_size=64` say. A file that names no family is one of gengraph 0.1.0, which knew GraphRNN alone.
"""

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import tomli_w

from gengraph.errors import InputError
from gengraph.files import read_text
from gengraph.models.family import Facts, Family, labels_of
from gengraph.models.labelling.config import LabellingConfig
from gengraph.models.registry import find_family
from gengraph.schema import assign, at_least, build, check, kinds_first, parse_assignments, to_tables, within

PRESETS = Path(__file__).parents[1] / "configs"
_DEFAULT = "default"
_USUAL_LABELS = LabellingConfig()
_FORMER = "graphrnn"  # the family of configs that name none


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """How the model is trained; either `steps` or `budget` says for how long.

    Attributes:
        batch_size: graphs a step, over all workers together.
        accumulate: parts that a worker's share of a batch is computed in, one after the other: less memory, the same gradient.
        optimizer: adam or adamw.
        learning_rate: of the optimiser, before the schedule.
        beta1: decay of the gradient's average, in [0, 1).
        beta2: decay of the squared gradient's average, in [0, 1).
        weight_decay: of adamw, on matrices; 0 for none.
        schedule: cosine (to zero at the end), milestones (x 0.3 after 13% and 33%, the 2018 schedule) or constant.
        warmup: share of the training, in [0, 1), over which the learning rate rises from zero.
        clip_norm: largest norm of the gradient, 0 for no bound.
        precision: float32, or tf32: on a GPU, gradients from products of matrices whose factors are rounded to 10 bits.
        ema: decay of a moving average of the weights, in [0, 1), which is then evaluated and sampled from; 0 for none.
        steps: optimiser steps; None trains by budget.
        budget: seconds of training by the clock.
        clock: what counts the budget and drives the schedule: wall, or cpu (of all threads of the process, of rank 0 if there
            are several), which other programs on the machine do not use up.
        evaluations: how often the validation loss is measured, evenly over the training.
        mmd_every: every so many evaluations as many graphs as the validation part has are sampled, and their squared MMD
            (protocol emd: degree, clustering, orbit) to it is measured; 0 for never.
        select: what makes a checkpoint the best one: loss (on the validation part) or mmd (the mean of the three).
        patience: evaluations in a row that may bring nothing better before training stops early; 0 never stops early.
        checkpoint_every: seconds of wall time between checkpoints; there is always one at the end and at the best evaluation.
        seed: of the weights, the batches and the orderings.
    """

    batch_size: int = 4
    accumulate: int = 1
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 0.006
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    schedule: Literal["cosine", "milestones", "constant"] = "cosine"
    warmup: float = 0.0
    clip_norm: float = 1.0
    precision: Literal["float32", "tf32"] = "float32"
    ema: float = 0.0
    steps: int | None = None
    budget: float = 600.0
    clock: Literal["wall", "cpu"] = "wall"
    evaluations: int = 10
    mmd_every: int = 0
    select: Literal["loss", "mmd"] = "loss"
    patience: int = 0
    checkpoint_every: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(1, "training", self, "batch_size", "accumulate", "steps", "evaluations")
        at_least(0, "training", self, "mmd_every", "patience")
        within("[0, 1)", "training", self, "beta1", "beta2", "warmup", "ema")
        within("[0, inf)", "training", self, "clip_norm", "weight_decay")
        within("(0, inf)", "training", self, "learning_rate", "budget", "checkpoint_every")
        check(0 <= self.seed < 2**63, f"training.seed must be in 0..2^63-1, got {self.seed}")
        check(
            self.optimizer == "adamw" or not self.weight_decay,
            f"training.weight_decay is for adamw, got {self.weight_decay}; set training.optimizer = adamw",
        )
        check(
            self.select == "loss" or self.mmd_every >= 1,
            "training.select = mmd needs evaluations that measure it; set training.mmd_every = 1",
        )
        check(
            self.mmd_every <= self.evaluations,
            f"training.mmd_every must be <= training.evaluations, or none of these measures the MMD, got {self.mmd_every} and "
            f"{self.evaluations}; set training.mmd_every = {self.evaluations}",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """Everything that defines a training run besides its data.

    Attributes:
        family: whose network it is, a name in the registry.
        model: an instance of the family's config; None takes its defaults.
        training: how the model is trained.
        labels: the network that labels nodes and edges, where the data have labels.
    """

    family: str = _FORMER
    model: Any = None
    training: TrainingConfig = TrainingConfig()
    labels: LabellingConfig = _USUAL_LABELS

    def __post_init__(self) -> None:
        kind = find_family(self.family).config
        if self.model is None:
            object.__setattr__(self, "model", kind())
        check(isinstance(self.model, kind), f"model must be a {kind.__name__} for family {self.family}, got {self.model!r}")
        build(kind, to_tables(self.model), "model.")  # a dataclass does not look at the types of its fields
        build(TrainingConfig, to_tables(self.training), "training.")
        build(LabellingConfig, to_tables(self.labels), "labels.")

    @property
    def own_family(self) -> Family:
        """The family that it names."""
        return find_family(self.family)

    @property
    def model_name(self) -> str:
        """The name of the model in the registry."""
        return self.own_family.model_name(self.model)

    def describe(self, facts: Facts) -> dict[str, str]:
        """What people should know of a model, by name: what its family says, and its labels."""
        described = self.own_family.describe(self.model, facts)
        labels = labels_of(facts)
        return {**described, "labels": str(labels)} if labels else described

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from nested tables; what is left out takes its default.

        Raises:
            InputError: an unknown family, section or field, a value of the wrong type or out of range.
        """
        check(isinstance(values, Mapping), f"the config must be a table of sections, got {values!r}")
        tables = dict(values)
        name = tables.pop("family", _FORMER)
        check(isinstance(name, str), f"family must be a name, got {name!r}")
        family = find_family(name)
        if "family" not in values:
            tables = family.upgrade(tables)
        unknown = set(tables) - {"model", "training", "labels"}
        check(not unknown, f"unknown section {', '.join(sorted(unknown))}; a config has family, model, training and labels")
        return cls(
            family=name,
            model=build(family.config, tables.get("model", {}), "model."),
            training=build(TrainingConfig, tables.get("training", {}), "training."),
            labels=build(LabellingConfig, tables.get("labels", {}), "labels."),
        )

    def to_dict(self) -> dict[str, Any]:
        """Nested tables; fields that are None are left out, as TOML has no null, and labels where they are the usual ones."""
        tables = {"family": self.family, "model": to_tables(self.model), "training": to_tables(self.training)}
        return tables if self.labels == _USUAL_LABELS else {**tables, "labels": to_tables(self.labels)}

    def to_toml(self) -> str:
        """The form that `load_config` reads."""
        return tomli_w.dumps(self.to_dict())

    def replace(self, assignments: Iterable[str]) -> Self:
        """A copy with fields set, each assignment of the form `model.hidden_size=64`.

        Raises:
            InputError: not of that form, an unknown field, or a value that its field does not take.
        """
        return self.with_values(parse_assignments(assignments))

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """A copy with values by dotted name, in any order; a table is laid over what is there.

        Raises:
            InputError: an unknown field, or a value that its field does not take.
        """
        tables = self.to_dict()
        for name, value in kinds_first(values).items():
            assign(tables, name, value)
        return type(self).from_dict(tables)

    def trained(self, **changes: Any) -> Self:
        """A copy with other fields of its section training."""
        return dataclasses.replace(self, training=dataclasses.replace(self.training, **changes))


def presets() -> list[str]:
    """The names of the presets, `graphrnn/default` and `graphrnn-c/grid` say."""
    return sorted(file.relative_to(PRESETS).with_suffix("").as_posix() for file in PRESETS.rglob("*.toml"))


def _near(name: str) -> list[str]:
    """Presets that are of a family or for a data set of this name, else those that are spelled much like it."""
    found = [preset for preset in presets() if name in preset.split("/")]
    return found or difflib.get_close_matches(name, presets(), n=3)


def load_config(name_or_path: str | Path) -> Config:
    """Read a preset by its name, or a TOML file.

    Raises:
        InputError: neither exists, or the file is not TOML of the form that Config has.
    """
    preset = PRESETS / f"{name_or_path}.toml"
    path = preset if preset.is_file() else Path(name_or_path)
    if not path.is_file():
        near = _near(str(name_or_path))
        families = sorted({preset.partition("/")[0] for preset in presets()})
        what = f"did you mean {' or '.join(near)}?" if near else f"each of {', '.join(families)} has one, NAME/default"
        msg = f"no config {str(name_or_path)!r}: neither a preset nor a file; {what}"
        raise InputError(msg)
    try:
        return Config.from_dict(tomllib.loads(read_text(path)))
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not TOML: {error}"
        raise InputError(msg) from error


def preset_for(model: str, dataset: str = "") -> str | None:
    """The name of the preset that a model is trained with on a data set: MODEL/DATASET, else MODEL/default; None without."""
    names = (f"{model}/{dataset.partition(':')[0]}", f"{model}/{_DEFAULT}")
    return next((name for name in names if (PRESETS / f"{name}.toml").is_file()), None)


def usual_config(model: str, dataset: str = "") -> Config:
    """The config that a learned model is trained with where none is given: its preset, else its family's defaults."""
    preset = preset_for(model, dataset)
    return Config(family=model) if preset is None else load_config(preset)


def present_name(metric: str) -> str:
    """The name of a reported number, which gengraph 0.1.0 may have called otherwise: losses were nll."""
    for prefix in ("validation_nll", "nll"):
        if metric == prefix or metric.startswith(f"{prefix}_per_"):
            return metric.replace("nll", "loss", 1)
    return metric
