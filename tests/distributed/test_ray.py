"""What is spread over Ray equals what one process does; a worker that dies is replaced."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import ray

from gengraph.benchmarks.settings import Settings
from gengraph.benchmarks.steps import Data
from gengraph.benchmarks.suite import run_benchmark
from gengraph.data import load_dataset, split_graphs
from gengraph.distributed.cluster import fit_workers
from gengraph.distributed.score import ray_map
from gengraph.distributed.tasks import spread
from gengraph.errors import InputError, NotEnoughResources
from gengraph.metrics import DescribedSet, evaluate

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]


def test_spread_gives_every_result_and_the_users_own_exceptions() -> None:
    def make():
        def square(number: int) -> int:
            if number == 13:
                msg = "thirteen"
                raise InputError(msg)
            return number * number

        return square

    started: list[int] = []
    outcomes = dict(spread(make, range(20), workers=3, cpus=0.5, on_start=started.append))
    assert isinstance(outcomes.pop(13), InputError)
    assert outcomes == {i: i * i for i in range(20) if i != 13}
    assert started == list(range(20))
    assert dict(spread(make, [], workers=2)) == {}


def test_an_actor_that_dies_is_replaced(tmp_path: Path) -> None:
    def make():
        def work(number: int) -> int:
            marker = tmp_path / "died"
            if number == 3 and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return number

        return work

    assert dict(spread(make, range(8), workers=2)) == {i: i for i in range(8)}


def test_a_program_answers_sigterm_itself_while_ray_runs() -> None:
    program = """if True:
        import os, signal
        from gengraph.distributed.cluster import session
        signal.signal(signal.SIGTERM, lambda *_: print("answered"))
        with session(num_cpus=1):
            os.kill(os.getpid(), signal.SIGTERM)
        """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "answered\n", "")


def test_too_small_a_cluster_is_named() -> None:
    fit_workers(4, {"CPU": 1.0})
    with pytest.raises(
        NotEnoughResources, match=r"asked for 9 workers with 1 CPU each.*hold 4; use 4 workers, let .* with 0\.44 CPUs each"
    ):
        fit_workers(9, {"CPU": 1.0})


def test_an_address_where_nothing_listens_is_said_at_once_and_without_rays_log() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        script = f"from gengraph.distributed.cluster import session\nwith session({address!r}): pass"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout == ""
    assert f"gengraph.errors.NotEnoughResources: no Ray cluster answers at {address} (" in done.stderr.splitlines()[-1]
    assert "gcs" not in done.stderr


def test_the_benchmark_gives_the_same_numbers_on_workers(tmp_path: Path) -> None:
    data = [Data(name="grid-small", split=split_graphs(load_dataset("grid-small")))]
    settings = Settings(models=("er", "ba"), bootstrap=20)
    here = run_benchmark(data, settings, tmp_path / "here", workers=0)
    there = run_benchmark(data, settings, tmp_path / "there", workers=2)
    assert [(outcome.cell, outcome.record["mmd2"]) for outcome in here] == [(o.cell, o.record["mmd2"]) for o in there]
    assert [outcome.error for outcome in there] == [None] * 3


def test_scores_are_the_same_on_workers() -> None:
    graphs = load_dataset("grid")
    here = evaluate(graphs[:50], graphs[50:], "tv")
    spread = ray_map(3)
    there = evaluate(DescribedSet(graphs[:50], spread=spread), DescribedSet(graphs[50:], spread=spread), "tv")
    for name, metric in here.metrics.items():
        assert there.metrics[name].mmd2 == metric.mmd2


def test_a_graph_set_travels() -> None:
    graphs = load_dataset("grid-small")
    assert ray.get(ray.put(graphs)) == graphs
