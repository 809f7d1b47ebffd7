"""Links of one graph are predicted by a model that is trained on the others."""

import networkx as nx
import numpy as np
import pytest

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics.links import split_links
from gengraph.models.family import HasLinkScores
from gengraph.training.config import load_config, usual_config
from gengraph.training.links import predict_links
from gengraph.training.trainer import Trainer, prepare_graphs

CONFIG = load_config("vgae/links").replace(["training.steps=60", "model.hidden_size=16", "model.latent_size=8"])
GROUPS = GraphSet.from_networkx([nx.planted_partition_graph(4, 20, 0.5, 0.02, seed=0)], attributes="drop")


def test_links_of_groups_are_found_and_the_same_again() -> None:
    told: list[float] = []
    found = predict_links(GROUPS, CONFIG, seeds=[0, 3], report=told.append).to_dict()
    assert found["seeds"] == [0, 3]
    for part in ("test", "validation"):
        for measure in ("auc", "ap", "accuracy"):
            values = found[part][measure]["values"]
            assert found[part][measure]["mean"] == pytest.approx(np.mean(values))
            assert found[part][measure]["error"] == pytest.approx(abs(values[0] - values[1]) / 2)
    assert found["test"]["auc"]["mean"] > 0.75
    assert told == sorted(told)
    assert told[-1] == 1
    again = predict_links(GROUPS, CONFIG, seeds=[3]).to_dict()
    assert again["test"]["auc"]["values"] == found["test"]["auc"]["values"][1:]
    assert again["test"]["auc"]["error"] is None


def test_scores_are_those_of_the_trained_model() -> None:
    split = split_links(GROUPS, seed=5)
    train, facts = prepare_graphs(split.train, CONFIG)
    trainer = Trainer(CONFIG.trained(seed=5), facts, train, train[:0])
    trainer.run(lambda _metrics: None, lambda _checkpoint: None)
    model = trainer.evaluated.eval()
    assert isinstance(model, HasLinkScores)
    edges, others = (model.link_scores(train, pairs) for pairs in (split.test.edges, split.test.others))
    found = predict_links(GROUPS, CONFIG, seeds=[5]).test["auc"]
    assert found == [pytest.approx(np.mean(edges[:, None] > others))]


def test_what_cannot_be_predicted() -> None:
    with pytest.raises(InputError, match="a model that scores pairs of nodes, gran does not; `gengraph models`"):
        predict_links(GROUPS, usual_config("gran"), seeds=[0])
    with pytest.raises(InputError, match="at least 1 seed, got none; take seeds"):
        predict_links(GROUPS, CONFIG, seeds=[])
    with pytest.raises(InputError, match="at least 20 edges, got 4"):
        predict_links(GraphSet.from_networkx([nx.path_graph(5)]), CONFIG, seeds=[0])
    with pytest.raises(InputError, match=r"vgae takes graphs of at most 50 nodes, got 80: .*set model\.most_nodes = 80"):
        predict_links(GROUPS, CONFIG.replace(["model.most_nodes=50"]), seeds=[0])
