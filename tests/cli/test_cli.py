import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest
from command_line import FAST, gengraph, in_tmp_path  # noqa: F401
from typer.testing import CliRunner

from gengraph.cli.app import app
from gengraph.cli.guard import explain
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet

pytestmark = pytest.mark.usefixtures("in_tmp_path")

COMMANDS = ("train", "tune", "sample", "samples verify", "evaluate", "plot", "benchmark", "datasets", "runs", "info")


def test_help_imports_neither_torch_nor_ray_nor_numba() -> None:
    script = (
        "import sys; sys.argv = ['gengraph', '--help']\n"
        "from gengraph.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'ray', 'numba', 'scipy', 'pyarrow', 'networkx'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
    for command in COMMANDS:
        assert command.split()[0] in output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_text_has_an_example(command: str) -> None:
    output = re.sub(r"\s+", " ", gengraph(f"{command} --help"))
    assert "Example" in output
    assert f"gengraph {command}" in output


def test_train_sample_evaluate() -> None:
    output = gengraph(f"train --dataset grid-small --steps 30 --run g {FAST}")
    assert "checkpoint: runs/g/checkpoints/step-00000030" in output
    lines = [json.loads(line) for line in Path("runs/g/metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 30
    assert {"nll", "validation_nll", "graphs_per_s", "seconds"} <= set(lines[-1])

    assert "120 graphs in 3 shards" in gengraph("sample --run g -n 120 --shard-size 50 --out s --seed 4")
    assert len(read_graphs("s")) == 120
    first = read_graphs("s")
    Path("s/shard-000001.parquet").unlink()
    gengraph("sample --run g -n 120 --shard-size 50 --out s --seed 4")
    assert read_graphs("s") == first
    assert "every hash is right" in gengraph("samples verify s")
    output = gengraph("sample --run g -n 20 --num-nodes 2..20 --components reject --unique --format g6 --out few")
    assert re.search(r"20 of \d+ attempts were taken: \d+\.\d%", output)
    assert read_graphs("few/shard-000000.g6") == read_graphs("few")
    assert (read_graphs("few").num_components() == 1).all()

    table = gengraph("evaluate runs/g/data/test.parquet s")
    assert all(word in table for word in ("degree", "clustering", "orbit", "emd"))
    values = json.loads(gengraph("evaluate runs/g/data/test.parquet s --format json"))
    assert values["num_generated"] == 120
    assert values["metrics"]["degree"]["mmd2"] > 0
    same = json.loads(gengraph("evaluate s s --format json"))
    assert abs(same["metrics"]["orbit"]["mmd2"]) < 1e-12


def test_evaluate_in_every_form() -> None:
    train = "--train grid-small --valid grid --permutations 50 --bootstrap 50"
    table = gengraph(f"evaluate grid-small ladder-small --protocol emd,tv {train}")
    assert "spectral" in table
    assert "valid: 9 of 9" in table
    two = json.loads(gengraph("evaluate grid-small ladder-small --protocol emd,tv --format json"))
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


def test_evaluate_the_likelihood_of_a_run() -> None:
    gengraph(f"train --dataset grid-small --steps 20 --run g --set sequence.ordering=bfs {FAST}")
    values = json.loads(gengraph("evaluate --nll g --orderings 3 --format json"))
    assert values["checkpoint"] == "step-00000020"
    assert list(values["parts"]) == ["train", "validation", "test"]
    for part in values["parts"].values():
        assert part["nll"] >= part["nll_distinct"] > 0
        assert 1 <= part["num_distinct"] <= 3
        assert part["nll"] > part["nll_per_node"] > 0
    validation = json.loads(Path("runs/g/metrics.jsonl").read_text().splitlines()[-1])["validation_nll"]
    assert values["parts"]["validation"]["nll"] == pytest.approx(validation, rel=0.3)
    table = gengraph("evaluate --nll g --orderings 3")
    assert "an upper bound: runs/g/checkpoints/step-00000020, 3 orderings of each graph" in table
    assert f"{values['parts']['test']['nll']:.4g}" in table
    assert gengraph("evaluate --nll g --orderings 3 --format csv").startswith("part,nll,a node,an edge bit,nll (distinct)")
    assert gengraph("evaluate --nll g --orderings 3 --format markdown").startswith("| part | nll |")


def test_sample_from_a_baseline() -> None:
    output = gengraph("sample --model kronecker --dataset grid-small -n 30 --shard-size 20 --out k")
    assert "fitting kronecker to the 16 training graphs" in output
    manifest = json.loads(Path("k/manifest.json").read_text())
    assert manifest["model"] == "kronecker"
    assert manifest["parameters"]
    first = read_graphs("k")
    assert len(first) == 30
    Path("k/shard-000001.parquet").unlink()
    gengraph("sample --model kronecker --dataset grid-small -n 30 --shard-size 20 --out k")
    assert read_graphs("k") == first
    gengraph("samples verify k")
    assert "give --run NAME, or --model" in gengraph("sample --model er --out x", code=2)
    assert "is for trained runs; leave out --unique" in gengraph(
        "sample --model er --dataset grid-small --unique --out x", code=2
    )


def test_an_unfinished_sample_is_not_evaluated() -> None:
    gengraph(f"train --dataset grid-small --steps 2 --run g {FAST}")
    gengraph("sample --run g -n 20 --shard-size 10 --out s")
    manifest = json.loads(Path("s/manifest.json").read_text())
    del manifest["shards"]
    Path("s/manifest.json").write_text(json.dumps(manifest))
    assert "not finished" in gengraph("evaluate grid-small s", code=2)


def test_resume_goes_on_where_the_run_stopped() -> None:
    gengraph(f"train --dataset grid-small --steps 20 --run whole {FAST}")
    gengraph(f"train --dataset grid-small --steps 20 --run parts --set training.schedule=constant {FAST}")
    assert "exists; go on with --resume" in gengraph(f"train --dataset grid-small --steps 40 --run parts {FAST}", code=2)
    gengraph("train --run parts --resume --steps 40")
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
    output = gengraph("train --run g --resume")
    assert f"steps: {done} (nothing was left to do" in output
    for name in ("best", "last"):
        gengraph(f"sample --run g -n 5 --checkpoint {name} --out {name}")
    steps = [json.loads(Path(f"{name}/manifest.json").read_text())["step"] for name in ("best", "last")]
    assert steps == [int(stopped[1]), done]
    assert "holds another sample (step" in gengraph("sample --run g -n 5 --checkpoint last --out best", code=2)


def test_models_configs_and_own_graphs() -> None:
    write_graphs(GraphSet.from_networkx([nx.path_graph(n) for n in range(2, 12)]), "mine.jsonl")
    Path("config.toml").write_text("[model]\nhidden_size = 8\nedge_hidden_size = 4\n")
    output = gengraph("train --dataset mine.jsonl --model graphrnn-s --config config.toml --steps 3")
    assert "runs/mine-graphrnn-s" in output
    about = json.loads(Path("runs/mine-graphrnn-s/run.json").read_text())
    assert about["model"] == "graphrnn-s"
    assert about["num_graphs"] == {"train": 7, "validation": 1, "test": 2}
    gengraph("train --dataset mine.jsonl --config paper --steps 2 --set model.hidden_size=8")


def test_tune_writes_a_config_that_train_takes() -> None:
    output = gengraph("tune --dataset ladder-small --trials 2 --steps 2 --concurrent 0 --out best.toml")
    assert "best config: best.toml" in output
    assert Path("best.toml").read_text() == Path("sweeps/ladder-small/best.toml").read_text()
    gengraph("train --dataset ladder-small --config best.toml --steps 2")
    assert "exists; go on with --resume" in gengraph("tune --dataset ladder-small --concurrent 0", code=2)


def test_a_sweep_without_ray_goes_on_and_repeats_no_trial() -> None:
    gengraph("tune --dataset ladder-small --trials 3 --steps 2 --concurrent 0")
    record = Path("sweeps/ladder-small/trials.jsonl")
    lines = record.read_text().splitlines()
    record.write_text(lines[0] + "\n" + lines[2].replace('"step": 2', '"step": 1234') + "\n")
    output = gengraph("tune --sweep ladder-small --resume")
    assert "1234" in output
    assert record.read_text().count("\n") == 3
    again = pq.read_table("sweeps/ladder-small/trials.parquet").to_pylist()
    assert sorted(row["number"] for row in again) == [0, 1, 2]
    first = next(row for row in again if row["number"] == 1)
    assert first["validation_nll"] == pytest.approx(json.loads(lines[1])["metrics"]["validation_nll"])


def test_failed_trials_are_listed_and_all_failing_is_a_failure() -> None:
    write_graphs(GraphSet.from_edge_lists([4] * 20, [np.array([[0, 1], [2, 3]])] * 20), Path("pairs.parquet"))
    Path("space.toml").write_text("[model]\nstop = ['zero_row', 'decision']\nhidden_size = [4]\n")
    common = "tune --dataset pairs.parquet --steps 2 --concurrent 0 --space space.toml"
    output = gengraph(f"{common} --trials 6 --sweep some")
    assert "failed: stop = zero_row cannot express disconnected graphs" in output
    assert "best config: sweeps/some/best.toml" in output
    Path("space.toml").write_text("[training]\nlearning_rate = [3e38]\n")
    assert "failed: RuntimeError: value cannot be converted" in gengraph(f"{common} --trials 1 --sweep off", code=1)
    Path("space.toml").write_text("[model]\nstop = ['zero_row']\n")
    output = gengraph(f"{common} --trials 2 --sweep none", code=1)
    assert "every trial failed" in output
    assert "trial 1: stop = zero_row cannot express" in output


def test_benchmark_in_this_process() -> None:
    output = gengraph("benchmark --datasets ladder-small,grid-small --models graphrnn-s,er --budget 1s --workers 0 --out r")
    assert output.index("graphrnn-s") < output.index("train set")
    results = json.loads(Path("r/results.json").read_text())
    assert [(row["dataset"], row["model"]) for row in results["rows"]] == [
        (dataset, model) for dataset in ("ladder-small", "grid-small") for model in ("graphrnn-s", "er", "train set")
    ]
    assert all(set(row["mmd2"]) == {"degree", "clustering", "orbit"} for row in results["rows"])
    assert Path("r/results.csv").read_text().count("\n") == 7
    assert "| grid-small | train set |" in Path("r/results.md").read_text()
    assert output.splitlines()[-1] == "report: r/report.html"
    assert Path("r/report.html").exists()


def test_a_data_set_that_cannot_be_had_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENGRAPH_DATA", "")
    monkeypatch.setattr("gengraph.data.download.platformdirs.user_cache_dir", lambda _name: "cache")
    monkeypatch.setattr("gengraph.data.catalogue.TU_URL", "http://127.0.0.1:1/{name}.zip")
    output = gengraph("benchmark --datasets protein,ladder-small --models er --workers 0 --out r", code=1)
    assert "could not be downloaded" in output
    assert "--data-dir" in output
    rows = json.loads(Path("r/results.json").read_text())["rows"]
    assert [row["dataset"] for row in rows if not row["error"]] == ["ladder-small"] * 2


def test_a_damaged_download_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "ENZYMES.zip").write_bytes(b"PK cut short")
    output = gengraph("benchmark --datasets enzymes,ladder-small --models er --workers 0 --out r --data-dir .", code=1)
    assert "ENZYMES.zip is damaged" in output
    assert "delete it and try again" in output
    assert "ladder-small  er" in output


def test_a_model_that_fails_does_so_alone() -> None:
    write_graphs(GraphSet.from_networkx([nx.empty_graph(0)] * 5), "null.json")
    output = gengraph("benchmark --datasets null.json --models graphrnn,er --workers 0 --out r", code=1)
    assert "null.json, graphrnn: InputError: training graphs need at least one node" in re.sub(r"\s+", " ", output)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train --dataset lader", "unknown data set 'lader'"),
        ("train", "--dataset is missing"),
        ("train --dataset ladder-small --workers -1", "greater than or equal to 0"),
        ("train --dataset ladder-small --budget soon", "'soon' is no duration"),
        ("train --dataset ladder-small --budget 1m --steps 3", "either --steps or --budget"),
        ("train --dataset ladder-small --model gran", "--model must be one of graphrnn, graphrnn-s, graphrnn-c, got 'gran'"),
        ("train --dataset ladder-small --set model.size=3", "unknown field model.size"),
        ("train --dataset ladder-small --config nowhere.toml", "neither a preset"),
        ("train --dataset empty.jsonl", "empty.jsonl is empty"),
        ("train --dataset loops.jsonl", "self-loop"),
        ("train --dataset one.jsonl", "at least 3 graphs, got 1"),
        ("train --resume", "--resume needs --run"),
        ("train --run nothing --resume", "no run runs/nothing"),
        ("sample --run nothing --out s", "no run runs/nothing"),
        ("sample --run nothing --out s -n 0", "greater than or equal to 1"),
        ("sample --run nothing --out s --num-nodes 5", "--num-nodes must be of the form 50..100, got '5'"),
        ("sample --run nothing --out s --temperature 0", "temperature must be > 0, got 0.0"),
        ("sample --run nothing --out s --components all", "components must be one of keep, largest, reject, got 'all'"),
        ("sample --run nothing --out s --format tiff", "graphs cannot be written as 'tiff'; choose parquet, g6"),
        ("sample --run nothing --out s --checkpoint first", "--checkpoint must be one of last, best, got 'first'"),
        ("samples verify nowhere", "nowhere has no manifest.json"),
        ("evaluate one.jsonl nothing.jsonl", "neither a name"),
        ("evaluate one.jsonl", "give the REFERENCE and the GENERATED graphs, or --nll RUN alone"),
        ("evaluate one.jsonl one.jsonl --nll g", "give the REFERENCE and the GENERATED graphs, or --nll RUN alone"),
        ("evaluate --nll nothing", "no run runs/nothing"),
        ("evaluate one.jsonl one.jsonl --protocol mmd", "protocol"),
        ("evaluate one.jsonl one.jsonl --format xml", "--format must be one of table, json, csv, markdown, latex, got 'xml'"),
        ("benchmark --datasets ladder-small --models gran", "unknown model 'gran'; choose from graphrnn"),
        ("tune --dataset ladder-small --trials 0", "greater than or equal to 1"),
        ("tune --dataset ladder-small --steps 2 --trial-budget 3s", "either --steps or --trial-budget"),
        ("tune --dataset ladder-small --concurrent 0 --scheduler asha", "without Ray there is a random search"),
        ("tune --dataset ladder-small --scheduler best", "--scheduler must be one of asha, pbt, none, got 'best'"),
        ("tune --dataset ladder-small --metric auc", "--metric must be one of nll, mmd, got 'auc'"),
        ("tune --dataset ladder-small --scheduler pbt --search optuna", "use --search random"),
        ("tune --dataset ladder-small --metric mmd --workers-per-trial 2", "use --scheduler none"),
        ("tune --dataset ladder-small --space nowhere.toml", "no space file nowhere.toml"),
        ("tune --dataset ladder-small --sweep a/b", "must have no slash"),
        ("tune --resume", "--resume needs --sweep NAME"),
        ("tune --resume --sweep s --trials 9", "own data and settings; leave out --trials"),
        ("evaluate --nll g --train one.jsonl", "the rest is for graphs; leave out --train"),
        ("evaluate one.jsonl one.jsonl --orderings 3", "options of --nll RUN, which takes no graphs; leave out --orderings"),
        ("evaluate one.jsonl one.jsonl --checkpoint best --runs-dir r", "leave out --checkpoint, --runs-dir"),
        ("sample --run nothing --out s --budget 9s", "a run is trained already; leave out --budget"),
        ("tune --resume --sweep gone", "no sweep sweeps/gone; make one with `gengraph tune`"),
        ("train --dataset ladder-small --run ../up", "must have no slash"),
        ("train --dataset ladder-small --run .", "must have no slash and not begin with a dot"),
        ("train --dataset ladder-small --runs-dir one.jsonl/x", "cannot be written"),
        ("train --dataset ladder-small --seed 99999999999999999999", "9223372036854775807"),
        ("train --dataset ladder-small --config bad.toml", "bad.toml is not TOML"),
        ("plot one.jsonl -o picture.gif", "must end with .png, .svg, .pdf, got 'picture.gif'"),
        ("plot empty.jsonl -o picture.png", "empty.jsonl is empty"),
        ("plot one.jsonl -o one.jsonl/picture.png", "cannot be written"),
        ("benchmark --datasets ,", "--datasets names no data set"),
        ("benchmark --datasets ladder-small --models ,", "at least one model"),
        ("benchmark --datasets ladder-small --protocol mmd", "unknown protocol 'mmd'"),
        ("benchmark --datasets ladder-small --statistics colour", "compares degree, clustering, orbit, got colour"),
        ("benchmark --datasets ladder-small --run grid=g", "--run must be DATASET=RUN with one of ladder-small, got 'grid=g'"),
        ("benchmark --datasets ladder-small --run ladder-small=g", "no run runs/g"),
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
    assert "nothing was left to do" in gengraph("train --run g --resume")
    command = "train --run g --resume --seed 3 --on-loops drop"
    assert "own data, config and seed; leave out --seed, --on-loops" in gengraph(command, code=2)
    record = Path("runs/g/checkpoints/step-00000003/checkpoint.json")
    whole = record.read_text()
    record.write_text(whole.replace('"format": 2', '"format": 1'))
    config = Path("runs/g/config.toml").read_text()
    for command in ("train --run g --resume --steps 9", "sample --run g -n 3 --out s"):
        assert "has format 1" in gengraph(command, code=2)
    assert Path("runs/g/config.toml").read_text() == config
    assert not Path("s").exists()
    record.write_text(whole)
    Path("runs/g/run.json").write_text("{")
    assert "run.json is damaged" in gengraph("train --run g --resume", code=2)


def test_config_keeps_its_seed() -> None:
    gengraph(f"train --dataset grid-small --steps 2 --run g {FAST} --set training.seed=5")
    assert "seed = 5" in Path("runs/g/config.toml").read_text()


def test_interrupted_training_names_the_checkpoint(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gengraph.cli.app", *f"train --dataset grid-small --steps 1000000 --run g {FAST}".split()]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "300"}) as process:
        deadline = time.monotonic() + 60
        while not Path("runs/g/metrics.jsonl").exists() or not Path("runs/g/metrics.jsonl").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    named = re.search(r"Kept (\S+step-\d+); go on with `gengraph train --runs-dir runs --run g --resume`", errors)
    assert named
    assert Path(named[1], "checkpoint.json").exists()


def test_unexpected_errors_hide_the_traceback_unless_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        msg = "by accident"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr("gengraph.metrics.evaluate", broken)
    output = gengraph("evaluate ladder-small ladder-small", code=1)
    assert "ZeroDivisionError: by accident" in output
    assert "--debug" in output
    result = CliRunner().invoke(app, ["--debug", "evaluate", "ladder-small", "ladder-small"])
    assert isinstance(result.exception, ZeroDivisionError)
    CliRunner().invoke(app, ["datasets"])


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "out/x cannot be written"), (errno.EROFS, "read-only")],
)
def test_storage_that_cannot_be_written_is_named(number: int, said: str) -> None:
    message, code = explain(OSError(number, os.strerror(number), "out/x"))
    assert said in message
    assert "out/x" in message
    assert "Traceback" not in message
    assert code == 1


def test_version() -> None:
    assert re.fullmatch(r"gengraph \d+\.\d+\.\d+\n", gengraph("--version"))
