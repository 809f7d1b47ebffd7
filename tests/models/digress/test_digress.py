"""DiGress: noise and posterior are those of its chain, features those of networkx, samples follow the network's law."""

import itertools

import networkx as nx
import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import Descriptors
from scipy import stats

from gengraph.chemistry.reading import MoleculeOptions, graphs_of_texts
from gengraph.errors import InputError
from gengraph.graphs import GraphSet, LabelArrays, LabelSchema
from gengraph.models.dense import inside, labelled_graphs
from gengraph.models.digress import FAMILY
from gengraph.models.digress.classes import classes_of, drawn, marginals
from gengraph.models.digress.config import DiGressConfig
from gengraph.models.digress.features import node_cycles, spectral_features
from gengraph.models.digress.model import DiGressModel
from gengraph.models.digress.molecular import atoms_of, molecular_features
from gengraph.models.digress.noise import kept_share, posterior, prior_logits
from gengraph.models.family import Decoding
from gengraph.testing.generators import TRAINING
from gengraph.training.checkpoint import build_model
from gengraph.training.config import usual_config
from gengraph.training.trainer import prepare_graphs

NUM_DRAWN = 20_000


def small_model(graphs: GraphSet, **fields: object) -> DiGressModel:
    """Random weights that are large enough for the law to be far from uniform."""
    sizes = {"num_layers": 1, "node_size": 8, "edge_size": 8, "graph_size": 4, "heads": 2}
    config = DiGressConfig(**{**sizes, **fields})
    torch.manual_seed(3)
    facts = FAMILY.prepare(graphs, config, seed=0) | ({"labels": graphs.schema.to_json()} if graphs.schema else {})
    model = FAMILY.build(config, facts)
    assert isinstance(model, DiGressModel)
    with torch.no_grad():
        for weight in model.network.out.parameters():
            weight.mul_(4)
    return model.double().eval()


def random_adjacency(count: int, n: int) -> tuple[list[nx.Graph], torch.Tensor]:
    graphs = [nx.gnp_random_graph(n, 0.2 + 0.5 * i / count, seed=i) for i in range(count)]
    return graphs, torch.tensor(np.stack([nx.to_numpy_array(graph) for graph in graphs]))


def test_cycles_are_those_of_networkx() -> None:
    graphs, adjacency = random_adjacency(20, 8)
    for graph, found in zip(graphs, node_cycles(adjacency).numpy(), strict=True):
        expected = np.zeros((8, 3))
        for cycle in nx.simple_cycles(graph, length_bound=5):
            expected[cycle, len(cycle) - 3] += 1
        assert np.allclose(found, expected)


def test_spectra_are_those_of_networkx_and_padding_is_nothing() -> None:
    graphs, adjacency = random_adjacency(20, 8)
    at_node, in_graph = spectral_features(adjacency, torch.ones(20, 8, dtype=torch.bool))
    for i, graph in enumerate(graphs):
        values = np.linalg.eigvalsh(nx.laplacian_matrix(graph).toarray())
        count = nx.number_connected_components(graph)
        rest = np.pad(values[count : count + 5], (0, 5))[:5]
        assert np.allclose(in_graph[i].numpy(), [count / 8, *(rest / 8)], atol=1e-6)
        largest = max(map(len, nx.connected_components(graph)))
        outside = [len(nx.node_connected_component(graph, v)) < largest for v in graph]
        assert at_node[i, :, 0].numpy().astype(bool).tolist() == outside
    padded = torch.zeros(20, 11, 11, dtype=torch.float64)
    padded[:, :8, :8] = adjacency
    inside = torch.arange(11).expand(20, 11) < 8
    more, same = spectral_features(padded, inside)
    assert torch.allclose(same, in_graph, atol=1e-6)
    assert torch.allclose(more[:, :8, 0], at_node[:, :, 0])


@pytest.mark.parametrize("graph", [nx.cycle_graph(6), nx.star_graph(5), nx.complete_bipartite_graph(2, 4), nx.empty_graph(6)])
def test_spectra_say_nothing_of_the_order_of_nodes(graph: nx.Graph) -> None:
    """Equal eigenvalues have no eigenvectors of their own."""
    adjacency = torch.tensor(nx.to_numpy_array(graph))
    everywhere = torch.ones(1, 6, dtype=torch.bool)
    expected, of_graph = spectral_features(adjacency[None], everywhere)
    for seed in range(5):
        order = torch.from_numpy(np.random.default_rng(seed).permutation(6))
        found, in_graph = spectral_features(adjacency[order][:, order][None], everywhere)
        assert torch.allclose(found, expected[:, order], atol=1e-9)
        assert torch.allclose(in_graph, of_graph)


def test_the_noise_begins_with_the_graph_and_ends_with_none_of_it() -> None:
    share = kept_share(50)
    assert share[0] == 1
    assert share[-1] == 0
    assert (np.diff(share) < 0).all()


@pytest.mark.parametrize("times", [(0, 1), (3, 7), (9, 10)])
def test_the_posterior_is_that_of_the_chain(times: tuple[int, int]) -> None:
    """By Bayes' rule on the 3 x 3 transitions, from time 0 to s to t."""
    share, marginal = kept_share(10), np.array([0.6, 0.3, 0.1])
    start, step = share[times[0]], share[times[1]] / share[times[0]]
    first, second = (kept * np.eye(3) + (1 - kept) * marginal for kept in (start, step))
    found = posterior(torch.arange(3), start, share[times[1]], torch.tensor(marginal)).numpy()
    for now, clean in itertools.product(range(3), repeat=2):
        joint = first[clean] * second[:, now]
        if joint.sum() > 0:
            assert found[now, clean] == pytest.approx(joint / joint.sum(), abs=1e-12)


def test_what_a_class_says_by_itself_is_bayes_rule() -> None:
    marginal, kept = np.array([0.6, 0.3, 0.1]), 0.35
    said = prior_logits(torch.arange(3), torch.full((3,), kept, dtype=torch.float64), torch.tensor(marginal)).softmax(-1)
    joint = marginal[:, None] * (kept * np.eye(3) + (1 - kept) * marginal)
    assert np.allclose(said.numpy(), (joint / joint.sum(0)).T)


def test_classes_are_the_graphs_and_marginals_their_shares() -> None:
    for graphs in (LABELLED, TRAINING):
        classes = classes_of(graphs)
        assert labelled_graphs(graphs.num_nodes.astype(np.int64), classes.nodes, classes.pairs, graphs.schema) == graphs
    of_nodes, of_pairs = marginals(LABELLED)
    assert of_nodes == pytest.approx(np.array([3.5, 2.5]) / 6)
    assert of_pairs == pytest.approx(np.array([1.5, 1.5, 2.5]) / 5.5)


def test_classes_are_drawn_with_their_probabilities() -> None:
    likely = np.array([0.5, 0.2, 0.0, 0.3])
    shares = np.bincount(drawn(np.linspace(0, 1, 10_000, endpoint=False), np.tile(likely, (10_000, 1))), minlength=4) / 10_000
    assert shares == pytest.approx(likely, abs=1e-3)


LABELLED = GraphSet.from_edge_lists([3, 2], [[(0, 1), (1, 2)], [(0, 1)]]).labelled(
    LabelArrays.coded(nodes=("colour", ["a", "b", "a", "a", "b"]), edges=("kind", ["x", "y", "y"]))
)


@pytest.mark.parametrize(
    ("graphs", "n", "fields", "fewer"),
    [
        (GraphSet.from_edge_lists([3, 3], [[(0, 1), (1, 2)], [(0, 1)]]), 3, {"steps": 3}, None),
        (GraphSet.from_edge_lists([3, 3], [[(0, 1), (1, 2)], [(0, 1)]]), 3, {"steps": 9}, 2),
        (LABELLED[1:], 2, {"steps": 4, "features": "none"}, None),
    ],
)
def test_samples_follow_the_law_of_the_network(graphs: GraphSet, n: int, fields: dict[str, object], fewer: int | None) -> None:
    """On two or three nodes the chain of all graphs is enumerated."""
    if graphs.labels is not None:
        graphs = GraphSet.concatenate([graphs, LABELLED])
    model = small_model(graphs, **fields)
    counts, (rows, columns) = (len(model.of_nodes), len(model.of_pairs)), np.tril_indices(n, -1)
    states = np.array([*itertools.product(*[range(counts[0])] * n, *[range(counts[1])] * len(rows))])
    nodes, low = states[:, :n], states[:, n:]
    pairs = np.zeros((len(states), n, n), int)
    pairs[:, rows, columns] = pairs[:, columns, rows] = low

    def joint(of_nodes: np.ndarray, of_pairs: np.ndarray) -> np.ndarray:
        """float[S, S], from each state by its class probabilities float[S, n, K], float[S, P, K] to all."""
        first = of_nodes[:, np.arange(n)[None], nodes].prod(-1) if counts[0] > 1 else 1.0
        return first * of_pairs[:, np.arange(len(rows))[None], low].prod(-1)

    start = [marginal.numpy() for marginal in (model.of_nodes, model.of_pairs)]
    law = joint(np.tile(start[0], (1, n, 1)), np.tile(start[1], (1, len(rows), 1)))[0]
    count = fewer or model.config.steps
    times = [round(model.config.steps * (count - k) / count) for k in range(count + 1)]
    noisy = torch.tensor(nodes), torch.tensor(pairs)
    for now, before in itertools.pairwise(times):
        with torch.no_grad():
            logits = model.logits(*noisy, torch.full((len(states),), now), torch.ones(len(states), n, dtype=torch.bool))
        likely = []
        for there, of_class, marginal in zip(noisy, logits, (model.of_nodes, model.of_pairs), strict=True):
            back = posterior(there, model.kept[before], model.kept[now], marginal)
            likely.append((of_class.softmax(-1)[..., None] * back).sum(-2).numpy())
        law = law @ joint(likely[0], likely[1][:, rows, columns])
    assert law.sum() == pytest.approx(1)
    sampler = model.sampler(Decoding(steps=fewer))
    samples = [one.graphs for one in sampler.draw(np.arange(NUM_DRAWN), np.zeros(NUM_DRAWN, int), seed=5)]
    sized = [graph for some in samples for graph in some if graph.num_nodes[0] == n]
    found = classes_of(GraphSet.concatenate(sized))
    seen = np.concatenate([found.nodes * (counts[0] > 1), found.pairs[:, rows, columns]], axis=1)
    place = {tuple(state): k for k, state in enumerate(states.tolist())}
    observed = np.bincount([place[tuple(row)] for row in seen.tolist()], minlength=len(states))
    assert stats.chisquare(observed, len(sized) * law, sum_check=False).pvalue > 1e-4


def test_noise_is_as_strong_as_its_step_says() -> None:
    path = GraphSet.from_networkx([nx.complete_graph(30)])
    graphs = GraphSet.concatenate([path, GraphSet.from_edge_lists([30], [[]])])
    model = small_model(graphs, steps=6, draws=3)
    encode = model.encoder(graphs)
    batches = [encode(np.array([0, 1]), key=(1, epoch)) for epoch in range(100)]
    for t in range(1, 7):
        for g, edge in ((0, 1.0), (1, 0.0)):
            noisy = np.concatenate([batch.noisy.pairs[g][batch.steps[g] == t] for batch in batches])[
                :, *np.tril_indices(30, -1)
            ]
            expected = model.kept[t] * edge + (1 - model.kept[t]) * float(model.of_pairs[1])
            assert np.mean(noisy) == pytest.approx(expected, abs=0.02)
    assert all((batch.noisy.pairs == batch.noisy.pairs.transpose(0, 1, 3, 2)).all() for batch in batches)


def test_the_network_does_not_mind_the_numbers_of_nodes_or_padding() -> None:
    model = small_model(TRAINING)
    graph = nx.gnp_random_graph(7, 0.5, seed=1)
    matrix = nx.to_numpy_array(graph).astype(bool)
    order = np.random.default_rng(0).permutation(7)
    padded = np.zeros((1, 9, 9), bool)
    padded[0, :7, :7] = matrix
    within = torch.ones(1, 7, dtype=torch.bool)

    def logits(matrix: np.ndarray, within: torch.Tensor) -> np.ndarray:
        nodes = torch.zeros(matrix.shape[:2], dtype=torch.int64)
        with torch.no_grad():
            return model.logits(nodes, torch.tensor(matrix).long(), torch.tensor([50]), within)[1][0].numpy()

    plain, moved = logits(matrix[None], within), logits(matrix[order][:, order][None], within)
    longer, off = logits(padded, torch.arange(9)[None] < 7), ~np.eye(7, dtype=bool)
    assert np.allclose(plain[order][:, order][off], moved[off])
    assert np.allclose(plain[off], longer[:7, :7][off])


def test_labels_are_drawn_with_the_edges_or_after_them() -> None:
    for labels, joint in (("joint", True), ("after", False)):
        config = usual_config("digress").replace([f"model.labels={labels}", "model.num_layers=1", "model.steps=5"])
        graphs, facts = prepare_graphs(LABELLED, config)
        model = build_model(config, facts)
        assert isinstance(model, DiGressModel) == joint
        drawn = GraphSet.concatenate(
            one.graphs for one in model.sampler(Decoding()).draw(np.arange(9), np.zeros(9, int), seed=0)
        )
        assert drawn.schema == LABELLED.schema
        assert float(model(model.encoder(graphs)(np.arange(2), key=(0, 0)), 0.0).total.detach()) > 0
    assert "with the edges" in usual_config("digress").describe(prepare_graphs(LABELLED, usual_config("digress"))[1]).values()


def test_directions_are_not_drawn_with_the_edges() -> None:
    directed = LABELLED.labelled(LabelArrays(LabelSchema(directed=True), directions=np.array([1, 2, 3], np.int8)))
    with pytest.raises(InputError, match=r"no directions together with edges; set model\.labels = after"):
        FAMILY.select(directed, DiGressConfig())
    assert FAMILY.select(directed, DiGressConfig(labels="after")) == directed


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=r"at most those of the noise, 5 here, got 6; take fewer"):
        small_model(TRAINING, steps=5).sampler(Decoding(steps=6))
    with pytest.raises(InputError, match=r"at most 4 nodes, got .* set model\.most_nodes"):
        FAMILY.select(TRAINING, DiGressConfig(most_nodes=4))


def test_chemistry_says_the_hydrogens_of_each_atom_and_the_weight() -> None:
    texts = ["C", "CC#N", "OC=O", "FC(F)(F)C1CN1", "CC(=O)Oc1ccccc1"]
    graphs = graphs_of_texts(texts).graphs
    atoms = atoms_of(graphs, "yes")
    assert atoms is not None
    numbers = (atoms["valences"], atoms["masses"], [0, *atoms["orders"]])
    known = tuple(torch.tensor(values, dtype=torch.float64) for values in numbers)
    classes, n = classes_of(graphs), int(graphs.num_nodes.max())
    nodes = torch.eye(len(known[0]), dtype=torch.float64)[torch.from_numpy(classes.nodes.astype(np.int64))]
    nodes *= torch.from_numpy(inside(graphs.num_nodes.astype(np.int64), n))[..., None]
    at_node, in_graph = molecular_features(nodes, torch.from_numpy(classes.pairs.astype(np.int64)), known, n)
    for text, found, weight in zip(texts, at_node, in_graph, strict=True):
        mol = Chem.MolFromSmiles(text)
        Chem.Kekulize(mol)
        count = mol.GetNumAtoms()
        assert sorted((4 * found[:count, 1]).tolist()) == sorted(atom.GetTotalNumHs() for atom in mol.GetAtoms())
        bonds = [sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds()) for atom in mol.GetAtoms()]
        assert sorted((4 * found[:count, 0]).tolist()) == sorted(bonds)
        assert not found[count:].any()
        assert weight.item() == pytest.approx(Descriptors.HeavyAtomMolWt(mol) / 12 / n, rel=1e-5)


def test_chemistry_is_asked_of_molecules_alone() -> None:
    molecules = graphs_of_texts(["CCO", "C=O"]).graphs
    plain = GraphSet.from_networkx([nx.path_graph(3)])
    assert atoms_of(plain, "auto") is None
    assert atoms_of(molecules.bare(), "auto") is None
    assert atoms_of(molecules, "no") is None
    aromatic = graphs_of_texts(["c1ccccc1"], MoleculeOptions(bonds="aromatic")).graphs
    assert atoms_of(aromatic, "auto") is None
    with pytest.raises(InputError, match="needs labels that are elements and whole bonds"):
        atoms_of(aromatic, "yes")
    with pytest.raises(InputError, match=r"got model\.labels = after; set model\.labels = joint"):
        DiGressConfig(molecular="yes", labels="after")
    with_them, without = (small_model(molecules, molecular=molecular) for molecular in ("auto", "no"))
    assert with_them.molecular
    assert not without.molecular
    facts = {**FAMILY.prepare(molecules, DiGressConfig(), seed=0), "labels": molecules.schema.to_json()}
    assert "bonds and weights of atoms" in FAMILY.describe(DiGressConfig(), facts)["features"]
    del facts["atoms"]  # as a checkpoint has it that is older than them
    assert not FAMILY.build(DiGressConfig(), facts).molecular


def test_a_molecule_is_the_same_in_any_company() -> None:
    molecules = graphs_of_texts(["CCO", "C=O", "CC#N", "C1CN1C", "CCOC(F)(F)F"]).graphs
    sampler = small_model(molecules, steps=4).sampler(Decoding())
    count = 40
    together = {
        place: graphs[i : i + 1].content_hash()
        for found in sampler.draw(np.arange(count), np.zeros(count, np.int64), seed=1)
        for graphs in [found.graphs]
        for i, place in enumerate(found.place.tolist())
    }
    for place in range(0, count, 7):
        (alone,) = sampler.draw(np.array([place]), np.zeros(1, np.int64), seed=1)
        assert alone.graphs.content_hash() == together[place]
