"""The named data sets. What a docstring here says is what `gengraph datasets show NAME` prints.

Generated sets are the same on every machine and with every numpy version; tests pin the content hash of every set. Random
families have any number of graphs: `planar:8192` begins with the 200 graphs of `planar`.
"""

import inspect
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gengraph.data.download import TU_URL, Report, obtain
from gengraph.data.lattices import grids, ladders
from gengraph.errors import DatasetUnavailable, InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Collection, Policy
from gengraph.seeded import Stream

if TYPE_CHECKING:
    from gengraph.data.molecules import Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Where the files of data sets come from.

    Attributes:
        data_dir: searched first; then $GENGRAPH_DATA, the user's cache, the network.
        report: called while a file is downloaded, or molecules are read for the first time.
        policy: which bonds molecules have.
    """

    data_dir: str | Path | None = None
    report: Report | None = None
    policy: Policy = field(default_factory=Policy)

    def obtain(self, filename: str, url: str, sha256: str | None = None) -> Path:
        """The path of a file, downloaded if it is nowhere."""
        return obtain(filename, url, data_dir=self.data_dir, report=self.report, sha256=sha256)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A named data set.

    Attributes:
        build: makes it from (files, number of graphs); its docstring describes the set.
        num_graphs: how many graphs it holds, which loading asserts.
        nodes: fewest and most nodes of a graph.
        family: whether NAME:COUNT gives another number of graphs.
        parts: how many of the first graphs are to train on, of the next to validate with and of the last to test with; None for
            a seeded split.
    """

    build: Callable[[Files, int], GraphSet]
    num_graphs: int
    nodes: tuple[int, int]
    family: bool = False
    parts: tuple[int, int, int] | None = None

    @property
    def description(self) -> str:
        """What it is, source, citation and sizes."""
        return inspect.getdoc(self.build) or ""

    @property
    def summary(self) -> str:
        """One line of it."""
        return self.description.partition("\n")[0].rstrip(".")


def read_tu(name: str, files: Files, policy: Policy) -> Collection:
    """A TU collection by its name, found or downloaded."""
    path = files.obtain(f"{name}.zip", TU_URL.format(name=name))
    try:
        from gengraph.formats import read_collection

        return read_collection(path, policy)
    except InputError as error:
        if path.stat().st_size and zipfile.is_zipfile(path):
            raise  # the file is whole: it holds what the policy refuses
        msg = f"{path} is damaged ({error}); delete it and try again"
        raise DatasetUnavailable(msg) from error


def _of_tu(name: str, counts: tuple[int, int, int], files: Files, node_label: str = "") -> GraphSet:
    """A TU collection whose (graphs, nodes, edges) are known: its structure, with labels of nodes if they are asked for."""
    graphs = read_tu(name, files, Policy(on_attributes="drop", node_label=node_label)).graphs
    found = (len(graphs), int(graphs.num_nodes.sum()), len(graphs.edges))
    if found != counts:
        msg = f"{name}.zip must hold {counts} graphs, nodes and edges, got {found}; delete the file and try again"
        raise DatasetUnavailable(msg)
    return graphs


def _ladder(_files: Files, _count: int) -> GraphSet:
    """Ladders of 100 to 200 rungs.

    101 graphs, one of each length, 200-400 nodes. J. You et al., GraphRNN, ICML 2018 (in its code).
    """
    return ladders(range(100, 201))


def _ladder_small(_files: Files, _count: int) -> GraphSet:
    """Ladders of 2 to 10 rungs.

    9 graphs, one of each length, 4-20 nodes. After J. You et al., GraphRNN, ICML 2018 (in its code).
    """
    return ladders(range(2, 11))


def _grid(_files: Files, _count: int) -> GraphSet:
    """Two-dimensional grids, 10..19 x 10..19.

    100 graphs, 100-361 nodes; r x c and c x r are both there. J. You et al., GraphRNN, ICML 2018, section 4.1.
    """
    return grids(range(10, 20), range(10, 20))


def _grid_small(_files: Files, _count: int) -> GraphSet:
    """Two-dimensional grids, 2..5 x 2..6.

    20 graphs, 4-30 nodes. After J. You et al., GraphRNN, ICML 2018 (in its code).
    """
    return grids(range(2, 6), range(2, 7))


def _community(_files: Files, count: int) -> GraphSet:
    """Two Erdos-Renyi communities with p = 0.3 and 5% bridges.

    500 graphs, 60-160 nodes: n is uniform, each community has n/2 nodes, and 0.05 n random edges join them. J. You et al.,
    GraphRNN, ICML 2018, section 4.1.
    """
    from gengraph.data import families

    return families.communities(count, range(60, 161), density=0.3, seed=1)


def _community_small(_files: Files, count: int) -> GraphSet:
    """Two Erdos-Renyi communities with p = 0.7 and 5% bridges, 12 to 20 nodes.

    100 graphs. J. You et al., GraphRNN, ICML 2018, section 4.3.
    """
    from gengraph.data import families

    return families.communities(count, range(12, 21), density=0.7, seed=2)


def _caveman(_files: Files, _count: int) -> GraphSet:
    """Two cliques of 30 to 80 nodes with 70% of their edges removed, joined by a few random edges.

    510 graphs, ten of each size, 60-160 nodes; of each the largest component. This is what the code of J. You et al., GraphRNN,
    ICML 2018, generates where the paper speaks of communities: both halves are equal and the bridges are 10% of one half.
    """
    from gengraph.data import families

    return families.cavemen(range(30, 81), copies=10, seed=3)


def _barabasi_albert(_files: Files, count: int) -> GraphSet:
    """Barabasi-Albert graphs, 100 to 200 nodes, every new node with 4 edges.

    500 graphs, n uniform. J. You et al., GraphRNN, ICML 2018, section 4.1; A.-L. Barabasi, R. Albert, Emergence of scaling in
    random networks, Science 286, 1999.
    """
    from gengraph.data import families

    return families.preferential_attachment(count, range(100, 201), attached=4, seed=4)


def _read_citeseer(files: Files, *, whole: bool = False) -> GraphSet:
    from gengraph.data.citeseer import CITESEER_FILE, CITESEER_SHA256, CITESEER_URL, read_citeseer

    return read_citeseer(files.obtain(CITESEER_FILE, CITESEER_URL, CITESEER_SHA256), whole=whole)


def _citeseer(files: Files, _count: int) -> GraphSet:
    """Citeseer, whole: papers that cite each other; for `gengraph evaluate --links`.

    1 graph, 3327 nodes, 4552 edges, 48 nodes without any; directions and self-citations are left out. P. Sen et al., Collective
    classification in network data, 2008; the file is that of Planetoid (Z. Yang et al., ICML 2016).
    """
    return _read_citeseer(files, whole=True)


def _ego(files: Files, _count: int) -> GraphSet:
    """Citeseer: the papers within three citations of each paper, 50 to 399 of them.

    757 graphs, one for each centre with so many neighbours, in the largest component of the network; directions and
    self-citations are left out. P. Sen et al., Collective classification in network data, 2008; the file is that of Planetoid
    (Z. Yang et al., ICML 2016), the choice that of J. You et al., GraphRNN, ICML 2018, section 4.1.
    """
    from gengraph.data.citeseer import ego_networks

    return ego_networks(_read_citeseer(files), radius=3, sizes=range(50, 400))


def _ego_small(files: Files, count: int) -> GraphSet:
    """Citeseer: the papers within one citation, 4 to 18 of them, 200 networks drawn at random.

    200 graphs. Source as for `ego`; J. You et al., GraphRNN, ICML 2018, section 4.3.
    """
    from gengraph.data.citeseer import ego_networks

    networks = ego_networks(_read_citeseer(files), radius=1, sizes=range(4, 19))
    return networks[Stream(5).permutation(len(networks))[:count]]


def _protein(files: Files, _count: int) -> GraphSet:
    """DD: residues of proteins, joined when nearer than 6 Angstrom, 100 <= n <= 500.

    918 of 1178 graphs; residue types are left out, some graphs are disconnected. P. Dobson, A. Doig, Distinguishing enzyme
    structures from non-enzymes without alignments, 2003; from the TU collection (C. Morris et al., 2020); the choice is that of
    J. You et al., GraphRNN, ICML 2018, section 4.1.
    """
    graphs = _of_tu("DD", (1178, 334925, 843046), files)
    return graphs[(graphs.num_nodes >= 100) & (graphs.num_nodes <= 500)]


def _enzymes(files: Files, _count: int) -> GraphSet:
    """ENZYMES: secondary structure elements of enzymes, n >= 10.

    587 of 600 graphs, 10-125 nodes; isolated nodes are removed first, labels and attributes are left out. K. Borgwardt et al.,
    Protein function prediction via graph kernels, 2005; from the TU collection (C. Morris et al., 2020).
    """
    return _enzymes_labelled(files, _count).bare()


def _enzymes_labelled(files: Files, _count: int) -> GraphSet:
    """ENZYMES with the kinds of its secondary structure elements (helices, sheets, turns) as labels of nodes.

    587 graphs, 10-125 nodes, those of `enzymes`; the labels are called 1, 2 and 3 as in the file. Source as for `enzymes`.
    """
    graphs = _of_tu("ENZYMES", (600, 19580, 37282), files, node_label="node_label")
    cleaned = graphs.induced(graphs.degrees() > 0)
    return cleaned[cleaned.num_nodes >= 10]


def _planar(_files: Files, count: int) -> GraphSet:
    """Delaunay triangulations of 64 uniform points in a square.

    200 graphs, planar and connected; `planar:COUNT` has any number. K. Martinkus et al., SPECTRE, ICML 2022.
    """
    from gengraph.data import families

    return families.delaunay_triangulations(count, nodes=64, seed=6)


def _tree(_files: Files, count: int) -> GraphSet:
    """Uniformly random labelled trees of 64 nodes.

    200 graphs; `tree:COUNT` has any number. A. Bergmeister et al., Efficient and Scalable Graph Generation through Iterative
    Local Expansion, ICLR 2024.
    """
    from gengraph.data import families

    return families.uniform_trees(count, nodes=64, seed=7)


def _sbm(_files: Files, count: int) -> GraphSet:
    """Connected stochastic block models: 2 to 5 blocks of 20 to 40 nodes, p = 0.3 inside and 0.005 between.

    200 graphs, 40-177 nodes (200 are possible); `sbm:COUNT` has any number. K. Martinkus et al., SPECTRE, ICML 2022.
    """
    from gengraph.data import families

    return families.block_models(count, blocks=range(2, 6), sizes=range(20, 41), inside=0.3, between=0.005, seed=8)


def _lobster(_files: Files, count: int) -> GraphSet:
    """Lobsters: trees whose nodes are at most two steps from a path, 10 to 100 nodes.

    200 graphs, p1 = p2 = 0.7 and a mean path of 80 nodes before those of other sizes are thrown away; `lobster:COUNT` has any
    number. R. Liao et al., GRAN, NeurIPS 2019.
    """
    from gengraph.data import families

    return families.lobsters(count, backbone=80, sizes=(10, 100), seed=9)


def _planar_large(files: Files, count: int) -> GraphSet:
    """As `planar`, and enough of them to tell good models apart.

    16384 graphs, of which 8,192 to train on, 4,096 to validate with, 4,096 to test with; the first 200 are those of `planar`.
    The law and the sizes that M. Krimmel et al., PolyGraph discrepancy, 2025, mean by PlanarGraph-L; not the files behind its
    tables.
    """
    return _planar(files, count)


def _sbm_large(files: Files, count: int) -> GraphSet:
    """As `sbm`, and enough of them to tell good models apart.

    16384 graphs, split as `planar-large`, 40-196 nodes; the first 200 are those of `sbm`. The law and the sizes that M. Krimmel
    et al., PolyGraph discrepancy, 2025, mean by SBM-L; not the files behind its tables.
    """
    return _sbm(files, count)


def _lobster_large(files: Files, count: int) -> GraphSet:
    """As `lobster`, and enough of them to tell good models apart.

    16384 graphs, split as `planar-large`, 10-100 nodes; the first 200 are those of `lobster`. The law and the sizes that
    M. Krimmel et al., PolyGraph discrepancy, 2025, mean by Lobster-L; not the files behind its tables.
    """
    return _lobster(files, count)


def _molecules(source: "Source", files: Files) -> GraphSet:
    from gengraph.data.molecules import load_molecules

    return load_molecules(source, data_dir=files.data_dir, report=files.report, bonds=files.policy.bonds)


def _qm9(files: Files, _count: int) -> GraphSet:
    """QM9: molecules of up to nine atoms of carbon, nitrogen, oxygen and fluorine, hydrogens aside.

    130831 graphs, 1-9 nodes, labelled with elements and charges and with the orders of bonds; 130,744 different molecules. The
    SMILES of relaxed geometries, without the 3,054 whose geometry is not that of their SMILES; from the package qm9pack 1.0.3.
    R. Ramakrishnan et al., Quantum chemistry structures and properties of 134 kilo molecules, Scientific Data 1, 2014.
    """
    from gengraph.data.molecules import QM9

    return _molecules(QM9, files)


def _moses(files: Files, _count: int) -> GraphSet:
    """MOSES: drug-like molecules of ZINC Clean Leads, labelled; its training and its test set.

    1760737 graphs, 8-27 nodes: the first 1,584,663 are its training set, of which a tenth, drawn with the split seed,
    validates; the last 176,074 its test set. Its second test set, of other scaffolds, is `moses-scaffolds`. From the package
    molsets 0.3.1. D. Polykovskiy et al., Molecular Sets (MOSES), Frontiers in Pharmacology 11, 2020.
    """
    from gengraph.data.molecules import MOSES

    return GraphSet.concatenate([_molecules(MOSES[part], files) for part in ("train", "test")])


def _moses_scaffolds(files: Files, _count: int) -> GraphSet:
    """The scaffold test set of MOSES: molecules whose scaffolds are in neither of its other sets.

    176225 graphs, 8-27 nodes. D. Polykovskiy et al., Molecular Sets (MOSES), Frontiers in Pharmacology 11, 2020.
    """
    from gengraph.data.molecules import MOSES

    return _molecules(MOSES["test_scaffolds"], files)


LARGE = (8192, 4096, 4096)
DATASETS: dict[str, Dataset] = {
    "ladder": Dataset(build=_ladder, num_graphs=101, nodes=(200, 400)),
    "ladder-small": Dataset(build=_ladder_small, num_graphs=9, nodes=(4, 20)),
    "grid": Dataset(build=_grid, num_graphs=100, nodes=(100, 361)),
    "grid-small": Dataset(build=_grid_small, num_graphs=20, nodes=(4, 30)),
    "community": Dataset(build=_community, num_graphs=500, nodes=(60, 160), family=True),
    "community-small": Dataset(build=_community_small, num_graphs=100, nodes=(12, 20), family=True),
    "caveman": Dataset(build=_caveman, num_graphs=510, nodes=(60, 160)),
    "barabasi-albert": Dataset(build=_barabasi_albert, num_graphs=500, nodes=(100, 200), family=True),
    "ego": Dataset(build=_ego, num_graphs=757, nodes=(50, 399)),
    "ego-small": Dataset(build=_ego_small, num_graphs=200, nodes=(4, 18)),
    "citeseer": Dataset(build=_citeseer, num_graphs=1, nodes=(3327, 3327)),
    "protein": Dataset(build=_protein, num_graphs=918, nodes=(100, 500)),
    "enzymes": Dataset(build=_enzymes, num_graphs=587, nodes=(10, 125)),
    "enzymes-labelled": Dataset(build=_enzymes_labelled, num_graphs=587, nodes=(10, 125)),
    "planar": Dataset(build=_planar, num_graphs=200, nodes=(64, 64), family=True),
    "tree": Dataset(build=_tree, num_graphs=200, nodes=(64, 64), family=True),
    "sbm": Dataset(build=_sbm, num_graphs=200, nodes=(40, 177), family=True),
    "lobster": Dataset(build=_lobster, num_graphs=200, nodes=(10, 100), family=True),
    "planar-large": Dataset(build=_planar_large, num_graphs=sum(LARGE), nodes=(64, 64), parts=LARGE),
    "sbm-large": Dataset(build=_sbm_large, num_graphs=sum(LARGE), nodes=(40, 196), parts=LARGE),
    "lobster-large": Dataset(build=_lobster_large, num_graphs=sum(LARGE), nodes=(10, 100), parts=LARGE),
    "qm9": Dataset(build=_qm9, num_graphs=130831, nodes=(1, 9)),
    "moses": Dataset(build=_moses, num_graphs=1760737, nodes=(8, 27), parts=(1584663, 0, 176074)),
    "moses-scaffolds": Dataset(build=_moses_scaffolds, num_graphs=176225, nodes=(8, 27)),
}
