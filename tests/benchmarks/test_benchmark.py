"""The benchmark: artefacts, cells, rows, tables."""

import csv
import dataclasses
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from command_line import FAST, gengraph, in_tmp_path  # noqa: F401
from rich.console import Console
from typer import Exit

from gengraph.benchmarks.artefacts import Store
from gengraph.benchmarks.molecules import METRICS, MOLECULES
from gengraph.benchmarks.notes import notes_of
from gengraph.benchmarks.results import SCHEMA, _mark_best, _published, assemble
from gengraph.benchmarks.settings import Entry, Settings
from gengraph.benchmarks.steps import Data, fit_model, thin_curve, tune_model
from gengraph.benchmarks.suite import Cell, Outcome, run_benchmark
from gengraph.benchmarks.table import error_of, format_mmd, format_published, table_of
from gengraph.cli.benchmark import _show
from gengraph.cli.board import Board, Journal
from gengraph.data import DATASETS, load_dataset, split_graphs
from gengraph.errors import NotEnoughResources
from gengraph.formats import write_graphs
from gengraph.generators import GENERATORS
from gengraph.metrics.protocols import find_protocol
from gengraph.models.registry import LISTED
from gengraph.training.config import Config

pytestmark = pytest.mark.usefixtures("in_tmp_path")
BASELINES = "er,ba,configuration,empirical"
COMMAND = f"benchmark --datasets ladder-small,grid-small --models {BASELINES} --bootstrap 50 --workers 0"
SMALL = "benchmark --datasets grid-small --models er,configuration,empirical --bootstrap 0 --workers 0"


def results(folder: str) -> dict[str, Any]:
    return json.loads(Path(folder, "results.json").read_text())


def timeless(value: Any) -> Any:
    """Results without times, the date and the command."""
    if isinstance(value, dict):
        skipped = ("date", "command", "fit_seconds", "sample_seconds")
        return {name: timeless(item) for name, item in value.items() if name not in skipped}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def artefacts(step: str = "*") -> set[Path]:
    return set(Path("r/cache").glob(f"{step}/*"))


def test_killed_in_the_middle_it_ends_as_an_undisturbed_one() -> None:
    command = [sys.executable, "-m", "gengraph.cli.app", *SMALL.split(), "--out", "r"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(artefacts("scores")) < 3 and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not Path("r/results.json").exists()
    before = {path: path.stat().st_mtime_ns for path in artefacts() if not path.name.startswith(".")}
    assert before
    gengraph(f"{SMALL} --out r")
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    assert not [path for path in artefacts() if path.name.startswith(".")]
    gengraph(f"{SMALL} --out undisturbed")
    assert timeless(results("r")) == timeless(results("undisturbed"))


def test_only_what_changed_is_computed() -> None:
    gengraph(f"{COMMAND} --out r")
    first = artefacts()
    gengraph(f"{COMMAND} --out r")
    assert artefacts() == first
    gengraph(f"{COMMAND} --protocols emd,tv --out r")
    added = artefacts() - first
    assert {path.parent.name for path in added} == {"scores", "statistics"}  # spectral is new
    second = artefacts()
    gengraph(f"{COMMAND} -n 5 --out r")
    assert {path.parent.name for path in artefacts() - second} == {"samples", "statistics", "scores", "novelty", "looks"}


def test_models_come_from_the_registry() -> None:
    assert Settings().models == tuple(GENERATORS)


def test_a_run_and_outside_samples_enter_the_table() -> None:
    gengraph(f"train --dataset grid-small --steps 5 --run g {FAST}")
    gengraph(f"train --dataset grid-small --steps 5 --run other --split-seed 1 {FAST}")
    with Path("runs/g/metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')  # cut short by a crash
    write_graphs(load_dataset("grid-small"), Path("peer.g6"))
    output = gengraph(
        "benchmark --datasets grid-small,ladder-small --models er --trained grid-small=g --trained grid-small=other "
        "--samples Peer@grid-small=peer.g6 --bootstrap 20 --workers 0 --out r",
        code=1,
    )
    assert "grid-small, other: InputError: run" in output
    assert "split seed 1" in output
    rows = {(row["dataset"], row["model"]): row for row in results("r")["rows"]}
    assert set(rows) == {("grid-small", name) for name in ("er", "g", "other", "Peer", "train set")} | {
        ("ladder-small", name) for name in ("er", "train set")
    }
    assert rows["grid-small", "Peer"]["num_graphs"] == 20
    assert rows["grid-small", "Peer"]["mmd2"]["degree"] < rows["grid-small", "er"]["mmd2"]["degree"]
    assert rows["grid-small", "g"]["num_graphs"] == 16
    assert rows["grid-small", "other"]["error"]
    (cell,) = [cell for cell in results("r")["cells"] if cell["model"] == "g"]
    assert cell["curve"][-1]["step"] == 5
    assert "validation_loss" in cell["curve"][-1]
    assert list(cell["bits"]) == ["train", "validation", "test"]
    assert cell["loss"] == "negative log-likelihood, nats a graph"


def test_seeds_give_mean_and_spread() -> None:
    gengraph("benchmark --datasets grid-small --models er --seeds 3 --seed 4 --bootstrap 20 --workers 0 --out r")
    found = results("r")
    cells = [cell for cell in found["cells"] if cell["model"] == "er"]
    assert [cell["seed"] for cell in cells] == [4, 5, 6]
    values = [cell["mmd2"]["emd"]["degree"] for cell in cells]
    row = found["rows"][0]
    assert row["num_fits"] == 3
    assert row["mmd2"]["degree"] == pytest.approx(np.mean(values))
    assert row["spread"]["degree"] == pytest.approx(np.std(values, ddof=1))
    low, high = row["interval"]["degree"]
    assert low < row["mmd2"]["degree"] < high
    assert error_of(row, "degree") == row["spread"]["degree"]


def test_samples_of_one_name_are_fits_of_one_model() -> None:
    graphs = load_dataset("grid-small")
    for name, part in (("a", graphs[:9]), ("b", graphs[9:]), ("c", graphs)):
        write_graphs(part, Path(f"{name}.g6"))
    samples = "--samples Peer=a.g6 --samples Other=c.g6 --samples Peer=b.g6"
    gengraph(f"benchmark --datasets grid-small --models er {samples} --bootstrap 20 --workers 0 --out r")
    found = results("r")
    assert [(row["model"], row["num_fits"]) for row in found["rows"]] == [
        ("er", 1),
        ("Peer", 2),
        ("Other", 1),
        ("train set", 1),
    ]
    values = [cell["mmd2"]["emd"]["degree"] for cell in found["cells"] if cell["model"] == "Peer"]
    assert found["rows"][1]["mmd2"]["degree"] == pytest.approx(np.mean(values))


def test_fits_of_networks_take_a_gpu_each_and_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    pools = []

    def spread(make: Any, cells: list[Cell], *, workers: int, cpus: float, gpus: float, on_start: Any) -> Any:
        pools.append(([(cell.model, cell.kind) for cell in cells], workers, cpus, gpus))
        return ((cell, ValueError("none")) for cell in cells)

    def capacity(per_worker: dict[str, float]) -> int:
        assert per_worker == {"CPU": 1.0, "GPU": 0.5}
        return 2

    monkeypatch.setattr("gengraph.distributed.tasks.spread", spread)
    monkeypatch.setattr("gengraph.distributed.cluster.capacity_for", capacity)
    data = [Data(name="grid-small", split=split_graphs(load_dataset("grid-small")))]
    settings = Settings(models=("er", "graphrnn"), entries=(Entry("run", "graphrnn", "grid-small", "r"),), gpus=0.5)
    outcomes = run_benchmark(data, settings, Path("cache"), workers=8)
    others = [("er", "model"), ("graphrnn", "run"), ("train set", "floor")]
    assert pools == [([("graphrnn", "model")], 2, 1.0, 0.5), (others, 8, 1.0, 0.0)]
    assert [outcome.error for outcome in outcomes] == ["none"] * 4
    pools.clear()
    run_benchmark(data, dataclasses.replace(settings, gpus=0.0), Path("cache"), workers=8)
    assert [(len(cells), workers, gpus) for cells, workers, _, gpus in pools] == [(4, 8, 0.0)]


def test_a_fit_is_kept_for_its_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store, inputs = Store(tmp_path), []
    monkeypatch.setattr(Store, "step", lambda _store, step, given, make: inputs.append(given))
    data = Data(name="grid-small", split=split_graphs(load_dataset("grid-small")))
    for model, device in (("graphrnn", "cpu"), ("graphrnn", "cuda"), ("er", "cpu"), ("er", "cuda")):
        fit_model(store, data, model, settings={}, budget=1.0, seed=0, device=device)
    assert [given["contender"]["device"] for given in inputs] == ["cpu", "cuda", "cpu", "cpu"]
    assert inputs[0] != inputs[1]
    assert inputs[2] == inputs[3]


def test_a_gpu_that_is_not_there_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    command = "benchmark --datasets grid-small --models er --workers 0 --gpus-per-worker 1 --out r"
    assert "torch finds no GPU here" in gengraph(command, code=3)
    assert not Path("r").exists()
    with pytest.raises(NotEnoughResources, match="torch finds no GPU here"):
        GENERATORS["graphrnn"](device="cuda").fit(load_dataset("grid-small"), seed=0, budget=1)


def test_it_ends_by_naming_the_report_even_if_something_failed() -> None:
    Path("broken.g6").write_text("?no graph\n")
    command = "benchmark --datasets grid-small --models er --samples A=broken.g6 --bootstrap 0 --workers 0 --out r"
    lines = gengraph(command, code=1).splitlines()
    assert lines[-1] == "report: r/report.html"
    assert any(line.startswith("Failed: grid-small, A: ") for line in lines)


def test_make_benchmark_is_what_the_page_says() -> None:
    root = Path(__file__).parents[2]
    recipe = re.search(r"^benchmark: install\n\t\$\(BIN\)/(.*)$", (root / "Makefile").read_text(), flags=re.MULTILINE)
    assert recipe is not None
    assert f"```sh\n{recipe[1]}\n```" in (root / "docs" / "benchmark.md").read_text()


def test_outside_samples_are_read_with_the_policy() -> None:
    lines = [{"n": 4, "edges": [[0, 1], [1, 2], [2, 3], [3, 3]]}, {"n": 3, "edges": [[0, 1], [1, 0], [1, 2]]}]
    Path("raw.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    Path("bare.jsonl").write_text('{"n": 4, "edges": [[0, 1], [1, 2], [2, 3]]}\n{"n": 3, "edges": [[0, 1], [1, 2]]}\n')
    command = "benchmark --datasets grid-small --models er --samples Raw=raw.jsonl --samples Bare=bare.jsonl --bootstrap 0"
    assert "self-loop" in gengraph(f"{command} --workers 0 --out refused", code=1)
    gengraph(f"{command} --on-loops drop --on-multi-edges drop --workers 0 --out r")
    rows = {row["model"]: row for row in results("r")["rows"]}
    assert rows["Raw"]["mmd2"] == rows["Bare"]["mmd2"]
    (reading,) = [cell["reading"] for cell in results("r")["cells"] if cell["model"] == "Raw"]
    assert reading["found"] == {"on_loops": 1, "on_multi_edges": 1}
    assert "Raw (" in Path("r/results.md").read_text()
    assert "on_loops drop (1), on_multi_edges drop (1)" in Path("r/report.html").read_text()


def test_what_may_be_slow_is_started_first_and_the_table_has_the_order_asked_for() -> None:
    data = [Data(name="ladder-small", split=split_graphs(load_dataset("ladder-small")))]
    settings = Settings(models=("empirical", "graphrnn-s", "er"), budget=0.1, bootstrap=0, num_samples=2)
    started: list[Cell] = []
    outcomes = run_benchmark(data, settings, Path("cache"), workers=0, started=started.append)
    assert [cell.model for cell in started] == ["graphrnn-s", "empirical", "er", "train set"]
    assert [(outcome.cell.model, outcome.error) for outcome in outcomes] == [
        ("empirical", None),
        ("graphrnn-s", None),
        ("er", None),
        ("train set", None),
    ]


@pytest.mark.slow
def test_a_sweep_before_the_fit() -> None:
    model = "graphrnn-c"
    command = f"benchmark --datasets ladder-small --models {model},er --tune 2 --budget 2s --bootstrap 0 --workers 0 --out r"
    gengraph(command)
    cells = {cell["model"]: cell for cell in results("r")["cells"]}
    tuned = cells[model]["tuned"]
    assert {name.split(".")[0] for name in tuned} == {"training", "model"}
    assert cells["er"]["tuned"] == {}
    assert cells["er"]["loss"] is None
    config = Config.from_dict(cells[model]["parameters"]["config"])
    assert config == config.with_values(tuned)
    assert config.model_name == model
    assert (config.training.steps, config.training.budget) == (None, 2.0)


def test_if_no_setting_trains_the_sweep_says_so(tmp_path: Path) -> None:
    split = split_graphs(load_dataset("ladder-small"))
    data = Data(name="ladder-small", split=dataclasses.replace(split, validation=split.validation[:0]))
    with pytest.raises(RuntimeError, match=r"one of 2 settings must train, all failed; give the trials a longer budget"):
        tune_model(Store(tmp_path), data, "graphrnn-s", trials=2, budget=0.01, seed=0)


def test_curves_have_present_names_and_finite_numbers() -> None:
    of_0_1_0 = {"step": 1, "seconds": 0.5, "nll": 3.0, "validation_nll": math.nan, "nll_per_node": 1.0}
    assert thin_curve([of_0_1_0]) == [{"step": 1, "seconds": 0.5, "loss": 3.0}]
    many = [{"step": step, "seconds": float(step), "loss": 1.0} for step in range(1, 1001)]
    many[4]["validation_loss"] = 2.0
    thin = thin_curve(many)
    assert 100 <= len(thin) <= 103
    assert [point["step"] for point in thin if "validation_loss" in point] == [5]
    assert thin[-1]["step"] == 1000


def row_of(model: str, value: float, novel: float = 1.0) -> dict[str, Any]:
    kind = "floor" if model == "train set" else "model"
    novelty = {"novel": {"value": novel}}
    return {"dataset": "d", "model": model, "kind": kind, "error": None, "mmd2": {"degree": value}, "novelty": novelty}


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ({"a": 0.1, "b": 0.5, "train set": 0.0}, "a"),
        ({"a": 0.1, "b": 0.11}, None),
        ({"a": 0.1, "b": 0.11, "c": 0.9}, None),
        ({"a": 0.1}, None),
        ({"a": 0.1, "memory": 0.0, "b": 0.5}, "a"),
    ],
)
def test_best_is_what_is_significantly_below_all_others(values: dict[str, float], best: str | None) -> None:
    rng = np.random.default_rng(0)
    rows = [row_of(model, value, novel=float(model != "memory")) for model, value in values.items()]
    deviations = [{"degree": rng.normal(scale=0.05, size=500)} for _ in rows]
    _mark_best(rows, deviations, ("degree",), {"d"})
    assert [row["model"] for row in rows if row["best"]] == ([best] if best else [])
    _mark_best(rows, deviations, ("degree",), set())
    assert not any(row["best"] for row in rows)


def test_of_few_test_graphs_nothing_is_called_best() -> None:
    split = split_graphs(load_dataset("community-small"))
    write_graphs(split.train, Path("near.parquet"))
    write_graphs(load_dataset("ladder-small"), Path("far.parquet"))
    entries = tuple(Entry("samples", name, "untested", f"{name}.parquet") for name in ("near", "far"))
    settings = Settings(models=(), entries=entries, bootstrap=200)
    found = {}
    for count in (4, 20):
        data = Data(name="untested", split=dataclasses.replace(split, train=split.validation, test=split.test[:count]))
        rows = assemble(settings, [data], [], run_benchmark([data], settings, Path("cache"), workers=0), "")["rows"]
        found[count] = {row["model"]: row["best"] for row in rows}
    assert found[4] == {"near": [], "far": [], "train set": []}
    assert "degree" in found[20]["near"]


@pytest.mark.parametrize(
    ("value", "text", "published"),
    [
        (None, "-", "-"),
        (0.0, "0", "0"),
        (0.034, ".034", ".034"),
        (0.4, ".40", ".4"),
        (1.243, "1.2", "1.243"),
        (2.0, "2.0", "2"),
        (1e-5, "1.0e-05", "1e-05"),
        (4e-7, "0", "4e-07"),
    ],
)
def test_numbers_have_two_digits_and_published_ones_their_own(value: float | None, text: str, published: str) -> None:
    assert (format_mmd(value), format_published(value)) == (text, published)


def test_two_samples_of_one_law_are_rarely_called_different() -> None:
    graphs = load_dataset("community-small")
    data = [Data(name="untested", split=split_graphs(graphs, seed=seed)) for seed in range(4)]
    found = 0
    for seed, part in enumerate(data):
        write_graphs(part.fitting[:40], Path(f"a{seed}.parquet"))
        write_graphs(part.fitting[40:], Path(f"b{seed}.parquet"))
        entries = tuple(Entry("samples", name, part.name, f"{name}{seed}.parquet") for name in "ab")
        settings = Settings(models=(), entries=entries, bootstrap=200)
        outcomes = run_benchmark([part], settings, Path("cache"), workers=0)
        rows = assemble(settings, [part], [], outcomes, "")["rows"]
        for row in rows:
            if row["kind"] == "samples":
                row["novelty"]["novel"]["value"] = 1.0
        found += sum(len(row["best"]) for row in rows)
    assert found <= 1


def test_published_rows_stand_apart_and_under_their_own_protocol() -> None:
    gengraph("benchmark --datasets lobster --models er --protocols emd,tv -n 10 --bootstrap 0 --workers 0 --out r")
    found = results("r")
    assert [(row["protocol"], row["model"]) for row in found["published"]] == [("tv", "GRAN")]
    assert all(row["model"] != "GRAN" for row in found["rows"])
    assert [line.kind for line in table_of(found, "tv").lines] == ["measured", "floor", "published"]
    assert [line.kind for line in table_of(found, "emd").lines] == ["measured", "floor"]
    assert any("R. Liao et al." in note for note in notes_of(found, "tv"))
    assert "| *GRAN [1]* | *.038* | *0* | *.001* | *.027* |" in Path("r/results.md").read_text()
    assert r"\textcolor{gray}{GRAN [1]}" in Path("r/results.tex").read_text()


def test_what_is_published_is_of_known_data_sets_and_statistics() -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "published.toml"
    tables = tomllib.loads(path.read_text())["tables"]
    assert len(tables) == 8
    for table in tables:
        protocol, statistics = table["protocol"], table["statistics"]
        if protocol == MOLECULES:
            assert statistics == [name for name in METRICS if name in statistics]
        else:
            assert statistics == (["valid_unique_novel"] if protocol == "any" else list(find_protocol(protocol).statistics))
        assert table["citation"]
        for dataset, models in table["values"].items():
            assert dataset in DATASETS
            assert all(len(values) == len(statistics) for values in models.values())
            assert all(0 <= value <= (1 if protocol == "any" else 2) for values in models.values() for value in values)


def test_published_shares_stand_under_every_protocol() -> None:
    gengraph("benchmark --datasets tree:20 --models er --protocols emd,tv -n 5 --bootstrap 0 --workers 0 --out r")
    assert results("r")["published"] == []  # twenty trees are not the published set
    settings = Settings(protocols=("emd", "tv"))
    rows = list(_published(["tree"], settings))
    assert [(row["protocol"], row["model"]) for row in rows if row["model"] == "DiGress"] == [
        ("emd", "DiGress"),
        ("tv", "DiGress"),
    ]
    found = results("r") | {"published": [row | {"dataset": "tree:20"} for row in rows]}
    for protocol in ("emd", "tv"):
        table = table_of(found, protocol)
        line = next(line.texts for line in table.lines if line.texts[1].startswith("DiGress"))
        cells = dict(zip(table.columns, line, strict=True))
        assert (cells["degree"], cells["ratio"], cells["v.u.n."]) == ("-", "", "90.0")


def test_every_file_says_the_same() -> None:
    gengraph(f"{COMMAND} --protocols emd,rbf --out r")
    found = results("r")
    lines = list(csv.DictReader(io.StringIO(Path("r/results.csv").read_text())))
    records = pq.read_table("r/results.parquet").to_pylist()
    assert len(lines) == len(records) == len(found["rows"]) == 20
    for line, record, row in zip(lines, records, found["rows"], strict=True):
        assert (line["dataset"], line["model"], line["protocol"]) == (row["dataset"], row["model"], row["protocol"])
        for name, value in row["mmd2"].items():
            assert float(line[name]) == record[name] == value
    markdown = Path("r/results.md").read_text()
    for row in found["rows"]:
        for name in row["mmd2"]:
            assert format_mmd(row["mmd2"][name]) in markdown
    latex = Path("r/results.tex").read_text()
    assert latex.count(r"\begin{tabular}") == latex.count(r"\bottomrule") == 2


def test_ratio_is_the_value_over_that_of_the_training_set() -> None:
    gengraph(f"{COMMAND} --out r")
    rows = results("r")["rows"]
    floors = {row["dataset"]: row["mmd2"] for row in rows if row["kind"] == "floor"}
    for row in rows:
        for name, ratio in row["ratios"].items():
            floor = floors[row["dataset"]][name]
            assert ratio == (pytest.approx(row["mmd2"][name] / floor) if floor > 5e-7 else None)


def test_the_schema_is_documented() -> None:
    gengraph("benchmark --datasets ladder-small --models er,graphrnn-s --budget 1s -n 5 --protocols tv --workers 0 --out r")
    found = results("r")
    text = (Path(__file__).parents[2] / "docs" / "benchmark.md").read_text()
    documented = set(re.findall(r"`(\w+)`", text))
    parts = [found, found["settings"], *found["datasets"], *found["rows"], *found["cells"]]
    assert found["schema"] == SCHEMA
    assert f"schema {SCHEMA}" in text
    keys = {key for part in parts for key in part} | set(found["datasets"][0]["pictures"][0])
    assert keys | {key for cell in found["cells"] for point in cell.get("curve", ()) for key in point} <= documented


def test_the_documented_commands_and_options_are_there() -> None:
    text = (Path(__file__).parents[2] / "docs" / "benchmark.md").read_text()
    options = set(re.findall(r"`(--?[a-z-]+)", text))
    help_text = gengraph("benchmark --help")
    assert len(options) > 8
    assert not [option for option in options if option not in help_text]


@pytest.fixture
def lobsters() -> dict[str, Any]:
    """Results with all columns, a failed row and one that is published."""
    Path("broken.g6").write_text("?no graph\n")
    samples = "--samples A_program_with_a_long_name@lobster=broken.g6"
    command = f"benchmark --datasets lobster,grid-small --models er,ba {samples} --protocols tv -n 5 --bootstrap 10"
    gengraph(f"{command} --workers 0 --out r", code=1)
    return results("r")


def shown(found: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *, width: int, terminal: bool = True) -> list[str]:
    """The lines of the table on a console."""
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, markup=False, highlight=False)
    monkeypatch.setattr("gengraph.cli.progress.results", lambda: console)
    with pytest.raises(Exit):
        _show(found, Path("r"))
    text = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())
    return text.split("Squared MMD")[0].splitlines()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_terminal_shows_every_column_and_every_error(
    width: int, lobsters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(lobsters, monkeypatch, width=width)
    assert max(map(len, lines)) <= width
    table = table_of(lobsters, "tv")
    whole = "\n".join(lines)
    assert "…" not in whole
    for name in table.columns[1:]:
        assert len(re.findall(rf"(?<!\S){re.escape(name)}(?!\S)", whole)) >= 1 + (width < 120), name
    for line in table.lines:
        expected = [text for text in line.texts[1:] if text]
        cells = [text for row in lines for text in re.split(r"  +", row.strip())]
        assert not [text for text in expected if text not in cells]
    assert whole.count("±") == sum(text.count("±") for line in table.lines for text in line.texts) > 20


def test_a_window_of_twenty_columns_loses_nothing_either(lobsters: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(lobsters, monkeypatch, width=20)
    assert max(map(len, lines)) <= 20
    letters = re.sub(r"\s", "", "".join(lines))
    assert "…" not in letters
    for line in table_of(lobsters, "tv").lines:
        assert not [text for text in line.texts if "±" in text and text.split(" ±")[0] not in letters]


def test_into_a_file_a_row_is_a_line_however_wide(lobsters: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for line in shown(lobsters, monkeypatch, width=60, terminal=False) if line]
    table = table_of(lobsters, "tv")
    assert [line.split("  ")[0] for line in lines] == ["data set", *(line.texts[0] for line in table.lines)]
    for line, row in zip(lines, [table.columns, *(line.texts for line in table.lines)], strict=True):
        assert re.split(r"  +", line.strip()) == [text for text in row if text]


def test_every_short_name_is_spelled_out(lobsters: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**lobsters["rows"][0], "model": name} for name in LISTED] + [{**lobsters["rows"][0], "model": "Outside"}]
    found = lobsters | {"rows": rows}
    (note,) = [note for note in notes_of(found, "tv") if note.startswith("Models: ")]
    assert note == "Models: " + "; ".join(f"{name} = {listed.summary}" for name, listed in LISTED.items()) + "."
    for name in ("Erdos-Renyi", "Barabasi-Albert"):
        for file in ("results.md", "results.tex", "report.html"):
            assert f"{name}:" in Path("r", file).read_text()


def test_a_redirected_benchmark_says_what_it_does() -> None:
    command = [sys.executable, "-m", "gengraph", *COMMAND.split(), "--out", "r"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=170)
    assert not re.search(r"[^\x20-\x7e\n±²]", run.stderr + run.stdout)
    lines = [line for line in run.stderr.splitlines() if re.match(r" *\d+ s  \S", line)]
    seconds = [int(line.split()[0]) for line in lines]
    assert seconds == sorted(seconds)
    told = [line.partition(" s  ")[2] for line in lines]
    assert told[0].startswith("loading")
    assert told[-1] == "writing tables and report"
    for row in results("r")["rows"]:
        name = f"{row['dataset']}, {row['model']}: "
        begun, done = [line for line in told if line.startswith(name)]
        assert re.match(re.escape(name) + r"begun, \d+ of 10$", begun)
        assert re.match(re.escape(name) + r"done in \d+ s, \d+ of 10; MMD² \(emd\): ", done)
        assert f"degree {format_mmd(row['mmd2']['degree'])}, " in done


def test_the_ratio_has_an_interval_and_real_graphs_are_within_it() -> None:
    gengraph("benchmark --datasets community-small --models er,empirical --bootstrap 200 --workers 0 --out r")
    found = results("r")
    rows = {row["model"]: row for row in found["rows"]}
    assert rows["train set"]["ratio"] == 1.0
    low, high = rows["train set"]["ratio_interval"]
    assert low < 1 < high  # what chance does
    assert rows["er"]["ratio_interval"][0] > high  # no chance
    low, high = rows["empirical"]["ratio_interval"]
    assert low < 1 < high
    texts = {
        line.texts[1]: dict(zip(table_of(found, "emd").columns, line.texts, strict=True))
        for line in table_of(found, "emd").lines
    }
    assert re.fullmatch(r"1\.0 \(0\.\d-\d\.\d\)", texts["train set"]["ratio"])
    assert any(
        "as many other real graphs would get a ratio within it 95 times in 100" in note for note in notes_of(found, "emd")
    )
    gengraph("benchmark --datasets community-small --models er --bootstrap 0 --workers 0 --out r")
    assert {row["ratio_interval"] for row in results("r")["rows"]} == {None}


@pytest.mark.parametrize("content", ["notes.txt", "results.json", "cache/notes.txt", "cache/pages/1.html", "cache"])
def test_a_folder_with_something_else_in_it_is_refused(content: str) -> None:
    path = Path("thesis", content)
    path.parent.mkdir(parents=True)
    path.write_text('{"accuracy": 1}')
    message = gengraph("benchmark --datasets grid-small --models er --workers 0 --out thesis", code=2)
    name = content.partition("/")[0]
    assert f"must be new, empty or a benchmark's own, but thesis holds {name}; choose another folder" in message
    assert [str(path) for path in Path("thesis").rglob("*") if path.is_file()] == [str(path)]
    assert not Path("thesis/.cache.lock").exists()


def test_a_folder_that_a_benchmark_began_is_its_own() -> None:
    command = "benchmark --datasets ladder-small --models er,graphrnn --budget 1s --bootstrap 0 --workers 0 --out r"
    gengraph(command)
    for path in Path("r").glob("re*"):
        path.unlink()  # as it is before the end of the first
    Path("r/.results.json.0.tmp").touch()
    gengraph(command)
    Path("r/my-notes.txt").touch()
    gengraph(command)
    Path("empty").mkdir()
    gengraph(command.replace("--out r", "--out empty"))


def test_the_report_of_another_comparison_is_kept() -> None:
    command = "benchmark --datasets grid-small --models er --bootstrap 0 --workers 0 --out r"
    gengraph(command)
    first = {path.name: path.read_bytes() for path in Path("r").glob("re*")}
    assert len(first) == 6
    assert "held the report" not in gengraph(command)
    assert not Path("r/earlier").exists()
    (date,) = {results("r")["date"]}
    again = {path.name: path.read_bytes() for path in Path("r").glob("re*")}
    output = gengraph(f"{command} --models ba")
    (folder,) = Path("r/earlier").iterdir()
    assert f"r held the report of another comparison, which is now {folder / 'report.html'}" in output
    assert folder.name == date.partition("+")[0].replace(":", "-")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == again
    assert [row["model"] for row in results("r")["rows"]] == ["ba", "train set"]


def test_the_board_says_what_is_queued_running_and_done() -> None:
    data = [Data(name=name, split=split_graphs(load_dataset(name))) for name in ("ladder-small", "grid-small")]
    board = Board(Journal(), ("er",), [Entry("samples", "Peer", "grid-small", "peer.g6")], data, total=5)

    def line(model: str) -> list[str]:
        return [re.sub(r"\d+ s", "0 s", board._text(model, part.name).plain) for part in data]

    assert line("er") == line("train set") == ["queued", "queued"]
    assert line("Peer") == ["", "queued"]
    cell = Cell("grid-small", "er", "model", 0)
    board.started(cell)
    assert line("er") == ["queued", "running 0 s"]
    board.finished(Outcome(cell=cell, record={"mmd2": {"emd": {"degree": 0.5}}, "novelty": None}))
    assert line("er") == ["queued", "done"]
    board.finished(Outcome(cell=cell, record={"error": "none"}))
    assert line("er") == ["queued", "failed"]
