import json
import os
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from command_line import answer, gengraph, in_tmp_path  # noqa: F401

from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def test_tune_writes_a_config_that_train_takes() -> None:
    output = gengraph("tune --dataset ladder-small --trials 2 --steps 2 --out best.toml")
    assert "best config: best.toml" in output
    assert Path("best.toml").read_text() == Path("sweeps/ladder-small/best.toml").read_text()
    gengraph("train --dataset ladder-small --config best.toml --steps 2")
    assert "exists; go on with `gengraph sweeps resume ladder-small`" in gengraph("tune --dataset ladder-small", code=2)


def test_any_learned_model_is_tuned_by_its_own_fields() -> None:
    output = gengraph("tune --dataset ladder-small --model gran --trials 2 --steps 1 --metric mmd --set model.hidden_size=8")
    assert re.search(r"trial +mmd +steps +state +learning_rate +batch_size +.*num_mixtures", output)
    assert 'family = "gran"' in Path("sweeps/ladder-small/best.toml").read_text()
    assert json.loads(Path("sweeps/ladder-small/sweep.json").read_text())["request"]["scheduler"] == "none"


def test_a_sweep_without_ray_goes_on_and_repeats_no_trial() -> None:
    gengraph("tune --dataset ladder-small --trials 3 --steps 2")
    record = Path("sweeps/ladder-small/trials.jsonl")
    lines = record.read_text().splitlines()
    record.write_text(lines[0] + "\n" + lines[2].replace('"step": 2', '"step": 1234') + "\n")
    output = gengraph("sweeps resume ladder-small --out best.toml")
    assert "1234" in output
    assert Path("best.toml").read_text() == Path("sweeps/ladder-small/best.toml").read_text()
    assert record.read_text().count("\n") == 3
    again = pq.read_table("sweeps/ladder-small/trials.parquet").to_pylist()
    assert sorted(row["number"] for row in again) == [0, 1, 2]
    first = next(row for row in again if row["number"] == 1)
    assert first["validation_loss"] == pytest.approx(json.loads(lines[1])["metrics"]["validation_loss"])


def test_failed_trials_are_listed_and_all_failing_is_a_failure() -> None:
    write_graphs(GraphSet.from_edge_lists([4] * 20, [np.array([[0, 1], [2, 3]])] * 20), Path("pairs.parquet"))
    Path("space.toml").write_text("[model]\nstop = ['zero_row', 'decision']\nhidden_size = [4]\n")
    common = "tune --dataset pairs.parquet --steps 2 --space space.toml"
    output = gengraph(f"{common} --trials 6 --sweep some")
    assert "failed: stop = zero_row cannot express disconnected graphs" in output
    assert "best config: sweeps/some/best.toml" in output
    Path("space.toml").write_text("[training]\nlearning_rate = [3e38]\n")
    assert "failed: RuntimeError: value cannot be converted" in gengraph(f"{common} --trials 1 --sweep off", code=1)
    Path("space.toml").write_text("[model]\nstop = ['zero_row']\n")
    output = gengraph(f"{common} --trials 2 --sweep none", code=1)
    assert "every trial failed" in output
    assert "trial 1: stop = zero_row cannot express" in output


def test_sweeps_are_listed() -> None:
    assert "no sweeps in sweeps; make one with `gengraph tune" in gengraph("sweeps")
    assert answer("sweeps --format json") == []
    gengraph("tune --dataset ladder-small --model graphrnn-s --trials 2 --steps 2 --sweep first")
    record = Path("sweeps/first/trials.jsonl")
    record.write_text(record.read_text().splitlines()[0] + "\n")
    Path("sweeps/broken").mkdir()
    Path("sweeps/broken/sweep.json").write_text("{")
    os.utime("sweeps/broken/sweep.json", (0, 0))
    lines = gengraph("sweeps").splitlines()
    assert re.match(r"name +data set +model +trials +metric +best", lines[0])
    assert re.match(r"first +ladder-small +graphrnn-s +1 of 2 +loss +\d+\.?\d*", lines[1])
    assert re.match(r"broken +damaged", lines[2])
    listed = answer("sweeps --format json")[0]
    assert listed["best"] == json.loads(record.read_text())["metrics"]["score"]
    assert (listed["ended"], listed["trials"]) == (1, 2)
    gengraph("sweeps resume first")
    assert answer("sweeps --format json")[0]["ended"] == 2


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("tune --dataset ladder-small --trials 0", "greater than or equal to 1"),
        ("tune --dataset ladder-small --steps 2 --trial-budget 3s", "either --steps or --trial-budget"),
        (
            "tune --dataset ladder-small --scheduler asha",
            "without Ray there is a random search of single-worker trials; give --workers 1",
        ),
        ("tune --dataset ladder-small --workers-per-trial 2", "give --workers 1 or more"),
        ("tune --dataset ladder-small --scheduler best", "'best' is not one of 'asha', 'pbt', 'none'"),
        ("tune --dataset ladder-small --metric nll", "'nll' is not one of 'loss', 'mmd'"),
        ("tune --dataset ladder-small --workers 2 --scheduler pbt --search optuna", "use --search random"),
        ("tune --dataset ladder-small --workers 2 --metric mmd --workers-per-trial 2", "use --scheduler none"),
        ("tune --dataset ladder-small --space nowhere.toml", "no space file nowhere.toml"),
        ("tune --dataset ladder-small --space temperature.toml", "use --metric mmd or leave it out"),
        ("tune --dataset ladder-small --sweep a/b", "must have no slash"),
        ("tune --dataset ladder-small --model er", "got er, which is fitted in closed form: it has no settings"),
        (
            "tune --dataset ladder-small --model gran2",
            "unknown model 'gran2'; choose from graphrnn, graphrnn-s, graphrnn-c, gran",
        ),
        ("tune --dataset ladder-small --model gran --config graphrnn/paper", "makes a graphrnn, and --model asks for a gran"),
        ("tune", "--dataset is missing"),
        ("sweeps resume gone", "no sweep sweeps/gone; make one with `gengraph tune`"),
        ("sweeps --sweeps-dir elsewhere", "no folder of sweeps elsewhere; make a sweep with `gengraph tune`"),
    ],
)
def test_bad_input_is_named_and_exits_with_2(command: str, message: str) -> None:
    Path("temperature.toml").write_text("[sampling]\ntemperature = [0.5, 1.0]\n")
    before = set(Path.cwd().rglob("*"))
    assert message in re.sub(r"[\s│]+", " ", gengraph(command, code=2))
    assert set(Path.cwd().rglob("*")) == before
