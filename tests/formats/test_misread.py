"""Files that look like another graph, or like less of one, than they hold: read as what they are, or refused."""

import bz2
import io
import json
import os
import zipfile
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.io

from gengraph.cli.guard import in_options
from gengraph.errors import InputError
from gengraph.formats import read_collection, read_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

STAR = GraphSet.from_edge_lists([3], [[(0, 1), (0, 2)]])
PATH = GraphSet.from_networkx([nx.path_graph(3)])
GRAPHML = (
    '<graphml><graph edgedefault="undirected"><node id="a"/><node id="b"/><edge source="a" target="b"{}/></graph></graphml>'
)
LINKED = {"nodes": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}
LINKED |= {"edges": [{"source": "a", "target": "b"}, {"source": "b", "target": "c"}]}


def read(folder: Path, name: str, content: str | bytes, policy: Policy | None = None) -> GraphSet:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_graphs(folder / name, policy)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "source\ttarget\nDoe, Jane\tBo\nDoe, Jane\tRoe, Rick\n"),
        ("a.tsv", "Doe, Jane\tBo\nDoe, Jane\tRoe, Rick\n"),
        ("a.csv", "source\ttarget\nDoe; Jane\tBo\nDoe; Jane\tRoe; Rick\n"),
        ("a.csv", "source,target\na;b,c\na;b,d;e\n"),
        ("a.csv", "source,target\na|b,c\na|b,d|e\n"),
        ("a.tsv", "source\ttarget\nroom 1 2\t3\nroom 1 2\t4\n"),
        ("a.csv", "hub|c;d\nhub|e;f\nhub|\n"),
    ],
)
def test_a_mark_within_names_is_no_delimiter(tmp_path: Path, name: str, content: str) -> None:
    assert read(tmp_path, name, content) == STAR


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", "*Vertices 2\n1 a\n2 b\n*Edges\n1 2\n", "pajek"),
        ("a.edgelist", "graph [ node [ id 0 ] ]", "gml"),
        ("a.ncol", "graph { a -- b }", "dot"),
        ("a.gml", GRAPHML.format(""), "graphml"),
        ("a.graphml", "graph [ node [ id 0 ] ]", "gml"),
        ("a.net", "p edge 2 1\ne 1 2\n", "dimacs"),
        ("a.csv", json.dumps(LINKED), "json"),
    ],
)
def test_a_suffix_that_the_content_contradicts_is_refused(tmp_path: Path, name: str, content: str, found: str) -> None:
    with pytest.raises(InputError, match=f"begins as {found}, and its suffix says .*; set file_format = {found}") as refused:
        read(tmp_path, name, content)
    assert f"; --from {found}, or rename it" in in_options(str(refused.value))
    assert len(read_graphs(tmp_path / name, Policy(file_format=found))) == 1


def test_a_code_that_ends_within_an_edge_is_refused(tmp_path: Path) -> None:
    code = nx.to_sparse6_bytes(nx.path_graph(40), header=False).decode().strip()
    assert read(tmp_path, "a.s6", code) == GraphSet.from_networkx([nx.path_graph(40)])
    with pytest.raises(InputError, match="line 1 is not s6: it ends within an edge"):
        read(tmp_path, "b.s6", code[:-9])


def test_codes_of_nauty_are_no_isolated_nodes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"names no edges, and its lines are graph6 or sparse6; .* file_format = graph6"):
        read(tmp_path, "a.edgelist", "Bw\nBg\n")
    assert read(tmp_path, "b.edgelist", "ann\nbo\n").num_nodes.tolist() == [2]


@pytest.mark.parametrize(("value", "arcs"), [("1", 1), ("0", 0), ("true", 1), ("False", 0)])
def test_graphml_spells_booleans_in_two_ways(tmp_path: Path, value: str, arcs: int) -> None:
    (tmp_path / "a.graphml").write_text(GRAPHML.format(f' directed="{value}"'))
    found = read_collection(tmp_path / "a.graphml", Policy(on_directed="symmetrize")).found
    assert found.get("on_directed", 0) == arcs


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.graphml", GRAPHML.format(' directed="yes"'), "directed of an edge must be true or false, got 'yes'"),
        ("a.jsonl", '{"n": 2, "edges": [[0, 1]], "directed": 1}', "line 1: directed must be true or false, got 1; mend it"),
        ("a.json", json.dumps(LINKED | {"directed": "false"}), 'directed must be true or false, got "false"; mend it'),
        ("a.gml", "graph [ node [ id 0 graph [ node [ id 1 ] ] ] ]", "node '0' holds a graph, and no graph here has that"),
        ("a.dot", "graph { 12ab -- 5 }", "line 1 is not DOT: '12ab"),
        ("a.col", "p edge 4 4\ne 1 2\ne 2 3\ne 3 4\n", "has 3 of the 4 edges that its line p says"),
        ("a.metis", "3 2\n1\n0 2\n1\n", "a line names the node 0, and nodes are 1..3"),
        ("a.net", "*Vertices 4\n*Edges :1\n1 2\n*Edges :2\n3 4\n", r"left behind: edge relation \(1\)"),
        ("a.paj", "*Network n\n*Vertices 2\n*Edges\n1 2\n*Vector v\n*Vertices 2\n0.5\n1\n", r"left behind: node vector \(2\)"),
    ],
)
def test_what_would_be_lost_or_guessed_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, name, content)


def test_edges_of_dimacs_may_be_counted_at_both_ends(tmp_path: Path) -> None:
    assert read(tmp_path, "a.col", "p edge 3 4\ne 1 2\ne 2 3\n") == PATH


def test_what_stands_beside_networks_of_pajek_is_no_graph(tmp_path: Path) -> None:
    beside = "*Partition p\n*Vertices 3\n1\n2\n1\n*Vector v\n*Vertices 3\n1.5\n2.5\n3.5\n"
    two = f"*Network a\n*Vertices 3\n*Edges\n1 2\n2 3\n{beside}*Network b\n*Vertices 3\n*Edges\n1 2\n1 3\n"
    graphs = read(tmp_path, "a.paj", two, Policy(on_attributes="drop"))
    assert graphs == GraphSet.concatenate([PATH, STAR])


def test_relations_of_pajek_are_labels_of_edges(tmp_path: Path) -> None:
    text = '*Vertices 3\n*Edges :1 "likes"\n1 2\n*Edges :2 "knows"\n1 3\n'
    graphs = read(tmp_path, "a.net", text, Policy(edge_label="relation"))
    assert [data["relation"] for *_, data in graphs.to_networkx()[0].edges(data=True)] == ["1", "2"]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.node-link.json"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_objects_are_known_wherever_they_stand(tmp_path: Path, name: str, encoding: str) -> None:
    long = {"about": "x" * 5000, **LINKED}
    assert read(tmp_path, name, json.dumps(long).encode(encoding)) == PATH


def test_objects_one_a_line(tmp_path: Path) -> None:
    lines = [nx.node_link_data(nx.path_graph(n), edges=key) for n, key in ((2, "links"), (3, "links"))]
    graphs = read(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)) + "\n")
    assert graphs == GraphSet.from_networkx([nx.path_graph(2), nx.path_graph(3)])


def test_pairs_of_nodes_are_known_whatever_stands_before_them(tmp_path: Path) -> None:
    text = '{"directed": true, "edges": [[0, 1], [1, 2]], "n": 3}'
    alone, listed = read(tmp_path, "a.json", text), read(tmp_path, "b.json", f"[{text}]")
    assert alone == listed == read(tmp_path, "c.jsonl", text)
    assert alone.schema.directed


def test_a_number_of_nodes_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="num_nodes must be at most 2147483647, got 30000000000"):
        read(tmp_path, "a.jsonl", '{"n": 30000000000, "edges": []}\n')


def test_nan_is_no_label(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 of 2 nodes have no value of node_label"):
        read(tmp_path, "a.jsonl", '{"n": 2, "edges": [], "node_labels": ["x", NaN]}\n')
    graph = nx.path_graph(2)
    nx.set_node_attributes(graph, {0: "x", 1: float("nan")}, "kind")
    with pytest.raises(InputError, match="1 of 2 have no value of kind"):
        GraphSet.from_networkx([graph], node_label="kind")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("columns", "a,b", "columns must be a list of texts, got 'a,b'"),
        ("bins", "weight=5", "bins must be a list of texts, got 'weight=5'"),
        ("nodes", 2.5, r"nodes must be a whole number in 0\.\.2147483647, got 2\.5; leave it out"),
        ("nodes", "5", "nodes must be a whole number .*got '5'"),
    ],
)
def test_fields_of_a_policy_are_what_they_say(field: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Policy(**{field: value})


def test_labels_that_some_graphs_have_are_counted_over_all(tmp_path: Path) -> None:
    text = '{"n": 2, "edges": []}\n{"n": 1, "edges": [], "node_labels": ["x"]}\n{"n": 3, "edges": []}\n'
    with pytest.raises(InputError, match="5 of 6 nodes have no value of node_label"):
        read(tmp_path, "a.jsonl", text)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ("id,kind\na,x\nb,y\na,y\n", "line 4 names the node 'a' again; name every node of a graph once"),
        ("id,kind\na,x\nb,y\n,z\n", "line 4 has no id; give one to every node"),
        ("", "nodes.csv needs a column id, got none"),
    ],
)
def test_tables_of_nodes_name_each_once(tmp_path: Path, nodes: str, message: str) -> None:
    (tmp_path / "a.nodes.csv").write_text(nodes)
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a.edges.csv", "source,target\na,b\n", Policy(node_label="kind"))


def test_tables_of_nodes_have_comments_and_names_of_graphs_as_those_of_edges_have(tmp_path: Path) -> None:
    (tmp_path / "a.nodes.csv").write_text("# people\ngraph_id,id,kind\n0,a,x\n0,b,y\n1,a,y\n2,,\n")
    graphs = read(tmp_path, "a.edges.csv", "graph_id,source,target\n0,a,b\n", Policy(node_label="kind"))
    assert (graphs.num_nodes.tolist(), graphs.node_labels.tolist()) == ([2, 1, 0], [0, 1, 1])
    (tmp_path / "a.nodes.csv").write_text("graph,id,kind\n0,a,x\n0,b,y\n2,,z\n")
    with pytest.raises(InputError, match="a row with the kind 'z' names no node"):
        read(tmp_path, "a.edges.csv", "graph,source,target\n0,a,b\n", Policy(node_label="kind"))


@pytest.mark.parametrize("number", [3, 120])
def test_pairs_of_tables_in_a_folder(tmp_path: Path, number: int) -> None:
    for i in range(number):
        (tmp_path / f"g{i}.nodes.csv").write_text("id,kind\n1,7\n2,8\n3,7\n")
        (tmp_path / f"g{i}.edges.csv").write_text("source,target\n1,2\n")
    graphs = read_graphs(tmp_path, Policy(node_label="kind"))
    assert (len(graphs), graphs.num_nodes.tolist()) == (number, [3] * number)
    (tmp_path / "g.csv").write_text("source,target\n1,2\n")
    assert sorted(read_graphs(tmp_path, Policy(on_attributes="drop")).num_nodes.tolist()) == [2, *[3] * number]


def test_a_table_of_edges_that_is_called_otherwise_has_none_of_nodes(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "source,target\n1,2\n2,3\n", Policy(file_format="tables")) == PATH


def test_a_pipe_is_not_empty(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"is a pipe or a device, .*; write it to a file"):
        read_graphs(tmp_path / "a.csv")


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "source,target\n1,2\n")
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv.bz2", bz2.compress(b"1,2\n"), "is packed by bzip2, and gzip alone is read; unpack it"),
        ("a.csv", zipped("a.csv"), "is packed by zip"),
        ("a.xlsx", zipped("xl/sheet.xml"), r"is a spreadsheet; save its sheet of edges as \.csv"),
        ("a.zip", zipped("a.csv"), r"as the TU collection has them, got a\.csv; .* unpack them and give the folder"),
        ("a.mat", b"MATLAB 7.3 MAT-file" + b"\0" * 600, r"is of version 7\.3, .*'-v7'"),
    ],
)
def test_what_is_packed_says_how_it_is_unpacked(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, name, content)


def test_folders_say_what_else_may_be_meant(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.txt").write_text("1 2\n")
    with pytest.raises(InputError, match=r"if its \.txt files are lists of edges, set file_format = edgelist"):
        read_graphs(tmp_path / "a")
    assert len(read_graphs(tmp_path / "a", Policy(file_format="edgelist"))) == 1
    (tmp_path / "a" / "one.txt").rename(tmp_path / "a" / "one.edgelist")
    with pytest.raises(InputError, match="its folders a do: give one of them"):
        read_graphs(tmp_path)


def test_dense_matrices_of_numpy(tmp_path: Path) -> None:
    path = nx.to_numpy_array(nx.path_graph(3))
    np.save(tmp_path / "a.npy", path)
    assert read_graphs(tmp_path / "a.npy") == PATH
    np.save(tmp_path / "b.npy", np.stack([path, nx.to_numpy_array(nx.star_graph(2))]).astype(bool))
    assert read_graphs(tmp_path / "b.npy") == GraphSet.concatenate([PATH, STAR])
    np.save(tmp_path / "c.npy", path / 2)
    with pytest.raises(InputError, match=r"weights \(4\)"):
        read_graphs(tmp_path / "c.npy")
    np.save(tmp_path / "d.npy", np.ones((2, 3)))
    with pytest.raises(InputError, match=r"must be square and of numbers, got float64 of shape \(2, 3\)"):
        read_graphs(tmp_path / "d.npy")
    np.save(tmp_path / "e.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"is no array of numpy\.save"):
        read_graphs(tmp_path / "e.npy")
    np.savez(tmp_path / "f.npz", path)
    with pytest.raises(InputError, match=r"a dense one with numpy\.save as \.npy"):
        read_graphs(tmp_path / "f.npz")


def test_dense_matrices_of_pandas(tmp_path: Path) -> None:
    frame = nx.to_pandas_adjacency(nx.relabel_nodes(nx.path_graph(3), {0: "a b", 1: "c", 2: "d"}), dtype=int)
    frame.to_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match="if it is an adjacency matrix, set file_format = adjacency"):
        read_graphs(tmp_path / "a.csv")
    assert read_graphs(tmp_path / "a.csv", Policy(file_format="adjacency")) == PATH
    frame[["c", "d", "a b"]].to_csv(tmp_path / "b.csv", sep=";")
    with pytest.raises(InputError, match="its rows have other names than its columns"):
        read_graphs(tmp_path / "b.csv", Policy(file_format="adjacency"))
    scipy.io.mmwrite(tmp_path / "c.mtx", np.ones((2, 3)))
    with pytest.raises(InputError, match=r"must be square .*; one between two kinds of nodes is scipy\.sparse\.block_array"):
        read_graphs(tmp_path / "c.mtx")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.json", "a.txt", "a.unknown"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\ufeff<!DOCTYPE html><html><body>404</body></html>", "is a web page, and no graph"),
        ("<html>\n", "is a web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "fetch that with `git lfs pull`"),
    ],
)
def test_what_was_not_fetched_is_no_graph(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, name, content)


def test_a_message_names_the_first_of_many_columns(tmp_path: Path) -> None:
    header, row = ",".join(f"c{i}" for i in range(3000)), ",".join("1" for _ in range(3000))
    with pytest.raises(InputError, match=r"c18, c19, and 2980 more, which are not known as the ends of an edge; .* c0,c1"):
        read(tmp_path, "a.csv", f"{header}\n{row}\n")


def test_names_of_columns_that_neo4j_writes(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", ":START_ID,:END_ID\nann,bo\nbo,cy\n") == PATH


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("source,target\n#cats,#dogs\n#cats,#2020\n", 2),
        ("source,target\na,b\n#2020,b\n", 3),
        ("#cats;dogs\ncats;birds\n", 1),
        ('source,target\na,b\n%,"c,d"\n', 3),
    ],
)
def test_names_with_the_mark_of_a_comment_are_refused(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(InputError, match=f"line {line} may be a comment or an edge of a node .*; remove it, or quote it"):
        read(tmp_path, "a.csv", text)


@pytest.mark.parametrize(
    "text", ["#source,target\n1,2\n2,3\n", "1,2\n#5,6\n2,3\n", "# a,b\nann,bo\n# x,y\nbo,cy\n", '"#a",b\nb,c\n']
)
def test_comments_that_are_no_edges(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, "a.csv", text) == PATH


def test_edges_with_molecules_are_edges(tmp_path: Path) -> None:
    graphs = read(tmp_path, "a.csv", "source,target,smiles\n1,2,CC\n2,3,CO\n", Policy(edge_label="smiles"))
    assert graphs.bare() == PATH


def test_edges_that_python_prints_are_refused(tmp_path: Path) -> None:
    for name, text in (("a.txt", "(1, 2)\n(2, 3)\n"), ("b.csv", "[1,2]\n[2,3]\n")):
        with pytest.raises(InputError, match=r"line 1 stands in brackets .*; write the two ends of an edge alone"):
            read(tmp_path, name, text)
    assert read(tmp_path, "c.csv", "(a),(b)\n(b),(c)\n", Policy(columns=("1", "2"))) == PATH


def test_the_line_that_tells_excel_the_delimiter_is_no_edge(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "sep=;\nsource;target\n1;2\n2;3\n") == PATH


@pytest.mark.parametrize(
    ("name", "content", "got"),
    [
        ("a.csv", "graph,source,target\n0,1,2\n1,1,2\n", "2 graphs"),
        ("a.gml", "graph [ node [ id 1 ] ]", "one of 1"),
    ],
)
def test_a_number_of_nodes_is_for_one_list_of_edges(tmp_path: Path, name: str, content: str, got: str) -> None:
    with pytest.raises(InputError, match=f"nodes = 5 says how many one list of edges has, got {got}; leave it out") as refused:
        read(tmp_path, name, content, Policy(nodes=5))
    assert "--nodes 5 says" in in_options(str(refused.value))


def test_lists_of_the_network_repository(tmp_path: Path) -> None:
    assert read(tmp_path, "a.edges", "% sym unweighted\n% 2 3 3\n1 2\n2 3\n") == PATH
