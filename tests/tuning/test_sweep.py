"""A trial is a pure function, goes on from its checkpoint, and what came of all is written down."""

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow.parquet as pq
import pytest

from gengraph.data import Split, load_dataset, split_graphs
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics import DescribedSet
from gengraph.models.space import Choice, Range
from gengraph.training.checkpoint import Checkpoint
from gengraph.training.config import Config, load_config
from gengraph.tuning.parallel_coordinates import axis_of, write_html
from gengraph.tuning.space import Setting, parse_space
from gengraph.tuning.sweep import PICTURE, Sweep, SweepRequest, Trial, ranked, run_trial, sweep_here, write_results

SMALL = ["model.hidden_size=8", "model.embedding_size=4", "model.head.hidden_size=4", "model.head.num_layers=1"]
SEQUENCES = ({"ordering": "cm", "window": "adaptive"}, {"ordering": "dfs", "window": "fixed"})
SPACE = {
    "training": {"learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}},
    "model": {"sequence": list(SEQUENCES)},
}


@pytest.fixture(scope="module")
def split() -> Split:
    return split_graphs(load_dataset("ladder-small"))


@pytest.fixture
def sweep(tmp_path: Path, split: Split) -> Sweep:
    config = Config().replace(SMALL)
    request = SweepRequest(trials=2, scheduler="none", steps=4)
    space = parse_space(SPACE, config, samples=False)
    return Sweep.create(tmp_path / "s", split=split, config=config, space=space, request=request, record={"dataset": "d"})


def reports_of(setting: Setting, split: Split, metric: str, start: Checkpoint | None = None) -> list[tuple[dict, Checkpoint]]:
    reports: list[tuple[dict, Checkpoint]] = []
    run_trial(setting, split, lambda *report: reports.append(report), metric=metric, start=start)
    return reports


def test_a_trial_that_goes_on_equals_one_that_was_not_interrupted(split: Split) -> None:
    setting = Setting(config=Config().replace([*SMALL, "training.steps=6", "training.evaluations=3"]))
    whole = reports_of(setting, split, "loss")
    assert [metrics["step"] for metrics, _ in whole] == [2, 4, 6]
    rest = reports_of(setting, split, "loss", start=whole[0][1])
    assert [metrics["score"] for metrics, _ in rest] == [metrics["score"] for metrics, _ in whole[1:]]


def test_a_trial_judged_by_samples_reports_their_mmd(split: Split) -> None:
    config = Config().replace([*SMALL, "training.steps=2", "training.evaluations=1"])
    scores = {}
    for temperature in (1.0, 0.25):
        ((metrics, _),) = reports_of(Setting(config=config, temperature=temperature), split, "mmd")
        assert 0 < metrics["mmd"] == metrics["score"] < 2
        scores[temperature] = metrics["score"]
    assert scores[1.0] != scores[0.25]


def test_samples_are_judged_by_validation_graphs_as_the_model_sees_them(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = [nx.disjoint_union(nx.ladder_graph(size), nx.path_graph(2)) for size in (3, 4, 5)]
    pairs = GraphSet.from_networkx(graphs)
    references: list[GraphSet] = []

    def mmd_of_samples(_model: object, reference: DescribedSet, *_: object, **__: object) -> dict[str, float]:
        references.append(reference.graphs)
        return {"degree": 0.5}

    monkeypatch.setattr("gengraph.sampling.attempts.mmd_of_samples", mmd_of_samples)
    for components, expected in (("largest", pairs.largest_components()), ("all", pairs)):
        settings = [*SMALL, "training.steps=1", "training.evaluations=1", f"model.sequence.components={components}"]
        reports_of(Setting(config=Config().replace(settings)), dataclasses.replace(split, validation=pairs), "mmd")
        assert references.pop() == expected


def test_trials_that_are_evaluated_less_often_measure_the_mmd_as_often_as_they_can(tmp_path: Path, split: Split) -> None:
    config = Config().replace([*SMALL, "training.evaluations=30", "training.mmd_every=10", "training.select=mmd"])
    space = parse_space(SPACE, config, samples=True)
    request = SweepRequest(trials=1, scheduler="none", steps=4, metric="mmd")
    sweep = Sweep.create(tmp_path / "s", split=split, config=config, space=space, request=request, record={})
    setting = sweep.setting({})
    assert (setting.config.training.evaluations, setting.config.training.mmd_every) == (4, 4)
    assert "mmd_every = 10" in sweep.winner(Trial(number=0, setting=setting, score=1.0))


def test_a_sweep_is_read_back_with_its_data(sweep: Sweep, split: Split) -> None:
    found = Sweep.open(sweep.folder)
    assert found == sweep
    assert found.split().train == split.train
    assert [found.draw(number) for number in range(5)] == [sweep.draw(number) for number in range(5)]
    setting = found.setting({"training.learning_rate": 0.005, "model.sequence": SEQUENCES[1]})
    assert (setting.config.training.steps, setting.config.model.sequence.window) == (4, "fixed")
    with pytest.raises(InputError, match=r"sweep .*/s exists; resume it, choose another name, or delete the folder"):
        Sweep.create(sweep.folder, split=split, config=sweep.config, space=sweep.space, request=sweep.request, record={})
    (sweep.folder / "data" / "train.parquet").write_bytes((sweep.folder / "data" / "test.parquet").read_bytes())
    with pytest.raises(InputError, match="is not what this sweep was made with"):
        found.split()
    (sweep.folder / "sweep.json").write_text("{}")
    with pytest.raises(InputError, match=r"sweep.json is damaged \(KeyError: 'config'\)"):
        Sweep.open(sweep.folder)


def test_results_rank_the_winner_first_and_keep_the_failures(sweep: Sweep) -> None:
    def trial(number: int, metrics: dict[str, Any], error: str | None = None) -> Trial:
        point = {"training.learning_rate": 0.001 * (number + 1), "model.sequence": SEQUENCES[number % 2]}
        return Trial.of(number, sweep.setting(point), metrics, error)

    values = {"validation_loss": 3.0, "step": 4, "seconds": 1.0}
    trials = [
        trial(0, {**values, "score": 3.0, "progress": 1.0}),
        trial(1, {**values, "score": 1.5, "progress": 0.5}),
        trial(2, {**values, "score": float("nan")}),
        trial(3, {}, "out of memory"),
        trial(4, {"error": "the loss became nan", "score": float("nan")}),
        trial(5, {}),
    ]
    assert [found.number for found in ranked(trials)] == [1, 0, 2, 3, 4, 5]
    assert [found.state for found in trials] == ["finished", "stopped", *["failed"] * 4]
    winner = write_results(sweep, trials)
    assert winner == sweep.folder / "best.toml"
    config = load_config(winner)
    assert (config.model.sequence.ordering, config.model.sequence.window) == ("dfs", "fixed")
    assert config.training == dataclasses.replace(sweep.config.training, learning_rate=0.002)
    rows = pq.read_table(sweep.folder / "trials.parquet").to_pylist()
    assert [row["error"] for row in rows[2:]] == [
        "the score was nan",
        "out of memory",
        "the loss became nan",
        "it ended before its first evaluation",
    ]
    assert rows[0]["training.learning_rate"] == 0.002
    assert "ordering=dfs" in rows[0]["model.sequence"]
    assert write_results(sweep, trials[2:]) is None


def test_the_picture_has_real_scales_and_needs_no_network(tmp_path: Path) -> None:
    rates, sizes = (1e-3, 0.0012, 0.004), (8, 16, 64)
    space = {
        "training.learning_rate": Range(1e-4, 1e-2, log=True),
        "model.a<b": Choice(sizes),
        "model.sequence.ordering": Choice(("cm", "dfs")),
    }
    settings = [
        {"training.learning_rate": rate, "model.a<b": size, "model.sequence.ordering": ordering}
        for rate, size, ordering in zip(rates, sizes, ("cm", "dfs", "dfs"), strict=True)
    ]
    write_html(tmp_path / "p.html", space, settings, [0.3, 0.1, 0.2], metric="mmd", title="a & <b>")
    text = (tmp_path / "p.html").read_text()
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]* (?:src|href)=", text)
    found = re.search(r'Plotly\.newPlot\(\s*"[\w-]+",\s*(\[.*?\]),\s*(\{.*\}),\s*\{"responsive"', text)
    assert found
    (lines,), layout = json.loads(found[1]), json.loads(found[2])
    axes = {axis["label"]: axis for axis in lines["dimensions"]}
    assert list(axes) == ["learning_rate", "a<b", "sequence.ordering", "mmd"]
    assert axes["learning_rate"]["values"] == pytest.approx([-3, math.log10(0.0012), math.log10(0.004)])
    assert axes["learning_rate"]["ticktext"] == ["0.001", "0.0012", "0.004"]
    assert axes["a<b"]["values"] == [8, 16, 64]
    assert axes["sequence.ordering"]["values"] == [0, 1, 1]
    assert axes["sequence.ordering"]["ticktext"] == ["cm", "dfs"]
    assert axes["mmd"]["values"] == lines["line"]["color"] == [0.3, 0.1, 0.2]
    assert layout["title"]["text"] == "a &amp; &lt;b&gt;"


def test_without_plotly_a_sweep_has_its_winner_and_no_picture(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = [Trial.of(0, sweep.setting(sweep.draw(0)), {"score": 1.0, "step": 1}, None)]
    monkeypatch.setattr("gengraph.tuning.sweep.find_spec", lambda _name: None)
    winner = write_results(sweep, trials)
    assert winner is not None
    assert not (sweep.folder / PICTURE).exists()
    monkeypatch.undo()
    assert write_results(sweep, trials) == winner
    assert (sweep.folder / PICTURE).is_file()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scheduler": "later"}, "scheduler must be one of asha, pbt, none, got 'later'"),
        ({"search": "grid"}, "search must be one of random, optuna, got 'grid'"),
        ({"metric": "nll"}, "metric must be one of loss, mmd, got 'nll'"),
        ({"trials": 0}, "at least 1 trial and 1 worker a trial, got 0 and 1"),
        ({"scheduler": "pbt", "workers_per_trial": 2}, "trials of one worker; use asha, or 1 worker a trial"),
        ({"scheduler": "pbt", "search": "optuna"}, "searches by itself; use search = random"),
        ({"scheduler": "asha"}, "without Ray there is a random search of single-worker trials"),
        ({"metric": "mmd", "workers_per_trial": 2, "concurrent": 1}, "too late to stop it; use scheduler = none"),
    ],
)
def test_requests_that_no_sweep_can_meet_are_refused(values: dict[str, Any], message: str) -> None:
    concurrent = 0 if values == {"scheduler": "asha"} else 2
    with pytest.raises(InputError, match=message):
        SweepRequest(**{"trials": 2, "concurrent": concurrent, **values})


def test_a_sweep_of_0_1_0_is_read(sweep: Sweep) -> None:
    """Its loss was called nll, its config had [sequence] beside a [model] with the fields of all heads."""
    path = sweep.folder / "sweep.json"
    about = json.loads(path.read_text())
    about["request"]["metric"] = "nll"
    about["space"] = {"training": {"batch_size": [2, 4]}}
    about["config"] = {
        "sequence": {"ordering": "bfs", "window": "adaptive"},
        "model": {"head": "mlp", "hidden_size": 8, "num_heads": 4, "embedding_size": 4, "edge_hidden_size": 32, "mixture": 0},
        "training": {"select": "nll", "steps": 5},
    }
    path.write_text(json.dumps(about))
    found = Sweep.open(sweep.folder)
    assert found.request == dataclasses.replace(sweep.request, metric="loss")
    settings = ["model.head.kind=mlp", "model.head.hidden_size=4", "model.hidden_size=8", "model.embedding_size=4"]
    assert found.config == Config().replace([*settings, "model.sequence.ordering=bfs", "training.steps=5"])
    assert found.space == {"training.batch_size": Choice((2, 4))}
    path.write_text(json.dumps(about | {"space": {"model": {"edge_hidden_size": [16, 32]}}}))
    with pytest.raises(InputError, match=r"is of gengraph 0\.1\.0, whose fields had other names.*; train its best\.toml"):
        Sweep.open(sweep.folder)


def test_trials_without_ray_run_one_after_the_other_and_are_kept(sweep: Sweep) -> None:
    ended: list[int] = []
    first = sweep_here(sweep, budget=1e-9, report=ended.append)
    assert (len(first), ended) == (1, [1])  # time is out: no further trial begins
    trials = sweep_here(sweep, budget=None, report=ended.append)
    assert [trial.number for trial in trials] == [0, 1]
    assert trials[0] == first[0]
    assert [(trial.state, trial.step) for trial in trials] == [("finished", 4)] * 2
    assert [trial.setting for trial in trials] == [sweep.setting(sweep.draw(number)) for number in range(2)]
    assert write_results(sweep, trials) == sweep.folder / "best.toml"
    assert sweep_here(Sweep.open(sweep.folder), budget=None, report=ended.append) == trials


@pytest.mark.parametrize(
    ("values", "places", "labels"),
    [
        ([1, 2, 100], [0, math.log10(2), 2], ["1", "2", "100"]),
        ([8, 64, 16], [8, 64, 16], ["8", "16", "64"]),
        ([0.0, 1.0, 100.0], [0, 1, 100], ["0", "1", "100"]),
        (["b", "a", None, 7], [3, 2, 1, 0], ["7", "None", "a", "b"]),
        ([5.0], [5], ["5"]),
        (
            [2e-3, 3e-3, 7e-3, 1e-2, 2e-2, 3e-2, 4e-2, 5e-2, 6e-1],
            None,
            ["0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.6"],
        ),
        ([1e-3 * 4**i for i in range(10)], None, ["0.001", "0.01", "0.1", "1", "10", "100", "262"]),
        ([float(i) for i in range(11, 21)], list(range(11, 21)), ["11", "12", "14", "16", "18", "20"]),
        ([0.203 + 0.031 * i for i in range(10)], None, ["0.203", "0.25", "0.3", "0.35", "0.4", "0.45", "0.482"]),
    ],
)
def test_axes(values: list[Any], places: list[float] | None, labels: list[str]) -> None:
    axis = axis_of("x", values)
    assert places is None or axis.places == pytest.approx(places)
    assert [label for _, label in axis.ticks] == labels
    assert [place for place, _ in axis.ticks] == sorted(place for place, _ in axis.ticks)
    assert (min(axis.places), max(axis.places)) == (axis.ticks[0][0], axis.ticks[-1][0])
