"""The config of a command that trains: what --model, --config and --set say."""

from typing import TYPE_CHECKING

from gengraph.errors import InputError
from gengraph.models.registry import LEARNED, family_of, offered_models

if TYPE_CHECKING:
    from gengraph.training.config import Config

_USUAL = ("graphrnn", "maps", "trees", "blocks", "graphrnn-c")


def configure(name: str | None, model: str | None, dataset: str | None, assignments: list[str] | None) -> "Config":
    """The config that is asked for.

    Args:
        name: of a preset or a file; None takes what the model is usually trained with on the data set.
        model: None takes what the config says; where there is none, what a preset was made of for the data set, or graphrnn.
        dataset: name or path.
        assignments: fields that are set.

    Raises:
        InputError: an unknown or untrained model, no such config, one of another model, or a field that cannot be set so.
    """
    if model is not None:
        check_learned(model)
    from gengraph.training.config import load_config, usual_config

    config = usual_config(model or _usual_model(dataset or ""), dataset or "") if name is None else load_config(name)
    config = config.replace(assignments or [])
    if model is not None and config.model_name != model:
        said = "--set" if name is None else f"--config {name}"
        msg = f"{said} makes a {config.model_name}, and --model asks for a {model}; {_way_out(config, model)}"
        raise InputError(msg)
    return config


def _usual_model(dataset: str) -> str:
    """The first that has a preset for the data set."""
    from gengraph.training.config import preset_for

    made = (name for name in _USUAL if preset_for(name, dataset) == f"{name}/{dataset.partition(':')[0]}")
    return next(made, _USUAL[0])


def check_learned(model: str) -> None:
    """Whether a model is one that is trained.

    Raises:
        InputError: it is unknown, or has nothing to train.
    """
    from gengraph.generators import GENERATORS

    if family_of(model) is not None:
        return
    known = ", ".join([*LEARNED, *(name for name in offered_models() if family_of(name) is not None)])
    if model not in GENERATORS:
        msg = f"unknown model {model!r}; choose from {known}"
        raise InputError(msg)
    msg = (
        f"--model must be one that is trained ({known}), got {model}, which is fitted in closed form: it has no settings, and "
        f"`gengraph sample --model {model} --dataset DATASET` fits it and samples from it"
    )
    raise InputError(msg)


def _way_out(config: "Config", model: str) -> str:
    """How a config that is of another model can be made one of this."""
    from gengraph.schema import flat
    from gengraph.training.config import preset_for, usual_config

    wanted = usual_config(model)
    here, there = flat(config.to_dict()), flat(wanted.to_dict())
    kinds = [f"--set {name}={kind}" for name, kind in there.items() if name.endswith(".kind") and here.get(name) != kind]
    others = f"leave --model out, or choose another --config ({preset_for(model) or 'a file'})"
    return f"use {' '.join(kinds)}, {others}" if kinds and wanted.family == config.family else others
