"""A table with a row an edge in Parquet, as pandas, polars and DuckDB write it; columns are called as in a list of edges.

Whole numbers in two columns stay in arrays; anything else goes the way of a list of edges, which knows what names, missing ends
and several graphs mean.

Legend: E edges.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gengraph.errors import InputError
from gengraph.formats.columns import known_columns, listed
from gengraph.formats.plainlist import Column, numbered_from_0, raw_graph
from gengraph.formats.rows import GRAPH_CLASS, Rows
from gengraph.graphs.attributes import says_more
from gengraph.graphs.collection import Policy, RawGraphs

LINKS_KEY = b"gengraph.parting"  # in the metadata of links between pieces of a graph, which are no graph
_INDEX = "__index_level_0__"  # that pandas writes beside the columns of a frame


def read_edge_table(path: Path, file: pq.ParquetFile, policy: Policy) -> RawGraphs:
    """Edges are undirected: one that stands in both directions is a parallel edge. `policy.columns` names the columns.

    Raises:
        InputError: no columns are known for the ends of an edge, or the table is that of the links of `gengraph pieces`.
    """
    names: list[str] = file.schema_arrow.names
    roles = _roles(path, names, policy.columns)
    if LINKS_KEY in (file.schema_arrow.metadata or {}):
        msg = f"{path} holds the links between the pieces of a graph; give pieces.parquet alone"
        raise InputError(msg)
    table = file.read()
    columns = {role: table.column(name) for role, name in roles.items()}
    further = [name for name in names if name not in (*roles.values(), policy.edge_label, GRAPH_CLASS, _INDEX)]
    attributes = Counter({name: _num_values(name, table.column(name)) for name in further})
    if roles.keys() == {"source", "target"} and not ({policy.edge_label, GRAPH_CLASS} & set(names)):
        plain = _numbered(columns["source"], columns["target"], policy, +attributes)
        if plain is not None:
            return plain
    sources, targets = _texts(path, columns["source"]), _texts(path, columns["target"])
    nowhere = next((row for row, ends in enumerate(zip(sources, targets, strict=True)) if ends == (None, None)), None)
    if nowhere is not None and "graph" not in columns:
        msg = f"{path}, row {nowhere} has neither {roles['source']} nor {roles['target']}; leave the row out"
        raise InputError(msg)
    return Rows(
        graphs=_graphs(path, columns["graph"]) if "graph" in columns else None,
        sources=sources,
        targets=targets,
        attributes=+attributes,
        edge_labels=_texts(path, table.column(policy.edge_label)) if policy.edge_label in names else None,
        classes=_texts(path, table.column(GRAPH_CLASS)) if GRAPH_CLASS in names else None,
    ).numbered(path, policy)


def _roles(path: Path, names: list[str], asked: tuple[str, ...]) -> dict[str, str]:
    """The columns of source and target, and of graph if there is one.

    Raises:
        InputError: they are not known, or not there.
    """
    if asked and set(asked) <= set(names):
        return dict(zip(["graph", "source", "target"][-len(asked) :], asked, strict=True))
    known = {} if asked else known_columns(names)
    if not known:
        msg = (
            f"{path}: a table needs the columns num_nodes and edges, with a row a graph, or source and target, with a row an "
            f"edge, got {listed(names)}; rename them, or set columns = NAME,NAME for the two ends of an edge"
        )
        raise InputError(msg)
    return known


def _numbered(source: pa.ChunkedArray, target: pa.ChunkedArray, policy: Policy, attributes: Counter[str]) -> RawGraphs | None:
    """The graph of two columns of whole numbers; None if they hold anything else."""
    first, second = _whole(source), _whole(target)
    counted = None if first is None or second is None else numbered_from_0(first, second, policy.nodes)
    if first is None or second is None or counted is None:
        return None
    n, gaps = counted
    left_out = {"nodes": gaps} if gaps else {}
    return raw_graph(n, first, second, directed=False, left_out=left_out, attributes=attributes)


def _whole(column: pa.ChunkedArray) -> Column | None:
    """int32[E] of whole numbers from 0 on without nulls, in memory of its own."""
    if not pa.types.is_integer(column.type) or column.null_count or not len(column):
        return None
    low, high = pc.min_max(column).as_py().values()
    return np.array(column.to_numpy(), np.int32) if low >= 0 and high < 2**31 else None


def _graphs(path: Path, column: pa.ChunkedArray) -> list[str]:
    texts = _texts(path, column)
    if None in texts:
        msg = f"{path}, row {texts.index(None)} has no graph; name it, or leave the row out"
        raise InputError(msg)
    return [text or "" for text in texts]


def _texts(path: Path, column: pa.ChunkedArray) -> list[str | None]:
    """The cells as a text has them, None where they are blank or NaN."""
    try:
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), None, column)
        listed: list[str | None] = column.cast(pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        msg = f"{path}: ends of edges, graphs and labels are numbers or texts, got a column of {column.type}; convert it"
        raise InputError(msg) from error
    return [text.strip() or None if text is not None else None for text in listed]


def _num_values(name: str, column: pa.ChunkedArray) -> int:
    """The values of a further column that would be lost."""
    values: Any = column.drop_null()
    if name.lower() == "weight":
        return sum(says_more(name, value, of="edge") for value in values.to_pylist())
    return len(values) if says_more(name, "", of="edge") else 0
