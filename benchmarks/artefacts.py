"""Results of steps on disk, found again by what they were made from.

CACHE/STEP/KEY/       KEY is a hash of the step's name and of all that it depends on, the code included
  record.json         what went in, what came out, the hash of the files
  ...                 the step's files

A step that is there is not done again; one that is not whole, by its hash, is not there. So a benchmark that was killed goes on
where it stopped, and a change makes anew what depends on it and nothing else. Of code it is the meaning that counts: comments,
docstrings and layout may change.
"""

import ast
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gengraph
from gengraph.files import atomic_folder, file_lock, hash_file, write_json
from gengraph.versions import versions

_RECORD = "record.json"
_PACKAGE = Path(gengraph.__file__).parent
_NOT_COMPUTING = ("cli", "distributed", "testing", "benchmarks", "configs")
"""Rooms that say where things run and what is shown; presets count where they are used: a fit's inputs have its config."""
_STEPS = ("bits", "contender", "steps", "scores", "molecules")  # the modules of benchmarks/ that compute
_LIBRARIES = ("numpy", "scipy", "numba", "torch", "igraph")


def content_key(value: Any) -> str:
    """A hash of a JSON-ready value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()[:32]


def meaning(path: Path) -> str:
    """A hash of what a source file does: without comments, docstrings and layout where it is Python, else of its bytes."""
    if path.suffix != ".py":
        return hash_file(path)
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:  # a template, or of another Python
        return hash_file(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a string that nothing takes: the docstring of a function, a class, a module or a field."""
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    )


@cache
def code_version(package: Path = _PACKAGE) -> str:
    """A hash of the code that results depend on, and of the versions of the libraries beneath it.

    Args:
        package: the folder of gengraph.
    """
    code = {path.relative_to(package).as_posix(): meaning(path) for path in _sources(package)}
    return content_key([code, versions(*_LIBRARIES)])


def _sources(package: Path) -> Iterator[Path]:
    for room in sorted(package.iterdir()):  # a room may be a link, which rglob alone would not follow
        if room.name not in _NOT_COMPUTING:
            found = sorted(room.rglob("*")) if room.is_dir() else [room]
            yield from (path for path in found if path.suffix in {".py", ".cpp", ".h"})
    yield from (package / "benchmarks" / f"{name}.py" for name in _STEPS)


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
                with atomic_folder(folder, replace=True) as temporary:  # one that is damaged gives way
                    outcome = make(temporary)
                    record = {"step": step, "inputs": inputs, "content": _content(temporary), "outcome": outcome}
                    write_json(temporary / _RECORD, record)
                found = self.find(step, inputs)
        assert found is not None
        return found

    def sweep(self) -> None:
        """Delete what a killed process left half-made, and the files of locks; nobody may be at work."""
        for folder in self.root.glob("*/.*.tmp"):
            shutil.rmtree(folder)
        for lock in self.root.glob("*/.*.lock"):
            lock.unlink()

    def _folder(self, step: str, inputs: dict[str, Any]) -> Path:
        return self.root / step / content_key([step, inputs, code_version()])


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _RECORD)


def _content(folder: Path) -> str:
    return content_key({path.relative_to(folder).as_posix(): hash_file(path) for path in _files(folder)})
