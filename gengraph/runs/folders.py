"""Training runs: one folder each, with frozen data, config, metrics and checkpoints.

runs/NAME/
  run.json        data set, what reading it changed, split, data facts, versions
  config.toml     what `gengraph train --config` reads
  begin.safetensors  weights that it begins with, where these are another model's
  data/           train.parquet, validation.parquet, test.parquet: frozen, so that they never mix
  metrics.jsonl   one line a report
  checkpoints/    the newest two, and that of the best evaluation
"""

import json
import logging
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gengraph.data import Split
from gengraph.errors import InputError, TrainingDiverged
from gengraph.files import atomic_folder, check_new, file_lock, is_locked, write_json, write_text
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.runs.beginning import facts_beginning, in_labels_of, read_beginning, write_beginning
from gengraph.training.config import Config, load_config
from gengraph.versions import versions

if TYPE_CHECKING:
    from gengraph.training.checkpoint import Checkpoint
    from gengraph.training.likelihood import LikelihoodBound
    from gengraph.training.trainer import Place, TrainingReport

logger = logging.getLogger(__name__)
CHECKPOINTS = ("last", "best")
_VERSIONED = ("gengraph", "torch", "numpy", "numba")
_LOCK = "training"  # held by the process that trains a run
_PATIENCE_S = 10.0
_KEPT = "the last good checkpoint is kept"  # as a trainer says it, which does not know of checkpoints before its own


def create_run(
    folder: Path,
    *,
    dataset: str,
    split: Split,
    split_seed: int,
    config: Config,
    record: Mapping[str, Any] | None = None,
    before: "Checkpoint | None" = None,
) -> None:
    """Make the folder of a run, whole or not at all.

    Args:
        folder: must not exist.
        dataset: name or path, for the record.
        split: the data that is frozen in the run.
        split_seed: for the record.
        config: of the training.
        record: what else run.json shall say: reading, policy and counts of reading the data; tried, models that were tried
            before; begun_with, what `before` is.
        before: a model that training begins with.

    Raises:
        InputError: the folder exists, or the graphs cannot be learned with this config, or not beginning with that model.
    """
    from gengraph.training.trainer import prepare_graphs

    check_new(folder.parent, folder.name, "run")
    split = split if before is None else in_labels_of(before, split)
    train, facts = prepare_graphs(split.train, config)
    facts = facts if before is None else facts_beginning(config, facts, before)
    validation = config.own_family.select(split.validation, config.model)
    parts = {"train": train, "validation": validation, "test": split.test}
    about = {
        "model": config.model_name,
        "tried": [],
        "dataset": dataset,
        "reading": None,
        **(record or {}),
        "split": split.origin,
        "split_seed": split_seed if split.origin == "seeded" else None,
        "num_graphs": {name: len(part) for name, part in parts.items()},
        "cut_to_largest_component": _num_cut(split.train, train),
        "content_hash": {name: part.content_hash() for name, part in parts.items()},
        "facts": facts,
        "versions": {"python": platform.python_version()} | versions(*_VERSIONED),
    }
    with atomic_folder(folder) as temporary:
        for name, part in parts.items():
            write_graphs(part, temporary / "data" / f"{name}.parquet")
        if before is not None:
            write_beginning(temporary, before)
        write_text(temporary / "config.toml", config.to_toml())
        write_json(temporary / "run.json", about)


def _num_cut(graphs: GraphSet, selected: GraphSet) -> int:
    """Graphs that a family cut to their largest component; those that it left out are none of them."""
    return int((graphs.num_nodes != selected.num_nodes).sum()) if len(graphs) == len(selected) else 0


def read_run(folder: Path) -> dict[str, Any]:
    """The content of run.json.

    Raises:
        InputError: there is no such run.
    """
    path = folder / "run.json"
    if not path.is_file():
        known = sorted(run.parent.name for run in folder.parent.glob("*/run.json"))
        msg = f"no run {folder}; " + (f"there are {', '.join(known)}" if known else "make one with `gengraph train`")
        raise InputError(msg)
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} is damaged ({error}); train again under another name"
        raise InputError(msg) from error
    missing = [name for name in ("facts", "content_hash", "dataset", "model") if name not in about]
    if missing:
        msg = f"{path} is damaged: it has no {', '.join(missing)}; train again under another name"
        raise InputError(msg)
    return about


def extend_run(folder: Path, *, steps: int | None, budget: float | None, done: "Checkpoint | None" = None) -> None:
    """Give an existing run another length; without both it keeps its own.

    Args:
        folder: of the run.
        steps: from the start of the run.
        budget: seconds, likewise.
        done: where the run stands.

    Raises:
        InputError: no such run, or it has done more than that already.
    """
    read_run(folder)
    if steps is None and budget is None:
        return
    config = load_config(folder / "config.toml")
    longer = config.trained(**({"steps": steps} if budget is None else {"steps": None, "budget": budget}))
    if longer == config:
        return
    if done is not None:
        check_longer(folder, longer.training, done)
    write_text(folder / "config.toml", longer.to_toml())


GOAL = "goal.toml"
"""The file of a run that is trained towards a goal; what it says of its length goes before the config."""


class Length(Protocol):
    """What says how long a run is trained (`TrainingConfig` and `GoalConfig` do).

    Attributes:
        steps: None: as the budget allows.
        budget: seconds, where steps is None.
        clock: that the budget is measured by.
    """

    @property
    def steps(self) -> int | None: ...  # noqa: D102
    @property
    def budget(self) -> float: ...  # noqa: D102
    @property
    def clock(self) -> str: ...  # noqa: D102


def check_longer(folder: Path, length: Length, done: "Checkpoint") -> None:
    """Refuse a length that a run has passed already.

    Raises:
        InputError: it has.
    """
    seconds = done.cpu_seconds if length.clock == "cpu" else done.wall_seconds
    if length.steps is None and length.budget < seconds:
        less = f"budget must be >= the {seconds:.0f} s that run {folder} has been trained for, got {length.budget:g}"
    elif length.steps is not None and length.steps < done.step:
        less = f"steps must be >= the {done.step} that run {folder} has done, got {length.steps}"
    else:
        return
    msg = f"{less}; they count from the start of the run, so give more of them"
    raise InputError(msg)


def discard_untrained(folder: Path) -> bool:
    """Remove a run of which nothing was trained, so that its name is free; returns whether it is gone.

    What has a checkpoint stays, a damaged one too, and so does what a process trains now.
    """
    if not (folder / "run.json").is_file() or any((folder / "checkpoints").glob("*step-*")) or is_running(folder):
        return False
    shutil.rmtree(folder)
    return True


def newest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint of a run.

    Raises:
        InputError: no such run, or it has none yet.
    """
    from gengraph.training.checkpoint import checkpoints_in

    read_run(folder)
    saved = checkpoints_in(folder / "checkpoints")
    if not saved:
        msg = f"run {folder} has no checkpoint yet; train it first, or resume its training"
        raise InputError(msg)
    return saved[-1]


@contextmanager
def hold_run(folder: Path) -> Iterator[None]:
    """Hold a run while it is trained: two processes never write one run.

    Raises:
        InputError: another process holds it, and went on holding it for a while (those that a crash has orphaned end soon).
    """
    try:
        with file_lock(folder / _LOCK, patience=_PATIENCE_S):
            yield
    except TimeoutError as error:
        msg = f"another process trains run {folder} now; wait for its end, or stop it (Ctrl-C) to go on here"
        raise InputError(msg) from error


@contextmanager
def appended_metrics(folder: Path, report: "TrainingReport") -> "Iterator[TrainingReport]":
    """What writes a line of a run's metrics.jsonl for each report, and then reports it."""
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:

        def record(metrics: dict[str, Any]) -> None:
            file.write(json.dumps(metrics) + "\n")
            file.flush()
            report(metrics)

        yield record


def is_running(folder: Path) -> bool:
    """Whether a process trains the run now."""
    return is_locked(folder / _LOCK)


def whole_checkpoint(folder: Path, *, repair: bool = False) -> "Checkpoint | None":
    """The newest checkpoint of a run that can be read; None if it has none at all.

    Args:
        folder: of the run.
        repair: put damaged ones that are newer out of the way, under the name damaged-step-....

    Raises:
        InputError: there are checkpoints and all are damaged, or the newest has a format that this version does not read.
    """
    from gengraph.training.checkpoint import DamagedCheckpoint, checkpoints_in, load_checkpoint

    damaged: dict[Path, DamagedCheckpoint] = {}
    for path in reversed(checkpoints_in(folder / "checkpoints")):
        try:
            checkpoint = load_checkpoint(path)
        except DamagedCheckpoint as error:
            damaged[path] = error
            continue
        for other, why in damaged.items():
            logger.warning("%s; going on from %s, the one before", str(why).partition("; ")[0], path.name)
            if repair:
                other.rename(other.with_name(f"damaged-{other.name}"))
        return checkpoint
    if damaged:
        raise next(iter(damaged.values()))
    return None


def find_checkpoint(folder: Path, which: str | None = None) -> Path:
    """The checkpoint of a run that is asked for.

    Args:
        folder: of the run.
        which: last, the newest one; best, that of the best evaluation; None, the best, or the last where none was evaluated.

    Raises:
        InputError: no such run, it has no checkpoint yet, or none was evaluated and the best is asked for.
    """
    from gengraph.training.checkpoint import best_checkpoint

    if which not in {None, *CHECKPOINTS}:
        msg = f"checkpoint must be one of {', '.join(CHECKPOINTS)}, got {which!r}"
        raise InputError(msg)
    newest = newest_checkpoint(folder)
    best = newest if which == "last" else best_checkpoint(newest)
    if best is None and which is None:
        return newest
    if best is None:
        msg = f"run {folder} was not evaluated yet, so none of its checkpoints is the best; use the last"
        raise InputError(msg)
    return best


def frozen_part(folder: Path, name: str, about: dict[str, Any]) -> GraphSet:
    """A part of a run's data, which must be what it was when the run was made.

    Args:
        folder: of the run.
        name: train, validation or test.
        about: the content of run.json.

    Raises:
        InputError: it was changed.
    """
    path = folder / "data" / f"{name}.parquet"
    graphs = read_graphs(path)
    if graphs.content_hash() != about["content_hash"][name]:
        msg = f"{path} is not what this run was made with, so train and test graphs may have mixed; make a new run"
        raise InputError(msg)
    return graphs


def bound_likelihood(
    folder: Path, *, checkpoint: str | None = None, num_orderings: int = 8, seed: int = 0
) -> "tuple[Path, dict[str, LikelihoodBound]]":
    """Bounds on the likelihood of the graphs in each part of a run's data, and the checkpoint whose they are.

    Args:
        folder: of the run.
        checkpoint: last or best, as `find_checkpoint` has it.
        num_orderings: drawn for each graph, >= 1.
        seed: of the orderings.

    Raises:
        InputError: no such run or checkpoint, data that was changed, or graphs that the model cannot express.
    """
    from gengraph.training.checkpoint import load_checkpoint
    from gengraph.training.likelihood import log_prob_bound

    about, path = read_run(folder), find_checkpoint(folder, checkpoint)
    loaded = load_checkpoint(path)
    model, config = loaded.build_model(), loaded.config
    family = config.own_family
    parts = {name: family.select(frozen_part(folder, name, about), config.model) for name in about["content_hash"]}
    return path, {
        name: log_prob_bound(model, part, num_orderings=num_orderings, seed=seed) for name, part in parts.items() if len(part)
    }


def train_run(
    folder: Path,
    *,
    report: "TrainingReport" = lambda _metrics: None,
    place: "Place | None" = None,
    saved: Callable[[], None] = lambda: None,
) -> int:
    """Train a run from its newest checkpoint, or from the start, to its end; returns the steps done.

    Every rank of a world calls it with the same folder, which all can read; rank 0 writes.

    Args:
        folder: of the run.
        report: told what goes into metrics.jsonl.
        place: rank and device.
        saved: called after every checkpoint and at the end, on rank 0 only.

    Raises:
        InputError: no such run, checkpoints of which none can be read, data that was changed, or another process trains it.
        TrainingDiverged: the loss is not finite any more.
        RanksDiverged: the ranks of the world do not have the same weights.
        KeyboardInterrupt: after the checkpoint was saved.
    """
    from gengraph.sampling.attempts import validation_mmd
    from gengraph.training.card import write_card
    from gengraph.training.checkpoint import Checkpoint, checkpoints_in, save_checkpoint
    from gengraph.training.trainer import Trainer

    about, config = read_run(folder), load_config(folder / "config.toml")
    train, validation = (frozen_part(folder, name, about) for name in ("train", "validation"))
    trainer = Trainer(config, about["facts"], train, validation, place, measure_mmd=validation_mmd)
    leading = place is None or place.rank == 0
    with hold_run(folder) if leading else nullcontext(), appended_metrics(folder, report) as record:
        trainer.meet()  # nobody looks for a checkpoint before rank 0 holds the run
        checkpoint = whole_checkpoint(folder, repair=leading)
        begun = read_beginning(folder, about) if checkpoint is None else None
        if checkpoint is not None:
            trainer.load(checkpoint)
        elif begun is not None:
            trainer.begin_with(begun)

        named = about | {"run": folder.name}

        def save(checkpoint: Checkpoint) -> None:
            save_checkpoint(checkpoint, folder / "checkpoints", card=write_card(checkpoint, named))
            saved()

        try:
            trainer.run(record, save)
        except TrainingDiverged as error:
            if checkpoints_in(folder / "checkpoints"):
                raise
            raise TrainingDiverged(str(error).replace(_KEPT, "no checkpoint was made before")) from None
        finally:
            if leading:
                saved()
    return trainer.step
