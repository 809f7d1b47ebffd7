"""Attachment: nodes join one after the other, each an exact number of older ones, chosen among all of them.

- family: what training, sampling and tuning know of it; config: section [model].
- orders: in which nodes join; coding: graphs as sequences; views: what decisions see.
- network: two perceptrons, and the exact likelihood; sampler: draws graphs, each by itself.
"""

from gengraph.models.attachment.family import Attachment

FAMILY = Attachment()

__all__ = ["FAMILY", "Attachment"]
