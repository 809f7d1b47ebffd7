"""Training that begins with a ready-made model, and the commands that take one."""

import json
from pathlib import Path

import pytest
import torch
from command_line import answer, gengraph, in_tmp_path  # noqa: F401

import gengraph as library
from gengraph.errors import InputError
from gengraph.files import hash_file
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.schema import LabelArrays, Labels, LabelSchema
from gengraph.runs.folders import train_run
from gengraph.training.checkpoint import load_checkpoint
from gengraph.zoo import catalogue, load_ready_made

pytestmark = pytest.mark.usefixtures("in_tmp_path")
STILL = "--steps 1 --set training.learning_rate=1e-12"


def paths(count: int = 12) -> GraphSet:
    return GraphSet.from_edge_lists([n + 3 for n in range(count)], [[(i, i + 1) for i in range(n + 2)] for n in range(count)])


def test_training_begins_with_the_weights_and_says_so(packed: Path) -> None:
    write_graphs(paths(), "paths.jsonl")
    gengraph(f"train --from-pretrained {packed} --dataset paths.jsonl --run more {STILL}")
    about, made = json.loads(Path("runs/more/run.json").read_text()), load_ready_made(str(packed))
    assert about["begun_with"] == {"pretrained": "grids", "sha256": hash_file(packed)}
    assert about["model"] == "graphrnn-c"
    widest, largest = made.checkpoint.facts["max_prev_node"], read_graphs("runs/more/data/train.parquet").num_nodes.max()
    assert widest > 1  # which paths would do with
    assert (about["facts"]["max_prev_node"], about["facts"]["max_num_node"]) == (widest, largest)
    (path,) = Path("runs/more/checkpoints").iterdir()
    weights = load_checkpoint(path).weights
    assert all(torch.allclose(weights[name], value, atol=1e-9) for name, value in made.checkpoint.weights.items())
    assert f"| begun with | pretrained grids, sha256 {hash_file(packed)} |" in (path / "card.md").read_text()
    assert "3 graphs" in gengraph("sample --run more -n 3 --out s")


def test_a_run_without_what_it_begins_with_is_refused(packed: Path) -> None:
    write_graphs(paths(), "paths.jsonl")
    gengraph(f"train --from-pretrained {packed} --dataset paths.jsonl --run more {STILL}")
    (path,) = Path("runs/more/checkpoints").iterdir()
    for file in path.iterdir():
        file.unlink()
    path.rmdir()
    train_run(Path("runs/more"))  # as if it had been interrupted before the first checkpoint
    (again,) = Path("runs/more/checkpoints").iterdir()
    weights = load_ready_made(str(packed)).checkpoint.weights
    assert all(torch.allclose(load_checkpoint(again).weights[name], value, atol=1e-9) for name, value in weights.items())
    for file in again.iterdir():
        file.unlink()
    again.rmdir()
    Path("runs/more/begin.safetensors").unlink()
    with pytest.raises(InputError, match=r"begin.safetensors, what this run begins with, is not whole .* make the run again"):
        train_run(Path("runs/more"))


def test_graphs_that_do_not_fit_the_model_are_refused(packed: Path) -> None:
    complete = [[(i, j) for j in range(n) for i in range(j)] for n in range(10, 20)]
    write_graphs(GraphSet.from_edge_lists(range(10, 20), complete), "complete.jsonl")
    widest = load_ready_made(str(packed)).checkpoint.facts["max_prev_node"]
    refused = gengraph(f"train --from-pretrained {packed} --dataset complete.jsonl --run wide {STILL}", code=2)
    assert f"max_prev_node of these graphs must be <= {widest}" in refused
    assert "train a new model" in refused
    cut = f"--set model.sequence.max_prev_node={widest}"
    gengraph(f"train --from-pretrained {packed} --dataset complete.jsonl --run cut {STILL} {cut}")

    write_graphs(paths(), "paths.jsonl")
    wider = gengraph(f"train --from-pretrained {packed} --dataset paths.jsonl {STILL} --set model.hidden_size=16", code=2)
    assert "must fit its config and graphs, got" in wider
    assert "leave model as it was, or train a new model" in wider

    bare = paths()
    schema = LabelSchema(nodes=Labels("kind", ("a", "b")))
    labels = LabelArrays(schema, nodes=torch.zeros(int(bare.num_nodes.sum()), dtype=torch.int64).numpy())
    write_graphs(bare.labelled(labels), "labelled.parquet")
    command = f"train --from-pretrained {packed} --dataset labelled.parquet --node-label kind {STILL}"
    assert "graphs must have the labels of the model that training begins with (none)" in gengraph(command, code=2)
    assert not Path("runs/wide").exists()


@pytest.mark.parametrize("also", ["--model gran", "--config graphrnn-c/grid"])
def test_a_ready_made_model_brings_model_and_config(packed: Path, also: str) -> None:
    refused = gengraph(f"train --from-pretrained {packed} --dataset grid-small {also}", code=2)
    assert "--from-pretrained brings model and config; leave out --model and --config" in refused


def test_samples_of_a_ready_made_model(packed: Path) -> None:
    assert "7 graphs in 1 shard" in gengraph(f"sample --pretrained {packed} -n 7 --seed 2 --novel-against train --out s")
    manifest = json.loads(Path("s/manifest.json").read_text())
    assert (manifest["pretrained"], manifest["sha256"]) == ("grids", hash_file(packed))
    gengraph(f"sample --pretrained {packed} -n 7 --seed 2 --out plain.g6")
    assert read_graphs("plain.g6") == library.pretrained(str(packed)).sample(7, seed=2)
    assert "unknown ready-made model 'gird'; choose from" in gengraph("sample --pretrained gird --out x", code=2)
    assert "or --pretrained NAME" in gengraph(f"sample --pretrained {packed} --run r --out x", code=2)
    assert "--checkpoint is of --run" in gengraph(f"sample --pretrained {packed} --checkpoint last --out x", code=2)
    assert "--budget is of --model" in gengraph(f"sample --pretrained {packed} --budget 9s --out x", code=2)


def test_the_list_the_card_and_a_run_as_a_file(runs: Path, packed: Path) -> None:
    listed = gengraph("pretrained")
    assert all(name in listed for name in catalogue())
    assert set(answer("pretrained --format json")) == set(catalogue())
    assert "CC0" in gengraph(f"pretrained show {packed}")
    assert answer(f"pretrained show {packed} --format json")["licence"] == "CC0"
    output = gengraph(f"pretrained pack grid-small --runs-dir {runs} --out mine.safetensors --licence CC0")
    assert f"#sha256={hash_file(Path('mine.safetensors'))}" in output
    assert load_ready_made("mine.safetensors").about["licence"] == "CC0"
    assert "must end in .safetensors" in gengraph(f"pretrained pack grid-small --runs-dir {runs} --out mine.pt", code=2)


def test_a_fitted_generator_of_it_is_saved_as_any_other(packed: Path) -> None:
    library.pretrained(str(packed)).save("kept.json")
    assert library.GraphRNNC.load("kept.json").sample(4, seed=0) == library.pretrained(str(packed)).sample(4, seed=0)
