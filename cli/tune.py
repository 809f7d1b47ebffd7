"""`gengraph tune`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gengraph.cli.config import configure
from gengraph.cli.data import named, read_split
from gengraph.cli.models import model_help
from gengraph.cli.options import (
    DATASET_HELP,
    Address,
    Assignments,
    ConfigName,
    CpusPerWorker,
    DataDir,
    Seed,
    SplitSeed,
    SweepsDir,
    TrialsAtATime,
    duration,
    takes_policy,
)
from gengraph.cli.sweeps import BestConfig, SweepBudget, run_sweep, trials_session
from gengraph.cli.workers import resources
from gengraph.errors import InputError
from gengraph.models.registry import LEARNED

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy
    from gengraph.models.space import Space
    from gengraph.training.config import Config

_TRIAL_BUDGET = 60.0


@takes_policy
def tune(
    policy: "Policy",
    dataset: Annotated[str | None, typer.Option(metavar="NAME|PATH", help=DATASET_HELP)] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=model_help("What is tuned; by default what the config says, else graphrnn.", LEARNED)
        ),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, metavar="INT", help="Settings to try.")] = 8,
    space: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A TOML file of values and ranges; docs/tuning.md has its form.")
    ] = None,
    scheduler: Annotated[
        Literal["asha", "pbt", "none"] | None,
        typer.Option(
            help="asha stops poor trials early, pbt lets them go on from good ones; by default asha with Ray, else none."
        ),
    ] = None,
    search: Annotated[Literal["random", "optuna"], typer.Option(help="optuna: settings near good ones.")] = "random",
    metric: Annotated[
        Literal["loss", "mmd"],
        typer.Option(help="What is minimised: the validation loss, or the MMD of samples to the validation graphs."),
    ] = "loss",
    workers_per_trial: Annotated[int, typer.Option(min=1, metavar="INT", help="Workers that train each trial together.")] = 1,
    budget: SweepBudget = None,
    trial_budget: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="TIME", help="Time of a full trial; by default its share of --budget, else 60s."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="INT", help="Optimiser steps of a full trial, instead of a time.")
    ] = None,
    config: ConfigName = None,
    assign: Assignments = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the sweep; by default that of the data set.")
    ] = None,
    sweeps_dir: SweepsDir = Path("sweeps"),
    out: BestConfig = None,
    seed: Seed = 0,
    split_seed: SplitSeed = 0,
    data_dir: DataDir = None,
    workers: TrialsAtATime = 0,
    cpus_per_worker: CpusPerWorker = 1.0,
    gpus_per_worker: Annotated[
        float, typer.Option(min=0.0, metavar="NUMBER", help="GPUs of each worker of a trial, 0.25 say.")
    ] = 0.0,
    address: Address = None,
) -> None:
    """Search for good settings of a model, and write the best as a config that `gengraph train` takes.

    A sweep is a folder: the table and the pictures of all trials, the winner, and what is needed to go on after a crash
    (`gengraph sweeps`). Trials that fail are listed with their reason.

    Examples:

      gengraph tune --dataset grid --trials 32 --workers 4

      gengraph tune --dataset grid --model gran --workers 2 --search optuna --metric mmd --budget 2h --sweep grid-mmd

      gengraph sweeps resume grid-mmd

      gengraph train --dataset grid --config sweeps/grid-mmd/best.toml
    """
    from gengraph.files import check_new, check_writable
    from gengraph.tuning.sweep import Sweep, SweepRequest

    if steps is not None and trial_budget is not None:
        msg = "give either --steps or --trial-budget, not both"
        raise InputError(msg)
    if out is not None:
        check_writable(out.absolute().parent)
    at_a_time = min(workers, trials)
    share = None if budget is None else budget * max(1, at_a_time) / trials
    request = SweepRequest(
        trials=trials,
        scheduler=scheduler or ("asha" if workers else "none"),
        search=search,
        metric=metric,
        workers_per_trial=workers_per_trial,
        seed=seed,
        steps=steps,
        trial_budget=trial_budget or (steps is None and share) or _TRIAL_BUDGET,
        concurrent=at_a_time,
        per_worker=resources(cpus_per_worker, gpus_per_worker),
    )
    base = configure(config, model, dataset, assign)
    chosen = _space(base, space, samples=metric == "mmd")
    name = named(dataset) if sweep is None else sweep
    check_new(sweeps_dir, name, "sweep")
    split, record = read_split(str(dataset), data_dir, policy, split_seed)
    check_writable(sweeps_dir)
    with trials_session(request, address):
        made = Sweep.create(sweeps_dir / name, split=split, config=base, space=chosen, request=request, record=record)
        run_sweep(made, budget, out)


def _space(base: "Config", path: Path | None, *, samples: bool) -> "Space":
    """What points are drawn from, around the config that trials start from."""
    from gengraph.tuning.space import default_space, load_space, parse_space, space_tables

    tables = space_tables(default_space(base, samples=samples)) if path is None else load_space(path)
    return parse_space(tables, base, samples=samples)
