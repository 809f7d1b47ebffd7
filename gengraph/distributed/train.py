"""A training run on Ray Train workers, data-parallel.

The workers read the run's folder and rank 0 writes it, so with several machines it lies on a file system that all of them
share, or the run has a storage: then each works on a copy of its own, and rank 0 keeps the storage up to date. Checkpoints
are the run's own; a worker group that Ray restarts goes on from the newest of them.
"""

import contextlib
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray.train
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2._internal.execution.callback import WorkerGroupCallback
from ray.util.placement_group import PlacementGroup, PlacementGroupID, remove_placement_group

from gengraph.distributed.channel import Channel
from gengraph.distributed.cluster import capacity_for
from gengraph.distributed.rank import train_rank
from gengraph.errors import NotEnoughResources, TrainingFailed
from gengraph.runs.folders import appended_metrics, hold_run
from gengraph.runs.mirror import pull_run
from gengraph.storage import Folder
from gengraph.training.trainer import TrainingReport
from gengraph.versions import OWN

_GRACE_S = 6.0  # for the last checkpoint after Ctrl-C
_STOP_S = 60.0  # the same where nobody waits for it
_LOST_S = 60.0  # for nodes that are gone to come back
_PLACEMENT = "placement_group"  # the file that names what the workers of a run hold
logger = logging.getLogger(__name__)


class Stopped(Exception):
    """Raised to end a training; its workers are gone when it arrives."""


def train_on_ray(
    folder: Path,
    *,
    workers: int,
    per_worker: dict[str, float],
    max_failures: int,
    report: TrainingReport,
    min_workers: int | None = None,
    storage: Folder | None = None,
) -> int:
    """Train a run to its end on the Ray that this process is connected to; returns the steps done.

    Args:
        folder: of the run.
        workers: ranks; each takes its share of every batch.
        per_worker: CPU and GPU of each worker; more than 0 GPU trains on GPUs.
        max_failures: how often a worker group that dies is started again.
        report: called in this process with what rank 0 reports; it may raise Stopped.
        min_workers: so many ranks will do while the cluster has no room for more; by default all are needed.
        storage: where the run has a copy; None if all machines see the folder.

    Raises:
        KeyboardInterrupt: Ctrl-C, after rank 0 has saved a checkpoint if it could within seconds.
        Stopped: by report, after the workers have ended.
        InputError, TrainingDiverged, RanksDiverged: what a worker found.
        NotEnoughResources: nodes were lost and did not come back.
        TrainingFailed: workers failed once too often for another reason.
    """
    with _kept_up_to_date(folder, storage, report) as record:
        channel, started = Channel(), time.time()
        attempt = _Attempt(
            train_loop_config={
                "folder": str(folder.resolve()),
                "storage": storage,
                "gengraph": OWN,
                "channel": channel,
                "debug": logger.isEnabledFor(logging.INFO),
            },
            scaling_config=_scaling(workers, min_workers, per_worker),
            torch_config=TorchConfig(backend="nccl" if per_worker.get("GPU", 0) >= 1 else "gloo", timeout_s=300),
            max_failures=max_failures,
            callbacks=[_NotePlacement(folder.resolve())] if storage is None else [],
            env_vars={"OMP_NUM_THREADS": str(max(1, int(per_worker["CPU"])))},
        )
        try:
            _follow(channel, attempt, _Watch(min_workers or workers, per_worker), record)
        finally:
            channel.close()
            _keep_logs(folder, started)
            (folder / _PLACEMENT).unlink(missing_ok=True)
    return attempt.result(folder)


def _follow(channel: Channel, attempt: "_Attempt", watch: "_Watch", record: TrainingReport) -> None:
    """Pass on what rank 0 reports until the attempt has ended.

    Raises:
        Exception: what a worker found that would happen again.
        KeyboardInterrupt: Ctrl-C, after the workers had a while to end.
    """
    try:
        for reports in channel.reports(attempt.thread):
            for metrics in reports:
                record(metrics)
            watch.look(busy=bool(reports))
    except BaseException as error:  # Ctrl-C above all
        channel.end()
        attempt.thread.join(_STOP_S if isinstance(error, Stopped) else _GRACE_S)
        raise
    failure = channel.failure()
    if failure is not None:
        raise failure


@contextmanager
def _kept_up_to_date(folder: Path, storage: Folder | None, report: TrainingReport) -> Iterator[TrainingReport]:
    """What to call with reports, so that the driver's folder of a run that has a storage is up to date."""
    if storage is None:
        yield report
        return

    with hold_run(folder):
        try:
            with appended_metrics(folder, report) as record:
                yield record
        finally:
            pull_run(storage, folder)


def _scaling(workers: int, min_workers: int | None, per_worker: dict[str, float]) -> ray.train.ScalingConfig:
    elastic = min_workers is not None and min_workers < workers
    return ray.train.ScalingConfig(
        num_workers=(min_workers, workers) if elastic else workers,
        use_gpu=per_worker.get("GPU", 0) > 0,
        resources_per_worker=per_worker,
    )


class _Trainer(TorchTrainer):
    """A TorchTrainer without the actor that frees the workers of a dead controller.

    It asks Ray's dashboard whether the controller lives. Where there is none, that made every training end 12 seconds late (Ray
    2.60); where another Ray's dashboard answers, it would end workers that live.
    """

    def _create_default_callbacks(self) -> list[Any]:
        callbacks = super()._create_default_callbacks()
        return [callback for callback in callbacks if type(callback).__name__ != "PlacementGroupCleanerCallback"]


class _NotePlacement(WorkerGroupCallback):
    """Notes in the run's folder what holds the workers' resources: it outlives a driver killed in a job that goes on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def after_worker_group_start(self, worker_group: Any) -> None:
        placement = worker_group.get_worker_group_state().placement_group_handle.placement_group
        (self._folder / _PLACEMENT).write_text(placement.id.hex(), encoding="ascii")


def free_workers(folder: Path) -> None:
    """Give back what the workers of a run hold whose driver was killed; no other driver may be training it."""
    with contextlib.suppress(FileNotFoundError):
        name = (folder / _PLACEMENT).read_text(encoding="ascii")
        remove_placement_group(PlacementGroup(PlacementGroupID.from_hex(name)))
        (folder / _PLACEMENT).unlink()


class _Attempt:
    """Ray Train at work in a thread, so that Ctrl-C is ours: Ray's own answer loses what came after the last checkpoint."""

    def __init__(
        self, *, max_failures: int, callbacks: list[WorkerGroupCallback], env_vars: dict[str, str], **settings: Any
    ) -> None:
        self._storage = tempfile.mkdtemp(prefix="gengraph-ray-")  # the run's folder holds all that matters
        self._trainer = _Trainer(
            train_rank,
            run_config=ray.train.RunConfig(
                name="attempt",
                storage_path=self._storage,
                callbacks=callbacks,
                failure_config=ray.train.FailureConfig(max_failures=max_failures, controller_failure_limit=2),
                logging_config=ray.train.LoggingConfig("INFO" if logger.isEnabledFor(logging.INFO) else "ERROR"),
                worker_runtime_env={"env_vars": env_vars},
            ),
            **settings,
        )
        self._steps: int | None = None
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._steps = self._trainer.fit().return_value
        except BaseException as error:  # it is raised where the result is asked for
            self._error = error
        finally:
            shutil.rmtree(self._storage, ignore_errors=True)

    def result(self, folder: Path) -> int:
        """The steps done, when the thread has ended.

        Raises:
            TrainingFailed: workers failed once too often.
        """
        if self._error is not None:
            raise _explain(self._error, folder) from self._error
        return int(self._steps or 0)


class _Watch:
    """Notices that the cluster has become too small for the workers; Ray would wait for ever."""

    def __init__(self, least: int, per_worker: dict[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self._least, self._per_worker, self._clock = least, per_worker, clock
        self._well = self._looked = clock()

    def look(self, *, busy: bool) -> None:
        """Called twice a second; busy says that the workers have just reported.

        Raises:
            NotEnoughResources: it has been too small for a while.
        """
        now = self._clock()
        if busy:
            self._well = now
        elif now - max(self._looked, self._well) > 5:
            self._looked = now
            capacity = capacity_for(self._per_worker)
            if capacity >= self._least:
                self._well = now
            elif now - self._well > _LOST_S:
                msg = (
                    f"the cluster has lost nodes: it can hold {capacity} of at least {self._least} workers, since "
                    f"{now - self._well:.0f} s; resume with fewer workers, or let fewer do (min_workers)"
                )
                raise NotEnoughResources(msg)


def _explain(error: BaseException, folder: Path) -> TrainingFailed:
    """What Ray Train's exception comes down to: a missing package, or the first error of a worker."""
    waiting, last = [error], error
    for found in waiting:
        if isinstance(found, ModuleNotFoundError) or "ModuleNotFoundError" in str(found):
            line = next((line for line in str(found).splitlines() if "No module named" in line), str(found))
            return TrainingFailed(f"a worker cannot import what it needs ({line.strip()}); install gengraph on every node")
        last = found
        failures = getattr(found, "worker_failures", {})
        inner = [
            *failures.values(),
            getattr(found, "controller_failure", None),
            getattr(found, "_base_exc", None),
            found.__cause__,
        ]
        waiting += [other for other in inner if isinstance(other, BaseException) and other not in waiting]
    lines = [line for line in str(last).splitlines() if line.strip()] or [""]
    msg = (
        f"the workers failed once more than max_failures allows ({type(last).__name__}: {lines[0].strip()}); their logs are "
        f"in {folder / 'logs'}; resume the run"
    )
    return TrainingFailed(msg)


def _keep_logs(folder: Path, since: float) -> None:
    """Copy what Ray and the workers on this machine have written to logs/ray of the run's folder."""
    node = ray._private.worker._global_node
    if node is None:
        return
    ours = f"-{ray.get_runtime_context().get_job_id()}-"
    target = folder / "logs" / "ray"
    target.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # what it is about has ended, well or not, whether or not its logs can be copied
        for path in Path(node.get_logs_dir_path()).rglob("*"):
            about = path.stat()
            if (ours in path.name or path.parent.name == "train") and path.is_file() and about.st_mtime >= since:
                shutil.copy(path, target)
