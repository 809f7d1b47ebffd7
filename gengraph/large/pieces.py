"""One large graph drawn as pieces of a learned model, with links between them.

The places of the pieces, and which places are linked how often, are those of the graph that was parted. What stands in a place
is drawn: so are the edges within it, and how many links each of its nodes has.

Legend: n nodes, E edges within pieces, P places, Q pairs of places, L links.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orbits import node_triangles
from gengraph.large.cells import SHARD_EDGES, FloatArray, Keys, shard_ends
from gengraph.large.links import joined, numbers_of_links, stubs_of_pairs
from gengraph.large.models import Fitted, lifted
from gengraph.large.parting import Parting, outside_of
from gengraph.large.selection import bounds_of, chosen, features
from gengraph.seeded import Stream

_CORRECTIONS = 2  # of what is sought, by what came out
_HALVINGS = 4  # in which the closure is found


@dataclass(frozen=True, slots=True)
class PiecesPlan:
    """Edges within places, and links that are still to be made of stubs.

    Attributes:
        starts: int64[P + 1], the first node of each place.
        inside: [n, n], the edges within places.
        pairs: int64[Q, 2] in order, places that are linked.
        stubs: int64[L, 2], a node of the first place and one of the second, pair after pair; not yet matched.
        first: int64[Q + 1], where the links of each pair begin.
        closure: share of links that are made among those that close a triangle.
        most: edges in a shard, about.
    """

    starts: Int64Array
    inside: sparse.csr_array
    pairs: Int64Array
    stubs: Int64Array
    first: Int64Array
    closure: float
    most: int = SHARD_EDGES

    @property
    def num_nodes(self) -> int:
        """Of the new graph."""
        return int(self.starts[-1])

    @property
    def _places(self) -> tuple[Int64Array, FloatArray]:
        """The first place of each shard and P, int64[S + 1], and float64[P], the edges that come with each place."""
        edges = np.diff(self.inside.indptr[self.starts]) / 2
        links = np.bincount(self.pairs[:, 0], np.diff(self.first), len(edges))
        return shard_ends(edges + links, self.most), edges + links

    @property
    def expected(self) -> FloatArray:
        """float64[S], edges that a shard will have."""
        ends, edges = self._places
        return np.add.reduceat(edges, ends[:-1])

    def draw(self, shard: int, seed: int) -> Keys:
        """The edges within the places of a shard, and their links with later places."""
        ends, _ = self._places
        start, stop = self.starts[ends[shard : shard + 2]].tolist()
        pointers, neighbours = self.inside.indptr[start : stop + 1], self.inside.indices
        rows = np.repeat(np.arange(start, stop), np.diff(pointers))
        columns = neighbours[pointers[0] : pointers[-1]]
        within = np.stack([rows, columns], axis=1)[rows < columns]
        pairs = np.searchsorted(self.pairs[:, 0], ends[shard : shard + 2])
        links, _ = self.linked(int(pairs[0]), int(pairs[1]), seed)
        low, high = np.sort(np.concatenate([within, links]), axis=1).astype(np.uint64).T
        return np.asarray((low << np.uint64(32)) | high)

    def whole(self, seed: int) -> GraphSet:
        """The graph."""
        drawn = np.concatenate([self.draw(shard, seed) for shard in range(len(self.expected))])
        edges = np.stack([drawn >> np.uint64(32), drawn & np.uint64(0xFFFFFFFF)], axis=1).astype(np.int64)
        return GraphSet.from_flat([self.num_nodes], np.zeros(len(edges), np.int64), edges)

    def linked(self, start: int, stop: int, seed: int) -> tuple[Int64Array, int]:
        """The links of the pairs start..stop-1, int64[l, 2], and how many triangles they close between two places."""
        numbers = np.diff(self.first[start : stop + 1])
        stubs = self.stubs[self.first[start] : self.first[stop]]
        links, triangles = [stubs[np.repeat(numbers == 1, numbers)]], 0
        for pair in (start + np.flatnonzero(numbers > 1)).tolist():
            ends = self.stubs[self.first[pair] : self.first[pair + 1]].T.tolist()
            made, closed = joined(ends[0], ends[1], self.neighbours, self.closure, Stream(seed, 6, pair))
            links.append(np.array(made, np.int64))
            triangles += closed
        return np.concatenate(links), triangles

    def neighbours(self, node: int) -> list[int]:
        """Within its place."""
        return list(self.inside.indices[self.inside.indptr[node] : self.inside.indptr[node + 1]].tolist())


def fit_pieces(parting: Parting, drawn: GraphSet, *, num_nodes: int | None = None, seed: int = 0) -> Fitted:
    """The plan of a graph like one that was parted, of pieces that a model has drawn.

    Of the drawn pieces those are taken, one a place, that together have the sizes, degrees, clustering and links of the pieces
    of the graph as nearly as can be; what links then add to triangles and degrees, or fail to, is made up for by choosing twice
    more. They stand in the places by rank of (links, nodes). Places are linked as often as those of
    the graph, as far as the links of the pieces allow, so that each node has as many as its label says. Links close as many
    triangles each as those of the graph, if that can be.

    Args:
        parting: of the graph.
        drawn: graphs with nodes labelled like its pieces, at least as many as there are places.
        num_nodes: of the new graph, about: the nearest multiple of those of the graph, by copies of its places; by default one.
        seed: of which pieces stand where, and of the links.

    Raises:
        InputError: the drawn graphs are too few, or their nodes have no such labels.
    """
    own = parting.pieces
    nodes = int(own.num_nodes.sum())
    copies = 1 if num_nodes is None else max(1, round(num_nodes / nodes))
    count = copies * len(own)
    outside = outside_of(drawn, "the drawn pieces")
    if len(drawn) < count:
        msg = f"each of {count} places needs a drawn piece, got {len(drawn)}; draw at least {count}, better twice as many"
        raise InputError(msg)
    inside = outside_of(own, "the pieces of the graph")
    bounds = bounds_of(own.degrees() + inside)
    found, target = features(drawn, outside, bounds), copies * features(own, inside, bounds).sum(axis=0)
    fitted = _linked(parting, drawn[chosen(found, target, count, seed)], copies, seed)
    for _ in range(_CORRECTIONS if len(drawn) > count else 0):
        short = copies * _of_one(parting.whole(), bounds) - _of_one(fitted.plan.whole(seed), bounds)
        target[1:-1] += short[1:-1]
        fitted = _linked(parting, drawn[chosen(found, target, count, seed)], copies, seed)
    return Fitted(fitted.plan, {"places": count, "copies": copies, "drawn": len(drawn), **fitted.parameters})


@dataclass(frozen=True, slots=True)
class _Linked:
    """A plan, and what there is to say of its links."""

    plan: PiecesPlan
    parameters: dict[str, Any]


def _linked(parting: Parting, taken: GraphSet, copies: int, seed: int) -> _Linked:
    """Pieces in places, and links between them."""
    own = parting.pieces
    pieces = taken[_ranked(np.tile(_links_and_nodes(own), copies), _links_and_nodes(taken))]
    node_stubs = outside_of(pieces, "the drawn pieces")
    pairs, wanted = _linked_places(parting)
    pairs = lifted(pairs, len(own), copies, seed)
    pairs, numbers = numbers_of_links(_links_and_nodes(pieces)[0], pairs, np.tile(wanted, copies), seed)
    closing = _Closing(pieces.node_offsets, pieces.to_csr(), pairs, numbers, node_stubs, seed)
    plan, made = closing.found(_triangles_of_links(parting) / max(len(parting.links), 1))
    return _Linked(plan, {"links": made, "stubs_left_over": int(node_stubs.sum()) - 2 * made, "closure": plan.closure})


def _of_one(graph: GraphSet, bounds: Int64Array) -> FloatArray:
    """float64[F], the features of one graph that no link leaves."""
    return np.asarray(features(graph, np.zeros(int(graph.num_nodes[0]), np.int64), bounds)[0])


def _links_and_nodes(pieces: GraphSet) -> Int64Array:
    """int64[2, M], links that leave each piece, and its nodes."""
    graph = pieces.graph_of_node
    links = np.bincount(graph, outside_of(pieces, "pieces"), len(pieces)).astype(np.int64)
    return np.stack([links, pieces.num_nodes.astype(np.int64)])


def _ranked(places: Int64Array, pieces: Int64Array) -> Int64Array:
    """int64[P], for each place the piece of its rank by links and nodes; both are int64[2, P]."""
    standing = np.empty(places.shape[1], np.int64)
    standing[np.lexsort(places[::-1])] = np.lexsort(pieces[::-1])
    return standing


def _linked_places(parting: Parting) -> tuple[Int64Array, Int64Array]:
    """int64[Q, 2], pairs of pieces with links, and int64[Q], how many."""
    own = parting.pieces
    ends = own.graph_of_node[parting.links]
    keys, numbers = np.unique(ends[:, 0] * len(own) + ends[:, 1], return_counts=True)
    return np.stack([keys // len(own), keys % len(own)], axis=1), numbers


def _triangles_of_links(parting: Parting) -> float:
    """Triangles that are not within pieces."""
    whole, within = (node_triangles(graphs).sum() for graphs in (parting.whole(), parting.pieces))
    return float(whole - within) / 3


@dataclass(frozen=True, slots=True)
class _Closing:
    """Plans that differ in their closure alone; `node_stubs` are those of each node, int64[n], `numbers` the links of pairs."""

    starts: Int64Array
    inside: sparse.csr_array
    pairs: Int64Array
    numbers: Int64Array
    node_stubs: Int64Array
    seed: int

    def found(self, triangles: float) -> tuple[PiecesPlan, int]:
        """The plan whose links close so many triangles each, or as many as they can; and how many links it makes."""
        low, high = 0.0, 1.0
        plan = self.plan(high)
        closed, made = self.measured(plan)
        if closed > triangles:
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                plan = self.plan(middle)
                closed, made = self.measured(plan)
                low, high = (low, middle) if closed > triangles else (middle, high)
        return plan, made

    def measured(self, plan: PiecesPlan) -> tuple[float, int]:
        """Triangles that a link closes, and the links that are made."""
        links, closed = plan.linked(0, len(self.pairs), self.seed)
        return closed / max(int(self.numbers.sum()), 1), len(links)

    def plan(self, closure: float) -> PiecesPlan:
        """The stubs of each place shared out among those that it is linked with."""
        first = np.concatenate([[0], np.cumsum(self.numbers)])
        stubs = np.empty((int(first[-1]), 2), np.int64)
        plan = PiecesPlan(self.starts, self.inside, self.pairs, stubs, first, closure)
        place, pair = self.pairs.T.ravel(), np.tile(np.arange(len(self.pairs)), 2)
        order = np.argsort(place, kind="stable")
        bounds = np.searchsorted(place[order], np.arange(len(self.starts))).tolist()
        for p in np.unique(place).tolist():
            rows = order[bounds[p] : bounds[p + 1]]
            nodes = np.arange(self.starts[p], self.starts[p + 1])
            own = np.repeat(nodes, self.node_stubs[nodes]).tolist()
            numbers = self.numbers[pair[rows]].tolist()
            shared = stubs_of_pairs(own, numbers, plan.neighbours, closure, Stream(self.seed, 5, p))
            for row, ends in zip(rows.tolist(), shared, strict=True):
                start = first[row % len(self.pairs)]
                stubs[start : start + len(ends), row // len(self.pairs)] = ends
        return plan
