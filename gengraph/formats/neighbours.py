"""Texts that list each node with its neighbours: networkx's adjacency lists of two kinds, LGL.

No such text says a direction. Where every edge stands at both of its ends, as many programs write it, it is one edge.

References:
    1. https://networkx.org/documentation/stable/reference/readwrite/adjlist.html
    2. A. T. Adai et al. LGL: creating a map of protein function with an algorithm for visualizing very large biological
       networks. Journal of Molecular Biology, 2004.
"""

import ast
import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np

from gengraph.errors import InputError
from gengraph.formats.named import NamedGraphs
from gengraph.formats.text import numbered_lines, read_text
from gengraph.graphs.collection import Policy, RawGraphs


def read_adjlist(path: Path, policy: Policy) -> RawGraphs:
    """A line a node: its name, then those of its neighbours [1]. Names hold no white space."""
    drawn = NamedGraphs(path, policy, implicit=True)
    drawn.graph()
    for _, line in numbered_lines(read_text(path)):
        node, *neighbours = line.partition("#")[0].split() or [""]
        if node:
            drawn.node(node)
        for neighbour in neighbours:
            drawn.edge(node, neighbour, directed=False)
    return _each_once(drawn.raw())


def read_multiline_adjlist(path: Path, policy: Policy) -> RawGraphs:
    """A line with the name of a node and how many neighbours follow, then a line each, with its data [1]."""
    drawn = NamedGraphs(path, policy, implicit=True)
    drawn.graph()
    node, left = "", 0
    for number, line in numbered_lines(read_text(path)):
        name, _, rest = line.partition("#")[0].strip().partition(" ")
        if not name:
            continue
        try:
            if left:
                drawn.edge(node, name, directed=False)
                for key, value in (ast.literal_eval(rest.strip()) if rest.strip() else {}).items():
                    drawn.attribute("edge", str(key), value)
                left -= 1
            else:
                node, left = name, int(rest)
                drawn.node(node)
        except (ValueError, SyntaxError, AttributeError, MemoryError, RecursionError) as error:
            msg = f"{path}, line {number} is no line of a multi-line adjacency list: {line.strip()[:60]!r}; write it anew"
            raise InputError(msg) from error
    if left:
        msg = f"{path} ends before the last {left} neighbours of {node}; get it from its source again"
        raise InputError(msg)
    return _each_once(drawn.raw())


def read_lgl(path: Path, policy: Policy) -> RawGraphs:
    """A line `# node`, then a line for each neighbour, with a weight if it has one [2]."""
    drawn = NamedGraphs(path, policy, implicit=True)
    drawn.graph()
    node = None
    for number, line in numbered_lines(read_text(path)):
        cells = line.split()
        if cells[0] == "#" and len(cells) == 2:
            node = cells[1]
            drawn.node(node)
        elif node is None or len(cells) > 2 or cells[0] == "#":
            msg = f"{path}, line {number} is no line of LGL: {line.strip()[:60]!r}; a name has no spaces"
            raise InputError(msg)
        else:
            drawn.edge(node, cells[0], directed=False)
            if len(cells) == 2:
                drawn.attribute("edge", "weight", cells[1])
    return drawn.raw()


def _each_once(raw: RawGraphs) -> RawGraphs:
    """The same as arcs if every edge stands in both directions, so that both together are one edge."""
    pairs = Counter(map(tuple, raw.edges[raw.edges[:, 0] != raw.edges[:, 1]].tolist()))
    if not pairs or any(pairs[v, u] != number for (u, v), number in pairs.items()):
        return raw
    return dataclasses.replace(raw, directed=np.ones(len(raw.edges), bool))
