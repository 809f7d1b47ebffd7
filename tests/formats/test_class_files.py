"""The class of a graph in files: formats with a place for it keep it, the others keep the graphs."""

import json
import zipfile
from pathlib import Path

import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gengraph.errors import InputError
from gengraph.formats import holds_classes, read_collection, read_graphs, write_graphs
from gengraph.formats.codecs import CODECS
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

GRAPHS = GraphSet.from_networkx([nx.cycle_graph(4), nx.path_graph(3), nx.star_graph(3)])
CLASSED = GRAPHS.classified(['a "<&é b', None, "2"])
SUFFIXES = [
    codec.suffixes[0]
    for name, codec in CODECS.items()
    if codec.write and not codec.one_graph and name[:3] not in ("smi", "sdf")
]


def names(path: Path, policy: Policy | None = None) -> list[str | None] | None:
    classes = read_graphs(path, policy).classes
    return classes and classes.names()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"graphs{suffix}"
    write_graphs(CLASSED, path)
    assert read_graphs(path) == (CLASSED if holds_classes(path) else GRAPHS)
    write_graphs(GRAPHS, path)
    assert read_graphs(path) == GRAPHS
    assert b"class" not in path.read_bytes()


def test_places_for_a_class() -> None:
    assert {suffix for suffix in SUFFIXES if holds_classes(f"a{suffix}")} == {
        ".parquet",
        ".jsonl",
        ".json",
        ".node-link.json",
        ".graphml",
        ".gml",
    }


def test_networkx_reads_and_writes_the_same(tmp_path: Path) -> None:
    write_graphs(CLASSED[:1], tmp_path / "a.gml")
    assert nx.read_gml(tmp_path / "a.gml", label="id").graph["class"] == CLASSED.to_networkx()[0].graph["class"]
    graph = nx.path_graph(3)
    graph.graph.update({"class": 7, "name": "path"})
    nx.write_gml(graph, tmp_path / "b.gml")
    nx.write_graphml(graph, tmp_path / "b.graphml")
    (tmp_path / "b.node-link.json").write_text(json.dumps(nx.node_link_data(graph, edges="edges")))
    for path in tmp_path.glob("b.*"):
        assert names(path) == ["7"]


def test_columns_and_keys_of_other_programs(tmp_path: Path) -> None:
    table = pa.table({"num_nodes": [2, 3, 1], "edges": [[[0, 1]], [[0, 1], [1, 2]], []], "class": [3, None, 10]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert names(tmp_path / "a.parquet") == ["3", None, "10"]
    (tmp_path / "a.jsonl").write_text(
        '{"n": 2, "edges": [[0, 1]], "class": 1.0, "y": 3}\n{"n": 1, "edges": [], "class": "x"}\n'
    )
    assert names(tmp_path / "a.jsonl") == ["1", "x"]
    (tmp_path / "b.jsonl").write_text('{"n": 2, "edges": [[0, 1]], "class": [0, 1]}\n')
    with pytest.raises(InputError, match=r"class \(2\)"):  # a list is of nodes or edges
        read_graphs(tmp_path / "b.jsonl")
    assert names(tmp_path / "b.jsonl", Policy(on_attributes="drop")) is None
    (tmp_path / "a.csv").write_text("graph,source,target,graph_class\nb,1,2,x\nb,2,3,\na,1,2,y\nc,5,,\n")
    assert names(tmp_path / "a.csv") == ["x", "y", None]
    (tmp_path / "a.csv").write_text("graph,source,target,graph_class\nb,1,2,x\nb,2,3,y\n")
    with pytest.raises(InputError, match="rows of a graph must say one graph_class, got x and y; mend one"):
        read_graphs(tmp_path / "a.csv")


def test_tables_of_molecules(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('smiles,class,note\nCCO,"yes, it is",1\nC(,no,2\nCC,no,\nC,,\n')
    graphs = read_graphs(tmp_path / "a.csv", Policy(on_invalid="drop"))
    assert graphs.classes is not None
    assert graphs.classes.names() == ["yes, it is", "no", None]
    write_graphs(graphs, tmp_path / "b.smiles.csv")
    assert read_graphs(tmp_path / "b.smiles.csv") == graphs


def test_graph_labels_of_the_tu_collection(tmp_path: Path) -> None:
    files = {
        "A": "1, 2\n2, 1\n3, 4\n4, 3\n",
        "graph_indicator": "4\n4\n1\n1\n2\n",  # 3 is no graph, and the first nodes are the last graph's
        "graph_labels": "1\n-1\n7\n1\n",
    }
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(f"S/S_{name}.txt", text)
    collection = read_collection(tmp_path / "a.zip")
    assert collection.graphs.num_nodes.tolist() == [2, 1, 2]
    assert collection.graphs.classes is not None
    assert collection.graphs.classes.names() == ["1", "-1", "1"]
    for name, text in files.items():
        (tmp_path / f"S_{name}.txt").write_text(text.removesuffix("7\n1\n"))
    with pytest.raises(InputError, match=r"S_graph_labels\.txt must have a line for each of 4 graphs, got 2; mend it"):
        read_graphs(tmp_path)
    (tmp_path / "S_graph_labels.txt").unlink()
    assert names(tmp_path) is None


def test_a_class_that_a_format_cannot_spell_is_refused(tmp_path: Path) -> None:
    strange = GRAPHS.classified(["\0", "b", "c"])
    with pytest.raises(InputError, match=r"\.graphml has no spelling for the class '\\x00'; rename it, or write \.jsonl"):
        write_graphs(strange, tmp_path / "a.graphml")
    write_graphs(strange, tmp_path / "a.g6")
    assert read_graphs(tmp_path / "a.g6") == GRAPHS


def test_the_last_graphs_of_a_tu_collection_may_have_no_edges(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("S/S_A.txt", "1, 2\n2, 1\n")
        archive.writestr("S/S_graph_indicator.txt", "1\n1\n2\n2\n3\n")
        archive.writestr("S/S_graph_labels.txt", "0\n1\n0\n")
    graphs = read_graphs(tmp_path / "a.zip")
    assert graphs.num_nodes.tolist() == [2, 2, 1]
    assert graphs.num_edges.tolist() == [1, 0, 0]
    assert graphs.classes is not None
    assert graphs.classes.names() == ["0", "1", "0"]
