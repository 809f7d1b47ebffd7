"""The coding of a graph as a picture: its adjacency matrix below the diagonal, and which of its entries are decided."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from gengraph.files import write_text
from gengraph.graphs import GraphSet, Int32Array
from gengraph.graphs.orderings import Adjacency
from gengraph.models.blocks.ordering import BLOCK, COMPONENT, SAME, draw_order
from gengraph.models.blocks.pieces import find_pieces
from gengraph.streams import key_of

_CELL, _LEFT, _TOP = 20, 110, 30
_WORDS = {SAME: "same", BLOCK: "new block", COMPONENT: "new component"}
_COLOURS = {"edge": "#1f4e79", "certain": "#6fa8dc", "none": "#e4ebf2", "gate": "#c9c2b4"}
_LEGEND = {"edge": "edge, drawn", "certain": "edge, certain", "none": "no edge, drawn", "gate": "gate closed: one decision"}


def draw_coding(graph: GraphSet, path: Path | str, *, resolution: float = 1.0, breadth: bool = False, seed: int = 0) -> None:
    """Draw the decisions of a set's first graph in one order as an SVG.

    Args:
        graph: at least one, with a node or more.
        path: of the file.
        resolution: of the communities.
        breadth: whether the nodes of a piece come in the order in which they were reached.
        seed: of pieces and order.
    """
    first = graph[:1]
    adjacency = Adjacency.of(first)
    n = int(first.num_nodes[0])
    pieces, order, events = find_pieces(adjacency, resolution, seed=seed), np.empty(n, np.int32), np.empty(n, np.uint8)
    state = np.array([key_of(seed, 0, 0)], np.uint64)
    draw_order(adjacency.indptr, adjacency.neighbours, pieces, breadth, state, (order, events))
    matrix = np.zeros((n, n), np.bool_)
    matrix[tuple(first.edges.T)] = matrix[tuple(first.edges.T[::-1])] = True
    cells = _cells(matrix[np.ix_(order, order)], events)
    write_text(Path(path), _svg(cells, order, events))


def _cells(matrix: npt.NDArray[np.bool_], events: npt.NDArray[np.uint8]) -> dict[tuple[int, int], str]:
    """What each entry (row, column) below the diagonal is, of those that can be an edge."""
    starts = [*np.flatnonzero(events != SAME).tolist(), len(events)]
    block, component = np.cumsum(events != SAME) - 1, np.cumsum(events == COMPONENT)
    cells = {}
    for t in range(1, len(events)):
        opened = events[t] == SAME
        scanned = [block[t]] if opened else []
        scanned += [b for b in range(block[t]) if component[starts[b]] == component[t]]
        for b in scanned:
            places = range(starts[b], min(starts[b + 1], t))
            chosen = [p for p in places if matrix[t, p]]
            for p in places:
                kind = "edge" if matrix[t, p] else "none" if chosen else "gate"
                cells[t, p] = "certain" if chosen == [p] and p == places[-1] else kind
    return cells


def _svg(cells: dict[tuple[int, int], str], order: Int32Array, events: npt.NDArray[np.uint8]) -> str:
    n = len(order)
    width, height = _LEFT + max(n, 17) * _CELL, _TOP + (n + 3) * _CELL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for t in range(n):
        y, new = _TOP + t * _CELL, events[t] != SAME
        parts.append(_text(_LEFT - 8, y + 14, _WORDS[int(events[t])], "end", bold=bool(new)))
        parts.append(_text(_LEFT + t * _CELL + 10, y + 14, str(order[t]), "middle", bold=bool(new)))
        if new and t:
            parts.append(f'<path d="M{_LEFT} {y}h{n * _CELL}M{_LEFT + t * _CELL} {_TOP}v{n * _CELL}" stroke="#8a8a8a"/>')
    for (t, p), kind in cells.items():
        parts.append(_square(_LEFT + p * _CELL, _TOP + t * _CELL, kind))
    for k, (kind, words) in enumerate(_LEGEND.items()):
        x, below = _LEFT + k % 2 * 150, _TOP + (n + 0.6 + k // 2) * _CELL
        parts += [_square(x, below, kind), _text(x + 24, below + 14, words, "start")]
    return "\n".join([*parts, "</svg>", ""])


def _square(x: float, y: float, kind: str) -> str:
    return f'<rect x="{x + 1:g}" y="{y + 1:g}" width="{_CELL - 2}" height="{_CELL - 2}" fill="{_COLOURS[kind]}"/>'


def _text(x: float, y: float, words: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{weight} fill="#333333">{words}</text>'
