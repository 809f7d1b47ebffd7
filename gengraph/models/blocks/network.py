"""The network of a blocks model: three perceptrons over sums of embeddings.

Every decision has a few codes (see `codes`), and its logits are those of a perceptron with two hidden layers, the first of
which is the sum of their embeddings. There is no other state: decisions see the graph so far through their codes alone, so that
under teacher forcing all of a batch are computed at once, and graphs are drawn without keeping any.

Legend: B graphs, K decisions of a kind, C codes, F units of the first hidden layer, O outputs.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orderings import Adjacency
from gengraph.models.blocks.codes import COUNTS, EDGE, EVENT, GATE, columns_of
from gengraph.models.blocks.coding import DecisionBatch, Decisions, encode_graphs
from gengraph.models.blocks.config import CAPABILITIES, BlocksConfig
from gengraph.models.blocks.ordering import STOP
from gengraph.models.blocks.pieces import find_pieces
from gengraph.models.family import Decoding, Facts, Loss, Sampler, check_decoding
from gengraph.models.heads import Head
from gengraph.models.sizes import SizeLaw
from gengraph.models.totals import TotalsLaw

_NEVER = -30.0  # logit of events that no training graph has: a graph that has one still has a likelihood
SIZE_SMOOTHING = 0.01  # training graphs, as much as all other sizes weigh together
_RARE = -2.0  # the logit of a gate and of an edge at the start


class BlocksModel(nn.Module):
    """A `GraphModel` with a likelihood.

    Args:
        config: of the model.
        facts: as `Blocks.prepare` finds them.
    """

    never: Tensor

    def __init__(self, config: BlocksConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.facts = config, facts
        self.largest: int = facts["max_num_node"]
        size, dropout = config.hidden_size, config.dropout
        self.size_law: SizeLaw | None = None
        self.totals: TotalsLaw | None = None
        if facts.get("totals"):
            self.size_law, self.totals = SizeLaw.from_spread(facts["sizes"], SIZE_SMOOTHING), TotalsLaw.of(facts["totals"])
        self.told = facts.get("rate", 0), int(config.links == "finished")  # `growth.RATE` and `growth.LATE`
        self.columns = columns_of(structure=config.events == "structure", told=self.totals is not None)
        events, gates, edges = (kind[: own[-1] + 1] for kind, own in zip((EVENT, GATE, EDGE), self.columns, strict=True))
        self.events = Head(events, size, 4, dropout, COUNTS)
        self.gates, self.edges = Head(gates, size, 1, dropout), Head(edges, size, 1, dropout)
        for head in (self.gates, self.edges):
            nn.init.constant_(head.output.bias, _RARE)
        seen = [*facts["events"], True]
        self.register_buffer("never", torch.tensor([0.0 if known else _NEVER for known in seen]), persistent=False)

    def encoder(self, graphs: GraphSet) -> Callable[..., DecisionBatch]:
        """What makes batches of these graphs, for indices and key=(seed, epoch); their pieces are found here."""
        adjacency, breadth = Adjacency.of(graphs), self.config.order == "bfs"
        pieces = find_pieces(adjacency, self.facts["resolution"], seed=self.facts["seed"])

        def encode(indices: Int64Array, *, key: tuple[int, int]) -> DecisionBatch:
            return encode_graphs(adjacency, pieces, np.asarray(indices, np.int64), breadth=breadth, told=self.told, key=key)

        return encode

    def forward(self, batch: DecisionBatch, progress: float = 1.0) -> Loss:
        """The negative log-likelihood of a batch, and its parts.

        bound is what remains when the log-probability of the order is taken off: it compares models of different orders.
        """
        events, gates, edges = (-part.sum() for part in self._parts(batch))
        parts = {"totals": -self._told(batch).sum(), "events": events, "gates": gates, "edges": edges}
        total = torch.stack(list(parts.values())).sum()
        parts["bound"] = total + batch.log_order.sum()
        guess = float(np.log(4) * len(batch.events.outcomes) + np.log(2) * sum(len(kind.outcomes) for kind in batch.kinds[1:]))
        return Loss(total, self.units(batch), {name: part.detach() for name, part in parts.items()}, guess)

    def log_prob(self, batch: DecisionBatch) -> Tensor:
        """float[B], log p of the sequence of each graph; exact."""
        kinds = zip(batch.kinds, self._parts(batch), strict=True)
        return self._told(batch) + torch.stack([_add_up(values, kind.offsets) for kind, values in kinds]).sum(0)

    def sequences(self, batch: DecisionBatch) -> list[bytes]:
        """The names of those sequences."""
        return batch.names()

    def units(self, batch: DecisionBatch) -> dict[str, int]:
        """Graphs and nodes of a batch."""
        return {"graph": len(batch.graph), "node": len(batch.events.outcomes)}

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs, one after the other, in compiled code.

        Raises:
            InputError: a constraint or stop rule that it does not know.
        """
        check_decoding(decoding, CAPABILITIES, "blocks")
        from gengraph.models.blocks.sampler import BlocksSampler

        return BlocksSampler(self, decoding)

    def _told(self, batch: DecisionBatch) -> Tensor:
        """Log p float[B] of the numbers of nodes and edges, where these are drawn first."""
        if self.totals is None or self.size_law is None:
            return torch.zeros(len(batch.graph))
        told = self.size_law.log_prob(batch.totals[:, 0]) + self.totals.log_prob(batch.totals[:, 0], batch.totals[:, 1:])
        return torch.from_numpy(told).float()

    def _parts(self, batch: DecisionBatch) -> tuple[Tensor, Tensor, Tensor]:
        """The log-probabilities float[K] of events, gates and edges."""
        codes = (kind.codes.take(own, axis=1) for kind, own in zip(batch.kinds, self.columns, strict=True))
        events, gates, edges = (head(own) for head, own in zip((self.events, self.gates, self.edges), codes, strict=True))
        taken = torch.from_numpy(batch.events.outcomes).long()
        closed = events.new_zeros(events.shape, dtype=torch.bool)
        if self.totals:  # the end comes when all nodes are there
            closed[:, STOP] = True
            closed ^= (taken == STOP)[:, None]
        events = functional.log_softmax((events + self.never).masked_fill(closed, -torch.inf), dim=1)
        return events.gather(1, taken[:, None])[:, 0], _bits(gates, batch.gates), _bits(edges, batch.edges)


def _bits(logits: Tensor, decisions: Decisions) -> Tensor:
    """float[K]: the log-probability of each outcome, of logits float[K, 1]."""
    signs = torch.from_numpy(decisions.outcomes).to(torch.float32) * 2 - 1
    return functional.logsigmoid(logits[:, 0] * signs)


def _add_up(values: Tensor, offsets: Int64Array) -> Tensor:
    """float[B]: the sum of what belongs to each graph."""
    graph = torch.from_numpy(np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)))
    return values.new_zeros(len(offsets) - 1).index_add(0, graph, values)
