#!/usr/bin/env bash
# scikit-network 0.33.5, data.watts_strogatz: edges are rewired with twice the probability asked for, and some are lost.
#
# Every edge is met from both of its ends and has its chance at each, so with prob = 0.1 it is not a tenth of the edges of the
# ring that goes but 0.19. Two edges of a node that are sent to the same other node become one, so the number of edges falls,
# and nodes are left with fewer than degree / 2; the model of Watts and Strogatz, and networkx, keep both. In graphs of 30 nodes
# a twelfth of the edges is lost at prob = 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-network==0.33.5 numpy==2.4.6 scipy==1.17.1 networkx==3.6.1
cd "$folder"
venv/bin/python -W ignore - > seen <<'PYTHON'
import networkx as nx
from sknetwork.data import watts_strogatz

ring = nx.watts_strogatz_graph(1000, 4, 0)
for name, draw in (
    ("networkx", lambda nodes, prob, seed: nx.watts_strogatz_graph(nodes, 4, prob, seed=seed)),
    ("scikit-network", lambda nodes, prob, seed: nx.from_scipy_sparse_array(watts_strogatz(nodes, 4, prob, seed=seed))),
):
    graph = draw(1000, 0.1, 0)
    gone = sum(not graph.has_edge(*edge) for edge in ring.edges) / 2000
    print(f"{name}, prob = 0.1: {gone:.2f} of the ring is gone, {graph.number_of_edges()} edges")
    graph = draw(1000, 1, 0)
    few = sum(degree < 2 for _, degree in graph.degree)
    print(f"{name}, prob = 1: {graph.number_of_edges()} edges, {few} nodes with fewer than 2")
    edges = sum(draw(30, 1, seed).number_of_edges() for seed in range(200)) / 200
    print(f"{name}, 30 nodes, prob = 1: {edges:.0f} of 60 edges")
PYTHON
cat seen
cat > expected <<'TEXT'
networkx, prob = 0.1: 0.10 of the ring is gone, 2000 edges
networkx, prob = 1: 2000 edges, 0 nodes with fewer than 2
networkx, 30 nodes, prob = 1: 60 of 60 edges
scikit-network, prob = 0.1: 0.19 of the ring is gone, 2000 edges
scikit-network, prob = 1: 1989 edges, 58 nodes with fewer than 2
scikit-network, 30 nodes, prob = 1: 55 of 60 edges
TEXT
diff expected seen
echo "as described"
