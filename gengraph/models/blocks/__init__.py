"""Blocks: graphs that grow one community after the other, every decision about finished structure.

- family: what training, sampling and tuning know of it; config: section [model].
- pieces: communities, by Louvain's method; resolution: which one suits a graph set.
- ordering: orders of the nodes, piece by piece; coding: graphs as decisions.
- growth: a graph that grows; codes: what a decision sees of it; walk: the decisions of a row, drawn or written down.
- network: the perceptrons that decide; sampler: draws graphs, each by itself.
"""

from gengraph.models.blocks.family import Blocks

FAMILY = Blocks()

__all__ = ["FAMILY", "Blocks"]
