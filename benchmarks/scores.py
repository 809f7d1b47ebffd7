"""The steps of a benchmark that judge graphs: statistics, scores, novelty, looks; kept as artefacts.

Legend: G graphs of a set, P bootstrap samples.
"""

import math
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.benchmarks.artefacts import Store
from gengraph.benchmarks.steps import Data
from gengraph.formats.molecules import are_molecules
from gengraph.graphs import GraphSet
from gengraph.graphs.drawing import choose, layout
from gengraph.metrics import STATISTICS, DescribedSet, evaluate, novelty
from gengraph.metrics.distinct import Distinct
from gengraph.metrics.kernels import pad_and_normalise, points
from gengraph.metrics.protocols import find_protocol
from gengraph.metrics.significance import Uncertainty, bootstrap_replicates
from gengraph.metrics.statistics import FloatArray

_CLUSTERING_BARS = 25
_NUM_PICTURES = 4
_NUM_MOLECULES = 12
_MAX_PICTURE_EDGES = 5000  # a larger drawing would be black, and its file large


class StoredSet(DescribedSet):
    """A graph set whose statistics lie in a store: each is computed once, whoever asks."""

    def __init__(self, graphs: GraphSet, store: Store) -> None:
        super().__init__(graphs)
        self.key = graphs.content_hash()
        self._store = store

    def rows(self, name: str, *, strict: bool = False) -> FloatArray:
        """float64[G, D], a statistic of each graph; NaN where it is undefined."""
        assert not strict
        artefact = self._store.step("statistics", {"graphs": self.key, "statistic": name}, partial(self._write, name))
        rows: FloatArray = np.load(artefact.folder / "rows.npy", allow_pickle=False)
        return rows

    def distinct(self, name: str, *, strict: bool = False) -> Distinct:
        """The same, equal ones once; the features of a kernel are kept as they are."""
        if not STATISTICS[name].features:
            return Distinct.of([self.rows(name, strict=strict)])
        artefact = self._store.step("statistics", {"graphs": self.key, "statistic": name}, partial(self._write_features, name))
        with np.load(artefact.folder / "features.npz", allow_pickle=False) as file:
            return Distinct.from_arrays(dict(file))

    def seconds(self, name: str, *, strict: bool = False) -> float:
        """Nothing is measured here."""
        return 0.0

    def _write_features(self, name: str, folder: Path) -> dict[str, Any]:
        np.savez(folder / "features.npz", allow_pickle=False, **super().distinct(name).to_arrays())
        return {}

    def _write(self, name: str, folder: Path) -> dict[str, Any]:
        np.save(folder / "rows.npy", super().rows(name), allow_pickle=False)
        return {}


def score(
    store: Store, test: StoredSet, graphs: StoredSet, protocol: str, statistics: tuple[str, ...], *, uncertainty: Uncertainty
) -> tuple[dict[str, float | None], dict[str, FloatArray]]:
    """Squared MMD by statistic, and float64[P] for each: what it is when the graphs are drawn again, its mean taken away.

    The test graphs are drawn again alike for all models, so that differences between models can be judged.
    """
    inputs = {
        "test": test.key,
        "graphs": graphs.key,
        "protocol": protocol,
        "statistics": statistics,
        "num_bootstrap": uncertainty.num_bootstrap,
        "seed": uncertainty.seed,
    }

    def make(folder: Path) -> dict[str, Any]:
        evaluation = evaluate(test, graphs, protocol, statistics=statistics)
        if uncertainty.num_bootstrap:
            drawn = {
                name: _replicates(test, graphs, protocol, name, metric.sigma, uncertainty)
                for name, metric in evaluation.metrics.items()
                if not (math.isnan(metric.mmd2) or STATISTICS[name].features)
            }
            np.savez(folder / "replicates.npz", allow_pickle=False, **drawn)
        return {name: metric["mmd2"] for name, metric in evaluation.to_dict()["metrics"].items()}

    made = store.step("scores", inputs, make)
    if not uncertainty.num_bootstrap:
        return made.outcome, {}
    with np.load(made.folder / "replicates.npz", allow_pickle=False) as file:
        return made.outcome, dict(file)


def _replicates(
    test: StoredSet, graphs: StoredSet, protocol: str, name: str, sigma: float, uncertainty: Uncertainty
) -> FloatArray:
    kernel = find_protocol(protocol).kernels[name]
    kept = [rows[np.isfinite(rows).all(axis=1)] for rows in (test.rows(name), graphs.rows(name))]
    first, second = pad_and_normalise(*kept) if STATISTICS[name].histogram else kept
    rngs = (
        np.random.default_rng([uncertainty.seed, 0]),
        np.random.default_rng([uncertainty.seed, 1, *bytes.fromhex(graphs.key)]),
    )
    return bootstrap_replicates(
        points(first, kernel), points(second, kernel), kernel, sigma, count=uncertainty.num_bootstrap, rngs=rngs
    )


def count_novel(store: Store, data: Data, graphs: StoredSet) -> dict[str, Any] | None:
    """Shares of valid, unique and novel graphs; None without igraph, which tells graphs apart."""
    if not find_spec("igraph"):
        return None
    fitting = data.fitting if graphs.graphs.schema else data.fitting.bare()
    inputs = {"train": fitting.content_hash(), "graphs": graphs.key, "valid": data.validity}
    return store.step("novelty", inputs, lambda _folder: novelty(fitting, graphs.graphs, valid=data.validity).to_dict()).outcome


def look_at(store: Store, graphs: StoredSet) -> dict[str, Any]:
    """What a report shows of a set: a few graphs with a layout, the means of three distributions, and the sizes.

    `pictures`, of graphs with at most 5000 edges, are dicts of num_nodes, points "x,y x,y" in 0..1000 and edges "u-v u-v"; of
    molecules num_nodes, in `molecule` the paths of an SVG in a square of `side`, and `smiles`, None of no possible molecule.
    `distributions` are lists: the mean histogram of degrees from 0 up, that of clustering coefficients in 25 bins on [0, 1],
    the mean of the 15 orbit counts, and for `nodes` each number of nodes with how many graphs have it.
    """

    def make(_folder: Path) -> dict[str, Any]:
        count = _NUM_MOLECULES if are_molecules(graphs.graphs) else _NUM_PICTURES
        chosen = choose(graphs.graphs[graphs.graphs.num_edges <= _MAX_PICTURE_EDGES], count)
        return {"pictures": [_picture(graph) for graph in chosen], "distributions": _means(graphs)}

    return store.step("looks", {"graphs": graphs.key}, make).outcome


def _picture(graph: GraphSet) -> dict[str, Any]:
    if are_molecules(graph):
        from gengraph.chemistry.drawing import PATHS_SIDE, paths_of
        from gengraph.chemistry.writing import smiles_of

        drawn = {"side": PATHS_SIDE, "molecule": paths_of(graph), "smiles": smiles_of(graph).valid[0]}
        return {"num_nodes": int(graph.num_nodes[0]), **drawn}
    positions = np.rint(1000 * layout(graph)).astype(int)
    return {
        "num_nodes": int(graph.num_nodes[0]),
        "points": " ".join(f"{x},{y}" for x, y in positions.tolist()),
        "edges": " ".join(f"{u}-{v}" for u, v in graph.edges.tolist()),
    }


def _means(graphs: StoredSet) -> dict[str, list[Any]]:
    histograms = {name: graphs.rows(name) for name in ("degree", "clustering")}
    means = {name: (rows / np.maximum(rows.sum(axis=1, keepdims=True), 1)).mean(axis=0) for name, rows in histograms.items()}
    means["clustering"] = means["clustering"].reshape(_CLUSTERING_BARS, -1).sum(axis=1)
    means["orbit"] = graphs.rows("orbit").mean(axis=0)
    sizes = np.stack(np.unique(graphs.graphs.num_nodes, return_counts=True), axis=1)
    return {name: [float(f"{value:.4g}") for value in values] for name, values in means.items()} | {"nodes": sizes.tolist()}
