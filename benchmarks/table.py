"""results.json as a table: for a terminal, as CSV, Parquet, Markdown and LaTeX."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gengraph.benchmarks.molecules import MOLECULES
from gengraph.benchmarks.notes import Results, describe_machine, describe_reading, failures, notes_of, sources_of
from gengraph.benchmarks.ratios import ROUNDING
from gengraph.files import atomic_path, write_text
from gengraph.tables import to_csv, to_latex, to_markdown

SHARES = {"valid": "valid", "unique": "unique", "novel": "novel", "valid_unique_novel": "v.u.n."}
MEASURES = {
    "valid": "valid %",
    "unique": "unique %",
    "novel": "novel %",
    "fcd": "FCD",
    "fragments": "fragments",
    "scaffolds": "scaffolds",
    "logp_distance": "logP",
    "sa_distance": "SA",
    "qed_distance": "QED",
    "weight_distance": "weight",
    "mean_qed": "mean QED",
    "internal_diversity": "diversity",
}
_SECONDS = {"fit_seconds": "fit s", "sample_seconds": "sample s"}
_BEFORE = 2  # columns before the statistics


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: texts, the columns that are set in bold, and what it stands for."""

    texts: list[str]
    bold: frozenset[int]
    kind: Literal["measured", "floor", "failed", "published"]


@dataclass(frozen=True, slots=True)
class Table:
    """The results under one protocol.

    Attributes:
        protocol: its name.
        columns: their names.
        lines: by data set: the models, the floor, what is published.
        starts: lines at which a data set begins.
    """

    protocol: str
    columns: list[str]
    lines: list[Line]
    starts: list[int]


def format_mmd(value: float | None) -> str:
    """Two significant digits, as the literature prints them: .034, 1.2, 2.1e-05."""
    if value is None:
        return "-"
    if value < ROUNDING:
        return "0"
    return f"{value:.1e}" if value < 0.001 else f"{value:#.2g}".removeprefix("0").removesuffix(".")


def format_published(value: float | None) -> str:
    """As many digits as the paper has: .03, 1.243, 1e-05."""
    return "-" if value is None else f"{value:g}".removeprefix("0") or "0"


def error_of(row: dict[str, Any], name: str) -> float | None:
    """What stands after ±: the standard deviation over fits; of one fit, half the width of the interval."""
    spread, interval = row["spread"].get(name), row["interval"].get(name)
    if spread is not None:
        return float(spread)
    return None if interval is None else (interval[1] - interval[0]) / 2


def table_of(results: Results, protocol: str) -> Table:
    """The table of one protocol."""
    statistics, sources = results["statistics"][protocol], sources_of(results, protocol)
    shares = protocol != MOLECULES and any(dataset["validity"] for dataset in results["datasets"])
    columns = ["data set", "model", *names_of(protocol, statistics), *(SHARES.values() if shares else ()), *_SECONDS.values()]
    lines: list[Line] = []
    starts = []
    rows = [row for row in results["rows"] if row["protocol"] == protocol]
    for name in dict.fromkeys(row["dataset"] for row in rows):
        starts.append(len(lines))
        lines += [_line(row, statistics, shares=shares) for row in rows if row["dataset"] == name]
        published = [row for row in results["published"] if (row["dataset"], row["protocol"]) == (name, protocol)]
        lines += [_published_line(row, statistics, sources, shares=shares) for row in published]
    return Table(protocol, columns, lines, starts)


def _line(row: dict[str, Any], statistics: list[str], *, shares: bool) -> Line:
    head = [row["dataset"], row["model"]]
    if row["error"]:
        width = len(names_of(row["protocol"], statistics)) + len(_SECONDS) + len(SHARES) * shares
        return Line([*head, "failed", *[""] * (width - 1)], frozenset(), "failed")
    if row["protocol"] == MOLECULES:
        values = [format_measure(name, row[MOLECULES].get(name), error_of(row, name)) for name in statistics]
    else:
        values = [format_value(row["mmd2"][name], error_of(row, name)) for name in statistics]
        values += [format_ratio(row["ratio"], row["ratio_interval"]), format_mmd(row["size_mmd2"])]
    percent = [_percent((row["novelty"] or {}).get(name)) for name in SHARES] if shares else []
    seconds = ["" if row[name] is None else f"{row[name]:.1f}" for name in _SECONDS]
    bold = frozenset(_BEFORE + statistics.index(name) for name in row["best"])
    kind: Literal["floor", "measured"] = "floor" if row["kind"] == "floor" else "measured"
    return Line([*head, *values, *percent, *seconds], bold, kind)


def _published_line(row: dict[str, Any], statistics: list[str], sources: list[str], *, shares: bool) -> Line:
    if row["protocol"] == MOLECULES:
        values = [format_measure(name, row[MOLECULES].get(name), None) for name in statistics]
    else:
        values = [*(format_published(row["mmd2"].get(name)) for name in statistics), "", ""]
    together = row.get("valid_unique_novel")
    percent = ["", "", "", "" if together is None else f"{100 * together:.1f}"] if shares else []
    name = f"{row['model']} [{sources.index(row['citation']) + 1}]"
    return Line([row["dataset"], name, *values, *percent, "", ""], frozenset(), "published")


def names_of(protocol: str, statistics: list[str]) -> list[str]:
    """The heads of the columns of what is compared."""
    return [MEASURES[name] for name in statistics] if protocol == MOLECULES else [*statistics, "ratio", "size"]


def format_measure(name: str, value: float | None, error: float | None) -> str:
    """A metric of the protocol molecules with what stands after ±: shares in percent, FCD 1.23, weight 3.4, else .123."""
    if value is None:
        return "-"
    scale, digits = (100, 1) if name in SHARES else (1, {"fcd": 2, "weight_distance": 1}.get(name, 3))
    texts = [f"{scale * part:.{digits}f}".removeprefix("0" * (digits == 3)) for part in (value, error) if part is not None]
    return " ±".join(texts)


def format_value(value: float | None, error: float | None) -> str:
    """A value with what stands after ±: .034 ±.012."""
    return format_mmd(value) + ("" if error is None else f" ±{format_mmd(error)}")


def format_ratio(value: float | None, interval: list[float] | None) -> str:
    """How many times the floor, and the ends of its interval: 1.4 (0.6-3.1), 12 (3.6-124)."""
    if value is None:
        return "-"
    return _times(value) + ("" if interval is None else f" ({'-'.join(map(_times, interval))})")


def _times(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}" if value < 100_000 else f"{value:.0e}".replace("e+0", "e+")


def _percent(share: dict[str, float] | None) -> str:
    return "-" if share is None else f"{100 * share['value']:.1f}"


def to_lines(results: Results) -> list[dict[str, Any]]:
    """The measured rows as flat records for CSV and Parquet, one a data set, model and protocol."""
    statistics = list(dict.fromkeys(name for names in results["statistics"].values() for name in names))
    tests = {part["name"]: part["num_test"] for part in results["datasets"]}
    names = ("num_fits", "num_graphs", "mean_num_nodes", "ratio", "size_mmd2", "fit_seconds", "sample_seconds", "error")
    flat = []
    for row in results["rows"]:
        line = {name: row[name] for name in ("dataset", "model", "kind", "protocol")}
        values = row["mmd2"] | row.get(MOLECULES, {})
        for name in statistics:
            low, high = (row.get("interval", {}).get(name)) or (None, None)
            spread, ratio = (row.get(part, {}).get(name) for part in ("spread", "ratios"))
            line |= {name: values.get(name), f"{name}_low": low, f"{name}_high": high}
            line |= {f"{name}_sd": spread, f"{name}_ratio": ratio, f"{name}_best": name in row.get("best", ())}
        line["ratio_low"], line["ratio_high"] = row.get("ratio_interval") or (None, None)
        shares = row.get("novelty") or {}
        line |= {name: values.get(name, (shares.get(name) or {}).get("value")) for name in SHARES}
        flat.append(line | {"num_test": tests.get(row["dataset"])} | {name: row.get(name) for name in names})
    return flat


def write_tables(out: Path, results: Results) -> None:
    """Write results.csv, .parquet, .md and .tex under a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = to_lines(results)
    texts = [["" if value is None else str(value) for value in line.values()] for line in flat]
    write_text(out / "results.csv", to_csv(list(flat[0]), texts))
    with atomic_path(out / "results.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(flat), temporary)
    write_text(out / "results.md", "\n".join(_markdown(results)) + "\n")
    write_text(out / "results.tex", "\n".join(_latex(results)))


def _markdown(results: Results) -> Iterator[str]:
    for protocol in results["statistics"]:
        table = table_of(results, protocol)
        yield to_markdown(table.columns, [_marked(line) for line in table.lines], num_text=_BEFORE)
        for note in notes_of(results, protocol):
            yield f"{note}\n"
    yield describe_machine(results)
    for line in describe_reading(results):
        yield f"\nRead with: {line}"
    for line in failures(results):
        yield f"\nFailed: {line}"


def _marked(line: Line) -> list[str]:
    """Bold as Markdown has it; what is published stands slanted."""
    bold = [f"**{text}**" if i in line.bold else text for i, text in enumerate(line.texts)]
    return [f"*{text}*" if text and i and line.kind == "published" else text for i, text in enumerate(bold)]


def _latex(results: Results) -> Iterator[str]:
    yield "% needs the packages booktabs and xcolor"
    for protocol in results["statistics"]:
        table = table_of(results, protocol)

        def style(row: int, column: int, lines: list[Line] = table.lines) -> str:
            if column in lines[row].bold:
                return r"\textbf{{{}}}"
            return r"\textcolor{{gray}}{{{}}}" if lines[row].kind == "published" else "{}"

        texts = [line.texts for line in table.lines]
        yield to_latex(table.columns, texts, num_text=_BEFORE, style=style, rules=table.starts[1:])
        for note in notes_of(results, protocol):
            yield f"% {note}"
