#!/usr/bin/env bash
# littleballoffur 2.3.1, BreadthFirstSearchSampler and DepthFirstSearchSampler: nodes are sampled, and most edges lost.
#
# Both are documented as a sampling of nodes that returns their graph; what they return is the tree of the search, not the
# subgraph that the nodes induce. SnowBallSampler and RandomWalkSampler, documented in the same words, return the induced one.
# 100 nodes of a lattice of triangles have 99 edges of 260 and no triangle. Whoever takes pieces of one large graph as a
# training set trains on trees.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet networkx==3.6.1 networkit==11.3 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 six==1.17.0
"$folder/venv/bin/pip" install --quiet --no-deps littleballoffur==2.3.1
cd "$folder"
venv/bin/python -W ignore - > seen <<'PYTHON'
import littleballoffur
import networkx as nx

graph = nx.convert_node_labels_to_integers(nx.triangular_lattice_graph(20, 40))
for name in ("SnowBall", "RandomWalk", "DepthFirstSearch", "BreadthFirstSearch"):
    sample = getattr(littleballoffur, f"{name}Sampler")(number_of_nodes=100, seed=0).sample(graph)
    spanned = graph.subgraph(sample).number_of_edges()
    triangles = sum(nx.triangles(sample).values()) // 3
    print(f"{name}: {len(sample)} nodes, {sample.number_of_edges()} of {spanned} edges, {triangles} triangles")
PYTHON
cat seen
cat > expected <<'TEXT'
SnowBall: 100 nodes, 260 of 260 edges, 161 triangles
RandomWalk: 100 nodes, 212 of 212 edges, 110 triangles
DepthFirstSearch: 100 nodes, 99 of 211 edges, 0 triangles
BreadthFirstSearch: 100 nodes, 99 of 260 edges, 0 triangles
TEXT
diff expected seen
echo "as described"
