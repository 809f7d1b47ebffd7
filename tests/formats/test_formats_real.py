"""Files that people really have: a wrong graph is never read without a word."""

import gzip
import io
import pickle
import shutil
import zipfile
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
from command_line import gengraph
from scipy import sparse

from gengraph.data import split_collection
from gengraph.errors import InputError
from gengraph.formats import read_collection, read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

CASES = Path(__file__).parent / "cases"
PATH = GraphSet.from_networkx([nx.path_graph(3)])
TRIANGLE = GraphSet.from_networkx([nx.complete_graph(3)])
EDGES = [[0, 1], [1, 2]]


def read(folder: Path, name: str, content: str | bytes, policy: Policy | None = None) -> GraphSet:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_graphs(folder / name, policy)


def refusal(folder: Path, name: str, content: str | bytes, policy: Policy | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, name, content, policy)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "nodes", "edges"),
    [
        ("bom-header.edgelist", [3], [[0, 1], [0, 2], [1, 2]]),
        ("bom.gml", [2], [[0, 1]]),
        ("bom.g6", [3, 3, 4], [[0, 1], [0, 2], [1, 2], *EDGES, [0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]),
        ("empty-target.edgelist", [6], EDGES),
        ("header-from-to.edgelist", [3], [[0, 1], [0, 2], [1, 2]]),
        ("u2028.jsonl", [3], EDGES),
        ("networkx-default.edgelist", [3], EDGES),
        ("path.mtx", [3], EDGES),
        ("konect.edgelist", [3], EDGES),
        ("snap.txt", [3], EDGES),
    ],
)
def test_cases(name: str, nodes: list[int], edges: list[list[int]]) -> None:
    graphs = read_graphs(CASES / name)
    assert graphs.num_nodes.tolist() == nodes
    assert graphs.edges.tolist() == edges


@pytest.mark.parametrize(
    ("edges", "n", "message"),
    [
        ("[[0,1,4],[1,2,3]]", 5, "2 rows of 3; if they are a 2 x E edge_index, transpose it"),
        ("[[0,1,2,3],[1,2,3,0]]", 4, r"got shape 2 x 4; a 2 x E edge_index is taken by GraphSet\.from_edge_index"),
        ("[[0,1,2.5],[1,2,0.5]]", 3, r"2 values of attributes would be left behind: weights \(2\); set on_attributes = drop"),
        ("[0,1,1,2]", 3, "got shape 4; write one row"),
        ("[[[0,1],[1,2]]]", 3, "must be pairs of nodes"),
        ("[[0,1],[1]]", 3, "whole numbers in rows of one length"),
        ("[[0,1.5]]", 3, "whole numbers, got 1.5"),
        ('[["0","1"]]', 3, "whole numbers, got 0"),
        ("[[NaN,1]]", 3, "whole numbers, got nan"),
        ("[[false,1],[1,2]]", 3, None),
    ],
)
def test_rows_that_are_not_pairs_are_refused(tmp_path: Path, edges: str, n: int, message: str | None) -> None:
    record = f'{{"n":{n},"edges":{edges}}}'
    if message is None:
        assert read(tmp_path, "a.jsonl", record) == PATH  # numpy's numbers: false is 0
        return
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a.jsonl", record)
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a.json", f"[{record}]")


def test_weights_in_rows_are_attributes(tmp_path: Path) -> None:
    drop = Policy(on_attributes="drop")
    assert read(tmp_path, "a.jsonl", '{"n":3,"edges":[[0,1,2.5],[1,2,0.5]]}', drop) == PATH
    three = '{"n":4,"edges":[[0,1,7],[1,2,8],[2,3,1]]}\n{"n":4,"edges":[[0,1,3],[1,2,3]]}'
    collection = read_collection(tmp_path / "a.jsonl", drop)
    assert collection.found == {"on_attributes": 2}
    assert read(tmp_path, "b.jsonl", three, drop).edges.tolist() == [[0, 1], [1, 2], [2, 3], [0, 1], [1, 2]]
    assert read(tmp_path, "c.jsonl", '{"n":3,"edges":[[0,1,1],[1,2,1.0]]}') == PATH  # weights of 1 say nothing
    assert "a graph is" in refusal(tmp_path, "d.jsonl", '{"n":2.7,"edges":[]}')
    assert "a graph is" in refusal(tmp_path, "d.jsonl", '{"n":"3","edges":[]}')
    assert "a graph is" in refusal(tmp_path, "d.jsonl", '{"nodes":"abc","edges":[]}')


def test_parquet_rows_that_are_not_pairs_are_refused(tmp_path: Path) -> None:
    for edges in ([[0, 1, 2], [1, 2, 3]], [[0, 1, 5]], [[0.5, 1.0]]):
        pq.write_table(pa.table({"num_nodes": [4], "edges": [edges]}), tmp_path / "a.parquet")
        with pytest.raises(InputError, match="must be whole numbers and edges lists of node pairs"):
            read_graphs(tmp_path / "a.parquet")


GRAPHML = '<graphml><graph><node id="é"/><node id="b"/><node id="c"/><edge source="é" target="b"/><edge source="b" target="c"/>'
TEXTS = {
    "a.edgelist": "source,target\n1,2\n2,3\n",
    "a.csv": "1,2\n2,3\n",
    "a.tsv": "1\t2\n2\t3\n",
    "a.jsonl": '{"n":3,"edges":[[0,1],[1,2]]}\n',
    "a.json": '[{"n":3,"edges":[[0,1],[1,2]]}]',
    "a.g6": "Bg\n",
    "a.s6": ":Bd\n",
    "a.gml": "graph [ node [ id 0 ] node [ id 1 ] node [ id 2 ] edge [ source 0 target 1 ] edge [ source 1 target 2 ] ]",
    "a.graphml": GRAPHML + "</graph></graphml>",
    "a.mtx": "%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 2\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_marks_and_encodings_change_no_graph(tmp_path: Path, name: str) -> None:
    text = TEXTS[name]
    encoded = {encoding: text.encode(encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32")}
    encoded["big"] = b"\xfe\xff" + text.encode("utf-16-be")
    encoded["windows"] = text.replace("\n", "\r\n").encode("utf-8-sig")
    encoded["mac"] = text.replace("\n", "\r").encode()
    for content in encoded.values():
        assert read(tmp_path, name, content) == PATH
        assert read(tmp_path, f"{name}.gz", gzip.compress(content)) == PATH
    if name != "a.graphml":
        assert "zero byte" in refusal(tmp_path, name, text.encode("utf-16-le"))
    assert "is not a text file in UTF-8 (line 2: " in refusal(tmp_path, name, b"\n\xff" + text.encode())
    assert "is not a whole gzip file" in refusal(tmp_path, f"{name}.gz", gzip.compress(text.encode())[:-9])
    assert "is not a whole gzip file" in refusal(tmp_path, f"{name}.gz", text)


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "utf-16-le", "utf-16-be", "windows-1252", "utf-8"])
def test_the_encoding_that_xml_declares_is_honoured(tmp_path: Path, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>{TEXTS["a.graphml"]}'
    assert read(tmp_path, "a.graphml", text.encode(encoding)) == PATH
    assert "document type declarations are refused" in refusal(
        tmp_path, "a.graphml", text.replace("<graphml>", '<!DOCTYPE x [<!ENTITY a "b">]><graphml>').encode(encoding)
    )
    for unknown in ("klingon", "zlib_codec"):
        wrong = text.replace(encoding, unknown).encode("latin-1")
        assert f"declares the encoding '{unknown}', which is not known" in refusal(tmp_path, "a.graphml", wrong)


@pytest.mark.parametrize(
    ("content", "policy", "nodes", "edges"),
    [
        ("source,target,w\n1,2,\n2,3,5\n", {"on_attributes": "drop"}, 3, EDGES),
        ("source,w,target\n1,,2\n2,5,3\n", {"on_attributes": "drop"}, 3, EDGES),
        ("w,source,target\n,1,2\n5,2,3\n", {"on_attributes": "drop"}, 3, EDGES),
        ("source\tw\ttarget\n1\t\t2\n2\t5\t3\n", {"on_attributes": "drop"}, 3, EDGES),
        ("source;target;w\n1;2;0,5\n2;3;1,5\n", {"on_attributes": "drop"}, 3, EDGES),
        ("source,target\n1,2\n2,3\n,4\n5,\n,,\n", {}, 5, EDGES),
        ("1,2,,\n2,3,,\n", {}, 3, EDGES),
        ('source,target\n"York, New",b\nb,"c"\n', {}, 3, EDGES),
        (",source,target\n0,1,2\n1,2,3\n", {}, 3, EDGES),
        ("New York,Boston\nBoston,Rome\n", {}, 3, EDGES),
        ("New York\tBoston\nBoston\tRome\n", {}, 3, EDGES),
        ("1, 2\n2 ,3\n", {}, 3, EDGES),
    ],
)
def test_blank_cells_shift_no_columns(
    tmp_path: Path, content: str, policy: dict[str, str], nodes: int, edges: list[list[int]]
) -> None:
    graphs = read(tmp_path, "a.edgelist", content, Policy(**policy))
    assert graphs.num_nodes.tolist() == [nodes]
    assert graphs.edges.tolist() == edges


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("source target w\n1 2 5\n2 3\n", "line 3 has 2 columns, 3 are known .source, target, w.; name all columns"),
        ("source w target\n1 5 2\n2 3\n", "line 3 has 2 columns, 3 are known"),
        ("source,target\n1,2\n2,3,4\n", "line 3 has 3 columns, 2 are known"),
        ("1 2\n2,3\n3 1\n", "line 2 has 1 columns, 2 are known"),
        ("1,2\n2 3\n3,1\n", "line 2 has 1 columns, 2 are known"),
        ("graph,source,target\n0,1,2\n,2,3\n", "line 3 has no graph"),
        ('source,target\n1,"2\n2,3\n', "line 2: .*close every quotation mark"),
        ("1,2\n2,NA\n3,nan\n", "line 2 has NA for a node; leave the cell empty"),
        ("a b\nb c\n#c d\n", "line 3 may be a comment or an edge of a node #c"),
        ("%%MatrixMarket matrix coordinate pattern general\n3 3 1\n1 2\n", "begins as mtx, and its suffix says edgelist"),
    ],
)
def test_lines_with_other_columns_are_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a.edgelist", content, Policy(on_attributes="drop"))


@pytest.mark.parametrize(
    "header",
    ["from,to", "id_1,id_2", "source_id target_id", "node1 node2", "FromNodeId ToNodeId", "src\tdst", "u v", "Source;Target"],
)
@pytest.mark.parametrize("mark", ["", "# ", "#"])
def test_headers_are_no_edges(tmp_path: Path, header: str, mark: str) -> None:
    for rows in ("1,2\n2,3\n", "1 2\n2 3\n", "1\t2\n2\t3\n"):
        assert read(tmp_path, "a.edgelist", f"{mark}{header}\n{rows}") == PATH
    assert read(tmp_path, "a.csv", f"{mark}{header}\nanna,bo\nbo,chris\n") == PATH


def test_unknown_headers_say_what_can_be_named(tmp_path: Path) -> None:
    said = refusal(tmp_path, "a.csv", "person,friend\n1,2\n2,3\n")
    assert "line 1 names the columns person, friend, which are not known" in said
    assert "set columns = person,friend" in said
    said = refusal(tmp_path, "a.csv", "one end,other end\nanna,bo\nbo,chris\nchris,dora\n")
    assert "may be the first edge or the names of the columns; set columns = 1,2 if it is an edge" in said
    assert "set columns = 'one end,other end' if these are names" in said
    assert "may be the first edge" in refusal(tmp_path, "a.csv", "from,to\nto,come\ncome,from\n")
    assert "name these" not in refusal(tmp_path, "a.csv", "1,2,0.5\n2,3,0.5\n")


@pytest.mark.parametrize(
    ("content", "columns", "nodes"),
    [
        ("person,friend\n1,2\n2,3\n", ("person", "friend"), [3]),
        ("game,person,friend\nx,1,2\nx,2,3\ny,1,2\n", ("game", "person", "friend"), [3, 2]),
        ("person,since,friend\n1,9,2\n2,9,3\n", ("person", "friend"), [3]),
        ("1,2,9\n2,3,9\n", ("1", "2"), [3]),
        ("a,b,9\nb,c,9\n", ("1", "2"), [3]),
        ("weight,one,two\n9,1,2\n9,2,3\n", ("2", "3"), [3]),
        ("# person friend\n1 2\n2 3\n", ("person", "friend"), [3]),
        ("from,to\nto,come\ncome,on\n", ("from", "to"), [3]),
        ("from,to\nto,come\n", ("1", "2"), [3]),
        ("source,target,sender,receiver\n0,0,1,2\n0,0,2,3\n", ("sender", "receiver"), [3]),
    ],
)
def test_columns_are_named(tmp_path: Path, content: str, columns: tuple[str, ...], nodes: list[int]) -> None:
    graphs = read(tmp_path, "a.csv", content, Policy(columns=columns, on_attributes="drop"))
    assert graphs.num_nodes.tolist() == nodes
    assert graphs.edges[:2].tolist() == EDGES


def test_columns_that_are_not_there_are_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, "a.csv", "person,friend\n1,2\n", Policy(columns=("person", "foe")))
    assert "line 1 has no columns person, foe, it has person, friend" in said
    assert "would be left behind: since (1)" in refusal(
        tmp_path, "a.csv", "person,friend,since\n1,2,1999\n", Policy(columns=("person", "friend"))
    )
    for columns in (("a",), ("a", "a"), ("a", "b", "c", "d")):
        with pytest.raises(InputError, match="columns must name both ends of an edge"):
            Policy(columns=columns)


@pytest.mark.parametrize(
    ("content", "united"),
    [
        ((CASES / "float-ids.edgelist").read_text(), 3),
        ("1,2.0\n2,3\n3.00,1\n", 2),
        ("01,2\n2,3\n3,1\n", 1),
        ("x,2.0\n2,y\ny,x\n", 1),
    ],
)
def test_two_spellings_of_a_number_are_one_node(tmp_path: Path, content: str, united: int) -> None:
    said = refusal(tmp_path, "a.csv", content)
    assert f"{united} node ids are written in two ways (" in said
    assert "set on_spellings = unite" in said
    collection = read_collection(tmp_path / "a.csv", Policy(on_spellings="unite"))
    assert collection.graphs == TRIANGLE
    assert collection.found == {"on_spellings": united}
    assert read(tmp_path, "b.csv", "1.0,2.0\n2.0,3.0\n") == PATH


def test_all_that_is_refused_is_told_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, "a.csv", "source,target,weight\nA,B,120\nB,A,95\nB,C,60\nC,C,1\n")
    for part in ("3 values of attributes would be left behind: weight (3)", "1 self-loops", "1 parallel edges"):
        assert part in said
    assert said.endswith("; repair them, or set on_attributes = drop, on_loops = drop, on_multi_edges = drop")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "g1.csv").write_text("1,1\n")
    (folder / "g2.csv").write_text("1,2\n2,1\n")
    with pytest.raises(InputError, match=r"g1\.csv: \(and 1 more files\).*set on_loops = drop, on_multi_edges = drop"):
        read_graphs(folder)


def test_the_command_line_says_all_options_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("source,target,weight\nA,B,120\nB,A,95\nB,C,60\nC,C,1\n")
    said = gengraph(f"datasets show {path}", code=2)
    options = "--on-attributes drop --on-loops drop --on-multi-edges drop"
    assert f"repair them, or use {options}" in said.replace("\n", " ")
    out = tmp_path / "out.g6"
    gengraph(f"datasets export {path} {options} --out {out}")
    assert read_graphs(out) == PATH
    path.write_text("person,friend\n1,2\n2,3\n")
    assert "use --columns person,friend" in gengraph(f"datasets show {path}", code=2)
    gengraph(f"datasets export {path} --columns person,friend --out {out}")
    assert read_graphs(out) == PATH
    path.write_text("1,2.0\n2,3\n")
    assert "use --on-spellings unite" in gengraph(f"datasets show {path}", code=2)
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"n":0,"edges":[]}\n{"n":3,"edges":[[0,1],[1,2]]}\n')
    gengraph(f"datasets export {empty} --on-empty drop --out {out}")
    assert read_graphs(out) == PATH
    cut = tu_zip(tmp_path / "b.zip", "1\n1\n2\n2\n")
    cut.write_bytes(cut.read_bytes()[:-30])
    assert f"{cut} is not a whole zip file" in gengraph(f"datasets show {cut}", code=2).replace("\n", " ")


def test_konect_and_snap(tmp_path: Path) -> None:
    directed = "% asym posweighted\n% 2 3 3\n1 2 1 1082\n2 3 1 1083\n"
    said = refusal(tmp_path, "out.example", directed)
    assert "they are directed" in said
    assert "time (2)" in said
    both = Policy(on_directed="symmetrize", on_attributes="drop")
    assert read(tmp_path, "out.example", directed, both) == PATH
    two_sided = read(tmp_path, "out.two", "% bip unweighted\n1 1\n1 2\n")
    assert two_sided.num_nodes.tolist() == [3]  # 1 on the left is not 1 on the right
    assert two_sided.edges.tolist() == [[0, 1], [0, 2]]
    snap = (
        "# Directed graph (each unordered pair of nodes is saved once): a.txt\n# FromNodeId\tToNodeId\n0\t1\n1\t0\n1\t2\n2\t1\n"
    )
    assert read(tmp_path, "a.txt.gz", gzip.compress(snap.encode())) == PATH


def test_networkx_edge_lists(tmp_path: Path) -> None:
    graph = nx.path_graph(3)
    for delimiter in (" ", ",", "\t"):
        nx.write_edgelist(graph, tmp_path / "a.edgelist", delimiter=delimiter)
        assert read_graphs(tmp_path / "a.edgelist") == PATH
    nx.set_edge_attributes(graph, {(0, 1): {"weight": 2.5, "kind": "a b, c"}})
    nx.write_edgelist(graph, tmp_path / "a.edgelist")
    with pytest.raises(InputError, match=r"2 values of attributes would be left behind: weight \(1\), kind \(1\)"):
        read_graphs(tmp_path / "a.edgelist")
    assert read_graphs(tmp_path / "a.edgelist", Policy(on_attributes="drop")) == PATH
    nx.set_edge_attributes(graph, 1.5, "weight")
    nx.write_weighted_edgelist(graph, tmp_path / "b.edgelist")
    with pytest.raises(InputError, match=r"line 1 has 3 columns, 2 are known .*set columns = 1,2"):
        read_graphs(tmp_path / "b.edgelist")


def test_matrix_market(tmp_path: Path) -> None:
    matrix = sparse.csr_array(nx.to_scipy_sparse_array(nx.path_graph(3)))
    for kind in ({}, {"symmetry": "general"}, {"field": "pattern"}, {"field": "real"}):
        scipy.io.mmwrite(tmp_path / "a.mtx", sparse.coo_array(matrix), **kind)
        assert read_graphs(tmp_path / "a.mtx") == PATH
    scipy.io.mmwrite(tmp_path / "a.mtx", matrix.toarray())
    assert read_graphs(tmp_path / "a.mtx") == PATH
    head = "%%MatrixMarket matrix coordinate "
    assert "they are directed" in refusal(tmp_path, "a.mtx", head + "pattern general\n3 3 1\n1 2\n")
    assert "weights (2)" in refusal(tmp_path, "a.mtx", head + "real symmetric\n3 3 1\n2 1 0.5\n")
    assert "1 self-loops" in refusal(tmp_path, "a.mtx", head + "pattern symmetric\n3 3 1\n2 2\n")
    assert "must be square" in refusal(tmp_path, "a.mtx", head + "pattern general\n3 2 1\n1 2\n")
    assert "is no Matrix Market file" in refusal(tmp_path, "a.mtx", head + "pattern general\n3 3 2\n1 2\n")
    assert "is no Matrix Market file" in refusal(tmp_path, "a.mtx", "3 3 1\n1 2\n")
    assert read(tmp_path, "a.mtx", head + "real symmetric\n3 3 3\n2 1 1\n3 2 1\n3 1 0\n") == PATH


def test_a_folder_with_one_graph_a_file(tmp_path: Path) -> None:
    for suffix in (".gml", ".graphml", ".csv", ".edgelist", ".npz", ".jsonl", ".g6"):
        folder = tmp_path / suffix[1:]
        for n in (10, 2, 1):
            write_graphs(GraphSet.from_networkx([nx.path_graph(n)]), folder / f"graph{n}{suffix}")
        (folder / "readme.txt").write_text("paths")
        (folder / "about.json").write_text("{}")
        (folder / "._graph1.gml").write_text("a Mac's")
        collection = read_collection(folder)
        assert collection.graphs.num_nodes.tolist() == [1, 2, 10]
        assert collection.num_files == collection.record()["files"] == 3
    write_graphs(PATH, tmp_path / "gml" / "graph3.g6")
    with pytest.raises(InputError, match=r"files of several formats \(\.g6, \.gml\)"):
        read_graphs(tmp_path / "gml")


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        (["train", "val", "test"], [1, 1, 1]),
        (["train-00000-of-00001", "validation-00000-of-00001", "test-00000-of-00001"], [1, 1, 1]),
        (["train-00000-of-00002", "train-00001-of-00002", "valid", "test-00000-of-00001"], [2, 1, 1]),
        (["my_train", "my_dev", "my_test"], [1, 1, 1]),
        (["graphs.training", "graphs.validation", "graphs.testing"], [1, 1, 1]),
        (["Train", "VAL", "Test"], [1, 1, 1]),
    ],
)
def test_the_usual_names_of_parts_are_a_split(tmp_path: Path, names: list[str], sizes: list[int]) -> None:
    for size, name in enumerate(names, start=2):
        write_graphs(GraphSet.from_networkx([nx.path_graph(size)]), tmp_path / f"{name}.parquet")
    split = split_collection(read_collection(tmp_path))
    assert split.origin == "given"
    assert [len(part) for part in (split.train, split.validation, split.test)] == sizes
    assert split.test.num_nodes.tolist() == [len(names) + 1]


def test_folders_of_parts_are_a_split(tmp_path: Path) -> None:
    for size, name in enumerate(("train", "valid", "test"), start=2):
        write_graphs(GraphSet.from_networkx([nx.path_graph(size)]), tmp_path / name / "0.g6")
    assert split_collection(read_collection(tmp_path)).test.num_nodes.tolist() == [4]


def test_training_and_validation_alone_are_not_split_anew(tmp_path: Path) -> None:
    for name in ("train", "val"):
        write_graphs(GraphSet.from_networkx([nx.path_graph(3)] * 9), tmp_path / f"{name}.parquet")
    with pytest.raises(InputError, match=r"a given split needs graphs.*to test with.*'test': 0"):
        split_collection(read_collection(tmp_path))
    (tmp_path / "val.parquet").unlink()
    assert read_collection(tmp_path).part is None  # shards that are all called train are one set
    write_graphs(PATH, tmp_path / "holdout.parquet")
    with pytest.raises(InputError, match=r"holds one file for each part, got holdout\.parquet, train\.parquet"):
        read_collection(tmp_path)


def test_a_split_column_that_says_otherwise_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"n": 1, "edges": [], "split": "test"}\n')
    (tmp_path / "test.jsonl").write_text('{"n": 1, "edges": [], "split": "test"}\n')
    with pytest.raises(InputError, match=r"train\.jsonl says in its split column"):
        read_collection(tmp_path)


def tu_zip(path: Path, indicator: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("TOY/TOY_A.txt", "1, 2\n2, 1\n3, 4\n4, 3\n")
        archive.writestr("TOY/TOY_graph_indicator.txt", indicator)
        for name in ("TOY_A.txt", "TOY_graph_indicator.txt"):
            archive.writestr(f"__MACOSX/TOY/._{name}", b"\0\5\26\7")
        archive.writestr("TOY/.DS_Store", b"\0\0")
    return path


def test_tu_collections_with_gaps_and_of_macs(tmp_path: Path) -> None:
    two = GraphSet.from_networkx([nx.path_graph(2)] * 2)
    assert read_graphs(tu_zip(tmp_path / "a.zip", "1\n1\n2\n2\n")) == two
    assert read_graphs(tu_zip(tmp_path / "b.zip", "3\n3\n7\n7\n")) == two
    assert read_graphs(tu_zip(tmp_path / "c.zip", "\ufeff3\n3\n7\n7\n")) == two
    folder = tmp_path / "TOY"
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path)
    shutil.copy(tmp_path / "__MACOSX" / "TOY" / "._TOY_A.txt", folder)
    assert read_graphs(folder) == two


def test_graphs_without_nodes_are_kept_dropped_or_refused(tmp_path: Path) -> None:
    content = '{"n":0,"edges":[],"split":"train"}\n{"n":3,"edges":[[0,1],[1,2]],"split":"test"}\n'
    assert len(read(tmp_path, "a.jsonl", content)) == 2
    collection = read_collection(tmp_path / "a.jsonl", Policy(on_empty="drop"))
    assert collection.graphs == PATH
    assert collection.part.tolist() == [2]
    assert collection.found == {"on_empty": 1}
    assert "1 of 2 graphs have no nodes; set on_empty = keep or drop" in refusal(
        tmp_path, "a.jsonl", content, Policy(on_empty="error")
    )
    no_edges = Policy(on_isolated="drop", on_empty="drop")
    assert read(tmp_path, "b.jsonl", content.replace('"n":0', '"n":2'), no_edges) == PATH


def test_pickles_are_never_loaded_and_the_way_out_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (pytest.fail, ("it was loaded",))

    said = refusal(tmp_path, "a.pkl", pickle.dumps(Bomb()))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([nx.path_graph(3)]))
    lines = [line.strip() for line in said.splitlines() if line.startswith("  ")][:2]
    exec("\n".join(lines), {})
    assert read_graphs(tmp_path / "graphs.parquet") == PATH


def test_gzip_is_read_only_and_of_texts_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.gz can be read but not written"):
        write_graphs(PATH, tmp_path / "a.jsonl.gz")
    assert "files are not read gzipped; unpack it" in refusal(tmp_path, "a.parquet.gz", gzip.compress(b"x"))


def test_unpacked_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengraph.formats.text.MAX_BYTES", 1000)
    assert "unpacks to more than 1000 bytes" in refusal(tmp_path, "a.csv.gz", gzip.compress(b"1,2\n" * 1000))


def _small_files() -> dict[str, bytes]:
    """One whole file of every format."""
    graphs = GraphSet.from_networkx([nx.path_graph(4), nx.complete_graph(3)])
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for suffix in (".parquet", ".jsonl", ".json", ".g6", ".s6", ".graphml", ".gml", ".edgelist", ".csv", ".tsv", ".npz"):
            write_graphs(graphs, folder / f"a{suffix}")
        tu_zip(folder / "a.zip", "1\n1\n2\n2\n")
        (folder / "a.mtx").write_text(TEXTS["a.mtx"])
        (folder / "a.txt").write_text("# FromNodeId ToNodeId\n1 2\n2 3\n")
        (folder / "a.csv.gz").write_bytes(gzip.compress(b"1,2\n2,3\n"))
        return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("name", sorted(_small_files()))
def test_mutated_files_are_read_or_refused_and_nothing_else(tmp_path: Path, name: str) -> None:
    whole, rng = _small_files()[name], np.random.default_rng(0)
    path = tmp_path / name
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(len(content) + 1))
            kind = rng.integers(4)
            if kind == 0:
                del content[at:]
            elif kind == 1:
                content[at : at + 1] = rng.bytes(1)
            elif kind == 2:
                content[at:at] = rng.choice([b"\0", b"9" * 5, b",", b"\n", b"]", b'"', b"-", b"\xff\xfe", b"1e9"])
            else:
                del content[at : at + int(rng.integers(1, 9))]
        path.write_bytes(bytes(content))
        try:
            read_graphs(path, Policy(on_attributes="drop"))
        except InputError as error:
            assert str(error).startswith(str(path))  # noqa: PT017 - either is right
        except MemoryError:
            pass


def test_what_any_library_raises_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(json, "loads", broken)
    assert "is damaged, or no .jsonl file (ZeroDivisionError" in refusal(tmp_path, "a.jsonl", "{}")
    table = io.BytesIO()
    pq.write_table(pa.table({"num_nodes": [2], "edges": [[[0, 1]]]}), table)
    assert "is not a whole Parquet file" in refusal(tmp_path, "a.parquet", table.getvalue()[:-20])
