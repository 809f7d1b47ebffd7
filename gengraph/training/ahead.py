"""What steps read, made by threads before the steps are taken."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple


class Step(NamedTuple):
    """The batch of a step.

    Attributes:
        num_graphs: on all ranks together.
        parts: of each part that this rank works off, what gives the part as the model reads it.
    """

    num_graphs: int
    parts: list[Callable[[], Any]]


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
