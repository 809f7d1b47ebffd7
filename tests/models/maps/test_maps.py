"""Planar maps: what the letters say, which graphs are taken, and that training and sampling see the same."""

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from maps_cases import Sequence, replay, small_model

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.graphs.planarity import is_planar
from gengraph.models.maps.batches import MapBatch, encode_maps
from gengraph.models.maps.config import MapsConfig
from gengraph.models.maps.family import PlanarMaps
from gengraph.models.maps.frontier import END, NUM_LETTERS, SPLIT
from gengraph.models.maps.plane import PlaneGraphs
from gengraph.models.maps.sampler import flat_weights, read_choices, read_gate
from gengraph.models.maps.views import NUM_CODES, NUM_NUMBERS
from gengraph.testing.generators import complete_graphs, path_graphs

WIDTHS = NUM_CODES[1], NUM_NUMBERS[1]


def disc(rim: int) -> GraphSet:
    """A triangulated disc without symmetries: two hubs in a rim of so many nodes, and a node in one of their triangles."""
    first, second, third = rim, rim + 1, rim + 2
    edges = [(i, (i + 1) % rim) for i in range(rim)] + [(first, i) for i in range(rim - 2)]
    edges += [(second, i % rim) for i in range(rim - 3, rim + 1)] + [(first, second)]
    return GraphSet.from_edge_lists([rim + 3], [[*edges, (third, first), (third, 0), (third, 1)]])


def decoded(batch: MapBatch) -> GraphSet:
    """The graphs that the letters of a batch build."""
    taken = np.full(len(batch.letters), -1)
    taken[batch.splits] = batch.taken
    ends = np.cumsum(batch.num_letters)[:-1]
    pairs = zip(np.split(batch.letters, ends), np.split(taken, ends), strict=True)
    sequences = [Sequence(tuple(letters.tolist()), tuple(places.tolist())) for letters, places in pairs]
    edges = [replay(int(n), sequence, WIDTHS)[1] for n, sequence in zip(batch.num_nodes, sequences, strict=True)]
    return GraphSet.from_edge_lists(batch.num_nodes, edges)


def check_round_trip(graphs: GraphSet) -> None:
    """Letters of graphs under some roots build the same graphs, and all of them are allowed."""
    plane, everything = PlaneGraphs.of(graphs), np.arange(len(graphs))
    assert not plane.num_cut.any()
    for epoch in range(4):
        batch = encode_maps(plane, everything, WIDTHS, key=(3, epoch))
        assert batch.masks[np.arange(len(batch.letters)), batch.letters].all()
        assert (batch.num_letters == 2 * batch.num_nodes - 2).all()
        assert np.isfinite(batch.numbers).all()
        assert canonical_keys(decoded(batch)) == canonical_keys(graphs)


@given(st.integers(1, 12), st.randoms(use_true_random=False), st.floats(0, 1))
def test_every_planar_graph_can_be_said(num_nodes: int, random: object, density: float) -> None:
    pairs = np.column_stack(np.triu_indices(num_nodes, 1))
    order = random.sample(range(len(pairs)), len(pairs))  # type: ignore[attr-defined]
    edges: list[tuple[int, int]] = []
    for a, b in pairs[order].tolist():
        more = [*edges, (a, b)]
        if random.random() < density and is_planar(GraphSet.from_edge_lists([num_nodes], [more]))[0]:  # type: ignore[attr-defined]
            edges = more
    check_round_trip(GraphSet.from_edge_lists([num_nodes], [edges]))


def test_trees_grids_and_components_can_be_said() -> None:
    graphs = [nx.random_labeled_tree(n, seed=n) for n in range(2, 40)]
    graphs += [nx.convert_node_labels_to_integers(nx.grid_2d_graph(a, b)) for a in range(1, 5) for b in range(2, 6)]
    graphs += [nx.empty_graph(n) for n in range(1, 5)]
    graphs += [nx.disjoint_union_all([nx.cycle_graph(5), nx.path_graph(3), nx.empty_graph(3), nx.complete_graph(4)])]
    check_round_trip(GraphSet.from_edge_lists([g.number_of_nodes() for g in graphs], [list(g.edges) for g in graphs]))


def test_a_disc_has_a_sequence_for_each_outer_edge_and_mirror_image() -> None:
    plane, names = PlaneGraphs.of(disc(7)), set[bytes]()
    for epoch in range(400):
        names |= set(encode_maps(plane, np.zeros(1, np.int64), WIDTHS, key=(0, epoch)).names())
    assert len(names) == 2 * 7


def test_a_triangulated_disc_has_real_edges_alone() -> None:
    graphs = disc(12)
    facts = PlanarMaps().prepare(graphs, MapsConfig(), seed=0)
    assert facts["triangulated"]
    assert facts["virtual_share"] == 0
    trees = PlanarMaps().prepare(path_graphs(9), MapsConfig(), seed=0)
    assert not trees["triangulated"]
    assert trees["virtual_share"] > 0.4


def test_graphs_that_are_not_planar() -> None:
    family, graphs = PlanarMaps(), GraphSet.concatenate([path_graphs(4), complete_graphs(6, 5, 4)])
    with pytest.raises(InputError, match=r"2 of 4 are not; set model\.not_planar = drop"):
        family.select(graphs, MapsConfig())
    assert family.select(graphs, MapsConfig(not_planar="drop")).num_nodes.tolist() == [4, 4]
    with pytest.raises(InputError, match="none of 2 is"):
        family.select(graphs[1:3], MapsConfig(not_planar="drop"))
    kept = family.select(graphs, MapsConfig(not_planar="cut"))
    assert kept == graphs
    plane = PlaneGraphs.of(kept)
    assert plane.num_cut.tolist() == [0, 3, 1, 0]  # what is left of a complete graph is a triangulation
    batch = encode_maps(plane, np.array([1, 2]), WIDTHS, key=(0, 0))
    assert batch.losses_of_data == {"cut_edges": 4}
    assert decoded(batch).num_edges.tolist() == [12, 9]


def test_a_graph_counts_as_often_as_its_outer_face_has_edges() -> None:
    graphs = GraphSet.concatenate([disc(5), disc(15)])
    model = small_model(graphs, count="roots", dropout=0.0).train()
    batch = model.encoder(graphs)(np.arange(2), key=(0, 0))
    assert batch.outer.tolist() == [0.5, 1.5]
    first, second = (-model.log_prob(batch)).tolist()
    assert model(batch).total.item() == pytest.approx(0.5 * first + 1.5 * second, rel=1e-5)
    model.eval()
    assert model(batch).total.item() == pytest.approx(-model.log_prob(batch).sum().item(), rel=1e-5)


@pytest.mark.parametrize("graphs", [disc(20), path_graphs(12)], ids=["triangulated", "not"])
def test_the_sampler_reads_what_the_network_reads(graphs: GraphSet) -> None:
    """Compiled logits of letters and of choices are those of torch."""
    model = small_model(graphs, hidden_size=19, choice_hidden_size=11, calibration=0.8)
    batches = [model.encoder(graphs)(np.zeros(1, np.int64), key=(0, epoch)) for epoch in range(30)]
    batch = next((batch for batch in batches if len(batch.splits)), batches[0])
    weights, hidden = flat_weights(model), np.empty((2, 19), np.float32)
    with torch.inference_mode():
        logits, gates = model.letters(torch.from_numpy(batch.codes), torch.from_numpy(batch.numbers))
        scores = model.choices(gates[batch.splits], batch)
    found, of_choices, first = np.empty(len(weights[7]), np.float32), np.empty(len(scores) + 1, np.float32), 0
    for t, (codes, numbers) in enumerate(zip(batch.codes.astype(np.int64), batch.numbers, strict=True)):
        read_gate(codes, numbers, weights, hidden, found)
        np.testing.assert_allclose(found[:NUM_LETTERS], logits[t], rtol=1e-4, atol=1e-4)
        if SPLIT <= batch.letters[t] < END:
            count = batch.num_choices[np.searchsorted(batch.splits, t)]
            choices = batch.choices[first : first + count].astype(np.int64)
            read_choices(choices, hidden[1], weights, np.empty(11, np.float32), of_choices)
            apart = of_choices[:count] - scores[first : first + count].numpy()  # alike but for a bias, which a softmax ignores
            np.testing.assert_allclose(apart, apart[0], atol=1e-4)
            first += count
    assert first == len(scores)
