#!/bin/sh
# NetworKit 11.3, Format.SNAP: the reader refuses what the writer writes, and the writer says "undirected" of directed graphs.
#
# The writer begins with a line `p nodes edges u u first`, which the lists of SNAP do not have and NetworKit's own reader of the
# format does not take. Both letters are u for a directed, weighted graph too, whose weights are left out.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet networkit==11.3
cd "$folder"
venv/bin/python - > seen <<'PYTHON'
import networkit as nk

graph = nk.Graph(3, weighted=True, directed=True)
graph.addEdge(0, 1, 2.5)
graph.addEdge(2, 1, 4.0)
nk.writeGraph(graph, "graph.snap", nk.Format.SNAP)
print(open("graph.snap").read().strip())
try:
    nk.readGraph("graph.snap", nk.Format.SNAP)
except OSError as error:
    print(error)
PYTHON
cat seen
cat > expected <<'TEXT'
p 3 2 u u 0
0 1
2 1
graph.snap is not a valid Format.SNAP file: Error in parsing file - looking for nodeId failed
TEXT
diff expected seen
echo "as described"
