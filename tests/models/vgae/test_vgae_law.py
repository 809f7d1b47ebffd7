"""VGAE: convolutions, divergences and the bound are their formulas, and graphs are drawn by the prior's law."""

import itertools
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from gengraph.graphs import GraphSet
from gengraph.models.dense import adjacency
from gengraph.models.family import Decoding, HasLinkScores
from gengraph.models.vgae import FAMILY
from gengraph.models.vgae import model as vgae
from gengraph.models.vgae.config import VGAEConfig
from gengraph.models.vgae.model import Batch, VGAEModel
from gengraph.models.vgae.network import Gaussian, convolve
from gengraph.testing.generators import TRAINING, path_graphs

NUM_DRAWN, NUM_LATENTS, NUM_LOSSES = 8_000, 50_000, 60
TRIANGLES = GraphSet.from_edge_lists([3] * 4, [[(0, 1)], [(0, 1), (1, 2)], [(0, 1), (0, 2), (1, 2)], []])


def small_model(graphs: GraphSet, **fields: object) -> VGAEModel:
    """Random weights that are large enough for latents to matter."""
    sizes = {"hidden_size": 8, "latent_size": 3, "graph_size": 2}
    config = VGAEConfig(**{**sizes, **fields})
    torch.manual_seed(3)
    model = FAMILY.build(config, FAMILY.prepare(graphs, config, seed=0))
    assert isinstance(model, VGAEModel)
    if config.prior == "learned":
        with torch.no_grad():
            model.prior.of_graph.weight.mul_(4)
            model.prior.behind[-1].weight.mul_(4)
    return model.double().eval()


def in_matrices(model: VGAEModel, batch: Batch) -> float:
    """The loss of one graph, from its adjacency matrix."""
    (n,) = batch.sizes.tolist()
    adjacency = torch.zeros(n, n, dtype=torch.float64)
    adjacency[batch.edges[:, 0], batch.edges[:, 1]] = adjacency[batch.edges[:, 1], batch.edges[:, 0]] = 1
    looped = adjacency + torch.eye(n)
    root = torch.diag(looped.sum(0).rsqrt())
    mixed = root @ looped @ root
    hidden = torch.relu(mixed @ model.encode.of_rank[batch.rank])
    posterior = _normal(mixed @ hidden @ model.encode.second)
    noise = [torch.from_numpy(values) for values in batch.noise]
    divergence, prior = torch.zeros(()), Normal(torch.zeros_like(posterior.mean), torch.ones_like(posterior.mean))
    if model.config.prior == "learned":
        of_graph = _normal(model.encode_graph.graph(model.encode_graph.node(hidden).mean(0)))
        graph = of_graph.mean + of_graph.stddev * noise[0][0]
        share = (torch.from_numpy(batch.rank)[:, None].double() + 0.5) / n
        waves = torch.cos(torch.pi * share * torch.arange(1, 5, dtype=torch.float64))
        place = model.prior.of_place(torch.cat([share, torch.full_like(share, np.log(n) / 3), waves], 1))
        rank = model.prior.of_rank.weight[batch.rank]
        prior = _normal(model.prior.behind(rank + place + model.prior.of_graph(graph)))
        divergence = kl_divergence(of_graph, Normal(0, torch.ones_like(graph))).sum()
        posterior = Normal(prior.mean + prior.stddev * posterior.mean, prior.stddev * posterior.stddev)
    latents = posterior.mean + posterior.stddev * noise[1]
    divergence = divergence + kl_divergence(posterior, prior).sum()
    logits = latents @ latents.T + (model.bias if model.config.bias else 0)
    low, high = np.triu_indices(n, 1)
    truth, logits = adjacency[low, high], logits[low, high]
    if not model.config.balanced:
        return float(functional.binary_cross_entropy_with_logits(logits, truth, reduction="sum") + divergence)
    weight = (len(truth) - truth.sum()) / truth.sum()  # as the paper's code weighs edges and scales the mean
    scale = len(truth) / (2 * (len(truth) - truth.sum()))
    costs = functional.binary_cross_entropy_with_logits(logits, truth, pos_weight=weight, reduction="sum")
    return float(scale * costs + divergence)


def _normal(numbers: torch.Tensor) -> Normal:
    mean, log_std = numbers.chunk(2, -1)
    return Normal(mean, log_std.exp())


def test_a_convolution_is_that_of_the_normalised_matrix() -> None:
    graph = nx.gnp_random_graph(9, 0.4, seed=1)
    looped = nx.to_numpy_array(graph) + np.eye(9)
    expected = np.linalg.inv(np.sqrt(np.diag(looped.sum(0)))) @ looped @ np.linalg.inv(np.sqrt(np.diag(looped.sum(0))))
    ends = torch.tensor([*graph.edges, *(edge[::-1] for edge in graph.edges)]).T
    assert np.allclose(convolve(torch.eye(9, dtype=torch.float64), ends).numpy(), expected)


def test_divergences_are_those_of_torch() -> None:
    torch.manual_seed(0)
    first, second = (Gaussian(torch.randn(5, 3), torch.randn(5, 3)) for _ in range(2))
    ours = first.divergence(second)
    assert torch.allclose(ours, kl_divergence(*(Normal(law.mean, law.log_std.exp()) for law in (first, second))))


@pytest.mark.parametrize(
    "fields",
    [{}, {"prior": "standard", "bias": False, "balanced": True}, {"ordering": "given"}],
    ids=["default", "paper", "given"],
)
def test_the_loss_is_its_formula(fields: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model(TRAINING, **fields)
    encode = model.encoder(TRAINING)
    batches = [encode(np.array([g]), key=(1, 2)) for g in range(len(TRAINING))]
    if model.config.balanced:  # the paper's weights need both kinds of pairs
        batches = [batch for batch in batches if 0 < len(batch.edges) < batch.sizes * (batch.sizes - 1) / 2]
    whole = encode(np.concatenate([batch.graph for batch in batches]), key=(1, 2))
    with torch.no_grad():
        for batch in batches:
            assert float(model(batch, 1.0).total) == pytest.approx(in_matrices(model, batch), rel=1e-8)
        expected = sum(in_matrices(model, batch) for batch in batches)
        for cells in (1 << 18, 1):  # all at once, row by row
            monkeypatch.setattr(vgae, "_CELLS", cells)
            assert float(model(whole, 1.0).total) == pytest.approx(expected, rel=1e-8)


def test_the_weight_of_divergences_rises() -> None:
    model = small_model(TRAINING, kl_warmup=0.5)
    batch = model.encoder(TRAINING)(np.arange(3), key=(0, 0))
    with torch.no_grad():
        losses = {progress: model(batch, progress) for progress in (0.0, 0.25, 0.5, 1.0)}
    parts = {name: float(part) for name, part in losses[1.0].parts.items()}
    divergence = parts["kl_nodes"] + parts["kl_graphs"]
    assert divergence > 0
    for progress, weight in ((0.0, 0), (0.25, 0.5), (0.5, 1), (1.0, 1)):
        assert float(losses[progress].total) == pytest.approx(parts["reconstruction"] + weight * divergence)


def test_numbers_of_nodes_mean_nothing_but_their_ranks() -> None:
    model = small_model(TRAINING)
    batch = model.encoder(TRAINING)(np.array([4]), key=(3, 1))
    order = np.random.default_rng(0).permutation(len(batch.rank))
    moved = replace(
        batch, rank=batch.rank[order], edges=np.argsort(order)[batch.edges], noise=(batch.noise[0], batch.noise[1][order])
    )
    with torch.no_grad():
        assert float(model(moved, 1.0).total) == pytest.approx(float(model(batch, 1.0).total))


@pytest.mark.parametrize("prior", ["learned", "standard"])
def test_graphs_are_drawn_by_the_prior_and_the_loss_bounds_their_likelihood(prior: str) -> None:
    """The law of the edges of three nodes is found by drawing latents with torch's numbers."""
    model = small_model(TRIANGLES, prior=prior, ordering="given")
    torch.manual_seed(7)
    latents = torch.randn(NUM_LATENTS, 3, 3, dtype=torch.float64)
    if prior == "learned":
        graphs, nodes = torch.randn(len(latents), 2, dtype=torch.float64), torch.arange(3).repeat(len(latents))
        owner, sizes = torch.arange(len(latents)).repeat_interleave(3), torch.full((len(latents),), 3)
        law = model.prior(graphs, vgae.Nodes(owner, nodes, sizes))
        latents = law.at(latents.flatten(0, 1)).view_as(latents)
    likely = torch.sigmoid(latents @ latents.transpose(1, 2) + model.bias).detach().numpy()
    ends = [(0, 1), (0, 2), (1, 2)]
    states = list(itertools.product([0, 1], repeat=3))
    expected = [
        np.prod([likely[:, i, j] if bit else 1 - likely[:, i, j] for bit, (i, j) in zip(bits, ends, strict=True)], 0).mean()
        for bits in states
    ]
    counts = np.zeros(len(states), np.int64)
    for drawn in model.sampler(Decoding()).draw(np.arange(NUM_DRAWN), np.zeros(NUM_DRAWN, np.int64), seed=5):
        present = adjacency(drawn.graphs)[:, [0, 0, 1], [1, 2, 2]]
        counts += np.bincount(present @ [4, 2, 1], minlength=len(states))  # the place of each among the states
    assert stats.chisquare(counts, np.array(expected) * NUM_DRAWN).pvalue > 1e-3
    chosen = [[pair for bit, pair in zip(bits, ends, strict=True) if bit] for bits in states]
    graphs_of_all = GraphSet.from_edge_lists([3] * len(states), chosen)
    encode = model.encoder(graphs_of_all)
    for g, likelihood in enumerate(expected):
        losses = [float(model(encode(np.array([g]), key=(0, epoch)), 1.0).total.detach()) for epoch in range(NUM_LOSSES)]
        assert np.mean(losses) > -np.log(likelihood) - 3 * stats.sem(losses)


def test_link_scores_are_inner_products_of_means() -> None:
    graph = GraphSet.from_networkx([nx.gnp_random_graph(12, 0.3, seed=2)])
    model = small_model(graph, ordering="given", prior="standard")
    assert isinstance(model, HasLinkScores)
    pairs = np.array(list(itertools.combinations(range(12), 2)))
    scores = model.link_scores(graph, pairs)
    assert np.array_equal(scores, model.link_scores(graph, pairs[:, ::-1]))
    looped = torch.from_numpy(nx.to_numpy_array(*graph.to_networkx()) + np.eye(12))
    mixed = looped / torch.sqrt(looped.sum(0)[:, None] * looped.sum(0))
    means = (mixed @ torch.relu(mixed @ model.encode.of_rank) @ model.encode.second)[:, :3].detach()
    assert np.allclose(scores, (means @ means.T).numpy()[pairs[:, 0], pairs[:, 1]])


def test_ranks_beyond_the_training_graphs_are_the_last() -> None:
    model = small_model(path_graphs(4))
    with torch.no_grad():
        loss = model(model.encoder(path_graphs(4, 9))(np.array([1]), key=(0, 0)), 1.0)
    assert np.isfinite(float(loss.total))
