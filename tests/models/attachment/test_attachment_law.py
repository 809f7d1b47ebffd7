"""The law of attachment models: probabilities sum to one, and the sampler draws with them."""

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
import pytest
import torch
from scipy import stats

from gengraph.graphs import GraphSet
from gengraph.models.attachment.coding import Sequence, encode
from gengraph.models.attachment.config import AttachmentConfig
from gengraph.models.attachment.network import NEVER, AttachmentModel
from gengraph.models.attachment.views import Typical
from gengraph.models.family import Decoding

MOST, TYPICAL = 4, Typical(2, 0.8)
Key = tuple[int, tuple[tuple[int, int], ...]]


TOTALS = [[1, 0], [2, 1], [3, 2], [3, 3], [4, 3], [4, 4], [4, 5], [4, 6]]


def small_model(seed: int = 0, most_joined: int = MOST, *, totals: bool = True) -> AttachmentModel:
    """Of random weights, larger than those that training begins with."""
    facts = {
        "max_num_node": MOST,
        "sizes": [[1, 2, 3, 4], [1.0, 1.0, 2.0, 4.0]],
        "most_joined": most_joined,
        "typical": TYPICAL,
        "totals": TOTALS if totals else None,
        "order": "bfs",
    }
    torch.manual_seed(seed)
    model = AttachmentModel(AttachmentConfig(hidden_size=16), facts).eval()
    with torch.no_grad():
        for head in (model.numbers, model.weights):
            head.output.weight.mul_(4)
    return model


def sequences(n: int) -> Iterator[Sequence]:
    """All of n nodes."""
    rows = [[own for count in range(t + 1) for own in permutations(range(t), count)] for t in range(n)]
    for row in product(*rows):
        matrix = np.zeros((n, n), np.float32)
        pairs = [(t, target) for t, own in enumerate(row) for target in own]
        for t, target in pairs:
            matrix[t, target] = matrix[target, t] = 1
        place, target = np.array(pairs, np.int64).reshape(-1, 2).T
        yield Sequence(matrix, place, target, 0.0)


def log_probs(model: AttachmentModel, found: list[Sequence]) -> np.ndarray:
    with torch.inference_mode():
        return model.log_prob(encode(np.arange(len(found)), found, TYPICAL)).double().numpy()


@pytest.mark.parametrize("totals", [False, True])
@pytest.mark.parametrize("most_joined", [0, 1, MOST])
def test_probabilities_sum_to_one(most_joined: int, totals: bool) -> None:
    """Over all sequences of a size to that of the size, those included that join more than any training graph does."""
    model = small_model(most_joined=most_joined, totals=totals)
    with torch.no_grad():
        model.never.zero_()
    for n in range(1, MOST + 1):
        expected = np.exp(model.size_law.log_prob(np.array(n)))
        assert np.exp(log_probs(model, list(sequences(n)))).sum() == pytest.approx(expected, rel=1e-5)


def test_every_sequence_has_a_name_of_its_own() -> None:
    found = [sequence for n in range(1, MOST + 1) for sequence in sequences(n)]
    assert len(set(encode(np.arange(len(found)), found, TYPICAL).names())) == len(found)


@pytest.mark.parametrize(("temperature", "most_joined", "totals"), [(1.0, MOST, True), (0.7, 1, True), (1.0, 1, False)])
def test_sampler_draws_with_the_probabilities_of_the_likelihood(temperature: float, most_joined: int, totals: bool) -> None:
    """Against every numbered graph of at most four nodes; the temperature is that of the weights that make logits."""
    model = small_model(seed=1, most_joined=most_joined, totals=totals)
    with torch.no_grad():
        model.never.zero_()
    sampler, count = model.sampler(Decoding(temperature=temperature)), 1500
    with torch.no_grad():
        for parameter in model.weights.output.parameters():
            parameter.div_(temperature)
    expected: dict[Key, float] = {}
    for n in range(1, MOST + 1):
        found = list(sequences(n))
        for sequence, log_prob in zip(found, log_probs(model, found), strict=True):
            key = n, tuple(sorted(zip(sequence.target.tolist(), sequence.place.tolist(), strict=True)))
            expected[key] = expected.get(key, 0.0) + np.exp(log_prob)
    seen = dict.fromkeys(expected, 0)
    for drawn in sampler.draw(np.arange(count), np.zeros(count, np.int64), seed=3):
        for graph in drawn.graphs:
            key = int(graph.num_nodes[0]), tuple(sorted((int(a), int(b)) for a, b in graph.edges))
            if key in seen:
                seen[key] += 1
    probability, counts = np.array([*expected.values()]), np.array([*seen.values()])
    common = count * probability >= 5
    observed = np.append(counts[common], count - counts[common].sum())
    wanted = np.append(count * probability[common], count * (1 - probability[common].sum()))
    assert common.sum() > 20
    assert stats.chisquare(observed, wanted).pvalue > 1e-3


def test_what_no_training_graph_does_is_hardly_ever_drawn() -> None:
    """Yet it has a likelihood."""
    model = small_model(most_joined=1, totals=False)
    star = GraphSet.from_edge_lists([12], [[(11, i) for i in range(11)]])
    (sequence,) = [found for found in sequences(3) if found.target.tolist() == [0, 1] and found.place.tolist() == [2, 2]]
    with torch.inference_mode():
        assert float(model.log_prob(model.encoder(star)(np.array([0]), key=(0, 0)))) > -np.inf
    assert -np.inf < log_probs(model, [sequence])[0] < NEVER / 2
    drawn = list(model.sampler(Decoding()).draw(np.arange(100), np.zeros(100, np.int64), seed=0))
    assert all((part.graphs.num_edges < part.graphs.num_nodes).all() for part in drawn)
