"""A large graph on disk: nothing lost, nothing twice, nothing half-written; and the commands."""

import json
import os
import signal
from pathlib import Path

import networkx as nx
import pytest
from command_line import answer, gengraph, in_tmp_path  # noqa: F401
from object_store import bucket  # noqa: F401

from gengraph.errors import InputError
from gengraph.formats import read_graphs, write_graphs
from gengraph.large.attachment import AttachmentPlan
from gengraph.large.folder import grow_into, verify_edges
from gengraph.sampling.writing import write_here
from gengraph.storage import Folder

PLAN = AttachmentPlan(300, 3, most=100)


def grown(folder: Path, plan: AttachmentPlan = PLAN, seed: int = 1, write_shards=write_here) -> dict:
    return grow_into(Folder(str(folder)), plan, {"model": "ba"}, seed=seed, write_shards=write_shards)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_is_in_a_folder(tmp_path: Path) -> None:
    done: list[int] = []
    folder = Folder(str(tmp_path / "one"))
    manifest = grow_into(folder, PLAN, {"model": "ba"}, seed=1, write_shards=write_here, report=done.append)
    graph = read_graphs(tmp_path / "one")
    assert (len(graph), graph.num_nodes[0], len(graph.edges)) == (1, 300, manifest["num_edges"])
    assert manifest["num_edges"] + manifest["loops"] + manifest["repetitions"] == 900 == sum(done)
    assert manifest["loops"] > 0 < manifest["repetitions"]
    assert verify_edges(folder) == manifest == json.loads((tmp_path / "one" / "manifest.json").read_text())


def kill_after(count: int):
    """Writes shards like `write_here`, and kills the process in the middle of one."""

    def write(make, shards, report) -> None:
        writer = make()
        for shard in shards[:count]:
            writer(shard, report)
        Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # when a file is whole, but not in its place
        writer(shards[count])

    return write


def test_a_killed_process_leaves_nothing_half_written(tmp_path: Path) -> None:
    child = os.fork()
    if not child:
        grown(tmp_path / "killed", write_shards=kill_after(4))
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    left = sorted(path.name for path in (tmp_path / "killed").iterdir())
    assert [name for name in left if not name.startswith(".")] == [
        "manifest.json",
        *(f"shard-{i:06d}.parquet" for i in range(4)),
    ]
    assert any(name.startswith(".") for name in left)
    with pytest.raises(InputError, match="not finished"):
        read_graphs(tmp_path / "killed")
    times = {name: (tmp_path / "killed" / name).stat().st_mtime_ns for name in left}
    grown(tmp_path / "killed")
    grown(tmp_path / "whole")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    kept = tmp_path / "killed" / "shard-000003.parquet"
    assert kept.stat().st_mtime_ns == times[kept.name], "what was done is drawn again"


def test_damage_is_found_and_mended(tmp_path: Path) -> None:
    grown(tmp_path / "a")
    whole = contents(tmp_path / "a")
    file = tmp_path / "a" / "shard-000002.parquet"
    spoilt = bytearray(whole[file.name])
    spoilt[len(spoilt) // 3] ^= 1
    (tmp_path / "a" / "more.parquet").write_bytes(b"")
    for content in (bytes(spoilt), whole[file.name][:50], b""):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"more.parquet, shard-000002.parquet"):
            verify_edges(Folder(str(tmp_path / "a")))
        with pytest.raises(InputError, match="no whole shard"):
            read_graphs(tmp_path / "a")
        (tmp_path / "a" / "more.parquet").unlink()
        grown(tmp_path / "a")
        assert contents(tmp_path / "a") == whole
        (tmp_path / "a" / "more.parquet").write_bytes(b"")


def test_an_object_store_is_gone_on_with(bucket: str, tmp_path: Path) -> None:  # noqa: F811
    store, whole = Folder(bucket), grown(tmp_path / "here")
    assert grow_into(store, PLAN, {"model": "ba"}, seed=1, write_shards=write_here) == whole
    store.remove("shard-000002.parquet")
    with pytest.raises(InputError, match=r"shard-000002.parquet"):
        verify_edges(store)
    grow_into(store, PLAN, {"model": "ba"}, seed=1, write_shards=write_here)
    assert verify_edges(store) == whole
    assert {name: store.read(name) for name in store.names()} == contents(tmp_path / "here")


def test_another_graph_has_another_folder(tmp_path: Path) -> None:
    grown(tmp_path / "a")
    with pytest.raises(InputError, match=r"holds another sample .*seed: 1 there, 2 asked for"):
        grown(tmp_path / "a", seed=2)
    with pytest.raises(InputError, match="num_nodes: 300 there, 301 asked for"):
        grown(tmp_path / "a", plan=AttachmentPlan(301, 3, most=100))


def test_shards_in_any_order_are_the_same(tmp_path: Path) -> None:
    def backwards(make, shards, report) -> None:
        for shard in reversed(shards):
            make()(shard, report)

    grown(tmp_path / "a")
    grown(tmp_path / "b", write_shards=backwards)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.usefixtures("in_tmp_path")
def test_the_commands() -> None:
    write_graphs([nx.connected_caveman_graph(12, 8)], "caves.edgelist")
    write_graphs([nx.path_graph(3), nx.path_graph(4)], "two.jsonl")
    shown = gengraph("grow caves.edgelist --model dcsbm --size 200 --out grown")
    assert "200 nodes and" in shown
    assert "in 1 shard: grown" in shown
    again = (Path("grown") / "shard-000000.parquet").stat().st_mtime_ns
    gengraph("grow caves.edgelist --model dcsbm --size 200 --out grown")
    assert (Path("grown") / "shard-000000.parquet").stat().st_mtime_ns == again
    assert "every hash is right" in gengraph("samples verify grown")
    assert "mean 200" in gengraph("datasets show grown")
    gengraph("datasets export grown --out grown.edgelist")
    assert read_graphs("grown.edgelist", None).edges.shape == read_graphs("grown").edges.shape
    result = answer("compare caves.edgelist grown --samples 2000 --format json")
    assert set(result["distances"]) == {"degree", "clustering", "orbit", "spectrum"}
    shown = gengraph("compare caves.edgelist grown --samples 2000")
    assert "floor" in shown
    assert " .. " in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "holds another sample" in gengraph("grow caves.edgelist --model er --out grown", code=2)
    assert "one graph is wanted, two.jsonl has 2" in gengraph("grow two.jsonl --model er --out other", code=2)
    assert "one graph is wanted, two.jsonl has 2" in gengraph("compare caves.edgelist two.jsonl", code=2)
    assert "choose from er" in gengraph("grow caves.edgelist --model none --out other", code=2)
    assert not Path("other").exists()


@pytest.mark.usefixtures("in_tmp_path")
def test_labels_and_directions_are_not_left_aside_in_silence() -> None:
    Path("a.jsonl").write_text('{"n": 3, "edges": [[0, 1], [1, 2]], "node_labels": ["x", "y", "x"], "directed": true}\n')
    for command in (
        "grow a.jsonl --model er --out grown",
        "pieces a.jsonl --out parted",
        "compare a.jsonl a.jsonl --samples 9",
    ):
        assert "left aside: node labels node_label (2), directed edges" in gengraph(command)
