"""Training on Ray: workers that train like one, and what dies in mid-run without ending the run."""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from command_line import FAST, gengraph, in_tmp_path  # noqa: F401
from simulated import run_script

from gengraph.data import load_dataset, split_graphs
from gengraph.distributed import train as ray_train
from gengraph.distributed.train import train_on_ray
from gengraph.errors import NotEnoughResources, RanksDiverged, TrainingFailed
from gengraph.formats import read_graphs
from gengraph.runs.folders import create_run, newest_checkpoint, train_run
from gengraph.runs.history import read_metrics
from gengraph.sampling.shards import verify_folder
from gengraph.storage import Folder
from gengraph.training.checkpoint import checkpoints_in, load_checkpoint
from gengraph.training.config import Config

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.usefixtures("in_tmp_path"),
    pytest.mark.timeout(600),
]
on_local_ray = pytest.mark.usefixtures("local_ray")

SMALL = [setting for setting in FAST.split() if setting != "--set"]
CPU = {"CPU": 1.0}


def make_run(name: str, *settings: str, dataset: str = "grid-small") -> Path:
    config = Config().replace([*SMALL, *settings])
    create_run(Path(name), dataset=dataset, split=split_graphs(load_dataset(dataset)), split_seed=0, config=config)
    return Path(name)


def train_with(folder: Path, report: Callable[[dict[str, Any]], None] = lambda _: None, max_failures: int = 0) -> int:
    return train_on_ray(folder, workers=2, per_worker=CPU, max_failures=max_failures, report=report)


def validation_losses(folder: Path) -> list[float]:
    return [line["validation_loss"] for line in read_metrics(folder) if "validation_loss" in line]


@on_local_ray
def test_two_workers_with_half_the_batch_each_have_the_loss_curve_of_one() -> None:
    settings = ("training.steps=12", "training.evaluations=12", "training.batch_size=32")
    alone, together = (make_run(name, *settings, dataset="tree:60") for name in ("alone", "together"))
    reports: list[dict] = []
    assert train_run(alone) == 12
    assert train_with(together, reports.append) == 12
    one, two = read_metrics(alone), read_metrics(together)
    assert [line["step"] for line in one] == [line["step"] for line in two] == list(range(1, 13))
    assert [report["step"] for report in reports] == [line["step"] for line in two]
    for name in ("loss", "loss_per_node", "validation_loss"):
        assert [line[name] for line in two] == pytest.approx([line[name] for line in one], rel=1e-4)
    assert {path.name for path in together.iterdir()} - {path.name for path in alone.iterdir()} == {"logs"}
    assert "rank 1 of 2" in (together / "logs" / "rank-1.log").read_text()
    for path in ("alone", "together"):
        assert newest_checkpoint(Path(path)).name == "step-00000012"


def process_of(folder: Path, rank: int) -> int:
    return int(re.findall(r"process (\d+)", (folder / "logs" / f"rank-{rank}.log").read_text())[-1])


@on_local_ray
def test_a_worker_that_is_killed_is_replaced() -> None:
    settings = ("training.steps=200", "training.checkpoint_every=0.1")
    undisturbed, run = make_run("undisturbed", *settings), make_run("run", *settings)
    train_run(undisturbed)
    killed: list[int] = []

    def report(metrics: dict[str, Any]) -> None:
        if metrics["step"] >= 20 and checkpoints_in(run / "checkpoints") and not killed:
            killed.append(metrics["step"])
            os.kill(process_of(run, 1), signal.SIGKILL)

    assert train_with(run, report, max_failures=1) == 200
    assert killed
    assert killed[0] < 200
    assert (run / "logs" / "rank-0.log").read_text().count("rank 0 of 2") == 2
    assert validation_losses(run)[-1] == pytest.approx(validation_losses(undisturbed)[-1], rel=0.05)


@on_local_ray
def test_ranks_that_diverge_end_with_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    run, worker = make_run("run", "training.steps=150"), ray_train.train_rank

    def diverging(config: dict[str, Any]) -> int:
        import torch

        from gengraph.training.trainer import Trainer

        original = Trainer._update

        def update(trainer: Trainer, *arguments: Any) -> Any:
            loss = original(trainer, *arguments)
            if trainer.rank == 1 and trainer.step == 40:
                with torch.no_grad():
                    next(trainer.model.parameters()).mul_(1.01)
            return loss

        Trainer._update = update
        return worker(config)

    monkeypatch.setattr(ray_train, "train_rank", diverging)
    with pytest.raises(RanksDiverged, match=r"ranks 0 and 1 of 2 no longer train the same model: at step \d+ their sum of"):
        train_with(run)
    assert all(load_checkpoint(path).step < 40 for path in checkpoints_in(run / "checkpoints"))


@on_local_ray
def test_workers_that_cannot_import_gengraph_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "only_here.py").write_text("def worker(config): return 0")
    specification = importlib.util.spec_from_file_location("only_here", tmp_path / "only_here.py")
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "only_here", module)
    specification.loader.exec_module(module)
    monkeypatch.setattr(ray_train, "train_rank", module.worker)
    with pytest.raises(TrainingFailed, match=r"cannot import what it needs .*No module named 'only_here'.*on every node"):
        train_with(make_run("run", "training.steps=5"))


@contextmanager
def training(options: str) -> Iterator[subprocess.Popen]:
    """A command in a session of its own, so that a signal reaches it and what it has started, as Ctrl-C does."""
    command = [sys.executable, "-m", "gengraph.cli.app", *options.split()]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], object], process: subprocess.Popen | None = None, seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, and theirs."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # has just ended
            continue

    def descends(child: int) -> bool:
        return child in parents and (parents[child] == pid or descends(parents[child]))

    return [child for child in parents if descends(child)]


def alive(pids: list[int]) -> list[int]:
    """Those that still run; agents of a Ray whose driver was killed need a minute to notice, and do nothing else."""

    def runs(pid: int) -> bool:
        try:
            name = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            return False
        return bool(name) and not name.startswith(("ray::DashboardAgent", "ray::RuntimeEnvAgent"))

    return [pid for pid in pids if runs(pid)]


@on_local_ray
def test_an_interrupted_and_a_killed_driver_leave_a_run_that_another_machine_ends(tmp_path: Path) -> None:
    settings = f"--dataset grid-small --set training.checkpoint_every=0.3 --set training.schedule=constant {FAST}"
    options = f"--workers 2 --storage file://{tmp_path}/store"
    stored, here = tmp_path / "store" / "g", Path("runs/g")
    with training(f"train --run g {settings} {options} --steps 100000") as process:
        wait_for(lambda: len(read_metrics(here)) > 2 and checkpoints_in(stored / "checkpoints"), process)
        started = descendants(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.search(r"Kept runs/g/checkpoints/step-\d+; go on with `gengraph resume g --storage file://", errors), errors
    wait_for(lambda: not alive(started), seconds=20)
    interrupted = load_checkpoint(newest_checkpoint(here)).step
    assert read_metrics(here)[-1]["step"] <= interrupted < 100_000

    with training(f"resume g {options}") as process:
        wait_for(lambda: (checkpoints_in(stored / "checkpoints") or [stored])[-1].name > f"step-{interrupted:08d}", process)
        started = descendants(process.pid)
        process.kill()
        process.wait()
    wait_for(lambda: not alive(started), seconds=60)

    shutil.rmtree("runs")
    steps = load_checkpoint(checkpoints_in(stored / "checkpoints")[-1]).step + 20
    assert steps > interrupted + 20
    assert f"steps: {steps}" in gengraph(f"resume g {options} --steps {steps}")
    gengraph(f"train {settings} --run undisturbed --steps {steps}")
    assert validation_losses(here)[-1] == pytest.approx(validation_losses(Path("runs/undisturbed"))[-1], rel=0.1)
    output = gengraph(f"train --run g {settings} {options} --runs-dir new", code=2)
    assert "store/g exists; go on with `gengraph resume g`, or choose another name" in output


def test_nodes_that_are_lost_end_neither_a_training_nor_a_sample(tmp_path: Path) -> None:
    result = run_script("two_nodes.py", str(tmp_path))
    assert result.returncode == 0, result.stderr
    log = (tmp_path / "g" / "logs" / "rank-0.log").read_text()
    assert re.findall(r"rank 0 of (\d)", log) == ["2", "1"]
    assert json.loads((tmp_path / "g" / "checkpoints" / "step-00000400" / "checkpoint.json").read_text())["step"] == 400
    assert sum(shard["rows"] for shard in verify_folder(Folder(str(tmp_path / "s")))["shards"]) == 20_000
    assert len(read_graphs(tmp_path / "s")) == 20_000
    assert len(list((tmp_path / "s").iterdir())) == 41


def test_a_cluster_that_stays_too_small_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 10.0, 20.0, 50.0, 60.0, 85.0, 90.0, 140.0, 150.0])
    watch = ray_train._Watch(2, CPU, lambda: next(times))
    for capacity, busy in ((2, False), (2, False), (1, False), (1, False), (1, True), (1, False), (1, False)):
        monkeypatch.setattr(ray_train, "capacity_for", lambda _, capacity=capacity: capacity)
        watch.look(busy=busy)
    with pytest.raises(
        NotEnoughResources, match=r"can hold 1 of at least 2 workers, since 65 s; resume with fewer workers, or let fewer do"
    ):
        watch.look(busy=False)
