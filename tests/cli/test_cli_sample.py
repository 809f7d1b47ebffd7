import json
import re
from pathlib import Path

import networkx as nx
import pytest
from command_line import FAST, answer, gengraph, in_tmp_path  # noqa: F401

from gengraph.data import load_dataset, split_graphs
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.graphs.schema import LabelArrays
from gengraph.models.graphrnn.family import GraphRNNFamily

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def test_train_sample_evaluate() -> None:
    output = gengraph(f"train --dataset grid-small --steps 30 --run g {FAST}")
    assert "checkpoint: runs/g/checkpoints/step-00000030" in output
    assert re.search(r"validation loss: \d+\.\d{4} \(negative log-likelihood, nats a graph\)", output)
    train, validation, gap = re.search(  # type: ignore[union-attr]
        r"loss a node: ([\d.]+) on the training graphs, ([\d.]+) on the validation graphs: ([+-]\d+)%", output
    ).groups()
    assert float(gap) == pytest.approx(100 * (float(validation) / float(train) - 1), abs=1)
    assert "14 graphs to train on, 2 to validate" in output
    assert re.search(r"M \(max_prev_node\): \d+, cuts \d+\.\d\d% of the edges", output)
    lines = [json.loads(line) for line in Path("runs/g/metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 30
    assert {"loss", "validation_loss", "graphs_per_s", "seconds"} <= set(lines[-1])

    assert "120 graphs in 3 shards" in gengraph("sample --run g -n 120 --shard-size 50 --out s --seed 4")
    assert len(read_graphs("s")) == 120
    first = read_graphs("s")
    Path("s/shard-000001.parquet").unlink()
    gengraph("sample --run g -n 120 --shard-size 50 --out s --seed 4")
    assert read_graphs("s") == first
    assert "every hash is right" in gengraph("samples verify s")
    output = gengraph("sample --run g -n 20 --num-nodes 2..20 --components reject --unique --export g6 --out few")
    assert re.search(r"20 of \d+ attempts were taken: \d+\.\d%", output)
    assert read_graphs("few/shard-000000.g6") == read_graphs("few")
    assert (read_graphs("few").num_components() == 1).all()

    table = gengraph("evaluate runs/g/data/test.parquet s")
    assert all(word in table for word in ("degree", "clustering", "orbit", "emd"))
    values = answer("evaluate runs/g/data/test.parquet s --format json")
    assert values["num_generated"] == 120
    assert values["metrics"]["degree"]["mmd2"] > 0
    same = answer("evaluate s s --format json")
    assert abs(same["metrics"]["orbit"]["mmd2"]) < 1e-12


def test_evaluate_in_every_form() -> None:
    train = "--train grid-small --valid grid --permutations 50 --bootstrap 50"
    table = gengraph(f"evaluate grid-small ladder-small --protocol emd,tv {train}")
    assert "spectral" in table
    assert "valid: 9 of 9" in table
    two = answer("evaluate grid-small ladder-small --protocol emd,tv --format json")
    assert [result["protocol"] for result in two] == ["emd", "tv"]
    text = gengraph("evaluate grid-small ladder-small --statistics degree --format csv")
    assert text.splitlines()[0] == "protocol,statistic,mmd²,floor,ratio,interval,p (Holm)"
    assert len(text.splitlines()) == 2
    assert gengraph("evaluate grid-small ladder-small --format markdown").startswith("| protocol | statistic |")
    latex = gengraph("evaluate grid-small ladder-small --protocol rbf --format latex")
    assert latex.startswith(r"\begin{tabular}{llrrrrr}")
    assert r"four\_cycles" not in latex.split("toprule")[0]
    assert "name these with --train" in gengraph("evaluate grid-small ladder-small --valid grid", code=2)
    assert "unique: 9 of 9" in gengraph("evaluate grid-small ladder-small --train grid-small --novelty")
    assert "unknown" in gengraph("evaluate grid-small ladder-small --train grid-small --valid cube", code=2)


def test_the_likelihood_of_a_run() -> None:
    gengraph(f"train --dataset grid-small --steps 20 --run g --set model.sequence.ordering=bfs {FAST}")
    values = answer("likelihood g --orderings 3 --format json")
    assert values["checkpoint"] == "step-00000020"
    assert list(values["parts"]) == ["train", "validation", "test"]
    for part in values["parts"].values():
        assert part["nll"] >= part["nll_distinct"] > 0
        assert 1 <= part["num_distinct"] <= 3
        assert part["nll"] > part["nll_per_node"] > 0
    validation = json.loads(Path("runs/g/metrics.jsonl").read_text().splitlines()[-1])["validation_loss"]
    assert values["parts"]["validation"]["nll"] == pytest.approx(validation, rel=0.3)
    table = gengraph("likelihood g --orderings 3")
    assert "an upper bound: runs/g/checkpoints/step-00000020, 3 orderings of each graph" in table
    assert f"{values['parts']['test']['nll']:.4g}" in table
    assert gengraph("likelihood g --orderings 3 --format csv").startswith("part,nll,a node,an edge bit,nll (distinct)")
    assert gengraph("likelihood g --orderings 3 --format markdown").startswith("| part | nll |")


def test_a_model_without_a_likelihood_names_those_that_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    gengraph(f"train --dataset ladder-small --steps 2 --run g {FAST}")
    able = GraphRNNFamily.capabilities
    bare = lambda self, config: able(self, config) - {"likelihood"} if config.head.kind == "rnn" else able(self, config)  # noqa: E731
    monkeypatch.setattr(GraphRNNFamily, "capabilities", bare)
    output = gengraph("likelihood g", code=2)
    assert "runs/g is a graphrnn, which has none; graphrnn-s, graphrnn-c, gran" in output


def test_sample_from_a_baseline() -> None:
    output = gengraph("sample --model configuration --dataset grid-small -n 30 --shard-size 20 --out k")
    assert "fitting configuration to the 16 training graphs of grid-small" in output
    manifest = json.loads(Path("k/manifest.json").read_text())
    assert manifest["model"] == "configuration"
    assert manifest["parameters"]
    first = read_graphs("k")
    assert len(first) == 30
    Path("k/shard-000001.parquet").unlink()
    output = gengraph("sample --model configuration --dataset grid-small -n 30 --shard-size 20 --out k")
    assert "fitting" not in output  # the model of the first try
    assert read_graphs("k") == first
    gengraph("samples verify k")
    assert "give --run NAME, or --model" in gengraph("sample --model er --out x", code=2)


def test_conditions_hold_for_a_closed_form() -> None:
    command = (
        "sample --model er --dataset grid-small -n 25 --num-nodes 5..20 --components reject --unique --novel-against train"
    )
    output = gengraph(f"{command} --seed 2 --shard-size 10 --export g6 --out e")
    assert re.search(r"25 of \d+ attempts were taken", output)
    graphs = read_graphs("e")
    assert read_graphs("e/shard-000001.g6") == graphs[10:20]
    assert (graphs.num_nodes >= 5).all()
    assert (graphs.num_nodes <= 20).all()
    assert (graphs.num_components() == 1).all()
    split = split_graphs(load_dataset("grid-small"))
    known = canonical_keys(GraphSet.concatenate([split.train, split.validation]))
    assert len({*canonical_keys(graphs), *known}) == 25 + len({*known})
    gengraph(f"{command} --seed 2 --shard-size 25 --out whole")
    assert read_graphs("whole") == graphs


def test_a_model_is_fitted_to_the_training_graphs_of_the_split_as_they_are_read() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(n) for n in range(2, 22)])
    write_graphs(graphs, "mine.jsonl")
    with Path("mine.jsonl").open("a") as file:
        file.write('{"n": 30, "edges": [[0, 1], [1, 1]]}\n' * 10)
    command = "sample --model empirical --dataset mine.jsonl --on-loops drop -n 200 --out"
    assert "on_loops drop: 10 found" in gengraph(f"{command} s --split-seed 3")
    manifest = json.loads(Path("s/manifest.json").read_text())
    assert manifest["reading"]["found"] == {"on_loops": 10}
    assert manifest["split_seed"] == 3
    read = load_dataset("s")
    split = split_graphs(load_dataset("mine.jsonl", policy=drop_loops()), seed=3)
    assert {*canonical_keys(read)} <= {*canonical_keys(split.train), *canonical_keys(split.validation)}
    gengraph(f"{command} other --split-seed 4")
    assert json.loads(Path("other/manifest.json").read_text())["content_hash"] != manifest["content_hash"]


def drop_loops() -> Policy:
    return Policy(on_loops="drop")


def test_a_learned_model_is_fitted_once_and_drawn_from_in_every_way() -> None:
    ways = "--shard-size 10 --constraint planar --temperature 0.9"
    command = f"sample --model graphrnn-c --dataset ladder-small --budget 1s -n 20 {ways}"
    output = gengraph(f"{command} --out s")
    assert "fitting graphrnn-c to the 7 training graphs of ladder-small" in output
    assert re.search(r"^M \(max_prev_node\): ", output, flags=re.MULTILINE)
    first, manifest = read_graphs("s"), json.loads(Path("s/manifest.json").read_text())
    assert manifest["model"] == "graphrnn-c"
    assert manifest["config"]["model"]["head"]["kind"] == "context"
    assert manifest["conditions"]["constraint"] == "planar"
    Path("s/shard-000000.parquet").unlink()
    assert "fitting" not in gengraph(f"{command} --out s")  # two fits by the clock would differ
    assert read_graphs("s") == first
    gengraph("samples verify s")
    longer = command.replace("--budget 1s", "--budget 2s")
    assert "holds another sample (budget: 1.0 there, 2.0 asked for)" in gengraph(f"{longer} --out s", code=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--model er --dataset grid-small --temperature 0.5", "temperature = 0.5 is not for er"),
        ("--model gran --dataset grid-small --constraint planar", "constraint = planar is not for gran"),
        ("--model er --dataset grid-small --max-num-node 9", "max_num_node is for models that grow graphs, got 9 for er"),
        ("--model er --dataset grid-small --novel-against nothing.g6", "unknown data set 'nothing.g6'"),
        ("--model er --dataset grid-small --checkpoint best", "--checkpoint is of --run"),
        ("--model er --dataset grid-small --run g", "give --run NAME, or --model NAME with --dataset"),
        ("--model gran2 --dataset grid-small", "unknown model 'gran2'; choose from graphrnn, graphrnn-s, graphrnn-c, gran, "),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_it_is_fitted(options: str, message: str) -> None:
    output = gengraph(f"sample {options} -n 5 --out s", code=2)
    assert message in output
    assert "fitting" not in output
    assert not Path("s").exists()


def test_a_fit_that_needs_another_config_names_the_command_that_takes_one() -> None:
    output = gengraph("sample --model trees --dataset ladder-small -n 5 --out s", code=2)
    assert "use `gengraph train` with --set model.cycles=drop" in output
    assert not list(Path("s").iterdir())


def test_a_fit_whose_samples_never_meet_the_conditions_leaves_the_folder_free() -> None:
    output = gengraph("sample --model er --dataset ladder-small -n 5 --num-nodes 900..1000 --out s", code=2)
    assert "an attempt in a thousand must meet the conditions (900..1000 nodes)" in output
    gengraph("sample --model er --dataset ladder-small -n 5 --out s")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--out s.g6", ".g6 cannot say the node labels (el) of the graphs; choose one of .parquet, "),
        ("--export g6 --out s", ".g6 cannot say the node labels (el) of the graphs; choose one of .parquet, "),
        ("--out s.smi", "molecules need node labels that are elements and edge labels that are bonds"),
    ],
)
def test_a_format_that_cannot_say_what_will_be_drawn_is_refused_before_it_is(options: str, message: str) -> None:
    graphs = load_dataset("ladder-small")
    labels = LabelArrays.coded(nodes=("el", ["a"] * int(graphs.num_nodes.sum())))
    write_graphs(graphs.labelled(labels), "labelled.jsonl")
    gengraph(f"train --dataset labelled.jsonl --node-label el --steps 2 --run g {FAST}")
    before = {*Path().rglob("*")}
    output = gengraph(f"sample --run g -n 5 {options}", code=2)
    assert message in output
    assert "sampling" not in output
    assert {*Path().rglob("*")} == before


def test_files_of_one_graph_each_are_all_named() -> None:
    output = gengraph("sample --model er --dataset ladder-small -n 12 --out er.gexf")
    assert output.splitlines()[-1] == "12 graphs: er-00.gexf to er-11.gexf"
    assert len(read_graphs("er-11.gexf")) == 1
    assert "1 graph: one.gexf" in gengraph("sample --model er --dataset ladder-small -n 1 --out one.gexf")
    assert "one.gexf exists; choose" in gengraph("sample --model er --dataset ladder-small -n 1 --out one.gexf", code=2)


def test_an_unfinished_sample_is_not_evaluated() -> None:
    gengraph(f"train --dataset grid-small --steps 2 --run g {FAST}")
    gengraph("sample --run g -n 20 --shard-size 10 --out s")
    manifest = json.loads(Path("s/manifest.json").read_text())
    del manifest["shards"]
    Path("s/manifest.json").write_text(json.dumps(manifest))
    assert "not finished" in gengraph("evaluate grid-small s", code=2)
