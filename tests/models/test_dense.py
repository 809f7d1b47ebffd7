"""Random numbers of graphs drawn together, and graphs as matrices."""

import numpy as np
import pytest
from scipy import stats

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array, Labels, LabelSchema
from gengraph.models.dense import FIRST, DenseSampler, adjacency, drawn_pairs, graphs_of, labelled_graphs
from gengraph.models.digress.config import DiGressConfig
from gengraph.models.digress.family import DiGress
from gengraph.models.numbers import Numbers
from gengraph.models.sizes import SizeLaw
from gengraph.streams import key_of, uniform_at
from gengraph.testing.generators import TRAINING


def test_numbers_are_those_of_the_streams() -> None:
    numbers = Numbers.of(3, np.array([5, 10**9, 5]), np.array([0, 0, 2]))
    expected = [[uniform_at(np.uint64(key_of(3, i, a)), k) for k in (7, 8)] for i, a in ((5, 0), (10**9, 0), (5, 2))]
    assert numbers.uniforms(7, 2).tolist() == expected
    assert numbers[np.array([2])].uniforms(np.array([8]), 1)[0, 0] == expected[2][1]


def test_parts_are_all_numbers_in_their_order() -> None:
    numbers = Numbers.of(3, np.arange(5), np.ones(5, np.int64))
    parts = list(numbers.parts(2))
    assert [places.tolist() for places, _ in parts] == [[0, 1], [2, 3], [4]]
    assert np.concatenate([part.keys for _, part in parts]).tolist() == numbers.keys.tolist()
    assert list(numbers[np.arange(0)].parts(2)) == []


def test_normals_are_normal() -> None:
    drawn = Numbers.of(0, np.arange(200), np.zeros(200, np.int64)).normals(2, 100)
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 1e-3
    assert np.isfinite(drawn).all()


def test_matrices_are_the_graphs() -> None:
    matrix = adjacency(TRAINING)
    assert (matrix == matrix.transpose(0, 2, 1)).all()
    assert graphs_of(TRAINING.num_nodes.astype(np.int64), matrix) == TRAINING


@pytest.mark.parametrize("nodes", [None, Labels("colour", ("red", "blue"))])
@pytest.mark.parametrize("edges", [None, Labels("bond", ("1", "2", "3"))])
def test_matrices_have_the_labels_that_their_schema_says(nodes: Labels | None, edges: Labels | None) -> None:
    of_nodes, of_pairs = np.array([[1, 0, 0], [0, 1, 1]]), np.array([[[0, 9], [3, 0]], [[0, 1], [1, 0]]])
    of_pairs = np.pad(of_pairs, ((0, 0), (0, 1), (0, 1)))  # what is above the diagonal says nothing
    of_pairs[1, 2, 0] = 2
    made = labelled_graphs(np.array([2, 3]), of_nodes, of_pairs, LabelSchema(nodes, edges))
    assert made.bare() == GraphSet.from_edge_lists([2, 3], [[(0, 1)], [(0, 1), (0, 2)]])
    assert made.schema == LabelSchema(nodes, edges)
    assert (None if made.node_labels is None else made.node_labels.tolist()) == (nodes and [1, 0, 0, 1, 1])
    assert (None if made.edge_labels is None else made.edge_labels.tolist()) == (edges and [2, 0, 1])


def test_what_is_too_large_is_refused() -> None:
    largest, family = int(TRAINING.num_nodes.max()), DiGress()
    assert family.select(TRAINING, DiGressConfig(most_nodes=largest)) == TRAINING
    with pytest.raises(InputError, match=rf"digress takes .* at most 2 nodes, got {largest}: memory .* set model\.most_nodes"):
        family.select(TRAINING, DiGressConfig(most_nodes=2))


class Halves(DenseSampler):
    """Each pair is an edge or not, with equal probability; notes how many are drawn together."""

    def draw_graphs(self, numbers: Numbers, sizes: Int64Array) -> GraphSet:
        n = int(sizes.max())
        self.sizes = [*getattr(self, "sizes", []), set(sizes.tolist())]
        self.most = max(getattr(self, "most", 0), len(sizes) * n * n)
        return graphs_of(sizes, drawn_pairs(numbers, FIRST, np.full((len(sizes), n, n), 0.5), sizes))


def test_a_graph_is_the_same_in_any_company() -> None:
    law = SizeLaw.from_counts([[2, 5], [7, 5], [30, 1]], 0.0)

    def drawn(sampler: Halves, indices: list[int]) -> dict[int, GraphSet]:
        found: dict[int, GraphSet] = {}
        for some in sampler.draw(np.array(indices), np.zeros(len(indices), np.int64), seed=1):
            found |= {indices[place]: graph for place, graph in zip(some.place, some.graphs, strict=True)}
        return found

    wide, narrow = Halves(law, None), Halves(law, None, cells=100)
    many, few = drawn(wide, list(range(300))), drawn(narrow, [299, 17, 5])
    assert few == {g: many[g] for g in (299, 17, 5)}
    assert sorted({int(graph.num_nodes[0]) for graph in many.values()}) == [2, 7, 30]
    sevens = GraphSet.concatenate(graph for graph in many.values() if graph.num_nodes[0] == 7)
    assert abs(len(sevens.edges) / (21 * len(sevens)) - 0.5) < 0.05
    equal = Halves(law, None, equal=True)
    assert drawn(equal, list(range(300))) == many
    assert max(map(len, wide.sizes)) > 1
    assert equal.sizes == [{2}, {7}, {30}]
    drawn(narrow, list(range(300)))
    assert narrow.most <= 900  # a graph of 30 nodes alone is more than is drawn together otherwise
    assert all(int(graph.num_nodes[0]) <= 4 for graph in drawn(Halves(law, 4), list(range(50))).values())
