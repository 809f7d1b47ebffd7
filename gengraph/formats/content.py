"""What a file holds whose name does not say it, by its first bytes; and the binary files that are not read, with a way out."""

import re
from pathlib import Path

import numpy as np

from gengraph.errors import InputError
from gengraph.formats.metis import read_metis
from gengraph.formats.text import head_of, suffix_of
from gengraph.graphs.collection import Policy

_SIGNS = (  # at the beginning of a text, in the order in which they are tried
    ("mtx", r"%%MatrixMarket"),
    ("graphml", r"<(?s:.*?)<(\w+:)?graphml\b|<graphml\b"),
    ("gexf", r"<(?s:.*?)<(\w+:)?gexf\b|<gexf\b"),
    ("pajek", r"(%[^\n]*\s+)*\*(vertices|network)\b"),
    ("leda", r"(#[^\n]*\s+)*LEDA\.GRAPH"),
    ("dimacs", r"(c\b[^\n]*\s+)*p\s+(edge|col|sp|max|min|tw)\s+\d+\s+\d+|p\s+\d+\s+\d+\s+[ud]\s"),
    ("graph6", r">>(graph6|sparse6)<<"),
    ("dot", r"(\s|//[^\n]*|#[^\n]*|/\*(?s:.*?)\*/)*(strict\s+)?(di)?graph\b[^\[{\n]*\s*\{"),
    ("gml", r"(#[^\n]*\s+|(Creator|Version|Vendor|Comment|IsPlanar)\b[^\n]*\s+)*graph\s*\["),
    ("json", r"[{\[]\s*[{\"]"),
)
_OBJECTS = re.compile(r'"(links|elements|adjacency|directed|multigraph|source)"\s*:|"nodes"\s*:\s*\[\s*\{')
_OURS = re.compile(r'\s*\[?\s*\{\s*"n"\s*:')
PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".gpickle", ".picklez"}
_SMALL = 1 << 20  # bytes of a text that is read as METIS to see whether it is that


def found_in(path: Path) -> str | None:
    """The name of the format that is found in a file, None if none is.

    Raises:
        InputError: it is a binary format that is not read, or one of two that cannot be told apart.
    """
    head = head_of(path)
    _refuse_binary(path, head)
    if head.startswith((b"MATLAB 5", b"PAR1")):
        return "mat" if head.startswith(b"M") else "parquet"
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace").lstrip()
    name = next((name for name, sign in _SIGNS if re.match(sign, text, re.IGNORECASE)), None)
    if name is None and suffix_of(path) == ".txt":
        return _of_numbers(path)
    return name


def holds_objects(path: Path) -> bool:
    """Whether a JSON file holds nodes and links as objects, and is not gengraph's list of graphs."""
    head = head_of(path).decode("utf-8", "replace")
    return _OBJECTS.search(head) is not None and _OURS.match(head) is None


def _of_numbers(path: Path) -> str:
    """Whether lines of numbers are METIS or edges."""
    if path.stat().st_size > _SMALL:
        return "edgelist"
    try:
        raw = read_metis(path, Policy())
    except InputError:
        return "edgelist"
    first_line = head_of(path).split(b"\n", 1)[0].split()
    if len(first_line) > 2 or np.bincount(raw.edges[:, 0]).max(initial=0) > 2:
        return "metis"  # a line of three numbers is no edge
    msg = f"{path} may be METIS or a list of edges; set file_format = metis or file_format = edgelist"
    raise InputError(msg)


def _refuse_binary(path: Path, head: bytes) -> None:
    """Raise InputError for what only the program that wrote it should read."""
    name = str(path)
    if head.startswith(b"\xe2\x9b\xbe gt"):
        kind = "graph-tool's binary"
        lines = f"import graph_tool.all as gt\n  gt.load_graph({name!r}, fmt='gt').save('graph.graphml')"
    elif head.startswith(b"nkbg"):
        kind = "NetworKit's binary"
        lines = _networkit(name, "NetworkitBinary")
    elif suffix_of(path) in PICKLES or (head[:1] == b"\x80" and b"\x94" in head[:16]):
        refuse_pickle(path, head)
    elif b"\0" in head and not head.startswith((b"MATLAB 5", b"PAR1", b"PK", b"\xff\xfe", b"\xfe\xff")) and b"<\0" not in head:
        kind = "binary, and in no format that is known"
        lines = "if NetworKit wrote it for Thrill:\n  " + _networkit(name, "ThrillBinary")
    else:
        return
    msg = f"{path} is {kind}; write it as text where it was made:\n  {lines}"
    raise InputError(msg)


def _networkit(name: str, kind: str) -> str:
    return (
        f"import networkit as nk; graph = nk.readGraph({name!r}, nk.Format.{kind})\n"
        "  nk.writeGraph(graph, 'graph.graphml', nk.Format.GraphML)"
    )


def refuse_pickle(path: Path, head: bytes = b"") -> None:
    """Raise InputError with the lines that convert a pickle where it is trusted."""
    why = f"{path} is a pickle, which can run any program when it is loaded, so gengraph reads none; load it where you trust it"
    if b"igraph" in head:
        zipped = "z" if suffix_of(path) == ".picklez" else ""
        msg = (
            f"{why}:\n  import igraph; graph = igraph.Graph.Read_Pickle{zipped}({str(path)!r})\n  graph.write('graph.graphml')"
        )
        raise InputError(msg)
    msg = (
        f"{why}, and write it: of networkx graphs (one graph: [graph])\n"
        f"  import gengraph, pathlib, pickle; graphs = pickle.loads(pathlib.Path({str(path)!r}).read_bytes())\n"
        "  gengraph.write_graphs(graphs, 'graphs.parquet')\nand of PyTorch Geometric's\n"
        "  gengraph.write_graphs(GraphSet.from_edge_index(data.edge_index, batch), 'graphs.parquet')"
    )
    raise InputError(msg)
