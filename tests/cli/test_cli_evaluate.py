import json
from pathlib import Path

import numpy as np
import pytest
from command_line import answer, gengraph

from gengraph.data import load_dataset
from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet, LabelArrays, Labels, LabelSchema
from gengraph.metrics.cache import DescriptorCache


def test_the_discrepancy_stands_beside_the_other_protocols() -> None:
    pytest.importorskip("sklearn")
    printed = gengraph("evaluate planar:20 lobster:20 --train planar:16 --protocol tv,pgd --format json")
    squared, pgd = json.loads(printed[printed.index("[\n") :])
    assert squared["metrics"]["degree"]["mmd2"] > 0.5
    assert pgd["classifier"] == "logistic regression"
    assert pgd["pgd"] > 0.9
    assert pgd["floor"]["pgd"] < 0.5
    assert set(pgd["scores"]) == {"orbit4", "orbit5", "clustering", "degree", "spectral", "gin"}
    assert pgd["repeats"] == 10
    shown = gengraph("evaluate planar:20 lobster:20 --protocol pgd")
    assert "PolyGraph discrepancy by logistic regression between 20 graphs" in shown
    assert "floor" not in shown


def test_the_discrepancy_is_no_squared_mmd() -> None:
    assert "use table or json" in gengraph("evaluate planar:20 lobster:20 --protocol pgd --format csv", code=2)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Ladders in four files of one set."""
    ladders = load_dataset("ladder")
    (tmp_path / "shards").mkdir()
    for k in range(4):
        write_graphs(ladders[k * 25 : k * 25 + 25], tmp_path / "shards" / f"shard-{k:06d}.parquet")
    write_graphs(ladders[:100], tmp_path / "whole.parquet")
    return tmp_path


def test_shards_are_read_one_by_one(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gengraph(f"evaluate ladder {shards}/whole.parquet --format json")
    drawn = gengraph(f"plot {shards}/whole.parquet --count 5 --out {shards}/whole.svg")
    monkeypatch.setattr(GraphSet, "concatenate", lambda _sets: pytest.fail("more than a shard at a time"))
    values = [json.loads(text)["metrics"] for text in (whole, gengraph(f"evaluate ladder {shards}/shards --format json"))]
    assert [metric["mmd2"] for metric in values[0].values()] == [metric["mmd2"] for metric in values[1].values()]
    monkeypatch.undo()
    again = gengraph(f"plot {shards}/shards --count 5 --out {shards}/shards.svg")
    assert drawn.splitlines()[-1].replace("whole", "shards") == again.splitlines()[-1]  # before it, progress where that is slow
    assert (shards / "shards.svg").read_bytes() == (shards / "whole.svg").read_bytes()


def test_statistics_are_kept_unless_told_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DescriptorCache, "of_user", classmethod(lambda cls: cls(folder=tmp_path, worth=0)))
    printed = [gengraph("evaluate planar:9 planar:8 --no-cache --format json")]
    assert not list(tmp_path.rglob("*.npz"))
    for _ in range(2):
        printed.append(gengraph("evaluate planar:9 planar:8 --format json"))
        assert len(list(tmp_path.rglob("*.npz"))) == 6
    values = [[metric["mmd2"] for metric in json.loads(text)["metrics"].values()] for text in printed]
    assert values[0] == values[1] == values[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--train none.g6 --valid gridd", "unknown validity test 'gridd'; choose from grid"),
        ("--given nodes=9..1", "a range of nodes must be least..most with least <= most, got 9..1"),
        ("--protocol emd,mmd", "unknown protocol 'mmd'; choose from emd, tv, rbf, pgd, molecules"),
    ],
)
def test_names_are_checked_before_anything_is_read(options: str, message: str) -> None:
    assert message in gengraph(f"evaluate none.g6 none.g6 {options}", code=2)


def test_graphs_with_labels_against_bare_ones(tmp_path: Path) -> None:
    labels = LabelArrays(LabelSchema(nodes=Labels("element", ("C", "N"))), nodes=np.array([0, 1, 0]))
    graphs = GraphSet.from_edge_lists([2, 1], [[[0, 1]], []]).labelled(labels)
    for name, part in (("labelled", graphs), ("bare", graphs.bare())):
        write_graphs(part, tmp_path / f"{name}.parquet")
    same = answer(f"evaluate {tmp_path}/labelled.parquet {tmp_path}/labelled.parquet --format json")
    assert list(same["metrics"])[3:] == ["node_labels", "labelled_degree", "labelled_edges", "nspdk"]
    refused = gengraph(f"evaluate {tmp_path}/labelled.parquet {tmp_path}/bare.parquet", code=2)
    assert "leave labels aside with --bare" in " ".join(refused.split())
    bare = answer(f"evaluate {tmp_path}/labelled.parquet {tmp_path}/bare.parquet --bare --format json")
    assert {name: metric["mmd2"] for name, metric in bare["metrics"].items()} == {"degree": 0, "clustering": 0, "orbit": 0}
