"""Adjacency matrices: scipy's .npz, Matrix Market's .mtx, and what igraph, MATLAB and Harwell-Boeing have.

A file of `scipy.sparse.save_npz` is one graph, an edge in each direction. Files of several graphs, as `write_npz` makes them,
hold the block-diagonal matrix and beside it an array num_nodes, which scipy passes over.
"""

import csv
import dataclasses
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy
from scipy import sparse

from gengraph.errors import InputError
from gengraph.files import atomic_path, write_text
from gengraph.formats.labels import directed_as_it_is, labels_of
from gengraph.formats.plainlist import LONG_BYTES, raw_graph, read_columns
from gengraph.formats.text import head_of, read_bytes, read_text
from gengraph.formats.tu import check_members
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.collection import Policy, RawGraphs
from gengraph.graphs.schema import LabelArrays, LabelSchema


def read_npz(path: Path, policy: Policy) -> RawGraphs:
    """Entries are edges from row to column; values other than 1 are weights, stored zeros no edges."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(str(path), archive)
        matrix = sparse.coo_array(sparse.load_npz(path))
        with np.load(path) as arrays:
            num_nodes = np.asarray(arrays["num_nodes"] if "num_nodes" in arrays else [matrix.shape[0]], np.int64).reshape(-1)
            own = _labels(arrays) if "labels" in arrays else None
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, TypeError) as error:
        msg = (
            f"{path} is no sparse matrix of scipy.sparse.save_npz: {error}; write it with that, or a dense one with numpy.save "
            "as .npy"
        )
        raise InputError(msg) from error
    if own is None:
        return _graphs_of(path, matrix, num_nodes, policy)
    labels, are_directed = own
    raw = _graphs_of(path, matrix, num_nodes, policy, labels)
    return directed_as_it_is(raw, policy) if are_directed else raw


def read_npy(path: Path, policy: Policy) -> RawGraphs:
    """One dense matrix int[N, N], or a stack int[G, N, N] of as many graphs of N nodes; entries as those of `read_npz`."""
    try:
        stack = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        msg = f"{path} is no array of numpy.save: {error}; write it anew, as numbers"
        raise InputError(msg) from error
    if stack.ndim not in (2, 3) or stack.dtype.kind not in "biufc" or stack.shape[-1] != stack.shape[-2]:
        msg = (
            f"{path}: an adjacency matrix, or each of a stack, must be square and of numbers, got {stack.dtype} of shape "
            f"{stack.shape}; write such a one with numpy.save"
        )
        raise InputError(msg)
    stack = stack.reshape(-1, *stack.shape[-2:])
    graph, row, column = np.nonzero(stack)
    num_graphs, n = stack.shape[:2]
    ends = row + graph * n, column + graph * n
    matrix = sparse.coo_array((stack[graph, row, column], ends), shape=(num_graphs * n, num_graphs * n))
    return _graphs_of(path, matrix, np.full(num_graphs, n, np.int64), policy)


def _labels(arrays: Any) -> tuple[LabelArrays, bool]:
    """Those that `write_npz` wrote, of edges one for each entry; and whether entries are directed edges."""
    schema = LabelSchema.from_json(json.loads(str(arrays["labels"])))
    of_nodes, of_edges = (arrays.get(name) for name in ("node_labels", "edge_labels"))
    return LabelArrays(dataclasses.replace(schema, directed=False), of_nodes, of_edges), schema.directed


def read_mtx(path: Path, policy: Policy) -> RawGraphs:
    """One graph; a symmetric matrix names each edge once. Values other than 1 are weights, stored zeros no edges."""
    plain = _coordinates(path) if path.stat().st_size >= LONG_BYTES and not policy.edge_label else None
    if plain is not None:
        return plain

    def entries(content: BytesIO) -> Any:
        banner, line_feed, rest = content.read().partition(b"\n")
        banner = banner.lower().replace(b"%%matrixmarket", b"%%MatrixMarket")  # the one case that scipy takes
        return scipy.io.mmread(BytesIO(banner + line_feed + rest))

    return _one_matrix(path, policy, entries, "Matrix Market", "scipy.io.mmwrite")


def _coordinates(path: Path) -> RawGraphs | None:
    """The graph of a long file of coordinates with single spaces between them; None if it is anything else."""
    lines = head_of(path).decode("ascii", "replace").split("\n")[:-1]
    banner = lines[0].lower().split() if lines else []
    start = next((i for i, line in enumerate(lines) if not line.startswith("%")), 0)
    size = re.fullmatch(r"(\d+) (\d+) (\d+)", lines[start]) if start else None
    if banner[:3] != ["%%matrixmarket", "matrix", "coordinate"] or size is None or size[1] != size[2]:
        return None
    kind, symmetry = [*banner, "", ""][3:5]
    if kind not in ("pattern", "integer", "real") or symmetry not in ("general", "symmetric"):
        return None
    types = (pa.int64(), pa.int64(), *(() if kind == "pattern" else (pa.float64(),)))
    columns = read_columns(path, " ", skip=sum(len(line) + 1 for line in lines[: start + 1]), types=types)
    n = int(size[1])
    if (
        columns is None
        or len(columns[0]) != int(size[3])
        or min(map(np.min, columns[:2])) < 1
        or max(map(np.max, columns[:2])) > n
    ):
        return None
    first, second, weights = columns[0], columns[1], 0
    if len(columns) == 3:
        there = columns[2] != 0
        first, second, off = first[there], second[there], columns[2][there] != 1
        weights = int(off.sum()) + (int((off & (first != second)).sum()) if symmetry == "symmetric" else 0)
    first -= 1
    second -= 1
    attributes = {"weights": weights} if weights else {}
    return raw_graph(n, first, second, directed=symmetry == "general", attributes=attributes)


def read_hb(path: Path, policy: Policy) -> RawGraphs:
    """Harwell-Boeing and Rutherford-Boeing, of which scipy reads the unsymmetric real kinds alone."""

    def rows(content: BytesIO) -> Any:
        return scipy.io.hb_read(TextIOWrapper(content, "ascii"))

    return _one_matrix(path, policy, rows, "Harwell-Boeing", "scipy.io.hb_write")


def read_adjacency(path: Path, policy: Policy) -> RawGraphs:
    """Rows of numbers, as igraph's write_adjacency and numpy.savetxt write them: how many edges, or their weight."""

    def rows(content: BytesIO) -> Any:
        text = _unnamed(content.read()).replace(b",", b" ").replace(b";", b" ")
        return np.loadtxt(BytesIO(text), ndmin=2, comments=("#", "%"))

    return _one_matrix(path, policy, rows, "adjacency matrix in text", "numpy.savetxt")


def _unnamed(text: bytes) -> bytes:
    """A matrix without the names of its rows and columns, where its first cell is blank, as pandas writes it."""
    delimiter = text.lstrip(b' "')[:1].decode()
    if delimiter not in (",", ";", "\t"):
        return text
    (_, *names), *rows = csv.reader(StringIO(text.decode()), delimiter=delimiter)
    if [row[0] for row in rows if row] != names:
        msg = "its rows have other names than its columns"
        raise ValueError(msg)
    return "\n".join(" ".join(row[1:]) for row in rows).encode()


def read_mat(path: Path, policy: Policy) -> RawGraphs:
    """The one square matrix in a file of MATLAB, which may be in a struct, as in the SuiteSparse collection."""

    def only_matrix(content: BytesIO) -> Any:
        if content.getvalue().startswith(b"MATLAB 7.3"):
            msg = "it is of version 7.3, and those up to 7 are read: save(..., '-v7') in MATLAB"
            raise ValueError(msg)
        found = list(_matrices(scipy.io.loadmat(content)))
        if len(found) != 1:
            msg = f"it holds {len(found)} square matrices"
            raise ValueError(msg)
        return found[0]

    return _one_matrix(path, policy, only_matrix, "MATLAB with one square matrix", "scipy.io.savemat", is_text=False)


def _matrices(values: Mapping[str, Any]) -> Iterator[Any]:
    """The square matrices among the variables of a file and the fields of their structs; a single number is none."""
    for name, value in values.items():
        if name.startswith("__") or getattr(value, "ndim", 0) != 2:
            continue
        if value.dtype.names and value.size == 1:
            yield from _matrices({field: value[field][0, 0] for field in value.dtype.names})
        elif len(set(value.shape)) == 1 and value.dtype.kind in "biufc" and (sparse.issparse(value) or value.size > 1):
            yield value


def _one_matrix(
    path: Path, policy: Policy, read: Callable[[BytesIO], Any], what: str, writer: str, *, is_text: bool = True
) -> RawGraphs:
    try:
        content = read_text(path).encode() if is_text else read_bytes(path)
        matrix = sparse.coo_array(read(BytesIO(content)))
    except (ValueError, TypeError, OverflowError) as error:
        msg = f"{path} is no {what} file: {error}; write it anew with {writer}"
        raise InputError(msg) from error
    return _graphs_of(path, matrix, np.array(matrix.shape[:1], np.int64), policy)


def write_mtx(graphs: GraphSet, path: Path) -> None:
    """The one graph as a symmetric pattern, its lower triangle; as a general one, source before target, if it is directed."""
    n, directed = int(graphs.num_nodes[0]), graphs.schema.directed
    _, arcs = graphs.arcs()
    head = f"%%MatrixMarket matrix coordinate pattern {'general' if directed else 'symmetric'}\n{n} {n} {len(arcs)}\n"
    ends = (arcs if directed else arcs[:, ::-1]) + 1
    write_text(path, head + "".join(f"{u} {v}\n" for u, v in ends.tolist()))


def _graphs_of(path: Path, matrix: Any, num_nodes: Int64Array, policy: Policy, labels: LabelArrays | None = None) -> RawGraphs:
    """The graphs along the diagonal; labels are of all nodes and entries, or weights if the policy asks for them."""
    if matrix.shape != (num_nodes.sum(), num_nodes.sum()) or (num_nodes < 0).any():
        msg = (
            f"{path}: an adjacency matrix must be square with a row for each of {num_nodes.sum()} nodes, got {matrix.shape}; "
            "one between two kinds of nodes is scipy.sparse.block_array([[None, B], [B.T, None]])"
        )
        raise InputError(msg)
    there = np.flatnonzero(matrix.data)
    weights = int((matrix.data[there] != 1).sum())
    there = there[np.argsort(matrix.row[there], kind="stable")]
    ends = np.column_stack([matrix.row[there], matrix.col[there]]).astype(np.int64)
    node_offsets = np.concatenate([[0], np.cumsum(num_nodes)])
    graph = np.searchsorted(node_offsets, ends, side="right") - 1
    crossing = int((graph[:, 0] != graph[:, 1]).sum())
    if crossing:
        msg = f"{path}: {crossing} entries lie outside the blocks of the diagonal that num_nodes names"
        raise InputError(msg)
    if labels is None and policy.edge_label == "weights":
        labels, weights = labels_of(path, edges=("weights", matrix.data[there].tolist())), 0
    elif labels is not None:
        labels = labels.taken(slice(None), there)
    return RawGraphs(
        num_nodes=num_nodes,
        edge_offsets=np.searchsorted(graph[:, 0], np.arange(len(num_nodes) + 1)),
        edges=ends - node_offsets[graph],
        directed=True,
        attributes={"weights": weights} if weights else {},
        labels=labels,
    )


def write_npz(graphs: GraphSet, path: Path) -> None:
    """The block-diagonal matrix in compressed rows, and num_nodes; `scipy.sparse.load_npz` reads it.

    Entries of a directed set are its edges alone. Labels are numbers, those of edges of each entry, and `labels` says in JSON
    what they mean.
    """
    (source, target), _ = graphs.to_edge_index()
    n = int(graphs.num_nodes.sum())
    more: dict[str, Any] = {"labels": np.array(json.dumps(graphs.schema.to_json()))} if graphs.schema else {}
    more |= {} if graphs.node_labels is None else {"node_labels": graphs.node_labels}
    of_entries = graphs.edge_index_labels()
    more |= {} if of_entries is None else {"edge_labels": of_entries}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            indices=target.astype(np.int32),
            indptr=np.searchsorted(source, np.arange(n + 1)).astype(np.int64 if len(source) >= 2**31 else np.int32),
            format=np.array(b"csr"),
            shape=np.array((n, n)),
            data=np.ones(len(source), np.int8),
            _is_array=np.array(True),
            num_nodes=graphs.num_nodes,
            **more,
        )
