"""What every generator must do."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.generator import GraphGenerator


def path_graphs(*sizes: int) -> GraphSet:
    """A path of each size."""
    return GraphSet.from_edge_lists(sizes, [[(i, i + 1) for i in range(n - 1)] for n in sizes])


def complete_graphs(*sizes: int) -> GraphSet:
    """A complete graph of each size."""
    return GraphSet.from_edge_lists(sizes, [np.column_stack(np.triu_indices(n, 1)) for n in sizes])


TRAINING = GraphSet.concatenate([path_graphs(6, 9, 9, 12), complete_graphs(5)])
ODD = {
    "one graph": path_graphs(7),
    "one node": path_graphs(1),
    "no edges": GraphSet.from_edge_lists([4, 6], [[], []]),
    "complete": complete_graphs(2, 4, 8),
}


@dataclass(frozen=True, kw_only=True)
class GeneratorCase:
    """A generator that is put to the test.

    Attributes:
        make: makes an unfitted one, cheap to fit; called with keyword arguments that it does not know it must fail.
        budget: seconds that a fit may take; None leaves it to the generator.
        sizes_among_training: it draws the size of every graph from the training sizes.
    """

    make: Callable[..., Any]
    budget: float | None = None
    sizes_among_training: bool = False
    fits: dict[str, Any] = field(default_factory=dict)

    def fit(self, graphs: GraphSet) -> GraphGenerator:
        """A generator fitted to graphs; kept, since fits are dear."""
        key = graphs.content_hash()
        if key not in self.fits:
            self.fits[key] = self.make().fit(graphs, seed=1, budget=self.budget)
        fitted: GraphGenerator = self.fits[key]
        return fitted

    @property
    def fitted(self) -> GraphGenerator:
        """Fitted to TRAINING."""
        return self.fit(TRAINING)


class GeneratorSuite:
    """The tests; a subclass has a fixture `case` that returns a GeneratorCase."""

    def test_follows_the_protocol(self, case: GeneratorCase) -> None:
        """`fit` returns the generator itself."""
        assert isinstance(case.fitted, GraphGenerator)
        again = case.make()
        assert again.fit(TRAINING[:1], seed=0, budget=case.budget) is again

    @pytest.mark.parametrize("num_graphs", [0, 1, 20])
    def test_samples_as_many_simple_graphs_as_asked(self, case: GeneratorCase, num_graphs: int) -> None:
        """No loops, no parallel edges, every node inside its graph."""
        graphs = case.fitted.sample(num_graphs, seed=2)
        assert len(graphs) == num_graphs
        rebuilt = GraphSet.from_flat(graphs.num_nodes, graphs.graph_of_edge, graphs.edges)  # raises unless simple
        assert rebuilt == graphs

    def test_the_seed_and_the_index_decide(self, case: GeneratorCase) -> None:
        """Graph i of a seed is the same whichever others are asked for, in whatever order."""
        graphs = case.fitted.sample(12, seed=3)
        assert case.fitted.sample(12, seed=3) == graphs
        assert case.fitted.sample(5, seed=3) == graphs[:5]
        wanted = np.array([7, 3, 11, 3])
        assert case.fitted.sample(wanted, seed=3) == graphs[wanted]
        assert len(case.fitted.sample(np.array([10**9]), seed=3)) == 1
        assert case.fitted.sample(12, seed=4) != graphs
        assert len({graph.content_hash() for graph in graphs}) > 1

    def test_the_same_fit_twice(self, case: GeneratorCase) -> None:
        """A fit is a matter of the graphs and the seed."""
        again = case.make().fit(TRAINING, seed=1, budget=case.budget)
        assert again.sample(5, seed=3) == case.fitted.sample(5, seed=3)

    def test_sizes_follow_the_training_sizes(self, case: GeneratorCase) -> None:
        """No graph is more than twice as large as the largest training graph."""
        sizes = case.fitted.sample(60, seed=5).num_nodes
        if case.sizes_among_training:
            assert set(sizes.tolist()) == set(TRAINING.num_nodes.tolist())
        assert sizes.max() <= 2 * TRAINING.num_nodes.max()

    @pytest.mark.parametrize("name", ODD)
    def test_learns_from_odd_sets(self, case: GeneratorCase, name: str) -> None:
        """One graph, one node, no edges, all edges."""
        sampled = case.fit(ODD[name]).sample(8, seed=6)
        assert len(sampled) == 8
        if name in {"one node", "no edges"}:
            assert not len(sampled.edges)

    def test_parameters_are_json(self, case: GeneratorCase) -> None:
        """What was fitted can be read and written."""
        parameters = case.fitted.parameters()
        assert parameters
        assert json.loads(json.dumps(parameters)) == parameters

    def test_state_survives_save_and_load(self, case: GeneratorCase, tmp_path: Path) -> None:
        """A restored generator draws the same graphs; one that was never fitted cannot be saved."""
        case.fitted.save(tmp_path / "model.json")
        restored = type(case.fitted).load(tmp_path / "model.json")
        assert restored.sample(6, seed=3) == case.fitted.sample(6, seed=3)
        assert restored.parameters() == case.fitted.parameters()
        with pytest.raises(InputError, match="fit"):
            case.make().save(tmp_path / "unfitted.json")
        assert not (tmp_path / "unfitted.json").exists()

    def test_wrong_use_is_an_input_error(self, case: GeneratorCase) -> None:
        """Sampling before a fit, a fit of nothing, a negative number or index."""
        fresh = case.make()
        with pytest.raises(InputError, match="fit"):
            fresh.sample(1, seed=0)
        with pytest.raises(InputError, match="at least 1 graph"):
            fresh.fit(GraphSet.empty(), seed=0)
        with pytest.raises(InputError, match="num_graphs must be >= 0, got -1"):
            case.fitted.sample(-1, seed=0)
        with pytest.raises(InputError, match="indices"):
            case.fitted.sample(np.array([0, -1]), seed=0)

    def test_an_unknown_parameter_is_an_error(self, case: GeneratorCase) -> None:
        """Nothing is ignored in silence."""
        with pytest.raises((TypeError, InputError), match="colour"):
            case.make(colour="red")
