"""A picture of the decisions of a forest, as SVG: every vertex below its parent, with its rank and its size."""

from pathlib import Path

import numpy as np

from gengraph.files import write_text
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.trees.coding import see_children
from gengraph.models.trees.decisions import RANKS, SIZES, Offer
from gengraph.models.trees.rooted import EDGE, FOREST, NODE, Rooted

_WIDTH, _HEIGHT, _MARGIN = 58, 62, 40  # of a leaf and of a level, and around the picture, in pixels
_COLOURS = {True: "#1f4e79", False: "#999"}
_LEGEND = "rank.size of what hangs below: blue decided, grey certain; squares are virtual"


def draw_decisions(graphs: GraphSet, path: Path | str) -> None:
    """Draw what is decided of the first of some forests."""
    rooted = Rooted.of(graphs[:1])
    children = rooted.children()
    seen = see_children(rooted, children)
    decided = [set(children[Offer.of(kind, seen).asked].tolist()) for kind in (RANKS, SIZES)]
    places = _places(rooted, children)
    lines = [_line(places[child], places[rooted.parent[child]], rooted, child) for child in children.tolist()]
    marks = [_mark(places[vertex], rooted, vertex, decided) for vertex in range(len(rooted.role))]
    width, height = (max(column) + _MARGIN for column in zip(*places, strict=True))
    text = f'<text x="8" y="{height + 14}" fill="#555">{_LEGEND}</text>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(width, 520):.0f}" height="{height + 24:.0f}" '
    style = 'font-family="sans-serif" font-size="12">'
    write_text(Path(path), "\n".join([head + style, *lines, *marks, text, "</svg>", ""]))


def _places(rooted: Rooted, children: Int64Array) -> list[tuple[float, float]]:
    """Where each vertex stands: leaves side by side, the others above the middle of their children."""
    below: list[list[int]] = [[] for _ in rooted.role]
    for child in children.tolist():
        below[rooted.parent[child]].append(child)
    across, down, leaves = np.zeros(len(below)), np.zeros(len(below)), 0
    order = [len(below) - 1]
    for vertex in order:  # parents first; it grows
        order += below[vertex]
        down[below[vertex]] = down[vertex] + 1
    waiting = [len(below) - 1]
    while waiting:  # leaves from left to right
        vertex = waiting.pop()
        waiting += reversed(below[vertex])
        across[vertex], leaves = leaves, leaves + (not below[vertex])
    for vertex in reversed(order):
        if below[vertex]:
            across[vertex] = (across[below[vertex][0]] + across[below[vertex][-1]]) / 2
    return [(_MARGIN + _WIDTH * x, _MARGIN + _HEIGHT * y) for x, y in zip(across.tolist(), down.tolist(), strict=True)]


def _line(at: tuple[float, float], above: tuple[float, float], rooted: Rooted, child: int) -> str:
    real = rooted.role[child] == NODE and rooted.role[rooted.parent[child]] != FOREST
    style = "stroke:#222;stroke-width:2" if real else "stroke:#999;stroke-dasharray:4 3"
    return f'<line x1="{at[0]:.1f}" y1="{at[1]:.1f}" x2="{above[0]:.1f}" y2="{above[1]:.1f}" style="{style}"/>'


def _mark(at: tuple[float, float], rooted: Rooted, vertex: int, decided: list[set[int]]) -> str:
    x, y = at
    shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="#222"/>'
    if rooted.role[vertex] in (EDGE, FOREST):
        shape = f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" fill="#fff" stroke="#555"/>'
    label = [(rooted.rank[vertex], vertex in decided[0]), (rooted.size[vertex], vertex in decided[1])]
    if rooted.role[vertex] == FOREST:
        label = [(rooted.size[vertex], True)]
    words = '<tspan fill="#999">.</tspan>'.join(f'<tspan fill="{_COLOURS[of_net]}">{value}</tspan>' for value, of_net in label)
    return f'{shape}<text x="{x + 9:.1f}" y="{y - 3:.1f}">{words}</text>'
