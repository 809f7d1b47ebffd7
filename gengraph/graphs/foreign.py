"""networkx graphs and frames as the lists that a GraphSet is built from; what would be lost is refused."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs.attributes import Attributes, Directed, check_attributes, names_kinds, says_more
from gengraph.graphs.classes import CLASS
from gengraph.graphs.numbering import numbered
from gengraph.graphs.schema import LabelArrays, Labels

if TYPE_CHECKING:
    import networkx as nx
    import numpy.typing as npt

_PARTS = ("nodes", "edges", "is_directed", "is_multigraph")


def networkx_of(graphs: Any) -> "list[nx.Graph[int]]":
    """The graphs of a GraphSet; see `GraphSet.to_networkx`."""
    import networkx as nx

    schema, edge_offsets = graphs.schema, graphs.edge_offsets
    rows, arcs = graphs.arcs()
    ends = np.searchsorted(rows, edge_offsets).tolist()
    labels = graphs.labels or LabelArrays(schema)
    of_node = _values(schema.nodes, labels.nodes, slice(None))
    of_arc = _values(schema.edges, labels.edges, rows)
    classes = [None] * len(graphs) if graphs.classes is None else graphs.classes.names()
    made, node = [], 0
    for n, first, last, its_class in zip(graphs.num_nodes.tolist(), ends, ends[1:], classes, strict=False):
        graph: nx.Graph[int] = nx.empty_graph(n, nx.DiGraph if schema.directed else None)
        if its_class is not None:
            graph.graph[CLASS] = its_class
        if schema.nodes is not None:
            nx.set_node_attributes(graph, dict(enumerate(of_node[node : node + n])), schema.nodes.name)
        pairs = arcs[first:last].tolist()
        if schema.edges is None:
            graph.add_edges_from(pairs)
        else:
            name = schema.edges.name
            graph.add_edges_from((u, v, {name: value}) for (u, v), value in zip(pairs, of_arc[first:last], strict=True))
        made.append(graph)
        node += n
    return made


def _values(labels: Labels | None, codes: "npt.NDArray[np.int32] | None", rows: Any) -> list[str]:
    return [] if labels is None or codes is None else [labels.values[code] for code in codes[rows].tolist()]


def set_from_networkx(
    graphs: "Iterable[nx.Graph[Any]]", attributes: Attributes, node_label: str, edge_label: str, directed: Directed
) -> tuple[tuple[list[int], list[int], list[tuple[int, int]], LabelArrays | None], list[Any] | None, bool]:
    """What `GraphSet.from_flat` takes, the classes if there are any, and whether edges have directions.

    Raises:
        InputError: something that is no graph, a directed graph, a multigraph, or attributes unless they are dropped.
    """
    check_attributes(attributes)
    if hasattr(graphs, "nodes") or not isinstance(graphs, Iterable):
        kind = type(graphs).__name__
        msg = f"graphs must be a GraphSet or a list of networkx graphs, got one {kind}; put a single graph into a list"
        raise InputError(msg)
    sizes: list[int] = []
    owner: list[int] = []
    edges: list[tuple[int, int]] = []
    of_node: list[Any] = []
    of_edge: list[Any] = []
    classes: list[Any] = []
    ways: set[bool] = set()
    for number, graph in enumerate(graphs):
        _check_graph(number, graph, attributes, {"node": node_label, "edge": edge_label}, directed)
        ways.add(bool(graph.is_directed()))
        classes.append(getattr(graph, "graph", {}).get(CLASS))
        index = {node: i for i, node in enumerate(graph)}
        sizes.append(len(index))
        owner.extend([number] * graph.number_of_edges())
        edges.extend((index[u], index[v]) for u, v in graph.edges())
        if node_label:
            of_node.extend(data.get(node_label) for _, data in graph.nodes(data=True))
        if edge_label:
            of_edge.extend(data.get(edge_label) for *_, data in graph.edges(data=True))
    if len(ways) > 1:
        msg = "graphs must be all directed or all undirected, got both; use networkx.DiGraph(graph) for the undirected ones"
        raise InputError(msg)
    labels = LabelArrays.coded(
        nodes=(node_label, of_node) if node_label else None, edges=(edge_label, of_edge) if edge_label else None
    )
    return (sizes, owner, edges, labels), classes if any(one is not None for one in classes) else None, ways == {True}


def _check_graph(number: int, graph: Any, attributes: Attributes, labels: Mapping[str, str], directed: Directed) -> None:
    if not all(hasattr(graph, name) for name in _PARTS):
        kind = f"{type(graph).__module__}.{type(graph).__name__}".removeprefix("builtins.")
        msg = (
            f"graphs must be a GraphSet or networkx graphs, got {kind} at {number}; convert it: igraph has to_networkx(), "
            "PyTorch Geometric to_networkx(data, to_undirected=True), and a matrix is taken by GraphSet.from_csr"
        )
        raise InputError(msg)
    if graph.is_multigraph() or (graph.is_directed() and directed != "keep"):
        kind = "a multigraph" if graph.is_multigraph() else "directed"
        msg = f"graphs must be simple and undirected, graph {number} is {kind}; convert it with networkx.Graph(graph)"
        if kind == "directed":
            msg += ", or keep directions with GraphSet.from_networkx(graphs, directed='keep')"
        raise InputError(msg)
    if attributes == "drop":
        return
    for of, views in (("node", graph.nodes(data=True)), ("edge", graph.edges(data=True))):
        values: dict[str, list[Any]] = {}
        for *_, data in views:
            for name, value in data.items():
                if str(name) != labels[of]:
                    values.setdefault(str(name), []).append(value)
        names = sorted(
            name
            for name, given in values.items()
            if any(says_more(name, value, of=of) for value in given) or (of == "node" and names_kinds(given))
        )
        if names:
            msg = (
                f"graphs must have no attributes, those of the {of}s of graph {number} have {', '.join(names)}; "
                f"GraphSet.from_networkx(graphs, {of}_label='{names[0]}') takes one for labels, attributes='drop' leaves "
                "attributes behind"
            )
            raise InputError(msg)


Column = Sequence[Hashable | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeFrame:
    """A frame of pandas or polars with a row a node, beside one of edges.

    Attributes:
        nodes: the frame, or a mapping of columns; the nodes are in its order, unless their ids are whole numbers.
        node: the column of their ids; that of the graph is called as in the frame of edges.
        label: the column of their labels.
    """

    nodes: Any
    node: str = "id"
    label: str = ""


def set_from_frame(
    edges: Any,
    columns: tuple[str | None, str, str],
    attributes: Attributes,
    *,
    edge_label: str = "",
    beside: NodeFrame | None = None,
) -> "tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], LabelArrays | None]":
    """What `GraphSet.from_flat` takes: num_nodes, the graph of each edge, the edges and the labels.

    Args:
        edges: the frame, or a mapping of columns.
        columns: the names of those of the graph (None for one graph), of one end and of the other.
        attributes: error, or drop: further columns are left behind.
        edge_label: the column that is kept as the label of edges.
        beside: the nodes with their labels.

    Raises:
        InputError: see `GraphSet.from_frame`; an edge without a label, a node without one, or real numbers for labels.
    """
    edges = _mapped(edges)
    owner, sources, targets = columns_of_frame(edges, *columns, attributes, kept=edge_label)
    of_edges = _cells(edges, edge_label) if edge_label else None
    before: list[Any] = []
    of_nodes = None
    if beside is not None:
        before, of_nodes, graphs = _nodes_of_frame(beside, columns[0])
        _check_nodes(list(zip(graphs or [None] * len(before), before, strict=True)), of_nodes, owner, (sources, targets))
        sources, targets = [*before, *sources], [*[None] * len(before), *targets]
        owner = None if graphs is None or owner is None else [*graphs, *owner]
    made = numbered(owner, sources, targets)
    if made.spellings:
        msg = f"{made.spellings} ids are written in several ways ({made.example}); make numbers of the columns"
        raise InputError(msg)
    rows = (made.rows - len(before)).tolist()
    node_values = None
    if of_nodes is not None:
        node_values = [None] * int(made.num_nodes.sum())
        for node, value in zip(made.sources.tolist(), of_nodes, strict=False):
            if node >= 0:  # else the row is a graph without nodes
                node_values[node] = value
    labels = LabelArrays.coded(
        nodes=None if node_values is None or beside is None else (beside.label, node_values),
        edges=None if of_edges is None else (edge_label, [of_edges[row] for row in rows]),
    )
    graph = np.repeat(np.arange(len(made.num_nodes)), np.diff(made.edge_offsets))
    return made.num_nodes, graph, made.edges, labels


def _mapped(frame: Any) -> Any:
    """A table of Arrow as a mapping of columns; any other frame as it is."""
    return frame.to_pydict() if hasattr(frame, "column_names") else frame


def _nodes_of_frame(beside: Any, graph: str | None) -> tuple[list[Any], list[Any] | None, list[Any] | None]:
    """The ids, labels and graphs of a frame of nodes.

    Raises:
        InputError: it is no NodeFrame, or has not these columns.
    """
    if not isinstance(beside, NodeFrame):
        msg = (
            f"nodes must be a NodeFrame, got {type(beside).__name__}; NodeFrame(nodes=frame, node='id', label='kind') makes one"
        )
        raise InputError(msg)
    frame, names = _mapped(beside.nodes), [beside.node, *filter(None, (beside.label, graph))]
    there = list(frame if isinstance(frame, Mapping) else frame.columns)
    if not set(names) <= set(there):
        msg = f"a frame of nodes needs the columns {', '.join(names)}, got {', '.join(map(str, there))}; name them in NodeFrame"
        raise InputError(msg)
    labels = _cells(frame, beside.label) if beside.label else None
    return _cells(frame, beside.node), labels, None if graph is None else _cells(frame, graph)


def _check_nodes(
    named: list[tuple[Any, Any]], labels: list[Any] | None, owner: Column | None, ends: tuple[Column, Column]
) -> None:
    """Refuse a frame of nodes, (graph, id) each, that names none or one twice, or does not name one that an edge joins.

    A row with a graph alone is a graph without nodes.
    """
    for row, (graph, node) in enumerate(named):
        if node is None and (graph is None or (labels is not None and labels[row] is not None)):
            msg = f"row {row} of the frame of nodes has no id; drop such rows"
            raise InputError(msg)
    known = Counter(pair for pair in named if pair[1] is not None)
    twice = next((pair for pair, count in known.items() if count > 1), None)
    if twice is not None:
        msg = f"a frame of nodes names every node of a graph once, got {twice[1]!r} twice; drop duplicates of it"
        raise InputError(msg)
    for column in ends:
        for pair in zip(owner or [None] * len(column), column, strict=True):
            if pair[1] is not None and pair not in known:
                msg = f"an edge joins {pair[1]!r}, which is not in the frame of nodes; add it there"
                raise InputError(msg)


def columns_of_frame(
    edges: Any, graph: str | None, source: str, target: str, attributes: Attributes, kept: str = ""
) -> tuple[Sequence[Hashable] | None, Column, Column]:
    """The names of the graph (None without such a column), of one and of the other end, by row; `kept` is a label of edges.

    Raises:
        InputError: see `GraphSet.from_frame`.
    """
    check_attributes(attributes)
    names = list(edges if isinstance(edges, Mapping) else getattr(edges, "columns", []))
    wanted = [name for name in (graph, source, target, kept or None) if name is not None]
    if any(names.count(name) != 1 for name in wanted) or len(set(wanted)) < len(wanted):
        msg = (
            f"a frame of edges needs one column each for {', '.join(map(str, wanted))}, got {', '.join(map(str, names))}; "
            "name them: from_frame(edges, source=..., target=..., graph=...)"
        )
        raise InputError(msg)
    further = [] if attributes == "drop" else [name for name in names if name not in wanted]
    more = [
        str(name)
        for name in further
        if any(value is not None and says_more(str(name), value, of="edge") for value in _cells(edges, name))
    ]
    if more:
        msg = f"a frame of edges would lose its columns {', '.join(more)}; attributes='drop' leaves them behind"
        raise InputError(msg)
    ends = [_cells(edges, name) for name in (source, target)]
    kinds = sorted({type(value).__name__ for column in ends for value in column if value is not None})
    if len(kinds) > 1 or "float" in kinds:
        what = "fractions" if "float" in kinds else f"ids of several types ({', '.join(kinds)})"
        msg = f"node ids in {source} and {target} must be of one type, whole numbers or texts, got {what}; convert the columns"
        raise InputError(msg)
    owner = None if graph is None else _cells(edges, graph)
    for row, cells in enumerate(zip(*ends, *([] if owner is None else [owner]), strict=True)):
        if (cells[0] is None and cells[1] is None) if owner is None else cells[2] is None:
            msg = f"row {row} of the frame has no {'node' if owner is None else 'graph'}; drop such rows"
            raise InputError(msg)
    return owner, ends[0], ends[1]


def _cells(frame: Any, name: Any) -> list[Any]:
    """A column as Python values: None where it is missing, int where a float is whole."""
    column = frame[name]
    missing = column.isna().tolist() if hasattr(column, "isna") else None
    values = column.to_list() if hasattr(column, "to_list") else list(column)
    if missing is not None:
        values = [None if gone else value for value, gone in zip(values, missing, strict=True)]
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if hasattr(value, "item") and not isinstance(value, str):  # a scalar of numpy
        value = value.item()
    if isinstance(value, float):
        return None if value != value else int(value) if value.is_integer() else value  # noqa: PLR0124 - NaN alone differs from itself
    return value
