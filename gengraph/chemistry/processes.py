"""Work spread over the cores of this machine, by processes that import no caller's script.

RDKit holds Python's lock, so threads do not help; a process started by `multiprocessing` imports the main module of its parent
again, which a script without a guard does not survive.
"""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from queue import SimpleQueue
from typing import IO, Any

_WORKER = "from gengraph.chemistry.processes import serve; serve()"


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(function: Callable[[Any], Any], items: Sequence[Any], *, processes: int | None = None) -> Iterator[Any]:
    """The results of a function of a module for each item, in order, as they come.

    Args:
        function: of a module; it, its arguments and its results pickle.
        items: of which each is worth a second of work or so.
        processes: how many; by default one for each core. With one item or one process the work is done in this one.

    Raises:
        Exception: what the function raises, the first of them.
    """
    count = min(len(items), num_cores() if processes is None else processes)
    if count <= 1:
        yield from map(function, items)
        return
    pool = _Pool(function, items, count)
    try:
        yield from pool.results()
    finally:
        pool.close()


class _Pool:
    """Processes that take the next item when they are done with one; a thread speaks with each."""

    def __init__(self, function: Callable[[Any], Any], items: Sequence[Any], count: int) -> None:
        self._items, self._next, self._lock = items, 0, threading.Lock()
        self._done: SimpleQueue[tuple[int, bool, Any]] = SimpleQueue()
        self._name = f"{function.__module__}:{function.__qualname__}"
        found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._workers = [
            subprocess.Popen([sys.executable, "-c", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=found)
            for _ in range(count)
        ]
        for worker in self._workers:
            threading.Thread(target=self._converse, args=(worker,), daemon=True).start()

    def _take(self) -> int | None:
        with self._lock:
            place = self._next
            self._next += 1
        return place if place < len(self._items) else None

    def _converse(self, worker: "subprocess.Popen[bytes]") -> None:
        assert worker.stdin is not None
        assert worker.stdout is not None
        place: int | None = None
        try:
            while (place := self._take()) is not None:
                _send(worker.stdin, (self._name, self._items[place]))
                self._done.put((place, *pickle.load(worker.stdout)))
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            lost = RuntimeError(f"a process of {self._name} ended before its work ({type(error).__name__}); run it again")
            self._done.put((-1 if place is None else place, False, lost))

    def results(self) -> Iterator[Any]:
        """In the order of the items."""
        waiting: dict[int, Any] = {}
        for place in range(len(self._items)):
            while place not in waiting:
                number, fine, value = self._done.get()
                if not fine:
                    raise value
                waiting[number] = value
            yield waiting.pop(place)

    def close(self) -> None:
        """End the processes, whatever they are at."""
        with self._lock:
            self._next = len(self._items)
        for worker in self._workers:
            worker.kill()
            worker.wait()
            for stream in (worker.stdin, worker.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):  # what was not sent has nobody to be sent to
                        stream.close()


def _send(stream: IO[bytes], value: Any) -> None:
    pickle.dump(value, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()


def serve() -> None:
    """What a process does: read (function, item), answer (whether it went well, result or exception), until nobody asks."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    while True:
        try:
            name, item = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            module, _, attribute = name.partition(":")
            answer = (True, getattr(import_module(module), attribute)(item))
        except Exception as error:  # raised again where the work was asked for
            answer = (False, error)
        with contextlib.suppress(BrokenPipeError):  # who asked has gone; there will be no further question
            _send(answers, answer)
