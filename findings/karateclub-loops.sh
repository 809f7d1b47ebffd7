#!/usr/bin/env bash
# karateclub 1.3.3: fit adds a loop at every node of the graphs that it is given.
#
# An embedding of whole graphs (FGSD, LDP, FeatherGraph, Graph2Vec, SF, ...) should leave them as they are; after it the
# caller's graphs have other edges, and what is counted afterwards, or written to a file, is of other graphs: a ring of ten has
# 20 edges and degree 4. The vectors are those of the graphs with loops too: LDP, which is made of degrees, counts two too many
# at each node. NetLSD alone adds none. Told as https://github.com/benedekrozemberczki/karateclub/issues/129 and issues/136,
# both closed; no release has come since.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet networkx==3.6.1 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 scikit-learn==1.9.1 \
  gensim==4.4.0 pygsp==0.6.1 python-louvain==0.16 six==1.17.0 tqdm==4.70.1 levenshtein==0.27.5
"$folder/venv/bin/pip" install --quiet --no-deps karateclub==1.3.3
cd "$folder"
venv/bin/python -W ignore - > seen <<'PYTHON'
import networkx as nx
from karateclub import FGSD, LDP, FeatherGraph, NetLSD

for model in (NetLSD, FGSD, LDP, FeatherGraph):
    graph = nx.cycle_graph(10)
    model().fit([graph])
    loops = nx.number_of_selfloops(graph)
    print(f"{model.__name__}: {graph.number_of_edges()} edges, {loops} loops, degrees {set(dict(graph.degree).values())}")
PYTHON
cat seen
cat > expected <<'TEXT'
NetLSD: 10 edges, 0 loops, degrees {2}
FGSD: 20 edges, 10 loops, degrees {4}
LDP: 20 edges, 10 loops, degrees {4}
FeatherGraph: 20 edges, 10 loops, degrees {4}
TEXT
diff expected seen
echo "as described"
