from collections import Counter
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengraph.data import split_collection
from gengraph.errors import InputError
from gengraph.formats import read_collection, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy, RawGraphs, simplify

DROP_ALL = Policy(on_directed="symmetrize", on_loops="drop", on_multi_edges="drop", on_attributes="drop", on_isolated="drop")


@st.composite
def edges_with_kinds(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, bool]]]:
    n = draw(st.integers(1, 5))
    node = st.integers(0, n - 1)
    return n, draw(st.lists(st.tuples(node, node, st.booleans()), max_size=12))


def plain_counts(edges: list[tuple[int, int, bool]]) -> dict[str, int]:
    """Loops, directed and parallel edges, one pair of nodes after the other."""
    pairs: dict[tuple[int, int], Counter[str]] = {}
    for u, v, directed in edges:
        kind = "plain" if not directed else "up" if u <= v else "down"
        pairs.setdefault((min(u, v), max(u, v)), Counter())[kind] += 1
    counts = Counter()
    for (u, v), kinds in pairs.items():
        if u == v:
            counts["on_loops"] += kinds.total()
            continue
        edges_here = kinds["plain"] + max(kinds["up"], kinds["down"])
        counts["on_multi_edges"] += edges_here - 1
        counts["on_directed"] += not kinds["plain"] and bool(kinds["up"]) != bool(kinds["down"])
    return {kind: count for kind, count in counts.items() if count}


@given(graphs=st.lists(edges_with_kinds(), max_size=3))
def test_policies_make_simple_graphs_and_count_what_they_change(graphs: list) -> None:
    edges = [edge for _, some in graphs for edge in some]
    raw = RawGraphs.from_lists(
        [n for n, _ in graphs],
        [[edge[:2] for edge in some] for _, some in graphs],
        directed=np.array([e[2] for e in edges], bool),
    )
    policy = Policy(on_directed="symmetrize", on_loops="drop", on_multi_edges="drop")
    collection = simplify(raw, policy)
    expected: Counter[str] = Counter()
    for _, some in graphs:
        expected.update(plain_counts(some))
    assert collection.found == dict(expected)
    for (n, some), graph in zip(graphs, collection.graphs.to_networkx(), strict=True):
        wanted = nx.empty_graph(n)
        wanted.add_edges_from((u, v) for u, v, _ in some if u != v)
        assert nx.utils.graphs_equal(wanted, graph)
    if expected:
        with pytest.raises(InputError, match="graphs must be simple, undirected and bare"):
            simplify(raw, Policy())
    else:
        assert simplify(raw, Policy()).graphs == collection.graphs


def test_each_refusal_counts_and_names_its_option() -> None:
    def refusal(policy: Policy, edges: list, **more: object) -> str:
        with pytest.raises(InputError) as caught:
            simplify(RawGraphs.from_lists([2, 4], [[], edges], **more), policy)
        return str(caught.value)

    default = Policy()
    assert "1 of 1 edges have no edge the other way: they are directed (1 graphs, first graph 1, nodes 3 and 1)" in refusal(
        default, [(3, 1)], directed=True
    )
    assert "2 self-loops (1 graphs, first graph 1, nodes 0 and 0); remove them, or set on_loops = drop" in refusal(
        default, [(0, 0), (3, 3)]
    )
    assert "2 parallel edges (1 graphs, first graph 1, nodes 0 and 1); keep one" in refusal(default, [(0, 1), (1, 0), (0, 1)])
    assert "9 values of attributes would be left behind: mass (4), charge (5); set on_attributes = drop" in refusal(
        default, [], attributes={"mass": 4, "charge": 5}
    )
    assert "4 nodes without edges; set on_isolated = keep or drop" in refusal(Policy(on_isolated="error"), [(0, 1)])
    assert "2 of 2 graphs are disconnected; set on_components = keep or largest" in refusal(
        Policy(on_components="error"), [(0, 1)]
    )
    assert "1 edges join a node outside 0..n-1" in refusal(DROP_ALL, [(0, -1)])
    with pytest.raises(InputError, match="on_loops must be one of error, drop, got 'keep'"):
        Policy(on_loops="keep")


def test_isolated_nodes_and_small_components() -> None:
    raw = RawGraphs.from_lists([5, 3], [[(0, 1), (3, 4), (2, 2)], [(0, 1), (1, 2)]])
    collection = simplify(raw, Policy(on_loops="drop", on_isolated="drop", on_components="largest"))
    assert collection.found == {"on_loops": 1, "on_isolated": 1, "on_components": 1}
    assert collection.graphs == GraphSet.from_networkx([nx.path_graph(2), nx.path_graph(3)])
    assert collection.record()["policy"]["on_isolated"] == "drop"


def test_a_split_column_is_kept(tmp_path: Path) -> None:
    names = ["test", "train", "valid", "train", "test", "train"]
    table = pa.table({"num_nodes": [1, 2, 3, 4, 5, 6], "edges": [[[0, 0]][:0]] * 6, "split": names})
    schema = table.schema.set(1, pa.field("edges", pa.list_(pa.list_(pa.int32()))))
    pq.write_table(table.cast(schema), tmp_path / "a.parquet")
    for seed in (0, 1):
        split = split_collection(read_collection(tmp_path / "a.parquet"), seed=seed)
        assert split.origin == "given"
        sizes = [part.num_nodes.tolist() for part in (split.train, split.validation, split.test)]
        assert sizes == [[2, 4, 6], [3], [1, 5]]


def test_three_files_are_a_split(tmp_path: Path) -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(n) for n in range(1, 9)])
    write_graphs(graphs[:5], tmp_path / "train.parquet")
    write_graphs(graphs[5:7], tmp_path / "val.jsonl")
    write_graphs(graphs[7:], tmp_path / "test.g6")
    collection = read_collection(tmp_path)
    assert collection.graphs == graphs
    split = split_collection(collection)
    assert (split.train, split.validation, split.test) == (graphs[:5], graphs[5:7], graphs[7:])


def test_a_split_without_validation_takes_it_from_training(tmp_path: Path) -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(n) for n in range(1, 31)])
    write_graphs(graphs[:20], tmp_path / "train.parquet")
    write_graphs(graphs[20:], tmp_path / "test.parquet")
    collection = read_collection(tmp_path)
    split = split_collection(collection, seed=3)
    assert split.test == graphs[20:]
    assert (len(split.train), len(split.validation)) == (18, 2)
    together = np.concatenate([split.train.num_nodes, split.validation.num_nodes])
    assert sorted(together.tolist()) == list(range(1, 21))
    assert split_collection(collection, seed=4).validation != split.validation


def test_splits_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"n": 1, "edges": [], "split": "train"}\n' * 4)
    with pytest.raises(InputError, match=r"got \{'train': 4, 'validation': 0, 'test': 0\}|got \{'train': 3"):
        split_collection(read_collection(tmp_path / "a.jsonl"))
    one = GraphSet.from_networkx([nx.path_graph(2)])
    write_graphs(one, tmp_path / "shards" / "shard-0.parquet")
    table = pa.table({"num_nodes": [2], "edges": [[[0, 1]]], "split": ["test"]})
    pq.write_table(table, tmp_path / "shards" / "shard-1.parquet")
    with pytest.raises(InputError, match="1 of 2 files have no split column and the others have"):
        read_collection(tmp_path / "shards")


@pytest.mark.parametrize("extra", ["train.jsonl", "valid.parquet", "more.parquet"])
def test_folders_of_parts_with_something_more_are_refused(tmp_path: Path, extra: str) -> None:
    one = GraphSet.from_networkx([nx.path_graph(2)])
    for name in ("train.parquet", "validation.parquet", "test.parquet", extra):
        write_graphs(one, tmp_path / name)
    with pytest.raises(InputError, match=r"holds one file for each part, got .*train"):
        read_collection(tmp_path)


def test_numbers_that_do_not_fit_are_refused_not_wrapped() -> None:
    with pytest.raises(InputError, match="at most 2147483647, got 5000000000"):
        simplify(RawGraphs.from_lists([5_000_000_000], [[]]), Policy())
    with pytest.raises(InputError, match=r"the first is \(0, 4294967297\) in graph 0 of 2 nodes"):
        simplify(RawGraphs.from_lists([2], [[(0, 2**32 + 1)]]), Policy())


def test_the_data_of_a_run_is_a_split(tmp_path: Path) -> None:
    for number, name in enumerate(("train", "validation", "test"), start=2):
        write_graphs(GraphSet.from_networkx([nx.path_graph(number)]), tmp_path / f"{name}.parquet")
    assert read_collection(tmp_path).part.tolist() == [0, 1, 2]
