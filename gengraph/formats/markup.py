"""GraphML and GML: one graph or several in a file, nodes of any name numbered in the order they are declared.

Attributes of nodes and edges are counted, but for those that say nothing more (`gengraph.graphs.attributes`).

References:
    U. Brandes et al. GraphML progress report. Graph Drawing 2001.
    M. Himsolt. GML: a portable graph file format. University of Passau, 1997.
"""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.text import read_text, read_xml
from gengraph.graphs import GraphSet
from gengraph.graphs.attributes import names_kinds, says_more
from gengraph.graphs.collection import Policy, RawGraphs

_GML_TOKEN = re.compile(r'"([^"]*)"|([\[\]])|([^\s\[\]"]+)')


@dataclass(slots=True)
class _Drawn:
    """Graphs as they are read, node by node and edge by edge."""

    path: Path
    numbers: list[dict[str, int]] = field(default_factory=list)
    edges: list[list[tuple[int, int]]] = field(default_factory=list)
    directed: list[bool] = field(default_factory=list)
    attributes: Counter[str] = field(default_factory=Counter)
    names: dict[str, list[Any]] = field(default_factory=dict)

    def graph(self) -> None:
        self._end()
        self.numbers.append({})
        self.edges.append([])

    def node(self, label: str) -> None:
        numbers = self.numbers[-1]
        if label in numbers:
            msg = f"{self.path}, graph {len(self.numbers) - 1}: node {label!r} is declared twice; name every node once"
            raise InputError(msg)
        numbers[label] = len(numbers)

    def edge(self, source: str, target: str, *, directed: bool) -> None:
        numbers = self.numbers[-1]
        for label in (source, target):
            if label not in numbers:
                msg = f"{self.path}, graph {len(self.numbers) - 1}: an edge joins {label!r}, which is no node; declare it"
                raise InputError(msg)
        self.edges[-1].append((numbers[source], numbers[target]))
        self.directed.append(directed)

    def attribute(self, kind: str, name: str, value: Any) -> None:
        if says_more(name, value, of=kind.rpartition(" ")[2]):
            self.attributes[f"{kind} {name}"] += 1
        elif kind == "node":
            self.names.setdefault(f"{kind} {name}", []).append(value)

    def _end(self) -> None:
        """Of the graph so far: names that do not tell its nodes apart are attributes."""
        self.attributes.update({name: len(values) for name, values in self.names.items() if names_kinds(values)})
        self.names.clear()

    def raw(self) -> RawGraphs:
        self._end()
        directed = np.array(self.directed, bool)
        return RawGraphs.from_lists(
            [len(numbers) for numbers in self.numbers], self.edges, directed=directed, attributes=self.attributes
        )


def read_graphml(path: Path, _policy: Policy) -> RawGraphs:
    """Every graph element is a graph; nested graphs, hyperedges and document type declarations are refused."""
    text = read_xml(path)
    try:
        if "<!DOCTYPE" in text:
            msg = "document type declarations are refused"
            raise ET.ParseError(msg)
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError) as error:
        msg = f"{path} is not GraphML: {error}"
        raise InputError(msg) from error
    names = {key.get("id", ""): key.get("attr.name", key.get("id", "")) for key in root.iterfind("{*}key")}
    drawn = _Drawn(path)
    for key in root.iterfind("{*}key"):
        if key.get("for") in ("node", "edge", "all") and key.find("{*}default") is not None:
            drawn.attribute(f"default {key.get('for')}", names[key.get("id", "")], key.findtext("{*}default"))
    for graph in root.iterfind("{*}graph"):
        drawn.graph()
        _draw_graphml(graph, names, drawn)
    return drawn.raw()


def _draw_graphml(graph: ET.Element, names: dict[str, str], drawn: _Drawn) -> None:
    default = graph.get("edgedefault", "undirected")
    children = [(child.tag.rpartition("}")[2], child) for child in graph]
    unknown = {kind for kind, _ in children} - {"node", "edge", "data", "desc"}
    if unknown or any(child.find("{*}graph") is not None for _, child in children):
        msg = f"{drawn.path}: nested graphs, ports and hyperedges are not graphs of nodes and edges, got {sorted(unknown)}"
        raise InputError(msg)
    for kind, child in sorted(children, key=lambda pair: pair[0] != "node"):
        if kind == "node":
            drawn.node(child.get("id", ""))
        elif kind == "edge":
            directed = child.get("directed", str(default == "directed")).lower() == "true"
            drawn.edge(child.get("source", ""), child.get("target", ""), directed=directed)
        for data in child.iterfind("{*}data") if kind in ("node", "edge") else ():
            drawn.attribute(kind, names.get(data.get("key", ""), "data"), data.text)


def read_gml(path: Path, _policy: Policy) -> RawGraphs:
    """Every top-level graph is a graph."""
    text = re.sub(r"^\s*#.*$", "", read_text(path), flags=re.MULTILINE)
    drawn = _Drawn(path)
    try:
        content = _gml_pairs(_GML_TOKEN.finditer(text), closing=None)
    except (ValueError, RecursionError) as error:
        msg = f"{path} is not GML: {error}"
        raise InputError(msg) from error
    for key, value in content:
        if key == "graph" and isinstance(value, list):
            drawn.graph()
            _draw_gml(value, drawn)
    return drawn.raw()


def _gml_pairs(tokens: Iterator[re.Match[str]], *, closing: str | None) -> list[tuple[str, Any]]:
    """The key-value pairs up to the closing bracket, or to the end of the text; a bracketed value is a list of pairs."""
    pairs: list[tuple[str, Any]] = []
    for key in tokens:
        if closing and key[2] == closing:
            return pairs
        value = next(tokens, None)
        if key[3] is None or value is None or value[2] == "]":
            msg = f"{key[0]!r} is no key with a value"
            raise ValueError(msg)
        content = value[1] if value[1] is not None else value[3]
        pairs.append((key[3].lower(), _gml_pairs(tokens, closing="]") if value[2] else content))
    if closing:
        msg = "a bracket is not closed"
        raise ValueError(msg)
    return pairs


def _draw_gml(pairs: list[tuple[str, Any]], drawn: _Drawn) -> None:
    directed = any(key == "directed" and value == "1" for key, value in pairs)
    for wanted, own in (("node", {"id"}), ("edge", {"source", "target"})):
        for key, value in pairs:
            if key != wanted:
                continue
            fields = dict(value) if isinstance(value, list) else {}
            if not own <= set(fields):
                msg = f"{drawn.path}: a GML {wanted} needs {' and '.join(sorted(own))}, got {sorted(fields)}"
                raise InputError(msg)
            if wanted == "node":
                drawn.node(str(fields["id"]))
            else:
                drawn.edge(str(fields["source"]), str(fields["target"]), directed=directed)
            for name in set(fields) - own:
                drawn.attribute(wanted, name, fields[name])


def write_graphml(graphs: GraphSet, path: Path) -> None:
    """One graph element a graph."""
    body = _written(
        graphs,
        '<graph id="{}" edgedefault="undirected">\n'.format,
        '<node id="{}"/>\n'.format,
        '<edge source="{}" target="{}"/>\n'.format,
        "</graph>\n",
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    write_text(path, f"{head}{body}</graphml>\n")


def write_gml(graphs: GraphSet, path: Path) -> None:
    """One top-level graph a graph."""
    body = _written(
        graphs, "graph [\nid {}\n".format, "node [ id {} ]\n".format, "edge [ source {} target {} ]\n".format, "]\n"
    )
    write_text(path, 'Creator "gengraph"\n' + body)


def _written(graphs: GraphSet, begin: Callable[..., str], node: Callable[..., str], edge: Callable[..., str], end: str) -> str:
    parts = []
    for g, n in enumerate(graphs.num_nodes):
        pairs = graphs.edges[graphs.edge_offsets[g] : graphs.edge_offsets[g + 1]].tolist()
        parts += [begin(g), *map(node, range(n)), *(edge(u, v) for u, v in pairs), end]
    return "".join(parts)
