import json
from pathlib import Path

import pytest
from command_line import FAST, gengraph, in_tmp_path  # noqa: F401

from gengraph.formats import read_graphs

pytestmark = pytest.mark.usefixtures("in_tmp_path")


@pytest.fixture
def trained(in_tmp_path: None) -> None:  # noqa: F811
    gengraph(f"train --dataset ego-small --model graphrnn --steps 5 --run small {FAST}")


@pytest.mark.usefixtures("trained")
def test_a_goal_from_the_command_line() -> None:
    shown = gengraph("train --run small --reward edges --rule nodes=2..30 --steps 2 --set goal.batch_size=16")
    assert "towards edges from step-00000005 of small; the run is runs/small-edges" in shown
    assert "rewards computed again from runs/small-edges/best.parquet" in shown
    again = gengraph("resume small-edges --steps 3")
    assert "next: gengraph sample --run small-edges" in again
    reports = [json.loads(line) for line in Path("runs/small-edges/metrics.jsonl").read_text().splitlines()]
    assert [report["step"] for report in reports][-1] == 3
    assert "steps must be >= the 3 that run runs/small-edges has done" in gengraph("resume small-edges --steps 1", code=2)
    shown = " ".join(gengraph("runs show small-edges").split())
    assert "finished, 100% done" in shown
    assert "goal: edges under nodes=2..30" in shown
    assert "resume small-edges --steps 6" in shown
    gengraph("sample --run small-edges -n 10 --max-num-node 40 --out samples")
    shown = gengraph("score samples --reward edges --reward triangles=2 --top 2 --format json")
    scored = json.loads(shown[shown.index("{") :])
    edges = read_graphs(Path("samples")).num_edges
    assert scored["rewards"]["edges"]["mean"] == pytest.approx(edges.mean())
    assert scored["rewards"]["edges"]["best"][0]["edges"] == edges.max()
    assert "triangles=2: mean -" in gengraph("score samples --reward triangles=2")
    assert "small-edges" in gengraph("runs")
    assert "exists" in gengraph("train --run small --reward edges --steps 1", code=2)
    gengraph("train --run small --reward edges --steps 1 --as other --set goal.batch_size=8 --seed 1")


@pytest.mark.usefixtures("trained")
def test_a_goal_that_fails_leaves_no_run() -> None:
    Path("own.py").write_text("import numpy as np\ndef wrong(graphs):\n    return np.zeros(2)\n")
    shown = gengraph("train --run small --reward own.py:wrong --steps 1", code=2)
    assert "must give a finite number a graph" in shown
    assert not Path("runs/small-own-py-wrong").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train --reward edges", "--reward trains on a run's model"),
        ("train --reward edges --run none --steps 1", "no run runs/none"),
        ("train --reward edges --run small --dataset grid", "leave out --dataset"),
        ("train --dataset grid --rule planar", "--rule, --as and --start are of a training towards a goal"),
        ("train --reward edges --run small --set model.hidden_size=8", "only fields of the goal can be set"),
        ("train --reward edges --run small --set goal.clip=0", "goal.clip must lie in (0, inf), got 0.0"),
        ("score none.g6 --reward edges", "none.g6"),
        ("score none.g6 --reward beauty", "unknown reward 'beauty'"),
    ],
)
def test_what_is_refused(command: str, message: str) -> None:
    assert message in " ".join(gengraph(command, code=2).split())


@pytest.mark.usefixtures("trained")
def test_a_start_is_for_models_that_can() -> None:
    Path("one.jsonl").write_text('{"n": 2, "edges": [[0, 1]]}\n')
    shown = gengraph("sample --run small --start one.jsonl -n 2 --out s", code=2)
    assert "a graph to start from is not for graphrnn" in " ".join(shown.split())
    shown = gengraph("train --run small --reward edges --start one.jsonl --steps 1", code=2)
    assert "a graph to start from is not for graphrnn" in " ".join(shown.split())
    assert not Path("runs/small-edges").exists()
    pytest.importorskip("rdkit")
    assert "--start must be a SMILES or a file" in gengraph("sample --run small --start C1C -n 2 --out s", code=2)
