"""`gengraph tune`."""

import dataclasses
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
from gengraph.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gengraph.collection import Policy
    from gengraph.config import Config
    from gengraph.data import Split


@takes_policy
def tune(
    dataset: DatasetOption,
    policy: "Policy",
    trials: Annotated[int, typer.Option(min=1, help="Settings to try.")] = 8,
    budget: Annotated[
        float, typer.Option(parser=duration, metavar="TIME", help="Training time of a full trial: 90s, 10m.")
    ] = "60s",  # type: ignore[assignment]
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
    from gengraph.files import write_text
    from gengraph.sweep import apply_assignments

    base = load_config(config)
    length: dict[str, Any] = {"seed": seed, "steps": steps, "budget": budget}
    base = dataclasses.replace(base, training=dataclasses.replace(base.training, **length))
    with download_bar() as progress:
        collection = load_collection(dataset, data_dir=data_dir, report=progress, policy=policy)
    split = split_collection(collection, seed=split_seed)
    with counting_bar("trials", trials, "trials") as report:
        if workers == 0:
            results = _tune_here(base, split, trials=trials, seed=seed, report=report)
        else:
            from gengraph.cli.guard import Debug
            from gengraph.distributed.cluster import fit_workers, session

            with session(address, debug=Debug.on):
                fit_workers(workers, {"CPU": cpus_per_worker})
                from gengraph.distributed.tune import tune_on_ray

                results = tune_on_ray(
                    base, split, trials=trials, workers=workers, cpus=cpus_per_worker, seed=seed, report=report
                )
    results.sort(key=lambda result: (result["validation_nll"] is None, result["validation_nll"]))
    _show(results)
    if results[0]["validation_nll"] is None:
        msg = f"every trial failed; the first: {results[0]['error']}"
        raise RuntimeError(msg)
    write_text(out, apply_assignments(load_config(config), results[0]["settings"]).to_toml())
    typer.echo(f"best config: {out}")


def _tune_here(
    base: "Config", split: "Split", *, trials: int, seed: int, report: "Callable[[int], None]"
) -> list[dict[str, Any]]:
    """A random search, one trial after the other."""
    from gengraph.sweep import apply_assignments, draw_assignments, run_trial
    from gengraph.training import TrainingDiverged

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


def _show(results: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    settings = list(results[0]["settings"])
    for column in ("validation nll", "steps", *(name.split(".")[1] for name in settings)):
        table.add_column(column, justify="right")
    for result in results:
        nll = "failed" if result["validation_nll"] is None else f"{result['validation_nll']:.4g}"
        chosen = (result["settings"][name] for name in settings)
        table.add_row(nll, str(result.get("step") or "-"), *(f"{v:.3g}" if isinstance(v, float) else str(v) for v in chosen))
    Console().print(table)
