import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import graph_sets

from gengraph.data import load_dataset
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.orderings import ORDERINGS, Adjacency
from gengraph.models.graphrnn.bandwidth import choose_max_prev_node, estimate_max_prev_node, measure_reach, safe_bound
from gengraph.models.graphrnn.config import SequenceConfig
from gengraph.models.graphrnn.rows import encode_rows
from gengraph.training.config import Config
from gengraph.training.trainer import prepare_graphs


def test_max_prev_node_estimates() -> None:
    ladder = load_dataset("ladder-small")
    assert estimate_max_prev_node(ladder, "cm").max_prev_node == 2
    grid = load_dataset("grid-small")
    exact = estimate_max_prev_node(grid, "bfs")
    assert exact.share_cut == 0
    assert exact == estimate_max_prev_node(grid, "bfs")
    smaller = estimate_max_prev_node(grid, "bfs", quantile=0.5)
    assert smaller.max_prev_node < exact.max_prev_node
    assert 0 < smaller.share_cut < 1
    given_one = estimate_max_prev_node(grid, "bfs", max_prev_node=1)
    assert given_one.max_prev_node == 1
    assert given_one.share_cut > smaller.share_cut
    edgeless = GraphSet.from_networkx([nx.empty_graph(3)])
    assert estimate_max_prev_node(edgeless, "bfs").to_dict() == {
        "max_prev_node": 1,
        "num_orderings": 100_000,
        "share_cut": 0.0,
    }


def bound_by_networkx(graph: nx.Graph) -> int:
    widest = 1
    for root in graph:
        levels = np.bincount(list(nx.single_source_shortest_path_length(graph, root).values()))
        widest = max(widest, *(np.append(levels, 0)[:-1] + np.append(levels[1:], 0) - 1))
    return int(widest)


@given(graphs=graph_sets(min_nodes=1), seed=st.integers(0, 5))
def test_the_safe_bound_is_the_formula_and_safe(graphs: GraphSet, seed: int) -> None:
    if not len(graphs):
        return
    bound = safe_bound(graphs)
    assert bound == max(bound_by_networkx(graph) for graph in graphs.to_networkx())
    for ordering in ("bfs", "cm", "rcm"):
        batch = encode_rows(
            Adjacency.of(graphs), np.arange(len(graphs)), ordering=ordering, max_prev_node=bound, adaptive=False, key=(seed, 0)
        )
        assert batch.num_cut == 0


def test_the_safe_bound_of_known_graphs() -> None:
    assert safe_bound(GraphSet.from_networkx([nx.path_graph(9)])) == 3  # from the middle two nodes a level
    assert safe_bound(GraphSet.from_networkx([nx.star_graph(6)])) == 6
    assert safe_bound(GraphSet.from_networkx([nx.empty_graph(4), nx.complete_graph(5)])) == 4
    assert safe_bound(GraphSet.from_networkx([nx.path_graph(40_000)])) is None


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_candidates_are_what_the_rows_have(ordering: str) -> None:
    graphs = load_dataset("grid-small")
    reach = measure_reach(graphs, ordering)
    adaptive = ordering in ("bfs", "cm")
    width = reach.quantile(1)
    draws = [
        encode_rows(
            Adjacency.of(graphs), np.arange(20), ordering=ordering, max_prev_node=width, adaptive=adaptive, key=(0, epoch)
        )
        for epoch in range(50)
    ]
    mean = np.mean([batch.widths[batch.decisions < 2].sum() for batch in draws]) / 20
    assert reach.mean_candidates == pytest.approx(mean, rel=0.02 if adaptive else 1e-9)


def test_a_config_chooses() -> None:
    graphs = load_dataset("grid-small")
    bound = choose_max_prev_node(graphs, SequenceConfig(bandwidth="bound"), seed=0)
    assert bound.max_prev_node == safe_bound(graphs)
    quantile = choose_max_prev_node(graphs, SequenceConfig(ordering="bfs", quantile=0.5), seed=0)
    assert quantile.max_prev_node < bound.max_prev_node
    assert quantile.share_cut > 0
    assert choose_max_prev_node(graphs, SequenceConfig(max_prev_node=2, bandwidth="bound"), seed=0).max_prev_node == 2
    with pytest.raises(InputError, match=r"too large for that; set model\.sequence\.bandwidth = estimate"):
        choose_max_prev_node(GraphSet.from_networkx([nx.path_graph(40_000)]), SequenceConfig(bandwidth="bound"), seed=0)


@pytest.mark.parametrize("ordering", ["degree", "k-core", "rcm", "random"])
def test_training_knows_that_rows_may_be_empty(ordering: str) -> None:
    config = Config().replace([f"model.sequence.ordering={ordering}", "model.sequence.window=fixed"])
    _, facts = prepare_graphs(load_dataset("ladder-small"), config)
    assert facts["several_components"]


def test_wrong_requests_are_refused() -> None:
    graphs = load_dataset("ladder-small")
    with pytest.raises(InputError, match=r"quantile must lie in \(0, 1\], got 0"):
        estimate_max_prev_node(graphs, "bfs", quantile=0)
    with pytest.raises(InputError, match="empty graph set"):
        estimate_max_prev_node(GraphSet.empty(), "bfs")
