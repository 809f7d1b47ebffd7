"""`gengraph tune`."""

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.options import (
    Address,
    CpusPerWorker,
    DataDir,
    DatasetOption,
    Seed,
    SplitSeed,
    Workers,
    duration,
    takes_policy,
)
from gengraph.cli.workers import workers_session
from gengraph.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gengraph.collection import Policy
    from gengraph.config import Config
    from gengraph.data import Split

_BUDGET = 60.0


@takes_policy
def tune(
    dataset: DatasetOption,
    policy: "Policy",
    trials: Annotated[int, typer.Option(min=1, help="Settings to try.")] = 8,
    budget: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="TIME", help="Time of a full trial: 90s, 10m. [default: 60s]"),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps of a full trial, instead of --budget.")] = None,
    config: Annotated[str, typer.Option(help="The preset or TOML file to start from.")] = "default",
    out: Annotated[Path, typer.Option(help="Where the best config is written.")] = Path("tuned.toml"),
    workers: Workers = 0,
    seed: Seed = 0,
    split_seed: SplitSeed = 0,
    data_dir: DataDir = None,
    cpus_per_worker: CpusPerWorker = 1.0,
    address: Address = None,
) -> None:
    """Search for good settings by the validation loss, and write the best as a config.

    With workers, Ray Tune runs the trials and stops poor ones early; with --workers 0 a random search runs here.

    Example:

      gengraph tune --dataset grid --trials 16 --workers 2 --out grid.toml

      gengraph train --dataset grid --config grid.toml
    """
    from gengraph.cli.progress import counting_bar, download_bar
    from gengraph.config import load_config
    from gengraph.data import load_collection, split_collection
    from gengraph.files import check_writable, write_text
    from gengraph.sweep import apply_assignments

    if steps is not None and budget is not None:
        msg = "give either --steps or --budget, not both"
        raise InputError(msg)
    base = load_config(config)
    length: dict[str, Any] = {"seed": seed, "steps": steps, "budget": budget or _BUDGET}
    base = dataclasses.replace(base, training=dataclasses.replace(base.training, **length))
    with download_bar() as progress:
        collection = load_collection(dataset, data_dir=data_dir, report=progress, policy=policy)
    split = split_collection(collection, seed=split_seed)
    check_writable(out.absolute().parent)
    with workers_session(workers, {"CPU": cpus_per_worker}, address), counting_bar("trials", trials, "trials") as report:
        if workers == 0:
            found = _tune_here(base, split, trials=trials, seed=seed, report=report)
        else:
            from gengraph.distributed.tune import tune_on_ray

            found = tune_on_ray(base, split, trials=trials, workers=workers, cpus=cpus_per_worker, seed=seed, report=report)
    found = sorted(map(_checked, found), key=lambda trial: (trial["validation_nll"] is None, trial["validation_nll"]))
    _show(found)
    if found[0]["validation_nll"] is None:
        msg = f"every trial failed; the first: {found[0]['error']}"
        raise RuntimeError(msg)
    write_text(out, apply_assignments(load_config(config), found[0]["settings"]).to_toml())
    typer.echo(f"best config: {out}")


def _checked(trial: dict[str, Any]) -> dict[str, Any]:
    """The trial; a loss that is no number counts as a failure."""
    nll = trial["validation_nll"]
    if nll is None or math.isfinite(nll):
        return trial
    return {**trial, "validation_nll": None, "error": f"the validation loss was {nll}"}


def _tune_here(
    base: "Config", split: "Split", *, trials: int, seed: int, report: "Callable[[int], None]"
) -> list[dict[str, Any]]:
    """A random search, one trial after the other."""
    from gengraph.errors import TrainingDiverged
    from gengraph.sweep import apply_assignments, draw_assignments, run_trial

    results = []
    for trial in range(trials):
        result: dict[str, Any] = {"settings": draw_assignments(seed, trial), "validation_nll": None, "error": None}
        try:
            run_trial(apply_assignments(base, result["settings"]), split, result.update)
        except (InputError, TrainingDiverged) as error:
            result |= {"validation_nll": None, "error": str(error)}
        results.append(result)
        report(1)
    return results


def _show(trials: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from gengraph.cli.progress import results

    table = Table(box=None, pad_edge=False)
    settings = list(trials[0]["settings"])
    for column in ("validation nll", "steps", *(name.split(".")[1] for name in settings)):
        table.add_column(column, justify="right")
    for result in trials:
        nll = "failed" if result["validation_nll"] is None else f"{result['validation_nll']:.4g}"
        chosen = (result["settings"][name] for name in settings)
        table.add_row(nll, str(result.get("step") or "-"), *(f"{v:.3g}" if isinstance(v, float) else str(v) for v in chosen))
    results().print(table)
