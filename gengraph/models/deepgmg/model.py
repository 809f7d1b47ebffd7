"""DeepGMG as a `GraphModel`: the likelihood of the changes that build graphs.

Graphs of a batch go through their changes in lockstep, as states carry over from one to the next; those with most stand first,
so that the ones that have not ended are always the first ones. Decisions are then read off all states at once.

Legend: B graphs, S changes, n nodes, H hidden, V packed nodes, Q decisions of a kind, R states of all nodes after all changes.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.deepgmg.changes import NODE, Batch, Decisions, decisions_of, encoder
from gengraph.models.deepgmg.config import CAPABILITIES, DeepGMGConfig
from gengraph.models.deepgmg.network import DeepGMGNetwork, packed
from gengraph.models.family import Decoding, Encoder, Facts, Loss, Sampler, check_decoding

NEVER = -30.0  # what is added to the logit of an edge if the training graphs have none


class DeepGMGModel(nn.Module):
    """A `GraphModel` with a likelihood.

    Args:
        config: of the model.
        facts: from `DeepGMG.prepare`.
    """

    def __init__(self, config: DeepGMGConfig, facts: Facts) -> None:
        super().__init__()
        self.config = config
        self.largest: int = facts["max_num_node"]
        graphs, nodes, edges = facts["num_graphs"], facts["nodes"], facts["edges"]
        odds = (nodes - graphs + 0.5) / graphs, (edges + 0.5) / nodes
        self.network = DeepGMGNetwork(config.hidden_size, config.rounds, odds, 0.0 if edges else NEVER)

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches of these graphs, for indices and key=(seed, epoch)."""
        return encoder(graphs, self.config)

    def forward(self, batch: Batch, progress: float = 1.0) -> Loss:
        """The negative log-likelihood of a batch."""
        del progress
        units = self.units(batch)
        guess = 2 * math.log(2) * int(batch.lengths.sum()) + math.log(self.largest) * int((batch.changes >= 0).sum())
        return Loss(-self.log_prob(batch).sum(), units, guess=guess + units["graph"])

    def units(self, batch: Batch) -> dict[str, int]:
        """Graphs and nodes of a batch."""
        return {"graph": len(batch.graph), "node": int(batch.num_nodes.sum())}

    def sequences(self, batch: Batch) -> list[bytes]:
        """The changes of each graph."""
        return [changes[:length].tobytes() for changes, length in zip(batch.changes, batch.lengths, strict=True)]

    def log_prob(self, batch: Batch) -> Tensor:
        """float[B], log p of the changes of each graph."""
        made = self.decisions(batch)
        at_edges, at_others, first = self._all_states(batch, made)
        edges = self._edges(made, at_edges, first)
        nodes = self._nodes(batch, made, at_others, first)
        total = edges[1].new_zeros(len(batch.graph))
        for graph, log_prob in (edges, nodes, self._choices(batch, made, at_others, first)):
            total = total.index_add(0, self._tensor(graph), log_prob)
        return total

    def decisions(self, batch: Batch) -> Decisions:
        """What is decided after each change."""
        return decisions_of(batch, self.config)

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs, many in lockstep.

        Raises:
            InputError: a constraint or stop rule that DeepGMG does not know.
        """
        check_decoding(decoding, CAPABILITIES, "deepgmg")
        from gengraph.models.deepgmg.sampler import DeepGMGSampler

        limit = decoding.max_num_node or 2 * self.largest
        return DeepGMGSampler(self.network, self.config, temperature=decoding.temperature, limit=limit)

    def _tensor(self, array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self.network.start.weight.device)

    def _all_states(self, batch: Batch, made: Decisions) -> tuple[Tensor, Tensor, Int64Array]:
        """States float[R, H] at decisions on edges and at the others; int64[B, S], the row of each graph's first node."""
        active, widths = made.within.sum(0), np.where(made.within, made.count, 0).max(0)
        sizes = active * widths
        first = np.cumsum(sizes) - sizes + np.outer(np.arange(len(batch.graph)), widths)
        at_edges, at_others = [], []
        for one, other in self._walk(batch, made, active, widths):
            at_edges.append(one.flatten(0, 1))
            at_others.append(other.flatten(0, 1))
        edges = torch.cat(at_edges)
        return edges, edges if self.config.propagate == "changes" else torch.cat(at_others), first

    def _walk(self, batch: Batch, made: Decisions, active: Int64Array, widths: Int64Array) -> Iterator[tuple[Tensor, Tensor]]:
        """States float[active, width, H] after each change, at the decision on an edge and at the next one."""
        network, arrival = self.network, self._tensor(made.arrival)
        states = network.start.weight.new_zeros(len(batch.graph), 0, self.config.hidden_size)
        for t, (lanes, width) in enumerate(zip(active.tolist(), widths.tolist(), strict=True)):
            states, before = states[:lanes], states.shape[1]
            grown = np.flatnonzero(batch.changes[:lanes, t] == NODE)
            if len(grown):
                newest = made.count[grown, t] - 1
                rows, graph = packed(grown * before, newest)
                started = network.new_nodes(states.flatten(0, 1)[self._tensor(rows)], self._tensor(graph), len(grown))
                states = functional.pad(states, (0, 0, 0, max(0, width - before)))
                states = states.index_put((self._tensor(grown), self._tensor(newest)), started)
            states = states[:, :width]
            present = (arrival[:lanes, :width, :width] <= t).to(states)
            at_edges = states = network.propagate(states, present)
            if self.config.propagate == "decisions":
                states = network.propagate(states, present)
            yield at_edges, states

    def _edges(self, made: Decisions, states: Tensor, first: Int64Array) -> tuple[Int64Array, Tensor]:
        """Whether the newest node gets a further edge: the graph int64[Q] and log p float[Q] of each decision."""
        b, t = np.nonzero(made.open)
        graphs, newest = self._represented(states, first[b, t], made.count[b, t])
        logits = self.network.edge_logits(graphs, newest)
        return b, functional.logsigmoid(torch.where(self._tensor(made.edge[b, t]), logits, -logits))

    def _nodes(self, batch: Batch, made: Decisions, states: Tensor, first: Int64Array) -> tuple[Int64Array, Tensor]:
        """Whether there is a further node."""
        b, t = np.nonzero(made.within & ~made.edge)
        graphs, _ = self._represented(states, first[b, t], made.count[b, t])
        logits = self.network.node_logits(graphs)
        more = self._tensor(batch.changes[b, t + 1] == NODE)
        return b, functional.logsigmoid(torch.where(more, logits, -logits))

    def _choices(self, batch: Batch, made: Decisions, states: Tensor, first: Int64Array) -> tuple[Int64Array, Tensor]:
        """Which node is the other end."""
        b, t = np.nonzero(made.within & made.edge)
        newest = made.count[b, t] - 1
        rows, query = packed(first[b, t], newest)
        node = rows - first[b, t][query]
        if self.config.edge_order == "age":
            is_candidate = node > batch.changes[b, t][query]  # NODE is below all numbers
        else:
            is_candidate = made.arrival[b[query], newest[query], node] > t[query]
        rows, query, node = rows[is_candidate], query[is_candidate], node[is_candidate]
        of_newest = states[self._tensor(first[b, t] + newest)]
        logits = self.network.choice_logits(states[self._tensor(rows)], self._tensor(query), of_newest)
        table = logits.new_full((len(b), made.arrival.shape[1]), -torch.inf)
        table = table.index_put((self._tensor(query), self._tensor(node)), logits)
        chosen = self._tensor(batch.changes[b, t + 1])[:, None]
        return b, table.gather(1, chosen)[:, 0] - torch.logsumexp(table, dim=1)

    def _represented(self, states: Tensor, first: Int64Array, count: Int64Array) -> tuple[Tensor, Tensor]:
        """Representations float[Q, 2 H] of graphs, int64[Q] nodes from int64[Q] rows on, and their newest nodes' states."""
        rows, graph = packed(first, count)
        graphs = self.network.readout(states[self._tensor(rows)], self._tensor(graph), len(count))
        return graphs, states[self._tensor(first + count - 1)]
