"""The arrays of a GraphSet <-> Arrow table: one row a graph, the arrays shared, not copied.

Labels are lists of whole numbers in columns of their own; what they mean stands in the metadata of the table's schema. The
class of a graph is a text, null where it has none.
"""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gengraph.errors import InputError
from gengraph.graphs.classes import CLASS, Classes
from gengraph.graphs.schema import LabelArrays, LabelSchema

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]

SCHEMA = pa.schema(
    [
        pa.field("num_nodes", pa.int32(), nullable=False),
        pa.field("edges", pa.large_list(pa.field("edge", pa.list_(pa.int32(), 2), nullable=False)), nullable=False),
    ]
)
LABELS_KEY = b"gengraph.labels"  # of a schema's metadata: the LabelSchema as JSON
LABEL_COLUMNS = {"nodes": "node_labels", "edges": "edge_labels", "directions": "directions"}


def schema_of(labels: LabelSchema) -> pa.Schema:
    """The Arrow schema of graphs with these labels."""
    types = {"nodes": labels.nodes and pa.int32(), "edges": labels.edges and pa.int32()}
    types["directions"] = pa.int8() if labels.directed else None
    schema = SCHEMA
    for kind, item in types.items():
        if item is not None:
            listed = pa.large_list(pa.field("label", item, nullable=False))
            schema = schema.append(pa.field(LABEL_COLUMNS[kind], listed, nullable=False))
    return schema.with_metadata({LABELS_KEY: json.dumps(labels.to_json())}) if labels else schema


def table_from_arrays(
    num_nodes: Int32Array,
    edge_offsets: Int64Array,
    edges: Int32Array,
    labels: LabelArrays | None = None,
    classes: Classes | None = None,
) -> pa.Table:
    """The table of a GraphSet's arrays; that of the edges is used in place."""
    table = _table_of_graphs(num_nodes, edge_offsets, edges, labels)
    if classes is None:
        return table
    return table.append_column(CLASS, pa.array(classes.names(), pa.string()).dictionary_encode())


def _table_of_graphs(
    num_nodes: Int32Array, edge_offsets: Int64Array, edges: Int32Array, labels: LabelArrays | None
) -> pa.Table:
    pair_type = SCHEMA.field("edges").type.value_type
    pairs = pa.FixedSizeListArray.from_arrays(_array(edges), type=pair_type)
    columns = [_array(num_nodes)]
    columns.append(pa.LargeListArray.from_arrays(_array(edge_offsets), pairs, type=SCHEMA.field("edges").type))
    if labels is None:
        return pa.Table.from_arrays(columns, schema=SCHEMA)
    schema = schema_of(labels.schema)
    node_offsets = np.concatenate([[0], np.cumsum(num_nodes, dtype=np.int64)])
    for kind, array in labels.arrays().items():
        offsets = _array(node_offsets if kind == "nodes" else edge_offsets)
        columns.append(pa.LargeListArray.from_arrays(offsets, _array(array), type=schema.field(LABEL_COLUMNS[kind]).type))
    return pa.Table.from_arrays(columns, schema=schema)


def label_schema(schema: pa.Schema) -> LabelSchema:
    """What a table's label columns mean; nothing if its metadata do not say it.

    Raises:
        InputError: the metadata are damaged.
    """
    said = (schema.metadata or {}).get(LABELS_KEY)
    if said is None:
        return LabelSchema()
    try:
        return LabelSchema.from_json(json.loads(said))
    except ValueError as error:
        msg = f"the metadata {LABELS_KEY.decode()} of the table must be JSON: {error}; write the file again"
        raise InputError(msg) from error


def labels_from_table(table: pa.Table) -> LabelArrays | None:
    """The labels of a table that `table_from_arrays` gave; None if it has none.

    Raises:
        InputError: a column is missing, has nulls or another type, or holds labels that the schema has not.
    """
    meant = label_schema(table.schema)
    if not meant:
        return None
    schema, arrays = schema_of(meant), {}
    for kind, name in LABEL_COLUMNS.items():
        if name not in schema.names:
            continue
        if name not in table.column_names:
            msg = f"a table with {meant} needs the column {name}, got {table.column_names}"
            raise InputError(msg)
        try:
            column = table.column(name).cast(schema.field(name).type).combine_chunks()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            msg = f"{name} must be lists of whole numbers without nulls: {error}"
            raise InputError(msg) from error
        values = column.flatten()
        arrays[kind] = _plain(values, np.dtype(np.int8 if kind == "directions" else np.int32))
    return LabelArrays(meant, **arrays)


def classes_from_table(table: pa.Table) -> Classes | None:
    """The classes in the column `class`, of texts or numbers; None if there is none, or it is of lists, or no graph has one."""
    if CLASS not in table.column_names or pa.types.is_nested(table.schema.field(CLASS).type):
        return None
    return Classes.of(table.column(CLASS).to_pylist())


def arrays_from_table(table: pa.Table) -> tuple[Int32Array, Int64Array, Int32Array]:
    """The three arrays of a bare GraphSet, from any table with num_nodes and edges (a list of pairs, list types of any width).

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


def _array(values: npt.NDArray[Any]) -> pa.Array:
    """An Arrow array in the same memory; pa.array imports pandas where that is installed."""
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), values.size, [None, pa.py_buffer(values)])


def _plain(array: pa.Array, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The buffer of an Arrow array; its to_numpy imports pandas where that is installed, which takes longer than reading."""
    if array.null_count:
        msg = f"num_nodes must be whole numbers, edges lists of node pairs, labels whole numbers: {array.null_count} are null"
        raise InputError(msg)
    if not len(array):
        return np.zeros(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype, count=len(array), offset=array.offset * dtype.itemsize)
