import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gengraph.benchmarks import studies
from gengraph.benchmarks.study_pictures import PICTURES
from gengraph.models.registry import LEARNED
from gengraph.training.checkpoint import checkpoints_in, load_checkpoint

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.mark.parametrize("name", studies.STUDIES)
def test_every_run_has_a_valid_config_of_its_model(name: str) -> None:
    runs = list(studies.STUDIES[name]())
    assert len(set(runs)) == len(runs)
    for run in runs:
        assert run.config().training.seed == run.seed
        assert run.config().model_name == run.model


def test_every_learned_model_has_a_study_on_every_data_set() -> None:
    for model in LEARNED:
        runs = [run for run in studies.STUDIES[model]() if run.variant == model]
        assert {run.dataset for run in runs} == set(studies.DATASETS)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_published_lines_are_read_and_are_of_earlier_runs(path: Path, tmp_path: Path) -> None:
    lines = studies.read_lines(path)
    rows = studies.table(lines).splitlines()[2:]
    assert len(rows) == len({(line["dataset"], line["variant"], name) for line in lines for name in line["judged"]}) + len(
        {line["dataset"] for line in lines}
    )
    assert not any(row.split("|")[5].strip() == "-" for row in rows)
    if path.stem in PICTURES:
        PICTURES[path.stem](lines, tmp_path / "picture.png")
        assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    for run in studies.STUDIES[path.stem]():
        of_earlier = [line for line in lines if "model" not in line]
        assert not studies.is_done(run, of_earlier)


def test_a_study_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ("model.hidden_size=8", "model.head.hidden_size=8", "training.steps=4")
    run_of = studies.StudyRun(
        dataset="grid-small",
        variant="tiny",
        model="graphrnn-c",
        settings=small,
        minutes=None,
        seed=0,
        part="test",
        samplers=("last", "best planar"),
    )
    refused = replace(run_of, model="digress", settings=("model.most_nodes=3", "training.steps=4"), seed=2, samplers=("last",))
    monkeypatch.setitem(studies.STUDIES, "ablation", lambda: iter([run_of, replace(run_of, seed=1), refused]))

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["studies", "ablation", "--out", str(tmp_path), *arguments])
        studies.main()
        return capsys.readouterr().out

    assert "seed 0" in run("--seeds", "0")
    output = run()
    assert "seed 1" in output
    assert "seed 0" not in output
    assert "left out: digress takes graphs of at most 3 nodes" in output
    assert "seed 1" not in run()
    lines = [json.loads(line) for line in (tmp_path / "ablation.jsonl").read_text().splitlines()]
    assert [line["seed"] for line in lines] == [0, 1]
    assert lines[0]["steps"] == 4
    assert lines[0]["loss"] == "negative log-likelihood, nats a graph"
    assert set(lines[0]["judged"]["last"]["nll"]) == {"train", "validation", "test"}
    assert lines[0]["judged"]["best planar"]["num_samples"] == studies.LEAST_SAMPLES
    (checkpoint,) = checkpoints_in(tmp_path / "checkpoints" / "grid-small-tiny-0")
    assert load_checkpoint(checkpoint).step == 4
    rows = run("--table").splitlines()
    assert [row.split("|")[2].strip() for row in rows[2:]] == ["tiny", "tiny, best planar", "train set"]
    assert "±" in rows[2]


@pytest.mark.parametrize(
    ("study", "variants"), [("orderings", ("graphrnn cm", "graphrnn dfs")), ("backends", ("a native", "a torch"))]
)
def test_pictures_are_drawn(study: str, variants: tuple[str, ...], tmp_path: Path) -> None:
    found = {"emd": {"degree": 0.1, "clustering": 0.0, "orbit": 0.2}, "nll": {"validation": 10.0}}
    curve = [[1.0, 20.0, 30.0], [2.0, 15.0, 18.0]]
    lines = [{"dataset": "grid", "variant": name, "judged": {"last": found}, "curve": curve} for name in variants]
    PICTURES[study](lines, tmp_path / "all.png")
    PICTURES[study](lines[:1], tmp_path / "one.png")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "all.png").read_bytes() != (tmp_path / "one.png").read_bytes()
