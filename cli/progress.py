"""Progress on standard error; standard output is for results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
_WIDTH_OF_FILES = 200


def results() -> Console:
    """Standard output; into a file or a pipe tables are not cut at the width of a terminal."""
    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, width=_WIDTH_OF_FILES)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """A sign of life while something is done whose end is not known."""
    if not errors.is_terminal:
        yield
        return
    with errors.status(what):
        yield


@contextmanager
def training_bar(title: str) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A bar that follows what training reports."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[facts]}"),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(title, total=1.0, facts="")
        validation = ""

        def report(metrics: dict[str, Any]) -> None:
            nonlocal validation
            if "validation_loss" in metrics:
                validation = f", validation {metrics['validation_loss']:.4g}"
            facts = f"step {metrics['step']}, loss {metrics['loss']:.4g}{validation}, {metrics['graphs_per_s']:.0f} graphs/s"
            progress.update(task, completed=metrics["progress"], facts=facts)

        yield report


@contextmanager
def counting_bar(title: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar that advances by counts."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit}, {{task.fields[rate]}} {unit}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(title, total=total, rate="?")

        def advance(count: int) -> None:
            progress.advance(task, count)
            speed = progress.tasks[0].speed
            progress.update(task, rate="?" if speed is None else f"{speed:.0f}")

        yield advance


@contextmanager
def download_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar for each file that is downloaded; nothing is shown until one is."""
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def report(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(f"downloading {name}", total=total)
            progress.update(tasks[name], completed=done)

        yield report
