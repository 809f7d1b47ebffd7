"""What is drawn of large graphs follows its law: chi-square against exact probabilities of tiny ones, drawn in many shards."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chisquare

from gengraph.large.attachment import AttachmentPlan
from gengraph.large.cells import CellPlan
from gengraph.large.folder import simple
from gengraph.large.kronecker import KroneckerPlan
from gengraph.large.matching import MatchingPlan, edges_between
from gengraph.large.models import Plan
from gengraph.large.rates import block_cells
from gengraph.large.stubs import Stubs, permuted

NUM = 1000
LEVEL = 1e-3  # a right sampler fails once in a thousand choices of seeds, and these are fixed
Law = dict[tuple[int, ...], float]


def keys_of(plan: Plan, seed: int) -> np.ndarray:
    """The keys u 2^32 + v that all shards draw, in order."""
    return np.sort(np.concatenate([plan.draw(shard, seed) for shard in range(len(plan.expected))]))


def edge_set(plan: Plan, seed: int) -> tuple[int, ...]:
    return tuple(simple(keys_of(plan, seed))[0].tolist())


def multigraph(plan: Plan, seed: int) -> tuple[int, ...]:
    return tuple(keys_of(plan, seed).tolist())


def agrees(draw: Callable[[int], tuple[int, ...]], law: Law) -> bool:
    """Whether what NUM seeds draw fits; what is rare is taken together."""
    assert abs(sum(law.values()) - 1) < 1e-9
    found = Counter(draw(seed) for seed in range(NUM))
    assert set(found) <= set(law), "something impossible"
    common = [key for key, p in law.items() if p * NUM >= 5]
    seen, expected = [found[key] for key in common], [law[key] * NUM for key in common]
    if NUM - sum(expected) > 1:
        seen, expected = [*seen, NUM - sum(seen)], [*expected, NUM - sum(expected)]
    return bool(chisquare(seen, np.array(expected) * NUM / sum(expected)).pvalue > LEVEL)


def key(u: int, v: int) -> int:
    return (min(u, v) << 32) + max(u, v)


def independent(probability: np.ndarray) -> Law:
    pairs = list(itertools.combinations(range(len(probability)), 2))
    chances = np.array([probability[pair] for pair in pairs])
    return {
        tuple(key(*pair) for pair, taken in zip(pairs, chosen, strict=True) if taken): float(
            np.where(chosen, chances, 1 - chances).prod()
        )
        for chosen in itertools.product([False, True], repeat=len(pairs))
    }


def matchings(stubs: list[int]) -> Iterator[list[tuple[int, int]]]:
    if not stubs:
        yield []
    for place in range(1, len(stubs)):
        for rest in matchings(stubs[1:place] + stubs[place + 1 :]):
            yield [(stubs[0], stubs[place]), *rest]


@pytest.mark.parametrize("most", [0.3, 100])
def test_blocks_are_independent_edges(most: float) -> None:
    weights, firsts = np.array([3, 1, 2, 1]), np.array([0, 2, 4])
    stubs = Stubs.of(weights)
    cells = block_cells(stubs.offsets, firsts, np.array([[0, 0], [0, 1], [1, 1]]), np.array([0.6, 1.5, 0.4]))
    plan = CellPlan.of(4, stubs, cells, most=most)
    area = np.array([8.0, 12.0, 4.5])
    rates = cells.measures / area
    rate = rates[np.array([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 2, 2], [1, 1, 2, 2]])]
    probability = 1 - np.exp(-rate * np.outer(weights, weights))
    assert [probability[0, 1], probability[:2, 2:].sum(), probability[2, 3]] == pytest.approx([0.6, 1.5, 0.4])
    assert (len(plan.expected) > 3) == (most < 1)
    assert agrees(lambda seed: edge_set(plan, seed), independent(probability))


@pytest.mark.parametrize("most", [0.4, 100])
def test_kronecker_is_independent_edges(most: float) -> None:
    initiator = np.array([[0.9, 0.5], [0.5, 0.3]])
    small = KroneckerPlan.of(initiator, 2, most=most)
    assert agrees(lambda seed: edge_set(small, seed), independent(np.kron(initiator, initiator)))
    plan = KroneckerPlan.of(initiator, 5, most=most)
    power = np.ones((1, 1))
    for _ in range(5):
        power = np.kron(power, initiator)
    assert np.isclose(plan.expected.sum(), -np.log1p(-power[np.triu_indices(32, 1)]).sum())


@pytest.mark.parametrize("most", [0.8, 100])
def test_configurations_are_uniform_matchings(most: float) -> None:
    degrees = np.array([3, 2, 2, 1])
    plan = MatchingPlan.of(degrees, most=most)
    owner = np.repeat(np.arange(4), degrees)
    graphs = Counter(tuple(sorted(key(owner[a], owner[b]) for a, b in pairs)) for pairs in matchings(list(range(8))))
    law = {graph: count / graphs.total() for graph, count in graphs.items()}
    assert len(plan.starts) - 1 == {0.8: 4, 100: 1}[most]
    assert agrees(lambda seed: multigraph(plan, seed), law)


def test_how_many_edges_groups_have_between_them() -> None:
    sizes = (3, 2, 3)
    group = np.repeat(np.arange(3), sizes)
    counts: Counter[tuple[int, ...]] = Counter()
    for pairs in matchings(list(range(8))):
        between = np.zeros((3, 3), int)
        for a, b in pairs:
            between[group[a], group[b]] += 1
        counts[tuple(between[np.triu_indices(3)])] += 1
    law = {table: count / counts.total() for table, count in counts.items()}
    assert agrees(lambda seed: tuple(edges_between(sizes, seed)[np.triu_indices(3)].tolist()), law)
    large = edges_between((400_000, 300_000, 300_000), 0)
    assert (large * (1 + np.eye(3, dtype=int))).sum(axis=1).tolist() == [400_000, 300_000, 300_000]
    assert abs(large[0, 1] - 120_000) < 5 * np.sqrt(120_000)


def attached(num_nodes: int, m: int) -> Law:
    """By following every choice of the list of ends."""
    laws: dict[tuple[int, ...], Fraction] = {(): Fraction(1)}
    for edge in range(num_nodes * m):
        after: dict[tuple[int, ...], Fraction] = {}
        for targets, p in laws.items():
            ends = [end for e, target in enumerate(targets) for end in (e // m, target)] + [edge // m]
            for end in ends:
                longer = (*targets, end)
                after[longer] = after.get(longer, Fraction(0)) + p / len(ends)
        laws = after
    graphs: dict[tuple[int, ...], float] = {}
    for targets, p in laws.items():
        graph = tuple(sorted(key(target, e // m) for e, target in enumerate(targets)))
        graphs[graph] = graphs.get(graph, 0) + float(p)
    return graphs


@pytest.mark.parametrize(("num_nodes", "m"), [(4, 1), (3, 2)])
def test_attachment_is_preferential(num_nodes: int, m: int) -> None:
    plan = AttachmentPlan(num_nodes, m, most=1)
    assert len(plan.expected) == num_nodes
    assert agrees(lambda seed: multigraph(plan, seed), attached(num_nodes, m))


def test_any_stretch_of_a_permutation() -> None:
    size = 70_000
    whole = permuted(0, size, size, seed=1, number=2)
    assert np.array_equal(np.sort(whole), np.arange(size))
    assert np.array_equal(permuted(100, 300, size, seed=1, number=2), whole[100:300])
    images = np.array([permuted(5, 7, size, seed=1, number=number) for number in range(1000)])
    cells = np.bincount((images * 5 // size) @ [5, 1], minlength=25)
    assert chisquare(cells).pvalue > LEVEL
    assert abs(np.corrcoef(whole[:-1], whole[1:])[0, 1]) < 0.02


def test_owners_of_stubs() -> None:
    weights = np.random.default_rng(0).integers(0, 40, 500) * (np.arange(500) % 3 > 0)
    owners = Stubs.of(weights).owners(np.arange(weights.sum()))
    assert np.array_equal(owners, np.repeat(np.arange(500), weights))


def test_large_blocks_have_as_many_edges_as_asked_for() -> None:
    weights = np.sort(np.random.default_rng(0).zipf(2.2, 600).clip(max=200))[::-1]
    stubs = Stubs.of(weights)
    cells = block_cells(stubs.offsets, np.array([0, 600]), np.array([[0, 0]]), np.array([2000.0]))
    rate = cells.measures[0] / (weights.sum() ** 2 / 2)
    expected = (1 - np.exp(-rate * np.outer(weights, weights)))[np.triu_indices(600, 1)].sum()
    assert expected == pytest.approx(2000, rel=0.01)
    edges = [len(edge_set(CellPlan.of(600, stubs, cells, most=100), seed)) for seed in range(20)]
    assert np.mean(edges) == pytest.approx(expected, abs=4 * np.sqrt(expected / 20))
