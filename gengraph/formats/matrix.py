"""Adjacency matrices: scipy's .npz, Matrix Market's .mtx, and what igraph, MATLAB and Harwell-Boeing have.

A file of `scipy.sparse.save_npz` is one graph, an edge in each direction. Files of several graphs, as `write_npz` makes them,
hold the block-diagonal matrix and beside it an array num_nodes, which scipy passes over.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.io
from scipy import sparse

from gengraph.errors import InputError
from gengraph.files import atomic_path, write_text
from gengraph.formats.plainlist import LONG_BYTES, raw_graph, read_columns
from gengraph.formats.text import head_of, read_bytes, read_text
from gengraph.formats.tu import check_members
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.collection import Policy, RawGraphs


def read_npz(path: Path, _policy: Policy) -> RawGraphs:
    """Entries are edges from row to column; values other than 1 are weights, stored zeros no edges."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(str(path), archive)
        matrix = sparse.coo_array(sparse.load_npz(path))
        with np.load(path) as arrays:
            num_nodes = np.asarray(arrays["num_nodes"] if "num_nodes" in arrays else [matrix.shape[0]], np.int64).reshape(-1)
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, TypeError) as error:
        msg = f"{path} is no sparse matrix of scipy.sparse.save_npz: {error}"
        raise InputError(msg) from error
    return _graphs_of(path, matrix, num_nodes)


def read_mtx(path: Path, _policy: Policy) -> RawGraphs:
    """One graph; a symmetric matrix names each edge once. Values other than 1 are weights, stored zeros no edges."""
    plain = _coordinates(path) if path.stat().st_size >= LONG_BYTES else None
    if plain is not None:
        return plain

    def entries(content: BytesIO) -> Any:
        banner, line_feed, rest = content.read().partition(b"\n")
        banner = banner.lower().replace(b"%%matrixmarket", b"%%MatrixMarket")  # the one case that scipy takes
        return scipy.io.mmread(BytesIO(banner + line_feed + rest))

    return _one_matrix(path, entries, "Matrix Market", "scipy.io.mmwrite")


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


def read_hb(path: Path, _policy: Policy) -> RawGraphs:
    """Harwell-Boeing and Rutherford-Boeing, of which scipy reads the unsymmetric real kinds alone."""

    def rows(content: BytesIO) -> Any:
        return scipy.io.hb_read(TextIOWrapper(content, "ascii"))

    return _one_matrix(path, rows, "Harwell-Boeing", "scipy.io.hb_write")


def read_adjacency(path: Path, _policy: Policy) -> RawGraphs:
    """Rows of numbers, as igraph's write_adjacency and numpy.savetxt write them: how many edges, or their weight."""

    def rows(content: BytesIO) -> Any:
        text = content.read().replace(b",", b" ").replace(b";", b" ")
        return np.loadtxt(BytesIO(text), ndmin=2, comments=("#", "%"))

    return _one_matrix(path, rows, "adjacency matrix in text", "numpy.savetxt")


def read_mat(path: Path, _policy: Policy) -> RawGraphs:
    """The one square matrix in a file of MATLAB, which may be in a struct, as in the SuiteSparse collection."""

    def only_matrix(content: BytesIO) -> Any:
        found = list(_matrices(scipy.io.loadmat(content)))
        if len(found) != 1:
            msg = f"it holds {len(found)} square matrices"
            raise ValueError(msg)
        return found[0]

    return _one_matrix(path, only_matrix, "MATLAB with one square matrix", "scipy.io.savemat", is_text=False)


def _matrices(values: Mapping[str, Any]) -> Iterator[Any]:
    """The square matrices among the variables of a file and the fields of their structs; a single number is none."""
    for name, value in values.items():
        if name.startswith("__") or getattr(value, "ndim", 0) != 2:
            continue
        if value.dtype.names and value.size == 1:
            yield from _matrices({field: value[field][0, 0] for field in value.dtype.names})
        elif len(set(value.shape)) == 1 and value.dtype.kind in "biufc" and (sparse.issparse(value) or value.size > 1):
            yield value


def _one_matrix(path: Path, read: Callable[[BytesIO], Any], what: str, writer: str, *, is_text: bool = True) -> RawGraphs:
    try:
        content = read_text(path).encode() if is_text else read_bytes(path)
        matrix = sparse.coo_array(read(BytesIO(content)))
    except (ValueError, TypeError, OverflowError) as error:
        msg = f"{path} is no {what} file: {error}; write it anew with {writer}"
        raise InputError(msg) from error
    return _graphs_of(path, matrix, np.array(matrix.shape[:1], np.int64))


def write_mtx(graphs: GraphSet, path: Path) -> None:
    """The one graph as a symmetric pattern, its lower triangle."""
    n, edges = int(graphs.num_nodes[0]), graphs.edges
    head = f"%%MatrixMarket matrix coordinate pattern symmetric\n{n} {n} {len(edges)}\n"
    write_text(path, head + "".join(f"{v + 1} {u + 1}\n" for u, v in edges.tolist()))


def _graphs_of(path: Path, matrix: Any, num_nodes: Int64Array) -> RawGraphs:
    if matrix.shape != (num_nodes.sum(), num_nodes.sum()) or (num_nodes < 0).any():
        msg = f"{path}: an adjacency matrix must be square with a row for each of {num_nodes.sum()} nodes, got {matrix.shape}"
        raise InputError(msg)
    there = np.flatnonzero(matrix.data)
    weights = int((matrix.data[there] != 1).sum())
    ends = np.column_stack([matrix.row[there], matrix.col[there]]).astype(np.int64)
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    node_offsets = np.concatenate([[0], np.cumsum(num_nodes)])
    graph = np.searchsorted(node_offsets, ends, side="right") - 1
    crossing = int((graph[:, 0] != graph[:, 1]).sum())
    if crossing:
        msg = f"{path}: {crossing} entries lie outside the blocks of the diagonal that num_nodes names"
        raise InputError(msg)
    return RawGraphs(
        num_nodes=num_nodes,
        edge_offsets=np.searchsorted(graph[:, 0], np.arange(len(num_nodes) + 1)),
        edges=ends - node_offsets[graph],
        directed=True,
        attributes={"weights": weights} if weights else {},
    )


def write_npz(graphs: GraphSet, path: Path) -> None:
    """The block-diagonal matrix in compressed rows, and num_nodes; `scipy.sparse.load_npz` reads it."""
    matrix = graphs.to_csr().astype(np.int8)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            indices=matrix.indices.astype(np.int32),
            indptr=matrix.indptr.astype(np.int64 if matrix.nnz >= 2**31 else np.int32),
            format=np.array(b"csr"),
            shape=np.array(matrix.shape),
            data=matrix.data,
            _is_array=np.array(True),
            num_nodes=graphs.num_nodes,
        )
