"""Draw graphs: where the nodes go, and pictures of many graphs.

Legend: n nodes and m edges of one graph.

References:
    [1] E. Gansner, Y. Koren and S. North, Graph drawing by stress majorization, Graph Drawing 2004.
    [2] U. Brandes and C. Pich, Eigensolver methods for progressive multidimensional scaling of large data, Graph Drawing 2006.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse
from scipy.spatial.distance import cdist

from gengraph.errors import InputError
from gengraph.files import atomic_path
from gengraph.graphs import GraphSet, Int64Array

FloatArray = npt.NDArray[np.float64]

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE_FORMATS = ("png", "svg", "pdf")
_MAX_STRESS_NODES = 1000  # above, the matrix of all distances costs too much
_NUM_PIVOTS = 50
_SLENDER = 20
_ITERATIONS = 60
_TOLERANCE = 1e-3  # relative change of the stress at which the iteration ends


def layout(graph: GraphSet, *, seed: int = 0) -> FloatArray:
    """Positions whose distances are close to the distances in the graph; equal seeds give equal positions.

    Each component is laid out by stress majorization [1] from a multidimensional scaling [2] (by the latter alone above 1000
    nodes); one that is more than twenty times as long as wide, a ladder say, is wound up. Components stand beside each other,
    the largest first.

    Args:
        graph: one graph.
        seed: of what tells nodes apart that stand alike.

    Returns:
        float64[n, 2] in the unit square, in the proportions of the drawing.

    Complexity: O(n^2) memory and O(n^3 + 60 n^2) time up to 1000 nodes of a component, O(50 (n + m)) above.
    """
    labels = graph.component_labels()
    rng = np.random.default_rng(seed)
    positions = np.zeros((len(labels), 2))
    adjacency = graph.to_csr()
    components = sorted((np.flatnonzero(labels == label) for label in np.unique(labels)), key=len, reverse=True)
    boxes = [_component(adjacency[nodes][:, nodes], rng) for nodes in components]
    for nodes, box, corner in zip(components, boxes, _shelves([box.max(axis=0) for box in boxes]), strict=True):
        positions[nodes] = box + corner
    return _in_unit_square(positions)


def _component(adjacency: sparse.csr_array, rng: np.random.Generator) -> FloatArray:
    """float64[n, 2] >= 0, edges about 1 long."""
    count = adjacency.shape[0]
    if count <= 2:
        return np.array([[0.0, 0.0], [1.0, 0.0]])[:count]
    whole = count <= _MAX_STRESS_NODES
    pivots = np.arange(count) if whole else np.sort(rng.choice(count, _NUM_PIVOTS, replace=False))
    distances = sparse.csgraph.dijkstra(adjacency, unweighted=True, indices=pivots)
    positions = _scaling(distances) + rng.normal(scale=1e-3, size=(count, 2))
    if whole:
        positions = _majorize(positions, distances)
    positions = positions @ np.linalg.svd(positions - positions.mean(axis=0), full_matrices=False)[2].T  # the long axis first
    length, width = np.ptp(positions, axis=0)
    if length > _SLENDER * max(width, 1.0):
        positions = _wound(positions - positions.min(axis=0), pitch=2 * max(float(width), 1.0))
    return np.asarray(positions - positions.min(axis=0))


def _wound(positions: FloatArray, pitch: float) -> FloatArray:
    """Positions >= 0 bent to a spiral of Archimedes, the first coordinate along its arc and the second across."""
    angle = np.sqrt(4 * np.pi * positions[:, 0] / pitch + (2 * np.pi) ** 2)  # begins after a turn
    radius = pitch * angle / (2 * np.pi) + positions[:, 1]
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def _scaling(distances: FloatArray) -> FloatArray:
    """Multidimensional scaling of all nodes by their distances float64[k, n] to k pivots [2]."""
    squared = distances.T**2
    centred = squared - squared.mean(axis=0) - squared.mean(axis=1, keepdims=True) + squared.mean()
    _, vectors = np.linalg.eigh(centred.T @ centred)
    flat = centred @ vectors[:, :-3:-1]
    flat *= np.where(flat[np.abs(flat).argmax(axis=0), (0, 1)] < 0, -1, 1)  # eigenvectors come with either sign
    return np.asarray(flat * (distances.max() / max(np.ptp(flat, axis=0).max(), 1e-9)))


def _majorize(positions: FloatArray, distances: FloatArray) -> FloatArray:
    """Lower the sum of (|x_i - x_j| - d_ij)^2 / d_ij^2 step by step [1]."""
    np.fill_diagonal(distances, 1)
    weights = distances**-2.0
    np.fill_diagonal(weights, 0)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    factor = linalg.cho_factor(laplacian[1:, 1:])
    before = np.inf
    for _ in range(_ITERATIONS):
        found = cdist(positions, positions)
        stress = float((weights * (found - distances) ** 2).sum())
        if before - stress < _TOLERANCE * stress:
            break
        before = stress
        ratio = weights * distances / np.maximum(found, 1e-9)
        pulls = ratio.sum(axis=1)[:, None] * positions - ratio @ positions
        positions = np.vstack([np.zeros((1, 2)), linalg.cho_solve(factor, pulls[1:])])
    return positions


def _shelves(sizes: list[FloatArray]) -> list[FloatArray]:
    """Lower left corners for boxes (width, height), placed in rows of about a square."""
    gap = 1.0
    width = max(math.sqrt(sum((w + gap) * (h + gap) for w, h in sizes)), *(float(w) for w, _ in sizes), 0.0) if sizes else 0.0
    corners, left, bottom, height = [], 0.0, 0.0, 0.0
    for w, h in sizes:
        if left and left + w > width:
            left, bottom, height = 0.0, bottom + height + gap, 0.0
        corners.append(np.array([left, bottom]))
        left, height = left + w + gap, max(height, h)
    return corners


def _in_unit_square(positions: FloatArray) -> FloatArray:
    if not len(positions):
        return positions
    low, high = positions.min(axis=0), positions.max(axis=0)
    scale = max(float((high - low).max()), 1e-9)
    return np.asarray((positions - (low + high) / 2) / scale + 0.5)


def choose(graphs: GraphSet, count: int, *, seed: int = 0) -> GraphSet:
    """At most `count` graphs of a set, drawn with the seed, in their order."""
    return graphs if len(graphs) <= count else graphs[_drawn(len(graphs), count, seed)]


def choose_from(parts: Sequence[Callable[[], GraphSet]], count: int, *, seed: int = 0) -> tuple[GraphSet, int]:
    """As `choose` of all graphs of a set that is read a part at a time, and how many these are."""
    bounds = np.cumsum([0, *(len(read()) for read in parts)])
    drawn = _drawn(int(bounds[-1]), count, seed)
    cuts = np.searchsorted(drawn, bounds)
    chosen = [
        read()[drawn[first:last] - start]
        for read, start, first, last in zip(parts, bounds[:-1], cuts[:-1], cuts[1:], strict=True)
        if first < last
    ]
    return GraphSet.concatenate(chosen), int(bounds[-1])


def _drawn(total: int, count: int, seed: int) -> Int64Array:
    return np.sort(np.random.default_rng(seed).permutation(total)[:count]) if total > count else np.arange(total)


def draw_graphs(graphs: GraphSet, path: Path, *, seed: int = 0) -> None:
    """Draw graphs side by side into a picture; no display is needed.

    Args:
        graphs: at least one.
        path: ends with one of PICTURE_FORMATS; written whole or not at all.
        seed: of the layouts.

    Raises:
        InputError: no graphs, another suffix, or matplotlib is not installed.
    """
    suffix = path.suffix.removeprefix(".").lower()
    if suffix not in PICTURE_FORMATS:
        msg = f"a picture's name must end with .{', .'.join(PICTURE_FORMATS)}, got {str(path)!r}; picture.png, say"
        raise InputError(msg)
    if not len(graphs):
        msg = "a picture needs at least 1 graph, got 0; check the file"
        raise InputError(msg)
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        msg = "a picture needs the package matplotlib; pip install 'gengraph[plot]'"
        raise InputError(msg) from error
    columns = math.ceil(math.sqrt(len(graphs)))
    rows = math.ceil(len(graphs) / columns)
    figure = Figure(figsize=(2.6 * columns, 2.8 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for number, graph in enumerate(graphs):
        _draw(figure.add_subplot(rows, columns, number + 1), graph, seed)
    with atomic_path(path) as temporary, rc_context({"svg.hashsalt": "gengraph"}):  # else ids in an SVG are random
        metadata = {"Date": None} if suffix == "svg" else {"CreationDate": None} if suffix == "pdf" else None
        figure.savefig(temporary, format=suffix, dpi=150, metadata=metadata)


def _draw(axes: "Axes", graph: GraphSet, seed: int) -> None:
    from matplotlib.collections import LineCollection

    positions, count = layout(graph, seed=seed), int(graph.num_nodes[0])
    thickness = min(1.2, 20 / math.sqrt(len(graph.edges) + 1))
    axes.add_collection(LineCollection(list(positions[graph.edges]), colors="#8899aa", linewidths=thickness, zorder=1))
    axes.scatter(positions[:, 0], positions[:, 1], s=min(30.0, 900 / (count + 1)), c="#1f4e8c", linewidths=0, zorder=2)
    axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), aspect="equal")
    axes.set_title(f"{count} nodes, {len(graph.edges)} edges", fontsize=8, color="#444444")
    axes.axis("off")
