"""How fast graph files are read, against igraph and networkx: `python -m gengraph.benchmarks.speed.files`.

One random graph of --edges edges, ten to a node, in each format; the marked-up ones have --marked edges. Every reading is a
process of its own on one thread: CPU seconds of the reading alone, imports not counted, the least of --repetitions, and the
peak memory beyond what the process had before, in bytes an edge. igraph reads neither CSV nor Matrix Market: its list of edges
is what they are held against. Then folders of --files graphs of ten nodes, one a file. All of it takes about four minutes.
"""

import argparse
import json
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import igraph
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS")
_LISTS, _MARKED = ("edgelist", "csv", "mtx"), ("graphml", "gml")
_SMALL = ("edgelist", "csv", "json", "graphml", "gml", "g6")


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--marked", type=int, default=1_000_000)
    parser.add_argument("--networkx", type=int, default=100_000, help="edges of the files that networkx reads too")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--repetitions", type=int, default=2)
    options = parser.parse_args()
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # for the processes that are started
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for formats, edges, tools in (
            (_LISTS, options.edges, ("gengraph", "igraph")),
            (_MARKED, options.marked, ("gengraph", "igraph")),
            ((*_LISTS[:1], *_MARKED), options.networkx, ("gengraph", "igraph", "networkx")),
        ):
            for suffix, path in _written(Path(folder), formats, edges).items():
                able = [tool for tool in tools if tool != "igraph" or suffix not in ("csv", "mtx")]
                report[f"{suffix}, {edges} edges"] = {tool: _least(tool, path, edges, options.repetitions) for tool in able}
                path.unlink()
        for suffix in _SMALL:
            report[f"folder of {options.files} files, {suffix}"] = _folder(Path(folder) / suffix, suffix, options.files)
    print(json.dumps(report, indent=2))


def _written(folder: Path, formats: tuple[str, ...], num_edges: int) -> dict[str, Path]:
    """A random graph in each format, its edges in random order; igraph writes GraphML and GML."""
    edges = _random_edges(num_edges)
    paths = {suffix: folder / f"graph.{suffix}" for suffix in formats}
    for suffix, path in paths.items():
        if suffix in _MARKED:
            igraph.Graph(int(edges.max()) + 1, edges).write(str(path), format=suffix)
        else:
            _write_list(path, suffix, edges)
    return paths


def _random_edges(count: int) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng(0)
    n = max(count // 10, 10)
    code = np.unique(rng.integers(0, n * n, int(2.3 * count)))
    pairs = np.column_stack([code // n, code % n])
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    return pairs[rng.permutation(len(pairs))[:count]]


def _write_list(path: Path, suffix: str, edges: npt.NDArray[np.int64]) -> None:
    options = pyarrow.csv.WriteOptions(include_header=suffix == "csv", delimiter="," if suffix == "csv" else " ")
    first = int(suffix == "mtx")
    table = pa.table({"source": edges[:, first] + first, "target": edges[:, 1 - first] + first})
    with path.open("wb") as file:
        if suffix == "mtx":
            n = int(edges.max()) + 1
            file.write(f"%%MatrixMarket matrix coordinate pattern symmetric\n{n} {n} {len(edges)}\n".encode())
        pyarrow.csv.write_csv(table, file, options)


def _least(tool: str, path: Path, edges: int, repetitions: int) -> dict[str, float]:
    """Of several readings the least CPU seconds, and bytes an edge."""
    runs = []
    for _ in range(repetitions if tool != "networkx" else 1):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            runs.append(pool.submit(_read, tool, path, edges).result())
    seconds, memory = (min(values) for values in zip(*runs, strict=True))
    return {"cpu_seconds": round(seconds, 2), "bytes_an_edge": round(memory / edges)}


def _read(tool: str, path: Path, edges: int) -> tuple[float, int]:
    read = {"gengraph": read_graphs, "igraph": _by_igraph, "networkx": _by_networkx}[tool]
    small = next(iter(_written(Path(tempfile.mkdtemp(dir=path.parent)), (path.suffix[1:],), 30).values()))
    read(small)  # what is imported or set up at the first call is not counted
    before = _peak_kilobytes()
    start = time.process_time()
    graph = read(path)
    seconds = time.process_time() - start
    count = len(graph.edges) if tool == "gengraph" else graph.ecount() if tool == "igraph" else graph.number_of_edges()
    assert count == edges, f"{tool} has read {count} edges of {edges}"
    return seconds, 1024 * (_peak_kilobytes() - before)


def _peak_kilobytes() -> int:
    """Of this process since it began its program, as Linux says it (getrusage counts the parent's in)."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def _by_igraph(path: Path) -> Any:
    return igraph.Graph.Read_Edgelist(str(path), directed=False) if path.suffix == ".edgelist" else igraph.Graph.Read(str(path))


def _by_networkx(path: Path) -> Any:
    import networkx as nx

    readers = {".edgelist": lambda file: nx.read_edgelist(file, data=False), ".graphml": nx.read_graphml}
    return readers.get(path.suffix, lambda file: nx.read_gml(file, label="id"))(path)


def _folder(folder: Path, suffix: str, count: int) -> dict[str, float]:
    """Files a second."""
    first = folder / f"graph-0.{suffix}"
    write_graphs(GraphSet.from_edge_lists([10], [[(i, (i + 1) % 10) for i in range(10)]]), first)
    for i in range(1, count):
        first.with_stem(f"graph-{i}").write_bytes(first.read_bytes())
    read_graphs(first)
    start = time.process_time()
    assert len(read_graphs(folder)) == count
    seconds = time.process_time() - start
    return {"cpu_seconds": round(seconds, 2), "files_a_second": round(count / seconds)}


if __name__ == "__main__":
    main()
