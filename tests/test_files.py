"""Files and folders are whole or not there, whatever happens while they are written."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from gengraph.errors import InputError
from gengraph.files import (
    atomic_folder,
    atomic_path,
    check_new,
    check_writable,
    file_lock,
    is_locked,
    read_text,
    write_json,
    write_tensors,
    write_text,
)


class Stopped(Exception):
    """What happens in the middle."""


def stop_after(_done: object, error: type[BaseException] = Stopped) -> None:
    raise error


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_there_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.parent == target.parent
    assert contents(tmp_path) == {"new/a.txt": "half"}
    with pytest.raises(Stopped), atomic_path(target) as temporary:
        stop_after(temporary.write_text("broken"))
    with pytest.raises(FileNotFoundError), atomic_path(target):
        pass  # nothing was written
    assert contents(tmp_path) == {"new/a.txt": "half"}


def test_a_folder_is_there_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "runs" / "a"
    with atomic_folder(target) as temporary:
        (temporary / "data").mkdir()
        (temporary / "data" / "x").write_text("1")
        (temporary / "y").write_text("2")
        assert not target.exists()
        assert temporary.parent == target.parent
    assert contents(tmp_path) == {"runs/a/data/x": "1", "runs/a/y": "2"}
    assert [path.name for path in target.parent.iterdir()] == ["a"]


def test_of_a_folder_that_could_not_be_finished_nothing_is_left(tmp_path: Path) -> None:
    for error in (Stopped, KeyboardInterrupt):
        with pytest.raises(error), atomic_folder(tmp_path / "a") as temporary:
            stop_after((temporary / "x").write_text("1"), error)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_not_replaced_unless_it_is_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with atomic_folder(target) as temporary:
        (temporary / "x").write_text("old")
    with pytest.raises(OSError, match=r"exists: .*/a"), atomic_folder(target) as temporary:
        (temporary / "x").write_text("new")
    assert contents(tmp_path) == {"a/x": "old"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileExistsError), atomic_folder(tmp_path / "empty"):
        pass
    (tmp_path / "empty").rmdir()
    with atomic_folder(target, replace=True) as temporary:
        (temporary / "y").write_text("new")
    assert contents(tmp_path) == {"a/y": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    with atomic_folder(tmp_path / "b", replace=True) as temporary:
        (temporary / "x").write_text("first")
    assert contents(tmp_path) == {"a/y": "new", "b/x": "first"}


@pytest.mark.parametrize("where", ["body", "sync", "rename"])
def test_the_old_folder_stays_if_the_new_one_fails(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a"
    with atomic_folder(target) as temporary:
        (temporary / "x").write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    rename = Path.rename

    def second_rename_fails(path: Path, other: Path) -> Path:
        if other == target and path.name.startswith(".a.") and not target.exists() and (path / "y").exists():
            full()
        return rename(path, other)

    if where == "sync":
        monkeypatch.setattr("gengraph.files.os.fsync", full)
    if where == "rename":
        monkeypatch.setattr(Path, "rename", second_rename_fails)
    with pytest.raises(OSError, match="No space"), atomic_folder(target, replace=True) as temporary:  # noqa: PT012
        (temporary / "y").write_text("new")
        if where == "body":
            full()
    assert contents(tmp_path) == {"a/x": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_of_a_process_that_is_killed_no_whole_folder_is_left(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom gengraph.files import atomic_folder\n"
        "with atomic_folder(Path(sys.argv[1])) as temporary:\n"
        "    (temporary / 'x').write_text('1')\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a")], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGKILL)
    assert not (tmp_path / "a").exists()
    assert [path.name[:3] for path in tmp_path.iterdir()] == [".a."]  # hidden, and another can be made
    with atomic_folder(tmp_path / "a") as temporary:
        (temporary / "x").write_text("2")
    assert (tmp_path / "a" / "x").read_text() == "2"


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    target, order = tmp_path / "run" / "training", list[str]()
    assert not is_locked(target)
    held = threading.Event()

    def hold() -> None:
        with file_lock(target):
            held.set()
            time.sleep(0.3)
            order.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert is_locked(target)
    with pytest.raises(TimeoutError, match=r"another process has locked .*training"), file_lock(target, patience=0.01):
        pass
    with file_lock(target):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    assert not is_locked(target)


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom gengraph.files import file_lock\n"
        "with file_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    target = tmp_path / "training"
    with subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert is_locked(target)
        os.kill(process.pid, signal.SIGKILL)
    with file_lock(target, patience=5):
        assert is_locked(target)


def test_tensors_are_for_those_whom_the_umask_allows(tmp_path: Path) -> None:
    path, tensors = tmp_path / "model.safetensors", {"a": torch.arange(3), "b": torch.ones(2, 2)}
    former = os.umask(0o027)
    try:
        write_tensors(path, tensors, {"of": "two"})
    finally:
        os.umask(former)
    assert path.stat().st_mode & 0o777 == 0o640
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == {"of": "two"}
        assert all(torch.equal(file.get_tensor(name), value) for name, value in tensors.items())


def test_names_of_what_is_new_are_checked(tmp_path: Path) -> None:
    check_new(tmp_path, "fine", "run")
    for name in ("", "a/b", ".hidden", "..", "-x"):
        with pytest.raises(InputError, match="a run's name must have no slash and not begin with a dot or a dash, got"):
            check_new(tmp_path, name, "run")
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match=r"sweep .*/there exists; resume it, choose another name, or delete the folder"):
        check_new(tmp_path, "there", "sweep")


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    assert not list((tmp_path / "new" / "folder").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/below cannot be written \(.*\); choose another folder"):
        check_writable(tmp_path / "file" / "below")


def test_texts(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "ä\n")
    assert read_text(tmp_path / "a") == "ä\n"
    (tmp_path / "b").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="b is not a text file"):
        read_text(tmp_path / "b")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "c", {"x": float("nan")})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
