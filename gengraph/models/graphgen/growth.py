"""Codes that grow side by side, and which steps may come next: one rule for likelihood and sampler.

A forward edge starts on the rightmost path, a backward edge goes from the newest vertex to one on that path, later than the one
before and not its parent. Where labels are to be true degrees, a vertex takes part in no more edges than its label says, and
none is left behind that lacks some; so the vertex that the next edge starts from is known, and where none lacks an edge a
component is complete. So every sequence of steps that may come is the code of a graph.

Legend: B codes, T vertices of the largest component that there is room for.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int64Array
from gengraph.models.graphgen.codes import ROOT

BoolArray = npt.NDArray[np.bool_]
Kind = Literal["none", "degrees", "true degrees"]
"""What labels are: none, degrees as hints, degrees that the graph is sure to have."""

_SEEN = ("num_found", "path", "lacks", "common", "_last", "_parent")


class Growth:
    """Where codes stand after some steps.

    Args:
        count: B.
        room: T, at first.
        kind: what labels are.

    Attributes:
        num_found: int64[B], vertices of the component.
        path: bool[B, T], on the rightmost path.
        labels: int32[B, T].
        lacks: int32[B, T], edges that vertices lack for their label; without labels 1.
        common: int32[B, T], neighbours that vertices on the path have in common with the newest.
    """

    def __init__(self, count: int, room: int, kind: Kind) -> None:
        self._kind = kind
        self.num_found = np.zeros(count, np.int64)
        self.path = np.zeros((count, room), np.bool_)
        self.labels = np.zeros((count, room), np.int32)
        self.lacks = np.zeros((count, room), np.int32)
        self.common = np.zeros((count, room), np.int32)
        self._adjacent = np.zeros((count, room, room), np.bool_)
        self._last = np.full(count, -1, np.int64)  # what the newest vertex was last joined to by a backward edge
        self._parent = np.full(count, -1, np.int64)  # of the newest vertex

    @property
    def newest(self) -> Int64Array:
        """int64[B], when the newest vertex was found; -1 before the first root."""
        return self.num_found - 1

    def sources(self) -> tuple[BoolArray, BoolArray]:
        """The vertices bool[B, T] that the next edge may start from, and bool[B], whether the component may be complete."""
        if self._kind != "true degrees":
            return self.path, np.ones(len(self.path), np.bool_)
        lacking = self.lacks > 0
        room = lacking.shape[1]
        deepest = room - 1 - lacking[:, ::-1].argmax(axis=1)
        complete: BoolArray = np.logical_not(lacking.any(axis=1))
        return (np.arange(room) == deepest[:, None]) & ~complete[:, None], complete

    def targets(self, source: Int64Array) -> BoolArray:
        """bool[B, T], the found vertices that an edge from a source may go back to."""
        times = np.arange(self.path.shape[1])
        allowed = self.path & (times > self._last[:, None]) & (times < source[:, None])
        if self._kind == "true degrees":
            allowed &= self.lacks > 0
        allowed &= times != self._parent[:, None]
        allowed &= (source == self.newest)[:, None]
        return allowed

    def add(self, lanes: Int64Array, source: Int64Array, target: Int64Array, label: Int64Array) -> None:
        """Take a step in some codes.

        Args:
            lanes: int64[K], different, of codes that have not ended.
            source: int64[K], t_u; ROOT for a root.
            target: int64[K], t_v.
            label: int64[K], L_v.
        """
        rooted = source == ROOT
        if rooted.any():
            self._clear(lanes[rooted])
        self._make_room(int(target.max(initial=0)))
        back = ~rooted & (target < self.num_found[lanes])
        self._last[lanes] = np.where(back, target, -1)
        new, at, told = lanes[~back], target[~back], label[~back]
        self.path[new] &= np.arange(self.path.shape[1]) <= source[~back][:, None]
        self.path[new, at] = True
        self.labels[new, at] = told
        self.lacks[new, at] = 1 if self._kind == "none" else told
        self.num_found[new] = at + 1
        self._parent[new] = source[~back]
        self.common[new] = 0
        low, high, some = target[~rooted], source[~rooted], lanes[~rooted]
        joined = np.where(back[~rooted], low, high)  # the older end; the other one is the newest vertex
        self.common[some] += self._adjacent[some, joined]
        self._adjacent[some, low, high] = self._adjacent[some, high, low] = True
        if self._kind != "none":
            self.lacks[some, low] -= 1
            self.lacks[some, high] -= 1

    def keep(self, lanes: Int64Array) -> None:
        """Forget all codes but some."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(self, name, value[lanes])

    def seen(self, lanes: Int64Array) -> list[npt.NDArray[Any]]:
        """Where some codes stand, as far as the next step depends on it."""
        return [getattr(self, name)[lanes] for name in _SEEN]

    @classmethod
    def stacked(cls, seen: list[list[npt.NDArray[Any]]], kind: Kind) -> "Growth":
        """What has been seen of codes, one after the other; they cannot grow any more."""
        growth = cls(0, 0, kind)
        for name, parts in zip(_SEEN, zip(*seen, strict=True), strict=True):
            setattr(growth, name, np.concatenate(parts))
        return growth

    def _clear(self, lanes: Int64Array) -> None:
        self.num_found[lanes], self._last[lanes], self._parent[lanes] = 0, -1, -1
        for array in (self.path, self.labels, self.lacks, self.common, self._adjacent):
            array[lanes] = 0

    def _make_room(self, target: int) -> None:
        room = self.path.shape[1]
        if target < room:
            return
        more = target + 1 + room // 2 - room
        for name in ("path", "labels", "lacks", "common"):
            setattr(self, name, np.pad(getattr(self, name), ((0, 0), (0, more))))
        self._adjacent = np.pad(self._adjacent, ((0, 0), (0, more), (0, more)))
