"""Categorical labels of nodes and edges, and the directions of edges, of a set of graphs.

Legend: N nodes, E edges, K kinds of labels.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError

Int32Array = npt.NDArray[np.int32]
Int8Array = npt.NDArray[np.int8]
FORWARD, BACKWARD, BOTH = 1, 2, 3  # of an edge (u, v) with u < v: from u to v, from v to u, both
_MAX_REALS = 16  # different fractions that are still categories, such as the bond orders 1, 1.5 and 2


@dataclass(frozen=True, slots=True)
class Labels:
    """The kinds of labels that nodes, or edges, have.

    Attributes:
        name: of the attribute, such as element.
        values: str[K], what label k says; all different.

    Raises:
        InputError: no name, or a value twice.
    """

    name: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        if not self.name or len(set(self.values)) < len(self.values):
            msg = f"labels need a name, and each value once, got {self.name!r} with {', '.join(map(repr, self.values))}"
            raise InputError(msg)

    def union(self, other: "Labels") -> "Labels":
        """The values of both: this one's first, unless the order of both is that of `in_order`."""
        if other.values == self.values:
            return self
        values = tuple(dict.fromkeys([*self.values, *other.values]))
        listed = (self.values, other.values)
        return Labels(self.name, in_order(values) if all(one == in_order(one) for one in listed) else values)


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """What a set of graphs says beyond nodes and undirected edges; false if nothing.

    Attributes:
        nodes: the labels of nodes, if they have any.
        edges: the labels of edges, if they have any.
        directed: edges have directions.
    """

    nodes: Labels | None = None
    edges: Labels | None = None
    directed: bool = False

    def __bool__(self) -> bool:
        return self != LabelSchema()

    def __str__(self) -> str:
        """As a message says it: node labels element, edge labels bond, directed edges."""
        kinds = (("node", self.nodes), ("edge", self.edges))
        said = [f"{kind} labels {labels.name} ({len(labels.values)})" for kind, labels in kinds if labels is not None]
        return ", ".join(said + ["directed edges"] * self.directed) or "no labels"

    @property
    def num_kinds(self) -> tuple[int, int]:
        """How many kinds of nodes there are, and of edges; one each without labels."""
        nodes, edges = (1 if labels is None else len(labels.values) for labels in (self.nodes, self.edges))
        return nodes, edges

    def union(self, other: "LabelSchema") -> "LabelSchema":
        """The schema that both can be said in.

        Raises:
            InputError: one has labels of nodes or edges that the other has not, or of another name.
        """
        for kind, mine, theirs in (("node", self.nodes, other.nodes), ("edge", self.edges, other.edges)):
            if (mine and mine.name) != (theirs and theirs.name):
                msg = (
                    f"graphs must have the same kinds of {kind} labels, got {self} and {other}; label both, or leave labels "
                    "behind with graphs.bare()"
                )
                raise InputError(msg)
        return LabelSchema(
            nodes=self.nodes and other.nodes and self.nodes.union(other.nodes),
            edges=self.edges and other.edges and self.edges.union(other.edges),
            directed=self.directed or other.directed,
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "nodes": self.nodes and {"name": self.nodes.name, "values": list(self.nodes.values)},
            "edges": self.edges and {"name": self.edges.name, "values": list(self.edges.values)},
            "directed": self.directed,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """What `to_json` gave.

        Raises:
            InputError: it is something else.
        """
        try:
            nodes, edges = (
                value[kind] and Labels(value[kind]["name"], tuple(value[kind]["values"])) for kind in ("nodes", "edges")
            )
            return cls(nodes, edges, bool(value["directed"]))
        except (KeyError, TypeError) as error:
            msg = f"a label schema has nodes, edges (each null or a name and values) and directed, got {str(value)[:80]}"
            raise InputError(msg) from error


BARE = LabelSchema()


@dataclass(frozen=True, slots=True, eq=False)
class LabelArrays:
    """The labels of all nodes and edges of a set, in their order.

    Attributes:
        schema: what they mean; it has nodes, edges and directed exactly where the arrays are there.
        nodes: int32[N].
        edges: int32[E].
        directions: int8[E], FORWARD, BACKWARD or BOTH.

    Raises:
        InputError: an array is missing or too many, or holds a label outside 0..K-1 or a direction outside 1..3.
    """

    schema: LabelSchema
    nodes: Int32Array | None = None
    edges: Int32Array | None = None
    directions: Int8Array | None = None

    def __post_init__(self) -> None:
        schema = self.schema
        for name, dtype, low, high in (
            ("nodes", np.int32, 0, None if schema.nodes is None else len(schema.nodes.values) - 1),
            ("edges", np.int32, 0, None if schema.edges is None else len(schema.edges.values) - 1),
            ("directions", np.int8, FORWARD, BOTH if schema.directed else None),
        ):
            given = getattr(self, name)
            if (given is None) != (high is None):
                fault = "are missing" if given is None else "are too many"
                msg = f"labels must be what the schema says ({schema}): {name} {fault}"
                raise InputError(msg)
            if given is None or high is None:
                continue
            whole = np.asarray(given)
            if whole.ndim != 1 or (whole.size and whole.dtype.kind not in "iu"):
                msg = f"labels of {name} must be whole numbers in one dimension, got {whole.dtype}{list(whole.shape)}"
                raise InputError(msg)
            if whole.size and not low <= int(whole.min()) <= int(whole.max()) <= high:
                msg = f"labels of {name} must lie in {low}..{high}, got {int(whole.min())}..{int(whole.max())}"
                raise InputError(msg)
            array = np.ascontiguousarray(whole, dtype).view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @classmethod
    def of(
        cls,
        schema: LabelSchema,
        nodes: npt.NDArray[np.integer],
        edges: npt.NDArray[np.integer],
        directions: Int8Array | None = None,
    ) -> Self:
        """Those of int[N] and int[E] labels that a schema has; directions must be there exactly where it has them."""
        return cls(
            schema,
            None if schema.nodes is None else np.asarray(nodes, np.int32),
            None if schema.edges is None else np.asarray(edges, np.int32),
            directions,
        )

    @classmethod
    def coded(
        cls,
        *,
        nodes: tuple[str, Sequence[Any]] | None = None,
        edges: tuple[str, Sequence[Any]] | None = None,
        bins: dict[str, int] | None = None,
    ) -> Self:
        """Labels of values as files have them.

        Args:
            nodes: the attribute's name and its value for each node.
            edges: the same for each edge.
            bins: by attribute of real numbers: into how many kinds quantiles make of it.

        Raises:
            InputError: a value is missing, or they are real numbers and not to be binned.
        """
        made = [
            None if given is None else coded_values(*given, num_bins=(bins or {}).get(given[0])) for given in (nodes, edges)
        ]
        (node_labels, node_codes), (edge_labels, edge_codes) = (one or (None, None) for one in made)
        return cls(LabelSchema(node_labels, edge_labels), node_codes, edge_codes)

    def taken(self, nodes: Any, edges: Any) -> "LabelArrays":
        """Those of some nodes and edges: index arrays, masks or slices; what is checked already is not checked again."""
        made = object.__new__(LabelArrays)
        object.__setattr__(made, "schema", self.schema)
        for name, rows in (("nodes", nodes), ("edges", edges), ("directions", edges)):
            array = getattr(self, name)
            part = None if array is None else array[rows].view()
            if part is not None:
                part.flags.writeable = False
            object.__setattr__(made, name, part)
        return made

    def with_schema(self, schema: LabelSchema, num_edges: int) -> "LabelArrays":
        """The same labels by the numbers of a schema that has all their values.

        Raises:
            InputError: it has not.
        """
        directions = self.directions
        if schema.directed and directions is None:
            directions = np.full(num_edges, BOTH, np.int8)
        return LabelArrays(
            schema,
            _renumbered(self.nodes, self.schema.nodes, schema.nodes),
            _renumbered(self.edges, self.schema.edges, schema.edges),
            directions,
        )

    def equals(self, other: "LabelArrays") -> bool:
        """Whether schema and arrays are the same."""
        pairs = ((self.nodes, other.nodes), (self.edges, other.edges), (self.directions, other.directions))
        return self.schema == other.schema and all(
            one is two if one is None or two is None else np.array_equal(one, two) for one, two in pairs
        )

    @staticmethod
    def concatenate(parts: "Sequence[LabelArrays]", num_edges: Sequence[int]) -> "LabelArrays":
        """One after the other, in the schema that all can be said in.

        Raises:
            InputError: they have labels of different names.
        """
        schema = parts[0].schema
        for part in parts[1:]:
            schema = schema.union(part.schema)
        same = [part.with_schema(schema, count) for part, count in zip(parts, num_edges, strict=True)]
        joined = {}
        for field in ("nodes", "edges", "directions"):
            arrays = [getattr(part, field) for part in same]
            joined[field] = None if arrays[0] is None else np.concatenate(arrays)
        return LabelArrays(schema, **joined)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Those that are there, by name."""
        return {
            field.name: array
            for field in dataclasses.fields(self)
            if field.name != "schema" and (array := getattr(self, field.name)) is not None
        }


def skeleton(
    graph: npt.NDArray[np.int64], pairs: npt.NDArray[Any], forward: npt.NDArray[np.bool_], labels: LabelArrays
) -> tuple[npt.NDArray[np.int64], LabelArrays]:
    """Directed edges as undirected ones with directions.

    Args:
        graph: int64[A], of each edge, ascending.
        pairs: int[A, 2], (u, v) with u <= v, sorted in each graph.
        forward: bool[A], it goes from u to v.
        labels: of the nodes, and of these edges.

    Returns:
        int64[E], the first row of each undirected edge; of parallel edges in one direction all stay. Labels with directions.

    Raises:
        InputError: the two edges of a pair of nodes have different labels.
    """
    again = np.zeros(len(graph), bool)
    again[1:] = (graph[1:] == graph[:-1]) & (pairs[1:] == pairs[:-1]).all(axis=1) & (forward[1:] != forward[:-1])
    again[1:] &= ~again[:-1]
    second = np.flatnonzero(again)
    if labels.edges is not None:
        differ = second[labels.edges[second] != labels.edges[second - 1]]
        if len(differ):
            u, v = pairs[differ[0]].tolist()
            msg = (
                f"edges in both directions between two nodes must have one label, {len(differ)} pairs have two (the first are "
                f"nodes {u} and {v} of graph {int(graph[differ[0]])}); give both the same, or make one node label of the two"
            )
            raise InputError(msg)
    directions = np.where(forward, FORWARD, BACKWARD).astype(np.int8)
    directions[second - 1] = BOTH
    first = np.flatnonzero(~again)
    schema = dataclasses.replace(labels.schema, directed=True)
    return first, LabelArrays(schema, labels.nodes, None if labels.edges is None else labels.edges[first], directions[first])


def in_order(values: Iterable[str]) -> tuple[str, ...]:
    """Values ascending: as numbers if all are finite numbers, else as texts."""
    listed = sorted(values)
    return tuple(sorted(listed, key=float) if all(_is_finite(value) for value in listed) else listed)


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none: None, the empty text, or NaN."""
    return (
        value is None
        or (isinstance(value, str) and not value)
        or (isinstance(value, float | np.floating) and bool(np.isnan(value)))
    )


def coded_values(name: str, values: Sequence[Any], num_bins: int | None = None) -> tuple[Labels, Int32Array]:
    """The labels of values, and int32[len(values)]; see `LabelArrays.coded`."""
    missing = sum(map(is_missing, values))
    if missing:
        msg = f"{missing} of {len(values)} have no value of {name}; give one to all, or take another attribute for labels"
        raise InputError(msg)
    if num_bins is not None:
        return _binned(name, values, num_bins)
    texts = [text_of(value) for value in values]
    distinct = dict.fromkeys(texts)
    real = [value for value in distinct if _is_real(value)]
    if len(real) > _MAX_REALS:
        msg = (
            f"labels must be categories, {name} has real numbers ({len(real)} of {len(distinct)} values, such as {real[0]}); "
            f"set bins = {name}=5 to make categories by quantiles"
        )
        raise InputError(msg)
    labels = Labels(name, in_order(distinct))
    number = {value: k for k, value in enumerate(labels.values)}
    return labels, np.array([number[text] for text in texts], np.int32)


def _binned(name: str, values: Sequence[Any], num_bins: int) -> tuple[Labels, Int32Array]:
    """Categories of real numbers, each of about as many values; equal values are of one category, the least of their own."""
    try:
        numbers = np.array([float(value) for value in values], np.float64)
    except (TypeError, ValueError) as error:
        msg = f"bins are for numbers, {name} has other values ({error}); leave the bins out"
        raise InputError(msg) from error
    if num_bins < 2 or not np.isfinite(numbers).all():
        msg = f"bins of {name} must be at least 2, of finite numbers, got {num_bins}"
        raise InputError(msg)
    ordered = np.sort(numbers)
    above = ordered[ordered > ordered[:1]] if len(ordered) else ordered
    edges: list[float] = []
    if len(above):  # a category begins with the value below which a k-th of all lies, none with the least
        begins = ordered[np.arange(1, num_bins) * len(ordered) // num_bins]
        edges = np.unique(np.maximum(begins, above[0])).tolist()
    bounds = [-math.inf, *edges, math.inf]
    spelled = tuple(f"[{low:.6g}, {high:.6g})" for low, high in itertools.pairwise(bounds))
    return Labels(name, spelled), np.searchsorted(edges, numbers, side="right").astype(np.int32)


def _renumbered(codes: Int32Array | None, old: Labels | None, new: Labels | None) -> Int32Array | None:
    if codes is None or old is None or new is None or old.values == new.values:
        return codes
    place = {value: k for k, value in enumerate(new.values)}
    used = np.flatnonzero(np.bincount(codes, minlength=len(old.values))).tolist()
    unknown = [old.values[k] for k in used if old.values[k] not in place]
    if unknown:
        msg = f"{old.name} must be one of {', '.join(new.values)}, got {', '.join(unknown[:5])}"
        raise InputError(msg)
    table = np.array([place.get(value, -1) for value in old.values], np.int32)
    return table[codes]


def text_of(value: Any) -> str:
    """A value as a label, as files in text have it: fractions that are whole numbers as these, `true` and `false`."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _is_finite(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _is_real(value: str) -> bool:
    return _is_finite(value) and not float(value).is_integer()
