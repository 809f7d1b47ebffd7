"""`gengraph train`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.options import (
    DATASET_HELP,
    Address,
    CpusPerWorker,
    DataDir,
    RunsDir,
    Seed,
    SplitSeed,
    Workers,
    duration,
    takes_policy,
)
from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.collection import Policy
    from gengraph.config import Config


@takes_policy
def train(
    policy: "Policy",
    dataset: Annotated[str | None, typer.Option(help=DATASET_HELP)] = None,
    model: Annotated[str | None, typer.Option(help="graphrnn or graphrnn-s; by default what the config says.")] = None,
    run: Annotated[str | None, typer.Option(help="Name of the run; by default DATASET-MODEL.")] = None,
    workers: Workers = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps to train for.")] = None,
    budget: Annotated[
        float | None, typer.Option(parser=duration, metavar="TIME", help="Time to train for: 90s, 10m, 2h. [default: 10m]")
    ] = None,
    config: Annotated[str, typer.Option(help="A preset (default, paper) or a TOML file.")] = "default",
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a field: model.hidden_size=64. Repeatable.")
    ] = None,
    seed: Seed = 0,
    split_seed: SplitSeed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an existing run.")] = False,
    runs_dir: RunsDir = Path("runs"),
    data_dir: DataDir = None,
    cpus_per_worker: CpusPerWorker = 1.0,
    max_failures: Annotated[int, typer.Option(min=0, help="How often workers that die are started again.")] = 3,
    address: Address = None,
) -> None:
    """Train GraphRNN on a data set; the result is a run that `gengraph sample` draws from.

    A fifth of the graphs is held out for the test and a tenth of the rest for validation, unless the data says which are: by a
    column `split`, or by a folder of three files. The parts are frozen in the run.

    Examples:

      gengraph train --dataset grid --budget 2m

      gengraph train --dataset my_graphs.jsonl --run mine --workers 2 --set training.batch_size=16

      gengraph train --run mine --resume --budget 20m
    """
    from gengraph import runs

    if steps is not None and budget is not None:
        msg = "give either --steps or --budget, not both"
        raise InputError(msg)
    if resume:
        if not run:
            msg = "--resume needs --run NAME, the run to go on with"
            raise InputError(msg)
        if dataset or model or assign or config != "default":
            msg = "--resume goes on with the run's own data and config; leave out --dataset, --model, --config and --set"
            raise InputError(msg)
        folder = runs_dir / run
        runs.extend_run(folder, steps=steps, budget=budget)
    else:
        if not dataset:
            msg = "--dataset is missing: a name from `gengraph datasets`, or a file or folder of graphs"
            raise InputError(msg)
        chosen = _configure(config, model, assign or [], seed=seed, steps=steps, budget=budget)
        folder = runs_dir / (run or f"{Path(dataset).stem.replace(':', '-')}-{runs.MODEL_NAMES[chosen.model.head]}")
        _create(folder, dataset, data_dir, chosen, policy, split_seed)
    steps_done = _run(folder, workers, cpus_per_worker, max_failures, address)
    _show(folder, steps_done)


def _configure(
    name: str, model: str | None, assignments: list[str], *, seed: int, steps: int | None, budget: float | None
) -> "Config":
    from gengraph.config import load_config
    from gengraph.runs import MODEL_NAMES

    config = load_config(name).replace(assignments)
    if model is not None:
        heads = {model_name: head for head, model_name in MODEL_NAMES.items()}
        if model not in heads:
            msg = f"--model must be one of {', '.join(heads)}, got {model!r}"
            raise InputError(msg)
        config = dataclasses.replace(config, model=dataclasses.replace(config.model, head=heads[model]))
    training = dataclasses.replace(config.training, seed=seed)
    if steps is not None:
        training = dataclasses.replace(training, steps=steps)
    if budget is not None:
        training = dataclasses.replace(training, steps=None, budget=budget)
    return dataclasses.replace(config, training=training)


def _create(folder: Path, dataset: str, data_dir: Path | None, config: "Config", policy: "Policy", split_seed: int) -> None:
    from gengraph.cli.progress import download_bar, errors
    from gengraph.data import load_collection, split_collection
    from gengraph.runs import create_run, read_run

    with download_bar() as report:
        collection = load_collection(dataset, data_dir=data_dir, report=report, policy=policy)
    split = split_collection(collection, seed=split_seed)
    create_run(folder, dataset=dataset, split=split, split_seed=split_seed, config=config, reading=collection.record())
    for kind, count in collection.found.items():
        errors.print(f"{kind} {getattr(policy, kind)}: {count} found")
    about = read_run(folder)
    bandwidth = about["bandwidth"]
    errors.print(
        f"{about['num_graphs']['train']} graphs to train on, {about['num_graphs']['validation']} to validate; "
        f"max_prev_node {bandwidth['max_prev_node']} cuts {bandwidth['share_cut']:.2%} of the edges"
    )
    if about["cut_to_largest_component"]:
        errors.print(f"{about['cut_to_largest_component']} disconnected graphs were cut to their largest component")


def _run(folder: Path, workers: int, cpus: float, max_failures: int, address: str | None) -> int:
    from gengraph.cli.progress import training_bar
    from gengraph.runs import newest_checkpoint, train_run

    try:
        if workers == 0:
            with training_bar(folder.name) as report:
                return train_run(folder, report=report)
        from gengraph.cli.guard import Debug
        from gengraph.distributed.cluster import fit_workers, session

        with session(address, debug=Debug.on):
            fit_workers(workers, {"CPU": cpus})
            from gengraph.distributed.train import train_on_ray

            with training_bar(folder.name) as report:
                return train_on_ray(folder, workers=workers, cpus=cpus, max_failures=max_failures, report=report)
    except KeyboardInterrupt:
        try:
            kept = f"Kept {newest_checkpoint(folder)}; go on with `gengraph train --run {folder.name} --resume`."
        except InputError:
            kept = f"No checkpoint was made yet; go on with `gengraph train --run {folder.name} --resume`."
        raise KeyboardInterrupt(kept) from None


def _show(folder: Path, steps: int) -> None:
    import json

    from gengraph.runs import newest_checkpoint

    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines() if (folder / "metrics.jsonl").exists() else []
    validated = [metrics["validation_nll"] for metrics in map(json.loads, lines) if "validation_nll" in metrics]
    typer.echo(f"run: {folder}")
    typer.echo(f"checkpoint: {newest_checkpoint(folder)}")
    typer.echo(f"steps: {steps}")
    if validated:
        typer.echo(f"validation nll: {validated[-1]:.4f} nats a graph")
