"""A large graph parted and grown of pieces: nothing lost, the law of links, and what is refused."""

import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest
from command_line import gengraph, in_tmp_path  # noqa: F401
from scipy.stats import chisquare

from gengraph.benchmarks.large_graphs import geometric, planted_partition
from gengraph.benchmarks.large_graphs import joined as joined_graphs
from gengraph.errors import InputError
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.orbits import node_triangles
from gengraph.graphs.schema import LabelArrays
from gengraph.large.folder import grow_into, simple
from gengraph.large.links import joined, numbers_of_links, stubs_of_pairs
from gengraph.large.models import Plan
from gengraph.large.parting import Parting, outside_of, part
from gengraph.large.pieces import PiecesPlan, fit_pieces
from gengraph.large.selection import bounds_of, chosen, features
from gengraph.sampling.job import write_here
from gengraph.seeded import Stream
from gengraph.storage import Folder

CAVES = nx.disjoint_union(nx.connected_caveman_graph(12, 8), nx.cycle_graph(5))
ROOM = nx.random_geometric_graph(400, 0.08, seed=1)


def one(graph: nx.Graph) -> GraphSet:
    return GraphSet.from_networkx([graph], attributes="drop")


def parted(graph: nx.Graph, max_size: int) -> Parting:
    return part(one(graph), max_size=max_size)


def keys_of(plan: Plan, seed: int = 0) -> np.ndarray:
    drawn = np.concatenate([plan.draw(shard, seed) for shard in range(len(plan.expected))])
    keys, left_out = simple(drawn)
    assert left_out == {"loops": 0, "repetitions": 0}
    return keys


def whole(plan: Plan) -> GraphSet:
    return GraphSet.from_flat([plan.num_nodes], np.zeros(len(keys_of(plan)), np.int64), ends_of(keys_of(plan)))


def ends_of(keys: np.ndarray) -> np.ndarray:
    return np.stack([keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)], axis=1).astype(np.int64)


def profile(graph: GraphSet) -> tuple[object, ...]:
    """What numbering leaves alone: degree and triangles of each node, and sizes of components."""
    nodes = sorted(zip(graph.degrees().tolist(), node_triangles(graph).tolist(), strict=True))
    return nodes, sorted(np.bincount(graph.component_labels()).tolist())


@pytest.mark.parametrize(("graph", "max_size"), [(CAVES, 8), (CAVES, 40), (ROOM, 30), (nx.complete_graph(23), 5)])
def test_nothing_is_lost(graph: nx.Graph, max_size: int) -> None:
    parting = parted(graph, max_size)
    pieces = parting.pieces
    assert pieces.num_nodes.max() <= max_size
    assert (pieces.num_components() == 1).all()
    assert profile(parting.whole()) == profile(one(graph))
    piece = np.repeat(np.arange(len(pieces)), pieces.num_nodes)
    assert (piece[parting.links[:, 0]] < piece[parting.links[:, 1]]).all()
    if graph in (CAVES, ROOM):  # no node has so many links that numbers are put together
        assert np.array_equal(outside_of(pieces, "pieces"), np.bincount(parting.links.ravel(), minlength=len(piece)))


def test_communities_are_found() -> None:
    assert Counter(parted(CAVES, 20).pieces.num_nodes.tolist()) == {8: 12, 5: 1}


def test_many_links_are_put_together() -> None:
    labels = parted(nx.complete_graph(60), 7).pieces.schema.nodes
    assert labels is not None
    assert len(labels.values) <= 2
    assert all(50 <= int(value) <= 59 for value in labels.values)


def test_a_folder_of_a_parting(tmp_path: Path) -> None:
    parting = part(one(ROOM), max_size=30, about={"graph": "room"})
    parting.write(tmp_path / "parted")
    read = Parting.read(tmp_path / "parted")
    assert (read.pieces, read.about) == (parting.pieces, {"max_size": 30, "graph": "room"})
    assert np.array_equal(read.links, parting.links)
    assert read.content_hash() == parting.content_hash()
    links = tmp_path / "parted" / "links.parquet"
    table = pq.read_table(links)
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "parted" / "pieces.parquet", tmp_path / "other")
    about = {name: value[:-1] for name, value in table.schema.metadata.items()}  # no JSON any more
    pq.write_table(table.replace_schema_metadata(about), tmp_path / "other" / "links.parquet")
    links.write_bytes(b"no")
    for folder in ("parted", "other", "nowhere"):
        with pytest.raises(InputError, match="no folder of pieces and links"):
            Parting.read(tmp_path / folder)


def test_links_that_dense_pieces_cannot_have_are_counted() -> None:
    parting = parted(nx.complete_graph(30), 8)
    fitted = fit_pieces(parting, parting.pieces)
    wanted = parting.pieces.degrees().sum() + outside_of(parting.pieces, "pieces").sum()
    made = fitted.plan.whole(seed=0)
    assert wanted - made.degrees().sum() == fitted.parameters["stubs_left_over"] > 0
    assert fitted.parameters["links"] == len(made.edges) - len(parting.pieces.edges)


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("graph", [CAVES, ROOM])
def test_each_node_has_its_edges_and_its_links(graph: nx.Graph, copies: int) -> None:
    parting = parted(graph, 30)
    pieces = GraphSet.concatenate([parting.pieces] * copies)
    fitted = fit_pieces(parting, pieces, num_nodes=copies * graph.number_of_nodes(), seed=3)
    plan = fitted.plan
    wanted = np.sort(pieces.degrees() + outside_of(pieces, "pieces"))
    if graph is CAVES or copies == 1:
        assert plan.num_nodes == len(wanted)
    lost = wanted.sum() - plan.whole(seed=3).degrees().sum()
    assert 0 <= lost == fitted.parameters["stubs_left_over"] <= 0.02 * wanted.sum()
    if graph is CAVES:
        assert np.array_equal(np.sort(whole(plan).degrees()), wanted)


def test_places_are_linked_as_often_as_they_were() -> None:
    pairs = np.array([[0, 1], [0, 2], [1, 2], [2, 3]])
    wanted = np.array([2, 1, 3, 4])
    stubs = np.bincount(pairs.ravel(), np.repeat(wanted, 2)).astype(np.int64)
    for seed in range(5):
        found, numbers = numbers_of_links(stubs, pairs, wanted, seed)
        assert np.array_equal(found, pairs)
        assert np.array_equal(numbers, wanted)
        more = stubs + np.array([3, 0, 1, 2])
        found, numbers = numbers_of_links(more, pairs, wanted, seed)
        used = np.bincount(found.ravel(), np.repeat(numbers, 2), minlength=4)
        assert (used <= more).all()
        assert used.sum() >= stubs.sum()


def test_links_at_random_are_a_uniform_matching() -> None:
    def matching(seed: int) -> tuple[tuple[int, int], ...]:
        return tuple(joined([0, 1, 2], [3, 4, 5], lambda _node: [], 0.0, Stream(seed))[0])

    found = Counter(map(matching, range(1200)))
    assert len(found) == 6
    assert chisquare([*found.values()]).pvalue > 1e-3


def test_links_close_triangles() -> None:
    ring = {u: [u // 10 * 10 + (u + step) % 10 for step in (1, 9)] for u in range(20)}
    ends = [u for u in range(10) for _ in range(2)]

    def closed(closure: float) -> int:
        links, triangles = joined(ends, [u + 10 for u in ends], ring.__getitem__, closure, Stream(1))
        graph = nx.Graph([*links, *((u, v) for u in ring for v in ring[u])])
        assert all(graph.degree(u) == 4 for u in graph)
        assert triangles == sum(nx.triangles(graph).values()) // 3
        return triangles

    assert closed(1.0) > 2 * closed(0.0)
    near = stubs_of_pairs(list(range(10)), [5, 5], ring.__getitem__, 1.0, Stream(1))
    assert sorted(near[0] + near[1]) == list(range(10))
    assert any(len(nx.Graph(ring).subgraph(side).edges) == 4 for side in near), "a stretch of the ring for each"


def test_triangles_between_pieces_are_those_of_the_graph() -> None:
    parting = parted(nx.watts_strogatz_graph(600, 8, 0.02, seed=1), 30)
    apart = Parting(parting.pieces, parting.links[:0], {})
    grown, without = (whole(fit_pieces(one, parting.pieces).plan) for one in (parting, apart))
    real, found, least = (node_triangles(graph).sum() for graph in (parting.whole(), grown, without))
    assert abs(found - real) < (real - least) / 4


def test_pieces_are_chosen_by_what_they_sum_to() -> None:
    sparse, dense = (GraphSet.from_networkx([nx.gnm_random_graph(20, m, seed=i) for i in range(60)]) for m in (30, 60))
    pool = GraphSet.concatenate([sparse, dense])
    none = np.zeros(int(pool.num_nodes.sum()), np.int64)
    bounds = bounds_of(pool.degrees())
    found = features(pool, none, bounds)
    target = found[[*range(45), *range(60, 75)]].sum(axis=0)
    taken = chosen(found, target, 60, seed=0)
    assert len(set(taken.tolist())) == 60
    assert abs((taken < 60).sum() - 45) <= 3
    assert np.array_equal(chosen(found[:60], target, 60, seed=0), np.arange(60))


def test_of_more_pieces_the_right_ones_stand_in_the_graph() -> None:
    parting = parted(ROOM, 30)
    lone = GraphSet.from_networkx([nx.empty_graph(7)] * 200)
    labels = LabelArrays(parting.pieces.schema, nodes=np.zeros(1400, np.int32))
    fitted = fit_pieces(parting, GraphSet.concatenate([lone.labelled(labels), parting.pieces]))
    grown, real = whole(fitted.plan), parting.whole()
    assert abs(len(grown.edges) / len(real.edges) - 1) < 0.1
    assert abs(node_triangles(grown).sum() / node_triangles(real).sum() - 1) < 0.15


def test_graphs_of_known_laws() -> None:
    for graph in (planted_partition(2000), geometric(2000)):
        assert abs(graph.degrees().mean() - 8) < 0.5
    sets = GraphSet.concatenate([planted_partition(300), geometric(200)])
    assert joined_graphs(sets).num_nodes.tolist() == [500]
    assert np.array_equal(joined_graphs(sets).degrees(), sets.degrees())


def small(plan: PiecesPlan) -> PiecesPlan:
    return PiecesPlan(plan.starts, plan.inside, plan.pairs, plan.stubs, plan.first, plan.closure, most=300)


def test_shards_do_not_matter_and_a_killed_process_is_finished(tmp_path: Path) -> None:
    parting = parted(ROOM, 30)
    plan = fit_pieces(parting, parting.pieces).plan
    shards = small(plan)
    assert len(plan.expected) == 1
    assert len(shards.expected) > 4
    assert np.array_equal(keys_of(plan), keys_of(shards))

    def grown(name: str, write=write_here) -> None:
        grow_into(Folder(str(tmp_path / name)), shards, {"model": "pieces"}, seed=0, write_shards=write)

    def killed(make, todo, report) -> None:
        for shard in todo[:3]:
            make()(shard, report)
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if not child:
        grown("killed", killed)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    grown("killed")
    grown("whole")
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("killed", "whole")]
    assert files[0] == files[1]


def test_what_is_refused() -> None:
    parting = parted(CAVES, 20)
    with pytest.raises(InputError, match="each of 13 places needs a drawn piece, got 4"):
        fit_pieces(parting, parting.pieces[:4])
    with pytest.raises(InputError, match="must have nodes labelled outside"):
        fit_pieces(parting, parting.pieces.bare())
    with pytest.raises(InputError, match="must be graphs, got none"):
        fit_pieces(parting, GraphSet.empty())
    with pytest.raises(InputError, match="max_size must be >= 2, got 1"):
        parted(CAVES, 1)
    with pytest.raises(InputError, match="one graph is parted, got 13"):
        part(parting.pieces, max_size=9)


@pytest.mark.usefixtures("in_tmp_path")
def test_the_commands() -> None:
    write_graphs([nx.Graph(CAVES.edges)], "caves.edgelist")
    shown = gengraph("pieces caves.edgelist --max-size 20 --out parted")
    assert "13 pieces, and 12 links between them" in shown
    assert "parted exists" in gengraph("pieces caves.edgelist --out parted", code=2)
    grow = "grow parted --model pieces --pieces parted/pieces.parquet --out grown"
    assert "101 nodes and 341 edges in 1 shard" in gengraph(grow)
    assert len(read_graphs("grown").edges) == 341
    assert "every hash is right" in gengraph("samples verify grown")
    assert "holds another sample" in gengraph(f"{grow} --seed 1", code=2)
    assert "202 nodes" not in gengraph(f"{grow}2 --size 202", code=2)
    assert "no folder of pieces and links" in gengraph(f"{grow.replace('parted ', 'caves.edgelist ')}3", code=2)
    assert "belong together" in gengraph("grow parted --model pieces --out other", code=2)
    assert "belong together" in gengraph("grow caves.edgelist --model er --pieces parted/pieces.parquet --out other", code=2)
    assert "must have nodes labelled outside" in gengraph(
        "grow parted --model pieces --pieces caves.edgelist --out other", code=2
    )
