"""The steps of a training: which graphs each takes in which order, coded when its turn comes or by threads before that."""

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.family import Encoder
from gengraph.training.batches import batch_indices
from gengraph.training.config import TrainingConfig


class Step(NamedTuple):
    """The batch of a step.

    Attributes:
        num_graphs: on all ranks together.
        parts: of each part that this rank works off, what gives the part as the model reads it.
    """

    num_graphs: int
    parts: list[Callable[[], Any]]


class Steps:
    """Every step of a training, by the seed and its number alone.

    Args:
        num_nodes: int32[G], of the training graphs.
        training: batches, parts and seed.
        own: which of a batch's graphs this rank takes.
        encode: makes a batch.
        ready: makes of a batch what the model reads.

    Attributes:
        epoch_steps: how many steps an epoch has.
    """

    def __init__(
        self, num_nodes: Int32Array, training: TrainingConfig, own: slice, encode: Encoder, ready: Callable[[Any], Any]
    ) -> None:
        self._num_nodes, self._training, self._own = num_nodes, training, own
        self._encode, self._ready = encode, ready
        self.epoch_steps = len(num_nodes) // min(training.batch_size, len(num_nodes))

    def begin(self, first: int, workers: int) -> Generator[Step]:
        """Steps first, first + 1, ...; made ahead by so many threads, or by none."""
        steps = itertools.starmap(self.of, self.batches(first))
        return made_ahead(steps, workers) if workers else (step for step in steps)  # which can be closed, too

    def batches(self, first: int) -> Iterator[tuple[int, Int64Array]]:
        """(epoch, graphs) of steps first, first + 1, ...; all epochs have equally many."""
        done = first % self.epoch_steps
        for epoch in itertools.count(first // self.epoch_steps):
            training = self._training
            batches = batch_indices(self._num_nodes, training.batch_size, seed=training.seed, epoch=epoch)
            for batch in batches[done:]:
                yield epoch, batch
            done = 0

    def of(self, epoch: int, graphs: Int64Array) -> Step:
        """What is read of a batch, of this rank's share of it, in parts."""
        own, key = graphs[self._own], (self._training.seed, epoch)
        num_parts = min(self._training.accumulate, len(own))
        return Step(len(graphs), [partial(self._make, own[k::num_parts], key) for k in range(num_parts)])

    def _make(self, graphs: Int64Array, key: tuple[int, int]) -> Any:
        return self._ready(self._encode(graphs, key=key))


def made_ahead(steps: Iterator[Step], workers: int) -> Generator[Step]:
    """The same steps in the same order, their parts made by so many threads, at most workers + 1 steps ahead.

    What a thread raises is raised where its part is asked for. The threads end when the generator is closed.
    """
    pool, waiting = ThreadPoolExecutor(workers, "encode"), deque[Step]()
    try:
        for step in steps:
            waiting.append(step._replace(parts=[pool.submit(make).result for make in step.parts]))
            if len(waiting) > workers + 1:
                yield waiting.popleft()
        yield from waiting
    finally:
        pool.shutdown(cancel_futures=True)
