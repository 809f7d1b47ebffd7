"""Compare a generated graph set with a reference under a protocol."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs.schema import LabelSchema
from gengraph.metrics.comparison import Comparison, MetricResult, compare, num_kernel_values, seconds_of
from gengraph.metrics.descriptions import STATISTICS, DescribedSet, described, of_labels
from gengraph.metrics.distinct import Distinct
from gengraph.metrics.protocols import Protocol, find_protocol
from gengraph.metrics.significance import Uncertainty
from gengraph.versions import versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    import networkx as nx

    from gengraph.graphs import GraphSet

logger = logging.getLogger(__name__)
MANY_VALUES = 4e9  # kernel values, of which the command says beforehand how long they take


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        protocol: its name.
        strict: whether the quirks of the original code were reproduced.
        num_reference: graphs in the reference.
        num_generated: graphs in the generated set.
        num_train: graphs in the training set that gives the floor, None without one.
        num_null_reference: graphs without nodes in the reference.
        num_null_generated: graphs without nodes in the generated set.
        num_dropped_generated: how many of these were left out: all with `strict`, else none.
        metrics: by statistic.
        uncertainty: the settings of intervals and p-values.
        versions: of the libraries that computed it.
    """

    protocol: str
    strict: bool
    num_reference: int
    num_generated: int
    num_train: int | None
    num_null_reference: int
    num_null_generated: int
    num_dropped_generated: int
    metrics: Mapping[str, MetricResult]
    uncertainty: Uncertainty
    versions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; NaN becomes None."""
        result: dict[str, Any] = _json_ready(asdict(self))
        return result


def evaluate(
    reference: "GraphSet | DescribedSet | Iterable[nx.Graph[Any]]",
    generated: "GraphSet | DescribedSet | Iterable[nx.Graph[Any]]",
    protocol: str | Protocol = "emd",
    *,
    statistics: Sequence[str] | None = None,
    train: "GraphSet | DescribedSet | Iterable[nx.Graph[Any]] | None" = None,
    strict: bool = False,
    uncertainty: Uncertainty | None = None,
) -> Evaluation:
    """Compare two graph sets by the MMD^2 of their statistics.

    Every graph counts. One without nodes has histograms with all mass in a bin of their own (`kernels.pad_and_normalise`),
    and zero orbit counts; one without edges has degree 0 and clustering 0 everywhere, no orbits, eigenvalues 0. A graph for
    which a statistic is undefined (assortativity of a regular graph, diameter without nodes) is left out of that statistic
    alone and counted in its result.

    Read a value next to its floor: the biased MMD^2 of two halves of one data set is far from 0 for few graphs, and the
    kernels have flaws of their own (see `gengraph.metrics.kernels`).

    Args:
        reference: real graphs that the generator has not seen, at least one: a GraphSet or networkx graphs. A DescribedSet
            keeps its statistics for the next evaluation, and says where to compute.
        generated: graphs to judge, at least one.
        protocol: a name in PROTOCOLS or a Protocol.
        statistics: to compare, of those that the protocol has a kernel for; None for its usual ones, and where graphs have
            labels or directions those of these too.
        train: the training graphs, at least one; their MMD^2 to the reference is the floor.
        strict: reproduce the original programs: generated graphs without nodes are dropped, a reference with such a graph
            gives NaN, and eigenvalues that rounding moves above 2 are lost.
        uncertainty: p-values and intervals to compute; None for neither.

    Raises:
        InputError: a set is empty, would lose something as a GraphSet, or has labels and another has not; the protocol or a
            statistic is unknown, or of labels that are not there.
    """
    chosen = find_protocol(protocol)
    sets = _checked(reference=reference, generated=generated, train=train)
    usual = [*chosen.statistics, *(name for name in of_labels(sets["reference"].schema) if name in chosen.kernels)]
    kernels = chosen.chosen(usual if statistics is None else list(statistics))
    wanted = uncertainty or Uncertainty()
    metrics = {}
    for name, kernel in kernels.items():
        rows = {role: _rows(graphs, name, role, strict=strict) for role, graphs in sets.items()}
        how = Comparison(
            kernel=kernel,
            histogram=STATISTICS[name].histogram,
            estimator=chosen.estimator,
            uncertainty=wanted,
            spread=sets["reference"].spread,
        )
        _say_how_long(name, list(rows.values()), how)
        seconds = sum(sets[role].seconds(name, strict=strict) for role in ("reference", "generated"))
        metrics[name] = compare(rows["reference"], rows["generated"], rows.get("train"), how, seconds_statistics=seconds)
    null = {role: int((graphs.num_nodes == 0).sum()) for role, graphs in sets.items()}
    return Evaluation(
        protocol=chosen.name,
        strict=strict,
        num_reference=len(sets["reference"]),
        num_generated=len(sets["generated"]),
        num_train=len(sets["train"]) if "train" in sets else None,
        num_null_reference=null["reference"],
        num_null_generated=null["generated"],
        num_dropped_generated=null["generated"] if strict else 0,
        metrics=metrics,
        uncertainty=wanted,
        versions=versions("gengraph", "numpy", "scipy", "numba"),
    )


def _say_how_long(name: str, sets: Sequence[Distinct], how: Comparison) -> None:
    """A warning before something that takes minutes."""
    values = num_kernel_values(sets, how)
    if values > MANY_VALUES and not how.uncertainty.max_graphs:
        logger.warning(
            "%s: %.1g kernel values of %s different rows take about %d s of one processor; max_graphs = 20000 estimates them",
            name,
            values,
            " and ".join(str(len(rows.values)) for rows in sets),
            seconds_of(values, sets, how),
        )


def _checked(**sets: "GraphSet | DescribedSet | Iterable[nx.Graph[Any]] | None") -> dict[str, DescribedSet]:
    """The sets that are given, each with at least one graph, their labels by the same numbers."""
    given = {role: described(graphs) for role, graphs in sets.items() if graphs is not None}
    schema = reduce(LabelSchema.union, [graphs.schema for graphs in given.values()])
    given = {role: graphs.in_schema(schema) for role, graphs in given.items()}
    for role, graphs in given.items():
        if not len(graphs):
            msg = f"the {role} set must hold at least 1 graph, got 0; check its file or make more graphs"
            raise InputError(msg)
    return given


def _rows(graphs: DescribedSet, name: str, role: str, *, strict: bool) -> Distinct:
    """The statistic of each graph; the graphs without nodes are treated here if `strict` asks for it."""
    rows = graphs.distinct(name, strict=strict)
    null = graphs.num_nodes == 0
    if not strict or not null.any():
        return rows
    return rows[~null] if role == "generated" else Distinct(np.full((len(rows), 1), np.nan))


def _json_ready(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _json_ready(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
