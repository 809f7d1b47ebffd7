"""JSON that says a graph in objects: node-link (networkx, rustworkx, D3), adjacency (networkx) and Cytoscape's.

A file holds one graph, a list of them, or one a line (.jsonl). Positions in Cytoscape say how a graph is drawn and are passed
over, as are what it keeps for itself (SUID, selected).
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.labels import Told, check_texts, told
from gengraph.formats.named import NamedGraphs
from gengraph.formats.text import read_text
from gengraph.graphs import GraphSet
from gengraph.graphs.classes import CLASS
from gengraph.graphs.collection import Policy, RawGraphs
from gengraph.graphs.schema import LabelSchema

DIRECTED = "directed"
"""The key, or the column, that says whether the edges of a graph have directions."""
_KEPT_BY_CYTOSCAPE = {"SUID", "shared_name", "selected", "shared_interaction"}


def read_objects(path: Path, policy: Policy) -> RawGraphs:
    """Every object is a graph; which of the three kinds it is, its keys say."""
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        msg = f"{path} is not JSON: {error}"
        raise InputError(msg) from error
    return graphs_of_objects(path, content if isinstance(content, list) else [content], policy)


def is_object(graph: Any) -> bool:
    """Whether a graph is said in objects, and not as gengraph says it: in pairs of nodes."""
    if not isinstance(graph, dict) or "n" in graph:
        return False
    if graph.keys() & {"links", "elements", "adjacency"}:
        return True
    return any(isinstance(listed, list) and any(isinstance(one, dict) for one in listed[:1]) for listed in _listed(graph))


def _listed(graph: dict[str, Any]) -> tuple[Any, Any]:
    return graph.get("nodes"), graph.get("edges")


def graphs_of_objects(path: Path, graphs: Iterable[Any], policy: Policy) -> RawGraphs:
    """The graphs that some objects say; arguments and errors as for `read_objects`."""
    drawn = NamedGraphs(path, policy)
    for number, graph in enumerate(graphs):
        drawn.graph()
        try:
            _draw(graph, drawn)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            kinds = "nodes and links, nodes and adjacency, or elements"
            msg = f"{path}, graph {number} is no JSON object with {kinds} ({type(error).__name__}: {error}); write it anew"
            raise InputError(msg) from error
    return drawn.raw()


def is_directed(where: str, graph: dict[str, Any]) -> bool:
    """What a graph says of its edges.

    Raises:
        InputError: something else than true or false.
    """
    said = graph.get(DIRECTED)
    if said is not None and not isinstance(said, bool):
        msg = f"{where}: {DIRECTED} must be true or false, got {json.dumps(said, default=str)}; mend it, or leave it out"
        raise InputError(msg)
    return bool(said)


def _draw(graph: dict[str, Any], drawn: NamedGraphs) -> None:
    if "elements" in graph:
        _draw_elements(graph, drawn)
    elif "adjacency" in graph:
        _draw_adjacency(graph, drawn)
    else:
        _draw_links(graph, drawn)


def _draw_links(graph: dict[str, Any], drawn: NamedGraphs) -> None:
    """Links name nodes by their ids, or by their places in the list, as networkx 1 and old D3 have it."""
    nodes = graph["nodes"]
    has_ids = any("id" in node for node in nodes)
    ids = [node["id"] for node in nodes] if has_ids else list(range(len(nodes)))
    links = graph["links"] if "links" in graph else graph["edges"]
    about = graph.get("graph")
    for key, value in (about if isinstance(about, dict) else {}).items():
        drawn.about(key, value)
    ends = {_name(link[end]) for link in links for end in ("source", "target")}
    if has_ids and ends and not ends & set(map(_name, ids)) and all(name.isdecimal() for name in ends):
        ids = list(range(len(nodes)))
    for name, node in zip(ids, nodes, strict=True):
        drawn.node(_name(name))
        _count(drawn, "node", node, {"id"})
    directed = is_directed(str(drawn.path), graph)
    for link in links:
        drawn.edge(_name(link["source"]), _name(link["target"]), directed=directed)
        _count(drawn, "edge", link, {"source", "target", "id", "key"})


def _draw_adjacency(graph: dict[str, Any], drawn: NamedGraphs) -> None:
    """Every node with its neighbours: an edge stands at both ends, an arc at its first."""
    names = [_name(node["id"]) for node in graph["nodes"]]
    for name, node in zip(names, graph["nodes"], strict=True):
        drawn.node(name)
        _count(drawn, "node", node, {"id"})
    for name, neighbours in zip(names, graph["adjacency"], strict=True):
        for neighbour in neighbours:
            drawn.edge(name, _name(neighbour["id"]), directed=True)
            _count(drawn, "edge", neighbour, {"id", "key"})


def _draw_elements(graph: dict[str, Any], drawn: NamedGraphs) -> None:
    """Cytoscape's elements, sorted into nodes and edges or in one list; it draws edges without direction unless it is said."""
    elements = graph["elements"]
    if isinstance(elements, list):
        edges = [element["data"] for element in elements if "source" in element["data"]]
        nodes = [element["data"] for element in elements if "source" not in element["data"]]
    else:
        nodes, edges = ([element["data"] for element in elements.get(kind, [])] for kind in ("nodes", "edges"))
    for node in nodes:
        if "parent" in node:
            msg = f"{drawn.path}: node {node['id']!r} lies within another one, and no graph here has that; take it out"
            raise InputError(msg)
        drawn.node(_name(node["id"]))
        same = {name for name, value in node.items() if str(value) == str(node["id"])}  # as networkx writes a node's value
        _count(drawn, "node", node, {"id"} | _KEPT_BY_CYTOSCAPE | same)
    kinds = {edge.get("interaction") for edge in edges}
    own = {"id", "key", "source", "target", "name"} | _KEPT_BY_CYTOSCAPE | ({"interaction"} if len(kinds) == 1 else set())
    directed = is_directed(str(drawn.path), graph)
    for edge in edges:
        drawn.edge(_name(edge["source"]), _name(edge["target"]), directed=directed)
        _count(drawn, "edge", edge, own)


def _count(drawn: NamedGraphs, of: str, values: dict[str, Any], own: set[str]) -> None:
    """Attributes; those that rustworkx puts into an object `data` by their own names."""
    for name, value in values.items():
        if name == "data" and (value is None or isinstance(value, dict)):
            _count(drawn, of, value or {}, set())
        elif name not in own and value is not None:
            drawn.attribute(of, name, value)


def _name(value: Any) -> str:
    """A node's name; 1 and "1" are one name in Cytoscape, and nothing writes both."""
    return value if isinstance(value, str) else json.dumps(value)


def write_node_link(graphs: GraphSet, path: Path) -> None:
    """What `networkx.node_link_graph` and D3 read: an object, or a list of one for each graph."""
    check_texts(path, graphs, taken=("id", "source", "target", "key", "data"))
    objects = [_object(graph, graphs.schema) for graph in told(graphs)]
    write_text(path, objects[0] if len(objects) == 1 else "[" + ",\n".join(objects) + "]\n")


def _object(graph: Told, schema: LabelSchema) -> str:
    nodes: list[dict[str, Any]] = [{"id": node} for node in range(graph.num_nodes)]
    edges: list[dict[str, Any]] = [{"source": u, "target": v} for u, v in graph.pairs]
    for objects, labels, values in ((nodes, schema.nodes, graph.nodes), (edges, schema.edges, graph.edges)):
        if labels is not None and values is not None:
            for one, value in zip(objects, values, strict=True):
                one[labels.name] = value
    about = {} if graph.its_class is None else {CLASS: graph.its_class}
    record = {"directed": schema.directed, "multigraph": False, "graph": about, "nodes": nodes, "edges": edges}
    return json.dumps(record, separators=(",", ":"))
