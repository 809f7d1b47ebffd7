"""GraphML and GML: one graph or several in a file, nodes of any name numbered in the order they are declared.

References:
    U. Brandes et al. GraphML progress report. Graph Drawing 2001.
    M. Himsolt. GML: a portable graph file format. University of Passau, 1997.
"""

import html
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.elements import Elements, Values, spelled_in_xml
from gengraph.formats.labels import check_classes, check_texts, told
from gengraph.formats.named import NamedGraphs
from gengraph.formats.text import read_text, read_xml
from gengraph.graphs import GraphSet
from gengraph.graphs.classes import CLASS
from gengraph.graphs.collection import Policy, RawGraphs
from gengraph.graphs.schema import Labels, text_of

_BARE_GRAPH = re.compile(  # most of a large file: nodes and edges without attributes, up to the end of their graph
    r"""(<graph\b[^<>]*+(?<!/)>)
    ((?:[ \t\n]*+<node[ ]id="[^"<&\0-\x20]*+"[ ]?(?:/>|>[ \t\n]*+</node>))++)
    ((?:[ \t\n]*+<edge[ ]source="[^"<&\0-\x20]*+"[ ]target="[^"<&\0-\x20]*+"[ ]?(?:/>|>[ \t\n]*+</edge>))*+)
    (?=[ \t\n]*+</graph>)""",
    re.VERBOSE,
)
_GRAPH, _NO_ELEMENTS = re.compile(r"<graph\b"), re.compile(r"<!|-->|\?>|\]\]>")
_QUOTED = re.compile('"([^"]*)"')
_BREAKS = {"\r": "&#13;"}  # that XML reads as a line feed else
_RUN = "gengraph-run"  # stands in for them
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}  # as XML spells them
_GML_TOKEN = re.compile(
    r"""edge\s*\[\s*source\s+([^\s\[\]"]+)\s+target\s+([^\s\[\]"]+)\s*\]  # bare ones, which most are in large files, at once
    |node\s*\[\s*id\s+([^\s\[\]"]+)\s*\]
    |"([^"]*)"|([\[\]])|([^\s\[\]"]+)""",
    re.VERBOSE,
)
_EDGE, _NODE, _BRACKET, _WORD = 2, 3, 5, 6  # groups of it
_GML_WORDS = {"graph", "node", "edge", "directed", "id", "source", "target", "label", "graphics", "labelgraphics", "edgeanchor"}
_GML_DRAWINGS = {"graphics", "labelgraphics", "edgeanchor"}  # of Gephi and yEd
_DRAWINGS = {"nodegraphics", "edgegraphics", "portgraphics", "resources"}  # keys of yEd that say how a graph is drawn


def read_graphml(path: Path, policy: Policy) -> RawGraphs:
    """Every graph element is a graph; nested graphs, ports, hyperedges and document type declarations are refused."""
    drawn = NamedGraphs(path, policy)
    text, runs = _without_runs(read_xml(path))
    _GraphML(drawn, runs).elements.read(path, text, "GraphML")
    return drawn.raw()


def _without_runs(text: str) -> tuple[str, list[tuple[list[str], list[str]]]]:
    """The text with a mark for each run of bare nodes and edges; of each the names of the nodes, and those of ends of edges."""
    runs: list[tuple[list[str], list[str]]] = []
    graph = _GRAPH.search(text)
    start = graph.start() if graph else len(text)
    if _NO_ELEMENTS.search(text, start):  # what looks like a graph may lie in a comment, say
        return text, runs

    def cut(found: re.Match[str]) -> str:
        runs.append((_QUOTED.findall(found[2]), _QUOTED.findall(found[3])))
        return f'{found[1]}<{_RUN} n="{len(runs) - 1}"/>'

    return text[:start] + _BARE_GRAPH.sub(cut, text[start:]), runs


class _GraphML:
    """Draws the elements of a file.

    Attributes:
        runs: the names in those parts of it that are cut out: of nodes, and of both ends of each edge in turn.
    """

    def __init__(self, drawn: NamedGraphs, runs: Sequence[tuple[list[str], list[str]]]) -> None:
        self.drawn, self.runs = drawn, runs
        self.names: dict[tuple[str, str], str | None] = {}  # of attributes, by what they are for and their id; None: drawings
        self.booleans: set[tuple[str, str]] = set()  # of these, what they are for and their ids
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
                _RUN: self.run,
                "hyperedge": lambda _: self.refuse("hyperedge"),
                "port": lambda _: self.refuse("port"),
            },
            end={"default": self.end_default, "data": self.end_data},
        )

    def begin_key(self, values: Values) -> None:
        self.key = values.get("for", "all"), values.get("id", "")
        if values.get("attr.type") == "boolean":
            self.booleans.add(self.key)
        drawing = values.get("yfiles.type") in _DRAWINGS
        self.names[self.key] = None if drawing else values.get("attr.name", values.get("id", ""))

    def end_default(self, text: str) -> None:
        name = self.names[self.key]
        if self.key[0] in ("node", "edge", "all") and name is not None:
            self.drawn.attribute(f"default {self.key[0]}", name, self.value(self.key, text))

    def value(self, key: tuple[str, str], text: str) -> str:
        """What a text says; networkx writes True for true."""
        said = _BOOLEANS.get(text.strip().lower()) if key in self.booleans else None
        return text if said is None else text_of(said)

    def begin_graph(self, values: Values) -> None:
        if "graph" in self.elements.path[:-1]:
            self.refuse("graph")
        self.directed = values.get("edgedefault") == "directed"
        self.drawn.graph()

    def node(self, values: Values) -> None:
        self.drawn.node(values.get("id", ""))

    def edge(self, values: Values) -> None:
        said = values.get("directed", "true" if self.directed else "false")
        directed = _BOOLEANS.get(said.strip().lower())
        if directed is None:
            msg = f"{self.drawn.path}: directed of an edge must be true or false, got {said!r}; mend it"
            raise InputError(msg)
        self.drawn.edge(values.get("source", ""), values.get("target", ""), directed=directed)

    def run(self, values: Values) -> None:
        nodes, ends = self.runs[int(values["n"])]
        self.drawn.bare(nodes, ends[::2], ends[1::2], directed=self.directed)

    def begin_data(self, values: Values) -> None:
        self.elements.take_text()
        self.data = self.elements.path[-2], values.get("key", "")

    def end_data(self, text: str) -> None:
        of, key = self.data or ("", "")
        if of in ("node", "edge", "graph"):
            known = (of, key) if (of, key) in self.names else ("all", key)
            name, text = self.names.get(known, "data"), self.value(known, text)
            if name is not None and of == "graph":
                self.drawn.about(name, text)
            elif name is not None:
                self.drawn.attribute(of, name, text)

    def refuse(self, what: str) -> None:
        msg = f"{self.drawn.path}: nested graphs, ports and hyperedges are not graphs of nodes and edges, got [{what!r}]"
        raise InputError(msg)


def read_gml(path: Path, policy: Policy) -> RawGraphs:
    """Every top-level graph is a graph."""
    text = read_text(path)
    if "#" in text:
        text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    drawn = NamedGraphs(path, policy)
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
    name = key[_WORD].lower() if key[_WORD].lower() in _GML_WORDS else key[_WORD]
    if value[_BRACKET]:
        return name, _gml_pairs(tokens, closing="]")
    text = value[value.lastindex or 0]
    return name, html.unescape(text) if "&" in text else text


def _draw_gml(pairs: list[tuple[str, Any]], drawn: NamedGraphs) -> None:
    directed = any(key == "directed" and value == "1" for key, value in pairs)
    for key, value in pairs:
        if key == "node":
            _draw_gml_node(value, drawn)
        elif key == "edge":
            _draw_gml_edge(value, drawn, directed=directed)
        else:
            drawn.about(key, value)


def _draw_gml_node(value: Any, drawn: NamedGraphs) -> None:
    if isinstance(value, tuple):
        drawn.node(value[0])
        return
    fields = _gml_fields(value, drawn, "node", {"id"})
    if isinstance(fields.get("graph"), list):
        msg = f"{drawn.path}: node {fields['id']!r} holds a graph, and no graph here has that; take it out"
        raise InputError(msg)
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
    """One graph element a graph; labels are texts."""
    check_texts(path, graphs, can_spell=spelled_in_xml)
    check_classes(path, graphs, spelled_in_xml)
    schema = graphs.schema
    keys = [
        f'<key id="{of}" for="{of}" attr.name={quoteattr(labels.name)} attr.type="string"/>\n'
        for of, labels in (("node", schema.nodes), ("edge", schema.edges))
        if labels is not None
    ]
    if graphs.classes is not None:
        keys.append(f'<key id="graph" for="graph" attr.name="{CLASS}" attr.type="string"/>\n')
    kind = "directed" if schema.directed else "undirected"
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n', *keys]
    for graph in told(graphs):
        parts.append(f'<graph id="{graph.number}" edgedefault="{kind}">\n')
        parts += [f'<node id="{node}"{end}' for node, end in enumerate(_data("node", graph.nodes, graph.num_nodes))]
        ends = _data("edge", graph.edges, len(graph.pairs))
        parts += [f'<edge source="{u}" target="{v}"{end}' for (u, v), end in zip(graph.pairs, ends, strict=True)]
        if graph.its_class is not None:
            parts.append(f'<data key="graph">{escape(graph.its_class, _BREAKS)}</data>\n')
        parts.append("</graph>\n")
    write_text(path, "".join([*parts, "</graphml>\n"]))


def _data(of: str, labels: list[str] | None, count: int) -> list[str]:
    """The ends of elements of nodes, or of edges."""
    if labels is None:
        return ["/>\n"] * count
    return [f'><data key="{of}">{escape(label, _BREAKS)}</data></{of}>\n' for label in labels]


def write_gml(graphs: GraphSet, path: Path) -> None:
    """One top-level graph a graph; labels are texts."""
    check_texts(path, graphs, can_spell=_is_gml)
    check_classes(path, graphs, _is_gml)
    check_texts(path, graphs, names="[A-Za-z][A-Za-z0-9_]*", taken=sorted(_GML_WORDS - {"label"}))
    schema = graphs.schema
    parts = ['Creator "gengraph"\n']
    for graph in told(graphs):
        nodes, edges = _gml_labels(schema.nodes, graph.nodes), _gml_labels(schema.edges, graph.edges)
        parts.append(f"graph [\nid {graph.number}\n{'directed 1' * schema.directed}\n")
        if graph.its_class is not None:
            parts.append(f'{CLASS} "{_gml_text(graph.its_class)}"\n')
        parts += [f"node [ id {node} {next(nodes)}]\n" for node in range(graph.num_nodes)]
        parts += [f"edge [ source {u} target {v} {next(edges)}]\n" for u, v in graph.pairs]
        parts.append("]\n")
    write_text(path, "".join(parts))


def _gml_labels(labels: Labels | None, values: list[str] | None) -> Iterator[str]:
    """The pairs of key and value."""
    if labels is None or values is None:
        return itertools.repeat("")
    return (f'{labels.name} "{_gml_text(value)}" ' for value in values)


def _is_gml(text: str) -> bool:
    return bool(text) and html.unescape(_gml_text(text)) == text


def _gml_text(text: str) -> str:
    """As GML, which is ASCII, spells it."""
    return re.sub('[^ -~]|[&"]', lambda found: f"&#{ord(found[0])};", text)
