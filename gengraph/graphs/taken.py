"""Where a GraphSet is taken, an iterable of networkx graphs is taken too, if nothing of them would be lost."""

from typing import TYPE_CHECKING, Any

from gengraph.graphs.graphset import GraphSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    import networkx as nx


def as_graph_set(graphs: "GraphSet | Iterable[nx.Graph[Any]]") -> GraphSet:
    """The graph set of what a user has.

    Raises:
        InputError: something other than graphs, or graphs that a GraphSet cannot hold whole: directed ones, multigraphs,
            loops, attributes of nodes or edges.
    """
    return graphs if isinstance(graphs, GraphSet) else GraphSet.from_networkx(graphs)
