"""The last nodes of graphs that grow in step, as tensors: what the edge level of GraphRNN-C and totals ask of them.

All lanes take a node at a time, so that node t - k of each, the k-th nearest candidate, stands at the same slot, (p - k) mod M,
and p moves on with every node. What a lane remembers of the graph before, or of a node that never came, stands at slots that
no candidate has. No operation waits for the device or depends on values: a step can be recorded.

Common neighbours may lie before the window, so that they are counted as they come: a new node with the neighbours S is one more
to each pair in S, and shares as many with r as S has neighbours of r.

Legend: B lanes, M max_prev_node, W widest window of a step.
"""

import numpy as np
import torch
from torch import Tensor

from gengraph.graphs import Int64Array
from gengraph.models.graphrnn.totals import draw_totals, told_of
from gengraph.models.totals import TotalsLaw


class Window:
    """Adjacency, common neighbours and degrees of the last M nodes of every lane.

    Counts are float16, exact up to 2048.

    Args:
        lanes: B.
        max_prev_node: M.
        device: where they are.

    Attributes:
        slots: int64[M], where the k-th nearest candidate stands.
        matrices: float16[B, 2, M, M] of slots, `adjacency` and `common`.
        adjacency: float16[B, M, M], 0 or 1.
        common: float16[B, M, M], common neighbours; of a node with itself, its neighbours.
        degrees: int64[B, M].
    """

    def __init__(self, lanes: int, max_prev_node: int, device: torch.device) -> None:
        self.slots = torch.arange(max_prev_node, 0, -1, device=device) % max_prev_node
        self.matrices = torch.zeros(lanes, 2, max_prev_node, max_prev_node, dtype=torch.float16, device=device)
        self.adjacency, self.common = self.matrices.unbind(1)
        self.degrees = torch.zeros(lanes, max_prev_node, dtype=torch.int64, device=device)

    @staticmethod
    def bytes_per_lane(max_prev_node: int) -> int:
        """What is remembered of one lane."""
        return 4 * max_prev_node**2 + 8 * max_prev_node

    def of_newest(self, matrix: Tensor) -> Tensor:
        """The row float16[B, M] that the newest nodes have in `adjacency` or `common`, nearest candidate first."""
        return matrix.index_select(1, self.slots[:1])[:, 0].index_select(1, self.slots)

    def read(self, bits: Tensor) -> Tensor:
        """A node comes to every lane, with the row uint8[B, W], nearest candidate first.

        Returns:
            int64[B, 3], edges, triangles and paths of two edges that come with it.
        """
        chosen = torch.zeros_like(self.adjacency[:, 0]).index_copy_(1, self.slots[: bits.shape[1]], bits.to(self.adjacency))
        count = bits.sum(1, keepdim=True)
        shared = torch.bmm(chosen[:, None], self.adjacency)[:, 0]
        triangles = (shared * chosen).sum(1, keepdim=True, dtype=torch.float32).long() // 2
        paths = (self.degrees * chosen.long()).sum(1, keepdim=True) + count * (count - 1) // 2
        self.common.baddbmm_(chosen[:, :, None], chosen[:, None])
        self.degrees += chosen.long()
        self.slots.add_(1).remainder_(len(self.slots))
        newest = self.slots[:1]  # the oldest candidate makes room
        _replace(self.adjacency, newest, chosen.index_fill_(1, newest, 0))
        _replace(self.common, newest, shared.index_copy_(1, newest, count.to(shared)))
        self.degrees.index_copy_(1, newest, count)
        return torch.cat([count, triangles, paths], dim=1)

    def reset(self, lanes: Tensor) -> None:
        """New graphs begin in these lanes, int64[b]."""
        self.matrices[lanes] = 0
        self.degrees[lanes] = 0


def _replace(matrix: Tensor, slot: Tensor, values: Tensor) -> None:
    """Write a row and column float16[B, M] of a symmetric matrix."""
    matrix.index_copy_(1, slot, values[:, None])
    matrix.index_copy_(2, slot, values[:, :, None])


class WindowTally:
    """The totals of graphs that grow in step, and what they have of them (`gengraph.models.graphrnn.totals.Tally`).

    Args:
        law: of totals.
        lanes: B.
        device: where they are.
    """

    def __init__(self, law: TotalsLaw, lanes: int, device: torch.device) -> None:
        self._law, self._a_node = law, torch.from_numpy(law.a_node).to(device)
        self._totals, self._counts = (torch.zeros(lanes, 3, dtype=torch.int64, device=device) for _ in range(2))

    def reset(self, lanes: Tensor, sizes: Int64Array, keys: list[np.uint64]) -> None:
        """New graphs of so many nodes begin in these lanes, their totals drawn from their streams."""
        drawn = np.array([draw_totals(self._law, int(n), key) for n, key in zip(sizes, keys, strict=True)])
        self._totals[lanes] = torch.from_numpy(drawn).to(lanes.device)
        self._counts[lanes] = 0

    def told(self, num_nodes: Tensor, to_come: Tensor) -> Tensor:
        """float64[B, 6] before the next rows, of sizes int64[B] and of the nodes int64[B] to come after those."""
        return told_of(self._totals, self._counts, (num_nodes, to_come), self._a_node)

    def add(self, counts: Tensor) -> None:
        """Graphs have int64[B, 3] more."""
        self._counts += counts
