"""The fits of all baselines but Kronecker recover what made the graphs."""

import json

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from strategies import graph_sets

from gengraph.baselines.barabasi_albert import BarabasiAlbert, sample_ba
from gengraph.baselines.configuration import Configuration
from gengraph.baselines.empirical import Empirical
from gengraph.baselines.erdos_renyi import ErdosRenyi
from gengraph.baselines.gnp import fit_density, sample_gnp
from gengraph.baselines.kronecker import Kronecker
from gengraph.baselines.mmsb import MMSB, sample_mmsb
from gengraph.baselines.mmsb_gibbs import Pairs, sweep_pairs
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.generator import GraphGenerator
from gengraph.streams import stream_key

KEY = stream_key(9, "test")


def sizes_between(low: int, high: int, count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(low, high, count).astype(np.int32)


ANY_OPTIONS: list[GraphGenerator] = [
    ErdosRenyi(),
    ErdosRenyi(density="size"),
    ErdosRenyi(variant="gnm"),
    BarabasiAlbert(),
    Kronecker(),
    Kronecker(fit="likelihood"),
    Kronecker(fit="likelihood", side=3),
    MMSB(num_groups=3, sweeps=8),
    Configuration(),
    Empirical(),
]


@pytest.mark.parametrize("generator", ANY_OPTIONS, ids=repr)
@settings(max_examples=15)
@given(graphs=graph_sets().filter(len), seed=st.integers(0, 2**64))
def test_any_set_can_be_learned(generator: GraphGenerator, graphs: GraphSet, seed: int) -> None:
    sampled = generator.fit(graphs, seed=seed, budget=0.0).sample(5, seed=seed)  # GraphSet checks its arrays
    assert set(sampled.num_nodes.tolist()) <= set(graphs.num_nodes.tolist())
    if not len(graphs.edges):
        assert not len(sampled.edges)


def test_er_recovers_p() -> None:
    graphs = sample_gnp(sizes_between(20, 60, 200), np.full(200, 0.15), KEY)
    pairs = graphs.num_nodes * (graphs.num_nodes - 1.0) / 2
    fitted = set(ErdosRenyi().fit(graphs, seed=0).parameters()["p_of_size"].values())
    assert len(fitted) == 1  # the data show no trend, so none is fitted
    assert fitted.pop() == pytest.approx(len(graphs.edges) / pairs.sum())


def test_er_recovers_a_density_that_falls_with_size() -> None:
    sizes = sizes_between(50, 500, 300)
    graphs = sample_gnp(sizes, 5.0 / sizes, KEY)
    law = fit_density(graphs, "auto")
    assert law(np.array([60, 200, 450])) == pytest.approx([5 / 60, 5 / 200, 5 / 450], rel=0.05)
    assert len(set(fit_density(graphs, "constant")(np.array([60, 450])))) == 1


def test_density_is_the_logistic_maximum_likelihood() -> None:
    sizes = sizes_between(5, 40, 100)
    graphs = sample_gnp(sizes, special.expit(1.0 - 0.8 * np.log(sizes)), KEY)
    pairs = sizes * (sizes - 1.0) / 2
    residual = graphs.num_edges - pairs * fit_density(graphs, "size")(sizes)
    assert residual.sum() == pytest.approx(0, abs=1e-6)  # the two likelihood equations
    assert (residual * np.log(sizes)).sum() == pytest.approx(0, abs=1e-6)


def test_gnm_copies_sizes_and_edges_together() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(9), nx.complete_graph(5), nx.empty_graph(4)])
    sampled = ErdosRenyi(variant="gnm").fit(graphs, seed=0).sample(100, seed=0)
    assert set(zip(sampled.num_nodes.tolist(), sampled.num_edges.tolist(), strict=True)) == {(9, 8), (5, 10), (4, 0)}


@pytest.mark.parametrize("options", [{"variant": "gnq"}, {"density": "low"}, {"fit": "luck"}, {"variant": "gnm", "fit": "mmd"}])
def test_er_options(options: dict) -> None:
    with pytest.raises(InputError, match="must be one of"):
        ErdosRenyi(**options)


@pytest.mark.parametrize("m", [1, 3, 8])
def test_ba_recovers_m(m: int) -> None:
    graphs = sample_ba(sizes_between(20, 60, 50), m, KEY)
    assert BarabasiAlbert().fit(graphs, seed=0).parameters()["m"] == m


def test_ba_by_mmd_recovers_m() -> None:
    metrics = pytest.importorskip("gengraph.metrics")
    assert metrics.evaluate
    graphs = sample_ba(sizes_between(20, 60, 50), 3, KEY)
    assert BarabasiAlbert(fit="mmd").fit(graphs, seed=0).parameters()["m"] == 3


def test_er_by_mmd_recovers_p() -> None:
    metrics = pytest.importorskip("gengraph.metrics")
    assert metrics.evaluate
    graphs = sample_gnp(np.full(60, 40, np.int32), np.full(60, 0.15), KEY)
    assert ErdosRenyi(fit="mmd").fit(graphs, seed=0).parameters()["p_of_size"]["40"] == pytest.approx(0.15, rel=0.1)


@pytest.mark.parametrize(
    ("alpha", "rates"),
    [
        ([0.05, 0.05], [[0.4, 0.05], [0.05, 0.2]]),
        ([0.05, 0.05], [[0.1, 0.5], [0.5, 0.05]]),
        ([0.05, 0.05, 0.05], [[0.6, 0.05, 0.1], [0.05, 0.4, 0.02], [0.1, 0.02, 0.2]]),
    ],
)
def test_mmsb_recovers_the_blocks(alpha: list[float], rates: list[list[float]]) -> None:
    truth = np.array(rates)
    graphs = sample_mmsb(sizes_between(40, 60, 40), np.ones(40), (np.array(alpha), truth), KEY)
    fitted = MMSB(num_groups=len(alpha), sweeps=800).fit(graphs, seed=0).parameters()
    found = np.array(fitted["rates"])
    order, wanted = np.argsort(-np.diag(found)), np.argsort(-np.diag(truth))
    assert np.abs(found[np.ix_(order, order)] - truth[np.ix_(wanted, wanted)]).max() < 0.05
    assert np.abs(np.array(fitted["alpha"]) - alpha).max() < 0.1


def test_mmsb_keeps_the_density_at_every_size() -> None:
    sizes = sizes_between(30, 120, 60)
    graphs = sample_gnp(sizes, 5.0 / sizes, KEY)
    sampled = MMSB(num_groups=2, sweeps=60).fit(graphs, seed=0).sample(400, seed=1)
    for low, high in ((30, 60), (61, 120)):
        ours, theirs = ((low <= some.num_nodes) & (some.num_nodes <= high) for some in (sampled, graphs))
        degree = [
            2 * some.num_edges[which].sum() / some.num_nodes[which].sum() for some, which in ((sampled, ours), (graphs, theirs))
        ]
        assert degree[0] == pytest.approx(degree[1], rel=0.08)


def test_gibbs_has_the_posterior_as_its_limit() -> None:
    # Three nodes, two groups: 4^3 assignments of groups to pairs can be enumerated.
    alpha, rates = np.array([0.3, 0.7]), np.array([[0.7, 0.2], [0.2, 0.4]])
    edges, density = [(0, 1), (1, 2)], 0.5
    pairs = [(0, 1), (0, 2), (1, 2)]
    weights = np.zeros((4, 4, 4))
    for groups in np.ndindex(4, 4, 4):
        counts = np.zeros((3, 2))
        weight = 1.0
        for (u, v), pair_groups in zip(pairs, groups, strict=True):
            k, m = divmod(pair_groups, 2)
            counts[u, k] += 1
            counts[v, m] += 1
            weight *= density * rates[k, m] if (u, v) in edges else 1 - density * rates[k, m]
        weights[groups] = weight * np.exp(special.gammaln(counts + alpha).sum())
    expected = weights.sum(axis=(1, 2)) / weights.sum()  # of the pair (0, 1)
    flat = Pairs(np.array(edges, np.int32), np.array([0, 2]), np.array([0, 3]), np.array([0, 3]), np.array([density]))
    state = np.zeros(3, np.uint8), np.tile(np.array([2, 0]), (3, 1))
    seen = np.zeros(4)
    num_sweeps = 20_000
    for sweep in range(1, num_sweeps + 1):
        sweep_pairs(flat, state, alpha, rates, KEY, sweep)
        seen[state[0][0]] += 1
    assert seen / num_sweeps == pytest.approx(expected, abs=0.015)


def test_mmsb_of_large_and_many_graphs_looks_at_a_part() -> None:
    graphs = sample_gnp(np.array([3000, 50, 50], np.int32), np.array([0.01, 0.01, 0.01]), KEY)
    sampled = MMSB(num_groups=2, sweeps=40).fit(graphs, seed=0, budget=5).sample(6, seed=0)
    pairs = sampled.num_nodes * (sampled.num_nodes - 1.0) / 2
    assert sampled.num_edges.sum() / pairs.sum() == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("options", [{"num_groups": 0}, {"num_groups": 17}, {"sweeps": 3}])
def test_mmsb_options(options: dict) -> None:
    with pytest.raises(InputError, match=r"must be in"):
        MMSB(**options)


def test_configuration_keeps_degrees_and_loses_triangles() -> None:
    graphs = GraphSet.from_networkx([nx.disjoint_union_all([nx.complete_graph(4)] * 8)])
    sampled = Configuration().fit(graphs, seed=0).sample(10, seed=0)
    degrees = np.bincount((sampled.edges + sampled.node_offsets[:-1][sampled.graph_of_edge][:, None]).ravel())
    assert (degrees == 3).all()
    assert all(sum(nx.triangles(graph).values()) / 3 < 8 for graph in sampled.to_networkx())
    with pytest.raises(InputError, match="steps_per_edge must be >= 1, got 0"):
        Configuration(steps_per_edge=0)


def test_empirical_draws_training_graphs_uniformly() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(4), nx.cycle_graph(4), nx.star_graph(3)])
    sampled = Empirical().fit(graphs, seed=0).sample(3000, seed=0)
    hashes = [graph.content_hash() for graph in sampled]
    counts = [hashes.count(graph.content_hash()) for graph in graphs]
    assert sum(counts) == 3000
    assert min(counts) > 900


def test_parameters_are_short() -> None:
    graphs = sample_gnp(np.full(300, 20, np.int32), np.full(300, 0.3), KEY)
    for model in (ErdosRenyi(), ErdosRenyi(variant="gnm"), BarabasiAlbert(), Configuration(), Empirical()):
        assert len(json.dumps(model.fit(graphs, seed=0).parameters())) < 400
