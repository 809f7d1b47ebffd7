"""Sweeps on Ray finish, free what they held, and go on after a kill."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import ray
from ray import tune

from gengraph.data import load_dataset, split_graphs
from gengraph.distributed.tune import _Progress, _tuner, forget_checkpoints, sweep_on_ray
from gengraph.errors import InputError
from gengraph.training.config import Config, load_config
from gengraph.tuning.space import apply_point, parse_space
from gengraph.tuning.sweep import Sweep, SweepRequest, Trial, write_results

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(800)]

SMALL = ["model.hidden_size=8", "model.embedding_size=4", "model.head.hidden_size=4", "model.head.num_layers=1"]
SPACE = {"training": {"learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}}, "model": {"hidden_size": [8, 16]}}
LENGTH = {"steps": 10}
BASE = Config().replace([*SMALL, "training.evaluations=5", "training.batch_size=2"])


def make_sweep(folder: Path, **request: Any) -> Sweep:
    space = parse_space(SPACE, BASE, samples=False)
    split = split_graphs(load_dataset("ladder-small"))
    return Sweep.create(folder, split=split, config=BASE, space=space, request=SweepRequest(**{**LENGTH, **request}), record={})


def wait_until_free() -> None:
    """Resources of ended actors come back with a delay: those of a nested training when Ray has seen that it is gone."""
    deadline = time.monotonic() + 300
    while ray.available_resources().get("CPU") != ray.cluster_resources()["CPU"]:
        assert time.monotonic() < deadline, ray.available_resources()
        time.sleep(0.2)


def facts(trials: list[Trial]) -> list[tuple[int, float | None, int]]:
    return [(trial.number, trial.score, trial.step) for trial in trials]


@pytest.mark.usefixtures("local_ray")
def test_ten_asha_trials_two_at_a_time_finish_and_restore(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "s", trials=10, concurrent=2, per_worker={"CPU": 2.0})
    ended: list[int] = []
    trials = sweep_on_ray(sweep, budget=None, report=ended.append)
    wait_until_free()
    assert sum(ended) == len(trials) == 10
    assert all(trial.error is None for trial in trials)
    assert {trial.state for trial in trials} == {"finished", "stopped"}
    assert [trial.setting for trial in trials] == [sweep.setting(sweep.draw(number)) for number in range(10)]
    assert write_results(sweep, trials) is not None
    again = sweep_on_ray(Sweep.open(sweep.folder), budget=None, report=lambda _count: None)
    assert facts(again) == facts(trials)


@pytest.mark.usefixtures("local_ray")
def test_population_based_training_goes_on_with_other_learning_rates(tmp_path: Path) -> None:
    """Also if no more than two are at work at a time: they are compared at the same age."""
    steps = 100
    sweep = make_sweep(tmp_path / "s", trials=4, concurrent=2, scheduler="pbt", steps=steps)
    trials = sweep_on_ray(sweep, budget=None, report=lambda _count: None)
    wait_until_free()
    assert [(trial.state, trial.step) for trial in trials] == [("finished", steps)] * 4
    drawn = [sweep.setting(sweep.draw(number)) for number in range(4)]
    assert any(trial.setting != before for trial, before in zip(trials, drawn, strict=True))


@pytest.mark.usefixtures("local_ray")
def test_optuna_searches_and_failed_trials_are_results(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "s", trials=3, concurrent=2, scheduler="none", search="optuna")
    about = json.loads((sweep.folder / "sweep.json").read_text())
    about["config"]["training"]["clip_norm"] = 0.0
    about["space"] = {"training": {"learning_rate": [0.001, 3e38]}}
    (sweep.folder / "sweep.json").write_text(json.dumps(about))
    trials = sweep_on_ray(Sweep.open(sweep.folder), budget=None, report=lambda _count: None)
    wait_until_free()
    for trial in trials:
        if trial.setting.config.training.learning_rate > 1:
            assert trial.state == "failed"
            assert trial.error == "RuntimeError: value cannot be converted to type float without overflow"
        else:
            assert trial.state == "finished"


@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("search", ["random", "optuna"])
def test_searches_try_valid_points_alone_and_values_that_are_tables_or_lists(search: str, tmp_path: Path) -> None:
    base = load_config("gran/default").replace(["model.hidden_size=8", "model.num_layers=1", "training.evaluations=1"])
    tables = {
        "model": {
            "orderings": [["cm"], ["dfs"], ["cm", "bfs"]],
            "window": ["adaptive", "all"],
            "termination": ["size", "stop"],
        }
    }
    space = parse_space(tables, base, samples=False)
    request = SweepRequest(trials=5, concurrent=2, scheduler="none", search=search, steps=1)
    split = split_graphs(load_dataset("ladder-small"))
    sweep = Sweep.create(tmp_path / "s", split=split, config=base, space=space, request=request, record={})
    trials = sweep_on_ray(sweep, budget=None, report=lambda _count: None)
    wait_until_free()
    assert [(trial.state, trial.step, trial.error) for trial in trials] == [("finished", 1, None)] * 5
    assert write_results(sweep, trials) is not None
    assert {trial.setting.config.model.orderings for trial in trials} <= {("cm",), ("dfs",), ("cm", "bfs")}


def test_optuna_is_asked_again_where_a_point_is_not_valid_and_does_not_chatter(monkeypatch: pytest.MonkeyPatch) -> None:
    import optuna

    from gengraph.distributed.optuna_points import ValidPoints

    said: list[str] = []
    listener, logger = logging.Handler(), logging.getLogger("optuna")
    monkeypatch.setattr(listener, "emit", lambda record: said.append(record.getMessage()))
    monkeypatch.setattr(logger, "handlers", [listener])
    optuna.logging.set_verbosity(optuna.logging.INFO)
    optuna.create_study()
    assert "study" in said.pop()
    fields = {"model.sequence.ordering": ["cm", "dfs", "bfs"], "model.sequence.window": ["adaptive", "fixed"]}
    search = ValidPoints(partial(apply_point, BASE), seed=0)
    search.set_search_properties("score", "min", {name: tune.choice(values) for name, values in fields.items()})
    seen = set()
    for number in range(60):
        point = search.suggest(str(number))
        apply_point(BASE, point)
        seen.add(tuple(point.values()))
        search.on_trial_complete(str(number), {"score": float(number % 3), "training_iteration": 1})
    assert seen == {("cm", "adaptive"), ("cm", "fixed"), ("dfs", "fixed"), ("bfs", "adaptive"), ("bfs", "fixed")}
    assert not said
    search = ValidPoints(partial(apply_point, BASE), seed=0)
    search.set_search_properties("score", "min", {"model.sequence.ordering": tune.choice(["dfs", "degree"])})
    with pytest.raises(InputError, match=r"the space must have valid points, none of 200 was \(.*put fields that go together"):
        search.suggest("0")


NESTED = """
import os
import signal
import sys
import threading
import time
from pathlib import Path
from gengraph.distributed.cluster import session
from gengraph.distributed.tune import sweep_on_ray
from gengraph.tuning.sweep import Sweep
from test_ray_sweeps import facts, wait_until_free
from test_ray_training import descendants

sweep = Sweep.open(Path(sys.argv[1]))

def kill_the_first_trial():
    while not list(sweep.folder.glob("runs/*/placement_group")):
        time.sleep(0.05)
    names = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in descendants(os.getpid())}
    for pid, name in names.items():
        if name.startswith("ray::ResourceTrainable"):  # what Tune makes of the class
            os.kill(pid, signal.SIGKILL)
            killed.append(name)

killed = []
threading.Thread(target=kill_the_first_trial, daemon=True).start()
with session(num_cpus=2):
    trials = sweep_on_ray(sweep, budget=None, report=lambda _count: None)
    wait_until_free()
    again = sweep_on_ray(sweep, budget=None, report=lambda _count: None)
assert len(killed) == 1, killed
assert facts(again) == facts(trials), (again, trials)
assert [trial.state for trial in trials] == ["finished", "stopped"], trials
"""


def test_trials_of_two_workers_finish_free_everything_and_restore_also_when_killed(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "s", trials=2, concurrent=1, workers_per_trial=2, seed=4)  # whose second trial is poor
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)])}
    command = [sys.executable, "-c", NESTED, str(sweep.folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=700, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(sweep.folder.glob("runs/*/run.json"))) == 2


def test_checkpoints_are_kept_as_long_as_a_record_may_name_them(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"checkpoint_{number:06d}").mkdir()
    os.utime(tmp_path / "checkpoint_000001", (0, 0))
    os.utime(tmp_path / "checkpoint_000003", (0, 0))
    forget_checkpoints(tmp_path, 60)
    assert [path.name[-1] for path in sorted(tmp_path.iterdir())] == ["0", "2", "3"]
    forget_checkpoints(tmp_path, 0)
    assert [path.name[-1] for path in tmp_path.iterdir()] == ["3"]


def test_a_sweep_whose_driver_was_killed_goes_on(tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text("[training]\nlearning_rate = [0.001, 0.002, 0.003]\n")
    gengraph, place = [sys.executable, "-m", "gengraph.cli.app"], ["--sweeps-dir", str(tmp_path)]
    options = (
        f"tune --sweep s --dataset ladder-small --trials 4 --steps 300 --scheduler none --workers 2 --cpus-per-worker 0.5 "
        f"--space {space}"
    )
    settings = [part for value in [*SMALL, "training.evaluations=60"] for part in ("--set", value)]
    with subprocess.Popen([*gengraph, *options.split(), *place, *settings], stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 300
        while not list(tmp_path.glob("s/ray/*/checkpoint_00000[3-9]")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(3)  # the state is saved every two seconds
        process.kill()
    assert not (tmp_path / "s" / "best.toml").exists()
    done = subprocess.run(
        [*gengraph, "sweeps", "resume", "s", *place], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(tmp_path / "s" / "trials.parquet").to_pylist()
    assert sorted(row["number"] for row in rows) == [0, 1, 2, 3]
    assert [(row["state"], row["step"]) for row in rows] == [("finished", 300)] * 4
    assert all(len(list(trial.glob("checkpoint_*"))) == 1 for trial in (tmp_path / "s" / "ray").glob("[0-9]"))
    results = [json.loads(line) for path in tmp_path.glob("s/ray/*/result.json") for line in path.read_text().splitlines()]
    first = min(results, key=lambda result: result["timestamp"])["pid"]
    assert any(result["pid"] != first and result["step"] > 2 for result in results)
    assert load_config(tmp_path / "s" / "best.toml").training.learning_rate in {0.001, 0.002, 0.003}


@pytest.mark.usefixtures("local_ray")
def test_a_sweep_that_was_interrupted_before_its_first_trial_begins_anew(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "s", trials=1, concurrent=1, scheduler="none")
    _tuner(sweep, sweep.folder.resolve())  # Tune writes that there is a sweep, and would have begun
    assert tune.Tuner.can_restore(str(sweep.folder.resolve() / "ray"))
    (trial,) = sweep_on_ray(Sweep.open(sweep.folder), budget=None, report=lambda _count: None)
    assert (trial.number, trial.state, trial.step) == (0, "finished", 10)
    wait_until_free()


def test_ctrl_c_names_the_way_to_go_on(tmp_path: Path) -> None:
    options = f"tune --dataset ladder-small --trials 2 --steps 100000 --workers 1 --sweeps-dir {tmp_path}"
    with subprocess.Popen(
        [sys.executable, "-m", "gengraph.cli.app", *options.split()], stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 300
        while not list(tmp_path.glob("ladder-small/ray/*/params.json")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"go on with `gengraph sweeps resume ladder-small --sweeps-dir {tmp_path}`" in errors
    assert "Traceback" not in errors


@pytest.mark.usefixtures("local_ray")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Ray leaves the logs of cut trials open
def test_a_sweep_whose_time_is_out_goes_on_with_all_of_its_trials_in_a_new_time(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "s", trials=3, concurrent=1, scheduler="none")
    trials = sweep_on_ray(sweep, budget=1.0, report=lambda _count: None)
    assert len(trials) < 3
    assert all(trial.state == "cut" for trial in trials)

    def out_of_time(ended: int) -> None:
        if ended:
            _Progress.deadline = 0.0

    first, *others = sweep_on_ray(Sweep.open(sweep.folder), budget=3600.0, report=out_of_time)
    assert (first.number, first.state) == (0, "finished")
    assert len(others) < 2
    assert all(trial.state == "cut" for trial in others)
    told: list[int] = []
    trials = sweep_on_ray(Sweep.open(sweep.folder), budget=3600.0, report=told.append)
    assert [(trial.number, trial.state, trial.step) for trial in trials] == [(i, "finished", 10) for i in range(3)]
    assert trials[0] == first
    assert sum(told) == 3
    wait_until_free()
