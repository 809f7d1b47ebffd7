"""The statistics by name, and a graph set that computes each of them once.

Legend: G graphs, D numbers a graph.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.pieces import Spread, chunks
from gengraph.graphs.taken import as_graph_set
from gengraph.metrics import scalars
from gengraph.metrics.distinct import Distinct
from gengraph.metrics.gin import gin_embeddings
from gengraph.metrics.spectra import spectral_histogram
from gengraph.metrics.statistics import (
    FloatArray,
    SparseHistograms,
    clustering_histogram,
    degree_histogram,
    large_orbit_means,
    orbit_means,
    sparse_degree_histogram,
)

if TYPE_CHECKING:
    import networkx as nx


WIDE = 4096  # bins; above, most of them are empty
_BLOCK_NODES = 1 << 19  # whose degrees are looked at at a time


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistic:
    """What a statistic is.

    Attributes:
        compute: a set of G graphs to float64[G, D] or float64[G].
        histogram: rows are counts, compared after each is brought to mass 1; D may differ between sets.
        strict: the same with the quirks of the original code, where it has any.
    """

    compute: Callable[[GraphSet], FloatArray]
    histogram: bool = False
    strict: Callable[[GraphSet], FloatArray] | None = None


STATISTICS: Mapping[str, Statistic] = {
    "degree": Statistic(compute=degree_histogram, histogram=True),
    "clustering": Statistic(compute=clustering_histogram, histogram=True),
    "orbit": Statistic(compute=orbit_means),
    "spectral": Statistic(compute=spectral_histogram, histogram=True, strict=partial(spectral_histogram, strict=True)),
    "orbit5": Statistic(compute=large_orbit_means),
    "gin": Statistic(compute=gin_embeddings),
    "four_cycles": Statistic(compute=scalars.four_cycle_means),
    "nodes": Statistic(compute=scalars.node_counts),
    "edges": Statistic(compute=scalars.edge_counts),
    "components": Statistic(compute=scalars.component_counts),
    "diameter": Statistic(compute=scalars.diameters),
    "assortativity": Statistic(compute=scalars.assortativity),
    "triangles": Statistic(compute=scalars.triangle_counts),
}


class DescribedSet:
    """A graph set with its statistics, each computed when it is first asked for and then kept.

    Describe a reference once to score many generated sets against it, under many protocols.
    """

    def __init__(self, graphs: GraphSet, *, spread: Spread = map) -> None:
        """Keep the graphs; `spread` is where chunks of about 16,000 nodes are computed, like the built-in map."""
        self.graphs = graphs
        self.spread = spread
        self._rows: dict[tuple[str, bool], tuple[Distinct, float]] = {}

    def rows(self, name: str, *, strict: bool = False) -> FloatArray:
        """float64[G, D], a statistic of each graph; NaN where it is undefined.

        Raises:
            InputError: no statistic has this name.
        """
        return self._compute(name, strict=strict)[0].dense()

    def distinct(self, name: str, *, strict: bool = False) -> Distinct:
        """As `rows`, equal ones once; of histograms of degrees with hubs only bins that are not empty are kept."""
        wide = self._wide_degrees if name == "degree" else None
        return self._compute(name, strict=strict)[0] if wide is None else Distinct(wide[0])

    @cached_property
    def _wide_degrees(self) -> tuple[SparseHistograms, float] | None:
        start = time.perf_counter()
        largest = max(int(part.degrees().max(initial=0)) for part in chunks(self.graphs, num_nodes=_BLOCK_NODES))
        if largest < WIDE:
            return None
        return sparse_degree_histogram(self.graphs), time.perf_counter() - start

    def seconds(self, name: str, *, strict: bool = False) -> float:
        """How long the statistic took."""
        if name == "degree" and self._wide_degrees is not None:
            return self._wide_degrees[1]
        return self._compute(name, strict=strict)[1]

    def _compute(self, name: str, *, strict: bool) -> tuple[Distinct, float]:
        if name not in STATISTICS:
            msg = f"unknown statistic {name!r}; choose from {', '.join(STATISTICS)}"
            raise InputError(msg)
        statistic = STATISTICS[name]
        compute = statistic.strict if strict and statistic.strict else statistic.compute
        key = name, compute is statistic.strict
        if key not in self._rows:
            start = time.perf_counter()
            rows = Distinct.of(self.spread(compute, chunks(self.graphs)))
            self._rows[key] = rows, time.perf_counter() - start
        return self._rows[key]


def described(graphs: "GraphSet | DescribedSet | Iterable[nx.Graph[Any]]") -> DescribedSet:
    """The set with its statistics; one that has them already is returned as it is.

    Raises:
        InputError: networkx graphs that a GraphSet cannot hold whole (`gengraph.graphs.taken`).
    """
    return graphs if isinstance(graphs, DescribedSet) else DescribedSet(as_graph_set(graphs))
