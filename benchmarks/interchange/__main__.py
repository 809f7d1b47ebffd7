"""Makes docs/interchange.md: `python -m gengraph.benchmarks.interchange`; needs gengraph[interchange]."""

import argparse
from importlib.metadata import version
from pathlib import Path

from gengraph.benchmarks.interchange.outcomes import GONE, outcomes
from gengraph.files import write_text
from gengraph.formats.codecs import CODECS

TOOLS = ("igraph", "networkx", "rustworkx", "networkit", "scipy")
_COLUMNS = ("isolated node", "loop", "parallel edges", "direction", "weight", "negative weight", "weight 0", "name")


def page(found: dict[tuple[str, str], dict[str, str]]) -> str:
    """docs/interchange.md."""
    parts = [
        _HEAD,
        "| format | suffixes | written | graphs in a file | labels and directions written |",
        "|---|---|---|---|---|",
    ]
    for name, codec in CODECS.items():
        several = "one" if codec.one_graph or name in _ONE_GRAPH else "any number"
        kept = ", ".join(kind for kind in ("nodes", "edges", "directions") if kind in codec.keeps)
        parts.append(f"| {name} | {' '.join(codec.suffixes)} | {'yes' if codec.write else ''} | {several} | {kept} |")
    parts.append(_TABLES)
    for tool in TOOLS:
        parts += [f"### {tool} {version(tool)}\n", "| format | " + " | ".join((*_COLUMNS, "its own reader")) + " |"]
        parts.append("|---" * (len(_COLUMNS) + 2) + "|")
        for (of, file_format), row in found.items():
            if of == tool:
                parts.append(
                    f"| {file_format} | "
                    + " | ".join([*(_WORDS.get(row[name], row[name]) for name in _COLUMNS), row["own reader"]])
                    + " |"
                )
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/interchange.md"), help="the page")
    write_text(parser.parse_args().out, page(outcomes()))


_ONE_GRAPH = {"ncol", "lgl", "adjlist", "multiline-adjlist", "adjacency", "dimacs", "leda", "hb", "mat"}
_WORDS = {"weight": GONE, "parallel edges and made weighted": "as weights", "made weighted": "as weight"}
_HEAD = """# Files of other tools

Made by `python -m gengraph.benchmarks.interchange` with the packages of the extra `interchange`; a test checks that it is up to
date.

## What gengraph reads and writes

The suffix says the format, in any case (`.GML`); a `.txt`, and a file whose suffix says nothing, is told by what is in it.
`--from` (in Python `Policy(file_format=...)`) overrules both. Text may be gzipped. Nodes are numbered in the order in which the
file declares them; whole numbers in lists of edges, ascending.

A file means what its format says, not what its writer meant:

- arcs of Pajek, DIMACS's flows and paths, `directed="true"` and unsymmetric matrices are directed; if a file has edges and
  arcs, its arcs are. The policies say what is done then (`--on-directed symmetrize`);
- an adjacency list or a METIS file in which every edge stands at both of its ends is undirected, and so is a matrix that is
  symmetric. A symmetric Matrix Market file names each edge once, a general one both directions;
- numbers in a matrix other than 0 and 1 are weights; a stored 0 is no edge;
- colours, sizes, coordinates and shapes (GEXF's `viz`, Pajek, DOT, yEd, Cytoscape's positions) say how a graph is drawn and are
  passed over; labels that tell nodes apart are names. All else is an attribute, refused unless it is kept as a label
  (`--node-label`, `--edge-label`; [own-graphs.md](own-graphs.md#labels-and-directions)) or left out (`--on-attributes drop`);
- a list of edges has no place for nodes without edges: `--nodes 60` says that they are 0..59 or 1..60, or the nodes stand in a
  file of their own (`grid.nodes.csv` beside `grid.edges.csv`).

Binary files of graph-tool and NetworKit and pickles are refused, with the lines that convert them where they were made. Several
graphs in a format that holds one become numbered files (`grid-00.gexf`), and their folder is read as one set.
"""
_TABLES = """
## What other tools keep and lose

Each tool writes awkward graphs in every format that it has. A cell says what stands in the file: *yes*, *lost*, *not written*
(the tool refuses), *refused* (gengraph cannot read the file: it is binary, or a space in a name breaks it), *another graph*, or
what has become of it. A weight that stands there may have other digits. The last column is how the tool reads its own file with
its usual arguments: *as written*, *none* (it has no reader), or what differs. Scripts in findings/ show some that may surprise.
"""


if __name__ == "__main__":
    main()
