"""Labels of nodes and edges and directions of edges: kept by whatever keeps graphs, refused where they would be lost."""

import dataclasses
import hashlib
import struct
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from gengraph.errors import InputError
from gengraph.formats import read_collection, read_graphs, write_graphs
from gengraph.graphs import GraphSet, LabelArrays, Labels, LabelSchema
from gengraph.graphs.collection import Policy, RawGraphs, Refused, simplify
from gengraph.graphs.schema import BACKWARD, BOTH, FORWARD, coded_values, in_order

ELEMENTS = Labels("element", ("C", "N", "O"))
BONDS = Labels("bond", ("1", "2"))


def random_graphs(*, directed: bool, num_graphs: int = 20) -> list[nx.Graph]:
    rng = np.random.default_rng(directed)
    graphs = []
    for _ in range(num_graphs):
        graph = nx.gnp_random_graph(int(rng.integers(0, 8)), 0.4, seed=int(rng.integers(2**30)), directed=directed)
        for node in graph:
            graph.nodes[node]["element"] = ELEMENTS.values[rng.integers(3)]
        for u, v in graph.edges:
            graph.edges[u, v]["bond"] = BONDS.values[(u + v) % 2]  # both directions agree
        graphs.append(graph)
    return graphs


@pytest.fixture(params=[False, True], ids=["undirected", "directed"])
def labelled(request: pytest.FixtureRequest) -> GraphSet:
    graphs = random_graphs(directed=request.param)
    return GraphSet.from_networkx(graphs, node_label="element", edge_label="bond", directed="keep")


@pytest.mark.parametrize("directed", [False, True])
def test_networkx_graphs_come_back_with_labels_and_directions(directed: bool) -> None:
    graphs = random_graphs(directed=directed)
    back = GraphSet.from_networkx(graphs, node_label="element", edge_label="bond", directed="keep").to_networkx()
    assert all(nx.utils.graphs_equal(one, two) for one, two in zip(graphs, back, strict=True))


def test_parts_of_a_set_put_together_again_are_the_set(labelled: GraphSet, tmp_path: Path) -> None:
    assert GraphSet.concatenate([labelled[:7], labelled[7:]]) == labelled
    assert GraphSet.concatenate(list(labelled)) == labelled
    assert labelled[::-1][::-1] == labelled
    order = np.random.default_rng(0).permutation(len(labelled))
    assert labelled[order][np.argsort(order)] == labelled
    assert GraphSet.from_arrow(labelled.to_arrow()) == labelled
    write_graphs(labelled, tmp_path / "a.parquet")
    assert read_graphs(tmp_path / "a.parquet") == labelled


def test_flat_edges_in_any_order_give_the_same_set(labelled: GraphSet) -> None:
    rows, ends = labelled.arcs()
    order = np.random.default_rng(1).permutation(len(rows))
    schema = dataclasses.replace(labelled.schema, directed=False)
    labels = LabelArrays(schema, labelled.node_labels, labelled.edge_labels[rows][order])
    owner = labelled.graph_of_edge[rows][order]
    made = GraphSet.from_flat(labelled.num_nodes, owner, ends[order], labels, directed=labelled.schema.directed)
    assert made == labelled


def test_induced_subgraphs_are_those_of_networkx(labelled: GraphSet) -> None:
    keep = np.random.default_rng(2).random(len(labelled.node_labels)) < 0.7
    got = labelled.induced(keep).to_networkx()
    for g, graph in enumerate(labelled.to_networkx()):
        kept = np.flatnonzero(keep[labelled.node_offsets[g] : labelled.node_offsets[g + 1]]).tolist()
        assert nx.utils.graphs_equal(got[g], nx.relabel_nodes(graph.subgraph(kept), {v: i for i, v in enumerate(kept)}))


def test_labels_make_sets_differ(labelled: GraphSet) -> None:
    assert labelled != labelled.bare()
    assert labelled.bare() == labelled.bare().bare()
    changed = LabelArrays(labelled.schema, (labelled.node_labels + 1) % 3, labelled.edge_labels, labelled.directions)
    hashes = {one.content_hash() for one in (labelled, labelled.bare(), labelled.labelled(changed))}
    assert len(hashes) == 3


def test_the_hash_of_a_bare_set_is_that_of_its_three_arrays() -> None:
    graphs = GraphSet.from_edge_lists([3, 1], [[(0, 1), (1, 2)], []])
    content = struct.pack("<2i3q4i", 3, 1, 0, 2, 2, 0, 1, 1, 2)
    assert graphs.content_hash() == hashlib.sha256(content).hexdigest()


def test_tensors_have_each_edge_with_its_label(labelled: GraphSet) -> None:
    edge_index, batch = labelled.to_edge_index()
    labels = labelled.edge_index_labels()
    got = {(int(u), int(v)): int(k) for u, v, k in zip(*edge_index, labels, strict=True)}
    offsets = labelled.node_offsets
    expected = {}
    for g, graph in enumerate(labelled.to_networkx()):
        for u, v, bond in graph.edges(data="bond"):
            expected[u + offsets[g], v + offsets[g]] = BONDS.values.index(bond)
            if not labelled.schema.directed:
                expected[v + offsets[g], u + offsets[g]] = BONDS.values.index(bond)
    assert got == expected
    assert list(got) == sorted(got)
    assert len(batch) == len(labelled.node_labels)


def test_sets_of_other_vocabularies_are_joined_by_their_values() -> None:
    edges = ([2], [[(0, 1)]])
    one = GraphSet.from_edge_lists(*edges).labelled(LabelArrays(LabelSchema(Labels("element", ("C", "O"))), [0, 1]))
    two = GraphSet.from_edge_lists(*edges).labelled(LabelArrays(LabelSchema(Labels("element", ("N", "O"))), [0, 1]))
    joined = GraphSet.concatenate([one, two])
    assert joined.schema.nodes == Labels("element", ("C", "N", "O"))
    assert joined.node_labels.tolist() == [0, 2, 1, 2]
    assert joined[1].relabelled(two.schema) == two
    with pytest.raises(InputError, match="element must be one of C, O, got N"):
        joined[1].relabelled(one.schema)


def test_labelled_and_bare_sets_are_not_joined(labelled: GraphSet) -> None:
    with pytest.raises(InputError, match=r"same kinds of node labels.*bare\(\)"):
        GraphSet.concatenate([labelled, labelled.bare()])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LabelArrays(LabelSchema(ELEMENTS), [0]), "one of nodes for each of 2, got 1"),
        (LabelArrays(LabelSchema(edges=BONDS), edges=[0, 1]), "one of edges for each of 1, got 2"),
    ],
)
def test_a_label_for_each(labels: LabelArrays, message: str) -> None:
    with pytest.raises(InputError, match=message):
        GraphSet([2], [0, 1], [(0, 1)], labels)


def test_labels_are_what_the_schema_says() -> None:
    with pytest.raises(InputError, match="nodes are missing"):
        LabelArrays(LabelSchema(ELEMENTS))
    with pytest.raises(InputError, match="edges are too many"):
        LabelArrays(LabelSchema(ELEMENTS), [0], [0])
    with pytest.raises(InputError, match=r"must lie in 0..2, got 0..3"):
        LabelArrays(LabelSchema(ELEMENTS), [0, 3])
    with pytest.raises(InputError, match=r"must lie in 1..3, got 0..0"):
        LabelArrays(LabelSchema(directed=True), directions=[0])


def test_real_numbers_are_no_categories_unless_binned() -> None:
    values = (np.arange(100) / 7).tolist()
    with pytest.raises(InputError, match=r"weight has real numbers .* set bins = weight=5"):
        coded_values("weight", values)
    labels, codes = coded_values("weight", values, num_bins=4)
    assert len(labels.values) == 4
    assert np.bincount(codes).tolist() == [25, 25, 25, 25]
    assert (np.diff(codes) >= 0).all()
    for given, sizes in (
        ([0.1, 0.9], [1, 1]),
        ([0.5] * 90 + [1.5] * 10, [90, 10]),
        ([0.5] * 3, [3]),
        ([0.1, 0.3, 0.5, 0.7], [2, 2]),
    ):
        assert np.bincount(coded_values("weight", given, num_bins=2)[1]).tolist() == sizes
    orders, _ = coded_values("bond", [1.0, 1.5, 2.0, 1.0])  # few fractions are categories
    assert orders.values == ("1", "1.5", "2")


def test_values_stand_in_the_order_of_numbers_or_of_texts() -> None:
    assert in_order(["10", "9", "1.5"]) == ("1.5", "9", "10")
    assert in_order(["b", "10", "9"]) == ("10", "9", "b")


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(InputError, match="1 of 3 have no value of element"):
        coded_values("element", ["C", None, "N"])


def raw(edges: list[tuple[int, int]], labels: list[int], *, directed: bool) -> RawGraphs:
    return RawGraphs.from_lists(
        [4], [edges], directed=directed, labels=LabelArrays(LabelSchema(ELEMENTS, BONDS), [0, 1, 2, 0], labels)
    )


def test_raw_edges_keep_their_labels_and_directions() -> None:
    edges, labels = [(2, 1), (0, 3), (3, 0), (1, 3), (0, 1)], [1, 0, 0, 1, 0]
    graphs = simplify(raw(edges, labels, directed=True), Policy(on_directed="keep")).graphs
    assert graphs.edges.tolist() == [[0, 1], [0, 3], [1, 2], [1, 3]]
    assert graphs.edge_labels.tolist() == [0, 0, 1, 1]
    assert graphs.directions.tolist() == [FORWARD, BOTH, BACKWARD, FORWARD]
    plain = simplify(raw(edges, labels, directed=True), Policy(on_directed="symmetrize")).graphs
    assert plain.edge_labels.tolist() == [0, 0, 1, 1]
    assert not plain.schema.directed
    with pytest.raises(Refused, match="they are directed"):
        simplify(raw(edges, labels, directed=True), Policy())


def test_edges_of_one_pair_that_disagree_about_their_label_are_refused() -> None:
    with pytest.raises(Refused, match=r"labels that differ, .* \(1 graphs, first graph 0, nodes 0 and 3\)"):
        simplify(raw([(0, 3), (3, 0)], [0, 1], directed=True), Policy(on_directed="keep"))


def test_a_damaged_schema_in_a_table_is_refused(labelled: GraphSet) -> None:
    table = labelled.to_arrow()
    with pytest.raises(InputError, match="must be JSON"):
        GraphSet.from_arrow(table.replace_schema_metadata({b"gengraph.labels": b"{"}))
    with pytest.raises(InputError, match="needs the column node_labels"):
        GraphSet.from_arrow(table.drop_columns(["node_labels"]))


def test_bins_are_of_labels() -> None:
    assert Policy(edge_label="weight", bins=("weight=5",)).num_bins == {"weight": 5}
    with pytest.raises(InputError, match="bins are of node_label or edge_label, got weight"):
        Policy(bins=("weight=5",))
    with pytest.raises(InputError, match="K >= 2"):
        Policy(edge_label="weight", bins=("weight",))


def test_tensors_give_the_set_back(labelled: GraphSet) -> None:
    directed = labelled.schema.directed
    schema = dataclasses.replace(labelled.schema, directed=False)
    edge_index, batch = labelled.to_edge_index()
    labels = LabelArrays(schema, labelled.node_labels, labelled.edge_index_labels())
    last = int(batch.max()) + 1  # graphs without nodes behind it are not in a batch
    assert GraphSet.from_edge_index(edge_index, batch, labels, directed=directed) == labelled[:last]


def test_both_directions_of_an_undirected_edge_have_one_label() -> None:
    labels = LabelArrays(LabelSchema(edges=BONDS), edges=[0, 1])
    with pytest.raises(InputError, match="must have one label, 2 of 2"):
        GraphSet.from_edge_index([[0, 1], [1, 0]], [0, 0], labels)
    with pytest.raises(InputError, match="1 of 1 edges have no edge the other way"):
        GraphSet.from_edge_index([[0], [1]], [0, 0])


def test_labels_of_a_file_that_are_not_wanted_are_left_behind_and_counted(labelled: GraphSet, tmp_path: Path) -> None:
    write_graphs(labelled, tmp_path / "a.parquet")
    bare = read_collection(tmp_path / "a.parquet", Policy(on_attributes="drop", on_directed="symmetrize"))
    assert bare.graphs == labelled.bare()
    assert sum(bare.found.values()) == sum(map(len, labelled.labels.arrays().values()))
    some = read_collection(tmp_path / "a.parquet", Policy(on_attributes="drop", node_label="element")).graphs
    assert some.schema == dataclasses.replace(labelled.schema, edges=None)
    assert np.array_equal(some.node_labels, labelled.node_labels)
