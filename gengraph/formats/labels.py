"""Labels: the attributes of a file that the policy keeps, and what a writer says of a labelled set.

While files are read, labels are the texts that they hold, of any number; what is asked of them (few real numbers, or bins) is
asked of all files of a folder together.

Legend: N nodes, E edges, A arcs, of all graphs together.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int32Array
from gengraph.graphs.collection import Collection, Policy, RawGraphs
from gengraph.graphs.schema import LabelArrays, Labels, LabelSchema, coded_values, in_order, is_missing, text_of

NODE_LABEL, EDGE_LABEL = "node_label", "edge_label"  # what labels are called in a file that has no name for them


def labels_of(
    where: object, *, nodes: tuple[str, Sequence[Any] | None] = ("", None), edges: tuple[str, Sequence[Any] | None] = ("", None)
) -> LabelArrays | None:
    """The labels of nodes and edges as a file has them; None if they have none.

    Args:
        where: for messages.
        nodes: the name of the label, and its value for each node, None where there is none.
        edges: the same of edges.

    Raises:
        InputError: a node or an edge has no value.
    """
    made = [
        None if values is None or not name else _coded(where, name, values, what)
        for (name, values), what in ((nodes, "nodes"), (edges, "edges"))
    ]
    if made == [None, None]:
        return None
    (of_nodes, node_labels), (of_edges, edge_labels) = (one or (None, None) for one in made)
    return LabelArrays(LabelSchema(of_nodes, of_edges), node_labels, edge_labels)


def directed_as_it_is(raw: RawGraphs, policy: Policy) -> RawGraphs:
    """Graphs whose file says that they are a directed set of ours: with directions, unless they shall be undirected.

    They stay as they are if they are not simple, so that the policy says what is done.
    """
    if policy.on_directed == "symmetrize":
        return raw
    graph = np.repeat(np.arange(len(raw.num_nodes)), np.diff(raw.edge_offsets))
    try:
        made = GraphSet.from_flat(raw.num_nodes, graph, raw.edges, raw.labels, directed=True)
    except InputError:
        return raw
    return dataclasses.replace(raw, edge_offsets=made.edge_offsets, edges=made.edges, directed=False, labels=made.labels)


def _coded(where: object, name: str, values: Sequence[Any], what: str) -> tuple[Labels, Int32Array]:
    missing = sum(map(is_missing, values))
    if missing:
        msg = (
            f"{where}: {missing} of {len(values)} {what} have no value of {name}; give one to all, or take another attribute "
            "for labels"
        )
        raise InputError(msg)
    texts = [value if isinstance(value, str) else text_of(value) for value in values]
    labels = Labels(name, in_order(set(texts)))
    number = {text: k for k, text in enumerate(labels.values)}
    return labels, np.array([number[text] for text in texts], np.int32)


def refuse_unknown(where: object, name: str, of: str, known: Sequence[str]) -> None:
    """Raise InputError: no node (or edge) has the attribute that is asked for."""
    listed = f"they have {', '.join(sorted(known))}" if known else "they have none"
    msg = f"{where}: {of}s have no attribute {name}, {listed}; set {of}_label to one that is there, or leave it out"
    raise InputError(msg)


def check_labelled(where: object, policy: Policy, labels: LabelArrays | None, attributes: Sequence[str], sizes: Any) -> None:
    """Refuse graphs without the labels that a policy asks for.

    Args:
        where: for messages.
        policy: what asks.
        labels: that were read.
        attributes: the names of further ones, as `RawGraphs.attributes` has them.
        sizes: how many nodes and edges there are.

    Raises:
        InputError: there are nodes, or edges, and they have no such label.
    """
    schema = LabelSchema() if labels is None else labels.schema
    for of, name, kept, size in zip(
        ("node", "edge"), (policy.node_label, policy.edge_label), (schema.nodes, schema.edges), sizes, strict=True
    ):
        if name and size and (kept is None or kept.name != name):
            known = [kept.name] if kept is not None else []
            other = "edge" if of == "node" else "node"
            theirs = [text for text in attributes if not text.startswith((f"{other} ", f"{other}_"))]
            refuse_unknown(where, name, of, known + [text.removeprefix(f"{of} ") for text in theirs])


def categorical(collection: Collection, policy: Policy) -> Collection:
    """A collection whose labels, where the policy names them, are categories: real numbers in bins.

    Raises:
        InputError: real numbers without bins, or bins of something else.
    """
    labels = collection.graphs.labels
    if labels is None or not (policy.node_label or policy.edge_label):
        return collection
    schema, bins = labels.schema, policy.num_bins
    nodes = _binned(schema.nodes, labels.nodes, policy.node_label, bins)
    edges = _binned(schema.edges, labels.edges, policy.edge_label, bins)
    made = LabelArrays(LabelSchema(nodes[0], edges[0], schema.directed), nodes[1], edges[1], labels.directions)
    return dataclasses.replace(collection, graphs=collection.graphs.labelled(made))


def _binned(
    labels: Labels | None, codes: Int32Array | None, name: str, bins: dict[str, int]
) -> tuple[Labels | None, Int32Array | None]:
    if labels is None or codes is None or labels.name != name:
        return labels, codes
    if name in bins:
        return coded_values(name, [labels.values[code] for code in codes.tolist()], bins[name])
    coded_values(name, labels.values)
    return labels, codes


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A graph as a text tells it.

    Attributes:
        number: of the graph.
        num_nodes: N of it.
        nodes: the label of each node; None if they have none.
        pairs: [u, v] for each edge, [source, target] for each arc of a directed graph.
        edges: the label of each of them; None if they have none.
        its_class: that of the graph; None if it has none.
    """

    number: int
    num_nodes: int
    nodes: list[str] | None
    pairs: list[list[int]]
    edges: list[str] | None
    its_class: str | None


def told(graphs: GraphSet) -> Iterator[Told]:
    """Graph by graph, what a writer says."""
    rows, arcs = graphs.arcs()
    bounds = np.searchsorted(rows, graphs.edge_offsets).tolist()
    offsets = graphs.node_offsets.tolist()
    schema, labels = graphs.schema, graphs.labels or LabelArrays(LabelSchema())
    of_edges = None if labels.edges is None else labels.edges[rows]
    classes = [None] * len(graphs) if graphs.classes is None else graphs.classes.names()
    for g in range(len(graphs)):
        yield Told(
            number=g,
            num_nodes=offsets[g + 1] - offsets[g],
            nodes=texts(schema.nodes, labels.nodes, slice(offsets[g], offsets[g + 1])),
            pairs=arcs[bounds[g] : bounds[g + 1]].tolist(),
            edges=texts(schema.edges, of_edges, slice(bounds[g], bounds[g + 1])),
            its_class=classes[g],
        )


def texts(labels: Labels | None, codes: Int32Array | None, chosen: Any = slice(None)) -> list[str] | None:
    """What some labels say; None if there are none."""
    return None if labels is None or codes is None else [labels.values[code] for code in codes[chosen].tolist()]


def check_writable(graphs: GraphSet, path: Path, keeps: frozenset[str], instead: Sequence[str]) -> None:
    """Refuse to write what a format cannot say.

    Args:
        graphs: a set.
        path: the file.
        keeps: of `nodes`, `edges` and `directions`, what the format has a place for.
        instead: suffixes of formats that have one for all three.

    Raises:
        InputError: labels or directions would be lost.
    """
    if graphs.labels is None:
        return
    schema, arrays = graphs.schema, graphs.labels.arrays()
    names = {"nodes": schema.nodes, "edges": schema.edges}
    lost = [
        f"{len(arrays[kind])} {kind[:-1]} labels ({labels.name})" if labels else f"the directions of {len(arrays[kind])} edges"
        for kind in arrays
        if kind not in keeps
        for labels in [names.get(kind)]
    ]
    if lost:
        msg = (
            f"{path.suffix} cannot say {' and '.join(lost)}; choose one of {', '.join(instead)}, or leave them behind with "
            "graphs.bare()"
        )
        raise InputError(msg)


def check_texts(
    path: Path,
    graphs: GraphSet,
    *,
    names: str = "",
    can_spell: Callable[[str], object] = bool,
    taken: Sequence[str] = (),
) -> None:
    """Refuse names and values of labels that a format has no spelling for.

    Args:
        path: the file.
        graphs: a set.
        names: a regular expression of the names that the format can spell; any if it is empty.
        can_spell: says whether it can spell a value, and false of the empty text.
        taken: names that mean something else, in small letters.

    Raises:
        InputError: a name or a value is none of these.
    """
    for labels in filter(None, (graphs.schema.nodes, graphs.schema.edges)):
        if labels.name.lower() in taken or not can_spell(labels.name) or (names and not re.fullmatch(names, labels.name)):
            msg = f"{path.suffix} has no spelling for the name {labels.name!r} of labels; rename them, or write .jsonl"
            raise InputError(msg)
        strange = next((value for value in labels.values if not can_spell(value)), None)
        if strange is not None:
            msg = f"{path.suffix} has no spelling for the label {strange!r} of {labels.name}; rename it, or write .jsonl"
            raise InputError(msg)


def check_classes(path: Path, graphs: GraphSet, can_spell: Callable[[str], object]) -> None:
    """Refuse classes of graphs that a format has no spelling for; arguments and errors as for `check_texts`."""
    strange = next((name for name in (graphs.classes.values if graphs.classes else ()) if not can_spell(name)), None)
    if strange is not None:
        msg = f"{path.suffix} has no spelling for the class {strange!r}; rename it, or write .jsonl"
        raise InputError(msg)
