"""Random numbers of graphs that are drawn together: those of a graph follow from (seed, index, attempt), not from its company.

They are the numbers of `gengraph.streams`, for code that works on whole arrays.

Legend: G graphs, U numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int64Array
from gengraph.streams import key_of, mix

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@nb.njit(cache=True)
def keys_of(seed: int, first: Int64Array, second: Int64Array) -> npt.NDArray[np.uint64]:
    """uint64[G], the key of the stream of each graph: of a seed and two numbers, its index and attempt say."""
    keys = np.empty(len(first), np.uint64)
    for g in range(len(first)):
        keys[g] = key_of(seed, first[g], second[g])
    return keys


@dataclass(frozen=True, slots=True)
class Numbers:
    """The streams of some graphs.

    Attributes:
        keys: uint64[G].
    """

    keys: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, seed: int, indices: Int64Array, attempts: Int64Array) -> "Numbers":
        """Of a seed, int64[G] indices and int64[G] attempts."""
        assert len(indices) == len(attempts)
        return cls(keys_of(seed, indices, attempts))

    def __getitem__(self, places: Int64Array) -> "Numbers":
        """Those of some of the graphs, int64[...] places."""
        return Numbers(self.keys[places])

    def __len__(self) -> int:
        return len(self.keys)

    def parts(self, together: int) -> Iterator[tuple[Int64Array, "Numbers"]]:
        """So many graphs at a time: int64[...] places, and their numbers."""
        for first in range(0, len(self), together):
            places = np.arange(first, min(first + together, len(self)))
            yield places, self[places]

    def uniforms(self, first: int | Int64Array, count: int) -> npt.NDArray[np.float64]:
        """float64[G, count] in [0, 1): those at first, first + 1, ...; first may be int64[G], one for each graph."""
        places = (np.reshape(first, (-1, 1)) + np.arange(1, count + 1)).astype(np.uint64)
        words: npt.NDArray[np.uint64] = mix.py_func(self.keys[:, None] + places * _GOLDEN)
        return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normals(self, first: int | Int64Array, count: int) -> npt.NDArray[np.float64]:
        """float64[G, count], standard normal: the quantiles at these uniforms."""
        from scipy.special import ndtri

        quantiles: npt.NDArray[np.float64] = ndtri(self.uniforms(first, count) + 2.0**-54)
        return quantiles
