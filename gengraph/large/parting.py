"""One large graph parted into small pieces that say where they were cut, and the links between the pieces.

A piece is a connected component or a community, and each of its nodes has a label: how many links leave it to other pieces.

Legend: n nodes, K pieces, L links.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csgraph

from gengraph.errors import InputError
from gengraph.files import atomic_folder
from gengraph.formats import read_graphs, write_graphs
from gengraph.formats.edge_table import LINKS_KEY
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.schema import LabelArrays, Labels, LabelSchema
from gengraph.large.communities import louvain

OUTSIDE = "outside"
"""The name of the label."""
PIECES, LINKS = "pieces.parquet", "links.parquet"
_EXACT = 16  # links of a node up to which each number is a label of its own
_RATIO = 1.25  # of the bounds of labels beyond


@dataclass(frozen=True, slots=True)
class Parting:
    """A graph as pieces and links.

    Attributes:
        pieces: K graphs whose nodes are labelled `outside`.
        links: int64[L, 2], the edges between pieces; nodes are numbered through all pieces.
        about: what it was made of, JSON-ready.
    """

    pieces: GraphSet
    links: Int64Array
    about: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Write a new folder, whole or not at all.

        Raises:
            OSError: it cannot be written, or is there.
        """
        table = pa.table(dict(zip(("source", "target"), self.links.T, strict=True)))
        with atomic_folder(folder) as temporary:
            write_graphs(self.pieces, temporary / PIECES)
            pq.write_table(table.replace_schema_metadata({LINKS_KEY: json.dumps(self.about)}), temporary / LINKS)

    def whole(self) -> GraphSet:
        """The graph, its nodes numbered through all pieces, without labels."""
        pieces = self.pieces
        edges = np.concatenate([pieces.edges + pieces.node_offsets[:-1][pieces.graph_of_edge][:, None], self.links])
        return GraphSet.from_flat([int(pieces.num_nodes.sum())], np.zeros(len(edges), np.int64), edges)

    def content_hash(self) -> str:
        """Of pieces and links."""
        return hashlib.sha256(self.pieces.content_hash().encode() + self.links.astype("<i8").tobytes()).hexdigest()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `write` wrote.

        Raises:
            InputError: the folder is none of these.
        """
        try:
            table = pq.read_table(folder / LINKS)
            links = np.column_stack([table["source"].to_numpy(), table["target"].to_numpy()])
            parting = cls(read_graphs(folder / PIECES), links, json.loads(table.schema.metadata[LINKS_KEY]))
        except (OSError, KeyError, TypeError, json.JSONDecodeError, pa.ArrowException) as error:
            msg = f"{folder} is no folder of pieces and links ({error}); make one with `gengraph pieces`"
            raise InputError(msg) from error
        outside_of(parting.pieces, "the pieces of the graph")
        return parting


def outside_of(pieces: GraphSet, what: str) -> Int64Array:
    """int64[N], the links of each node that leave its piece.

    Args:
        pieces: labelled by them.
        what: how messages call the pieces.

    Raises:
        InputError: the nodes are not labelled, or by something else.
    """
    labels = pieces.schema.nodes
    if not len(pieces):
        msg = f"{what} must be graphs, got none; draw some from a model that is trained on pieces"
        raise InputError(msg)
    if labels is None or pieces.node_labels is None or labels.name != OUTSIDE or not all(v.isdecimal() for v in labels.values):
        msg = (
            f"{what} must have nodes labelled {OUTSIDE}, the number of links that leave, got {pieces.schema}; train a model on "
            f"{PIECES} of a parted graph and sample from it"
        )
        raise InputError(msg)
    return np.array([int(value) for value in labels.values], np.int64)[pieces.node_labels]


def part(graph: GraphSet, *, max_size: int, about: dict[str, Any] | None = None) -> Parting:
    """Part one graph; nothing is random.

    A connected component of at most `max_size` nodes is a piece. What is larger is parted into its communities by Louvain's
    method [1], these into theirs and so on; what is one community, and too large, into runs of the Cuthill-McKee order.
    O(E log(n / max_size)) time but for communities that are unlike in size.

    A label is the number of links of a node up to 16, beyond the rounded mean of a class of numbers.

    Args:
        graph: a set of one graph; its labels are left aside.
        max_size: nodes of the largest piece, >= 2.
        about: of the graph, JSON-ready, kept.

    Raises:
        InputError: not one graph, or another max_size.

    References:
        [1] see `gengraph.large.communities`.
    """
    if len(graph) != 1:
        msg = f"one graph is parted, got {len(graph)}; choose one of them"
        raise InputError(msg)
    if max_size < 2:
        msg = f"max_size must be >= 2, got {max_size}"
        raise InputError(msg)
    bare = graph.bare()
    piece = _piece_of_nodes(bare, max_size)
    pieces, position = _cut(bare, piece)
    outside = np.zeros(len(piece), np.int64)
    outside[position] = bare.degrees()
    outside -= pieces.degrees()
    cut = piece[bare.edges[:, 0]] != piece[bare.edges[:, 1]]
    links = np.sort(position[bare.edges[cut]], axis=1)
    said = {"max_size": max_size, **(about or {})}
    return Parting(pieces.labelled(_labels(outside)), links[np.lexsort((links[:, 1], links[:, 0]))], said)


def _piece_of_nodes(graph: GraphSet, max_size: int) -> Int64Array:
    """int64[n], the piece of each node, 0..K-1."""
    piece = np.zeros(int(graph.num_nodes[0]), np.int64)
    while True:
        whole = piece[graph.edges[:, 0]] == piece[graph.edges[:, 1]]
        piece = GraphSet.unchecked(graph.num_nodes, np.array([0, whole.sum()]), graph.edges[whole]).component_labels()
        large = np.bincount(piece) > max_size
        if not large.any():
            return piece
        inside = large[piece]
        cut, position = _cut(graph, np.where(inside, piece, -1))
        starts = zip(cut, cut.node_offsets.tolist(), strict=False)
        parts = np.concatenate([_communities(one, max_size) + start for one, start in starts])
        piece = np.where(inside, parts[position], piece + len(piece))


def _communities(graph: GraphSet, max_size: int) -> Int64Array:
    """int64[n], the coarsest communities of a graph, if there are several; else runs of one order."""
    levels = [level for level in louvain(graph) if level.any()]
    if levels:
        return levels[-1]
    size = int(graph.num_nodes[0])
    parts = np.empty(size, np.int64)
    parts[csgraph.reverse_cuthill_mckee(graph.to_csr(), symmetric_mode=True)] = np.arange(size) * -(-size // max_size) // size
    return parts


def _cut(graph: GraphSet, piece: Int64Array) -> tuple[GraphSet, Int64Array]:
    """The pieces but -1 as graphs in their order, and int64[n], the place of each node among all nodes of theirs."""
    names, own = np.unique(piece, return_inverse=True)
    own = own - int(names[:1].sum() < 0)
    order = np.argsort(own, kind="stable")[np.count_nonzero(own < 0) :]
    position = np.zeros(len(piece), np.int64)
    position[order] = np.arange(len(order))
    sizes = np.bincount(own[order])
    ends = own[graph.edges]
    kept = (ends[:, 0] == ends[:, 1]) & (ends[:, 0] >= 0)
    local = position[graph.edges[kept]] - (np.cumsum(sizes) - sizes)[ends[kept]]
    return GraphSet.from_flat(sizes, ends[kept, 0], local), position


def _labels(outside: Int64Array) -> LabelArrays:
    """A label for each number up to 16, and for classes of larger ones their rounded mean."""
    classes = np.where(outside <= _EXACT, outside, _EXACT + 1 + np.log(np.maximum(outside, 1) / _EXACT) // np.log(_RATIO))
    _, codes, counts = np.unique(classes.astype(np.int64), return_inverse=True, return_counts=True)
    means = np.round(np.bincount(codes, outside) / counts).astype(np.int64)
    return LabelArrays(LabelSchema(Labels(OUTSIDE, tuple(map(str, means.tolist())))), codes.astype(np.int32))
