"""A pair of tables, as spreadsheets, Gephi and graph data bases have them: NAME.edges.csv, and NAME.nodes.csv beside it.

The first line of both names the columns; that of the nodes is id (or node, name), before it graph if there are several graphs.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from gengraph.errors import InputError
from gengraph.files import atomic_path
from gengraph.formats.columns import GRAPHS, Row
from gengraph.formats.edgelist import check_cells, edges_of, rows_of, spelled
from gengraph.formats.labels import told
from gengraph.formats.rows import Rows
from gengraph.formats.text import numbered_lines, read_text
from gengraph.graphs import GraphSet
from gengraph.graphs.attributes import says_more
from gengraph.graphs.collection import Policy, RawGraphs

_ID = ("id", "node", "nodeid", "name", "key")


def read_table_pair(path: Path, policy: Policy) -> RawGraphs:
    """The edges, with the nodes of the other table, whose order is that of the nodes, if there is one."""
    edges = edges_of(path, read_text(path), policy)
    beside = nodes_beside(path)
    if beside == path or not beside.exists():
        return edges.numbered(path, policy)
    nodes = _nodes(beside, policy.node_label)
    if (nodes.graphs is None) != (edges.graphs is None) and edges.sources:
        msg = f"of {path.name} and {beside.name} one has a column graph and the other has none; give it to both"
        raise InputError(msg)
    strange = sorted(edges.names() - nodes.names())
    if strange:
        msg = f"{path}: an edge joins {' '.join(strange[0])!r}, which is no node of {beside.name}; add it there"
        raise InputError(msg)
    return nodes.followed_by(edges).numbered(path, policy)


def nodes_beside(path: Path) -> Path:
    """The table of nodes beside one of edges (NAME.edges.csv); the path itself where it is called otherwise."""
    return path.with_name(re.sub(r"(?i)\.edges(\.csv(\.gz)?)$", r".nodes\1", path.name))


def _nodes(path: Path, label: str) -> Rows:
    lines = [(number, line) for number, line in numbered_lines(read_text(path)) if not line.lstrip().startswith("#")]
    (_, header), *rows = rows_of(path, lines) or [(0, [])]
    plain = [re.sub(r"[^a-z]", "", cell.lower()) for cell in header]
    place = next((plain.index(name) for name in _ID if name in plain), None)
    if place is None:
        msg = f"{path} needs a column id, got {', '.join(header) or 'none'}; name the columns in its first line"
        raise InputError(msg)
    graph = next((plain.index(name) for name in GRAPHS if name in plain), None)
    rows = [(number, cells + [""] * (len(header) - len(cells))) for number, cells in rows]
    _check_ids(path, rows, place, graph)
    attributes: Counter[str] = Counter()
    for i, name in enumerate(header):
        if i not in (place, graph) and name != label:
            attributes[name] = sum(bool(cells[i]) and says_more(name, cells[i], of="node") for _, cells in rows)
    return Rows(
        graphs=None if graph is None else [cells[graph] for _, cells in rows],
        sources=[cells[place] or None for _, cells in rows],
        targets=[None] * len(rows),
        attributes=+attributes,
        node_labels=[cells[header.index(label)] or None for _, cells in rows] if label in header else None,
    )


def _check_ids(path: Path, rows: Sequence[Row], place: int, graph: int | None) -> None:
    """Refuse a node without an id, and an id that a graph has twice; a row with a graph alone is a graph without nodes."""
    seen: set[tuple[str, str]] = set()
    for number, cells in rows:
        node = cells[place], "" if graph is None else cells[graph]
        if not node[0] and not node[1]:
            msg = f"{path}, line {number} has no id; give one to every node"
            raise InputError(msg)
        if node[0] and node in seen:
            msg = f"{path}, line {number} names the node {node[0]!r} again; name every node of a graph once"
            raise InputError(msg)
        seen.add(node)


def write_table_pair(graphs: GraphSet, path: Path) -> None:
    """Nodes are called by their numbers; a column graph is there if there are several graphs, or one without nodes.

    Labels have columns of their names; edges with directions have a column Type, as Gephi reads it.
    """
    check_cells(graphs, path)
    several, schema = len(graphs) != 1 or not graphs.num_nodes[0], graphs.schema
    of_nodes, of_edges = (spelled([labels.name]) if labels else [] for labels in (schema.nodes, schema.edges))
    first, kind = ["graph"] * several, ["Directed"] * schema.directed
    nodes = [",".join([*first, "id", *of_nodes])]
    edges = [",".join([*first, "source", "target", *(["Type"] * schema.directed), *of_edges])]
    for graph in told(graphs):
        owner = [str(graph.number)] * several
        node_labels = [[]] * graph.num_nodes if graph.nodes is None else [[label] for label in spelled(graph.nodes)]
        edge_labels = [[]] * len(graph.pairs) if graph.edges is None else [[label] for label in spelled(graph.edges)]
        nodes += [",".join([*owner, str(node), *label]) for node, label in enumerate(node_labels)]
        if several and not graph.num_nodes:
            nodes.append(",".join([*owner, "", *([""] * len(of_nodes))]))
        edges += [
            ",".join([*owner, str(u), str(v), *kind, *label]) for (u, v), label in zip(graph.pairs, edge_labels, strict=True)
        ]
    with atomic_path(nodes_beside(path)) as nodes_file, atomic_path(path) as edges_file:
        nodes_file.write_text("\n".join(nodes) + "\n", encoding="utf-8")
        edges_file.write_text("\n".join(edges) + "\n", encoding="utf-8")
