"""A sample spread over workers is the same sample, also when workers and the driver are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from enumeration import MAX_NODES, chi_square, law, tiny_config, tiny_model

from gengraph.data import Split
from gengraph.distributed.sample import sample_shards
from gengraph.formats import read_graphs
from gengraph.graphs import GraphSet
from gengraph.runs.folders import create_run, train_run
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.job import CheckpointOrigin, ShardWriter
from gengraph.sampling.shards import Shard, plan_shards, verify_folder
from gengraph.storage import Folder
from gengraph.training.checkpoint import Checkpoint
from gengraph.training.config import Config

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

CUT = Conditions(max_num_node=MAX_NODES)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    model = tiny_model().float()
    config = Config(model=tiny_config())
    return Checkpoint(config=config, facts=model.facts.to_dict(), weights=model.state_dict(), optimizer={}, step=1)


def spread_over(workers: int, checkpoint: Checkpoint, out: Path, num_graphs: int, shard_size: int) -> None:
    make = partial(ShardWriter, CheckpointOrigin(checkpoint, {}), CUT, Folder(str(out)))
    done: list[int] = []
    shards = plan_shards(num_graphs, shard_size, 3)
    sample_shards(make, shards, workers=workers, per_worker={"CPU": 1.0}, report=done.append)
    assert sum(done) == num_graphs


@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize(("workers", "shard_size"), [(1, 1000), (3, 100)])
def test_workers_write_what_one_process_writes(workers: int, shard_size: int, checkpoint: Checkpoint, tmp_path: Path) -> None:
    spread_over(workers, checkpoint, tmp_path / "there", 3000, shard_size)
    write = ShardWriter(CheckpointOrigin(checkpoint, {}), CUT, Folder(str(tmp_path / "here")))
    for shard in plan_shards(3000, shard_size, 3):
        write(shard)
    here, there = (sorted((tmp_path / name).iterdir()) for name in ("here", "there"))
    assert [path.name for path in here] == [path.name for path in there]
    assert [path.read_bytes() for path in here] == [path.read_bytes() for path in there]


@pytest.mark.usefixtures("local_ray")
def test_graphs_of_unfinished_shards_are_counted_and_those_of_a_killed_worker_taken_back(tmp_path: Path) -> None:
    def make():
        def write(shard: Shard, report) -> None:
            for done in range(shard.count):
                time.sleep(0.05)
                report(1)
                if shard.index == 1 and done == 14 and not (tmp_path / "killed").exists():
                    (tmp_path / "killed").touch()
                    time.sleep(1)  # for its count to arrive
                    os.kill(os.getpid(), signal.SIGKILL)

        return write

    told: list[int] = []
    sample_shards(make, plan_shards(40, 20, 0), told.append, workers=2, per_worker={"CPU": 1.0})
    assert sum(told) == 40
    assert (tmp_path / "killed").exists()
    assert any(0 < count < 20 for count in told)
    assert min(told) < 0
    assert all(0 <= total <= 40 for total in np.cumsum(told))


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_many_samples_from_workers_have_the_law(checkpoint: Checkpoint, tmp_path: Path) -> None:
    spread_over(3, checkpoint, tmp_path, 100_000, 2_500)
    graphs = read_graphs(tmp_path)
    assert len(graphs) == 100_000
    assert chi_square(graphs, law(tiny_model())) > 1e-4


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with one, of a tiny model."""
    folder = tmp_path_factory.mktemp("runs")
    paths = GraphSet.from_edge_lists(range(2, 7), [np.column_stack([np.arange(n - 1), np.arange(1, n)]) for n in range(2, 7)])
    split = Split(train=paths, validation=paths[:1], test=paths[:1])
    config = Config(model=tiny_config()).trained(steps=20)
    create_run(folder / "tiny", dataset="paths", split=split, split_seed=0, config=config)
    train_run(folder / "tiny")
    return folder


@contextmanager
def sampling(runs: Path, out: Path, workers: int, num_graphs: int) -> Iterator[subprocess.Popen]:
    options = f"sample --run tiny --runs-dir {runs} --out {out} -n {num_graphs} --shard-size 1000"
    options += f" --workers {workers} --cpus-per-worker 0.5" if workers else ""
    command = [sys.executable, "-m", "gengraph.cli.app", *options.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_shards(process: subprocess.Popen, out: Path, count: int) -> None:
    deadline = time.monotonic() + 90
    while len(list(out.glob("*.parquet"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def samplers_of(process: subprocess.Popen) -> list[int]:
    """The process ids of the actors among the descendants of a process."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(folder.name)] = (folder / "cmdline").read_text()
        except OSError:  # has just ended
            continue

    def descends(pid: int) -> bool:
        return pid == process.pid or (pid in parents and descends(parents[pid]))

    return [pid for pid, name in names.items() if name.startswith("ray::_Worker") and descends(pid)]


@pytest.mark.slow
def test_killed_workers_and_drivers_leave_a_sample_that_can_be_finished(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    with sampling(runs, out, 2, 200_000) as process:
        wait_for_shards(process, out, 5)
        victim, *_ = samplers_of(process)
        os.kill(victim, signal.SIGKILL)
        wait_for_shards(process, out, 60)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert "shards" not in json.loads((out / "manifest.json").read_text())
    assert len(list(out.glob("*.parquet"))) < 200
    with sampling(runs, out, 2, 200_000) as process:
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "200000 graphs in 200 shards" in output
    assert sum(shard["rows"] for shard in verify_folder(Folder(str(out)))["shards"]) == 200_000
    assert len(read_graphs(out)) == 200_000
    assert sorted(path.name for path in out.iterdir())[0] == "manifest.json"  # no hidden, temporary file
    assert len(list(out.iterdir())) == 201


def test_an_interrupted_sample_goes_on(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    with sampling(runs, out, 0, 30_000) as process:
        wait_for_shards(process, out, 3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Finished shards stay in" in errors
    done = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert 3 <= len(done) < 30
    with sampling(runs, out, 0, 30_000) as process:
        assert process.wait(timeout=120) == 0
    assert verify_folder(Folder(str(out)))["num_graphs"] == 30_000
    assert {name: (out / name).stat().st_mtime_ns for name in done} == done
