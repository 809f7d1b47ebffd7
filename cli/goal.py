"""`gengraph train --run RUN --reward NAME`: a trained model is trained on, towards a goal."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gengraph.errors import InputError
from gengraph.rewards import BOUNDS, REWARDS, RULES
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.cli.workers import WorkerGroup
    from gengraph.goals.config import GoalConfig
    from gengraph.goals.found import Found
    from gengraph.graphs import GraphSet
    from gengraph.rewards.find import Reward

_TOP = 3


def listed_rewards() -> str:
    """The names of rewards, for help."""
    return f"Names: {', '.join(REWARDS)}."


def listed_rules() -> str:
    """The names of rules, for help."""
    return f"Names: {', '.join([*RULES, *(form.partition(',')[0] for form in BOUNDS.values())])}."


def goal_config(
    reward: str, rules: Sequence[str], assign: Sequence[str], *, steps: int | None, budget: float | None, seed: int | None
) -> "GoalConfig":
    """What the options say of a goal.

    Raises:
        InputError: a field that is none of a goal, or a value that it does not take.
    """
    from gengraph.goals.config import GoalConfig
    from gengraph.schema import parse_assignments

    values: dict[str, Any] = {"reward": reward, "rules": list(rules)}
    for name, value in parse_assignments(assign).items():
        section, _, field = name.partition(".")
        if section != "goal" or not field:
            msg = (
                f"of a model that is trained already only fields of the goal can be set, got {name}; write goal.prior=0.05, say"
            )
            raise InputError(msg)
        values[field] = value
    length = {"steps": steps, "budget": budget, "seed": seed}
    return GoalConfig.from_dict(values | {name: value for name, value in length.items() if value is not None})


def begin(runs_dir: Path, origin: str, name: str | None, goal: "GoalConfig", start: "GraphSet | None") -> Path:
    """Make the run of a goal; returns its folder."""
    from gengraph.cli.progress import errors
    from gengraph.files import check_writable
    from gengraph.goals.run import create_goal_run
    from gengraph.rewards.find import find_reward
    from gengraph.runs.folders import find_checkpoint

    folder = runs_dir / (name or f"{origin}-{re.sub(r'[^A-Za-z0-9]+', '-', Path(goal.reward).name).strip('-')}")
    check_writable(runs_dir)
    create_goal_run(folder, runs_dir / origin, goal, start=start)
    errors.print(f"towards {goal.reward} from {find_checkpoint(runs_dir / origin).name} of {origin}; the run is {folder}")
    if start is not None:
        errors.print(f"{goal.reward} of the start: {find_reward(goal.reward)(start)[0]:.4g}")
    return folder


def pursue(folder: Path, group: "WorkerGroup") -> None:
    """Train a run to its goal and say what it has come to.

    Raises:
        KeyboardInterrupt: names what is kept, and the command that goes on.
    """
    from gengraph.cli.progress import errors
    from gengraph.cli.training import resume_command
    from gengraph.goals.run import train_goal
    from gengraph.runs.folders import discard_untrained

    try:
        with _goal_bar(folder.name) as report:
            found = train_goal(folder, report=report, reward=_reward(folder, group))
    except (Exception, KeyboardInterrupt) as error:
        if discard_untrained(folder):
            errors.print(f"run {folder} is removed: it had no checkpoint yet")
            raise
        if isinstance(error, KeyboardInterrupt):
            msg = f"What was learned is kept in {folder}; go on with `{resume_command(folder)}`."
            raise KeyboardInterrupt(msg) from None
        raise
    _show(folder, found)


def _reward(folder: Path, group: "WorkerGroup") -> "Reward | None":
    """On Ray workers, if there are any."""
    from gengraph.goals.run import read_goal

    if not group.workers:
        return None
    from gengraph.distributed.rewards import reward_on_ray

    return reward_on_ray(read_goal(folder).reward, workers=group.workers, per_worker=group.per_worker)


def _goal_bar(title: str) -> Any:
    from gengraph.cli.progress import training_bar

    def facts(metrics: dict[str, Any]) -> str:
        shares = f"{100 * metrics['rewarded']:.0f}% with one, {100 * metrics['distinct']:.0f}% distinct"
        reward, best = (f"{metrics[name]:.4g}" if name in metrics else "none" for name in ("reward", "reward_best"))
        return f"step {metrics['step']}, reward {reward}, best {best}, {shares}"

    return training_bar(title, "loading the model", facts)


def _show(folder: Path, found: "Found") -> None:
    from gengraph.cli.training import sample_command
    from gengraph.goals.run import read_goal

    goal = read_goal(folder)
    typer.echo(f"run: {folder}")
    if not len(found.graphs):
        typer.echo(f"no graph had a reward {goal.reward}: the model draws none, or a rule refuses all")
        return
    sizes = found.graphs.num_nodes
    for place in range(min(_TOP, len(found.graphs))):
        what = f"{counted(int(sizes[place]), 'node')}, step {int(found.steps[place])}"
        smiles = smiles_of_graph(found.graphs[place : place + 1])
        typer.echo(f"{goal.reward} {found.scores[place]:.4f}: {what}{f', {smiles}' if smiles else ''}")
    typer.echo(f"best: {counted(len(found.graphs), 'graph')}, rewards computed again from {folder / 'best.parquet'}")
    typer.echo(f"next: {sample_command(folder)}")


def smiles_of_graph(graphs: "GraphSet") -> str | None:
    """The canonical SMILES of one graph; None where it is no molecule."""
    schema = graphs.schema
    if schema.nodes is None or schema.edges is None:
        return None
    try:
        from gengraph.chemistry.writing import smiles_of

        return smiles_of(graphs).valid[0]
    except InputError:  # labels that say no atoms, or no RDKit: the graph is shown without
        return None
