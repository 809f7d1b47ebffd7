import networkx as nx
import numpy as np
import pytest
import torch
from enumeration import tiny_model
from plain_context import context_features, context_logits
from torch.nn import functional

from gengraph.data import load_dataset
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.orderings import Adjacency
from gengraph.models.graphrnn.candidates import context_table, used_features
from gengraph.models.graphrnn.config import CONTEXT_FEATURES
from gengraph.models.graphrnn.network import GraphRNNModel
from gengraph.models.graphrnn.rows import CONTINUE, STOP, RowBatch, encode_rows
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.streams import key_of, uniform_at
from gengraph.training.config import load_config

BOUND = 12


def dense_graphs() -> GraphSet:
    graphs = [nx.gnm_random_graph(n, m, seed=n) for n, m in ((14, 50), (12, 25), (9, 9), (30, 60), (1, 0))]
    return GraphSet.from_networkx(graphs)


def encoded(window: str, ordering: str) -> RowBatch:
    graphs = dense_graphs()
    adaptive = window == "adaptive"
    return encode_rows(
        Adjacency.of(graphs), np.arange(len(graphs)), ordering=ordering, max_prev_node=BOUND, adaptive=adaptive, key=(3, 0)
    )


def rows_of(batch: RowBatch, b: int) -> list[tuple[int, list[int]]]:
    """(row, bits nearest first) of one graph of a batch."""
    places = [int(batch.step_offsets[t]) + b for t in range(batch.num_nodes[b])]
    return [(row, batch.bits[row, : batch.widths[row]].tolist()) for row in places]


@pytest.mark.parametrize(("window", "ordering"), [("adaptive", "cm"), ("fixed", "degree")])
@pytest.mark.parametrize("used", [CONTEXT_FEATURES, CONTEXT_FEATURES[3:5], ()], ids=len)
def test_logits_equal_the_plain_evaluation(window: str, ordering: str, used: tuple[str, ...]) -> None:
    batch = encoded(window, ordering)
    settings = {
        "model__sequence__window": window,
        "model__sequence__ordering": ordering,
        "model__head__features": str(list(used)).replace("'", '"'),
    }
    model = tiny_model(model__head__kind="context", max_prev_node=BOUND, **settings)
    table = context_table(batch, used_features(used))
    logits = model.head.logits(model.node_states(batch), table)
    expected = []
    for b in range(len(batch.graph)):
        graph, made, rows = nx.empty_graph(1), [torch.ones(BOUND).double()], rows_of(batch, b)
        for t, (row, bits) in enumerate(rows[:-1]):
            states = model.node(functional.relu(model.embed(torch.stack(made))), [1] * len(made))
            if batch.decisions[row] == CONTINUE:
                by_node = {t - k: bit for k, bit in enumerate(bits)}
                expected.append(context_logits(model.head, states, graph, t, by_node))
            made.append(torch.from_numpy(batch.bits[row]).double())
            graph.add_node(t + 1)
            graph.add_edges_from((t - k, t + 1) for k, bit in enumerate(bits) if bit)
    torch.testing.assert_close(logits, torch.cat(expected), rtol=0, atol=1e-10)


def test_the_features_are_not_trivial() -> None:
    batch = encoded("fixed", "degree")
    seen: dict[str, set[int]] = {name: set() for name in CONTEXT_FEATURES}
    graph = nx.empty_graph(1)
    for t, (_, bits) in enumerate(rows_of(batch, 1)[:-1]):
        window = list(range(t + 1 - len(bits), t + 1))
        for node in window:
            chosen = [p for p in window if p < node and bits[t - p]]
            for name, value in context_features(graph, t, window, node, chosen).items():
                seen[name].add(value)
        graph.add_node(t + 1)
        graph.add_edges_from((t - k, t + 1) for k, bit in enumerate(bits) if bit)
    assert all(len(values) > 1 for values in seen.values()), seen


@pytest.mark.parametrize("window", ["adaptive", "fixed"])
def test_same_uniforms_same_bits_as_the_packed_network(window: str) -> None:
    model = tiny_model(model__head__kind="context", model__sequence__window=window, max_prev_node=BOUND)
    with torch.no_grad():  # graphs that are neither empty nor complete, and that end late
        model.head.output.bias.fill_(-2.0)
        model.decision.bias.copy_(torch.tensor([4.0, 0.0, 0.0]))
    seed, conditions = 7, Conditions(max_num_node=25)
    drawn = sample_graphs(model, np.arange(40), seed=seed, conditions=conditions)
    assert drawn.graphs.num_edges.max() > 60
    decided = 0
    for index, graph in enumerate(drawn.graphs.to_networkx()):
        batch = as_rows(graph, adaptive=model.adaptive)
        table = context_table(batch, model.head.used)
        logits = model.head.logits(model.node_states(batch), table)
        key, j, row = np.uint64(key_of(seed, index, 0)), 0, -1
        for s, (logit, free) in enumerate(zip(logits.tolist(), table.free, strict=True)):
            j, row = (j + 1 if table.rows[s] == row else 0), table.rows[s]
            uniform = uniform_at(key, row * (BOUND + 1) + 1 + j)
            threshold = np.log(uniform) - np.log1p(-uniform)
            assert not free or abs(logit - threshold) < 1e-5 or table.bits[s] == (logit > threshold)
            decided += 1
    assert decided > 3000


def as_rows(graph: nx.Graph, *, adaptive: bool) -> RowBatch:
    """The rows of a graph whose nodes are numbered in the order in which they were made."""
    n, start = graph.number_of_nodes(), 0
    bits, widths = np.zeros((n, BOUND), np.uint8), np.zeros(n, np.int32)
    decisions = np.ones(n, np.uint8)
    for t in range(n):
        widths[t] = min(t + 1 - start, BOUND)
        earlier = [p for p in graph[t + 1] if p <= t] if t + 1 < n else []
        bits[t, [t - p for p in earlier]] = 1
        decisions[t] = CONTINUE if earlier else 1
        start = min(earlier, default=t + 1) if adaptive else 0
    decisions[n - 1] = STOP
    return RowBatch(np.array([0]), np.array([n]), np.ones(n, np.int64), bits, widths, decisions, 0)


def test_gradients_in_float32_are_close_to_plain_autograd_in_float64() -> None:
    batch = encoded("adaptive", "cm")
    single = tiny_model(model__head__kind="context", max_prev_node=BOUND).float()
    double = tiny_model(model__head__kind="context", max_prev_node=BOUND)
    single.log_prob(batch).sum().backward()
    states = double.node_states(batch)
    head, table = double.head, context_table(batch, double.head.used)
    rows, candidates = torch.from_numpy(table.rows), torch.from_numpy(table.candidate_rows)
    sums = head.now(states)[rows] + head.then(states)[candidates] + head.table[torch.from_numpy(table.codes).long()].sum(1)
    logits = head.output(torch.relu(head.hidden(torch.relu(sums))))[:, 0]
    bits, free = torch.from_numpy(table.bits).double(), torch.from_numpy(table.free).double()
    decided = -(functional.binary_cross_entropy_with_logits(logits, bits, reduction="none") * free).sum()
    decisions = torch.from_numpy(batch.decisions).long()[:, None]
    (decided + double.decision_log_probs(states).gather(1, decisions).sum()).backward()
    for exact, rounded in zip(double.parameters(), single.parameters(), strict=True):
        assert (rounded.grad.double() - exact.grad).norm() < 1e-3 * exact.grad.norm()


def test_the_head_sees_triangles_that_the_published_heads_cannot() -> None:
    """Rows that differ only in which earlier nodes are adjacent to each other get different decisions."""
    graphs = load_dataset("community-small")
    batch = encode_rows(Adjacency.of(graphs), np.arange(5), ordering="cm", max_prev_node=12, adaptive=True, key=(0, 0))
    codes = context_table(batch, used_features(("chosen_adjacent",))).codes
    assert len(np.unique(codes[:, 3])) > 1
    assert len(np.unique(codes[:, [0, 1, 2, 4, 5]], axis=0)) == 1


def test_a_config_that_the_context_head_cannot_have_is_refused() -> None:
    config = load_config("graphrnn/default")
    with pytest.raises(InputError, match=r"needs model\.stop = decision"):
        config.replace(["model.head.kind=context", "model.stop=zero_row"])
    with pytest.raises(InputError, match=r"model\.head\.features must be among distance"):
        config.replace(["model.head.kind=context", 'model.head.features=["colour"]'])
    with pytest.raises(InputError, match="must be a list of names"):
        config.replace(["model.head.kind=context", "model.head.features=degree"])


def test_features_of_the_config_reach_the_model_and_come_back() -> None:
    config = load_config("graphrnn/default").replace(["model.head.kind=context", 'model.head.features=["degree", "gap"]'])
    assert type(config).from_dict(config.to_dict()) == config
    model = GraphRNNModel(config.model, tiny_model().facts)
    assert model.head.used.sum() == 2
