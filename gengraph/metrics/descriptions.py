"""The statistics by name, and a graph set that computes each of them once.

Legend: G graphs, D numbers a graph.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.graphs.isomorphism import first_twin, hash_graphs
from gengraph.graphs.pieces import Spread, chunks
from gengraph.graphs.schema import BARE, LabelSchema
from gengraph.graphs.taken import as_graph_set
from gengraph.metrics import labelled, scalars
from gengraph.metrics.cache import DescriptorCache
from gengraph.metrics.distinct import Distinct
from gengraph.metrics.gin import gin_embeddings
from gengraph.metrics.labelled import Cells, histogram_of, sparse_histogram_of, width_of
from gengraph.metrics.nspdk import nspdk_features
from gengraph.metrics.spectra import spectral_histogram
from gengraph.metrics.statistics import (
    FeatureRows,
    FloatArray,
    SparseHistograms,
    clustering_histogram,
    degree_histogram,
    large_orbit_means,
    orbit_means,
    sparse_degree_histogram,
)
from gengraph.metrics.triads import connected_triads

if TYPE_CHECKING:
    import networkx as nx


WIDE = 4096  # bins; above, most of them are empty
_BLOCK_NODES = 1 << 19  # whose degrees are looked at at a time
_TRIED = 1000  # graphs that tell whether isomorphic ones are frequent
_MANY_DIFFER = 0.95  # of these; more graphs repeat more often
ReadPart = Callable[[], GraphSet]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistic:
    """What a statistic is.

    Attributes:
        compute: a set of G graphs to float64[G, D] or float64[G].
        histogram: rows are counts, compared after each is brought to mass 1; D may differ between sets.
        strict: the same with the quirks of the original code, where it has any.
        dear: takes longer than to find out which graphs are isomorphic, of which one is enough then.
        labelled: of labels or directions, so that isomorphic graphs are those that agree in these too.
        needs: what graphs must have: nodes or edges (labels of them), directed.
        width: how many columns histograms of graphs have; only where they may be many.
        sparse: the histograms without their empty columns.
        features: rows are those of a kernel, of which few of very many columns are not 0.
    """

    compute: Callable[[GraphSet], FloatArray] | Callable[[GraphSet], FeatureRows]
    histogram: bool = False
    strict: Callable[[GraphSet], FloatArray] | None = None
    dear: bool = False
    labelled: bool = False
    needs: str = ""
    width: Callable[[GraphSet], int] | None = None
    sparse: Callable[[GraphSet], SparseHistograms] | None = None
    features: bool = False


def _counted(cells: Cells, needs: str) -> Statistic:
    """A histogram of labels or directed edges."""
    return Statistic(
        compute=partial(histogram_of, cells),
        histogram=True,
        labelled=True,
        needs=needs,
        width=partial(width_of, cells),
        sparse=partial(sparse_histogram_of, cells),
    )


def _largest_degree(graphs: GraphSet) -> int:
    blocks = chunks(graphs, num_nodes=_BLOCK_NODES)
    return max(int(block.degrees().max(initial=0)) for block in blocks)


STATISTICS: Mapping[str, Statistic] = {
    "degree": Statistic(compute=degree_histogram, histogram=True, width=_largest_degree, sparse=sparse_degree_histogram),
    "clustering": Statistic(compute=clustering_histogram, histogram=True),
    "orbit": Statistic(compute=orbit_means, dear=True),
    "spectral": Statistic(
        compute=spectral_histogram, histogram=True, strict=partial(spectral_histogram, strict=True), dear=True
    ),
    "orbit5": Statistic(compute=large_orbit_means, dear=True),
    "gin": Statistic(compute=gin_embeddings),
    "four_cycles": Statistic(compute=scalars.four_cycle_means),
    "nodes": Statistic(compute=scalars.node_counts),
    "edges": Statistic(compute=scalars.edge_counts),
    "components": Statistic(compute=scalars.component_counts),
    "diameter": Statistic(compute=scalars.diameters),
    "assortativity": Statistic(compute=scalars.assortativity),
    "triangles": Statistic(compute=scalars.triangle_counts),
    "node_labels": _counted(labelled.node_label_cells, "nodes"),
    "edge_labels": _counted(labelled.edge_label_cells, "edges"),
    "labelled_degree": _counted(labelled.degree_label_cells, "nodes"),
    "labelled_edges": _counted(labelled.labelled_edge_cells, "nodes"),
    "in_degree": _counted(labelled.in_degree_cells, "directed"),
    "out_degree": _counted(labelled.out_degree_cells, "directed"),
    "triads": Statistic(compute=connected_triads, histogram=True, labelled=True, needs="directed"),
    "nspdk": Statistic(compute=nspdk_features, labelled=True, dear=True, features=True),
}


def of_labels(schema: LabelSchema) -> tuple[str, ...]:
    """The statistics that graphs with labels or directions have beyond those of bare ones."""
    if not schema:
        return ()
    return tuple(name for name, one in STATISTICS.items() if one.labelled and (not one.needs or getattr(schema, one.needs)))


class DescribedSet:
    """A graph set with its statistics, each computed when it is first asked for and then kept.

    Describe a reference once to score many generated sets against it, under many protocols. Of a set in parts no more than one
    part is in memory at a time, beside the statistics.
    """

    def __init__(
        self, graphs: GraphSet | Sequence[ReadPart], *, spread: Spread = map, cache: DescriptorCache | None = None
    ) -> None:
        """Describe graphs.

        Args:
            graphs: a set, or what reads each part of one.
            spread: where chunks of about 16,000 nodes are computed, like the built-in map.
            cache: where statistics are kept from one process to the next; None for nowhere.
        """
        self.spread = spread
        self._whole = graphs if isinstance(graphs, GraphSet) else None
        self._read = () if isinstance(graphs, GraphSet) else tuple(graphs)
        self._cache = cache
        self._rows: dict[tuple[str, bool], tuple[Distinct, float]] = {}
        self._twins: dict[tuple[int, bool], tuple[Int64Array, Int64Array] | None] = {}
        self._relabelled: dict[LabelSchema, DescribedSet] = {}
        self._wide: dict[str, tuple[SparseHistograms, float] | None] = {}

    def parts(self) -> Iterator[GraphSet]:
        """The graphs, part by part, in order."""
        return (read() for read in self._read) if self._whole is None else iter([self._whole])

    @property
    def graphs(self) -> GraphSet:
        """All graphs in memory."""
        parts = list(self.parts())
        return parts[0] if len(parts) == 1 else GraphSet.concatenate(parts)

    @cached_property
    def num_nodes(self) -> Int32Array:
        """int32[G], nodes of each graph."""
        return np.concatenate([part.num_nodes for part in self.parts()])

    def __len__(self) -> int:
        return len(self.num_nodes)

    @cached_property
    def _schemas(self) -> list[LabelSchema]:
        return [part.schema for part in self.parts()]

    @property
    def schema(self) -> LabelSchema:
        """The labels that all parts can be said in.

        Raises:
            InputError: parts have labels of different kinds.
        """
        return reduce(LabelSchema.union, self._schemas) if self._schemas else BARE

    def in_schema(self, schema: LabelSchema) -> "DescribedSet":
        """The same graphs with their labels by the numbers of a schema that has all their values; itself where they are."""
        if all(own == schema for own in self._schemas):
            return self
        if schema not in self._relabelled:
            graphs = [partial(_relabelled, read, schema) for read in self._read]
            self._relabelled[schema] = DescribedSet(
                graphs if self._whole is None else self._whole.relabelled(schema), spread=self.spread, cache=self._cache
            )
        return self._relabelled[schema]

    def rows(self, name: str, *, strict: bool = False) -> FloatArray:
        """float64[G, D], a statistic of each graph; NaN where it is undefined.

        Raises:
            InputError: no statistic has this name, or graphs lack the labels that it is of.
        """
        return self._compute(name, strict=strict)[0].dense()

    def distinct(self, name: str, *, strict: bool = False) -> Distinct:
        """As `rows`, equal ones once; of histograms with very many bins only those that are not empty are kept."""
        wide = self._wide_rows(name)
        return self._compute(name, strict=strict)[0] if wide is None else Distinct(wide[0])

    def _wide_rows(self, name: str) -> tuple[SparseHistograms, float] | None:
        statistic = STATISTICS.get(name)
        if statistic is None or statistic.width is None or statistic.sparse is None:
            return None
        if name not in self._wide:
            self._check(name)
            start, width, sparse = time.perf_counter(), statistic.width, statistic.sparse
            is_wide = max((width(part) for part in self.parts()), default=0) >= WIDE
            self._wide[name] = (sparse(self.graphs), time.perf_counter() - start) if is_wide else None
        return self._wide[name]

    def seconds(self, name: str, *, strict: bool = False) -> float:
        """How long the statistic took."""
        wide = self._wide_rows(name)
        return self._compute(name, strict=strict)[1] if wide is None else wide[1]

    def _check(self, name: str) -> None:
        """Whether there is such a statistic of these graphs."""
        if name not in STATISTICS:
            msg = f"unknown statistic {name!r}; choose from {', '.join(STATISTICS)}"
            raise InputError(msg)
        needs = STATISTICS[name].needs
        if needs and not getattr(self.schema, needs):
            what = "directed edges" if needs == "directed" else f"labels of {needs}"
            msg = (
                f"{name} is a statistic of graphs with {what}, got graphs with {self.schema}; leave it out, or label the graphs"
            )
            raise InputError(msg)

    def _compute(self, name: str, *, strict: bool) -> tuple[Distinct, float]:
        self._check(name)
        quirks = strict and STATISTICS[name].strict is not None
        if (name, quirks) not in self._rows:
            start = time.perf_counter()
            rows = [self._rows_of(k, part, name, strict=quirks) for k, part in enumerate(self.parts())]
            joined = rows[0] if len(rows) == 1 else Distinct.concatenate(rows)
            self._rows[name, quirks] = joined, time.perf_counter() - start
        return self._rows[name, quirks]

    def _rows_of(self, number: int, part: GraphSet, name: str, *, strict: bool) -> Distinct:
        """The statistic of a part; of isomorphic graphs it is computed once where that pays."""
        statistic = STATISTICS[name]
        compute = statistic.strict if strict and statistic.strict else statistic.compute
        graphs = part if statistic.labelled else part.bare()

        def rows() -> Distinct:
            twins = self._twins_of(number, graphs, labelled=statistic.labelled) if statistic.dear else None
            if twins is None:
                return Distinct.of(self.spread(compute, chunks(graphs)))
            different, index = twins
            found = Distinct.of(self.spread(compute, chunks(graphs[different])))
            return Distinct(found.values, found.places[index])

        return rows() if self._cache is None else self._cache.rows(graphs, f"{name} {strict}", rows)

    def _twins_of(self, number: int, graphs: GraphSet, *, labelled: bool) -> tuple[Int64Array, Int64Array] | None:
        if (number, labelled) not in self._twins:
            self._twins[number, labelled] = find_twins(graphs, spread=self.spread)
        return self._twins[number, labelled]


def _relabelled(read: ReadPart, schema: LabelSchema) -> GraphSet:
    return read().relabelled(schema)


def find_twins(graphs: GraphSet, *, spread: Spread = map) -> tuple[Int64Array, Int64Array] | None:
    """Which graphs stand for all, int64[K], and for each graph int64[G] the place of its own among them.

    None where a sample tells that too few are isomorphic: few graphs, or graphs that hardly repeat.
    """
    if len(graphs) < _TRIED:
        return None
    few = hash_graphs(graphs[np.arange(_TRIED) * len(graphs) // _TRIED])
    if len(np.unique(few)) > _MANY_DIFFER * _TRIED:
        return None
    different, index = np.unique(first_twin(graphs, spread=spread), return_inverse=True)
    return different, index.reshape(-1)


def described(graphs: "GraphSet | DescribedSet | Iterable[nx.Graph[Any]]") -> DescribedSet:
    """The set with its statistics; one that has them already is returned as it is.

    Raises:
        InputError: networkx graphs that a GraphSet cannot hold whole (`gengraph.graphs.taken`).
    """
    return graphs if isinstance(graphs, DescribedSet) else DescribedSet(as_graph_set(graphs))
