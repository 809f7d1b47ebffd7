#!/usr/bin/env bash
# PyTorch Geometric 2.8.1, TUDataset: graphs without edges at the end of a set are dropped, and loops everywhere.
#
# The number of graphs is taken from the last node that has an edge. A file of four graphs, whose last two have nodes and no
# edges, is read as a set of two; one without edges in the middle is kept. Neither a warning nor an error says so, and the four
# labels of the graphs are still there. Loops are taken out before that, so a last graph whose only edge is a loop goes too;
# where one graph is left, the nodes of the others are counted to it. In the format, DS_graph_indicator.txt names the graph of
# every node, whether it has an edge or not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch_geometric==2.8.1 torch==2.13.0 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - > seen 2> progress <<'PYTHON'
from pathlib import Path

from torch_geometric.datasets import TUDataset


def read(name, edges, graph_of_node):
    folder = Path("sets", name, "raw")
    folder.mkdir(parents=True)
    (folder / f"{name}_A.txt").write_text("".join(f"{one}, {other}\n{other}, {one}\n" for one, other in edges))
    (folder / f"{name}_graph_indicator.txt").write_text("".join(f"{graph}\n" for graph in graph_of_node))
    (folder / f"{name}_graph_labels.txt").write_text("".join(f"{graph % 2}\n" for graph in range(max(graph_of_node))))
    data = TUDataset("sets", name)
    sizes = [(graph.num_nodes, graph.num_edges // 2) for graph in data]
    print(f"{name}: {len(data)} graphs (nodes, edges): {sizes}, {len(data.y)} labels")


read("middle", [(1, 2), (2, 3), (6, 7), (8, 9)], [1, 1, 1, 2, 2, 3, 3, 4, 4])
read("last", [(1, 2), (2, 3), (4, 5)], [1, 1, 1, 2, 2, 3, 3, 4, 4])
read("loop", [(1, 2), (2, 3), (2, 2), (4, 4)], [1, 1, 1, 2])
PYTHON
cat seen
cat > expected <<'TEXT'
middle: 4 graphs (nodes, edges): [(3, 2), (2, 0), (2, 1), (2, 1)], 4 labels
last: 2 graphs (nodes, edges): [(3, 2), (2, 1)], 4 labels
loop: 1 graphs (nodes, edges): [(4, 2)], 2 labels
TEXT
diff expected seen
echo "as described"
