"""JT-VAE as a `GraphModel`: batches, the bound that it minimises, and graphs from latents.

Legend: B graphs, T clusters, C choices, V kinds of clusters, c numbers of a latent.
"""

import copy
import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding, Encoder, Facts, Loss, Sampler, check_decoding, labels_of
from gengraph.models.jtvae.batches import Batch, Coder, Numbering
from gengraph.models.jtvae.clusters import Vocabulary
from gengraph.models.jtvae.config import JTVAEConfig
from gengraph.models.jtvae.derivations import Rules
from gengraph.models.jtvae.network import Decoder, GraphEncoder, TreeEncoder
from gengraph.models.jtvae.sampler import JTVAESampler


class JTVAEModel(nn.Module):
    """Two encoders and a decoder.

    Args:
        config: of the model.
        facts: from `JTVAE.prepare`, with the schema of the labels.
    """

    def __init__(self, config: JTVAEConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.largest, self.most_clusters = config, int(facts["max_num_node"]), int(facts["most_clusters"])
        self.schema = labels_of(facts)
        self.known, self.unknown = facts["clusters"], float(facts["unknown"])
        self.rules = Rules(Vocabulary(self.known, facts["orders"]), facts["limits"], bool(facts["apart"]))
        self.numbering = Numbering([len(labels) for labels, _, _ in self.known])
        size, latent = config.hidden_size, config.latent_size
        self.cluster = nn.Embedding(1 + self.numbering.num_kinds, size, padding_idx=self.numbering.num_kinds)
        self.tree_encoder = TreeEncoder(size)
        self.graph_encoder = GraphEncoder(size, *self.schema.num_kinds, config.graph_rounds)
        self.tree_latent, self.graph_latent = (nn.Sequential(nn.LayerNorm(size), nn.Linear(size, 2 * latent)) for _ in range(2))
        self.decoder = Decoder(size, latent, (self.numbering.num_kinds, self.numbering.num_slots))

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches; noise follows from (seed, epoch, index of the graph).

        Raises:
            InputError: they have other labels than those that the model knows.
        """
        known = graphs.relabelled(self.schema) if len(graphs) else graphs
        vocabulary = Vocabulary(self.known, self.rules.vocabulary.orders)  # kinds that are not known stay with these graphs
        rules = Rules(vocabulary, self.rules.limits, self.rules.apart)
        return Coder(known, rules, self.numbering, 2 * self.config.latent_size)

    def posterior(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """float[B, 2 c] twice: mean, and logarithm of the deviation, of the latents of trees and of graphs."""
        kinds = self.cluster(torch.from_numpy(batch.kinds).to(self.cluster.weight.device))
        tree, graph = self.tree_latent(self.tree_encoder(kinds, batch)), self.graph_latent(self.graph_encoder(batch))
        means, deviations = zip(tree.chunk(2, -1), graph.chunk(2, -1), strict=True)
        return torch.cat(means, -1), torch.cat(deviations, -1)

    def forward(self, batch: Batch, progress: float) -> Loss:
        """Reconstruction + beta(progress) x divergence; with the weight 1 on average at least -log p of the graph.

        Reconstruction is -log p of the derivation given the latents: whether clusters follow, their kinds, and where they are
        attached. A kind that is not in the vocabulary has the probability that Good and Turing give to all of these.
        """
        config, device = self.config, self.cluster.weight.device
        kinds = torch.from_numpy(batch.kinds).to(device)
        mean, log_deviation = self.posterior(batch)
        noise = torch.from_numpy(batch.noise).to(mean)
        tree, graph = (mean + log_deviation.exp() * noise).chunk(2, -1)
        walk = self.decoder(batch, self.cluster(kinds), tree, graph)
        follows = torch.from_numpy(batch.steps[walk.rows[0], walk.rows[1], 1]).to(mean)
        topology = functional.binary_cross_entropy_with_logits(walk.follows, follows, reduction="sum")
        known = kinds < self.numbering.num_kinds
        words = functional.cross_entropy(walk.kinds[known], kinds[known], reduction="sum")
        words = words - math.log1p(-self.unknown) * known.sum() - math.log(self.unknown) * (~known).sum()
        assembly = _chosen(walk.choices, batch)
        divergence = (mean**2 + (2 * log_deviation).exp() - 1 - 2 * log_deviation).sum() / 2
        weight = config.beta * (min(progress / config.anneal, 1.0) if config.anneal else 1.0)
        steps = int(batch.lengths.sum())
        parts = {"topology": topology, "words": words, "assembly": assembly, "kl": divergence}
        return Loss(
            total=topology + words + assembly + weight * divergence,
            units={"graph": len(batch.graph), "node": len(batch.atoms)},
            parts={name: part.detach() for name, part in parts.items()},
            guess=steps * math.log(2) + len(kinds) * math.log(8 * (1 + self.numbering.num_kinds)) + 100 * len(batch.graph),
        )

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: another end than the decoder's, or a constraint.
        """
        check_decoding(decoding, frozenset({"temperature"}), "jtvae")
        return JTVAESampler(copy.deepcopy(self).double().eval(), decoding)

    @torch.inference_mode()
    def reconstruct(self, graphs: GraphSet) -> GraphSet:
        """What the likeliest decisions make of the means of the latents of graphs, in their order."""
        model = copy.deepcopy(self).double().eval()
        batch = model.encoder(graphs)(np.arange(len(graphs)), (0, 0))
        latents, _ = model.posterior(batch)
        made, _ = JTVAESampler(model, Decoding()).decode(latents, None)
        return made[np.argsort(batch.graph)]


def _chosen(scores: Tensor, batch: Batch) -> Tensor:
    """float[], the sum of -log p of the chosen among the choices of each cluster, of float[C] scores."""
    owner = torch.from_numpy(batch.choice_of).to(scores.device)
    most = scores.new_full((len(batch.kinds),), -math.inf).scatter_reduce(0, owner, scores.detach(), "amax")
    shifted = scores - most[owner]
    total = scores.new_zeros(len(batch.kinds)).index_add(0, owner, shifted.exp())
    chosen = torch.from_numpy(batch.chosen).to(scores.device)
    return (total[owner[chosen]].log() - shifted[chosen]).sum()
