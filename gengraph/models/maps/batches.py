"""Letters of some graphs, each under a root of its own.

Legend: B graphs, R letters of all graphs, S letters S among them, Q choices of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.maps.frontier import END, SPLIT
from gengraph.models.maps.letters import encode_graph
from gengraph.models.maps.plane import PlaneGraphs
from gengraph.models.maps.views import NUM_CODES, NUM_NUMBERS
from gengraph.streams import key_of, open_stream


@dataclass(frozen=True, slots=True)
class MapBatch:
    """A `Batch`.

    Attributes:
        graph: int64[B].
        num_nodes: int64[B].
        outer: float32[B], the lengths of the outer faces, on average 1 over the graph set.
        num_letters: int64[B], 2 n - 2 of each graph.
        codes: int32[R, C], numbers: float32[R, K], masks: bool[R, NUM_LETTERS], letters: int64[R].
        splits: int64[S], the rows of the letters S.
        choices: int32[Q, D], num_choices: int64[S], taken: int64[S], which of its choices each takes.
        num_cut: edges that were cut.
        log_ways: float64[B], -log of the probability with which embedding and root of each graph were drawn.
    """

    graph: Int64Array
    num_nodes: Int64Array
    outer: npt.NDArray[np.float32]
    num_letters: Int64Array
    codes: Int32Array
    numbers: npt.NDArray[np.float32]
    masks: npt.NDArray[np.bool_]
    letters: Int64Array
    splits: Int64Array
    choices: Int32Array
    num_choices: Int64Array
    taken: Int64Array
    num_cut: int
    log_ways: npt.NDArray[np.float64]

    @property
    def losses_of_data(self) -> Mapping[str, int]:
        """Edges that were cut because a graph was not planar."""
        return {"cut_edges": self.num_cut}

    @property
    def graph_of_letter(self) -> Int64Array:
        """int64[R], the place in the batch of each letter's graph."""
        return np.repeat(np.arange(len(self.graph)), self.num_letters)

    def names(self) -> list[bytes]:
        """The size, the letters and the choices of each graph."""
        taken = np.full(len(self.letters), -1)
        taken[self.splits] = self.taken
        said = np.column_stack([self.letters, taken]).astype(np.int32)
        ends = np.cumsum(self.num_letters)
        pairs = zip(self.num_nodes, np.split(said, ends[:-1]), strict=True)
        return [np.int32(size).tobytes() + rows.tobytes() for size, rows in pairs]


def encode_maps(plane: PlaneGraphs, graph: Int64Array, widths: tuple[int, int], *, key: tuple[int, int]) -> MapBatch:
    """Encode graphs, embedding and root of each drawn from the stream of (seed, graph, epoch).

    Args:
        plane: the whole graph set.
        graph: int64[B], which graphs.
        widths: codes and numbers that are seen before a letter.
        key: (seed, epoch).
    """
    seed, epoch = key
    parts = [_encode(plane, int(g), widths, np.uint64(key_of(seed, int(g), epoch))) for g in graph]
    codes, numbers, masks, letters, choices, num_choices, taken, _, log_ways = zip(*parts, strict=True)
    every = np.concatenate(letters)
    return MapBatch(
        graph=graph,
        num_nodes=plane.num_nodes[graph],
        outer=(plane.outer[graph] / plane.outer.mean()).astype(np.float32),
        num_letters=np.array([len(own) for own in letters], np.int64),
        codes=np.concatenate(codes),
        numbers=np.concatenate(numbers),
        masks=np.concatenate(masks),
        letters=every,
        splits=np.flatnonzero((every >= SPLIT) & (every < END)),
        choices=np.concatenate(choices),
        num_choices=np.concatenate(num_choices),
        taken=np.concatenate(taken),
        num_cut=int(plane.num_cut[graph].sum()),
        log_ways=np.array(log_ways),
    )


def count_virtual(plane: PlaneGraphs, seed: int) -> int:
    """Virtual edges of all graphs, those to infinity not counted."""
    widths, everything = (NUM_CODES[0], NUM_NUMBERS[0]), range(len(plane.num_nodes))
    return sum(int(_encode(plane, g, widths, np.uint64(key_of(seed, g, 0)))[-2]) for g in everything)


def _encode(plane: PlaneGraphs, g: int, widths: tuple[int, int], key: np.uint64) -> tuple[Any, ...]:
    first, last = plane.edge_offsets[g : g + 2]
    own, rotation = plane.edges[first:last], plane.rotations[2 * first : 2 * last]
    encoded: tuple[Any, ...] = encode_graph(plane.num_nodes[g], own, rotation, widths, open_stream(key, 0))
    return encoded
