"""DiGress as a `GraphModel`: noisy batches, the loss of undoing the noise, and graphs from noise alone.

Legend: B graphs, n nodes of the largest, P pairs of nodes of a graph, T steps.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.dense import FIRST, BoolArray, DenseSampler, adjacency, drawn_pairs, inside
from gengraph.models.digress.config import DiGressConfig
from gengraph.models.digress.features import NUM_CYCLES, NUM_EIGENVALUES, NUM_EIGENVECTORS, cycle_features, spectral_features
from gengraph.models.digress.network import GraphTransformer
from gengraph.models.digress.noise import kept_share, posterior, prior_logit
from gengraph.models.family import Decoding, Encoder, Facts, Loss, Sampler, check_decoding
from gengraph.models.numbers import Numbers
from gengraph.models.sizes import SizeLaw
from gengraph.seeded import Stream


@dataclass(frozen=True, slots=True)
class Batch:
    """Noisy graphs.

    Attributes:
        graph: int64[B].
        sizes: int64[B], nodes.
        clean: bool[B, n, n], edges.
        noisy: bool[B, D, n, n], after `steps` steps, D times.
        steps: int64[B, D], 1..T.
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    sizes: Int64Array
    clean: BoolArray
    noisy: BoolArray
    steps: Int64Array
    losses_of_data: Mapping[str, int] = field(default_factory=dict)


class DiGressModel(nn.Module):
    """The network with its noise.

    Args:
        config: of the model.
        facts: from `DiGress.prepare`.
    """

    def __init__(self, config: DiGressConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.largest, self.density = config, int(facts["max_num_node"]), float(facts["density"])
        self.has_edges = bool(facts["has_edges"])
        self.sizes = SizeLaw.from_counts(facts["sizes"], config.size_smoothing)
        self.kept = kept_share(config.steps)
        cycles = NUM_CYCLES * (config.features != "none")
        spectra = config.features == "all"
        inputs = (2 + cycles + (1 + NUM_EIGENVECTORS) * spectra, 2, 3 + cycles + (1 + NUM_EIGENVALUES) * spectra)
        sizes = (config.node_size, config.edge_size, config.graph_size)
        self.network = GraphTransformer(inputs, sizes, num_layers=config.num_layers, heads=config.heads)

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes noisy batches; noise and step follow from (seed, epoch, index of the graph)."""

        def encoded(indices: Int64Array, key: tuple[int, int]) -> Batch:
            chosen = graphs[indices]
            sizes, clean = chosen.num_nodes.astype(np.int64), adjacency(chosen)
            draws, n = self.config.draws, clean.shape[1]
            noisy, steps = np.zeros((len(indices), draws, n, n), np.bool_), np.empty((len(indices), draws), np.int64)
            for i, (g, size) in enumerate(zip(indices.tolist(), sizes.tolist(), strict=True)):
                stream, (low, high) = Stream(key[0], key[1], g), np.tril_indices(size, -1)
                steps[i] = 1 + (stream.uniforms(draws) * self.config.steps).astype(np.int64)
                anew, edge = stream.uniforms(2 * draws * len(low)).reshape(2, draws, -1)
                kept = anew < self.kept[steps[i]][:, None]
                pairs = np.where(kept, clean[i, low, high], edge < self.density)
                noisy[i][:, low, high] = noisy[i][:, high, low] = pairs
            return Batch(indices, sizes, clean, noisy, steps)

        return encoded

    def forward(self, batch: Batch, progress: float) -> Loss:
        """The cross-entropy of all pairs of nodes, the mean over the draws."""
        del progress
        device, draws, n = next(self.parameters()).device, batch.noisy.shape[1], batch.clean.shape[1]
        within = torch.from_numpy(inside(batch.sizes, n)).to(device).repeat_interleave(draws, 0)
        noisy = torch.from_numpy(batch.noisy.reshape(-1, n, n)).to(device)
        logits = self.logits(noisy, torch.from_numpy(batch.steps.ravel()).to(device), within)
        pairs = torch.ones_like(noisy).tril(-1) & within[:, None] & within[:, :, None]
        clean = torch.from_numpy(batch.clean).to(logits).repeat_interleave(draws, 0)
        total = (functional.binary_cross_entropy_with_logits(logits, clean, reduction="none") * pairs).sum() / draws
        count = int((batch.sizes * (batch.sizes - 1) // 2).sum())
        units = {"graph": len(batch.graph), "node": int(batch.sizes.sum()), "edge_bit": count}
        return Loss(total=total, units=units, guess=max(count, 1) * np.log(2))

    def logits(self, noisy: Tensor, steps: Tensor, within: Tensor) -> Tensor:
        """float[B, n, n], of the clean edges: what the noisy pairs say by themselves, and what the network adds to it.

        Args:
            noisy: bool[B, n, n].
            steps: int64[B], 1..T.
            within: bool[B, n], the nodes of each graph.
        """
        edges = noisy.to(next(self.parameters()).dtype)
        sizes = within.sum(-1, keepdim=True).to(edges)
        ones = torch.ones_like(edges[:, :, :1])
        nodes = [ones, edges.sum(-1, keepdim=True) / sizes[..., None]]
        density = edges.sum((1, 2))[:, None] / (sizes * (sizes - 1)).clamp(min=1)
        graph = [steps[:, None].to(edges) / self.config.steps, sizes / self.largest, density]
        if self.config.features != "none":
            at_node, in_graph = cycle_features(edges)
            nodes, graph = [*nodes, at_node], [*graph, in_graph]
        if self.config.features == "all":
            at_node, in_graph = spectral_features(edges, within)
            nodes, graph = [*nodes, at_node], [*graph, in_graph]
        pairs = torch.stack([edges, 1 - edges], -1)
        kept = torch.from_numpy(self.kept).to(edges)[steps][:, None, None]
        learned: Tensor = self.network(torch.cat(nodes, -1), pairs, torch.cat(graph, -1), within)
        return prior_logit(edges, kept, self.density) + learned

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: another end than that of the sizes, or a constraint.
        """
        check_decoding(decoding, frozenset({"temperature"}), "digress")
        return DiGressSampler(self, decoding)


class DiGressSampler(DenseSampler):
    """Denoises graphs of like size together."""

    def __init__(self, model: DiGressModel, decoding: Decoding) -> None:
        super().__init__(model.sizes, decoding.max_num_node)
        self._model = copy.deepcopy(model).double().eval()
        self._temperature, config = decoding.temperature, model.config
        count = config.sampling_steps or config.steps
        self._times = np.unique(np.rint(np.arange(count + 1) * config.steps / count).astype(np.int64))[::-1]

    @torch.inference_mode()
    def draw_edges(self, numbers: Numbers, sizes: Int64Array) -> BoolArray:
        """From noise, step after step."""
        model, n = self._model, int(sizes.max())
        device = next(model.parameters()).device
        within = torch.from_numpy(inside(sizes, n)).to(device)
        present = drawn_pairs(numbers, FIRST, np.full((len(sizes), n, n), model.density), sizes)
        for turn, (now, before) in enumerate(zip(self._times[:-1], self._times[1:], strict=True), 1):
            noisy = torch.from_numpy(present).to(device)
            steps = torch.full((len(sizes),), int(now), device=device)
            edge = torch.sigmoid(model.logits(noisy, steps, within) / self._temperature) * model.has_edges
            back = posterior(noisy, model.kept[before], model.kept[now], model.density)
            likely = (back[..., 1] * edge + back[..., 0] * (1 - edge)).cpu().numpy()
            present = drawn_pairs(numbers, FIRST + turn * (sizes * (sizes - 1) // 2), likely, sizes)
        return present
