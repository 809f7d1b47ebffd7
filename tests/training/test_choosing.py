from typing import Any

import networkx as nx
import numpy as np
import pytest

from gengraph.data import load_dataset
from gengraph.errors import InputError, TrainingDiverged
from gengraph.graphs import GraphSet
from gengraph.metrics import DescribedSet, Evaluation, evaluate
from gengraph.sampling.attempts import sample_graphs
from gengraph.training.choosing import Trial, best_trial, candidates, floor_ratios, try_models


def trial(model: str, distance: float, expected: float | None = None) -> Trial:
    return Trial(model=model, why="", ratios={}, distance=distance, steps=1, expected=expected)


def test_planar_graphs_may_be_planar_maps() -> None:
    found = dict(candidates(load_dataset("grid-small")))
    assert found["graphrnn-c"] == "takes any graphs"
    assert found["maps"] == "all graphs are planar"


def test_communities_may_be_blocks() -> None:
    found = dict(candidates(load_dataset("community-small:20")))
    assert {"graphrnn-c", "blocks"} <= set(found) <= {"graphrnn-c", "blocks", "attachment"}
    assert "2.0 communities a graph" in found["blocks"]


def test_graphs_without_structure_are_left_to_the_model_that_takes_any() -> None:
    graphs = GraphSet.from_networkx([nx.gnp_random_graph(20, 0.5, seed=seed) for seed in range(10)])
    assert list(dict(candidates(graphs))) == ["graphrnn-c"]


def test_the_model_that_draws_like_the_data_is_taken() -> None:
    graphs = load_dataset("grid-small")
    lattices = GraphSet.concatenate([graphs] * 4)
    cliques = GraphSet.from_networkx([nx.complete_graph(6)] * 64)

    def draw(model: Any, count: int) -> GraphSet:
        return lattices[:count] if hasattr(model, "choice_table") else cliques[:count]

    trials = list(try_models(graphs[:16], graphs[16:], draw, length={"steps": 2}))
    assert best_trial(trials).model == "maps"
    distances = {found.model: found.distance or 0.0 for found in trials}
    assert distances["maps"] < 2 < distances["graphrnn-c"]
    assert all(found.steps == 2 for found in trials)  # none is near the closest, so nothing is trained on


def test_a_trial_is_repeated_exactly() -> None:
    graphs = load_dataset("grid-small")

    def draw(model: Any, count: int) -> GraphSet:
        return sample_graphs(model, np.arange(count), seed=0).graphs

    once, again = (list(try_models(graphs[:16], graphs[16:], draw, length={"steps": 3})) for _ in range(2))
    assert once == again


def test_the_only_one_that_suits_is_not_tried() -> None:
    graphs = GraphSet.from_networkx([nx.gnp_random_graph(20, 0.5, seed=seed) for seed in range(10)])

    def draw(model: Any, count: int) -> GraphSet:
        raise AssertionError

    (only,) = try_models(graphs[:8], graphs[8:], draw, length={"steps": 3})
    assert only == Trial(model="graphrnn-c", why="takes any graphs", ratios={}, distance=None, steps=0)
    assert best_trial([only]) == only


def test_the_two_closest_are_trained_on_and_what_is_expected_of_them_decides() -> None:
    """Both draw cliques after two steps; after six one of them draws the graphs themselves."""
    graphs = load_dataset("grid-small")
    lattices, cliques = GraphSet.concatenate([graphs] * 4), GraphSet.from_networkx([nx.complete_graph(6)] * 64)
    drawn: list[bool] = []

    def draw(model: Any, count: int) -> GraphSet:
        drawn.append(hasattr(model, "choice_table"))
        return lattices[:count] if drawn[-1] and drawn.count(True) == 2 else cliques[:count]

    trials = list(try_models(graphs[:16], graphs[16:], draw, length={"steps": 2}))
    first, last = trials[:-2], trials[-2:]
    assert all(found.expected is None and found.steps == 2 for found in first)
    assert [(found.model, found.steps) for found in last] == [("graphrnn-c", 6), ("maps", 6)]
    assert best_trial(trials) == last[1]
    assert last[0].expected == last[0].distance  # no closer for being trained on
    assert last[1].expected is not None
    assert 1 <= last[1].expected <= (last[1].distance or 0.0)


def test_where_one_of_the_two_fails_the_first_trials_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(found: Any, *_: object) -> None:
        raise TrainingDiverged

    monkeypatch.setattr("gengraph.training.choosing._train_on", fails)
    graphs = load_dataset("grid-small")
    cliques = GraphSet.from_networkx([nx.complete_graph(6)] * 64)
    trials = list(try_models(graphs[:16], graphs[16:], lambda model, count: cliques[:count], length={"steps": 1}))
    assert len({found.name for found in trials}) == len(trials) > 1
    assert best_trial(trials).expected is None


def test_the_reference_is_described_once_for_all_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    references = []

    def noted(reference: Any, *arguments: Any, **options: Any) -> Evaluation:
        references.append(reference)
        return evaluate(reference, *arguments, **options)

    monkeypatch.setattr("gengraph.training.choosing.evaluate", noted)
    graphs = load_dataset("grid-small")
    cliques = GraphSet.from_networkx([nx.complete_graph(6)] * 64)
    trials = list(try_models(graphs[:16], graphs[16:], lambda model, count: cliques[:count], length={"steps": 1}, times=2))
    assert len(references) == len(trials) > 1
    assert isinstance(references[0], DescribedSet)
    assert all(reference is references[0] for reference in references)
    assert floor_ratios(graphs, cliques) == trials[0].ratios


def test_orders_of_attachment_are_tried_beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengraph.training.choosing.LEARNED", ("graphrnn-c", "attachment"))
    orders = {"model.order": "bfs"}, {"model.order": "ring"}
    monkeypatch.setattr("gengraph.models.attachment.family.Attachment.variants", lambda *_: orders)
    monkeypatch.setattr("gengraph.models.attachment.selection._STEPS", 4)
    monkeypatch.setattr("gengraph.models.attachment.family.Attachment.suits", lambda *_: "they join")
    graphs = GraphSet.from_networkx([nx.barabasi_albert_graph(16, 2, seed=seed) for seed in range(12)])
    distant = GraphSet.from_networkx([nx.complete_graph(6)] * 64)
    trials = list(try_models(graphs[:10], graphs[10:], lambda model, count: distant[:count], length={"steps": 1}, times=2))
    assert [found.name for found in trials] == ["graphrnn-c", "attachment model.order=bfs", "attachment model.order=ring"]


def test_a_tenth_makes_no_difference() -> None:
    assert best_trial([trial("a", 1.3), trial("b", 1.08), trial("c", 1.0)]).model == "b"
    assert best_trial([trial("a", 3.0), trial("b", 2.0, 1.5), trial("c", 2.2, 1.2)]).model == "c"
    with pytest.raises(InputError, match="no model could be trained"):
        best_trial([])


def test_families_that_claim_nothing_prepare_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("gengraph.models.jtvae.family.JTVAE.prepare", forbidden)
    graphs = GraphSet.from_networkx([nx.random_regular_graph(3, 12, seed=seed) for seed in range(8)])
    assert "jtvae" not in [model for model, _ in candidates(graphs)]
