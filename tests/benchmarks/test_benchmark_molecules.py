"""The protocol molecules of the benchmark: numbers of `evaluate_molecules`, each found once; drawn molecules in the report."""

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import gengraph

from gengraph.benchmarks import cards, charts, scores
from gengraph.benchmarks.molecules import DISTANCES, METRICS, NUM_SAMPLES, check_molecules, usual_samples
from gengraph.benchmarks.settings import Settings
from gengraph.benchmarks.steps import Data
from gengraph.benchmarks.table import format_measure, table_of
from gengraph.chemistry.metrics import MoleculeSets, evaluate_molecules
from gengraph.chemistry.reading import graphs_of_texts
from gengraph.chemistry.writing import smiles_of
from gengraph.data import Split
from gengraph.errors import InputError
from gengraph.formats import read_graphs
from gengraph.graphs import GraphSet, LabelArrays
from gengraph.metrics import wilson_interval

SMILES = (Path(__file__).parents[1] / "chemistry" / "qm9_400.smi").read_text().split()
COMMAND = (
    "benchmark --datasets a.smi --models er --protocols molecules -n 30 --max-graphs 10 --bootstrap 40 --out r "
    "--samples Peer=peer.smi --samples Copy=a.smi --on-invalid drop"
)
INVALID = "C(C)(C)(C)(C)C"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of 60 molecules and of a file of samples, in which a line is no molecule and one is there twice."""
    folder = tmp_path_factory.mktemp("molecules")
    (folder / "a.smi").write_text("\n".join(SMILES[:60]) + "\n")
    (folder / "peer.smi").write_text("\n".join([*SMILES[100:108], SMILES[100], INVALID]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        gengraph(COMMAND)
    return folder


@pytest.fixture
def results(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    return json.loads((folder / "r" / "results.json").read_text())


def parts_of(folder: Path) -> dict[str, list[str]]:
    (cache,) = (folder / "r" / "cache" / "data").glob("[!.]*")
    return {part: smiles_of(read_graphs(cache / f"{part}.parquet")).texts for part in ("train", "validation", "test")}


def test_numbers_are_those_of_evaluate(folder: Path, results: dict[str, Any]) -> None:
    (cell,) = [cell for cell in results["cells"] if cell["model"] == "Peer"]
    parts = parts_of(folder)
    train = parts["train"] + parts["validation"]
    drawn = np.sort(np.random.default_rng(0).permutation(len(parts["test"]))[:10])
    reference = [parts["test"][i] for i in drawn]
    canonical = smiles_of(graphs_of_texts([*SMILES[100:108], SMILES[100]]).graphs).texts
    sets = MoleculeSets(generated=[*canonical, None], reference={"test": reference}, train=train)
    expected = evaluate_molecules(sets).metrics
    found = cell["molecules"]["metrics"]
    assert list(found) == list(METRICS)
    for name in set(METRICS) - {"mean_qed"}:
        wanted = expected[name] if name in expected else expected[f"{name}/test"]
        assert found[name] == (pytest.approx(wanted) if np.isfinite(wanted) else None)
    assert found["valid"] == 0.9
    assert found["unique"] == pytest.approx(8 / 9)
    assert 0 < found["mean_qed"] < 1
    assert cell["molecules"]["counts"]["unique"] == {"count": 8, "total": 9}
    assert cell["molecules"]["real"]["num_reference"] == 10


def test_rows_have_the_floor_and_dashes_of_models_without_elements(results: dict[str, Any]) -> None:
    rows = {row["model"]: row for row in results["rows"]}
    assert list(rows) == ["er", "Peer", "Copy", "train set"]
    assert rows["er"]["molecules"] == {}
    assert rows["er"]["error"] is None
    floor = rows["train set"]
    assert floor["num_graphs"] == 30
    assert floor["molecules"]["valid"] == 1
    assert floor["molecules"]["novel"] == 0
    assert rows["Copy"]["molecules"]["novel"] == 12 / 60  # the test molecules
    assert floor["interval"]["valid"] == list(wilson_interval(30, 30, level=0.95))
    for name in (*DISTANCES, "mean_qed"):
        low, high = floor["interval"][name]
        assert low < floor["molecules"][name] < high
    table = table_of(results, "molecules")
    lines = {line.texts[1]: dict(zip(table.columns, line.texts, strict=True)) for line in table.lines}
    assert lines["er"]["FCD"] == lines["er"]["valid %"] == "-"
    assert lines["Peer"]["valid %"].startswith("90.0 ±")
    assert lines["train set"]["novel %"].startswith("0.0 ±")


def test_every_file_has_the_molecules(results: dict[str, Any]) -> None:
    with Path("r/results.csv").open() as file:
        lines = {line["model"]: line for line in csv.DictReader(file)}
    rows = {row["model"]: row for row in results["rows"]}
    assert float(lines["Peer"]["valid"]) == 0.9
    assert float(lines["Peer"]["fragments"]) == rows["Peer"]["molecules"]["fragments"]
    assert float(lines["Peer"]["valid_low"]) == rows["Peer"]["interval"]["valid"][0]
    assert lines["er"]["valid"] == lines["er"]["fcd"] == ""
    shown = format_measure("fcd", rows["train set"]["molecules"]["fcd"], None)
    for name in ("results.md", "results.tex"):
        text = Path("r", name).read_text()
        assert shown in text
        assert "diversity" in text
    assert "10 of 12 test molecules (seed 0)" in Path("r/results.md").read_text()


def test_nothing_is_done_twice(results: dict[str, Any]) -> None:
    assert results["settings"]["num_reference"] == 10
    there = {path: path.stat().st_mtime_ns for path in Path("r/cache").glob("*/[!.]*")}
    kinds = [path.parent.name for path in there]
    assert kinds.count("molecules") == 1 + 3  # the real ones, and each row that has elements
    assert not {"novelty", "scores"} & set(kinds)
    gengraph(COMMAND)
    assert {path: path.stat().st_mtime_ns for path in Path("r/cache").glob("*/[!.]*")} == there


def test_it_stands_beside_other_protocols(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folder, tmp_path / "m")
    monkeypatch.chdir(tmp_path / "m")
    monkeypatch.setenv("COLUMNS", "400")
    before = set(Path("r/cache/molecules").iterdir())
    output = gengraph(COMMAND.replace("--protocols molecules", "--protocols emd,molecules"))
    assert set(Path("r/cache/molecules").iterdir()) == before
    found = json.loads(Path("r/results.json").read_text())
    rows = {(row["protocol"], row["model"]): row for row in found["rows"]}
    assert rows["emd", "er"]["mmd2"]["degree"] > 0
    assert rows["emd", "er"]["novelty"]["novel"]["value"] >= 0
    assert "molecules" not in rows["emd", "Peer"]
    assert rows["molecules", "Peer"]["novelty"] is rows["molecules", "Peer"]["ratio"] is None
    assert rows["molecules", "Peer"]["mmd2"] == {}
    for column in ("MMD", "FCD", "clustering", "mean QED"):
        assert column in output
    heads = re.findall(r"<thead>(.*?)</thead>", Path("r/report.html").read_text())
    assert [head.count(">novel<") + head.count(">novel %<") for head in heads] == [1, 1]


def test_the_report_draws_molecules(results: dict[str, Any]) -> None:
    page = Path("r/report.html").read_text()
    shown = dict(re.findall(r'<article class="card"><header><h3>(.*?)</h3>(.*?)</article>', page))
    assert set(shown) == {"er", "Copy", "Peer"}
    for card in shown.values():
        assert "12 of 12 test molecules" in card
        assert card.count("<use ") == 12
    assert "12 of 60 samples of Copy<" in shown["Copy"]
    assert shown["Copy"].count("<g transform=") == 12
    assert shown["er"].count("<g transform=") == 0
    assert not re.search(r"url\(|@import|https?://", page)
    assert "Squared MMD, protocol" not in page
    (cell,) = [cell for cell in results["cells"] if cell["model"] == "Copy"]
    assert all(picture["smiles"] for picture in cell["pictures"])


def test_samples_that_can_be_no_molecules_are_framed() -> None:
    fine = graphs_of_texts(["CC(C)(C)O"]).graphs
    assert fine.labels is not None
    assert fine.schema.nodes is not None
    oxygen = np.full(5, fine.schema.nodes.values.index("O"), np.int32)
    broken = fine.labelled(LabelArrays(fine.schema, oxygen, fine.labels.edges))
    pictures = [scores._picture(graph) for graph in (fine, broken)]
    assert [picture["smiles"] for picture in pictures] == ["CC(C)(C)O", None]
    assert ["impossible" in charts.graph_paths(picture) for picture in pictures] == [False, True]
    assert "2 of 9 samples; framed: 1 that can be no molecules" in cards._gallery("samples", 9, pictures, "")


def test_other_graphs_and_statistics_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    output = gengraph("benchmark --datasets ladder-small --models er --protocols molecules --out s", code=2)
    assert "compares graphs whose labels are elements and bonds, got ladder-small" in " ".join(output.split())
    assert not Path("s", "results.json").exists()
    with pytest.raises(InputError, match="choose from emd, tv, rbf, molecules"):
        Settings(models=("er",), protocols=("smiles",))
    with pytest.raises(InputError, match=r"protocol molecules compares valid, .* got degree"):
        Settings(models=("er",), protocols=("molecules",), statistics=("degree",))
    chosen = Settings(models=("er",), protocols=("molecules", "emd"), statistics=("fcd", "degree"))
    assert (chosen.compared("molecules"), chosen.compared("emd")) == (("fcd",), ("degree",))
    with pytest.raises(InputError, match="num_reference must be >= 0, got -1"):
        Settings(models=("er",), num_reference=-1)


def test_so_many_are_sampled() -> None:
    molecules = graphs_of_texts(SMILES[:3]).graphs
    many = GraphSet.concatenate([molecules] * 500)
    data = Data(name="m", split=Split(train=many, validation=molecules, test=molecules))
    assert usual_samples(data) == NUM_SAMPLES == 1000
    assert usual_samples(Data(name="m", split=Split(train=molecules, validation=molecules, test=molecules))) == 6
    bare = many.bare()
    plain = Data(name="p", split=Split(train=bare, validation=bare[:1], test=bare[:1]))
    assert usual_samples(plain) == 1501
    check_molecules([data])
    with pytest.raises(InputError, match="leave out one of the two"):
        check_molecules([plain])
