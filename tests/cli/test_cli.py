import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import pytest
from command_line import FAST, answer, gengraph, in_tmp_path  # noqa: F401

from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def test_resume_goes_on_where_the_run_stopped() -> None:
    gengraph(f"train --dataset grid-small --steps 20 --run whole {FAST}")
    gengraph(f"train --dataset grid-small --steps 20 --run parts --set training.schedule=constant {FAST}")
    assert "exists; go on with `gengraph resume parts`" in gengraph(
        f"train --dataset grid-small --steps 40 --run parts {FAST}", code=2
    )
    gengraph("resume parts --steps 40")
    gengraph(f"train --dataset grid-small --steps 40 --run straight --set training.schedule=constant {FAST}")
    weights = [Path(f"runs/{name}/checkpoints/step-00000040/model.safetensors").read_bytes() for name in ("parts", "straight")]
    assert weights[0] == weights[1]


def test_early_stopping_and_the_best_checkpoint() -> None:
    bad = "--set training.learning_rate=0.5 --set training.schedule=constant --set training.patience=2"
    output = gengraph(f"train --dataset grid-small --steps 60 --run g --set training.evaluations=30 {bad} {FAST}")
    stopped = re.search(r"stopped early: 2 evaluations brought nothing better than step (\d+)", output)
    assert stopped
    done = int(stopped[1]) + 4
    assert f"steps: {done}\n" in output
    assert f"best checkpoint: step {stopped[1]}" in output
    output = gengraph("resume g")
    assert f"steps: {done} (nothing was left to do" in output
    for name in ("best", "last"):
        gengraph(f"sample --run g -n 5 --checkpoint {name} --out {name}")
    output = gengraph("sample --run g -n 5 --out usual")
    best, last = f"step-{int(stopped[1]):08d}", f"step-{done:08d}"
    assert f"sampling from {best}, that of the best evaluation; --checkpoint last takes {last}, the last" in output
    assert "5 graphs in 1 shard: usual" in output
    steps = [json.loads(Path(f"{name}/manifest.json").read_text())["step"] for name in ("best", "last", "usual")]
    assert steps == [int(stopped[1]), done, int(stopped[1])]
    assert answer("likelihood g --orderings 1 --format json")["checkpoint"] == best
    assert answer("likelihood g --orderings 1 --checkpoint last --format json")["checkpoint"] == last
    other = gengraph("sample --run g -n 5 --checkpoint last --out best", code=2)
    assert re.search(rf"holds another sample \(.*step: {stopped[1]} there, {done} asked for", other)


def test_models_configs_and_own_graphs() -> None:
    write_graphs(GraphSet.from_networkx([nx.path_graph(n) for n in range(2, 12)]), "mine.jsonl")
    Path("config.toml").write_text("[model]\nhidden_size = 8\nedge_hidden_size = 4\n")  # of 0.1.0
    output = gengraph("train --dataset mine.jsonl --model graphrnn-s --config config.toml --set model.head.kind=mlp --steps 3")
    assert "runs/mine-graphrnn-s" in output
    about = json.loads(Path("runs/mine-graphrnn-s/run.json").read_text())
    assert about["model"] == "graphrnn-s"
    assert about["num_graphs"] == {"train": 7, "validation": 1, "test": 2}
    gengraph("train --dataset mine.jsonl --config graphrnn/paper --steps 2 --set model.hidden_size=8")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train --dataset lader", "unknown data set 'lader'"),
        ("train", "--dataset is missing"),
        ("train --dataset ladder-small --workers -1", "greater than or equal to 0"),
        ("train --dataset ladder-small --budget soon", "'soon' is no duration"),
        ("train --dataset ladder-small --budget 1m --steps 3", "either --steps or --budget"),
        (
            "train --dataset ladder-small --model gran2",
            "unknown model 'gran2'; choose from graphrnn, graphrnn-s, graphrnn-c, gran",
        ),
        (
            "train --dataset ladder-small --model er",
            "got er, which is fitted in closed form: it has no settings, and `gengraph sample",
        ),
        (
            "train --dataset ladder-small --model graphrnn-s --config graphrnn/paper",
            "--config graphrnn/paper makes a graphrnn, and --model asks for a graphrnn-s; use --set model.head.kind=mlp",
        ),
        (
            "train --dataset ladder-small --model gran --config graphrnn/paper",
            "asks for a gran; leave --model out, or choose another",
        ),
        (
            "train --dataset ladder-small --model graphrnn --set model.head.kind=mlp",
            "--set makes a graphrnn-s, and --model asks",
        ),
        ("train --dataset ladder-small --set model.size=3", "unknown field model.size"),
        ("train --dataset ladder-small --config nowhere.toml", "neither a preset"),
        ("train --dataset empty.jsonl", "empty.jsonl is empty"),
        ("train --dataset loops.jsonl", "self-loop"),
        ("train --dataset one.jsonl", "at least 3 graphs, got 1"),
        ("resume", "Missing argument"),
        ("resume nothing", "no run runs/nothing"),
        ("resume nothing --steps 3 --budget 1m", "either --steps or --budget"),
        ("resume nothing --seed 3", "No such option: --seed"),
        ("sample --run nothing --out s", "no run runs/nothing"),
        ("sample --run nothing --out s -n 0", "greater than or equal to 1"),
        ("sample --run nothing --out s --num-nodes 5", "--num-nodes must be of the form 50..100, got '5'"),
        ("sample --run nothing --out s --temperature 0", "temperature must be > 0, got 0.0"),
        ("sample --run nothing --out s --components all", "'all' is not one of 'keep', 'largest', 'reject'"),
        ("sample --run nothing --out s --export tiff", "graphs cannot be written as 'tiff'; choose parquet, g6"),
        ("sample --run nothing --out s --checkpoint first", "'first' is not one of 'last', 'best'"),
        ("samples verify nowhere", "nowhere has no manifest.json"),
        ("evaluate one.jsonl nothing.jsonl", "neither a name"),
        ("evaluate one.jsonl one.jsonl --protocol mmd", "protocol"),
        ("evaluate one.jsonl one.jsonl --format xml", "'xml' is not one of 'table', 'json', 'csv', 'markdown', 'latex'"),
        ("evaluate one.jsonl", "Missing argument"),
        ("likelihood nothing", "no run runs/nothing"),
        ("likelihood nothing --checkpoint first", "'first' is not one of 'last', 'best'"),
        ("benchmark --datasets ladder-small --models gran2", "unknown model 'gran2'; choose from graphrnn"),
        ("evaluate one.jsonl one.jsonl --checkpoint best", "No such option: --checkpoint"),
        ("sample --run nothing --out s --budget 9s", "a run is trained already, leave --budget out"),
        ("train --dataset ladder-small --run ../up", "must have no slash"),
        ("train --dataset ladder-small --run .", "must have no slash and not begin with a dot"),
        ("train --dataset ladder-small --runs-dir one.jsonl/x", "cannot be written"),
        ("train --dataset ladder-small --seed 99999999999999999999", "9223372036854775807"),
        ("train --dataset ladder-small --config bad.toml", "bad.toml is not TOML"),
        ("plot one.jsonl -o picture.gif", "must end with .png, .svg, .pdf, got 'picture.gif'"),
        ("plot empty.jsonl --out picture.png", "empty.jsonl is empty"),
        ("plot one.jsonl -o one.jsonl/picture.png", "cannot be written"),
        ("benchmark --datasets ,", "--datasets names no data set"),
        ("benchmark --datasets ladder-small --models ,", "at least one model"),
        ("benchmark --datasets ladder-small --protocol mmd", "unknown protocol 'mmd'"),
        ("benchmark --datasets ladder-small --statistics colour", "got colour; choose at least one of these"),
        (
            "benchmark --datasets ladder-small --trained grid=g",
            "--trained must be DATASET=RUN with one of ladder-small, got 'grid=g'",
        ),
        ("benchmark --datasets ladder-small --trained ladder-small=g", "no run runs/g"),
        ("benchmark --datasets ladder-small,tree --samples A=one.jsonl", "NAME@DATASET=PATH with one of ladder-small, tree"),
        ("benchmark --datasets ladder-small --samples A=no.g6", "there is no no.g6"),
        ("benchmark --datasets one.jsonl --models er", "one.jsonl: a split"),
        ("benchmark --datasets ladder-small --models er --out one.jsonl/x", "cannot be written"),
    ],
)
def test_bad_input_is_named_and_exits_with_2(command: str, message: str) -> None:
    Path("empty.jsonl").touch()
    Path("loops.jsonl").write_text('{"n": 2, "edges": [[1, 1]]}\n')
    Path("one.jsonl").write_text('{"n": 2, "edges": [[0, 1]]}\n')
    Path("bad.toml").write_text("[model")
    before = set(Path.cwd().rglob("*"))
    output = re.sub(r"[\s│]+", " ", gengraph(command, code=2))
    assert message in output
    assert "Traceback" not in output
    assert set(Path.cwd().rglob("*")) == before


def test_damaged_runs_are_named() -> None:
    gengraph(f"train --dataset grid-small --steps 3 --run g {FAST}")
    assert "nothing was left to do" in gengraph("resume g")
    record = Path("runs/g/checkpoints/step-00000003/checkpoint.json")
    whole = record.read_text()
    record.write_text(whole.replace('"format": 3', '"format": 1'))
    config = Path("runs/g/config.toml").read_text()
    for command in ("resume g --steps 9", "sample --run g -n 3 --out s"):
        assert "has format 1" in gengraph(command, code=2)
    assert Path("runs/g/config.toml").read_text() == config
    assert not Path("s").exists()
    record.write_text(whole)
    Path("runs/g/run.json").write_text("{")
    assert "run.json is damaged" in gengraph("resume g", code=2)


def test_config_keeps_its_seed() -> None:
    gengraph(f"train --dataset grid-small --steps 2 --run g {FAST} --set training.seed=5")
    assert "seed = 5" in Path("runs/g/config.toml").read_text()


def test_interrupted_training_names_the_checkpoint(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gengraph", *f"train --dataset grid-small --steps 1000000 --run g {FAST}".split()]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "300"}) as process:
        deadline = time.monotonic() + 60
        while not Path("runs/g/metrics.jsonl").exists() or not Path("runs/g/metrics.jsonl").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    named = re.search(r"Kept (\S+step-\d+); go on with `gengraph resume g`", errors)
    assert named
    assert Path(named[1], "checkpoint.json").exists()


def test_version() -> None:
    assert re.fullmatch(r"gengraph \d+\.\d+\.\d+\n", gengraph("--version"))
