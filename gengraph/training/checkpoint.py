"""Checkpoints: folders with weights, optimiser state, configuration and counters; whole or not there, and no pickle.

    step-00001200/
      card.md                what this is, for people (`gengraph.training.card`)
      config.json            family, config and data facts: what the weights are the weights of
      checkpoint.json        format, gengraph version, step, seconds, metrics, which step was the best
      model.safetensors      weights to evaluate and sample with: averaged ones, if training averages them
      raw.safetensors        the weights that training goes on from, where model.safetensors holds averaged ones
      optimizer.safetensors  Adam's moments

The newest checkpoint says which is the best one; that one is never removed, nor is the one that the checkpoint before it calls
the best, from which a run goes on if the newest is damaged.

Reference:
    https://github.com/huggingface/safetensors: the format holds tensors and nothing that runs.
"""

import json
import math
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from gengraph.errors import InputError, NotEnoughResources
from gengraph.files import atomic_folder, write_json, write_tensors, write_text
from gengraph.models.family import Facts, labels_of
from gengraph.training.config import Config, present_name
from gengraph.training.optimizers import Adam
from gengraph.versions import OWN

FORMAT = 3
_READ = (2, 3)  # 2 is of gengraph 0.1.0: its config names no family, its losses are called nll


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The best evaluation so far.

    Attributes:
        score: the lowest of all, None before the first.
        step: at which it was reached.
        stale: evaluations since then, none of them better.
    """

    score: float | None = None
    step: int | None = None
    stale: int = 0

    def after(self, score: float, step: int) -> "Selection":
        """With one evaluation more; a score that is no number is not better than any."""
        if math.isfinite(score) and (self.score is None or score < self.score):
            return Selection(score=score, step=step)
        return replace(self, stale=self.stale + 1)


class DamagedCheckpoint(InputError):
    """A checkpoint that is not whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """All that training needs to go on, and sampling to start.

    Attributes:
        config: of the run.
        facts: what the model took from the training graphs.
        weights: the model's tensors by name, to evaluate and sample with.
        optimizer: Adam's tensors, named by parameter number and moment.
        step: optimiser steps done.
        raw_weights: the tensors that training goes on from, None where they are `weights`.
        wall_seconds: of training done.
        cpu_seconds: of training done, all threads of the process that wrote this.
        selection: the best evaluation so far.
        metrics: what was last known: loss, validation_loss, ...; and what the coding could not keep, cut_edges say.
    """

    config: Config
    facts: Facts
    weights: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    step: int
    raw_weights: dict[str, torch.Tensor] | None = None
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    selection: Selection = Selection()
    metrics: dict[str, float] = field(default_factory=dict)

    def build_model(self, device: str = "cpu") -> Any:
        """The model with these weights (`gengraph.models.family.GraphModel`) on cpu or cuda, for inference.

        Raises:
            InputError: the weights are of a model with other sizes.
            NotEnoughResources: there is no GPU here that torch can use.
        """
        where = find_device(device)
        model = build_model(self.config, self.facts)
        load_weights(model, self.weights)
        return model.to(where).eval()


def build_model(config: Config, facts: Facts) -> Any:
    """A model with fresh weights (`gengraph.models.family.GraphModel`), on the CPU."""
    family, schema = config.own_family, labels_of(facts)
    if not schema or "joint" in family.capabilities(config.model):
        return family.build(config.model, facts)
    structure = family.build(config.model, {name: fact for name, fact in facts.items() if name != "labels"})
    from gengraph.models.labelling.model import with_labels

    return with_labels(structure, config.labels, schema)


def find_device(name: str) -> torch.device:
    """The device cpu or cuda.

    Raises:
        NotEnoughResources: there is no GPU here that torch can use.
    """
    if name == "cuda" and not torch.cuda.is_available():
        msg = "torch finds no GPU here; use the CPU, or install a torch that was built for the GPU"
        raise NotEnoughResources(msg)
    return torch.device(name)


def load_weights(model: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Give a model weights.

    Raises:
        InputError: they are of a model with other sizes.
    """
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        msg = f"the checkpoint's weights do not fit its config ({str(error).splitlines()[-1].strip()}); train again"
        raise InputError(msg) from error


def save_checkpoint(checkpoint: Checkpoint, folder: Path, *, card: str, keep: int = 2) -> Path:
    """Write a checkpoint under folder, then remove all but the newest `keep` and those that they call the best.

    Args:
        checkpoint: what is written.
        folder: of the checkpoints.
        card: the model card (`gengraph.training.card.write_card`).
        keep: >= 1.

    Raises:
        OSError: it cannot be written; older checkpoints stay.
    """
    target = folder / _name(checkpoint.step)
    with atomic_folder(target, replace=True) as temporary:  # the same step again: the newer one may have another config
        write_tensors(temporary / "model.safetensors", checkpoint.weights)
        write_tensors(temporary / "optimizer.safetensors", checkpoint.optimizer)
        if checkpoint.raw_weights is not None:
            write_tensors(temporary / "raw.safetensors", checkpoint.raw_weights)
        for name, value in _records(checkpoint).items():
            write_json(temporary / name, value)
        write_text(temporary / "card.md", card)
    kept = checkpoints_in(folder)[-keep:]
    best = {_best_of(path) for path in kept}
    for path in {*checkpoints_in(folder), *folder.glob(".step-*.tmp")} - {*kept, *best}:
        shutil.rmtree(path)
    return target


def _records(checkpoint: Checkpoint) -> dict[str, dict[str, Any]]:
    """The JSON files of a checkpoint."""
    return {
        "config.json": {"config": checkpoint.config.to_dict(), "facts": checkpoint.facts},
        "checkpoint.json": {
            "format": FORMAT,
            "gengraph": OWN,
            "step": checkpoint.step,
            "averaged": checkpoint.raw_weights is not None,
            "wall_seconds": checkpoint.wall_seconds,
            "cpu_seconds": checkpoint.cpu_seconds,
            "selection": asdict(checkpoint.selection),
            "metrics": checkpoint.metrics,
        },
    }


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _best_of(path: Path) -> Path | None:
    """The checkpoint that one calls the best; None if there is none, or it cannot be read."""
    try:
        step = json.loads((path / "checkpoint.json").read_text(encoding="utf-8"))["selection"]["step"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if step is None else path.with_name(_name(step))


def checkpoints_in(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first."""
    return sorted(folder.glob("step-*"))


def best_checkpoint(newest: Path) -> Path | None:
    """The checkpoint that the newest one calls the best; None before the first evaluation.

    Raises:
        InputError: the newest checkpoint is damaged.
    """
    step = load_checkpoint(newest).selection.step
    return None if step is None else newest.with_name(_name(step))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint folder.

    Raises:
        DamagedCheckpoint: it is missing or damaged.
        InputError: it has a format that this version does not read.
    """
    try:
        values: dict[str, Any] = json.loads((path / "checkpoint.json").read_text(encoding="utf-8"))
        if values["format"] not in _READ:
            msg = (
                f"checkpoint {path} has format {values['format']} (gengraph {values.get('gengraph')}), this version "
                f"({OWN}) reads formats {' and '.join(map(str, _READ))}; use that version or train again"
            )
            raise InputError(msg)
        values |= json.loads((path / "config.json").read_text(encoding="utf-8"))
        return Checkpoint(
            config=Config.from_dict(values["config"]),
            facts=values["facts"],
            weights=load_file(path / "model.safetensors"),
            optimizer=load_file(path / "optimizer.safetensors"),
            step=values["step"],
            raw_weights=load_file(path / "raw.safetensors") if values["averaged"] else None,
            wall_seconds=values["wall_seconds"],
            cpu_seconds=values["cpu_seconds"],
            selection=Selection(**values["selection"]),
            metrics={present_name(name): value for name, value in values["metrics"].items()},
        )
    except (OSError, json.JSONDecodeError, KeyError, TypeError, SafetensorError) as error:
        msg = f"{path} is not a whole checkpoint ({type(error).__name__}: {error}); delete it to go on from the one before"
        raise DamagedCheckpoint(msg) from error


def optimizer_tensors(optimizer: Adam) -> dict[str, torch.Tensor]:
    """An optimiser's state as flat tensors, `NUMBER.MOMENT` by parameter."""
    state = optimizer.state_dict()["state"]
    return {f"{number}.{name}": value for number, values in state.items() for name, value in values.items()}


def load_optimizer(optimizer: Adam, tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `optimizer_tensors` took."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".")
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
