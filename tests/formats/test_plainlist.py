"""Long lists of numbers are read by compiled code, which says the same as the other reader of all files."""

import gzip
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gengraph.errors import InputError
from gengraph.formats import edgelist, matrix, read_graphs
from gengraph.formats.plainlist import read_columns
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

ALL = Policy(on_loops="drop", on_multi_edges="drop", on_directed="symmetrize", on_attributes="drop")


def both_ways(monkeypatch: pytest.MonkeyPatch, path: Path, policy: Policy) -> tuple[object, object]:
    """What compiled code makes of a file, and what the other reader does: graphs, or a message."""
    results: list[object] = []
    for long_bytes in (0, 2**40):
        for module in (edgelist, matrix):
            monkeypatch.setattr(module, "LONG_BYTES", long_bytes)
        try:
            results.append(read_graphs(path, policy))
        except InputError as error:
            results.append(str(error))
    return results[0], results[1]


LISTS = [
    "0 1\n1 2\n",
    "5 7\n7 100\n",
    "1 2\n2 1\n",
    "1 1\n1 2\n",
    "0 1\n1 2",
    "0 1\n\n1 2\n",
    "0 1 \n1 2\n",
    "0  1\n1 2\n",
    "01 1\n1 2\n",
    "0\t1\n1\t2\n",
    "0,1\r\n1,2\r\n",
    "0,1\r\n1,2\n",
    "0;1\n1;\n",
    "0,1\n1,2,3\n",
    "0 1\n7\n",
    "0 1\n-1 2\n",
    "0 1\n1 1.0\n",
    "0 1\n1 a\n",
    "0 1\n1 na\n",
    "0 1\n1 99999999999\n",
    "0 1\n# c\n1 2\n",
    "# c\n% d\n0 1\n1 2\n",
    "# Directed graph: x\n0 1\n1 2\n",
    "# Directed graph: x\n0 1\n1 0\n2 1\n1 2\n",
    "% bip unweighted\n1 1\n2 1\n",
    "source,target\n0,1\n1,2\n",
    '"target","source"\n0,1\n2,1\n',
    "source target weight\n0 1 1\n1 2 1\n",
    "graph,source,target\n0,0,1\n1,0,1\n",
    "a b\n0 1\n1 2\n",
    "0|1\n1|2\n",
    "٣ 1\n1 2\n",
    "0 1\n1 2\n{}\n",
    "# only\n",
    "3 1000000000\n1000000000 4\n",
]  # fmt: skip


@pytest.mark.parametrize(
    "policy", [Policy(), ALL, Policy(nodes=8), Policy(columns=("2", "1"))], ids=["plain", "all", "n", "columns"]
)
@pytest.mark.parametrize("content", LISTS)
def test_lists_are_read_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, policy: Policy) -> None:
    (tmp_path / "a.edgelist").write_bytes(content.encode())
    compiled, plain = both_ways(monkeypatch, tmp_path / "a.edgelist", policy)
    assert compiled == plain
    with gzip.open(tmp_path / "b.csv.gz", "wb") as file:
        file.write(content.encode())
    compiled, plain = both_ways(monkeypatch, tmp_path / "b.csv.gz", policy)
    assert compiled == plain


@given(
    pairs=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=30),
    between=st.sampled_from([" ", ",", "\t", ";"]),
    directed=st.booleans(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_pairs_are_read_alike(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pairs: list[tuple[int, int]], between: str, directed: bool
) -> None:
    head = "# Directed graph\n" if directed else ""
    (tmp_path / "a.edgelist").write_text(head + "".join(f"{u}{between}{v}\n" for u, v in pairs))
    for policy in (Policy(), ALL):
        compiled, plain = both_ways(monkeypatch, tmp_path / "a.edgelist", policy)
        assert compiled == plain


BANNER = "%%MatrixMarket matrix coordinate "


@pytest.mark.parametrize(
    "content",
    [
        f"{BANNER}pattern symmetric\n3 3 2\n2 1\n3 2\n",
        f"{BANNER.upper()}PATTERN GENERAL\n% c\n3 3 4\n2 1\n1 2\n3 2\n2 3\n",
        f"{BANNER}pattern general\n3 3 2\n2 1\n3 2\n",
        f"{BANNER}pattern general\n3 3 2\n2 1\n3  2\n",
        f"{BANNER}integer symmetric\n3 3 3\n2 1 1\n3 2 1\n3 1 0\n",
        f"{BANNER}real symmetric\n3 3 3\n2 1 1.0\n3 2 2.5\n3 3 1\n",
        f"{BANNER}real general\n3 3 3\n2 1 1.0\n1 2 1e0\n3 3 4\n",
        f"{BANNER}pattern symmetric\n3 3 2\n2 1\n",
        f"{BANNER}pattern symmetric\n3 3 1\n2 1\n3 2\n",
        f"{BANNER}pattern symmetric\n3 3 1\n4 1\n",
        f"{BANNER}pattern symmetric\n3 3 1\n0 1\n",
        f"{BANNER}pattern general\n3 4 1\n2 1\n",
        f"{BANNER}real skew-symmetric\n3 3 1\n2 1 1\n",
        f"{BANNER}complex general\n3 3 1\n2 1 1 0\n",
        "%%MatrixMarket matrix array real general\n2 2\n0\n1\n1\n0\n",
    ],
)
def test_matrices_are_read_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str) -> None:
    (tmp_path / "a.mtx").write_text(content)
    for policy in (Policy(), ALL):
        compiled, plain = both_ways(monkeypatch, tmp_path / "a.mtx", policy)
        assert compiled == plain


def test_a_long_list_is_read_a_column_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    graph = nx.gnm_random_graph(3000, 20_000, seed=1)
    lines = "".join(f"{v} {u}\n" for u, v in graph.edges)
    assert len(lines) > edgelist.LONG_BYTES
    (tmp_path / "a.edgelist").write_text(lines)
    monkeypatch.setattr(edgelist, "edges_of", None)  # the other reader
    graphs = read_graphs(tmp_path / "a.edgelist")
    assert graphs == GraphSet.from_networkx(
        [nx.convert_node_labels_to_integers(graph.edge_subgraph(graph.edges), ordering="sorted")]
    )


def test_columns_of_more_than_a_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import pyarrow as pa

    monkeypatch.setattr("gengraph.formats.plainlist._BLOCK_BYTES", 100)
    numbers = np.arange(200)
    (tmp_path / "a").write_text("head\n" + "".join(f"{i} {2 * i}\n" for i in numbers))
    first, second = read_columns(tmp_path / "a", " ", skip=5, types=(pa.int64(), pa.int64())) or ()
    np.testing.assert_array_equal(first, numbers)
    np.testing.assert_array_equal(second, 2 * numbers)
