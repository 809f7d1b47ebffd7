"""Large files go into flat arrays: the graphs are those of the plain way, and what is held is bounded by the arrays."""

import gzip
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import graph_sets

from gengraph.errors import InputError
from gengraph.formats import native, read_graphs, write_graphs
from gengraph.formats.jsonlines import BLOCK_BYTES, read_plain_lines
from gengraph.graphs import GraphSet

COUNTED = pa.proxy_memory_pool(pa.default_memory_pool())  # what is allocated by it must not outlive it
PLAIN = '{"n": 3, "edges": [[0, 1], [1, 2]]}'


def molecules(count: int) -> GraphSet:
    """Chains of 20 nodes with a ring."""
    edges = [*((i, i + 1) for i in range(19)), (3, 8)]
    return GraphSet.from_flat(np.full(count, 20), np.repeat(np.arange(count), 20), np.tile(edges, (count, 1)))


@given(graph_sets(), st.booleans(), st.sampled_from(["", " ", "\t "]), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans())
def test_plain_lines(
    tmp_path_factory: pytest.TempPathFactory, graphs: GraphSet, swap: bool, blank: str, end: str, last: bool
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    separators = f"{blank},{blank}", f"{blank}:{blank}"
    lines = []
    for graph in graphs:
        record = {"n": int(graph.num_nodes[0]), "edges": graph.edges.tolist()}
        keys = reversed(record) if swap else record
        lines.append(blank + json.dumps({key: record[key] for key in keys}, separators=separators) + blank)
    path.write_text(end.join(lines) + (end if last else ""), newline="")
    raw = read_plain_lines(path)
    assert raw is not None
    assert GraphSet(raw.num_nodes, raw.edge_offsets, raw.edges) == graphs


@pytest.mark.parametrize(
    "line",
    [
        '{"n": 3, "edges": [[0, 1], [1, 2]], "split": "train"}',
        '{"n": 3, "edges": [[0, 1, 5], [1, 2, 7]]}',
        '{"n": 3, "edges": [[0], [1]]}',
        '{"n": 3, "edges": [[0, 1] [1, 2]]}',
        '{"n": 3, "edges": [[0, 1], [1, 2],]}',
        '{"n": 3, "edges": [[0, 1], [1, 02]]}',
        '{"n": 3, "edges": [[0, 1], [1, 2.0]]}',
        '{"n": 3, "edges": [[0, -1], [1, 2]]}',
        '{"n": 3, "edges": [[0, 1], [1, 2147483648]]}',
        '{"n": 3, "edges": [["0", "1"]]}',
        '{"n": 3, "n": 4, "edges": []}',
        '{"n": 3, "edges": [], "edges": []}',
        '{"n": 3}',
        '{"edges": []}',
        '{"nodes": ["a", "b"], "edges": [["a", "b"]]}',
        '{"n": true, "edges": []}',
        '{"n": 3, "edges": [[0, 1], [1, 2]]',
        '{"n": 3, "edges": [[0, 1], [1, 2]]} {"n": 1, "edges": []}',
        '{"n": 3, "edges": [[0, 1], [1, 2]]}\r{"n": 1, "edges": []}',
        "\ufeff" + PLAIN,
        "# " + PLAIN,
        "[" + PLAIN + "]",
        '{"n',
        '{"n": 3, "ed',
        "{",
    ],
)
def test_anything_else_is_left_to_the_plain_way(tmp_path: Path, line: str) -> None:
    for text in (line, f"{PLAIN}\n{line}\n{PLAIN}\n"):
        path = tmp_path / "a.jsonl"
        path.write_text(text, encoding="utf-8", newline="")
        assert read_plain_lines(path) is None


def test_both_ways_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several blocks, gzipped too, and edges in any order and direction."""
    graphs = molecules(30_000)
    path, zipped = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    write_graphs(graphs, path)
    assert path.stat().st_size > BLOCK_BYTES
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    monkeypatch.setattr(native, "_from_records", lambda *_: pytest.fail("read the plain way"))
    monkeypatch.setattr(native, "_COMPILED_BYTES", 0)
    assert read_graphs(path) == read_graphs(zipped) == graphs
    turned = tmp_path / "turned.jsonl"
    turned.write_text('{"n": 3, "edges": [[2, 1], [1, 0]]}\n' * 3)
    assert read_graphs(turned) == GraphSet.from_edge_lists([3] * 3, [[(0, 1), (1, 2)]] * 3)
    turned.write_text('{"n": 3, "edges": [[2, 1], [1, 2]]}\n')
    with pytest.raises(InputError, match="1 parallel edges"):
        read_graphs(turned)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_readers_hold_the_arrays_and_little_else(tmp_path: Path, suffix: str) -> None:
    """Bytes that Python, numpy and Arrow ask for at the peak, for graphs that take 10 MB."""
    path = tmp_path / f"a.{suffix}"
    graphs = molecules(60_000)
    size = sum(array.nbytes for array in (graphs.num_nodes, graphs.edge_offsets, graphs.edges))
    write_graphs(graphs, path)
    del graphs
    read_graphs(path)  # compiled
    before = pa.default_memory_pool()
    pa.set_memory_pool(COUNTED)
    tracemalloc.start()
    try:
        found = read_graphs(path)
        peak = tracemalloc.get_traced_memory()[1] + COUNTED.max_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)
    assert len(found) == 60_000
    assert peak < 4 * size + 2**24
