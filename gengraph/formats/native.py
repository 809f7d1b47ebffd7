"""Parquet with one row a graph (with a row an edge: `gengraph.formats.edge_table`), and JSON.

Columns and keys beside num_nodes, edges and split: a list is taken for attributes of nodes or edges, a single value describes
the graph as a whole; `class` is its class, any other is left in the file.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gengraph.errors import InputError
from gengraph.files import atomic_path, write_text
from gengraph.formats.edge_table import read_edge_table
from gengraph.formats.labels import EDGE_LABEL, NODE_LABEL, check_texts, directed_as_it_is, labels_of, told
from gengraph.formats.objects import DIRECTED, graphs_of_objects, is_directed, is_object
from gengraph.formats.text import numbered_lines, read_text
from gengraph.graphs import GraphSet
from gengraph.graphs.arrow import LABEL_COLUMNS, arrays_from_table, classes_from_table, label_schema, labels_from_table
from gengraph.graphs.classes import CLASS, Classes
from gengraph.graphs.collection import Policy, RawGraphs, parts_of
from gengraph.graphs.pairs import as_pairs

_COMPILED_BYTES = 1 << 19  # of a file from which on starting compiled code pays
_BATCH_ROWS = 1 << 14  # graphs of a Parquet file that are decoded at a time
_GROUP_ROWS = 1 << 15  # graphs that are compressed together


def read_parquet(path: Path, policy: Policy) -> RawGraphs:
    """Graphs are decoded a batch at a time, into arrays that are made once."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if not {"num_nodes", "edges"} <= set(names):
                return read_edge_table(path, file, policy)
            num_nodes, edge_offsets, edges = _arrays(path, file)
            split = file.read(["split"]).column("split").to_pylist() if "split" in names else None
            classes = classes_from_table(file.read([CLASS])) if CLASS in names else None
            present = [name for name in LABEL_COLUMNS.values() if name in names] if label_schema(file.schema_arrow) else []
            labels = labels_from_table(file.read(present)) if present else None
            directed = _directed(path, file, edge_offsets) if DIRECTED in names and labels is None else False
            asked = [] if labels else [name for name in (policy.node_label, policy.edge_label) if name in names]
            listed = {name: _listed(path, name, file.read([name]).column(name)) for name in asked}
            read = ("num_nodes", "edges", "split", *present, *asked)
            extra = [f.name for f in file.schema_arrow if f.name not in read and pa.types.is_nested(f.type)]
            attributes = {name: _num_values(file.read([name]).column(name)) for name in extra}
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system, not the file
        msg = f"{path} is not a whole Parquet file: {error}; get it from its source again"
        raise InputError(msg) from error
    part = None if split is None else parts_of(split, str(path))
    for name, counts in ((policy.node_label, num_nodes), (policy.edge_label, np.diff(edge_offsets))):
        if name in listed and not np.array_equal(listed[name][0], counts):
            msg = f"{path}: the lists of {name} must be as long as there are nodes or edges in each graph"
            raise InputError(msg)
    if listed:
        values = [(name, listed[name][1] if name in listed else None) for name in (policy.node_label, policy.edge_label)]
        labels = labels_of(path, nodes=values[0], edges=values[1])
    raw = RawGraphs(
        num_nodes=num_nodes,
        edge_offsets=edge_offsets,
        edges=edges,
        directed=directed,
        attributes=attributes,
        part=part,
        labels=labels,
        classes=classes,
    )
    return directed_as_it_is(raw, policy) if np.any(directed) and np.all(directed) else raw


def _directed(path: Path, file: pq.ParquetFile, edge_offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_] | bool:
    """Whether each edge has a direction, as a column says of its graph; False where it is of lists, and so an attribute.

    Raises:
        InputError: it says something else than true or false.
    """
    column = file.read([DIRECTED]).column(DIRECTED)
    if pa.types.is_nested(column.type):
        return False
    said = [is_directed(f"{path}, row {row}", {DIRECTED: value}) for row, value in enumerate(column.to_pylist())]
    return np.repeat(np.array(said, bool), np.diff(edge_offsets)) if any(said) else False


def _arrays(path: Path, file: pq.ParquetFile) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The three arrays of the graphs; as many values of the column of edges as its metadata count are room enough."""
    about = file.metadata
    column = next(i for i in range(about.num_columns) if about.schema.column(i).path.partition(".")[0] == "edges")
    values = sum(about.row_group(k).column(column).num_values for k in range(about.num_row_groups))
    num_nodes, offsets = np.empty(about.num_rows, np.int32), np.zeros(about.num_rows + 1, np.int64)
    edges = np.empty((values // 2 + 1, 2), np.int32)
    graph = edge = 0
    for batch in file.iter_batches(_BATCH_ROWS, columns=["num_nodes", "edges"]):
        try:
            sizes, ends, pairs = arrays_from_table(pa.Table.from_batches([batch]))
        except InputError as error:
            msg = f"{path}: {error}; write the columns anew"
            raise InputError(msg) from error
        num_nodes[graph : graph + len(sizes)] = sizes
        offsets[graph + 1 : graph + len(sizes) + 1] = ends[1:] + edge
        edges[edge : edge + len(pairs)] = pairs
        graph, edge = graph + len(sizes), edge + len(pairs)
    return num_nodes, offsets, edges[:edge]


def _listed(path: Path, name: str, values: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[Any]]:
    """The lengths of the lists of a column, and what is in them."""
    if not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)) or values.null_count:
        msg = f"{path}: labels stand in a column of lists without nulls, {name} is {values.type}; make one of it"
        raise InputError(msg)
    return pc.list_value_length(values).to_numpy().astype(np.int64), pc.list_flatten(values).to_pylist()


def _num_values(values: pa.ChunkedArray) -> int:
    """Values in a column of lists; of other nested columns its rows."""
    is_list = pa.types.is_list(values.type) or pa.types.is_large_list(values.type)
    return int(pc.sum(pc.list_value_length(values)).as_py() or 0) if is_list else len(values)


def write_parquet(graphs: GraphSet, path: Path) -> None:
    """Compressed with zstd."""
    with atomic_path(path) as temporary:
        pq.write_table(graphs.to_arrow(), temporary, compression="zstd", row_group_size=_GROUP_ROWS)


def read_jsonl(path: Path, policy: Policy) -> RawGraphs:
    """One graph a line, in pairs of nodes or in objects; empty lines are none."""
    if path.stat().st_size >= _COMPILED_BYTES:
        from gengraph.formats.jsonlines import read_plain_lines

        plain = read_plain_lines(path)
        if plain is not None:
            return plain
    lines = numbered_lines(read_text(path))
    records = ((f"line {i}", _parse(path, f"line {i}", line)) for i, line in lines)
    first = list(itertools.islice(records, 1))
    whole = itertools.chain(first, records)
    if first and is_object(first[0][1]):
        return graphs_of_objects(path, (record for _, record in whole), policy)
    return _from_records(path, whole, policy)


def read_json(path: Path, policy: Policy) -> RawGraphs:
    """A list of graphs, or one graph, in pairs of nodes or in objects."""
    values = _parse(path, "the file", read_text(path))
    if isinstance(values, dict):
        values = [values]
    if not isinstance(values, list):
        msg = f"{path} must be a list of graphs, got {type(values).__name__}; one graph a line belongs into a .jsonl"
        raise InputError(msg)
    if values and is_object(values[0]):
        return graphs_of_objects(path, values, policy)
    return _from_records(path, ((f"graph {i}", value) for i, value in enumerate(values)), policy)


def write_jsonl(graphs: GraphSet, path: Path) -> None:
    """One graph a line."""
    check_texts(path, graphs)
    write_text(path, "".join(record + "\n" for record in _records(graphs)))


def write_json_list(graphs: GraphSet, path: Path) -> None:
    """A list of graphs."""
    check_texts(path, graphs)
    write_text(path, "[" + ",\n".join(_records(graphs)) + "]\n")


def _records(graphs: GraphSet) -> list[str]:
    """Graphs as objects; labels without a name of their own are called node_label and edge_label."""
    schema = graphs.schema
    more: dict[str, Any] = {"directed": True} if schema.directed else {}
    for labels, name in ((schema.nodes, NODE_LABEL), (schema.edges, EDGE_LABEL)):
        if labels is not None and labels.name != name:
            more[name] = labels.name
    records = []
    for graph in told(graphs):
        lists = {"node_labels": graph.nodes, "edge_labels": graph.edges}
        record = {"n": graph.num_nodes, "edges": graph.pairs} | {key: one for key, one in lists.items() if one is not None}
        record |= {} if graph.its_class is None else {CLASS: graph.its_class}
        records.append(json.dumps(record | more, separators=(",", ":")))
    return records


def _parse(path: Path, where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{path}, {where} is not JSON: {error}"
        raise InputError(msg) from error


def _from_records(path: Path, records: Iterable[tuple[str, Any]], policy: Policy) -> RawGraphs:
    """Graphs from (where in the file, {"n", "edges"}) records."""
    sizes: list[int] = []
    lists: list[npt.NDArray[np.int64]] = []
    splits: list[Any] = []
    classes: list[Any] = []
    attributes: Counter[str] = Counter()
    weights = _Weights(path, is_label=policy.edge_label == "weight")
    labels = _Lists("node", policy.node_label), _Lists("edge", policy.edge_label)
    directed: list[bool] = []
    for where, record in records:
        size, edges = _graph(path, where, record, weights)
        sizes.append(size)
        lists.append(edges)
        splits.append(record.get("split"))
        classes.append(None if isinstance(record.get(CLASS), list | dict) else record.get(CLASS))
        directed += [is_directed(f"{path}, {where}", record)] * len(edges)
        used = [one.take(path, where, record, count) for one, count in zip(labels, (size, len(edges)), strict=True)]
        for name, value in record.items():
            if name not in ("nodes", "edges", *used) and isinstance(value, list | dict):
                attributes[name] += len(value)
    of_nodes, of_edges = (one.named() for one in labels)
    if weights.labels:
        of_edges = "weight", weights.labels
    attributes.update(weights.count())
    part = parts_of(splits, str(path)) if any(splits) else None
    made = labels_of(path, nodes=of_nodes, edges=of_edges)
    flags = np.array(directed, bool)
    more = {"attributes": attributes, "part": part, "labels": made, "classes": Classes.of(classes)}
    raw = RawGraphs.from_lists(sizes, lists, directed=flags, **more)
    return directed_as_it_is(raw, policy) if flags.all() and len(flags) else raw


@dataclass(slots=True)
class _Lists:
    """The labels of nodes, or of edges: those of gengraph's own key (node_labels), or those of the key that is asked for.

    Attributes:
        of: node or edge.
        asked: the name that is asked for; empty if none is.
        name: of those that were found.
        values: of all graphs so far, None where a graph has none.
        before: how many nodes, or edges, the graphs have of which none has any.
    """

    of: str
    asked: str
    name: str = ""
    values: list[Any] = field(default_factory=list)
    before: int = 0

    def take(self, path: Path, where: str, record: dict[str, Any], count: int) -> str:
        """Take the labels of a graph's nodes or edges; the key that they stand under.

        Raises:
            InputError: they are too many, too few, or of two names.
        """
        own = f"{self.of}_labels"
        name = str(record.get(f"{self.of}_label", f"{self.of}_label"))
        key = own if own in record and self.asked in ("", name) else self.asked
        values = record.get(key) if key else None
        if not isinstance(values, list):
            if self.name:
                self.values += [None] * count
            self.before += 0 if self.name else count
            return ""
        name = name if key == own else key
        if len(values) != count or self.name not in ("", name):
            msg = f"{path}, {where}: {key} must hold one {name} for each of {count} {self.of}s, got {len(values)}"
            raise InputError(msg)
        if not self.name:
            self.name, self.values = name, [None] * self.before
        self.values += values
        return key

    def named(self) -> tuple[str, list[Any] | None]:
        """As `labels_of` takes them."""
        return self.name, self.values if self.name else None


@dataclass(slots=True)
class _Weights:
    """Rows [u, v, weight] instead of pairs, which two rows of an edge_index look like.

    Attributes:
        path: for messages.
        is_label: they are labels.
        labels: those of all edges so far, if they are.
        certain: weights other than 1.
        seen: some graph has rows that can be nothing else.
        unclear: the first graph whose rows may also be a 2 x E edge_index.
    """

    path: Path
    is_label: bool = False
    labels: list[Any] = field(default_factory=list)
    certain: int = 0
    seen: bool = False
    unclear: str = ""

    def pairs(self, where: str, edges: list[Any]) -> list[Any]:
        """The first two of the three values of each row."""
        if len(edges) == 2 and all(isinstance(value, int) for row in edges for value in row):
            self.unclear = self.unclear or where
        else:
            self.seen = True
        if self.is_label:
            self.labels += [weight for *_, weight in edges]
        else:
            self.certain += sum(weight != 1 for *_, weight in edges)
        return [row[:2] for row in edges]

    def count(self) -> dict[str, int]:
        """How many weights there are.

        Raises:
            InputError: nothing in the file says whether its rows are edges or the two rows of an edge_index.
        """
        if self.unclear and not self.seen:
            msg = (
                f"{self.path}, {self.unclear}: edges must be pairs, got 2 rows of 3; if they are a 2 x E edge_index, transpose "
                "it, if they are [u, v, weight], leave the weights out"
            )
            raise InputError(msg)
        return {"weights": self.certain} if self.certain else {}


def _graph(path: Path, where: str, record: Any, weights: _Weights) -> tuple[int, npt.NDArray[np.int64]]:
    """Nodes and edges int64[E, 2] of a record whose nodes are numbered, or named in a list."""
    try:
        edges = record["edges"]
        if not isinstance(edges, list):
            raise TypeError
        if edges and all(isinstance(row, list) and len(row) == 3 for row in edges):
            edges = weights.pairs(where, edges)
        if "nodes" in record:
            return _named(record["nodes"], edges)
        size = record["n"]
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            msg = f"{path}, {where}: {error}"
            raise InputError(msg) from None
        msg = f'{path}, {where}: a graph is {{"n": nodes, "edges": [[u, v], ...]}}, got {str(record)[:80]}'
        raise InputError(msg) from error
    try:
        return size, as_pairs(edges)
    except InputError as error:
        msg = f'{path}, {where}: {error}; node ids must be whole numbers, or name the nodes in a list "nodes"'
        raise InputError(msg) from None


def _named(nodes: Any, edges: list[Any]) -> tuple[int, npt.NDArray[np.int64]]:
    """Nodes and edges of a graph with a list of names."""
    number = {label: i for i, label in enumerate(nodes)}
    if not isinstance(nodes, list) or len(number) < len(nodes):
        msg = "nodes must be a list that names every node once"
        raise ValueError(msg)
    strange = next((name for pair in edges for name in pair if name not in number), None)
    if strange is not None:
        msg = f"an edge joins {json.dumps(strange)}, which is not among the nodes; name it there"
        raise InputError(msg)
    return len(nodes), np.array([(number[u], number[v]) for u, v in edges], np.int64).reshape(-1, 2)
