"""networkx graphs and frames as the lists that a GraphSet is built from; what would be lost is refused."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError
from gengraph.graphs.attributes import Attributes, check_attributes, names_kinds, says_more

if TYPE_CHECKING:
    import networkx as nx

_PARTS = ("nodes", "edges", "is_directed", "is_multigraph")


def lists_from_networkx(
    graphs: "Iterable[nx.Graph[Any]]", attributes: Attributes
) -> tuple[list[int], list[list[tuple[int, int]]]]:
    """Sizes and edge lists; nodes are numbered in iteration order.

    Raises:
        InputError: something that is no graph, a directed graph, a multigraph, or attributes unless they are dropped.
    """
    check_attributes(attributes)
    if hasattr(graphs, "nodes") or not isinstance(graphs, Iterable):
        kind = type(graphs).__name__
        msg = f"graphs must be a GraphSet or a list of networkx graphs, got one {kind}; put a single graph into a list"
        raise InputError(msg)
    sizes: list[int] = []
    lists: list[list[tuple[int, int]]] = []
    for number, graph in enumerate(graphs):
        _check_graph(number, graph, attributes)
        index = {node: i for i, node in enumerate(graph)}
        sizes.append(len(index))
        lists.append([(index[u], index[v]) for u, v in graph.edges()])
    return sizes, lists


def _check_graph(number: int, graph: Any, attributes: Attributes) -> None:
    if not all(hasattr(graph, name) for name in _PARTS):
        msg = f"graphs must be a GraphSet or networkx graphs, got {type(graph).__name__} at {number}; convert it first"
        raise InputError(msg)
    if graph.is_directed() or graph.is_multigraph():
        kind = "directed" if graph.is_directed() else "a multigraph"
        msg = f"graphs must be simple and undirected, graph {number} is {kind}; convert it with networkx.Graph(graph)"
        raise InputError(msg)
    if attributes == "drop":
        return
    for of, views in (("node", graph.nodes(data=True)), ("edge", graph.edges(data=True))):
        values: dict[str, list[Any]] = {}
        for *_, data in views:
            for name, value in data.items():
                values.setdefault(str(name), []).append(value)
        names = sorted(
            name
            for name, given in values.items()
            if any(says_more(name, value, of=of) for value in given) or (of == "node" and names_kinds(given))
        )
        if names:
            msg = (
                f"graphs must have no attributes, those of the {of}s of graph {number} have {', '.join(names)}; "
                "GraphSet.from_networkx(graphs, attributes='drop') leaves attributes behind"
            )
            raise InputError(msg)


Column = Sequence[Hashable | None]


def columns_of_frame(
    edges: Any, graph: str | None, source: str, target: str, attributes: Attributes
) -> tuple[Sequence[Hashable] | None, Column, Column]:
    """The names of the graph (None without such a column), of one and of the other end, by row.

    Raises:
        InputError: see `GraphSet.from_frame`.
    """
    check_attributes(attributes)
    names = list(edges if isinstance(edges, Mapping) else getattr(edges, "columns", []))
    wanted = [name for name in (graph, source, target) if name is not None]
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
