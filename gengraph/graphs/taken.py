"""Where a GraphSet is taken, an iterable of networkx graphs is taken too, if nothing of them would be lost."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError
from gengraph.graphs.graphset import GraphSet

if TYPE_CHECKING:
    import networkx as nx

def as_graph_set(graphs: "GraphSet | Iterable[nx.Graph[Any]]") -> GraphSet:
    """The graph set of what a user has.

    Raises:
        InputError: something other than graphs, or graphs that a GraphSet cannot hold whole: directed ones, multigraphs,
            loops, attributes of nodes or edges.
    """
    if isinstance(graphs, GraphSet):
        return graphs
    if hasattr(graphs, "nodes") or not isinstance(graphs, Iterable):
        kind = type(graphs).__name__
        msg = f"graphs must be a GraphSet or a list of networkx graphs, got one {kind}; put a single graph into a list"
        raise InputError(msg)
    listed: list[Any] = list(graphs)
    for number, graph in enumerate(listed):
        if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_directed", "is_multigraph")):
            msg = f"graphs must be a GraphSet or networkx graphs, got {type(graph).__name__} at {number}; convert it first"
            raise InputError(msg)
        for what, views in (("nodes", graph.nodes(data=True)), ("edges", graph.edges(data=True))):
            names = sorted({str(name) for *_, data in views for name in data})
            if names:
                msg = (
                    f"graphs must have no attributes, those of the {what} of graph {number} have {', '.join(names)}; "
                    "GraphSet.from_networkx(graphs) leaves attributes behind"
                )
                raise InputError(msg)
    return GraphSet.from_networkx(listed)
