"""The network of planar maps: a perceptron that says the letter at a gate, and one that says which node a letter S names.

The first reads a sum of rows of a table, one for each code, and some numbers; the second, for each node that may be named, a
sum of rows of its own table and what the first has made of the gate. Letters that are not allowed are left out of the softmax,
so that the probabilities of all sequences of letters of a size sum to one.

Legend: B graphs, R letters, S letters S, Q choices, L kinds of letters, H hidden.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Decoding, Facts, Loss, Sampler, check_decoding
from gengraph.models.maps.batches import MapBatch, encode_maps
from gengraph.models.maps.config import CAPABILITIES, MapsConfig
from gengraph.models.maps.frontier import END, NUM_LETTERS, PREVIOUS, SPLIT
from gengraph.models.maps.plane import PlaneGraphs
from gengraph.models.maps.views import NUM_CHOICE_ROWS, NUM_CODES, NUM_NUMBERS, NUM_ROWS
from gengraph.models.sizes import SizeLaw

NEVER = -30.0  # added to the logits of real edges if no training graph has one: a graph that has still has a likelihood
_SPREAD = 0.1  # standard deviation of the tables at the start


class MapsModel(nn.Module):
    """A `GraphModel` with a likelihood.

    Args:
        config: of the model.
        facts: as `PlanarMaps.prepare` finds them.
    """

    never: Tensor

    def __init__(self, config: MapsConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.facts = config, facts
        self.largest: int = facts["max_num_node"]
        self.size_law = SizeLaw.from_counts(facts["sizes"], config.size_smoothing)
        full, hidden, choice = int(not facts["triangulated"]), config.hidden_size, config.choice_hidden_size
        self.widths = NUM_CODES[full], NUM_NUMBERS[full]
        self.table = nn.Parameter(_SPREAD * torch.randn(NUM_ROWS[full], hidden))
        self.first = nn.Linear(NUM_NUMBERS[full], hidden)
        self.second = nn.Linear(hidden, hidden)
        self.output = nn.Linear(hidden, NUM_LETTERS)
        self.choice_table = nn.Parameter(_SPREAD * torch.randn(NUM_CHOICE_ROWS, choice))
        self.choice_first = nn.Linear(hidden, choice)
        self.choice_output = nn.Linear(choice, 1)
        never = torch.zeros(NUM_LETTERS) if facts["has_edges"] else torch.from_numpy(NEVER * _real_edges())
        self.register_buffer("never", never, persistent=False)

    def encoder(self, graphs: GraphSet) -> Callable[..., MapBatch]:
        """What makes batches of these graphs, for indices and key=(seed, epoch)."""
        plane, widths = PlaneGraphs.of(graphs), self.widths

        def encode(indices: Int64Array, *, key: tuple[int, int]) -> MapBatch:
            return encode_maps(plane, np.asarray(indices, np.int64), widths, key=key)

        return encode

    def forward(self, batch: MapBatch, progress: float = 1.0) -> Loss:
        """The negative log-likelihood of a batch, in training that of graphs which count as the config says."""
        units, log_prob = self.units(batch), self.log_prob(batch)
        if self.training and self.config.count == "roots":
            log_prob = log_prob * self._tensor(batch.outer)
        return Loss(-log_prob.sum(), units, guess=3.0 * len(batch.letters) + 10 * units["node"])

    def log_prob(self, batch: MapBatch) -> Tensor:
        """float[B], log p of the size and the letters of each graph; exact."""
        logits, hidden = self.letters(self._tensor(batch.codes), self._tensor(batch.numbers))
        logits = logits.masked_fill(~self._tensor(batch.masks), -torch.inf)
        of_letters = -functional.cross_entropy(logits, self._tensor(batch.letters), reduction="none")
        rows = self._tensor(batch.splits)  # perhaps none: all weights have a gradient even so
        of_letters = of_letters.index_add(0, rows, self._choice_log_prob(hidden[rows], batch))
        of_sizes = self._tensor(self.size_law.log_prob(batch.num_nodes)).to(of_letters)
        return of_sizes.index_add(0, self._tensor(batch.graph_of_letter), of_letters)

    def letters(self, codes: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Logits float[R, L] of codes int[R, C] and numbers float[R, K], and what they are read off, float[R, H]."""
        dropout = self.config.dropout
        hidden = functional.relu(functional.embedding_bag(codes, self.table, mode="sum") + self.first(numbers))
        hidden = functional.dropout(hidden, dropout, self.training)
        more = functional.relu(self.second(hidden))
        hidden = functional.dropout(hidden + more, dropout, self.training)
        return (self.output(hidden) + self.never) / self._calibration, hidden

    @property
    def _calibration(self) -> float:
        return 1.0 if self.training else self.config.calibration

    def sequences(self, batch: MapBatch) -> list[bytes]:
        """The names of the sequences of letters."""
        return batch.names()

    def log_ways(self, batch: MapBatch) -> npt.NDArray[np.float64]:
        """float64[B], of embeddings and roots."""
        return batch.log_ways

    def units(self, batch: MapBatch) -> dict[str, int]:
        """Graphs and nodes of a batch."""
        return {"graph": len(batch.graph), "node": int(batch.num_nodes.sum())}

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs, one after the other; compiled code on the CPU.

        Raises:
            InputError: a stop rule that planar maps do not know.
        """
        check_decoding(decoding, CAPABILITIES, "maps")
        from gengraph.models.maps.sampler import MapsSampler

        return MapsSampler(self, decoding)

    def choices(self, hidden: Tensor, batch: MapBatch) -> Tensor:
        """Logits float[Q] of all nodes that the letters S may name, given what is made of their gates, float[S, H]."""
        seen = functional.embedding_bag(self._tensor(batch.choices), self.choice_table, mode="sum")
        split_of_choice = self._tensor(np.repeat(np.arange(len(batch.splits)), batch.num_choices))
        scores: Tensor = self.choice_output(functional.relu(seen + self.choice_first(hidden)[split_of_choice]))
        return scores[:, 0] / self._calibration

    def _choice_log_prob(self, hidden: Tensor, batch: MapBatch) -> Tensor:
        """float[S], log p of the node that each letter S names."""
        scores, widest = self.choices(hidden, batch), int(batch.num_choices.max(initial=1))
        row = np.repeat(np.arange(len(batch.splits)), batch.num_choices)
        place = np.arange(len(row)) - np.repeat(np.cumsum(batch.num_choices) - batch.num_choices, batch.num_choices)
        padded = scores.new_full((len(batch.splits), widest), -torch.inf)
        padded = padded.index_put((self._tensor(row), self._tensor(place)), scores)
        return -functional.cross_entropy(padded, self._tensor(batch.taken), reduction="none")

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.table.device)


def _real_edges() -> np.ndarray:
    """float32[L], the real edges that each letter adds."""
    letters = np.arange(NUM_LETTERS)
    beside = (letters >= PREVIOUS) & (letters < SPLIT)
    bits = np.where(beside, letters & 1, (letters & 1) + (letters >> 1 & 1))
    return np.where(letters == END, 0, bits).astype(np.float32)
