"""Orders of nodes, what decisions see, and how an order is chosen."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from gengraph.graphs import GraphSet
from gengraph.models.attachment import FAMILY
from gengraph.models.attachment.coding import Coder, choices_of, rows_of
from gengraph.models.attachment.config import AttachmentConfig
from gengraph.models.attachment.orders import ORDERS, Matrix, Order, draw_order, find_ring
from gengraph.models.attachment.sampler import _Growth
from gengraph.models.attachment.views import Typical, choice_codes, number_codes
from gengraph.seeded import Stream

PAW = nx.Graph([(0, 1), (1, 2), (2, 0), (2, 3)])  # a triangle with a tail


def matrix_of(graph: nx.Graph) -> Matrix:
    return nx.to_numpy_array(graph, dtype=np.float32)


def drawn(matrix: Matrix, order: Order, seed: int) -> tuple[list[int], float]:
    nodes, log_prob = draw_order(matrix, order, find_ring(matrix) if order == "ring" else None, Stream(seed))
    return nodes.tolist(), log_prob


@pytest.mark.parametrize("order", ORDERS)
def test_orders_are_drawn_with_their_probabilities(order: Order) -> None:
    """Those of all different orders sum to one, and each is met as often as it says."""
    matrix, count = matrix_of(PAW), 300
    found = [drawn(matrix, order, seed) for seed in range(count)]
    log_prob = {tuple(nodes): value for nodes, value in found}
    assert sum(np.exp([*log_prob.values()])) == pytest.approx(1)
    for nodes, value in list(log_prob.items())[:5]:
        expected = np.exp(value)
        share = sum(tuple(other) == nodes for other, _ in found) / count
        assert abs(share - expected) < 5 * np.sqrt(expected / count)


def test_a_node_joins_as_its_order_says() -> None:
    grown = matrix_of(nx.barabasi_albert_graph(30, 2, seed=0))
    nodes, _ = drawn(grown, "degeneracy", 0)
    assert np.tril(grown[np.ix_(nodes, nodes)]).sum(1).max() == 2
    cliques = matrix_of(nx.connected_caveman_graph(4, 6))
    nodes, _ = drawn(cliques, "cardinality", 0)
    assert sum(a // 6 != b // 6 for a, b in pairwise(nodes)) <= 8
    path = matrix_of(nx.path_graph(9))
    nodes, _ = drawn(path, "bfs", 0)
    apart = [abs(node - nodes[0]) for node in nodes]
    assert apart == sorted(apart)


def test_a_ring_is_found_in_spite_of_chords() -> None:
    matrix = matrix_of(nx.watts_strogatz_graph(60, 4, 0.1, seed=1))
    nodes, _ = drawn(matrix, "ring", 0)
    place, other = np.nonzero(np.tril(matrix[np.ix_(nodes, nodes)]))
    apart = np.minimum(place - other, 60 - (place - other))
    assert (apart <= 3).mean() > 0.8
    lattice = matrix_of(nx.watts_strogatz_graph(40, 4, 0.0))
    nodes, _ = drawn(lattice, "ring", 0)
    place, other = np.nonzero(np.tril(lattice[np.ix_(nodes, nodes)]))
    assert np.minimum(place - other, 40 - (place - other)).max() == 2


def test_the_sampler_sees_what_the_encoder_saw() -> None:
    """Along a sequence, each decision has the same codes."""
    graphs = GraphSet.from_networkx([nx.gnp_random_graph(14, 0.3, seed=3)])
    typical = Typical(4, 1.5)
    sequence = Coder(graphs, "cardinality", typical).sequence(0, (0, 0))
    n, joined = len(sequence.matrix), sequence.joined
    rows, (codes, choice, _) = number_codes(rows_of(sequence, typical)), choice_codes(choices_of(sequence))
    growth, number = _Growth.empty(n, n, len(sequence.target)), 0
    for place in range(1, n):
        assert (number_codes(growth.row(place, typical))[0] == rows[place]).all()
        for chosen in range(joined[place]):
            seen = choice_codes(growth.choice(place, chosen, joined[place] - chosen))[0]
            assert (seen == codes[choice == number]).all()
            growth.choose(int(sequence.target[number]))
            number += 1
        growth.end_row(place)
    assert number == len(sequence.target) > 20
    assert (growth.matrix == sequence.matrix).all()


def test_the_order_that_costs_least_is_taken() -> None:
    """Of grown graphs the reverse of peeling; and graphs without structure speak for none."""
    grown = GraphSet.from_networkx([nx.barabasi_albert_graph(24, 1, seed=seed) for seed in range(20)])
    facts = FAMILY.prepare(grown, AttachmentConfig(), seed=0)
    costs = dict(facts["costs"])
    assert facts["order"] == min(costs, key=costs.__getitem__)
    assert costs["degeneracy"] < costs["bfs"]
    assert "nats a graph" in FAMILY.suits(AttachmentConfig(), facts)
    assert "degeneracy" in FAMILY.describe(AttachmentConfig(), facts)["order"]
    near = {"costs": [["degeneracy", 100.0], ["cardinality", 105.0], ["bfs", 111.0], ["ring", 109.0]]}
    tried = [settings["model.order"] for settings in FAMILY.variants(AttachmentConfig(), near)]
    assert tried == ["degeneracy", "cardinality", "ring"]
    assert FAMILY.variants(AttachmentConfig(order="ring"), {"costs": []}) == ({},)
    alike = GraphSet.from_networkx([nx.gnp_random_graph(20, 0.5, seed=seed) for seed in range(10)])
    assert FAMILY.suits(AttachmentConfig(), FAMILY.prepare(alike, AttachmentConfig(), seed=0)) == ""
