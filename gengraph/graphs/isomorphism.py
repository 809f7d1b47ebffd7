"""Which graphs are the same up to the names of their nodes.

References:
    [1] T. Junttila and P. Kaski, Engineering an efficient canonical labeling tool for large and sparse graphs (BLISS),
        ALENEX 2007.
"""

import hashlib
import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from types import FrameType
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.pieces import Spread, chunks
from gengraph.graphs.schema import BACKWARD, FORWARD, LabelSchema

PATIENCE = 10.0  # seconds of CPU time for the form of one component
UNKNOWN = -1
_HASHED_NODES = 1 << 20  # that are hashed at a time


def canonical_keys(graphs: GraphSet, *, patience: float = PATIENCE) -> list[bytes | None]:
    """A key for each graph, the same for isomorphic graphs and no others: the SHA-256 of the canonical form [1].

    The form of a disconnected graph is that of its components, sorted: the search for a form of the whole would try to tell
    equal components apart. The canonical form of a component is the graph that igraph's own permutation gives; the meaning of
    the bare permutation is not the same in all versions of igraph. Labels of nodes are colours of the form; an edge with a
    label or a direction has a coloured node in its middle, or two if it goes one way. Colours are what labels say, not their
    numbers: keys of sets that number them differently, or that have others besides, can be compared.

    Args:
        graphs: any.
        patience: seconds of CPU time for each component. There is no such bound on Windows and outside the main thread, which
            have no such timer.

    Returns:
        The keys; None for a graph of which a component took longer: whether it is the same as another is not known.

    Raises:
        InputError: igraph is not installed.

    Complexity: exponential at worst (highly regular graphs without symmetry); about a millisecond for a protein with 300
    nodes, a fifth of a second for a thousand components.
    """
    igraph = _igraph()
    of_graph: list[list[bytes | None]] = [[] for _ in range(len(graphs))]
    known: dict[bytes, bytes | None] = {}
    with _timer() as bounded:
        made, shades, names = _coloured(graphs)
        for g, edges, colours in _components(made, shades):
            written = len(colours).to_bytes(4, "little") + edges.tobytes() + colours.tobytes()
            if written not in known:
                known[written] = bounded(partial(_key_of_connected, igraph, edges, colours, names), patience)
            of_graph[g].append(known[written])
    return [_joined(keys) for keys in of_graph]


def log_automorphisms(graphs: GraphSet) -> npt.NDArray[np.float64]:
    """float64[G], the log of how many automorphisms [1] each graph has, labels aside.

    Raises:
        InputError: igraph is not installed.

    Complexity: as that of `canonical_keys`.
    """
    igraph, found = _igraph(), np.empty(len(graphs))
    for g, graph in enumerate(graphs):
        found[g] = math.log(igraph.Graph(int(graph.num_nodes[0]), graph.edges.tolist()).count_automorphisms())
    return found


def isomorphism_classes(*sets: GraphSet, spread: Spread = map) -> list[Int64Array]:
    """Number the isomorphism classes of all sets together, in the order of their first graphs.

    Graphs with one hash of their colour refinement are compared with one another (`gengraph.graphs.matching`), a few
    microseconds a molecule; canonical forms are made of those alone that this does not tell apart or together.

    Args:
        sets: graph sets.
        spread: where hashes and canonical forms are computed.

    Returns:
        int64[G] for each set, the class of each graph, from 0; UNKNOWN (-1) where a canonical form took too long.

    Raises:
        InputError: a canonical form is needed, and igraph is not installed.
    """
    graphs = GraphSet.concatenate(sets)
    first = first_isomorphic(graphs, spread=spread)
    known = first != UNKNOWN
    classes = np.full(len(graphs), UNKNOWN, np.int64)
    classes[known] = np.unique(first[known], return_inverse=True)[1].reshape(-1)
    return np.split(classes, np.cumsum([len(part) for part in sets])[:-1])


def first_isomorphic(graphs: GraphSet, *, spread: Spread = map) -> Int64Array:
    """int64[G], the first graph of the set that each is isomorphic to, itself if none comes before; UNKNOWN as above."""
    first = _matched(graphs, spread)
    hard = np.flatnonzero(first == UNKNOWN)
    if len(hard):
        firsts: dict[bytes, int] = {}
        keys = chain.from_iterable(spread(canonical_keys, chunks(graphs[hard])))
        for g, key in zip(hard.tolist(), keys, strict=True):
            first[g] = UNKNOWN if key is None else firsts.setdefault(key, g)
    return first


def first_twin(graphs: GraphSet, *, spread: Spread = map) -> Int64Array:
    """As `first_isomorphic`, but a graph that a matching cannot tell apart in time stands for itself: no canonical forms."""
    first = _matched(graphs, spread)
    return np.where(first == UNKNOWN, np.arange(len(graphs)), first)


def _matched(graphs: GraphSet, spread: Spread) -> Int64Array:
    from gengraph.graphs.matching import arrays_of, representatives

    hashes = np.concatenate(list(spread(hash_graphs, chunks(graphs, num_nodes=_HASHED_NODES))))
    order = np.argsort(hashes, kind="stable")
    bounds = np.flatnonzero(np.diff(hashes[order]) != 0) + 1
    bounds = np.concatenate([[0], bounds, [len(order)]]) if len(order) else np.zeros(1, np.int64)
    return np.asarray(representatives(*arrays_of(graphs), order, bounds))


def without_twins(graphs: GraphSet) -> GraphSet:
    """The graphs that are isomorphic to none before them; one of which this is not known stays."""
    first = first_isomorphic(graphs)
    return graphs[(first == np.arange(len(graphs))) | (first == UNKNOWN)]


def hash_graphs(graphs: GraphSet) -> npt.NDArray[np.uint64]:
    """uint64[G], equal for isomorphic graphs, and for few others."""
    from gengraph.graphs.matching import arrays_of, graph_hashes

    return np.asarray(graph_hashes(*arrays_of(graphs)))


def _colour_names(schema: LabelSchema) -> list[str]:
    """What each colour says: labels of nodes, then those of edges by the marks that `arrays_of` gives them."""
    nodes = [""] if schema.nodes is None else [f"node {value}" for value in schema.nodes.values]
    edges = [""] if schema.edges is None else schema.edges.values
    return nodes + [f"edge {value} {direction}" for value in edges for direction in range(4)]


def _coloured(graphs: GraphSet) -> tuple[GraphSet, npt.NDArray[np.int32], list[str]]:
    """Bare graphs, which are isomorphic where the graphs are, the colours int32[N] of their nodes, and what each colour says.

    Colours are numbered in the order of what they say.
    """
    from gengraph.graphs.matching import arrays_of

    names = _colour_names(graphs.schema)
    by_name = sorted(range(len(names)), key=names.__getitem__)
    number = np.argsort(by_name).astype(np.int32)
    _, _, edges, labels, marks = arrays_of(graphs)
    colours = number[labels] if len(labels) else np.full(int(graphs.node_offsets[-1]), number[0])
    names = [names[k] for k in by_name]
    if not len(marks):
        return graphs.bare(), colours, names
    marks, graph = marks + graphs.schema.num_kinds[0], graphs.graph_of_edge
    one_way = np.isin(graphs.directions, (FORWARD, BACKWARD)) if graphs.directions is not None else np.zeros(len(edges), bool)
    backward = one_way & (graphs.directions == BACKWARD)
    ends = np.where(backward[:, None], edges[:, ::-1], edges)
    marks = np.where(backward, marks + FORWARD - BACKWARD, marks)
    # The middles of a graph's edges follow its own nodes: one for each edge, then a second for each that goes one way.
    middles = np.concatenate([np.arange(len(edges)), np.flatnonzero(one_way)])
    owner = graph[middles]
    order = np.argsort(owner, kind="stable")
    counts = np.bincount(owner, minlength=len(graphs))
    local = np.empty(len(owner), np.int64)
    local[order] = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts) + graphs.num_nodes[owner[order]]
    first, last = local[: len(edges)], local[: len(edges)].copy()
    last[one_way] = local[len(edges) :]
    pairs = [np.stack([ends[:, 0], first], axis=1), np.stack([last, ends[:, 1]], axis=1), np.stack([first, last], 1)[one_way]]
    made = GraphSet.from_flat(graphs.num_nodes + counts, np.concatenate([graph, graph, graph[one_way]]), np.concatenate(pairs))
    shades = np.empty(int(made.node_offsets[-1]), np.int32)
    nodes = np.arange(len(colours)) + np.repeat((made.node_offsets - graphs.node_offsets)[:-1], graphs.num_nodes)
    shades[nodes] = colours
    shades[made.node_offsets[owner] + local] = number[np.concatenate([marks, marks[one_way] + BACKWARD - FORWARD])]
    return made, shades, names


def _components(
    graphs: GraphSet, colours: npt.NDArray[np.int32]
) -> Iterator[tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    """The (graph, edges, colours of the nodes) of all components; nodes are numbered in their order."""
    labels = graphs.component_labels()
    sizes = np.bincount(labels)
    order = np.argsort(labels, kind="stable")
    starts = np.cumsum(sizes) - sizes
    local = np.empty(len(labels), np.int32)
    local[order] = np.arange(len(labels)) - np.repeat(starts, sizes)
    ends = graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]
    component = labels[ends[:, 0]]
    by_component = np.argsort(component, kind="stable")
    pairs = local[ends[by_component]]
    bounds = np.searchsorted(component[by_component], np.arange(len(sizes) + 1)).tolist()
    graph_of_node = graphs.graph_of_node
    owner, shades = graph_of_node[order[starts]].tolist(), colours[order]
    for c, (g, n, start) in enumerate(zip(owner, sizes.tolist(), starts.tolist(), strict=True)):
        yield g, pairs[bounds[c] : bounds[c + 1]], shades[start : start + n]


def _igraph() -> Any:
    """The package.

    Raises:
        InputError: it is not installed.
    """
    try:
        import igraph
    except ImportError as error:
        msg = "isomorphism needs the package igraph >= 0.10, which is not installed; pip install 'gengraph[metrics]'"
        raise InputError(msg) from error
    return igraph


def _key_of_connected(igraph: Any, pairs: npt.NDArray[np.int32], colours: npt.NDArray[np.int32], names: list[str]) -> bytes:
    present, ranks = np.unique(colours, return_inverse=True)
    said = "\n".join(names[colour] for colour in present)
    graph = igraph.Graph(len(colours), pairs.tolist(), vertex_attrs={"colour": ranks.tolist()})
    form = graph.permute_vertices(graph.canonical_permutation(color="colour"))
    edges = np.sort(np.array(form.get_edgelist(), dtype="<i4").reshape(-1, 2), axis=1)
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    shades = said.encode() + np.array(form.vs["colour"], "<i4").tobytes() if said else b""
    return hashlib.sha256(len(colours).to_bytes(4, "little") + edges.tobytes() + shades).digest()


def _joined(keys: list[bytes | None]) -> bytes | None:
    """The key of a graph, from those of its components."""
    known = [key for key in keys if key is not None]
    if len(known) < len(keys):
        return None
    return known[0] if len(known) == 1 else hashlib.sha256(b"components" + b"".join(sorted(known))).digest()


class _LateError(Exception):
    """The time is up."""


@contextmanager
def _timer() -> Iterator[Any]:
    """What calls a function, and gives None if it takes more CPU time than a number of seconds."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield lambda function, _patience: function()
        return
    armed = False

    def ring(_number: int, _frame: FrameType | None) -> None:
        if armed:
            raise _LateError

    def bounded(function: Any, patience: float) -> Any:
        nonlocal armed
        armed = True
        signal.setitimer(signal.ITIMER_VIRTUAL, patience)
        try:
            return function()
        except (_LateError, SystemError) as error:  # igraph returns with the exception set, which is a SystemError
            if isinstance(error, SystemError) and not isinstance(error.__cause__, _LateError):
                raise
            return None
        finally:
            armed = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    before = signal.signal(signal.SIGVTALRM, ring)
    try:
        yield bounded
    finally:
        signal.signal(signal.SIGVTALRM, before)
