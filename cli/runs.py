"""`gengraph runs`."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.guard import guarded
from gengraph.cli.help import Command, group
from gengraph.cli.options import RunsDir
from gengraph.cli.output import Format, duration_text, plain_table, show_facts, show_json
from gengraph.cli.training import resume_command, sample_command
from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.runs.history import RunSummary

runs = group(invoke_without_command=True)


@runs.callback()
@guarded
def listing(context: typer.Context, runs_dir: RunsDir = Path("runs"), output: Format = "table") -> None:
    """List the training runs, the latest first, or look into one.

    A run is running, finished, or stopped before its end: `gengraph resume NAME` goes on with it.

    Examples:

      gengraph runs

      gengraph runs show grid-graphrnn

      gengraph runs --runs-dir elsewhere --format json
    """
    if context.invoked_subcommand is not None:
        return
    from gengraph.cli.progress import errors
    from gengraph.runs.history import list_runs

    named = str(context.get_parameter_source("runs_dir")).endswith("COMMANDLINE")
    found = list_runs(runs_dir) if named or runs_dir.is_dir() else []  # before the first run there is no folder
    if output == "json":
        show_json([asdict(run) for run in found])
    elif found:
        _print(found)
    else:
        errors.print(f"no runs in {runs_dir}; make one with `gengraph train --dataset grid --budget 2m`")


@runs.command(cls=Command)
@guarded
def show(
    name: Annotated[str, typer.Argument(metavar="RUN", help="The run, as `gengraph runs` names it.")],
    runs_dir: RunsDir = Path("runs"),
    output: Format = "table",
) -> None:
    """Show a run: its data and length, what its config changes, how its loss went, and what to do next.

    Example:

      gengraph runs show grid-graphrnn
    """
    from gengraph.runs.folders import read_run
    from gengraph.runs.history import differences, length_of, summarize
    from gengraph.training.config import load_config

    folder = runs_dir / name
    about, run = read_run(folder), summarize(folder)
    config = load_config(folder / "config.toml")
    preset, changed = differences(config)
    goal = about.get("goal")
    if output == "json":
        show_json({**asdict(run), "preset": preset, "changed": changed, "run": about})
        return
    sizes = ", ".join(f"{count} {part}" for part, count in about["num_graphs"].items())
    best = "none yet" if run.best_loss is None else f"{run.best_loss:.4f} ({config.own_family.loss})"
    rows = {
        "run": str(folder),
        "state": f"{run.state}, {run.progress:.0%} done, last report {duration_text(run.age)} ago",
        "data set": f"{run.dataset}: {sizes}",
        "model": run.model,
        **config.describe(about["facts"]),
        **({"goal": " under ".join([goal["reward"], *goal.get("rules", [])])} if goal else {}),
        "steps": f"{run.step} in {duration_text(run.seconds)}",
        "best loss": best,
        "checkpoint": _checkpoint(folder),
        "config": f"{preset}" + (f" with {' '.join(changed)}" if changed else ""),
    }
    show_facts(rows)
    _print_curve(folder)
    typer.echo("\nnext:")
    for command in _next_commands(folder, run, by_steps=length_of(folder, config.training)[0] is not None):
        typer.echo(f"  {command}")


def _print(found: "list[RunSummary]") -> None:
    from gengraph.cli.progress import results

    columns = ("name", "data set", "model", "state", "steps", "done", "best loss", "age")
    rows = []
    for run in found:
        best = "" if run.best_loss is None else f"{run.best_loss:.4f}"
        counts = ("", "") if run.state == "damaged" else (str(run.step), f"{run.progress:.0%}")
        rows.append((run.name, run.dataset, run.model, run.state, *counts, best, duration_text(run.age)))
    results().print(plain_table(columns, rows, left=("name", "data set", "model", "state")))


def _print_curve(folder: Path) -> None:
    """The validation loss, or before there are two of it the training loss."""
    from gengraph.runs.history import read_metrics, text_curve

    metrics = read_metrics(folder)
    for key, title in (("validation_loss", "validation loss"), ("loss", "training loss")):
        points = [(line["step"], line[key]) for line in metrics if key in line and math.isfinite(line[key])]
        if len(points) < 2:
            continue
        losses = [loss for _, loss in points]
        typer.echo(f"\n{title}, {max(losses):.4g} at the top, {min(losses):.4g} at the bottom:")
        lines = text_curve(losses)
        for line in lines:
            typer.echo(f"  {line}")
        first, last = f"step {points[0][0]}", str(points[-1][0])
        typer.echo(f"  {first}{last:>{max(len(lines[0]) - len(first), len(last) + 1)}}")
        return


def _checkpoint(folder: Path) -> str:
    from gengraph.runs.folders import newest_checkpoint

    try:
        return str(newest_checkpoint(folder))
    except InputError:
        return "none yet"


def _next_commands(folder: Path, run: "RunSummary", *, by_steps: bool) -> list[str]:
    where = "" if folder.parent == Path("runs") else f" --runs-dir {folder.parent}"
    if run.state != "finished":
        return [f"gengraph runs show {run.name}{where}" if run.state == "running" else resume_command(folder)]
    longer = f"--steps {2 * run.step}" if by_steps else f"--budget {duration_text(2 * run.seconds, whole=True)}"
    return [
        sample_command(folder),
        f"gengraph evaluate {folder / 'data' / 'test.parquet'} samples/{run.name}",
        f"{resume_command(folder)} {longer}",
    ]
