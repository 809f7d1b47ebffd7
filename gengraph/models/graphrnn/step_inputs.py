"""What the likelihood reads of a batch: all that hangs on no weights, so that threads make it ahead of the step.

Legend: B graphs, R rows of the batch in time-major order, M max_prev_node, C columns that conditions are told in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import torch

from gengraph.graphs import Int64Array
from gengraph.models.graphrnn.rows import RowBatch, UInt8Array
from gengraph.models.graphrnn.totals import count_rows, told_of, totals_of
from gengraph.models.sizes import SizeLaw
from gengraph.models.totals import TotalsLaw

FloatArray = npt.NDArray[np.float64]


class ReadingModel(Protocol):
    """What is asked of a model (`gengraph.models.graphrnn.network.GraphRNNModel`).

    Attributes:
        sizes: the law of sizes that are drawn first.
        totals: the law of totals that are drawn with them.
        code: of what is told of graphs; None of a model without conditions.
        head: with a method `describe`, which says what it reads of rows.
        reads_edge_state: whether it reads them one after the other.
    """

    sizes: SizeLaw | None
    totals: TotalsLaw | None
    code: Any
    head: Any
    reads_edge_state: bool


@dataclass(frozen=True, slots=True)
class StepInputs:
    """A batch with what is read of it; moved to a device, its arrays but for the batch's own are tensors there.

    Attributes:
        batch: the rows, on the CPU.
        bits: uint8[R, M] of the rows.
        decisions: uint8[R] of the rows.
        rank: int64[R], the place of each row's graph in the batch.
        before: int64[R - B], of all rows but the first of each graph the one before.
        to_come: int64[R], nodes that come after each row's, where the size is drawn first; else None.
        of_totals: float64[R, 6], what both levels are told of totals; float64[R, 0] without.
        law: float64[B], log p of the size, and of the totals, if these are drawn first; else None.
        told: float64[B, C], what is told of each graph; None tells nothing.
        of_head: what the head reads; None where it reads row by row.
        units: `GraphRNNModel.units` of the batch, if they were counted.
    """

    MOVED: ClassVar = ("bits", "decisions", "rank", "before", "to_come", "of_totals", "law", "told", "of_head")

    batch: RowBatch
    bits: UInt8Array
    decisions: UInt8Array
    rank: Int64Array
    before: Int64Array
    to_come: Int64Array | None
    of_totals: FloatArray
    law: FloatArray | None
    told: FloatArray | None
    of_head: Any
    units: Mapping[str, int] | None = None

    @property
    def losses_of_data(self) -> Mapping[str, int]:
        """Those of the batch."""
        return self.batch.losses_of_data


def step_inputs(model: ReadingModel, batch: RowBatch) -> StepInputs:
    """What the likelihood of a model reads of a batch; nothing of it hangs on weights."""
    law, of_totals, rank = None, np.empty((len(batch.widths), 0)), batch.rank
    if model.sizes:
        law = model.sizes.log_prob(batch.num_nodes)
        if model.totals:
            law += model.totals.log_prob(batch.num_nodes, totals_of(batch))
            of_totals = _of_totals(batch, rank, model.totals.a_node)
    return StepInputs(
        batch=batch,
        bits=batch.bits,
        decisions=batch.decisions,
        rank=rank,
        before=np.arange(batch.batch_sizes[0], len(rank)) - np.repeat(batch.batch_sizes[:-1], batch.batch_sizes[1:]),
        to_come=batch.to_come if model.sizes else None,
        of_totals=of_totals,
        law=law,
        told=batch.told if model.code else None,
        of_head=None if model.reads_edge_state else model.head.describe(batch),
    )


def _of_totals(batch: RowBatch, rank: Int64Array, a_node: FloatArray) -> FloatArray:
    """float64[R, 6], what both levels are told of totals."""
    so_far, totals = count_rows(batch)
    totals = totals if batch.totals is None else batch.totals
    arrays = totals[rank], so_far, batch.num_nodes[rank], batch.to_come, a_node
    of_graphs, before, num_nodes, to_come, average = map(torch.from_numpy, arrays)
    told: FloatArray = told_of(of_graphs, before, (num_nodes, to_come), average).numpy()
    return told
