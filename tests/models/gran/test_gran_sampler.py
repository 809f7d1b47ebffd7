"""A graph of GRAN follows from its weights, seed, index and attempt alone, and compiled code agrees with the network."""

from typing import Any

import numpy as np
import pytest
import torch
from gran_cases import as_numbered, numbered_graphs, small_model

from gengraph.data import load_dataset
from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding
from gengraph.models.gran.draws import step_numbers
from gengraph.models.gran.network import GRANModel
from gengraph.models.gran.prefixes import Steps, pack
from gengraph.models.gran.sampler import GRANSampler

LADDERS = load_dataset("ladder-small")
LAWS: list[dict[str, Any]] = [{}, {"oldest": "softmax"}, {"empty_rows": "mixture"}]


def drawn(model: GRANModel, indices: list[int], attempt: int = 0, **fields: Any) -> list[GraphSet]:
    """The graphs of some indices, in their order."""
    attempts = np.full(len(indices), attempt)
    parts = list(model.sampler(Decoding(**fields)).draw(np.array(indices), attempts, seed=5))
    graphs = GraphSet.concatenate([part.graphs for part in parts])
    places = np.concatenate([part.place for part in parts])
    assert sorted(places) == list(range(len(indices)))
    return list(graphs[np.argsort(places)])


@pytest.mark.parametrize("law", LAWS[:2])
def test_a_graph_does_not_depend_on_what_is_drawn_beside_it(law: dict[str, Any]) -> None:
    model = small_model(LADDERS, hidden_size=24, num_layers=3, **law)
    many = drawn(model, list(range(40)))
    assert drawn(model, [7])[0] == many[7]
    some = drawn(model, [33, 2, 19])
    assert some == [many[33], many[2], many[19]]
    assert drawn(model, list(range(40)), attempt=1) != many


def test_graphs_are_cut_at_the_largest_size_and_say_so() -> None:
    for termination in ("size", "stop"):
        model = small_model(LADDERS, termination=termination)
        if model.ends is not None:
            with torch.no_grad():
                next(reversed(list(model.ends.parameters()))).copy_(torch.tensor([-3.0, 3.0]))
        parts = list(model.sampler(Decoding(max_num_node=6)).draw(np.arange(50), np.zeros(50, np.int64), seed=0))
        sizes = np.concatenate([part.graphs.num_nodes for part in parts])
        cut = np.concatenate([part.cut for part in parts])
        assert sizes.max() == 6
        assert (sizes[cut] == 6).all()
        assert cut.any()


def test_sizes_follow_the_training_graphs() -> None:
    graphs = GraphSet.from_edge_lists([3] * 3 + [7], [[(0, 1), (1, 2)]] * 3 + [[(i, i + 1) for i in range(6)]])
    model = small_model(graphs, termination="size")
    sizes = np.array([len(graph.degrees()) for graph in drawn(model, list(range(1000)))])
    assert set(np.unique(sizes)) >= {3, 7}
    assert np.mean(sizes == 3) == pytest.approx(0.75, abs=0.05)
    assert np.mean(~np.isin(sizes, [3, 7])) < 0.02


def test_isolated_nodes_and_components_are_kept() -> None:
    graphs = GraphSet.from_edge_lists([5, 5], [[(0, 1), (2, 3)], [(0, 1), (2, 3)]])
    for law in LAWS:
        model = small_model(graphs, termination="size", **law)
        components = np.concatenate([graph.num_components() for graph in drawn(model, list(range(40)))])
        assert components.max() > 1


def test_what_has_no_edges_gets_none() -> None:
    graphs = GraphSet.from_edge_lists([3, 2], [[], []])
    for law in LAWS:
        model = small_model(graphs, **law)
        assert all(len(graph.edges) == 0 for graph in drawn(model, list(range(20))))
        batch = model.encoder(graphs)(np.arange(2), key=(0, 0))
        assert torch.isfinite(model.log_prob(batch)).all()


def test_one_node() -> None:
    single = GraphSet.from_edge_lists([1, 1], [[], []])
    for termination in ("size", "stop"):
        model = small_model(single, termination=termination)
        batch = model.encoder(single)(np.arange(2), key=(0, 0))
        assert torch.isfinite(model.log_prob(batch)).all()
        assert all(graph.num_nodes[0] >= 1 for graph in drawn(model, [0, 1]))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"attention": False, "rounds": 2},
        {"block_size": 3, "stride": 2, "halo": 1},
        {"oldest": "softmax"},
        {"oldest": "softmax", "block_size": 3, "stride": 2},
    ],
)
def test_compiled_numbers_are_those_of_the_network(fields: dict[str, Any]) -> None:
    model = small_model(LADDERS, **{"hidden_size": 20, **fields})
    batch = as_numbered(LADDERS[:4], model.config)
    sampler = model.sampler(Decoding())
    assert isinstance(sampler, GRANSampler)
    for q, s in ((0, 4), (3, 6), (2, 2)):
        prefixes = pack(batch, Steps(np.array([q]), np.array([s]), np.ones(1)), model.rules)
        with torch.inference_mode():
            logits = model.logits(prefixes)
        assert logits.ends is not None
        first = batch.node_offsets[q]
        graph = batch.indptr[first:], batch.indptr[first + 1 :], batch.num_earlier[first:], batch.neighbours
        place = s, int(batch.window[first + q + s]), -1
        edges, pooled, oldest, _, ends = step_numbers(place, graph, model.rules, sampler._weights)
        np.testing.assert_allclose(edges, logits.edges.numpy(), rtol=1e-3, atol=1e-4)
        if logits.oldest is None:
            assert oldest.size == 0
        else:
            np.testing.assert_allclose(oldest, logits.oldest.numpy(), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(pooled.mean(0), logits.weights[0].numpy(), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(ends, logits.ends[0].numpy(), rtol=1e-3, atol=1e-4)


def test_temperature_divides_the_logits_of_edges() -> None:
    graphs = numbered_graphs(range(4, 5))
    model = small_model(graphs, window="all", orderings=("random",), empty_rows="mixture", termination="size", num_mixtures=1)
    logits = model.edges.output
    with torch.no_grad():
        logits.weight.zero_()
        logits.bias.fill_(-1.0)
    for temperature in (0.5, 2.0):
        edges = np.concatenate([graph.num_edges for graph in drawn(model, list(range(1500)), temperature=temperature)])
        assert edges.mean() / 6 == pytest.approx(1 / (1 + np.exp(1 / temperature)), abs=0.02)
