"""What one rank of a training does: it runs on a Ray Train worker."""

import errno
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray.train
import ray.train.torch

from gengraph.errors import InputError, RanksDiverged, TrainingDiverged
from gengraph.runs.folders import train_run
from gengraph.runs.mirror import pull_run, push_progress
from gengraph.training.trainer import Place
from gengraph.versions import OWN

if TYPE_CHECKING:
    from gengraph.distributed.channel import Channel

_FINAL = (InputError, RanksDiverged, TrainingDiverged)  # it would happen again: the workers are not started once more
logger = logging.getLogger(__name__)


def train_rank(config: dict[str, Any]) -> int:
    """The loop of one rank; returns the steps done."""
    channel: Channel = config["channel"]
    ending = channel.ending()
    if ending.is_set():
        return 0
    context = ray.train.get_context()
    place = Place(
        rank=context.get_world_rank(),
        world=context.get_world_size(),
        device=ray.train.torch.get_device(),
        wrap=ray.train.torch.prepare_model,
        interrupted=ending.is_set,
    )
    try:
        if config["gengraph"] != OWN:
            msg = f"node {socket.gethostname()} has gengraph {OWN}, the driver {config['gengraph']}; install one"
            raise InputError(msg)
        with _folder_of(config) as (folder, saved), _logging(folder, place, debug=config["debug"]):
            return train_run(folder, place=place, report=channel.put, saved=saved)
    except KeyboardInterrupt:
        return 0
    except _FINAL as error:
        channel.fail(error)
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:  # nor does a full disk become empty
            channel.fail(error)
        raise


@contextmanager
def _folder_of(config: dict[str, Any]) -> Iterator[tuple[Path, Callable[[], None]]]:
    """The folder that this worker uses for the run, and what is called when something was saved in it."""
    storage, original = config["storage"], Path(config["folder"])
    if storage is None:
        if not (original / "run.json").exists():
            msg = (
                f"node {socket.gethostname()} does not see {original}; put the folder of runs where all nodes "
                "see it, or give the run a storage"
            )
            raise InputError(msg)
        yield original, lambda: None
        return
    with tempfile.TemporaryDirectory(prefix="gengraph-run-") as temporary:
        folder = Path(temporary) / original.name
        pull_run(storage, folder)
        yield folder, partial(push_progress, folder, storage)


@contextmanager
def _logging(folder: Path, place: Place, *, debug: bool) -> Iterator[None]:
    """What libraries log on this rank goes to logs/rank-N.log of the run's folder, with debug also to the driver's terminal."""
    path = folder / "logs" / f"rank-{place.rank}.log"
    path.parent.mkdir(exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.FileHandler(path, encoding="utf-8"),
        *([logging.StreamHandler()] if debug else []),
    ]
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    logger.info("rank %d of %d on %s, %s, process %d", place.rank, place.world, socket.gethostname(), place.device, os.getpid())
    try:
        yield
    except Exception:
        logger.exception("rank %d ends", place.rank)
        raise
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
