"""`gengraph runs`."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.guard import guarded
from gengraph.cli.options import RunsDir
from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.runs.history import RunSummary

runs = typer.Typer(invoke_without_command=True)
Output = Annotated[str, typer.Option("--format", help="table or json.")]


@runs.callback()
@guarded
def listing(context: typer.Context, runs_dir: RunsDir = Path("runs"), output: Output = "table") -> None:
    """List the training runs, the latest first, or look into one.

    A run is running, finished, or stopped before its end: `gengraph train --run NAME --resume` goes on with it.

    Examples:

      gengraph runs

      gengraph runs show grid-graphrnn

      gengraph runs --runs-dir elsewhere --format json
    """
    if context.invoked_subcommand is not None:
        return
    from gengraph.cli.progress import errors
    from gengraph.runs.history import list_runs

    _check_format(output)
    found = list_runs(runs_dir)
    if output == "json":
        typer.echo(json.dumps([asdict(run) for run in found], indent=2))
    elif found:
        _print(found)
    else:
        errors.print(f"no runs in {runs_dir}; make one with `gengraph train --dataset grid --budget 2m`")


@runs.command()
@guarded
def show(
    name: Annotated[str, typer.Argument(help="The run, as `gengraph runs` names it.")],
    runs_dir: RunsDir = Path("runs"),
    output: Output = "table",
) -> None:
    """Show a run: its data and length, what its config changes, how its loss went, and what to do next.

    Example:

      gengraph runs show grid-graphrnn
    """
    from gengraph.config import load_config
    from gengraph.runs.history import differences, summarize
    from gengraph.runs.folders import read_run

    _check_format(output)
    folder = runs_dir / name
    about, run = read_run(folder), summarize(folder)
    preset, changed = differences(load_config(folder / "config.toml"))
    if output == "json":
        typer.echo(json.dumps({**asdict(run), "preset": preset, "changed": changed, "run": about}, indent=2))
        return
    sizes = ", ".join(f"{count} {part}" for part, count in about["num_graphs"].items())
    best = "none yet" if run.best_nll is None else f"{run.best_nll:.4f} nats a graph"
    rows = {
        "run": str(folder),
        "state": f"{run.state}, {run.progress:.0%} done, last report {_duration(run.age)} ago",
        "data set": f"{run.dataset}: {sizes}",
        "model": f"{run.model}, max_prev_node {about['facts']['max_prev_node']}",
        "steps": f"{run.step} in {_duration(run.seconds)}",
        "best nll": best,
        "checkpoint": _checkpoint(folder),
        "config": f"{preset}" + (f" with {' '.join(changed)}" if changed else ""),
    }
    for title, value in rows.items():
        typer.echo(f"{title + ':':14}{value}")
    _print_curve(folder)
    typer.echo("\nnext:")
    for command in _next_commands(folder, run):
        typer.echo(f"  {command}")


def _check_format(output: str) -> None:
    if output not in {"table", "json"}:
        msg = f"--format must be table or json, got {output!r}"
        raise InputError(msg)


def _print(found: "list[RunSummary]") -> None:
    from rich.table import Table

    from gengraph.cli.progress import results

    table = Table(box=None, pad_edge=False)
    for column in ("name", "data set", "model", "state", "steps", "done", "best nll", "age"):
        left = column in {"name", "data set", "model", "state"}
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for run in found:
        best = "" if run.best_nll is None else f"{run.best_nll:.4f}"
        counts = ("", "") if run.state == "damaged" else (str(run.step), f"{run.progress:.0%}")
        table.add_row(run.name, run.dataset, run.model, run.state, *counts, best, _duration(run.age))
    results().print(table)


def _print_curve(folder: Path) -> None:
    """The validation loss, or before there are two of it the training loss."""
    from gengraph.runs.history import read_metrics, text_curve

    metrics = read_metrics(folder)
    for key, title in (("validation_nll", "validation nll"), ("nll", "training nll")):
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


def _next_commands(folder: Path, run: "RunSummary") -> list[str]:
    from gengraph.config import load_config

    where = "" if folder.parent == Path("runs") else f" --runs-dir {folder.parent}"
    if run.state != "finished":
        follow = f"gengraph train --run {run.name} --resume{where}"
        return [f"gengraph runs show {run.name}{where}" if run.state == "running" else follow]
    by_steps = load_config(folder / "config.toml").training.steps is not None
    longer = f"--steps {2 * run.step}" if by_steps else f"--budget {_duration(2 * run.seconds, whole=True)}"
    return [
        f"gengraph sample --run {run.name} -n 1000 --out samples/{run.name}{where}",
        f"gengraph evaluate {folder / 'data' / 'test.parquet'} samples/{run.name}",
        f"gengraph train --run {run.name} --resume {longer}{where}",
    ]


def _duration(seconds: float, *, whole: bool = False) -> str:
    """As `--budget` takes it, roughly: 40s, 12m, 3h; ages in days as well."""
    if not whole and seconds >= 2 * 86400:
        return f"{seconds / 86400:.0f}d"
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(1, round(seconds)) if whole else round(seconds)}s"
