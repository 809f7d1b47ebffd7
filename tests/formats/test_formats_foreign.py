"""Files that other programs write, and what is wrong with some of them."""

from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from gengraph.errors import InputError
from gengraph.formats import read_collection, read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

NAMED = nx.Graph([("anna", "bo"), ("bo", "chris"), ("dora", "anna")])
PATH = GraphSet.from_networkx([NAMED])


def test_graphml_and_gml_of_networkx(tmp_path: Path) -> None:
    nx.write_graphml(NAMED, tmp_path / "a.graphml")
    assert read_graphs(tmp_path / "a.graphml") == PATH
    nx.write_gml(NAMED, tmp_path / "a.gml")
    assert read_graphs(tmp_path / "a.gml") == PATH
    graphs = GraphSet.from_networkx([nx.path_graph(4)])
    write_graphs(graphs, tmp_path / "b.graphml")
    assert nx.utils.edges_equal(nx.read_graphml(tmp_path / "b.graphml", node_type=int).edges, nx.path_graph(4).edges)
    write_graphs(graphs, tmp_path / "b.gml")
    assert nx.utils.edges_equal(nx.read_gml(tmp_path / "b.gml", label="id").edges, nx.path_graph(4).edges)


@pytest.mark.parametrize("suffix", [".graphml", ".gml"])
def test_attributes_and_directions_are_counted(tmp_path: Path, suffix: str) -> None:
    graph = nx.DiGraph([(0, 1), (1, 0), (1, 2)])
    nx.set_node_attributes(graph, 3.5, "charge")
    nx.set_edge_attributes(graph, 1, "weight")
    path = tmp_path / f"a{suffix}"
    (nx.write_graphml if suffix == ".graphml" else nx.write_gml)(graph, path)
    with pytest.raises(InputError, match=r"3 values of attributes would be left behind: node charge \(3\)"):
        read_graphs(path)
    with pytest.raises(InputError, match=r"1 of 3 edges have no edge the other way.*nodes 1 and 2\)"):
        read_graphs(path, Policy(on_attributes="drop"))
    collection = read_collection(path, Policy(on_attributes="drop", on_directed="symmetrize"))
    assert collection.graphs == GraphSet.from_networkx([nx.path_graph(3)])
    assert collection.found == {"on_attributes": 3, "on_directed": 1}
    nx.set_edge_attributes(graph, 2, "weight")
    (nx.write_graphml if suffix == ".graphml" else nx.write_gml)(graph, path)
    with pytest.raises(InputError, match=r"edge weight \(3\)"):
        read_graphs(path)


def test_one_directed_edge_among_others(tmp_path: Path) -> None:
    body = '<node id="a"/><node id="b"/><edge source="a" target="b" directed="{}"/>'
    for value in ("true", "false"):
        text = f'<graphml><graph edgedefault="undirected">{body.format(value)}</graph></graphml>'
        (tmp_path / f"{value}.graphml").write_text(text)
    assert len(read_graphs(tmp_path / "false.graphml").edges) == 1
    with pytest.raises(InputError, match="no edge the other way"):
        read_graphs(tmp_path / "true.graphml")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.graphml", "<graphml><graph>", "is not GraphML"),
        ("a.graphml", '<!DOCTYPE x [<!ENTITY a "b">]><graphml/>', "document type declarations are refused"),
        ("a.graphml", "<graphml/>", "holds no graphs"),
        ("a.graphml", '<graphml><graph><node id="1"/><node id="1"/></graph></graphml>', "node '1' is declared twice"),
        ("a.graphml", '<graphml><graph><edge source="1" target="2"/></graph></graphml>', "joins '1', which is no node"),
        ("a.graphml", "<graphml><graph><hyperedge/></graph></graphml>", r"hyperedges are not.*\['hyperedge'\]"),
        ("a.graphml", '<graphml><graph><node id="1"><graph/></node></graph></graphml>', "nested graphs"),
        (
            "a.graphml",
            '<graphml><key id="w" for="edge" attr.name="weight"><default>2</default></key><graph/></graphml>',
            r"left behind: default edge weight \(1\)",
        ),
        ("a.gml", "graph [ node [ id 1 ]", "is not GML: a bracket is not closed"),
        ("a.gml", "graph [ node ]", "is not GML: 'node' is no key with a value"),
        ("a.gml", 'graph [ node [ label "a" ] ]', r"a GML node needs id, got \['label'\]"),
        ("a.gml", "graph [ node 7 ]", r"a GML node needs id, got \[\]"),
        ("a.gml", "graph [ node [ id 1 ] edge [ source 1 ] ]", "a GML edge needs source and target"),
        ("a.gml", "graph [ node [ id 1 ] edge [ source 1 target 2 ] ]", "joins '2', which is no node"),
        ("a.gml", "[ " * 100_000, "is not GML"),
        ("a.gml", "a " + "[ a " * 100_000, "is not GML"),
        ("a.edgelist", "1 2 3\n", "line 1 has 3 columns, 2 are known .source, target.; name them in the first line"),
        ("a.edgelist", "source target weight\n1 2 0.5\n", r"1 values of attributes would be left behind: weight \(1\)"),
        ("a.edgelist", "source target graph\n1 2\n", "line 2 has 2 columns, 3 are known .source, target, graph."),
        ("a.edgelist", "1 1\n", "1 self-loops .1 graphs, first graph 0, nodes 0 and 0.; remove them, or set on_loops = drop"),
        ("a.edgelist", "1 2\n2 1\n", "1 parallel edges .*on_multi_edges = drop .also if every edge stands twice"),
        ("a.npz", "PK nonsense", "is no sparse matrix of scipy"),
    ],
)
def test_bad_files_name_the_rule(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read_graphs(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("1 2\n2 3\n", [nx.path_graph(3)]),
        ("# a comment\n10,20\n20,30\n% another\n", [nx.path_graph(3)]),
        ("source;target\nx;y\ny;z\n", [nx.path_graph(3)]),
        ("# source target weight\n1 2 1\n2 3 1.0\n", [nx.path_graph(3)]),
        ("graph source target\nb 1 2\na 1 2\nb 2 3\n", [nx.path_graph(3), nx.path_graph(2)]),
        ("graph_id\tsrc\tdst\n10\t1\t2\n9\t1\t2\n9\t2\t3\n", [nx.path_graph(3), nx.path_graph(2)]),
        ("graph source target\n0 5 7\n0 6\n1\n", [nx.Graph([(0, 2)]), nx.empty_graph(0)]),
        ("u v\nv w\n", [nx.path_graph(3)]),
        ("source target graph\n1 2 a\n1 2 b\n2 3 b\n", [nx.path_graph(2), nx.path_graph(3)]),
        ("7\n", [nx.empty_graph(1)]),
        ("-1 0\n0 1\n", [nx.path_graph(3)]),
    ],
)
def test_edge_lists(tmp_path: Path, content: str, expected: list[nx.Graph]) -> None:
    (tmp_path / "a.edgelist").write_text(content)
    graphs = read_graphs(tmp_path / "a.edgelist")
    assert graphs.num_edges.tolist() == [graph.number_of_edges() for graph in expected]
    if content.startswith("graph source target\n0 5 7"):
        assert graphs.num_nodes.tolist() == [3, 0]
        assert graphs.edges.tolist() == [[0, 2]]
    else:
        assert graphs == GraphSet.from_networkx(expected)


def test_sparse6_with_loops_and_parallel_edges(tmp_path: Path) -> None:
    graph = nx.MultiGraph([(0, 1), (0, 1), (1, 2), (2, 2)])
    (tmp_path / "a.s6").write_bytes(nx.to_sparse6_bytes(graph, header=False))
    with pytest.raises(InputError, match="1 self-loops"):
        read_graphs(tmp_path / "a.s6")
    collection = read_collection(tmp_path / "a.s6", Policy(on_loops="drop", on_multi_edges="drop"))
    assert collection.found == {"on_loops": 1, "on_multi_edges": 1}
    assert collection.graphs == GraphSet.from_networkx([nx.path_graph(3)])


def test_a_short_line_that_claims_many_nodes_costs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "a.s6").write_text(":~~?@????\n")
    assert read_graphs(tmp_path / "a.s6").num_nodes.tolist() == [2**24]
    (tmp_path / "a.s6").write_text(":~~~~~~~~\n")
    with pytest.raises(InputError, match="num_nodes must be at most 2147483647, got 68719476735"):
        read_graphs(tmp_path / "a.s6")


def test_matrices_of_scipy(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for kind in (sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix):
        sparse.save_npz(path, kind(nx.to_scipy_sparse_array(nx.path_graph(4))))
        assert read_graphs(path) == GraphSet.from_networkx([nx.path_graph(4)])
    graphs = GraphSet.from_networkx([nx.path_graph(4), nx.empty_graph(0), nx.complete_graph(3)])
    write_graphs(graphs, path)
    assert (sparse.load_npz(path) != graphs.to_csr()).nnz == 0
    for matrix, message in (
        (np.array([[0, 1, 0], [1, 0, 1], [0, 0, 0]]), "1 of 3 edges have no edge the other way"),
        (np.array([[1, 0], [0, 0]]), "1 self-loops"),
        (np.array([[0, 2.5], [2.5, 0]]), r"left behind: weights \(2\)"),
        (np.ones((2, 3)), r"must be square with a row for each of 2 nodes, got \(2, 3\)"),
    ):
        sparse.save_npz(path, sparse.csr_array(matrix))
        with pytest.raises(InputError, match=message):
            read_graphs(path)
    sparse.save_npz(path, sparse.coo_array(([1, 1, 1, 0], ([0, 0, 1, 0], [1, 1, 0, 0])), shape=(2, 2)))
    with pytest.raises(InputError, match="1 parallel edges"):
        read_graphs(path)
    np.savez(path, stranger=np.zeros(3))
    with pytest.raises(InputError, match="is no sparse matrix"):
        read_graphs(path)
    both = sparse.csr_array(np.array([[0, 1], [1, 0]]))
    arrays = {"indices": both.indices, "indptr": both.indptr, "format": b"csr", "shape": both.shape, "data": both.data}
    np.savez(path, **arrays, num_nodes=[1, 1])
    with pytest.raises(InputError, match="2 entries lie outside the blocks"):
        read_graphs(path)
    np.savez(path, **{**arrays, "data": np.array([object(), object()])})
    with pytest.raises(InputError, match="is no sparse matrix"):
        read_graphs(path)


def test_nodes_with_names_in_json(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"nodes": ["c", 7, "a"], "edges": [["c", 7], [7, "a"]]}\n')
    assert read_graphs(tmp_path / "a.jsonl") == GraphSet.from_networkx([nx.path_graph(3)])


def test_columns_of_lists_are_attributes(tmp_path: Path) -> None:
    table = pa.table({"num_nodes": [2], "edges": [[[0, 1]]], "x": [[0.5, 1.5]], "label": ["a"]})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"left behind: x \(2\)"):
        read_graphs(tmp_path / "a.parquet")
    assert read_collection(tmp_path / "a.parquet", Policy(on_attributes="drop")).found == {"on_attributes": 2}


def test_unsorted_parquet_is_sorted_and_checked(tmp_path: Path) -> None:
    pq.write_table(pa.table({"num_nodes": [3], "edges": [[[2, 1], [1, 0]]]}), tmp_path / "a.parquet")
    assert read_graphs(tmp_path / "a.parquet") == GraphSet.from_networkx([nx.path_graph(3)])
    pq.write_table(pa.table({"num_nodes": [3, 2], "edges": [[[2, 1]], [[0, 2]]]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"1 edges join a node outside 0\.\.n-1, the first is \(0, 2\) in graph 1 of 2 nodes"):
        read_graphs(tmp_path / "a.parquet")


def test_nulls_and_slices_of_tables(tmp_path: Path) -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(n) for n in range(5)])
    assert GraphSet.from_arrow(graphs.to_arrow().slice(2, 2)) == graphs[2:4]
    assert GraphSet.from_arrow(graphs.to_arrow().slice(0, 1)) == graphs[:1]
    for row in (
        {"num_nodes": None, "edges": [[0, 1]]},
        {"num_nodes": 2, "edges": None},
        {"num_nodes": 2, "edges": [[None, 1]]},
    ):
        table = pa.Table.from_pylist([{"num_nodes": 2, "edges": [[0, 1]]}, row])
        with pytest.raises(InputError, match="null"):
            GraphSet.from_arrow(table)
