"""Calls spread over Ray actors: one in flight each, results as they come."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import ray

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    make: Callable[[], Callable[[Item], Result]],
    items: Iterable[Item],
    *,
    workers: int,
    cpus: float = 1.0,
    gpus: float = 0.0,
    on_start: Callable[[Item], None] = lambda _item: None,
) -> Iterator[tuple[Item, Result | Exception]]:
    """Call a function on every item, on as many actors as there are workers; yields (item, result or its exception).

    An actor that dies, alone or with its node, is started again and its call repeated, three times; so calls must be
    repeatable.

    Args:
        make: makes the function, once in each actor: what it loads is loaded once.
        items: in the order in which they are started.
        workers: actors.
        cpus: of each actor, which is also its number of threads (at least one).
        gpus: of each actor.
        on_start: told when an item is given to an actor.
    """
    actor_class = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=-1, max_task_retries=3)(_Worker)
    shared = [ray.put(make)]  # in a list it travels as a reference
    queue = iter(items)
    actors: list[Any] = []
    busy: dict[Any, tuple[Any, Item]] = {}
    try:
        for item in queue:
            on_start(item)
            actors.append(actor_class.remote(max(1, int(cpus))))
            busy[actors[-1].call.remote(shared, item)] = (actors[-1], item)
            if len(actors) == workers:
                break
        while busy:
            (reference,), _ = ray.wait(list(busy), num_returns=1)
            actor, item = busy.pop(reference)
            yield item, _result(reference)
            following = next(queue, None)
            if following is not None:
                on_start(following)
                busy[actor.call.remote(shared, following)] = (actor, following)
            else:  # makes room for an actor that has lost its node
                actors.remove(actor)
                ray.kill(actor)
    finally:
        for actor in actors:
            ray.kill(actor)


class _Worker:
    """An actor that makes its function at the first call, so that one that was started again makes it again."""

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self._function: Callable[[Any], Any] | None = None

    def call(self, make: list[Any], item: Any) -> Any:
        if self._function is None:
            self._function = ray.get(make[0])()
        return self._function(item)


def _result(reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        return error.cause if isinstance(error.cause, Exception) else error
    except ray.exceptions.RayError as error:
        return error
