"""Statistics and Gram blocks on Ray: a `map` whose calls are Ray tasks."""

from collections.abc import Callable, Iterable
from typing import Any

import ray

from gengraph.metrics import Spread


def ray_map(workers: int, cpus: float = 1.0) -> Spread:
    """A map like the built-in one, with up to `workers` calls at a time on the Ray that this process is connected to.

    Args:
        workers: calls at a time.
        cpus: of each call.
    """

    def apply(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        task = ray.remote(num_cpus=cpus)(_call)
        shared = ray.put(function)  # what the function holds on to travels once
        references: list[Any] = []
        running: list[Any] = []
        for item in items:
            if len(running) == workers:
                _, running = ray.wait(running, num_returns=1)
            references.append(task.remote(shared, item))
            running.append(references[-1])
        results: list[Any] = ray.get(references)
        return results

    return apply


def _call(function: Callable[[Any], Any], item: Any) -> Any:
    return function(item)
