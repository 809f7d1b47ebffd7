"""Compare a generated graph set with a reference under a protocol."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics.kernels import pad_and_normalise, points
from gengraph.metrics.mmd import Estimator, Spread, gram_sums
from gengraph.metrics.protocols import Measure, Protocol, find_protocol
from gengraph.metrics.statistics import FloatArray, clustering_histogram, degree_histogram, orbit_means

STATISTICS: Mapping[str, Callable[[GraphSet], FloatArray]] = {
    "degree": degree_histogram,
    "clustering": clustering_histogram,
    "orbit": orbit_means,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricResult:
    """The MMD^2 of one statistic.

    Attributes:
        mmd2: the estimate, no square root; NaN where it is not defined (unbiased, with one graph in a set).
        kernel: gaussian_emd, gaussian_tv, gaussian or rbf.
        sigma: the bandwidth in the units of the distance; of several, the one with the largest mmd2.
        estimator: biased or unbiased.
        floor: what mmd2 would be on average for a perfect generator and sets of these sizes, estimated from the reference;
            NaN for a reference of one graph.
        seconds_statistics: spent on the statistic of both sets.
        seconds_kernel: spent on the Gram matrices.
    """

    mmd2: float
    kernel: str
    sigma: float
    estimator: Estimator
    floor: float
    seconds_statistics: float
    seconds_kernel: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        protocol: its name.
        num_reference: graphs in the reference.
        num_generated: graphs in the generated set.
        num_null_reference: graphs without nodes in the reference; they count like any other.
        num_null_generated: graphs without nodes in the generated set.
        metrics: by statistic.
        versions: of the libraries that computed it.
    """

    protocol: str
    num_reference: int
    num_generated: int
    num_null_reference: int
    num_null_generated: int
    metrics: Mapping[str, MetricResult]
    versions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; NaN becomes None."""
        result: dict[str, Any] = _json_ready(asdict(self))
        return result


def evaluate(reference: GraphSet, generated: GraphSet, protocol: str | Protocol = "emd", *, spread: Spread = map) -> Evaluation:
    """Compare two graph sets by the MMD^2 of their statistics.

    A graph without nodes takes part: its histograms have a bin of their own (`kernels.pad_and_normalise`), its orbit counts
    are zero. A graph without edges has degree 0, clustering 0 and no orbits everywhere.

    Args:
        reference: real graphs, at least one.
        generated: graphs to judge, at least one.
        protocol: a name in PROTOCOLS or a Protocol.
        spread: like the built-in map; where blocks of the Gram matrices are computed.

    Raises:
        InputError: a set is empty, or the protocol is unknown.
    """
    chosen = find_protocol(protocol)
    for name, graphs in (("reference", reference), ("generated", generated)):
        if not len(graphs):
            msg = f"{name} must hold at least 1 graph, got 0; check the file or sample more"
            raise InputError(msg)
    metrics = {
        name: _measure(reference, generated, STATISTICS[name], measure, chosen.estimator, spread)
        for name, measure in chosen.measures.items()
    }
    return Evaluation(
        protocol=chosen.name,
        num_reference=len(reference),
        num_generated=len(generated),
        num_null_reference=int((reference.num_nodes == 0).sum()),
        num_null_generated=int((generated.num_nodes == 0).sum()),
        metrics=metrics,
        versions={name: version(name) for name in ("gengraph", "numpy", "scipy", "numba")},
    )


def _measure(
    reference: GraphSet,
    generated: GraphSet,
    statistic: Callable[[GraphSet], FloatArray],
    measure: Measure,
    estimator: Estimator,
    spread: Spread,
) -> MetricResult:
    start = time.perf_counter()
    rows = statistic(reference), statistic(generated)
    middle = time.perf_counter()
    if measure.histogram:
        rows = pad_and_normalise(*rows)
    first, second = (points(part, measure.kernel) for part in rows)
    sums = gram_sums(first, second, measure.kernel, spread=spread)
    mmd2 = sums.mmd2(estimator)
    best = int(np.argmax(mmd2))
    return MetricResult(
        mmd2=float(mmd2[best]),
        kernel=measure.kernel.name,
        sigma=float(sums.sigma[best]),
        estimator=estimator,
        floor=float(sums.expected_floor()[best]) if estimator == "biased" else 0.0,
        seconds_statistics=middle - start,
        seconds_kernel=time.perf_counter() - middle,
    )


def _json_ready(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _json_ready(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
