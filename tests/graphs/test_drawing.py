import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from command_line import gengraph
from scipy.spatial.distance import pdist

from gengraph.data import load_dataset
from gengraph.errors import InputError
from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.drawing import choose, draw_graphs, layout


def one(graph: nx.Graph) -> GraphSet:
    return GraphSet.from_networkx([graph], attributes="drop")


@pytest.mark.parametrize(
    "graph", [nx.grid_2d_graph(6, 9), nx.cycle_graph(20), nx.balanced_tree(2, 4), nx.ladder_graph(12)], ids=str
)
def test_distances_on_paper_follow_distances_in_the_graph(graph: nx.Graph) -> None:
    numbered = nx.convert_node_labels_to_integers(graph)
    lengths = dict(nx.all_pairs_shortest_path_length(numbered))
    wanted = [lengths[u][v] for u in range(len(graph)) for v in range(u + 1, len(graph))]
    assert np.corrcoef(pdist(layout(one(graph))), wanted)[0, 1] > 0.8


def test_a_grid_is_drawn_as_a_grid() -> None:
    positions = layout(one(nx.grid_2d_graph(7, 7)))
    graph = one(nx.grid_2d_graph(7, 7))
    lengths = np.linalg.norm(positions[graph.edges[:, 0]] - positions[graph.edges[:, 1]], axis=1)
    assert lengths.max() / lengths.min() < 1.6


@pytest.mark.parametrize(
    "graph",
    [
        nx.empty_graph(0),
        nx.empty_graph(1),
        nx.empty_graph(5),
        nx.path_graph(2),
        nx.disjoint_union_all([nx.complete_graph(4), nx.star_graph(5), nx.path_graph(3), nx.empty_graph(2)]),
        nx.complete_bipartite_graph(4, 30),
        nx.barabasi_albert_graph(1200, 2, seed=0),
    ],
    ids=lambda graph: f"{len(graph)}",
)
def test_every_graph_has_a_layout_in_the_unit_square_without_two_nodes_in_one_place(graph: nx.Graph) -> None:
    positions = layout(one(graph), seed=3)
    assert positions.shape == (len(graph), 2)
    assert np.isfinite(positions).all()
    assert ((positions > -1e-9) & (positions < 1 + 1e-9)).all()
    assert len(np.unique(positions, axis=0)) == len(graph)
    assert np.array_equal(positions, layout(one(graph), seed=3))


def test_a_long_ladder_is_wound_up_so_that_its_rungs_can_be_seen() -> None:
    graph = one(nx.ladder_graph(180))
    positions = layout(graph)
    lengths = np.linalg.norm(positions[graph.edges[:, 0]] - positions[graph.edges[:, 1]], axis=1)
    assert lengths.min() > 0.02
    assert lengths.max() < 0.1
    assert np.sort(pdist(positions))[0] > 0.015  # turns do not touch


def test_components_do_not_overlap() -> None:
    positions = layout(one(nx.disjoint_union(nx.complete_graph(8), nx.grid_2d_graph(4, 4))))
    first, second = positions[:8], positions[8:]
    apart = (first.max(axis=0) < second.min(axis=0)) | (second.max(axis=0) < first.min(axis=0))
    assert apart.any()


def test_the_choice_is_seeded_and_keeps_the_order() -> None:
    graphs = load_dataset("ladder-small")
    assert choose(graphs, 20) == graphs
    chosen = choose(graphs, 4, seed=1)
    assert len(chosen) == 4
    assert list(chosen.num_nodes) == sorted(chosen.num_nodes)
    assert chosen == choose(graphs, 4, seed=1)
    assert any(chosen != choose(graphs, 4, seed=seed) for seed in range(2, 6))


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_picture_is_the_same_every_time(suffix: str, tmp_path: Path) -> None:
    graphs = load_dataset("grid-small")[:5]
    for name in ("a", "b"):
        draw_graphs(graphs, tmp_path / f"{name}.{suffix}")
    first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b"))
    assert len(first) > 1000
    assert first == second


def test_the_picture_has_ink_for_every_graph(tmp_path: Path) -> None:
    from matplotlib.image import imread

    draw_graphs(load_dataset("grid-small")[:4], tmp_path / "p.png")
    picture = imread(tmp_path / "p.png")[:, :, :3]
    height, width = (side // 2 for side in picture.shape[:2])
    for quarter in (picture[:height, :width], picture[:height, width:], picture[height:, :width], picture[height:, width:]):
        assert (quarter.min(axis=2) < 0.6).sum() > 200


def test_no_graphs_no_picture(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 1 graph"):
        draw_graphs(GraphSet.empty(), tmp_path / "p.png")
    assert not list(tmp_path.iterdir())


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_graphs(load_dataset("grid-small"), tmp_path / "g.g6")
    assert "3 of 20 graphs: picture.png" in gengraph("plot g.g6 -o picture.png --count 3 --seed 1")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"needs the package matplotlib; pip install 'gengraph\[plot\]'"):
        draw_graphs(load_dataset("grid-small")[:1], tmp_path / "p.png")
    assert not list(tmp_path.iterdir())
