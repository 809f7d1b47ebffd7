import zipfile
from pathlib import Path

import networkx as nx
import pytest

from gengraph.data import DATASETS, load_collection, load_dataset, split_collection, split_graphs
from gengraph.data.catalogue import Files
from gengraph.data.download import places
from gengraph.errors import DatasetUnavailable, InputError
from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

HASHES = {
    "ladder": "16b8c58606d02706",
    "ladder-small": "34973be5dd0d4308",
    "grid": "11f125572901a13f",
    "grid-small": "b12f7b4285bf6ddc",
    "community": "ac693c6dd9205728",
    "community-small": "1977856f939e2e64",
    "caveman": "ef7c8959b0290d1e",
    "barabasi-albert": "089956684ca45352",
    "ego": "ce6a97af0e91eb3c",
    "ego-small": "a1f034ac43e7d277",
    "citeseer": "54c8f052de3dccdc",
    "protein": "205e2eca6a733d9a",
    "enzymes": "99b1789b61721687",
    "enzymes-labelled": "ac826b6df8033b7a",
    "planar": "00bc76ac55e48e58",
    "tree": "4bf1495668d7c715",
    "sbm": "f58050656930bdaa",
    "lobster": "722435c6548abe53",
}
FILES = {
    "protein": "DD.zip",
    "enzymes": "ENZYMES.zip",
    "enzymes-labelled": "ENZYMES.zip",
    "citeseer": "ind.citeseer.graph",
    "ego": "ind.citeseer.graph",
    "ego-small": "ind.citeseer.graph",
}


def load_or_skip(name: str) -> GraphSet:
    if name in FILES and not any((place / FILES[name]).is_file() for place in places(None)):
        pytest.skip(f"{FILES[name]} is neither in $GENGRAPH_DATA nor in the user cache")
    return load_dataset(name)


@pytest.mark.parametrize("name", HASHES)
def test_named_sets_are_the_same_everywhere(name: str) -> None:
    graphs = load_or_skip(name)
    assert len(graphs) == DATASETS[name].num_graphs
    assert (graphs.num_nodes.min(), graphs.num_nodes.max()) == DATASETS[name].nodes
    assert graphs.content_hash()[:16] == HASHES[name]


def test_large_sets_go_on_where_the_small_ones_end() -> None:
    large = set(DATASETS) - set(HASHES) - {"qm9", "moses", "moses-scaffolds"}  # tests/chemistry
    assert large == {"planar-large", "sbm-large", "lobster-large"}
    for name in large:
        assert DATASETS[name].build(Files(), 20) == load_dataset(f"{name.removesuffix('-large')}:20")
    split = split_collection(load_collection("lobster-large"))
    assert split.origin == "given"
    assert (len(split.train), len(split.validation), len(split.test)) == (8192, 4096, 4096)
    assert split.train[:20] == load_dataset("lobster:20")


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    dataset = DATASETS[name]
    assert dataset.summary
    assert f"{dataset.num_graphs} " in dataset.description
    assert any(str(year) in dataset.description for year in range(1999, 2026)) or "Source as for" in dataset.description


def test_ladders_and_grids_are_what_networkx_makes() -> None:
    for graph, rungs in zip(load_dataset("ladder-small").to_networkx(), range(2, 11), strict=True):
        assert nx.utils.graphs_equal(graph, nx.ladder_graph(rungs))
    sizes = [(r, c) for r in range(2, 6) for c in range(2, 7)]
    for graph, (rows, columns) in zip(load_dataset("grid-small").to_networkx(), sizes, strict=True):
        assert nx.utils.graphs_equal(graph, nx.convert_node_labels_to_integers(nx.grid_2d_graph(rows, columns)))


def test_splits_are_disjoint_seeded_and_whole() -> None:
    graphs = load_dataset("grid")
    split = split_graphs(graphs, seed=3)
    assert (len(split.train), len(split.validation), len(split.test)) == (72, 8, 20)
    together = GraphSet.concatenate([split.train, split.validation, split.test])
    # Two grids may be equal (r x c and c x r are not): sizes and edges identify a graph here.
    key = sorted(part.content_hash() for part in together)
    assert key == sorted(part.content_hash() for part in graphs)
    assert split_graphs(graphs, seed=3).test == split.test
    assert split_graphs(graphs, seed=4).test != split.test


def test_small_sets() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(n) for n in (2, 3, 4)])
    split = split_graphs(graphs)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [1, 1, 1]
    with pytest.raises(InputError, match="at least 3 graphs, got 1"):
        split_graphs(graphs[:1])


def test_paths_and_unknown_names(tmp_path: Path) -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(3)])
    write_graphs(graphs, tmp_path / "mine.jsonl")
    assert load_dataset(tmp_path / "mine.jsonl") == graphs
    with pytest.raises(
        InputError, match=r"unknown data set 'lader': neither a name \(ladder, .*\) nor a file.*; ladder is one"
    ):
        load_dataset("lader")
    with pytest.raises(InputError, match=rf"nor a file or folder; {tmp_path}/mine\.jsonl is one"):
        load_dataset(tmp_path / "mine.json")
    with pytest.raises(InputError, match=r"nor a file or folder$"):
        load_dataset(tmp_path / "other.g6")
    with pytest.raises(InputError, match=r"there is no folder .*none, which is named as data_dir; name one that has the files"):
        load_dataset("grid", data_dir=tmp_path / "none")


def test_names_with_numbers() -> None:
    assert load_dataset("tree:7") == load_dataset("tree")[:7]
    assert len(load_dataset("planar:300")) == 300
    assert load_dataset("planar:300")[:200] == load_dataset("planar")
    for name, message in (
        ("grid:7", "data set grid has 100 graphs and no others; leave out :7"),
        ("tree:0", "takes a number of graphs from 1 to 10000000, got '0'"),
        ("tree:many", "got 'many'"),
        ("tree:", "got ''"),
        ("tu:../secret", "names a TU collection by letters, digits"),
        ("tu:", "names a TU collection by letters"),
    ):
        with pytest.raises(InputError, match=message):
            load_dataset(name)


def test_any_tu_collection_by_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "TOY.zip", "w") as archive:
        archive.writestr("TOY/TOY_A.txt", "1, 2\n2, 1\n")
        archive.writestr("TOY/TOY_graph_indicator.txt", "1\n1\n2\n")
        archive.writestr("TOY/TOY_node_labels.txt", "7\n8\n9\n")
    with pytest.raises(
        InputError, match=r"3 values of attributes would be left behind: node_label \(3\); set on_attributes = drop"
    ):
        load_dataset("tu:TOY", data_dir=tmp_path)
    collection = load_collection("tu:TOY", data_dir=tmp_path, policy=Policy(on_attributes="drop"))
    assert collection.graphs.num_nodes.tolist() == [2, 1]
    assert collection.found == {"on_attributes": 3}


def test_policies_hold_for_named_sets() -> None:
    graphs = load_or_skip("enzymes")
    collection = load_collection("enzymes", policy=Policy(on_components="largest"))
    assert collection.found == {"on_components": 25}
    assert collection.graphs == graphs.largest_components()


@pytest.mark.parametrize(("name", "counts"), [("protein", (1178, 334925, 843046)), ("enzymes", (600, 19580, 37282))])
def test_the_whole_collections_have_the_published_counts(name: str, counts: tuple[int, int, int]) -> None:
    load_or_skip(name)
    graphs = load_dataset(f"tu:{FILES[name].removesuffix('.zip')}", policy=Policy(on_attributes="drop"))
    assert (len(graphs), int(graphs.num_nodes.sum()), len(graphs.edges)) == counts


def test_a_collection_with_other_counts_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "DD.zip", "w") as archive:
        archive.writestr("DD/DD_A.txt", "1, 2\n2, 1\n")
        archive.writestr("DD/DD_graph_indicator.txt", "1\n1\n")
    with pytest.raises(DatasetUnavailable, match=r"must hold \(1178, 334925, 843046\).*got \(1, 2, 1\)"):
        load_dataset("protein", data_dir=tmp_path)
