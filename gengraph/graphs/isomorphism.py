"""Which graphs are the same up to the names of their nodes.

References:
    [1] T. Junttila and P. Kaski, Engineering an efficient canonical labeling tool for large and sparse graphs (BLISS),
        ALENEX 2007.
"""

import hashlib
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from types import FrameType
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.pieces import Spread, chunks

PATIENCE = 10.0  # seconds of CPU time for the form of one component
UNKNOWN = -1
_HASHED_NODES = 1 << 20  # that are hashed at a time


def canonical_keys(graphs: GraphSet, *, patience: float = PATIENCE) -> list[bytes | None]:
    """A key for each graph, the same for isomorphic graphs and no others: the SHA-256 of the canonical form [1].

    The form of a disconnected graph is that of its components, sorted: the search for a form of the whole would try to tell
    equal components apart. The canonical form of a component is the graph that igraph's own permutation gives; the meaning of
    the bare permutation is not the same in all versions of igraph.

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
    try:
        import igraph
    except ImportError as error:
        msg = "isomorphism needs the package igraph >= 0.10, which is not installed; pip install 'gengraph[metrics]'"
        raise InputError(msg) from error
    of_graph: list[list[bytes | None]] = [[] for _ in range(len(graphs))]
    known: dict[bytes, bytes | None] = {}
    with _timer() as bounded:
        for g, n, edges in _components(graphs):
            written = n.to_bytes(4, "little") + edges.tobytes()
            if written not in known:
                known[written] = bounded(lambda n=n, edges=edges: _key_of_connected(igraph, n, edges), patience)
            of_graph[g].append(known[written])
    return [_joined(keys) for keys in of_graph]


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
    from gengraph.graphs.matching import representatives

    hashes = np.concatenate(list(spread(_hashes, chunks(graphs, num_nodes=_HASHED_NODES))))
    order = np.argsort(hashes, kind="stable")
    bounds = np.flatnonzero(np.diff(hashes[order]) != 0) + 1
    bounds = np.concatenate([[0], bounds, [len(order)]]) if len(order) else np.zeros(1, np.int64)
    first = np.asarray(representatives(graphs.num_nodes, graphs.edge_offsets, graphs.edges, order, bounds))
    hard = np.flatnonzero(first == UNKNOWN)
    if len(hard):
        firsts: dict[bytes, int] = {}
        keys = chain.from_iterable(spread(canonical_keys, chunks(graphs[hard])))
        for g, key in zip(hard.tolist(), keys, strict=True):
            first[g] = UNKNOWN if key is None else firsts.setdefault(key, g)
    return first


def without_twins(graphs: GraphSet) -> GraphSet:
    """The graphs that are isomorphic to none before them; one of which this is not known stays."""
    first = first_isomorphic(graphs)
    return graphs[(first == np.arange(len(graphs))) | (first == UNKNOWN)]


def _hashes(graphs: GraphSet) -> npt.NDArray[np.uint64]:
    from gengraph.graphs.matching import graph_hashes

    return np.asarray(graph_hashes(graphs.num_nodes, graphs.edge_offsets, graphs.edges))


def _components(graphs: GraphSet) -> Iterator[tuple[int, int, npt.NDArray[np.int32]]]:
    """The (graph, nodes, edges) of all components; nodes are numbered in their order."""
    labels = graphs.component_labels()
    sizes = np.bincount(labels)
    order = np.argsort(labels, kind="stable")
    local = np.empty(len(labels), np.int32)
    local[order] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    ends = graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]
    component = labels[ends[:, 0]]
    by_component = np.argsort(component, kind="stable")
    pairs = local[ends[by_component]]
    bounds = np.searchsorted(component[by_component], np.arange(len(sizes) + 1)).tolist()
    graph_of_node = np.repeat(np.arange(len(graphs)), graphs.num_nodes)
    owner = graph_of_node[order[np.cumsum(sizes) - sizes]].tolist()
    for c, (g, n) in enumerate(zip(owner, sizes.tolist(), strict=True)):
        yield g, n, pairs[bounds[c] : bounds[c + 1]]


def _key_of_connected(igraph: Any, n: int, pairs: npt.NDArray[np.int32]) -> bytes:
    graph = igraph.Graph(n, pairs.tolist())
    form = graph.permute_vertices(graph.canonical_permutation())
    edges = np.sort(np.array(form.get_edgelist(), dtype="<i4").reshape(-1, 2), axis=1)
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    return hashlib.sha256(n.to_bytes(4, "little") + edges.tobytes()).digest()


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
