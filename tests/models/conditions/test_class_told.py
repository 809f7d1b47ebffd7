"""Models that are told the class of a graph: samples follow the likelihood given it, are of it, and say so in files."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from command_line import FAST_S, answer, gengraph, in_tmp_path  # noqa: F401
from gran_cases import as_numbered, numbered_graphs
from scipy.stats import chisquare

from gengraph.baselines.erdos_renyi import ErdosRenyi
from gengraph.errors import InputError
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding
from gengraph.rewards.conditions import Told, condition_facts, having, num_columns, told_values
from gengraph.sampling.attempts import GeneratorSource, sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.testing.generators import complete_graphs, path_graphs
from gengraph.training.checkpoint import build_model
from gengraph.training.config import Config, usual_config
from gengraph.training.trainer import Trainer, prepare_graphs

SIZES = [2, 3, 4, 5]
PATHS = path_graphs(*SIZES).classified(["path"] * 4)
CLASSED = GraphSet.concatenate([PATHS, complete_graphs(3, 4, 5, 3).classified(["full"] * 4), path_graphs(3, 4)] * 4)
DRAWN = 600
SMALL = {
    "graphrnn-c": ["model.hidden_size=8", "model.embedding_size=8", "model.head.hidden_size=8"],
    "gran": ["model.hidden_size=8", "model.num_layers=2", "model.num_mixtures=3", "model.prefixes=0"],
}


def small_config(name: str, conditions: str = '"class", "edges"') -> Config:
    return usual_config(name).replace([*SMALL[name], f"model.conditions=[{conditions}]", "training.batch_size=8"])


@torch.inference_mode()
def probabilities(model: Any, graphs: GraphSet, told: Any) -> dict[str, float]:
    """Of each graph with its numbers, given what is told; those that the coding can hold."""
    first, found = (np.zeros(1, np.int64),) * 2, {}
    for graph in graphs:
        batch = (
            as_numbered(graph, model.config)
            if model.config.__class__.__name__ == "GRANConfig"
            else model.rollout(graph, *first, seed=0)
        )
        if not sum(batch.losses_of_data.values()):
            found[graph.content_hash()] = float(torch.exp(-model(replace(batch, told=told), 1.0).total))
    return found


@pytest.mark.parametrize("name", SMALL)
def test_graphs_are_drawn_by_the_law_given_their_class(name: str) -> None:
    config = small_config(name)
    facts = prepare_graphs(CLASSED, config)[1]
    torch.manual_seed(3)
    model: Any = build_model(config, facts).eval()
    with torch.no_grad():
        for name_of, weight in model.named_parameters():
            weight.add_(0.3 * torch.randn(weight.shape))
            if name_of.endswith("bias"):
                weight.normal_(0, 0.7)
            if "code.network" in name_of:
                weight.mul_(10)
    laws = []
    for given in ({"class": "full"}, {"class": "path"}):
        told = told_values(given, facts["conditions"], name)
        assert told.shape == (1, 3)
        law = probabilities(model, numbered_graphs(range(1, 4)), told)
        drawn = sample_graphs(model, np.arange(DRAWN), seed=3, conditions=Conditions(given=given, max_num_node=30)).graphs
        assert drawn.classes is not None
        assert drawn.classes.counts() == {given["class"]: DRAWN}
        seen = Counter(graph.content_hash() for graph in drawn)
        often = [graph for graph, p in law.items() if DRAWN * p > 5]
        counts, wanted = [seen[graph] for graph in often], [DRAWN * law[graph] for graph in often]
        assert len(often) > 1
        assert chisquare([*counts, DRAWN - sum(counts)], [*wanted, DRAWN - sum(wanted)]).pvalue > 1e-4
        laws.append(np.array([*law.values()]))
    assert np.abs(laws[0] - laws[1]).sum() > 0.05  # the class matters


@pytest.mark.parametrize("name", SMALL)
def test_a_model_learns_classes(name: str) -> None:
    graphs = GraphSet.concatenate([path_graphs(2, 3).classified(["short"] * 2), path_graphs(7, 8).classified(["long"] * 2)] * 8)
    config = small_config(name, '"class"').replace(["training.learning_rate=0.01", "training.batch_size=16"]).trained(steps=120)
    prepared, facts = prepare_graphs(graphs, config)
    trainer = Trainer(config, facts, prepared, GraphSet.empty())
    trainer.run(lambda _metrics: None, lambda _checkpoint: None)
    model = trainer.checkpoint().build_model()

    def sizes(given: dict[str, float | str]) -> Any:
        return sample_graphs(model, np.arange(60), seed=0, conditions=Conditions(given=given)).graphs.num_nodes

    assert (sizes({"class": "short"}) < 5).mean() > 0.7
    assert (sizes({"class": "long"}) >= 5).mean() > 0.7
    assert 0.1 < (sizes({}) < 5).mean() < 0.9  # not told, it draws both


def test_all_columns_of_a_class_are_told_or_none() -> None:
    facts = condition_facts(CLASSED, ["nodes", "class"], "model")
    assert facts[1] == {"name": "class", "values": ["full", "path"]}
    assert num_columns(facts) == 3
    assert num_columns(condition_facts(CLASSED, ["nodes"], "model")) == 1
    told = Told(CLASSED, facts, 0.2)
    values = np.stack([told(np.arange(len(CLASSED)), (4, epoch)) for epoch in range(200)])
    of_class = values[:, :, 1:]
    missing = np.isnan(of_class)
    assert np.array_equal(missing[:, :, 0], missing[:, :, 1])
    names = np.array([str(name) for name in CLASSED.classes.names()])  # type: ignore[union-attr]
    assert missing[:, names == "None"].all()
    known = ~missing[:, names != "None"][:, :, 0]
    assert known.mean() == pytest.approx(0.8 * 0.8, abs=0.02)
    for k, name in enumerate(("full", "path")):
        seen = of_class[:, names == name][known[:, names[names != "None"] == name]]
        assert (seen == np.eye(2)[k]).all()
    number = Told(CLASSED, condition_facts(CLASSED, ["nodes"], "model"), 0.2)
    alone = np.stack([number(np.arange(len(CLASSED)), (4, epoch)) for epoch in range(20)])
    assert np.array_equal(alone[:, :, 0], values[:20, :, 0], equal_nan=True)  # another condition changes nothing for it


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda facts: told_values({"class": "ring"}, facts, "gran"),
            "got 'ring'; give one of full, path, or train on graphs of",
        ),
        (lambda facts: told_values({"class": 3}, facts, "gran"), "got 3; give one of full, path"),
        (
            lambda facts: told_values({"class": "full"}, facts[1:], "gran"),
            r'only with edges; train one with model\.conditions = \["class"\]$',
        ),
        (lambda facts: told_values({"edges": "few"}, facts, "gran"), "near those of the training graphs, got edges = few"),
        (
            lambda _: condition_facts(PATHS, ["class"], "gran"),
            "training graphs of several classes, but all are of path; leave it",
        ),
        (lambda _: condition_facts(PATHS.classified(None), ["class"], "gran"), "but they have none; leave it out"),
        (lambda _: Conditions(within={"class": (1, 3)}), "class has no numbers, so no range; give one class"),
        (
            lambda _: having(PATHS, {"class": "full"}, {}),
            "must be one that the graphs have, got 'full', they have path; give one",
        ),
        (lambda _: having(PATHS.classified(None), {"class": "full"}, {}), "got 'full', they have none"),
        (lambda _: having(PATHS, {"edges": 2.0}, {}), r"by a class or a range, got edges = 2; give least\.\.most"),
        (lambda _: having(PATHS, {}, {"edges": (70, 80)}), r"none of 4 graphs is what is given \(70\.\.80 edges\)"),
        (lambda _: having(PATHS, {}, {"beauty": (70, 80)}), "unknown property 'beauty'; choose from qed"),
        (
            lambda _: GeneratorSource(ErdosRenyi().fit(PATHS, seed=0)).sampler(Decoding(given={"class": "path"})),
            "a value of class is not for this generator as it is here",
        ),
    ],
)
def test_classes_that_cannot_be_told_are_refused(ask: Callable[[Any], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(condition_facts(CLASSED, ["class", "edges"], "gran"))


@pytest.mark.usefixtures("in_tmp_path")
def test_classes_from_the_command_line() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(4), nx.cycle_graph(5), nx.star_graph(5), nx.cycle_graph(6)] * 5)
    write_graphs(graphs.classified(["a tree", "2", "a tree", "2"] * 5), "own.jsonl")
    gengraph(f'train --dataset own.jsonl --model graphrnn-s --steps 5 --run g {FAST_S} --set model.conditions=["class"]')
    gengraph("sample --run g -n 12 --given class=2 --given nodes=1..30 --shard-size 5 --out a")
    drawn = read_graphs("a")
    assert drawn.classes is not None
    assert drawn.classes.counts() == {"2": 12}
    assert json.loads(Path("a/manifest.json").read_text())["conditions"]["given"] == {"class": "2"}
    gengraph("sample --run g -n 12 --out any")
    assert read_graphs("any").classes is None
    assert "conditions" in next(Path("runs/g").rglob("card.md")).read_text()
    shown = gengraph("datasets show own.jsonl")
    assert "classes:   2 (10), a tree (10)" in shown
    assert "without their classes" in gengraph("datasets export own.jsonl --out own.g6")
    assert "without" not in gengraph("datasets export own.jsonl --out own.parquet")
    for given, num in (("class=2", 10), ("edges=5..6", 15)):
        about = answer(f"evaluate own.parquet a --given {given} --no-cache --format json")
        assert (about["num_reference"], about["num_generated"]) == (num, 12)
    for command, message in (
        (
            "sample --run g -n 2 --out c --given class=7",
            "a class that is given must be one of the training graphs', got '7'; give",
        ),
        ("sample --run g -n 2 --out c --given class=2 --given class=3", "--given takes one class, got 2 and 3; leave one out"),
        ("sample --run g -n 2 --out c --given beauty=1..2", "unknown property 'beauty'; choose from qed"),
        ("sample --run g -n 2 --out c --given beauty=1", "trained only with class; train one with"),
        ("evaluate own.parquet a --given class=7", "they have 2, a tree; give one of these"),
    ):
        assert message in " ".join(gengraph(command, code=2).split())
    assert not Path("c").exists()
