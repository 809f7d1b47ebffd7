"""How many generated graphs are valid, unique and new.

References:
    [1] K. Martinkus et al., SPECTRE, ICML 2022; C. Vignac et al., DiGress, ICLR 2023 (the shares).
    [2] E. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22, 1927.
"""

from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import UNKNOWN, isomorphism_classes
from gengraph.graphs.pieces import Spread, chunks
from gengraph.metrics.validity import APPROXIMATE, VALIDITY


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A share of the generated graphs.

    Attributes:
        count: how many, 0..total.
        total: of how many.
        low: lower end of the Wilson interval [2], in [0, 1].
        high: upper end.
    """

    count: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, count / total in [0, 1]."""
        return self.count / self.total


@dataclass(frozen=True, kw_only=True, slots=True)
class Novelty:
    """What `novelty` found; each is a share of all generated graphs.

    Attributes:
        unique: isomorphism classes.
        novel: graphs that are isomorphic to no training graph, repeated ones included.
        unique_novel: isomorphism classes without a training graph.
        valid: graphs that pass the test; None without one.
        valid_unique_novel: isomorphism classes that pass and have no training graph; None without a test.
        test: name of the test; None without one.
        approximate: the test fits a model and may err; all other numbers are exact counts.
        num_train: training graphs.
        level: of the intervals.
        unknown: generated graphs of which no answer was found in time (`isomorphism.canonical_keys`): they count as neither
            unique nor new, so that those shares are lower bounds.
    """

    unique: Share
    novel: Share
    unique_novel: Share
    valid: Share | None
    valid_unique_novel: Share | None
    test: str | None
    approximate: bool
    num_train: int
    level: float
    unknown: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def novelty(
    train: GraphSet, generated: GraphSet, *, valid: str | None = None, level: float = 0.95, spread: Spread = map
) -> Novelty:
    """Count valid, unique and new graphs, up to isomorphism: exact, but for the tests in `validity.APPROXIMATE`.

    A graph without nodes is a graph like any other: a class of its own, and valid under no test.

    Args:
        train: the training graphs; an empty set makes every graph novel.
        generated: at least one graph.
        valid: a name in VALIDITY, or None.
        level: of the Wilson intervals, in (0, 1).
        spread: where canonical forms and tests are computed.

    Raises:
        InputError: `generated` is empty, the test is unknown, or igraph is not installed.

    Complexity: a canonical form a component, see `isomorphism.canonical_keys`.
    """
    if not len(generated):
        msg = "the generated set must hold at least 1 graph, got 0; check its file or make more graphs"
        raise InputError(msg)
    if valid is not None and valid not in VALIDITY:
        msg = f"unknown validity test {valid!r}; choose from {', '.join(VALIDITY)}"
        raise InputError(msg)
    old, new = isomorphism_classes(train, generated, spread=spread)
    unknown = (new == UNKNOWN) | _like(generated, train[old == UNKNOWN])
    classes, first = np.unique(new[new != UNKNOWN], return_index=True)
    first = np.flatnonzero(new != UNKNOWN)[first]
    fresh = ~np.isin(new, old) & ~unknown
    passed = None
    if valid is not None:
        passed = np.concatenate(list(spread(VALIDITY[valid], chunks(generated))))

    def share(count: int) -> Share:
        low, high = wilson_interval(count, len(generated), level=level)
        return Share(count=count, total=len(generated), low=low, high=high)

    return Novelty(
        unique=share(len(classes)),
        novel=share(int(fresh.sum())),
        unique_novel=share(int(fresh[first].sum())),
        valid=None if passed is None else share(int(passed.sum())),
        valid_unique_novel=None if passed is None else share(int((fresh & passed)[first].sum())),
        test=valid,
        approximate=valid in APPROXIMATE,
        num_train=len(train),
        level=level,
        unknown=int(unknown.sum()),
    )


def _like(graphs: GraphSet, others: GraphSet) -> npt.NDArray[np.bool_]:
    """bool[G], whether a graph has as many nodes and edges as one of the others."""
    sizes = set(zip(others.num_nodes.tolist(), others.num_edges.tolist(), strict=True))
    return np.array([pair in sizes for pair in zip(graphs.num_nodes.tolist(), graphs.num_edges.tolist(), strict=True)], bool)


def wilson_interval(count: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """The score interval of a share [2]: honest for shares near 0 and 1 and for few graphs.

    Args:
        count: successes, 0..total.
        total: trials, >= 1.
        level: in (0, 1).

    Returns:
        (low, high), 0 <= low <= count / total <= high <= 1.

    Raises:
        InputError: count or level out of range.
    """
    if not 0 <= count <= total or total < 1 or not 0 < level < 1:
        msg = f"a share needs 0 <= count <= total, total >= 1 and a level between 0 and 1, got {count} of {total} at {level}"
        raise InputError(msg)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = count / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return float(max(0.0, min(share, centre - half))), float(min(1.0, max(share, centre + half)))
