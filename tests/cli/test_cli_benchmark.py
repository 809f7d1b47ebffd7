import json
import re
from pathlib import Path

import networkx as nx
import pytest
from command_line import gengraph, in_tmp_path  # noqa: F401

from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def test_benchmark_in_this_process() -> None:
    output = gengraph("benchmark --datasets ladder-small,grid-small --models graphrnn-s,er --budget 1s --out r")
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
