"""What the file of each tool keeps of awkward graphs, and how the tool reads it back.

gengraph reads the files exactly, so what it does not find is not there.
"""

import contextlib
import io
import itertools
import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import rustworkx as rx
from scipy import sparse

from gengraph.benchmarks.interchange.writers import WRITERS, Case, Writer, graph_of
from gengraph.errors import InputError
from gengraph.formats.codecs import codec_of
from gengraph.formats.text import read_bytes
from gengraph.graphs.collection import Policy, RawGraphs

CASES = {
    "isolated node": Case(n=6, edges=((0, 1), (0, 2), (1, 2), (3, 4))),
    "isolated first": Case(n=4, edges=((1, 2), (2, 3))),
    "one node": Case(n=1),
    "no edge": Case(n=3),
    "backwards": Case(n=5, edges=((4, 3), (3, 2), (2, 1), (1, 0))),
    "loop": Case(n=3, edges=((0, 1), (1, 2), (1, 1))),
    "parallel edges": Case(n=3, edges=((0, 1), (0, 1), (1, 2))),
    "direction": Case(n=4, edges=((0, 1), (1, 0), (1, 2), (3, 2)), directed=True),
    "weight": Case(n=3, edges=((0, 1), (1, 2)), weights=(0.75, 2.5)),
    "negative weight": Case(n=3, edges=((0, 1), (1, 2)), weights=(-1.5, 2.0)),
    "weight 0": Case(n=3, edges=((0, 1), (1, 2)), weights=(0.0, 2.0)),
    "name": Case(n=4, edges=((0, 1), (1, 2), (2, 3)), names=("ann lee", "bo", "cy", "di")),
}
KEPT, GONE, REFUSED, UNREAD, OTHER = "yes", "lost", "not written", "refused", "another graph"


@dataclass(frozen=True, slots=True)
class Plain:
    """What is compared of a graph: nodes, edges as often as they stand there, whether they have directions and weights."""

    n: int
    edges: tuple[tuple[int, int], ...]
    directed: bool
    weighted: bool

    @classmethod
    def of(cls, n: int, edges: Iterable[tuple[int, int]], *, directed: bool, weighted: bool) -> "Plain":
        """With undirected edges from their smaller end, and sorted."""
        pairs = sorted(edges) if directed else sorted((min(pair), max(pair)) for pair in edges)
        return cls(n, tuple(pairs), directed and bool(pairs), weighted)


def plain_case(case: Case) -> Plain:
    """What a reader should say of a case."""
    return Plain.of(case.n, case.edges, directed=case.directed, weighted=any(weight != 1 for weight in case.weights))


def plain_raw(raw: RawGraphs) -> Plain:
    """What gengraph reads; edges that all stand in both directions are undirected."""
    pairs = [(int(u), int(v)) for u, v in raw.edges]
    directed = np.broadcast_to(raw.directed, len(pairs)).tolist()
    weighted = any(not name.startswith("node") for name in raw.attributes)
    arcs = Counter(pair for pair, one in zip(pairs, directed, strict=True) if one)
    n = int(raw.num_nodes[0])
    if any(arcs[v, u] != count for (u, v), count in arcs.items()):
        return Plain.of(n, pairs, directed=True, weighted=weighted)
    once = [pair for pair, one in zip(pairs, directed, strict=True) if not one or pair[0] <= pair[1]]
    return Plain.of(n, once, directed=False, weighted=weighted)


def read_by_gengraph(writer: Writer, path: Path) -> RawGraphs:
    """The one graph of a file, before any policy is applied.

    Raises:
        InputError: it is refused.
    """
    policy = Policy(**dict(writer.reading))
    raw = codec_of(path, policy.file_format).read(path, policy)
    if len(raw.num_nodes) != 1:
        msg = f"{path} holds {len(raw.num_nodes)} graphs"
        raise InputError(msg)
    return raw


def write_case(writer: Writer, case: Case, folder: Path) -> Path | None:
    """The file, None if the tool refuses to write it."""
    path = folder / f"graph{writer.suffix}"
    with _quiet():
        try:
            writer.write(graph_of(case, writer.tool), str(path))
        except Exception:  # of any kind, as the tools have them
            return None
    return path


def lost(case: Case, got: Plain) -> str | None:
    """What has become of a case: "" if nothing is missing, else in words; None if it is another graph altogether."""
    for number in (0, 1, 2):
        for losses in itertools.combinations(_LOSSES, number):
            less = case
            for loss in losses:
                less = _LOSSES[loss](less)
            if _same(plain_case(less), got):
                return " and ".join(losses)
    return None


def _same(one: Plain, other: Plain) -> bool:
    """Whether two graphs of a few nodes are the same but for the numbers of nodes."""
    if (one.n, len(one.edges), one.directed, one.weighted) != (other.n, len(other.edges), other.directed, other.weighted):
        return False
    return one == other or any(
        Plain.of(one.n, [(order[u], order[v]) for u, v in one.edges], directed=one.directed, weighted=one.weighted) == other
        for order in itertools.permutations(range(one.n))
    )


def _without_isolated(case: Case) -> Case:
    place = {node: i for i, node in enumerate(sorted({node for edge in case.edges for node in edge}))}
    return replace(case, n=len(place), edges=tuple((place[u], place[v]) for u, v in case.edges), names=())


def _only(case: Case, keep: Callable[[int], bool]) -> Case:
    kept = [i for i in range(len(case.edges)) if keep(i)]
    return replace(case, edges=tuple(case.edges[i] for i in kept), weights=tuple(case.weights[i] for i in kept if case.weights))


_LOSSES: dict[str, Callable[[Case], Case]] = {
    "isolated node": _without_isolated,
    "loop": lambda case: _only(case, lambda i: case.edges[i][0] != case.edges[i][1]),
    "parallel edges": lambda case: _only(case, lambda i: case.edges[i] not in case.edges[:i]),
    "direction": lambda case: replace(case, directed=False),
    "weight": lambda case: replace(case, weights=()),
    "weight 0": lambda case: _only(case, lambda i: not case.weights or case.weights[i] != 0),
    "made directed": lambda case: replace(case, directed=True),
    "made weighted": lambda case: replace(case, weights=(2.0,) * len(case.edges)),
}


@contextlib.contextmanager
def _quiet() -> Any:
    """Without what the tools print and warn."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def outcome(writer: Writer, name: str, folder: Path) -> str:
    """What the file of a writer keeps of a case: KEPT, GONE, REFUSED by its tool, UNREAD by gengraph, or what has changed."""
    case = CASES[name]
    path = write_case(writer, case, folder)
    if path is None:
        return REFUSED
    try:
        gone = lost(case, plain_raw(read_by_gengraph(writer, path)))
    except InputError:
        return UNREAD
    if gone is None:
        return OTHER
    if name == "name" and not gone and not _says(path, case.names[0]):
        return GONE
    return KEPT if not gone else GONE if gone == name else gone


def _says(path: Path, name: str) -> bool:
    return name.encode() in read_bytes(path).replace(b"&#32;", b" ")


def read_back(writer: Writer, folder: Path) -> dict[str, str]:
    """The cases that the tool reads otherwise than its file says, and how."""
    strange = {}
    for name, case in CASES.items() if writer.read else ():
        path = write_case(writer, case, folder)
        try:
            wanted = plain_raw(read_by_gengraph(writer, path)) if path else None
        except InputError:
            continue
        if path is None or wanted is None:
            continue
        own = _read_by_tool(writer, path)
        if own is None:
            strange[name] = "refused"
        elif not _same(replace(wanted, weighted=own.weighted), own):
            strange[name] = _difference(wanted, own)
    return strange


def _read_by_tool(writer: Writer, path: Path) -> Plain | None:
    assert writer.read is not None
    try:
        with _quiet():
            return plain_tool(writer.read(str(path)))
    except Exception:  # of any kind, as the tools have them
        return None


def _difference(wanted: Plain, own: Plain) -> str:
    if own.n != wanted.n:
        return f"{own.n} nodes of {wanted.n}"
    if own.directed != wanted.directed:
        return "directed" if own.directed else "undirected"
    if len(own.edges) != len(wanted.edges):
        return f"{len(own.edges)} edges of {len(wanted.edges)}"
    return "other edges"


def plain_tool(graph: Any) -> Plain:
    """A graph of any of the tools."""
    if isinstance(graph, list):  # of networkx's DOT, one for each graph of the file
        (graph,) = graph
    if isinstance(graph, tuple):  # of NetworKit's GEXF, with the events of a dynamic graph
        graph = graph[0]
    if hasattr(graph, "get_edgelist"):
        return Plain.of(graph.vcount(), graph.get_edgelist(), directed=graph.is_directed(), weighted=False)
    if hasattr(graph, "iterEdges"):
        return Plain.of(graph.numberOfNodes(), list(graph.iterEdges()), directed=graph.isDirected(), weighted=False)
    if hasattr(graph, "edge_list"):
        return Plain.of(graph.num_nodes(), list(graph.edge_list()), directed=isinstance(graph, rx.PyDiGraph), weighted=False)
    if isinstance(graph, nx.Graph):
        place = {node: i for i, node in enumerate(graph)}
        edges = [(place[u], place[v]) for u, v in graph.edges()]
        return Plain.of(len(place), edges, directed=graph.is_directed(), weighted=False)
    return _plain_matrix(graph)


def _plain_matrix(matrix: Any) -> Plain:
    entries = sparse.coo_array(matrix)
    there = np.flatnonzero(entries.data)
    ends = np.column_stack([entries.row[there], entries.col[there]])
    count = np.array([entries.shape[0]])
    return plain_raw(RawGraphs(num_nodes=count, edge_offsets=np.array([0, len(ends)]), edges=ends, directed=True))


def outcomes() -> dict[tuple[str, str], dict[str, str]]:
    """By tool and format: what its file keeps of each case, and under "own reader" how the tool reads it back."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for writer in WRITERS:
        with tempfile.TemporaryDirectory() as folder:
            row = {}
            for name in CASES:
                row[name] = outcome(writer, name, Path(folder))
                for file in Path(folder).iterdir():
                    file.unlink()
            row["own reader"] = _told(writer, read_back(writer, Path(folder)))
        found[writer.tool, writer.file_format] = row
    return found


def _told(writer: Writer, strange: dict[str, str]) -> str:
    if writer.read is None:
        return "none"
    if len(set(strange.values())) == 1 and len(strange) > 5:
        return f"all {next(iter(strange.values()))}"
    if "directed" in strange.values():
        strange = {"all": "directed"} | {name: how for name, how in strange.items() if how != "directed"}
    return "; ".join(f"{name}: {how}" for name, how in strange.items()) or "as written"
