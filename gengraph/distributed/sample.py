"""Shards of a sample, written by Ray actors."""

from collections.abc import Callable, Iterable

from gengraph.distributed.tasks import spread
from gengraph.sampling.job import ShardWriter
from gengraph.sampling.shards import Shard


def sample_shards(
    make: Callable[[], ShardWriter],
    shards: Iterable[Shard],
    report: Callable[[int], None],
    *,
    workers: int,
    per_worker: dict[str, float],
) -> None:
    """Write every shard; `report` is told the number of graphs of each that is done.

    Args:
        make: makes the writer, once in each actor; every worker can write its folder.
        shards: what is to be written.
        report: called in this process.
        workers: actors.
        per_worker: what each needs, {"CPU": 1.0} say.

    Raises:
        Exception: what a worker raised first; shards that are done stay.
    """
    for shard, outcome in spread(make, shards, workers=workers, cpus=per_worker["CPU"], gpus=per_worker.get("GPU", 0.0)):
        if isinstance(outcome, Exception):
            raise outcome
        report(shard.count)
