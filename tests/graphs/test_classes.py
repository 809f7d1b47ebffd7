"""The class of each graph: it goes with the graph wherever that goes, and is no part of it."""

import pickle
from collections.abc import Callable

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.classes import Classes
from gengraph.graphs.collection import Policy, RawGraphs, simplify
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.graphs.schema import LabelArrays, Labels, LabelSchema

NAMES = ["ring", None, "2", "10", "ring"]
GRAPHS = GraphSet.from_networkx([nx.cycle_graph(4), nx.empty_graph(0), nx.path_graph(2), nx.star_graph(3), nx.cycle_graph(4)])
CLASSED = GRAPHS.classified(NAMES)


def names(graphs: GraphSet) -> list[str | None] | None:
    return graphs.classes and graphs.classes.names()


def test_what_is_missing_is_no_class() -> None:
    said = ["ring", float("nan"), np.float64("nan"), pd.NA, ""]
    assert names(GRAPHS.classified(said)) == ["ring", None, None, None, None]
    assert GRAPHS.classified([float("nan")] * len(GRAPHS)).classes is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda graphs: graphs, NAMES),
        (lambda graphs: graphs[2], ["2"]),
        (lambda graphs: graphs[1:4], NAMES[1:4]),
        (lambda graphs: graphs[::-2], NAMES[::-2]),
        (lambda graphs: graphs[[3, 3, 0]], ["10", "10", "ring"]),
        (lambda graphs: graphs[graphs.num_nodes > 2], ["ring", "10", "ring"]),
        (lambda graphs: graphs[[]], []),
        (GraphSet.concatenate, NAMES),
        (lambda graphs: GraphSet.concatenate([graphs, GRAPHS[:2]]), [*NAMES, None, None]),
        (lambda graphs: GraphSet.concatenate([GRAPHS[2:3], graphs]), [None, *NAMES]),
        (lambda graphs: GraphSet.concatenate([graphs, GRAPHS.classified(["a", *NAMES[1:]])]), [*NAMES, "a", *NAMES[1:]]),
        (lambda graphs: graphs.induced(graphs.degrees() > 1), NAMES),
        (lambda graphs: GraphSet.concatenate([graphs, graphs]).largest_components()[:5], NAMES),
        (lambda graphs: graphs.labelled(LabelArrays(LabelSchema(Labels("a", ("b",))), np.zeros(14, np.int32))).bare(), NAMES),
        (lambda graphs: pickle.loads(pickle.dumps(graphs)), NAMES),
        (lambda graphs: GraphSet.from_networkx(graphs.to_networkx()), NAMES),
        (lambda graphs: GraphSet.from_arrow(graphs.to_arrow()), NAMES),
        (lambda graphs: graphs.classified(None), None),
        (lambda graphs: graphs.classified([2.0, "", 10, 0.5, None]), ["2", None, "10", "0.5", None]),
    ],
)
def test_a_class_goes_where_its_graph_goes(change: Callable[[GraphSet], GraphSet], expected: list[str | None]) -> None:
    assert names(change(CLASSED)) == expected


def test_sets_of_other_classes_differ_and_their_graphs_do_not() -> None:
    other = GRAPHS.classified(["10", *NAMES[1:]])
    assert CLASSED not in (other, GRAPHS)
    assert CLASSED[1:2] == GRAPHS[1:2]  # a graph without a class, where others have one
    assert GraphSet.concatenate([other, CLASSED])[5:] == CLASSED  # by other numbers
    assert CLASSED.content_hash() == other.content_hash() == GRAPHS.content_hash()
    assert canonical_keys(CLASSED) == canonical_keys(GRAPHS)
    assert "3 classes" in repr(CLASSED)
    assert CLASSED.classes is not None
    assert CLASSED.classes.values == ("10", "2", "ring")
    assert CLASSED.classes.counts() == {"10": 1, "2": 1, "ring": 2}
    assert Classes.of([3, 10, 2]).values == ("2", "3", "10")  # type: ignore[union-attr] - as numbers
    assert Classes.of([None, ""]) is None


def test_columns_of_classes() -> None:
    assert CLASSED.classes is not None
    columns = CLASSED.classes.one_hot(["ring", "10"])
    expected = [[1, 0], [np.nan, np.nan], [np.nan, np.nan], [0, 1], [1, 0]]
    assert np.array_equal(columns, expected, equal_nan=True)


@pytest.mark.parametrize("policy", [Policy(on_empty="drop"), Policy(on_empty="drop", on_isolated="drop")])
def test_a_policy_that_leaves_graphs_out_leaves_their_classes_out(policy: Policy) -> None:
    raw = RawGraphs.from_lists([0, 3, 1], [[], [(2, 0)], []], classes=Classes.of(["a", "b", "c"]))
    assert names(simplify(raw, policy).graphs) == (["b"] if policy.on_isolated == "drop" else ["b", "c"])
    both = RawGraphs.concatenate([raw, RawGraphs.from_lists([1], [[]])])
    assert names(simplify(both, Policy()).graphs) == ["a", "b", "c", None]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GRAPHS.classified(["a"]), "one for each of 5 graphs, got 1"),
        (
            lambda: GraphSet(GRAPHS.num_nodes, GRAPHS.edge_offsets, GRAPHS.edges, None, Classes(("a",), np.zeros(2, np.int32))),
            "got 2",
        ),
        (lambda: Classes(("a", "a"), np.zeros(1, np.int32)), "a name each, all different, got a, a"),
        (lambda: Classes(("a",), np.ones(1, np.int32)), "got a for codes to 1"),
    ],
)
def test_classes_that_are_none_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
