"""Shards of a sample or of one large graph, written by Ray actors."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic

from gengraph.distributed.channel import Channel
from gengraph.distributed.tasks import spread
from gengraph.sampling.writing import CountReport, Part

_TELL_S = 0.5  # between two reports of a worker


def sample_shards(
    make: Callable[[], Callable[[Part, CountReport], None]],
    shards: Iterable[Part],
    report: Callable[[int], None],
    *,
    workers: int,
    per_worker: dict[str, float],
) -> None:
    """Write every shard; `report` is told how many graphs (or edges) have just been finished, those of unfinished shards too.

    Graphs that are lost with a worker are taken back: the number is then negative.

    Args:
        make: makes the writer, once in each actor; every worker can write its folder.
        shards: what is to be written.
        report: called in this process.
        workers: actors.
        per_worker: what each needs, {"CPU": 1.0} say.

    Raises:
        Exception: what a worker raised first; shards that are done stay.
    """
    todo = list(shards)
    if not todo:
        return
    channel = Channel()
    done: dict[int, int] = {}
    whole: set[int] = set()

    def note(index: int, count: int) -> None:
        report(count - done.get(index, 0))
        done[index] = count

    def listen() -> None:
        for index, count in channel.take():
            if index not in whole:
                note(index, count)

    try:
        for shard, outcome in spread(
            partial(_Telling, make, channel),
            todo,
            workers=workers,
            cpus=per_worker["CPU"],
            gpus=per_worker.get("GPU", 0.0),
            on_wait=listen,
        ):
            if isinstance(outcome, Exception):
                raise outcome
            whole.add(shard.index)
            note(shard.index, shard.count)
    finally:
        channel.close()


class _Telling(Generic[Part]):
    """A writer that tells the driver how much of its shard is done."""

    def __init__(self, make: Callable[[], Callable[[Part, CountReport], None]], channel: Channel) -> None:
        self._write, self._channel = make(), channel

    def __call__(self, shard: Part) -> None:
        done, told = 0, time.monotonic()

        def tell(finished: int) -> None:
            nonlocal done, told
            done += finished
            if time.monotonic() - told > _TELL_S:
                told = time.monotonic()
                self._channel.put((shard.index, done))

        self._channel.put((shard.index, 0))  # of a worker before this one nothing is left
        self._write(shard, tell)
