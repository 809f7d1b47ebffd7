"""The names of node orderings (`gengraph.graphs.orderings` draws them), and what is known of them without drawing any."""

from typing import Literal

OrderingName = Literal["bfs", "cm", "dfs", "degree", "k-core", "rcm", "random"]
ORDERING_NAMES: tuple[OrderingName, ...] = ("bfs", "cm", "dfs", "degree", "k-core", "rcm", "random")
BREADTH_FIRST: tuple[OrderingName, ...] = ("bfs", "cm")  # the oldest neighbour never moves back
LEVELLED: tuple[OrderingName, ...] = (*BREADTH_FIRST, "rcm")  # edges reach no further than two neighbouring search levels
ROOTED: tuple[OrderingName, ...] = ("bfs", "cm", "dfs")  # every node but the first of a component has an earlier neighbour
