#!/usr/bin/env bash
# polygraph-benchmark 1.1.0: the large procedural sets PlanarLGraphDataset and LobsterLGraphDataset hold other graphs than their
# names say. Their constructors hand (split, num_graphs, seed, memmap, ...) on by position to a parent that has parameters of the law
# in these places: with the default seed of 42, planar graphs have 42 nodes, where the small set of the same name has 64, and
# lobsters are paths, since 42 becomes their expected number of nodes and memmap = False the probability of a branch. Another seed
# gives graphs of another size, and num_graphs is ignored. Seen with Python 3.11, numpy 2.4.6, torch 2.13.0 on Linux:
#   planar: 4096 graphs of {42} nodes; with seed 20 of {20}
#   lobster: 4096 graphs, largest degree 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 networkx==3.6.1 torch==2.13.0 torch_geometric==2.8.1 pydantic==2.14.4 \
  loguru==0.7.3 appdirs==1.4.4 joblib==1.6.0 rich==15.0.0 pandas==3.1.1 tqdm==4.70.1
"$folder/venv/bin/pip" install --quiet --no-deps polygraph-benchmark==1.1.0
cd "$folder"
HOME=$folder "$folder/venv/bin/python" - <<'PYTHON'
from polygraph.datasets.lobster import LobsterLGraphDataset
from polygraph.datasets.planar import PlanarLGraphDataset

planar, other = (PlanarLGraphDataset("val", num_graphs=10, seed=seed).to_nx() for seed in (42, 20))
print("planar:", len(planar), "graphs of", {len(graph) for graph in planar}, "nodes; with seed 20 of", {len(graph) for graph in other})
assert len(planar) == 4096
assert {len(graph) for graph in planar} == {42}
assert {len(graph) for graph in other} == {20}
lobsters = LobsterLGraphDataset("val", num_graphs=10).to_nx()
largest = max(degree for graph in lobsters for _, degree in graph.degree)
print("lobster:", len(lobsters), "graphs, largest degree", largest)
assert largest == 2
PYTHON
