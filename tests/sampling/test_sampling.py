import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
import torch
from enumeration import MAX_NODES, Rows, chi_square, codes, law, plain_log_prob, tiny_model
from in_lanes import InLanes

from gengraph.data import load_dataset
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.graphs.planarity import is_planar
from gengraph.models.graphrnn.network import GraphRNNModel
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.training.config import load_config
from gengraph.training.trainer import Trainer, prepare_graphs

COUNT = 40_000
CUT = Conditions(max_num_node=MAX_NODES)
VARIANTS = [
    {},
    {"model__head__kind": "mlp"},
    {"model__sequence__scan": "nearest_first", "model__sequence__window": "fixed"},
    {"model__head__kind": "mlp", "model__sequence__scan": "nearest_first"},
    {"model__stop": "zero_row"},
    {"model__head__kind": "context"},
    {"model__head__kind": "context", "model__sequence__window": "fixed", "max_prev_node": 2},
    {"max_prev_node": 2, "model__num_layers": "2"},
    {"model__head__kind": "mlp", "model__head__mixture": "3"},
    {"model__node": "lstm", "model__layer_norm": "true"},
    {"model__node": "transformer", "model__num_layers": "2"},
    {"model__stop": "size"},
    {"model__stop": "size", "model__head__kind": "context"},
    {"model__stop": "size", "model__node": "transformer"},
    {"model__stop": "edge_eos"},
    {"model__head__start": "state", "model__sequence__scan": "nearest_first"},
    {"model__head__node_input": "edge_state", "model__num_layers": "2", "model__layer_norm": "true"},
    {"model__head__node_input": "edge_state", "model__stop": "edge_eos", "model__sequence__scan": "nearest_first"},
    {"model__head__node_input": "edge_state", "model__stop": "zero_row"},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_samples_have_the_law_of_the_likelihood(variant: dict) -> None:
    model = tiny_model(**variant)
    expected = law(model)
    samples = sample_graphs(InLanes(model.float(), 500), np.arange(COUNT), seed=5, conditions=CUT)
    assert chi_square(samples.graphs, expected) > 1e-4


def in_threads(model: GraphRNNModel, count: int, threads: int) -> GraphSet:
    """Graphs 0..count-1, parts of them sampled at the same time."""
    with ThreadPoolExecutor(threads) as pool:
        draw = partial(sample_graphs, model, seed=11, conditions=CUT)
        return GraphSet.concatenate(samples.graphs for samples in pool.map(draw, np.array_split(np.arange(count), threads)))


@pytest.mark.slow
def test_many_samples_from_several_threads_have_the_law() -> None:
    model = tiny_model()
    expected = law(model)
    assert chi_square(in_threads(model.float(), 400_000, 3), expected) > 1e-4


@pytest.mark.parametrize(
    ("temperature", "variant"),
    [(0.5, {}), (2.0, {}), (0.5, {"model__head__kind": "mlp", "model__head__mixture": "3"})],
    ids=str,
)
def test_temperature_is_for_edges_alone(temperature: float, variant: dict) -> None:
    model = tiny_model(**variant)
    expected = law(model, temperature=temperature)
    conditions = Conditions(max_num_node=MAX_NODES, temperature=temperature)
    samples = sample_graphs(model.float(), np.arange(COUNT), seed=6, conditions=conditions)
    assert chi_square(samples.graphs, expected) > 1e-4
    assert chi_square(samples.graphs, law(model.double())) < 1e-4


def test_temperature_needs_a_stop_decision() -> None:
    with pytest.raises(InputError, match=r"temperature = 0\.5 is not for graphrnn as it is here"):
        sample_graphs(tiny_model(model__stop="zero_row").float(), np.arange(3), seed=0, conditions=Conditions(temperature=0.5))


def conditioned(expected: dict[int, float], keeps: npt.ArrayLike) -> dict[int, float]:
    kept = {code: p for (code, p), keep in zip(expected.items(), np.asarray(keeps), strict=True) if keep}
    return {code: p / sum(kept.values()) for code, p in kept.items()}


def test_num_nodes_conditions_the_law() -> None:
    model = tiny_model()
    expected = law(model)
    expected = conditioned(expected, [2 <= code >> 6 <= 3 for code in expected])
    conditions = Conditions(within={"nodes": (2, 3)})
    samples = sample_graphs(model.float(), np.arange(COUNT), seed=7, conditions=conditions)
    assert chi_square(samples.graphs, expected) > 1e-4
    assert not samples.num_cut
    assert samples.attempts.min() == 1
    assert samples.attempts.mean() > 1.05


def test_components_are_kept_reduced_or_rejected() -> None:
    model = tiny_model().float()
    draw = partial(sample_graphs, model, np.arange(2000), seed=8)
    kept = draw(conditions=CUT).graphs
    largest = draw(conditions=Conditions(max_num_node=MAX_NODES, components="largest"))
    assert largest.graphs == kept.largest_components()
    rejected = draw(conditions=Conditions(max_num_node=MAX_NODES, components="reject"))
    assert (rejected.graphs.num_components() == 1).all()
    connected = kept.num_components() == 1
    assert 0 < connected.mean() < 1
    assert np.array_equal(rejected.attempts == 1, connected)
    assert rejected.graphs[connected] == kept[connected]


def test_the_reference_rule_runs_on_and_deletes_nodes_without_an_edge() -> None:
    model = tiny_model(model__stop="zero_row", model__sequence__window="fixed")
    expected: dict[int, float] = {}
    for chosen in itertools.product(*(list(itertools.product((0, 1), repeat=width)) for width in range(1, MAX_NODES))):
        rows = Rows(chosen, (1, 2, 3, 3))
        nodes = sorted({node for edge in rows.edges for node in edge})
        edges = [(nodes.index(u), nodes.index(v)) for u, v in rows.edges]
        (code,) = codes(GraphSet.from_edge_lists([len(nodes)], [edges])).tolist()
        expected[code] = expected.get(code, 0.0) + math.exp(plain_log_prob(model, rows, with_end=False))
    samples = sample_graphs(model.float(), np.arange(COUNT), seed=9, conditions=Conditions(stop="reference"))
    assert chi_square(samples.graphs, expected) > 1e-4
    assert not samples.num_cut
    decides = sample_graphs(tiny_model().float(), np.arange(500), seed=9, conditions=Conditions(stop="reference")).graphs
    assert (decides.num_nodes[decides.num_nodes > 0] >= 2).all()
    assert not np.isin(0, np.diff(decides.to_csr().indptr))


def test_refused_graphs_are_drawn_again() -> None:
    model = tiny_model().float()
    known = sample_graphs(model, np.arange(5), seed=1, conditions=CUT).graphs
    conditions = Conditions(max_num_node=6, refused=frozenset(canonical_keys(known)))
    samples = sample_graphs(model, np.arange(300), seed=2, conditions=conditions)
    assert not set(canonical_keys(samples.graphs)) & set(canonical_keys(known))
    assert samples.attempts.max() > 1


@pytest.mark.parametrize(
    ("conditions", "asked"),
    [
        (Conditions(within={"nodes": (1000, 1001)}), r"1000\.\.1001 nodes"),
        (Conditions(max_num_node=1, refused=frozenset(canonical_keys(GraphSet.from_edge_lists([1], [[]])))), "known already"),
    ],
    ids=str,
)
def test_what_cannot_be_met_ends_with_an_error(conditions: Conditions, asked: str) -> None:
    with pytest.raises(InputError, match=rf"{asked}\), but 0 of \d+ did; loosen them"):
        sample_graphs(tiny_model().float(), np.arange(300), seed=0, conditions=conditions)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": 0.0}, "temperature must be > 0, got 0.0"),
        ({"within": {"nodes": (5, 3)}}, r"a range of nodes must be least\.\.most with least <= most, got 5\.\.3"),
        ({"within": {"nodes": (5, float("inf"))}}, r"got 5\.\.inf; give two numbers"),
        ({"within": {"nodes": (-1, 0)}}, r"a range of nodes must reach 1, got -1\.\.0"),
        ({"within": {"beauty": (0, 1)}}, "unknown property 'beauty'; choose from qed"),
        ({"given": {"edges": float("nan")}}, "must be finite, or a name, got edges = nan"),
        ({"given": {"class": None}}, "must be finite, or a name, got class = None"),
        ({"components": "all"}, "components must be one of keep, largest, reject, got 'all'"),
        ({"stop": "never"}, "stop must be one of model, reference, got 'never'"),
        ({"max_num_node": 0}, "max_num_node must be >= 1, got 0"),
    ],
)
def test_conditions_are_checked(values: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Conditions(**values)


@pytest.mark.parametrize("head", ["rnn", "context"])
def test_a_graph_depends_on_seed_and_index_alone(head: str) -> None:
    model = tiny_model(model__head__kind=head).float()
    conditions = Conditions(max_num_node=30, components="reject")
    draw = partial(sample_graphs, model, conditions=conditions)
    whole = sample_graphs(InLanes(model, 64), np.arange(120), seed=1, conditions=conditions)
    narrow = sample_graphs(InLanes(model, 20), np.arange(120), seed=1, conditions=conditions)
    assert draw(np.arange(120), seed=1).graphs == whole.graphs
    assert narrow.graphs == whole.graphs
    assert np.array_equal(narrow.attempts, whole.attempts)
    assert draw(np.arange(50, 80), seed=1).graphs == whole.graphs[50:80]
    assert draw(np.arange(120)[::-1], seed=1).graphs == whole.graphs[np.arange(120)[::-1]]
    assert draw(np.arange(120), seed=2).graphs != whole.graphs
    assert in_threads(model, 3000, 3) == in_threads(model, 3000, 1)


@pytest.mark.parametrize("node", ["lstm", "transformer"])
def test_a_graph_is_the_same_beside_longer_ones(node: str) -> None:
    model = tiny_model(model__node=node, model__hidden_size="16", max_prev_node=4).float()
    with torch.no_grad():
        model.decision.weight.zero_()
        model.decision.bias.copy_(torch.tensor([0.0, -6.0, -4.0]))  # 50 nodes on average
    draw = partial(sample_graphs, seed=1, conditions=Conditions(max_num_node=140))
    whole = draw(model, np.arange(300)).graphs
    assert (whole.num_nodes > 128).any()
    assert draw(InLanes(model, 1), np.arange(300)).graphs == whole
    assert draw(model, np.arange(40, 90)).graphs == whole[40:90]


def test_a_decoder_that_keeps_graphs_planar() -> None:
    model = tiny_model(model__head__kind="context", model__sequence__window="fixed", max_prev_node=9).float()
    with torch.no_grad():
        model.head.output.weight.mul_(0.002)
        model.head.output.bias.fill_(-1.0)
        model.decision.bias.copy_(torch.tensor([4.0, 0.0, 0.0]))
    draw = partial(sample_graphs, model, np.arange(60), seed=3)
    free = draw(conditions=Conditions(max_num_node=16)).graphs
    planar = draw(conditions=Conditions(max_num_node=16, constraint="planar")).graphs
    assert 0 < is_planar(free).mean() < 0.9
    assert is_planar(planar).all()
    assert planar.num_edges.sum() > planar.num_nodes.sum()  # not trees only
    with pytest.raises(
        InputError,
        match=r"constraint = planar is not for graphrnn as it is here; .gengraph models. says which models can",
    ):
        sample_graphs(tiny_model().float(), np.arange(3), seed=0, conditions=Conditions(constraint="planar"))


def test_a_trained_grid_model_gives_the_same_bits_with_any_number_of_lanes() -> None:
    config = load_config("graphrnn/default").replace(["training.steps=12"])
    graphs, facts = prepare_graphs(load_dataset("grid"), config)
    trainer = Trainer(config, facts, graphs, GraphSet.empty())
    checkpoints = []
    trainer.run(lambda _metrics: None, checkpoints.append)
    model = checkpoints[-1].build_model()

    def draw(lanes: int) -> GraphSet:
        conditions = Conditions(max_num_node=100)
        return sample_graphs(InLanes(model, lanes), np.arange(400), seed=0, conditions=conditions).graphs

    wide = draw(1024)
    assert draw(32) == wide
    assert draw(300) == wide
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert draw(1024) == wide
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_sequences_that_do_not_end_are_cut_and_counted() -> None:
    model = tiny_model().float()
    samples = sample_graphs(model, np.arange(1000), seed=1, conditions=Conditions(max_num_node=3))
    assert samples.graphs.num_nodes.max() == 3
    assert 0 < samples.num_cut <= (samples.graphs.num_nodes == 3).sum()
    by_default = sample_graphs(model, np.arange(1000), seed=1)
    assert by_default.graphs.num_nodes.max() <= 2 * model.facts.max_num_node


def test_no_graphs_asked_for() -> None:
    samples = sample_graphs(tiny_model().float(), np.arange(0), seed=0)
    assert len(samples.graphs) == len(samples.attempts) == samples.num_cut == 0


def test_progress_adds_up() -> None:
    finished: list[int] = []
    sample_graphs(InLanes(tiny_model().float(), 8), np.arange(50), seed=0, report=finished.append)
    assert sum(finished) == 50
