"""Shards of a sample, written by Ray actors."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from gengraph.checkpoint import Checkpoint
from gengraph.distributed.tasks import spread
from gengraph.sampling import ShardWriter
from gengraph.shards import Shard


def sample_shards(
    checkpoint: Checkpoint, out: Path, shards: Iterable[Shard], *, workers: int, cpus: float, report: Callable[[int], None]
) -> None:
    """Write every shard; `report` is told the number of graphs of each that is done.

    Args:
        checkpoint: of the model.
        out: a folder that every worker can write.
        shards: what is to be written.
        workers: actors.
        cpus: of each.
        report: called in this process.

    Raises:
        Exception: what a worker raised first; shards that are done stay.
    """
    make = partial(ShardWriter, checkpoint, out.resolve())
    for shard, outcome in spread(make, shards, workers=workers, cpus=cpus):
        if isinstance(outcome, Exception):
            raise outcome
        report(shard.count)
