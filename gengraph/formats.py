"""Read and write graph sets; the suffix says the format.

| suffix | what |
|---|---|
| .parquet, or a folder of such files | native: one row a graph, columns num_nodes and edges |
| .jsonl, .json | {"n": 3, "edges": [[0, 1], [1, 2]]}, one a line, or a list of them |
| .g6, .s6 | graph6 and sparse6 of nauty [1], one graph a line |
| .zip, or a folder with NAME_A.txt | the TU collection's text files [2] (read only) |

References:
    1. B. McKay, Description of graph6, sparse6 and digraph6 encodings.
    2. C. Morris et al., TUDataset: A collection of benchmark datasets for learning with graphs, 2020.
"""

import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from gengraph.arrow import SCHEMA
from gengraph.errors import InputError
from gengraph.files import atomic_path, write_text
from gengraph.graphs import GraphSet, Int64Array

MAX_MEMBER_BYTES = 2**32  # of one unpacked file of a zip: the largest TU collections stay below


def read_graphs(path: str | Path) -> GraphSet:
    """Read the graph set that a file or folder holds.

    Args:
        path: by suffix, as the table at the top of this module says.

    Raises:
        InputError: nothing is there, the suffix is unknown, the file is damaged or holds no graphs, or a graph is not
            simple and undirected. Nothing is repaired silently.
    """
    place = Path(path)
    if not place.exists():
        msg = f"no such file or folder: {place}"
        raise InputError(msg)
    if place.is_dir():
        graphs = _read_folder(place)
    else:
        if place.stat().st_size == 0:
            msg = f"{place} is empty"
            raise InputError(msg)
        graphs = _codec(place)[0](place)
    if not len(graphs):
        msg = f"{place} holds no graphs"
        raise InputError(msg)
    return graphs


def write_graphs(graphs: GraphSet, path: str | Path) -> None:
    """Write a graph set to one file, whole or not at all.

    Args:
        graphs: any set.
        path: a file that ends in .parquet, .jsonl, .json, .g6 or .s6.

    Raises:
        InputError: another suffix.
        OSError: the file cannot be written (a full disk, say); nothing half-written stays.
    """
    place = Path(path)
    write = _codec(place)[1]
    if write is None:
        msg = f"{place.suffix} can be read but not written; choose one of {_writable()}"
        raise InputError(msg)
    write(graphs, place)


def _codec(path: Path) -> tuple[Callable[[Path], GraphSet], Callable[[GraphSet, Path], None] | None]:
    if path.suffix not in _CODECS:
        msg = (
            f"unknown graph format {path.suffix!r} of {path}; known are {', '.join(_CODECS)} and folders of Parquet or TU files"
        )
        raise InputError(msg)
    return _CODECS[path.suffix]


def _writable() -> str:
    return ", ".join(suffix for suffix, (_, write) in _CODECS.items() if write)


def _read_folder(folder: Path) -> GraphSet:
    shards = sorted(folder.glob("*.parquet"))
    if shards:
        return GraphSet.concatenate(_read_parquet(shard) for shard in shards)
    if any(folder.glob("*_A.txt")):
        return _parse_tu(str(folder), {file.name: file.read_bytes for file in folder.glob("*.txt")})
    msg = f"{folder} holds neither *.parquet files nor the *_A.txt of a TU collection"
    raise InputError(msg)


def _read_parquet(path: Path) -> GraphSet:
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        msg = f"{path} is not a whole Parquet file: {error}"
        raise InputError(msg) from error
    return GraphSet.from_arrow(table)


def _write_parquet(graphs: GraphSet, path: Path) -> None:
    with atomic_path(path) as temporary:
        pq.write_table(graphs.to_arrow().cast(SCHEMA), temporary, compression="zstd")


def _from_records(path: Path, records: Iterable[tuple[str, Any]]) -> GraphSet:
    """Graphs from (where in the file, {"n", "edges"}) records."""
    sizes: list[int] = []
    lists: list[np.ndarray[Any, Any]] = []
    for where, record in records:
        try:
            edges = np.asarray(record["edges"], dtype=np.float64).reshape(-1, 2)
            size = int(record["n"])
        except (KeyError, TypeError, ValueError) as error:
            msg = f'{path}, {where}: a graph is {{"n": nodes, "edges": [[u, v], ...]}}, got {str(record)[:80]}'
            raise InputError(msg) from error
        if not np.array_equal(edges, np.floor(edges)):
            msg = f"{path}, {where}: node ids must be whole numbers"
            raise InputError(msg)
        sizes.append(size)
        lists.append(edges.astype(np.int64))
    return GraphSet.from_edge_lists(sizes, lists)


def _parse_json(path: Path, where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        msg = f"{path}, {where} is not JSON: {error}"
        raise InputError(msg) from error


def _read_jsonl(path: Path) -> GraphSet:
    lines = enumerate(_text(path).splitlines(), start=1)
    return _from_records(path, ((f"line {i}", _parse_json(path, f"line {i}", line)) for i, line in lines if line.strip()))


def _read_json(path: Path) -> GraphSet:
    values = _parse_json(path, "the file", _text(path))
    if not isinstance(values, list):
        msg = f"{path} must be a list of graphs, got {type(values).__name__}; one graph a line belongs into a .jsonl"
        raise InputError(msg)
    return _from_records(path, ((f"graph {i}", value) for i, value in enumerate(values)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path} is not a text file: {error}"
        raise InputError(msg) from error


def _records(graphs: GraphSet) -> list[str]:
    ends = zip(graphs.edge_offsets[:-1], graphs.edge_offsets[1:], strict=True)
    return [
        json.dumps({"n": int(n), "edges": graphs.edges[start:end].tolist()}, separators=(",", ":"))
        for n, (start, end) in zip(graphs.num_nodes, ends, strict=True)
    ]


def _write_jsonl(graphs: GraphSet, path: Path) -> None:
    write_text(path, "".join(record + "\n" for record in _records(graphs)))


def _write_json(graphs: GraphSet, path: Path) -> None:
    write_text(path, "[" + ",\n".join(_records(graphs)) + "]\n")


def _read_nauty(path: Path) -> GraphSet:
    import networkx as nx

    decode = nx.from_sparse6_bytes if path.suffix == ".s6" else nx.from_graph6_bytes
    parsed = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        code = line.removeprefix(">>graph6<<").removeprefix(">>sparse6<<")
        if not code:
            continue
        try:
            parsed.append(decode(code.encode()))
        except (nx.NetworkXError, ValueError, IndexError) as error:
            msg = f"{path}, line {number} is not {path.suffix[1:]}: {error}"
            raise InputError(msg) from error
    return GraphSet.from_networkx(parsed)


def _write_nauty(graphs: GraphSet, path: Path) -> None:
    import networkx as nx

    encode = nx.to_sparse6_bytes if path.suffix == ".s6" else nx.to_graph6_bytes
    write_text(path, "".join(encode(graph, header=False).decode() for graph in graphs.to_networkx()))


def _read_zip(path: Path) -> GraphSet:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {Path(info.filename).name: info for info in archive.infolist()}
            large = [info.filename for info in members.values() if info.file_size > MAX_MEMBER_BYTES]
            if large:
                msg = f"{path}: {large[0]} unpacks to more than {MAX_MEMBER_BYTES} bytes; unpack it by hand and pass the folder"
                raise InputError(msg)
            readers = {name: partial(archive.read, info) for name, info in members.items()}
            return _parse_tu(str(path), readers)
    except zipfile.BadZipFile as error:
        msg = f"{path} is not a whole zip file: {error}"
        raise InputError(msg) from error


def _parse_tu(where: str, files: Mapping[str, Callable[[], bytes]]) -> GraphSet:
    """Graphs of a TU collection: NAME_A.txt holds "i, j" a line, NAME_graph_indicator.txt the graph of each node, from 1."""
    names = [name for name in files if name.endswith("_A.txt")]
    if len(names) != 1 or names[0].replace("_A.txt", "_graph_indicator.txt") not in files:
        msg = f"{where} must hold one NAME_A.txt and its NAME_graph_indicator.txt, got {sorted(files)}"
        raise InputError(msg)
    edges = _whole_numbers(where, names[0], files[names[0]](), 2)
    indicator_name = names[0].replace("_A.txt", "_graph_indicator.txt")
    indicator = _whole_numbers(where, indicator_name, files[indicator_name](), 1)[:, 0]
    return GraphSet.from_edge_index(edges.T - 1, indicator - 1)


def _whole_numbers(where: str, name: str, content: bytes, columns: int) -> Int64Array:
    """int64[lines, columns] of a comma-separated text."""
    names = [str(i) for i in range(columns)]
    squeezed = pa.py_buffer(content.replace(b" ", b""))
    types = dict.fromkeys(names, pa.int64())
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(squeezed),
            read_options=pyarrow.csv.ReadOptions(column_names=names),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types),
        )
    except pa.ArrowInvalid as error:
        msg = f"{where}: {name} must hold {columns} whole numbers a line: {error}"
        raise InputError(msg) from error
    return np.column_stack([table.column(name).to_numpy() for name in names])


_CODECS: dict[str, tuple[Callable[[Path], GraphSet], Callable[[GraphSet, Path], None] | None]] = {
    ".parquet": (_read_parquet, _write_parquet),
    ".jsonl": (_read_jsonl, _write_jsonl),
    ".json": (_read_json, _write_json),
    ".g6": (_read_nauty, _write_nauty),
    ".s6": (_read_nauty, _write_nauty),
    ".zip": (_read_zip, None),
}
