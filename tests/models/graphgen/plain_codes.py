"""DFS codes by the plainest means: all traversals of a graph, all codes that there are."""

from collections.abc import Iterator

import networkx as nx

Step = tuple[int, int, int, int]
ROOT, END = -1, -2


def codes_of(graph: nx.Graph, labels: dict[int, int]) -> Iterator[tuple[Step, ...]]:
    """The codes of all depth-first searches of a connected graph."""

    def search(order: list[int], path: list[int], code: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
        while path and set(graph[path[-1]]) <= set(order):
            path = path[:-1]
        if not path:
            yield code
            return
        source, time = path[-1], len(order)
        for vertex in set(graph[source]) - set(order):
            forward = order.index(source), time, labels[source], labels[vertex]
            back = [older for older in order if older in graph[vertex] and older != source]
            steps = [forward, *((time, order.index(older), labels[vertex], labels[older]) for older in back)]
            yield from search([*order, vertex], [*path, vertex], (*code, *steps))

    for root in graph:
        yield from search([root], [root], ((ROOT, 0, 0, labels[root]),))


def rank(code: tuple[Step, ...]) -> list[tuple[int, ...]]:
    """Codes compare as these do: gSpan's order, larger labels first."""
    return [(0, t_v) if t_v < t_u else (1, -t_u, -label) for t_u, t_v, _, label in code]


def every_code(most_nodes: int, labels: list[int] | None, true: bool) -> Iterator[tuple[tuple[Step, ...], bool]]:
    """Every code of at most so many nodes, and every one that is cut there: it ends with the step that finds one more.

    Args:
        most_nodes: of a graph.
        labels: that vertices may have; None where they are not labelled.
        true: vertices have as many edges as their labels say.
    """

    def grow(code: tuple[Step, ...], found: int) -> Iterator[tuple[tuple[Step, ...], bool]]:
        if found > most_nodes:
            yield code, False
            return
        for step in _next_steps(code, labels, true):
            if step[0] == END:
                yield (*code, step), True
            else:
                yield from grow((*code, step), found + (step[1] > step[0]))

    return grow((), 0)


def _next_steps(code: tuple[Step, ...], labels: list[int] | None, true: bool) -> Iterator[Step]:
    begin = max((i for i, step in enumerate(code) if step[0] == ROOT), default=0)
    graph, label, path, last = nx.Graph(), {}, [], -1
    for t_u, t_v, _, told in code[begin:]:
        if t_v > t_u:
            label[t_v], last = told, -1
            path = [*path[: path.index(t_u) + 1], t_v] if t_u != ROOT else [t_v]
            graph.add_node(t_v)
        else:
            last = t_v
        if t_u != ROOT:
            graph.add_edge(t_u, t_v)
    lacking = [t for t in path if not true or graph.degree[t] < label[t]]
    roots, others = ([0], [0]) if labels is None else (labels, [told for told in labels if told])
    if not code:
        yield from ((ROOT, 0, 0, told) for told in roots)
        return
    if not true or not lacking:
        yield END, 0, 0, 0
        yield from ((ROOT, 0, 0, told) for told in roots)
    newest = len(graph) - 1
    for t_u in lacking[-1:] if true else lacking:
        yield from ((t_u, newest + 1, label[t_u], told) for told in others)
        if t_u == newest:
            older = [t for t in lacking if last < t < newest and not graph.has_edge(t, newest)]
            yield from ((newest, t, label[newest], label[t]) for t in older)
