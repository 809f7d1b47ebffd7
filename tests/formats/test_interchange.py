"""Files of igraph, networkx, rustworkx, NetworKit and scipy in every format of each, and what those tools read of ours."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import igraph
import networkit as nk
import networkx as nx
import pandas as pd
import pytest
import rustworkx as rx
import scipy.io
from command_line import gengraph
from hypothesis import HealthCheck, given, settings
from strategies import graph_sets

from gengraph.benchmarks.interchange.__main__ import TOOLS, page
from gengraph.benchmarks.interchange.outcomes import (
    CASES,
    GONE,
    KEPT,
    OTHER,
    REFUSED,
    UNREAD,
    outcomes,
    plain_tool,
    write_case,
)
from gengraph.benchmarks.interchange.writers import WRITERS, Case, Writer
from gengraph.errors import InputError
from gengraph.formats import read_collection, read_graphs, write_files, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

PAGE = Path(__file__).parents[2] / "docs/interchange.md"
BASE = GraphSet.from_edge_lists([6], [CASES["isolated node"].edges])  # a triangle, an edge, an isolated node
BINARY = {
    "pickle": r"igraph\.Graph\.Read_Pickle\('.*'\)\n  graph\.write\('graph\.graphml'\)",
    "picklez": r"igraph\.Graph\.Read_Picklez\(",
    "GraphToolBinary": r"import graph_tool\.all as gt\n  gt\.load_graph\('.*', fmt='gt'\)\.save\('graph\.graphml'\)",
    "NetworkitBinary": r"nk\.readGraph\('.*', nk\.Format\.NetworkitBinary\)\n  nk\.writeGraph\(graph",
    "ThrillBinary": r"nk\.readGraph\('.*', nk\.Format\.ThrillBinary\)\n  nk\.writeGraph\(graph",
}
LISTS = {"edge list", "NCOL", "weighted edge list", "LFR"}
# What is another graph, because its own file says so: a name torn at its space, and a loop that stands there twice.
ANOTHER = {("networkx", "adjacency list", "name"), ("rustworkx", "Matrix Market", "loop")}


@pytest.fixture(autouse=True)
def _without_warnings() -> Iterator[None]:
    """NetworKit logs and networkx warns while they write."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], dict[str, str]]:
    """Every case in every format of every tool."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return outcomes()


def _is_list(writer: Writer) -> bool:
    return writer.file_format in LISTS or writer.file_format.startswith("EdgeList")


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: f"{writer.tool} {writer.file_format}".replace(" ", "-"))
def test_a_small_graph_in_every_format_is_the_same_graph(tmp_path: Path, writer: Writer) -> None:
    path = write_case(writer, CASES["isolated node"], tmp_path)
    assert path is not None
    reading = dict(writer.reading)
    if writer.file_format in BINARY:
        with pytest.raises(InputError, match=BINARY[writer.file_format]):
            read_graphs(path)
    elif writer.file_format == "DIMACS":  # a flow: arcs, with capacities, between a source and a target
        with pytest.raises(InputError, match="they are directed"):
            read_graphs(path)
        assert read_graphs(path, Policy(on_directed="symmetrize", on_attributes="drop")) == BASE
    elif writer.tool == "networkit" and writer.file_format == "DOT":  # which leaves out nodes without edges
        graphs = read_graphs(path)
        assert graphs.num_nodes.tolist() == [5]
        assert nx.is_isomorphic(graphs.to_networkx()[0], nx.Graph(CASES["isolated node"].edges))
    elif _is_list(writer):  # which has no place for a node without edges
        assert read_graphs(path, Policy(**reading, on_attributes="drop")).num_nodes.tolist() == [5]
        assert read_graphs(path, Policy(**reading, on_attributes="drop", nodes=6)) == BASE
    else:
        assert read_graphs(path, Policy(**reading)) == BASE


def test_no_file_is_read_as_another_graph(found: dict[tuple[str, str], dict[str, str]]) -> None:
    other = {(*writer, name) for writer, row in found.items() for name, what in row.items() if what == OTHER}
    assert other == ANOTHER
    known = {KEPT, GONE, REFUSED, UNREAD, OTHER, "isolated node", "weight", "made directed", "made weighted", "loop"}
    known |= {"parallel edges and made weighted"}
    assert {row[name] for row in found.values() for name in CASES} <= known


@pytest.mark.parametrize(
    ("tool", "formats"),
    [
        ("igraph", {"GraphML", "GraphMLz", "GML", "Pajek", "DOT", "LEDA"}),
        ("networkx", {"GEXF 1.2", "GML", "GraphML", "Pajek", "node-link", "adjacency JSON", "Cytoscape", "DOT (pydot)"}),
        ("rustworkx", {"GraphML", "node-link", "DOT"}),
    ],
)
def test_all_of_a_graph_is_in_these(found: dict[tuple[str, str], dict[str, str]], tool: str, formats: set[str]) -> None:
    whole = {name for (of, name), row in found.items() if of == tool and {row[case] for case in CASES} == {KEPT}}
    assert whole == formats


def test_the_page_is_what_the_tools_do(found: dict[tuple[str, str], dict[str, str]]) -> None:
    text = PAGE.read_text()
    if any(f"### {tool} {version(tool)}\n" not in text for tool in TOOLS):
        pytest.skip("the page is of other versions of the tools")
    assert page(found) == text, "run python -m gengraph.benchmarks.interchange"


def _networkit(kind: Any) -> Callable[[str], Any]:
    return lambda path: nk.readGraph(path, kind)


def _node_link(path: str) -> Any:
    return nx.node_link_graph(json.loads(Path(path).read_text()))


READERS: list[tuple[str, Callable[[str], Any]]] = [
    (".gexf", lambda path: nx.read_gexf(path, node_type=int)),
    (".gexf", _networkit(nk.Format.GEXF)),
    (".net", igraph.Graph.Read_Pajek),
    (".net", nx.read_pajek),
    (".metis", _networkit(nk.Format.METIS)),
    (".mtx", scipy.io.mmread),
    (".node-link.json", _node_link),
    (".graphml", igraph.Graph.Read_GraphML),
    (".graphml", _networkit(nk.Format.GraphML)),
    (".graphml", lambda path: rx.read_graphml(path)[0]),
    (".gml", igraph.Graph.Read_GML),
]


@pytest.mark.parametrize(("suffix", "read"), READERS, ids=[f"{suffix}-{i}" for i, (suffix, _) in enumerate(READERS)])
@pytest.mark.parametrize("name", ["isolated node", "isolated first", "one node", "no edge", "backwards"])
def test_tools_read_what_is_written_here(tmp_path: Path, suffix: str, read: Callable[[str], Any], name: str) -> None:
    case: Case = CASES[name]
    graphs = GraphSet.from_edge_lists([case.n], [[(min(edge), max(edge)) for edge in case.edges]])
    path = tmp_path / f"graph{suffix}"
    write_graphs(graphs, path)
    got = plain_tool(read(str(path)))
    assert (got.n, list(got.edges), got.directed) == (case.n, [tuple(edge) for edge in graphs.edges.tolist()], False)
    assert read_graphs(path) == graphs


def test_tables_are_what_pandas_reads(tmp_path: Path) -> None:
    write_graphs(BASE, tmp_path / "a.edges.csv")
    nodes, edges = pd.read_csv(tmp_path / "a.nodes.csv"), pd.read_csv(tmp_path / "a.edges.csv")
    graph = nx.from_pandas_edgelist(edges)
    graph.add_nodes_from(nodes["id"].tolist())
    assert nx.utils.graphs_equal(graph, BASE.to_networkx()[0])


@pytest.mark.parametrize("suffix", [".gexf", ".metis", ".mtx"])
@given(graphs=graph_sets(min_nodes=0, max_nodes=12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_formats_of_one_graph_come_back(tmp_path: Path, suffix: str, graphs: GraphSet) -> None:
    for graph in graphs:
        write_graphs(graph, tmp_path / f"a{suffix}")
        assert read_graphs(tmp_path / f"a{suffix}") == graph


def test_several_graphs_in_a_format_of_one_become_a_folder(tmp_path: Path) -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(n) for n in range(1, 13)])
    with pytest.raises(InputError, match=r"\.gexf holds one graph, got 12; write them one by one"):
        write_graphs(graphs, tmp_path / "a.gexf")
    files = write_files(graphs, tmp_path / "paths" / "a.gexf")
    assert [file.name for file in files[:2]] == ["a-00.gexf", "a-01.gexf"]
    assert read_graphs(tmp_path / "paths") == graphs
    assert write_files(graphs, tmp_path / "a.net") == [tmp_path / "a.net"]
    assert read_collection(tmp_path / "a.net").graphs == graphs


@pytest.mark.parametrize("suffix", [".gml", ".edgelist", ".g6"])
def test_many_small_files_are_read_as_one_by_one(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(2 + n % 5) for n in range(120)])
    for i, graph in enumerate(graphs):
        write_graphs(graph, tmp_path / "set" / f"{i}{suffix}")
    assert read_graphs(tmp_path / "set") == graphs
    loop = {".gml": "graph [ node [ id 0 ] edge [ source 0 target 0 ] ]", ".edgelist": "0 0\n", ".g6": ":A@F\n"}[suffix]
    (tmp_path / "set" / f"57{suffix}").write_text(loop)
    with pytest.raises(InputError, match=rf"57\{suffix}: .*self-loops|57\{suffix}"):
        read_graphs(tmp_path / "set")
    together = read_collection(tmp_path / "set", Policy(on_loops="drop", on_multi_edges="drop"))
    monkeypatch.setattr("gengraph.formats._MANY", 10**6)
    one_by_one = read_collection(tmp_path / "set", Policy(on_loops="drop", on_multi_edges="drop"))
    assert together.graphs == one_by_one.graphs
    assert (together.found, together.num_files) == (one_by_one.found, one_by_one.num_files)


def test_the_command_line_takes_a_format_and_a_number_of_nodes(tmp_path: Path) -> None:
    (tmp_path / "graph.txt").write_text("4 2\n2\n1\n4\n3\n")
    assert "--from metis or --from edgelist" in gengraph(f"datasets show {tmp_path}/graph.txt", code=2)
    gengraph(f"datasets export {tmp_path}/graph.txt --from metis --out {tmp_path}/graph.GEXF")
    assert read_graphs(tmp_path / "graph.GEXF") == GraphSet.from_edge_lists([4], [[(0, 1), (2, 3)]])
