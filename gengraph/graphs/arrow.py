"""The arrays of a GraphSet <-> Arrow table: one row a graph, the edges shared, not copied."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gengraph.errors import InputError

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]

SCHEMA = pa.schema(
    [
        pa.field("num_nodes", pa.int32(), nullable=False),
        pa.field("edges", pa.large_list(pa.field("edge", pa.list_(pa.int32(), 2), nullable=False)), nullable=False),
    ]
)


def table_from_arrays(num_nodes: Int32Array, edge_offsets: Int64Array, edges: Int32Array) -> pa.Table:
    """The table of a GraphSet's three arrays; that of the edges is used in place."""
    pair_type = SCHEMA.field("edges").type.value_type
    pairs = pa.FixedSizeListArray.from_arrays(pa.array(edges.reshape(-1)), type=pair_type)
    lists = pa.LargeListArray.from_arrays(pa.array(edge_offsets), pairs, type=SCHEMA.field("edges").type)
    return pa.Table.from_arrays([pa.array(num_nodes), lists], schema=SCHEMA)


def arrays_from_table(table: pa.Table) -> tuple[Int32Array, Int64Array, Int32Array]:
    """The three arrays of a GraphSet, from any table with num_nodes and edges (a list of pairs, list types of any width).

    Raises:
        InputError: a column is missing, holds nulls or has another type.
    """
    missing = [name for name in ("num_nodes", "edges") if name not in table.column_names]
    if missing:
        msg = f"a table of graphs needs the columns num_nodes and edges, got {table.column_names}"
        raise InputError(msg)
    try:
        columns = table.select(["num_nodes", "edges"]).cast(SCHEMA).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        msg = f"num_nodes must be whole numbers and edges lists of node pairs, without nulls: {error}"
        raise InputError(msg) from error
    if table.num_rows == 0:
        return np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros((0, 2), np.int32)
    (edges,) = columns.column("edges").chunks
    offsets = _plain(edges.offsets, np.dtype(np.int64))
    pairs = edges.values.slice(offsets[0], offsets[-1] - offsets[0]).flatten()
    (num_nodes,) = columns.column("num_nodes").chunks
    return _plain(num_nodes, np.dtype(np.int32)), offsets - offsets[0], _plain(pairs, np.dtype(np.int32)).reshape(-1, 2)


def _plain(array: pa.Array, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The buffer of an Arrow array; its to_numpy imports pandas where that is installed, which takes longer than reading."""
    if array.null_count:
        msg = f"num_nodes must be whole numbers and edges lists of node pairs, without nulls: {array.null_count} are null"
        raise InputError(msg)
    if not len(array):
        return np.zeros(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype, count=len(array), offset=array.offset * dtype.itemsize)
