"""DiGress as a `GraphModel`: noisy batches, the loss of undoing the noise, and graphs from noise alone.

Legend: B graphs, n nodes of the largest, P pairs of nodes of a graph, T steps, K classes (`classes`).
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.dense import FIRST, DenseSampler, inside, labelled_graphs
from gengraph.models.digress.classes import ClassArrays, classes_of, drawn
from gengraph.models.digress.config import DiGressConfig
from gengraph.models.digress.features import NUM_CYCLES, NUM_EIGENVALUES, NUM_EIGENVECTORS, cycle_features, spectral_features
from gengraph.models.digress.molecular import AT_NODE, IN_GRAPH, molecular_features
from gengraph.models.digress.network import GraphTransformer
from gengraph.models.digress.noise import kept_share, posterior, prior_logits
from gengraph.models.family import Decoding, Encoder, Facts, Loss, Sampler, check_decoding, labels_of
from gengraph.models.numbers import Numbers
from gengraph.models.sizes import SizeLaw
from gengraph.seeded import Stream

_CELLS, _CELLS_GPU = 1 << 13, 1 << 16  # pairs of nodes that are denoised together: on a CPU what fits its caches


@dataclass(frozen=True, slots=True)
class Batch:
    """Noisy graphs.

    Attributes:
        graph: int64[B].
        sizes: int64[B], nodes.
        clean: int8[B, n] and int8[B, n, n].
        noisy: int8[B, D, n] and int8[B, D, n, n], after `steps` steps, D times.
        steps: int64[B, D], 1..T.
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    sizes: Int64Array
    clean: ClassArrays
    noisy: ClassArrays
    steps: Int64Array
    losses_of_data: Mapping[str, int] = field(default_factory=dict)


class DiGressModel(nn.Module):
    """The network with its noise.

    Args:
        config: of the model.
        facts: from `DiGress.prepare`, with the schema of the labels that are drawn with the edges.
    """

    of_nodes: Tensor
    of_pairs: Tensor
    valences: Tensor
    masses: Tensor
    orders: Tensor

    def __init__(self, config: DiGressConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.largest, self.has_edges = config, int(facts["max_num_node"]), bool(facts["has_edges"])
        self.schema = labels_of(facts)
        self.sizes = SizeLaw.from_counts(facts["sizes"], config.size_smoothing)
        self.kept = kept_share(config.steps)
        for name in ("of_nodes", "of_pairs"):  # marginals
            self.register_buffer(name, torch.tensor(facts[name], dtype=torch.float64), persistent=False)
        atoms: dict[str, list[float]] = facts.get("atoms", {})
        self.molecular = bool(atoms)
        for name, known in atoms.items():
            numbers = [0, *known] if name == "orders" else known  # the first class of pairs is no bond
            self.register_buffer(name, torch.tensor(numbers, dtype=torch.get_default_dtype()), persistent=False)
        cycles = NUM_CYCLES * (config.features != "none")
        spectra = config.features == "all"
        classes = len(self.of_nodes), len(self.of_pairs)
        inputs = (
            classes[0] + 1 + cycles + (1 + NUM_EIGENVECTORS) * spectra + AT_NODE * self.molecular,
            classes[1],
            3 + cycles + (1 + NUM_EIGENVALUES) * spectra + IN_GRAPH * self.molecular,
        )
        sizes = (config.node_size, config.edge_size, config.graph_size)
        self.network = GraphTransformer(inputs, sizes, classes, num_layers=config.num_layers, heads=config.heads)

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes noisy batches; noise and step follow from (seed, epoch, index of the graph).

        Raises:
            InputError: they have other labels than those that the model knows.
        """
        known = graphs.relabelled(self.schema) if len(graphs) else graphs

        def encoded(indices: Int64Array, key: tuple[int, int]) -> Batch:
            chosen, draws = known[indices], self.config.draws
            sizes, clean = chosen.num_nodes.astype(np.int64), classes_of(chosen)
            noisy = clean.repeated(draws)
            steps = np.empty((len(indices), draws), np.int64)
            for i, (g, size) in enumerate(zip(indices.tolist(), sizes.tolist(), strict=True)):
                stream, (low, high) = Stream(key[0], key[1], g), np.tril_indices(size, -1)
                steps[i] = 1 + (stream.uniforms(draws) * self.config.steps).astype(np.int64)
                kept = self.kept[steps[i]][:, None]
                pairs = _disturbed(noisy.pairs[i][:, low, high], kept, self.of_pairs, stream)
                noisy.pairs[i][:, low, high] = noisy.pairs[i][:, high, low] = pairs
                if len(self.of_nodes) > 1:
                    noisy.nodes[i, :, :size] = _disturbed(noisy.nodes[i, :, :size], kept, self.of_nodes, stream)
            return Batch(indices, sizes, clean, noisy, steps)

        return encoded

    def forward(self, batch: Batch, progress: float) -> Loss:
        """The cross-entropy of all pairs of nodes, and of all nodes, the mean over the draws."""
        del progress
        device, draws, n = self.of_pairs.device, batch.noisy.pairs.shape[1], batch.clean.pairs.shape[1]
        within = torch.from_numpy(inside(batch.sizes, n)).to(device).repeat_interleave(draws, 0)
        noisy = [torch.from_numpy(batch.noisy.nodes.reshape(-1, n)), torch.from_numpy(batch.noisy.pairs.reshape(-1, n, n))]
        nodes, pairs = (classes.to(device).long() for classes in noisy)
        of_nodes, of_pairs = self.logits(nodes, pairs, torch.from_numpy(batch.steps.ravel()).to(device), within)
        both = torch.ones_like(pairs, dtype=torch.bool).tril(-1) & within[:, None] & within[:, :, None]
        edges, labels = (
            _cross_entropy(logits, classes, mask, draws)
            for logits, classes, mask in ((of_pairs, batch.clean.pairs, both), (of_nodes, batch.clean.nodes, within))
        )
        count = int((batch.sizes * (batch.sizes - 1) // 2).sum())
        units = {"graph": len(batch.graph), "node": int(batch.sizes.sum()), "edge_bit": count}
        guess = max(count, 1) * np.log(len(self.of_pairs)) + units["node"] * np.log(len(self.of_nodes))
        parts = {"edges": edges.detach(), "node_labels": labels.detach()} if len(self.of_nodes) > 1 else {}
        return Loss(total=edges + labels, units=units, parts=parts, guess=guess)

    def logits(self, nodes: Tensor, pairs: Tensor, steps: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
        """float[B, n, K] and float[B, n, n, K], of the clean classes: what noisy ones say by themselves, and what is learned.

        Args:
            nodes: int64[B, n], noisy.
            pairs: int64[B, n, n], noisy.
            steps: int64[B], 1..T.
            within: bool[B, n], the nodes of each graph.
        """
        dtype = next(self.parameters()).dtype
        edges = (pairs > 0).to(dtype)
        sizes = within.sum(-1, keepdim=True).to(edges)
        density = edges.sum((1, 2))[:, None] / (sizes * (sizes - 1)).clamp(min=1)
        node = [_one_hot(nodes, len(self.of_nodes), dtype), edges.sum(-1, keepdim=True) / sizes[..., None]]
        graph = [steps[:, None].to(edges) / self.config.steps, sizes / self.largest, density]
        if self.config.features != "none":
            at_node, in_graph = cycle_features(edges)
            node, graph = [*node, at_node], [*graph, in_graph]
        if self.config.features == "all":
            at_node, in_graph = spectral_features(edges, within)
            node, graph = [*node, at_node], [*graph, in_graph]
        if self.molecular:
            atoms = node[0] * within[..., None]
            at_node, in_graph = molecular_features(atoms, pairs, (self.valences, self.masses, self.orders), self.largest)
            node, graph = [*node, at_node], [*graph, in_graph]
        given = torch.cat(node, -1), _one_hot(pairs, len(self.of_pairs), dtype), torch.cat(graph, -1)
        learned = self.network(*given, within)
        kept = torch.from_numpy(self.kept).to(edges)[steps][:, None]
        of_nodes = prior_logits(nodes, kept, self.of_nodes.to(dtype)) + learned[0]
        return of_nodes, prior_logits(pairs, kept[..., None], self.of_pairs.to(dtype)) + learned[1]

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: another end than that of the sizes, a constraint, or more steps than those of the noise.
        """
        check_decoding(decoding, frozenset({"temperature", "steps"}), "digress")
        if (decoding.steps or 1) > self.config.steps:
            msg = f"steps must be at most those of the noise, {self.config.steps} here, got {decoding.steps}; take fewer"
            raise InputError(msg)
        return DiGressSampler(self, decoding)


class DiGressSampler(DenseSampler):
    """Denoises graphs of equal size together, which need no masks."""

    def __init__(self, model: DiGressModel, decoding: Decoding) -> None:
        cells = _CELLS if model.of_pairs.device.type == "cpu" else _CELLS_GPU
        super().__init__(model.sizes, decoding.max_num_node, cells=cells, equal=True)
        self._model = copy.deepcopy(model).double().eval()
        self._temperature, steps = decoding.temperature, model.config.steps
        count = decoding.steps or steps
        self._times = np.unique(np.rint(np.arange(count + 1) * steps / count).astype(np.int64))[::-1]

    @torch.inference_mode()
    def draw_graphs(self, numbers: Numbers, sizes: Int64Array) -> GraphSet:
        """From noise, step after step."""
        model, n = self._model, int(sizes.max())
        device = model.of_pairs.device
        within = torch.from_numpy(inside(sizes, n)).to(device)
        classes = self._turn(numbers, 0, sizes, model.of_nodes.cpu().numpy(), model.of_pairs.cpu().numpy())
        for turn, (now, before) in enumerate(zip(self._times[:-1], self._times[1:], strict=True), 1):
            nodes, pairs = (torch.from_numpy(array).to(device) for array in (classes.nodes, classes.pairs))
            logits = model.logits(nodes, pairs, torch.full((len(sizes),), int(now), device=device), within)
            likely = []
            for there, of_class, marginal in zip((nodes, pairs), logits, (model.of_nodes, model.of_pairs), strict=True):
                clean = torch.softmax(of_class / self._temperature, -1)
                back = posterior(there, model.kept[before], model.kept[now], marginal)
                likely.append((clean[..., None] * back).sum(-2).cpu().numpy())
            classes = self._turn(numbers, turn, sizes, likely[0], likely[1])
        return labelled_graphs(sizes, classes.nodes, classes.pairs, model.schema)

    def _turn(self, numbers: Numbers, turn: int, sizes: Int64Array, of_nodes: Any, of_pairs: Any) -> ClassArrays:
        """Classes drawn by float64[..., K] probabilities of nodes and pairs, with the numbers of a turn."""
        model, n, count = self._model, int(sizes.max()), sizes * (sizes - 1) // 2
        labels, (rows, columns) = len(model.of_nodes) > 1, np.tril_indices(n, -1)
        of_nodes = np.broadcast_to(of_nodes, (len(sizes), n, len(model.of_nodes)))
        of_pairs = np.broadcast_to(of_pairs, (len(sizes), n, n, len(model.of_pairs)))
        nodes, pairs = np.zeros((len(sizes), n), np.int64), np.zeros((len(sizes), n, n), np.int64)
        first = FIRST + turn * (count + sizes * labels)
        low = drawn(numbers.uniforms(first, len(rows)), of_pairs[:, rows, columns])
        pairs[:, rows, columns] = low * (rows < sizes[:, None]) * model.has_edges
        if labels:
            nodes = drawn(numbers.uniforms(first + count, n), of_nodes) * inside(sizes, n)
        return ClassArrays(nodes, pairs + pairs.transpose(0, 2, 1))


def _one_hot(classes: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    return torch.eye(count, dtype=dtype, device=classes.device)[classes]


def _cross_entropy(logits: Tensor, classes: Any, mask: Tensor, draws: int) -> Tensor:
    """float[], summed where the mask is, the mean over the draws; of float[B D, ..., K] logits and int8[B, ...] classes."""
    clean = torch.from_numpy(classes).to(logits.device).long().repeat_interleave(draws, 0)
    of_each = functional.cross_entropy(logits.movedim(-1, 1), clean, reduction="none")
    return (of_each * mask).sum() / draws


def _disturbed(classes: Any, kept: Any, marginal: Tensor, stream: Stream) -> Any:
    """Int8[D, C] classes, each what it is with probability float[D, 1], else drawn anew."""
    stays, anew = stream.uniforms(2 * classes.size).reshape(2, *classes.shape)
    return np.where(stays < kept, classes, drawn(anew, np.broadcast_to(marginal.numpy(), (*classes.shape, len(marginal)))))
