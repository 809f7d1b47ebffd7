"""Morgan fingerprints as bits in 64-bit words, and the Tanimoto similarities between many of them.

Legend: m and n molecules, w = bits / 64 words.

References:
    [1] D. Polykovskiy et al., Molecular Sets (MOSES), Frontiers in Pharmacology 11, 2020: SNN and internal diversity.
    [2] N. Brown et al., GuacaMol, J. Chem. Inf. Model. 59, 2019: similarity to the nearest neighbour within a set.
"""

from collections.abc import Iterable

import numba as nb
import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

Words = npt.NDArray[np.uint64]
MOSES_BITS, GUACAMOL_BITS = 1024, 4096
_RADIUS = 2


def morgan_words(mols: Iterable[Chem.Mol], bits: int) -> Words:
    """uint64[n, bits / 64], the Morgan fingerprint of radius 2 of each molecule."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=_RADIUS, fpSize=bits)
    texts = [DataStructs.BitVectToBinaryText(generator.GetFingerprint(mol)) for mol in mols]
    return np.frombuffer(b"".join(texts), np.uint64).reshape(-1, bits // 64)


def nearest_similarities(points: Words, others: Words, *, within: bool = False) -> npt.NDArray[np.float64]:
    """float64[n], the similarity of each point to the most similar of the others; O(m n w).

    Args:
        points: uint64[n, w].
        others: uint64[m, w].
        within: both are one set, of which no point is its own neighbour; then that of a single point is 0.
    """
    result: npt.NDArray[np.float64] = _nearest(points, _counts(points), others, _counts(others), within)
    return result


def mean_similarities(points: Words, power: int) -> npt.NDArray[np.float64]:
    """float64[n], of each point the mean over all points, itself included, of the similarity to this power; O(n^2 w)."""
    result: npt.NDArray[np.float64] = _means(points, _counts(points), power)
    return result


def internal_diversity(points: Words) -> tuple[float, float]:
    """1 minus the mean similarity of all pairs, and the same by roots of mean squares [1].

    MOSES's code takes the root of each molecule's mean and then the mean; its paper's formula has the root of the mean of all.
    Both count a molecule as similar to itself.
    """
    first = 1 - float(mean_similarities(points, 1).mean())
    return first, 1 - float(np.sqrt(mean_similarities(points, 2)).mean())


@nb.njit(cache=True)
def _ones(word: np.uint64) -> np.uint64:
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@nb.njit(cache=True)
def _counts(points: Words) -> npt.NDArray[np.int64]:
    """int64[n], the bits of each that are set."""
    counts = np.zeros(len(points), np.int64)
    for i in range(len(points)):
        for k in range(points.shape[1]):
            counts[i] += np.int64(_ones(points[i, k]))
    return counts


@nb.njit(cache=True)
def _similarity(one: Words, two: Words, count_one: np.int64, count_two: np.int64) -> float:
    """Bits of both by bits of either; of two without bits 1."""
    common = np.uint64(0)
    for k in range(len(one)):
        common += _ones(one[k] & two[k])
    either = count_one + count_two - np.int64(common)
    return np.int64(common) / either if either else 1.0


@nb.njit(cache=True)
def _nearest(
    points: Words, count: npt.NDArray[np.int64], others: Words, other_count: npt.NDArray[np.int64], within: bool
) -> npt.NDArray[np.float64]:
    best = np.zeros(len(points))
    for i in range(len(points)):
        for j in range(len(others)):
            if not (within and i == j):
                best[i] = max(best[i], _similarity(points[i], others[j], count[i], other_count[j]))
    return best


@nb.njit(cache=True)
def _means(points: Words, count: npt.NDArray[np.int64], power: int) -> npt.NDArray[np.float64]:
    total = np.zeros(len(points))
    for i in range(len(points)):
        total[i] += 1.0
        for j in range(i):
            value = _similarity(points[i], points[j], count[i], count[j]) ** power
            total[i] += value
            total[j] += value
    return total / len(points)
