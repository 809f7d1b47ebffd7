"""`gengraph train`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.choosing import is_open, try_out
from gengraph.cli.config import configure
from gengraph.cli.data import named, read_split, read_start
from gengraph.cli.goal import begin, goal_config, listed_rewards, listed_rules, pursue
from gengraph.cli.models import model_help
from gengraph.cli.options import (
    DATASET_HELP,
    Assignments,
    Budget,
    ConfigName,
    DataDir,
    RunsDir,
    SplitSeed,
    Steps,
    Storage,
    Trackers,
    seed_option,
    start_option,
    takes_group,
    takes_policy,
)
from gengraph.cli.pretrained import READY_MADE, ready_made
from gengraph.cli.training import check_length, checked_trackers, find_mirror, follow, show_run
from gengraph.errors import InputError, TrainingFailed
from gengraph.models.registry import LEARNED
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.cli.workers import WorkerGroup
    from gengraph.data import Split
    from gengraph.graphs.collection import Policy
    from gengraph.storage import Folder
    from gengraph.training.choosing import Trial
    from gengraph.training.config import Config
    from gengraph.zoo.stored import ReadyMade

_GOAL = "Towards a goal (docs/goals.md)"


@takes_group
@takes_policy
def train(
    policy: "Policy",
    group: "WorkerGroup",
    dataset: Annotated[str | None, typer.Option(metavar="NAME|PATH", help=DATASET_HELP)] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=model_help(
                "auto tries those that may suit, which is the default where nothing says what to train (no --config, no --set, "
                "and a data set without a preset); else the config's, or graphrnn.",
                LEARNED,
            ),
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the run, by default DATASET-MODEL; with --reward the run to begin with."),
    ] = None,
    from_pretrained: Annotated[
        str | None, typer.Option(metavar="NAME|FILE|URL", help=f"What training begins with, and its config. {READY_MADE}")
    ] = None,
    reward: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[=VALUE]|FILE.py:FUNCTION",
            help=f"Train a run's model on, towards graphs of a high reward, or one near VALUE. {listed_rewards()}",
            rich_help_panel=_GOAL,
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE.py:FUNCTION",
            help=f"What the graphs must obey. {listed_rules()} Repeatable.",
            rich_help_panel=_GOAL,
        ),
    ] = None,
    goal_run: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="NAME", help="Name of the run towards the goal; by default RUN-REWARD.", rich_help_panel=_GOAL
        ),
    ] = None,
    start: Annotated[str | None, start_option("every graph towards the goal", _GOAL)] = None,
    steps: Steps = None,
    budget: Budget = None,
    config: ConfigName = None,
    assign: Assignments = None,
    seed: Annotated[int | None, seed_option("Seed of weights, batches and orderings; by default the config's.")] = None,
    split_seed: SplitSeed = 0,
    tracker: Trackers = None,
    runs_dir: RunsDir = Path("runs"),
    storage: Storage = None,
    data_dir: DataDir = None,
) -> None:
    """Train a model on a data set; the result is a run that `gengraph sample` draws from.

    A fifth of the graphs is held out for the test and a tenth of the rest for validation, unless the data says which are: by a
    column `split`, or by a folder of three files. The parts are frozen in the run. `gengraph resume` goes on with it;
    docs/training-on-ray.md says what survives what.

    Examples:

      gengraph train --dataset grid --budget 2m

      gengraph train --dataset grid --model gran --budget 10m

      gengraph train --dataset my_graphs.jsonl --budget 5m

      gengraph train --dataset my_graphs.jsonl --run mine --workers 2 --set training.batch_size=16

      gengraph train --dataset grid --workers 8 --min-workers 2 --address auto --storage s3://bucket/runs

      gengraph train --dataset community-small --budget 5m --set training.clock=cpu --set training.patience=3

      gengraph train --from-pretrained grid --dataset my_graphs.jsonl --budget 2m

      gengraph train --run qm9-gcpn --reward qed --budget 10m

      gengraph train --run moses-gcpn --reward plogp --start "c1ccccc1" --rule nodes=1..38

      gengraph train --run mine --reward my_rewards.py:score --rule max-degree=4 --rule connected --workers 2
    """
    from gengraph.files import check_writable

    check_length(steps, budget)
    if reward is not None:
        _check_goal(run, dataset, model, config, from_pretrained, tracker, storage)
        goal = goal_config(reward, rule or [], assign or [], steps=steps, budget=budget, seed=seed)
        with group.session():
            first = None if start is None else read_start(start, policy)
            pursue(begin(runs_dir, str(run), goal_run, goal, first), group)
        return
    if rule or goal_run or start:
        msg = "--rule, --as and --start are of a training towards a goal; give --reward, or leave them out"
        raise InputError(msg)
    trackers = checked_trackers(tracker)
    tried: list[Trial] = []
    settings: Mapping[str, Any] = {}
    read, name = None, named(dataset)
    place = None if run is None else _find_place(runs_dir, run, storage)
    begun = None if from_pretrained is None else _begin_with(from_pretrained, model, config, data_dir)
    if begun is None and is_open(str(dataset), model, config, assign):
        read = read_split(str(dataset), data_dir, policy, split_seed)
        check_writable(runs_dir)  # before minutes of trials
        best = try_out(str(dataset), read[0], steps=steps, budget=budget, seed=seed, tried=tried)
        model, settings = best.model, best.settings
    base = configure(config, model, dataset, assign) if begun is None else begun.checkpoint.config.replace(assign or [])
    base = base.with_values(settings)
    chosen = _train_for(base, seed=seed, steps=steps, budget=budget)
    folder, mirror = place or _find_place(runs_dir, f"{name}-{chosen.model_name}", storage)
    split, record = read or read_split(str(dataset), data_dir, policy, split_seed)
    check_writable(runs_dir)
    with group.session():
        record |= {"tried": [asdict(trial) for trial in tried]}
        settled = _fit_batch(chosen, group.workers)
        _create(folder, split, settled, record, begun)
        with _removed_if_untrained(folder, mirror):  # not before: a run of this name may be another command's by now
            del read, split  # the run has them
            _describe(folder, settled)
            if mirror is not None:
                from gengraph.runs.mirror import push_run

                push_run(folder, mirror)
            follow(folder, mirror, group, trackers)
    show_run(folder)


def _check_goal(run: str | None, dataset: str | None, *others: Any) -> None:
    """Whether a goal is asked for of a run, and nothing that belongs to a training on data."""
    if run is None:
        msg = "--reward trains on a run's model; train one first, then give --run NAME"
        raise InputError(msg)
    if dataset is not None or any(others):
        msg = (
            "--reward goes on from what --run was trained on; leave out --dataset, --model, --config, "
            "--from-pretrained, --tracker and --storage, "
            "and set fields of the goal: --set goal.prior=0.05"
        )
        raise InputError(msg)


def _begin_with(name: str, model: str | None, config: str | None, data_dir: Path | None) -> "ReadyMade":
    """The ready-made model that training begins with.

    Raises:
        InputError: a model or a config is named besides.
    """
    if model is not None or config is not None:
        msg = "--from-pretrained brings model and config; leave out --model and --config, or set fields: --set training.ema=.99"
        raise InputError(msg)
    return ready_made(name, data_dir)


def _find_place(runs_dir: Path, name: str, storage: str | None) -> "tuple[Path, Folder | None]":
    """The folder of a new run, and where its copy goes; checked before anything else is done."""
    from gengraph.files import check_new

    check_new(runs_dir, name, "run")
    return runs_dir / name, find_mirror(storage, runs_dir / name, new=True)


@contextmanager
def _removed_if_untrained(folder: Path, mirror: "Folder | None") -> Iterator[None]:
    """A new run that fails before its first checkpoint is removed, so that a better command finds its name free.

    One whose workers have failed stays: the message names their logs.
    """
    from gengraph.cli.progress import errors
    from gengraph.runs.folders import discard_untrained

    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if type(error) is TrainingFailed or not discard_untrained(folder):
            raise
        if mirror is not None:
            with suppress(OSError, InputError):
                mirror.remove_all()
        if isinstance(error, KeyboardInterrupt):
            msg = "No checkpoint was made yet, so nothing is kept; the same command begins anew."
            raise KeyboardInterrupt(msg) from None
        errors.print(f"run {folder} is removed: it had no checkpoint yet")
        raise


def _train_for(config: "Config", *, seed: int | None, steps: int | None, budget: float | None) -> "Config":
    changes: dict[str, Any] = {} if seed is None else {"seed": seed}
    if steps is not None:
        changes |= {"steps": steps}
    if budget is not None:
        changes |= {"steps": None, "budget": budget}
    return config.trained(**changes)


def _fit_batch(config: "Config", workers: int) -> "Config":
    """Every worker takes part in every step: a batch holds a graph for each of them at least."""
    from gengraph.cli.progress import errors

    if config.training.batch_size >= workers:
        return config
    errors.print(f"training.batch_size raised from {config.training.batch_size} to {workers}: a graph for every worker")
    return config.trained(batch_size=workers)


def _create(folder: Path, split: "Split", config: "Config", record: dict[str, Any], begun: "ReadyMade | None") -> None:
    """Make the run."""
    from gengraph.cli.progress import busy
    from gengraph.runs.folders import create_run

    with busy("looking at the training graphs"):
        create_run(
            folder,
            dataset=record["dataset"],
            split=split,
            split_seed=record["split_seed"],
            config=config,
            record=record if begun is None else record | {"begun_with": begun.record()},
            before=None if begun is None else begun.checkpoint,
        )


def _describe(folder: Path, config: "Config") -> None:
    """Say what the model has taken from the data."""
    from gengraph.cli.progress import errors
    from gengraph.runs.folders import read_run
    from gengraph.training.batches import VALIDATION_GRAPHS

    about = read_run(folder)
    sizes = about["num_graphs"]
    errors.print(f"{counted(sizes['train'], 'graph')} to train on, {sizes['validation']} to validate")
    if about["num_graphs"]["validation"] > VALIDATION_GRAPHS:
        errors.print(f"of the graphs to validate {VALIDATION_GRAPHS} are evaluated, the same each time")
    for name, value in config.describe(about["facts"]).items():
        errors.print(f"{name}: {value}")
    if about["cut_to_largest_component"]:
        cut = counted(about["cut_to_largest_component"], "disconnected graph")
        errors.print(f"{cut} cut to the largest component")
