"""Arrays, matrices, frames and networkx graphs: the graphs that they are, or an error, and never others in silence."""

from typing import Any

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, NodeFrame
from gengraph.graphs.collection import Policy, RawGraphs, simplify

PATH = GraphSet.from_networkx([nx.path_graph(3)])


class Polars:
    """What a frame of polars has of what is used here."""

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name: str) -> Any:
        class Series:
            def to_list(_self) -> list[Any]:
                return self._columns[name]

        return Series()


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (pd.DataFrame({"u": [0, 1], "v": [1, 2], "w": [3, 3]}), r"the edges of graph 0 must be pairs .* got shape 2 x 3"),
        (pd.DataFrame({"u": [0, 1, 2], "v": [1, 2, 3], "w": [3, 3, 3]}), "hand in the first two columns alone"),
        ([[0, 1, 2, 3], [1, 2, 3, 0]], r"2 x E edge_index is taken by GraphSet\.from_edge_index"),
        ([[0.9, 1.9]], "whole numbers, got 0.9"),
        ([[0, 1], [1, np.nan]], "whole numbers, got nan"),
        ([0, 1, 1, 2], "got shape 4"),
        ([["0", "1"]], "whole numbers, got 0"),
        ([[0, 1], [1]], "rows of one length"),
        ([[0, 2**64]], "whole numbers"),
        ([[0, 2**40]], "outside 0..n-1"),
        (np.array([[True, False]]), "whole numbers, got True"),
    ],
)
def test_what_is_not_pairs_of_whole_numbers_is_refused(edges: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        GraphSet.from_edge_lists([4], [edges])
    bare = message.replace("the edges of graph 0", "edges")
    with pytest.raises(InputError, match=bare):
        GraphSet.from_flat([4], np.zeros(len(np.asarray(edges, object)), int), edges)
    if message != "outside 0..n-1":
        with pytest.raises(InputError, match=bare):
            GraphSet([4], [0, 2], edges)
    else:
        with pytest.raises(InputError, match="at most 2147483647, got 1099511627776"):
            GraphSet([4], [0, 1], edges)


def test_numbers_that_are_whole_are_taken() -> None:
    for pairs in (
        [[0, 1], [1, 2]],
        [[0.0, 1.0], [1.0, 2.0]],
        pd.DataFrame({"u": [0, 1], "v": [1.0, 2.0]}),
        np.uint8([[0, 1], [1, 2]]),
    ):
        assert GraphSet.from_edge_lists([3], [pairs]) == PATH
    assert GraphSet.from_edge_lists([3], [[]]) == GraphSet.from_edge_lists([3], [np.zeros((0, 2))])


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(InputError, match="a list of edges for each of 2 graphs, got 1"):
        GraphSet.from_edge_lists([3, 3], [[[0, 1]]])
    with pytest.raises(InputError, match="graph_of_edge must say the graph of each of 1 edges, got 2 values"):
        GraphSet.from_flat([3], [0, 0], [[0, 1]])
    with pytest.raises(InputError, match="num_nodes must be at most 2147483647, got 4294967299"):
        GraphSet.from_flat([2**32 + 3], [0], [[0, 1]])
    with pytest.raises(InputError, match=r"num_nodes must be whole numbers, got 2\.5"):
        GraphSet.from_flat([2.5], [0], [[0, 1]])
    with pytest.raises(InputError, match="num_nodes must be a row of whole numbers, got shape 1 x 1"):
        GraphSet.from_flat([[3]], [0], [[0, 1]])


def test_edge_indices_of_other_shapes_are_refused() -> None:
    index = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
    assert GraphSet.from_edge_index(index, [0, 0, 0]) == PATH
    for wrong, message in (
        (index.T, r"edge_index must have shape 2 x E, got 4 x 2; transpose it"),
        (index.reshape(-1), "must have shape 2 x E, got 8"),
        (index + 0.5, "whole numbers, got 0.5"),
    ):
        with pytest.raises(InputError, match=message):
            GraphSet.from_edge_index(wrong, [0, 0, 0])
    for batch, message in (
        ([-1, 0, 0], "ascending from 0"),
        ([[0, 0, 0]], "a row of whole numbers"),
        ([0.5] * 3, "whole numbers"),
    ):
        with pytest.raises(InputError, match=message):
            GraphSet.from_edge_index(index, batch)
    assert GraphSet.from_edge_index(np.zeros((2, 0)), [0, 0]).num_nodes.tolist() == [2]


def test_stored_zeros_of_a_matrix_are_no_edges() -> None:
    matrix = sparse.csr_array(nx.to_scipy_sparse_array(nx.complete_graph(3)))
    matrix[0, 2] = matrix[2, 0] = 0
    assert matrix.nnz == 6
    assert GraphSet.from_csr(matrix) == PATH
    looped = sparse.csr_matrix(nx.to_scipy_sparse_array(nx.path_graph(3))).tolil()
    looped.setdiag(1)
    looped = looped.tocsr()
    looped.setdiag(0)
    assert looped.nnz == 7
    assert GraphSet.from_csr(looped) == PATH
    assert GraphSet.from_csr(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])) == PATH


def test_matrices_that_are_more_are_refused() -> None:
    weighted = sparse.csr_array(np.array([[0, 2.5], [2.5, 0]]))
    with pytest.raises(InputError, match=r"must hold ones, got 2 other weights; pass matrix != 0, or attributes='drop'"):
        GraphSet.from_csr(weighted)
    assert len(GraphSet.from_csr(weighted, attributes="drop").edges) == 1
    assert len(GraphSet.from_csr(weighted != 0).edges) == 1
    with pytest.raises(InputError, match="self-loop"):
        GraphSet.from_csr(sparse.eye_array(2))
    with pytest.raises(InputError, match=r"must be square, got shape \(2, 3\)"):
        GraphSet.from_csr(np.ones((2, 3)))
    twice = sparse.coo_array(([1, 1, 1, 1], ([0, 0, 1, 1], [1, 1, 0, 0])), shape=(2, 2))
    with pytest.raises(InputError, match="parallel edge"):
        GraphSet.from_csr(twice)
    with pytest.raises(InputError, match="attributes must be error or drop"):
        GraphSet.from_csr(weighted, attributes="keep")


def test_attributes_of_networkx_graphs_are_refused_as_those_of_files(tmp_path: Any) -> None:
    from gengraph.formats import read_graphs

    for name, value, of, lost in (
        ("weight", 2.5, "edge", True),
        ("weight", 1, "edge", False),
        ("element", "C", "node", True),
        ("name", "x", "node", False),
        ("kind", "x", "edge", True),
        ("label", "x", "edge", True),
    ):
        graph = nx.path_graph(3)
        (nx.set_node_attributes if of == "node" else nx.set_edge_attributes)(graph, value, name)
        nx.write_gml(graph, tmp_path / "a.gml")
        if lost:
            with pytest.raises(InputError, match=rf"of the {of}s of graph 0 have {name}; .*attributes='drop'"):
                GraphSet.from_networkx([graph])
            with pytest.raises(InputError, match=rf"{of} {name} \(\d\); set on_attributes = drop"):
                read_graphs(tmp_path / "a.gml")
        else:
            assert GraphSet.from_networkx([graph]) == read_graphs(tmp_path / "a.gml") == PATH
        assert GraphSet.from_networkx([graph], attributes="drop") == PATH


def test_labels_that_do_not_tell_nodes_apart_are_attributes(tmp_path: Any) -> None:
    from gengraph.formats import read_graphs

    molecule = nx.path_graph(3)
    for labels, lost in ((["C", "O", "C"], True), (["a", "b", "c"], False), (["", "", ""], False)):
        nx.set_node_attributes(molecule, dict(enumerate(labels)), "label")
        nodes = "".join(f'node [ id {i} label "{label}" ]' for i, label in enumerate(labels))
        path = tmp_path / "a.gml"
        path.write_text(f"graph [ {nodes} edge [ source 0 target 1 ] edge [ source 1 target 2 ] ]" * 2)
        if lost:
            with pytest.raises(InputError, match="of the nodes of graph 0 have label"):
                GraphSet.from_networkx([molecule])
            with pytest.raises(InputError, match=r"node label \(6\)"):
                read_graphs(path)
        else:
            assert GraphSet.from_networkx([molecule, molecule]) == read_graphs(path)


FRAMES = [pd.DataFrame, Polars, dict]


@pytest.mark.parametrize("frame", FRAMES)
def test_frames(frame: Any) -> None:
    assert GraphSet.from_frame(frame({"source": [10, 20], "target": [20, 30]})) == PATH
    assert GraphSet.from_frame(frame({"a": ["x", "y"], "b": ["y", "z"]}), source="a", target="b") == PATH
    several = frame({"g": [7, 5, 7], "u": [1, 1, 2], "v": [2, 2, 3]})
    assert GraphSet.from_frame(several, graph="g", source="u", target="v") == GraphSet.from_networkx(
        [nx.path_graph(2), nx.path_graph(3)]
    )
    alone = frame({"source": [1.0, 2.0, 4.0], "target": [2.0, 3.0, float("nan")]})
    assert GraphSet.from_frame(alone).num_nodes.tolist() == [4]
    assert GraphSet.from_frame(alone).edges.tolist() == [[0, 1], [1, 2]]
    floats = frame({"source": [1, 2, 3], "target": [2.0, 3.0, 1.0]})
    assert GraphSet.from_frame(floats) == GraphSet.from_networkx([nx.complete_graph(3)])
    weighted = frame({"source": [1, 2], "target": [2, 3], "weight": [0.5, 1.0]})
    with pytest.raises(InputError, match="would lose its columns weight; attributes='drop'"):
        GraphSet.from_frame(weighted)
    assert GraphSet.from_frame(weighted, attributes="drop") == PATH
    assert GraphSet.from_frame(frame({"source": [1, 2], "target": [2, 3], "weight": [1, 1.0]})) == PATH


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"from": [1], "to": [2]}, {}, "needs one column each for source, target, got from, to; name them"),
        ({"source": [1], "target": ["2"]}, {}, r"must be of one type, .* got ids of several types \(int, str\)"),
        ({"source": [1.5], "target": [2.5]}, {}, "got fractions"),
        ({"source": ["2", "2.0"], "target": ["3", "3"]}, {}, r"1 ids are written in several ways \(2 and 2\.0\)"),
        ({"source": [1, None], "target": [2, None]}, {}, "row 1 of the frame has no node"),
        ({"g": [1, None], "source": [1, 2], "target": [2, 3]}, {"graph": "g"}, "row 1 of the frame has no graph"),
        ({"source": [1], "target": [1]}, {}, "self-loop"),
        ({"source": [1, 2], "target": [2, 1]}, {}, "parallel edge"),
        ({"source": [1], "target": [2]}, {"target": "source"}, "needs one column each"),
    ],
)
@pytest.mark.parametrize("frame", FRAMES)
def test_frames_that_are_refused(frame: Any, columns: dict[str, Any], options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        GraphSet.from_frame(frame(columns), **options)


def test_keys_that_do_not_fit_into_64_bits_merge_no_edges() -> None:
    n = 2**31 - 1
    sizes, edges = [n] * 9, [(0, n - 1), (n - 2, n - 1), (0, 1)]
    graphs = GraphSet.from_edge_lists(sizes, [edges] * 9)
    assert graphs.edges.tolist() == [[0, 1], [0, n - 1], [n - 2, n - 1]] * 9
    doubled = simplify(RawGraphs.from_lists(sizes, [edges + edges] * 9), Policy(on_multi_edges="drop"))
    assert doubled.graphs == graphs
    assert doubled.found == {"on_multi_edges": 27}


@pytest.mark.parametrize("frame", FRAMES)
def test_labels_of_frames(frame: Any) -> None:
    edges = frame({"source": ["ann", "bo", "ann"], "target": ["acme", "acme", "bo"], "role": ["owns", "works for", "knows"]})
    nodes = NodeFrame(
        nodes=frame({"id": ["ann", "bo", "acme", "cy"], "kind": ["person", "person", "firm", "person"]}), label="kind"
    )
    graphs = GraphSet.from_frame(edges, edge_label="role", nodes=nodes, directed=True)
    expected = nx.DiGraph([(0, 2, {"role": "owns"}), (1, 2, {"role": "works for"}), (0, 1, {"role": "knows"})])
    nx.set_node_attributes(expected, {0: "person", 1: "person", 2: "firm"}, "kind")
    expected.add_node(3, kind="person")
    assert nx.utils.graphs_equal(graphs.to_networkx()[0], expected)
    several = frame({"g": [1, 2, 2], "source": [1, 5, 6], "target": [2, 6, 9], "role": ["x", "y", "x"]})
    graphs = GraphSet.from_frame(several, graph="g", edge_label="role")
    assert (graphs.num_nodes.tolist(), graphs.edge_labels.tolist()) == ([2, 3], [0, 1, 0])
    few = NodeFrame(nodes=frame({"id": ["ann"], "kind": ["person"]}), label="kind")
    with pytest.raises(InputError, match="an edge joins 'bo', which is not in the frame of nodes; add it there"):
        GraphSet.from_frame(edges, edge_label="role", nodes=few)
    with pytest.raises(InputError, match="would lose its columns role"):
        GraphSet.from_frame(edges)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"id": ["a", "a", "b"], "kind": ["x", "y", "x"]}, "names every node of a graph once, got 'a' twice"),
        ({"id": ["a", "b", None], "kind": ["x", "y", "z"]}, "row 2 of the frame of nodes has no id; drop such rows"),
        ({"name": ["a", "b"], "kind": ["x", "y"]}, "needs the columns id, kind, got name, kind; name them in NodeFrame"),
    ],
)
def test_frames_of_nodes_name_each_once(frame: Any, nodes: dict[str, Any], message: str) -> None:
    edges = frame({"source": ["a"], "target": ["b"]})
    with pytest.raises(InputError, match=message):
        GraphSet.from_frame(edges, nodes=NodeFrame(nodes=frame(nodes), label="kind"))


def test_a_node_of_two_graphs_is_named_in_each() -> None:
    edges = {"g": [1, 2], "source": ["a", "a"], "target": ["b", "b"]}
    nodes = {"g": [1, 1, 2, 2, 3], "id": ["a", "b", "a", "b", None], "kind": ["x", "y", "z", "x", None]}
    graphs = GraphSet.from_frame(edges, graph="g", nodes=NodeFrame(nodes=nodes, label="kind"))
    assert (graphs.num_nodes.tolist(), graphs.node_labels.tolist()) == ([2, 2, 0], [0, 1, 2, 0])
    with pytest.raises(InputError, match="nodes must be a NodeFrame, got dict"):
        GraphSet.from_frame(edges, graph="g", nodes=nodes)


def test_tables_of_arrow_are_frames() -> None:
    table = pa.table({"source": [5, 7], "target": [7, None], "weight": [1, 1]})
    assert GraphSet.from_frame(table) == GraphSet.from_frame({"source": [5, 7], "target": [7, None]})
    with pytest.raises(InputError, match="got a, b; name them: from_frame"):
        GraphSet.from_frame(pa.table({"a": [1], "b": [2]}))


def test_graphs_of_igraph_come_by_way_of_networkx() -> None:
    ring = igraph.Graph.Ring(5)
    assert GraphSet.from_networkx([ring.to_networkx()]) == GraphSet.from_networkx([nx.cycle_graph(5)])
    with pytest.raises(InputError, match=r"got igraph\.Graph at 0; convert it: igraph has to_networkx"):
        GraphSet.from_networkx([ring])
