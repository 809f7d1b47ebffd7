"""DiGress: noise and posterior are those of its chain, features those of networkx, samples follow the network's law."""

import itertools

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import stats

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.digress import FAMILY
from gengraph.models.digress.config import DiGressConfig
from gengraph.models.digress.features import node_cycles, spectral_features
from gengraph.models.digress.model import DiGressModel
from gengraph.models.digress.noise import kept_share, posterior, prior_logit
from gengraph.models.family import Decoding
from gengraph.testing.generators import TRAINING

NUM_DRAWN = 20_000


def small_model(graphs: GraphSet, **fields: object) -> DiGressModel:
    """Random weights that are large enough for the law to be far from uniform."""
    sizes = {"num_layers": 1, "node_size": 8, "edge_size": 8, "graph_size": 4, "heads": 2}
    config = DiGressConfig(**{**sizes, **fields})
    torch.manual_seed(3)
    model = FAMILY.build(config, FAMILY.prepare(graphs, config, seed=0))
    assert isinstance(model, DiGressModel)
    with torch.no_grad():
        for weight in model.network.out.parameters():
            weight.mul_(4)
    return model.double().eval()


def random_adjacency(count: int, n: int) -> tuple[list[nx.Graph], torch.Tensor]:
    graphs = [nx.gnp_random_graph(n, 0.2 + 0.5 * i / count, seed=i) for i in range(count)]
    return graphs, torch.tensor(np.stack([nx.to_numpy_array(graph) for graph in graphs]))


def test_cycles_are_those_of_networkx() -> None:
    graphs, adjacency = random_adjacency(20, 8)
    for graph, found in zip(graphs, node_cycles(adjacency).numpy(), strict=True):
        expected = np.zeros((8, 3))
        for cycle in nx.simple_cycles(graph, length_bound=5):
            expected[cycle, len(cycle) - 3] += 1
        assert np.allclose(found, expected)


def test_spectra_are_those_of_networkx_and_padding_is_nothing() -> None:
    graphs, adjacency = random_adjacency(20, 8)
    at_node, in_graph = spectral_features(adjacency, torch.ones(20, 8, dtype=torch.bool))
    for i, graph in enumerate(graphs):
        values = np.linalg.eigvalsh(nx.laplacian_matrix(graph).toarray())
        count = nx.number_connected_components(graph)
        rest = np.pad(values[count : count + 5], (0, 5))[:5]
        assert np.allclose(in_graph[i].numpy(), [count / 8, *(rest / 8)], atol=1e-6)
        largest = max(map(len, nx.connected_components(graph)))
        outside = [len(nx.node_connected_component(graph, v)) < largest for v in graph]
        assert at_node[i, :, 0].numpy().astype(bool).tolist() == outside
    padded = torch.zeros(20, 11, 11, dtype=torch.float64)
    padded[:, :8, :8] = adjacency
    inside = torch.arange(11).expand(20, 11) < 8
    more, same = spectral_features(padded, inside)
    assert torch.allclose(same, in_graph, atol=1e-6)
    assert torch.allclose(more[:, :8, 0], at_node[:, :, 0])


def test_the_noise_begins_with_the_graph_and_ends_with_none_of_it() -> None:
    share = kept_share(50)
    assert share[0] == 1
    assert share[-1] == 0
    assert (np.diff(share) < 0).all()


@pytest.mark.parametrize("times", [(0, 1), (3, 7), (9, 10)])
def test_the_posterior_is_that_of_the_chain(times: tuple[int, int]) -> None:
    """By Bayes' rule on the 2 x 2 transitions, from time 0 to s to t."""
    share, density = kept_share(10), 0.3
    marginal = np.array([1 - density, density])
    start, step = share[times[0]], share[times[1]] / share[times[0]]
    first, second = (kept * np.eye(2) + (1 - kept) * marginal for kept in (start, step))
    for now, clean in itertools.product((0, 1), repeat=2):
        joint = first[clean] * second[:, now]
        if joint.sum() == 0:
            continue
        found = posterior(torch.tensor(bool(now)), start, share[times[1]], density)[clean]
        assert float(found) == pytest.approx(joint[1] / joint.sum(), abs=1e-12)


@pytest.mark.parametrize("fields", [{"steps": 3}, {"steps": 9, "sampling_steps": 2}, {"steps": 4, "features": "none"}])
def test_samples_follow_the_law_of_the_network(fields: dict[str, object]) -> None:
    """On three nodes the chain of all eight graphs is enumerated."""
    graphs = GraphSet.from_edge_lists([3, 3], [[(0, 1), (1, 2)], [(0, 1)]])
    model = small_model(graphs, **fields)
    states = np.array(list(itertools.product((0, 1), repeat=3)), bool)
    rows, columns = np.tril_indices(3, -1)
    present = np.zeros((8, 3, 3), bool)
    present[:, rows, columns] = present[:, columns, rows] = states
    law = np.prod(np.where(states, model.density, 1 - model.density), axis=1)
    config = model.config
    count = config.sampling_steps or config.steps
    times = [round(config.steps * (count - k) / count) for k in range(count + 1)]
    for now, before in itertools.pairwise(times):
        noisy = torch.tensor(present)
        steps = torch.full((8,), now)
        with torch.no_grad():
            clean = model.logits(noisy, steps, torch.ones(8, 3, dtype=torch.bool)).sigmoid()
        back = posterior(noisy, model.kept[before], model.kept[now], model.density)
        likely = (back[..., 1] * clean + back[..., 0] * (1 - clean))[:, rows, columns].numpy()
        law = law @ np.prod(np.where(states, likely[:, None], 1 - likely[:, None]), axis=2)
    assert law.sum() == pytest.approx(1)
    drawn = GraphSet.concatenate(
        one.graphs for one in model.sampler(Decoding()).draw(np.arange(NUM_DRAWN), np.zeros(NUM_DRAWN, np.int64), seed=5)
    )
    matrix = np.zeros((NUM_DRAWN, 3, 3), bool)
    matrix[drawn.graph_of_edge, drawn.edges[:, 1], drawn.edges[:, 0]] = True
    observed = np.bincount(matrix[:, rows, columns] @ [4, 2, 1], minlength=8)
    assert stats.chisquare(observed, NUM_DRAWN * law, sum_check=False).pvalue > 1e-4


def test_what_a_pair_says_by_itself_is_bayes_rule() -> None:
    density, kept = 0.2, 0.35
    to_edge = {1: kept + (1 - kept) * density, 0: (1 - kept) * density}  # by the clean pair
    for noisy in (0, 1):
        edge, none = (to_edge[clean] if noisy else 1 - to_edge[clean] for clean in (1, 0))
        expected = density * edge / (density * edge + (1 - density) * none)
        found = prior_logit(torch.tensor(float(noisy)), torch.tensor(kept), density).sigmoid()
        assert float(found) == pytest.approx(expected, rel=1e-5)


def test_noise_is_as_strong_as_its_step_says() -> None:
    path = GraphSet.from_networkx([nx.complete_graph(30)])
    graphs = GraphSet.concatenate([path, GraphSet.from_edge_lists([30], [[]])])
    model = small_model(graphs, steps=6, draws=3)
    encode = model.encoder(graphs)
    batches = [encode(np.array([0, 1]), key=(1, epoch)) for epoch in range(100)]
    for t in range(1, 7):
        for g, edge in ((0, 1.0), (1, 0.0)):
            noisy = np.concatenate([batch.noisy[g][batch.steps[g] == t] for batch in batches])[:, *np.tril_indices(30, -1)]
            expected = model.kept[t] * edge + (1 - model.kept[t]) * model.density
            assert np.mean(noisy) == pytest.approx(expected, abs=0.02)
    assert all((batch.noisy == batch.noisy.transpose(0, 1, 3, 2)).all() for batch in batches)


def test_the_network_does_not_mind_the_numbers_of_nodes_or_padding() -> None:
    model = small_model(TRAINING)
    graph = nx.gnp_random_graph(7, 0.5, seed=1)
    matrix = nx.to_numpy_array(graph).astype(bool)
    order = np.random.default_rng(0).permutation(7)
    padded = np.zeros((1, 9, 9), bool)
    padded[0, :7, :7] = matrix
    steps = torch.tensor([50])
    with torch.no_grad():
        plain = model.logits(torch.tensor(matrix[None]), steps, torch.ones(1, 7, dtype=torch.bool))[0].numpy()
        moved = model.logits(torch.tensor(matrix[order][:, order][None]), steps, torch.ones(1, 7, dtype=torch.bool))[0].numpy()
        longer = model.logits(torch.tensor(padded), steps, torch.arange(9)[None] < 7)[0].numpy()
    off = ~np.eye(7, dtype=bool)
    assert np.allclose(plain[order][:, order][off], moved[off])
    assert np.allclose(plain[off], longer[:7, :7][off])


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=r"at most 4 nodes, got .* set model\.most_nodes"):
        FAMILY.select(TRAINING, DiGressConfig(most_nodes=4))
