"""Adjacency matrices and PyTorch-Geometric-style arrays as the flat arrays that a GraphSet is built from.

Legend: N nodes, E edges, A edges of both directions.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gengraph.errors import InputError
from gengraph.graphs.attributes import Attributes, check_attributes
from gengraph.graphs.canonical import sorted_pairs
from gengraph.graphs.pairs import as_counts, as_edge_index

if TYPE_CHECKING:
    from gengraph.graphs.schema import LabelArrays

Int64Array = npt.NDArray[np.int64]


def flat_of_csr(
    adjacency: "sparse.csr_array | sparse.csr_matrix", attributes: Attributes
) -> tuple[list[int], Int64Array, Int64Array]:
    """The size of one graph, the graph of each edge (0), and int64[E, 2].

    Raises:
        InputError: see `GraphSet.from_csr`.
    """
    check_attributes(attributes)
    matrix = sparse.coo_array(adjacency)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        msg = f"an adjacency matrix must be square, got shape {matrix.shape}"
        raise InputError(msg)
    there = np.flatnonzero(matrix.data)
    weights = int((matrix.data[there] != 1).sum())
    if weights and attributes == "error":
        msg = f"an adjacency matrix must hold ones, got {weights} other weights; pass matrix != 0, or attributes='drop'"
        raise InputError(msg)
    row, column = matrix.row[there].astype(np.int64), matrix.col[there].astype(np.int64)
    upper = row <= column
    if not np.array_equal(sorted_pairs(row[upper], column[upper]), sorted_pairs(column[row >= column], row[row >= column])):
        msg = "the adjacency matrix must be symmetric (an undirected graph); use matrix + matrix.T"
        raise InputError(msg)
    pairs = np.column_stack([row[upper], column[upper]])
    return [matrix.shape[0]], np.zeros(len(pairs), np.int64), pairs


def flat_of_edge_index(
    edge_index: npt.ArrayLike, batch: npt.ArrayLike, labels: "LabelArrays | None", *, directed: bool
) -> tuple[Int64Array, Int64Array, Int64Array, "LabelArrays | None"]:
    """Sizes int64[G], the graph of each edge, edges with local node ids, and their labels.

    Undirected edges stand once in the result.

    Raises:
        InputError: see `GraphSet.from_edge_index`.
    """
    graph_of_node = as_counts(batch, "batch")
    if (np.diff(graph_of_node) < 0).any() or graph_of_node.min(initial=0) < 0:
        msg = "batch must be ascending from 0: the nodes of a graph stand together"
        raise InputError(msg)
    source, target = as_edge_index(edge_index)
    sizes = np.bincount(graph_of_node, minlength=0)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    total = int(offsets[-1])
    if len(source) and (min(source.min(), target.min()) < 0 or max(source.max(), target.max()) >= total):
        msg = f"edge_index must lie in 0..{total - 1}, got a node outside"
        raise InputError(msg)
    if (graph_of_node[source] != graph_of_node[target]).any():
        msg = "an edge of edge_index joins nodes of two graphs"
        raise InputError(msg)
    keep = np.ones(len(source), np.bool_)
    if not directed:
        _check_both_ways(source, target, total, None if labels is None else labels.edges)
        keep = source <= target
    owner = graph_of_node[source[keep]]
    pairs = np.column_stack([source[keep], target[keep]]) - offsets[owner][:, None]
    return sizes, owner, pairs, labels and labels.taken(slice(None), keep)


def _check_both_ways(source: Int64Array, target: Int64Array, total: int, labels: "npt.NDArray[np.int32] | None") -> None:
    forward, backward = source * total + target, target * total + source
    there, back = np.argsort(forward, kind="stable"), np.argsort(backward, kind="stable")
    if not np.array_equal(forward[there], backward[back]):
        lonely = len(np.setdiff1d(forward, backward))
        msg = (
            f"graphs must be undirected: {lonely} of {len(source)} edges have no edge the other way; add the missing ones, or "
            "set directed = True"
        )
        raise InputError(msg)
    if labels is not None and not np.array_equal(labels[there], labels[back]):
        differ = int((labels[there] != labels[back]).sum())
        msg = (
            f"both directions of an undirected edge must have one label, {differ} of {len(source)} have another than that back"
        )
        raise InputError(msg)
