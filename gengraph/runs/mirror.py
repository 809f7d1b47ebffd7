"""A run's copy in a storage that every machine reaches: what another machine needs to go on with the run.

It has the layout of the run's folder. run.json is written last of the run and checkpoint.json last of a checkpoint; what lacks
them is not there yet.
"""

import shutil
from pathlib import Path

from gengraph.errors import InputError
from gengraph.files import atomic_folder, atomic_path
from gengraph.graphs.collection import PARTS
from gengraph.runs.beginning import BEGINNING
from gengraph.storage import Folder

_RECORD, _CONFIG, _METRICS, _CHECKPOINT = "run.json", "config.toml", "metrics.jsonl", "checkpoint.json"
_WHOLE = (BEGINNING, _RECORD)  # of a run's making, the record last


def open_mirror(uri: str, name: str, *, new: bool) -> Folder:
    """The place of a run in a storage.

    Args:
        uri: of the storage, or a path.
        name: of the run.
        new: the run is to be made.

    Raises:
        InputError: pyarrow does not know such storage, it cannot be written, or the new run is there already.
    """
    storage = Folder(uri).absolute() / name
    storage.check_writable()
    if new and _RECORD in storage.names():
        msg = f"run {storage} exists; resume it, or choose another name"
        raise InputError(msg)
    return storage


def push_run(folder: Path, storage: Folder) -> None:
    """Copy a run into a storage.

    Raises:
        InputError: the storage holds another run of this name.
        OSError: the storage cannot be written.
    """
    if _holds_other(folder, storage):
        msg = f"{storage} holds another run of this name; choose another name, or another storage"
        raise InputError(msg)
    for part in PARTS:
        _push(folder / "data", storage / "data", f"{part}.parquet")
    push_progress(folder, storage)
    for name in _WHOLE:
        if (folder / name).exists():
            _push(folder, storage, name)


def push_progress(folder: Path, storage: Folder) -> None:
    """Copy what training has added to a run, and remove the checkpoints that it has removed.

    Raises:
        OSError: the storage cannot be written.
    """
    here = {path.name for path in (folder / "checkpoints").glob("step-*")}
    there = _checkpoints(storage)
    for name in sorted(here - there):
        path = folder / "checkpoints" / name
        for file in sorted((entry.name for entry in path.iterdir()), key=lambda entry: (entry == _CHECKPOINT, entry)):
            _push(path, storage / "checkpoints" / name, file)
    for name in (_CONFIG, _METRICS):
        if (folder / name).exists():
            _push(folder, storage, name)
    for path in (folder / "logs").glob("*.log"):
        _push(path.parent, storage / "logs", path.name)
    for name in there - here:
        (storage / "checkpoints" / name).remove(_CHECKPOINT)
        (storage / "checkpoints" / name).remove_all()


def pull_run(storage: Folder, folder: Path) -> None:
    """Copy a run from a storage to this machine, or what it lacks here of it.

    Raises:
        InputError: no such run, or the folder is another run.
        OSError: the storage cannot be read.
    """
    if _RECORD not in storage.names():
        msg = f"{storage} holds no run; check the storage and the name of the run"
        raise InputError(msg)
    if _holds_other(folder, storage):
        msg = f"{folder} is another run than {storage}; choose another name, or another folder of runs"
        raise InputError(msg)
    if folder.exists():
        _pull_rest(storage, folder)
        return
    with atomic_folder(folder) as temporary:
        for part in PARTS:
            _pull(storage / "data", temporary / "data", f"{part}.parquet")
        for name in _WHOLE:
            if name in storage.names():
                _pull(storage, temporary, name)
        _pull_rest(storage, temporary)


def _pull_rest(storage: Folder, target: Path) -> None:
    """What training changes of a run."""
    for name in storage.names():
        if name in {_CONFIG, _METRICS}:
            _pull(storage, target, name)
    for name in (storage / "logs").names():
        _pull(storage / "logs", target / "logs", name)
    _pull_checkpoints(storage, target / "checkpoints")


def match_run(folder: Path, storage: Folder) -> None:
    """Make the folder and the storage hold the same run: that of them which has done more steps.

    Raises:
        InputError: neither holds it, or they hold different runs.
        OSError: the storage cannot be read or written.
    """
    here = [path.name for path in (folder / "checkpoints").glob("step-*")]
    there = _checkpoints(storage)
    if (folder / _RECORD).exists() and max(here, default="") >= max(there, default=""):
        push_run(folder, storage)
    else:
        pull_run(storage, folder)


def _checkpoints(storage: Folder) -> set[str]:
    """Names of the whole checkpoints in a storage."""
    folder = storage / "checkpoints"
    return {name for name in folder.names() if name.startswith("step-") and _CHECKPOINT in (folder / name).names()}


def _pull_checkpoints(storage: Folder, folder: Path) -> None:
    there = _checkpoints(storage)
    for name in sorted(there):
        if (folder / name).exists():
            continue
        with atomic_folder(folder / name) as temporary:
            source = storage / "checkpoints" / name
            for file in source.names():
                _pull(source, temporary, file)
    for path in list(folder.glob("step-*")):
        if path.name not in there:
            shutil.rmtree(path)


def _holds_other(folder: Path, storage: Folder) -> bool:
    record = folder / _RECORD
    return record.exists() and _RECORD in storage.names() and storage.read(_RECORD) != record.read_bytes()


def _push(folder: Path, storage: Folder, name: str) -> None:
    storage.write(name, (folder / name).read_bytes())


def _pull(storage: Folder, folder: Path, name: str) -> None:
    with atomic_path(folder / name) as temporary:
        temporary.write_bytes(storage.read(name))
