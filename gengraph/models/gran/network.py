"""The network of GRAN: an attentive graph network over the graph so far and the new block, and the heads of a step.

A node starts as a sum of embeddings (its adjacency row, as in [1]; a new node has none), then each layer sends along every edge
the message f(h_i - h_j), weighed by a sigmoid gate g(h_i - h_j), and a GRU cell reads the sum. Both see which nodes are new, as
one-hot blocks. Edges and mixture weights are read from differences h_i - h_j of a new node and a candidate. With conditions a
code of what is told of the graph shifts what every node hears in every layer.

Legend: V nodes of packed steps, E directed edges, F steps, B block size, R = F B rows, P pairs, H hidden, K components,
D numbers of a code.

Reference:
    1. R. Liao et al. Efficient Graph Generation with Graph Recurrent Attention Networks. NeurIPS 2019.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orderings import Adjacency
from gengraph.models.conditioning import CODE_SIZE, condition_code
from gengraph.models.family import Decoding, Encoder, Facts, Loss, Sampler, check_decoding
from gengraph.models.gran.config import GRANConfig
from gengraph.models.gran.mixture import StepLogits, step_log_prob
from gengraph.models.gran.packing import num_codes, packing_rules
from gengraph.models.gran.prefixes import Prefixes, Steps, all_steps, chunks, pack, some_steps
from gengraph.models.gran.sequences import SequenceBatch, encode_sequences
from gengraph.models.gran.sums import differences, on_device, segment_sum, sum_rows
from gengraph.models.sizes import SizeLaw
from gengraph.rewards.conditions import num_columns, telling

NEVER = -30.0  # logit of what the training graphs never do: a graph that does it still has a likelihood
_RARE = -5.0  # at the start, ends and empty rows have about e^-5 of the probability
_SPARSE = -2.0  # at the start, the logit of an edge
_SPREAD = 0.3  # standard deviation of the embeddings at the start
_MOST_NODES = 30_000  # of the steps that one pass of an evaluation packs


class Propagation(nn.Module):
    """One layer of the graph network.

    Args:
        hidden_size: H.
        block_size: B.
        attention: whether gates weigh the messages.
        conditional: whether something is told of the graphs.
    """

    def __init__(self, hidden_size: int, block_size: int, attention: bool, conditional: bool = False) -> None:
        super().__init__()
        parts = 2 if attention else 1
        self.first = nn.Linear(hidden_size, parts * hidden_size)
        self.target_block = nn.Parameter(_SPREAD * torch.randn(block_size + 1, parts * hidden_size))
        self.source_block = nn.Parameter(_SPREAD * torch.randn(block_size + 1, parts * hidden_size))
        self.message = nn.Linear(hidden_size, hidden_size)
        self.gate = nn.Linear(hidden_size, hidden_size) if attention else None
        self.cell = nn.GRUCell(hidden_size, hidden_size)
        self.told = nn.Linear(CODE_SIZE, parts * hidden_size, bias=False) if conditional else None

    def forward(self, states: Tensor, blocks: Tensor, prefixes: Prefixes, codes: Tensor | None) -> Tensor:
        """The states float[V, H] after one round of messages; codes float[F, D] say what is told."""
        size = states.shape[1]
        here = functional.linear(states, self.first.weight)
        bias = self.first.bias
        if self.told is not None:
            bias = bias + self.told(codes)[on_device(prefixes.step_of_node, states)]
        targets = (here + functional.embedding(blocks, self.target_block) + bias).split(size, dim=1)
        sources = (here + functional.embedding(blocks, self.source_block)).split(size, dim=1)
        pairs = [
            differences(target, source, prefixes.sources, prefixes.edge_offsets)
            for target, source in zip(targets, sources, strict=True)
        ]
        messages = self.message(pairs[0])
        if self.gate is not None:
            messages = messages * torch.sigmoid(self.gate(pairs[1]))
        after: Tensor = self.cell(segment_sum(messages, prefixes.edge_offsets), states)
        return after


class PairHead(nn.Module):
    """K numbers for a pair of nodes, from the difference of their states: three linear layers as in the public code.

    Args:
        hidden_size: H.
        outputs: K.
        bias: of the numbers, at the start.
    """

    def __init__(self, hidden_size: int, outputs: int, bias: float) -> None:
        super().__init__()
        self.first = nn.Linear(hidden_size, hidden_size)
        self.second = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, outputs)
        nn.init.constant_(self.output.bias, bias)

    def forward(self, states: Tensor, prefixes: Prefixes) -> Tensor:
        """float[P, K] from the states float[V, H]."""
        here = functional.linear(states, self.first.weight)
        targets = here[on_device(prefixes.new, states)] + self.first.bias
        pairs = differences(targets, here, prefixes.candidates, prefixes.pair_offsets)
        numbers: Tensor = self.output(functional.relu(self.second(pairs)))
        return numbers


class GRANModel(nn.Module):
    """A `GraphModel` with a likelihood.

    Args:
        config: of the model.
        facts: as `GRAN.prepare` finds them.
    """

    def __init__(self, config: GRANConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.facts = config, facts
        self.largest: int = facts["max_num_node"]
        self.rules = packing_rules(config, facts["row_length"], facts["window_length"])
        self.size_law = SizeLaw.from_counts(facts["sizes"], config.size_smoothing)
        size = config.hidden_size
        self.table = nn.Parameter(_SPREAD * torch.randn(num_codes(self.rules), size))
        conditional = bool(config.conditions)
        layers = (Propagation(size, config.block_size, config.attention, conditional) for _ in range(config.num_layers))
        self.layers = nn.ModuleList(layers)
        self.edges = PairHead(size, config.num_mixtures, _SPARSE)
        self.weights = PairHead(size, config.num_mixtures, 0.0)
        self.oldest = PairHead(size, 1 + 2 * config.num_mixtures, 0.0) if config.oldest == "softmax" else None
        self.decides_empty = config.empty_rows == "decision"
        self.has_edges: bool = facts["has_edges"]
        unsure = self.has_edges and facts["several_components"]
        self.empty = _decision(size, 1) if self.decides_empty and unsure else None
        self.ends = _decision(size, config.stride + 1) if config.termination == "stop" else None
        self.conditions = facts.get("conditions", [])
        self.code = condition_code(num_columns(self.conditions))

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches of these graphs, for indices and key=(seed, epoch)."""
        adjacency, config = Adjacency.of(graphs), self.config

        def encode(indices: Int64Array, *, key: tuple[int, int]) -> SequenceBatch:
            return encode_sequences(adjacency, np.asarray(indices, np.int64), config, key=key)

        return telling(encode, graphs, self.conditions, config.condition_dropout)

    def forward(self, batch: SequenceBatch, progress: float = 1.0) -> Loss:
        """The negative log-likelihood of a batch, given what is told of its graphs.

        In training it is an unbiased estimate from some steps of each graph.
        """
        count = self.config.prefixes
        everything = np.arange(len(batch.num_nodes))
        if self.training and count:
            log_prob, pairs = self._some(batch, some_steps(batch, self.config, count))
        else:
            log_prob, pairs = self._all(batch, everything)
        if self.config.family == "sum":
            log_prob = _sum_distinct(log_prob, batch)
        units = self.units(batch)
        guess = pairs / batch.num_orderings * float(np.log(2)) + 10 * units["node"]
        return Loss(-log_prob.sum(), units, guess=guess)

    def log_prob(self, batch: SequenceBatch) -> Tensor:
        """float[G], log p of one sequence of each graph, the first of the family; exact; no condition is given."""
        return self._all(replace(batch, told=None), np.arange(0, len(batch.num_nodes), batch.num_orderings))[0]

    def sequences(self, batch: SequenceBatch) -> list[bytes]:
        """The names of those sequences."""
        return batch.names()[:: batch.num_orderings]

    def units(self, batch: SequenceBatch) -> dict[str, int]:
        """Graphs and nodes of a batch."""
        return {"graph": len(batch.graph), "node": int(batch.num_nodes.sum()) // batch.num_orderings}

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs, one after the other; compiled code on the CPU, wherever the weights are.

        Raises:
            InputError: a constraint or stop rule that GRAN does not know, or values of conditions that this one does not.
        """
        check_decoding(decoding, self.config.capabilities, "gran")
        from gengraph.models.gran.sampler import GRANSampler

        return GRANSampler(self, decoding)

    def logits(self, prefixes: Prefixes, codes: Tensor | None = None) -> StepLogits:
        """What the network says of packed steps; codes float[F, D] of a model with conditions."""
        states = sum_rows(self.table, prefixes.codes, prefixes.code_offsets)
        blocks = on_device(prefixes.blocks, states).long()
        for layer in self.layers:
            for _ in range(self.config.rounds):
                states = layer(states, blocks, prefixes, codes)
        size = self.config.block_size
        of_steps = prefixes.pair_offsets[::size]
        weights = segment_sum(self.weights(states, prefixes), of_steps)
        if self.config.alpha_pool == "mean":
            lengths = on_device(np.maximum(np.diff(of_steps), 1), states)
            weights = weights / lengths[:, None]
        new = states[on_device(prefixes.new, states)]
        empty = None
        if self.decides_empty:
            certain = new.new_full((len(new),), NEVER if self.has_edges else -NEVER)
            empty = certain if self.empty is None else self.empty(new)[:, 0]
        ends = None if self.ends is None else self.ends(new.view(-1, size, new.shape[1]).mean(1))
        edges = self.edges(states, prefixes)
        oldest = None if self.oldest is None else self.oldest(states, prefixes)
        return StepLogits(edges if self.has_edges else edges + NEVER, weights, oldest, empty, ends)

    def _log_prob(self, batch: SequenceBatch, steps: Steps) -> tuple[Tensor, int]:
        prefixes, codes = pack(batch, steps, self.rules), None
        if self.code:
            codes = self.code(batch.told, len(batch.graph))[on_device(steps.sequence // batch.num_orderings, self.table)]
        log_prob = step_log_prob(self.logits(prefixes, codes), prefixes, on_device(steps.start, self.table))
        return log_prob, len(prefixes.bits)

    def _some(self, batch: SequenceBatch, steps: Steps) -> tuple[Tensor, float]:
        """Estimates float[Q] of the log-likelihoods, and of the number of pairs."""
        log_prob, pairs = self._log_prob(batch, steps)
        weighted = log_prob * on_device(steps.weight, log_prob).to(log_prob)
        return self._add_steps(batch, [(steps, weighted)]), pairs * float(steps.weight.mean())

    def _all(self, batch: SequenceBatch, sequences: Int64Array) -> tuple[Tensor, float]:
        """The log-likelihoods float[Q'] of some sequences, exact, and the number of their pairs."""
        parts, pairs = [], 0
        for steps in chunks(batch, all_steps(batch, self.config, sequences), self.rules, _MOST_NODES):
            log_prob, more = self._log_prob(batch, steps)
            parts.append((steps, log_prob))
            pairs += more
        return self._add_steps(batch, parts)[on_device(sequences, self.table)], float(pairs)

    def _add_steps(self, batch: SequenceBatch, parts: list[tuple[Steps, Tensor]]) -> Tensor:
        """The sum float[Q] over the steps of each sequence, with the law of its size."""
        total = self.table.new_zeros(len(batch.num_nodes))
        for steps, log_prob in parts:
            total = total.index_add(0, on_device(steps.sequence, total), log_prob)
        if self.config.termination == "size":
            total = total + on_device(self.size_law.log_prob(batch.num_nodes), total).to(total)
        return total


def _decision(hidden_size: int, outputs: int) -> nn.Sequential:
    """Numbers from a state; at the start all but the last are rare, one alone is too."""
    output = nn.Linear(hidden_size, outputs)
    nn.init.constant_(output.bias, _RARE)
    if outputs > 1:
        nn.init.zeros_(output.bias[-1:])
    return nn.Sequential(nn.Linear(hidden_size, hidden_size), nn.ReLU(), output)


def _sum_distinct(log_prob: Tensor, batch: SequenceBatch) -> Tensor:
    """float[G]: the log of the sum over the distinct sequences of each graph: a lower bound of log p of the graph."""
    names = batch.names()
    copies = batch.num_orderings
    is_new = np.array([names[q] not in names[q - q % copies : q] for q in range(len(names))]).reshape(-1, copies)
    return torch.logsumexp(log_prob.view(-1, copies).masked_fill(~on_device(is_new, log_prob), -torch.inf), dim=1)
