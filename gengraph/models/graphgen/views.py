"""What the network is told of codes that grow, and what it may choose between.

Legend: B codes, T vertices that there is room for, K names of vertices, D largest degree of the training graphs, C = 2 + T,
1 + T or 2 + D items to choose between.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int64Array
from gengraph.models.graphgen.codes import ROOT
from gengraph.models.graphgen.growth import BoolArray, Growth, Kind

NOT = -1
"""The class of an item that may not come."""

COMPLETE, ROOTED = 0, 1
"""The first items of t_u: the graph ends, or a component begins; then the vertices, in their order."""

NUM_FEATURES = 7
"""Numbers that tell vertices to choose between apart."""

NEW = 0
"""The first item of t_v: a new vertex; then those found before."""


@dataclass(frozen=True, slots=True)
class Views:
    """How codes are seen.

    Attributes:
        kind: what labels are.
        relative: whether vertices are named by how long ago they were found, and not by when.
        names: K; vertices further on share the last name.
        most: D; larger degrees share a class.
    """

    kind: Kind
    relative: bool
    names: int
    most: int

    def source_classes(self, growth: Growth) -> Int64Array:
        """int64[B, 2 + T], the class of t_u of each item."""
        allowed, complete = growth.sources()
        started = growth.num_found > 0
        both = np.where(np.column_stack([complete & started, complete]), (COMPLETE, ROOTED), NOT)
        return np.concatenate([both, np.where(allowed, 2 + self._names(growth), NOT)], axis=1)

    def target_classes(self, growth: Growth, source: Int64Array) -> Int64Array:
        """int64[B, 1 + T], the class of t_v of each item, where t_u int64[B] is known."""
        back = np.where(growth.targets(source), 1 + self._names(growth), NOT)
        return np.concatenate([np.full((len(back), 1), NEW), back], axis=1)

    def label_classes(self, source: Int64Array, new: BoolArray) -> Int64Array:
        """int64[B, 2 + D], the class of L_v of each item: the degree, or more than D; of a known vertex nothing is open."""
        classes = np.broadcast_to(np.arange(self.num_labels), (len(source), self.num_labels)).copy()
        classes[~new, 1:] = NOT
        if self.kind != "none":
            classes[new & (source != ROOT), 0] = NOT
        return classes

    @property
    def num_labels(self) -> int:
        """Classes of labels."""
        return 1 if self.kind == "none" else self.most + 2

    def read(self, steps: Int64Array) -> Int64Array:
        """int64[K, 4], the classes of t_u, t_v, L_u and L_v of steps int64[K, 4]."""
        source, target = steps[:, 0], steps[:, 1]
        newest = np.maximum(source, target)
        first = np.where(source == ROOT, 0, 1 + self._name(source, newest))
        second = np.where(target < source, self.names, 0) + self._name(target, newest)
        return np.column_stack([first, second, np.minimum(steps[:, 2:], self.num_labels - 1)])

    def seen(self, growth: Growth) -> npt.NDArray[np.float32]:
        """float32[B, 3 K + 3]: what vertices on the path lack, share with the newest, and whether it may be joined to them."""
        source = np.where(growth.path, np.arange(growth.path.shape[1]), -1).max(axis=1, initial=-1)
        lacks = np.where(growth.path, growth.lacks, 0)
        parts = [lacks / 4, np.where(growth.path, growth.common, 0) / 4, growth.targets(source)]
        by_name = [self._by_name(np.asarray(part, np.float32), growth) for part in parts]
        sums = np.column_stack([lacks.sum(axis=1), growth.path.sum(axis=1), growth.num_found]) / 16
        return np.concatenate([*by_name, sums], axis=1, dtype=np.float32)

    def features(self, growth: Growth, rows: Int64Array, first: int) -> npt.NDArray[np.float32]:
        """float32[Q, first + T, NUM_FEATURES], what tells vertices on the path apart, of some codes; 0 for the first items."""
        path, lacks = growth.path[rows], np.where(growth.path[rows], growth.lacks[rows], 0)
        age = growth.newest[rows][:, None] - np.arange(path.shape[1])
        deeper: Int64Array = np.cumsum((lacks > 0)[:, ::-1], axis=1)[:, ::-1] - (lacks > 0)
        of_vertex = [lacks / 4, lacks > 0, growth.common[rows] / 4, np.exp(-age.clip(min=0) / 4), age / 16, deeper == 0]
        found = np.stack([*of_vertex, np.ones_like(path)], axis=2, dtype=np.float32) * path[:, :, None]
        return np.pad(found, ((0, 0), (first, 0), (0, 0)))

    def _by_name(self, values: npt.NDArray[np.float32], growth: Growth) -> npt.NDArray[np.float32]:
        """float32[B, K] of float32[B, T]; vertices beyond the last name are left out."""
        at = np.broadcast_to(np.arange(self.names), (len(values), self.names))
        at = growth.newest[:, None] - at if self.relative else at
        inside = (at >= 0) & (at < values.shape[1])
        return np.where(inside, np.take_along_axis(values, np.where(inside, at, 0), axis=1), np.float32(0))

    def _names(self, growth: Growth) -> Int64Array:
        times = np.broadcast_to(np.arange(growth.path.shape[1]), growth.path.shape)
        return self._name(times, growth.newest[:, None])

    def _name(self, times: Int64Array, newest: Int64Array) -> Int64Array:
        named = newest - times if self.relative else times
        clipped: Int64Array = np.clip(named, 0, self.names - 1)
        return clipped
