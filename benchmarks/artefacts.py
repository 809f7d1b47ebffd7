"""Results of steps on disk, found again by what they were made from.

CACHE/STEP/KEY/       KEY is a hash of the step's name and of all that it depends on, the code included
  record.json         what went in, what came out, the hash of the files
  ...                 the step's files

A step that is there is not done again; one that is not whole, by its hash, is not there. So a benchmark that was killed goes on
where it stopped, and a change makes anew what depends on it and nothing else.
"""

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gengraph
from gengraph.files import file_lock, hash_file

_RECORD = "record.json"
_NOT_COMPUTING = ("cli", "distributed", "benchmarks")  # rooms that say where and what is shown, not what comes out
_STEPS = "benchmarks/steps.py"
_LIBRARIES = ("numpy", "scipy", "numba", "torch", "igraph")


def key_of(value: Any) -> str:
    """A hash of a JSON-ready value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()[:32]


@cache
def code_version() -> str:
    """A hash of the code that results depend on, and of the versions of the libraries beneath it."""
    root = Path(gengraph.__file__).parent
    sources = [
        path
        for path in sorted(root.rglob("*"), key=str)
        if path.suffix in {".py", ".toml", ".cpp", ".h"} and path.relative_to(root).parts[0] not in _NOT_COMPUTING
    ]
    for room in ("baselines", "configs"):  # links, which rglob does not follow
        sources += sorted(path for path in (root / room).rglob("*") if path.suffix in {".py", ".toml"})
    files = {str(path.relative_to(root)): hash_file(path) for path in [*sources, root / _STEPS]}
    return key_of([files, {name: version(name) for name in _LIBRARIES if find_spec(name)}])


@dataclass(frozen=True, slots=True)
class Artefact:
    """What a step left.

    Attributes:
        folder: with its files.
        content: hash of its files.
        outcome: what else it said, JSON-ready.
    """

    folder: Path
    content: str
    outcome: dict[str, Any]


class Store:
    """The artefacts under a folder, which all workers must see."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, step: str, inputs: dict[str, Any]) -> Artefact | None:
        """The artefact of a step if it is there, whole and unchanged."""
        folder = self._folder(step, inputs)
        try:
            record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
            if record["content"] == _content(folder):
                return Artefact(folder, record["content"], record["outcome"])
        except (OSError, ValueError, KeyError):
            pass
        return None

    def step(self, step: str, inputs: dict[str, Any], make: Callable[[Path], dict[str, Any]]) -> Artefact:
        """The artefact of a step, made if it is not there; another process that makes it is waited for.

        Args:
            step: its name.
            inputs: all that the outcome depends on, JSON-ready; the code's version is added.
            make: writes files into a folder that it is given, and returns what else there is to say.
        """
        folder = self._folder(step, inputs)
        with file_lock(folder):
            found = self.find(step, inputs)
            if found is None:
                self._make(folder, step, inputs, make)
                found = self.find(step, inputs)
        assert found is not None
        return found

    def remove_left_overs(self) -> None:
        """Delete what a killed process left half-made; no other may be at work."""
        for folder in self.root.glob("*/.*.tmp"):
            shutil.rmtree(folder)

    def _folder(self, step: str, inputs: dict[str, Any]) -> Path:
        return self.root / step / key_of([step, inputs, code_version()])

    def _make(self, folder: Path, step: str, inputs: dict[str, Any], make: Callable[[Path], dict[str, Any]]) -> None:
        shutil.rmtree(folder, ignore_errors=True)  # damaged
        temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
        temporary.mkdir(parents=True)
        try:
            outcome = make(temporary)
            record = {"step": step, "inputs": inputs, "content": _content(temporary), "outcome": outcome}
            (temporary / _RECORD).write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _RECORD)


def _content(folder: Path) -> str:
    return key_of({path.relative_to(folder).as_posix(): hash_file(path) for path in _files(folder)})
