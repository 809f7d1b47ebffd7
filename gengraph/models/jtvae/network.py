"""The networks of JT-VAE: two encoders, and a decoder whose state walks the tree.

Legend: B graphs, T clusters, A nodes and D directed edges of all of them, C choices, H numbers, V kinds of clusters.

References:
    [1] W. Jin, R. Barzilay, T. Jaakkola. Junction tree variational autoencoder for molecular graph generation. ICML 2018,
        sections 2.2 to 2.5.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gengraph.graphs import Int64Array
from gengraph.models.jtvae.batches import Batch, Slots


class TreeEncoder(nn.Module):
    """Messages from the leaves to the root, each by a gated unit that forgets by branch [1]."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.keep, self.propose = nn.Linear(2 * size, size), nn.Linear(2 * size, size)
        self.of_parent, self.of_child = nn.Linear(size, size), nn.Linear(size, size, bias=False)

    def forward(self, kinds: Tensor, batch: Batch) -> Tensor:
        """float[B, H], what reaches the roots, of the numbers float[T, H] of clusters; trees level by level, deepest first."""
        states = kinds.new_zeros(0, kinds.shape[1])
        level, below = np.zeros(0, np.int64), np.zeros(len(batch.kinds), np.int64)
        for depth in range(int(batch.depths.max(initial=0)), -1, -1):
            children, level = level, np.flatnonzero(batch.depths == depth)
            below[level] = np.arange(len(level))
            parent = torch.from_numpy(below[batch.parents[children]]).to(kinds.device)
            here = kinds[torch.from_numpy(level).to(kinds.device)]
            states = self._level(here, states, parent)
        return states

    def _level(self, here: Tensor, children: Tensor, parent: Tensor) -> Tensor:
        total = torch.zeros_like(here).index_add(0, parent, children)
        reset = torch.sigmoid(self.of_parent(here)[parent] + self.of_child(children))
        gated = torch.zeros_like(here).index_add(0, parent, reset * children)
        keep = torch.sigmoid(self.keep(torch.cat([here, total], -1)))
        new = torch.tanh(self.propose(torch.cat([here, gated], -1)))
        return (1 - keep) * total + keep * new


class GraphEncoder(nn.Module):
    """Messages along directed edges, none straight back [1]; the mean over the nodes of a graph."""

    def __init__(self, size: int, node_labels: int, edge_labels: int, rounds: int) -> None:
        super().__init__()
        self.node, self.edge = nn.Embedding(node_labels, size), nn.Embedding(edge_labels, size)
        self.message, self.own, self.reached = nn.Linear(size, size), nn.Linear(size, size), nn.Linear(size, size, bias=False)
        self.rounds = rounds

    def forward(self, batch: Batch) -> Tensor:
        """float[B, H]."""
        device = self.message.weight.device
        atoms, atom_of, (source, target, label) = (
            torch.from_numpy(array).to(device) for array in (batch.atoms, batch.atom_of, batch.edges)
        )
        nodes = self.node(atoms)
        first = nodes[source] + self.edge(label)
        messages, nothing = torch.relu(first), torch.zeros_like(nodes)
        for _ in range(self.rounds):
            arrived = nothing.index_add(0, target, messages)[source] - messages.roll(len(source) // 2, 0)  # the other way
            messages = torch.relu(first + self.message(arrived))
        reached = torch.relu(self.own(nodes) + self.reached(nothing.index_add(0, target, messages)))
        count = torch.bincount(atom_of, minlength=len(batch.graph))[:, None]
        mean: Tensor = nodes.new_zeros(len(batch.graph), nodes.shape[1]).index_add(0, atom_of, reached) / count
        return mean


def hidden(size_in: int, size: int, size_out: int) -> nn.Sequential:
    """A network with one hidden layer."""
    return nn.Sequential(nn.Linear(size_in, size), nn.ReLU(), nn.Linear(size, size_out))


@dataclass(frozen=True, slots=True)
class Walk:
    """What the decoder says along derivations.

    Attributes:
        follows: float[R], logits of whether another cluster follows, at all R steps.
        kinds: float[T, V], logits of the kind of each cluster.
        choices: float[C], scores of the choices.
        rows: the step and the graph of each of the R steps, int64[2, R].
    """

    follows: Tensor
    kinds: Tensor
    choices: Tensor
    rows: Int64Array


class Decoder(nn.Module):
    """A gated recurrent state at each cluster: going down it begins the one of the child, coming back it renews the parent's.

    Args:
        size: H.
        latent: c, of each of the two latents.
        counts: V kinds and slots of them all.
    """

    def __init__(self, size: int, latent: int, counts: tuple[int, int]) -> None:
        super().__init__()
        kinds, slots = counts
        self.begin = nn.Linear(latent, size)
        self.into, self.of_state, self.of_before = (
            nn.Linear(size, 3 * size),
            nn.Linear(size, 3 * size),
            nn.Linear(size, 3 * size),
        )
        self.back = nn.Parameter(torch.zeros(size))
        self.follows, self.kinds = hidden(size + latent, size, 1), hidden(size + latent, size, kinds)
        self.slot = nn.Embedding(1 + slots, size, padding_idx=0)
        self.parent, self.child = nn.Linear(size, size, bias=False), nn.Linear(size, size, bias=False)
        self.used = nn.Embedding(9, size, padding_idx=0)
        self.where, self.query, self.score = nn.Linear(size, size), nn.Linear(2 * size + latent, size), nn.Linear(size, 1)

    def step(self, given: Tensor, state: Tensor, before: Tensor) -> Tensor:
        """float[R, H], the next states; of self.into(...) float[R, 3H], the present ones, and those that are gone on from."""
        reset, keep, new = (given + self.of_state(state)).chunk(3, -1)
        reset_too, keep_too, old = self.of_before(before).chunk(3, -1)
        keep = torch.sigmoid(keep + keep_too)
        return (1 - keep) * torch.tanh(new + torch.sigmoid(reset + reset_too) * old) + keep * before

    def shared(self, slots: Slots) -> Tensor:
        """float[C, H], which nodes are shared by each choice."""
        device = self.back.device
        parent, child, used = (torch.from_numpy(array).to(device) for array in (slots.parent, slots.child, slots.used))
        found: Tensor = (self.parent(self.slot(parent)) + self.child(self.slot(child)) + self.used(used)).sum(1)
        return found

    def scores(self, shared: Tensor, query: Tensor) -> Tensor:
        """float[C] of choices, by the query float[C, H] of what is attached."""
        found: Tensor = self.score(torch.relu(shared + query)).squeeze(-1)
        return found

    def forward(self, batch: Batch, kinds: Tensor, tree: Tensor, graph: Tensor) -> Walk:
        """Teacher forcing.

        Args:
            batch: derivations.
            kinds: float[T, H], numbers of their clusters.
            tree: float[B, c], the latent of the tree.
            graph: float[B, c], that of the graph.
        """
        device, chosen = kinds.device, torch.from_numpy(np.flatnonzero(batch.chosen)).to(kinds.device)
        choice_of, owner = (torch.from_numpy(array).to(device) for array in (batch.choice_of, batch.owner))
        shared = self.shared(batch.choices)
        coming = kinds.index_add(0, choice_of[chosen], self.where(shared[chosen]))
        root = torch.tanh(self.begin(tree))
        states, rows = self._states(batch, self.into(coming), root)
        latent = tree[torch.from_numpy(rows[1]).to(device)]
        at = torch.from_numpy(batch.at).to(device)
        decided = torch.where((at < 0)[:, None], root[owner], states[at.clamp(min=0)])
        query = self.query(torch.cat([decided, kinds, graph[owner]], -1))[choice_of]
        return Walk(
            self.follows(torch.cat([states, latent], -1)).squeeze(-1),
            self.kinds(torch.cat([decided, tree[owner]], -1)),
            self.scores(shared, query),
            rows,
        )

    def _states(self, batch: Batch, coming: Tensor, root: Tensor) -> tuple[Tensor, Int64Array]:
        """float[R, H], the state at each step of each graph, and the step and graph of each row."""
        active = (batch.lengths[None] > np.arange(len(batch.steps))[:, None]).sum(1)
        first = np.cumsum(active) - active
        back = self.into(self.back)
        history: list[Tensor] = []
        for t, count in enumerate(active.tolist()):
            cluster, _, before = batch.steps[t, :count].T
            if not t:
                history.append(self.step(coming[torch.from_numpy(cluster).to(root.device)], root, root))
                continue
            down = torch.from_numpy(before == t - 1).to(root.device)[:, None]
            given = torch.where(down, coming[torch.from_numpy(cluster).to(root.device)], back)
            rows = torch.from_numpy(first[before] + np.arange(count)).to(root.device)
            history.append(self.step(given, history[-1][:count], torch.cat(history)[rows]))
        graph = np.concatenate([np.arange(count) for count in active])
        return torch.cat(history), np.stack([np.repeat(np.arange(len(active)), active), graph])
