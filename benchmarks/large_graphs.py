"""Large graphs of known laws, and all graphs of a set as one: what models of one large graph are measured on.

python -m gengraph.benchmarks.large_graphs --out graphs
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from gengraph.data import load_dataset
from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.collection import Policy

NUM_NODES = 100_000


def planted_partition(num_nodes: int = NUM_NODES, *, within: float = 6.0, between: float = 2.0, seed: int = 1) -> GraphSet:
    """Communities of 20 to 60 nodes, uniformly; a node has so many neighbours within, and about so many in the whole graph."""
    random, sizes = np.random.default_rng(seed), list[int]()
    while sum(sizes) < num_nodes:
        sizes.append(int(random.integers(20, 61)))
    sizes[-1] -= sum(sizes) - num_nodes
    start, edges = 0, []
    for size in sizes:
        pairs = np.column_stack(np.triu_indices(size, 1))
        edges.append(pairs[random.random(len(pairs)) < min(1.0, within / max(size - 1, 1))] + start)
        start += size
    edges.append(random.integers(0, num_nodes, (random.poisson(num_nodes * between / 2), 2)))
    return _one(num_nodes, np.concatenate(edges))


def geometric(num_nodes: int = NUM_NODES, *, mean_degree: float = 8.0, seed: int = 1) -> GraphSet:
    """Uniform points in the unit square, joined when near; nodes at the border have fewer neighbours."""
    points = np.random.default_rng(seed).random((num_nodes, 2))
    radius = np.sqrt(mean_degree / np.pi / num_nodes)
    return _one(num_nodes, cKDTree(points).query_pairs(radius, output_type="ndarray"))


def joined(graphs: GraphSet) -> GraphSet:
    """All graphs of a set as one, side by side."""
    return _one(int(graphs.num_nodes.sum()), graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None])


def _one(num_nodes: int, pairs: Int64Array) -> GraphSet:
    """Loops are left out, and all but one of parallel edges."""
    pairs = np.sort(pairs, axis=1)
    pairs = np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)
    return GraphSet.from_flat([num_nodes], np.zeros(len(pairs), np.int64), pairs)


def main() -> None:
    """Write the three graphs of benchmarks/RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    write_graphs(planted_partition(), out / "sbm.parquet")
    write_graphs(geometric(), out / "geometric.parquet")
    write_graphs(joined(load_dataset("tu:DD", policy=Policy(on_attributes="drop"))), out / "dd.parquet")


if __name__ == "__main__":
    main()
