"""Any family with labels: trained, resumed, sampled by index, kept in checkpoints and shards."""

import dataclasses
import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch

from gengraph.data import Split
from gengraph.errors import InputError
from gengraph.formats import read_graphs
from gengraph.graphs import GraphSet, LabelArrays, Labels, LabelSchema
from gengraph.models.family import Decoding, HasLikelihood
from gengraph.runs.folders import create_run, train_run
from gengraph.runs.sample import sample_run
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.job import SampleRequest
from gengraph.storage import Folder
from gengraph.training.card import write_card
from gengraph.training.checkpoint import load_checkpoint
from gengraph.training.config import Config, usual_config
from gengraph.training.likelihood import log_prob_bound
from gengraph.training.trainer import Trainer, prepare_graphs

SETTINGS = ["training.steps=30", "training.batch_size=8", "training.learning_rate=0.01", "training.seed=3"]
SMALL_LABELS = ["labels.hidden_size=24", "labels.head_size=24", "labels.context_size=8"]


def rings(*, directed: bool = False) -> GraphSet:
    """Even rings whose labels alternate, around nodes and along edges; directed ones go round."""
    graphs = []
    for size in (4, 6, 8, 6) * 4:
        ring = nx.cycle_graph(size, nx.DiGraph if directed else None)
        nx.set_node_attributes(ring, {v: "CN"[v % 2] for v in ring}, "element")
        nx.set_edge_attributes(ring, {(u, v): "12"[min(u, v) % 2] if abs(u - v) == 1 else "2" for u, v in ring.edges}, "bond")
        graphs.append(ring)
    return GraphSet.from_networkx(graphs, node_label="element", edge_label="bond", directed="keep" if directed else "error")


def config_of(model: str, *more: str) -> Config:
    return usual_config(model).replace([*SETTINGS, *SMALL_LABELS, *more])


def trained(config: Config, graphs: GraphSet) -> Trainer:
    prepared, facts = prepare_graphs(graphs, config)
    trainer = Trainer(config, facts, prepared, prepared)
    trainer.run(lambda _metrics: None, lambda _checkpoint: None)
    return trainer


def share_known(samples: GraphSet, graphs: GraphSet) -> float:
    """Of samples that are isomorphic to a training graph, labels and directions included."""

    def same(one: object, two: object) -> bool:
        return one == two

    known = graphs.to_networkx()
    return float(np.mean([any(nx.is_isomorphic(one, two, same, same) for two in known) for one in samples.to_networkx()]))


@pytest.mark.parametrize("directed", [False, True])
def test_labels_that_follow_a_rule_are_learnt(directed: bool) -> None:
    graphs = rings(directed=directed)
    trainer = trained(config_of("graphrnn-c", "training.steps=400"), graphs)
    samples = sample_graphs(trainer.checkpoint().build_model(), np.arange(60), seed=1).graphs
    assert samples.schema == graphs.schema
    assert share_known(samples, graphs) > 0.9


@pytest.mark.parametrize("model", ["graphrnn", "gran", "maps", "blocks"])
def test_every_family_takes_labels(model: str) -> None:
    graphs = rings()
    trainer = trained(config_of(model, "training.steps=3"), graphs)
    source = trainer.checkpoint().build_model()
    samples = sample_graphs(source, np.arange(5), seed=1).graphs
    assert samples.schema == graphs.schema
    assert sample_graphs(source, np.array([3, 1]), seed=1).graphs == samples[[3, 1]]
    metrics = trainer.validate()
    assert metrics["validation_loss"] == pytest.approx(metrics["validation_structure"] + metrics["validation_labels"], rel=1e-5)


def test_resumed_equals_uninterrupted() -> None:
    config, graphs = config_of("graphrnn-c"), rings()
    whole = trained(config, graphs).checkpoint()
    half = trained(config.trained(steps=15, schedule="constant"), graphs)
    prepared, facts = prepare_graphs(graphs, config.trained(schedule="constant"))
    uninterrupted = trained(config.trained(schedule="constant"), graphs).checkpoint()
    resumed = Trainer(config.trained(schedule="constant"), facts, prepared, prepared)
    resumed.load(half.checkpoint())
    resumed.run(lambda _metrics: None, lambda _checkpoint: None)
    for name, value in uninterrupted.weights.items():
        assert torch.equal(value, resumed.checkpoint().weights[name])
    assert any(name.startswith("labeller.") for name in whole.weights)


def test_a_batch_costs_what_its_graphs_cost_and_its_parts_are_told() -> None:
    config, graphs = config_of("graphrnn-c", "training.steps=1"), rings()
    model = trained(config, graphs).checkpoint().build_model()
    encode = model.encoder(graphs)
    with torch.inference_mode():
        together = model(encode(np.array([3, 0, 7]), key=(5, 7)), 0.5)
        alone = [model(encode(np.array([g]), key=(5, 7)), 0.5) for g in (0, 3, 7)]
        batch = encode(np.arange(len(graphs)), key=(1, 2))
        log_probs = model.log_prob(batch)
        total = model(batch, 1.0).total
    assert float(together.total) == pytest.approx(sum(float(loss.total) for loss in alone), rel=1e-4)
    assert float(together.total) == pytest.approx(float(together.parts["structure"] + together.parts["labels"]), rel=1e-6)
    assert isinstance(model, HasLikelihood)
    assert float(-log_probs.sum()) == pytest.approx(float(total), rel=1e-5)
    bound = log_prob_bound(model, graphs[:3], num_orderings=4)
    assert (bound.distinct >= bound.average).all()


def test_a_run_keeps_labels_from_its_data_to_its_shards(tmp_path: Path) -> None:
    graphs = rings()
    split = Split(train=graphs[:12], validation=graphs[12:14], test=graphs[14:])
    run, config = tmp_path / "run", config_of("graphrnn-c", "training.steps=20")
    create_run(run, dataset="rings", split=split, split_seed=0, config=config)
    train_run(run)
    checkpoint = load_checkpoint(next((run / "checkpoints").glob("step-*")))
    assert LabelSchema.from_json(checkpoint.facts["labels"]) == graphs.schema
    assert "node labels element (2), edge labels bond (2)" in write_card(checkpoint, None)
    sample_run(run, Folder(str(tmp_path / "samples")), SampleRequest(num_graphs=7, seed=5))
    samples = read_graphs(tmp_path / "samples")
    assert samples.schema == graphs.schema
    assert len(samples) == 7
    assert json.loads((tmp_path / "samples" / "manifest.json").read_text())["num_graphs"] == 7


def test_validation_graphs_with_a_label_that_training_never_saw_are_refused() -> None:
    config, graphs = config_of("graphrnn-c"), rings()
    prepared, facts = prepare_graphs(graphs, config)
    schema = dataclasses.replace(graphs.schema, nodes=Labels("element", ("C", "O")))
    others = graphs.labelled(LabelArrays(schema, graphs.node_labels, graphs.edge_labels))
    with pytest.raises(InputError, match="element must be one of C, N, got O"):
        Trainer(config, facts, prepared, others)


def test_the_section_labels_is_written_where_it_is_not_the_usual_one() -> None:
    assert "labels" not in usual_config("graphrnn-c").to_dict()
    config = config_of("graphrnn-c")
    assert Config.from_dict(config.to_dict()) == config
    assert config.labels.hidden_size == 24
    with pytest.raises(InputError, match=r"labels\.rounds must be >= 0, got -1"):
        config.replace(["labels.rounds=-1"])
    with pytest.raises(InputError, match=r"unknown field labels\.size"):
        config.replace(["labels.size=3"])


def test_a_temperature_is_of_labels_too() -> None:
    graphs = rings()
    model = trained(config_of("graphrnn-c"), graphs).checkpoint().build_model()
    cold = next(model.sampler(Decoding(temperature=0.05)).draw(np.arange(40), np.zeros(40, np.int64), seed=0)).graphs
    warm = next(model.sampler(Decoding(temperature=5.0)).draw(np.arange(40), np.zeros(40, np.int64), seed=0)).graphs
    shares = [np.bincount(one.node_labels, minlength=2).min() / len(one.node_labels) for one in (cold, warm)]
    assert shares[0] < shares[1]
