"""Distances between distributions of properties, and between counts.

References:
    [1] D. Polykovskiy et al., Molecular Sets (MOSES), Frontiers in Pharmacology 11, 2020.
    [2] N. Brown et al., GuacaMol, J. Chem. Inf. Model. 59, 2019.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from gengraph.chemistry.descriptions import Described
from gengraph.chemistry.fingerprints import nearest_similarities
from gengraph.chemistry.properties import GUACAMOL

FloatArray = npt.NDArray[np.float64]
_BINS, _POINTS, _LITTLE = 10, 1000, 1e-10  # as [2] has them


def cosine_of_counts(first: Counter[str], second: Counter[str]) -> float:
    """The cosine of two vectors of counts, in [0, 1] [1]; nan if one of them is empty."""
    if not first or not second:
        return float("nan")
    product = sum(count * second[name] for name, count in first.items())
    lengths = [float(np.sqrt(sum(count**2 for count in counts.values()))) for counts in (first, second)]
    return product / lengths[0] / lengths[1]


def wasserstein(reference: FloatArray, generated: FloatArray) -> float:
    """The Wasserstein-1 distance of two samples of numbers, in their unit; nan if one of them is empty."""
    if not len(reference) or not len(generated):
        return float("nan")
    return float(stats.wasserstein_distance(reference, generated))


@dataclass(frozen=True, slots=True)
class KullbackLeibler:
    """The score of [2].

    Attributes:
        score: the mean of exp(-KL) over the ten properties, in [0, 1]; nan where one divergence is not defined.
        divergences: KL(training || generated) by property, in nats.
        outside: by property, the share of generated values outside the training range. Counts beyond it are dropped and cost
            nothing.
    """

    score: float
    divergences: dict[str, float]
    outside: dict[str, float]


def kullback_leibler(train: Described, generated: Described) -> KullbackLeibler:
    """KL of nine descriptors and of the similarity to the nearest neighbour within the set [2]; O(n^2) for the latter."""
    names = [name for group in GUACAMOL for name in group]
    columns = {name: (train.descriptors[:, k], generated.descriptors[:, k]) for k, name in enumerate(names)}
    columns["internal_similarity"] = _nearest(train), _nearest(generated)
    counted = set(GUACAMOL[1])
    divergences = {
        name: _of_counts(old, new) if name in counted else _of_densities(old, new) for name, (old, new) in columns.items()
    }
    return KullbackLeibler(
        score=float(np.mean([np.exp(-value) for value in divergences.values()])),
        divergences=divergences,
        outside={name: _outside(old, new) for name, (old, new) in columns.items()},
    )


def _nearest(described: Described) -> FloatArray:
    return nearest_similarities(described.wide_bits, described.wide_bits, within=True)


def _outside(train: FloatArray, generated: FloatArray) -> float:
    if not len(train) or not len(generated):
        return float("nan")
    return float(((generated < train.min()) | (generated > train.max())).mean())


def _of_counts(train: FloatArray, generated: FloatArray) -> float:
    """Ten bins over the training range."""
    if not len(train):
        return float("nan")
    bins = np.histogram_bin_edges(train, bins=_BINS)
    inside = generated[(generated >= bins[0]) & (generated <= bins[-1])]
    if not len(inside):
        return float("nan")
    densities = [np.histogram(values, bins=bins, density=True)[0] + _LITTLE for values in (train, inside)]
    return float(stats.entropy(*densities))


def _of_densities(train: FloatArray, generated: FloatArray) -> float:
    """Densities by Gaussian kernels, at a thousand points from the least to the largest value of both."""
    if min(len(np.unique(train)), len(np.unique(generated))) < 2:
        return float("nan")
    both = np.concatenate([train, generated])
    points = np.linspace(both.min(), both.max(), num=_POINTS)
    densities = [stats.gaussian_kde(values)(points) + _LITTLE for values in (train, generated)]
    return float(stats.entropy(*densities))
