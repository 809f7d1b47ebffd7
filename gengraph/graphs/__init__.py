"""Graphs in memory: many simple undirected graphs in flat arrays, and what is computed on them."""

from gengraph.graphs.graphset import GraphSet, Int32Array, Int64Array

__all__ = ["GraphSet", "Int32Array", "Int64Array"]
