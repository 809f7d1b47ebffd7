"""A large graph drawn by workers is the same graph, also when one is killed in the middle of it."""

import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gengraph.distributed.sample import sample_shards
from gengraph.large.attachment import AttachmentPlan
from gengraph.large.folder import grow_into
from gengraph.sampling.job import write_here
from gengraph.storage import Folder

pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray"), pytest.mark.timeout(600)]


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
