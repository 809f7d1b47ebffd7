"""How fast the data rooms are: `python -m gengraph.benchmarks.speed.data --data DD.zip`.

Two parts. First ordering and encoding, and decoding, against plain code for the same steps as the first published code takes
them, in the same process on one thread: the nodes relabelled at random, a networkx graph made of the adjacency matrix, searched
breadth first, the matrix permuted and its rows cut to max_prev_node one by one; back again row by row into a matrix and a
networkx graph. Ours runs in batches of 32 as training does. Compiled functions are called once beforehand; CPU time counts, of
several repetitions the least, on both sides.

Then the times and peak memories of loading, each in a process of its own: the zip, the same graphs as Parquet, and a million
graphs of 20 nodes as Parquet.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import networkx as nx
import numpy as np
import numpy.typing as npt

from gengraph.data import load_dataset
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy
from gengraph.graphs.orderings import Adjacency
from gengraph.models.graphrnn.rows import RowBatch, decode_rows, encode_rows

Matrix = npt.NDArray[np.float64]

T = TypeVar("T")
_BATCH = 32


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="DD.zip of the TU collection")
    parser.add_argument("--graphs", type=int, default=200, help="graphs that the plain code orders, encodes and decodes")
    parser.add_argument(
        "--repetitions", type=int, default=20, help="how often ours does them all; the plain code does so 3 times"
    )
    parser.add_argument("--million", type=int, default=1_000_000, help="graphs of 20 nodes to read")
    options = parser.parse_args()
    protein = read_graphs(options.data, Policy(on_attributes="drop"))
    protein = protein[(protein.num_nodes >= 100) & (protein.num_nodes <= 500) & (protein.num_components() == 1)]
    report: dict[str, Any] = {}
    for name, graphs, max_prev_node in (("grid", load_dataset("grid"), 40), ("protein", protein, 230)):
        report[name] = _against_plain(graphs, options.graphs, options.repetitions, max_prev_node)
    report["loading"] = _loading(options.data, options.million)
    print(json.dumps(report, indent=2))


def _against_plain(graphs: GraphSet, count: int, repetitions: int, max_prev_node: int) -> dict[str, Any]:
    """Microseconds a graph and ratios."""
    rng = np.random.default_rng(0)
    chosen = graphs[rng.permutation(len(graphs))[:count]]
    matrices = [part.to_csr().toarray().astype(float) for part in chosen]
    longest = int(graphs.num_nodes.max())
    plain_encoding, rows = _best(lambda: [_plain_encode(matrix, max_prev_node, longest, rng) for matrix in matrices], 3)
    plain_decoding, decoded = _best(lambda: [_plain_decode(part) for part in rows], 3)
    cut = sum(matrix.sum() / 2 for matrix in matrices) - sum(graph.number_of_edges() for graph in decoded)

    adjacency = Adjacency.of(chosen)
    order = np.argsort(chosen.num_nodes, kind="stable")
    batches = [order[first : first + _BATCH] for first in range(0, len(order), _BATCH)]

    def encode() -> list[RowBatch]:
        return [
            encode_rows(adjacency, batch, ordering="bfs", max_prev_node=max_prev_node, adaptive=False, key=(0, 0))
            for batch in batches
        ]

    batched = encode()
    edges = sum(len(decode_rows(batch).edges) + batch.num_cut for batch in batched)
    assert edges == len(chosen.edges), "decoding must give every edge that was not cut"
    ours_encoding, _ = _best(encode, repetitions)
    ours_decoding, _ = _best(lambda: [decode_rows(batch) for batch in batched], repetitions)
    scale = 1e6 / len(chosen)
    return {
        "graphs": len(chosen),
        "max_prev_node": max_prev_node,
        "edges_cut_by_plain": int(cut),
        "encoding_us_plain": round(plain_encoding * scale, 1),
        "encoding_us_ours": round(ours_encoding * scale, 2),
        "encoding_ratio": round(plain_encoding / ours_encoding),
        "decoding_us_plain": round(plain_decoding * scale, 1),
        "decoding_us_ours": round(ours_decoding * scale, 2),
        "decoding_ratio": round(plain_decoding / ours_decoding),
    }


def _best(function: Callable[[], T], times: int) -> tuple[float, T]:
    """The CPU seconds of the fastest call, which other programs on the machine disturb least, and a result."""
    fastest = math.inf
    for _ in range(times):
        start = time.process_time()
        result = function()
        fastest = min(fastest, time.process_time() - start)
    return fastest, result


def _plain_encode(matrix: Matrix, max_prev_node: int, longest: int, rng: np.random.Generator) -> Matrix:
    """Rows float[n - 1, M] of one connected graph, nearest candidate first, written into padded inputs and targets too."""
    n = len(matrix)
    shuffled = rng.permutation(n)
    matrix = matrix[np.ix_(shuffled, shuffled)]
    graph = nx.from_numpy_array(matrix)
    root = int(rng.integers(n))
    successors = dict(nx.bfs_successors(graph, root))
    order, level = [root], [root]
    while level:
        level = [child for node in level for child in successors.get(node, [])]
        order += level
    lower = np.tril(matrix[np.ix_(order, order)], k=-1)[1:, :-1]
    rows = np.zeros((n - 1, max_prev_node))
    for i in range(n - 1):
        width = min(i + 1, max_prev_node)
        rows[i, :width] = lower[i, i + 1 - width : i + 1][::-1]
    inputs, targets = np.zeros((longest, max_prev_node)), np.zeros((longest, max_prev_node))
    inputs[0] = 1
    inputs[1:n], targets[: n - 1] = rows, rows
    return rows


def _plain_decode(rows: Matrix) -> "nx.Graph[int]":
    """The graph of rows as `_plain_encode` makes them."""
    n, max_prev_node = len(rows) + 1, rows.shape[1]
    lower = np.zeros((n - 1, n - 1))
    for i in range(n - 1):
        width = min(i + 1, max_prev_node)
        lower[i, i + 1 - width : i + 1] = rows[i, :width][::-1]
    matrix = np.zeros((n, n))
    matrix[1:, :-1] = np.tril(lower)
    matrix = matrix + matrix.T
    matrix = matrix[(matrix != 0).any(axis=1)]
    return nx.from_numpy_array(matrix[:, (matrix != 0).any(axis=0)])


def _loading(data: Path, million: int) -> dict[str, Any]:
    """Seconds and peak memory of each way to load."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "data.parquet", Path(folder) / "million.parquet"
        write_graphs(read_graphs(data, Policy(on_attributes="drop")), small)
        write_graphs(_many_graphs(million), large)
        return {
            "zip": _alone(data),
            "parquet": _alone(small),
            f"{million}_graphs_of_20_nodes": _alone(large),
        }


def _many_graphs(count: int) -> GraphSet:
    """Erdos-Renyi graphs of 20 nodes and 30 edges on average."""
    u, v = np.triu_indices(20, k=1)
    rng = np.random.default_rng(0)
    parts = []
    for first in range(0, count, 50_000):
        size = min(50_000, count - first)
        graph, pair = np.nonzero(rng.random((size, len(u)), dtype=np.float32) < 30 / len(u))
        offsets = np.searchsorted(graph, np.arange(size + 1))
        parts.append(GraphSet(np.full(size, 20, np.int32), offsets, np.column_stack([u[pair], v[pair]]).astype(np.int32)))
    return GraphSet.concatenate(parts)


def _alone(path: Path) -> dict[str, Any]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_load, path).result()


def _load(path: Path) -> dict[str, Any]:
    before = _peak_memory_mb()
    start = time.perf_counter()
    graphs = read_graphs(path, Policy(on_attributes="drop"))
    seconds = time.perf_counter() - start
    return {
        "graphs": len(graphs),
        "edges": len(graphs.edges),
        "file_mb": round(path.stat().st_size / 2**20, 1),
        "seconds": round(seconds, 3),
        "peak_memory_mb": _peak_memory_mb(),
        "before_loading_mb": before,
    }


def _peak_memory_mb() -> int | None:
    """Of this process since it began its program, where Linux says it (getrusage counts the parent's in)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    (peak,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak) // 1024


if __name__ == "__main__":
    main()
