"""How fast the metrics are: `python -m gengraph.benchmarks.speed.metrics --data DD.zip`.

Two parts. First the time and memory of all of `emd` and `tv` on large sets, in this process and in worker processes. Then the
MMD^2 of degree and clustering under `emd` against plain code for the same numbers, in the same process: networkx for one graph
at a time and a linear programme for one pair at a time, all m^2 + n^2 + m n pairs, as the first published code did it.

The two sets are drawn from one file, so that values stand near their floor. Compiled functions are called once beforehand.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from gengraph.formats import read_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy
from gengraph.metrics import DescribedSet, Spread, evaluate

Histogram = npt.NDArray[np.float64]
EmdSolver = Callable[[Histogram, Histogram, Histogram], float]


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="a graph file, DD.zip of the TU collection for the usual figures"
    )
    parser.add_argument("--small", type=int, default=100, help="graphs a set for the comparison with plain code")
    parser.add_argument("--large", type=int, default=500, help="graphs a set for the absolute times")
    parser.add_argument("--workers", type=int, default=2, help="worker processes for the second absolute time")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    graphs = read_graphs(options.data, Policy(on_attributes="drop"))
    graphs = graphs[(graphs.num_nodes >= 100) & (graphs.num_nodes <= 500)]
    evaluate(graphs[:2], graphs[:2], "tv")
    first, second = _draw(graphs, options.large, options.seed)
    report: dict[str, Any] = {"data": options.data.name, "graphs_in_data": len(graphs), "graphs": [len(first), len(second)]}
    report["seconds_emd_and_tv"] = round(_seconds_of_both(first, second, map), 3)
    report["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with ProcessPoolExecutor(options.workers) as pool:
        report[f"seconds_with_{options.workers}_workers"] = round(_seconds_of_both(first, second, pool.map), 3)
    report["plain"] = _against_plain(*_draw(graphs, options.small, options.seed))
    print(json.dumps(report, indent=2))


def _draw(graphs: GraphSet, count: int, seed: int) -> tuple[GraphSet, GraphSet]:
    """Two sets of `count` graphs: disjoint if there are enough graphs, else each drawn from all."""
    order = np.random.default_rng(seed).permutation(len(graphs))
    return graphs[order[:count]], graphs[order[-count:]]


def _seconds_of_both(first: GraphSet, second: GraphSet, spread: Spread) -> float:
    start = time.perf_counter()
    reference, generated = DescribedSet(first, spread=spread), DescribedSet(second, spread=spread)
    for protocol in ("emd", "tv"):
        evaluate(reference, generated, protocol)
    return time.perf_counter() - start


def _against_plain(first: GraphSet, second: GraphSet) -> dict[str, dict[str, Any]]:
    """Seconds, values and their ratio for each statistic."""
    solver, solve = _emd_solver()
    graphs = first.to_networkx(), second.to_networkx()
    result = {}
    for name, describe, sigma, scaling in (
        ("degree", _degree_histogram, 1.0, 1.0),
        ("clustering", _clustering_histogram, 0.1, 100.0),
    ):
        start = time.perf_counter()
        plain = _plain_mmd2(
            [describe(graph) for graph in graphs[0]], [describe(graph) for graph in graphs[1]], sigma, scaling, solve
        )
        middle = time.perf_counter()
        ours = evaluate(first, second, "emd", statistics=[name]).metrics[name].mmd2
        seconds_ours = time.perf_counter() - middle
        assert abs(plain - ours) < 1e-7, (plain, ours)
        result[name] = {
            "emd_solver": solver,
            "mmd2_plain": plain,
            "mmd2_ours": ours,
            "seconds_plain": round(middle - start, 3),
            "seconds_ours": round(seconds_ours, 4),
            "ratio": round((middle - start) / seconds_ours),
        }
    return result


def _degree_histogram(graph: "nx.Graph[int]") -> Histogram:
    return np.array(nx.degree_histogram(graph), dtype=float)


def _clustering_histogram(graph: "nx.Graph[int]") -> Histogram:
    return np.histogram(list(nx.clustering(graph).values()), bins=100, range=(0, 1))[0].astype(float)


def _plain_mmd2(first: list[Histogram], second: list[Histogram], sigma: float, scaling: float, solve: EmdSolver) -> float:
    def mean_kernel(left: list[Histogram], right: list[Histogram]) -> float:
        total = 0.0
        for x in left:
            for y in right:
                size = max(len(x), len(y))
                masses = [np.pad(part, (0, size - len(part))) / part.sum() for part in (x, y)]
                cost = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / scaling
                total += np.exp(-(solve(masses[0], masses[1], cost) ** 2) / (2 * sigma**2))
        return float(total) / (len(left) * len(right))

    return mean_kernel(first, first) + mean_kernel(second, second) - 2 * mean_kernel(first, second)


def _emd_solver() -> tuple[str, EmdSolver]:
    """The network simplex of POT where it is installed, else scipy's linear programming (some fifty times slower)."""
    try:
        import ot
    except ImportError:
        return "scipy", _emd_by_linprog
    return "POT", lambda x, y, cost: float(ot.emd2(x, y, cost, check_marginals=False))


def _emd_by_linprog(x: Histogram, y: Histogram, cost: Histogram) -> float:
    size = len(x)
    leaving = np.kron(np.eye(size), np.ones(size))
    arriving = np.kron(np.ones(size), np.eye(size))
    result = linprog(cost.ravel(), A_eq=np.vstack([leaving, arriving]), b_eq=np.concatenate([x, y]), method="highs")
    return float(result.fun)


if __name__ == "__main__":
    main()
