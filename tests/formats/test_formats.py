import errno
import zipfile
from pathlib import Path

import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import graph_sets

from gengraph.errors import InputError
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet

SUFFIXES = [".parquet", ".jsonl", ".json", ".g6", ".s6", ".graphml", ".gml", ".edgelist", ".csv", ".tsv", ".npz"]
SUFFIXES += [".net", ".node-link.json", ".edges.csv"]
PATHS = GraphSet.from_networkx([nx.path_graph(3), nx.empty_graph(0), nx.complete_graph(4), nx.empty_graph(2)])


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(graphs=graph_sets())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip(tmp_path: Path, suffix: str, graphs: GraphSet) -> None:
    path = tmp_path / f"graphs{suffix}"
    write_graphs(graphs, path)
    if len(graphs):
        assert read_graphs(path) == graphs
    else:
        with pytest.raises(InputError, match=r"empty|holds no graphs"):
            read_graphs(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_extreme_graphs_and_one_of_ten_thousand_nodes(tmp_path: Path, suffix: str) -> None:
    small = [
        nx.empty_graph(1),
        nx.complete_graph(70),
        nx.disjoint_union(nx.path_graph(3), nx.empty_graph(2)),
        nx.empty_graph(0),
    ]
    large = nx.disjoint_union(nx.cycle_graph(9_990), nx.star_graph(9))
    graphs = GraphSet.from_networkx([*small, large])
    write_graphs(graphs, tmp_path / f"graphs{suffix}")
    assert read_graphs(tmp_path / f"graphs{suffix}") == graphs


@pytest.mark.parametrize("suffix", [".g6", ".s6"])
@given(graphs=graph_sets(min_nodes=1, max_nodes=20))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nauty_files_are_those_of_networkx(tmp_path: Path, suffix: str, graphs: GraphSet) -> None:
    encode = nx.to_graph6_bytes if suffix == ".g6" else nx.to_sparse6_bytes
    path = tmp_path / f"graphs{suffix}"
    write_graphs(graphs, path)
    assert path.read_bytes() == b"".join(encode(graph, header=False) for graph in graphs.to_networkx())


@pytest.mark.parametrize("n", [62, 63, 64, 300])
def test_graph6_lengths_of_any_size(tmp_path: Path, n: int) -> None:
    graph = nx.gnp_random_graph(n, 0.1, seed=1)
    (tmp_path / "a.g6").write_bytes(b">>graph6<<" + nx.to_graph6_bytes(graph, header=False) + nx.to_sparse6_bytes(graph))
    assert read_graphs(tmp_path / "a.g6") == GraphSet.from_networkx([graph, graph])


def test_a_folder_of_shards(tmp_path: Path) -> None:
    write_graphs(PATHS[:1], tmp_path / "shard-0.parquet")
    write_graphs(PATHS[1:], tmp_path / "shard-1.parquet")
    assert read_graphs(tmp_path) == PATHS


def test_parquet_is_plain_for_other_programs(tmp_path: Path) -> None:
    write_graphs(PATHS, tmp_path / "graphs.parquet")
    rows = pq.read_table(tmp_path / "graphs.parquet").to_pylist()
    assert rows[0] == {"num_nodes": 3, "edges": [[0, 1], [1, 2]]}
    foreign = pa.table({"edges": [[[0, 1], [1, 2]], []], "num_nodes": [3, 1], "label": ["a", "b"]})
    pq.write_table(foreign, tmp_path / "foreign.parquet")
    assert read_graphs(tmp_path / "foreign.parquet").num_nodes.tolist() == [3, 1]


def write_tu(folder: Path, edges: str, indicator: str) -> Path:
    folder.mkdir()
    (folder / "TOY_A.txt").write_text(edges)
    (folder / "TOY_graph_indicator.txt").write_text(indicator)
    return folder


def test_tu_folder_and_zip(tmp_path: Path) -> None:
    folder = write_tu(tmp_path / "TOY", "1, 2\n2, 1\n2, 3\n3, 2\n4, 5\n5, 4\n", "1\n1\n1\n2\n2\n")
    expected = GraphSet.from_networkx([nx.path_graph(3), nx.path_graph(2)])
    assert read_graphs(folder) == expected
    with zipfile.ZipFile(tmp_path / "TOY.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"TOY/{file.name}")
    assert read_graphs(tmp_path / "TOY.zip") == expected


def test_tu_nodes_that_do_not_stand_together_are_grouped(tmp_path: Path) -> None:
    folder = write_tu(tmp_path / "TOY", "1, 3\n3, 1\n3, 5\n5, 3\n2, 4\n4, 2\n", "2\n1\n2\n1\n2\n")
    assert read_graphs(folder) == GraphSet.from_networkx([nx.path_graph(2), nx.path_graph(3)])


def test_bad_tu_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 of 3 edges have no edge the other way"):
        read_graphs(write_tu(tmp_path / "directed", "1, 2\n2, 1\n2, 3\n", "1\n1\n1\n"))
    with pytest.raises(InputError, match="2 whole numbers a line"):
        read_graphs(write_tu(tmp_path / "text", "1, a\n", "1\n"))
    with pytest.raises(InputError, match="must number the graphs from 1, got 0"):
        read_graphs(write_tu(tmp_path / "order", "1, 2\n2, 1\n", "1\n0\n"))
    with pytest.raises(InputError, match="a node outside"):
        read_graphs(write_tu(tmp_path / "range", "1, 9\n9, 1\n", "1\n1\n"))
    (tmp_path / "broken.zip").write_bytes(b"PK not a zip")
    with pytest.raises(InputError, match="not a whole zip"):
        read_graphs(tmp_path / "broken.zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(InputError, match=r"one NAME_A\.txt"):
        read_graphs(tmp_path / "other.zip")
    with pytest.raises(InputError, match="1 edges join nodes of two graphs"):
        read_graphs(write_tu(tmp_path / "crossing", "1, 2\n2, 1\n2, 3\n", "1\n1\n2\n"))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (["../TOY_A.txt"], r"'\.\./TOY_A\.txt' leaves the folder"),
        (["/etc/TOY_A.txt"], "leaves the folder"),
        (["TOY/../../TOY_A.txt"], "leaves the folder"),
        (["..\\TOY_A.txt"], "leaves the folder"),
        (["C:\\TOY_A.txt"], "leaves the folder"),
        (["a/TOY_A.txt", "b/TOY_A.txt"], r"holds two files named TOY_A\.txt"),
    ],
)
def test_zips_that_are_not_what_they_seem_are_refused(tmp_path: Path, members: list[str], message: str) -> None:
    with zipfile.ZipFile(tmp_path / "TOY.zip", "w") as archive:
        for member in members:
            archive.writestr(member, "1, 2\n2, 1\n")
        archive.writestr("TOY/TOY_graph_indicator.txt", "1\n1\n")
    with pytest.raises(InputError, match=message):
        read_graphs(tmp_path / "TOY.zip")


def test_zips_that_unpack_to_absurd_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengraph.formats.tu.MAX_MEMBER_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "TOY.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("TOY_A.txt", "1, 2\n" * 1000)
    assert (tmp_path / "TOY.zip").stat().st_size < 1000
    with pytest.raises(InputError, match=r"TOY_A\.txt unpacks to more than 1000 bytes"):
        read_graphs(tmp_path / "TOY.zip")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"n": 2, "edges": [[0, 0]]}', "self-loop"),
        ("a.jsonl", '{"n": 2, "edges": [[0, 1], [1, 0]]}', "parallel edge"),
        ("a.jsonl", '{"n": 2, "edges": [[0, 2]]}', "outside 0..n-1"),
        ("a.jsonl", '{"n": 2}', 'line 1: a graph is {"n": nodes'),
        ("a.jsonl", '{"n": 2, "edges": [[0.5, 1]]}', "whole numbers"),
        ("a.jsonl", '{"n": -1, "edges": []}', "num_nodes must be >= 0, got -1"),
        ("a.jsonl", "[1, 2", "line 1 is not JSON"),
        ("a.jsonl", "\n\n", "holds no graphs"),
        ("a.json", '"text"', "must be a list of graphs"),
        ("a.g6", "~~", "line 1 is not g6"),
        ("a.g6", "D?", "line 1 is not g6: 5 nodes need 2 characters, got 1"),
        ("a.g6", "D ?", "line 1 is not g6: its characters must lie between"),
        ("a.g6", "&DI?AO?", "line 1 is digraph6 or incremental sparse6"),
        ("a.s6", ":~", "line 1 is not s6"),
        ("a.s6", ":A_", "a.s6: graphs must be simple"),
        (
            "a.jsonl",
            '{"n": 2, "edges": [], "split": "extra"}',
            "split must be one of train, training, validation, val, valid, dev, test.*got extra",
        ),
        ("a.jsonl", '{"n": 1, "edges": [], "split": "test"}\n{"n": 1, "edges": []}', "for every graph, got None"),
        ("a.jsonl", '{"n": 2, "edges": [], "x": [[0.5], [1]]}', r"2 values of attributes would be left behind: x \(2\)"),
        ("a.jsonl", '{"nodes": ["a", "a"], "edges": []}', "line 1: a graph is"),
        ("a.jsonl", '{"nodes": ["a"], "edges": [["a", "b"]]}', 'line 1: an edge joins "b", which is not among the nodes'),
        ("a.pt", "x", "(?s)is a pickle, which can run any program.*GraphSet.from_edge_index"),
        ("a.pkl", "x", "is a pickle"),
        ("a.jsonl", "", "is empty"),
        ("a.parquet", "PAR1 nonsense", "not a whole Parquet file"),
        ("a.dat", "0,1", r"unknown graph format '\.dat'.*known are \.parquet"),
    ],
)
def test_bad_files_name_the_rule(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_graphs(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read_graphs(tmp_path / "nothing.g6")
    with pytest.raises(InputError, match=r"holds neither \*\.parquet"):
        read_graphs(tmp_path)
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xf0")
    with pytest.raises(InputError, match="not a text file"):
        read_graphs(tmp_path / "a.jsonl")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"with a row an edge, got x; rename them, or set columns"):
        read_graphs(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="read but not written"):
        write_graphs(PATHS, tmp_path / "a.zip")
    with pytest.raises(InputError, match=r"\.xyz is no format that is written; choose one of \.parquet"):
        write_graphs(PATHS, tmp_path / "a.xyz")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"graphs{suffix}"
    write_graphs(PATHS, path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gengraph.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_graphs(PATHS[:1], path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
