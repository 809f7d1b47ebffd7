"""Long lists of edges between whole numbers, by a compiled reader of columns and in few bytes an edge.

A file with anything else in it (names, blank cells, numbers in two spellings, comments among the lines, other columns) is not
read here at all, so that there is one place which knows what that means: `gengraph.formats.edgelist`.

Legend: E edges.
"""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from gengraph.graphs.collection import RawGraphs

LONG_BYTES = 1 << 17  # of a file from which on it is worth the while
_BLOCK_BYTES = 1 << 22  # that are parsed at a time
_LIMIT = 2**31

Int32Array = npt.NDArray[np.int32]
Column = npt.NDArray[Any]


def read_columns(
    path: Path, delimiter: str, *, skip: int, types: Sequence[Any], line_end: bytes = b"\n"
) -> list[Column] | None:
    """The columns of a text, whole numbers as int32; None unless every line is one number a column and nothing more.

    Args:
        path: the file, gzipped or not.
        delimiter: a single character.
        skip: bytes before the first line.
        types: pa.int64() or pa.float64() of each column; numbers of the first kind are 0 or more, and written in one way only.
        line_end: that of all lines.
    """
    names = [str(i) for i in range(len(types))]
    read = pa.csv.ReadOptions(column_names=names, block_size=_BLOCK_BYTES, use_threads=False)
    parse = pa.csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False)
    convert = pa.csv.ConvertOptions(column_types=dict(zip(names, types, strict=True)), null_values=[])
    parts: list[list[Column]] = []
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            file.seek(skip)
            with pa.csv.open_csv(file, read, parse, convert) as batches:
                for batch in batches:
                    narrow = [_narrow(column.to_numpy()) for column in batch.columns]
                    parts.append([column for column in narrow if column is not None])
                    if len(parts[-1]) < len(names):
                        return None
            size = file.tell() - skip
    except (pa.ArrowInvalid, EOFError, gzip.BadGzipFile):
        return None
    columns = [np.concatenate([part.pop(0) for part in parts]) for _ in names] if parts else []
    whole = [column for column in columns if column.dtype == np.int32]
    if columns and len(whole) == len(columns):
        written = sum(_num_digits(column) for column in whole) + len(whole[0]) * (len(whole) - 1 + len(line_end))
        if size not in (written, written - len(line_end)):
            return None
    return columns or None


def _narrow(column: Column) -> Column | None:
    """Whole numbers as int32, None if some do not fit."""
    if column.dtype != np.int64:
        return column
    return None if column.min(initial=0) < 0 or column.max(initial=0) >= _LIMIT else column.astype(np.int32)


def _num_digits(numbers: Int32Array) -> int:
    """The digits of all numbers together."""
    largest, total, power = int(numbers.max(initial=0)), len(numbers), 10
    while power <= largest:
        total += int(np.count_nonzero(numbers >= power))
        power *= 10
    return total


def numbered_from_0(first: Int32Array, second: Int32Array, nodes: int | None) -> tuple[int, int] | None:
    """Number the nodes 0..n-1 in ascending order, in both columns in place.

    Args:
        first: one end of each edge.
        second: the other.
        nodes: so many there are, from 0 or 1 on; None: those that occur.

    Returns:
        How many nodes there are, and how many numbers between them name none; None if the numbers are too far apart, or do not
        fit `nodes`, and the columns are as they were.
    """
    low, high = (min(first.min(), second.min()), max(first.max(), second.max())) if len(first) else (0, -1)
    if nodes is not None:
        start = int(low > 0)
        if high >= nodes + start:
            return None
        first -= start
        second -= start
        return nodes, 0
    if high > 8 * len(first) + 2**20:
        return None
    there = np.zeros(high + 1, bool)
    there[first] = there[second] = True
    n = int(np.count_nonzero(there))
    if n == high + 1 - low:
        first -= low
        second -= low
    else:
        rank = np.cumsum(there, dtype=np.int32)
        rank -= 1
        first[:], second[:] = rank[first], rank[second]
    return n, int(high) + 1 - int(low) - n


def raw_graph(n: int, first: Int32Array, second: Int32Array, *, directed: bool, **more: Any) -> RawGraphs:
    """The one graph of all edges, sorted if it is simple and undirected, or every arc has one the other way.

    Complexity: O(E log E), and 24 bytes an edge.
    """
    edges = _sorted_edges(first, second, directed=directed)
    if edges is None:
        edges = np.column_stack([first, second])
    else:
        directed = False
    return RawGraphs(
        num_nodes=np.array([n]),
        edge_offsets=np.array([0, len(edges)]),
        edges=edges,
        directed=directed,
        **more,
    )


def _sorted_edges(first: Int32Array, second: Int32Array, *, directed: bool) -> Int32Array | None:
    """int32[E, 2], None if there are loops, parallel edges, or arcs with none the other way."""
    if (first == second).any():
        return None
    key = _key(np.minimum(first, second), np.maximum(first, second)) if not directed else _key(first, second)
    key.sort()
    if (key[1:] == key[:-1]).any():
        return None
    if directed:
        back = _key(second, first)
        back.sort()
        if not np.array_equal(key, back):
            return None
        del back
        key = key[(key >> 32) < (key & (_LIMIT - 1))]
    edges = np.empty((len(key), 2), np.int32)
    edges[:, 0] = key >> 32
    edges[:, 1] = key & (2**32 - 1)
    return edges


def _key(high: Int32Array, low: Int32Array) -> npt.NDArray[np.int64]:
    key = high.astype(np.int64)
    key <<= 32
    key |= low
    return key
