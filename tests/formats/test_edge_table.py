"""Tables of edges in Parquet: the graphs of the same lists of edges in text."""

from pathlib import Path
from typing import Any

import duckdb
import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gengraph.errors import InputError
from gengraph.formats import read_collection, read_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

PATH = GraphSet.from_networkx([nx.path_graph(3)])


@pytest.mark.parametrize(
    "columns",
    [
        {"source": [5, 6], "target": [6, 9]},
        {"src": ["a", "b"], "dst": ["b", "c"]},
        {"weight": [1.0, 1.0], "from": [0, 1], "to": [1, 2]},
        {"graph": [1, 1, 0], "source": [0, 1, 0], "target": [1, 2, 1]},
        {"source": [0, 1, 3], "target": pd.array([1, 2, None], "Int64")},
        {"source": ["x", "x", ""], "target": ["y", "z", "u"]},
        {"source": [0, 0], "target": [1, 2], "graph_class": ["tree", None]},
        {"source": [-1, 5_000_000_000], "target": [5_000_000_000, 7]},
        {"source": pd.Categorical(["a", "b"]), "target": pd.Categorical(["b", "c"])},
    ],
)
def test_a_table_is_what_its_text_is(tmp_path: Path, columns: dict[str, Any]) -> None:
    frame = pd.DataFrame(columns)
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    frame.to_csv(tmp_path / "a.csv", index=False)
    read, expected = (read_collection(tmp_path / f"a.{suffix}") for suffix in ("parquet", "csv"))
    assert read.graphs == expected.graphs
    assert read.found == expected.found


def test_whole_numbers_beside_missing_ones_are_the_same_nodes(tmp_path: Path) -> None:
    pd.DataFrame({"source": [0, 1, 3], "target": [1, np.nan, 0]}).to_parquet(tmp_path / "a.parquet")
    assert read_graphs(tmp_path / "a.parquet") == GraphSet.from_edge_lists([3], [[(0, 1), (0, 2)]])


def test_many_edges_stay_in_arrays(tmp_path: Path) -> None:
    graph = nx.gnm_random_graph(2000, 9000, seed=1)
    edges = np.array(graph.edges)
    pq.write_table(pa.table({"source": edges[:, 1], "target": edges[:, 0]}), tmp_path / "a.parquet", row_group_size=1000)
    assert read_graphs(tmp_path / "a.parquet") == GraphSet.from_edge_lists([2000], [edges])
    assert read_graphs(tmp_path / "a.parquet", Policy(nodes=2010)).num_nodes.tolist() == [2010]


def test_what_duckdb_writes(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    duckdb.sql(f"copy (select range as person, range + 1 as friend, 'x' as kind from range(2)) to '{file}'")
    with pytest.raises(InputError, match="or source and target, with a row an edge, got person, friend, kind; rename them"):
        read_graphs(file)
    named = {"columns": ("person", "friend")}
    with pytest.raises(InputError, match=r"left behind: kind \(2\)"):
        read_graphs(file, Policy(**named))
    assert read_graphs(file, Policy(**named, on_attributes="drop")) == PATH
    assert read_graphs(file, Policy(**named, edge_label="kind")).bare() == PATH


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"source": [0, 0], "target": [0, 1]}, "1 self-loops"),
        ({"source": [0, 1], "target": [1, 0]}, "1 parallel edges"),
        ({"source": [0, 1], "target": [1, 2], "weight": [1, 2]}, r"left behind: weight \(1\)"),
        (
            {"source": [[0], [1]], "target": [1, 2]},
            "ends of edges, graphs and labels are numbers or texts, got a column of list",
        ),
        ({"source": [0, None], "target": [1, None]}, "row 1 has neither source nor target; leave the row out"),
        ({"graph": ["a", None], "source": [0, 1], "target": [1, 2]}, "row 1 has no graph; name it"),
    ],
)
def test_what_is_more_than_edges_is_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=message):
        read_graphs(tmp_path / "a.parquet")


def test_a_column_says_directions_of_graphs(tmp_path: Path) -> None:
    graphs = {"num_nodes": [3, 2], "edges": [[[0, 1], [2, 1]], [[1, 0]]]}
    pq.write_table(pa.table(graphs | {"directed": [True, True]}), tmp_path / "a.parquet")
    read = read_graphs(tmp_path / "a.parquet")
    assert [list(graph.edges) for graph in read.to_networkx()] == [[(0, 1), (2, 1)], [(1, 0)]]
    pq.write_table(pa.table(graphs | {"directed": [True, False]}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match="2 of 3 edges have no edge the other way"):
        read_graphs(tmp_path / "b.parquet")
    pq.write_table(pa.table(graphs | {"directed": ["yes", "no"]}), tmp_path / "c.parquet")
    with pytest.raises(InputError, match='row 0: directed must be true or false, got "yes"'):
        read_graphs(tmp_path / "c.parquet")


def test_columns_of_graphs_that_are_wrong_name_the_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"num_nodes": [3, None], "edges": [[[0, 1]], []]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: num_nodes must be whole numbers"):
        read_graphs(tmp_path / "a.parquet")
