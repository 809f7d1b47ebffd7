"""PolyGraph discrepancy: how well a classifier tells generated graphs from real ones; needs scikit-learn.

Legend: n graphs of each set, D numbers a graph.

References:
    [1] M. Krimmel, P. Hartout, K. Borgwardt and D. Chen, PolyGraph discrepancy: a classifier-based metric for graph
        generation, 2025; polygraph-benchmark 1.1.0, whose values these are.
    [2] D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests, ICLR 2017.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.metrics.descriptions import DescribedSet, described
from gengraph.metrics.kernels import pad_and_normalise
from gengraph.metrics.statistics import FloatArray

NUM_FOLDS = 4
MIN_GRAPHS = 4 * NUM_FOLDS  # of each set a fold of the training half has two
MAX_ITERATIONS = 1000
DESCRIPTORS: Mapping[str, str] = {
    "orbit4": "orbit",
    "orbit5": "orbit5",
    "clustering": "clustering",
    "degree": "degree",
    "spectral": "spectral",
    "gin": "gin",
}
HISTOGRAMS = frozenset({"clustering", "degree", "spectral"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Discrepancy:
    """What `discrepancy` found.

    Attributes:
        pgd: the held-out score of the chosen descriptor, in [0, 1]; 0 is indistinguishable.
        descriptor: the one with the best score in cross-validation on the training halves.
        scores: the held-out score of each descriptor, in [0, 1].
        num_reference: real graphs.
        num_generated: generated graphs.
        num_compared: n, how many of each the classifiers saw: as many of both.
        mean: of pgd over random halves of both sets, NaN if not asked for.
        deviation: its standard deviation over these.
        repeats: how many.
    """

    pgd: float
    descriptor: str
    scores: Mapping[str, float]
    num_reference: int
    num_generated: int
    num_compared: int
    mean: float = field(default=np.nan)
    deviation: float = field(default=np.nan)
    repeats: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; None for what was not asked for."""
        values = asdict(self)
        return values if self.repeats else {**values, "mean": None, "deviation": None}


def discrepancy(reference: GraphSet | DescribedSet, generated: GraphSet | DescribedSet, *, repeats: int = 0) -> Discrepancy:
    """A lower bound of the Jensen-Shannon distance of two graph distributions, the largest over six descriptors [1].

    For each descriptor a logistic regression learns to tell one half of both sets apart and is scored on the other half: with p
    its probability of `real`, the distance is at least sqrt(1 + (E_real log2 p + E_generated log2 (1 - p)) / 2), 0 where that
    is negative. The descriptor is chosen by cross-validation within the first halves, so that the maximum is no optimist.

    The sets must be equally large for that: of a larger one the first n graphs are taken. The descriptors are mean counts of
    the 15 and of the 73 orbits of graphlets with up to four and five nodes, histograms of clustering, degrees and spectra, and
    embeddings by a random network. Halves and folds are those of the package's seed.

    Flaws: a bound, only as tight as the classifier. Published values are mostly made with the package's default, a classifier
    of tables with weights of its own; those of a logistic regression are lower or equal in most cases and must not be mixed
    with them. Between few graphs it is noisy: compare train with test graphs to see how much.

    Args:
        reference: at least 16 real graphs.
        generated: at least 16 graphs to judge.
        repeats: how many random halves of both sets to repeat it on, for its mean and deviation as [1] reports them; they are
            as noisy as sets of half the size are.

    Raises:
        InputError: a set is too small or has a graph without nodes, or scikit-learn is not installed.
    """
    sets = described(reference), described(generated)
    _check(sets)
    size = min(len(part) for part in sets)
    features = {name: _features(name, sets) for name in DESCRIPTORS}
    trained, scores = {}, {}
    for name, (first, second) in features.items():
        trained[name], scores[name] = _train_and_score(first[:size], second[:size], np.random.default_rng(0))
    chosen = max(DESCRIPTORS, key=lambda name: trained[name])
    halves = _on_halves(features, size // 2, repeats) if repeats else None
    return Discrepancy(
        pgd=scores[chosen],
        descriptor=chosen,
        scores=scores,
        num_reference=len(sets[0]),
        num_generated=len(sets[1]),
        num_compared=size,
        mean=np.nan if halves is None else float(halves.mean()),
        deviation=np.nan if halves is None else float(halves.std()),
        repeats=repeats,
    )


def _check(sets: tuple[DescribedSet, DescribedSet]) -> None:
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        msg = "pgd needs the package scikit-learn, which is not installed; pip install 'gengraph[metrics]'"
        raise InputError(msg) from error
    smallest = min(len(part) for part in sets)
    if smallest < MIN_GRAPHS:
        msg = f"pgd needs at least {MIN_GRAPHS} graphs in each set, got {smallest}; make more graphs"
        raise InputError(msg)
    null = sum(int((part.num_nodes == 0).sum()) for part in sets)
    if null:
        msg = f"pgd is not defined for graphs without nodes, got {null}; set on_empty = drop, and say how many they were"
        raise InputError(msg)


def _features(name: str, sets: tuple[DescribedSet, DescribedSet]) -> tuple[FloatArray, FloatArray]:
    first, second = (part.rows(DESCRIPTORS[name]) for part in sets)
    if name == "gin":  # in single precision, as the network computes it
        return first.astype(np.float32), second.astype(np.float32)
    return pad_and_normalise(first, second) if name in HISTOGRAMS else (first, second)


def _on_halves(features: Mapping[str, tuple[FloatArray, FloatArray]], size: int, repeats: int) -> FloatArray:
    """float64[repeats], the discrepancy of random subsets of `size` graphs; one stream a descriptor, as the package has it."""
    found = np.empty((repeats, len(features), 2))
    for k, (first, second) in enumerate(features.values()):
        rng = np.random.default_rng(0)
        for r in range(repeats):
            chosen = [rng.choice(len(part), size=size, replace=False) for part in (first, second)]
            found[r, k] = _train_and_score(first[chosen[0]], second[chosen[1]], rng)
    return np.asarray(found[np.arange(repeats), found[:, :, 0].argmax(axis=1), 1])


def _train_and_score(first: FloatArray, second: FloatArray, rng: np.random.Generator) -> tuple[float, float]:
    """The scores of a descriptor in cross-validation on the training halves, and on the held-out halves."""
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import StandardScaler

    halves = [_halves(len(part), rng) for part in (first, second)]
    train, test = (np.concatenate([part[half[i]] for part, half in zip((first, second), halves, strict=True)]) for i in (0, 1))
    labels = [np.repeat([1, 0], [len(half[i]) for half in halves]) for i in (0, 1)]
    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    folds = StratifiedKFold(n_splits=NUM_FOLDS, shuffle=True, random_state=0).split(train, labels[0])
    inner = [_score(train[fit], labels[0][fit], train[held], labels[0][held]) for fit, held in folds]
    return float(np.mean(inner)), _score(train, labels[0], test, labels[1])


def _halves(count: int, rng: np.random.Generator) -> tuple[Int64Array, Int64Array]:
    train = rng.choice(count, size=count // 2, replace=False)
    return train, np.setdiff1d(np.arange(count), train)


def _score(train: FloatArray, train_labels: Int64Array, test: FloatArray, test_labels: Int64Array) -> float:
    """Learn from one part and score on the other, in [0, 1]."""
    from sklearn.linear_model import LogisticRegression

    if (train == train[0]).all():  # nothing to tell them by
        real = np.full(len(test), 0.5)
    else:
        real = LogisticRegression(max_iter=MAX_ITERATIONS).fit(train, train_labels).predict_proba(test)[:, 1]
    return _jensen_shannon(real[test_labels == 1], real[test_labels == 0])


def _jensen_shannon(of_real: npt.NDArray[np.float64], of_generated: npt.NDArray[np.float64]) -> float:
    """The bound, from the probabilities of `real` that a classifier gives to real and to generated graphs."""
    divergence = 1 + (np.log2(of_real + 1e-10).mean() + np.log2(1 - of_generated + 1e-10).mean()) / 2
    return float(np.sqrt(np.clip(divergence, 0, 1)))
