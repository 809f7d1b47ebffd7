"""Graphs whose nodes have names, as edge lists and frames have them: numbered, each graph from 0.

Legend: R rows, G graphs, E edges of all graphs together.
"""

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]

_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(?:\.[0-9]{0,400})?(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """Numbered graphs.

    Attributes:
        num_nodes: int64[G].
        edge_offsets: int64[G + 1].
        edges: int64[E, 2], node ids local to the graph, in the order of the rows.
        rows: int64[E], the row of each edge.
        owners: int64[R], the graph of each row.
        sources: int64[R], the node that each row names first, those of all graphs numbered through; -1 if it names none.
        spellings: names that are a number which another row writes differently (2 and 2.0); each was taken for the same.
        example: two such spellings.
        gaps: whole numbers between the first and the last that name no node, if the rows are one graph and all name an edge.
    """

    num_nodes: Int64Array
    edge_offsets: Int64Array
    edges: Int64Array
    rows: Int64Array
    owners: Int64Array
    sources: Int64Array
    spellings: int
    example: str
    gaps: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Coded:
    """Names as numbers: the whole numbers among them ascending, then the others in the order in which they appear.

    Attributes:
        codes: int64[R], -1 for None.
        whole: bool[distinct names].
        spellings: further spellings of the same number.
        example: two of them.
    """

    codes: Int64Array
    whole: npt.NDArray[np.bool_]
    spellings: int
    example: str


def numbered(
    graphs: Sequence[Hashable] | None, sources: Sequence[Hashable | None], targets: Sequence[Hashable | None]
) -> Labelled:
    """Number graphs, and the nodes of each graph: ascending if all names are whole numbers, else in order of appearance.

    Args:
        graphs: the name of each row's graph; None if all rows are of one graph.
        sources: the name of one end in each row; None where the row names no node.
        targets: the name of the other; None where the row names one node only, or none.

    Complexity: O(R log R).
    """
    rows = len(sources)
    if rows and (graphs is None or len(set(graphs)) == 1):
        return _one_graph(sources, targets)
    graph = _in_order(graphs or [])
    owner, num_graphs = graph.codes, len(graph.whole)
    name = _coded([*sources, *targets])
    there = np.arange(2 * rows).reshape(2, rows).T.reshape(-1)  # row by row, the source before the target
    there = there[name.codes[there] >= 0]
    names = max(len(name.whole), 1)
    nodes, first, number = np.unique(
        np.concatenate([owner, owner])[there] * names + name.codes[there], return_index=True, return_inverse=True
    )
    graph_of_node, name_of_node = nodes // names, nodes % names
    num_nodes = np.bincount(graph_of_node, minlength=num_graphs)
    named = np.bincount(graph_of_node[~name.whole[name_of_node]], minlength=num_graphs) > 0
    order = np.lexsort((np.where(named[graph_of_node], first, name_of_node), graph_of_node))
    rank = np.empty(len(nodes), np.int64)
    rank[order] = np.arange(len(nodes)) - np.repeat(np.cumsum(num_nodes) - num_nodes, num_nodes)
    local = np.full(2 * rows, -1, np.int64)
    local[there] = rank[number]
    ends = local.reshape(2, rows).T
    edge = np.flatnonzero((ends >= 0).all(axis=1))
    edge = edge[np.argsort(owner[edge], kind="stable")]
    return Labelled(
        num_nodes=num_nodes,
        edge_offsets=np.searchsorted(owner[edge], np.arange(num_graphs + 1)),
        edges=ends[edge],
        rows=edge,
        owners=owner,
        sources=np.where(local[:rows] < 0, -1, local[:rows] + (np.cumsum(num_nodes) - num_nodes)[owner]),
        spellings=graph.spellings + name.spellings,
        example=graph.example or name.example,
    )


def _one_graph(sources: Sequence[Hashable | None], targets: Sequence[Hashable | None]) -> Labelled:
    """The rows of one graph; a small one takes microseconds."""
    value_of, first_spelling = _values(chain.from_iterable(zip(sources, targets, strict=True)))
    whole: list[int] = sorted(value for value in first_spelling if isinstance(value, int))
    in_order: Iterable[Hashable] = whole if len(whole) == len(first_spelling) else first_spelling
    number = {value: i for i, value in enumerate(in_order)}
    number_of: dict[Hashable | None, int] = {name: number[value] for name, value in value_of.items()} | {None: -1}
    ends = np.array([[number_of[name] for name in column] for column in (sources, targets)], np.int64)
    is_whole = None not in sources and None not in targets
    edge = np.arange(len(sources)) if is_whole else np.flatnonzero((ends >= 0).all(axis=0))
    has_gaps = len(whole) == len(first_spelling) > 0 and is_whole
    return Labelled(
        num_nodes=np.array([len(number)]),
        edge_offsets=np.array([0, len(edge)]),
        edges=ends.T if is_whole else ends[:, edge].T,
        rows=edge,
        owners=np.zeros(len(sources), np.int64),
        sources=ends[0],
        spellings=len(value_of) - len(first_spelling),
        example=_example(value_of, first_spelling),
        gaps=whole[-1] - whole[0] + 1 - len(whole) if has_gaps else 0,
    )


def _in_order(names: Sequence[Hashable]) -> _Coded:
    """Names of graphs: ascending if all of them are whole numbers, else all in the order in which they appear."""
    coded = _coded(names)
    if coded.whole.all():
        return coded
    _, first, inverse = np.unique(coded.codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return _Coded(codes=rank[inverse], whole=coded.whole, spellings=coded.spellings, example=coded.example)


def _coded(names: Sequence[Hashable | None]) -> _Coded:
    value_of, first_spelling = _values(names)
    whole = sorted(value for value in first_spelling if isinstance(value, int))
    code_of = {value: code for code, value in enumerate([*whole, *(v for v in first_spelling if not isinstance(v, int))])}
    code_of_name: dict[Hashable | None, int] = {name: code_of[value] for name, value in value_of.items()} | {None: -1}
    return _Coded(
        codes=np.array([code_of_name[name] for name in names], np.int64),
        whole=np.arange(len(code_of)) < len(whole),
        spellings=len(value_of) - len(first_spelling),
        example=_example(value_of, first_spelling),
    )


def _values(names: Iterable[Hashable | None]) -> tuple[dict[Hashable, Hashable], dict[Hashable, Hashable]]:
    """What each distinct name stands for, and the first name of each such value, in the order of appearance."""
    value_of = {name: _value(name) for name in dict.fromkeys(names) if name is not None}
    first_spelling: dict[Hashable, Hashable] = {}
    for name, value in value_of.items():
        first_spelling.setdefault(value, name)
    return value_of, first_spelling


def _example(value_of: dict[Hashable, Hashable], first_spelling: dict[Hashable, Hashable]) -> str:
    """Two names of one value."""
    if len(value_of) == len(first_spelling):
        return ""
    again = next(name for name, value in value_of.items() if first_spelling[value] is not name)
    return f"{first_spelling[value_of[again]]} and {again}"


def _value(name: Hashable) -> Hashable:
    """What a name stands for: the int of a text that is a whole number, however it is written, else the name itself."""
    if not isinstance(name, str):
        return name
    if name.isdecimal() and name.isascii() and len(name) <= 400:
        return int(name)
    if not _NUMBER.fullmatch(name):
        return name
    number = Decimal(name)
    return int(number) if number == number.to_integral_value() else number.normalize()
