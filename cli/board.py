"""What `gengraph benchmark` shows while it runs."""

import time
from typing import TYPE_CHECKING, Self

from gengraph.cli.output import plain_table

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from gengraph.benchmarks.steps import Data
    from gengraph.benchmarks.suite import Cell, Entry, Outcome


class Board:
    """A live table on standard error of what is queued, running and done: a line a model, a column a data set."""

    def __init__(self, models: tuple[str, ...], entries: "list[Entry]", data: "list[Data]") -> None:
        from rich.live import Live

        from gengraph.benchmarks.suite import FLOOR
        from gengraph.cli.progress import errors

        self._lines = [*models, *dict.fromkeys(entry.name for entry in entries), FLOOR]
        self._datasets = [part.name for part in data]
        self._states: dict[Cell, str] = {}
        self._begun: dict[Cell, float] = {}
        self._only = {(entry.name, entry.dataset) for entry in entries}
        self._models = {*models, FLOOR}
        self._live = Live(get_renderable=self._draw, console=errors, transient=True, refresh_per_second=2)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def started(self, cell: "Cell") -> None:
        """A cell is at work."""
        self._states[cell], self._begun[cell] = "running", time.monotonic()

    def finished(self, outcome: "Outcome") -> None:
        """A cell is done."""
        self._states[outcome.cell] = "failed" if outcome.error else "done"

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
