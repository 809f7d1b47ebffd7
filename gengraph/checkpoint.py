"""Checkpoints: folders with weights, optimiser state, configuration and counters; whole or not there, and no pickle.

    step-00001200/
      checkpoint.json        format, gengraph version, config, data facts, step, seconds
      model.safetensors      weights
      optimizer.safetensors  Adam's moments

Reference:
    https://github.com/huggingface/safetensors: the format holds tensors and nothing that runs.
"""

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

import gengraph
from gengraph.config import Config
from gengraph.errors import InputError
from gengraph.files import sync, write_json
from gengraph.models.graphrnn import DataFacts, GraphRNNModel

FORMAT = 1


class DamagedCheckpoint(InputError):
    """A checkpoint that is not whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """All that training needs to go on, and sampling to start.

    Attributes:
        config: of the run.
        facts: what the model took from the training graphs.
        weights: the model's tensors by name.
        optimizer: Adam's tensors, named by parameter number and moment.
        step: optimiser steps done.
        elapsed: seconds of training done.
    """

    config: Config
    facts: DataFacts
    weights: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    step: int
    elapsed: float

    def build_model(self) -> GraphRNNModel:
        """The model with these weights, on the CPU, for inference."""
        model = GraphRNNModel(self.config, self.facts)
        self.load_into(model)
        return model.eval()

    def load_into(self, model: GraphRNNModel) -> None:
        """Give a model these weights.

        Raises:
            InputError: they are of a model with other sizes.
        """
        try:
            model.load_state_dict(self.weights)
        except RuntimeError as error:
            msg = f"the checkpoint's weights do not fit its config ({str(error).splitlines()[-1].strip()}); train again"
            raise InputError(msg) from error


def save_checkpoint(checkpoint: Checkpoint, folder: Path, *, keep: int = 2) -> Path:
    """Write a checkpoint under folder, then remove all but the newest `keep`.

    Raises:
        OSError: it cannot be written; older checkpoints stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"step-{checkpoint.step:08d}"
    temporary = folder / f".{target.name}.{uuid.uuid4().hex}.tmp"
    try:
        temporary.mkdir()
        save_file(checkpoint.weights, temporary / "model.safetensors")
        save_file(checkpoint.optimizer, temporary / "optimizer.safetensors")
        facts = {
            "format": FORMAT,
            "gengraph": gengraph.__version__,
            "config": checkpoint.config.to_dict(),
            "facts": checkpoint.facts.to_dict(),
            "step": checkpoint.step,
            "elapsed": checkpoint.elapsed,
        }
        write_json(temporary / "checkpoint.json", facts)
        for file in temporary.iterdir():
            sync(file)
        if target.exists():  # the same step again: the newer one may have another config
            target.rename(folder / f".{target.name}.{uuid.uuid4().hex}.tmp")
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    for old in [*checkpoints_in(folder)[:-keep], *folder.glob(".step-*.tmp")]:
        shutil.rmtree(old)
    return target


def checkpoints_in(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first."""
    return sorted(folder.glob("step-*"))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint folder.

    Raises:
        DamagedCheckpoint: it is missing or damaged.
        InputError: it has a format that this version does not read.
    """
    try:
        values: dict[str, Any] = json.loads((path / "checkpoint.json").read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            msg = (
                f"checkpoint {path} has format {values['format']} (gengraph {values.get('gengraph')}), this version "
                f"({gengraph.__version__}) reads format {FORMAT}; use that version or train again"
            )
            raise InputError(msg)
        return Checkpoint(
            config=Config.from_dict(values["config"]),
            facts=DataFacts(**values["facts"]),
            weights=load_file(path / "model.safetensors"),
            optimizer=load_file(path / "optimizer.safetensors"),
            step=values["step"],
            elapsed=values["elapsed"],
        )
    except (OSError, json.JSONDecodeError, KeyError, TypeError, SafetensorError) as error:
        msg = f"{path} is not a whole checkpoint ({type(error).__name__}: {error}); delete it to go on from the one before"
        raise DamagedCheckpoint(msg) from error


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """An optimiser's state as flat tensors, `NUMBER.MOMENT` by parameter."""
    state = optimizer.state_dict()["state"]
    return {f"{number}.{name}": value for number, values in state.items() for name, value in values.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `optimizer_tensors` took."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".")
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
