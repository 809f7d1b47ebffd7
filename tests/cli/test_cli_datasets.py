import json
import re
from pathlib import Path

import networkx as nx
import pytest
from command_line import FAST, answer, gengraph, in_tmp_path  # noqa: F401

from gengraph.data import load_dataset, split_graphs
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.models.graphrnn.bandwidth import estimate_max_prev_node, safe_bound

pytestmark = pytest.mark.usefixtures("in_tmp_path")

LOOPS = '{"n": 2, "edges": [[0, 1], [1, 1]]}\n' * 4


def test_the_list() -> None:
    output = gengraph("datasets")
    assert re.search(r"grid +100 +100-361 +Two-dimensional grids", output)
    listed = answer("datasets --format json")
    assert {"ego-small", "planar", "lobster", "barabasi-albert", "caveman"} <= set(listed)
    assert all(name in output for name in listed)
    assert (listed["grid"]["graphs"], listed["grid"]["nodes"]) == (100, [100, 361])


def test_show() -> None:
    about = answer("datasets show grid-small --orderings --format json")
    graphs = load_dataset("grid-small")
    assert about["description"].startswith("Two-dimensional grids")
    assert about["graphs"] == about["connected"] == 20
    assert about["nodes"] == {"min": 4, "max": 30, "mean": 14.0}
    assert about["density"]["max"] == 4 / 6
    assert about["split"] == {"origin": "seeded", "sizes": {"train": 14, "validation": 2, "test": 4}}
    assert about["content_hash"] == graphs.content_hash()
    bfs = about["orderings"]["bfs"]
    assert bfs["maximum"] == estimate_max_prev_node(graphs, "bfs").max_prev_node <= bfs["safe_bound"] == safe_bound(graphs)
    assert bfs["p999"] <= bfs["maximum"]
    assert about["orderings"]["degree"]["safe_bound"] is None
    plain = answer("datasets show grid-small --format json")
    assert plain == {name: value for name, value in about.items() if name != "orderings"}
    assert "max_prev_node" not in gengraph("datasets show grid-small")
    output = gengraph("datasets show grid-small --orderings")
    assert "4 to 30, mean 14" in output
    assert "20 of 20 graphs, 0 isolated nodes" in output
    assert "14 train, 2 validation, 4 test" in output
    for ordering in ("bfs", "cm", "dfs", "degree", "k-core", "rcm", "random"):
        assert re.search(rf"^{ordering} +\d+ +\d+ +(\d+|-) +\d", output, flags=re.MULTILINE)


def test_show_says_all_digits_of_counts() -> None:
    Path("large.jsonl").write_text('{"n": 1234567, "edges": [[0, 1]]}\n{"n": 12345, "edges": []}\n')
    output = gengraph("datasets show large.jsonl")
    assert "12345 to 1234567, mean 623456" in output
    assert "0 to 1, mean 0.5" in output


def test_show_says_what_reading_changed() -> None:
    Path("loops.jsonl").write_text(LOOPS)
    output = gengraph("datasets show loops.jsonl --on-loops drop")
    assert "on_loops:  drop, 4 found" in output


def test_export_of_a_part_and_of_another_format() -> None:
    assert "20 graphs: test.g6" in gengraph("datasets export grid --split test --out test.g6")
    assert read_graphs("test.g6") == split_graphs(load_dataset("grid")).test
    gengraph("datasets export grid --split test --split-seed 3 --out other.g6")
    assert read_graphs("other.g6") == split_graphs(load_dataset("grid"), seed=3).test
    gengraph("datasets export test.g6 --out again.graphml")
    assert read_graphs("again.graphml") == read_graphs("test.g6")
    gengraph("datasets export tree:5 --out five.parquet")
    assert read_graphs("five.parquet") == load_dataset("tree")[:5]


def test_fetch() -> None:
    assert load_dataset("grid-small").content_hash() in gengraph("datasets fetch grid-small")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("datasets show nothing.g6", "unknown data set 'nothing.g6'"),
        ("datasets show grid --format xml", "'xml' is not one of 'table', 'json'"),
        (
            "datasets show loops.jsonl",
            "4 self-loops (4 graphs, first graph 0, nodes 1 and 1); remove them, or use --on-loops drop",
        ),
        ("datasets show loops.jsonl --on-loops keep", "'keep' is not one of 'error', 'drop'"),
        ("datasets export grid --split dev --out a.g6", "'dev' is not one of 'train', 'validation', 'test', 'all'"),
        ("datasets export grid --out a.pt", "is a pickle"),
        ("datasets fetch lader", "unknown data set 'lader'"),
        ("datasets remove grid", "No such command 'remove'"),
        ("train --dataset loops.jsonl", "--on-loops drop"),
        ("tune --dataset loops.jsonl", "--on-loops drop"),
        ("evaluate loops.jsonl grid", "--on-loops drop"),
        ("benchmark --datasets loops.jsonl --workers 0", "--on-loops drop"),
        ("sample --model er --dataset loops.jsonl --out s", "--on-loops drop"),
        ("train --dataset grid --set model.sequence.ordering=dfs", "use --set model.sequence.window=fixed"),
    ],
)
def test_bad_input_is_named_and_exits_with_2(command: str, message: str) -> None:
    Path("loops.jsonl").write_text(LOOPS)
    assert message in re.sub(r"[\s│]+", " ", gengraph(command, code=2))


def test_a_run_records_what_reading_changed_and_keeps_given_parts() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(n) for n in range(2, 14)])
    for name, part in (("train", graphs[:8]), ("validation", graphs[8:10]), ("test", graphs[10:])):
        write_graphs(part, f"mine/{name}.jsonl")
    with Path("mine/train.jsonl").open("a") as file:
        file.write('{"n": 3, "edges": [[0, 1], [1, 2], [2, 1], [2, 2]]}\n')
    output = gengraph(f"train --dataset mine --steps 2 --run a --on-loops drop --on-multi-edges drop {FAST}")
    assert "on_loops drop: 1 found" in output
    about = json.loads(Path("runs/a/run.json").read_text())
    assert about["reading"]["found"] == {"on_loops": 1, "on_multi_edges": 1}
    assert about["reading"]["policy"]["on_directed"] == "error"
    assert about["split"] == "given"
    assert about["split_seed"] is None
    gengraph("sample --run a -n 3 --out s")
    assert json.loads(Path("s/manifest.json").read_text())["reading"] == about["reading"]
    assert read_graphs("runs/a/data/test.parquet") == graphs[10:]
    gengraph(f"train --dataset runs/a/data --steps 2 --run b --split-seed 5 {FAST}")
    assert json.loads(Path("runs/b/run.json").read_text())["content_hash"] == about["content_hash"]
    gengraph(f"train --dataset grid-small --steps 2 --run c --split-seed 5 {FAST}")
    about = json.loads(Path("runs/c/run.json").read_text())
    assert (about["split"], about["split_seed"]) == ("seeded", 5)
    assert about["content_hash"]["test"] == split_graphs(load_dataset("grid-small"), seed=5).test.content_hash()
    write_graphs(load_dataset("grid-small"), "runs/c/data/train.parquet")
    assert "is not what this run was made with" in gengraph("resume c --steps 4", code=2)


def test_a_benchmark_records_what_reading_changed() -> None:
    Path("loops.jsonl").write_text(LOOPS)
    gengraph("benchmark --datasets loops.jsonl --models er --workers 0 --on-loops drop --split-seed 3 --out r")
    reading = json.loads(Path("r/results.json").read_text())["datasets"][0]["reading"]
    assert reading["found"] == {"on_loops": 4}
    assert (reading["split"], reading["split_seed"]) == ("seeded", 3)
    assert "Read with: loops.jsonl: on_loops drop (4)" in Path("r/results.md").read_text()


@pytest.mark.parametrize("ordering", ["dfs", "degree", "k-core", "rcm", "random"])
def test_every_ordering_trains_and_samples(ordering: str) -> None:
    gengraph(
        f"train --dataset ladder-small --steps 3 --run a --set model.sequence.ordering={ordering} "
        f"--set model.sequence.window=fixed {FAST}"
    )
    assert "5 graphs in 1 shard:" in gengraph("sample --run a -n 5 --out s")


def test_isomorphic_graphs() -> None:
    """Paths of three nodes, named in two ways, a triangle and a path of four; parts are given."""
    named = ["[[0, 1], [1, 2]]", "[[0, 1], [0, 2]]", "[[0, 1], [0, 2], [1, 2]]", "[[0, 1], [1, 2]]"]
    parts = ["train", "test", "train", "validation"]
    lines = [f'{{"n": 3, "edges": {edges}, "split": "{part}"}}' for edges, part in zip(named, parts, strict=True)]
    Path("twins.jsonl").write_text("\n".join([*lines, '{"n": 4, "edges": [[0, 1], [1, 2], [2, 3]], "split": "test"}']))
    output = gengraph("datasets show twins.jsonl --leaks")
    assert "1 validation in train, 1 test in train, 1 test in validation, 2 repeated" in output
    about = answer("datasets show twins.jsonl --leaks --format json")
    assert about["leaks"] == {"validation in train": 1, "test in train": 1, "test in validation": 1, "repeated": 2}
    gengraph("datasets export twins.jsonl --unique --out once.jsonl")
    assert read_graphs("once.jsonl") == read_graphs("twins.jsonl")[[0, 2, 4]]


def test_the_file_that_is_read_is_not_overwritten() -> None:
    Path("own.jsonl").write_text('{"n": 2, "edges": [[0, 1]]}\n' * 5)
    assert "own.jsonl is the file that is read" in gengraph("datasets export own.jsonl --split test --out own.jsonl", code=2)
    assert len(Path("own.jsonl").read_text().splitlines()) == 5
    gengraph("datasets export own.jsonl --out other.jsonl")
    gengraph("datasets export own.jsonl --split test --out other.jsonl")
    assert len(Path("other.jsonl").read_text().splitlines()) < 5
