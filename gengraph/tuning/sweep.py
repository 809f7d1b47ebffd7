"""Sweeps over configurations: a folder each, one trial as a pure function, and what came out.

sweeps/NAME/
  sweep.json              data set, how it was read and split, the request, the space, the config that trials start from
  data/                   train.parquet, validation.parquet, test.parquet: frozen, so that a resumed sweep has the same
  trials.jsonl            trials that ended, where they run one after the other without Ray
  ray/                    Ray Tune's own record and the checkpoints of trials; runs/: the runs of trials with several workers
  best.toml               the winner, for `gengraph train`
  trials.parquet          a row a trial
  parallel.html           all trials as lines over their settings, where Plotly is installed (gengraph[tune])
"""

import dataclasses
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gengraph.data import Split
from gengraph.errors import InputError, TrainingDiverged
from gengraph.files import atomic_folder, atomic_path, check_new, write_json, write_text
from gengraph.formats import read_graphs, write_graphs
from gengraph.models.space import Space
from gengraph.training.config import Config
from gengraph.tuning.space import Point, Setting, apply_point, draw_point, parse_space, space_tables
from gengraph.versions import versions

if TYPE_CHECKING:
    from gengraph.metrics import DescribedSet
    from gengraph.training.checkpoint import Checkpoint
    from gengraph.training.trainer import Place

METRICS = ("loss", "mmd")
SCHEDULERS = ("asha", "pbt", "none")
SEARCHES = ("random", "optuna")
PICTURE = "parallel.html"
_EVALUATIONS_BY_MMD = 4  # sampling costs seconds, a validation loss a fraction of one
_MMD_SAMPLES = 64
_PARTS = ("train", "validation", "test")

TrialReport = Callable[[dict[str, Any], "Checkpoint"], None]
"""Called at each evaluation with score, validation_loss, mmd, step, seconds and progress, and where the trial stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepRequest:
    """How a sweep is run.

    Attributes:
        trials: settings to try.
        scheduler: asha (poor trials are stopped early), pbt (poor trials go on from good ones with another learning rate) or
            none.
        search: random, or optuna (its TPE sampler).
        metric: loss (on the validation graphs) or mmd (mean squared MMD of samples to the validation graphs).
        workers_per_trial: ranks of each trial's training.
        seed: of the search; trials train with the seed of their config.
        steps: optimiser steps of a full trial; None trains by budget.
        trial_budget: seconds of a full trial, its evaluations included.
        concurrent: trials at a time on Ray; 0 runs them in one process.
        per_worker: CPU and GPU of each worker of a trial.
    """

    trials: int
    scheduler: str = "asha"
    search: str = "random"
    metric: str = "loss"
    workers_per_trial: int = 1
    seed: int = 0
    steps: int | None = None
    trial_budget: float = 60.0
    concurrent: int = 0
    per_worker: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"CPU": 1.0})

    def __post_init__(self) -> None:
        choices = {"scheduler": SCHEDULERS, "search": SEARCHES, "metric": METRICS}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                msg = f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                raise InputError(msg)
        if self.trials < 1 or self.workers_per_trial < 1:
            msg = f"a sweep needs at least 1 trial and 1 worker a trial, got {self.trials} and {self.workers_per_trial}"
            raise InputError(msg)
        if self.scheduler == "pbt" and self.workers_per_trial > 1:
            msg = "scheduler = pbt copies checkpoints between trials of one worker; use asha, or 1 worker a trial"
            raise InputError(msg)
        if self.scheduler == "pbt" and self.search == "optuna":
            msg = "scheduler = pbt searches by itself; use search = random"
            raise InputError(msg)
        if self.concurrent == 0 and (self.scheduler, self.search, self.workers_per_trial) != ("none", "random", 1):
            msg = "without Ray there is a random search of single-worker trials; run at least 1 trial on Ray for anything else"
            raise InputError(msg)
        if self.metric == "mmd" and self.workers_per_trial > 1 and self.scheduler != "none":
            msg = "metric = mmd is known at the end of a trial with several workers, too late to stop it; use scheduler = none"
            raise InputError(msg)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What came of one trial.

    Attributes:
        number: from 0.
        setting: what it did.
        score: its last; lower is better, None if it failed.
        validation_loss: a graph.
        mmd: mean squared MMD, where that is the metric.
        step: optimiser steps done.
        seconds: of training.
        progress: share of a full trial that it was given, in [0, 1].
        error: why it failed.
        cut: whether the time of the sweep was out before its own.
    """

    number: int
    setting: Setting
    score: float | None = None
    validation_loss: float | None = None
    mmd: float | None = None
    step: int = 0
    seconds: float = 0.0
    progress: float = 0.0
    error: str | None = None
    cut: bool = False

    @classmethod
    def of(cls, number: int, setting: Setting, metrics: dict[str, Any], error: str | None) -> Self:
        """From a trial's last report; a score that is no number counts as a failure."""
        names = ("score", "validation_loss", "mmd", "step", "seconds", "progress")
        values = {name: metrics[name] for name in names if metrics.get(name) is not None}
        score = values.pop("score", None)
        error = error or metrics.get("error")
        if error is None and (score is None or not math.isfinite(score)):
            error = "it ended before its first evaluation" if score is None else f"the score was {score}"
        return cls(number=number, setting=setting, score=None if error else score, error=error, **values)

    @property
    def state(self) -> str:
        """Finished, stopped early, cut by the time of the sweep, or failed."""
        if self.error is not None:
            return "failed"
        if self.cut:
            return "cut"
        return "finished" if self.progress >= 1 else "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """A sweep's folder and what is in its sweep.json.

    Attributes:
        folder: of the sweep.
        config: what points are applied to; the winner keeps its length, trials have that of the request.
        space: what points are drawn from.
        request: how it is run.
        content_hash: of each part of the data.
    """

    folder: Path
    config: Config
    space: Space
    request: SweepRequest
    content_hash: dict[str, str]

    @classmethod
    def create(
        cls, folder: Path, *, split: Split, config: Config, space: Space, request: SweepRequest, record: dict[str, Any]
    ) -> Self:
        """Make the folder of a sweep, whole or not at all.

        Args:
            folder: must not exist.
            split: frozen in the folder.
            config: what points are applied to.
            space: of the sweep.
            request: how it is run.
            record: where the data comes from.

        Raises:
            InputError: the folder exists, or the training graphs cannot be learned with this config.
        """
        from gengraph.training.trainer import prepare_graphs

        check_new(folder.parent, folder.name, "sweep")
        prepare_graphs(split.train, config)
        hashes = {name: getattr(split, name).content_hash() for name in _PARTS}
        about = {
            **record,
            "split": split.origin,
            "content_hash": hashes,
            "request": dataclasses.asdict(request),
            "space": space_tables(space),
            "config": config.to_dict(),
            "versions": versions("gengraph", "torch", "ray"),
        }
        with atomic_folder(folder) as temporary:
            for name in _PARTS:
                write_graphs(getattr(split, name), temporary / "data" / f"{name}.parquet")
            write_json(temporary / "sweep.json", about)
        return cls(folder=folder, config=config, space=space, request=request, content_hash=hashes)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The sweep in a folder.

        Raises:
            InputError: there is none, or its sweep.json is damaged.
        """
        path = folder / "sweep.json"
        if not path.is_file():
            known = sorted(found.parent.name for found in folder.parent.glob("*/sweep.json"))
            msg = f"no sweep {folder}; " + (f"there are {', '.join(known)}" if known else "make one with `gengraph tune`")
            raise InputError(msg)
        former = False
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            former = "family" not in about["config"]
            config, request = Config.from_dict(about["config"]), SweepRequest(**_present(about["request"]))
            space = parse_space(about["space"], config, samples=request.metric == "mmd")
            return cls(folder=folder, config=config, space=space, request=request, content_hash=about["content_hash"])
        except (ValueError, KeyError, TypeError) as error:
            if former:
                msg = (
                    f"sweep {folder} is of gengraph 0.1.0, whose fields had other names ({error}), so it cannot go on; train "
                    "its best.toml, which is still read, or begin a new sweep under another name"
                )
                raise InputError(msg) from None
            msg = f"{path} is damaged ({type(error).__name__}: {error}); begin a new sweep under another name"
            raise InputError(msg) from error

    def split(self) -> Split:
        """The data of the sweep.

        Raises:
            InputError: it is not what the sweep was made with.
        """
        parts = {}
        for name in _PARTS:
            path = self.folder / "data" / f"{name}.parquet"
            parts[name] = read_graphs(path)
            if parts[name].content_hash() != self.content_hash[name]:
                msg = f"{path} is not what this sweep was made with, so its trials would not compare; begin a new sweep"
                raise InputError(msg)
        return Split(train=parts["train"], validation=parts["validation"], test=parts["test"])

    @property
    def evaluations(self) -> int:
        """How often a trial is evaluated."""
        return _EVALUATIONS_BY_MMD if self.request.metric == "mmd" else self.config.training.evaluations

    def setting(self, point: Point) -> Setting:
        """What a trial at a point does."""
        setting = apply_point(self.config, point, least_batch=self.request.workers_per_trial)
        length = {"steps": self.request.steps, "budget": self.request.trial_budget, "evaluations": self.evaluations}
        return _with_training(setting, length | {"mmd_every": min(setting.config.training.mmd_every, self.evaluations)})

    def draw(self, number: int) -> dict[str, Any]:
        """The point of one trial of a random search."""
        return draw_point(self.space, self.config, self.request.seed, number, least_batch=self.request.workers_per_trial)

    def winner(self, trial: Trial) -> str:
        """The config of a trial as `gengraph train` reads it, for a training as long as the config of the sweep."""
        own = {name: getattr(self.config.training, name) for name in ("steps", "budget", "evaluations", "mmd_every")}
        setting = _with_training(trial.setting, own)
        sampled = "" if setting.temperature == 1 else f"# Sample with temperature {setting.temperature:g}.\n"
        about = f"# Trial {trial.number} of sweep {self.folder.name}: {self.request.metric} {trial.score:.6g}.\n"
        return about + sampled + setting.config.to_toml()


def _present(request: dict[str, Any]) -> dict[str, Any]:
    """A request as sweeps of gengraph 0.1.0 may have it, whose loss was called nll."""
    return request | ({"metric": "loss"} if request.get("metric") == "nll" else {})


def _with_training(setting: Setting, values: dict[str, Any]) -> Setting:
    return dataclasses.replace(setting, config=setting.config.trained(**values))


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Best first, failed ones last."""
    return sorted(trials, key=lambda trial: (trial.score is None, trial.score or 0.0, trial.number))


def run_trial(
    setting: Setting,
    split: Split,
    report: TrialReport,
    *,
    metric: str,
    start: "Checkpoint | None" = None,
    place: "Place | None" = None,
) -> None:
    """Train on the training part and report every evaluation.

    Args:
        setting: of the trial.
        split: training and validation graphs.
        report: told the values, and the checkpoint to go on from.
        metric: loss or mmd, what the score is.
        start: where an earlier try stood.
        place: device.

    Raises:
        InputError: the graphs cannot be learned with this setting.
        TrainingDiverged: the loss is not finite any more.
    """
    from gengraph.metrics import DescribedSet
    from gengraph.sampling.attempts import validation_mmd
    from gengraph.training.trainer import Trainer, prepare_graphs

    train, facts = prepare_graphs(split.train, setting.config)
    validation = setting.config.own_family.select(split.validation, setting.config.model)
    trainer = Trainer(setting.config, facts, train, validation, place, measure_mmd=validation_mmd)
    if start is not None:
        trainer.load(start)
    reference = DescribedSet(validation)

    def evaluated(metrics: dict[str, Any]) -> None:
        if "validation_loss" in metrics:
            checkpoint = trainer.checkpoint()
            values = {name: metrics[name] for name in ("validation_loss", "step", "seconds", "progress")}
            report(values | scores(values, checkpoint, reference, metric=metric, temperature=setting.temperature), checkpoint)

    trainer.run(evaluated, lambda _checkpoint: None)


def scores(
    metrics: dict[str, Any], checkpoint: "Checkpoint", reference: "DescribedSet", *, metric: str, temperature: float
) -> dict[str, float]:
    """The score of a trial, and the MMD if that is it: the mean over degree, clustering and orbit, of 64 samples.

    Args:
        metrics: with validation_loss.
        checkpoint: of the model.
        reference: validation graphs as the model sees them (`Family.select`).
        metric: loss or mmd.
        temperature: of the samples.
    """
    if metric == "loss":
        return {"score": metrics["validation_loss"]}
    from gengraph.sampling.attempts import mmd_of_samples
    from gengraph.sampling.conditions import Conditions

    conditions = Conditions(temperature=temperature)
    found = mmd_of_samples(checkpoint.build_model(), reference, _MMD_SAMPLES, seed=0, conditions=conditions)
    value = sum(found.values()) / len(found)
    return {"score": value, "mmd": value}


def sweep_here(sweep: Sweep, *, budget: float | None, report: Callable[[int], None]) -> list[Trial]:
    """A random search in this process, one trial after the other; trials that ended earlier are kept.

    Args:
        sweep: one without Ray.
        budget: seconds after which no further trial begins.
        report: told 1 for every trial that has ended.
    """
    place = _place(sweep.request)
    deadline = math.inf if budget is None else time.monotonic() + budget
    path, split = sweep.folder / "trials.jsonl", sweep.split()
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line] if path.exists() else []
    ended = {record["number"]: record for record in map(json.loads, lines)}
    trials: list[Trial] = []
    for number in range(sweep.request.trials):
        setting = sweep.setting(sweep.draw(number))
        if number not in ended:
            if time.monotonic() > deadline and trials:
                break
            ended[number] = {"number": number, "metrics": {}, "error": None} | _try_trial(sweep, setting, split, place)
            lines.append(json.dumps(ended[number]))
            write_text(path, "\n".join(lines) + "\n")
        trials.append(Trial.of(number, setting, ended[number]["metrics"], ended[number]["error"]))
        report(1)
    return trials


def _place(request: SweepRequest) -> "Place | None":
    """Where trials run in this process: on the GPU, if one was asked for."""
    if not request.per_worker.get("GPU"):
        return None
    from gengraph.training.checkpoint import find_device
    from gengraph.training.trainer import Place

    return Place(device=find_device("cuda"))


def _try_trial(sweep: Sweep, setting: Setting, split: Split, place: "Place | None") -> dict[str, Any]:
    last: dict[str, Any] = {}
    metric = sweep.request.metric
    try:  # NaN stays NaN in this file: it is read here alone
        run_trial(setting, split, lambda metrics, _checkpoint: last.update(metrics), metric=metric, place=place)
    except (InputError, TrainingDiverged) as error:
        return {"metrics": last, "error": str(error)}
    except Exception as error:  # one failed trial must not take the sweep with it
        return {"metrics": last, "error": f"{type(error).__name__}: {error}"}
    return {"metrics": last}


def write_results(sweep: Sweep, trials: Sequence[Trial]) -> Path | None:
    """Write the table and, if a trial succeeded, the picture (where Plotly is) and the winner; returns the winner's file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from gengraph.tuning.parallel_coordinates import write_html

    best_first = ranked(trials)
    rows = [
        {name: getattr(trial, name) for name in ("number", "state", "score", "validation_loss", "mmd", "step", "seconds")}
        | {"progress": trial.progress, "error": trial.error}
        | trial.setting.values(sweep.space)
        for trial in best_first
    ]
    with atomic_path(sweep.folder / "trials.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(rows), temporary)
    if not best_first or best_first[0].score is None:
        return None
    settings = [trial.setting.values(sweep.space) for trial in best_first if trial.score is not None]
    scored = [trial.score for trial in best_first if trial.score is not None]
    if find_spec("plotly"):
        write_html(sweep.folder / PICTURE, sweep.space, settings, scored, metric=sweep.request.metric, title=sweep.folder.name)
    write_text(sweep.folder / "best.toml", sweep.winner(best_first[0]))
    return sweep.folder / "best.toml"
