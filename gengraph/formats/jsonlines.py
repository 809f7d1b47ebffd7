"""JSON lines of plain graphs, compiled: {"n": 3, "edges": [[0, 1], [1, 2]]} and nothing else goes into flat arrays at once.

A file with anything else in it (other keys, names, weights, signs, fractions, letters beyond ASCII) is not read here at all, so
that there is one place which knows what that means: `gengraph.formats.native`.

Legend: G graphs, E edges.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.formats.text import MAX_BYTES
from gengraph.graphs.collection import RawGraphs

BLOCK_BYTES = 1 << 22  # that are read at a time
_EDGE_BYTES = 6  # of "[0,1]," at least
_PADDING = b"\0" * 8  # so that looking a few bytes ahead stays inside
_NO = -1
_LIMIT = 2**31


def read_plain_lines(path: Path) -> RawGraphs | None:
    """The graphs of a file, gzipped or not; None if a line is something else than a plain graph.

    Complexity: 12 bytes an edge and 12 a graph at the peak, and a few blocks of BLOCK_BYTES.
    """
    sizes, counts = [np.zeros(0, np.int32)], [np.zeros(1, np.int64)]
    edges = np.empty((path.stat().st_size // _EDGE_BYTES + 1, 2), np.int32)  # what is not filled takes no memory
    total = 0
    try:
        with _opened(path) as file:
            for block in _whole_lines(file):
                text = np.frombuffer(block + _PADDING, np.uint8)
                lines, brackets = block.count(b"\n"), block.count(b"[")
                if total + brackets > len(edges):  # a gzipped file
                    edges = np.concatenate([edges[:total], np.empty((total + brackets, 2), np.int32)])
                own = np.empty(lines, np.int32), np.empty(lines, np.int64)
                num_graphs, num_edges = _parse(text, len(block), *own, edges[total:])
                if num_graphs < 0:
                    return None
                sizes.append(own[0][:num_graphs])
                counts.append(own[1][:num_graphs])
                total += num_edges
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return None
    offsets = np.cumsum(np.concatenate(counts))
    return RawGraphs(num_nodes=np.concatenate(sizes), edge_offsets=offsets, edges=edges[:total])


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file in blocks that end with a line feed."""
    begun, total = b"", 0
    while block := file.read(BLOCK_BYTES):
        total += len(block)
        if total > MAX_BYTES:
            raise EOFError
        end = block.rfind(b"\n") + 1
        if end:
            yield begun + block[:end]
            begun = block[end:]
        else:
            begun += block
    if begun:
        yield begun + b"\n"


@nb.njit(cache=True)
def _skip(text: npt.NDArray[np.uint8], i: int) -> int:
    while text[i] == 32 or text[i] == 9:
        i += 1
    return i


@nb.njit(cache=True)
def _after(text: npt.NDArray[np.uint8], i: int, byte: int) -> int:
    """Where the text goes on after blanks, a byte and blanks; _NO if another byte is there."""
    if i == _NO:
        return _NO
    i = _skip(text, i)
    return _skip(text, i + 1) if text[i] == byte else _NO


@nb.njit(cache=True)
def _number(text: npt.NDArray[np.uint8], i: int) -> tuple[int, int]:
    """A whole number below 2^31 as JSON writes it, and where the text goes on; _NO if something else is there."""
    if i == _NO or text[i] < 48 or text[i] > 57 or (text[i] == 48 and 48 <= text[i + 1] <= 57):
        return 0, _NO
    value = 0
    while 48 <= text[i] <= 57:
        value = 10 * value + text[i] - 48
        if value >= _LIMIT:
            return 0, _NO
        i += 1
    return value, i


@nb.njit(cache=True)
def _pairs(text: npt.NDArray[np.uint8], i: int, edges: npt.NDArray[np.int32], e: int) -> tuple[int, int]:
    """Read [[u, v], ...] into `edges` from row e on; the row after the last one, and where the text goes on."""
    i = _after(text, i, 91)
    if i == _NO or text[i] == 93:
        return e, i if i == _NO else i + 1
    while True:
        u, i = _number(text, _after(text, i, 91))
        v, i = _number(text, _after(text, i, 44))
        i = _after(text, i, 93)
        if i == _NO:
            return e, _NO
        edges[e, 0], edges[e, 1] = u, v
        e += 1
        if text[i] == 93:
            return e, i + 1
        i = _after(text, i, 44)


@nb.njit(cache=True)
def _graph(text: npt.NDArray[np.uint8], i: int, edges: npt.NDArray[np.int32], e: int) -> tuple[int, int, int]:
    """Read an object with the keys n and edges, in any order; n, the row after the last edge, and where the text goes on."""
    i = _after(text, i, 123)
    size, has_edges = _NO, False
    while i != _NO and text[i] == 34:
        if size == _NO and text[i + 1] == 110 and text[i + 2] == 34:
            size, i = _number(text, _after(text, i + 3, 58))
        elif (
            not has_edges
            and text[i + 1] == 101
            and text[i + 2] == 100
            and text[i + 3] == 103
            and text[i + 4] == 101
            and text[i + 5] == 115
            and text[i + 6] == 34
        ):
            has_edges = True
            e, i = _pairs(text, _after(text, i + 7, 58), edges, e)
        else:
            return size, e, _NO
        if i == _NO:
            return size, e, _NO
        i = _skip(text, i)
        if text[i] == 125:
            return size, e, i + 1 if size != _NO and has_edges else _NO
        i = _after(text, i, 44)
    return size, e, _NO


@nb.njit(cache=True)
def _parse(
    text: npt.NDArray[np.uint8],
    length: int,
    sizes: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
    edges: npt.NDArray[np.int32],
) -> tuple[int, int]:
    """Read the lines of text[:length], which ends with a line feed; how many graphs and edges, (-1, -1) if one is no graph."""
    i, g, e = 0, 0, 0
    while i < length:
        i = _skip(text, i)
        if text[i] != 10 and not (text[i] == 13 and text[i + 1] == 10):
            before = e
            size, e, i = _graph(text, i, edges, e)
            if i == _NO:
                return _NO, _NO
            sizes[g], counts[g] = size, e - before
            g += 1
            i = _skip(text, i)
        if text[i] == 13:
            i += 1
        if text[i] != 10:
            return _NO, _NO
        i += 1
    return g, e
