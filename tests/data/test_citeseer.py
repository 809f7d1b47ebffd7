import pickle
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import graph_sets

from gengraph.data.citeseer import ego_networks, read_citeseer, unpickle_neighbours
from gengraph.errors import InputError
from gengraph.graphs import GraphSet


def neighbours(values: dict[Any, Any]) -> defaultdict[Any, Any]:
    return defaultdict(list, values)


def test_plain_neighbour_lists_are_read() -> None:
    lists = {0: [1, 2], 1: [0], 2: [], 2**30: [5, 300, 70_000]}
    assert unpickle_neighbours(pickle.dumps(neighbours(lists), 2)) == lists


class Malicious:
    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize(
    "value",
    [
        Malicious(eval, "1 + 1"),
        Malicious(__import__, "os"),
        Malicious(getattr, "x", "upper"),
        neighbours({0: [Malicious(eval, "print(1)")]}),
        OrderedDict({0: [1]}),
        Counter([0]),
        {0: [1]},
        [1, 2],
        7,
        None,
        "text",
        defaultdict(int, {0: [1]}),
        defaultdict(None, {0: [1]}),
        neighbours({"a": [1]}),
        neighbours({0: ["a"]}),
        neighbours({0: (1,)}),
        neighbours({0: [1.5]}),
        neighbours({0: [True]}),
        neighbours({0: [[1]]}),
        neighbours({0: {1}}),
        neighbours({0: neighbours({})}),
        pickle.Unpickler,
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
def test_anything_else_is_refused(value: Any, protocol: int) -> None:
    with pytest.raises(InputError, match="the pickle is refused"):
        unpickle_neighbours(pickle.dumps(value, protocol))


def test_refused_programs_do_not_run(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    data = pickle.dumps(neighbours({0: [Malicious(exec, f"open({str(target)!r}, 'w')")]}))
    with pytest.raises(InputError, match=r"the pickle is refused"):
        unpickle_neighbours(data)
    assert not target.exists()


def test_a_pickle_that_asks_for_much_memory_is_refused() -> None:
    with pytest.raises(InputError, match="instruction LONG_BINPUT"):
        unpickle_neighbours(b"]r\xff\xff\xff\x7f.")


@given(data=st.binary(max_size=60))
def test_bytes_that_are_no_pickle_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="the pickle is refused"):
        unpickle_neighbours(data)


def test_the_network_is_its_largest_component_without_loops(tmp_path: Path) -> None:
    path = tmp_path / "graph"
    path.write_bytes(pickle.dumps(neighbours({5: [5, 7, 7], 7: [5], 9: [7], 1: [2], 2: [1], 30: []}), 2))
    assert read_citeseer(path) == GraphSet.from_networkx([nx.path_graph(3)])  # 5 - 7 - 9
    assert read_citeseer(path, whole=True) == GraphSet.from_edge_lists([6], [[(0, 1), (2, 3), (3, 4)]])  # 1, 2, 5, 7, 9, 30


@given(graphs=graph_sets(min_nodes=1), radius=st.integers(0, 3))
def test_ego_networks_are_those_of_networkx(graphs: GraphSet, radius: int) -> None:
    for one in graphs:
        (graph,) = one.to_networkx()
        made = ego_networks(one, radius=radius, sizes=range(1, 100)).to_networkx()
        for centre, ego in zip(graph, made, strict=True):
            wanted = nx.ego_graph(graph, centre, radius)
            names = {node: i for i, node in enumerate(sorted(wanted))}
            assert nx.utils.graphs_equal(nx.relabel_nodes(wanted, names), ego)
