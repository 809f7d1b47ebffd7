"""Calls spread over Ray actors: one in flight each, results as they come."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import ray

_LOSSES = 3  # of actors, with the same item
_WAIT_S = 0.5  # between two calls of what is called while nothing is done

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
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Item, Result | Exception]]:
    """Call a function on every item, on as many actors as there are workers; yields (item, result or its exception).

    When an actor dies, alone or with its node, another takes its place and its call, up to three times; so calls must be
    repeatable.

    Args:
        make: makes the function, once in each actor: what it loads is loaded once.
        items: in the order in which they are started.
        workers: actors.
        cpus: of each actor, which is also its number of threads (at least one).
        gpus: of each actor.
        on_start: told when an item is given to an actor.
        on_wait: called about twice a second, as long as calls are in flight.
    """
    actor_class = ray.remote(num_cpus=cpus, num_gpus=gpus)(_Worker)
    shared = [ray.put(make)]  # in a list it travels as a reference
    queue = iter(items)
    actors: list[Any] = []
    busy: dict[Any, tuple[Any, Item, int]] = {}

    def call(actor: Any, item: Item, losses: int = 0) -> None:
        busy[actor.call.remote(shared, item)] = (actor, item, losses)

    def start() -> Any:
        actors.append(actor_class.remote(max(1, int(cpus))))
        return actors[-1]

    def end(actor: Any) -> None:
        actors.remove(actor)
        ray.kill(actor)

    try:
        for item in itertools.islice(queue, workers):
            on_start(item)
            call(start(), item)
        while busy:
            ready, _ = ray.wait(list(busy), num_returns=1, timeout=_WAIT_S)
            on_wait()
            if not ready:
                continue
            (reference,) = ready
            actor, item, losses = busy.pop(reference)
            outcome = _result(reference)
            if isinstance(outcome, ray.exceptions.RayActorError) and losses < _LOSSES:
                end(actor)
                call(start(), item, losses + 1)
                continue
            yield item, outcome
            following = next(queue, None)
            if following is None:
                end(actor)  # makes room for one that has lost its node
            else:
                on_start(following)
                call(actor, following)
    finally:
        for actor in actors:
            ray.kill(actor)


class _Worker:
    """An actor that makes its function at the first call; torch, where that imports it, has as many threads as the actor."""

    def __init__(self, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
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
