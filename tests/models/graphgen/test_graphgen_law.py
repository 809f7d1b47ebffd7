"""GraphGen's law: probabilities of all codes sum to one, and the sampler draws with them."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from plain_codes import END, every_code
from scipy import stats

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding
from gengraph.models.graphgen import FAMILY
from gengraph.models.graphgen.batches import encode_codes
from gengraph.models.graphgen.config import GraphGenConfig
from gengraph.models.graphgen.model import GraphGenModel
from gengraph.testing.generators import TRAINING

SMALL = GraphSet.from_edge_lists([3, 4], [[(0, 1), (1, 2), (0, 2)], [(0, 1)]])
FIELDS = [
    {"labels": "degree", "true_degrees": True},
    {"labels": "degree", "true_degrees": True, "state": True, "times": "relative"},
    {"labels": "degree", "state": True},
    {"labels": "none", "state": True},
    {"labels": "none", "times": "relative", "num_layers": 2},
]
NUM_DRAWN = 10_000


def small_model(graphs: GraphSet = SMALL, **fields: Any) -> GraphGenModel:
    """Random weights that are large enough for the law to be far from uniform."""
    sizes = {"hidden_size": 8, "embedding_size": 8, "output_size": 8, "num_layers": 1, "dropout": 0.0}
    config = GraphGenConfig(**{**sizes, **fields})
    torch.manual_seed(1)
    model = FAMILY.build(config, FAMILY.prepare(graphs, config, seed=0))
    assert isinstance(model, GraphGenModel)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(2)
    return model.double().eval()


def log_probs(model: GraphGenModel, codes: list[Any]) -> np.ndarray:
    arrays = [np.array(code, np.int32) for code in codes]
    found = []
    for first in range(0, len(arrays), 2000):
        some = arrays[first : first + 2000]
        batch = encode_codes(np.arange(len(some)), some, model.views, state=model.config.state, num_inexact=0)
        with torch.inference_mode():
            found.append(model.log_prob(batch).numpy())
    return np.concatenate(found)


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_probabilities_of_all_codes_sum_to_one(fields: dict[str, Any]) -> None:
    """With those that are cut; of degrees beyond 6, each half as likely as the one before, there is no more than a trace."""
    model = small_model(**fields)
    labels = list(range(7)) if fields["labels"] == "degree" else None
    codes = [code for code, _ in every_code(2 if labels else 3, labels, "true_degrees" in fields)]
    assert len(set(codes)) == len(codes)
    assert np.exp(log_probs(model, codes)).sum() == pytest.approx(1, abs=1e-3 if labels else 1e-9)


@pytest.mark.parametrize(("fields", "temperature"), [(FIELDS[1], 0.6), (FIELDS[2], 1.0), (FIELDS[4], 1.0)])
def test_the_sampler_draws_with_the_probabilities_of_the_likelihood(fields: dict[str, Any], temperature: float) -> None:
    model = small_model(**fields)
    most = 3
    labels = list(range(5)) if fields["labels"] == "degree" else None
    codes = [code for code, whole in every_code(most, labels, "true_degrees" in fields) if whole]
    of_item = model.log_probs
    law: Counter[Any] = Counter()
    model.log_probs = lambda name, *rest: of_item(name, *rest, 1.0 if name == "source" else temperature)  # type: ignore
    for code, log_prob in zip(codes, log_probs(model, codes), strict=True):
        law[graph_of(code)] += float(np.exp(log_prob))
    model.log_probs = of_item  # type: ignore[method-assign]
    observed: Counter[Any] = Counter()
    decoding = Decoding(temperature=temperature, max_num_node=most)
    for drawn in model.sampler(decoding).draw(np.arange(NUM_DRAWN), np.zeros(NUM_DRAWN, np.int64), seed=5):
        for graph, cut in zip(drawn.graphs, drawn.cut, strict=True):
            observed["cut" if cut else (int(graph.num_nodes[0]), frozenset(map(tuple, graph.edges.tolist())))] += 1
    law["cut"] = 1 - sum(law.values())
    assert set(observed) <= set(law)
    keys = [key for key in law if law[key] * NUM_DRAWN >= 5]
    rest = max(1 - sum(law[key] for key in keys), 1e-9)
    counts = [observed[key] for key in keys]
    expected = NUM_DRAWN * np.array([*(law[key] for key in keys), rest])
    assert len(keys) > 5
    assert stats.chisquare([*counts, NUM_DRAWN - sum(counts)], expected, sum_check=False).pvalue > 1e-4


def graph_of(code: Any) -> tuple[int, frozenset[tuple[int, int]]]:
    """Number of nodes and edges."""
    size = begin = 0
    edges = []
    for t_u, t_v, _, _ in code:
        if t_u == -1:
            begin = size
        if t_u >= 0:
            edges.append((begin + min(t_u, t_v), begin + max(t_u, t_v)))
        size += t_v > t_u and t_u != END
    return size, frozenset(edges)


def test_labels_of_drawn_graphs_are_their_degrees_and_cuts_are_told() -> None:
    """What is drawn has the likelihood that the encoder's own code of it has: no degree is another than the code said."""
    model = small_model(TRAINING, true_degrees=True)
    for drawn in model.sampler(Decoding(max_num_node=12)).draw(np.arange(200), np.zeros(200, np.int64), seed=1):
        assert drawn.cut.any()
        assert (drawn.graphs.num_nodes[drawn.cut] == 12).all()
        whole = drawn.graphs[np.flatnonzero(~drawn.cut)]
        batch = model.encoder(whole)(np.arange(len(whole)), key=(0, 0))
        with torch.inference_mode():
            assert torch.isfinite(model.log_prob(batch)).all()


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_graphs_beyond_those_of_training_have_a_likelihood(fields: dict[str, Any]) -> None:
    """Larger, of larger degrees, of more components."""
    model = small_model(GraphSet.from_edge_lists([2], [[(0, 1)]]), **fields)
    star = [(0, i) for i in range(1, 9)]
    graphs = GraphSet.from_edge_lists([12, 5], [star, [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4)]])
    batch = model.encoder(graphs)(np.arange(2), key=(0, 0))
    with torch.inference_mode():
        found = model.log_prob(batch)
    assert torch.isfinite(found).all()
    assert (found < 0).all()


def test_what_cannot_be_learned_is_refused() -> None:
    config = GraphGenConfig(most_nodes=8)
    with pytest.raises(InputError, match=r"at most 8 nodes, got 12: .* set model\.most_nodes = 12"):
        FAMILY.select(TRAINING, config)
