"""Trees: what is rooted where, which graphs are taken, and that a likelihood does not depend on numbering."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.models.family import Decoding
from gengraph.models.trees import FAMILY
from gengraph.models.trees.coding import spanning_forests
from gengraph.models.trees.config import TreesConfig
from gengraph.models.trees.decisions import NUM_CODES, codes_of
from gengraph.models.trees.drawing import draw_decisions
from gengraph.models.trees.network import TreesModel
from gengraph.models.trees.rooted import CENTRE, EDGE, FOREST, Rooted
from gengraph.testing.generators import complete_graphs, path_graphs


def forest(sizes: list[int], seed: int) -> "nx.Graph[int]":
    trees = [nx.random_labeled_tree(n, seed=seed + n) for n in sizes]
    graph: nx.Graph[int] = nx.disjoint_union_all(trees)
    return graph


def model_of(graphs: GraphSet) -> TreesModel:
    torch.manual_seed(0)
    return TreesModel(TreesConfig(hidden_size=8), FAMILY.prepare(graphs, TreesConfig(), seed=0)).eval()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(0, 1000))
def test_components_are_rooted_at_their_centres(sizes: list[int], seed: int) -> None:
    graph = forest(sizes, seed)
    rooted = Rooted.of(GraphSet.from_networkx([graph]))
    parent, nodes = rooted.parent, len(graph)
    components = [graph.subgraph(part) for part in nx.connected_components(graph)]
    centres = {tuple(sorted(nx.center(part))): nx.diameter(part) for part in components}
    found = {(v,): int(rooted.rank[v]) for v in range(nodes) if rooted.role[v] == CENTRE}
    for edge in np.flatnonzero(rooted.role == EDGE):
        found[tuple(np.flatnonzero(parent == edge).tolist())] = int(rooted.rank[edge])
    assert found == centres
    assert rooted.role[-1] == FOREST
    assert rooted.size[-1] == nodes
    below = nx.DiGraph([(int(p), v) for v, p in enumerate(parent.tolist()) if p >= 0])
    for v in range(nodes):
        part = nx.descendants(below, v)
        assert rooted.size[v] == len(part) + 1
        assert rooted.height[v] == max(nx.single_source_shortest_path_length(below, v).values())


@given(st.lists(st.integers(1, 12), min_size=1, max_size=3), st.integers(0, 1000))
def test_a_likelihood_does_not_depend_on_numbering(sizes: list[int], seed: int) -> None:
    graph = forest(sizes, seed)
    order = np.random.default_rng(seed).permutation(len(graph)).tolist()
    again = nx.relabel_nodes(graph, dict(enumerate(order)))
    graphs = GraphSet.from_edge_lists([len(graph)] * 2, [list(graph.edges), list(again.edges)])
    model = model_of(GraphSet.concatenate([graphs, path_graphs(3)]))
    batch = model.encoder(graphs)(np.arange(2), key=(0, 0))
    first, second = model.log_prob(batch).tolist()
    assert first == pytest.approx(second, rel=1e-6)
    assert len(set(model.sequences(batch))) == 1


def test_graphs_with_cycles() -> None:
    graphs = GraphSet.concatenate([path_graphs(4), complete_graphs(4, 5), path_graphs(3)])
    with pytest.raises(InputError, match=r"2 of 4 have some, the first is graph 1; set model\.cycles = drop"):
        FAMILY.select(graphs, TreesConfig())
    assert FAMILY.select(graphs, TreesConfig(cycles="drop")).num_nodes.tolist() == [4, 3]
    with pytest.raises(InputError, match="all 2 have some"):
        FAMILY.select(graphs[1:3], TreesConfig(cycles="drop"))
    assert FAMILY.select(graphs, TreesConfig(cycles="cut")) == graphs
    forests, cut = spanning_forests(graphs)
    assert cut.tolist() == [0, 3, 6, 0]
    assert (forests.num_components() == 1).all()
    assert model_of(forests).encoder(graphs)(np.arange(3), key=(0, 0)).losses_of_data == {"cut_edges": 9}


def test_it_says_what_speaks_for_it() -> None:
    def said(graphs: GraphSet, config: TreesConfig) -> str:
        return FAMILY.suits(config, FAMILY.prepare(graphs, config, seed=0))

    assert said(path_graphs(3, 4), TreesConfig()) == "all graphs are trees"
    assert said(GraphSet.from_edge_lists([3], [[(0, 1)]]), TreesConfig()) == "no graph has a cycle"
    assert said(path_graphs(3), TreesConfig(cycles="cut")) == ""


@pytest.mark.parametrize("connected", [True, False])
def test_trees_are_drawn_where_all_graphs_are_trees(connected: bool) -> None:
    graphs = path_graphs(9, 12) if connected else GraphSet.from_edge_lists([9, 12], [[(0, 1)], [(0, 1), (2, 3)]])
    parts = model_of(graphs).sampler(Decoding()).draw(np.arange(50), np.zeros(50, np.int64), seed=1)
    drawn = GraphSet.concatenate([part.graphs for part in parts])
    assert (drawn.num_edges == drawn.num_nodes - drawn.num_components()).all()
    assert (drawn.num_components() == 1).all() == connected
    assert len(set(canonical_keys(drawn))) > 10


def test_a_long_path_and_a_large_star() -> None:
    star = GraphSet.from_edge_lists([5000], [[(0, i) for i in range(1, 5000)]])
    graphs = GraphSet.concatenate([path_graphs(4001), star])
    batch = model_of(graphs).encoder(graphs)(np.arange(2), key=(0, 0))
    assert batch.sizes.taken.tolist() == [4997]  # of the star; a path follows from its diameter
    assert codes_of({"left": np.array([-1, 15, 16, 10**9])}, ("left",)).ravel().tolist() == [0, 16, 17, NUM_CODES - 1]


def test_a_picture(tmp_path: Path) -> None:
    draw_decisions(path_graphs(6), tmp_path / "trees.svg")
    text = (tmp_path / "trees.svg").read_text(encoding="utf-8")
    assert text.count("<circle") == 6
    assert text.count("<rect") == 2  # the forest and the central edge
