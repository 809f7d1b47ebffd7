"""report.html: one page with everything in it, made from results.json alone; it loads nothing from anywhere."""

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from gengraph.benchmarks import charts
from gengraph.benchmarks.cards import card, real_pictures
from gengraph.benchmarks.molecules import MOLECULES
from gengraph.benchmarks.notes import (
    Results,
    describe_fits,
    describe_reading,
    describe_sets,
    failures,
    notes_of,
    sources_of,
)
from gengraph.benchmarks.table import (
    SHARES,
    error_of,
    format_measure,
    format_mmd,
    format_published,
    format_ratio,
    format_value,
    names_of,
    write_tables,
)
from gengraph.files import write_json, write_text
from gengraph.tables import counted

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
_INTERVALS = (
    "Values with 95% intervals on a logarithmic axis. The dashed line is the floor, the band its interval; "
    "a hollow point lies below the axis."
)
_CURVES = "First fit of each. Mean loss of the last epoch; circles: loss on the validation graphs, where there are some."
Row = dict[str, Any]


def write_results(out: Path, results: Results) -> None:
    """Write results.json and everything that is made from it."""
    write_json(out / "results.json", results)
    write_tables(out, results)
    write_text(out / "report.html", render(results))


def render(results: Results) -> str:
    """The page."""
    style, script = (Path(__file__).with_name(f"report.{suffix}").read_text(encoding="utf-8") for suffix in ("css", "js"))
    body = "\n".join(_body(results))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>gengraph benchmark</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n{body}\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _body(results: Results) -> Iterator[str]:
    names = ", ".join(part["name"] for part in results["datasets"])
    yield f"<header><h1>gengraph benchmark</h1><p>{escape(names)}: <code>{escape(results['command'])}</code></p>"
    links = [f'<li><a href="#{protocol}">{protocol}</a></li>' for protocol in results["statistics"]]
    links += [f'<li><a href="#look-{i}">{escape(part["name"])}</a></li>' for i, part in enumerate(results["datasets"])]
    yield f'<nav aria-label="Sections"><ul>{"".join(links)}<li><a href="#manifest">manifest</a></li></ul></nav></header><main>'
    if results["failures"]:
        items = "".join(f"<li>{escape(line)}</li>" for line in failures(results))
        yield f'<section aria-labelledby="failed"><h2 id="failed">Failed</h2><ul class="failed">{items}</ul></section>'
    for protocol in results["statistics"]:
        yield from _protocol(results, protocol)
    for number, dataset in enumerate(results["datasets"]):
        yield from _dataset(results, dataset, number)
    yield from _manifest(results)
    yield "</main>"


def _protocol(results: Results, protocol: str) -> Iterator[str]:
    title = "Molecules" if protocol == MOLECULES else f"Squared MMD, protocol {protocol}"
    yield f'<section><h2 id="{protocol}">{title}</h2>'
    yield "".join(f'<p class="note">{escape(note)}</p>' for note in notes_of(results, protocol))
    for dataset in results["datasets"]:
        rows = [row for row in results["rows"] if (row["dataset"], row["protocol"]) == (dataset["name"], protocol)]
        published = [row for row in results["published"] if (row["dataset"], row["protocol"]) == (dataset["name"], protocol)]
        yield f"<h3>{escape(dataset['name'])}</h3>"
        yield _table(results, dataset, protocol, rows, published)
        if protocol != MOLECULES:
            panels = "".join(charts.intervals(rows, name) for name in results["statistics"][protocol])
            yield f'<figure><div class="panels">{panels}</div><figcaption>{_INTERVALS}</figcaption></figure>'
    yield "</section>"


def _table(results: Results, dataset: Row, protocol: str, rows: list[Row], published: list[Row]) -> str:
    statistics = results["statistics"][protocol]
    shares = {name: label for name, label in SHARES.items() if any((row.get("novelty") or {}).get(name) for row in rows)}
    columns = ["model", *names_of(protocol, statistics), "nodes", *shares.values(), "fit s", "sample s"]
    head = "".join(f'<th scope="col"><button type="button">{escape(column)}</button></th>' for column in columns)
    lines = [_measured(row, statistics, shares, len(columns)) for row in rows]
    sources = sources_of(results, protocol)
    lines += [_published(row, statistics, shares, sources.index(row["citation"]) + 1) for row in published]
    tests = "" if protocol == MOLECULES else f": {counted(dataset['num_test'], 'test graph')}"
    caption = f"{dataset['name']}, protocol {protocol}{tests}. A column's button sorts."
    label = escape(f"Table of {dataset['name']}, protocol {protocol}")
    return (
        '<p class="note more" hidden>The table is wider than the window: scroll it sideways.</p>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table data-dataset="{escape(dataset["name"])}" '
        f'data-protocol="{protocol}"><caption><span>{escape(caption)}</span></caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _measured(row: Row, statistics: list[str], shares: dict[str, str], width: int) -> str:
    head = f'<th scope="row" data-value="{escape(row["model"])}">{escape(row["model"])}</th>'
    if row["error"]:
        reason = f'<td class="reason" colspan="{width - 1}">failed: {escape(row["error"])}</td>'
        return f'<tr class="failed">{head}{reason}</tr>'
    cells = _of_molecules(row, statistics) if row["protocol"] == MOLECULES else _of_structure(row, statistics)
    cells.append(_number(row["mean_num_nodes"], 0))
    for name in shares:
        share = (row["novelty"] or {}).get(name)
        cells.append(_number(None if share is None else 100 * share["value"], 1))
    cells += [_number(row[name], 1) for name in ("fit_seconds", "sample_seconds")]
    return f"<tr{' class=floor' * (row['kind'] == 'floor')}>{head}{''.join(cells)}</tr>"


def _of_structure(row: Row, statistics: list[str]) -> list[str]:
    cells = []
    for name in statistics:
        text = _aside(format_value(row["mmd2"][name], error_of(row, name)))
        cells.append(_cell(row["mmd2"][name], f"<strong>{text}</strong>" if name in row["best"] else text))
    cells.append(_cell(row["ratio"], _aside(format_ratio(row["ratio"], row["ratio_interval"]))))
    return [*cells, _cell(row["size_mmd2"], format_mmd(row["size_mmd2"]))]


def _of_molecules(row: Row, statistics: list[str]) -> list[str]:
    values = row[MOLECULES]
    return [_cell(values.get(name), _aside(format_measure(name, values.get(name), error_of(row, name)))) for name in statistics]


def _aside(text: str) -> str:
    """A number, and smaller what says how sure it is."""
    number, space, certainty = text.partition(" ")
    return f"{number} <small>{certainty}</small>" if space else text


def _cell(value: float | None, text: str) -> str:
    return f'<td data-value="{"" if value is None else repr(value)}">{text}</td>'


def _number(value: float | None, digits: int) -> str:
    return _cell(value, "-" if value is None else f"{value:.{digits}f}")


def _published(row: Row, statistics: list[str], shares: dict[str, str], number: int) -> str:
    of_molecules = row["protocol"] == MOLECULES
    known = {name: row[MOLECULES if of_molecules else "mmd2"].get(name) for name in statistics}
    texts = [format_measure(name, known[name], None) if of_molecules else format_published(known[name]) for name in statistics]
    values = [_cell(value, text) for value, text in zip(known.values(), texts, strict=True)]
    values += ["<td></td>"] * (len(names_of(row["protocol"], statistics)) - len(statistics) + 1)
    together = row.get("valid_unique_novel")
    shown = "<td></td>" if together is None else _number(100 * together, 1)
    values += [shown if name == "valid_unique_novel" else "<td></td>" for name in shares]
    head = f'<th scope="row">{escape(row["model"])} <small>published [{number}]</small></th>'
    return f'<tr class="published">{head}{"".join(values)}<td></td><td></td></tr>'


def _dataset(results: Results, dataset: Row, number: int) -> Iterator[str]:
    """Training graphs beside samples, distributions and training curves."""
    name = dataset["name"]
    cells = [cell for cell in results["cells"] if cell["dataset"] == name and cell["kind"] != "floor" and cell.get("pictures")]
    yield f'<section><h2 id="look-{number}">{escape(name)}: what the graphs look like</h2>'
    if len(results["settings"]["seeds"]) > 1:
        yield '<p class="note">Of each model the first fit is shown.</p>'
    symbols = "".join(
        f'<g id="real-{number}-{i}">{charts.graph_paths(picture)}</g>' for i, picture in enumerate(real_pictures(dataset))
    )
    yield f'<svg class="defs" aria-hidden="true"><defs>{symbols}</defs></svg>'
    yield f'<div class="cards">{"".join(card(dataset, cell, number) for cell in cells)}</div>'
    yield from _training_curves(cells)
    yield "</section>"


def _training_curves(cells: list[Row]) -> Iterator[str]:
    """A figure for each kind of loss: losses of different kinds share no axis."""
    series: dict[str, list[tuple[str, list[Row]]]] = {}
    for cell in cells:
        points = [point for point in cell.get("curve") or () if "seconds" in point]
        if any("loss" in point for point in points):
            series.setdefault(cell["loss"] or f"loss of {cell['model']}", []).append((cell["model"], points))
    if series:
        yield "<h3>Training curves</h3>"
    for loss, curves in series.items():
        legend = _legend([model for model, _ in curves])
        yield f'<figure class="wide">{charts.curves(curves, loss)}{legend}</figure>'


def _legend(names: list[str]) -> str:
    items = (
        f'<li><svg viewBox="0 0 22 7" aria-hidden="true"><path class="curve c{i % charts.NUM_COLOURS}" d="M0 3.5H22"/></svg>'
        f"{escape(name)}</li>"
        for i, name in enumerate(names)
    )
    return f'<ul class="legend">{"".join(items)}</ul><figcaption>{_CURVES}</figcaption>'


def _manifest(results: Results) -> Iterator[str]:
    machine = results["machine"]
    facts = {
        "command": f"<code>{escape(results['command'])}</code>",
        "fits": escape(describe_fits(results)),
        "date": escape(results["date"]),
        "machine": escape(f"{counted(machine['cpus'], 'CPU')} ({machine['processor']}, {machine['system']})"),
        "versions": escape(", ".join(f"{name} {number}" for name, number in results["versions"].items())),
        "graphs": escape("; ".join(describe_sets(results))),
        "read with": escape("; ".join(describe_reading(results)) or "nothing was changed"),
    }
    items = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts.items())
    yield f'<section><h2 id="manifest">Manifest</h2><dl class="about">{items}</dl>'
    hashes = {part["name"]: part["content_hash"] for part in results["datasets"]}
    content = escape(json.dumps({"settings": results["settings"], "content_hash": hashes}, indent=2))
    yield f"<details><summary>Settings and hashes of the data</summary><pre>{content}</pre></details></section>"
