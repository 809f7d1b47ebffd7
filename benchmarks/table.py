"""The benchmark's table as JSON, CSV and Markdown."""

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gengraph.benchmarks.suite import STATISTICS, Row, Settings
from gengraph.files import write_json, write_text
from gengraph.tables import to_csv, to_markdown

COLUMNS = ("data set", "model", *STATISTICS, "nodes", "fit s", "draw s")
_VERSIONED = ("gengraph", "torch", "numpy", "scipy", "ray")


def format_mmd(value: float | None) -> str:
    """Two significant digits, as the literature prints them: .034, 1.2, 2.1e-05."""
    if value is None:
        return "-"
    if value < 5e-7:  # rounding in the sums of the kernel
        return "0"
    return f"{value:.1e}" if value < 0.001 else f"{value:.2g}".removeprefix("0")


def cells_of(row: Row) -> list[str]:
    """A row as texts under COLUMNS."""
    if row.error:
        return [row.dataset, row.model, "failed", *[""] * (len(COLUMNS) - 3)]
    seconds = ("" if value is None else f"{value:.1f}" for value in (row.fit_seconds, row.sample_seconds))
    return [row.dataset, row.model, *(format_mmd(row.mmd2[name]) for name in STATISTICS), f"{row.mean_num_nodes:.0f}", *seconds]


def failures(rows: list[Row]) -> list[str]:
    """One line for each row that failed."""
    return [f"{row.dataset}, {row.model}: {row.error}" for row in rows if row.error]


def describe_sets(rows: list[Row]) -> list[str]:
    """How many graphs stand behind the numbers of each data set."""
    first = {row.dataset: row for row in reversed(rows) if not row.error}
    return [f"{name}: {row.num_test} test graphs against {row.num_graphs}" for name, row in reversed(first.items())]


def describe_reading(rows: list[Row]) -> list[str]:
    """What reading changed in each data set, or had to be told to leave behind."""
    readings = {row.dataset: row.reading for row in rows if row.reading and row.reading.get("found")}
    return [
        f"{name}: " + ", ".join(f"{kind} {reading['policy'][kind]} ({count})" for kind, count in reading["found"].items())
        for name, reading in readings.items()
    ]


def write_results(out: Path, rows: list[Row], settings: Settings, command: str) -> None:
    """Write results.json, results.csv and results.md under a folder."""
    about = {
        "command": command,
        "settings": asdict(settings),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _VERSIONED},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cpus": os.cpu_count()},
    }
    write_json(out / "results.json", {**about, "rows": [asdict(row) for row in rows]})
    write_text(out / "results.csv", _csv(rows))
    write_text(out / "results.md", "\n".join(_markdown(rows, settings, about)) + "\n")


def _csv(rows: list[Row]) -> str:
    names = ("num_test", "num_graphs", "mean_num_nodes", "fit_seconds", "sample_seconds", "error")
    values = [
        [row.dataset, row.model, *(row.mmd2.get(name) for name in STATISTICS), *(getattr(row, name) for name in names)]
        for row in rows
    ]
    texts = [["" if value is None else str(value) for value in line] for line in values]
    return to_csv(("dataset", "model", *STATISTICS, *names), texts)


def _markdown(rows: list[Row], settings: Settings, about: dict[str, Any]) -> Iterator[str]:
    yield f"Squared MMD under the `{settings.protocol}` protocol, lower is better; the row `train set` is the floor."
    yield ""
    yield to_markdown(COLUMNS, [cells_of(row) for row in rows], num_text=2)
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    machine = f"{about['machine']['cpus']} CPUs ({about['machine']['processor']})"
    yield f"`{about['command']}`; seed {settings.seed}; {machine}; {versions}."
    yield ""
    yield "; ".join(describe_sets(rows)) + "."
    for line in describe_reading(rows):
        yield ""
        yield f"Read with: {line}"
    for line in failures(rows):
        yield ""
        yield f"Failed: {line}"
