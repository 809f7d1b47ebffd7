"""A picture of the letters of a graph, as SVG: its triangulation, what is virtual, and which letter put which triangle.

The nodes that are joined to infinity stand on a circle, every other one in the middle of its neighbours (Tutte): no edges
cross.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.graphs import GraphSet
from gengraph.models.maps.batches import MapBatch, encode_maps
from gengraph.models.maps.frontier import (
    AFTER,
    BEFORE,
    END,
    FOLLOWING,
    IS_REAL,
    NODE,
    NUM_ARCS,
    NUM_NODES,
    PREVIOUS,
    SPLIT,
    TO,
    gate,
    new_state,
    put,
    start,
)
from gengraph.models.maps.plane import PlaneGraphs
from gengraph.models.maps.views import NUM_CHOICE_CODES, NUM_CODES, NUM_NUMBERS, describe_choices

_SIZE, _RADIUS = 460, 160  # of the picture and of the circle, in pixels
_STYLE = {True: "stroke:#222;stroke-width:2.5", False: "stroke:#999;stroke-width:1.2;stroke-dasharray:4 3"}
Points = npt.NDArray[np.float64]


def draw_letters(graphs: GraphSet, path: Path | str, *, key: tuple[int, int] = (0, 0)) -> None:
    """Draw the letters of the first of some planar graphs, from three nodes on, under the root that a key draws.

    Raises:
        InputError: it has fewer than three nodes.
    """
    if graphs.num_nodes[0] < 3:
        msg = f"a picture of letters needs a graph of at least 3 nodes, got {int(graphs.num_nodes[0])}"
        raise InputError(msg)
    batch = encode_maps(PlaneGraphs.of(graphs[:1]), np.zeros(1, np.int64), (NUM_CODES[1], NUM_NUMBERS[1]), key=key)
    triangles, edges = _replay(batch)
    places = _places([corners for corners, _ in triangles], edges)
    write_text(Path(path), _svg(places, triangles, edges))


def _replay(batch: MapBatch) -> tuple[list[tuple[tuple[int, int, int], str]], list[tuple[int, int, bool]]]:
    """The triangles with their letters, and the edges with whether they are real."""
    size, taken = int(batch.num_nodes[0]), iter(batch.taken)
    state = new_state(size)
    seen, targets = np.empty((size, NUM_CHOICE_CODES), np.int64), np.empty(size, np.int64)
    start(state, int(batch.letters[0]) - PREVIOUS)
    triangles = [((0, 1, 2), "root")]
    for letter in batch.letters[1:].tolist():
        half, halves, target = gate(state), state[1], -1
        before, after = halves[half, BEFORE], halves[half, AFTER]
        if letter < PREVIOUS:
            apex = state[0][NUM_NODES]
        elif SPLIT <= letter < END:
            describe_choices(state, half, letter, seen, targets)
            target = targets[next(taken)]
            apex = halves[target, NODE]
        else:
            apex = halves[halves[after, AFTER] if FOLLOWING <= letter < SPLIT else before, NODE]
        corners = int(halves[half, NODE]), int(apex), int(halves[after, NODE])
        triangles.append((corners, f"{len(triangles)} {_name(letter)}"))
        put(state, half, letter, target)
    arcs = state[3]
    edges = [(int(arcs[k + 1, TO]), int(arcs[k, TO]), bool(arcs[k, IS_REAL])) for k in range(0, state[0][NUM_ARCS], 2)]
    return triangles, edges


def _name(letter: int) -> str:
    """N, L, R or S with the bits of its edges, or E."""
    if letter == END:
        return "E"
    if PREVIOUS <= letter < SPLIT:
        return f"{'L' if letter < FOLLOWING else 'R'}{letter & 1}"
    return f"{'N' if letter < PREVIOUS else 'S'}{letter >> 1 & 1}{letter & 1}"


def _places(triangles: list[tuple[int, int, int]], edges: list[tuple[int, int, bool]]) -> Points:
    """Points float64[n + 1, 2] of the nodes; that of infinity, the first, is the middle."""
    link: dict[int, list[int]] = {}
    for corners in triangles:
        if 0 in corners:
            a, b = (corner for corner in corners if corner)
            link.setdefault(a, []).append(b)
            link.setdefault(b, []).append(a)
    ring, last = [min(link)], -1
    while len(ring) < len(link):
        following = next(node for node in link[ring[-1]] if node != last)
        last = ring[-1]
        ring.append(following)
    count = 1 + max(max(corners) for corners in triangles)
    angles = 2 * np.pi * np.arange(len(ring)) / len(ring)
    system, right = np.eye(count), np.full((count, 2), _SIZE / 2)
    for a, b, _ in edges:
        for node, other in ((a, b), (b, a)):
            if node and node not in link:
                system[node, other] = -1
    inner = [node for node in range(1, count) if node not in link]
    system[inner, inner] = -system[inner].sum(1) + 1
    right[inner] = 0
    right[ring] += _RADIUS * np.column_stack([np.sin(angles), -np.cos(angles)])
    return np.linalg.solve(system, right)


def _svg(places: Points, triangles: list[tuple[tuple[int, int, int], str]], edges: list[tuple[int, int, bool]]) -> str:
    middle = np.full(2, _SIZE / 2)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" font-family="sans-serif" font-size="12">']
    parts.append(f'<rect width="{_SIZE}" height="{_SIZE}" fill="white"/>')
    for a, b, real in edges:
        first = middle + 1.35 * (places[b] - middle) if a == 0 else places[a]
        parts.append(_element("line", {"x1": first[0], "y1": first[1], "x2": places[b][0], "y2": places[b][1]}, _STYLE[real]))
    for corners, text in triangles:
        inner = [places[corner] for corner in corners if corner]
        at = np.mean(inner, axis=0)
        if len(inner) == 2:
            at = middle + (at - middle) * (1 + 34 / max(1.0, float(np.linalg.norm(at - middle))))
        parts.append(f'<text x="{at[0]:.1f}" y="{at[1] + 4:.1f}" text-anchor="middle" fill="#b03060">{text}</text>')
    for node in range(1, len(places)):
        x, y = places[node]
        parts.append(_element("circle", {"cx": x, "cy": y, "r": 9.0}, "fill:white;stroke:#222;stroke-width:1.5"))
        parts.append(f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="#222">{node}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _element(name: str, numbers: dict[str, Any], style: str) -> str:
    said = " ".join(f'{key}="{float(value):.1f}"' for key, value in numbers.items())
    return f'<{name} {said} style="{style}"/>'
