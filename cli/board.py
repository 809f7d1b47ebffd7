"""What `gengraph benchmark` shows while it runs, all of it on standard error."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from gengraph.cli.guard import in_options
from gengraph.cli.output import plain_table

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from gengraph.benchmarks.settings import Entry
    from gengraph.benchmarks.steps import Data
    from gengraph.benchmarks.suite import Cell, Outcome


class Journal:
    """Lines with the seconds since it was begun, in a terminal and into a file alike."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def say(self, text: str) -> None:
        """A line about what is done now, or is done."""
        from gengraph.cli.progress import errors

        errors.print(f"{time.monotonic() - self._begun:6.0f} s  {text}")


class Board:
    """What is queued, running and done.

    In a terminal that is a live table, a line a model and a column a data set, and above it a line for each row of the
    results as it is found. Elsewhere it is a line as each cell begins and as it ends.
    """

    def __init__(
        self, journal: Journal, models: Sequence[str], entries: "Sequence[Entry]", data: "list[Data]", total: int
    ) -> None:
        from rich.live import Live

        from gengraph.benchmarks.settings import FLOOR
        from gengraph.cli.progress import errors

        self._journal, self._total = journal, total
        self._lines = [*models, *dict.fromkeys(entry.name for entry in entries), FLOOR]
        self._datasets = [part.name for part in data]
        self._states: dict[Cell, str] = {}
        self._begun: dict[Cell, float] = {}
        self._only = {(entry.name, entry.dataset) for entry in entries}
        self._models = {*models, FLOOR}
        self._live = Live(get_renderable=self._draw, console=errors, transient=True, refresh_per_second=2)

    def __enter__(self) -> Self:
        if self._live.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def started(self, cell: "Cell") -> None:
        """A cell is at work."""
        self._states[cell], self._begun[cell] = "running", time.monotonic()
        if not self._live.is_started:
            self._journal.say(f"{_name(cell)}: begun, {len(self._begun)} of {self._total}")

    def finished(self, outcome: "Outcome") -> None:
        """A cell is done."""
        cell = outcome.cell
        self._states[cell] = "failed" if outcome.error else "done"
        done = sum(state != "running" for state in self._states.values())
        seconds = time.monotonic() - self._begun.get(cell, time.monotonic())
        found = in_options(outcome.error, settable=False) if outcome.error else summary_of(outcome)
        self._journal.say(f"{_name(cell)}: {self._states[cell]} in {seconds:.0f} s, {done} of {self._total}; {found}")

    def _draw(self) -> "Table":
        columns = ("model", *self._datasets)
        rows = [(line, *(self._text(line, dataset) for dataset in self._datasets)) for line in self._lines]
        return plain_table(columns, rows, left=columns)

    def _text(self, model: str, dataset: str) -> "Text":
        """The state of the cells of a model on a data set."""
        from rich.text import Text

        cells = {cell: state for cell, state in self._states.items() if (cell.model, cell.dataset) == (model, dataset)}
        running = [cell for cell, state in cells.items() if state == "running"]
        if running:
            seconds = time.monotonic() - min(self._begun[cell] for cell in running)
            return Text(f"running {seconds:.0f} s", style="yellow")
        if not cells:
            return Text("queued" if model in self._models or (model, dataset) in self._only else "", style="dim")
        state = "failed" if "failed" in cells.values() else "done"
        return Text(state if len(cells) == 1 else f"{state} {len(cells)}", style="red" if state == "failed" else "green")


def _name(cell: "Cell") -> str:
    return f"{cell.dataset}, {cell.model}" + (f", seed {cell.seed}" if cell.seed else "")


def summary_of(outcome: "Outcome") -> str:
    """The row of an outcome in a line: its squared MMDs, and the share of valid graphs where there is a test."""
    from gengraph.benchmarks.table import format_mmd

    parts = []
    for protocol, values in outcome.record["mmd2"].items():
        texts = ", ".join(f"{name} {format_mmd(value)}" for name, value in values.items())
        parts.append(f"MMD² ({protocol}): {texts}")
    molecules = (outcome.record.get("molecules") or {}).get("metrics", {})
    if molecules:
        fcd = "-" if molecules["fcd"] is None else f"{molecules['fcd']:.2f}"
        parts.append(f"molecules: valid {100 * molecules['valid']:.0f}%, novel {100 * molecules['novel']:.0f}%, FCD {fcd}")
    valid = (outcome.record["novelty"] or {}).get("valid")
    if valid:
        parts.append(f"valid {100 * valid['count'] / valid['total']:.0f}%")
    return "; ".join(parts)
