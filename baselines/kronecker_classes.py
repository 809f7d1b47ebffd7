"""The pairs of nodes of a stochastic Kronecker graph, sorted into classes of equal probability.

The probability of a pair (u, v) is a product over k levels, so it depends only on how often each entry of the symmetric
initiator occurs in the product. A number of k digits is cut into a high and a low half; the exponents of a pair are the sum
of those of its halves, and tables over the halves have only s^k entries.

Legend: s side of the initiator, k levels, L levels of a half, C classes of a half, T = s (s + 1) / 2 entries.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


class HalfClasses(NamedTuple):
    """The classes of the pairs (i, j) of numbers below s^L."""

    class_of: Int32Array  # [s^L, s^L], symmetric
    exponents: Int64Array  # [C, T]: how often each entry on and above the initiator's diagonal (row by row) occurs


def num_levels(num_nodes: int, side: int) -> int:
    """The smallest k >= 1 with side**k >= num_nodes."""
    levels = 1
    while side**levels < num_nodes:
        levels += 1
    return levels


def cut_levels(levels: int) -> tuple[int, int]:
    """(high, low): into how many levels the two halves are cut; the low half may be empty, one pair of one class."""
    return levels - levels // 2, levels // 2


@lru_cache(maxsize=32)
def half_classes(side: int, levels: int) -> HalfClasses:
    """Classes of the pairs of numbers of `levels` >= 0 digits; O(s^(2 L) log s) once."""
    entry = np.zeros((side, side), np.int64)
    upper = np.triu_indices(side)
    entry[upper] = np.arange(len(upper[0]))
    digit = (levels + 1) ** np.arange(len(upper[0]))  # the exponents are the digits of a number in base L + 1
    numbers = np.zeros((1, 1), np.int64)
    for _ in range(levels):
        added = digit[np.maximum(entry, entry.T)]
        numbers = (numbers[:, None, :, None] + added[None, :, None, :]).reshape(side * len(numbers), -1)
    classes, class_of = np.unique(numbers, return_inverse=True)
    return HalfClasses(class_of.reshape(numbers.shape).astype(np.int32), classes[:, None] // digit % (levels + 1))
