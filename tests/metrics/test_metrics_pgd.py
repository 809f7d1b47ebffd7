import json
import sys

import networkx as nx
import numpy as np
import pytest
from golden_files import golden_set, golden_values

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics.gin import gin_embeddings
from gengraph.metrics.pgd import discrepancy

pytest.importorskip("sklearn")
PAIRS = golden_values("mmd")["pairs"]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair['ref']}-{pair['pred']}")
def test_scores_are_those_of_the_package(pair: dict) -> None:
    """Spectra of bipartite graphs differ: rounding moves eigenvalues above 2 there, and the package loses them."""
    golden = pair["polygraph_pgd_logreg_jsd"]
    found = discrepancy(golden_set(pair["ref"]), golden_set(pair["pred"]))
    tolerance = {"spectral": 1e-2 if "ladder" in pair.values() else 1e-6, "gin": 1e-4}
    for name, value in golden["subscores"].items():
        assert found.scores[name] == pytest.approx(value, abs=tolerance.get(name, 1e-6)), name
    assert found.pgd == pytest.approx(golden["pgd"], abs=1e-6)
    assert found.descriptor == golden["pgd_descriptor"]
    assert json.loads(json.dumps(found.to_dict()))["mean"] is None


def random_graphs(count: int, p: float, seed: int) -> GraphSet:
    return GraphSet.from_networkx([nx.gnp_random_graph(12, p, seed=seed + i) for i in range(count)])


def test_of_a_larger_set_as_many_graphs_are_taken() -> None:
    real, generated = random_graphs(40, 0.3, 0), random_graphs(60, 0.6, 100)
    found = discrepancy(real, generated)
    assert (found.num_reference, found.num_generated, found.num_compared) == (40, 60, 40)
    assert found.pgd == discrepancy(real, generated[:40]).pgd > 0.8


def test_the_mean_over_halves_tells_far_from_near() -> None:
    real = random_graphs(80, 0.3, 0)
    near, far = (discrepancy(real, random_graphs(80, p, 1000), repeats=4) for p in (0.3, 0.5))
    assert near.mean < 0.4 < far.mean
    assert near.repeats == 4
    assert near.deviation > 0


def test_embeddings_of_graphs_do_not_see_the_names_of_nodes() -> None:
    graph = nx.gnp_random_graph(15, 0.3, seed=1)
    renamed = nx.relabel_nodes(graph, dict(zip(range(15), np.random.default_rng(0).permutation(15).tolist(), strict=True)))
    rows = gin_embeddings(GraphSet.from_networkx([graph, renamed, nx.path_graph(15), nx.empty_graph(0)]))
    assert rows.shape == (4, 70)
    assert rows[0] == pytest.approx(rows[1], rel=1e-4)
    assert np.abs(rows[0] - rows[2]).max() > 1
    assert not rows[3].any()


def test_wrong_calls_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = golden_set("grid")
    with pytest.raises(InputError, match="at least 16 graphs in each set, got 15"):
        discrepancy(grid, grid[:15])
    null = GraphSet.from_networkx([nx.empty_graph(0)] * 16)
    with pytest.raises(InputError, match="not defined for graphs without nodes, got 16"):
        discrepancy(grid, null)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r"pip install 'gengraph\[metrics\]'"):
        discrepancy(grid, grid)
