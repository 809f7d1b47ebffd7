from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from gengraph.benchmarks.speed.environment import grown
from gengraph.chemistry.reading import graphs_of_texts
from gengraph.chemistry.valences import valences_fit
from gengraph.chemistry.writing import smiles_of
from gengraph.errors import InputError
from gengraph.graphs import GraphSet, LabelArrays
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.graphs.schema import Labels, LabelSchema
from gengraph.models.family import Decoding, HasPolicy
from gengraph.models.gcpn.config import GCPNConfig
from gengraph.models.gcpn.family import GCPN
from gengraph.models.gcpn.model import GCPNModel
from gengraph.models.gcpn.sequences import batch_of, growth
from gengraph.models.gcpn.states import ALONE, END, Rules, States
from gengraph.models.numbers import Numbers

FAMILY = GCPN()
QM9 = graphs_of_texts((Path(__file__).parents[2] / "chemistry" / "qm9_400.smi").read_text().split()).graphs
BONDS = Labels("bond", ("1", "2"))


def labelled(nodes: list[int], edges: list[tuple[int, int]], bonds: list[int], atoms: tuple[str, ...]) -> GraphSet:
    schema = LabelSchema(Labels("element", atoms), BONDS)
    return GraphSet.from_edge_lists([len(nodes)], [edges]).labelled(
        LabelArrays(schema, np.array(nodes, np.int32), np.array(bonds, np.int32))
    )


def made(graphs: GraphSet, **fields: object) -> GCPNModel:
    config = GCPNConfig(**{"hidden_size": 8, "num_layers": 2, **fields})  # type: ignore[arg-type]
    facts = FAMILY.prepare(graphs, config, seed=0) | {"labels": graphs.schema.to_json()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = FAMILY.build(config, facts).eval()
    assert isinstance(model, GCPNModel)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(2)  # further from uniform
    return model


@pytest.fixture(scope="module")
def molecules() -> GCPNModel:
    return made(QM9)


def drawn(model: GCPNModel, count: int, decoding: Decoding | None = None) -> GraphSet:
    parts = list(model.sampler(decoding or Decoding()).draw(np.arange(count), np.zeros(count, np.int64), seed=3))
    order = np.argsort(np.concatenate([part.place for part in parts]))
    return GraphSet.concatenate([part.graphs for part in parts])[order]


def completions(rules: Rules, actions: list[list[int]], limit: int) -> Iterator[list[list[int]]]:
    """All sequences that begin like this, cut where a node would be too many."""
    states = States.empty(rules, 1, limit + 1)
    for action in actions:
        states.take(np.array([action]))
    if states.count[0] > limit:
        yield actions
        return
    free = states.free()
    firsts = states.open_firsts(free)
    edge, alone, end = states.open_kinds(firsts)[0]
    if end:
        yield [*actions, [END, 0, 0]]
    following = [[ALONE, -1 - k, 0] for k in range(len(rules.largest))] if alone else []
    for first in np.flatnonzero(firsts[0]).tolist() if edge else []:
        for place in np.flatnonzero(states.open_targets(free, np.array([first]))[0]).tolist():
            target = place if place < states.room else states.room - 1 - place
            bonds = states.open_bonds(free, np.array([first]), np.array([target]))[0]
            following += [[first, target, bond] for bond in np.flatnonzero(bonds).tolist()]
    for action in following:
        yield from completions(rules, [*actions, action], limit)


@pytest.mark.parametrize("components", [False, True])
def test_sequences_sum_to_one_and_samples_follow_them(components: bool) -> None:
    limit = 3 - components
    graph = labelled([0, 1, 0], [(0, 1), (1, 2)], [0, 1], ("O", "B"))
    apart = labelled([0, 1], [], [], ("O", "B"))
    model = made(GraphSet.concatenate([graph, apart]) if components else graph).double()
    found = list(completions(model.rules, [], limit))
    whole = np.zeros((len(found), max(map(len, found)) + 1, 3), np.int64)
    whole[:, :, 0] = END
    for place, actions in enumerate(found):
        whole[place, : len(actions)] = actions
    batch = batch_of(model.rules, np.arange(len(found)), whole)
    with torch.inference_mode():
        logs, owner = (tensor.numpy() for tensor in model.decisions(batch))
    cut = np.array([actions[-1][0] != END for actions in found])
    decided = ~((batch.taken[:, 0] == END) & cut[owner])  # what is cut does not end by itself
    shares = np.exp(np.bincount(owner[decided], logs[decided], minlength=len(found)))
    assert shares.sum() == pytest.approx(1, abs=1e-9)
    expected: Counter[bytes] = Counter()
    for actions, share in zip(found, shares, strict=True):
        expected[np.array(actions[:-1]).tobytes()] += share  # the last one ends it, or is what was cut
    _, taken = model.sampler(Decoding(max_num_node=limit)).actions(np.arange(4000), np.zeros(4000, np.int64), seed=1)
    counts = Counter(actions[: int((actions[:, 0] != END).sum())].tobytes() for actions in taken)
    assert set(counts) <= set(expected)
    often = [name for name, share in expected.items() if share * len(taken) >= 5]
    assert len(often) > 10
    observed = np.array([counts[name] for name in often] + [0])
    likely = np.array([expected[name] for name in often] + [0]) * len(taken)
    observed[-1], likely[-1] = len(taken) - observed.sum(), len(taken) - likely.sum()
    assert (
        chisquare(observed[likely > 1], likely[likely > 1] * observed[likely > 1].sum() / likely[likely > 1].sum()).pvalue
        > 1e-3
    )


def test_growths_are_uniform_over_the_edges_that_touch() -> None:
    path = labelled([0, 1, 2], [(0, 1), (1, 2)], [0, 1], ("C", "N", "O"))
    taken = growth(path[np.zeros(3000, np.int64)], Numbers.of(5, np.arange(3000), np.zeros(3000, np.int64)))
    counts = Counter(actions.tobytes() for actions in taken)
    known = {  # from C, from O, and two from N in the middle
        ((ALONE, -1, 0), (0, -2, 0), (1, -3, 1)): 1000,
        ((ALONE, -3, 0), (0, -2, 1), (1, -1, 0)): 1000,
        ((ALONE, -2, 0), (0, -1, 0), (0, -3, 1)): 500,
        ((ALONE, -2, 0), (0, -3, 1), (0, -1, 0)): 500,
    }
    observed = [counts[np.array([*actions, (END, 0, 0)]).tobytes()] for actions in known]
    assert sum(observed) == 3000
    assert chisquare(observed, list(known.values())).pvalue > 1e-3


def test_growths_end_at_the_graph_and_are_always_connected(molecules: GCPNModel) -> None:
    batch = molecules.encoder(QM9)(np.arange(len(QM9)), key=(3, 4))
    assert (batch.actions[:, :, 0] != END).sum() == int(QM9.num_edges.sum()) + len(QM9)
    partial = batch.states[batch.states.count > 0].graphs(QM9.schema)
    assert (partial.num_components() == 1).all()
    assert valences_fit(partial).all()
    last = np.flatnonzero(batch.taken[:, 0] == END)
    whole = batch.states[last[np.argsort(batch.owner[last])]].graphs(QM9.schema)
    assert canonical_keys(whole) == canonical_keys(QM9)
    again = molecules.encoder(QM9)(np.array([7, 2]), key=(3, 4))
    assert molecules.sequences(again) == [molecules.sequences(batch)[g] for g in (7, 2)]
    with torch.inference_mode():
        assert torch.allclose(molecules.log_prob(batch)[[7, 2]], molecules.log_prob(again), atol=1e-4)


def test_every_sample_is_valid_and_every_action_that_is_open_too(molecules: GCPNModel) -> None:
    samples = drawn(molecules, 300)
    assert not smiles_of(samples).invalid
    assert (samples.num_components() == 1).all()
    assert (samples.num_nodes > 3).sum() > 50
    random = grown(molecules.rules, 300, 20).graphs(QM9.schema)
    assert not smiles_of(random).invalid
    assert random.num_nodes.mean() > 10
    sure = drawn(molecules, 300, Decoding(temperature=0.2))
    assert len(set(canonical_keys(sure))) < len(set(canonical_keys(samples)))


def test_decisions_are_those_of_the_graphs_that_were_drawn(molecules: GCPNModel) -> None:
    samples, indices = drawn(molecules, 30), np.arange(30)
    assert isinstance(molecules, HasPolicy)
    batch = molecules.rollout(samples[3:], indices[3:], np.zeros(27, np.int64), seed=3)
    last = np.flatnonzero(batch.taken[:, 0] == END)
    assert batch.states[last[np.argsort(batch.owner[last])]].graphs(QM9.schema) == samples[3:]
    logs, owner = molecules.decisions(batch)
    assert logs.requires_grad
    assert torch.allclose(torch.bincount(owner, logs.double()), molecules.log_prob(batch).double(), atol=1e-5)
    assert len(logs) == int(samples[3:].num_edges.sum()) + 2 * 27
    with pytest.raises(InputError, match="others; draw them anew"):
        molecules.rollout(samples[:27], indices[3:], np.zeros(27, np.int64), seed=3)


def test_a_start_stays_as_it_is(molecules: GCPNModel) -> None:
    start = graphs_of_texts(["C1CC=C1"]).graphs
    samples = drawn(molecules, 100, Decoding(start=start))
    assert not smiles_of(samples).invalid
    assert (samples.num_nodes > 4).any()
    known = start.relabelled(QM9.schema)
    for graph in samples:
        kept = graph.induced(np.arange(graph.num_nodes[0]) < 4)
        assert kept == known
    for text, message in (("CP", "must be one of C, .*got P"), ("C" * 40, "1 to 18 nodes, got 40")):
        with pytest.raises(InputError, match=message):
            molecules.sampler(Decoding(start=graphs_of_texts([text]).graphs))


def test_what_the_training_graphs_rule_out_is_refused(molecules: GCPNModel) -> None:
    five = labelled([0] * 6, [(0, k) for k in range(1, 6)], [0] * 5, ("C", "O"))
    with pytest.raises(InputError, match=r"one component, 1 of 2 are not"):
        molecules.encoder(GraphSet.concatenate([QM9[:1], five.relabelled(QM9.schema)]))
    with pytest.raises(InputError, match=r"1 of 1 graphs have one with more; set model.valences = none"):
        made(five, valences="masked")
    assert not made(five).masked
    colours = labelled([0, 1], [(0, 1)], [0], ("red", "blue"))
    assert not made(colours).masked
    with pytest.raises(InputError, match=r"Kekule form, got .*set model.valences = none"):
        made(colours, valences="masked")


def test_distances_and_new_atoms_are_what_the_paper_appends(molecules: GCPNModel) -> None:
    policy, ring = (
        molecules.policy,
        States.started(molecules.rules, graphs_of_texts(["C1CCCCC1CC"]).graphs.relabelled(QM9.schema), 1),
    )
    bonds = torch.from_numpy(ring.bonds)
    away = policy.away_from(torch.tensor([7]), bonds)[0]
    walks = nx.single_source_shortest_path_length(nx.from_numpy_array(ring.bonds[0]), 7)
    assert away[:8].tolist() == [walks[node] for node in range(8)]
    assert (away[8:] == policy.distances + 1).all()
    with torch.inference_mode():
        nodes, graph = molecules.policy.read(ring)
        ring = ring.widened(9)
        ring.labels[0, 8], ring.count[0] = 3, 8
        appended, same = molecules.policy.read(ring)
    assert torch.allclose(appended[0, 8], nodes[0, 8 + 3], atol=1e-5)
    assert torch.allclose(graph, same, atol=1e-5)
