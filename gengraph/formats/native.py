"""Parquet with one row a graph, and JSON.

Columns and keys beside num_nodes, edges and split: a list is taken for attributes of nodes or edges, a single value describes
the graph as a whole and is left in the file.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gengraph.errors import InputError
from gengraph.files import atomic_path, read_text, write_text
from gengraph.graphs import GraphSet
from gengraph.graphs.arrow import SCHEMA, arrays_from_table
from gengraph.graphs.collection import RawGraphs, parts_of


def read_parquet(path: Path) -> RawGraphs:
    """Edges are not copied beyond what decompression needs."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            table = file.read([name for name in ("num_nodes", "edges", "split") if name in names])
            extra = [f.name for f in file.schema_arrow if f.name not in table.column_names and pa.types.is_nested(f.type)]
            attributes = {name: _num_values(file.read([name]).column(name)) for name in extra}
    except pa.ArrowInvalid as error:
        msg = f"{path} is not a whole Parquet file: {error}"
        raise InputError(msg) from error
    if not {"num_nodes", "edges"} <= set(names):
        msg = f"{path}: a table of graphs needs the columns num_nodes and edges, got {names}"
        raise InputError(msg)
    part = parts_of(table.column("split").to_pylist(), str(path)) if "split" in names else None
    num_nodes, edge_offsets, edges = arrays_from_table(table)
    return RawGraphs(num_nodes=num_nodes, edge_offsets=edge_offsets, edges=edges, attributes=attributes, part=part)


def _num_values(values: pa.ChunkedArray) -> int:
    """Values in a column of lists; of other nested columns its rows."""
    is_list = pa.types.is_list(values.type) or pa.types.is_large_list(values.type)
    return int(pc.sum(pc.list_value_length(values)).as_py() or 0) if is_list else len(values)


def write_parquet(graphs: GraphSet, path: Path) -> None:
    """Compressed with zstd."""
    with atomic_path(path) as temporary:
        pq.write_table(graphs.to_arrow().cast(SCHEMA), temporary, compression="zstd")


def read_jsonl(path: Path) -> RawGraphs:
    """One graph a line; empty lines are none."""
    lines = enumerate(read_text(path).splitlines(), start=1)
    return _from_records(path, ((f"line {i}", _parse(path, f"line {i}", line)) for i, line in lines if line.strip()))


def read_json(path: Path) -> RawGraphs:
    """A list of graphs."""
    values = _parse(path, "the file", read_text(path))
    if not isinstance(values, list):
        msg = f"{path} must be a list of graphs, got {type(values).__name__}; one graph a line belongs into a .jsonl"
        raise InputError(msg)
    return _from_records(path, ((f"graph {i}", value) for i, value in enumerate(values)))


def write_jsonl(graphs: GraphSet, path: Path) -> None:
    """One graph a line."""
    write_text(path, "".join(record + "\n" for record in _records(graphs)))


def write_json_list(graphs: GraphSet, path: Path) -> None:
    """A list of graphs."""
    write_text(path, "[" + ",\n".join(_records(graphs)) + "]\n")


def _records(graphs: GraphSet) -> list[str]:
    ends = zip(graphs.edge_offsets[:-1], graphs.edge_offsets[1:], strict=True)
    return [
        json.dumps({"n": int(n), "edges": graphs.edges[start:end].tolist()}, separators=(",", ":"))
        for n, (start, end) in zip(graphs.num_nodes, ends, strict=True)
    ]


def _parse(path: Path, where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        msg = f"{path}, {where} is not JSON: {error}"
        raise InputError(msg) from error


def _from_records(path: Path, records: Iterable[tuple[str, Any]]) -> RawGraphs:
    """Graphs from (where in the file, {"n", "edges"}) records."""
    sizes: list[int] = []
    lists: list[np.ndarray[Any, Any]] = []
    splits: list[Any] = []
    attributes: Counter[str] = Counter()
    for where, record in records:
        try:
            size, edges = _graph(record)
        except (KeyError, TypeError, ValueError) as error:
            msg = f'{path}, {where}: a graph is {{"n": nodes, "edges": [[u, v], ...]}}, got {str(record)[:80]}'
            raise InputError(msg) from error
        if not np.array_equal(edges, np.floor(edges)):
            msg = f'{path}, {where}: node ids must be whole numbers, or name the nodes in a list "nodes"'
            raise InputError(msg)
        sizes.append(size)
        lists.append(edges.astype(np.int64))
        splits.append(record.get("split"))
        for name, value in record.items():
            if name not in ("nodes", "edges") and isinstance(value, list | dict):
                attributes[name] += len(value)
    part = parts_of(splits, str(path)) if any(splits) else None
    return RawGraphs.from_lists(sizes, lists, attributes=attributes, part=part)


def _graph(record: Any) -> tuple[int, np.ndarray[Any, Any]]:
    """Nodes and edges float64[E, 2] of a record whose nodes are numbered, or named in a list."""
    edges = record["edges"]
    if "nodes" in record:
        number = {label: i for i, label in enumerate(record["nodes"])}
        if len(number) < len(record["nodes"]):
            msg = "a node is named twice"
            raise ValueError(msg)
        edges = [(number[u], number[v]) for u, v in edges]
    size = len(record["nodes"]) if "nodes" in record else int(record["n"])
    return size, np.asarray(edges, dtype=np.float64).reshape(-1, 2)
