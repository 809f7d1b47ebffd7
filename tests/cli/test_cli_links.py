"""`gengraph evaluate --links`."""

import json

import networkx as nx
import pytest
from command_line import gengraph, in_tmp_path  # noqa: F401

from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet

pytestmark = pytest.mark.usefixtures("in_tmp_path")
FAST = "--model vgae --set training.steps=5 --set model.hidden_size=8"


@pytest.fixture(autouse=True)
def one_graph(in_tmp_path: None) -> None:  # noqa: F811
    graph = nx.planted_partition_graph(2, 20, 0.5, 0.1, seed=0)
    write_graphs(GraphSet.from_networkx([graph], attributes="drop"), "one.jsonl")


def test_links_are_evaluated() -> None:
    printed = gengraph(f"evaluate --links one.jsonl {FAST} --seeds 2 --seed 7 --format json")
    found = json.loads(printed[printed.index("{\n") :])
    assert found["seeds"] == [7, 8]
    assert (found["dataset"], found["model"]) == ("one.jsonl", "vgae")
    assert found["config"]["model"]["hidden_size"] == 8
    assert found["config"]["training"]["learning_rate"] == 0.01  # of the preset for links
    lines = gengraph(f"evaluate --links one.jsonl {FAST} --seeds 2 --seed 7").splitlines()
    assert "held-out links of one.jsonl by vgae, %: mean ± standard error over 2 splits" in lines
    auc = found["test"]["auc"]
    (row,) = [line for line in lines if line.startswith("test")]
    assert f"{100 * auc['mean']:.1f} ± {100 * auc['error']:.1f}" in row
    assert gengraph(f"evaluate --links one.jsonl {FAST} --seeds 1 --format csv").count("\ntest,") == 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("evaluate --links one.jsonl", "name both: --links citeseer --model vgae"),
        ("evaluate --model vgae one.jsonl one.jsonl", "name both: --links citeseer --model vgae"),
        ("evaluate one.jsonl --links one.jsonl --model vgae", "compares it with nothing, got one.jsonl besides"),
        ("evaluate --links one.jsonl --model gran", "must be one that scores pairs of nodes ("),
        ("evaluate --links one.jsonl --model vgea", "unknown model 'vgea'; choose from"),
        ("evaluate --links one.jsonl --model er", "which is fitted in closed form"),
        ("evaluate --links ladder-small --model vgae", "links are predicted in one graph, got 9 graphs; take one of them"),
        ("evaluate --links one.jsonl --model vgae --set model.most_nodes=9", "use --set model.most_nodes=40"),
        ("evaluate --links one.jsonl --model vgae --set model.colour=red", "unknown field model.colour"),
        ("evaluate", "Missing argument REFERENCE"),
    ],
)
def test_what_is_refused(command: str, message: str) -> None:
    assert message in gengraph(command, code=2)
