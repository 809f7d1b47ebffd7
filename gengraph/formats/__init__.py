"""Read and write graph sets; the suffix says the format.

| suffix | what |
|---|---|
| .parquet, or a folder of such files | native: one row a graph, columns num_nodes and edges, if wanted split |
| .jsonl, .json | {"n": 3, "edges": [[0, 1], [1, 2]]} or {"nodes": ["a", "b"], ...}, one a line, or a list of them |
| .g6, .s6 | graph6 and sparse6 of nauty, one graph a line |
| .graphml, .gml | one graph or several; nodes have any names |
| .edgelist | a line an edge; several graphs with a column that names the graph |
| .npz | scipy's sparse adjacency matrix; of several graphs the block-diagonal one, with num_nodes |
| .zip, or a folder with NAME_A.txt | the TU collection's text files (read only) |

A folder with the files train, validation and test, of any of these formats, is a set with given parts.
"""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.errors import InputError
from gengraph.files import read_text
from gengraph.formats.edgelist import read_edgelist, write_edgelist
from gengraph.formats.markup import read_gml, read_graphml, write_gml, write_graphml
from gengraph.formats.matrix import read_npz, write_npz
from gengraph.formats.native import read_json, read_jsonl, read_parquet, write_json_list, write_jsonl, write_parquet
from gengraph.formats.nauty import read_nauty, write_nauty
from gengraph.formats.tu import read_tu_folder, read_tu_zip
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import PART_NAMES, Collection, Policy, RawGraphs, simplify
from gengraph.graphs.taken import as_graph_set

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["read_collection", "read_graphs", "write_graphs"]

Reader = Callable[[Path], RawGraphs]
Writer = Callable[[GraphSet, Path], None]

_CODECS: dict[str, tuple[Reader, Writer | None]] = {
    ".parquet": (read_parquet, write_parquet),
    ".jsonl": (read_jsonl, write_jsonl),
    ".json": (read_json, write_json_list),
    ".g6": (read_nauty, write_nauty),
    ".s6": (read_nauty, write_nauty),
    ".graphml": (read_graphml, write_graphml),
    ".gml": (read_gml, write_gml),
    ".edgelist": (read_edgelist, write_edgelist),
    ".npz": (read_npz, write_npz),
    ".zip": (read_tu_zip, None),
}
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".gpickle"}


def read_graphs(path: str | Path, policy: Policy | None = None) -> GraphSet:
    """Read the graph set that a file or folder holds; arguments and errors as for `read_collection`."""
    return read_collection(path, policy).graphs


def read_collection(path: str | Path, policy: Policy | None = None) -> Collection:
    """Read a graph set, and what is known about it.

    Args:
        path: by suffix, as the table at the top of this module says.
        policy: what to do with what is not simple, undirected and bare; by default it is refused.

    Raises:
        InputError: nothing is there, the suffix is unknown, the file is damaged or holds no graphs, or a graph has
            something that the policy refuses. Nothing is repaired silently.
    """
    place, policy = Path(path), policy or Policy()
    if not str(path) or not place.exists():
        msg = f"no such file or folder: {place}"
        raise InputError(msg)
    collection = _read_folder(place, policy) if place.is_dir() else _read_file(place, policy)
    if not len(collection.graphs):
        msg = f"{place} holds no graphs"
        raise InputError(msg)
    return collection


def write_graphs(graphs: "GraphSet | Iterable[nx.Graph[Any]]", path: str | Path) -> None:
    """Write a graph set to one file, whole or not at all.

    Args:
        graphs: a GraphSet, or networkx graphs that one can hold whole.
        path: a file with a suffix of the table at the top of this module, but for .zip.

    Raises:
        InputError: another suffix, or graphs that would lose something as a GraphSet.
        OSError: the file cannot be written (a full disk, say); nothing half-written stays.
    """
    place = Path(path)
    write = _codec(place)[1]
    if write is None:
        writable = ", ".join(suffix for suffix, (_, writer) in _CODECS.items() if writer)
        msg = f"{place.suffix} can be read but not written; choose one of {writable}"
        raise InputError(msg)
    write(as_graph_set(graphs), place)


def _codec(path: Path) -> tuple[Reader, Writer | None]:
    if path.suffix in _PICKLES:
        msg = (
            f"{path} is a pickle, which can run any program when it is loaded, so gengraph reads none; load it where you trust "
            "it, and write it with gengraph.write_graphs(GraphSet.from_edge_index(data.edge_index, batch), 'graphs.parquet')"
        )
        raise InputError(msg)
    if path.suffix not in _CODECS:
        msg = (
            f"unknown graph format {path.suffix!r} of {path}; known are {', '.join(_CODECS)} and folders of Parquet or TU files"
        )
        raise InputError(msg)
    return _CODECS[path.suffix]


def _read_file(path: Path, policy: Policy) -> Collection:
    read = _codec(path)[0]
    if path.stat().st_size == 0:
        msg = f"{path} is empty"
        raise InputError(msg)
    return _simplified(path, read(path), policy)


def _simplified(path: Path, raw: RawGraphs, policy: Policy) -> Collection:
    try:
        return simplify(raw, policy)
    except InputError as error:
        msg = f"{path}: {error}"
        raise InputError(msg) from None


def _read_folder(folder: Path, policy: Policy) -> Collection:
    files = sorted(file for file in folder.iterdir() if file.suffix in _CODECS)
    if {"train", "test"} <= {file.stem for file in files}:
        return _read_parts(files, policy)
    shards = sorted(folder.glob("*.parquet"))
    if shards:
        _check_finished(folder)
        return Collection.concatenate([_read_file(shard, policy) for shard in shards])
    if any(folder.glob("*_A.txt")):
        return _simplified(folder, read_tu_folder(folder), policy)
    msg = f"{folder} holds neither *.parquet files nor the *_A.txt of a TU collection, nor the files train, validation and test"
    raise InputError(msg)


def _check_finished(folder: Path) -> None:
    """Raise InputError if the folder is a sample (`gengraph.sampling.shards`) of which shards are still missing."""
    manifest = folder / "manifest.json"
    if manifest.is_file() and '"shards"' not in read_text(manifest):
        msg = f"{folder} is a sample that is not finished; run the `gengraph sample` that began it again"
        raise InputError(msg)


def _read_parts(files: list[Path], policy: Policy) -> Collection:
    """A set whose train, validation (if there is one) and test graphs stand in a file each."""
    part_of = {file: PART_NAMES.get(file.stem) for file in files}
    if None in part_of.values() or len(set(part_of.values())) < len(files):
        msg = f"a folder with train and test graphs holds one file for each part, got {', '.join(file.name for file in files)}"
        raise InputError(msg)
    collections = []
    for file in sorted(files, key=lambda file: part_of[file] or 0):
        read = _read_file(file, policy)
        parts = np.full(len(read.graphs), part_of[file], np.int8)
        collections.append(dataclasses.replace(read, part=parts))
    return Collection.concatenate(collections)
