"""graph6 and sparse6: one graph a line, printable bytes of six bits each [1].

Reference:
    1. B. McKay. Description of graph6, sparse6 and digraph6 encodings. nauty's formats.txt.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.text import numbered_lines, read_text, suffix_of
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy, RawGraphs

_SIX = np.array([32, 16, 8, 4, 2, 1])


def read_nauty(path: Path, _policy: Policy) -> RawGraphs:
    """Every line says itself whether it is graph6 or sparse6; sparse6 may have loops and parallel edges."""
    sizes: list[int] = []
    lists: list[Any] = []
    for number, line in numbered_lines(read_text(path)):
        code = line.strip().removeprefix(">>graph6<<").removeprefix(">>sparse6<<")
        if not code:
            continue
        if code.startswith(("&", ";", ">>")):
            msg = f"{path}, line {number} is digraph6 or incremental sparse6, which are not read; write graph6 or sparse6"
            raise InputError(msg)
        try:
            size, edges = _graph(code)
        except ValueError as error:
            msg = f"{path}, line {number} is not {'s6' if code.startswith(':') else 'g6'}: {error}"
            raise InputError(msg) from error
        sizes.append(size)
        lists.append(np.array(edges, np.int64).reshape(-1, 2))
    return RawGraphs.from_lists(sizes, lists)


def are_codes(lines: Iterable[str]) -> bool:
    """Whether every one of some lines is graph6 or sparse6."""
    try:
        for line in lines:
            _graph(line)
    except ValueError:
        return False
    return True


def _graph(code: str) -> tuple[int, Any]:
    """Nodes and edges of a line.

    Raises:
        ValueError: it is neither of both.
    """
    return _from_sparse6(code) if code.startswith(":") else _from_graph6(code)


def write_nauty(graphs: GraphSet, path: Path) -> None:
    """Without a header, as other programs expect files of several graphs."""
    if suffix_of(path) == ".g6":
        ends = zip(graphs.num_nodes, graphs.edge_offsets[:-1], graphs.edge_offsets[1:], strict=True)
        write_text(path, "".join(_to_graph6(int(n), graphs.edges[start:end]) + "\n" for n, start, end in ends))
        return
    import networkx as nx

    write_text(path, "".join(nx.to_sparse6_bytes(graph, header=False).decode() for graph in graphs.to_networkx()))


def _six_bits(code: str) -> tuple[int, npt.NDArray[np.bool_]]:
    """The number of nodes, and the bits of what follows it."""
    values = np.frombuffer(code.encode(), np.uint8).astype(np.int64) - 63
    if not len(values) or (values < 0).any() or (values > 63).any():
        msg = "its characters must lie between ? and ~"
        raise ValueError(msg)
    header = 1 if values[0] < 63 else 4 if values[:2].min() < 63 or len(values) < 2 else 8
    if len(values) < header:
        msg = "it ends within the number of nodes"
        raise ValueError(msg)
    digits = values[header // 4 : header] if header < 8 else values[2:8]
    n = int((digits * 64 ** np.arange(len(digits) - 1, -1, -1)).sum())
    return n, (values[header:, None] & _SIX).astype(bool).reshape(-1)


def _from_sparse6(code: str) -> tuple[int, list[tuple[int, int]]]:
    """Nodes and edges; a bit says whether to go on to the next node v, the number x after it is a neighbour or the next v."""
    n, bits = _six_bits(code.removeprefix(":"))
    width = max(1, (n - 1).bit_length())
    whole = len(bits) // (width + 1) * (width + 1)
    units, padding = bits[:whole].reshape(-1, width + 1), bits[whole:]
    if len(padding) >= len(_SIX) or not padding.all():  # it is fewer than six ones
        msg = "it ends within an edge"
        raise ValueError(msg)
    steps = zip(units[:, 0].tolist(), (units[:, 1:] @ (1 << np.arange(width - 1, -1, -1))).tolist(), strict=True)
    edges = []
    v = 0
    for go_on, x in steps:
        v += go_on
        if x >= n or v >= n:  # padding
            break
        if x > v:
            v = x
        else:
            edges.append((x, v))
    return n, edges


def _from_graph6(code: str) -> tuple[int, npt.NDArray[np.int64]]:
    """Nodes and edges int64[E, 2]; bit v(v-1)/2 + u is the edge (u, v), u < v."""
    n, bits = _six_bits(code)
    length = n * (n - 1) // 2
    if len(bits) != -(-length // 6) * 6:
        msg = f"{n} nodes need {-(-length // 6)} characters, got {len(bits) // 6}"
        raise ValueError(msg)
    place = np.flatnonzero(bits[:length])
    v = ((1 + np.sqrt(1 + 8 * place.astype(np.float64))) // 2).astype(np.int64)
    v -= v * (v - 1) // 2 > place
    v += (v + 1) * v // 2 <= place
    return n, np.column_stack([place - v * (v - 1) // 2, v])


def _to_graph6(n: int, edges: npt.NDArray[np.int32]) -> str:
    length = n * (n - 1) // 2
    bits = np.zeros(-(-length // 6) * 6, np.uint8)
    u, v = edges.astype(np.int64).T
    bits[v * (v - 1) // 2 + u] = 1
    digits = [n] if n < 63 else [63, *_base64(n, 3)] if n < 2**18 - 2**12 else [63, 63, *_base64(n, 6)]
    body = bits.reshape(-1, 6) @ _SIX.astype(np.uint8)
    return (np.concatenate([np.array(digits, np.uint8), body]) + np.uint8(63)).astype(np.uint8).tobytes().decode()


def _base64(n: int, digits: int) -> list[int]:
    return [n >> 6 * place & 63 for place in range(digits - 1, -1, -1)]
