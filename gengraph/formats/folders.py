"""Folders of graphs: one file or numbered shards for each part, shards of one set, or one graph a file.

The names of the files say which it is: those with a word such as train, valid or test are parts (`train.g6`,
`test-00000-of-00002.parquet`). Files are in the order of their names, graph2 before graph10.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from gengraph.errors import InputError
from gengraph.files import read_text
from gengraph.formats.tables import nodes_beside
from gengraph.formats.text import suffix_of
from gengraph.formats.tu import is_of_a_mac
from gengraph.graphs.collection import PART_NAMES, PARTS, Collection, Refused

ReadFile = Callable[[Path], Collection]
_SHOWN = 5  # names of files
_MANIFEST = "manifest.json"  # of a sample (`gengraph.sampling.shards`)


def read_folder(
    folder: Path,
    known: set[str],
    *,
    read: ReadFile,
    read_tu: ReadFile,
    together: Callable[[Sequence[Path]], Collection | None] = lambda _: None,
) -> Collection:
    """The graphs of a folder.

    Args:
        folder: it.
        known: suffixes of graph files.
        read: reads a file.
        read_tu: reads a folder with the text files of a TU collection.
        together: reads many small files faster than one by one, or gives None.

    Raises:
        InputError: it holds nothing that is known, or files that do not belong together.
        Refused: what the policy refuses in any of its files.
    """
    files = _graph_files(folder, known)
    parts = {file: _part(file) for file in files or folder.iterdir() if files or file.is_dir()}
    said = set(parts.values())
    if files and said - {None} and (None in said or len(said) > 1):
        return _read_parts(parts, read)
    if not files and len(said - {None}) > 1:  # folders train/ and test/
        inner = {sub: part for sub, part in parts.items() if part is not None}
        return _read_parts(inner, lambda sub: read_folder(sub, known, read=read, read_tu=read_tu))
    if any(folder.glob("*_A.txt")):
        return read_tu(folder)
    suffixes = sorted({suffix_of(file) for file in files})
    if len(suffixes) > 1:
        names = ", ".join(file.name for file in files[:_SHOWN])
        msg = f"{folder} holds files of several formats ({', '.join(suffixes)}): {names}; keep one format in a folder"
        raise InputError(msg)
    if not files:
        msg = (
            f"{folder} holds neither *.parquet files nor the *_A.txt of a TU collection, nor the files train, validation and "
            "test, nor graphs in another format, one a file"
        ) + _way_out(folder, known)
        raise InputError(msg)
    _check_finished(folder)
    collection = together(files) or Collection.concatenate(_read_each(files, read))
    return dataclasses.replace(collection, num_files=len(files))


def _way_out(folder: Path, known: set[str]) -> str:
    """What to do with a folder of texts, or of folders of graphs."""
    inner = sorted(sub.name for sub in folder.iterdir() if sub.is_dir() and _graph_files(sub, known))
    if inner:
        return f"; its folders {', '.join(inner[:3])} do: give one of them, or move their files into one folder"
    if any(folder.glob("*.txt")):
        return "; if its .txt files are lists of edges, set file_format = edgelist"
    return "; give a folder that does, or a file"


def shard_files(folder: Path, known: set[str]) -> list[Path]:
    """The Parquet files of a folder that together hold one set, in order; none where it holds something else.

    Raises:
        InputError: it is a sample of which shards are still missing.
    """
    files = _graph_files(folder, known) if folder.is_dir() else []
    if {suffix_of(file) for file in files} != {".parquet"} or any(_part(file) is not None for file in files):
        return []
    _check_finished(folder)
    return files


def _graph_files(folder: Path, known: set[str]) -> list[Path]:
    """Its graph files in natural order; JSON beside other formats describes them, and a sample may hold copies of shards."""
    if (folder / _MANIFEST).is_file():
        known = {".parquet"}
    files = [
        file
        for file in folder.iterdir()
        if suffix_of(file) in known and not file.name.startswith(".") and not is_of_a_mac(file.name) and file.is_file()
    ]
    tables = {nodes_beside(file) for file in files if nodes_beside(file) != file}  # which are read with those of edges
    files = [file for file in files if file not in tables]
    others = [file for file in files if suffix_of(file) != ".json" or _part(file) is not None]
    return sorted(others or files, key=_natural)


def _natural(file: Path) -> list[tuple[int, str]]:
    """A key that puts graph2 before graph10."""
    return [(int(text), "") if text.isdecimal() else (-1, text) for text in re.split(r"([0-9]{1,18})", file.name)]


def _part(file: Path) -> int | None:
    """The index in PARTS that a name says: train, val_2, test-00000-of-00001, my.valid; None if it says none or several."""
    words = re.split(r"[^a-z]+", file.name.lower())
    said = {PART_NAMES[word] for word in words if word in PART_NAMES}
    return said.pop() if len(said) == 1 else None


def _check_finished(folder: Path) -> None:
    """Raise InputError if the folder is a sample of which shards are still missing."""
    manifest = folder / _MANIFEST
    if manifest.is_file() and '"shards"' not in read_text(manifest):
        msg = f"{folder} is a sample that is not finished; run the `gengraph sample` that began it again"
        raise InputError(msg)


def _read_each(files: Sequence[Path], read: ReadFile) -> list[Collection]:
    """The graphs of each file; what is refused in any of them is told at once."""
    collections: list[Collection] = []
    refused: list[Refused] = []
    for file in files:
        try:
            collections.append(read(file))
        except Refused as error:
            refused.append(error)
    if refused:
        raise refused[0].and_in(refused[1:])
    return collections


def _read_parts(parts: Mapping[Path, int | None], read: ReadFile) -> Collection:
    """A set whose train, validation (if there is one) and test graphs stand in files of their own."""
    shapes = {(part, re.sub(r"[0-9]+", "0", file.name)) for file, part in parts.items()}
    if None in parts.values() or len(shapes) > len(set(parts.values())):
        names = ", ".join(file.name for file in list(parts)[:_SHOWN]) + ", ..." * (len(parts) > _SHOWN)
        msg = (
            f"{next(iter(parts)).parent}: a folder with train and test graphs holds one file for each part, got {names}; "
            "number the files of one part (train-0, train-1), and move what belongs to none elsewhere"
        )
        raise InputError(msg)
    ordered = sorted(parts, key=lambda file: parts[file] or 0)
    collections = []
    for file, collection in zip(ordered, _read_each(ordered, read), strict=True):
        part = parts[file] or 0
        if collection.part is not None and (collection.part != part).any():
            msg = f"{file} says in its split column that some of its graphs are not for {PARTS[part]}; rename it, or mend it"
            raise InputError(msg)
        collections.append(dataclasses.replace(collection, part=np.full(len(collection.graphs), part, np.int8)))
    return dataclasses.replace(Collection.concatenate(collections), num_files=len(ordered))
