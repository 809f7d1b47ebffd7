import json
import logging
import math
import threading
from pathlib import Path

import pytest

from gengraph.data import load_dataset, split_graphs
from gengraph.errors import InputError
from gengraph.runs.folders import create_run, extend_run, train_run
from gengraph.training import trackers
from gengraph.training.config import Config
from gengraph.training.trackers import tracking


def reports(times: list[float]) -> list[dict]:
    return [{"step": i, "progress": 0.1, "wall_seconds": t, "loss": 5.0 - i} for i, t in enumerate(times, 1)]


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(name)]


def test_tensorboard_follows_a_run_and_its_resumption(tmp_path: Path) -> None:
    folder = tmp_path / "g"
    config = Config().replace(["model.hidden_size=8", "model.head.hidden_size=4", "training.steps=10"])
    create_run(folder, dataset="grid-small", split=split_graphs(load_dataset("grid-small")), split_seed=0, config=config)
    with tracking(["tensorboard"], folder, config) as track:
        done = train_run(folder, report=track)
    extend_run(folder, steps=20, budget=None)
    with tracking(["tensorboard"], folder, config, done=done) as track:
        train_run(folder, report=track)
    written = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    expected = [(m["step"], m["validation_loss"]) for m in written if "validation_loss" in m]
    assert len(expected) > 10
    assert scalars(folder / "tensorboard", "validation_loss") == [(step, pytest.approx(loss)) for step, loss in expected]


def test_mlflow_goes_on_in_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    (tmp_path / "g").mkdir()
    with tracking(["mlflow"], tmp_path / "g", Config()) as track:
        thread = threading.Thread(target=track, args=(reports([0.0])[0],))
        thread.start()
        thread.join()
    later = reports([0.0, 10.0])[1]
    with tracking(["mlflow"], tmp_path / "g", Config().replace(["training.steps=9"]), done=1) as track:
        track(later | {"validation_loss": math.nan})
    run_id = json.loads((tmp_path / "g" / "mlflow.json").read_text())["run_id"]
    run = mlflow.get_run(run_id)
    assert run.info.run_name == "g"
    assert run.info.status == "FINISHED"
    assert run.data.params["model.hidden_size"] == "128"
    assert [(m.step, m.value) for m in mlflow.MlflowClient().get_metric_history(run_id, "loss")] == [(1, 4.0), (2, 3.0)]
    assert "validation_loss" not in run.data.metrics
    assert len(mlflow.search_runs(experiment_names=["gengraph"], output_format="list")) == 1
    (tmp_path / "g" / "mlflow.json").write_text('{"run_id": "gone"}')
    with pytest.raises(InputError, match=r"mlflow cannot record at file:.*set MLFLOW_TRACKING_URI"):
        tracking(["mlflow"], tmp_path / "g", Config(), done=1).__enter__()


def test_reports_are_thinned_and_a_tracker_that_fails_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from contextlib import nullcontext

    taken: list[tuple[int, dict]] = []

    def broken(values: dict, step: int) -> None:
        if step > 1:
            msg = "the server is gone"
            raise ConnectionError(msg)

    monkeypatch.setattr(trackers, "check_trackers", lambda _: None)
    good = lambda *_: nullcontext(lambda values, step: taken.append((step, values)))  # noqa: E731
    monkeypatch.setattr(trackers, "TRACKERS", {"good": good, "broken": lambda *_: nullcontext(broken)})
    with caplog.at_level(logging.WARNING), tracking(["broken", "good"], tmp_path, Config()) as track:
        for report in reports([0.0, 1.0, 5.5, 6.0, 7.0, 8.0]):
            step = report["step"]
            track(report | ({"validation_loss": 3.0} if step == 4 else {}) | ({"progress": 1.0} if step == 6 else {}))
    assert [step for step, _ in taken] == [1, 3, 4, 6]
    assert taken[0][1] == {"progress": 0.1, "wall_seconds": 0.0, "loss": 4.0}
    assert caplog.messages == ["broken is left out from step 3 on: the server is gone"]


def test_trackers_are_checked_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="a tracker must be one of tensorboard, mlflow, got 'wandb'"):
        tracking(["wandb"], tmp_path / "g", Config()).__enter__()
    monkeypatch.setattr(trackers, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"needs the package tensorboard; pip install 'gengraph\[tracking\]'"):
        tracking(["tensorboard"], tmp_path / "g", Config()).__enter__()
    assert not (tmp_path / "g").exists()
