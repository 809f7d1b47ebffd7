import json
import sys

import networkx as nx
import numpy as np
import pytest
from golden_files import golden_set, golden_values

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics.classifier import classifier_score

pytest.importorskip("sklearn")


@pytest.mark.parametrize("pair", golden_values("mmd")["pairs"], ids=lambda pair: f"{pair['ref']}-{pair['pred']}")
def test_scores_resemble_the_original(pair: dict) -> None:
    """Splits and library versions differ, so that only the size of the numbers can be compared."""
    found = classifier_score(golden_set(pair["ref"]), golden_set(pair["pred"]))
    golden = pair["polygraph_pgd_logreg_jsd"]["subscores"]
    expected = {name: golden["orbit4" if name == "orbit" else name] for name in found.scores}
    assert found.scores == pytest.approx(expected, abs=0.15)
    assert found.discrepancy == found.scores[found.statistic] == pytest.approx(max(expected.values()), abs=0.15)
    assert json.loads(json.dumps(found.to_dict()))["num_reference"] == 20


@pytest.mark.parametrize("classifier", ["logistic", "boosting"])
def test_unequal_sizes_weigh_the_same(classifier: str) -> None:
    same = GraphSet.from_networkx([nx.gnp_random_graph(20, 0.2, seed=seed) for seed in range(200)])
    far = GraphSet.from_networkx([nx.barabasi_albert_graph(20, 2, seed=seed) for seed in range(40)])
    assert classifier_score(same[:40], same[40:], classifier=classifier, statistics=["degree", "orbit"]).discrepancy < 0.2
    assert classifier_score(far, same, classifier=classifier, statistics=["degree", "orbit"]).discrepancy > 0.8


def test_known_distance() -> None:
    """Half of the generated graphs are triangles, all real ones are edges; there are fewer of those, which does not matter."""
    edge, triangle = GraphSet.from_networkx([nx.complete_graph(2)]), GraphSet.from_networkx([nx.complete_graph(3)])
    real = GraphSet.concatenate([edge] * 500)
    generated = GraphSet.concatenate([edge] * 1000 + [triangle] * 1000)
    mixture = np.array([0.75, 0.25])
    divergence = 0.5 * np.log2(1 / mixture[0]) + 0.5 * (0.5 * np.log2(0.5 / mixture[0]) + 0.5 * np.log2(0.5 / mixture[1]))
    found = classifier_score(real, generated, statistics=["nodes"])
    assert found.discrepancy == pytest.approx(np.sqrt(divergence), abs=0.03)


def test_null_graphs_and_undefined_values_are_learned_from() -> None:
    null, cycles = GraphSet.from_networkx([nx.empty_graph(0)] * 20), GraphSet.from_networkx([nx.cycle_graph(5)] * 20)
    assert classifier_score(cycles, null, statistics=["degree"]).discrepancy > 0.9
    trees = GraphSet.from_networkx([nx.path_graph(3)] * 20)
    assert classifier_score(cycles, trees, statistics=["assortativity"]).discrepancy > 0.9
    assert classifier_score(null, null).discrepancy == pytest.approx(0, abs=1e-6)


def test_wrong_calls_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = golden_set("grid")
    with pytest.raises(InputError, match="at least 8 graphs in each set, got 7"):
        classifier_score(grid, grid[:7])
    with pytest.raises(InputError, match="at least 1 statistic"):
        classifier_score(grid, grid, statistics=[])
    with pytest.raises(InputError, match="unknown statistic 'gin'"):
        classifier_score(grid, grid, statistics=["gin"])
    with pytest.raises(InputError, match="classifier must be logistic or boosting, got 'svm'"):
        classifier_score(grid, grid, classifier="svm")
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(InputError, match="pip install scikit-learn"):
        classifier_score(grid, grid)
