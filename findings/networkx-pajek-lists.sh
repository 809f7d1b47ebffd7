#!/usr/bin/env bash
# networkx 3.6.1, read_pajek: the sections *Arcslist and *Edgeslist are read as *Arcs and *Edges.
#
# Pajek has two ways to write links: a pair a line with a weight, or, under *Arcslist and *Edgeslist, a node and all its
# neighbours. networkx knows the sections by how they begin and takes a line of neighbours for a pair: the second neighbour
# becomes the weight of the edge to the first, the third is passed over. A star of four nodes is read as one edge of weight 3.
# igraph reads the same file as written.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet networkx==3.6.1 igraph==1.0.0
cd "$folder"
venv/bin/python - > seen <<'PYTHON'
import igraph
import networkx as nx

for section in ("Edgeslist", "Arcslist"):
    with open("star.net", "w") as file:
        file.write(f'*Vertices 4\n1 "a"\n2 "b"\n3 "c"\n4 "d"\n*{section}\n1 2 3 4\n')
    names = "abcd"
    read = igraph.Graph.Read_Pajek("star.net").get_edgelist()
    print(f"{section}, igraph:", [(names[one], names[other]) for one, other in read])
    print(f"{section}, networkx:", list(nx.read_pajek("star.net").edges(data="weight")))
PYTHON
cat seen
cat > expected <<'TEXT'
Edgeslist, igraph: [('a', 'b'), ('a', 'c'), ('a', 'd')]
Edgeslist, networkx: [('a', 'b', 3.0)]
Arcslist, igraph: [('a', 'b'), ('a', 'c'), ('a', 'd')]
Arcslist, networkx: [('a', 'b', 3.0)]
TEXT
diff expected seen
echo "as described"
