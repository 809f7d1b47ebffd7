"""Files that are whole or not there: written beside their place, synced, then renamed."""

import errno
import hashlib
import json
import math
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from gengraph.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`; on success it is synced and renamed to `path`, on failure removed.

    Folders on the way to `path` are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_tensors(path: Path, tensors: "Mapping[str, Tensor]", about: Mapping[str, str] | None = None) -> None:
    """Write tensors and texts about them as safetensors.

    The library's own function for files makes such that nobody else may read, whatever the umask says (0.8.0).

    Raises:
        OSError: it cannot be written.
    """
    from safetensors.torch import save

    path.write_bytes(save(dict(tensors), None if about is None else dict(about)))


def sync(path: Path) -> None:
    """Have a file's content on the disk before going on."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def check_writable(folder: Path) -> None:
    """Make a folder and write into it, so that a long computation does not end with a place that cannot be written.

    Raises:
        InputError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"{folder} cannot be written ({error.strerror or error}); choose another folder"
        raise InputError(msg) from error


def check_new(parent: Path, name: str, kind: str) -> None:
    """A new run or sweep has a plain name of its own in its folder.

    Args:
        parent: the folder that all of them live in.
        name: of the new one.
        kind: run or sweep.

    Raises:
        InputError: the name is empty, has a slash or begins with a dot or a dash, or there is one of this name.
    """
    if not name or name != Path(name).name or name.startswith((".", "-")):
        msg = f"a {kind}'s name must have no slash and not begin with a dot or a dash, got {name!r}; choose another name"
        raise InputError(msg)
    if (parent / name).exists():
        msg = f"{kind} {parent / name} exists; resume it, choose another name, or delete the folder"
        raise InputError(msg)


@contextmanager
def atomic_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A temporary folder beside `path`; on success its files are synced and it is renamed to `path`, on failure removed.

    Folders on the way to `path` are made.

    Args:
        path: the folder that is to be, whole or not at all.
        replace: take the place of one that is there; without it that is an error.

    Raises:
        OSError: it cannot be written, or there is one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        temporary.mkdir()
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                sync(file)
        if path.exists() and not replace:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        if path.exists():
            _replace(path, temporary)
        else:
            temporary.rename(path)
    except OSError as error:
        if error.filename or error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error  # a full disk names no file
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(path: Path, temporary: Path) -> None:
    """Put a folder in the place of another, which stays if that fails."""
    former = _beside(path)
    path.rename(former)
    try:
        temporary.rename(path)
    except BaseException:
        former.rename(path)
        raise
    shutil.rmtree(former)


def _beside(path: Path) -> Path:
    """A name of its own in the same folder, hidden, which left-over files of killed processes are known by."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


@contextmanager
def file_lock(path: Path, *, patience: float = math.inf) -> Iterator[None]:
    """Held by one process at a time for a path; the others wait. It ends with its process.

    Args:
        path: what is locked; it need not exist.
        patience: seconds to wait for another process.

    Raises:
        TimeoutError: another process held it for longer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(_lock_name(path), timeout=-1 if math.isinf(patience) else patience):
            yield
    except Timeout as error:
        msg = f"another process has locked {path}"
        raise TimeoutError(msg) from error


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of a path now."""
    if not _lock_name(path).exists():
        return False
    try:
        with FileLock(_lock_name(path), timeout=0):
            return False
    except Timeout:
        return True


def _lock_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def read_text(path: Path) -> str:
    """The content of a text file.

    Raises:
        InputError: it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path} is not a text file: {error}"
        raise InputError(msg) from error


def write_text(path: Path, text: str) -> None:
    """Write a whole text file or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all; NaN is refused, JSON has none."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def hash_file(path: Path) -> str:
    """Sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
