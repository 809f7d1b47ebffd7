"""GEXF 1.0 to 1.3, the format of Gephi: one graph in a file.

Colours, sizes and positions (the elements of its namespace viz) say how a graph is drawn and are passed over. Times at which
nodes and edges exist are attributes: without them every node and edge exists.

Reference:
    GEXF Working Group. GEXF 1.3. https://gexf.net/schema.html, 2022.
"""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.elements import Elements, Values, spelled_in_xml
from gengraph.formats.labels import check_texts, told
from gengraph.formats.named import NamedGraphs
from gengraph.formats.text import read_xml
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy, RawGraphs

_DRAWN = frozenset(("viz", "color", "position", "size", "shape", "thickness"))
_KINDS = {"undirected": False, "directed": True, "mutual": True}
_OF_NODES = {"id", "label"}
_OF_EDGES = {"id", "source", "target", "type", "label"}


def read_gexf(path: Path, policy: Policy) -> RawGraphs:
    """The graph; nodes within nodes are refused. A mutual edge stands in both directions."""
    graph = NamedGraphs(path, policy)
    _Gexf(graph).elements.read(path, read_xml(path), "GEXF")
    return graph.raw()


class _Gexf:
    """Draws the elements of a file."""

    def __init__(self, graph: NamedGraphs) -> None:
        self.drawn = graph
        self.titles: dict[tuple[str, str], str] = {}
        self.of = "node"
        self.attribute: Values = {}
        self.default = ""
        self.elements = Elements(
            begin={
                "graph": self.begin_graph,
                "attributes": self.begin_attributes,
                "attribute": self.begin_attribute,
                "default": lambda _: self.elements.take_text(),
                "node": self.node,
                "edge": self.edge,
                "attvalue": self.value,
                "spell": lambda _: self.drawn.attribute(self.of, "spell", "times"),
            },
            end={"default": self.end_default},
            skipped=_DRAWN,
        )

    def begin_graph(self, values: Values) -> None:
        self.default = values.get("defaultedgetype", "undirected")
        self.drawn.graph()

    def begin_attributes(self, values: Values) -> None:
        self.of = values.get("class", "node")

    def begin_attribute(self, values: Values) -> None:
        self.attribute = values
        self.titles[self.of, values.get("id", "")] = values.get("title", values.get("id", ""))

    def end_default(self, text: str) -> None:
        self.drawn.attribute(f"default {self.of}", self.attribute.get("title", ""), text)

    def node(self, values: Values) -> None:
        if self.elements.path.count("node") > 1:
            msg = (
                f"{self.drawn.path}: node {values.get('id')!r} lies within another one, and no graph here has that; take it out"
            )
            raise InputError(msg)
        self.of = "node"
        self.drawn.node(self._needed("node", values, "id"))
        if values.get("label"):
            self.drawn.attribute("node", "label", values["label"])
        self._count(values, _OF_NODES)

    def edge(self, values: Values) -> None:
        self.of = "edge"
        kind = values.get("type", self.default)
        if kind not in _KINDS:
            msg = f"{self.drawn.path}: the type of an edge must be one of {', '.join(_KINDS)}, got {kind!r}"
            raise InputError(msg)
        ends = self._needed("edge", values, "source"), self._needed("edge", values, "target")
        self.drawn.edge(*ends, directed=_KINDS[kind], mutual=kind == "mutual")
        if values.get("label"):
            self.drawn.attribute("edge", "label", values["label"])
        self._count(values, _OF_EDGES)

    def value(self, values: Values) -> None:
        place = values.get("for", values.get("id", ""))  # id in GEXF 1.0
        title = self.titles.get((self.of, place), place)
        if title != "networkx_key":  # that networkx counts parallel edges with
            self.drawn.attribute(self.of, title, values.get("value"))

    def _count(self, values: Values, own: set[str]) -> None:
        for name in values.keys() - own:
            self.drawn.attribute(self.of, name, values[name])

    def _needed(self, what: str, values: Values, name: str) -> Any:
        if name not in values:
            msg = f"{self.drawn.path}: a GEXF {what} needs {name}, got {sorted(values)}"
            raise InputError(msg)
        return values[name]


def write_gexf(graphs: GraphSet, path: Path) -> None:
    """The one graph, in GEXF 1.2, which Gephi, networkx and NetworKit read; nodes are called by their numbers."""
    check_texts(path, graphs, can_spell=spelled_in_xml, taken=("networkx_key",))
    schema, (graph,) = graphs.schema, told(graphs)
    kinds = [
        f'<attributes class="{of}"><attribute id="0" title={quoteattr(labels.name)} type="string"/></attributes>\n'
        for of, labels in (("node", schema.nodes), ("edge", schema.edges))
        if labels is not None
    ]
    ends = _ends("node", graph.nodes, graph.num_nodes), _ends("edge", graph.edges, len(graph.pairs))
    nodes = [f'<node id="{node}" label="{node}"{end}' for node, end in enumerate(ends[0])]
    pairs = enumerate(zip(graph.pairs, ends[1], strict=True))
    edges = [f'<edge id="{i}" source="{u}" target="{v}"{end}' for i, ((u, v), end) in pairs]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">\n'
    begin = f'<graph mode="static" defaultedgetype="{"directed" if schema.directed else "undirected"}">\n'
    body = ["<nodes>\n", *nodes, "</nodes>\n<edges>\n", *edges, "</edges>\n"]
    write_text(path, "".join([head, begin, *kinds, *body, "</graph>\n</gexf>\n"]))


def _ends(of: str, labels: list[str] | None, count: int) -> list[str]:
    """The ends of elements of nodes, or of edges."""
    if labels is None:
        return ["/>\n"] * count
    return [f'><attvalues><attvalue for="0" value={quoteattr(label)}/></attvalues></{of}>\n' for label in labels]
