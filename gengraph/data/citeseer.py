"""The citation network Citeseer and its ego networks.

The file is a pickle of Python 2. A pickle is a program; this one is read by an unpickler that can make lists, whole numbers and
`defaultdict(list)`, and nothing else.

References:
    1. P. Sen et al. Collective classification in network data. AI Magazine 29, 2008.
    2. Z. Yang, W. Cohen, R. Salakhutdinov. Revisiting semi-supervised learning with graph embeddings (Planetoid). ICML 2016.
"""

import io
import pickle
import pickletools
from collections import defaultdict
from pathlib import Path
from typing import Any, Literal

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy, RawGraphs, simplify

CITESEER_FILE = "ind.citeseer.graph"
CITESEER_URL = "https://github.com/kimiyoung/planetoid/raw/master/data/ind.citeseer.graph"
CITESEER_SHA256 = "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7"
_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "defaultdict"): defaultdict,
    ("__builtin__", "list"): list,
    ("builtins", "list"): list,
}
_LISTS = {"MARK", "EMPTY_LIST", "APPEND", "APPENDS", "SETITEMS", "GLOBAL", "TUPLE1", "REDUCE"}
_NUMBERS = {"BININT", "BININT1", "BININT2"}
_MEMO = {"BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"}
_OPCODES = {"PROTO", "STOP"} | _LISTS | _NUMBERS | _MEMO  # of protocol 2, which Python 2 wrote


class _NeighbourListUnpickler(pickle.Unpickler):
    """Refuses every global but defaultdict and list."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            msg = f"it asks for {module}.{name}"
            raise pickle.UnpicklingError(msg)
        return _ALLOWED[module, name]


def unpickle_neighbours(content: bytes) -> dict[int, list[int]]:
    """Neighbour lists by node from a pickle that holds nothing but these.

    Its instructions are read before any is followed: only those that lists, whole numbers and defaultdict(list) need are
    allowed, and none may ask for more memory than the pickle is long.

    Raises:
        InputError: it asks for anything else, or is no pickle.
    """
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name not in _OPCODES or (opcode.name in _MEMO and int(argument or 0) > len(content)):
                msg = f"it holds the instruction {opcode.name}"
                raise pickle.UnpicklingError(msg)
        value = _NeighbourListUnpickler(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a broken pickle raises whatever its bytes happen to mean
        msg = f"the pickle is refused: {error}; only lists, whole numbers and defaultdict(list) are read"
        raise InputError(msg) from error
    plain = type(value) is defaultdict and value.default_factory is list
    if not plain or not all(type(node) is int and _is_list_of_ints(near) for node, near in value.items()):
        msg = "the pickle is refused: it must be a defaultdict(list) of lists of whole numbers and nothing else"
        raise InputError(msg)
    return dict(value)


def _is_list_of_ints(value: Any) -> bool:
    return type(value) is list and all(type(item) is int for item in value)


def read_citeseer(path: Path, *, whole: bool = False) -> GraphSet:
    """The citation network, undirected, without self-citations.

    Args:
        path: of the file.
        whole: all 3327 nodes and 4552 edges; else the largest component, 2120 nodes and 3679 edges.
    """
    neighbours = unpickle_neighbours(path.read_bytes())
    pairs = np.array([(node, other) for node, near in neighbours.items() for other in near], np.int64).reshape(-1, 2)
    nodes = np.unique(np.concatenate([pairs.ravel(), np.array(list(neighbours), np.int64)]))
    raw = RawGraphs.from_lists([len(nodes)], [np.searchsorted(nodes, pairs)], directed=True)
    components: Literal["keep", "largest"] = "keep" if whole else "largest"
    policy = Policy(on_directed="symmetrize", on_loops="drop", on_multi_edges="drop", on_components=components)
    return simplify(raw, policy).graphs


def ego_networks(graph: GraphSet, *, radius: int, sizes: range) -> GraphSet:
    """The subgraphs on the nodes within `radius` steps of each node, those whose number of nodes lies in `sizes`.

    Args:
        graph: one connected graph.
        radius: >= 0.
        sizes: nodes of the networks that are kept.

    Returns:
        In the order of their centres; nodes are numbered in the order they have in `graph`.
    """
    matrix = graph.to_csr()
    sets = []
    reached = np.empty(int(graph.num_nodes[0]), np.int32)
    for centre in range(len(reached)):
        count = _within(centre, radius, matrix.indptr, matrix.indices, reached)
        if count in sizes:
            keep = np.zeros(len(reached), dtype=bool)
            keep[reached[:count]] = True
            sets.append(graph.induced(keep))
    return GraphSet.concatenate(sets)


@nb.njit(cache=True)
def _within(
    centre: int,
    radius: int,
    indptr: npt.NDArray[np.int32],
    neighbours: npt.NDArray[np.int32],
    reached: npt.NDArray[np.int32],
) -> int:
    """Fill `reached` with the nodes within radius steps of a centre, return how many there are."""
    seen = np.zeros(reached.shape[0], np.bool_)
    seen[centre] = True
    reached[0] = centre
    level, tail = 0, 1
    for _ in range(radius):
        end = tail
        for i in range(level, end):
            for e in range(indptr[reached[i]], indptr[reached[i] + 1]):
                if not seen[neighbours[e]]:
                    seen[neighbours[e]] = True
                    reached[tail] = neighbours[e]
                    tail += 1
        level = end
    return tail
