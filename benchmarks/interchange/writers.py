"""The writers that docs/interchange.md is about: igraph, networkx, rustworkx, NetworKit and scipy, in every format of each.

Left out are drawings (SVG, LaTeX, text), and pickles of networkx, which are Python's.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import igraph
import networkit as nk
import networkx as nx
import rustworkx as rx
import scipy.io
from scipy import sparse


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A graph to write.

    Attributes:
        n: nodes 0..n-1.
        edges: of them, parallel ones as often as they stand there.
        weights: one for each edge, or none.
        names: one for each node, or none.
        directed: edges have a direction.
    """

    n: int
    edges: tuple[tuple[int, int], ...] = ()
    weights: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    directed: bool = False


@dataclass(frozen=True, slots=True)
class Writer:
    """A tool that writes a format.

    Attributes:
        tool: the package.
        file_format: as it calls the format.
        suffix: of the file.
        write: writes the tool's graph to a path.
        read: reads it back into the tool's graph; None if the tool reads no such files.
        reading: what gengraph must be told, by field of its policy, since neither the name nor the content says it.
    """

    tool: str
    file_format: str
    suffix: str
    write: Callable[[Any, str], object]
    read: Callable[[str], Any] | None
    reading: tuple[tuple[str, Any], ...] = ()


def graph_of(case: Case, tool: str) -> Any:
    """The case as the tool has it."""
    return _GRAPHS[tool](case)


def _igraph_of(case: Case) -> igraph.Graph:
    graph = igraph.Graph(case.n, case.edges, directed=case.directed)
    if case.weights:
        graph.es["weight"] = case.weights
    if case.names:
        graph.vs["name"] = case.names
    return graph


def _networkx_of(case: Case) -> Any:
    parallel = len(set(case.edges)) < len(case.edges)
    kind = (nx.MultiDiGraph if parallel else nx.DiGraph) if case.directed else (nx.MultiGraph if parallel else nx.Graph)
    graph = kind()
    names = case.names or range(case.n)
    graph.add_nodes_from(names)
    for i, (u, v) in enumerate(case.edges):
        graph.add_edge(names[u], names[v], **({"weight": case.weights[i]} if case.weights else {}))
    return graph


def _rustworkx_of(case: Case) -> Any:
    graph = rx.PyDiGraph() if case.directed else rx.PyGraph()
    graph.add_nodes_from([{"name": case.names[i]} if case.names else {} for i in range(case.n)])
    weights: list[dict[str, float]] = [{"weight": weight} for weight in case.weights] or [{} for _ in case.edges]
    graph.add_edges_from([(u, v, weight) for (u, v), weight in zip(case.edges, weights, strict=True)])
    return graph


def _networkit_of(case: Case) -> Any:
    graph = nk.Graph(case.n, weighted=bool(case.weights), directed=case.directed)
    for i, (u, v) in enumerate(case.edges):
        graph.addEdge(u, v, *([case.weights[i]] if case.weights else []))
    return graph


def _matrix_of(case: Case) -> sparse.coo_array:
    ends = [(u, v, i) for i, (u, v) in enumerate(case.edges)]
    ends += [] if case.directed else [(v, u, i) for u, v, i in ends if u != v]
    values = [case.weights[i] if case.weights else 1.0 for _, _, i in ends]
    return sparse.coo_array((values, ([u for u, _, _ in ends], [v for _, v, _ in ends])), shape=(case.n, case.n))


_GRAPHS: dict[str, Callable[[Case], Any]] = {
    "igraph": _igraph_of,
    "networkx": _networkx_of,
    "rustworkx": _rustworkx_of,
    "networkit": _networkit_of,
    "scipy": _matrix_of,
}


def _of_igraph(graph: Any, write: str, path: str) -> None:
    """By a writer that is told the attributes for names and weights."""
    names = "name" if "name" in graph.vs.attributes() else None
    getattr(graph, write)(path, names, "weight" if "weight" in graph.es.attributes() else None)


def _dimacs(graph: Any, path: str) -> None:
    capacity = graph.es["weight"] if "weight" in graph.es.attributes() else [1] * graph.ecount()
    graph.write_dimacs(path, source=0, target=graph.vcount() - 1, capacity=capacity)


def _json_of(kind: str) -> tuple[Callable[[Any, str], object], Callable[[str], Any]]:
    data, graph_from = getattr(nx, f"{kind}_data"), getattr(nx, f"{kind}_graph")
    return (
        lambda graph, path: Path(path).write_text(json.dumps(data(graph))),
        lambda path: graph_from(json.loads(Path(path).read_text())),
    )


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _quoted(values: dict[str, Any]) -> dict[str, str]:
    return {name: json.dumps(str(value)) for name, value in values.items()}


def _rustworkx_edge_list(graph: Any, path: str) -> None:
    weighted = any("weight" in values for values in graph.edges())
    graph.write_edge_list(path, weight_fn=(lambda values: str(values["weight"])) if weighted else None)


def _integers(graph: Any) -> Any:
    return nx.convert_node_labels_to_integers(graph)


def _with_numbers(graph: Any) -> Any:
    """A copy with numbers for weights, which the writer of matrices needs."""
    copy = graph.copy()
    for edge in copy.edge_indices():
        copy.update_edge_by_index(edge, float(copy.get_edge_data_by_index(edge).get("weight", 1.0)))
    return copy


def _networkit(name: str, suffix: str, **reading: Any) -> Writer:
    kind = getattr(nk.Format, name)
    return Writer(
        "networkit",
        name,
        suffix,
        lambda graph, path: nk.writeGraph(graph, path, kind),
        None if name == "DOT" else lambda path: nk.readGraph(path, kind),
        tuple(reading.items()),
    )


_ENDS = (("columns", ("1", "2")),)
IGRAPH = (
    Writer("igraph", "edge list", ".edgelist", lambda g, p: g.write_edgelist(p), igraph.Graph.Read_Edgelist),
    Writer("igraph", "NCOL", ".ncol", lambda g, p: _of_igraph(g, "write_ncol", p), igraph.Graph.Read_Ncol),
    Writer("igraph", "LGL", ".lgl", lambda g, p: _of_igraph(g, "write_lgl", p), igraph.Graph.Read_Lgl),
    Writer("igraph", "GraphML", ".graphml", lambda g, p: g.write_graphml(p), igraph.Graph.Read_GraphML),
    Writer("igraph", "GraphMLz", ".graphmlz", lambda g, p: g.write_graphmlz(p), igraph.Graph.Read_GraphMLz),
    Writer("igraph", "GML", ".gml", lambda g, p: g.write_gml(p), igraph.Graph.Read_GML),
    Writer("igraph", "Pajek", ".net", lambda g, p: g.write_pajek(p), igraph.Graph.Read_Pajek),
    Writer("igraph", "DIMACS", ".dimacs", _dimacs, igraph.Graph.Read_DIMACS),
    Writer("igraph", "DOT", ".dot", lambda g, p: g.write_dot(p), None),
    Writer("igraph", "LEDA", ".lgr", lambda g, p: _of_igraph(g, "write_leda", p), None),
    Writer("igraph", "adjacency", ".adjacency", lambda g, p: g.write_adjacency(p), igraph.Graph.Read_Adjacency),
    Writer("igraph", "pickle", ".pickle", lambda g, p: g.write_pickle(p), igraph.Graph.Read_Pickle),
    Writer("igraph", "picklez", ".picklez", lambda g, p: g.write_picklez(p), igraph.Graph.Read_Picklez),
)
NETWORKX = (
    Writer("networkx", "edge list", ".edgelist", nx.write_edgelist, nx.read_edgelist),
    Writer("networkx", "weighted edge list", ".edgelist", nx.write_weighted_edgelist, nx.read_weighted_edgelist, _ENDS),
    Writer("networkx", "adjacency list", ".adjlist", nx.write_adjlist, nx.read_adjlist),
    Writer("networkx", "multi-line", ".multiline_adjlist", nx.write_multiline_adjlist, nx.read_multiline_adjlist),
    Writer("networkx", "GEXF 1.2", ".gexf", nx.write_gexf, nx.read_gexf),
    Writer("networkx", "GML", ".gml", nx.write_gml, nx.read_gml),
    Writer("networkx", "GraphML", ".graphml", nx.write_graphml, nx.read_graphml),
    Writer("networkx", "Pajek", ".net", nx.write_pajek, nx.read_pajek),
    Writer("networkx", "graph6", ".g6", lambda g, p: nx.write_graph6(_integers(g), p), nx.read_graph6),
    Writer("networkx", "sparse6", ".s6", lambda g, p: nx.write_sparse6(_integers(g), p), nx.read_sparse6),
    Writer("networkx", "node-link", ".json", *_json_of("node_link")),
    Writer("networkx", "adjacency JSON", ".json", *_json_of("adjacency")),
    Writer("networkx", "Cytoscape", ".cyjs", *_json_of("cytoscape")),
    Writer("networkx", "DOT (pydot)", ".dot", nx.nx_pydot.write_dot, nx.nx_pydot.read_dot),
)
RUSTWORKX = (
    Writer("rustworkx", "GraphML", ".graphml", rx.write_graphml, lambda p: rx.read_graphml(p)[0]),
    Writer(
        "rustworkx",
        "node-link",
        ".json",
        lambda g, p: rx.node_link_json(g, path=p, node_attrs=_texts, edge_attrs=_texts),
        rx.from_node_link_json_file,
    ),
    Writer(
        "rustworkx",
        "DOT",
        ".dot",
        lambda g, p: g.to_dot(_quoted, _quoted, filename=p),
        lambda p: rx.from_dot(Path(p).read_text()),
    ),
    Writer(
        "rustworkx",
        "edge list",
        ".edgelist",
        _rustworkx_edge_list,
        rx.PyGraph.read_edge_list,
        _ENDS,
    ),
    Writer(
        "rustworkx",
        "Matrix Market",
        ".mtx",
        lambda g, p: rx.write_matrix_market(_with_numbers(g), p),
        rx.read_matrix_market_file,
    ),
)
NETWORKIT = (
    *(
        _networkit(f"EdgeList{separator}{first}", suffix, columns=("1", "2"))
        for separator, suffix in (("Space", ".edgelist"), ("Tab", ".tsv"), ("Comma", ".csv"))
        for first in ("Zero", "One")
        if separator != "Comma" or first == "One"
    ),
    _networkit("LFR", ".edgelist", columns=("1", "2")),
    _networkit("SNAP", ".txt"),
    _networkit("METIS", ".metis"),
    _networkit("GraphML", ".graphml"),
    _networkit("GEXF", ".gexf"),
    _networkit("GML", ".gml"),
    _networkit("DOT", ".dot"),
    _networkit("MAT", ".mat"),
    _networkit("GraphToolBinary", ".gt"),
    _networkit("NetworkitBinary", ".nkb"),
    _networkit("ThrillBinary", ".bin"),
)
SCIPY = (
    Writer("scipy", "Matrix Market", ".mtx", lambda m, p: scipy.io.mmwrite(p, m), scipy.io.mmread),
    Writer("scipy", "MM general", ".mtx", lambda m, p: scipy.io.mmwrite(p, m, symmetry="general"), scipy.io.mmread),
    Writer("scipy", "MM dense", ".mtx", lambda m, p: scipy.io.mmwrite(p, m.toarray()), scipy.io.mmread),
    Writer("scipy", "Harwell-Boeing", ".rb", lambda m, p: scipy.io.hb_write(p, m.tocsc()), scipy.io.hb_read),
    Writer("scipy", "MATLAB", ".mat", lambda m, p: scipy.io.savemat(p, {"A": m.tocsc()}), lambda p: scipy.io.loadmat(p)["A"]),
    Writer("scipy", "npz", ".npz", lambda m, p: sparse.save_npz(p, m), sparse.load_npz),
)
WRITERS = (*IGRAPH, *NETWORKX, *RUSTWORKX, *NETWORKIT, *SCIPY)
