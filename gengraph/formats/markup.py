"""GraphML and GML: one graph or several in a file, nodes of any name numbered in the order they are declared.

References:
    U. Brandes et al. GraphML progress report. Graph Drawing 2001.
    M. Himsolt. GML: a portable graph file format. University of Passau, 1997.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.elements import Elements, Values
from gengraph.formats.named import NamedGraphs
from gengraph.formats.text import read_text
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy, RawGraphs

_GML_TOKEN = re.compile(
    r"""edge\s*\[\s*source\s+([^\s\[\]"]+)\s+target\s+([^\s\[\]"]+)\s*\]  # bare ones, which most are in large files, at once
    |node\s*\[\s*id\s+([^\s\[\]"]+)\s*\]
    |"([^"]*)"|([\[\]])|([^\s\[\]"]+)""",
    re.VERBOSE,
)
_EDGE, _NODE, _BRACKET, _WORD = 2, 3, 5, 6  # groups of it
_GML_DRAWINGS = {"graphics", "labelgraphics", "edgeanchor"}  # of Gephi and yEd
_DRAWINGS = {"nodegraphics", "edgegraphics", "portgraphics", "resources"}  # keys of yEd that say how a graph is drawn


def read_graphml(path: Path, _policy: Policy) -> RawGraphs:
    """Every graph element is a graph; nested graphs, ports, hyperedges and document type declarations are refused."""
    drawn = NamedGraphs(path)
    _GraphML(drawn).elements.read(path, "GraphML")
    return drawn.raw()


class _GraphML:
    """Draws the elements of a file."""

    def __init__(self, drawn: NamedGraphs) -> None:
        self.drawn = drawn
        self.names: dict[tuple[str, str], str | None] = {}  # of attributes, by what they are for and their id; None: drawings
        self.key: tuple[str, str] = "", ""
        self.directed = False
        self.data: tuple[str, str] | None = None
        self.elements = Elements(
            begin={
                "key": self.begin_key,
                "default": lambda _: self.elements.take_text(),
                "graph": self.begin_graph,
                "node": self.node,
                "edge": self.edge,
                "data": self.begin_data,
                "hyperedge": lambda _: self.refuse("hyperedge"),
                "port": lambda _: self.refuse("port"),
            },
            end={"default": self.end_default, "data": self.end_data},
        )

    def begin_key(self, values: Values) -> None:
        self.key = values.get("for", "all"), values.get("id", "")
        drawing = values.get("yfiles.type") in _DRAWINGS
        self.names[self.key] = None if drawing else values.get("attr.name", values.get("id", ""))

    def end_default(self, text: str) -> None:
        name = self.names[self.key]
        if self.key[0] in ("node", "edge", "all") and name is not None:
            self.drawn.attribute(f"default {self.key[0]}", name, text)

    def begin_graph(self, values: Values) -> None:
        if "graph" in self.elements.path[:-1]:
            self.refuse("graph")
        self.directed = values.get("edgedefault") == "directed"
        self.drawn.graph()

    def node(self, values: Values) -> None:
        self.drawn.node(values.get("id", ""))

    def edge(self, values: Values) -> None:
        directed = values["directed"].lower() == "true" if "directed" in values else self.directed
        self.drawn.edge(values.get("source", ""), values.get("target", ""), directed=directed)

    def begin_data(self, values: Values) -> None:
        self.elements.take_text()
        self.data = self.elements.path[-2], values.get("key", "")

    def end_data(self, text: str) -> None:
        of, key = self.data or ("", "")
        if of in ("node", "edge"):
            name = self.names.get((of, key), self.names.get(("all", key), "data"))
            if name is not None:
                self.drawn.attribute(of, name, text)

    def refuse(self, what: str) -> None:
        msg = f"{self.drawn.path}: nested graphs, ports and hyperedges are not graphs of nodes and edges, got [{what!r}]"
        raise InputError(msg)


def read_gml(path: Path, _policy: Policy) -> RawGraphs:
    """Every top-level graph is a graph."""
    text = read_text(path)
    if "#" in text:
        text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    drawn = NamedGraphs(path)
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
    """The key-value pairs up to the closing bracket, or to the end of the text; a bracketed value is a list of pairs.

    A bare edge is a tuple of its ends, a bare node one of its id.
    """
    pairs: list[tuple[str, Any]] = []
    for key in tokens:
        kind = key.lastindex
        if kind == _EDGE:
            pairs.append(("edge", key.group(1, 2)))
        elif kind == _NODE:
            pairs.append(("node", (key[3],)))
        elif closing and key[_BRACKET] == closing:
            return pairs
        else:
            pairs.append(_gml_pair(key, tokens))
    if closing:
        msg = "a bracket is not closed"
        raise ValueError(msg)
    return pairs


def _gml_pair(key: re.Match[str], tokens: Iterator[re.Match[str]]) -> tuple[str, Any]:
    value = next(tokens, None)
    if key.lastindex != _WORD or value is None or value.lastindex in (_EDGE, _NODE) or value[_BRACKET] == "]":
        msg = f"{key[0]!r} is no key with a value"
        raise ValueError(msg)
    return key[_WORD].lower(), _gml_pairs(tokens, closing="]") if value[_BRACKET] else value[value.lastindex or 0]


def _draw_gml(pairs: list[tuple[str, Any]], drawn: NamedGraphs) -> None:
    directed = any(key == "directed" and value == "1" for key, value in pairs)
    for key, value in pairs:
        if key == "node":
            _draw_gml_node(value, drawn)
        elif key == "edge":
            _draw_gml_edge(value, drawn, directed=directed)


def _draw_gml_node(value: Any, drawn: NamedGraphs) -> None:
    if isinstance(value, tuple):
        drawn.node(value[0])
        return
    fields = _gml_fields(value, drawn, "node", {"id"})
    drawn.node(fields.pop("id"))
    for name in fields.keys() - _GML_DRAWINGS:
        drawn.attribute("node", name, fields[name])


def _draw_gml_edge(value: Any, drawn: NamedGraphs, *, directed: bool) -> None:
    if isinstance(value, tuple):
        drawn.edge(*value, directed=directed)
        return
    fields = _gml_fields(value, drawn, "edge", {"source", "target"})
    drawn.edge(fields.pop("source"), fields.pop("target"), directed=directed)
    for name in fields.keys() - _GML_DRAWINGS:
        drawn.attribute("edge", name, fields[name])


def _gml_fields(value: Any, drawn: NamedGraphs, what: str, own: set[str]) -> dict[str, Any]:
    fields = dict(value) if isinstance(value, list) else {}
    if not own <= set(fields) or not all(isinstance(fields[name], str) for name in own):
        msg = f"{drawn.path}: a GML {what} needs {' and '.join(sorted(own))}, got {sorted(fields)}"
        raise InputError(msg)
    return fields


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
