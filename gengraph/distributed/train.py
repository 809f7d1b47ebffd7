"""A training run on Ray Train workers, data-parallel.

The workers read the run's folder and rank 0 writes it, so with several machines it lies on a file system that all of them
share. Checkpoints are the run's own; a worker group that Ray restarts goes on from the newest of them.
"""

import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray.train
import ray.train.torch
from ray.train.torch import TorchConfig, TorchTrainer

from gengraph.distributed.tail import tail_json_lines
from gengraph.errors import InputError, TrainingDiverged
from gengraph.runs import train_run
from gengraph.training import Place


def train_on_ray(
    folder: Path,
    *,
    workers: int,
    per_worker: dict[str, float],
    max_failures: int,
    report: Callable[[dict[str, Any]], None],
) -> int:
    """Train a run to its end on the Ray that this process is connected to; returns the steps done.

    Args:
        folder: of the run.
        workers: ranks; each takes its share of every batch.
        per_worker: CPU and GPU of each worker; more than 0 GPU trains on GPUs.
        max_failures: how often a worker group that dies is started again.
        report: called in this process with what rank 0 reports.

    Raises:
        KeyboardInterrupt: Ctrl-C; the newest checkpoint stays.
        InputError, TrainingDiverged: what a worker found.
        ray.train.TrainingFailedError: workers failed once too often for another reason.
    """
    gpu = per_worker.get("GPU", 0) > 0
    storage = tempfile.mkdtemp(prefix=".ray-", dir=folder.resolve())
    trainer = TorchTrainer(
        _worker,
        train_loop_config={"folder": str(folder.resolve())},
        torch_config=TorchConfig(backend="nccl" if gpu else "gloo", timeout_s=300),
        scaling_config=ray.train.ScalingConfig(num_workers=workers, use_gpu=gpu, resources_per_worker=per_worker),
        run_config=ray.train.RunConfig(
            name="attempt",  # the run's folder holds all that matters: Ray's own record is thrown away
            storage_path=storage,
            failure_config=ray.train.FailureConfig(max_failures=max_failures, controller_failure_limit=2),
            logging_config=ray.train.LoggingConfig(log_level="ERROR"),
            worker_runtime_env={"env_vars": {"OMP_NUM_THREADS": str(max(1, int(per_worker["CPU"])))}},
        ),
    )
    handler = signal.getsignal(signal.SIGINT)
    try:
        with tail_json_lines(folder / "metrics.jsonl", report):
            result = trainer.fit()
    except SystemExit as stop:  # Ray's answer to Ctrl-C
        raise KeyboardInterrupt from stop
    except ray.train.TrainingFailedError as error:
        raise _cause(error) from error
    finally:
        shutil.rmtree(storage, ignore_errors=True)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
    return int(result.return_value)


def _cause(error: BaseException) -> BaseException:
    """The exception of ours that a failure of workers was made of, else the failure itself."""
    waiting: list[BaseException | None] = [error]
    for found in waiting:
        if isinstance(found, InputError | TrainingDiverged):
            return found
        if found is not None:
            inner = [*getattr(found, "worker_failures", {}).values(), getattr(found, "_base_exc", None), found.__cause__]
            waiting += [other for other in inner if isinstance(other, BaseException) and other not in waiting]
    return error


def _worker(config: dict[str, Any]) -> int:
    """The loop of one rank."""
    context = ray.train.get_context()
    place = Place(
        rank=context.get_world_rank(),
        world=context.get_world_size(),
        device=ray.train.torch.get_device(),
        wrap=ray.train.torch.prepare_model,
    )
    return train_run(Path(config["folder"]), place=place)
