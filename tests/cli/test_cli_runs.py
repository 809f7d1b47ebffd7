import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import FAST, FAST_S, answer, gengraph, in_tmp_path  # noqa: F401

from gengraph.files import file_lock, is_locked
from gengraph.runs.history import differences, read_metrics, text_curve
from gengraph.training.config import load_config

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def report(run: str, **values: float) -> None:
    with Path(f"runs/{run}/metrics.jsonl").open("a") as file:
        file.write(json.dumps({"seconds": 1.0, "loss": 9.0} | values) + "\n")


def test_runs_are_listed_with_their_states() -> None:
    gengraph(f"train --dataset grid-small --steps 20 --run whole {FAST}")
    gengraph(f"train --dataset ladder-small --steps 4 --run parts --model graphrnn-s {FAST_S}")
    config = Path("runs/whole/config.toml")  # its patience stands in a checkpoint that is damaged
    config.write_text(config.read_text().replace("patience = 0", "patience = 2"))
    Path("runs/whole/checkpoints/step-00000021").mkdir()
    Path("runs/whole/checkpoints/step-00000021/checkpoint.json").write_text("{")
    os.utime("runs/whole/metrics.jsonl", (time.time() - 7200,) * 2)
    os.utime("runs/whole/run.json", (time.time() - 7200,) * 2)
    Path("runs/parts/config.toml").write_text(Path("runs/parts/config.toml").read_text().replace("steps = 4", "steps = 8"))
    Path("runs/broken").mkdir()
    Path("runs/broken/run.json").write_text("{")
    os.utime("runs/broken/run.json", (0, 0))
    lines = gengraph("runs").splitlines()
    assert re.match(r"name +data set +model +state +steps +done +best loss +age", lines[0])
    assert re.match(r"parts +ladder-small +graphrnn-s +stopped +4 +50% +\d+\.\d{4} +\d+s", lines[1])
    assert re.match(r"whole +grid-small +graphrnn +finished +20 +100% +\d+\.\d{4} +2h", lines[2])
    assert re.match(r"broken +damaged +\d+d", lines[3])
    listed = {run["name"]: run for run in answer("runs --format json")}
    losses = [line["validation_loss"] for line in read_metrics(Path("runs/whole")) if "validation_loss" in line]
    assert listed["whole"]["best_loss"] == min(losses)
    with file_lock(Path("runs/parts/training")):
        assert answer("runs --format json")[0]["state"] == "running"


def test_a_run_is_shown_with_what_to_do_next() -> None:
    gengraph(f"train --dataset grid-small --steps 20 --run g --runs-dir my {FAST}")
    output = gengraph("runs show g --runs-dir my")
    assert "state:             finished, 100% done" in output
    assert "data set:          grid-small: 14 train, 2 validation, 4 test" in output
    assert re.search(r"config: +graphrnn/default with .*model\.hidden_size=8.*training\.steps=20", output)
    assert re.search(r"M \(max_prev_node\): \d+, cuts \d", output)
    assert re.search(r"best loss: +\d+\.\d{4} \(negative log-likelihood, nats a graph\)", output)
    assert "█" in output.split("validation loss")[1]
    assert "gengraph resume g --runs-dir my --steps 40" in output
    for command in output.split("next:\n")[1].splitlines()[:2]:
        gengraph(command.strip().removeprefix("gengraph ").replace("-n 1000", "-n 5"))
    about = answer("runs show g --runs-dir my --format json")
    assert about["run"]["num_graphs"]["train"] == 14
    config = Path("my/g/config.toml")
    config.write_text(config.read_text().replace("steps = 20", "steps = 30"))
    assert "gengraph resume g --runs-dir my\n" in gengraph("runs show g --runs-dir my")


def test_a_run_without_a_checkpoint_is_shown() -> None:
    gengraph(f"train --dataset grid-small --steps 2 --run g {FAST}")
    Path("runs/g/metrics.jsonl").unlink()
    Path("runs/g/checkpoints").rename("elsewhere")
    output = gengraph("runs show g")
    assert "stopped, 0% done" in output
    assert output.count("none yet") == 2
    assert "gengraph resume g\n" in output


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("runs --runs-dir nowhere", "no folder of runs nowhere; make a run with `gengraph train`"),
        ("runs --format xml", "'xml' is not one of 'table', 'json'"),
        ("runs show h", "no run runs/h; there are g"),
        ("runs show g", "run.json is damaged"),
    ],
)
def test_bad_input_is_named(command: str, message: str) -> None:
    Path("runs/g").mkdir(parents=True)
    Path("runs/g/run.json").write_text("{}")
    assert message in re.sub(r"[\s│]+", " ", gengraph(command, code=2))


def test_no_runs_yet() -> None:
    assert "no runs in runs; make one with `gengraph train" in gengraph("runs")
    assert answer("runs --format json") == []
    assert not Path("runs").exists()
    Path("runs").mkdir()
    assert "no runs in runs; make one with `gengraph train" in gengraph("runs")


def test_reports_that_were_repeated_or_cut_short_count_once() -> None:
    Path("runs/g").mkdir(parents=True)
    for step, loss in ((1, 5.0), (2, 4.0), (3, 3.0), (2, 4.5), (4, 2.0)):
        report("g", step=step, loss=loss)
    with Path("runs/g/metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "nl')
    assert [(line["step"], line["loss"]) for line in read_metrics(Path("runs/g"))] == [(1, 5.0), (2, 4.5), (4, 2.0)]


def test_the_nearest_preset_is_named() -> None:
    assert differences(load_config("graphrnn/paper")) == ("graphrnn/paper", [])
    assert differences(load_config("graphrnn-c/grid")) == ("graphrnn-c/grid", [])
    longer = load_config("graphrnn/default").replace(["training.steps=5", "model.head.start=state"])
    assert differences(longer) == ("graphrnn/default", ["model.head.start=state", "training.steps=5"])


def test_a_curve_falls_from_left_to_right() -> None:
    assert text_curve([4.0, 1.0], height=2) == ["█ ", "█▁"]
    assert text_curve([2.0], height=2) == [" ", "▁"]
    lines = text_curve([float(i) for i in range(600)], width=60, height=3)
    assert [len(line) for line in lines] == [60] * 3
    assert lines[0].startswith(" ")
    assert lines[0].endswith("█")


def test_a_lock_is_seen_and_ends_with_its_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from gengraph.files import file_lock\n"
        "with file_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    target = tmp_path / "target"
    assert not is_locked(target)
    command = [sys.executable, "-c", script, str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert is_locked(target)
        with pytest.raises(TimeoutError, match="another process has locked"), file_lock(target, patience=0.1):
            pass
        process.kill()
        process.wait()
    assert not is_locked(target)
    with file_lock(target, patience=0.1):
        assert is_locked(target)
    assert [path.name for path in tmp_path.iterdir()] == [".target.lock"]


def test_one_process_at_a_time_trains_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    gengraph(f"train --dataset grid-small --steps 2 --run g {FAST}")
    monkeypatch.setattr("gengraph.runs.folders._PATIENCE_S", 0.1)
    before = Path("runs/g/config.toml").read_text()
    with file_lock(Path("runs/g/training")):
        assert "another process trains run runs/g now" in gengraph("resume g --steps 4", code=2)
    assert Path("runs/g/config.toml").read_text() == before
