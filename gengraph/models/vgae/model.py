"""VGAE as a `GraphModel`: batches, the evidence lower bound, graphs drawn from the prior, and scores of links.

    p(n) p(u) prod_i p(z_i | u, i, n) prod_{i < j} p(A_ij | z),    p(A_ij = 1 | z) = sigmoid(z_i . z_j + b)

with u of the graph, z_i of the node of rank i. The bound given n is that of [1] with a learned prior:

    E_q [log p(A | z)] - E_q [sum_i KL(q(z_i | u, A) | p(z_i | u, i, n))] - KL(q(u | A) | p(u)).

Legend: B graphs, n nodes of the largest, V nodes of all of them, E edges of all of them, D, U numbers a node and a graph.

References:
    [1] T. Kipf, M. Welling. Variational graph auto-encoders. NeurIPS workshop on Bayesian deep learning, 2016.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orderings import Adjacency, drawn_order
from gengraph.models.dense import FIRST, DenseSampler, drawn_pairs, graphs_of
from gengraph.models.family import Decoding, Encoder, Facts, Loss, Sampler, check_decoding
from gengraph.models.numbers import Numbers
from gengraph.models.sizes import SizeLaw
from gengraph.models.vgae.config import VGAEConfig
from gengraph.models.vgae.network import Encoder as NodeEncoder
from gengraph.models.vgae.network import Gaussian, GraphEncoder, Nodes, Prior
from gengraph.seeded import Stream

FloatArray = npt.NDArray[np.float64]

_CELLS = 1 << 18


@dataclass(frozen=True, slots=True)
class Batch:
    """Graphs whose nodes are numbered one after the other.

    Attributes:
        graph: int64[B].
        sizes: int64[B], nodes.
        rank: int64[V], the place of each node in the order of its graph.
        edges: int64[E, 2].
        noise: standard normal numbers for the latents of the graphs float64[B, U] and of the nodes float64[V, D].
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    sizes: Int64Array
    rank: Int64Array
    edges: Int64Array
    noise: tuple[FloatArray, FloatArray]
    losses_of_data: Mapping[str, int] = field(default_factory=dict)


class VGAEModel(nn.Module):
    """The auto-encoder.

    Args:
        config: of the model.
        facts: from `VGAE.prepare`.
    """

    def __init__(self, config: VGAEConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.largest, self.has_edges = config, int(facts["max_num_node"]), bool(facts["has_edges"])
        self.sizes = SizeLaw.from_counts(facts["sizes"], config.size_smoothing)
        hidden, latent, graph = config.hidden_size, config.latent_size, config.graph_size
        self.encode = NodeEncoder(self.largest, (hidden, latent))
        if config.prior == "learned":
            self.encode_graph, self.prior = GraphEncoder((hidden, graph)), Prior(self.largest, (hidden, latent, graph))
        if config.bias:
            density = float(facts["density"])
            self.bias = nn.Parameter(torch.tensor(np.log(density / (1 - density)), dtype=torch.get_default_dtype()))

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches; order and noise follow from (seed, epoch, index of the graph)."""
        adjacency, config = Adjacency.of(graphs), self.config

        def ranks(g: int, n: int, key: tuple[int, int]) -> Int64Array:
            if config.ordering == "given":
                return np.arange(n)
            return np.argsort(drawn_order(adjacency, g, config.ordering, key=key)).astype(np.int64)

        def encoded(indices: Int64Array, key: tuple[int, int]) -> Batch:
            chosen = graphs[indices]
            sizes = chosen.num_nodes.astype(np.int64)
            own = list(zip(indices.tolist(), sizes.tolist(), strict=True))
            noise = [_normals(Stream(*key, g), config.graph_size + n * config.latent_size) for g, n in own]
            return Batch(
                graph=indices,
                sizes=sizes,
                rank=np.concatenate([ranks(g, n, key) for g, n in own]),
                edges=chosen.edges + chosen.node_offsets[chosen.graph_of_edge][:, None],
                noise=(
                    np.stack([numbers[: config.graph_size] for numbers in noise]),
                    np.concatenate([numbers[config.graph_size :].reshape(-1, config.latent_size) for numbers in noise]),
                ),
            )

        return encoded

    def forward(self, batch: Batch, progress: float) -> Loss:
        """The negative bound; the weight of the divergences rises with the progress if the config says so."""
        of_graphs, of_nodes = (self._tensor(noise) for noise in batch.noise)
        nodes, edges = self._nodes(batch), self._tensor(batch.edges)
        of_graph, prior, posterior = self._laws(nodes, edges, of_graphs)
        divergence = posterior.divergence(prior).sum()
        divergence_of_graphs = of_graph.divergence(Gaussian.standard(of_graph.mean)).sum()
        reconstruction = self._cost(posterior.at(of_nodes), edges, nodes)
        weight = min(1.0, progress / self.config.kl_warmup) if self.config.kl_warmup else 1.0
        count = int((batch.sizes * (batch.sizes - 1) // 2).sum())
        parts = {"reconstruction": reconstruction, "kl_nodes": divergence, "kl_graphs": divergence_of_graphs}
        return Loss(
            total=reconstruction + weight * (divergence + divergence_of_graphs),
            units={"graph": len(batch.graph), "node": int(batch.sizes.sum()), "edge_bit": count},
            parts={name: part.detach() for name, part in parts.items()},
            guess=max(count, 1) * np.log(2) + len(batch.rank) * self.config.latent_size,
        )

    def link_scores(self, graph: GraphSet, pairs: Int64Array) -> FloatArray:
        """float64[P], the inner products of the posterior means."""
        with torch.no_grad():
            batch = self.encoder(graph)(np.zeros(1, np.int64), key=(0, 0))
            noise = torch.zeros_like(self._tensor(batch.noise[0]))
            _, _, posterior = self._laws(self._nodes(batch), self._tensor(batch.edges), noise)
            first, second = posterior.mean[self._tensor(pairs.T)].double()
            scores: FloatArray = (first * second).sum(-1).cpu().numpy()
        return scores

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: another end than that of the sizes, or a constraint.
        """
        check_decoding(decoding, frozenset({"temperature"}), "vgae")
        return VGAESampler(self, decoding)

    def logits(self, first: Tensor, second: Tensor) -> Tensor:
        """float[B, n, m], of edges, from the latents of their ends float[B, n, D] and float[B, m, D]."""
        products = first @ second.transpose(1, 2)
        return products + self.bias if self.config.bias else products

    def _tensor(self, values: npt.NDArray[np.generic]) -> Tensor:
        """Where the weights are, numbers of their kind."""
        tensor = torch.from_numpy(np.ascontiguousarray(values)).to(self.encode.second.device)
        return tensor.to(self.encode.second.dtype) if tensor.is_floating_point() else tensor

    def _nodes(self, batch: Batch) -> Nodes:
        graph = np.repeat(np.arange(len(batch.sizes)), batch.sizes)
        return Nodes(self._tensor(graph), self._tensor(batch.rank), self._tensor(batch.sizes))

    def _laws(self, nodes: Nodes, edges: Tensor, noise: Tensor) -> tuple[Gaussian, Gaussian, Gaussian]:
        """The posterior of the latents of graphs [B, U]; prior and posterior of the nodes' [V, D], where noise float[B, U] is.

        The posterior of a node is given on the scale of its prior, so that the prior moves without the divergence.
        """
        hidden, inner = self.encode(nodes, torch.cat([edges, edges.flip(1)]).T)
        if self.config.prior == "standard":
            return Gaussian.standard(noise), Gaussian.standard(inner.mean), inner
        of_graph = self.encode_graph(hidden, nodes)
        prior = self.prior(of_graph.at(noise), nodes)
        return of_graph, prior, prior.moved(inner)

    def _cost(self, latents: Tensor, edges: Tensor, nodes: Nodes) -> Tensor:
        """float[], minus the log-likelihood of all pairs of nodes given latents float[V, D], or its balanced form.

        All pairs cost softplus(logit), as if none was an edge; then edges are set right.
        """
        n = int(nodes.sizes.max())
        inside = torch.arange(n, device=latents.device) < nodes.sizes[:, None]
        padded = latents.new_zeros(len(inside), n, latents.shape[1]).masked_scatter(inside[..., None], latents)
        rows, empty = max(1, _CELLS // (len(inside) * n)), latents.new_zeros(len(inside))
        for row in range(0, n, rows):  # what is computed at a time stays near the processor
            none = functional.softplus(self.logits(padded[:, row : row + rows], padded[:, row:]))
            empty = empty + (none.triu(1) * inside[:, None, row:]).sum((1, 2))
        ends, owner = latents[edges], nodes.graph[edges[:, 0]]  # [E, 2, D]
        logits = (ends[:, 0] * ends[:, 1]).sum(-1) + (self.bias if self.config.bias else 0)
        if not self.config.balanced:
            return empty.sum() - logits.sum()
        pairs, count = nodes.sizes * (nodes.sizes - 1) / 2, torch.bincount(owner, minlength=len(inside))
        found = torch.zeros_like(empty).index_add(0, owner, functional.softplus(-logits))
        missed = empty.index_add(0, owner, functional.softplus(logits), alpha=-1)
        costs: Tensor = pairs / 2 * (found / count.clamp(min=1) + missed / (pairs - count).clamp(min=1))
        return costs.sum()


class VGAESampler(DenseSampler):
    """Draws latents from the prior, and edges from them, for graphs of like size together."""

    def __init__(self, model: VGAEModel, decoding: Decoding) -> None:
        super().__init__(model.sizes, decoding.max_num_node)
        self._model, self._temperature = copy.deepcopy(model).double().eval(), decoding.temperature

    @torch.inference_mode()
    def draw_graphs(self, numbers: Numbers, sizes: Int64Array) -> GraphSet:
        """The latents of the graph, those of its nodes, edges."""
        model, config, n = self._model, self._model.config, int(sizes.max())
        device = model.encode.second.device
        noise = numbers.normals(FIRST, config.graph_size + n * config.latent_size)
        latents = torch.from_numpy(noise[:, config.graph_size :].reshape(len(sizes), n, -1)).to(device)
        if config.prior == "learned":
            graph = torch.from_numpy(np.repeat(np.arange(len(sizes)), n)).to(device)
            rank = torch.arange(n, device=device).repeat(len(sizes))
            nodes = Nodes(graph, rank, torch.from_numpy(sizes).to(device))
            of_graph = torch.from_numpy(noise[:, : config.graph_size]).to(device)
            latents = model.prior(of_graph, nodes).at(latents.flatten(0, 1)).view_as(latents)
        likely = torch.sigmoid(model.logits(latents, latents) / self._temperature) * model.has_edges
        first = FIRST + config.graph_size + sizes * config.latent_size
        return graphs_of(sizes, drawn_pairs(numbers, first, likely.cpu().numpy(), sizes))


def _normals(stream: Stream, count: int) -> FloatArray:
    from scipy.special import ndtri

    quantiles: FloatArray = ndtri(stream.uniforms(count) + 2.0**-54)
    return quantiles
