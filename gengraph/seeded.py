"""A random stream keyed by what it is for: the same numbers on every machine, without compiled code (`gengraph.streams`).

numpy promises the bits of a bit generator for ever, but not the distributions of its Generator; what must be the same with
every version takes its numbers from here.
"""

import numpy as np
import numpy.typing as npt


class Stream:
    """The uniform random numbers that belong to a key of non-negative integers, (seed, graph index) say."""

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def uniforms(self, count: int) -> npt.NDArray[np.float64]:
        """float64[count] in [0, 1): the upper 53 bits of PCG64's output."""
        raw = np.asarray(self._bits.random_raw(count), dtype=np.uint64)
        return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integer(self, bound: int) -> int:
        """One integer uniform on 0..bound-1, bound <= 2**31 (the bias is below 2**-22)."""
        return int(self.uniforms(1)[0] * bound)

    def permutation(self, count: int) -> npt.NDArray[np.int64]:
        """int64[count]: a uniformly random order of 0..count-1."""
        return np.argsort(self.uniforms(count), kind="stable")
