"""A GNF: what it reads, what it minimises, how it draws.

Legend: B graphs, n nodes of the largest of them, k numbers that embed a node.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.dense import FIRST, BoolArray, DenseSampler, adjacency, drawn_pairs, graphs_of, inside
from gengraph.models.family import Decoding, Encoder, Facts, Loss, Sampler, check_decoding
from gengraph.models.gnf.autoencoder import DistanceDecoder, GraphEncoder, waves
from gengraph.models.gnf.config import GNFConfig
from gengraph.models.gnf.flow import Flow
from gengraph.models.numbers import Numbers
from gengraph.models.sizes import SizeLaw

_TRAINING = 1 << 32  # where, in the numbers of a graph, those for training begin; samples take the ones before


@dataclass(frozen=True, slots=True)
class Batch:
    """Graphs with the random numbers that embed them.

    Attributes:
        graph: int64[B].
        sizes: int64[B], nodes.
        links: bool[B, n, n], edges.
        random: float32[B, n, 2 k], what the encoder starts from: standard normal numbers, and the waves that follow from them.
        noise: float32[B, n, k], standard normal: what is added to embeddings.
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    sizes: Int64Array
    links: BoolArray
    random: npt.NDArray[np.float32]
    noise: npt.NDArray[np.float32]
    losses_of_data: Mapping[str, int] = field(default_factory=dict)


class GNFModel(nn.Module):
    """Auto-encoder and flow.

    Args:
        config: of the model.
        facts: from `GNF.prepare`.
    """

    def __init__(self, config: GNFConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.largest, self.has_edges = config, int(facts["max_num_node"]), bool(facts["has_edges"])
        self.sizes = SizeLaw.from_counts(facts["sizes"], config.size_smoothing)
        self.graph_encoder, self.decoder, self.flow = GraphEncoder(config), DistanceDecoder(config), Flow(config)

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches; the random numbers follow from (seed, epoch, index of the graph)."""

        def encoded(indices: Int64Array, key: tuple[int, int]) -> Batch:
            chosen, k = graphs[indices], self.config.embedding_size
            sizes, links = chosen.num_nodes.astype(np.int64), adjacency(chosen)
            n = links.shape[1]
            numbers = Numbers.of(key[0], np.full(len(indices), key[1]), indices)
            normals = numbers.normals(_TRAINING, 2 * n * k).reshape(-1, n, 2, k)
            random = np.concatenate([normals[:, :, 0], waves(links, sizes, normals[:, :, 0])], -1)
            return Batch(indices, sizes, links, random.astype(np.float32), normals[:, :, 1].astype(np.float32))

        return encoded

    def forward(self, batch: Batch, progress: float) -> Loss:
        """What graphs cost: reconstruction, and what the flow says of the points above the entropy of their noise.

        With bernoulli edges, reconstruction + flow is on average at least -log p(A | n), A being the graph under its numbers:
        a variational bound whose posterior is the encoder with its noise.
        """
        config, device = self.config, self.flow.scale.device
        links, random, noise, within = (
            torch.from_numpy(array).to(device)
            for array in (batch.links, batch.random, batch.noise, inside(batch.sizes, batch.links.shape[1]))
        )
        links = links.to(random)
        points = self.graph_encoder(links, random, within) + config.noise * noise
        logits = self.decoder(points)
        pairs = torch.ones_like(links).tril(-1) * within[:, None] * within[:, :, None]
        costs = functional.binary_cross_entropy_with_logits(logits, links, reduction="none")
        reconstruction = (costs * pairs).sum()
        share = progress / config.autoencoder_share
        heeded = min(share, 1.0) * config.flow_weight  # how much of the flow's gradient the encoder sees
        if not config.flow_weight and share > 1:
            reconstruction = reconstruction.detach() + 0 * reconstruction  # a gradient of zero: workers exchange those of all
        entropy = -((noise**2 + math.log(2 * math.pi)) / 2 + math.log(config.noise)) * within[..., None]
        seen = heeded * points + (1 - heeded) * points.detach()
        flow = entropy.sum() - self.flow.log_prob(seen, within).sum()
        parts = {"reconstruction": reconstruction.detach(), "flow": flow.detach()}
        units, guess = self._units(batch)
        return Loss(total=reconstruction + flow, units=units, parts=parts, guess=guess)

    def _units(self, batch: Batch) -> tuple[dict[str, int], float]:
        pairs, nodes = int((batch.sizes * (batch.sizes - 1) // 2).sum()), int(batch.sizes.sum())
        guess = self.config.sharpness * pairs + self.config.embedding_size * nodes * (1 + abs(math.log(self.config.noise)))
        return {"graph": len(batch.graph), "node": nodes, "edge_bit": pairs}, guess

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: a constraint, another end than that of the sizes, or a temperature where edges are not drawn.
        """
        check_decoding(decoding, frozenset({"temperature"} if self.config.edges == "bernoulli" else ()), "gnf")
        return GNFSampler(self, decoding)


class GNFSampler(DenseSampler):
    """Draws the points of graphs of like size together, and the edges between them."""

    def __init__(self, model: GNFModel, decoding: Decoding) -> None:
        super().__init__(model.sizes, decoding.max_num_node)
        self._model = copy.deepcopy(model).double().eval()
        self._temperature = decoding.temperature * model.config.softness

    @torch.inference_mode()
    def draw_graphs(self, numbers: Numbers, sizes: Int64Array) -> GraphSet:
        """Points from the flow; then edges, each drawn or where it is likelier than not."""
        model, n, k = self._model, int(sizes.max()), self._model.config.embedding_size
        device = model.flow.scale.device
        within = torch.from_numpy(inside(sizes, n)).to(device)
        z = torch.from_numpy(numbers.normals(FIRST, n * k).reshape(-1, n, k)).to(device)
        logits = model.decoder(model.flow.inverse(z, within))
        likely = (torch.sigmoid(logits / self._temperature) * model.has_edges).cpu().numpy()
        if model.config.edges == "threshold":
            likely = (likely > 0.5).astype(np.float64)
        return graphs_of(sizes, drawn_pairs(numbers, FIRST + sizes * k, likely, sizes))
