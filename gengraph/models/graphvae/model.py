"""GraphVAE as a `GraphModel`: batches, the bound that it minimises, and graphs from random latents.

Legend: B graphs, k positions of the decoder (nodes of the largest training graph), c numbers of the latent.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.dense import BoolArray, adjacency, drawn_pairs, graphs_of, inside
from gengraph.models.family import Decoding, Drawn, Encoder, Facts, Loss, Sampler, check_decoding
from gengraph.models.graphvae.config import GraphVAEConfig
from gengraph.models.graphvae.matching import breadth_first, matched
from gengraph.models.graphvae.network import GraphDecoder, GraphEncoder
from gengraph.models.numbers import Numbers

_TRAINING = 1 << 32  # where, in the numbers of a graph, those for training begin; samples take the ones before
_CELLS = 1 << 20  # entries of matrices that are drawn together


@dataclass(frozen=True, slots=True)
class Batch:
    """Graphs, their nodes in breadth-first order.

    Attributes:
        graph: int64[B].
        sizes: int64[B], nodes, at most k.
        links: bool[B, k, k], edges.
        noise: float32[B, c], standard normal.
        losses_of_data: cut_nodes, those beyond k, which only other graphs than the training graphs have.
    """

    graph: Int64Array
    sizes: Int64Array
    links: BoolArray
    noise: npt.NDArray[np.float32]
    losses_of_data: Mapping[str, int]


class GraphVAEModel(nn.Module):
    """Encoder and decoder.

    Args:
        config: of the model.
        facts: from `GraphVAE.prepare`.
    """

    def __init__(self, config: GraphVAEConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.largest, self.has_edges = config, int(facts["max_num_node"]), bool(facts["has_edges"])
        self.graph_encoder = GraphEncoder(config, 2 + self.largest * (config.matching == "order"))
        self.decoder = GraphDecoder(config, self.largest, float(facts["density"]))

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches; the order of nodes and the noise follow from (seed, epoch, index of the graph)."""

        def encoded(indices: Int64Array, key: tuple[int, int]) -> Batch:
            chosen, k, c = graphs[indices], self.largest, self.config.latent_size
            nodes = chosen.num_nodes.astype(np.int64)
            whole = adjacency(chosen, max(k, int(nodes.max(initial=0))))
            numbers = Numbers.of(key[0], np.full(len(indices), key[1]), indices)
            order = breadth_first(whole, nodes, numbers.uniforms(_TRAINING + c, whole.shape[1]))[:, :k]
            links = whole[np.arange(len(order))[:, None, None], order[:, :, None], order[:, None]]
            noise, sizes = numbers.normals(_TRAINING, c).astype(np.float32), np.minimum(nodes, k)
            return Batch(indices, sizes, links, noise, {"cut_nodes": int((nodes - sizes).sum())})

        return encoded

    def forward(self, batch: Batch, progress: float) -> Loss:
        """Reconstruction + beta x divergence; with beta = 1 on average at least -log p of the graph as it is numbered.

        Reconstruction is -log p(nodes that exist | z) - log p(edges between them | z), at the positions that the nodes take.
        """
        del progress
        device = self.decoder.out.weight.device
        links, noise, within = (
            torch.from_numpy(array).to(device) for array in (batch.links, batch.noise, inside(batch.sizes, self.largest))
        )
        links, noise = links.to(self.decoder.out.weight), noise.to(self.decoder.out.weight)
        mean, log_deviation = self.posterior(links, within)
        exists, edges = self.decoder(mean + log_deviation.exp() * noise)
        if self.config.matching == "pool":
            links, within = self._moved(links, within, exists, edges)
        divergence = (mean**2 + (2 * log_deviation).exp() - 1 - 2 * log_deviation).sum() / 2
        reconstruction = costs(exists, edges, links, within).sum()
        pairs = int((batch.sizes * (batch.sizes - 1) // 2).sum())
        return Loss(
            total=reconstruction + self.config.beta * divergence,
            units={"graph": len(batch.graph), "node": int(batch.sizes.sum()), "edge_bit": pairs},
            parts={"reconstruction": reconstruction.detach(), "kl": divergence.detach()},
            guess=(pairs + self.largest * len(batch.graph)) * np.log(2) + self.config.latent_size * len(batch.graph),
        )

    def posterior(self, links: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
        """float[B, c] twice: mean, and logarithm of the deviation, of the latents of graphs.

        Args:
            links: float[B, k, k], adjacency.
            within: bool[B, k], the nodes of each graph.
        """
        degree = links.sum(-1, keepdim=True)
        nodes = [torch.ones_like(degree), degree / self.largest]
        if self.config.matching == "order":
            nodes.append(torch.eye(self.largest).to(links).expand_as(links))
        found: tuple[Tensor, Tensor] = self.graph_encoder(torch.cat(nodes, -1), links, within)
        return found

    def _moved(self, links: Tensor, within: Tensor, exists: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        """Adjacency and nodes of graphs at the positions where they are decoded best."""
        exists, edges = exists.detach().sigmoid(), edges.detach().sigmoid()
        node = matched(links, within, exists, edges, rounds=self.config.matching_rounds)
        graph = torch.arange(len(links), device=links.device)
        return links[graph[:, None, None], node[:, :, None], node[:, None]], within[graph[:, None], node]

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: another end than the decoder's, or a constraint.
        """
        check_decoding(decoding, frozenset({"temperature"}), "graphvae")
        return GraphVAESampler(self, decoding)


def costs(exists: Tensor, edges: Tensor, links: Tensor, within: Tensor) -> Tensor:
    """float[B], -log p of the nodes bool[B, k] and of the edges float[B, k, k] between them, by the logits of both."""
    of_nodes = functional.binary_cross_entropy_with_logits(exists, within.to(exists), reduction="none").sum(-1)
    pairs = (within[:, None] & within[:, :, None]).tril(-1)
    of_edges = functional.binary_cross_entropy_with_logits(edges, links, reduction="none")
    return of_nodes + (of_edges * pairs).sum((1, 2))


class GraphVAESampler:
    """Draws latents, the nodes that exist, and the edges between them, in float64.

    Where no node would exist, the likeliest does: graphs have at least one node.
    """

    def __init__(self, model: GraphVAEModel, decoding: Decoding) -> None:
        self._model, self._decoding = copy.deepcopy(model).double().eval(), decoding

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt, some at a time."""
        together = max(1, _CELLS // self._model.largest**2)
        for places, numbers in Numbers.of(seed, indices, attempts).parts(together):
            yield Drawn(places, *self._draw(numbers))

    @torch.inference_mode()
    def _draw(self, numbers: Numbers) -> tuple[GraphSet, npt.NDArray[np.bool_]]:
        model, k, c = self._model, self._model.largest, self._model.config.latent_size
        latent = torch.from_numpy(numbers.normals(0, c)).to(model.decoder.out.weight.device)
        exists, edges = model.decoder(latent)
        likely = (torch.sigmoid(edges / self._decoding.temperature) * model.has_edges).cpu().numpy()
        within = numbers.uniforms(c, k) < torch.sigmoid(exists).cpu().numpy()
        within[np.arange(len(within)), exists.argmax(-1).cpu().numpy()] |= ~within.any(1)
        present = drawn_pairs(numbers, c + k, likely, np.full(len(within), k))
        order, sizes = np.argsort(~within, axis=1, kind="stable"), within.sum(1)
        present = present[np.arange(len(order))[:, None, None], order[:, :, None], order[:, None]]
        limit = self._decoding.max_num_node or k
        kept = np.minimum(sizes, limit)
        present &= inside(kept, k)[:, :, None] & inside(kept, k)[:, None]
        return graphs_of(kept, present), sizes > limit
