import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from golden_files import golden_set, golden_values

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics import PROTOCOLS, STATISTICS, DescribedSet, Evaluation, Uncertainty, evaluate, mmd

PAIRS = golden_values("mmd")["pairs"]
PAIR_NAMES = [f"{pair['ref']}-{pair['pred']}" for pair in PAIRS]
BIPARTITE = {"grid", "ladder"}
NULL, EDGELESS, REGULAR = nx.empty_graph(0), nx.empty_graph(3), nx.cycle_graph(6)


@pytest.fixture(scope="module")
def described_sets() -> dict[str, DescribedSet]:
    names = {name for pair in PAIRS for name in (pair["ref"], pair["pred"])}
    return {name: DescribedSet(golden_set(name)) for name in names}


def mmd2(result: Evaluation) -> dict[str, float]:
    return {name: metric.mmd2 for name, metric in result.metrics.items()}


@pytest.mark.parametrize("pair", PAIRS, ids=PAIR_NAMES)
def test_goldens(pair: dict, described_sets: dict[str, DescribedSet]) -> None:
    reference, generated = described_sets[pair["ref"]], described_sets[pair["pred"]]
    bipartite = BIPARTITE & {pair["ref"], pair["pred"]}
    emd = mmd2(evaluate(reference, generated, "emd"))
    assert emd == pytest.approx(pair["graphrnn"], abs=1e-12)
    rounded = pair["graphrnn_fastemd_cpp"]
    assert {name: emd[name] for name in rounded} == pytest.approx(rounded, abs=1e-5)

    unbiased_tv = replace(PROTOCOLS["tv"], estimator="unbiased")
    for protocol, golden, spectral_tolerance in (
        ("tv", pair["gran"], 5e-4),
        (unbiased_tv, pair["polygraph_gtv_umve"], 5e-4),
        ("rbf", {name: value for name, value in pair["polygraph_rbf_max_biased"].items() if name != "gin"}, 5e-3),
    ):
        found, expected = mmd2(evaluate(reference, generated, protocol)), dict(golden)
        tolerance = spectral_tolerance if bipartite else 1e-9
        assert found.pop("spectral") == pytest.approx(expected.pop("spectral"), abs=tolerance)
        assert found == pytest.approx(expected, abs=1e-12)
    motif = evaluate(reference, generated, "tv", statistics=["four_cycles"])
    assert mmd2(motif) == pytest.approx({"four_cycles": pair["digress_motif_4cycle"]}, abs=1e-12)


def test_result_as_json(described_sets: dict[str, DescribedSet]) -> None:
    settings = Uncertainty(num_permutations=20, num_bootstrap=20)
    grid = described_sets["grid"]
    result = evaluate(grid, golden_set("ladder")[:7], train=grid, uncertainty=settings)
    found = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert (found["protocol"], found["num_reference"], found["num_generated"], found["num_train"]) == ("emd", 20, 7, 20)
    assert list(found["metrics"]) == ["degree", "clustering", "orbit"]
    degree = found["metrics"]["degree"]
    assert (degree["kernel"], degree["sigma"], degree["estimator"]) == ("gaussian_emd", 1, "biased")
    assert (degree["floor"], degree["floor_kind"], degree["ratio"]) == (0, "train", None)
    assert degree["interval"][0] < degree["mmd2"] < degree["interval"][1]
    assert degree["p_value"] == 1 / 21
    assert set(found["versions"]) == {"gengraph", "numpy", "scipy", "numba"}


def test_floor_and_ratio() -> None:
    first, second = golden_set("enzymes_A"), golden_set("enzymes_B")
    found = evaluate(second, golden_set("er"), train=first).metrics["degree"]
    assert found.floor == evaluate(first, second).metrics["degree"].mmd2
    assert found.ratio == found.mmd2 / found.floor > 10
    expected = evaluate(second, golden_set("er")).metrics["degree"]
    assert expected.floor_kind == "expected"
    assert expected.floor == pytest.approx(found.floor, rel=0.6)
    assert expected.p_value is expected.interval is None


def test_a_set_against_itself_is_at_zero_in_every_statistic() -> None:
    graphs = golden_set("enzymes_A")
    for protocol in PROTOCOLS.values():
        bare = [name for name in protocol.kernels if not STATISTICS[name].labelled or name == "nspdk"]
        result = evaluate(graphs, graphs, protocol, statistics=bare)
        assert set(mmd2(result).values()) == {0.0}
    assert set(PROTOCOLS["rbf"].kernels) == set(STATISTICS) - {"orbit5", "gin"}


def test_null_graphs_count() -> None:
    reference, generated = golden_set("grid"), GraphSet.concatenate([golden_set("grid"), GraphSet.from_networkx([NULL] * 20)])
    result = evaluate(reference, generated, "tv")
    assert (result.num_null_reference, result.num_null_generated, result.num_dropped_generated) == (0, 20, 0)
    # Half of the generated mass lies at distance 1 (sigma 1) from all grids, which have one and the same clustering.
    far = np.exp(-1 / (2 * 0.1**2))
    assert result.metrics["clustering"].mmd2 == pytest.approx(0.5 - 0.5 * far)
    assert result.metrics["degree"].num_generated == 40


def test_strict_drops_null_graphs_and_says_so() -> None:
    grids, null = golden_set("grid"), GraphSet.from_networkx([NULL])
    result = evaluate(grids, GraphSet.concatenate([null, grids, null]), "tv", strict=True)
    assert set(mmd2(result).values()) == {0.0}
    assert (result.num_generated, result.num_dropped_generated, result.metrics["degree"].num_generated) == (22, 2, 20)
    broken = evaluate(GraphSet.concatenate([grids, null]), grids, strict=True)
    assert np.isnan(list(mmd2(broken).values())).all()
    assert np.isnan(evaluate(grids, null, strict=True).metrics["orbit"].mmd2)


@pytest.mark.parametrize("pair", PAIRS, ids=PAIR_NAMES)
def test_strict_spectra_are_close_to_the_original(pair: dict) -> None:
    """Which eigenvalues rounding moves above 2 depends on the linear algebra library: 2e-3 where there are such."""
    result = evaluate(golden_set(pair["ref"]), golden_set(pair["pred"]), "tv", statistics=["spectral"], strict=True)
    assert result.metrics["spectral"].mmd2 == pytest.approx(pair["gran"]["spectral"], abs=2e-3)


def test_edgeless_graphs_are_graphs() -> None:
    result = evaluate(GraphSet.from_networkx([EDGELESS] * 3), GraphSet.from_networkx([EDGELESS, REGULAR]), "tv")
    assert mmd2(result)["degree"] == pytest.approx(0.5 - 0.5 * np.exp(-0.5))
    assert mmd2(result)["clustering"] == 0


def test_undefined_values_are_counted() -> None:
    graphs = GraphSet.from_networkx([REGULAR, nx.path_graph(4), nx.star_graph(4), NULL])
    result = evaluate(graphs, graphs[1:], "rbf", statistics=["assortativity", "diameter"])
    assortativity = result.metrics["assortativity"]
    assert (assortativity.undefined_reference, assortativity.undefined_generated, assortativity.mmd2) == (2, 1, 0)
    assert result.metrics["diameter"].undefined_generated == 1
    settings = Uncertainty(num_permutations=5, num_bootstrap=5)
    nothing_left = evaluate(graphs, graphs[:1], "rbf", statistics=["assortativity"], uncertainty=settings).metrics[
        "assortativity"
    ]
    assert np.isnan(nothing_left.mmd2)
    assert nothing_left.p_value is nothing_left.interval is None


def test_sets_of_one_graph() -> None:
    one, other = golden_set("grid")[:1], golden_set("ladder")[:1]
    result = evaluate(one, other, uncertainty=Uncertainty(num_permutations=9, num_bootstrap=9))
    assert (result.metrics["degree"].interval, result.metrics["degree"].p_value) == (None, 1.0)
    assert 0 < result.metrics["degree"].mmd2 < 2
    assert np.isnan(result.metrics["degree"].floor)
    assert result.to_dict()["metrics"]["degree"]["floor"] is None
    unbiased = evaluate(one, other, replace(PROTOCOLS["emd"], estimator="unbiased"))
    assert np.isnan(list(mmd2(unbiased).values())).all()


def test_wrong_calls_are_refused() -> None:
    grid = golden_set("grid")
    with pytest.raises(InputError, match="the generated set must hold at least 1 graph, got 0"):
        evaluate(grid, GraphSet.empty())
    with pytest.raises(InputError, match="the train set must hold"):
        evaluate(grid, grid, train=GraphSet.empty())
    with pytest.raises(InputError, match="unknown protocol 'mmd' of squared MMDs; choose from emd, tv, rbf"):
        evaluate(grid, grid, "mmd")
    with pytest.raises(InputError, match=r"protocol emd compares degree, .*, got spectral"):
        evaluate(grid, grid, "emd", statistics=["spectral"])
    with pytest.raises(InputError, match="got none"):
        evaluate(grid, grid, "emd", statistics=[])
    with pytest.raises(InputError, match="unknown statistic 'motifs'"):
        DescribedSet(grid).rows("motifs")


def test_statistics_are_computed_once_and_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengraph.graphs.pieces.CHUNK_NODES", 300)
    monkeypatch.setattr(mmd, "BLOCK_SIZE", 8)
    sizes: list[int] = []

    def spread(function, items):
        items = list(items)
        sizes.append(len(items))
        with ThreadPoolExecutor(2) as pool:
            return pool.map(function, items)

    reference, generated = DescribedSet(golden_set("dd_A"), spread=spread), DescribedSet(golden_set("er_dd"))
    for _ in range(2):
        assert mmd2(evaluate(reference, generated)) == pytest.approx(PAIRS[0]["graphrnn"], abs=1e-12)
    assert sizes[0] > 5
    assert sum(size > 9 for size in sizes) == 3  # statistics: once each; the Gram matrices have 9 blocks at most
    assert reference.seconds("orbit") > 0
