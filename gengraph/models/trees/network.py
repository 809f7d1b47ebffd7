"""The network of a model of trees: a perceptron for ranks and one for sizes, each of which scores what may be chosen.

The first layer is a sum of embeddings: of what the decision sees, and of the option. The embedding of a count is a sum of
steps, so that one never seen is like those nearest to it, and of a vector times the count, up to a bound, which says geometric
laws. There is no other state, so that all decisions of a batch are computed at once.

Legend: B graphs, K decisions of a kind, Q options of all of them, C codes, F and F / 2 units of the hidden layers.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Decoding, Facts, Loss, Sampler, check_decoding
from gengraph.models.sizes import SizeLaw
from gengraph.models.trees.coding import Decisions, TreeBatch, spanning_forests
from gengraph.models.trees.config import CAPABILITIES, TreesConfig
from gengraph.models.trees.decisions import NUM_CODES, RANKS, SIZES, Kind, least_counts

NEVER = -30.0  # added to options that begin what no training graph has, a second component or an edge
_STEP = 0.03  # standard deviation of the steps between the embeddings of counts at the start, and of their slopes
_BOUND, _UNIT = 128, 2.5  # largest count that slopes tell apart, and by how much counts are divided for them


class Head(nn.Module):
    """A perceptron that scores options.

    Args:
        kind: what is decided.
        hidden_size: F.
        dropout: of the first layer.
    """

    ramp: Tensor

    def __init__(self, kind: Kind, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.steps = nn.Parameter(_STEP * torch.randn(len(kind.seen), NUM_CODES, hidden_size))
        self.option_steps = nn.Parameter(_STEP * torch.randn(len(kind.offered), NUM_CODES, hidden_size))
        self.slopes = nn.Parameter(_STEP * torch.randn(len(kind.seen) + len(kind.offered), 1, hidden_size))
        ramp = torch.from_numpy(np.minimum(least_counts(), _BOUND) / _UNIT).float()[:, None]
        self.register_buffer("ramp", ramp, persistent=False)
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(hidden_size, hidden_size // 2)
        self.output = nn.Linear(hidden_size // 2, 1)

    def tables(self) -> tuple[Tensor, Tensor]:
        """The embeddings of the codes of decisions and of options, float[.., F]."""
        slopes = self.slopes.split([len(self.steps), len(self.option_steps)])
        steps, option_steps = (
            (own.cumsum(1) + slope * self.ramp).flatten(0, 1)
            for own, slope in zip((self.steps, self.option_steps), slopes, strict=True)
        )
        return steps, option_steps

    def forward(self, decisions: Decisions) -> tuple[Tensor, Tensor]:
        """Logits float[Q] of all options, and int64[Q], the decision of each."""
        table, option_table = self.tables()
        seen = functional.embedding_bag(torch.from_numpy(decisions.codes), table, mode="sum") + self.bias
        which = torch.from_numpy(np.repeat(np.arange(len(decisions.taken)), decisions.num_options))
        offered = functional.embedding_bag(torch.from_numpy(decisions.options), option_table, mode="sum")
        first = self.dropout(functional.relu(seen.index_select(0, which) + offered))
        logits: Tensor = self.output(functional.relu(self.hidden(first)))
        return logits[:, 0], which


class TreesModel(nn.Module):
    """A `GraphModel` with a likelihood.

    Args:
        config: of the model.
        facts: as `Trees.prepare` finds them.
    """

    never: Tensor

    def __init__(self, config: TreesConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.facts = config, facts
        self.largest: int = facts["max_num_node"]
        self.size_law = SizeLaw.from_spread(facts["sizes"], config.size_smoothing)
        apart, joined = NEVER * facts["connected"], NEVER * (not facts["has_edges"])
        self.register_buffer("never", torch.tensor([0.0, apart, joined, apart + joined]), persistent=False)
        self.ranks = Head(RANKS, config.hidden_size, config.dropout)
        self.sizes = Head(SIZES, config.hidden_size, config.dropout)

    def encoder(self, graphs: GraphSet) -> Callable[..., TreeBatch]:
        """What makes batches of these graphs; a graph has one sequence, whatever the key."""
        coded = TreeBatch.of(*spanning_forests(graphs))

        def encode(indices: Int64Array, *, key: tuple[int, int]) -> TreeBatch:
            return coded[np.asarray(indices, np.int64)]

        return encode

    def forward(self, batch: TreeBatch, progress: float = 1.0) -> Loss:
        """The negative log-likelihood of a batch."""
        guess = sum(float(np.log(kind.num_options).sum()) for kind in (batch.ranks, batch.sizes))
        return Loss(-self.log_prob(batch).sum(), self.units(batch), guess=guess + 10 * len(batch.graph))

    def log_prob(self, batch: TreeBatch) -> Tensor:
        """float64[B], log p of each forest up to the numbering of its nodes; exact."""
        total = torch.from_numpy(self.size_law.log_prob(batch.num_nodes) + batch.log_orders)
        for head, decisions in ((self.ranks, batch.ranks), (self.sizes, batch.sizes)):
            graph = np.repeat(np.arange(len(batch.graph)), np.diff(decisions.offsets))
            total = total.index_add(0, torch.from_numpy(graph), self._log_prob(head, decisions).double())
        return total

    def sequences(self, batch: TreeBatch) -> list[bytes]:
        """A name for each forest: it has one sequence, up to orders that the likelihood sums over."""
        return [shape.tobytes() for shape in batch.shape]

    def units(self, batch: TreeBatch) -> dict[str, int]:
        """Graphs and nodes of a batch."""
        return {"graph": len(batch.graph), "node": int(batch.num_nodes.sum())}

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs, one after the other, on the CPU.

        Raises:
            InputError: a constraint or stop rule that it does not know.
        """
        check_decoding(decoding, CAPABILITIES, "trees")
        from gengraph.models.trees.sampler import TreesSampler

        return TreesSampler(self, decoding)

    def _log_prob(self, head: Head, decisions: Decisions) -> Tensor:
        """float[K], log p of what each decision took: a softmax over its options."""
        logits, which = head(decisions)
        logits = logits + self.never[torch.from_numpy(decisions.novel).long()]
        count = len(decisions.taken)
        highest = logits.new_full((count,), -torch.inf).scatter_reduce(0, which, logits.detach(), "amax")
        sums = logits.new_zeros(count).index_add(0, which, torch.exp(logits - highest[which]))
        first = np.cumsum(decisions.num_options) - decisions.num_options
        log_prob: Tensor = logits[torch.from_numpy(first + decisions.taken)] - highest - torch.log(sums)
        return log_prob
