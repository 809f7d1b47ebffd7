"""report.html."""

from pathlib import Path

from gengraph.benchmarks.table import Results, write_tables
from gengraph.files import write_json


def write_results(out: Path, results: Results) -> None:
    """Write results.json and everything that is made from it."""
    write_json(out / "results.json", results)
    write_tables(out, results)
