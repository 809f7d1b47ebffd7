"""What is decided of a forest, and what each decision sees.

The children of a vertex come in descending order of (rank, size). Of each first its rank is decided, then its size, out of what
can still be: a vertex has so many nodes to give away, and no child stands above the one before it. What is certain is no
decision: of a node of height h the first child has height h - 1, of a central node the second one too; once a child is a single
node, so are all that follow.

Legend: M children, K decisions of a kind, Q options of all of them, C codes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.trees.rooted import CENTRE, EDGE, FOREST, NODE

NUM_CODES = 81
"""How many codes a count has: one each for -1 (nothing) to 15, then four an octave, the last one for what is larger."""
_EXACT, _OCTAVE = 16, 4
APART, JOINED = 1, 2
"""Options of a forest that leave nodes for another component, and those that make a component with edges."""

Seen = Mapping[str, Int64Array]
"""What decisions see, int64[M] by the names of VERTEX and BEFORE, and "rank" where it is decided already.

A vertex has a role, a height (of a central edge that of its halves, of a forest 0), a size, a depth below the centre, siblings
(itself counted), and a lag: by how much it is less high than the highest of these. Before a child there are: nodes left to give
away, its position, the last rank and the last slack (what the size of the one before was above the least), -1 for the first
child; and the length of the run of children before it that are alike in rank and size."""
VERTEX = ("role", "height", "size", "depth", "siblings", "lag")
BEFORE = ("left", "position", "last rank", "last slack", "run")

Range = tuple[Int64Array, Int64Array]


@dataclass(frozen=True, slots=True)
class Kind:
    """Ranks or sizes.

    Attributes:
        seen: names of what decisions see.
        offered: names of what they see of an option.
        between: the least and the largest value int64[M] that each can take, the same if it is certain.
        describe: what is seen of options int64[Q], each with what its decision sees; and "beyond", how many nodes it leaves to
            others whatever follows, and "component", positive where it makes a component with edges.
    """

    seen: tuple[str, ...]
    offered: tuple[str, ...]
    between: Callable[[Seen], Range]
    describe: Callable[[Seen, Int64Array], Seen]


@dataclass(frozen=True, slots=True)
class Offer:
    """What M decisions of a kind offer, with codes for the K of them that are not certain.

    Attributes:
        least: int64[M], the first option of each.
        asked: int64[K], those that have more than one.
        num_options: int64[K].
        codes: int32[K, C] of what they see.
        options: int32[Q, C] of their options.
        novel: int8[Q], APART or JOINED or both (their sum), 0 for all other options.
    """

    least: Int64Array
    asked: Int64Array
    num_options: Int64Array
    codes: Int32Array
    options: Int32Array
    novel: npt.NDArray[np.int8]

    @classmethod
    def of(cls, kind: Kind, seen: Seen) -> "Offer":
        """What decisions offer that see this."""
        least, most = kind.between(seen)
        asked = np.flatnonzero(most > least)
        num_options = (most - least + 1)[asked]
        own = {name: seen[name][asked] for name in kind.seen}
        each = {name: np.repeat(values, num_options) for name, values in own.items()}
        value = ranges(least[asked], num_options)
        offered = kind.describe(each, value)
        apart, joined = offered["beyond"] > 0, offered["component"] > 0
        return cls(
            least=least,
            asked=asked,
            num_options=num_options,
            codes=codes_of(own, kind.seen),
            options=codes_of(offered, kind.offered),
            novel=((each["role"] == FOREST) * (APART * apart + JOINED * joined)).astype(np.int8),
        )


def _rank_range(seen: Seen) -> Range:
    role, height, position, last = seen["role"], seen["height"], seen["position"], seen["last rank"]
    sure = ((role == NODE) & (position == 0)) | ((role == CENTRE) & (position < 2)) | (role == EDGE)
    most = np.minimum(seen["left"] - 1, np.where(last < 0, seen["left"], last))
    certain = np.where(role == EDGE, height, height - 1)
    return np.where(sure, certain, 0), np.where(sure, certain, most)


def _size_range(seen: Seen) -> Range:
    role, first, rank, left = seen["role"], seen["position"] == 0, seen["rank"], seen["left"]
    least = rank + 1
    most = np.where(rank == seen["last rank"], np.minimum(left, seen["last slack"] + least), left)
    most = np.where((role == CENTRE) & first, left - seen["height"], most)  # there is a second one of this height
    half = np.where(first, (left + 1) // 2, left)
    most = np.where(role == EDGE, np.where(first, left - least, left), most)
    least = np.where(role == EDGE, half, least)
    exact = (rank == 0) | ((role == FOREST) & (rank == 1))  # a node, an edge
    return least, np.where(exact, least, most)


def _see_rank(seen: Seen, rank: Int64Array) -> Seen:
    last = seen["last rank"]
    largest = np.where(rank < 2, rank + 1, seen["left"])  # of a component of this diameter
    return {
        "rank": rank,
        "below last": np.where(last < 0, -1, last - rank),
        "spare": seen["left"] - rank - 1,
        "beyond": seen["left"] - largest,
        "component": rank,
    }


def _see_size(seen: Seen, size: Int64Array) -> Seen:
    slack = size - seen["rank"] - 1
    below = np.where(seen["rank"] == seen["last rank"], seen["last slack"] - slack, -1)
    rest = seen["left"] - size
    return {"slack": slack, "below last": below, "rest": rest, "beyond": rest, "component": np.zeros_like(rest)}


RANKS = Kind((*VERTEX, *BEFORE), ("rank", "below last", "spare"), _rank_range, _see_rank)
SIZES = Kind((*VERTEX, *BEFORE, "rank"), ("slack", "below last", "rest"), _size_range, _see_size)


def codes_of(counts: Seen, names: tuple[str, ...]) -> Int32Array:
    """int32[K, C], a code for the count of each name, all names in ranges of their own."""
    count = np.column_stack([counts[name] for name in names])
    octaves = np.log2(np.maximum(count, _EXACT) / _EXACT)
    rough = _EXACT + np.floor(_OCTAVE * octaves + 1e-9).astype(np.int64)
    code = np.minimum(np.where(count < _EXACT, count, rough) + 1, NUM_CODES - 1)
    separate: Int32Array = (code + NUM_CODES * np.arange(len(names))).astype(np.int32)
    return separate


def least_counts() -> npt.NDArray[np.float64]:
    """float64[NUM_CODES], the least count that has each code, to the accuracy of a float."""
    code = np.arange(NUM_CODES) - 1
    return np.where(code < _EXACT, code, _EXACT * 2.0 ** ((code - _EXACT) / _OCTAVE))


def ranges(first: Int64Array, counts: Int64Array) -> Int64Array:
    """int64[sum of counts]: first, first + 1, ... of each."""
    ends = np.cumsum(counts)
    every: Int64Array = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - counts), counts)
    return every
