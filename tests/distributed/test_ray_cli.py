"""The commands on Ray, as a user gives them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gengraph.cli.app import app
from gengraph.formats import read_graphs

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("local_ray"), pytest.mark.xdist_group("ray")]

FAST = "--set model.hidden_size=8 --set model.embedding_size=4 --set model.edge_hidden_size=4 --set model.edge_num_layers=1"


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def gengraph(command: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == code, result.output
    return result.output


def test_train_and_sample_on_workers() -> None:
    output = gengraph(f"train --dataset grid-small --steps 6 --run g --workers 2 --set training.batch_size=1 {FAST}")
    assert "batch_size raised from 1 to 2" in output
    assert "steps: 6" in output
    gengraph("sample --run g -n 40 --shard-size 10 --out here")
    gengraph("sample --run g -n 40 --shard-size 10 --out there --workers 2")
    assert read_graphs("here") == read_graphs("there")


def test_a_worker_that_finds_bad_input_says_so() -> None:
    gengraph(f"train --dataset grid-small --steps 2 --run g {FAST}")
    Path("runs/g/checkpoints/step-00000002/model.safetensors").write_bytes(b"damaged")
    output = gengraph("train --run g --resume --steps 4 --workers 2", code=2)
    assert "is not a whole checkpoint" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "command",
    [
        f"train --dataset ladder-small --steps 2 --run g --workers 8 {FAST}",
        "tune --dataset ladder-small --trials 2 --steps 1 --workers 8",
        "benchmark --datasets ladder-small --models er --workers 8",
    ],
)
def test_too_small_a_cluster_exits_with_3_and_leaves_nothing(command: str) -> None:
    output = gengraph(command, code=3)
    assert "asked for 8 workers" in output
    assert "--workers 4" in output
    assert not list(Path().glob("**/*.*"))
