"""How fast one large graph is drawn, against networkit and igraph in one run: `python -m gengraph.benchmarks.speed.large`.

A graph with a heavy tail is what all models are fitted to. Then, in turns, each library draws a graph of as many nodes: CPU
seconds of drawing alone, on one thread, into what each library holds (here sorted simple edges, a shard at a time), and of
drawing into a folder, which the others do not do. The peak memory is that of a process that draws into a folder. Libraries that
are not installed are left out; each line is the least of --turns.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.graphs import GraphSet
from gengraph.large.attachment import AttachmentPlan
from gengraph.large.folder import grow_into, simple
from gengraph.large.models import LARGE_MODELS, Plan, fit_large
from gengraph.sampling.writing import write_here
from gengraph.storage import Folder

Draws = dict[str, dict[str, Callable[[], Any]]]
"""What draws a graph, by model and library."""


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--models", default=",".join(LARGE_MODELS), help="separated by commas")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--size", type=int, default=None, help="nodes of the graph on disk, by default --nodes")
    options = parser.parse_args()
    graph = heavy_tailed(options.nodes, options.edges)
    report = {model: measured(model, graph, options) for model in options.models.split(",")}
    print(json.dumps({"nodes": options.nodes, "edges": len(graph.edges), "models": report}, indent=2))


def heavy_tailed(num_nodes: int, num_edges: int) -> GraphSet:
    """One graph by preferential attachment."""
    plan = AttachmentPlan(num_nodes, max(1, round(num_edges / num_nodes)))
    keys = np.concatenate([simple(plan.draw(shard, 0))[0] for shard in range(len(plan.expected))])
    ends = np.stack([keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)], axis=1).astype(np.int32)
    return GraphSet.from_flat([num_nodes], np.zeros(len(ends), np.int64), ends)


def measured(model: str, graph: GraphSet, options: argparse.Namespace) -> dict[str, Any]:
    """CPU seconds of fitting, and millions of edges a CPU second of each library."""
    before = time.process_time()
    plan = fit_large(model, graph).plan
    fit = time.process_time() - before
    draws = {"gengraph": lambda: drawn(plan), **peers(model, graph)}
    drawn(plan)  # compiles
    rates: dict[str, list[float]] = {library: [] for library in draws}
    for _ in range(options.turns):
        for library, draw in draws.items():
            before = time.process_time()
            edges = draw()
            rates[library].append(edges / (time.process_time() - before) / 1e6)
    large = fit_large(model, graph, num_nodes=options.size).plan
    with get_context("spawn").Pool(1) as pool:
        folder = pool.apply(onto_disk, (large,))
    return {
        "fit_cpu_s": round(fit, 2),
        "Medges_per_cpu_s": {name: round(max(found), 1) for name, found in rates.items()},
        **folder,
    }


def drawn(plan: Plan) -> int:
    """Edges of a graph that is drawn and forgotten."""
    return sum(len(simple(plan.draw(shard, 1))[0]) for shard in range(len(plan.expected)))


def onto_disk(plan: Plan) -> dict[str, float]:
    """What drawing into a folder costs."""
    plan.draw(0, 0)
    with tempfile.TemporaryDirectory() as place:
        cpu, wall = time.process_time(), time.perf_counter()
        manifest = grow_into(Folder(str(Path(place, "graph"))), plan, {}, write_shards=write_here)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "disk_edges": manifest["num_edges"],
        "disk_cpu_s": round(cpu, 2),
        "disk_wall_s": round(wall, 2),
        "disk_Medges_per_cpu_s": round(manifest["num_edges"] / cpu / 1e6, 1),
        "peak_memory_mb": _peak_memory() // 1024,
    }


def _peak_memory() -> int:
    """Kilobytes of this process; that of the resource module counts its parent's before the program began."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def peers(model: str, graph: GraphSet) -> dict[str, Callable[[], int]]:
    """What the other libraries draw by the same model; it returns how many edges there are."""
    found: dict[str, Callable[[], int]] = {}
    n, m, degrees = int(graph.num_nodes[0]), len(graph.edges), graph.degrees().tolist()
    each = max(1, round(m / n))
    if find_spec("igraph"):
        import igraph

        makes: dict[str, Callable[[], Any]] = {
            "er": lambda: igraph.Graph.Erdos_Renyi(n=n, m=m),
            "chung-lu": lambda: igraph.Graph.Static_Fitness(m, degrees),
            "configuration": lambda: igraph.Graph.Degree_Sequence(degrees, method="configuration"),
            "ba": lambda: igraph.Graph.Barabasi(n, each),
        }
        if model in makes:
            found["igraph"] = lambda: makes[model]().ecount()
    if find_spec("networkit"):
        import networkit

        networkit.setNumberOfThreads(1)
        of = networkit.generators
        levels = (n - 1).bit_length()
        generators: dict[str, Callable[[], Any]] = {
            "er": lambda: of.ErdosRenyiGenerator(n, 2 * m / n / (n - 1)),
            "chung-lu": lambda: of.ChungLuGenerator(degrees),
            "kronecker": lambda: of.RmatGenerator(levels, each, 0.57, 0.19, 0.19, 0.05),
            "ba": lambda: of.BarabasiAlbertGenerator(each, n),
        }
        if model in generators:
            found["networkit"] = lambda: generators[model]().generate().numberOfEdges()
    return found


if __name__ == "__main__":
    main()
