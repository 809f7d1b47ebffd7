"""What the formats of other tools can say, construct by construct."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.io
from scipy import sparse

from gengraph.errors import InputError
from gengraph.formats import read_collection, read_graphs, write_graphs
from gengraph.formats.codecs import CODECS
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

PATH = GraphSet.from_networkx([nx.path_graph(3)])
ALL = Policy(on_attributes="drop", on_directed="symmetrize", on_loops="drop", on_multi_edges="drop")


def read(folder: Path, name: str, content: str, policy: Policy | None = None) -> GraphSet:
    (folder / name).write_text(content)
    return read_graphs(folder / name, policy)


def gexf(nodes: str, edges: str, graph: str = "", before: str = "") -> str:
    return (
        '<?xml version="1.0"?><gexf xmlns="http://gexf.net/1.3" xmlns:viz="http://gexf.net/1.3/viz" version="1.3">'
        f"<graph {graph}>"
        f"{before}<nodes>{nodes}</nodes><edges>{edges}</edges></graph></gexf>"
    )


def links(*path: object) -> str:
    return json.dumps([{"source": one, "target": other} for one, other in pairwise(path)])


THREE = '<node id="a" label="A"/><node id="b" label="B"/><node id="c"/>'
TWO = '<edge source="a" target="b"/><edge id="1" source="b" target="c"/>'
GML = "graph [ node [ id 0 ] node [ id 1 ] node [ id 2 ] edge [ source 0 target 1 ] edge [ source 1 target 2 ] ]"
KEY_OF_BOTH = (
    '<graphml><key id="d1" for="node" attr.name="name"/><key id="d1" for="edge" attr.name="weight"/><graph>'
    '<node id="n0"><data key="d1">x</data></node><node id="n1"><data key="d1">y</data></node>'
    '<edge source="n0" target="n1"><data key="d1">{}</data></edge></graph></graphml>'
)
YED = (
    '<graphml xmlns:y="yed"><key for="node" id="d6" yfiles.type="nodegraphics"/><graph edgedefault="undirected"><node id="a">'
    '<data key="d6"><y:ShapeNode><y:NodeLabel>text</y:NodeLabel></y:ShapeNode></data></node></graph></graphml>'
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.gexf", gexf(THREE, TWO)),
        ("a.GEXF", gexf(THREE, TWO, 'defaultedgetype="undirected" mode="static"')),
        ("a.gexf", gexf('<node id="a"><viz:color r="1"/><viz:position x="1"/></node><node id="b"/><node id="c"/>', TWO)),
        ("a.gexf", gexf(THREE, TWO.replace("/>", ' type="mutual"/>'), 'defaultedgetype="directed"')),
        ("a.gexf", gexf(THREE, TWO.replace("/>", ' type="undirected" weight="1.0"/>'), 'defaultedgetype="directed"')),
        ("a.net", '*Vertices 3\n1 "a b" 0.1 0.2 0.5 ic Red\n2 "b" box\n3 "c"\n*Edges\n1 2 1\n3 2 1.0 c Blue w 3\n'),
        ("a.NET", "% comment\n*vertices 3\n*EDGES\n1 2\n2 3\n"),
        ("a.paj", "*Network one\n*Vertices 3\n*Edgeslist\n2 1 3\n"),
        ("a.net", "*Vertices 3\n*Matrix\n0 1 0\n1 0 1\n0 1 0\n"),
        ("a.net", "*Vertices 3 1\n*Edges\n1 2\n3 2\n"),
        ("a.net", "*Vertices 3\n*Arcslist :1\n1 2\n2 1 3\n3 2\n"),
        ("a.metis", "%comment\n3 2\n2\n1 3\n% another\n2\n"),
        ("a.graph", "3 2 001\n2 1\n1 1 3 1\n2 1\n"),
        ("a.graph", "3 2 11 2\n1 1 2 1\n1 1 1 1 3 1\n1 1 2 1\n"),
        ("a.graph", "3 2 100\n1 2\n1 1 3\n1 2\n"),
        ("a.dot", "/* c */ graph G { a -- b; // c\n b -- c [weight=1] }"),
        ("a.gv", 'strict graph { a; "b"; c a -- b b -- a; a -- "b" [color=red]; c -- b }'),
        ("a.dot", 'graph "x y" { rank=same; node [shape=box]; a -- b:port:n -- "c" [style=dashed, penwidth=2;] }'),
        ("a.dot", "graph { subgraph s { a } subgraph { subgraph s -- b } {b} -- {c} }"),
        ("a.dot", "digraph { 1 -> {2, 2}; 2 -> {1 3} 3 -> 2 }"),
        ("a.dot", "graph { -3 -- .5 -- <a <b>x</b>> }"),
        ("a.dot", 'GRAPH { "a" + "b" -- b\n# line\n"b" -- "c\\"" }'),
        ("a.lgr", "#c\nLEDA.GRAPH\nvoid\nvoid\n-2\n3\n|{}|\n|{}|\n|{}|\n2\n1 2 0 |{}|\n3 2 0 |{}|\n"),
        ("a.leda", "LEDA.GRAPH\nstring\nint\n-2\n3\n|{a}|\n|{b}|\n|{c d}|\n2\n1 2 0 |{1}|\n3 2 0 |{1}|\n"),
        ("a.col", "c comment\np edge 3 2\ne 1 2\ne 2 3\n"),
        ("a.gr", "p tw 3 2\n1 2\n2 3\n"),
        ("a.gr", "p sp 3 4\na 1 2 1\na 2 1 1\na 2 3 1\na 3 2 1\n"),
        ("a.txt", "p 3 2 u u 0\n1 0\n2 1\n"),
        ("a.adjlist", "# c\na b\nb c\nc\n"),
        ("a.adjlist", "a b # c\nb a c\nc b\n"),
        ("a.multiline_adjlist", "a 1\nb {}\nb 1\nc {'weight': 1}\nc 0\n"),
        ("a.lgl", "# a\nb\n# b\nc 1\n# c\n"),
        ("a.ncol", "a b\nb c 1.0\n"),
        ("a.adjacency", "0 1 0\n1 0 1\n0 1 0\n"),
        ("a.adj", "0, 1, 0\n1, 0, 1\n0, 1, 0\n"),
        ("a.json", '{"nodes": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "links": ' + links("a", "b", "c") + "}"),
        ("a.json", '{"nodes": [{"id": "x"}, {"id": "y"}, {"id": "z"}], "links": ' + links(0, 1, 2) + "}"),
        ("a.json", '{"nodes": [{"name": "x"}, {}, {}], "edges": [{"source": 0, "target": 1}, {"source": 1, "target": 2}]}'),
        ("a.cyjs", json.dumps(nx.cytoscape_data(nx.path_graph(3)))),
        (
            "a.cyjs",
            '{"format_version": "1.0", "elements": {"nodes": [{"data": {"id": "5", "SUID": 5, "name": "x", "shared_name": "x", '
            '"selected": false}, "position": {"x": 1}}, {"data": {"id": "6"}}, {"data": {"id": "7"}}], "edges": [{"data": '
            '{"id": "8", "source": "5", "target": "6", "interaction": "pp"}}, '
            '{"data": {"source": "6", "target": "7", "interaction": "pp"}}]}}',
        ),
        ("a.json", '{"elements": [{"data": {"id": "a"}}, {"data": {"id": "b"}}, {"data": {"id": "c"}}, '
                   '{"data": {"source": "a", "target": "b"}}, {"data": {"source": "b", "target": "c"}}]}'),
        ("a.mtx", "%%matrixmarket MATRIX Coordinate Pattern Symmetric\n3 3 2\n2 1\n3 2\n"),
        ("a.edgelist", "0|1\n1|2\n"),
        ("A.CSV", "source,target\n1,2\n2,3\n"),
        ("a.GML", GML.replace("id 0", "id 0 graphics [ x 1 ]")),
    ],
)  # fmt: skip
def test_a_path_of_three_nodes(tmp_path: Path, name: str, content: str) -> None:
    assert read(tmp_path, name, content) == PATH
    with gzip.open(tmp_path / f"{name}.gz", "wb") as file:
        file.write(content.encode())
    assert read_graphs(tmp_path / f"{name}.gz") == PATH


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gexf", gexf(THREE, TWO, 'defaultedgetype="directed"'), "2 of 2 edges have no edge the other way"),
        ("a.gexf", gexf(THREE, TWO.replace('"b"/>', '"b" type="directed"/>')), "1 of 2 edges have no edge the other way"),
        ("a.gexf", gexf(THREE, TWO.replace("/>", ' weight="2"/>')), r"edge weight \(2\)"),
        ("a.gexf", gexf(THREE, TWO.replace("/>", ' label="x" start="1"/>')), r"edge label \(2\), edge start \(2\)"),
        ("a.gexf", gexf(THREE, TWO.replace("/>", ' type="both"/>')), "must be one of undirected, directed, mutual, got 'both'"),
        ("a.gexf", gexf('<node id="a"><nodes><node id="b"/></nodes></node>', ""), "node 'b' lies within another one"),
        ("a.gexf", gexf("<node/>", ""), "a GEXF node needs id"),
        ("a.gexf", gexf(THREE, '<edge source="a" target="q"/>'), "joins 'q', which is no node"),
        ("a.gexf", gexf('<node id="a"><spells><spell start="1"/></spells></node>', ""), r"node spell \(1\)"),
        (
            "a.gexf",
            gexf(
                '<node id="a"><attvalues><attvalue for="0" value="3"/></attvalues></node>',
                "",
                before='<attributes class="node"><attribute id="0" title="age"><default>1</default></attribute></attributes>',
            ),
            r"default node age \(1\), node age \(1\)",
        ),
        ("a.gexf", '<!DOCTYPE x><gexf version="1.2"/>', "document type declarations are refused"),
        ("a.net", "*Vertices 3\n*Edges\n1 2\n*Arcs\n2 3\n", "1 of 2 edges have no edge the other way"),
        ("a.net", "*Vertices 2\n*Edges\n1 2 2.5\n", r"edge weight \(1\)"),
        ("a.net", '*Vertices 2\n*Edges\n1 2 1 l "x"\n', r"edge label \(1\)"),
        ("a.net", "*Vertices 2\n1 a [1-3]\n", r"node times \(1\)"),
        ("a.net", "*Vertices 2\n*Edges\n1 3\n", "joins '3', which is no node"),
        ("a.net", '*Vertices 2\n3 "c"\n', "vertex 3 lies outside 1..2"),
        ("a.net", "*Vertices 2\n*Edges\n1 x\n", r"line 3 is no line of a Pajek \*edges"),
        ("a.net", "*Vertices 2\n*Tints\n1 2\n", r"\*Tints is not known in a Pajek file"),
        ("a.net", "*Vertices 3 1\n*Matrix\n1 1\n1 1\n", "is no line of a Pajek"),
        ("a.paj", "*Network n\n*Vertices 2\n*Partition p\n1\n2\n", r"node partition \(2\)"),
        ("a.metis", "3 2\n2\n1\n", "its first line says 2 edges, its lines have 2 ends"),
        ("a.metis", "3 2\n2\n1 3\n2\n1\n", "more lines than its 3 nodes"),
        ("a.metis", "3 2\n2\n3\n1 2\n", "4 of 4 edges have no edge the other way|of 4 edges have no edge"),
        ("a.metis", "2 1 1\n2 3\n1 3\n", r"edge weights \(2\)"),
        ("a.metis", "2 1 10\n5 2\n1 1\n", r"node weights \(1\)"),
        ("a.metis", "2 1 2\n2\n1\n", "its first line is 2 1 2"),
        ("a.metis", "2 1 1\n2\n1\n", "a line has fewer numbers than its flags 001 say"),
        ("a.dot", "digraph { a -> b }", "1 of 1 edges have no edge the other way"),
        ("a.dot", "graph { a -- b; b -- a }", "1 parallel edges"),
        ("a.dot", "graph { a -- b [weight=.75] }", r"edge weight \(1\)"),
        ("a.dot", "graph { node [group=1]; a }", r"default node group \(1\)"),
        ("a.dot", "graph { a -> b }", "is not DOT"),
        ("a.dot", "graph { a -- b", "is not DOT: more is missing before 'the end'"),
        ("a.dot", "graph { <a -- b }", "line 1 is not DOT: a < is not closed"),
        ("a.dot", "graph {" * 300, "is not DOT|subgraphs lie more than"),
        ("a.dot", "graph {" + "{" * 3000 + "}" * 3001, "subgraphs lie more than 100 deep"),
        ("a.dot", "graph { § }", "line 1 is not DOT: '§ }'"),
        ("a.lgr", "LEDA.GRAPH\nvoid\nvoid\n-1\n2\n|{}|\n|{}|\n1\n1 2 0 |{}|\n", "1 of 1 edges have no edge the other way"),
        ("a.lgr", "LEDA.GRAPH\nvoid\nvoid\n2\n|{}|\n|{}|\n1\n1 2 0 |{}|\n", "1 of 1 edges have no edge the other way"),
        ("a.lgr", "LEDA.GRAPH\nvoid\nint\n-2\n2\n|{}|\n|{}|\n1\n1 2 0 |{7}|\n", r"edge weight \(1\)"),
        ("a.lgr", "LEDA.GRAPH\nvoid\nint\n-2\n2\n", "ends before it is whole LEDA"),
        ("a.lgr", "LEDA.GRAPH\nvoid\nint\n-2\nx\n", "line 5 is no line of LEDA: 'x'"),
        ("a.col", "p edge 2 1\ne 1 3\n", "joins '3', which is no node"),
        ("a.col", "p edge 2 1\nn 1 5\ne 1 2\n", r"node value \(1\)"),
        ("a.gr", "p sp 2 1\na 1 2 7\n", r"edge weight \(1\); 1 of 1 edges have no edge the other way"),
        ("a.col", "e 1 2\n", "line 1 is no line of DIMACS"),
        ("a.col", "p edge 2 1\nq 1 2\n", "line 2 is no line of DIMACS"),
        ("a.adjlist", "a b b\nb\n", "1 parallel edges"),
        ("a.multiline_adjlist", "a 2\nb {}\n", "ends before the last 1 neighbours of a"),
        ("a.multiline_adjlist", "a b\n", "line 1 is no line of a multi-line adjacency list"),
        ("a.multiline_adjlist", "a 1\nb {'weight': 3}\n", r"edge weight \(1\)"),
        ("a.lgl", "a\n", "line 1 is no line of LGL"),
        ("a.lgl", "# a\nb 2.5\n", r"edge weight \(1\)"),
        ("a.ncol", "a b c d\n", "a line of NCOL is"),
        ("a.ncol", "a b 3\n", r"weight \(1\)"),
        ("a.adjacency", "0 2\n2 0\n", r"weights \(2\)"),
        ("a.adjacency", "0 1 1\n1 0 1\n", "must be square"),
        ("a.adjacency", "0 x\n1 0\n", "is no adjacency matrix in text"),
        ("a.json", '{"directed": true, "nodes": [{"id": 0}, {"id": 1}], "links": [{"source": 0, "target": 1}]}', "1 of 1"),
        ("a.json", '{"nodes": [{"id": 0}, {"id": 1}], "links": [{"source": 0, "target": 1, "value": 4}]}', r"edge value \(1\)"),
        ("a.json", '{"nodes": [{"id": 0}], "links": [{"source": 0}]}', "graph 0 is no JSON object with nodes and links"),
        ("a.json", '{"nodes": [{"id": 0}], "links": [', "is not JSON"),
        ("a.json", '{"nodes": [{"id": 1}, {"id": "1"}], "links": []}', "node '1' is declared twice"),
        ("a.cyjs", '{"elements": {"nodes": [{"data": {"id": "a"}}, {"data": {"id": "b", "parent": "a"}}]}}', "lies within"),
        ("a.graphml", KEY_OF_BOTH.format(5), r"left behind: edge weight \(1\);"),
        ("a.graphml", '<graphml><graph><node id="a"><port name="p"/></node></graph></graphml>', r"got \['port'\]"),
    ],
)  # fmt: skip
def test_what_is_more_than_a_graph_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, name, content)


def test_a_key_is_that_of_its_element(tmp_path: Path) -> None:
    assert read(tmp_path, "a.graphml", KEY_OF_BOTH.format(1)) == GraphSet.from_networkx([nx.path_graph(2)])
    assert read(tmp_path, "a.graphml", YED).num_nodes.tolist() == [1]


@pytest.mark.parametrize(
    "between", ["", "<!-- <graph><node id='x'/></graph> -->", "<?x <graph> ?>", "<desc><![CDATA[<graph>]]></desc>"]
)
@pytest.mark.parametrize("end", ["/>", " />", ">\n    </{}>", "><data key='k'>1</data></{}>"])
def test_runs_of_bare_elements_are_what_they_are_one_by_one(tmp_path: Path, between: str, end: str) -> None:
    nodes = "".join(f'<node id="{name}"{end.format("node")}\n' for name in ("a", "b&lt;", "c"))
    edges = "".join(f'<edge source="{u}" target="{v}"{end.format("edge")}\n' for u, v in (("a", "b&lt;"), ("b&lt;", "c")))
    graph = f'<graph edgedefault="{{}}">{nodes}{edges}</graph>'
    head = '<?xml version="1.0"?><graphml><key id="k" attr.name="weight"/>'
    text = f"{head}{between}{graph}{graph.replace('&lt;', '')}</graphml>"
    assert read(tmp_path, "a.graphml", text.format("undirected", "undirected")) == GraphSet.concatenate([PATH, PATH])
    with pytest.raises(InputError, match=r"2 of 4 edges have no edge the other way.*first graph 1"):
        read(tmp_path, "a.graphml", text.format("undirected", "directed"))
    with pytest.raises(InputError, match="graph 1: node 'a' is declared twice"):
        read(tmp_path, "a.graphml", text.format("undirected", "undirected").replace('id="b"', 'id="a"'))


def test_edges_may_come_before_their_nodes(tmp_path: Path) -> None:
    text = '<graphml><graph><edge source="b" target="a"/><node id="a"/><node id="b"/></graph></graphml>'
    assert read(tmp_path, "a.graphml", text).edges.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.net", "*Network 1\n*Vertices 3\n*Edges\n1 2\n2 3\n*Network 2\n*Vertices 3\n*Edges\n1 2\n2 3\n"),
        ("a.dot", "graph { a -- b -- c } graph { c -- b -- a }"),
        ("a.json", json.dumps([nx.node_link_data(nx.path_graph(3), edges="links"), nx.adjacency_data(nx.path_graph(3))])),
    ],
)
def test_two_graphs_in_a_file(tmp_path: Path, name: str, content: str) -> None:
    assert read(tmp_path, name, content) == GraphSet.concatenate([PATH, PATH])


@pytest.mark.parametrize("name", ["a", "a.dat", "a.txt", "a.xml"])
@pytest.mark.parametrize(
    "content",
    [
        "%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 2\n",
        gexf(THREE, TWO),
        "*Vertices 3\n*Edges\n1 2\n2 3\n",
        "LEDA.GRAPH\nvoid\nvoid\n-2\n3\n|{}|\n|{}|\n|{}|\n2\n1 2 0 |{}|\n3 2 0 |{}|\n",
        "c a comment\np edge 3 2\ne 1 2\ne 2 3\n",
        ">>graph6<<Bg\n",
        "// c\nstrict graph {\n a -- b -- c }",
        f'Creator "x"\n{GML}',
        '[{"n": 3, "edges": [[0, 1], [1, 2]]}]',
        json.dumps(nx.node_link_data(nx.path_graph(3), edges="links")),
    ],
)
def test_what_is_in_a_file_says_its_format(tmp_path: Path, name: str, content: str) -> None:
    assert read(tmp_path, name, content) == PATH


def test_the_format_that_is_asked_for_overrules(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "3 2\n2\n1 3\n2\n", Policy(file_format="metis")) == PATH
    assert read(tmp_path, "b.csv", "3 2\n2\n1 3\n2\n", Policy(file_format="metis")) == PATH
    assert read_graphs(tmp_path, Policy(file_format="metis")) == GraphSet.concatenate([PATH, PATH])
    with pytest.raises(InputError, match=r"file_format must be one of parquet, .*, got 'mets'"):
        read_graphs(tmp_path / "a.csv", Policy(file_format="mets"))


def test_metis_or_a_list_of_edges(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="may be METIS or a list of edges; set file_format = metis or file_format = edgelist"):
        read(tmp_path, "a.txt", "4 2\n2\n1\n4\n3\n")
    assert read(tmp_path, "a.txt", "4 2\n2\n1\n4\n3\n", Policy(file_format="edgelist")).edges.tolist() == [[1, 3]]
    assert read(tmp_path, "a.txt", "4 3\n2 3 4\n1\n1\n1\n") == GraphSet.from_networkx([nx.star_graph(3)])
    assert read(tmp_path, "a.txt", "1 2\n2 3\n") == PATH


@pytest.mark.parametrize("content", ["1 2\n2 3\n", "0 1\n1 2\n", "2 3\n1 2\n"])
def test_nodes_of_a_list_that_has_none_alone(tmp_path: Path, content: str) -> None:
    graphs = read(tmp_path, "a.edgelist", content, Policy(nodes=5))
    assert graphs.num_nodes.tolist() == [5]
    assert graphs.edges.tolist() == [[0, 1], [1, 2]]
    assert read(tmp_path, "a.ncol", content, Policy(nodes=5)) == graphs
    with pytest.raises(InputError, match=r"nodes = 2 says that the nodes are 0\.\.1 or 1\.\.2, got [23]"):
        read(tmp_path, "a.edgelist", content, Policy(nodes=2))
    with pytest.raises(InputError, match=r"nodes = 5 says that the nodes are .*, got a"):
        read(tmp_path, "a.edgelist", content + "1 a\n", Policy(nodes=5))
    with pytest.raises(InputError, match="nodes must be a whole number in"):
        Policy(nodes=-1)


def test_a_table_of_nodes_beside_that_of_edges(tmp_path: Path) -> None:
    (tmp_path / "a.nodes.csv").write_text("Id,Label\nx,X\ny,Y\nz,Z\nw,W\n")
    assert read(tmp_path, "a.edges.csv", "Source,Target,Type\ny,x,1\ny,z,1\n", ALL).edges.tolist() == [[0, 1], [1, 2]]
    assert read_graphs(tmp_path / "a.edges.csv", ALL).num_nodes.tolist() == [4]
    with pytest.raises(InputError, match=r"joins 'q', which is no node of a\.nodes\.csv"):
        read(tmp_path, "a.edges.csv", "source,target\nx,q\n")
    (tmp_path / "a.nodes.csv").write_text("id,age\nx,3\n")
    with pytest.raises(InputError, match=r"age \(1\)"):
        read(tmp_path, "a.edges.csv", "source,target\n")
    (tmp_path / "a.nodes.csv").write_text("graph,id\n0,x\n")
    with pytest.raises(InputError, match="one has a column graph and the other has none"):
        read(tmp_path, "a.edges.csv", "source,target\nx,y\n")
    (tmp_path / "a.nodes.csv").write_text("who\nx\n")
    with pytest.raises(InputError, match="needs a column id, got who"):
        read(tmp_path, "a.edges.csv", "source,target\nx,y\n")


def test_matrices_in_structs_and_of_harwell_and_boeing(tmp_path: Path) -> None:
    matrix = nx.to_scipy_sparse_array(nx.path_graph(3), dtype=float, format="csc")
    scipy.io.savemat(tmp_path / "a.mat", {"Problem": {"A": matrix, "name": "path"}})
    scipy.io.hb_write(tmp_path / "a.rb", matrix)
    assert read_graphs(tmp_path / "a.mat") == read_graphs(tmp_path / "a.rb") == PATH
    scipy.io.savemat(tmp_path / "a.mat", {"A": matrix, "B": matrix})
    with pytest.raises(InputError, match="it holds 2 square matrices"):
        read_graphs(tmp_path / "a.mat")


@pytest.mark.parametrize("symmetry", ["general", "symmetric"])
@pytest.mark.parametrize("kind", ["pattern", "integer", "real"])
def test_matrix_market_of_every_kind(tmp_path: Path, symmetry: str, kind: str) -> None:
    graph = nx.gnp_random_graph(20, 0.2, seed=3)
    matrix = sparse.coo_array(nx.to_scipy_sparse_array(graph, dtype=int))
    scipy.io.mmwrite(tmp_path / "a.mtx", matrix, symmetry=symmetry, field=kind)
    assert read_graphs(tmp_path / "a.mtx") == GraphSet.from_networkx([graph])
    matrix.data = matrix.data * 3
    scipy.io.mmwrite(tmp_path / "a.mtx", matrix, symmetry=symmetry)
    found = read_collection(tmp_path / "a.mtx", ALL).found["on_attributes"]
    assert found == (1 + (symmetry == "general")) * graph.number_of_edges() or found == 2 * graph.number_of_edges()


def test_formats_have_suffixes_of_their_own() -> None:
    suffixes = [suffix for codec in CODECS.values() for suffix in codec.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix == suffix.lower() for suffix in suffixes)


def test_a_suffix_in_capitals_is_written(tmp_path: Path) -> None:
    for name in ("a.G6", "a.CSV", "a.TSV", "a.GraphML", "a.Parquet"):
        write_graphs(PATH, tmp_path / name)
        assert read_graphs(tmp_path / name) == PATH
    assert (tmp_path / "a.G6").read_text() == "Bg\n"
    np.testing.assert_equal((tmp_path / "a.CSV").read_text().splitlines()[0], "graph,source,target")
