"""The cost model obeys the laws of queues and prices; the committed measurement is read."""

import dataclasses
import itertools
import math
import sys

import numpy as np
import pytest

from gengraph.benchmarks.scale.__main__ import clock, main
from gengraph.benchmarks.scale.growing import degrees_of, grow_costs
from gengraph.benchmarks.scale.model import (
    Cluster,
    Costs,
    growing,
    reduce_seconds,
    sampling,
    shard_times,
    simulate,
    step_seconds,
    training,
)
from gengraph.errors import InputError
from gengraph.large.matching import MatchingPlan

COSTS = Costs(
    about={},
    start_s=10.0,
    import_s=3.0,
    actor_s=2.0,
    step_s=0.02,
    step_graph_s=0.01,
    gradient_bytes=1_000_000,
    reduce_message_s=1e-4,
    reduce_byte_s=1e-9,
    checkpoint_s=0.1,
    checkpoint_bytes=3_000_000,
    shard_s=0.5,
    shard_graph_s=1e-3,
    shard_spread=0.2,
    graph_bytes=300.0,
    dispatch_s=1e-3,
    close_shard_s=1e-3,
    edge_s=5e-8,
    edge_bytes=4.0,
    plan_node_s=1e-7,
    close_byte_s=1e-9,
)


def cluster(workers: int, cores: int | None = None) -> Cluster:
    return Cluster(workers=workers, cores=workers if cores is None else cores)


@pytest.mark.parametrize("workers", [1, 3, 7, 64])
def test_without_spread_shards_come_in_waves(workers: int) -> None:
    for shards in (1, 10, 63, 64, 65):
        assert simulate(shards, 2.0, 0.0, workers, 0.0) == pytest.approx(2.0 * math.ceil(shards / workers))


@pytest.mark.parametrize(("workers", "spread"), list(itertools.product([1, 4, 32], [0.1, 0.5])))
def test_a_greedy_schedule_is_between_its_bounds(workers: int, spread: float) -> None:
    times = shard_times(500, 1.0, spread, seed=5)
    assert sum(times) == pytest.approx(500, rel=4 * spread / math.sqrt(500))
    found = simulate(500, 1.0, spread, workers, 0.0, seed=5)
    assert sum(times) / workers - 1e-9 <= found <= sum(times) / workers + max(times)  # Graham's bound


def test_a_driver_that_hands_out_too_slowly_is_the_limit() -> None:
    assert simulate(1000, 0.01, 0.0, 256, 0.005) == pytest.approx(1000 * 0.005 + 0.01)


def test_steps() -> None:
    assert reduce_seconds(COSTS, cluster(1)) == 0
    assert step_seconds(COSTS, cluster(1), 8) == pytest.approx(0.02 + 8 * 0.01)
    ring = 6 * 1e-4 + 1.5 * 1e-3
    assert step_seconds(COSTS, cluster(4), 8) == pytest.approx(0.02 + 2 * 0.01 + ring)
    assert step_seconds(COSTS, cluster(4, cores=2), 8) == pytest.approx(2 * (0.02 + 2 * 0.01 + ring))
    assert step_seconds(COSTS, cluster(4), 9) == step_seconds(COSTS, cluster(4), 12)  # the largest share counts
    slow = dataclasses.replace(cluster(4), message_s=1e-2, bytes_per_s=1e6)
    assert step_seconds(COSTS, slow, 8) == pytest.approx(0.04 + 6e-2 + 1.5)


def test_more_cores_are_never_slower_and_workers_beyond_cores_gain_nothing() -> None:
    for workers in (2, 8, 32):
        times = [training(COSTS, cluster(workers, cores), steps=100, batch=64).wall_s for cores in (1, 2, 4, 32, 64)]
        assert times == sorted(times, reverse=True)
        assert times[-1] == times[-2]
    here = [sampling(COSTS, cluster(workers, 2), graphs=100_000, shard_size=1000).work_s for workers in (2, 4, 8)]
    assert here == pytest.approx([here[0]] * 3, rel=0.1)


def test_many_workers_sample_a_billion_graphs_faster_until_the_start_and_the_end_count() -> None:
    found = {workers: sampling(COSTS, cluster(workers), graphs=10**9, shard_size=100_000) for workers in (1, 16, 256)}
    assert found[1].work_s / found[16].work_s == pytest.approx(16, rel=0.01)
    assert found[256].end_s == found[1].end_s == pytest.approx(10_000 * 1e-3 + 300)
    small = sampling(COSTS, cluster(256), graphs=1000)
    assert small == sampling(COSTS, cluster(1), graphs=1000)  # one shard is one worker's


def test_one_large_graph_is_work_of_workers_between_two_pieces_of_the_drivers() -> None:
    edges = 5_000_000
    degrees = degrees_of(edges)
    alone, two = (growing(COSTS, cluster(workers), edges=edges, nodes=len(degrees)) for workers in (1, 2))
    assert alone.work_s == pytest.approx(edges * COSTS.edge_s, rel=0.2)
    assert two.work_s == pytest.approx(alone.work_s / 2, rel=0.2)
    assert two.start_s - COSTS.start_s - COSTS.actor_s == pytest.approx(COSTS.plan_node_s * 500_000)
    assert two.end_s == pytest.approx(COSTS.close_byte_s * 4.0 * edges) == alone.end_s
    shards = len(MatchingPlan.of(degrees).expected)
    one_each = dataclasses.replace(COSTS, shard_spread=0.0, edge_s=1.0, dispatch_s=0.0)
    last = growing(one_each, cluster(10**6), edges=edges, nodes=2)  # as many workers as shards
    assert last.work_s == pytest.approx(edges / shards)


def test_what_growing_costs_is_measured() -> None:
    degrees = degrees_of(100_000)
    assert degrees.sum() % 2 == 0
    assert np.diff(degrees).max() <= 0
    found = grow_costs(num_edges=100_000)
    assert found["edge_s"] > 0 < found["plan_node_s"]
    assert 4 < found["edge_bytes"] < 8


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="a batch must hold a graph for each of the 8 workers, got 4"):
        training(COSTS, cluster(8), steps=1, batch=4)
    with pytest.raises(InputError, match="at least 1 worker and 1 core, got 0 and 0"):
        cluster(0)


def table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[list[str]]:
    monkeypatch.setattr(sys, "argv", ["scale", "predict", *arguments])
    main()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in capsys.readouterr().out.splitlines()]


def test_money_is_named_only_at_the_users_own_price(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ("--graphs", "1e6", "--workers", "1,64")
    for what in ("training", "sampling"):
        head, _, *rows = table(monkeypatch, capsys, what, *sizes)
        assert "money" not in head
        assert [row[:2] for row in rows] == [["1e+06", "1"], ["1e+06", "64"]]
        head, _, *priced = table(monkeypatch, capsys, what, *sizes, "--price-core-hour", "10")
        hours, money = head.index("core hours"), head.index("money")
        assert [float(row[money]) for row in priced] == pytest.approx([10 * float(row[hours]) for row in rows], rel=0.01)
    head, _, *rows = table(monkeypatch, capsys, "growing", "--edges", "1e8", "--workers", "1,2")
    assert head[0] == "edges"
    assert [row[:2] for row in rows] == [["1e+08", "1"], ["1e+08", "2"]]


def test_a_file_that_holds_no_costs_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys) -> None:
    path = tmp_path / "costs.json"
    path.write_text("{}")
    with pytest.raises(SystemExit, match=r"costs.json holds no measured costs"):
        table(monkeypatch, capsys, "sampling", "--costs", str(path))


def test_clock() -> None:
    assert [clock(seconds) for seconds in (1.25, 119, 120, 7200, 200_000)] == ["1.2 s", "119.0 s", "2.0 min", "2.0 h", "2.3 d"]
