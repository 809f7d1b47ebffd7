"""What runs have done so far, read from their folders: state, steps, losses, age."""

import json
import math
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.errors import InputError
from gengraph.files import read_text
from gengraph.runs.folders import GOAL, is_running, read_run
from gengraph.schema import flat
from gengraph.training.config import Config, TrainingConfig, load_config, present_name, presets

_BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSummary:
    """A run in a line.

    Attributes:
        name: of its folder.
        dataset: that it learns.
        model: its name in the registry.
        state: running (a process on a machine that sees the folder trains it), finished, stopped, or damaged (its record
            cannot be read).
        step: optimiser steps done.
        progress: share of the training that is done, in [0, 1].
        seconds: of training so far.
        best_loss: least validation loss so far, a graph; None before the first.
        age: seconds since the run last reported.
    """

    name: str
    dataset: str = ""
    model: str = ""
    state: str = "damaged"
    step: int = 0
    progress: float = 0.0
    seconds: float = 0.0
    best_loss: float | None = None
    age: float = 0.0


def list_runs(runs_dir: Path) -> list[RunSummary]:
    """Every run in a folder, the one that reported last first.

    Raises:
        InputError: there is no such folder.
    """
    if not runs_dir.is_dir():
        msg = f"no folder of runs {runs_dir}; make a run with `gengraph train`, or name another folder"
        raise InputError(msg)
    found = []
    for record in runs_dir.glob("*/run.json"):
        try:
            found.append(summarize(record.parent))
        except InputError:
            found.append(RunSummary(name=record.parent.name, age=_age(record.parent)))
    return sorted(found, key=lambda run: (run.age, run.name))


def summarize(folder: Path) -> RunSummary:
    """A run in a line.

    Raises:
        InputError: there is no such run, or its record is damaged.
    """
    about, config, metrics = read_run(folder), load_config(folder / "config.toml"), read_metrics(folder)
    last: dict[str, Any] = metrics[-1] if metrics else {"step": 0, "seconds": 0.0}
    steps, budget = length_of(folder, config.training)
    progress = min(1.0, last["seconds"] / budget if steps is None else last["step"] / steps)
    losses = [line["validation_loss"] for line in metrics if "validation_loss" in line]
    ended = progress >= 1 or _stopped_early(folder, config.training.patience)
    state = "running" if is_running(folder) else "finished" if ended else "stopped"
    return RunSummary(
        name=folder.name,
        dataset=about["dataset"],
        model=about["model"],
        state=state,
        step=last["step"],
        progress=progress,
        seconds=last["seconds"],
        best_loss=min((loss for loss in losses if math.isfinite(loss)), default=None),
        age=_age(folder),
    )


def length_of(folder: Path, training: TrainingConfig) -> tuple[int | None, float]:
    """The steps that a run is to have, or, for None, seconds; those of its goal if it has one."""
    try:
        goal = tomllib.loads(read_text(folder / GOAL))
    except FileNotFoundError:
        return training.steps, training.budget
    return goal.get("steps"), goal["budget"]


def _stopped_early(folder: Path, patience: int) -> bool:
    """Whether so many evaluations in a row have brought nothing better, as the newest checkpoint says."""
    newest = max((folder / "checkpoints").glob("step-*/checkpoint.json"), default=None)
    if not patience or newest is None:
        return False
    try:
        stale: int = json.loads(newest.read_text(encoding="utf-8"))["selection"]["stale"]
    except (OSError, ValueError, KeyError):  # damaged, or just replaced
        return False
    return stale >= patience


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """What a run has reported, in the order of its steps.

    A run that went on from a checkpoint has reported some steps twice: the later report counts. A line that was cut short
    by a crash is left out.
    """
    path = folder / "metrics.jsonl"
    kept: list[dict[str, Any]] = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        while kept and kept[-1]["step"] >= line["step"]:
            kept.pop()
        kept.append({present_name(name): value for name, value in line.items()})
    return kept


def differences(config: Config) -> tuple[str, list[str]]:
    """The preset that a config is closest to, and the fields that differ, as assignments (`Config.replace`)."""
    fields = flat(config.to_dict())
    near = [name for name in presets() if name.startswith((f"{config.model_name}/", f"{config.family}/"))]
    usual = {"the defaults": Config(family=config.family)} | {name: load_config(name) for name in near}
    changed = {name: _changes(flat(preset.to_dict()), fields) for name, preset in usual.items()}
    best = min(reversed(changed), key=lambda name: len(changed[name]))  # a preset rather than the defaults
    return best, changed[best]


def _changes(usual: dict[str, Any], fields: dict[str, Any]) -> list[str]:
    return [f"{name}={_spelled(fields.get(name))}" for name in {**usual, **fields} if fields.get(name) != usual.get(name)]


def _spelled(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def text_curve(values: list[float], *, width: int = 60, height: int = 5) -> list[str]:
    """Lines of block characters that draw finite values from left to right, the largest at the top.

    Args:
        values: at least one.
        width: columns at most; with more values a column is the mean of several.
        height: lines.
    """
    columns = np.array([part.mean() for part in np.array_split(np.asarray(values, float), min(width, len(values)))])
    span = columns.max() - columns.min()
    levels = np.ones(len(columns)) if span == 0 else 1 + np.round((columns - columns.min()) / span * (8 * height - 1))
    return ["".join(_BARS[int(np.clip(level - 8 * line, 0, 8))] for level in levels) for line in reversed(range(height))]


def _age(folder: Path) -> float:
    times = [path.stat().st_mtime for path in (folder / "metrics.jsonl", folder / "run.json") if path.exists()]
    return max(0.0, time.time() - max(times))
