"""Writers of training metrics for other programs: TensorBoard and MLflow.

TensorBoard's files go into the run's folder (`tensorboard --logdir runs`). MLflow records where $MLFLOW_TRACKING_URI says, in
the experiment `gengraph`; a resumed run goes on in the MLflow run that mlflow.json names.
"""

import json
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gengraph.errors import InputError
from gengraph.files import read_text, write_json
from gengraph.schema import flat
from gengraph.training.config import Config

Write = Callable[[dict[str, float], int], object]
"""Given finite numbers by name, and the step that they belong to."""

_EVERY_S = 5.0  # of wall time; a write may be a request over a network, and training waits for it
_log = logging.getLogger(__name__)


def check_trackers(names: list[str]) -> None:
    """Whether trackers can be used.

    Raises:
        InputError: an unknown name, or a package is missing.
    """
    for name in names:
        if name not in TRACKERS:
            msg = f"a tracker must be one of {', '.join(TRACKERS)}, got {name!r}"
            raise InputError(msg)
        if find_spec(name) is None:
            msg = f"tracker {name} needs the package {name}; pip install 'gengraph[tracking]', or leave it out"
            raise InputError(msg)


@contextmanager
def tracking(names: list[str], folder: Path, config: Config, *, done: int = 0) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Within the block, what is yielded takes the reports of training and hands them on, every five seconds.

    Evaluations and the last report are always handed on. A tracker that fails later on is left out, with a warning.

    Args:
        names: of TRACKERS, each once.
        folder: of the run.
        config: of the run.
        done: steps that the run had done before.

    Raises:
        InputError: an unknown tracker, a missing package, or a tracker that cannot record.
    """
    check_trackers(names)
    with ExitStack() as stack:
        writers = {name: stack.enter_context(TRACKERS[name](folder, config, done)) for name in names}
        last = -math.inf

        def report(metrics: dict[str, Any]) -> None:
            nonlocal last
            evaluated = any(name.startswith("validation") for name in metrics)
            if not evaluated and metrics["progress"] < 1 and metrics["wall_seconds"] - last < _EVERY_S:
                return
            last = metrics["wall_seconds"]
            values = {name: float(value) for name, value in metrics.items() if name != "step" and math.isfinite(value)}
            for name in list(writers):
                try:
                    writers[name](values, metrics["step"])
                except Exception as error:  # whatever it is, hours of training must not be lost for it
                    _log.warning("%s is left out from step %d on: %s", name, metrics["step"], error)
                    del writers[name]

        yield report


@contextmanager
def _tensorboard(folder: Path, config: Config, done: int) -> Iterator[Write]:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder / "tensorboard"), purge_step=done + 1 if done else None)
    if not done:
        writer.add_text("config", f"```\n{config.to_toml()}\n```")

    def write(values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    try:
        yield write
    finally:
        writer.close()


@contextmanager
def _mlflow(folder: Path, config: Config, done: int) -> Iterator[Write]:
    import mlflow

    record = folder / "mlflow.json"
    try:
        if done and record.is_file():
            run = mlflow.start_run(run_id=json.loads(read_text(record))["run_id"])
        else:
            mlflow.set_experiment("gengraph")
            run = mlflow.start_run(run_name=folder.name)
            mlflow.log_params(flat(config.to_dict()))
            write_json(record, {"run_id": run.info.run_id})
    except Exception as error:
        mlflow.end_run("FAILED")
        msg = f"mlflow cannot record at {mlflow.get_tracking_uri()} ({error}); set MLFLOW_TRACKING_URI or leave it out"
        raise InputError(msg) from error
    with run:  # ends it, as failed if an exception passes
        # The run is named: reports of Ray's workers come in a thread of their own, which has no active run.
        yield lambda values, step: mlflow.log_metrics(values, step=step, run_id=run.info.run_id)


TRACKERS: dict[str, Callable[[Path, Config, int], AbstractContextManager[Write]]] = {
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
}
