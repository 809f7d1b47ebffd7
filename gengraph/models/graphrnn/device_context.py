"""Rows of GraphRNN-C for all lanes at once, candidate by candidate, on the device of the weights.

Lanes are aligned at their nearest candidates: one step decides about the k-th nearest of every lane whose window reaches so
far. What a candidate's codes say of the row that is being made is looked up at its step; what they say of the graph before it,
and the node-level states, are added up for all candidates beforehand.

Legend: B lanes, W widest window of a step, M max_prev_node, F units of the first hidden layer.
"""

from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional

from gengraph.models.graphrnn import candidates
from gengraph.models.graphrnn.config import CONTEXT_FEATURES
from gengraph.models.graphrnn.kernels.networks import ContextLevel
from gengraph.models.graphrnn.window import Window

_MOST = candidates.MOST_COMMON
assert _MOST == candidates.MOST_ADJACENT  # so that one operation caps both counts


class DeviceContext:
    """Draws rows from ContextEdges (`gengraph.models.graphrnn.row_samplers.DrawBlock`), once before each node.

    Args:
        head: its weights are shared.
        lanes: B.
        window: of the graphs that grow.
        programs: `gengraph.models.graphrnn.kernels.triton_context`, if it draws.
    """

    def __init__(self, head: ContextLevel, lanes: int, window: Window, programs: ModuleType | None) -> None:
        self._head, self._window, self._programs = head, window, programs
        if programs:
            most = candidates.MOST_CHOSEN, candidates.MOST_ADJACENT, candidates.MOST_DEGREE, candidates.MOST_COMMON
            self._codes = programs.Codes(*most, used=sum(1 << i for i, used in enumerate(head.used) if used))
        self._used = dict(zip(CONTEXT_FEATURES, head.used.astype(int).tolist(), strict=True))
        self._bound = len(window.slots)
        of_common = 3 * self._bound + candidates.CHOSEN_CODES + candidates.DEGREE_CODES
        first_codes = [[2 * self._bound], [3 * self._bound], [of_common]]
        self._first_codes = torch.tensor(first_codes, device=head.table.device)
        self._then = head.table.new_zeros(lanes, self._bound, head.table.shape[1])  # V h, by slots

    @staticmethod
    def bytes_per_lane(max_prev_node: int, hidden_size: int) -> int:
        """What is remembered of one lane, and what is added up for a row."""
        return 12 * max_prev_node * hidden_size

    def __call__(self, states: Tensor, widths: Tensor, thresholds: Tensor, _uniforms: Tensor) -> Tensor:
        """The bits uint8[B, W] of the next rows, nearest candidate first."""
        head, window, width = self._head, self._window, thresholds.shape[1]
        self._then.index_copy_(1, window.slots[:1], head.then(states)[:, None])
        if self._programs:
            seen = self._programs.Seen(self._then, window.slots, window.matrices, window.degrees)
            bits: Tensor = self._programs.draw_rows(head, self._codes, head.now(states), seen, widths, thresholds)
            return bits
        scanned = widths[:, None] - 1 - torch.arange(width, device=widths.device)  # when candidate k comes in the scan
        outside, scanned = scanned < 0, scanned.clamp(min=0)
        thresholds = thresholds.gather(1, scanned).masked_fill(outside, torch.inf)
        known, row = self._known(states, scanned), _Row(window, self._used, self._first_codes)
        for k in reversed(range(width)):
            hidden = known[:, k] + functional.embedding(row.codes(k), head.table).sum(0)
            logits = head.output(functional.relu(head.hidden(functional.relu(hidden)))).squeeze(1)
            chosen = logits > thresholds[:, k]
            if k == 0:  # the last decision is certain if nothing was chosen before
                chosen = (chosen | (row.count == 0)) & ~outside[:, 0]
            row.add(k, chosen)
        return row.bits[:, :width]

    def _known(self, states: Tensor, scanned: Tensor) -> Tensor:
        """float[B, W, F], what the graph before the row and the states add to each candidate."""
        head, window, used, width = self._head, self._window, self._used, scanned.shape[1]
        slots = window.slots[:width]
        degrees = window.degrees.index_select(1, slots).clamp(max=candidates.MOST_DEGREE) * used["degree"]
        last = window.of_newest(window.adjacency)[:, :width].long() * used["last_adjacent"]
        of_graph = 3 * self._bound + candidates.CHOSEN_CODES + 2 * degrees + last
        nearest = torch.arange(width, device=slots.device) * used["distance"]
        known = self._then.index_select(1, slots)
        known += head.now(states)[:, None]
        for codes in (nearest, self._bound + scanned * used["far_end"], of_graph):
            known += functional.embedding(codes, head.table)
        return known


class _Row:
    """What has been chosen in the row that every lane is making; what is not seen is not counted.

    Args:
        window: before the row.
        used: 1 for each feature that is seen, 0 for the others.
        first_codes: int64[3, 1], where the codes begin that tell of the row.

    Attributes:
        bits: uint8[B, M], nearest candidate first.
        count: float16[B], how many were chosen.
    """

    def __init__(self, window: Window, used: dict[str, int], first_codes: Tensor) -> None:
        self._window, self._used, self._first_codes = window, used, first_codes
        self._with_last = window.of_newest(window.common).clamp(max=_MOST) * used["common_last"]
        self._counts = torch.zeros_like(window.matrices[:, :, 0])  # [B, 2, M], by slots: adjacent chosen, common with the first
        self.count, self._gap = (torch.zeros_like(self._counts[:, 0, 0]) for _ in range(2))
        self.bits = torch.zeros_like(window.degrees, dtype=torch.uint8)

    def codes(self, k: int) -> Tensor:
        """int64[3, B], those codes of the k-th nearest candidates that tell of the row."""
        adjacent, common = self._counts.index_select(2, self._slot(k))[:, :, 0].clamp(max=_MOST).unbind(1)
        chosen = self.count.clamp(max=candidates.MOST_CHOSEN)
        of_row = torch.add(adjacent, chosen, alpha=(candidates.MOST_ADJACENT + 1) * self._used["chosen"])
        shared = torch.add(self._with_last[:, k], common, alpha=candidates.MOST_COMMON + 1)
        return torch.stack([self._gap, of_row, shared]).long() + self._first_codes

    def add(self, k: int, chosen: Tensor) -> None:
        """The lanes bool[B] have chosen their k-th nearest candidates."""
        ones = chosen.to(self.count)
        seen = (
            ones if self._used["chosen_adjacent"] else torch.zeros_like(ones),
            ones * (self.count == 0) if self._used["common_first"] else torch.zeros_like(ones),
        )
        row = self._window.matrices.index_select(2, self._slot(k))[:, :, 0]
        self._counts.addcmul_(row, torch.stack(seen, dim=1)[:, :, None])
        if self._used["gap"]:
            self._gap.add_(self._gap > 0).masked_fill_(chosen, 1)
        self.count += ones
        self.bits[:, k] = chosen

    def _slot(self, k: int) -> Tensor:
        return self._window.slots[k : k + 1]
