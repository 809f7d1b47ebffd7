"""Graphs as files have them, and what is done with what a GraphSet cannot hold: refused, or changed and counted.

Legend: G graphs, E edges of all graphs together.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.canonical import is_canonical, order_of_edges
from gengraph.graphs.classes import Classes, joined_classes
from gengraph.graphs.pairs import as_pairs
from gengraph.graphs.schema import BACKWARD, BARE, FORWARD, LabelArrays, LabelSchema

PARTS = ("train", "validation", "test")
_MAX_NODES = 2**31 - 1
_BLOCK_GRAPHS = 1 << 15  # whose edges are sorted at a time
PART_NAMES = {
    **dict.fromkeys(("train", "training"), 0),
    **dict.fromkeys(("validation", "val", "valid", "dev"), 1),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), 2),
}

_CHOICES = {
    "on_directed": ("error", "symmetrize", "keep"),
    "on_loops": ("error", "drop"),
    "on_multi_edges": ("error", "drop"),
    "on_attributes": ("error", "drop"),
    "on_isolated": ("keep", "drop", "error"),
    "on_components": ("keep", "largest", "error"),
    "on_empty": ("keep", "drop", "error"),
    "on_spellings": ("error", "unite"),
    "on_invalid": ("error", "drop"),
    "on_stereo": ("drop", "error"),
    "bonds": ("kekule", "aromatic"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What reading does with graphs that are more than nodes and undirected edges; by default it refuses and counts.

    Attributes:
        on_directed: error, keep, or symmetrize: an edge in either direction becomes an undirected one.
        on_loops: error, or drop: edges from a node to itself are left out.
        on_multi_edges: error, or drop: of parallel edges one stays.
        on_attributes: error, or drop: weights and features of nodes and edges are left behind, but for labels.
        on_isolated: keep, error, or drop: nodes without edges are left out (after loops are).
        on_components: keep, error, or largest: of a disconnected graph the largest component stays.
        on_empty: keep, error, or drop: graphs without nodes are left out (after isolated nodes are).
        on_spellings: error, or unite: node ids such as 2 and 2.0, one number written in several ways, are one node.
        columns: of a table of edges, the names (or the numbers, from 1) of the columns of both ends of an edge, the column of
            the graph before them if there is one; by default they are found by their names.
        nodes: of a list of edges whose nodes are the numbers 0..n-1 or 1..n: n, so that nodes without edges are there.
        file_format: the format of the file (`gengraph.formats.codecs.CODECS`), where neither its name nor its content says it.
        node_label: the attribute that is kept as the label of nodes; every node has it.
        edge_label: the same of edges.
        bins: of labels that are real numbers, NAME=K: K categories by quantiles.
        on_invalid: error, or drop: what is no molecule that a graph can hold is left out (and counted).
        on_stereo: drop, or error: stereo, isotopes and atom maps of molecules are left behind (and counted).
        bonds: of molecules, kekule: single, double and triple; or aromatic: those of rings are a kind of their own.
        max_atoms: heavy atoms of the largest molecule that is taken.
        smiles: of a table of molecules, the column of their SMILES; by default it is found by its name.
    """

    on_directed: str = "error"
    on_loops: str = "error"
    on_multi_edges: str = "error"
    on_attributes: str = "error"
    on_isolated: str = "keep"
    on_components: str = "keep"
    on_empty: str = "keep"
    on_spellings: str = "error"
    columns: tuple[str, ...] = ()
    nodes: int | None = None
    file_format: str = ""
    node_label: str = ""
    edge_label: str = ""
    bins: tuple[str, ...] = ()
    on_invalid: str = "error"
    on_stereo: str = "drop"
    bonds: str = "kekule"
    max_atoms: int = 1000
    smiles: str = ""

    def __post_init__(self) -> None:
        for name in ("columns", "bins"):
            if isinstance(getattr(self, name), str):
                msg = f"{name} must be a list of texts, got {getattr(self, name)!r}; put it into brackets: [...]"
                raise InputError(msg)
        object.__setattr__(self, "columns", tuple(self.columns))
        if self.columns and (len(self.columns) not in (2, 3) or len(set(self.columns)) < len(self.columns)):
            msg = f"columns must name both ends of an edge, or graph and both ends, got {','.join(self.columns)}"
            raise InputError(msg)
        if self.nodes is not None and not (isinstance(self.nodes, int | np.integer) and 0 <= self.nodes <= _MAX_NODES):
            msg = f"nodes must be a whole number in 0..{_MAX_NODES}, got {self.nodes!r}; leave it out, or mend it"
            raise InputError(msg)
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                msg = f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
                raise InputError(msg)
        object.__setattr__(self, "bins", tuple(self.bins))
        unknown = sorted(set(self.num_bins) - {self.node_label, self.edge_label})
        if unknown:
            msg = f"bins are of node_label or edge_label, got {', '.join(unknown)}; set node_label or edge_label as well"
            raise InputError(msg)

    @property
    def num_bins(self) -> dict[str, int]:
        """How many categories are made of real numbers, by the name of the label."""
        bins = {}
        for text in self.bins:
            name, _, count = text.rpartition("=")
            if not name or not count.isdecimal() or int(count) < 2:
                msg = f"bins must be NAME=K with K >= 2, such as weight=5, got {text!r}"
                raise InputError(msg)
            bins[name] = int(count)
        return bins


@dataclass(frozen=True, kw_only=True, slots=True)
class RawGraphs:
    """Graphs as a file has them: edges may be directed, loops or parallel, nodes and edges have labels and attributes.

    Attributes:
        num_nodes: int[G].
        edge_offsets: int64[G + 1], graph g owns the rows `edge_offsets[g]:edge_offsets[g + 1]` of `edges`.
        edges: int[E, 2], node ids local to the graph, in any order.
        directed: bool[E], or one bool for all edges.
        attributes: how many values there are of each attribute of nodes or edges, but for labels.
        labels: of all nodes and edges, in this order; with directions only if edges are what a GraphSet holds.
        part: int8[G], the index in PARTS of each graph if the file says it.
        spellings: node ids that are the same number as another one, written differently; they are united here.
        example: two of them.
        left_out: what the reader has left out as the policy says, by field of Policy.
        classes: of the graphs, if the file says them.
    """

    num_nodes: npt.NDArray[Any]
    edge_offsets: Int64Array
    edges: npt.NDArray[Any]
    directed: npt.NDArray[np.bool_] | bool = False
    attributes: Mapping[str, int] = field(default_factory=dict)
    part: npt.NDArray[np.int8] | None = None
    spellings: int = 0
    example: str = ""
    labels: LabelArrays | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    classes: Classes | None = None

    @classmethod
    def from_lists(cls, num_nodes: list[int], edge_lists: list[Any], **more: Any) -> Self:
        """Build from one array-like of pairs a graph."""
        parts = [as_pairs(edges) for edges in edge_lists]
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)])
        edges = np.concatenate(parts) if parts else np.zeros((0, 2), np.int64)
        return cls(num_nodes=np.array(num_nodes, np.int64), edge_offsets=offsets, edges=edges, **more)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """One after the other; what part of the data graphs belong to is left out."""
        counts = np.concatenate([np.diff(part.edge_offsets) for part in parts])
        attributes: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        for part in parts:
            attributes.update(part.attributes)
            left_out.update(part.left_out)
        return cls(
            num_nodes=np.concatenate([part.num_nodes for part in parts]),
            edge_offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
            edges=np.concatenate([part.edges for part in parts]),
            directed=np.concatenate([np.broadcast_to(part.directed, len(part.edges)) for part in parts]),
            attributes=attributes,
            spellings=sum(part.spellings for part in parts),
            example=next((part.example for part in parts if part.example), ""),
            labels=_joined(parts),
            left_out=left_out,
            classes=joined_classes((part.classes, len(part.num_nodes)) for part in parts),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """A graph set with what reading it did.

    Attributes:
        graphs: the set.
        part: int8[G], the index in PARTS of each graph if its source says it.
        policy: that it was read with.
        found: how much of each kind the policy was applied to, by field of Policy; kinds that were kept are not counted.
        num_files: that it was read from.
    """

    graphs: GraphSet
    part: npt.NDArray[np.int8] | None = None
    policy: Policy = Policy()
    found: Mapping[str, int] = field(default_factory=dict)
    num_files: int = 1

    @classmethod
    def concatenate(cls, collections: list["Collection"]) -> "Collection":
        """One after the other; parts are known if they are in all of them.

        Raises:
            InputError: some say which part a graph belongs to and others do not.
        """
        parts = [collection.part for collection in collections]
        known = [part for part in parts if part is not None]
        if known and len(known) < len(parts):
            msg = f"{len(parts) - len(known)} of {len(parts)} files have no split column and the others have; give it to all"
            raise InputError(msg)
        found: dict[str, int] = {}
        for collection in collections:
            found |= {kind: found.get(kind, 0) + count for kind, count in collection.found.items()}
        return cls(
            graphs=GraphSet.concatenate(collection.graphs for collection in collections),
            part=np.concatenate(known) if known else None,
            policy=collections[0].policy,
            found=found,
        )

    def record(self) -> dict[str, Any]:
        """Policy and counts, JSON-ready."""
        policy = {
            name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(self.policy).items()
        }
        return {"policy": policy, "found": dict(self.found)} | ({"files": self.num_files} if self.num_files > 1 else {})


def parts_of(names: list[Any], where: str) -> npt.NDArray[np.int8]:
    """The parts int8[G] that split names stand for.

    Raises:
        InputError: a value that names no part.
    """
    unknown = sorted({str(name) for name in names if name not in PART_NAMES})
    if unknown:
        msg = f"{where}: split must be one of {', '.join(PART_NAMES)} for every graph, got {', '.join(unknown[:5])}"
        raise InputError(msg)
    return np.array([PART_NAMES[name] for name in names], np.int8)


class Refused(InputError):
    """What a policy refuses in some graphs: all of it at once.

    Attributes:
        kinds: what was found, by field of Policy.
    """

    def __init__(self, kinds: Mapping[str, str], where: str = "", further: Iterable[str] = ()) -> None:
        """Say what was found, and where; `further` kinds were found elsewhere."""
        self.kinds, self.where = dict(kinds), where
        together = list(dict.fromkeys([*kinds, *further]))
        if len(together) == 1:
            advice = _ADVICE[together[0]]
        else:
            advice = "repair them, or set " + ", ".join(f"{kind} = {_WAY_OUT[kind]}" for kind in together)
        super().__init__(f"{where}graphs must be simple, undirected and bare: {'; '.join(kinds.values())}; {advice}")

    def at(self, path: object) -> "Refused":
        """The same with the file that it was found in."""
        return Refused(self.kinds, f"{path}: ")

    def and_in(self, others: Sequence["Refused"]) -> "Refused":
        """The same with what was found in other files."""
        if not others:
            return self
        further = dict.fromkeys(kind for error in others for kind in error.kinds)
        where = f"{self.where}(and {len(others)} more files) "
        return Refused(self.kinds, where, further)


def simplify(raw: RawGraphs, policy: Policy) -> Collection:
    """The simple undirected graphs that a policy makes of raw ones; O(E log E), and O(E) where they are simple and sorted.

    Raises:
        InputError: an edge to a node that does not exist.
        Refused: things that the policy refuses; the message counts all of them.
    """
    _check_sizes(raw.num_nodes)
    found = _Found(policy)
    found.counts.update(raw.left_out)
    if raw.attributes:
        listed = ", ".join(f"{name} ({count})" for name, count in raw.attributes.items())
        count = sum(raw.attributes.values())
        found.add("on_attributes", count, f"values of attributes would be left behind: {listed}")
    found.add("on_spellings", raw.spellings, f"node ids are written in two ways ({raw.example})")
    raw = _without_labels(raw, found)
    graphs = _as_it_is(raw)
    if graphs is None:
        graphs = _simple(raw, found)
    graphs, kept = _thinned(graphs if raw.classes is None else graphs.classified(raw.classes), found)
    if found.refused:
        raise Refused(found.refused)
    part = raw.part if raw.part is None or kept is None else raw.part[kept]
    return Collection(graphs=graphs, part=part, policy=policy, found=found.counts)


def _without_labels(raw: RawGraphs, found: "_Found") -> RawGraphs:
    """Without what the file itself calls labels and directions, where the policy leaves attributes or directions behind."""
    if raw.labels is None:
        return raw
    policy, schema = found.policy, raw.labels.schema
    nodes, edges, directed = schema.nodes, schema.edges, schema.directed
    if policy.on_attributes == "drop":
        nodes = nodes if nodes is None or nodes.name == policy.node_label else None
        edges = edges if edges is None or edges.name == policy.edge_label else None
    if policy.on_directed == "symmetrize":
        directed = False
    kept, wanted = LabelSchema(nodes, edges, directed), {"nodes": nodes, "edges": edges, "directions": directed}
    left = sum(len(array) for name, array in raw.labels.arrays().items() if not wanted[name])
    if kept == schema:
        return raw
    kind = "on_attributes" if (nodes, edges) != (schema.nodes, schema.edges) else "on_directed"
    found.counts[kind] = found.counts.get(kind, 0) + left
    labels = LabelArrays(
        kept,
        None if nodes is None else raw.labels.nodes,
        None if edges is None else raw.labels.edges,
        raw.labels.directions if directed else None,
    )
    return dataclasses.replace(raw, labels=labels if kept else None)


class _Found:
    """What there is of each kind, and what of it the policy refuses."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.counts: dict[str, int] = {}
        self.refused: dict[str, str] = {}

    def add(self, kind: str, count: int, what: str) -> None:
        if count and getattr(self.policy, kind) == "error":
            self.refused[kind] = f"{count} {what}"
        elif count:
            self.counts[kind] = count


def _joined(parts: Sequence[RawGraphs]) -> LabelArrays | None:
    """The labels of several files, one after the other."""
    if all(part.labels is None for part in parts):
        return None
    return LabelArrays.concatenate([part.labels or LabelArrays(BARE) for part in parts], [len(part.edges) for part in parts])


def _as_it_is(raw: RawGraphs) -> GraphSet | None:
    """The graphs if they are what a GraphSet holds, or would be in another order of their edges; None if they are not."""
    edges = raw.edges.astype(np.int32, copy=False)
    if np.any(raw.directed) or (edges is not raw.edges and not np.array_equal(edges, raw.edges)):
        return None
    nodes = raw.num_nodes.astype(np.int32, copy=False)
    if is_canonical(nodes, raw.edge_offsets, edges):
        return GraphSet(nodes, raw.edge_offsets, edges, raw.labels)
    if raw.labels is not None:
        if raw.labels.directions is not None:
            msg = "edges of graphs with a column of directions must have u < v and be sorted; write them with gengraph"
            raise InputError(msg)
        return None
    try:
        return GraphSet(nodes, raw.edge_offsets, _in_order(nodes, raw.edge_offsets, edges))
    except InputError:
        return None


def _in_order(num_nodes: npt.NDArray[np.int32], offsets: Int64Array, edges: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Edges (u, v) with u <= v, sorted in each graph, a block of graphs at a time."""
    ordered = np.sort(edges, axis=1)
    width = int(num_nodes.max(initial=0))
    for start in range(0, len(num_nodes), _BLOCK_GRAPHS):
        bounds = offsets[start : start + _BLOCK_GRAPHS + 1]
        pairs = ordered[bounds[0] : bounds[-1]]
        graph = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        low, high = pairs.astype(np.int64).T
        order = order_of_edges(graph, low, high, width=width, num_graphs=len(bounds) - 1)
        if order is not None:
            ordered[bounds[0] : bounds[-1]] = pairs[order]
    return ordered


def _simple(raw: RawGraphs, found: _Found) -> GraphSet:
    """Undirected edges, each once, no loops."""
    graph = np.repeat(np.arange(len(raw.num_nodes)), np.diff(raw.edge_offsets))
    edges = raw.edges.astype(np.int64, copy=False)
    _check_range(raw.num_nodes, graph, edges)
    low, high = np.minimum(edges[:, 0], edges[:, 1]), np.maximum(edges[:, 0], edges[:, 1])
    first, pair = _distinct(graph, low, high, num_nodes=raw.num_nodes)
    directed = np.broadcast_to(raw.directed, len(edges))
    plain, forward, backward = (
        np.bincount(pair[chosen], minlength=len(first))
        for chosen in (~directed, directed & (edges[:, 0] == low), directed & (edges[:, 0] != low))
    )
    loop = low[first] == high[first]
    lonely = ((forward > 0) != (backward > 0)) & (plain == 0) & ~loop
    parallel = plain + np.maximum(forward, backward) - 1
    where = _Where(graph[first], edges[first])
    what = f"of {len(edges)} edges have no edge the other way: they are directed"
    keeps_directions = found.policy.on_directed == "keep" and bool(lonely.any())
    if not keeps_directions:
        found.add("on_directed", int(lonely.sum()), what + where(lonely))
    found.add("on_loops", int((loop * (parallel + 1)).sum()), "self-loops" + where(loop))
    found.add("on_multi_edges", int(parallel[~loop].sum()), "parallel edges" + where(~loop & (parallel > 0)))
    labels = raw.labels
    if labels is not None and labels.edges is not None:
        differ = np.bincount(pair, labels.edges != labels.edges[first][pair], len(first)) > 0
        what = "pairs of nodes have edges with labels that differ, of which a pair can keep one"
        found.add("on_multi_edges", int(differ[~loop].sum()), what + where(~loop & differ))
    kept = np.flatnonzero(~loop)
    made = GraphSet.from_flat(raw.num_nodes, graph[first[kept]], edges[first[kept]])
    if labels is not None:
        labels = labels.taken(slice(None), first[kept])
    if keeps_directions:
        directions = (((plain + forward) > 0) * FORWARD + ((plain + backward) > 0) * BACKWARD)[kept]
        schema = dataclasses.replace(BARE if labels is None else labels.schema, directed=True)
        nodes, of_edges = (None, None) if labels is None else (labels.nodes, labels.edges)
        labels = LabelArrays(schema, nodes, of_edges, directions)
    return made.labelled(labels)


def _distinct(
    graph: Int64Array, low: Int64Array, high: Int64Array, *, num_nodes: npt.NDArray[Any]
) -> tuple[Int64Array, Int64Array]:
    """Of edges (graph, low, high): the place of each distinct one, ascending, and the number of every edge among them."""
    order = order_of_edges(graph, low, high, width=int(num_nodes.max(initial=1)), num_graphs=len(num_nodes))
    if order is None:
        order = np.arange(len(graph))
    changes = np.zeros(len(graph), bool)
    for values in (graph[order], low[order], high[order]):
        changes[1:] |= values[1:] != values[:-1]
    changes[:1] = True
    number = np.empty(len(graph), np.int64)
    number[order] = np.cumsum(changes) - 1
    return order[changes], number


def _thinned(graphs: GraphSet, found: _Found) -> tuple[GraphSet, Int64Array | None]:
    """Without what the policy does not keep of isolated nodes, small components and empty graphs; which graphs are left."""
    policy, kept = found.policy, None
    if policy.on_isolated != "keep":
        touched = graphs.degrees() > 0
        found.add("on_isolated", int((~touched).sum()), "nodes without edges")
        graphs = graphs.induced(touched)
    if policy.on_components != "keep":
        disconnected = int((graphs.num_components() > 1).sum())
        found.add("on_components", disconnected, f"of {len(graphs)} graphs are disconnected")
        graphs = graphs.largest_components()
    if policy.on_empty != "keep" and (graphs.num_nodes == 0).any():
        kept = np.flatnonzero(graphs.num_nodes)
        found.add("on_empty", len(graphs) - len(kept), f"of {len(graphs)} graphs have no nodes")
        graphs = graphs[kept]
    return graphs, kept


_ADVICE = {
    "on_directed": "add the missing ones, or set on_directed = symmetrize or keep",
    "on_loops": "remove them, or set on_loops = drop",
    "on_multi_edges": "keep one edge a pair of nodes, or set on_multi_edges = drop (also if every edge stands twice)",
    "on_attributes": "set on_attributes = drop if the structure alone is what you want, or name a node_label or edge_label",
    "on_isolated": "set on_isolated = keep or drop",
    "on_components": "set on_components = keep or largest",
    "on_empty": "set on_empty = keep or drop",
    "on_spellings": "write every id in one way, or set on_spellings = unite",
}
_WAY_OUT = {kind: next(choice for choice in _CHOICES[kind] if choice not in ("error", "keep")) for kind in _ADVICE}


@dataclass(frozen=True, slots=True)
class _Where:
    """Says which graphs some edges belong to."""

    graph: Int64Array
    edges: Int64Array

    def __call__(self, chosen: npt.NDArray[np.bool_]) -> str:
        if not chosen.any():
            return ""
        first = int(np.argmax(chosen))
        u, v = self.edges[first].tolist()
        return f" ({len(np.unique(self.graph[chosen]))} graphs, first graph {int(self.graph[first])}, nodes {u} and {v})"


def _check_sizes(num_nodes: npt.NDArray[Any]) -> None:
    if num_nodes.min(initial=0) < 0:
        msg = f"num_nodes must be >= 0, got {int(num_nodes.min())}"
        raise InputError(msg)
    if num_nodes.max(initial=0) > _MAX_NODES:
        msg = f"num_nodes must be at most {_MAX_NODES}, got {int(num_nodes.max())}"
        raise InputError(msg)


def _check_range(num_nodes: npt.NDArray[Any], graph: Int64Array, edges: Int64Array) -> None:
    outside = (np.minimum(edges[:, 0], edges[:, 1]) < 0) | (np.maximum(edges[:, 0], edges[:, 1]) >= num_nodes[graph])
    if outside.any():
        first = int(np.argmax(outside))
        msg = (
            f"{int(outside.sum())} edges join a node outside 0..n-1, the first is {tuple(edges[first].tolist())} in graph "
            f"{int(graph[first])} of {int(num_nodes[graph[first]])} nodes; number the nodes of each graph 0..n-1"
        )
        raise InputError(msg)
