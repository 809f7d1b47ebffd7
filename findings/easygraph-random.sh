#!/usr/bin/env bash
# Python-EasyGraph 1.6.3, random graphs: fewer nodes than asked for, more arcs, and twice the neighbours.
#
# erdos_renyi_M, erdos_renyi_P and fast_erdos_renyi_P add edges and never the nodes, so nodes without edges are missing: of 1000
# nodes with 1000 edges 134 are. fast_erdos_renyi_P(directed=True) gives an arc that would be a loop to the next node instead of
# passing over it: with p = 0.3 the arcs (v, v + 1) are there half of the time. In WS_Random each node is said to be joined with
# its k nearest neighbours; it is joined with k on each side, 2 k.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==1.26.4 scipy==1.15.3 pandas==2.2.3 scikit-learn==1.6.1 optuna==5.0.0 \
  fastjsonschema==2.22.3 requests==2.34.2 tqdm==4.70.1 joblib==1.6.0 matplotlib==3.10.0
"$folder/venv/bin/pip" install --quiet --no-deps python-easygraph==1.6.3
cd "$folder"
venv/bin/python -W ignore - > seen 2> warnings <<'PYTHON'
import random

import easygraph as eg

random.seed(0)
for name, graph in (
    ("erdos_renyi_M(1000, 1000)", eg.erdos_renyi_M(1000, 1000)),
    ("erdos_renyi_P(1000, 0.002)", eg.erdos_renyi_P(1000, 0.002)),
    ("WS_Random(1000, 4, 0.1)", eg.WS_Random(1000, 4, 0.1)),
):
    print(f"{name}: {len(graph.nodes)} nodes, {len(graph.edges)} edges")
graphs = [eg.fast_erdos_renyi_P(20, 0.3, directed=True) for _ in range(2000)]
beside = sum((node, node + 1) in {edge[:2] for edge in graph.edges} for graph in graphs for node in range(19))
arcs = sum(len(graph.edges) for graph in graphs)
shares = f"{arcs / 2000 / 380:.2f} of all arcs, {beside / 2000 / 19:.2f} of (v, v + 1)"
print(f"fast_erdos_renyi_P(20, 0.3, directed=True): {shares}")
PYTHON
cat seen
cat > expected <<'TEXT'
erdos_renyi_M(1000, 1000): 866 nodes, 1000 edges
erdos_renyi_P(1000, 0.002): 863 nodes, 1004 edges
WS_Random(1000, 4, 0.1): 1000 nodes, 4000 edges
fast_erdos_renyi_P(20, 0.3, directed=True): 0.31 of all arcs, 0.52 of (v, v + 1)
TEXT
diff expected seen
echo "as described"
