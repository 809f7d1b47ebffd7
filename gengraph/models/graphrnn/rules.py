"""What graphs are grown by: what a sampler asks of a model, the rules of a sample, and where its numbers stand.

Decision t of an attempt stands in its stream at t (M + 1), before the edges of row t; the numbers for whole rows, and those for
its size, stand where no edge comes.

Legend: B lanes, M max_prev_node, H hidden size.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import nn

from gengraph.models.graphrnn.node import NodeSampler
from gengraph.models.graphrnn.row_samplers import Decide, DrawBlock, RowSampler
from gengraph.models.graphrnn.window import Window
from gengraph.models.sizes import SizeLaw
from gengraph.models.totals import TotalsLaw
from gengraph.rewards.conditions import Given
from gengraph.streams import uniform_at

WHOLE_ROWS = 2**48  # where, in the stream of an attempt, the numbers for rows as a whole begin
_SIZE = 2**49  # where the two numbers for its size stand


class GrowingModel(Protocol):
    """What a sampler asks of a model (`gengraph.models.graphrnn.network.GraphRNNModel`).

    Attributes:
        largest: nodes of the largest training graph.
        adaptive: whether a row's candidates start at the oldest neighbour of the row before.
        decides: whether a decision ends a graph, and not an empty row.
        sizes: the law of the number of nodes, where it is drawn first.
        totals: the law of what else is drawn then, if anything.
        embed: its first layer.
    """

    largest: int
    adaptive: bool
    decides: bool
    sizes: SizeLaw | None
    totals: TotalsLaw | None
    embed: nn.Linear

    @property
    def max_prev_node(self) -> int:
        """M."""
        ...

    @property
    def rowwise(self) -> bool:
        """Whether each lane can be taken by itself, without blocks."""
        ...

    def bytes_per_lane(self, limit: int) -> int:
        """What the node level remembers of one lane when its graph has `limit` nodes."""
        ...

    def node_sampler(self, lanes: int, block: int | None, limit: int, given: Given) -> NodeSampler:
        """The node level."""
        ...

    def row_sampler(self, lanes: int, block: int | None, limit: int, *, planar: bool) -> RowSampler:
        """The edge level."""
        ...

    @property
    def recordable(self) -> bool:
        """Whether a step is the same operations each time (`gengraph.models.graphrnn.device`)."""
        ...

    @property
    def sees_window(self) -> bool:
        """Whether the edge level reads the graph that was built so far."""
        ...

    def bytes_on_device(self) -> int:
        """What is remembered of one lane that grows on a device, its rows not counted."""
        ...

    def row_drawer(self, lanes: int, window: Window | None) -> DrawBlock:
        """The edge level of so many lanes that take their rows at once."""
        ...

    def decider(self, block: int | None) -> Decide:
        """What decides whether a graph goes on."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """How attempts are drawn.

    Attributes:
        seed: of the sample, >= 0.
        limit: nodes at which a sequence is cut.
        ends: False takes no row as an end, so that every attempt grows to the limit.
        temperature: divides the logits of edges, > 0; the decisions to stop or to start a new component are left alone.
        planar: take no edge that a planar graph cannot have; for the context head only.
        given: values of conditions by name.
    """

    seed: int
    limit: int
    ends: bool = True
    temperature: float = 1.0
    planar: bool = False
    given: Given = field(default_factory=dict)


def drawn_size(law: SizeLaw, key: np.uint64) -> int:
    """The number of nodes that the attempt with this stream is to have."""
    return law.draw(uniform_at(key, _SIZE), uniform_at(key, _SIZE + 1))
