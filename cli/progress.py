"""Progress on standard error; standard output is for results.

What takes more than two seconds shows it: in a terminal by a bar or a spinner, elsewhere by a plain line now and then.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gengraph.cli.output import duration_text


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads any more: the command ends as it does where it prints without rich (`gengraph.cli.guard`)."""
        raise BrokenPipeError


errors = _Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
_WIDTH_OF_FILES = 200
_FIRST_S, _LEAST_S, _MOST_S = 2.0, 10.0, 60.0  # before the first plain line, and between one and the next
_RATE_S = 30.0  # what a rate is measured over


def results() -> Console:
    """Standard output; into a file or a pipe tables are not cut at the width of a terminal."""
    console = _Console(markup=False, highlight=False)
    return console if console.is_terminal else _Console(markup=False, highlight=False, width=_WIDTH_OF_FILES)


@contextmanager
def _plain_lines(text: Callable[[], str]) -> Iterator[None]:
    """While the block runs, what is done now, as a line after two seconds and then ever more rarely; not in a terminal."""
    if errors.is_terminal:
        yield
        return
    begun, ended = time.monotonic(), threading.Event()

    def write() -> None:
        wait = _FIRST_S
        while not ended.wait(wait):
            seconds = time.monotonic() - begun
            errors.print(f"{text()}, {duration_text(seconds)}")
            wait = min(_MOST_S, max(_LEAST_S, seconds / 4))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


@contextmanager
def _bar(*columns: ProgressColumn, line: Callable[[], str]) -> Iterator[Progress]:
    """A bar in a terminal, which is gone afterwards; elsewhere plain lines."""
    shown = Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)
    with shown, _plain_lines(line):
        yield shown


@contextmanager
def busy(what: str) -> Iterator[None]:
    """A sign of life while something is done whose end is not known."""
    if not errors.is_terminal:
        with _plain_lines(lambda: what):
            yield
        return
    with errors.status(what):
        yield


@contextmanager
def training_bar(
    title: str, before: str = "starting", describe: Callable[[dict[str, Any]], str] | None = None
) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A bar that follows what training reports.

    Args:
        title: what is trained.
        before: what goes on before the first report.
        describe: says what is reported, by default losses.
    """
    share, facts = 0.0, before
    describe = describe or _Losses()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[facts]}", markup=False),
        TimeElapsedColumn(),
    )
    with _bar(*columns, line=lambda: f"{title}: {100 * share:.0f}%, {facts}") as shown:
        task = shown.add_task(title, total=1.0, facts=before)

        def report(metrics: dict[str, Any]) -> None:
            nonlocal share, facts
            share, facts = metrics["progress"], describe(metrics)
            shown.update(task, completed=share, facts=facts)

        yield report


class _Losses:
    """Step, loss and speed, with the last validation loss."""

    def __init__(self) -> None:
        self._validation = ""

    def __call__(self, metrics: dict[str, Any]) -> str:
        if "validation_loss" in metrics:
            self._validation = f", validation {metrics['validation_loss']:.4g}"
        return f"step {metrics['step']}, loss {metrics['loss']:.4g}{self._validation}, {metrics['graphs_per_s']:.0f} graphs/s"


class _Count:
    """How many are done, and how fast: over the last half minute, as far as it is known."""

    def __init__(self) -> None:
        self.done, self.begun = 0, False
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, count: int) -> None:
        """So many more; what is told first was there before."""
        now = time.monotonic()
        if not count and not self.begun:
            self._seen.clear()  # a rate is measured from here
        self.done += count
        self.begun |= bool(self._seen) and count > 0
        self._seen.append((now, self.done))
        while len(self._seen) > 2 and self._seen[1][0] < now - _RATE_S:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """A second; None before anything was done."""
        if not self.begun:
            return None
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return max(0.0, (after - before) / max(last - first, 1e-9))


@contextmanager
def counting_bar(title: str, total: int, unit: str, before: str = "") -> Iterator[Callable[[int], None]]:
    """A bar that advances by counts, of which the first is what was done before.

    Args:
        title: what is done.
        total: of what.
        unit: of what is counted, in the plural.
        before: what goes on before anything is counted.
    """
    counted = _Count()

    def facts() -> str:
        if counted.done >= total:
            return f"{total} {unit}, finishing"
        parts, rate = [f"{counted.done} of {total} {unit}"], counted.rate
        if rate is None:
            parts += [before] if before else []
        else:
            parts += [f"{rate:.0f} {unit}/s"] if rate >= 1 else []
            parts += [f"about {duration_text((total - counted.done) / rate)} left"] if rate > 0 else []
        return ", ".join(parts)

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[facts]}", markup=False),
        TimeElapsedColumn(),
    )
    with _bar(*columns, line=lambda: f"{title}: {facts()}") as shown:
        task = shown.add_task(title, total=total, facts=facts())

        def advance(count: int) -> None:
            counted.add(count)
            shown.update(task, completed=counted.done, facts=facts())

        yield advance


@contextmanager
def download_bar(what: str = "reading graphs") -> Iterator[Callable[[str, int, int | None], None]]:
    """While graphs are read, or something else: a bar for each file that is downloaded, or whose molecules are read, first."""
    tasks: dict[str, TaskID] = {}
    facts = what
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[size]}", markup=False))
    with _bar(*columns, line=lambda: facts) as shown:

        def report(name: str, done: int, total: int | None) -> None:
            nonlocal facts
            if name.startswith("molecules of "):
                size, doing = f"{done} of {total}", f"reading {name}"
            else:
                size = f"{done / 1e6:.1f} MB" if total is None else f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"
                doing = f"downloading {name}"
            facts = f"{doing}, {size}" if done != total else what
            if name not in tasks:
                tasks[name] = shown.add_task(doing, total=total, size=size)
            shown.update(tasks[name], completed=done, size=size)

        yield report
