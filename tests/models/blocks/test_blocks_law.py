"""The law of blocks models: probabilities sum to one, and the sampler draws with them."""

from typing import Any

import numpy as np
import pytest
import torch
from blocks_cases import UNLIKE, encoded, sequences, small_model
from scipy import stats

from gengraph.models.blocks.network import BlocksModel
from gengraph.models.family import Decoding
from gengraph.models.totals import TotalsLaw

MOST, TOTAL = 4, 3
FIELDS: list[dict[str, Any]] = [{}, {"events": "sizes"}, {"links": "finished"}]
SAMPLED = [
    ({}, 1.0),
    ({"events": "sizes"}, 0.7),
    ({"totals": True}, 0.7),
    ({"totals": True, "events": "sizes", "links": "finished"}, 1.0),
]


def log_probs(model: BlocksModel, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every sequence of n nodes, where TOTAL edges are told if any, and of the same without its end."""
    batch = encoded(list(sequences(n)), (n, TOTAL, *model.told))
    with torch.inference_mode():
        whole = model.log_prob(batch).double().numpy()
        if model.totals:
            whole -= model.totals.log_prob(batch.totals[:, 0], batch.totals[:, 1:])
        ends = model._parts(batch)[0].double().numpy()[batch.events.offsets[1:] - 1]
    return whole, whole - ends


@pytest.mark.parametrize("fields", FIELDS)
def test_probabilities_sum_to_one(fields: dict[str, Any]) -> None:
    model = small_model(**fields)
    ended = 0.0
    for n in range(1, MOST + 1):
        whole, so_far = log_probs(model, n)
        assert ended + np.exp(so_far).sum() == pytest.approx(1, abs=1e-5)
        ended += np.exp(whole).sum()
    assert 0.1 < ended < 1


@pytest.mark.parametrize("fields", FIELDS)
def test_given_nodes_and_edges_probabilities_sum_to_one(fields: dict[str, Any]) -> None:
    model = small_model(totals=True, **fields)
    assert model.size_law
    for n in range(1, MOST + 1):
        of_size = np.exp(model.size_law.log_prob(np.array(n)))
        assert np.exp(log_probs(model, n)[0]).sum() == pytest.approx(of_size, rel=1e-5)


def test_every_sequence_has_a_name_of_its_own() -> None:
    names = [name for n in range(1, MOST + 1) for name in encoded(list(sequences(n))).names()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("fields", "temperature"), SAMPLED)
def test_sampler_draws_with_the_probabilities_of_the_likelihood(
    fields: dict[str, Any], temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against every numbered graph of at most four nodes; the temperature is that of the weights that make logits."""
    monkeypatch.setattr(TotalsLaw, "draw", lambda *_: np.array([TOTAL]))
    model = small_model(seed=1, **fields)
    expected: dict[tuple[Any, ...], float] = {}
    sampler, count = model.sampler(Decoding(max_num_node=MOST + 1, temperature=temperature)), 20_000
    with torch.no_grad():
        for head in (model.gates, model.edges):
            for parameter in head.output.parameters():
                parameter.div_(temperature)
    for n in range(1, MOST + 1):
        for (_, edges), log_prob in zip(sequences(n), log_probs(model, n)[0], strict=True):
            expected[n, edges] = expected.get((n, edges), 0.0) + np.exp(log_prob)
    seen = dict.fromkeys(expected, 0)
    for drawn in sampler.draw(np.arange(count), np.zeros(count, np.int64), seed=3):
        for graph in drawn.graphs:
            key = int(graph.num_nodes[0]), tuple(sorted(map(tuple, graph.edges.tolist())))
            if key[0] <= MOST:
                seen[key] += 1
    probability = np.array([*expected.values(), 1 - sum(expected.values())])
    counts = np.array([*seen.values(), count - sum(seen.values())])
    common = count * probability >= 5
    rare = count * probability[~common].sum()
    observed, wanted = counts[common], count * probability[common]
    if rare >= 5:
        observed, wanted = np.append(observed, counts[~common].sum()), np.append(wanted, rare)
    assert common.sum() > 20
    assert stats.chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue > 1e-3


def test_what_no_training_graph_does_is_hardly_ever_drawn() -> None:
    """Yet it has a likelihood."""
    model = small_model(UNLIKE[1:2], resolution=0.0)
    batch = encoded([((2, 2), ()), ((2, 1), ((0, 1),))])
    with torch.inference_mode():
        assert (model.log_prob(batch) < -20).all()
        assert torch.isfinite(model.log_prob(batch)).all()
    drawn = list(model.sampler(Decoding()).draw(np.arange(200), np.zeros(200, np.int64), seed=0))
    assert all((part.graphs.num_components() == 1).all() for part in drawn)
