"""The network of an attachment model: two perceptrons over sums of embeddings, and the exact likelihood.

One says how many older nodes a node joins, a categorical; the other gives a weight to each candidate, and a softmax over these
says which is next, without replacement. Decisions see the graph so far through their codes alone (see `views`).

Legend: B graphs, R rows, P choices, K candidates, M the largest degree of training graphs, n nodes of the largest.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.attachment.coding import Coder, SequenceBatch
from gengraph.models.attachment.config import CAPABILITIES, AttachmentConfig
from gengraph.models.attachment.views import CHOICE, NUMBER, UNTOLD, Typical, number_bounds
from gengraph.models.family import Decoding, Facts, Loss, Sampler, check_decoding
from gengraph.models.heads import Head
from gengraph.models.sizes import SizeLaw
from gengraph.models.totals import TotalsLaw

NEVER = -30.0  # logit of more than M: such graphs still have a likelihood


class AttachmentModel(nn.Module):
    """A `GraphModel` with a likelihood.

    Args:
        config: of the model.
        facts: as `Attachment.prepare` finds them.
    """

    never: Tensor

    def __init__(self, config: AttachmentConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.facts = config, facts
        self.largest: int = facts["max_num_node"]
        self.most: int = facts["most_joined"]
        self.size_law = SizeLaw.from_spread(facts["sizes"], config.size_smoothing)
        self.totals = None if facts["totals"] is None else TotalsLaw.of(facts["totals"])
        self.number_codes = len(NUMBER) if self.totals else UNTOLD
        self.numbers = Head(NUMBER[: self.number_codes], config.hidden_size, self.most + 2, config.dropout)
        self.weights = Head(CHOICE, config.hidden_size, 1, config.dropout)
        self.register_buffer("never", torch.tensor([0.0] * (self.most + 1) + [NEVER]), persistent=False)

    def encoder(self, graphs: GraphSet) -> Coder:
        """What makes batches of these graphs."""
        return Coder(graphs, self.facts["order"], Typical(*self.facts["typical"]))

    def forward(self, batch: SequenceBatch, progress: float = 1.0) -> Loss:
        """The negative log-likelihood of a batch, and its parts.

        bound is what remains when the log-probability of the order is taken off: it compares models of different orders.
        """
        parts = {name: -values.sum() for name, values in self._parts(batch).items()}
        total = torch.stack(list(parts.values())).sum()
        parts["bound"] = total + float(batch.log_order.sum())
        guess = float(np.log(self.most + 2) * len(batch.joined) + np.log(self.largest) * (len(batch.taken) + len(batch.graph)))
        return Loss(total, self.units(batch), {name: part.detach() for name, part in parts.items()}, guess)

    def log_prob(self, batch: SequenceBatch) -> Tensor:
        """float[B], log p of the sequence of each graph; exact."""
        parts = self._parts(batch)
        graph = torch.arange(len(batch.graph))
        rows, choices = (graph.repeat_interleave(torch.from_numpy(count)) for count in (batch.sizes, batch.num_choices))
        return (parts["sizes"] + parts["totals"]).index_add(0, rows, parts["numbers"]).index_add(0, choices, parts["choices"])

    def sequences(self, batch: SequenceBatch) -> list[bytes]:
        """The names of those sequences."""
        return batch.names()

    def units(self, batch: SequenceBatch) -> dict[str, int]:
        """Graphs, nodes and edges of a batch."""
        return {"graph": len(batch.graph), "node": len(batch.joined), "edge": len(batch.taken)}

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs, one after the other.

        Raises:
            InputError: a constraint or stop rule that it does not know.
        """
        check_decoding(decoding, CAPABILITIES, "attachment")
        from gengraph.models.attachment.sampler import AttachmentSampler

        return AttachmentSampler(self, decoding)

    def _parts(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Log-probabilities: float[B] of sizes and totals, float[R] of how many each node joins, float[P] of the choices."""
        sizes = torch.from_numpy(self.size_law.log_prob(batch.sizes)).float()
        totals = torch.zeros_like(sizes)
        if self.totals:
            totals = torch.from_numpy(self.totals.log_prob(batch.sizes, batch.num_choices[:, None])).float()
        return {"sizes": sizes, "totals": totals, "numbers": self._number_parts(batch), "choices": self._choice_parts(batch)}

    def _number_parts(self, batch: SequenceBatch) -> Tensor:
        """A number beyond M is M + 1, then one of those beyond, of which each is half as likely as the one before."""
        joined = torch.from_numpy(batch.joined)
        least, most = (torch.from_numpy(bound)[:, None] for bound in self._bounds(batch))
        first = least.clamp(min=self.most + 1)  # of those beyond
        numbers = torch.arange(self.most + 2)
        open_ = torch.where(numbers > self.most, first <= most, (numbers >= least) & (numbers <= most))
        logits = (self.numbers(batch.rows[:, : self.number_codes]) + self.never).masked_fill(~open_, -torch.inf)
        taken = logits.log_softmax(1).gather(1, joined.clamp(max=self.most + 1)[:, None])[:, 0]
        above, room = joined - first[:, 0], (most - first)[:, 0]
        tail = -(above * np.log(2) + torch.log1p(-(0.5 ** (room + 1).clamp(min=1).float())) + np.log(2))
        log_prob: Tensor = taken + torch.where(joined > self.most, tail.float(), 0.0)
        return log_prob

    def _bounds(self, batch: SequenceBatch) -> tuple[Int64Array, Int64Array]:
        """int64[R] each: how many older nodes the next one joins at least and at most."""
        if self.totals is None:
            return np.zeros_like(batch.place), batch.place
        return number_bounds(np.repeat(batch.sizes, batch.sizes), batch.place, batch.left)

    def _choice_parts(self, batch: SequenceBatch) -> Tensor:
        choice, node, taken = (torch.from_numpy(values) for values in (batch.choice, batch.node, batch.taken))
        logits: Any = torch.full((len(taken), max(1, int(batch.sizes.max()))), -torch.inf)
        logits = logits.index_put((choice, node), self.weights(batch.candidates)[:, 0])
        chosen: Tensor = logits.log_softmax(1).gather(1, taken[:, None])[:, 0]
        return chosen
