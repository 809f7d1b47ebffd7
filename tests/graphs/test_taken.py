"""Networkx graphs where a GraphSet is taken: the same graphs, or an error, and never a loss in silence."""

from pathlib import Path
from typing import Any

import networkx as nx
import pytest

import gengraph
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.taken import as_graph_set

PLAIN = [nx.path_graph(4), nx.star_graph(5), nx.Graph([("a", "b"), ("b", "c"), ("c", "a")])]
SET = GraphSet.from_networkx(PLAIN)
WEIGHTED = nx.Graph()
WEIGHTED.add_edge(0, 1, weight=2.5)
NAMED = nx.Graph()
NAMED.add_node(0, element="C")


def test_it_is_the_same_everywhere(tmp_path: Path) -> None:
    assert as_graph_set(PLAIN) == as_graph_set(iter(PLAIN)) == as_graph_set(SET) == SET
    ours, theirs = gengraph.evaluate(PLAIN, PLAIN[:2], train=PLAIN), gengraph.evaluate(SET, SET[:2], train=SET)
    assert {name: metric.mmd2 for name, metric in ours.metrics.items()} == {
        name: metric.mmd2 for name, metric in theirs.metrics.items()
    }
    gengraph.write_graphs(PLAIN, tmp_path / "plain.parquet")
    assert gengraph.read_graphs(tmp_path / "plain.parquet") == SET
    for model in ("er", "graphrnn-s"):
        make: Any = gengraph.GENERATORS[model]
        mine, yours = (make().fit(graphs, seed=0, budget=0.1).sample(3, seed=1) for graphs in (PLAIN, SET))
        assert len(mine) == 3
        assert model != "er" or mine == yours


@pytest.mark.parametrize(
    ("graphs", "message"),
    [
        ([nx.path_graph(2), WEIGHTED], "those of the edges of graph 1 have weight"),
        ([NAMED], "those of the nodes of graph 0 have element"),
        ([nx.DiGraph([(0, 1)])], "graph 0 is directed"),
        ([nx.MultiGraph([(0, 1), (0, 1)])], "graph 0 is a multigraph"),
        ([nx.Graph([(0, 0)])], "loop"),
        (nx.path_graph(3), "put a single graph into a list"),
        ([3], "got int at 0"),
        (3, "got one int"),
    ],
)
def test_what_would_be_lost_is_refused(graphs: Any, message: str, tmp_path: Path) -> None:
    for take in (
        as_graph_set,
        lambda given: gengraph.evaluate(given, SET),
        lambda given: gengraph.write_graphs(given, tmp_path / "x.jsonl"),
        lambda given: gengraph.GENERATORS["er"]().fit(given, seed=0),
    ):
        with pytest.raises(InputError, match=message):
            take(graphs)
    assert not list(tmp_path.iterdir())
