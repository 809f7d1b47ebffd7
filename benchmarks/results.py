"""What a benchmark found, as one JSON-ready value: results.json, from which tables and report are made (docs/benchmark.md).

Legend: P bootstrap samples, k fits of one model.

References:
    [1] R. Berger, Multiparameter hypothesis testing and acceptance sampling, Technometrics 24, 1982 (intersection-union test).
"""

import math
import os
import platform
import tomllib
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.benchmarks.molecules import MOLECULES
from gengraph.benchmarks.ratios import mean_ratio, ratio_interval, ratios_of
from gengraph.benchmarks.settings import FLOOR, Settings
from gengraph.benchmarks.steps import Data
from gengraph.benchmarks.suite import Outcome
from gengraph.metrics import holm, wilson_interval
from gengraph.metrics.statistics import FloatArray
from gengraph.versions import versions

SCHEMA = 3
LEVEL = 0.95
FEWEST = 5  # test graphs that must be there before anything is called significant: a bootstrap of fewer says too little
_SHARES = ("valid", "unique", "novel", "valid_unique_novel")
_VERSIONED = ("gengraph", "torch", "numpy", "scipy", "ray")
Failed = tuple[str, str]
"""A data set that cannot be had, and why."""


def assemble(
    settings: Settings, data: list[Data], missing: list[Failed], outcomes: list[Outcome], command: str
) -> dict[str, Any]:
    """The content of results.json."""
    order = [part.name for part in data]
    done = sorted(outcomes, key=lambda outcome: order.index(outcome.cell.dataset))
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in done:
        groups.setdefault((outcome.cell.dataset, outcome.cell.model, outcome.cell.kind), []).append(outcome)
    judged = {part.name for part in data if len(part.split.test) >= FEWEST}
    rows = [row for protocol in settings.protocols for row in _rows(protocol, groups, settings, judged)]
    absent = [
        {"dataset": name, "model": "-", "kind": "model", "protocol": protocol, "mmd2": {}, "error": reason}
        for protocol in settings.protocols
        for name, reason in missing
    ]
    return {
        "schema": SCHEMA,
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": asdict(settings),
        "statistics": {protocol: list(settings.compared(protocol)) for protocol in settings.protocols},
        "versions": {"python": platform.python_version()} | versions(*_VERSIONED),
        "machine": {"system": platform.system(), "processor": platform.machine(), "cpus": os.cpu_count()},
        "datasets": [_dataset(part, groups) for part in data],
        "rows": rows + absent,
        "cells": [{**asdict(outcome.cell), **outcome.record} for outcome in done],
        "failures": _failures(done, missing),
        "published": list(_published(order, settings)),
    }


def _dataset(data: Data, groups: dict[tuple[str, str, str], list[Outcome]]) -> dict[str, Any]:
    floor = groups[data.name, FLOOR, "floor"][0].record
    distributions = {"train": floor.get("distributions"), "test": floor.get("test_distributions")}
    return {
        "name": data.name,
        "num_fitting": len(data.fitting),
        "num_test": len(data.split.test),
        "mean_num_nodes_test": float(data.split.test.num_nodes.mean()),
        "content_hash": {part: getattr(data.split, part).content_hash() for part in ("train", "validation", "test")},
        "validity": data.validity,
        "reading": data.reading,
        "pictures": floor.get("pictures", []),
        "distributions": distributions,
        "test_pictures": floor.get("test_pictures", []),
    }


def _failures(outcomes: list[Outcome], missing: list[Failed]) -> list[dict[str, Any]]:
    failed = [{**asdict(outcome.cell), "error": outcome.error} for outcome in outcomes if outcome.error]
    return failed + [{"dataset": name, "model": "-", "error": reason} for name, reason in missing]


def _rows(
    protocol: str, groups: dict[tuple[str, str, str], list[Outcome]], settings: Settings, judged: Container[str]
) -> Iterator[dict[str, Any]]:
    """The rows of one protocol, what is best marked over all of them together, on the data sets that can be judged."""
    rows, deviations = [], []
    for outcomes in groups.values():
        found = [outcome for outcome in outcomes if not outcome.error]
        drawn = _deviations(found, protocol, settings)
        rows.append(_row(outcomes, found, protocol, drawn))
        deviations.append(drawn)
    floors = {
        row["dataset"]: (row["mmd2"], drawn) for row, drawn in zip(rows, deviations, strict=True) if row["kind"] == "floor"
    }
    for row, drawn in zip(rows, deviations, strict=True):
        floor, drawn_floor = floors[row["dataset"]]
        row["ratios"] = ratios_of(row["mmd2"], floor)
        row["ratio"] = mean_ratio(row["ratios"])
        paired = {} if row["kind"] == "floor" else drawn_floor
        row["ratio_interval"] = ratio_interval(row["mmd2"], drawn, floor, paired, level=LEVEL)
    compared = settings.compared(protocol) if protocol in settings.of_structure else ()  # of molecules nothing is marked
    _mark_best(rows, deviations, compared, judged)
    yield from rows


def _row(outcomes: list[Outcome], found: list[Outcome], protocol: str, deviations: dict[str, FloatArray]) -> dict[str, Any]:
    """A row of the table: the mean over the fits that did not fail."""
    cell, records = outcomes[0].cell, [outcome.record for outcome in found]
    row: dict[str, Any] = {"dataset": cell.dataset, "model": cell.model, "kind": cell.kind, "protocol": protocol, "mmd2": {}}
    if not found:
        return row | {"error": outcomes[0].error}
    values = {name: [_values(record, protocol)[name] for record in records] for name in _values(records[0], protocol)}
    means = {name: _mean(fits, strict=True) for name, fits in values.items()}
    row[MOLECULES if protocol == MOLECULES else "mmd2"] = means
    row["spread"] = {name: _standard_deviation(fits) for name, fits in values.items()}
    row["interval"] = {name: _interval(means[name], deviations.get(name)) for name in values}
    if means and protocol == MOLECULES:
        row["interval"] |= _shares_of_molecules([record[MOLECULES] for record in records])
    first = records[0]
    return row | {
        "error": None,
        "num_fits": len(found),
        "num_graphs": first["num_graphs"],
        **{name: _mean(record.get(name) for record in records) for name in _MEANS},
        "novelty": None if protocol == MOLECULES else _pooled_shares([record["novelty"] for record in records]),
        "parameters": first.get("parameters"),
    }


def _values(record: dict[str, Any], protocol: str) -> dict[str, float | None]:
    """By statistic; nothing of graphs that no molecules can be read from."""
    found: dict[str, float | None] = (
        record["mmd2"][protocol] if protocol != MOLECULES else record[MOLECULES]["metrics"] if record[MOLECULES] else {}
    )
    return found


_MEANS = ("mean_num_nodes", "size_mmd2", "fit_seconds", "sample_seconds")


def _mean(values: Iterable[float | None], *, strict: bool = False) -> float | None:
    """The mean of those that are numbers; with `strict` there is none unless all are."""
    listed = list(values)
    numbers = [value for value in listed if value is not None]
    return None if not numbers or (strict and len(numbers) < len(listed)) else float(np.mean(numbers))


def _standard_deviation(values: list[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return float(np.std(numbers, ddof=1)) if len(numbers) > 1 else None


def _deviations(outcomes: list[Outcome], protocol: str, settings: Settings) -> dict[str, FloatArray]:
    """float64[P] by statistic: the mean over k fits, when graphs and fits are drawn again, without its own mean.

    Drawing k fits again makes their spread too small by (k - 1) / k in its square, which is put right.
    """
    found = [outcome for outcome in outcomes if protocol in outcome.replicates]
    count = len(found)
    name_of_row = found[0].cell.model.encode() if found else b""  # other models have other fits drawn
    rng = np.random.default_rng([settings.seeds[0], 2, *name_of_row])
    result = {}
    for name in found[0].replicates[protocol] if found else ():
        if not all(name in outcome.replicates[protocol] for outcome in found):
            continue
        graphs = np.mean([outcome.replicates[protocol][name] for outcome in found], axis=0)
        values = np.array([_values(outcome.record, protocol)[name] for outcome in found])
        fits = values[rng.integers(count, size=(len(graphs), count))].mean(axis=1) - values.mean()
        result[name] = graphs + fits * math.sqrt(count / max(1, count - 1))
    return result


def _interval(value: float | None, deviations: FloatArray | None) -> list[float] | None:
    if value is None or deviations is None:
        return None
    low, high = np.quantile(deviations, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [value + float(low), value + float(high)]


def _pooled_shares(novelties: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Shares over the graphs of all fits, with Wilson intervals."""
    known = [novelty for novelty in novelties if novelty is not None]
    if not known:
        return None
    pooled: dict[str, Any] = {"test": known[0]["test"], "approximate": known[0]["approximate"]}
    for name in _SHARES:
        shares = [novelty[name] for novelty in known if novelty[name] is not None]
        pooled[name] = None
        if shares:
            pooled[name] = _pooled(shares)
    return pooled


def _pooled(shares: list[dict[str, int]]) -> dict[str, float]:
    count, total = (sum(share[part] for share in shares) for part in ("count", "total"))
    low, high = wilson_interval(count, total, level=LEVEL)
    return {"value": count / total, "low": low, "high": high}


def _shares_of_molecules(found: list[dict[str, Any]]) -> dict[str, list[float] | None]:
    """Wilson intervals of the shares over the graphs of all fits; None of a share of nothing."""
    counts = {name: [part["counts"][name] for part in found] for name in found[0]["counts"]}
    of_any = {name: _pooled(fits) for name, fits in counts.items() if sum(fit["total"] for fit in fits)}
    return {name: [of_any[name]["low"], of_any[name]["high"]] if name in of_any else None for name in counts}


def _mark_best(
    rows: list[dict[str, Any]], deviations: list[dict[str, FloatArray]], statistics: tuple[str, ...], judged: Container[str]
) -> None:
    """List in `best` the statistics in which a row is significantly below every other one of its data set, if that is judged.

    The best of a column is tested against each other row by the paired bootstrap of the difference; it beats all of them at
    the largest p-value [1], and these are corrected over all columns of the table (Holm). The training set is no candidate,
    nor is a model whose graphs all are training graphs.
    """
    columns: dict[tuple[str, str], tuple[dict[str, Any], float]] = {}
    by_dataset: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        row["best"] = []
        if row["kind"] != "floor" and row["dataset"] in judged and not row["error"] and not _memorised(row):
            by_dataset[row["dataset"]].append(number)
    for dataset, numbers in by_dataset.items():
        for name in statistics:
            candidates = sorted((rows[i]["mmd2"][name], i) for i in numbers if name in deviations[i])
            if len(candidates) > 1:
                best, others = candidates[0], candidates[1:]
                p_value = max(_p_value(value - best[0], deviations[i][name] - deviations[best[1]][name]) for value, i in others)
                columns[dataset, name] = rows[best[1]], p_value
    adjusted = holm([p_value for _, p_value in columns.values()])
    for ((_, name), (row, _)), p_value in zip(columns.items(), adjusted, strict=True):
        if p_value < 1 - LEVEL:
            row["best"].append(name)


def _memorised(row: dict[str, Any]) -> bool:
    return row["novelty"] is not None and row["novelty"]["novel"]["value"] == 0


def _p_value(difference: float, deviations: FloatArray) -> float:
    """Of the hypothesis that the expected difference is not above 0."""
    return float((1 + (deviations >= difference).sum()) / (1 + len(deviations)))


def _published(datasets: list[str], settings: Settings) -> Iterator[dict[str, Any]]:
    """What papers report on these data sets under these protocols."""
    tables = tomllib.loads(Path(__file__).with_name("published.toml").read_text(encoding="utf-8"))["tables"]
    for protocol in settings.protocols:
        for dataset in datasets:
            for table in tables:
                if table["protocol"] == protocol or (table["protocol"] == "any" and protocol != MOLECULES):
                    for model, values in table["values"].get(dataset, {}).items():
                        named = dict(zip(table["statistics"], values, strict=True))
                        more = {name: named.pop(name) for name in ("valid_unique_novel",) if name in named}
                        about = {"dataset": dataset, "protocol": protocol, "model": model, "citation": table["citation"]}
                        found = {"mmd2": {}, MOLECULES: named} if protocol == MOLECULES else {"mmd2": named}
                        yield {**about, **found, **more}
