"""The network of GraphGAN: two tables of embeddings, and the game between them.

The generator walks the breadth-first tree of a root v: from a node it goes to a neighbour u in the tree with probability
softmax(g_u g), and ends where it first would go back; the discriminator says that u is a neighbour of v with probability
sigmoid(d_u d_v).

Legend: B graphs, Q states of trees, M branches of theirs, W walks, V nodes of all training graphs.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Decoding, Encoder, Facts, Loss, Sampler, check_decoding
from gengraph.models.graphgan.batches import TreeBatch, encode_trees, find_training, training_graphs
from gengraph.models.graphgan.config import CAPABILITIES, GraphGANConfig
from gengraph.models.graphgan.trees import Branches, Links, Trees

_NO_PATH = -1e6  # score of pairs that no path joins


class GraphGANModel(nn.Module):
    """A `GraphModel` whose weights are two vectors for each node of the training graphs.

    Args:
        config: of the model.
        facts: as `GraphGAN.prepare` finds them.

    Reference:
        H. Wang, J. Wang, J. Wang, M. Zhao, W. Zhang, F. Zhang, X. Xie, M. Guo. GraphGAN: graph representation learning with
        generative adversarial nets. AAAI 2018.
    """

    def __init__(self, config: GraphGANConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.largest = config, int(facts["max_num_node"])
        self.graphs = training_graphs(facts)
        self.links = Links.of(self.graphs)
        scale = math.sqrt(config.spread / math.sqrt(config.embedding_size))  # of a product of two vectors: spread
        shape = int(self.links.first_node[-1]), config.embedding_size
        self.generator = nn.Parameter(scale * torch.randn(shape))
        self.discriminator = nn.Parameter(scale * torch.randn(shape))

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches; a graph that the model was not trained on is stood for by one that it was."""
        training, config = find_training(self.graphs, graphs), self.config

        def encode(indices: Int64Array, *, key: tuple[int, int]) -> TreeBatch:
            indices = np.asarray(indices, np.int64)
            return encode_trees(self.links, indices, training[indices], config.roots, config.samples, key=key)

        return encode

    def forward(self, batch: TreeBatch, progress: float = 1.0) -> Loss:
        """The cross-entropy of the neighbours of nodes under the generator, with the gradient of the game.

        The value of the game does not say how good the generator is, so total is the cross-entropy -log G(u | v), a mean over
        the links v -> u of each graph's roots; the parts are the losses of the players, a mean over walks each.
        """
        cross_entropy, (game, parts) = self._cross_entropy(batch), self._game(batch)
        total = cross_entropy.detach() + (game - game.detach()) if self.training else cross_entropy
        guess = len(batch.graph) * (1 + 2 * math.log(1 + self.largest))
        return Loss(total, {"graph": len(batch.graph), "node": batch.num_nodes}, parts, guess)

    def log_prob(self, trees: Trees, states: Int64Array, branches: Branches) -> Tensor:
        """float[M], log p of each branch of int64[Q] states: the softmax over the neighbours of a state in its tree."""
        of = self._tensor(branches.of)
        ends = trees.node[states[branches.of]], trees.node[branches.target]
        source, target = (functional.embedding(self._tensor(end), self.generator) for end in ends)
        logits = (source * target).sum(1)
        largest = logits.new_full((len(states),), -torch.inf).scatter_reduce(0, of, logits.detach(), "amax")
        weights = torch.exp(logits - largest[of])
        totals = weights.new_zeros(len(states)).index_add(0, of, weights)
        return logits - largest[of] - torch.log(totals[of])

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs, each by itself, on the CPU.

        Raises:
            InputError: a decoding that GraphGAN does not know.
        """
        from gengraph.models.graphgan.sampler import GraphGANSampler

        check_decoding(decoding, CAPABILITIES, "graphgan")
        return GraphGANSampler(self.graphs, self.links, self._vectors(self.generator), self.config.sharpness, decoding)

    def link_scores(self, graph: GraphSet, pairs: Int64Array) -> npt.NDArray[np.float64]:
        """float64[P], log (deg_i G(j | i) + deg_j G(i | j)) of int64[P, 2] nodes i, j; where no path joins them, very small.

        Args:
            graph: one graph that the model was trained on.
            pairs: of different nodes of it.
        """
        from gengraph.models.graphgan.sampler import log_links

        number = int(find_training(self.graphs, graph)[0])
        nodes, place = np.unique(pairs, return_inverse=True)
        found = log_links(self.links, number, nodes, self._vectors(self.generator))
        (low, high), rows = np.transpose(pairs), place.reshape(-1, 2)
        scores: npt.NDArray[np.float64] = np.logaddexp(found[rows[:, 0], high], found[rows[:, 1], low])
        return np.maximum(scores, _NO_PATH)

    def _cross_entropy(self, batch: TreeBatch) -> Tensor:
        """The mean of -log G(u | v) over the links v -> u of each graph's roots v, summed over the graphs."""
        trees = batch.trees
        links = trees.branches(trees.root)
        back = trees.branches(links.target)
        log_prob = self.log_prob(trees, trees.root, links)
        log_prob = log_prob + self.log_prob(trees, links.target, back)[self._tensor(np.flatnonzero(back.up))]
        return -(log_prob * self._tensor(batch.weights(np.diff(links.first))).to(log_prob)).sum()

    def _game(self, batch: TreeBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """What has the gradients of both players (of the generator: rewards of walks times their log p), and their losses."""
        trees, config, (log_walk, end) = batch.trees, self.config, self._walk(batch)
        weights = self._tensor(batch.weights(np.full(len(trees.root), config.samples))).to(log_walk)
        states = trees.root.repeat(config.samples), self._neighbours(batch), end
        of_root, of_true, of_end = (
            functional.embedding(self._tensor(trees.node[state]), self.discriminator) for state in states
        )
        real, fake = (of_root * of_true).sum(1), (of_root * of_end).sum(1)
        judged = ((functional.softplus(-real) + functional.softplus(fake)) * weights).sum()
        lost = -functional.softplus(fake.detach())  # log(1 - D), which the generator makes small
        reward = (lost + config.entropy * log_walk.detach()).view(-1, config.samples)
        if config.baseline:
            reward = reward - (reward.sum(1, keepdim=True) - reward) / (config.samples - 1)
        game = judged + (log_walk * reward.flatten() * weights).sum()
        return game, {"discriminator_loss": judged.detach(), "generator_loss": (lost * weights).sum()}

    def _neighbours(self, batch: TreeBatch) -> Int64Array:
        """int64[W], a neighbour of each walk's root, all as likely."""
        found = batch.trees.branches(batch.trees.root)
        first, last = found.first[:-1].repeat(self.config.samples), found.first[1:].repeat(self.config.samples)
        return found.target[first + (batch.uniforms[:, -1] * (last - first)).astype(np.int64)]

    def _walk(self, batch: TreeBatch) -> tuple[Tensor, Int64Array]:
        """Log G float[W] of walks from the roots, and the states int64[W] where they end."""
        trees, at = batch.trees, batch.trees.root.repeat(self.config.samples)
        log_walk, going = self.generator.new_zeros(len(at)), np.arange(len(at))
        for level in range(batch.uniforms.shape[1]):
            states, place = np.unique(at[going], return_inverse=True)
            found = trees.branches(states)
            log_prob = self.log_prob(trees, states, found)
            before = np.concatenate([[0], np.cumsum(np.exp(log_prob.detach().cpu().double().numpy()))])
            first, last = found.first[place], found.first[place + 1]
            chosen = before[first] + batch.uniforms[going, level] * (before[last] - before[first])
            branch = np.clip(np.searchsorted(before, chosen, side="right") - 1, first, last - 1)
            log_walk = log_walk.index_add(0, self._tensor(going), log_prob[self._tensor(branch)])
            onwards = ~found.up[branch]
            going = going[onwards]
            at[going] = found.target[branch[onwards]]
            if not len(going):
                break
        return log_walk, at

    def _tensor(self, array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self.generator.device)

    @staticmethod
    def _vectors(table: Tensor) -> npt.NDArray[np.float64]:
        vectors: npt.NDArray[np.float64] = table.detach().cpu().double().numpy()
        return vectors
