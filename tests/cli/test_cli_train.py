"""Options of `gengraph train` that need no Ray: storage, damaged checkpoints, workers that do not fit."""

import errno
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import FAST, gengraph, in_tmp_path  # noqa: F401
from object_store import bucket  # noqa: F401

from gengraph.files import write_tensors
from gengraph.runs.folders import create_run
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
    output = gengraph(f"sample --model er --dataset grid-small -n 2 --out {nowhere}", code=2)
    assert "credentials" in output
    gengraph(f"train --dataset grid-small --steps 2 --run g {FAST}")
    assert "NO_SUCH_BUCKET" in gengraph(f"sample --run g -n 2 --out {nowhere}", code=2)
    silent = "s3://shelf/x?endpoint_override=127.0.0.1:9&scheme=http&region=us-east-1"
    for command in (f"sample --run g -n 2 --out {silent}", f"resume g --storage {silent}"):
        assert "check address, permissions and credentials" in gengraph(command, code=2)


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
        ("--workers 2 --wait-for-resources soon", "'soon' is no duration", 2),
    ],
)
def test_workers_that_cannot_be_had_are_named(options: str, message: str, code: int) -> None:
    output = gengraph(f"train --dataset grid-small --steps 2 --run g {options}", code=code)
    assert message in " ".join(output.split())
    assert not Path("runs/g").exists()


@pytest.mark.parametrize("option", ["--address auto", "--cpus-per-worker 1", "--max-failures 3", "--wait-for-resources 9s"])
def test_what_is_about_workers_is_refused_without_them(option: str) -> None:
    commands = ["train --dataset grid-small", "resume g", "sample --run g --out s", "tune --dataset grid-small", "benchmark"]
    for command in [*commands, "evaluate grid-small grid-small"]:
        output = " ".join(gengraph(f"{command} {option}", code=2).split())
        assert f"{option.partition(' ')[0]}': it is about Ray workers" in output or "No such option" in output, command
    assert "it is about Ray workers" in gengraph(f"train --dataset grid-small {option} --workers 0", code=2)
    assert not list(Path.cwd().iterdir())
    assert "no run runs/g" in gengraph(f"resume g {option} --workers 2", code=2)


def test_a_folder_of_data_that_is_not_there_is_refused() -> None:
    for command in ("train --dataset grid-small", "tune --dataset grid-small", "datasets show grid-small", "benchmark"):
        assert "nowhere" in gengraph(f"{command} --data-dir nowhere", code=2)
    assert not list(Path.cwd().iterdir())


def test_a_run_that_fails_before_its_first_checkpoint_leaves_its_name_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = f"train --dataset grid-small --steps 40 --run g --storage file://{tmp_path}/store {FAST}"
    command += " --set training.evaluations=2"
    output = gengraph(f"{command} --set training.learning_rate=1e6 --set training.clip_norm=0", code=1)
    assert "no checkpoint was made before; train again with a smaller training.learning_rate" in output
    assert "is kept" not in output
    assert "run runs/g is removed: it had no checkpoint yet" in output

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gengraph.training.trainer.Trainer.run", interrupted)
        output = gengraph(command, code=130)
    assert "No checkpoint was made yet, so nothing is kept; the same command begins anew." in output
    if not Path("/dev/nvidiactl").exists():
        assert "torch finds no GPU here" in gengraph(f"{command} --gpus-per-worker 1", code=3)
    assert not Path("runs/g").exists()
    assert Folder(f"{tmp_path}/store/g").names() == []
    gengraph(command)


def test_a_run_that_another_command_has_just_made_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*args: Any, **kwargs: Any) -> None:
        create_run(*args, **kwargs)  # that of the other command, while this one looked at its data
        create_run(*args, **kwargs)

    monkeypatch.setattr("gengraph.runs.folders.create_run", both)
    assert "run runs/g exists" in gengraph(f"train --dataset ladder-small --steps 2 --run g {FAST}", code=2)
    assert Path("runs/g/run.json").is_file()


def test_a_run_that_diverges_later_keeps_its_checkpoint() -> None:
    gengraph(f"train --dataset grid-small --steps 4 --run g {CONSTANT}")
    path = Path("runs/g/config.toml")
    wild = re.sub(r"(learning_rate) = .*\n", r"\1 = 1e6\n", re.sub(r"(clip_norm) = .*\n", r"\1 = 0.0\n", path.read_text()))
    path.write_text(wild)
    assert "the last good checkpoint is kept" in gengraph("resume g --steps 90", code=1)
    assert checkpoints_in(Path("runs/g/checkpoints"))


def test_a_run_is_not_given_less_than_it_has_done() -> None:
    gengraph(f"train --dataset grid-small --steps 12 --run g {FAST}")
    config = Path("runs/g/config.toml").read_text()
    output = gengraph("resume g --steps 5", code=2)
    assert "steps must be >= the 12 that run runs/g has done, got 5; they count from the start of the run" in output
    output = gengraph("resume g --budget 0.001s", code=2)
    assert "budget must be >= the" in output
    assert Path("runs/g/config.toml").read_text() == config
    assert "nothing was left to do" in gengraph("resume g --steps 12")
    assert "steps: 14" in gengraph("resume g --steps 14")


def test_a_full_disk_is_said_with_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def write(path: Path, tensors: dict[str, Any]) -> None:
        written.append(path)
        if len(written) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as it is where a file is written
        write_tensors(path, tensors)

    monkeypatch.setattr("gengraph.training.checkpoint.write_tensors", write)
    output = gengraph(f"train --dataset grid-small --steps 4 --run g {CONSTANT}", code=1)
    assert "Error: the disk is full (runs/g/checkpoints/step-0000000" in output
    assert "Kept runs/g/checkpoints/step-00000001; go on with `gengraph resume g`." in output
    assert os.strerror(errno.ENOSPC) not in output
    monkeypatch.setattr("gengraph.training.checkpoint.write_tensors", write_tensors)
    assert "steps: 4" in gengraph("resume g")


def test_the_best_checkpoint_is_the_next_to_be_sampled_from() -> None:
    bad = "--set training.learning_rate=0.5 --set training.schedule=constant --set training.evaluations=30"
    output = gengraph(f"train --dataset grid-small --steps 30 --run g {bad} {FAST}")
    assert "next: gengraph sample --run g -n 1000 --out samples/g" in output
    assert "which is sampled from unless you say --checkpoint last" in output
    output = gengraph(f"train --dataset grid-small --steps 3 --run g --runs-dir 'my' {FAST}")
    assert "next: gengraph sample --run g -n 1000 --out samples/g --runs-dir" in output
