"""`gengraph train`."""

import dataclasses
import shlex
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.data import named, read_split
from gengraph.cli.options import (
    DATASET_HELP,
    Address,
    CpusPerWorker,
    DataDir,
    GpusPerWorker,
    MaxFailures,
    MinWorkers,
    RunsDir,
    SplitSeed,
    WaitForResources,
    Workers,
    allow_only,
    duration,
    takes_policy,
)
from gengraph.cli.workers import resources, workers_session
from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy
    from gengraph.config import Config
    from gengraph.data import Split
    from gengraph.storage import Folder
    from gengraph.training.trainer import Place

_OF_WORKERS = ("workers", "min_workers", "cpus_per_worker", "gpus_per_worker", "wait_for_resources", "max_failures", "address")
_RESUMED = {"resume", "run", "runs_dir", "storage", "steps", "budget", "tracker", *_OF_WORKERS}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """The workers that were asked for, and where."""

    workers: int
    min_workers: int | None
    per_worker: dict[str, float]
    max_failures: int
    address: str | None
    wait: float

    def __post_init__(self) -> None:
        if self.min_workers is not None and self.min_workers > self.workers:
            msg = f"--min-workers must be <= --workers, got {self.min_workers} and {self.workers}; give more --workers"
            raise InputError(msg)

    def session(self) -> AbstractContextManager[int]:
        """A Ray that can hold them; none if there are none."""
        return workers_session(self.workers, self.per_worker, self.address, min_workers=self.min_workers, wait=self.wait)


@takes_policy
def train(
    context: typer.Context,
    policy: "Policy",
    dataset: Annotated[str | None, typer.Option(help=DATASET_HELP)] = None,
    model: Annotated[
        str | None, typer.Option(help="graphrnn, graphrnn-s or graphrnn-c; by default what the config says.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Name of the run; by default DATASET-MODEL.")] = None,
    workers: Workers = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps to train for.")] = None,
    budget: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="TIME", help="Time to train for: 90s, 10m, 2h. [default: the config's length]"),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(help="A preset (default, paper, graphrnn-c/grid) or a TOML file. [default: the model's for the data set]"),
    ] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a field: model.hidden_size=64. Repeatable.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="Seed of weights, batches and orderings. [default: 0]")
    ] = None,
    split_seed: SplitSeed = 0,
    tracker: Annotated[
        list[str] | None, typer.Option(help="Also hand the metrics to tensorboard or mlflow (gengraph[tracking]). Repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an existing run.")] = False,
    runs_dir: RunsDir = Path("runs"),
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URI", help="Keep the run there too, s3://bucket/runs say, so that any machine can go on with it."
        ),
    ] = None,
    data_dir: DataDir = None,
    min_workers: MinWorkers = None,
    cpus_per_worker: CpusPerWorker = 1.0,
    gpus_per_worker: GpusPerWorker = 0.0,
    wait_for_resources: WaitForResources = None,
    max_failures: MaxFailures = 3,
    address: Address = None,
) -> None:
    """Train GraphRNN on a data set; the result is a run that `gengraph sample` draws from.

    A fifth of the graphs is held out for the test and a tenth of the rest for validation, unless the data says which are: by a
    column `split`, or by a folder of three files. The parts are frozen in the run. docs/training-on-ray.md
    says what survives what.

    Examples:

      gengraph train --dataset grid --budget 2m

      gengraph train --dataset my_graphs.jsonl --run mine --workers 2 --set training.batch_size=16

      gengraph train --run mine --resume --budget 20m

      gengraph train --dataset grid --workers 8 --min-workers 2 --address auto --storage s3://bucket/runs

      gengraph train --dataset community-small --budget 5m --set training.clock=cpu --set training.patience=3
    """
    from gengraph.files import check_writable
    from gengraph.runs.mirror import push_run
    from gengraph.training.trackers import check_trackers

    if steps is not None and budget is not None:
        msg = "give either --steps or --budget, not both"
        raise InputError(msg)
    trackers = list(dict.fromkeys(tracker or []))
    check_trackers(trackers)
    group = _Group(
        workers=workers,
        min_workers=min_workers,
        per_worker=resources(cpus_per_worker, gpus_per_worker),
        max_failures=max_failures,
        address=address,
        wait=wait_for_resources or 0.0,
    )
    if resume:
        allow_only(context, _RESUMED, "--resume goes on with the run's own data, config and seed")
        folder, mirror = _existing(runs_dir, run, storage)
        with group.session():
            before = _extend(folder, mirror, steps=steps, budget=budget)
            _run(folder, mirror, group, trackers, max(0, before))
    else:
        chosen = _configure(config, model, dataset, assign or [])
        chosen = _train_for(chosen, seed=seed, steps=steps, budget=budget)
        folder = _new(runs_dir, run, dataset, chosen)
        mirror = _mirror(storage, folder, new=True)
        split, record = read_split(str(dataset), data_dir, policy, split_seed)
        check_writable(runs_dir)
        before = -1
        with group.session():
            _create(folder, split, _fit_batch(chosen, workers), record)
            if mirror is not None:
                push_run(folder, mirror)
            _run(folder, mirror, group, trackers)
    _show(folder, before)


def _configure(name: str | None, model: str | None, dataset: str | None, assignments: list[str]) -> "Config":
    """The config that is asked for; without a name, the preset of the model for the data set."""
    from gengraph.config import load_config, preset_for
    from gengraph.runs.folders import HEADS

    if model is not None and model not in HEADS:
        msg = f"--model must be one of {', '.join(HEADS)}, got {model!r}"
        raise InputError(msg)
    config = load_config(name or preset_for(model or "graphrnn", dataset or ""))
    if model is not None:
        config = dataclasses.replace(config, model=dataclasses.replace(config.model, head=HEADS[model]))
    return config.replace(assignments)


def _train_for(config: "Config", *, seed: int | None, steps: int | None, budget: float | None) -> "Config":
    training = config.training if seed is None else dataclasses.replace(config.training, seed=seed)
    if steps is not None:
        training = dataclasses.replace(training, steps=steps)
    if budget is not None:
        training = dataclasses.replace(training, steps=None, budget=budget)
    return dataclasses.replace(config, training=training)


def _fit_batch(config: "Config", workers: int) -> "Config":
    """Every worker takes part in every step: a batch holds a graph for each of them at least."""
    from gengraph.cli.progress import errors

    if config.training.batch_size >= workers:
        return config
    errors.print(f"training.batch_size raised from {config.training.batch_size} to {workers}: a graph for every worker")
    return dataclasses.replace(config, training=dataclasses.replace(config.training, batch_size=workers))


def _new(runs_dir: Path, run: str | None, dataset: str | None, config: "Config") -> Path:
    """The folder of a run that is to be made."""
    from gengraph.files import check_new
    from gengraph.runs.folders import MODEL_NAMES

    usual = f"{named(dataset)}-{MODEL_NAMES[config.model.head]}"
    name = usual if run is None else run
    check_new(runs_dir, name, "run")
    return runs_dir / name


def _mirror(storage: str | None, folder: Path, *, new: bool) -> "Folder | None":
    """Where the run has its copy; checked before anything else is done."""
    if storage is None:
        return None
    from gengraph.runs.mirror import open_mirror

    return open_mirror(storage, folder.name, new=new)


def _existing(runs_dir: Path, run: str | None, storage: str | None) -> "tuple[Path, Folder | None]":
    """The folder of a run that is there, or is fetched from its storage, and the storage."""
    from gengraph.runs.mirror import match_run
    from gengraph.runs.folders import read_run

    if not run:
        msg = "--resume needs --run NAME, the run to go on with"
        raise InputError(msg)
    folder = runs_dir / run
    mirror = _mirror(storage, folder, new=False)
    if mirror is not None:
        match_run(folder, mirror)
    read_run(folder)
    return folder, mirror


def _extend(folder: Path, mirror: "Folder | None", *, steps: int | None, budget: float | None) -> int:
    """Give the run its new length; returns the steps that are done already."""
    from gengraph.runs.mirror import push_progress
    from gengraph.runs.folders import extend_run, hold_run, whole_checkpoint

    with hold_run(folder):
        checkpoint = whole_checkpoint(folder, repair=True)
        extend_run(folder, steps=steps, budget=budget)
        if mirror is not None:
            push_progress(folder, mirror)
    return -1 if checkpoint is None else checkpoint.step


def _create(folder: Path, split: "Split", config: "Config", record: dict[str, Any]) -> None:
    from gengraph.cli.progress import errors
    from gengraph.runs.folders import create_run, read_run

    create_run(folder, split=split, config=config, **record)
    about = read_run(folder)
    bandwidth = about["bandwidth"]
    errors.print(
        f"{about['num_graphs']['train']} graphs to train on, {about['num_graphs']['validation']} to validate; "
        f"max_prev_node {bandwidth['max_prev_node']} cuts {bandwidth['share_cut']:.2%} of the edges"
    )
    if about["cut_to_largest_component"]:
        errors.print(f"{about['cut_to_largest_component']} disconnected graphs were cut to their largest component")


def _run(folder: Path, mirror: "Folder | None", group: _Group, trackers: list[str], done: int = 0) -> None:
    from gengraph.cli.progress import training_bar
    from gengraph.config import load_config
    from gengraph.runs.mirror import push_progress
    from gengraph.runs.folders import newest_checkpoint, train_run
    from gengraph.training.trackers import tracking

    try:
        config = load_config(folder / "config.toml")
        with tracking(trackers, folder, config, done=done) as track, training_bar(folder.name) as show:

            def report(metrics: "dict[str, Any]") -> None:
                show(metrics)
                track(metrics)

            if group.workers == 0:
                pushing = {} if mirror is None else {"saved": partial(push_progress, folder, mirror)}
                train_run(folder, report=report, place=_local_place(group.per_worker), **pushing)
            else:
                from gengraph.distributed.train import train_on_ray

                train_on_ray(
                    folder,
                    workers=group.workers,
                    min_workers=group.min_workers,
                    per_worker=group.per_worker,
                    max_failures=group.max_failures,
                    report=report,
                    storage=mirror,
                )
    except KeyboardInterrupt:
        where = "" if mirror is None else f" --storage {shlex.quote(mirror.place)}"
        command = f"`gengraph train --runs-dir {folder.parent} --run {folder.name} --resume{where}`"
        try:
            kept = f"Kept {newest_checkpoint(folder)}; go on with {command}."
        except InputError:
            kept = f"No checkpoint was made yet; go on with {command}."
        raise KeyboardInterrupt(kept) from None


def _local_place(per_worker: dict[str, float]) -> "Place | None":
    """In this process: on the GPU if one was asked for."""
    if not per_worker.get("GPU"):
        return None
    from gengraph.training.checkpoint import find_device
    from gengraph.training.trainer import Place

    return Place(device=find_device("cuda"))


def _show(folder: Path, before: int) -> None:
    from gengraph.training.checkpoint import load_checkpoint
    from gengraph.runs.history import read_metrics
    from gengraph.runs.folders import newest_checkpoint

    path = newest_checkpoint(folder)
    checkpoint = load_checkpoint(path)
    selection, patience = checkpoint.selection, checkpoint.config.training.patience
    validated = [metrics["validation_nll"] for metrics in read_metrics(folder) if "validation_nll" in metrics]
    typer.echo(f"run: {folder}")
    typer.echo(f"checkpoint: {path}")
    nothing = " (nothing was left to do; give --steps or --budget for more)" if checkpoint.step == before else ""
    typer.echo(f"steps: {checkpoint.step}{nothing}")
    if 0 < patience <= selection.stale:
        typer.echo(f"stopped early: {selection.stale} evaluations brought nothing better than step {selection.step}")
    if validated:
        typer.echo(f"validation nll: {validated[-1]:.4f} nats a graph")
    if selection.step is not None and selection.step != checkpoint.step:
        typer.echo(f"best checkpoint: step {selection.step}; sample from it with --checkpoint best")
