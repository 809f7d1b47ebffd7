#!/usr/bin/env bash
# PyTorch Geometric 2.8.1, utils.barabasi_albert_graph: a new node may choose itself, and the same older node twice.
#
# The documentation promises num_edges edges from each new node to existing nodes. The partners are drawn with replacement from
# a list that has the new node num_edges times already; loops and repeated edges are dropped afterwards. With num_edges = 1 the
# graphs should be trees: of 200 with 50 nodes, all of networkx's are connected, 18 of these are, and 77 have a node without
# edges. With num_edges = 3 a tenth of the edges is missing. The generator BAGraph draws so, and the documentation of
# BA2MotifDataset advises BAGraph(num_nodes=25, num_edges=1) for variations of that set.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch_geometric==2.8.1 torch==2.13.0 numpy==2.4.6 networkx==3.6.1
cd "$folder"
venv/bin/python -W ignore - > seen <<'PYTHON'
import networkx as nx
import numpy as np
import torch
from torch_geometric.utils import barabasi_albert_graph

np.random.seed(0)
torch.manual_seed(0)


def geometric(num_edges):
    graph = nx.empty_graph(50)
    graph.add_edges_from(barabasi_albert_graph(50, num_edges).t().tolist())
    return graph


for num_edges in (1, 3):
    for name, graphs in (
        ("networkx", [nx.barabasi_albert_graph(50, num_edges, seed=seed) for seed in range(200)]),
        ("PyTorch Geometric", [geometric(num_edges) for _ in range(200)]),
    ):
        edges = sum(graph.number_of_edges() for graph in graphs) / 200
        connected = sum(map(nx.is_connected, graphs))
        isolated = sum(nx.number_of_isolates(graph) > 0 for graph in graphs)
        found = f"{edges:.1f} edges, {connected} connected, {isolated} with a node without edges"
        print(f"num_edges = {num_edges}, {name}: {found}")
PYTHON
cat seen
cat > expected <<'TEXT'
num_edges = 1, networkx: 49.0 edges, 200 connected, 0 with a node without edges
num_edges = 1, PyTorch Geometric: 47.0 edges, 18 connected, 77 with a node without edges
num_edges = 3, networkx: 141.0 edges, 200 connected, 0 with a node without edges
num_edges = 3, PyTorch Geometric: 127.6 edges, 198 connected, 2 with a node without edges
TEXT
diff expected seen
echo "as described"
