"""GraphVAE: matching is that of its definition, samples follow the law of the decoder, and the loss is that of a direct sum."""

import itertools
from functools import partial

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import stats

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.models.dense import adjacency, inside
from gengraph.models.family import Decoding
from gengraph.models.graphvae import FAMILY
from gengraph.models.graphvae.config import GraphVAEConfig
from gengraph.models.graphvae.matching import breadth_first, matched, max_pooling
from gengraph.models.graphvae.model import GraphVAEModel
from gengraph.testing.generators import TRAINING, path_graphs

NUM_DRAWN, NUM_LATENTS = 4_000, 40_000
THREE = GraphSet.from_edge_lists([3, 2, 3], [[(0, 1), (1, 2)], [(0, 1)], [(0, 1)]])


def small_model(graphs: GraphSet, **fields: object) -> GraphVAEModel:
    """Random weights that are large enough for the law to be far from uniform."""
    sizes = {"latent_size": 2, "hidden_size": 8, "num_layers": 2, "decoder_size": 8, "decoder_layers": 1}
    config = GraphVAEConfig(**{**sizes, **fields})
    torch.manual_seed(3)
    model = FAMILY.build(config, FAMILY.prepare(graphs, config, seed=0))
    assert isinstance(model, GraphVAEModel)
    with torch.no_grad():
        for weight in model.decoder.out.parameters():
            weight.mul_(3)
    return model.double().eval()


def random_decoded(count: int, k: int, seed: int) -> tuple[torch.Tensor, ...]:
    """Adjacency and nodes of random graphs of at most k nodes, and random probabilities of nodes and edges."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, k + 1, count)
    graphs = GraphSet.from_networkx([nx.gnp_random_graph(int(n), 0.5, seed=i) for i, n in enumerate(sizes)])
    likely = rng.uniform(size=(count, k, k))
    arrays = adjacency(graphs, k).astype(float), inside(sizes, k), rng.uniform(size=(count, k)), (likely + likely.mT) / 2
    return tuple(map(torch.from_numpy, arrays))


def test_pooling_is_that_of_the_whole_matrix_of_similarities() -> None:
    links, within, exists, likely = random_decoded(5, 6, seed=1)
    found = max_pooling(links, within, exists, likely, rounds=4).numpy()
    for g, n in enumerate(within.sum(1).tolist()):
        a, p, e = links[g].numpy(), likely[g].numpy(), exists[g].numpy()
        expected = (p * e * e[:, None] * (1 - np.eye(6))).sum(1)
        own = e / (1 + abs(a[:n, :n].sum(1)[:, None] - expected))
        x = np.ones((n, 6))
        for _ in range(4):
            new = x * own
            for i, at in itertools.product(range(n), range(6)):
                for j in range(n):
                    alike = [a[i, j] * p[at, b] * e[at] * e[b] * (b != at) * x[j, b] for b in range(6)]
                    new[i, at] += max(alike) if i != j else 0
            x = new / np.linalg.norm(new)
        assert np.allclose(found[g, :n], x)
        assert (found[g, n:] == 0).all()


def test_a_graph_is_found_again_whatever_its_numbers() -> None:
    """Decoded for certain, most edges of random graphs lie on edges; random numbers would lay two in five there."""
    k, found = 9, []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        padded, exists = np.zeros((1, k, k)), np.zeros((1, k))
        padded[0, :8, :8], exists[0, :8] = nx.to_numpy_array(nx.gnp_random_graph(8, 0.4, seed=seed)), 1
        order = rng.permutation(k)
        decoded = torch.from_numpy(exists[:, order]), torch.from_numpy(padded[:, order][:, :, order])
        graph = torch.from_numpy(padded), torch.from_numpy(exists > 0)
        node = matched(*graph, *decoded, rounds=75)[0].numpy()
        assert sorted(node) == list(range(k))
        assert (exists[0, node] == exists[0, order]).all()
        found.append((padded[0][np.ix_(node, node)] * decoded[1][0].numpy()).sum() / padded.sum())
    assert np.mean(found) > 0.9


def test_the_assignment_is_the_best_of_all() -> None:
    decoded = random_decoded(6, 5, seed=4)
    scores = max_pooling(*decoded, rounds=10).numpy()
    for x, node in zip(scores, matched(*decoded, rounds=10).numpy(), strict=True):
        best = max(sum(x[order[a], a] for a in range(5)) for order in itertools.permutations(range(5)))
        assert sum(x[node[a], a] for a in range(5)) == pytest.approx(best)


def test_matched_some_at_a_time_is_matched_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = random_decoded(7, 6, seed=2)
    together = matched(*decoded, rounds=20)
    monkeypatch.setattr("gengraph.models.graphvae.matching._CELLS", 2 * 6**3)
    assert torch.equal(matched(*decoded, rounds=20), together)


def test_orders_are_breadth_first_from_the_highest_degree() -> None:
    graphs = [nx.gnp_random_graph(n, 0.25, seed=n) for n in range(2, 14)]
    sizes = np.array([len(graph) for graph in graphs])
    links = adjacency(GraphSet.from_networkx(graphs))
    ties = np.random.default_rng(0).uniform(size=links.shape[:2])
    for graph, order, n in zip(graphs, breadth_first(links, sizes, ties), sizes, strict=True):
        assert sorted(order[:n]) == list(range(n))
        assert order[n:].tolist() == sorted(order[n:], key=lambda node: ties[len(graph) - 2, node])
        left, degree = set(graph), dict(graph.degree)
        place = {node: i for i, node in enumerate(order[:n].tolist())}
        while left:
            root = min(left, key=place.__getitem__)
            assert degree[root] == max(degree[node] for node in left)
            reached = list(nx.bfs_edges(graph, root, sort_neighbors=partial(sorted, key=place.__getitem__)))
            nodes = [root, *(child for _, child in reached)]
            assert [place[node] for node in nodes] == list(range(place[root], place[root] + len(nodes)))
            for (parent, first), (other, second) in itertools.pairwise(reached):
                assert parent != other or degree[first] >= degree[second]
            left -= set(nodes)


def test_the_numbers_of_nodes_do_not_matter() -> None:
    """Without ties the order is that of the structure; with ties it is random, and all orders that are left come up."""
    graph = nx.Graph([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (1, 3), (3, 6), (0, 6)])
    matrix = nx.to_numpy_array(graph, nodelist=range(7)).astype(bool)
    rng, found = np.random.default_rng(0), set()
    for _ in range(10):
        order = rng.permutation(7)
        moved = matrix[np.ix_(order, order)]
        nodes = breadth_first(moved[None], np.array([7]), rng.uniform(size=(1, 7)))[0]
        found.add(moved[np.ix_(nodes, nodes)].tobytes())
    assert len(found) == 1
    star = adjacency(GraphSet.from_networkx([nx.star_graph(3)])).repeat(60, 0)
    orders = breadth_first(star, np.full(60, 4), rng.uniform(size=(60, 4)))
    assert {tuple(order) for order in orders.tolist()} == {(0, *rest) for rest in itertools.permutations((1, 2, 3))}


def test_pooled_latents_do_not_mind_the_numbers_of_nodes() -> None:
    model = small_model(TRAINING, matching="pool")
    links, within, *_ = random_decoded(6, model.largest, seed=3)
    plain = model.posterior(links, within)
    for g, n in enumerate(within.sum(1).tolist()):
        order = np.r_[np.random.default_rng(g).permutation(n), n : model.largest]
        moved = model.posterior(links[g : g + 1, order][:, :, order], within[g : g + 1])
        assert all(torch.allclose(one[0], other[g]) for one, other in zip(moved, plain, strict=True))


@pytest.mark.parametrize("matching", ["order", "pool"])
def test_the_loss_is_a_direct_sum(matching: str) -> None:
    """By scipy's distributions; with pool the graph stands where the matching put it."""
    model = small_model(TRAINING, matching=matching, beta=0.5)
    batch = model.encoder(TRAINING)(np.arange(len(TRAINING)), key=(1, 2))
    with torch.no_grad():
        loss = model(batch, 0.5)
        links, within = torch.from_numpy(batch.links).double(), torch.from_numpy(inside(batch.sizes, model.largest))
        mean, log_deviation = model.posterior(links, within)
        exists, edges = (
            logits.sigmoid() for logits in model.decoder(mean + log_deviation.exp() * torch.from_numpy(batch.noise))
        )
        if matching == "pool":
            nodes = matched(links, within, exists, edges, rounds=model.config.matching_rounds)
            within = within.gather(1, nodes)
            links = torch.stack([matrix[node][:, node] for matrix, node in zip(links, nodes, strict=True)])
    expected = 0.0
    for w, a, e, p in zip(within.numpy(), links.numpy(), exists.numpy(), edges.numpy(), strict=True):
        expected -= stats.bernoulli.logpmf(w, e).sum()
        real = np.flatnonzero(w)
        expected -= sum(stats.bernoulli.logpmf(a[i, j], p[i, j]) for i, j in itertools.combinations(real, 2))
    assert float(loss.parts["reconstruction"]) == pytest.approx(expected)
    posterior, prior = torch.distributions.Normal(mean, log_deviation.exp()), torch.distributions.Normal(0.0, 1.0)
    divergence = float(torch.distributions.kl_divergence(posterior, prior).sum())
    assert float(loss.parts["kl"]) == pytest.approx(divergence)
    assert float(loss.total) == pytest.approx(expected + 0.5 * divergence)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_samples_follow_the_law_of_the_decoder(temperature: float) -> None:
    """Graphs of at most three nodes are counted up to isomorphism; the law is a mean over latents."""
    model = small_model(THREE)
    with torch.no_grad():
        latents = torch.from_numpy(np.random.default_rng(0).normal(size=(NUM_LATENTS, 2)))
        exists, edges = model.decoder(latents)
    e, p = exists.sigmoid().numpy(), (edges / temperature).sigmoid().numpy()
    law: dict[bytes, float] = {}
    for chosen in itertools.product((0, 1), repeat=3):
        there, nodes = np.prod(np.where(chosen, e, 1 - e), axis=1), np.flatnonzero(chosen)
        low, high = np.array([*itertools.combinations(range(len(nodes)), 2)], int).reshape(-1, 2).T
        likely = p[:, nodes[low], nodes[high]]
        for present in itertools.product((0, 1), repeat=len(low)):
            of_edges = np.prod(np.where(present, likely, 1 - likely), axis=1)
            pairs = [(i, j) for i, j, on in zip(low.tolist(), high.tolist(), present, strict=True) if on]
            key = canonical_keys(GraphSet.from_edge_lists([max(len(nodes), 1)], [pairs]))[0]
            law[key] = law.get(key, 0.0) + float((there * of_edges).mean())
    assert sum(law.values()) == pytest.approx(1)
    sampler = model.sampler(Decoding(temperature=temperature))
    keys = [
        key
        for drawn in sampler.draw(np.arange(NUM_DRAWN), np.zeros(NUM_DRAWN, np.int64), seed=5)
        for key in canonical_keys(drawn.graphs)
    ]
    counts = np.array([keys.count(kind) for kind in law])
    assert stats.chisquare(counts, NUM_DRAWN * np.array([*law.values()]), sum_check=False).pvalue > 1e-4


def test_larger_graphs_than_were_trained_on_are_cut_and_counted() -> None:
    model = small_model(path_graphs(4, 5))
    batch = model.encoder(path_graphs(3, 8, 7))(np.arange(3), key=(0, 0))
    assert batch.losses_of_data == {"cut_nodes": 5}
    assert batch.sizes.tolist() == [3, 5, 5]
    assert batch.links.sum((1, 2)).tolist() == [4, 8, 8]  # breadth first the rest is still a path
    assert torch.isfinite(model(batch, 0.0).total)


def test_samples_are_cut_where_the_decoding_says() -> None:
    model = small_model(TRAINING)
    indices = np.arange(200)
    drawn = {limit: list(model.sampler(Decoding(max_num_node=limit)).draw(indices, indices, seed=1)) for limit in (None, 4)}
    sizes = {limit: np.concatenate([one.graphs.num_nodes for one in some]) for limit, some in drawn.items()}
    assert (sizes[4] == np.minimum(sizes[None], 4)).all()
    assert (np.concatenate([one.cut for one in drawn[4]]) == (sizes[None] > 4)).all()
    assert not np.concatenate([one.cut for one in drawn[None]]).any()


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=r"at most 4 nodes, got .* set model\.most_nodes"):
        FAMILY.select(TRAINING, GraphVAEConfig(most_nodes=4))
