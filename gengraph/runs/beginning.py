"""A run that begins with the weights of a model that was trained on other graphs: what of that model stays, and what must fit.

Sizes and whatever else the graphs say are theirs; how wide the network is stays that model's.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengraph.data import Split
from gengraph.errors import InputError
from gengraph.files import write_tensors
from gengraph.models.family import Facts, labels_of
from gengraph.training.config import Config

if TYPE_CHECKING:
    from torch import Tensor

    from gengraph.training.checkpoint import Checkpoint

BEGINNING = "begin.safetensors"
_NEW = "train a new model"


def in_labels_of(before: "Checkpoint", split: Split) -> Split:
    """The parts with their labels by the numbers that the model knows them by.

    Raises:
        InputError: the graphs have a label that it does not know, or only one of the two has labels.
    """
    schema = labels_of(before.facts)
    try:
        parts = {name: getattr(split, name).relabelled(schema) for name in ("train", "validation", "test")}
    except InputError as error:
        msg = f"graphs must have the labels of the model that training begins with ({schema or 'none'}): {error}; or {_NEW}"
        raise InputError(msg) from error
    return replace(split, **parts)


def facts_beginning(config: Config, facts: Facts, before: "Checkpoint") -> Facts:
    """The facts of new training graphs, with the widths of the network that training begins with.

    Raises:
        InputError: the graphs need a wider network, or the weights do not fit the config.
    """
    from gengraph.training.checkpoint import build_model, load_weights

    for name in config.own_family.widths:
        if facts[name] > before.facts[name]:
            msg = (
                f"{name} of these graphs must be <= {before.facts[name]}, as wide as the model that training begins with was "
                f"made, got {facts[name]}; begin with a wider one, or {_NEW}"
            )
            raise InputError(msg)
    kept = facts | {name: before.facts[name] for name in config.own_family.widths}
    try:
        load_weights(build_model(config, kept), before.weights)
    except InputError as error:
        why = str(error).partition("(")[2].rpartition(")")[0]
        msg = (
            f"the weights that training begins with must fit its config and graphs, got {why}; leave model as it was, or {_NEW}"
        )
        raise InputError(msg) from error
    return kept


def write_beginning(folder: Path, before: "Checkpoint") -> None:
    """Keep in a run's folder the weights that its training begins with."""
    write_tensors(folder / BEGINNING, before.weights)


def read_beginning(folder: Path, about: dict[str, Any]) -> "dict[str, Tensor] | None":
    """The weights that a run's training begins with; None where they are drawn.

    Args:
        folder: of the run.
        about: the content of run.json.

    Raises:
        InputError: they are missing or damaged.
    """
    if "begun_with" not in about:
        return None
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(folder / BEGINNING)
    except (OSError, SafetensorError) as error:
        msg = f"{folder / BEGINNING}, what this run begins with, is not whole ({error}); make the run again"
        raise InputError(msg) from error
