"""A run while it is trained, by `gengraph train` and `gengraph resume`."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gengraph.errors import InputError
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.cli.workers import WorkerGroup
    from gengraph.storage import Folder
    from gengraph.training.trainer import Place


def check_length(steps: int | None, budget: float | None) -> None:
    """Whether at most one length is given.

    Raises:
        InputError: two are.
    """
    if steps is not None and budget is not None:
        msg = "give either --steps or --budget, not both"
        raise InputError(msg)


def checked_trackers(trackers: Sequence[str] | None) -> list[str]:
    """The trackers that are asked for, each once.

    Raises:
        InputError: a package is missing.
    """
    from gengraph.training.trackers import check_trackers

    names = list(dict.fromkeys(trackers or []))
    check_trackers(names)
    return names


def find_mirror(storage: str | None, folder: Path, *, new: bool) -> "Folder | None":
    """Where the run has its copy; checked before anything else is done.

    Raises:
        InputError: it cannot be written, or has a new run's name already.
    """
    if storage is None:
        return None
    from gengraph.runs.mirror import open_mirror

    return open_mirror(storage, folder.name, new=new)


def resume_command(folder: Path, mirror: "Folder | None" = None) -> str:
    """What goes on with a run."""
    copied = "" if mirror is None else f" --storage {shlex.quote(mirror.place)}"
    return f"gengraph resume {shlex.quote(folder.name)}{_where(folder)}{copied}"


def sample_command(folder: Path) -> str:
    """What samples from a run."""
    name = shlex.quote(folder.name)
    return f"gengraph sample --run {name} -n 1000 --out samples/{name}{_where(folder)}"


def _where(folder: Path) -> str:
    return "" if folder.parent == Path("runs") else f" --runs-dir {shlex.quote(str(folder.parent))}"


def follow(folder: Path, mirror: "Folder | None", group: "WorkerGroup", trackers: list[str], *, done: int = 0) -> None:
    """Train a run to its end, in this process or on the Ray that it is connected to, and show how it goes.

    Args:
        folder: of the run.
        mirror: where it has its copy.
        group: its workers.
        trackers: who is told, too.
        done: steps that the run had done before.

    Raises:
        KeyboardInterrupt: names the checkpoint that is kept, and the command that goes on.
        OSError: it could not be written; what is kept is said.
    """
    from gengraph.cli.progress import errors, training_bar
    from gengraph.runs.folders import newest_checkpoint
    from gengraph.training.config import load_config
    from gengraph.training.trackers import tracking

    try:
        config = load_config(folder / "config.toml")
        with tracking(trackers, folder, config, done=done) as track, training_bar(folder.name, _before(group)) as show:

            def report(metrics: dict[str, Any]) -> None:
                show(metrics)
                track(metrics)

            _train(folder, mirror, group, report)
    except (KeyboardInterrupt, OSError) as error:
        try:
            kept = f"Kept {newest_checkpoint(folder)}; go on with `{resume_command(folder, mirror)}`."
        except InputError:
            kept = f"No checkpoint was made yet; go on with `{resume_command(folder, mirror)}`."
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(kept) from None
        if not kept.startswith("No"):
            errors.print(kept)
        raise


def _before(group: "WorkerGroup") -> str:
    """What goes on before the first step."""
    if group.workers == 0:
        return "reading the data, building the model"
    return f"{counted(group.workers, 'worker')} starting: importing, reading the data, building the model"


def _train(folder: Path, mirror: "Folder | None", group: "WorkerGroup", report: Any) -> None:
    from gengraph.runs.folders import train_run
    from gengraph.runs.mirror import push_progress

    if group.workers == 0:
        pushing = {} if mirror is None else {"saved": partial(push_progress, folder, mirror)}
        train_run(folder, report=report, place=_local_place(group.per_worker), **pushing)
        return
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


def _local_place(per_worker: dict[str, float]) -> "Place | None":
    """In this process: on the GPU if one was asked for."""
    if not per_worker.get("GPU"):
        return None
    from gengraph.training.checkpoint import find_device
    from gengraph.training.trainer import Place

    return Place(device=find_device("cuda"))


def show_run(folder: Path, *, before: int | None = None) -> None:
    """Print what a training has come to.

    Args:
        folder: of the run.
        before: steps that it had done before.
    """
    from gengraph.runs.folders import newest_checkpoint
    from gengraph.runs.history import read_metrics
    from gengraph.training.checkpoint import load_checkpoint

    path = newest_checkpoint(folder)
    checkpoint = load_checkpoint(path)
    selection, patience = checkpoint.selection, checkpoint.config.training.patience
    validated = [metrics for metrics in read_metrics(folder) if "validation_loss" in metrics]
    typer.echo(f"run: {folder}")
    typer.echo(f"checkpoint: {path}")
    nothing = " (nothing was left to do; give --steps or --budget for more)" if checkpoint.step == before else ""
    typer.echo(f"steps: {checkpoint.step}{nothing}")
    if 0 < patience <= selection.stale:
        evaluations = counted(selection.stale, "evaluation")
        typer.echo(f"stopped early: {evaluations} brought nothing better than step {selection.step}")
    if validated:
        typer.echo(f"validation loss: {validated[-1]['validation_loss']:.4f} ({checkpoint.config.own_family.loss})")
        _show_gap(validated[-1])
    if selection.step is not None and selection.step != checkpoint.step:
        typer.echo(f"best checkpoint: step {selection.step}, which is sampled from unless you say --checkpoint last")
    typer.echo(f"next: {sample_command(folder)}")


def _show_gap(metrics: dict[str, Any]) -> None:
    """Print the loss a node on both parts: a model that learns its graphs by heart has a wide gap between them."""
    train, validation = (metrics.get(name) for name in ("loss_per_node", "validation_loss_per_node"))
    if train is None or validation is None:
        return
    gap = f": {100 * (validation / train - 1):+.0f}%" if train > 0 else ""
    typer.echo(f"loss a node: {train:.4g} on the training graphs, {validation:.4g} on the validation graphs{gap}")
