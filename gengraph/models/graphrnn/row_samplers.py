"""What draws the edges of the next row for all lanes of a sampler.

Legend: B lanes, W widest window of a step, H hidden size, M max_prev_node.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gengraph.graphs import Int64Array

DrawBlock = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Bits uint8[b, w] of a block of lanes, nearest candidate first, from states float[b, H], widths int64[b], thresholds
float[b, w] in the order of the scan (a bit is 1 when its logit exceeds its threshold), and uniforms float[b] on [0, 1)."""

Decide = Callable[[Tensor, Tensor], Tensor]
"""Decisions int64[B] from states float[B, H] and uniforms float64[B] on [0, 1), by the inverse of the distribution."""

Network = Callable[[Tensor], Tensor]


def in_blocks(network: Network, block: int | None) -> Network:
    """The same for any number of lanes, in blocks of one size; None leaves it as it is."""
    return network if block is None else lambda states: torch.cat([network(part) for part in states.split(block)])


class RowSampler(Protocol):
    """Draws rows, and may remember what it needs of the graphs that grow."""

    def draw(
        self,
        states: Tensor,
        widths: Int64Array,
        thresholds: npt.NDArray[np.float32],
        newest: Int64Array,
        uniforms: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.uint8]:
        """Draw the bits of one row a lane.

        Args:
            states: float[B, H], of the node level before the row.
            widths: int64[B], candidates of each lane; 0 where a node without earlier neighbours comes, or none.
            thresholds: float32[B, W], one for each scan step: a bit is 1 when its logit exceeds it.
            newest: int64[B], the newest node of each lane, from 0.
            uniforms: float64[B] on [0, 1), one number of its own for each row, by which a mixture chooses a component.

        Returns:
            uint8[B, W], bit k standing for the k-th nearest candidate.
        """

    def reset(self, lanes: Int64Array) -> None:
        """New graphs begin in these lanes."""

    def keep(self, lanes: Int64Array) -> None:
        """Only these lanes go on, numbered anew in this order."""


class BlockwiseSampler:
    """Draws rows by a network that needs the states alone, in blocks of the same number of lanes.

    Lanes go through the network widest first, so that a block ends early where rows are narrow.

    Args:
        draw_block: the network.
        block: lanes of a block, B is a multiple of it; None takes all that draw together.
    """

    def __init__(self, draw_block: DrawBlock, block: int | None) -> None:
        self._draw_block, self._block = draw_block, block

    def draw(
        self,
        states: Tensor,
        widths: Int64Array,
        thresholds: npt.NDArray[np.float32],
        newest: Int64Array,
        uniforms: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.uint8]:
        """The bits uint8[B, W], as RowSampler has it."""
        bits = np.zeros(thresholds.shape, np.uint8)
        widest_first = np.argsort(-widths, kind="stable")
        drawing = int(np.count_nonzero(widths))
        block = self._block or max(1, drawing)
        for start in range(0, drawing, block):
            lanes = widest_first[start : start + block]
            width = int(widths[lanes[0]])
            drawn = self._draw_block(
                states[torch.from_numpy(lanes).to(states.device)],
                torch.from_numpy(widths[lanes]).to(states.device),
                torch.from_numpy(thresholds[lanes, :width]).to(states),
                torch.from_numpy(uniforms[lanes]).to(states),
            )
            bits[lanes, :width] = drawn.cpu().numpy()
        return bits

    def reset(self, lanes: Int64Array) -> None:
        """Nothing is remembered."""

    def keep(self, lanes: Int64Array) -> None:
        """Nothing is remembered."""
