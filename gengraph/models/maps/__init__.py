"""Planar maps: a planar graph, its embedding and a root as a triangulation, one letter a triangle.

- family: what training, sampling and tuning know of it; config: section [model].
- frontier: a map under construction, its letters and what they may be; views: what the network sees of it.
- plane: embeddings of graphs, and the maps that are drawn of them; darts: what maps are made of; hanging: blocks hung anew.
- letters: graphs to letters; batches: letters of some graphs.
- network: two perceptrons, and the exact likelihood; sampler: draws graphs by compiled code.
"""

from gengraph.models.maps.family import PlanarMaps

FAMILY = PlanarMaps()

__all__ = ["FAMILY", "PlanarMaps"]
