"""What a driver and the first of its workers tell each other; they need no common file system for it."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_POLL_S = 0.5


class _Post:
    """An actor that keeps what the workers report until the driver takes it, and tells the workers to end."""

    def __init__(self) -> None:
        self._reports: list[Any] = []
        self._failure: Exception | None = None
        self._news, self._ending = asyncio.Event(), asyncio.Event()

    async def put(self, report: Any) -> None:
        self._reports.append(report)
        self._news.set()

    async def take(self, patience: float) -> list[Any]:
        if not self._reports and patience:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), patience)
        self._news.clear()
        reports, self._reports = self._reports, []
        return reports

    async def end(self, failure: Exception | None = None) -> None:
        self._failure = self._failure or failure
        self._ending.set()

    async def failure(self) -> Exception | None:
        return self._failure

    async def is_ending(self) -> bool:
        return self._ending.is_set()

    async def wait_for_end(self) -> None:
        await self._ending.wait()


class Channel:
    """Both ends of it: the driver makes one and sends it to the workers.

    It lives on the driver's node and ends with the driver.
    """

    def __init__(self) -> None:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._post = ray.remote(num_cpus=0, scheduling_strategy=here)(_Post).remote()

    def put(self, report: Any) -> None:
        """Send a report to the driver, without waiting."""
        self._post.put.remote(report)

    def fail(self, failure: Exception) -> None:
        """Tell the driver and all workers that it is of no use to go on."""
        ray.get(self._post.end.remote(failure))

    def ending(self) -> threading.Event:
        """An event of this process that is set when the run is to end; at once, if it was told before."""
        event = threading.Event()
        if ray.get(self._post.is_ending.remote()):
            event.set()
            return event

        def wait() -> None:
            with contextlib.suppress(ray.exceptions.RayError):  # the driver is gone, and this process soon after it
                ray.get(self._post.wait_for_end.remote())
                event.set()

        threading.Thread(target=wait, daemon=True).start()
        return event

    def reports(self, thread: threading.Thread) -> Iterator[list[Any]]:
        """What the workers send, as long as a thread is alive; at least twice a second, then perhaps nothing."""
        alive = True
        while alive:
            alive = thread.is_alive()
            yield ray.get(self._post.take.remote(_POLL_S if alive else 0.0))

    def take(self) -> list[Any]:
        """What the workers have sent since the last time."""
        reports: list[Any] = ray.get(self._post.take.remote(0.0))
        return reports

    def end(self) -> None:
        """Tell the workers to end: rank 0 saves a checkpoint first."""
        ray.get(self._post.end.remote())

    def failure(self) -> Exception | None:
        """What a worker called a failure."""
        failure: Exception | None = ray.get(self._post.failure.remote())
        return failure

    def close(self) -> None:
        """End the actor."""
        ray.kill(self._post)
