"""How well a classifier tells generated graphs from real ones; needs scikit-learn.

Legend: m and n graphs of the reference and the generated set, D numbers a graph.

References:
    [1] M. Krimmel, P. Hartout, K. Borgwardt and D. Chen, PolyGraph discrepancy: a classifier-based metric for graph
        generation, 2025.
    [2] D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests, ICLR 2017.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.metrics.descriptions import STATISTICS, DescribedSet, described
from gengraph.metrics.kernels import pad_and_normalise
from gengraph.metrics.statistics import FloatArray

ClassifierKind = Literal["logistic", "boosting"]
NUM_FOLDS = 4
MIN_GRAPHS = 2 * NUM_FOLDS


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifierScore:
    """What `classifier_score` found.

    Attributes:
        discrepancy: the held-out score of the chosen statistic, in [0, 1]; 0 is indistinguishable.
        statistic: the one with the best score in cross-validation on the training halves.
        scores: the held-out score of each statistic, in [0, 1].
        classifier: logistic or boosting.
        num_reference: m.
        num_generated: n.
        seed: of the split.
    """

    discrepancy: float
    statistic: str
    scores: Mapping[str, float]
    classifier: ClassifierKind
    num_reference: int
    num_generated: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def classifier_score(
    reference: GraphSet | DescribedSet,
    generated: GraphSet | DescribedSet,
    *,
    statistics: Sequence[str] = ("degree", "clustering", "orbit", "spectral"),
    classifier: ClassifierKind = "logistic",
    seed: int = 0,
) -> ClassifierScore:
    """A lower bound of the Jensen-Shannon distance of two graph distributions, the largest over statistics [1].

    For each statistic a classifier learns to tell one half of both sets apart and is scored on the other half: with p its
    probability of `real`, the distance is at least sqrt(1 + (E_real log2 p + E_generated log2 (1 - p)) / 2), 0 where that is
    negative. Both sets weigh the same, whatever their sizes. The statistic is chosen without a look at the held-out half, so
    that the maximum is no optimist. An undefined value (NaN) becomes 0 and a column of its own says so; a graph without nodes
    has its own bin in histograms. No graph is left out.

    Flaws: a bound, only as tight as the classifier; between few graphs it is noisy (compare train with test graphs to see how
    much), and it changes with the split and the version of scikit-learn.

    Args:
        reference: m >= 8 real graphs.
        generated: n >= 8 graphs to judge.
        statistics: names in `STATISTICS`.
        classifier: `logistic` regression, or gradient `boosting` of trees.
        seed: of the halves and folds.

    Raises:
        InputError: a set is too small, a name is unknown, or scikit-learn is not installed.
    """
    sets = described(reference), described(generated)
    _check(sets, statistics, classifier)
    rng = np.random.default_rng(seed)
    halves = [_halves(len(part.graphs), rng) for part in sets]
    train_labels = np.repeat([1, 0], [len(half[0]) for half in halves])
    test_labels = np.repeat([1, 0], [len(half[1]) for half in halves])
    folds = np.concatenate([rng.permutation(np.arange(len(half[0])) % NUM_FOLDS) for half in halves])
    validation, scores = {}, {}
    for name in statistics:
        features = _features(sets[0].rows(name), sets[1].rows(name), histogram=STATISTICS[name].histogram)
        train, test = (np.concatenate([part[half[i]] for part, half in zip(features, halves, strict=True)]) for i in (0, 1))
        rows = [folds != fold for fold in range(NUM_FOLDS)]
        validation[name] = np.mean(
            [_score(classifier, seed, train[row], train_labels[row], train[~row], train_labels[~row]) for row in rows]
        )
        scores[name] = _score(classifier, seed, train, train_labels, test, test_labels)
    chosen = max(statistics, key=lambda name: validation[name])
    return ClassifierScore(
        discrepancy=scores[chosen],
        statistic=chosen,
        scores=scores,
        classifier=classifier,
        num_reference=len(sets[0].graphs),
        num_generated=len(sets[1].graphs),
        seed=seed,
    )


def _check(sets: tuple[DescribedSet, DescribedSet], statistics: Sequence[str], classifier: str) -> None:
    smallest = min(len(part.graphs) for part in sets)
    if smallest < MIN_GRAPHS:
        msg = f"a classifier score needs at least {MIN_GRAPHS} graphs in each set, got {smallest}; make more graphs"
        raise InputError(msg)
    if not statistics:
        msg = f"a classifier score needs at least 1 statistic, got none; choose from {', '.join(STATISTICS)}"
        raise InputError(msg)
    if classifier not in ("logistic", "boosting"):
        msg = f"classifier must be logistic or boosting, got {classifier!r}"
        raise InputError(msg)


def _halves(count: int, rng: np.random.Generator) -> tuple[Int64Array, Int64Array]:
    order = rng.permutation(count)
    return order[: count // 2], order[count // 2 :]


def _features(first: FloatArray, second: FloatArray, *, histogram: bool) -> tuple[FloatArray, FloatArray]:
    """Rows of both sets with the same columns, all finite."""
    if histogram:
        return pad_and_normalise(first, second)
    undefined = [np.isnan(part) for part in (first, second)]
    parts = [np.hstack([np.where(gap, 0.0, part), gap]) for part, gap in zip((first, second), undefined, strict=True)]
    return parts[0], parts[1]


def _score(
    kind: ClassifierKind, seed: int, train: FloatArray, train_labels: Int64Array, test: FloatArray, test_labels: Int64Array
) -> float:
    """Learn from one part and score on the other, in [0, 1]."""
    spread = train.std(axis=0)
    centre, scale = train.mean(axis=0), np.where(spread > 0, spread, 1)
    model = _classifier(kind, seed).fit((train - centre) / scale, train_labels)
    real = np.clip(model.predict_proba((test - centre) / scale)[:, 1], 1e-10, 1 - 1e-10)
    divergence = 1 + (np.log2(real[test_labels == 1]).mean() + np.log2(1 - real[test_labels == 0]).mean()) / 2
    return float(np.sqrt(np.clip(divergence, 0, 1)))


def _classifier(kind: ClassifierKind, seed: int) -> Any:
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        msg = "the classifier score needs the package scikit-learn, which is not installed; pip install scikit-learn"
        raise InputError(msg) from error
    if kind == "logistic":
        return LogisticRegression(class_weight="balanced", max_iter=2000)
    return HistGradientBoostingClassifier(
        class_weight="balanced", max_iter=50, min_samples_leaf=5, early_stopping=False, random_state=seed
    )
