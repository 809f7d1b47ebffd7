"""`gengraph resume`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.goal import pursue
from gengraph.cli.options import Budget, RunsDir, Steps, Storage, Trackers, takes_group
from gengraph.cli.training import check_length, checked_trackers, find_mirror, follow, show_run

if TYPE_CHECKING:
    from gengraph.cli.workers import WorkerGroup
    from gengraph.storage import Folder


@takes_group
def resume(
    group: "WorkerGroup",
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run, as `gengraph runs` names it.")],
    steps: Steps = None,
    budget: Budget = None,
    tracker: Trackers = None,
    runs_dir: RunsDir = Path("runs"),
    storage: Storage = None,
) -> None:
    """Go on with a run where its newest checkpoint stands, with its own data, config and seed.

    It is trained to the end that it was given, or to another: --steps and --budget count from the start of the run. The number
    of workers may be another than before.

    Examples:

      gengraph resume mine

      gengraph resume mine --budget 20m --workers 2

      gengraph resume grid-graphrnn --workers 8 --address auto --storage s3://bucket/runs
    """
    check_length(steps, budget)
    trackers = checked_trackers(tracker)
    folder = runs_dir / run
    mirror = _fetch(folder, storage)
    from gengraph.goals.run import extend_goal, is_goal_run

    if is_goal_run(folder):
        extend_goal(folder, steps=steps, budget=budget)
        with group.session():
            pursue(folder, group)
        return
    with group.session():
        before = _extend(folder, mirror, steps=steps, budget=budget)
        follow(folder, mirror, group, trackers, done=before or 0)
    show_run(folder, before=before)


def _fetch(folder: Path, storage: str | None) -> "Folder | None":
    """Have the run in its folder, from its storage if need be; returns the storage."""
    from gengraph.runs.folders import read_run
    from gengraph.runs.mirror import match_run

    mirror = find_mirror(storage, folder, new=False)
    if mirror is not None:
        match_run(folder, mirror)
    read_run(folder)
    return mirror


def _extend(folder: Path, mirror: "Folder | None", *, steps: int | None, budget: float | None) -> int | None:
    """Give the run its new length; returns the steps that are done already, None if there is no checkpoint."""
    from gengraph.runs.folders import extend_run, hold_run, whole_checkpoint
    from gengraph.runs.mirror import push_progress

    with hold_run(folder):
        checkpoint = whole_checkpoint(folder, repair=True)
        extend_run(folder, steps=steps, budget=budget, done=checkpoint)
        if mirror is not None:
            push_progress(folder, mirror)
    return None if checkpoint is None else checkpoint.step
