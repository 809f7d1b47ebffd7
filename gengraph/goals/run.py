"""The folder of a training towards a goal: a run like any other, so that all that reads runs reads it, with a few files more.

goal.toml       the goal
prior/          the checkpoint that it began with
start.parquet   the graph that all drawn ones go on from, if there is one
best.parquet    the graphs of the highest rewards so far, no two isomorphic; best.json their rewards, and when each was drawn
"""

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import tomli_w

from gengraph.errors import InputError
from gengraph.files import atomic_folder, check_new, read_text, write_json, write_text
from gengraph.formats import read_graphs, write_graphs
from gengraph.goals.config import GoalConfig
from gengraph.goals.found import Found
from gengraph.goals.trainer import GoalReport, GoalTrainer, check_policy
from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding
from gengraph.rewards.find import Reward, find_reward, find_rule
from gengraph.runs.folders import (
    GOAL,
    appended_metrics,
    check_longer,
    find_checkpoint,
    frozen_part,
    hold_run,
    read_run,
    whole_checkpoint,
)
from gengraph.training.card import write_card
from gengraph.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

_PRIOR, _START = "prior", "start.parquet"


def is_goal_run(folder: Path) -> bool:
    """Whether a run is a training towards a goal."""
    return (folder / GOAL).is_file()


def read_goal(folder: Path) -> GoalConfig:
    """The goal of a run.

    Raises:
        InputError: it has none, or one that is damaged.
    """
    try:
        return GoalConfig.from_dict(tomllib.loads(read_text(folder / GOAL)))
    except tomllib.TOMLDecodeError as error:
        msg = f"{folder / GOAL} is not TOML: {error}; make the run again"
        raise InputError(msg) from error


def _read_start(folder: Path) -> GraphSet | None:
    """The graph that all graphs of a run towards a goal go on from, if there is one."""
    return read_graphs(folder / _START) if (folder / _START).is_file() else None


def create_goal_run(
    folder: Path, origin: Path, goal: GoalConfig, *, checkpoint: str | None = None, start: GraphSet | None = None
) -> None:
    """Make the run that trains another run's model towards a goal, whole or not at all.

    Args:
        folder: must not exist.
        origin: the run whose model it begins with.
        goal: what is wanted.
        checkpoint: of the origin, last or best, as `gengraph.runs.folders.find_checkpoint` has it.
        start: one graph that all drawn ones go on from.

    Raises:
        InputError: the folder exists, there is no such run, its model has no policy, there is no such reward or rule, or the
            model cannot go on from the start.
    """
    check_new(folder.parent, folder.name, "run")
    about, path = read_run(origin), find_checkpoint(origin, checkpoint)
    prior = load_checkpoint(path)
    check_policy(prior)
    if start is not None:
        prior.build_model().sampler(Decoding(start=start))
    find_reward(goal.reward)
    for rule in goal.rules:
        find_rule(rule)
    with atomic_folder(folder) as temporary:
        shutil.copytree(origin / "data", temporary / "data")
        shutil.copytree(path, temporary / _PRIOR)
        write_text(temporary / "config.toml", prior.config.to_toml())
        write_text(temporary / GOAL, tomli_w.dumps(goal.to_dict()))
        if start is not None:
            write_graphs(start, temporary / _START)
        write_json(
            temporary / "run.json", about | {"goal": goal.to_dict(), "origin": {"run": origin.name, "checkpoint": path.name}}
        )


def extend_goal(folder: Path, *, steps: int | None, budget: float | None) -> None:
    """Give a goal another length, counted from its start; without both it keeps its own.

    Raises:
        InputError: the run has done more than that already.
    """
    if steps is None and budget is None:
        return
    longer = replace(read_goal(folder), **({"steps": steps} if budget is None else {"steps": None, "budget": budget}))
    done = whole_checkpoint(folder)
    if done is not None:
        check_longer(folder, longer, done)
    write_text(folder / GOAL, tomli_w.dumps(longer.to_dict()))


def train_goal(folder: Path, *, report: GoalReport = lambda _metrics: None, reward: Reward | None = None) -> Found:
    """Train a run towards its goal from its newest checkpoint, or from the prior, to its end.

    Returns:
        The best graphs, with every reward computed again from the file that holds them.

    Args:
        folder: of the run.
        report: told what goes into metrics.jsonl.
        reward: called instead of the one that the goal names.

    Raises:
        InputError: no such run, data that was changed, another process trains it, or a reward is not the same each time.
        TrainingDiverged: the loss is not finite any more.
        KeyboardInterrupt: after the checkpoint was saved.
    """
    about, goal = read_run(folder) | {"run": folder.name}, read_goal(folder)
    train = frozen_part(folder, "train", about)
    start = _read_start(folder)
    trainer = GoalTrainer(goal, load_checkpoint(folder / _PRIOR), train, Found.read(folder), reward=reward, start=start)

    def save(checkpoint: Checkpoint, found: Found) -> None:
        found.write(folder)
        save_checkpoint(checkpoint, folder / "checkpoints", card=write_card(checkpoint, about))

    with hold_run(folder), appended_metrics(folder, report) as record:
        checkpoint = whole_checkpoint(folder, repair=True)
        if checkpoint is not None:
            trainer.load(checkpoint)
        trainer.run(record, save)
    return Found.checked(folder, reward or find_reward(goal.reward))
