"""The commands on Ray, as a user gives them."""

import shutil
from pathlib import Path

import pytest
from command_line import FAST, gengraph, in_tmp_path  # noqa: F401

from gengraph.data import load_dataset
from gengraph.formats import write_graphs

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.usefixtures("local_ray", "in_tmp_path"),
    pytest.mark.timeout(600),
]


def test_train_and_sample_on_workers_which_say_what_input_is_bad() -> None:
    output = gengraph(f"train --dataset grid-small --steps 6 --run g --workers 2 --set training.batch_size=1 {FAST}")
    assert "batch_size raised from 1 to 2" in output
    assert "steps: 6" in output
    for options in ("-n 40 --shard-size 10", "-n 1200"):
        shutil.rmtree("here", ignore_errors=True)
        gengraph(f"sample --run g {options} --max-num-node 12 --out here")
        for workers in (1, 3):
            shutil.rmtree("there", ignore_errors=True)
            gengraph(f"sample --run g {options} --max-num-node 12 --out there --workers {workers}")
            here, there = ({path.name: path.read_bytes() for path in Path(name).iterdir()} for name in ("here", "there"))
            assert len(here) > 3
            assert here == there

    write_graphs(load_dataset("ladder-small"), "runs/g/data/train.parquet")
    output = gengraph("resume g --steps 8 --workers 2", code=2)
    assert "is not what this run was made with" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "command",
    [
        f"train --dataset ladder-small --steps 2 --run g --workers 8 {FAST}",
        "tune --dataset ladder-small --trials 8 --steps 1 --workers 8",
        "benchmark --datasets ladder-small --models er --workers 8",
    ],
)
def test_too_small_a_cluster_exits_with_3_and_leaves_nothing(command: str) -> None:
    output = gengraph(command, code=3)
    assert "asked for 8 workers" in output
    assert "--workers 4" in output
    assert not list(Path().glob("**/*.*"))
