"""GNF: the flow is invertible and its density exact, samples follow the law, the loss bounds the likelihood."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import cdist
from torch import Tensor

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.dense import adjacency, inside
from gengraph.models.family import Decoding
from gengraph.models.gnf import FAMILY
from gengraph.models.gnf.config import GNFConfig
from gengraph.models.gnf.flow import Flow
from gengraph.models.gnf.model import GNFModel
from gengraph.testing.generators import TRAINING

SIZES: dict[str, Any] = {"embedding_size": 3, "hidden_size": 8, "heads": 2, "encoder_layers": 1, "flow_layers": 3}
NUM_DRAWN = 6_000


def small_model(graphs: GraphSet = TRAINING, **fields: Any) -> GNFModel:
    """Random weights, everywhere, for nothing to be the identity."""
    config = GNFConfig(**{**SIZES, **fields})
    torch.manual_seed(3)
    model = FAMILY.build(config, FAMILY.prepare(graphs, config, seed=0))
    assert isinstance(model, GNFModel)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "log_sharpness" not in name:
                weight.add_(0.3 * torch.randn_like(weight))
    return model.double().eval()


def random_points(flow: Flow, sizes: list[int], n: int) -> tuple[Tensor, Tensor]:
    """Points float64[B, n, k] that are anything in the padding, and what is inside bool[B, n]."""
    torch.manual_seed(1)
    points = torch.randn(len(sizes), n, len(flow.scale), dtype=torch.float64)
    return points, torch.from_numpy(inside(np.array(sizes), n))


def test_the_flow_is_invertible() -> None:
    flow = small_model().flow
    points, within = random_points(flow, [5, 2, 7], 7)
    with torch.no_grad():
        z, _ = flow(points, within)
        back = flow.inverse(z, within)
    assert (z - points)[within].abs().max() > 0.1
    assert (back - points)[within].abs().max() < 1e-10


def test_the_log_determinant_is_that_of_the_jacobian() -> None:
    flow = small_model(coupling_layers=2).flow
    points, within = random_points(flow, [4, 2], 4)
    with torch.no_grad():
        found = flow(points, within)[1]
    for g, n in enumerate((4, 2)):

        def of_graph(flat: Tensor, n: int = n) -> Tensor:
            z: Tensor = flow(flat.view(1, n, -1), torch.ones(1, n, dtype=torch.bool))[0]
            return z.flatten()

        jacobian = torch.autograd.functional.jacobian(of_graph, points[g, :n].flatten())
        assert float(torch.linalg.slogdet(jacobian)[1]) == pytest.approx(float(found[g]), abs=1e-10)


def test_the_density_of_the_flow_integrates_to_one_and_is_that_of_its_draws() -> None:
    flow = small_model(embedding_size=2).flow
    axis = torch.linspace(-8, 8, 321, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)[:, None]
    one = torch.ones(len(points), 1, dtype=torch.bool)
    with torch.no_grad():
        density = flow.log_prob(points, one).exp() * 0.05**2
        torch.manual_seed(5)
        drawn = flow.inverse(torch.randn(NUM_DRAWN, 1, 2, dtype=torch.float64), one[:NUM_DRAWN])
    assert float(density.sum()) == pytest.approx(1, abs=1e-3)
    edges = [-8, -0.5, -0.2, 0, 0.2, 0.5, 8]
    law, _ = np.histogramdd(points[:, 0].numpy(), [edges, edges], weights=density.numpy())
    observed, _ = np.histogramdd(drawn[:, 0].numpy(), [edges, edges])
    error = np.sqrt(NUM_DRAWN * law * (1 - law)) + 0.004 * NUM_DRAWN  # of the draws, and of the grid at the edges of a cell
    assert (np.abs(observed - NUM_DRAWN * law) < 4 * error).all()
    assert (law > 0.01).sum() > 10


def test_padding_and_the_numbers_of_nodes_do_not_matter() -> None:
    model = small_model()
    graphs = TRAINING[np.flatnonzero(TRAINING.num_nodes >= 5)[:2]]
    sizes = graphs.num_nodes.astype(np.int64)
    n = int(sizes.max())
    order = np.random.default_rng(0).permutation(int(sizes[0]))
    links = torch.from_numpy(adjacency(graphs, n + 3)).double()
    torch.manual_seed(0)
    random = torch.randn(2, n + 3, 6, dtype=torch.float64)
    within = torch.from_numpy(inside(sizes, n + 3))
    with torch.no_grad():
        points = model.graph_encoder(links, random, within)
        log_prob = model.flow.log_prob(points, within)
        for g, size in enumerate(sizes):
            alone = torch.ones(1, size, dtype=torch.bool)
            found = model.graph_encoder(links[g : g + 1, :size, :size], random[g : g + 1, :size], alone)
            assert torch.allclose(found[0], points[g, :size])
            assert torch.allclose(model.flow.log_prob(found, alone), log_prob[g])
        moved = model.graph_encoder(links[:1, order][:, :, order], random[:1, order], within[:1, order])
        assert torch.allclose(moved[0], points[0, order])
        z, _ = model.flow(points[:1, : sizes[0]], within[:1, : sizes[0]])
        z_moved, _ = model.flow(moved, within[:1, order])
    assert torch.allclose(z_moved[0], z[0, order])
    assert (points[0, 0] - points[0, 1]).abs().max() > 1e-6


def test_near_nodes_are_linked() -> None:
    decoder = small_model(decoder="fixed").decoder
    decoder.reach.data.fill_(1.0)
    points = torch.randn(1, 6, 3, dtype=torch.float64)
    distances = cdist(points[0].numpy(), points[0].numpy())
    with torch.no_grad():
        likely = torch.sigmoid(decoder(points))[0].numpy()
    assert np.allclose(likely, 1 / (1 + np.exp(10 * (distances**2 - 1))))
    assert ((likely > 0.5) == (distances < 1)).all()


def prior_of_graphs(model: GNFModel, n: int) -> np.ndarray:
    """Probability of each graph on n nodes, the lower pairs as bits, by so many points of the flow."""
    rows, columns = np.tril_indices(n, -1)
    states = (np.arange(2 ** len(rows))[:, None] >> np.arange(len(rows))) & 1
    torch.manual_seed(11)
    z = torch.randn(2 * NUM_DRAWN, n, model.config.embedding_size, dtype=torch.float64)
    with torch.no_grad():
        within = torch.ones(len(z), n, dtype=torch.bool)
        likely = torch.sigmoid(model.decoder(model.flow.inverse(z, within)))[:, rows, columns].numpy()
    return np.array([np.where(state, likely, 1 - likely).prod(1).mean() for state in states])


def test_samples_follow_the_law_of_flow_and_decoder() -> None:
    graphs = GraphSet.from_edge_lists([3, 3], [[(0, 1), (1, 2)], [(0, 1)]])
    model = small_model(graphs, sharpness=1.0)
    law = prior_of_graphs(model, 3)
    assert law.sum() == pytest.approx(1)
    assert law.min() > 1e-3
    drawn = GraphSet.concatenate(
        one.graphs for one in model.sampler(Decoding()).draw(np.arange(NUM_DRAWN), np.zeros(NUM_DRAWN, np.int64), seed=5)
    )
    bits = adjacency(drawn)[:, *np.tril_indices(3, -1)]
    observed = np.bincount(bits @ [1, 2, 4], minlength=8)
    expected = np.round(2 * NUM_DRAWN * law)
    assert stats.chi2_contingency([observed, expected]).pvalue > 1e-4


def test_the_loss_bounds_the_likelihood() -> None:
    """On average over the random numbers; the likelihood by points of the flow."""
    graphs = GraphSet.from_edge_lists([3, 3], [[(0, 1), (1, 2)], [(0, 1)]])
    model = small_model(graphs, sharpness=1.0)
    law = prior_of_graphs(model, 3)
    for g, state in ((0, 1 + 4), (1, 1)):
        encode = model.float().encoder(graphs[np.full(2000, g)])
        with torch.no_grad():
            loss = float(model(encode(np.arange(2000), key=(0, 0)), 0.5).total) / 2000
        assert loss > -math.log(law[state])


def encoder_gradient(model: GNFModel, progress: float) -> float:
    model.zero_grad()
    model(model.encoder(TRAINING)(np.arange(4), key=(0, 0)), progress).total.backward()
    gradients = [weight.grad for weight in model.graph_encoder.parameters()]
    return sum(float(gradient.abs().sum()) for gradient in gradients if gradient is not None)


def test_in_stages_the_encoder_learns_from_reconstruction_alone_and_then_no_more() -> None:
    model = small_model(flow_weight=0.0, autoencoder_share=0.4).float()
    first = encoder_gradient(model, 0.2)
    assert first > 0
    with torch.no_grad():
        for weight in model.flow.parameters():
            weight.mul_(0.5)
    assert encoder_gradient(model, 0.3) == pytest.approx(first)
    assert encoder_gradient(model, 0.5) == 0
    together = small_model(flow_weight=1.0).float()
    assert encoder_gradient(together, 0.5) != pytest.approx(first)


def test_with_a_threshold_edges_are_those_that_are_likelier_than_not() -> None:
    model = small_model(edges="threshold")
    with pytest.raises(InputError, match="temperature = 2 is not for gnf"):
        model.sampler(Decoding(temperature=2.0))
    assert "temperature" not in FAMILY.capabilities(model.config)
    indices = np.arange(50)

    def edges(model: GNFModel) -> list[int]:
        found: dict[int, int] = {}
        for one in model.sampler(Decoding()).draw(indices, 0 * indices, seed=1):
            found |= dict(zip(one.place.tolist(), [len(graph.edges) for graph in one.graphs], strict=True))
        return [found[place] for place in indices.tolist()]

    sharp = edges(model)
    model.decoder.log_sharpness.data.fill_(math.log(1e9))
    assert edges(model) == sharp
    assert sum(sharp) > 0


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=r"at most 4 nodes, got .* set model\.most_nodes"):
        FAMILY.select(TRAINING, GNFConfig(most_nodes=4))
