"""Rows that are equal, kept once with the graphs that have them: a million small graphs have few different histograms.

Legend: G graphs, K different rows, D numbers a row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int64Array
from gengraph.metrics.statistics import FeatureRows, FloatArray, Rows, SparseHistograms

BLOCK_ROWS = 1 << 12  # rows that are hashed and compared at a time
WORTH = 0.9  # rows stay as they are where more than this share of them differ
Numbers = npt.NDArray[Any]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """One row a graph, equal rows once.

    Attributes:
        values: [K, D] in the narrowest type that holds them (whole numbers to 255 in a byte), or sparse rows.
        index: int64[G], the row of each graph; None where row g is that of graph g.
    """

    values: Rows
    index: Int64Array | None = None

    @classmethod
    def of(cls, parts: Iterable[FloatArray | FeatureRows]) -> "Distinct":
        """The rows of all parts, in order; the narrower ones are filled up with zeros on the right. Features stay as they are.

        Complexity: O(G D) time; memory D bytes a row that differs in its part where the numbers are whole and small.
        """
        return cls.concatenate([cls(part) if isinstance(part, FeatureRows) else cls(*_united(_narrow(part))) for part in parts])

    @classmethod
    def concatenate(cls, parts: "Sequence[Distinct]") -> "Distinct":
        """The graphs of all parts, in order; narrower rows are filled up with zeros on the right."""
        features = [part.values for part in parts if isinstance(part.values, FeatureRows)]
        if features:
            starts = np.cumsum([0, *map(len, features)])[:-1]
            index = np.concatenate([part.places + start for part, start in zip(parts, starts, strict=True)])
            return cls(FeatureRows.concatenate(features), index)
        values = [np.asarray(part.values) for part in parts]
        width = max((part.shape[1] for part in values), default=1)
        padded = [np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in values]
        starts = np.cumsum([0, *(len(part) for part in padded)])[:-1]
        index = np.concatenate([part.places + start for part, start in zip(parts, starts, strict=True)])
        united, number = _united(np.concatenate(padded))
        index = number[index]
        return cls(united[index]) if len(united) > WORTH * len(index) else cls(united, index)

    @property
    def places(self) -> Int64Array:
        """int64[G], the row of each graph."""
        return np.arange(len(self.values)) if self.index is None else self.index

    def __len__(self) -> int:
        return len(self.values) if self.index is None else len(self.index)

    def __getitem__(self, graphs: npt.NDArray[np.bool_]) -> "Distinct":
        if self.index is None:
            return Distinct(self.values[graphs])
        used, index = np.unique(self.index[graphs], return_inverse=True)
        kept = np.zeros(len(self.values), bool)
        kept[used] = True
        return Distinct(self.values[kept], index.reshape(-1))

    def to_arrays(self) -> dict[str, Numbers]:
        """What a file keeps; not of sparse histograms."""
        assert not isinstance(self.values, SparseHistograms)
        rows = self.values.to_arrays() if isinstance(self.values, FeatureRows) else {"values": self.values}
        return rows | ({} if self.index is None else {"index": self.index})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Numbers]) -> "Distinct":
        """What `to_arrays` gave."""
        rows = FeatureRows.from_arrays(arrays) if "columns" in arrays else arrays["values"]
        return cls(rows, arrays.get("index"))

    def dense(self) -> FloatArray:
        """float64[G, D], a row for each graph."""
        assert isinstance(self.values, np.ndarray)
        return (self.values if self.index is None else self.values[self.index]).astype(np.float64)

    def defined(self) -> "Distinct":
        """The graphs whose rows have no NaN."""
        if not isinstance(self.values, np.ndarray):
            return self
        finite = np.asarray(np.isfinite(self.values).all(axis=1))
        if finite.all():
            return self
        return self[finite if self.index is None else finite[self.index]]


def _narrow(rows: Numbers) -> Numbers:
    """The same numbers in a byte or two each where they are whole and small."""
    rows = rows[:, None] if rows.ndim == 1 else rows
    if not rows.size or not 0 <= rows.min() <= rows.max() < 1 << 16:  # also where there is a NaN
        return rows
    narrow = rows.astype(np.uint8 if rows.max() < 1 << 8 else np.uint16)
    return narrow if np.array_equal(narrow, rows) else rows


def _united(rows: Numbers) -> tuple[Numbers, Int64Array]:
    """The different rows in the order of their first graphs, and int64[G], which of them each row is.

    Rows are sorted by a hash, and each is then compared with the one that stands for it.
    """
    first, number = _first_and_number(np.concatenate([_hashes(block) for block in _blocks(rows)] or [np.zeros(0, np.uint64)]))
    values = rows[first]
    for start, block in enumerate(_blocks(rows)):
        own = number[start * BLOCK_ROWS : start * BLOCK_ROWS + len(block)]
        if not np.array_equal(_bits(block), _bits(values[own])):  # two rows with one hash
            _, first, number = np.unique(_bits(rows), axis=0, return_index=True, return_inverse=True)
            return rows[first], number.reshape(-1)
    return values, number


def _first_and_number(keys: npt.NDArray[np.uint64]) -> tuple[Int64Array, Int64Array]:
    """Where each different key stands first, ascending, and which of these each key is."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first))
    return first[order], rank[inverse.reshape(-1)]


def _blocks(rows: Numbers) -> list[Numbers]:
    return [rows[start : start + BLOCK_ROWS] for start in range(0, len(rows), BLOCK_ROWS)]


def _bits(rows: Numbers) -> Numbers:
    """Of floats their bits, so that a NaN is equal to itself."""
    return np.ascontiguousarray(rows).view(np.uint64) if rows.dtype == np.float64 else rows


def _hashes(rows: Numbers) -> npt.NDArray[np.uint64]:
    """uint64 of each row; equal rows have equal ones."""
    words = _bits(rows).astype(np.uint64)
    words ^= words >> np.uint64(31)  # the low bits of most floats are zeros
    words *= _FACTOR
    words ^= words >> np.uint64(29)
    words *= np.arange(1, 2 * words.shape[1], 2, dtype=np.uint64) * _FACTOR
    return np.asarray(words.sum(axis=1, dtype=np.uint64))
