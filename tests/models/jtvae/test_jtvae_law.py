"""What JT-VAE draws: its law, valences, and what it says of graphs with other clusters."""

from collections import Counter
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.models.family import Decoding
from gengraph.models.jtvae.batches import Batch
from gengraph.models.jtvae.model import JTVAEModel
from gengraph.models.jtvae.sampler import JTVAESampler
from gengraph.models.numbers import Numbers
from gengraph.testing.generators import complete_graphs, path_graphs
from gengraph.training.checkpoint import build_model
from gengraph.training.config import Config, usual_config
from gengraph.training.trainer import prepare_graphs

CONFIG = usual_config("jtvae").replace(["model.hidden_size=12", "model.latent_size=3"])


def built(graphs: GraphSet, config: Config = CONFIG) -> JTVAEModel:
    _, facts = prepare_graphs(graphs, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = build_model(config, facts).double().eval()
    for parameter in model.decoder.parameters():
        parameter.data *= 2  # away from even odds
    assert isinstance(model, JTVAEModel)
    return model


def cost(model: JTVAEModel, batch: Batch, latents: torch.Tensor) -> float:
    """-log p of derivations given latents, by teacher forcing."""
    from gengraph.models.jtvae.model import _chosen

    kinds = torch.from_numpy(batch.kinds)
    walk = model.decoder(batch, model.cluster(kinds), *latents.chunk(2, -1))
    follows = torch.from_numpy(batch.steps[walk.rows[0], walk.rows[1], 1]).double()
    total = torch.nn.functional.binary_cross_entropy_with_logits(walk.follows, follows, reduction="sum")
    total = total + torch.nn.functional.cross_entropy(walk.kinds, kinds, reduction="sum")
    return float(total + _chosen(walk.choices, batch))


def test_samples_follow_the_law() -> None:
    """Of an edge, and of a path of three nodes, whose second edge may be attached at either end of the first."""
    model, count = built(path_graphs(2, 3)), 4000
    latents = torch.tensor([[0.5, -1, 0.3, 1, 0.2, -0.4]], dtype=torch.float64)
    expected = []
    with torch.inference_mode():
        expected.append(np.exp(-cost(model, model.encoder(path_graphs(2))(np.array([0]), (0, 0)), latents)))
        batch = model.encoder(path_graphs(3))(np.array([0]), (0, 0))
        ways = []
        for way in range(len(batch.chosen)):
            batch.chosen[:] = np.arange(len(batch.chosen)) == way
            ways.append(np.exp(-cost(model, batch, latents)))
    assert len(ways) == 2
    expected.append(sum(ways))
    sampler = JTVAESampler(model, Decoding(max_num_node=40))
    graphs, _ = sampler.decode(latents.expand(count, 6), Numbers.of(3, np.arange(count), np.zeros(count, np.int64)))
    sizes = Counter(graphs.num_nodes.tolist())
    observed = np.array([sizes[2], sizes[3], count - sizes[2] - sizes[3]])
    assert min(expected) > 0.02
    assert chisquare(observed, np.array([*expected, 1 - sum(expected)]) * count).pvalue > 1e-3


def molecules() -> GraphSet:
    """Toluene's ring with a tail, an amide and a nitrile, in Kekule form."""
    ring = nx.cycle_graph(6)
    nx.set_edge_attributes(ring, {(u, v): "12"[(u if v == u + 1 else v) % 2] for u, v in ring.edges}, "bond")
    ring.add_edge(0, 6, bond="1")
    amide: nx.Graph[int] = nx.Graph()
    amide.add_edges_from([(0, 1, {"bond": "1"}), (1, 2, {"bond": "2"}), (1, 3, {"bond": "1"})])
    nitrile: nx.Graph[int] = nx.Graph()
    nitrile.add_edges_from([(0, 1, {"bond": "1"}), (1, 2, {"bond": "3"})])
    for graph, elements in ((ring, "CCCCCCC"), (amide, "CCON"), (nitrile, "CCN")):
        nx.set_node_attributes(graph, dict(enumerate(elements)), "element")
    return GraphSet.from_networkx([ring, amide, nitrile], node_label="element", edge_label="bond")


def test_no_atom_has_more_bonds_than_it_may() -> None:
    """Of a model that has learned nothing; without the rule some have."""
    pytest.importorskip("rdkit")
    from gengraph.chemistry.valences import valences_fit

    drawn = {}
    for valences in ("auto", "none"):
        model = built(molecules(), CONFIG.replace([f"model.valences={valences}"]))
        found = list(model.sampler(Decoding()).draw(np.arange(200), np.zeros(200, np.int64), seed=1))
        drawn[valences] = GraphSet.concatenate([part.graphs for part in found])
        assert (drawn[valences].num_components() == 1).all()
    assert valences_fit(drawn["auto"]).all()
    assert not valences_fit(drawn["none"]).all()


def test_a_largest_size_holds() -> None:
    model = built(molecules())
    (drawn,) = model.sampler(Decoding(max_num_node=4)).draw(np.arange(100), np.zeros(100, np.int64), seed=2)
    assert drawn.graphs.num_nodes.max() <= 4
    assert drawn.cut.any()
    assert not drawn.cut.all()


def test_clusters_that_no_training_graph_has() -> None:
    """They cost what is left to the unknown, and are counted."""
    model = built(path_graphs(3, 4))
    known, other = (model.encoder(graphs)(np.array([0]), (0, 0)) for graphs in (path_graphs(3), complete_graphs(4)))
    assert (known.losses_of_data, other.losses_of_data) == ({"unknown_clusters": 0}, {"unknown_clusters": 1})
    with torch.inference_mode():
        assert float(model(other, 1.0).parts["words"]) == pytest.approx(-np.log(model.unknown))


def test_the_divergence_rises() -> None:
    """From nothing to its whole weight."""
    model = built(path_graphs(3, 4), CONFIG.replace(["model.beta=0.5", "model.anneal=0.4"]))
    batch = model.encoder(path_graphs(5, 6))(np.arange(2), (0, 0))
    with torch.inference_mode():
        losses = [model(batch, progress) for progress in (0.0, 0.2, 0.4, 1.0)]
    weights = [
        float((loss.total - sum(part for name, part in loss.parts.items() if name != "kl")) / loss.parts["kl"])
        for loss in losses
    ]
    assert weights == pytest.approx([0, 0.25, 0.5, 0.5], abs=1e-9)


@pytest.mark.parametrize(
    ("graphs", "pattern"),
    [
        (path_graphs(200), "at most 128 nodes, got 200"),
        (GraphSet.from_networkx([nx.DiGraph([(0, 1)])], directed="keep"), "no directions"),
    ],
)
def test_what_it_does_not_take(graphs: GraphSet, pattern: str) -> None:
    with pytest.raises(InputError, match=pattern):
        prepare_graphs(graphs, CONFIG)


def test_what_is_learned_comes_back() -> None:
    """Latents say which graph it was, once they are allowed to."""
    graphs = molecules()
    model = built(graphs).train()
    encode, optimizer = model.encoder(graphs), torch.optim.Adam(model.parameters(), 0.01)
    for epoch in range(70):
        optimizer.zero_grad()
        batch = encode(np.arange(3), (0, epoch))
        batch.noise[:] *= 0.1
        model(batch, 0.0).total.backward()
        optimizer.step()
    assert canonical_keys(model.reconstruct(graphs)) == canonical_keys(graphs)
