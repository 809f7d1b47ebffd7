"""Sparse adjacency matrices: scipy's .npz, and Matrix Market's .mtx.

A file of `scipy.sparse.save_npz` is one graph, an edge in each direction. Files of several graphs, as `write_npz` makes them,
hold the block-diagonal matrix and beside it an array num_nodes, which scipy passes over.
"""

import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from scipy import sparse

from gengraph.errors import InputError
from gengraph.files import atomic_path
from gengraph.formats.text import read_text
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
    try:
        matrix = sparse.coo_array(scipy.io.mmread(BytesIO(read_text(path).encode())))
    except (ValueError, TypeError, OverflowError) as error:
        msg = f"{path} is no Matrix Market file: {error}; write it anew with scipy.io.mmwrite"
        raise InputError(msg) from error
    return _graphs_of(path, matrix, np.array(matrix.shape[:1], np.int64))


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
