"""Options of `gengraph train` that need no Ray: storage, damaged checkpoints, workers that do not fit."""

import os
import shutil
from pathlib import Path

import pytest
from command_line import FAST, gengraph, in_tmp_path  # noqa: F401
from object_store import bucket  # noqa: F401

from gengraph.runs.mirror import match_run
from gengraph.storage import Folder
from gengraph.training.checkpoint import checkpoints_in

pytestmark = pytest.mark.usefixtures("in_tmp_path")
CONSTANT = f"--set training.schedule=constant --set training.checkpoint_every=0.001 {FAST}"


def weights(folder: str, step: int) -> bytes:
    return Path(f"{folder}/checkpoints/step-{step:08d}/model.safetensors").read_bytes()


def content(folder: Folder) -> dict[str, bytes]:
    """The files of a run; the lock, which is hidden, belongs to the machine."""
    return {name: folder.read(name) for name in folder.names() if "." in name and not name.startswith(".")}


def test_another_machine_goes_on_from_an_object_store(bucket: str) -> None:  # noqa: F811
    gengraph(f"train --dataset grid-small --steps 10 --run g --storage {bucket} {CONSTANT}")
    storage = Folder(bucket) / "g"
    assert (storage / "checkpoints").names() == [path.name for path in checkpoints_in(Path("runs/g/checkpoints"))]
    assert content(storage) == content(Folder("runs/g"))
    shutil.rmtree("runs")
    output = gengraph(f"resume g --steps 20 --storage {bucket}")
    assert "steps: 20" in output
    assert content(storage) == content(Folder("runs/g"))
    gengraph(f"train --dataset grid-small --steps 20 --run straight {CONSTANT}")
    assert weights("runs/g", 20) == weights("runs/straight", 20)
    assert "exists; go on with `gengraph resume g`" in gengraph(
        f"train --dataset grid-small --run g --runs-dir new --storage {bucket}", code=2
    )
    assert not Path("new").exists()


def test_the_run_that_has_done_more_counts(tmp_path: Path) -> None:
    store = f"file://{tmp_path}/store"
    gengraph(f"train --dataset grid-small --steps 4 --run g --storage {store} {CONSTANT}")
    shutil.copytree("runs", "other")
    gengraph("resume g --steps 8")
    match_run(Path("runs/g"), Folder(store) / "g")
    assert weights("store/g", 8) == weights("runs/g", 8)
    match_run(Path("other/g"), Folder(store) / "g")
    assert weights("other/g", 8) == weights("runs/g", 8)
    assert not Path("other/g/checkpoints/step-00000003").exists()
    Path("store/g/checkpoints/step-00000009").mkdir()  # half written: without checkpoint.json
    assert "steps: 9" in gengraph(f"resume g --steps 9 --storage {store}")
    assert weights("store/g", 9) == weights("runs/g", 9)


def test_a_storage_with_another_run_of_that_name_is_refused(tmp_path: Path) -> None:
    store = f"file://{tmp_path}/store"
    gengraph(f"train --dataset grid-small --steps 2 --run g --storage {store} {FAST}")
    gengraph(f"train --dataset ladder-small --steps 3 --run g --runs-dir other {FAST}")
    assert "holds another run of this name" in gengraph(f"resume g --runs-dir other --storage {store}", code=2)
    gengraph(f"train --dataset ladder-small --steps 1 --run g --runs-dir less {FAST}")
    assert "is another run than" in gengraph(f"resume g --runs-dir less --storage {store}", code=2)
    assert "holds no run; check the storage" in gengraph(f"resume h --storage {store}", code=2)


@pytest.mark.parametrize("store", ["file:///proc/store", "nowhere://store"])
def test_a_storage_that_cannot_be_written_is_refused_before_anything_starts(store: str) -> None:
    assert store in gengraph(f"train --dataset grid-small --steps 2 --run g --storage {store}", code=2)
    assert not list(Path.cwd().iterdir())


def test_a_bucket_that_is_not_there_is_refused(bucket: str) -> None:  # noqa: F811
    nowhere = bucket.replace("shelf", "nowhere")
    output = gengraph(f"train --dataset grid-small --steps 2 --run g --storage {nowhere}", code=2)
    assert "cannot be written" in output
    assert "credentials" in output


def test_a_damaged_checkpoint_is_put_aside_and_said(caplog: pytest.LogCaptureFixture) -> None:
    gengraph(f"train --dataset grid-small --steps 20 --run whole {CONSTANT}")
    gengraph(f"train --dataset grid-small --steps 10 --run g {CONSTANT}")
    before, newest = checkpoints_in(Path("runs/g/checkpoints"))[-2:]
    os.truncate(newest / "model.safetensors", 100)
    assert "steps: 20" in gengraph("resume g --steps 20")
    assert f"{newest} is not a whole checkpoint" in caplog.text
    assert f"going on from {before.name}, the one before" in caplog.text
    assert weights("runs/g", 20) == weights("runs/whole", 20)
    assert (newest.parent / f"damaged-{newest.name}").is_dir()
    for path in checkpoints_in(Path("runs/g/checkpoints")):
        os.truncate(path / "optimizer.safetensors", 0)
    assert "is not a whole checkpoint" in gengraph("resume g --steps 30", code=2)


@pytest.mark.parametrize(
    ("options", "message", "code"),
    [
        ("--workers 5000", "asked for 5000 workers with 1 CPU each", 3),
        ("--workers 5000 --min-workers 4000", "asked for 4000 workers with 1 CPU each", 3),
        ("--workers 5000", "or join a larger cluster with --address", 3),
        ("--workers 2 --min-workers 3", "--min-workers must be <= --workers, got 3 and 2", 2),
        ("--min-workers 1", "--min-workers must be <= --workers, got 1 and 0", 2),
        ("--workers 2 --wait-for-resources soon", "'soon' is no duration", 2),
    ],
)
def test_workers_that_cannot_be_had_are_named(options: str, message: str, code: int) -> None:
    output = gengraph(f"train --dataset grid-small --steps 2 --run g {options}", code=code)
    assert message in " ".join(output.split())
    assert not Path("runs/g").exists()
