"""Labels and directions in files: every format keeps them or refuses, and attributes become labels where the policy says so."""

import json
import zipfile
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import labelled_sets

from gengraph.errors import InputError
from gengraph.formats import read_collection, read_graphs, write_files, write_graphs
from gengraph.formats.codecs import CODECS
from gengraph.graphs import GraphSet, LabelArrays, Labels, LabelSchema
from gengraph.graphs.collection import Policy

VALUES = ["C", "a b", 'say "x"', "é∑", "1", "02", "1.5", "<&>", "&amp;", "a,b;c|d", "{}", "#1", "[x]", "a\nb", " out ", "'"]
AWKWARD = ["a b", 'say "x"', "&amp;", "a,b;c|d", "{}", "#1", "a\nb", " out "]
OF_TABLES = {".csv", ".tsv", ".edgelist", ".edges.csv"}  # which have no spelling for some of these
NATIVE = {".parquet", ".jsonl", ".json", ".npz"}  # which say themselves what is a label
KEEPS = {codec.suffixes[0]: codec.keeps for codec in CODECS.values() if codec.write and codec.keeps} | {
    ".csv": CODECS["edgelist"].keeps,
    ".tsv": CODECS["edgelist"].keeps,
}
KEEPS = {suffix: kinds for suffix, kinds in KEEPS.items() if suffix not in (".smi", ".smiles.csv", ".sdf")}
SMALL = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def asked(graphs: GraphSet) -> Policy:
    """The policy that keeps the labels and directions of a set."""
    nodes, edges = graphs.schema.nodes, graphs.schema.edges
    return Policy(node_label=nodes.name if nodes else "", edge_label=edges.name if edges else "", on_directed="keep")


def as_networkx(graphs: GraphSet) -> list[nx.Graph]:
    """With labels as attributes; a set all of whose edges go both ways is an undirected one."""
    if graphs.directions is not None and (graphs.directions == 3).all():
        labels = LabelArrays(LabelSchema(graphs.schema.nodes, graphs.schema.edges), graphs.node_labels, graphs.edge_labels)
        graphs = graphs.labelled(labels)
    return graphs.to_networkx()


def assert_same(some: GraphSet, others: GraphSet) -> None:
    pairs = list(zip(as_networkx(some), as_networkx(others), strict=True))
    assert all(one.is_directed() == two.is_directed() and nx.utils.graphs_equal(one, two) for one, two in pairs)


@st.composite
def awkward_sets(draw: st.DrawFn) -> GraphSet:
    graphs = draw(labelled_sets(max_graphs=3, max_nodes=4))
    assume(len(graphs) and graphs.labels is not None)
    values = draw(st.lists(st.sampled_from(VALUES), min_size=2, max_size=2, unique=True))
    renamed = [labels and Labels(labels.name, tuple(values)) for labels in (graphs.schema.nodes, graphs.schema.edges)]
    labels = graphs.labels
    return graphs.labelled(
        LabelArrays(LabelSchema(*renamed, graphs.schema.directed), labels.nodes, labels.edges, labels.directions)
    )


@pytest.mark.parametrize("suffix", sorted(KEEPS))
@given(graphs=awkward_sets())
@SMALL
def test_labels_and_directions_come_back_or_are_refused(tmp_path: Path, suffix: str, graphs: GraphSet) -> None:
    path = tmp_path / f"graphs{suffix}"
    if suffix in (".gexf", ".mtx"):
        graphs = graphs[:1]
    lost = graphs.labels.arrays().keys() - KEEPS[suffix]
    if lost:
        with pytest.raises(InputError, match=r"cannot say .*or leave them behind with graphs\.bare\(\)"):
            write_graphs(graphs, path)
        return
    if suffix in OF_TABLES and any(
        set(labels.values) & set(AWKWARD) for labels in (graphs.schema.nodes, graphs.schema.edges) if labels
    ):
        graphs = graphs.labelled(None)
    write_graphs(graphs, path)
    assert_same(read_graphs(path, asked(graphs)), graphs)
    if suffix in NATIVE:
        assert_same(read_graphs(path), graphs)


@pytest.mark.parametrize("suffix", sorted(OF_TABLES))
def test_what_tables_cannot_spell(tmp_path: Path, suffix: str) -> None:
    refused = []
    for value in VALUES:
        graph = nx.Graph([(0, 1, {"bond": value}), (1, 2, {"bond": "1"})])
        graphs = GraphSet.from_networkx([graph], edge_label="bond")
        try:
            write_graphs(graphs, tmp_path / f"a{suffix}")
        except InputError:
            refused.append(value)
            continue
        assert_same(read_graphs(tmp_path / f"a{suffix}", Policy(edge_label="bond")), graphs)
    assert len(refused) == (2 if suffix in (".csv", ".edges.csv") else 8), refused


@pytest.mark.parametrize("name", ["graph", "Source", "type", "a\nb"])
def test_names_of_columns_that_mean_something_else_are_refused(tmp_path: Path, name: str) -> None:
    graphs = GraphSet.from_networkx([nx.Graph([(0, 1, {name: "x"})])], edge_label=name)
    for suffix in OF_TABLES:
        with pytest.raises(InputError, match="has no spelling for the name"):
            write_graphs(graphs, tmp_path / f"a{suffix}")
    for suffix in (".graphml", ".jsonl", ".parquet"):
        write_graphs(graphs, tmp_path / f"a{suffix}")
        assert_same(read_graphs(tmp_path / f"a{suffix}", Policy(edge_label=name)), graphs)


def test_an_empty_label_is_written_nowhere_but_in_parquet(tmp_path: Path) -> None:
    labels = LabelArrays(LabelSchema(Labels("kind", ("", "x"))), np.zeros(2, np.int32))
    graphs = GraphSet.from_edge_lists([2], [[(0, 1)]]).labelled(labels)
    with pytest.raises(InputError, match="has no spelling for the label ''"):
        write_graphs(graphs, tmp_path / "a.graphml")
    write_graphs(graphs, tmp_path / "a.parquet")
    assert read_graphs(tmp_path / "a.parquet") == graphs


@pytest.mark.parametrize("suffix", [".g6", ".s6", ".metis", ".net", ".mtx"])
def test_formats_without_labels_say_so_and_name_others(tmp_path: Path, suffix: str) -> None:
    graphs = GraphSet.from_networkx([nx.Graph([(0, 1, {"bond": "1"})])], edge_label="bond")
    with pytest.raises(InputError, match=r"cannot say 1 edge labels \(bond\); choose one of \.parquet, .*\.graphml.*bare\(\)"):
        write_graphs(graphs, tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())
    write_graphs(graphs.bare(), tmp_path / f"a{suffix}")
    assert read_graphs(tmp_path / f"a{suffix}") == graphs.bare()


@pytest.mark.parametrize("suffix", [".graphml", ".gml", ".gexf", ".node-link.json"])
def test_networkx_reads_our_labels_and_we_read_its(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    graph = nx.DiGraph([(0, 1, {"bond": "a b"}), (1, 2, {"bond": "é"}), (2, 1, {"bond": "é"})])
    nx.set_node_attributes(graph, dict(enumerate(("C", "N <&> O", "x"))), "element")
    read, write = {
        ".graphml": (lambda: nx.read_graphml(path, node_type=int), nx.write_graphml),
        ".gml": (lambda: nx.read_gml(path, label="id"), nx.write_gml),
        ".gexf": (lambda: nx.read_gexf(path, node_type=int), nx.write_gexf),
        ".node-link.json": (
            lambda: nx.node_link_graph(json.loads(path.read_text())),
            lambda one, where: Path(where).write_text(json.dumps(nx.node_link_data(one))),
        ),
    }[suffix]
    graphs = GraphSet.from_networkx([graph], node_label="element", edge_label="bond", directed="keep")
    write_graphs(graphs, path)
    theirs = read()
    assert theirs.is_directed()
    assert dict(theirs.nodes(data="element")) == dict(graph.nodes(data="element"))
    assert {(u, v): bond for u, v, bond in theirs.edges(data="bond")} == {
        (u, v): bond for u, v, bond in graph.edges(data="bond")
    }
    write(graph, path)
    assert_same(read_graphs(path, asked(graphs)), graphs)


KINDS = {
    ".graphml": "<graphml><key id='k' for='node' attr.name='kind'><default>x</default></key><graph edgedefault='undirected'>"
    "<node id='a'/><node id='b'><data key='k'>y</data></node></graph></graphml>",
    ".dot": 'graph { a [kind=x]; b [kind="y"] }',
    ".jsonl": '{"n": 2, "edges": [], "kind": ["x", "y"]}\n',
    ".cyjs": '{"elements": [{"data": {"id": "a", "kind": "x"}}, {"data": {"id": "b", "kind": "y"}}]}',
}


@pytest.mark.parametrize("suffix", sorted(KINDS))
def test_an_attribute_of_nodes_becomes_a_label(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text(KINDS[suffix])
    graphs = read_graphs(path, Policy(node_label="kind"))
    assert graphs.schema == LabelSchema(Labels("kind", ("x", "y")))
    assert graphs.node_labels.tolist() == [0, 1]
    with pytest.raises(InputError, match="nodes have no attribute element, they have kind; set node_label to one"):
        read_graphs(path, Policy(node_label="element", on_attributes="drop"))
    with pytest.raises(InputError, match=r"left behind.*or name a node_label"):
        read_graphs(path)


WEIGHTS = {
    ".csv": "source,target,weight\n0,1,2\n1,2,1\n",
    ".edgelist": "0 1 {'weight': 2}\n1 2 {'weight': 1}\n",
    ".ncol": "0 1 2\n1 2 1\n",
    ".jsonl": '{"n": 3, "edges": [[0, 1, 2], [1, 2, 1]]}\n{"n": 3, "edges": [[0, 1, 2], [1, 2, 1], [0, 2, 1]]}\n',
    ".net": "*Vertices 3\n*Edges\n1 2 2\n2 3 1\n",
    ".gexf": "<gexf><graph><nodes><node id='0'/><node id='1'/><node id='2'/></nodes><edges>"
    "<edge source='0' target='1' weight='2.0' type='mutual'/><edge source='1' target='2' weight='1'/></edges></graph></gexf>",
}


@pytest.mark.parametrize("suffix", sorted(WEIGHTS))
def test_weights_of_few_kinds_become_labels_of_edges(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text(WEIGHTS[suffix])
    graphs = read_graphs(path, Policy(edge_label="weight"))
    assert [float(graphs.schema.edges.values[label]) for label in graphs.edge_labels[:2]] == [2, 1]
    with pytest.raises(InputError, match="nodes have no attribute element, they have none; set node_label"):
        read_graphs(path, Policy(node_label="element", edge_label="weight"))


def test_weights_of_matrices(tmp_path: Path) -> None:
    (tmp_path / "a.mtx").write_text("%%MatrixMarket matrix coordinate integer symmetric\n3 3 2\n2 1 5\n3 2 7\n")
    graphs = read_graphs(tmp_path / "a.mtx", Policy(edge_label="weights"))
    assert graphs.schema.edges.values == ("5", "7")
    assert graphs.edge_labels.tolist() == [0, 1]


def test_labels_of_a_tu_collection(tmp_path: Path) -> None:
    files = {
        "A": "1, 3\n3, 1\n2, 4\n4, 2\n",
        "graph_indicator": "1\n2\n1\n2\n",  # the nodes of a graph do not stand together
        "node_labels": "7\n8\n9\n7\n",
        "edge_labels": "0\n0\n1\n1\n",
        "node_attributes": "0.1, 2\n" * 4,
    }
    with zipfile.ZipFile(tmp_path / "T.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(f"T/T_{name}.txt", text)
            (tmp_path / "T").mkdir(exist_ok=True)
            (tmp_path / "T" / f"T_{name}.txt").write_text(text)
    policy = Policy(node_label="node_label", edge_label="edge_label", on_attributes="drop")
    for place in ("T.zip", "T"):
        graphs = read_graphs(tmp_path / place, policy)
        assert [graphs.schema.nodes.values[label] for label in graphs.node_labels] == ["7", "9", "8", "7"]
        assert graphs.edge_labels.tolist() == [0, 1]
        with pytest.raises(InputError, match=r"left behind: node_attribute \(4\)"):
            read_graphs(tmp_path / place, Policy(node_label="node_label", edge_label="edge_label"))
        with pytest.raises(InputError, match=r"T_node_attributes.txt must have one value in each of 4 lines, got 2 in 4 lines"):
            read_graphs(tmp_path / place, Policy(node_label="node_attribute", on_attributes="drop"))
        with pytest.raises(InputError, match="nodes have no attribute x, they have node_attribute, node_label; set node_label"):
            read_graphs(tmp_path / place, Policy(node_label="x"))


def test_columns_of_lists_in_a_parquet_file_of_another_program(tmp_path: Path) -> None:
    rows = {
        "num_nodes": [2, 3],
        "edges": [[[0, 1]], [[0, 1], [1, 2]]],
        "kind": [["x", "y"], ["y", "y", "x"]],
        "bond": [[1], [2, 1]],
    }
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    graphs = read_graphs(tmp_path / "a.parquet", Policy(node_label="kind", edge_label="bond"))
    assert graphs.schema == LabelSchema(Labels("kind", ("x", "y")), Labels("bond", ("1", "2")))
    assert (graphs.node_labels.tolist(), graphs.edge_labels.tolist()) == ([0, 1, 1, 1, 0], [0, 1, 0])
    pq.write_table(pa.table(rows | {"kind": [["x"], ["y", "y", "x", "x"]]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="lists of kind must be as long as there are nodes"):
        read_graphs(tmp_path / "a.parquet", Policy(node_label="kind", edge_label="bond"))


def test_real_numbers_are_refused_or_binned_over_all_files_of_a_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = rng.random(120).round(6)
    for i, own in enumerate(weights.reshape(12, 10)):
        lines = [f"{u},{u + 1},{weight}" for u, weight in enumerate(own)]
        (tmp_path / f"graph{i}.csv").write_text("\n".join(["source,target,weight", *lines]) + "\n")
    with pytest.raises(InputError, match=r"categories, weight has real numbers.*set bins = weight=5"):
        read_graphs(tmp_path, Policy(edge_label="weight"))
    graphs = read_graphs(tmp_path, Policy(edge_label="weight", bins=("weight=4",)))
    assert np.bincount(graphs.edge_labels).tolist() == [30] * 4
    assert graphs.edge_labels.tolist() == np.searchsorted(np.sort(weights)[[30, 60, 90]], weights, side="right").tolist()


def test_a_node_without_a_value_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dot").write_text("graph { a [kind=x]; b }")
    with pytest.raises(InputError, match=r"a\.dot: 1 of 2 nodes have no value of kind; give one to all"):
        read_graphs(tmp_path / "a.dot", Policy(node_label="kind"))
    (tmp_path / "a.dot").write_text("graph { node [kind=x]; b }")
    with pytest.raises(InputError, match="labels must stand at each node, kind is in a line"):
        read_graphs(tmp_path / "a.dot", Policy(node_label="kind"))


def test_folders_of_labelled_files(tmp_path: Path) -> None:
    graphs = GraphSet.from_networkx(
        [nx.Graph([(0, 1, {"bond": "2"})]), nx.empty_graph(2), nx.Graph([(0, 1, {"bond": "1"}), (1, 2, {"bond": "2"})])],
        edge_label="bond",
    )
    for i, graph in enumerate(graphs):
        write_graphs(graph, tmp_path / "many" / f"{i}.graphml")
    assert_same(read_graphs(tmp_path / "many", Policy(edge_label="bond")), graphs)
    (tmp_path / "some").mkdir()
    write_graphs(graphs[:1], tmp_path / "some" / "0.jsonl")
    write_graphs(graphs[2:].bare(), tmp_path / "some" / "1.jsonl")
    with pytest.raises(InputError, match="must have the same kinds of edge labels"):
        read_graphs(tmp_path / "some")
    files = write_files(graphs, tmp_path / "numbered.gexf")
    assert_same(GraphSet.concatenate(read_graphs(file, Policy(edge_label="bond")) for file in files), graphs)


def test_directions_are_kept_only_where_that_is_said(tmp_path: Path) -> None:
    graphs = GraphSet.from_networkx([nx.DiGraph([(1, 0), (1, 2), (2, 1)])], directed="keep")
    write_graphs(graphs, tmp_path / "a.graphml")
    with pytest.raises(InputError, match="set on_directed = symmetrize or keep"):
        read_graphs(tmp_path / "a.graphml")
    assert read_graphs(tmp_path / "a.graphml", Policy(on_directed="symmetrize")) == graphs.bare()
    assert read_graphs(tmp_path / "a.graphml", Policy(on_directed="keep")) == graphs
    for suffix in (".jsonl", ".npz"):
        write_graphs(graphs, tmp_path / f"a{suffix}")
        assert read_graphs(tmp_path / f"a{suffix}") == graphs
        assert read_graphs(tmp_path / f"a{suffix}", Policy(on_directed="symmetrize")) == graphs.bare()


def test_tables_of_gephi_say_directions_in_a_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Source,Target,Type,Kind\n0,1,Directed,x\n1,2,Directed,y\n")
    graphs = read_graphs(tmp_path / "a.csv", Policy(edge_label="Kind", on_directed="keep"))
    assert graphs.directions.tolist() == [1, 1]
    assert graphs.edge_labels.tolist() == [0, 1]
    (tmp_path / "a.csv").write_text("Source,Target,Type\n0,1,Undirected\n1,2,Undirected\n")
    assert read_graphs(tmp_path / "a.csv").schema == LabelSchema()
    (tmp_path / "a.csv").write_text("Source,Target,Type\n0,1,friend\n1,2,Undirected\n")
    with pytest.raises(InputError, match=r"left behind: Type \(2\)"):
        read_graphs(tmp_path / "a.csv")


def test_numbers_that_name_no_node_are_told_where_nothing_else_can_say_them(tmp_path: Path) -> None:
    cases = (
        ("0 1\n1 2\n2 5\n", Policy(), {"nodes": 2}),
        ("0 1\n1 2\n2 5\n", Policy(nodes=6), {}),
        ("7 8\n8 9\n", Policy(), {}),
        ("a b\nb c\n", Policy(), {}),
        ("0 1\n4\n", Policy(), {}),
        ("graph source target\n0 0 5\n1 0 1\n", Policy(), {}),
        ("".join(f"{i} {i + 1}\n" for i in range(30_000)) + "40000 40001\n", Policy(), {"nodes": 9999}),
    )
    for text, policy, found in cases:
        (tmp_path / "a.edgelist").write_text(text)
        assert read_collection(tmp_path / "a.edgelist", policy).found == found


def test_booleans_are_the_same_labels_from_every_format(tmp_path: Path) -> None:
    graph = nx.path_graph(3)
    nx.set_node_attributes(graph, dict(enumerate([True, False, True])), "seen")
    nx.write_graphml(graph, tmp_path / "a.graphml")
    (tmp_path / "b.jsonl").write_text('{"n": 3, "edges": [[0, 1], [1, 2]], "seen": [true, false, true]}\n')
    found = [read_graphs(tmp_path / name, Policy(node_label="seen")) for name in ("a.graphml", "b.jsonl")]
    found.append(GraphSet.from_networkx([graph], node_label="seen"))
    for graphs in found:
        assert graphs.schema.nodes is not None
        assert graphs.schema.nodes.values == ("false", "true")
        assert graphs == found[0]
