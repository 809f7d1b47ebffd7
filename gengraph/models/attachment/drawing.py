"""The coding of a graph as a picture: how many older nodes each joins, and in which order these are chosen."""

from pathlib import Path

from gengraph.files import write_text
from gengraph.graphs import GraphSet
from gengraph.models.attachment.coding import Coder, Sequence
from gengraph.models.attachment.orders import Order
from gengraph.models.attachment.views import Typical

_CELL, _LEFT, _TOP = 20, 70, 20
_EDGE, _NONE = "#6fa8dc", "#e4ebf2"


def draw_coding(graph: GraphSet, path: Path | str, *, order: Order, seed: int = 0) -> None:
    """Draw the decisions of a set's first graph in one order as an SVG.

    Args:
        graph: at least one, with a node or more.
        path: of the file.
        order: in which its nodes join.
        seed: of what is random.
    """
    write_text(Path(path), _svg(Coder(graph[:1], order, Typical(0, 0.0)).sequence(0, (seed, 0))))


def _svg(sequence: Sequence) -> str:
    n, joined = len(sequence.matrix), sequence.joined
    width, height = _LEFT + (n + 1) * _CELL, _TOP + (n + 1) * _CELL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for t in range(n):
        parts.append(_text(_LEFT - 8, _TOP + t * _CELL + 14, f"joins {joined[t]}", "end"))
        parts.append(_text(_LEFT + t * _CELL + 10, _TOP + t * _CELL + 14, str(t), "middle"))
        parts += [_square(t, i, _NONE) for i in range(t)]
    first = joined.cumsum() - joined
    for number, (t, i) in enumerate(zip(sequence.place.tolist(), sequence.target.tolist(), strict=True)):
        parts.append(_square(t, i, _EDGE))
        parts.append(_text(_LEFT + i * _CELL + 10, _TOP + t * _CELL + 14, str(number - first[t] + 1), "middle"))
    return "\n".join([*parts, "</svg>", ""])


def _square(row: int, column: int, colour: str) -> str:
    x, y = _LEFT + column * _CELL + 1, _TOP + row * _CELL + 1
    return f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}" fill="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="#333333">{words}</text>'
