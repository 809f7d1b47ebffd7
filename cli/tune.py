"""`gengraph tune`."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.data import named, read_split
from gengraph.cli.options import (
    DATASET_HELP,
    Address,
    CpusPerWorker,
    DataDir,
    Seed,
    SplitSeed,
    allow_only,
    duration,
    takes_policy,
)
from gengraph.cli.workers import resources, workers_session
from gengraph.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gengraph.graphs.collection import Policy
    from gengraph.config import Config
    from gengraph.data import Split
    from gengraph.tuning.space import Space
    from gengraph.tuning.sweep import Request, Sweep, Trial

_TRIAL_BUDGET = 60.0
_RESUMED = {"resume", "sweep", "sweeps_dir", "budget", "address", "out"}


@takes_policy
def tune(
    context: typer.Context,
    policy: "Policy",
    dataset: Annotated[str | None, typer.Option(help=DATASET_HELP)] = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try.")] = 8,
    space: Annotated[Path | None, typer.Option(help="A TOML file of values and ranges; docs/tuning.md has its form.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="asha stops poor trials early, pbt lets them go on from good ones, none. [default: asha with Ray]"),
    ] = None,
    search: Annotated[str, typer.Option(help="random, or optuna: settings near good ones.")] = "random",
    metric: Annotated[
        str, typer.Option(help="What is minimised: nll, the validation loss, or mmd, of samples to the validation graphs.")
    ] = "nll",
    concurrent: Annotated[
        int | None,
        typer.Option(
            "--concurrent", "--workers", min=0, help="Trials at a time, by default as many as fit; 0: one by one, without Ray."
        ),
    ] = None,
    workers_per_trial: Annotated[int, typer.Option(min=1, help="Workers that train each trial together.")] = 1,
    budget: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="TIME", help="Time of the whole sweep: 30m, 2h. [default: no bound]"),
    ] = None,
    trial_budget: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="TIME", help="Time of a full trial. [default: its share of --budget, else 60s]"),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps of a full trial, instead of a time.")] = None,
    config: Annotated[
        str | None, typer.Option(help="The preset or TOML file to start from. [default: GraphRNN's preset for the data set]")
    ] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a field for all trials. Repeatable.")
    ] = None,
    sweep: Annotated[str | None, typer.Option(help="Name of the sweep; by default that of the data set.")] = None,
    sweeps_dir: Annotated[Path, typer.Option(help="The folder that sweeps live in.")] = Path("sweeps"),
    out: Annotated[Path | None, typer.Option(help="Also write the best config there.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an existing sweep.")] = False,
    seed: Seed = 0,
    split_seed: SplitSeed = 0,
    data_dir: DataDir = None,
    cpus_per_worker: CpusPerWorker = 1.0,
    gpus_per_worker: Annotated[float, typer.Option(min=0.0, help="GPUs of each worker of a trial, 0.25 say.")] = 0.0,
    address: Address = None,
) -> None:
    """Search for good settings, and write the best as a config that `gengraph train` takes.

    A sweep is a folder: the table and the pictures of all trials, the winner, and what is needed to go on after a crash.
    Trials that fail are listed with their reason.

    Examples:

      gengraph tune --dataset grid --trials 32

      gengraph tune --dataset grid --trials 32 --search optuna --metric mmd --budget 2h --sweep grid-mmd

      gengraph tune --sweep grid-mmd --resume

      gengraph train --dataset grid --config sweeps/grid-mmd/best.toml
    """
    from gengraph.config import preset_for
    from gengraph.files import check_writable

    if steps is not None and trial_budget is not None:
        msg = "give either --steps or --trial-budget, not both"
        raise InputError(msg)
    if out is not None:
        check_writable(out.absolute().parent)
    if resume:
        allow_only(context, _RESUMED, "--resume goes on with the sweep's own data and settings")
        _resume(sweeps_dir, sweep, budget, address, out)
        return
    length = {"steps": steps, "trial_budget": trial_budget or _TRIAL_BUDGET}
    request: dict[str, Any] = {"trials": trials, "search": search, "metric": metric, "seed": seed, **length}
    request |= {"workers_per_trial": workers_per_trial, "per_worker": resources(cpus_per_worker, gpus_per_worker)}
    without_ray = concurrent == 0
    request["scheduler"] = scheduler or ("none" if without_ray else "asha")
    _checked({**request, "concurrent": 0 if without_ray else 1})
    base, chosen = _what(config or preset_for("graphrnn", dataset or ""), assign or [], space, metric)
    folder, split, record = _data(sweeps_dir, sweep, dataset, data_dir, policy, split_seed)
    with _session(concurrent, trials, workers_per_trial, request["per_worker"], address) as at_a_time:
        if trial_budget is None and steps is None and budget is not None:
            request["trial_budget"] = budget * max(1, at_a_time) / trials
        wanted = _checked({**request, "concurrent": at_a_time})
        from gengraph.tuning.sweep import Sweep

        made = Sweep.create(folder, split=split, config=base, space=chosen, request=wanted, record=record)
        _run(made, budget, out)


def _checked(values: dict[str, Any]) -> "Request":
    from gengraph.tuning.sweep import Request

    return Request(**values)


def _what(name: str, assignments: list[str], path: Path | None, metric: str) -> "tuple[Config, Space]":
    """The config that trials start from, and the space around it."""
    from gengraph.config import load_config
    from gengraph.tuning.space import default_space, load_space, parse_space, space_tables

    base, samples = load_config(name).replace(assignments), metric == "mmd"
    tables = space_tables(default_space(samples=samples)) if path is None else load_space(path)
    return base, parse_space(tables, base, samples=samples)


def _data(
    sweeps_dir: Path, sweep: str | None, dataset: str | None, data_dir: Path | None, policy: "Policy", split_seed: int
) -> "tuple[Path, Split, dict[str, Any]]":
    """The folder of a new sweep, the parts of its data, and what is recorded about them."""
    from gengraph.files import check_new, check_writable

    usual = named(dataset)
    name = usual if sweep is None else sweep
    check_new(sweeps_dir, name, "sweep")
    split, record = read_split(str(dataset), data_dir, policy, split_seed)
    check_writable(sweeps_dir)
    return sweeps_dir / name, split, record


@contextlib.contextmanager
def _session(
    concurrent: int | None, trials: int, workers_per_trial: int, per_worker: dict[str, float], address: str | None
) -> "Iterator[int]":
    """Ray for so many trials; yields how many run at a time."""
    wanted = None if concurrent is None else concurrent * workers_per_trial
    with workers_session(wanted, per_worker, address) as workers:
        if concurrent is None and workers < workers_per_trial:
            from gengraph.distributed.cluster import fit_workers

            fit_workers(workers_per_trial, per_worker)
        yield min(workers // workers_per_trial, trials)


def _resume(sweeps_dir: Path, name: str | None, budget: float | None, address: str | None, out: Path | None) -> None:
    from gengraph.tuning.sweep import Sweep

    if not name:
        msg = "--resume needs --sweep NAME, the sweep to go on with"
        raise InputError(msg)
    found = Sweep.open(sweeps_dir / name)
    request = found.request
    with _session(request.concurrent, request.trials, request.workers_per_trial, dict(request.per_worker), address):
        _run(found, budget, out)


def _run(sweep: "Sweep", budget: float | None, out: Path | None) -> None:
    from gengraph.cli.progress import counting_bar
    from gengraph.files import write_text
    from gengraph.tuning.sweep import ranked, sweep_here, write_results

    command = f"`gengraph tune --sweeps-dir {sweep.folder.parent} --sweep {sweep.folder.name} --resume`"
    try:
        with counting_bar("trials", sweep.request.trials, "trials") as report:
            if sweep.request.concurrent == 0:
                trials = sweep_here(sweep, budget=budget, report=report)
            else:
                from gengraph.distributed.tune import sweep_on_ray

                trials = sweep_on_ray(sweep, budget=budget, report=report)
    except KeyboardInterrupt:
        msg = f"Trials that ended stay in {sweep.folder}; go on with {command}."
        raise KeyboardInterrupt(msg) from None
    winner = write_results(sweep, trials)
    _show(sweep, ranked(trials))
    if winner is None:
        reasons = "\n".join(f"  trial {trial.number}: {trial.error}" for trial in trials)
        msg = f"every trial failed:\n{reasons}"
        raise RuntimeError(msg)
    if out is not None:
        write_text(out, winner.read_text(encoding="utf-8"))
    typer.echo(f"all trials: {sweep.folder / 'trials.parquet'}, {sweep.folder / 'parallel.html'}")
    typer.echo(f"best config: {out or winner}")


def _show(sweep: "Sweep", trials: "Sequence[Trial]") -> None:
    """The table of all trials, best first, and why some failed."""
    from rich.table import Table

    from gengraph.cli.progress import errors, results

    table = Table(box=None, pad_edge=False)
    names = {"nll": "validation nll", "mmd": "mmd"}
    for column in ("trial", names[sweep.request.metric], "steps", "state", *(name.split(".")[1] for name in sweep.space)):
        table.add_column(column, justify="right")
    for trial in trials:
        score = "-" if trial.score is None else f"{trial.score:.4g}"
        values = trial.setting.values(sweep.space).values()
        chosen = (f"{value:.3g}" if isinstance(value, float) else str(value) for value in values)
        table.add_row(str(trial.number), score, str(trial.step), trial.state, *chosen)
    results().print(table)
    for trial in trials:
        if trial.error is not None:
            errors.print(f"trial {trial.number} failed: {trial.error}")
