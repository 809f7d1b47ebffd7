"""A sweep on Ray Tune, stopped early by ASHA or bred by population-based training, and resumable.

Trials of one worker run the pure loop in the trial's own actor and report checkpoints. Trials of several workers are runs of
their own, trained by a TorchTrainer whose workers hold the resources; their driver holds none, or they would wait for each
other. A trial that is stopped ends its workers itself.

References:
    L. Li et al. A system for massively parallel hyperparameter tuning. MLSys 2020 (ASHA).
    M. Jaderberg et al. Population based training of neural networks. arXiv:1711.09846, 2017 (PBT).
"""

import contextlib
import dataclasses
import json
import math
import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ray import tune
from ray.tune.schedulers import ASHAScheduler, PopulationBasedTraining, TrialScheduler
from ray.tune.search import BasicVariantGenerator, Searcher

from gengraph.errors import InputError, TrainingDiverged
from gengraph.models.space import Choice, Range, Space
from gengraph.runs.folders import create_run, newest_checkpoint
from gengraph.runs.history import read_metrics
from gengraph.training.card import write_card
from gengraph.training.checkpoint import Checkpoint, checkpoints_in, load_checkpoint, save_checkpoint
from gengraph.training.config import Config
from gengraph.training.trainer import Place
from gengraph.tuning.space import LEARNING_RATE, Setting
from gengraph.tuning.sweep import Sweep, Trial, run_trial, scores

_NAME = "ray"
_SCORE, _TIME, _SETTING = "score", "training_iteration", "setting"
_DRIVER = {"node:__internal_head__": 0.001}  # on the head node, and nothing that a worker could use
_END_S = 90.0  # for the workers of a stopped trial to end
_KEPT_S = 60.0  # before a checkpoint that is not the newest is removed: Tune's record, from which a sweep goes on, may be older
_DEFAULT_RATE = Range(1e-4, 1e-2, log=True)
_TABLE = "table "


def sweep_on_ray(sweep: Sweep, *, budget: float | None, report: Callable[[int], None]) -> list[Trial]:
    """Run a sweep on the Ray that this process is connected to, or go on with one that was begun.

    Args:
        sweep: its folder is seen by all machines.
        budget: seconds from now after which running trials are cut and no further one begins; both can go on another time.
        report: told 1 whenever a trial has ended.

    Returns:
        The trials that began; the others are missing where the time was out before.

    Raises:
        KeyboardInterrupt: Ctrl-C; what is done stays.
    """
    os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"  # Ctrl-C is ours to answer
    os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "0")  # Tune renews its record at every event
    folder = sweep.folder.resolve()
    _Progress.told[:] = [report]
    _Progress.deadline = math.inf if budget is None else time.monotonic() + budget
    unfinished: frozenset[str] = frozenset()
    with (folder / "ray.log").open("a", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        try:
            grid = _tuner(sweep, folder).fit()
        except _TimeOut as out:
            unfinished = out.unfinished
            grid = _tuner(sweep, folder).get_results() if _has_trials(folder) else []
    if not unfinished and sweep.request.scheduler != "pbt":
        for trial in (folder / _NAME).glob("*"):  # none where the time was out before
            forget_checkpoints(trial, 0)
    for left in folder.glob("runs/*/.ray-*"):  # Ray's record of trials that were stopped
        shutil.rmtree(left)
    begun = {Path(result.path).name: result for result in grid if result.path and result.config}
    found = {name: result for name, result in begun.items() if name not in unfinished or _SCORE in (result.metrics or {})}
    return [_trial(sweep, int(name), found[name], cut=name in unfinished) for name in sorted(found, key=int)]


def _tuner(sweep: Sweep, folder: Path) -> tune.Tuner:
    alone = sweep.request.workers_per_trial == 1
    trainable = tune.with_parameters(_one_worker if alone else _SeveralWorkers, folder=folder)
    trainable = tune.with_resources(trainable, dict(sweep.request.per_worker) if alone else _DRIVER)
    if _has_trials(folder):
        return tune.Tuner.restore(str(folder / _NAME), trainable=trainable, resume_unfinished=True, resume_errored=True)
    shutil.rmtree(folder / _NAME, ignore_errors=True)  # of a sweep that ended before its first trial began
    request = sweep.request
    random = request.search == "random"
    return tune.Tuner(
        trainable,
        param_space={name: _domain(part) for name, part in sweep.space.items()},
        tune_config=tune.TuneConfig(
            metric=_SCORE,
            mode="min",
            num_samples=request.trials,
            max_concurrent_trials=None if random else request.concurrent,
            search_alg=_random(sweep) if random else _optuna(sweep),
            scheduler=_scheduler(sweep),
            trial_dirname_creator=_number,
            reuse_actors=alone,  # seconds of imports for every trial but the first
        ),
        run_config=tune.RunConfig(
            name=_NAME,
            storage_path=str(folder),
            verbose=0,
            callbacks=[_Progress(folder, request.trials)],
            failure_config=tune.FailureConfig(max_failures=1),  # a machine that is lost; what we raise is reported instead
        ),
    )


def _has_trials(folder: Path) -> bool:
    """Whether Tune can go on with a sweep; by its own account it can before it has a record of trials, and then fails."""
    place = folder / _NAME
    return tune.Tuner.can_restore(str(place)) and any(place.glob("experiment_state-*.json"))


def _number(trial: Any) -> str:
    """The number that Tune counts a trial with; a restored sweep lists its trials in another order."""
    return str(trial.experiment_tag).split("_", maxsplit=1)[0]


def _domain(part: Choice | Range) -> Any:
    if isinstance(part, Choice):
        return tune.choice([_coded(value) for value in part.values])
    if part.whole:
        return (tune.lograndint if part.log else tune.randint)(part.low, part.high + 1)
    return (tune.loguniform if part.log else tune.uniform)(part.low, part.high)


def _coded(value: Any) -> Any:
    """A value that is a table or a list as text: Tune would take it apart."""
    return _TABLE + json.dumps(value) if isinstance(value, dict | tuple) else value


def _decoded(point: dict[str, Any]) -> dict[str, Any]:
    """A point as it was before Tune had it."""
    tables = {name: json.loads(value.removeprefix(_TABLE)) for name, value in point.items() if str(value).startswith(_TABLE)}
    return point | tables


def _setting_of(sweep: Sweep, point: dict[str, Any]) -> Setting:
    """The setting of a point as Tune has it."""
    return sweep.setting(_decoded(point))


def _written(setting: Setting) -> str:
    """A setting as text that a result can hold: after an exchange it is no longer that of the trial's point."""
    return json.dumps({"config": setting.config.to_dict(), "temperature": setting.temperature})


def _read(text: str) -> Setting:
    values = json.loads(text)
    return Setting(config=Config.from_dict(values["config"]), temperature=values["temperature"])


def _random(sweep: Sweep) -> Any:
    """The points that a random search without Ray would try."""
    drawn = (sweep.draw(number) for number in range(sweep.request.trials))
    points = [{name: _coded(value) for name, value in point.items()} for point in drawn]
    return BasicVariantGenerator(points_to_evaluate=points, max_concurrent=sweep.request.concurrent)


def _optuna(sweep: Sweep) -> Searcher:
    try:
        from gengraph.distributed.optuna_points import ValidPoints

        return ValidPoints(partial(_setting_of, sweep), sweep.request.seed)
    except (ImportError, AssertionError) as error:
        msg = "search = optuna needs optuna; install gengraph[tune], or use search = random"
        raise InputError(msg) from error


def _scheduler(sweep: Sweep) -> TrialScheduler | None:
    evaluations = sweep.evaluations
    if sweep.request.scheduler == "asha":
        # One evaluation more than there are: a trial that reaches its end ends by itself, it is not killed there.
        return ASHAScheduler(time_attr=_TIME, max_t=evaluations + 1, grace_period=max(1, evaluations // 5))
    if sweep.request.scheduler == "pbt":
        return PopulationBasedTraining(
            time_attr=_TIME,
            perturbation_interval=max(1, evaluations // 5),
            hyperparam_mutations={LEARNING_RATE: _rate(sweep.space)},
            require_attrs=False,
            synch=True,  # all are compared at the same age, whoever runs first or faster
        )
    return None


def _rate(space: Space) -> Any:
    return _domain(space.get(LEARNING_RATE, _DEFAULT_RATE))


def _one_worker(point: dict[str, Any], *, folder: Path) -> None:
    """A trial in this actor, from the checkpoint that Tune hands it, its own or that of a better trial."""
    import torch

    sweep = Sweep.open(folder)
    setting = _setting_of(sweep, point)
    torch.set_num_threads(max(1, int(sweep.request.per_worker["CPU"])))
    place = Place(device=torch.device("cuda")) if sweep.request.per_worker.get("GPU") else None

    def report(metrics: dict[str, Any], checkpoint: Checkpoint) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            save_checkpoint(checkpoint, Path(temporary), card=write_card(checkpoint, None))
            tune.report(metrics | {_SETTING: _written(setting)}, checkpoint=tune.Checkpoint.from_directory(temporary))
        if sweep.request.scheduler != "pbt":  # where a trial may go on from any checkpoint of another
            forget_checkpoints(folder / _NAME / Path(tune.get_context().get_trial_dir()).name, _KEPT_S)

    handed = tune.get_checkpoint()
    with contextlib.nullcontext() if handed is None else handed.as_directory() as path:
        start = None if path is None else load_checkpoint(checkpoints_in(Path(path))[-1])
    if start is not None:
        setting = _going_on(setting, start.config)
    with _failures_reported():
        run_trial(setting, sweep.split(), report, metric=sweep.request.metric, start=start, place=place)


def forget_checkpoints(trial: Path, age: float) -> None:
    """Remove a trial's checkpoints but for the newest and those of the last `age` seconds.

    Tune can be told to keep so many, but then removes what its record on the disk, seconds old, still names: the trial of a
    driver that is killed at that moment could not go on.
    """
    for path in sorted(trial.glob("checkpoint_*"))[:-1]:
        if time.time() - path.stat().st_mtime > age:
            shutil.rmtree(path, ignore_errors=True)


def _going_on(setting: Setting, config: Config) -> Setting:
    """A trial from a checkpoint: its config, with the trial's learning rate.

    The checkpoint of a better trial may be older than the settings that Tune takes over with it, where that trial has itself
    just taken over those of another.
    """
    return dataclasses.replace(setting, config=config.trained(learning_rate=setting.config.training.learning_rate))


class _SeveralWorkers(tune.Trainable):
    """A trial as a run of its own; this process only passes on what its rank 0 reports.

    Tune calls cleanup before it ends the process, and that ends the workers, which would keep their CPUs.
    """

    def setup(self, config: dict[str, Any], *, folder: Path) -> None:
        self._results: queue.Queue[dict[str, Any] | BaseException] = queue.Queue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, args=(config, folder), daemon=True)
        self._thread.start()

    def step(self) -> dict[str, Any]:
        result = self._results.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def cleanup(self) -> None:
        self._stopped = True
        self._thread.join(_END_S)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """The run has its own; Tune asks for one more where a sweep is interrupted."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Training goes on from the run's own."""

    def _run(self, point: dict[str, Any], folder: Path) -> None:
        try:
            self._results.put(self._train(point, folder) | {"done": True})
        except (InputError, TrainingDiverged) as error:
            self._results.put(_failure(error) | {"done": True})
        except BaseException as error:  # it is raised where Tune asks for the next result
            self._results.put(error)

    def _train(self, point: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Train, and return the last result."""
        from gengraph.distributed.train import Stopped, free_workers, train_on_ray
        from gengraph.metrics import DescribedSet

        sweep = Sweep.open(folder)
        setting, request = _setting_of(sweep, point), sweep.request
        run = _run_of(folder, self.trial_id)

        def report(metrics: dict[str, Any]) -> None:
            if self._stopped:
                raise Stopped
            if "validation_loss" in metrics and request.metric == "loss":
                self._results.put({**_values(metrics), _SCORE: metrics["validation_loss"]})

        if not run.exists():
            run.parent.mkdir(exist_ok=True)
            create_run(run, dataset=sweep.folder.name, split=sweep.split(), split_seed=0, config=setting.config)
        free_workers(run)  # of this trial's process before, if that was killed
        train_on_ray(
            run,
            workers=request.workers_per_trial,
            per_worker=dict(request.per_worker),
            max_failures=1,
            report=report,
        )
        last = _values([line for line in read_metrics(run) if "validation_loss" in line][-1])
        checkpoint = load_checkpoint(newest_checkpoint(run))
        validation = setting.config.own_family.select(sweep.split().validation, setting.config.model)
        reference = DescribedSet(validation)
        return last | scores(last, checkpoint, reference, metric=request.metric, temperature=setting.temperature)


def _run_of(folder: Path, trial_id: str) -> Path:
    """The run that a trial of several workers is, in the folder of a sweep."""
    return folder / "runs" / trial_id


def _values(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] for name in ("validation_loss", "step", "seconds", "progress")}


@contextlib.contextmanager
def _failures_reported() -> Any:
    """What is wrong with a point is a result: trying again would not help."""
    try:
        yield
    except (InputError, TrainingDiverged) as error:
        tune.report(_failure(error))


def _failure(error: Exception) -> dict[str, Any]:
    return {_SCORE: math.nan, "error": str(error)}


def _trial(sweep: Sweep, number: int, result: Any, *, cut: bool) -> Trial:
    error = None if result.error is None else str(result.error).strip().splitlines()[-1]
    metrics = result.metrics or {}
    setting = _read(metrics[_SETTING]) if _SETTING in metrics else _setting_of(sweep, result.config)
    return dataclasses.replace(Trial.of(number, setting, metrics, error), cut=cut)


class _TimeOut(Exception):
    """The time of a sweep is out. Tune's own bound would end trials for good and forget those that have not begun.

    Attributes:
        unfinished: numbers of the trials that have not ended.
    """

    def __init__(self, unfinished: frozenset[str]) -> None:
        super().__init__()
        self.unfinished = unfinished


class _Progress(tune.Callback):
    """Tells how many trials have ended, frees what a failed one held, and ends the sweep when its time is out.

    Tune pickles it with the sweep, so whom it tells, and until when, belongs to the class.
    """

    told: ClassVar[list[Callable[[int], None]]] = []
    deadline: ClassVar[float] = math.inf

    def __init__(self, folder: Path, num_trials: int) -> None:
        self._folder, self._num_trials, self._ended = folder, num_trials, 0

    def __getstate__(self) -> dict[str, Any]:
        return {"_folder": self._folder, "_num_trials": self._num_trials, "_ended": 0}

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        from gengraph.distributed.train import free_workers

        free_workers(_run_of(self._folder, trial.trial_id))

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        ended = sum(trial.is_finished() for trial in trials)
        for report in self.told:
            report(ended - self._ended)
        self._ended = ended
        if ended < self._num_trials and time.monotonic() > self.deadline:
            raise _TimeOut(frozenset(_number(trial) for trial in trials if not trial.is_finished()))
