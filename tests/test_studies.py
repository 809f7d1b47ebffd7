import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gengraph.benchmarks import studies
from gengraph.checkpoint import checkpoints_in, load_checkpoint


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
