"""Graphs in memory: many simple graphs in flat arrays, with labels if they have any, and what is computed on them."""

from gengraph.graphs.foreign import NodeFrame
from gengraph.graphs.graphset import GraphSet, Int32Array, Int64Array
from gengraph.graphs.schema import LabelArrays, Labels, LabelSchema

__all__ = ["GraphSet", "Int32Array", "Int64Array", "LabelArrays", "LabelSchema", "Labels", "NodeFrame"]
