"""Speed of the classical generators against networkx and igraph, in one run on one thread.

    python -m gengraph.benchmarks.speed.baselines

Each line gives the best of several runs; networkx, which is slow, runs once. The times include what each library returns:
a GraphSet (checked arrays), an igraph.Graph, a networkx.Graph. igraph is left out where it is not installed.
"""

import argparse
import math
import time
from collections.abc import Callable
from importlib.util import find_spec

import networkx as nx
import numpy as np

from gengraph.baselines.barabasi_albert import sample_ba
from gengraph.baselines.gnp import sample_gnm, sample_gnp
from gengraph.baselines.kronecker_sampling import sample_kronecker
from gengraph.baselines.kronfit import initial_positions, pair_classes, sample_assignments
from gengraph.streams import stream_key

KEY = stream_key(0, "benchmark")
CORE = np.array([[0.98, 0.58], [0.58, 0.2]])


def best_seconds(run: Callable[[], object], repeats: int) -> float:
    """The shortest of several runs, after one that compiles and warms up."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times[1:]) if repeats else times[0]


def compare(name: str, num_edges: int, runs: dict[str, Callable[[], object]], repeats: int) -> None:
    """Print millions of edges a second of each library, and how many times faster the first is."""
    seconds = {library: best_seconds(run, 0 if library == "networkx" else repeats) for library, run in runs.items()}
    ours = seconds["gengraph"]
    for library, value in seconds.items():
        print(f"{name:<16} {library:<9} {num_edges / value / 1e6:8.2f} M edges/s {value / ours:8.1f} x")


def random_graphs(num_nodes: int, num_edges: int, repeats: int) -> None:
    """Erdos-Renyi and Barabasi-Albert with about num_edges edges."""
    size = np.array([num_nodes], np.int32)
    p = num_edges / math.comb(num_nodes, 2)
    m = round(num_edges / num_nodes)
    gnp: dict[str, Callable[[], object]] = {"gengraph": lambda: sample_gnp(size, np.array([p]), KEY)}
    gnm: dict[str, Callable[[], object]] = {"gengraph": lambda: sample_gnm(size, np.array([num_edges]), KEY)}
    ba: dict[str, Callable[[], object]] = {"gengraph": lambda: sample_ba(size, m, KEY)}
    if find_spec("igraph"):
        import igraph

        gnp["igraph"] = lambda: igraph.Graph.Erdos_Renyi(n=num_nodes, p=p)
        gnm["igraph"] = lambda: igraph.Graph.Erdos_Renyi(n=num_nodes, m=num_edges)
        ba["igraph"] = lambda: igraph.Graph.Barabasi(num_nodes, m)
    gnp["networkx"] = lambda: nx.fast_gnp_random_graph(num_nodes, p, seed=0)
    gnm["networkx"] = lambda: nx.gnm_random_graph(num_nodes, num_edges, seed=0)
    ba["networkx"] = lambda: nx.barabasi_albert_graph(num_nodes, m, seed=0)
    compare("G(n, p)", num_edges, gnp, repeats)
    compare("G(n, m)", num_edges, gnm, repeats)
    compare("Barabasi-Albert", m * (num_nodes - m), ba, repeats)


def kronecker(repeats: int) -> None:
    """Distinct edges a second, and an iteration of KronFit on 6,474 nodes."""
    initiator, levels = np.array([[0.99, 0.5], [0.5, 0.35]]), 17
    num_edges = len(sample_kronecker(initiator, 2**levels, np.arange(1), KEY).edges)
    compare(
        "Kronecker",
        num_edges,
        {"gengraph": lambda: sample_kronecker(initiator, 2**levels, np.arange(1), KEY)},
        repeats,
    )
    graphs = sample_kronecker(CORE, 6474, np.arange(1), KEY)
    classes = pair_classes(2, 13)
    probability = np.exp(classes.exponents @ np.log(CORE[np.triu_indices(2)]))
    log_odds = np.log(probability) - np.log1p(-probability)
    positions = initial_positions(graphs, CORE, 13)
    seconds = best_seconds(lambda: sample_assignments(positions, (classes.high, classes.low), log_odds, KEY, 0), repeats)
    print(f"KronFit, 6474 nodes, {len(graphs.edges)} edges: {20 * 2**13} proposals in {seconds:.4f} s")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=200_000)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    random_graphs(options.nodes, options.edges, options.repeats)
    kronecker(options.repeats)


if __name__ == "__main__":
    main()
