"""What GRAN is trained by: encoded sequences, sampled steps, bounds, gradients."""

import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from gran_cases import as_numbered, numbered_graphs, small_model

from gengraph.data import load_dataset
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.order_names import BREADTH_FIRST
from gengraph.graphs.orderings import Adjacency
from gengraph.models.family import HasLikelihood
from gengraph.models.gran import FAMILY
from gengraph.models.gran.config import GRANConfig
from gengraph.models.gran.prefixes import all_steps, pack, some_steps
from gengraph.models.gran.sequences import encode_sequences
from gengraph.models.gran.sums import differences, segment_logsumexp, segment_sum, sum_rows
from gengraph.models.sizes import SizeLaw, size_counts
from gengraph.schema import build

GRAPHS = load_dataset("community-small")[:12]


@pytest.mark.parametrize("ordering", ["cm", "bfs", "dfs", "degree"])
def test_sequences_hold_every_edge(ordering: str) -> None:
    window = "adaptive" if ordering in BREADTH_FIRST else "all"
    config = GRANConfig(orderings=(ordering,), window=window)
    batch = encode_sequences(Adjacency.of(GRAPHS), np.arange(12), config, key=(1, 2))
    assert batch.num_cut == 0
    assert len(batch.neighbours) == 2 * len(GRAPHS.edges)
    for q, first in enumerate(batch.node_offsets[:-1]):
        n = batch.num_nodes[q]
        degrees = np.diff(batch.indptr)[first : first + n]
        assert sorted(degrees) == sorted(GRAPHS[q].degrees())
        for i in range(n):
            row = batch.neighbours[batch.indptr[first + i] : batch.indptr[first + i + 1]]
            assert (np.diff(row) > 0).all()
            assert (row < i).sum() == batch.num_earlier[first + i]
            assert (row >= batch.window[first + q + i])[row < i].all()


def test_a_sequence_does_not_depend_on_its_batch() -> None:
    adjacency, config = Adjacency.of(GRAPHS), GRANConfig()
    alone = encode_sequences(adjacency, np.array([5]), config, key=(1, 2)).names()
    assert encode_sequences(adjacency, np.array([3, 5, 1]), config, key=(1, 2)).names()[1:2] == alone
    assert encode_sequences(adjacency, np.array([5]), config, key=(1, 3)).names() != alone


def test_edges_out_of_the_window_are_cut_and_counted() -> None:
    config = GRANConfig(orderings=("dfs",), window="all", max_prev_node=3)
    batch = encode_sequences(Adjacency.of(GRAPHS), np.arange(12), config, key=(0, 0))
    assert batch.losses_of_data == {"cut_edges": len(GRAPHS.edges) - len(batch.neighbours) // 2}
    assert batch.num_cut > 0


@pytest.mark.parametrize("fields", [{}, {"block_size": 3, "stride": 2}, {"termination": "size"}, {"prefixes": 3}])
def test_the_loss_of_sampled_steps_is_unbiased(fields: dict[str, Any]) -> None:
    model = small_model(GRAPHS, **{"prefixes": 5, **fields})
    adjacency, everything = Adjacency.of(GRAPHS), np.arange(3)
    counts = np.zeros((3, 40))
    rounds = 4000
    base = encode_sequences(adjacency, everything, model.config, key=(0, 0))
    for epoch in range(rounds):
        drawn = type(base)(base.graph, 1, *base.arrays[:0], base.num_nodes, *base.arrays[1:], 0, (0, epoch))
        steps = some_steps(drawn, model.config, model.config.prefixes)
        np.add.at(counts, (steps.sequence, steps.start), steps.weight)
    exact = np.zeros((3, 40))
    steps = all_steps(base, model.config, everything)
    np.add.at(exact, (steps.sequence, steps.start), steps.weight)
    np.testing.assert_allclose(counts / rounds, exact, atol=0.15)
    assert ((counts > 0) == (exact > 0)).all()


def test_all_steps_drawn_give_the_exact_loss() -> None:
    model = small_model(GRAPHS, prefixes=1000)
    batch = model.encoder(GRAPHS)(np.arange(12), key=(0, 0))
    with torch.no_grad():
        exact = model.eval()(batch, 0.0).total.item()
        assert model.train()(batch, 0.0).total.item() == pytest.approx(exact, rel=1e-5)
        assert -model.log_prob(batch).sum().item() == pytest.approx(exact, rel=1e-5)


def test_evaluation_in_parts_is_evaluation_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model(GRAPHS)
    batch = model.encoder(GRAPHS)(np.arange(12), key=(0, 0))
    at_once = model.log_prob(batch)
    monkeypatch.setattr("gengraph.models.gran.network._MOST_NODES", 100)
    torch.testing.assert_close(model.log_prob(batch), at_once, rtol=1e-4, atol=1e-3)


def test_the_sum_over_a_family_of_orderings_is_a_bound() -> None:
    triples = numbered_graphs(range(3, 4))
    path = GraphSet.from_edge_lists([3], [[(0, 1), (1, 2)]])
    fields = {
        "orderings": ("random",) * 4,
        "family": "sum",
        "window": "all",
        "prefixes": 0,
        "termination": "size",
    }
    model = small_model(triples, **fields)
    numbered = as_numbered(triples, model.config)
    log_probs = model.log_prob(numbered).double()
    isomorphic = triples.num_edges == 2
    exact = torch.logsumexp(log_probs[isomorphic], 0).detach()
    bounds = []
    for epoch in range(20):
        batch = model.encoder(path)(np.arange(1), key=(0, epoch))
        assert len(batch.num_nodes) == 4
        bound = -model(batch, 0.0).total.detach()
        assert bound <= exact + 1e-5
        assert bound >= model.log_prob(batch)[0] - 1e-5
        bounds.append(float(bound))
    assert max(bounds) == pytest.approx(float(exact.detach()), abs=1e-4)


@pytest.mark.parametrize("oldest", ["mixture", "softmax"])
def test_candidates_alone_are_scored(oldest: str) -> None:
    model = small_model(GRAPHS, oldest=oldest)
    batch = model.encoder(GRAPHS)(np.arange(12), key=(0, 0))
    steps = all_steps(batch, model.config, np.arange(12))
    prefixes = pack(batch, steps, model.rules)
    assert int(prefixes.bits.sum()) == len(GRAPHS.edges)
    assert (prefixes.blocks[prefixes.new] == 1).all()
    assert (prefixes.blocks[prefixes.candidates] == 0).all()
    logits = model.logits(prefixes)
    gradient = torch.autograd.grad(model._log_prob(batch, steps)[0].sum(), list(model.parameters()))
    assert all(torch.isfinite(value).all() for value in gradient)
    ended = torch.from_numpy(prefixes.kept == 0)
    assert logits.ends is not None
    assert ended.sum() == 12


def test_candidates_beside_the_oldest_neighbour_are_marked() -> None:
    config = GRANConfig(oldest="softmax")
    model = small_model(GRAPHS, oldest="softmax")
    batch = model.encoder(GRAPHS)(np.arange(1), key=(0, 0))
    neighbours = [set(batch.neighbours[first:end]) for first, end in itertools.pairwise(batch.indptr)]
    steps = all_steps(batch, config, np.arange(1))
    prefixes = pack(batch, steps, model.rules)
    for i, row in enumerate(itertools.pairwise(prefixes.pair_offsets[:-1])):
        candidates = range(batch.window[i], i)
        oldest = min(neighbours[i], default=i)
        expected = [oldest < i and j in neighbours[oldest] for j in candidates]
        assert prefixes.beside[slice(*row)].tolist() == expected


def test_gathers_and_sums_have_the_gradients_of_torch() -> None:
    torch.manual_seed(0)
    offsets, rows = np.array([0, 2, 2, 5]), np.array([1, 0, 3, 1, 2], np.int32)
    places, segments = torch.from_numpy(rows).long(), torch.tensor([0, 0, 2, 2, 2])
    table, targets, values = (torch.randn(shape, requires_grad=True) for shape in ((4, 3), (3, 3), (5, 3)))
    nothing, parts = torch.zeros(3, 3), (values[:2, 0], values[2:, 0])
    pairs = [
        (sum_rows(table, rows, offsets), nothing.index_add(0, segments, table[places]), (table,)),
        (differences(targets, table, rows, offsets), torch.relu(targets[segments] - table[places]), (targets, table)),
        (segment_sum(values, offsets), nothing.index_add(0, segments, values), (values,)),
        (segment_logsumexp(values[:, 0], offsets)[[0, 2]], torch.stack([part.logsumexp(0) for part in parts]), (values,)),
    ]
    for ours, theirs, inputs in pairs:
        torch.testing.assert_close(ours, theirs)
        weights = torch.randn_like(ours)
        ours_grad = torch.autograd.grad((ours * weights).sum(), inputs)
        torch.testing.assert_close(ours_grad, torch.autograd.grad((theirs * weights).sum(), inputs))


def test_the_law_of_sizes_sums_to_one_and_draws_its_sizes() -> None:
    law = SizeLaw.from_counts(size_counts([4, 9, 9, 20]), 0.5)
    sizes = np.arange(1, 400)
    assert np.exp(law.log_prob(sizes)).sum() == pytest.approx(1)
    assert [law.draw(u, 0.0) for u in (0.0, 0.21, 0.23, 0.66, 0.67, 0.88)] == [4, 4, 9, 9, 20, 20]
    grid = (np.arange(20000) + 0.5) / 20000
    broad = np.array([law.draw(0.95, tail) for tail in grid])
    assert broad.min() == 1
    assert broad.mean() == pytest.approx(10.5, rel=0.02)


def test_training_lowers_the_loss() -> None:
    torch.manual_seed(0)
    config = GRANConfig(hidden_size=16, num_layers=2, num_mixtures=4, prefixes=8)
    model = FAMILY.build(config, FAMILY.prepare(GRAPHS, config, seed=0))
    assert isinstance(model, HasLikelihood)
    encode = model.encoder(GRAPHS)  # type: ignore[operator]
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    before = model.eval()(encode(np.arange(12), key=(0, 10**6)), 0.0).total.item()
    model.train()
    for epoch in range(40):
        optimizer.zero_grad()
        (model(encode(np.arange(12), key=(0, epoch)), 0.0).total / 12 / 15).backward()
        optimizer.step()
    after = model.eval()(encode(np.arange(12), key=(0, 10**6)), 0.0).total.item()
    assert after < 0.7 * before


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"orderings": ()}, "one ordering at least"),
        ({"orderings": ("spiral",)}, "must be of bfs, cm"),
        ({"orderings": ("dfs",)}, "would lose edges under dfs"),
        ({"block_size": 2, "stride": 3}, "model.stride must be <= model.block_size, got 3 and 2"),
        ({"hidden_size": 0}, "model.hidden_size must be >= 1, got 0"),
        ({"prefixes": -1}, "model.prefixes must be >= 0"),
        (
            {"oldest": "softmax", "empty_rows": "mixture"},
            "model.oldest = softmax draws no empty rows, got model.empty_rows = mixture",
        ),
        ({"halo": -1}, "model.halo must be >= 0"),
        ({"size_smoothing": 0.0}, r"model.size_smoothing must lie in \(0, inf\), got 0\.0"),
        ({"termination": "never"}, "model.termination must be one of size, stop, got 'never'"),
        ({"family": "sum"}, "whole sequences"),
    ],
)
def test_nonsense_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(GRANConfig, fields, "model.")


def test_the_family_does_not_import_torch() -> None:
    code = "import sys, gengraph.models.gran; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
