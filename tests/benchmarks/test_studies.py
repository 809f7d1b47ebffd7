import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gengraph.benchmarks import studies
from gengraph.benchmarks.study_pictures import PICTURES
from gengraph.training.checkpoint import checkpoints_in, load_checkpoint


@pytest.mark.parametrize("name", studies.STUDIES)
def test_every_trial_has_a_valid_config(name: str) -> None:
    trials = list(studies.STUDIES[name]())
    assert len(set(trials)) == len(trials)
    for trial in trials:
        assert trial.config().training.seed == trial.seed


def test_a_study_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ("model.hidden_size=8", "model.context_size=8", "training.steps=4")
    trial = studies.Trial(
        dataset="grid-small",
        variant="tiny",
        preset="graphrnn-c",
        settings=small,
        minutes=None,
        seed=0,
        part="test",
        samplers=("last", "best planar"),
    )
    monkeypatch.setitem(studies.STUDIES, "ablation", lambda: iter([trial, replace(trial, seed=1)]))

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["studies", "ablation", "--out", str(tmp_path), *arguments])
        studies.main()
        return capsys.readouterr().out

    assert "seed 0" in run("--seeds", "0")
    output = run()
    assert "seed 1" in output
    assert "seed 0" not in output
    assert run() == ""
    lines = [json.loads(line) for line in (tmp_path / "ablation.jsonl").read_text().splitlines()]
    assert [line["seed"] for line in lines] == [0, 1]
    assert lines[0]["steps"] == 4
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
