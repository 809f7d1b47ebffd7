"""A large graph drawn by workers is the same graph, also when one is killed in the middle of it."""

import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from object_store import bucket  # noqa: F401
from simulated import run_script

from gengraph.distributed.sample import sample_shards
from gengraph.large.attachment import AttachmentPlan
from gengraph.large.folder import grow_into, verify_edges
from gengraph.sampling.writing import write_here
from gengraph.storage import Folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]


def dying_at(plan: AttachmentPlan, token: Path) -> Any:
    """A plan that kills the first worker that draws its third shard; a class in a function is sent by value."""

    class Dying:
        num_nodes, expected = plan.num_nodes, plan.expected

        def draw(self, shard: int, seed: int) -> Any:
            if shard == 2 and not token.exists():
                token.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return plan.draw(shard, seed)

    return Dying()


@pytest.mark.usefixtures("local_ray")
def test_workers_draw_what_one_process_draws(tmp_path: Path) -> None:
    plan, done = AttachmentPlan(2000, 3, most=500), []
    spread = partial(sample_shards, workers=2, per_worker={"CPU": 1.0})
    here = grow_into(Folder(str(tmp_path / "here")), plan, {}, write_shards=write_here)
    dying = dying_at(plan, tmp_path / "token")
    there = grow_into(Folder(str(tmp_path / "there")), dying, {}, write_shards=spread, report=done.append)
    assert (tmp_path / "token").exists(), "no worker was killed"
    assert here == there
    assert sum(done) == plan.expected.sum()
    folders = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("here", "there")]
    assert folders[0] == folders[1]


@pytest.mark.slow
def test_a_node_that_is_lost_leaves_no_edge_out_and_none_twice(tmp_path: Path) -> None:
    result = run_script("four_nodes.py", str(tmp_path), "1e6")
    assert result.returncode == 0, result.stderr
    drawn, alone = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("cluster", "one"))
    assert len(alone) > 50
    assert drawn == alone
    assert verify_edges(Folder(str(tmp_path / "cluster")))["num_edges"] > 900_000


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_workers_draw_into_an_object_store(bucket: str, tmp_path: Path) -> None:  # noqa: F811
    plan, spread = AttachmentPlan(2000, 3, most=500), partial(sample_shards, workers=2, per_worker={"CPU": 1.0})
    store = Folder(bucket.replace("s3://", "s3://testing:testing@"))  # the workers were started without credentials
    there = grow_into(store, plan, {}, write_shards=spread)
    assert there == grow_into(Folder(str(tmp_path / "here")), plan, {}, write_shards=write_here)
    assert verify_edges(store) == there
    assert {name: store.read(name) for name in store.names()} == {
        path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()
    }
