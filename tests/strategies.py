"""Hypothesis strategies shared by the tests."""

import itertools

import numpy as np
from hypothesis import strategies as st

from gengraph.graphs import GraphSet


@st.composite
def graph_sets(draw: st.DrawFn, max_graphs: int = 4, min_nodes: int = 0, max_nodes: int = 9) -> GraphSet:
    """Any batch of simple graphs, the empty batch and graphs without nodes or edges among them."""
    num_nodes = draw(st.lists(st.integers(min_nodes, max_nodes), max_size=max_graphs))
    edge_lists = []
    for n in num_nodes:
        pairs = list(itertools.combinations(range(n), 2))
        chosen = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
        edge_lists.append(np.array([pair for pair, keep in zip(pairs, chosen, strict=True) if keep], dtype=np.int64))
    return GraphSet.from_edge_lists(num_nodes, edge_lists)
