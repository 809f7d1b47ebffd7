"""Named data sets, and graph sets by path."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gengraph.data.download import Report, obtain
from gengraph.data.splits import Split, split_graphs
from gengraph.data.synthetic import communities, grids, ladders
from gengraph.errors import DatasetUnavailable, InputError
from gengraph.formats import read_graphs
from gengraph.graphs import GraphSet

__all__ = ["DATASETS", "Dataset", "Split", "load_dataset", "split_graphs"]

_TU_URL = "https://www.chrsmrrs.com/graphkerneldatasets/{name}.zip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A named data set.

    Attributes:
        summary: one line: what it is and its source.
        num_graphs: how many graphs it holds, which loading asserts.
        nodes: fewest and most nodes of a graph.
        build: makes it; called with the data folder and the download report.
    """

    summary: str
    num_graphs: int
    nodes: tuple[int, int]
    build: Callable[[str | Path | None, Report | None], GraphSet]


def _synthetic(build: Callable[[], GraphSet]) -> Callable[[str | Path | None, Report | None], GraphSet]:
    return lambda _data_dir, _report: build()


def _tu(
    name: str, counts: tuple[int, int, int], choose: Callable[[GraphSet], GraphSet]
) -> Callable[[str | Path | None, Report | None], GraphSet]:
    """A TU collection whose (graphs, nodes, edges) are known, and the part of it that the data set is."""

    def build(data_dir: str | Path | None, report: Report | None) -> GraphSet:
        path = obtain(f"{name}.zip", _TU_URL.format(name=name), data_dir=data_dir, report=report)
        graphs = read_graphs(path)
        found = (len(graphs), int(graphs.num_nodes.sum()), len(graphs.edges))
        if found != counts:
            msg = f"{path} must hold {counts} graphs, nodes and edges, got {found}; delete the file and try again"
            raise DatasetUnavailable(msg)
        return choose(graphs)

    return build


def _proteins(graphs: GraphSet) -> GraphSet:
    return graphs[(graphs.num_nodes >= 100) & (graphs.num_nodes <= 500)]


def _enzymes(graphs: GraphSet) -> GraphSet:
    touched = np.zeros(int(graphs.num_nodes.sum()), dtype=bool)
    touched[graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]] = True
    cleaned = graphs.induced(touched)
    return cleaned[cleaned.num_nodes >= 10]


DATASETS: dict[str, Dataset] = {
    "ladder": Dataset(
        summary="ladders of 100 to 200 rungs (You et al. 2018)",
        num_graphs=101,
        nodes=(200, 400),
        build=_synthetic(lambda: ladders(range(100, 201))),
    ),
    "ladder-small": Dataset(
        summary="ladders of 2 to 10 rungs",
        num_graphs=9,
        nodes=(4, 20),
        build=_synthetic(lambda: ladders(range(2, 11))),
    ),
    "grid": Dataset(
        summary="two-dimensional grids, 10..19 x 10..19 (You et al. 2018)",
        num_graphs=100,
        nodes=(100, 361),
        build=_synthetic(lambda: grids(range(10, 20), range(10, 20))),
    ),
    "grid-small": Dataset(
        summary="two-dimensional grids, 2..5 x 2..6",
        num_graphs=20,
        nodes=(4, 30),
        build=_synthetic(lambda: grids(range(2, 6), range(2, 7))),
    ),
    "community": Dataset(
        summary="two Erdos-Renyi communities with p = 0.3 and 5% bridges (You et al. 2018)",
        num_graphs=500,
        nodes=(60, 160),
        build=_synthetic(lambda: communities(500, range(60, 161), density=0.3, seed=1)),
    ),
    "community-small": Dataset(
        summary="two Erdos-Renyi communities with p = 0.7 and 5% bridges, 12 to 20 nodes (You et al. 2018)",
        num_graphs=100,
        nodes=(12, 20),
        build=_synthetic(lambda: communities(100, range(12, 21), density=0.7, seed=2)),
    ),
    "protein": Dataset(
        summary="DD: residues of proteins, joined when nearer than 6 Angstrom, 100 <= n <= 500 (Dobson & Doig 2003)",
        num_graphs=918,
        nodes=(100, 500),
        build=_tu("DD", (1178, 334925, 843046), _proteins),
    ),
    "enzymes": Dataset(
        summary="ENZYMES: secondary structure elements of enzymes; isolated nodes removed, n >= 10 (Borgwardt et al. 2005)",
        num_graphs=587,
        nodes=(10, 125),
        build=_tu("ENZYMES", (600, 19580, 37282), _enzymes),
    ),
}


def load_dataset(name_or_path: str | Path, *, data_dir: str | Path | None = None, report: Report | None = None) -> GraphSet:
    """The graphs of a named data set, or of a file or folder.

    Args:
        name_or_path: a name of DATASETS, or a path for `gengraph.read_graphs`. A name wins over a path of the same spelling.
        data_dir: where files of named data sets are looked for first; then $GENGRAPH_DATA, the user cache, the network.
        report: called while a file is downloaded.

    Raises:
        InputError: neither a name nor a path, or a file that cannot be read.
        DatasetUnavailable: the file of a named data set is nowhere and cannot be downloaded.
    """
    name = str(name_or_path)
    if name in DATASETS:
        dataset = DATASETS[name]
        graphs = dataset.build(data_dir, report)
        if len(graphs) != dataset.num_graphs:
            msg = f"data set {name} must hold {dataset.num_graphs} graphs, got {len(graphs)}"
            raise DatasetUnavailable(msg)
        return graphs
    if Path(name).exists():
        return read_graphs(name)
    msg = f"unknown data set {name!r}: neither a name ({', '.join(DATASETS)}) nor a file or folder"
    raise InputError(msg)
