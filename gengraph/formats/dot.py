r"""DOT, the language of Graphviz: one graph or several in a file, nodes in the order in which they are first named [1].

Of the parsers that are kept, pydot 4.0.1 refuses valid numerals (-3) and lists of nodes, and takes seconds a thousand edges;
the grammar is small enough to be read here. Attributes that only say how a graph is drawn (shape, color, pos) are passed over.

Reference:
    1. Graphviz. The DOT language. https://graphviz.org/doc/info/lang.html
"""

import re
from collections.abc import Iterable
from itertools import pairwise, product
from pathlib import Path

from gengraph.errors import InputError
from gengraph.formats.named import NamedGraphs
from gengraph.formats.text import read_text
from gengraph.graphs.collection import Policy, RawGraphs

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/|^\#[^\n]*)
    |(?P<name>[^\W\d]\w*|-?(?:\.\d+|\d+(?:\.\d*)?)(?![\w.]))
    |"(?P<quoted>(?:[^"\\]|\\.)*)"
    |(?P<html><)
    |(?P<mark>--|->|[{}\[\];,=:+])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_WORDS = {"node", "edge", "graph", "digraph", "subgraph", "strict"}
_DRAWN = {"arrowhead", "arrowsize", "arrowtail", "color", "dir", "fillcolor", "fontcolor", "fontname", "fontsize", "penwidth"}
_DRAWN |= {"pos", "shape", "style"}
_DEPTH = 100

Attributes = dict[str, str]
Token = tuple[str, str]
"""Its kind (name, word or mark), and what it says."""


def read_dot(path: Path, policy: Policy) -> RawGraphs:
    """Every graph and digraph; in a strict one parallel edges are one."""
    reader = _Dot(path, policy, list(_tokens(path, read_text(path))))
    while reader.tokens:
        reader.graph()
    return reader.drawn.raw()


def _tokens(path: Path, text: str) -> Iterable[Token]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            line = text[:place].count("\n") + 1
            msg = f"{path}, line {line} is not DOT: {text[place : place + 20]!r}"
            raise InputError(msg)
        place = match.end()
        if kind == "html":
            place = _end_of_html(path, text, match.start())
            yield "name", text[match.start() : place]
        elif kind == "quoted":
            yield "name", match["quoted"].replace("\\\n", "").replace('\\"', '"')
        elif kind == "name":
            word = match["name"]
            yield ("word", word.lower()) if word.lower() in _WORDS else ("name", word)
        elif kind == "mark":
            yield kind, match["mark"]


def _end_of_html(path: Path, text: str, start: int) -> int:
    """Where a name in angle brackets ends, which may hold pairs of them."""
    depth = 0
    for match in re.compile("[<>]").finditer(text, start):
        depth += 1 if match[0] == "<" else -1
        if not depth:
            return match.end()
    msg = f"{path}, line {text[:start].count(chr(10)) + 1} is not DOT: a < is not closed"
    raise InputError(msg)


class _Dot:
    """Draws the statements of a file; its tokens are taken from the end of a list."""

    def __init__(self, path: Path, policy: Policy, tokens: list[Token]) -> None:
        self.drawn = NamedGraphs(path, policy, implicit=True)
        self.tokens = tokens[::-1]
        self.strict = self.directed = False
        self.seen: set[tuple[str, str]] = set()
        self.subgraphs: dict[str, dict[str, None]] = {}

    def graph(self) -> None:
        self.strict = self._accept("word", "strict")
        self.directed = self._accept("word", "digraph")
        if not self.directed:
            self._expect("word", "graph")
        if self.tokens and self.tokens[-1][0] == "name":
            self._name()
        self.drawn.graph()
        self.seen.clear()
        self.subgraphs.clear()
        self._expect("mark", "{")
        self._statements(0)

    def _statements(self, depth: int) -> dict[str, None]:
        """The nodes that the statements name, up to the closing brace."""
        nodes: dict[str, None] = {}
        while not self._accept("mark", "}"):
            nodes |= self._statement(depth)
            while self._accept("mark", ";"):
                pass
        return nodes

    def _statement(self, depth: int) -> dict[str, None]:
        for of in ("graph", "node", "edge"):
            if self._accept("word", of):
                self._defaults(of)
                return {}
        if self.tokens[-2:-1] == [("mark", "=")]:  # name = value, of the graph
            self._name()
            self._take()
            self._name()
            return {}
        ends = [self._end(depth)]
        while self._accept("mark", "->" if self.directed else "--"):
            ends.append(self._end(depth))
        attributes = self._attributes()
        for node in ends[0] if len(ends) == 1 else ():
            self.drawn.node(node)
            self._count("node", attributes)
        for one, other in pairwise(ends):
            for source, target in product(one, other):
                self._edge(source, target, attributes)
        return {name: None for end in ends for name in end}

    def _defaults(self, of: str) -> None:
        """Of a line `node [...]`: what holds from there on, in the subgraph that it stands in."""
        kept = {"node": self.drawn.policy.node_label, "edge": self.drawn.policy.edge_label}.get(of)
        for name, value in self._attributes().items():
            if name == kept:
                msg = f"{self.drawn.path}: labels must stand at each {of}, {name} is in a line `{of} [...]`; write it at each"
                raise InputError(msg)
            if of != "graph" and name not in _DRAWN and name != "label":
                self.drawn.attribute(f"default {of}", name, value)

    def _edge(self, source: str, target: str, attributes: Attributes) -> None:
        pair = (source, target) if self.directed or source < target else (target, source)
        if self.strict and pair in self.seen:
            return
        self.seen.add(pair)
        self.drawn.edge(source, target, directed=self.directed)
        self._count("edge", attributes)

    def _end(self, depth: int) -> dict[str, None]:
        """The nodes at one end of an edge: those of a subgraph, or those in a list."""
        subgraph = self._accept("word", "subgraph")
        if subgraph or self.tokens[-1:] == [("mark", "{")]:
            name = self._name() if subgraph and self.tokens[-1:] != [("mark", "{")] else ""
            nodes = self.subgraphs.setdefault(name, {}) if name else {}
            if depth > _DEPTH:
                msg = f"{self.drawn.path}: subgraphs lie more than {_DEPTH} deep in each other; take them apart"
                raise InputError(msg)
            if self._accept("mark", "{"):
                nodes |= self._statements(depth + 1)
            return dict(nodes)
        nodes = dict.fromkeys([self._node()])
        while self._accept("mark", ","):
            nodes[self._node()] = None
        return nodes

    def _node(self) -> str:
        name = self._name()
        while self._accept("mark", ":"):  # a port, which says where the edge is drawn
            self._name()
        self.drawn.node(name)
        return name

    def _attributes(self) -> Attributes:
        attributes: Attributes = {}
        while self._accept("mark", "["):
            while not self._accept("mark", "]"):
                name = self._name()
                attributes[name] = self._name() if self._accept("mark", "=") else "true"
                if not self._accept("mark", ","):
                    self._accept("mark", ";")
        return attributes

    def _count(self, of: str, attributes: Attributes) -> None:
        """Of the last node or edge; what says how it is drawn may be wanted for a label."""
        labels = self.drawn.policy.node_label, self.drawn.policy.edge_label
        for name, value in attributes.items():
            if name not in _DRAWN or name in labels:
                self.drawn.attribute(of, name, value)

    def _name(self) -> str:
        kind, text = self._take()
        if kind != "name":
            self._refuse(text, "a name")
        while self._accept("mark", "+"):
            text += self._take()[1]
        return text

    def _accept(self, kind: str, text: str) -> bool:
        found = bool(self.tokens) and self.tokens[-1] == (kind, text)
        if found:
            self.tokens.pop()
        return found

    def _expect(self, kind: str, text: str) -> None:
        if not self._accept(kind, text):
            self._refuse(self.tokens[-1][1] if self.tokens else "the end", text)

    def _take(self) -> Token:
        if not self.tokens:
            self._refuse("the end", "more")
        return self.tokens.pop()

    def _refuse(self, got: str, wanted: str) -> None:
        msg = f"{self.drawn.path} is not DOT: {wanted} is missing before {got!r}; `dot -Tcanon` says where"
        raise InputError(msg)
