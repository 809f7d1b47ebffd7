"""The law of GRAN: probabilities sum to one, and the sampler draws with them."""

from typing import Any

import numpy as np
import pytest
import torch
from gran_cases import as_numbered, numbered_graphs, small_model
from scipy import stats

from gengraph.models.family import Decoding
from gengraph.models.gran.network import GRANModel
from gengraph.models.gran.prefixes import all_steps
from gengraph.models.gran.sequences import SequenceBatch

LAWS: dict[str, dict[str, Any]] = {
    "default": {},
    "whole graph": {"window": "all", "orderings": ("random",), "messages": "graph", "row_input": "absolute"},
    "oldest first": {"oldest": "softmax"},
    "mixture": {"empty_rows": "mixture"},
    "size": {"termination": "size"},
    "paper": {
        "orderings": ("dfs",), "window": "all", "messages": "graph", "row_input": "absolute", "positions": False,
        "counts": False, "empty_rows": "mixture", "termination": "size", "prefixes": 0,
    },
    "blocks": {"block_size": 2, "stride": 2, "window": "all"},
    "blocks, oldest first": {"block_size": 2, "stride": 2, "window": "all", "oldest": "softmax"},
    "blocks, mixture, size": {"block_size": 3, "stride": 3, "window": "all", "empty_rows": "mixture", "termination": "size"},
    "overlap": {"block_size": 3, "stride": 2, "window": "all"},
    "overlap, oldest first, size": {
        "block_size": 3, "stride": 2, "window": "all", "oldest": "softmax", "alpha_pool": "sum", "termination": "size",
    },
    "overlap, size": {"block_size": 2, "stride": 1, "termination": "size", "alpha_pool": "sum"},
    "no attention": {"attention": False, "rounds": 2},
    "narrow": {"max_prev_node": 2, "orderings": ("dfs",), "window": "all", "halo": 1},
}  # fmt: skip


def distinct(model: GRANModel, sizes: range) -> SequenceBatch:
    """Every sequence of these sizes that the model's window can hold, once."""
    graphs = numbered_graphs(sizes)
    batch = as_numbered(graphs, model.config)
    names = model.sequences(batch)
    first = [names.index(name) for name in dict.fromkeys(names)]
    return as_numbered(graphs[np.array(first)], model.config)


def step_log_probs(model: GRANModel, batch: SequenceBatch) -> tuple[np.ndarray, np.ndarray]:
    """The sequence and the log-probability of every step."""
    steps = all_steps(batch, model.config, np.arange(len(batch.num_nodes)))
    with torch.inference_mode():
        return steps.sequence, model._log_prob(batch, steps)[0].double().numpy()


@pytest.mark.parametrize("law", LAWS)
def test_probabilities_sum_to_one(law: str) -> None:
    model = small_model(numbered_graphs(range(1, 5)), **LAWS[law])
    ended = 0.0
    for n in range(1, 5):
        batch = distinct(model, range(n, n + 1))
        sequence, steps = step_log_probs(model, batch)
        log_prob = np.bincount(sequence, steps, minlength=len(batch.num_nodes))
        if model.config.termination == "size":
            assert np.exp(log_prob).sum() == pytest.approx(1, abs=1e-5)
            continue
        if n % model.config.stride == 0:
            last = np.flatnonzero(np.diff(sequence, append=-1))  # whether the graph ends here
            on_the_way = np.exp(log_prob - steps[last]).sum()
            assert ended + on_the_way == pytest.approx(1, abs=1e-5)
        ended += np.exp(log_prob).sum()
        assert ended < 1 + 1e-5


@pytest.mark.parametrize("law", LAWS)
def test_sampler_draws_with_the_probabilities_of_the_likelihood(law: str) -> None:
    model = small_model(numbered_graphs(range(1, 5)), seed=1, **LAWS[law])
    batch = distinct(model, range(1, 5))
    with torch.inference_mode():
        probability = model.log_prob(batch).double().exp().numpy()
    place = {name: i for i, name in enumerate(model.sequences(batch))}
    count = 3000
    counts = np.zeros(len(place) + 1)
    for drawn in model.sampler(Decoding(max_num_node=5)).draw(np.arange(count), np.zeros(count, np.int64), seed=3):
        for name in as_numbered(drawn.graphs, model.config).names():
            counts[place.get(name, -1)] += 1
    expected = count * np.append(probability, max(0.0, 1 - probability.sum()))
    rare = expected < 5
    counts, expected = (np.append(values[~rare], values[rare].sum()) for values in (counts, expected))
    if expected[-1] < 5:
        assert counts[-1] < 20
        counts, expected = counts[:-1], expected[:-1]
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(chi2, len(counts) - 1) > 1e-3
