"""Trees and forests: every vertex shares its nodes out among its children.

- family: what training, sampling and tuning know of it; config: section [model].
- rooted: forests as rooted trees; decisions: what is decided of them and what each decision sees; coding: sets as decisions.
- network: the perceptrons that decide; sampler: draws graphs, each by itself; drawing: the decisions of a graph as a picture.
"""

from gengraph.models.trees.family import Trees

FAMILY = Trees()

__all__ = ["FAMILY", "Trees"]
