"""A sample as a folder: any storage, any reader, exactly what was asked."""

import json
import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from in_lanes import InLanes
from object_store import bucket  # noqa: F401

from gengraph.data import load_dataset, split_graphs
from gengraph.errors import InputError, NotEnoughResources
from gengraph.formats import read_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys, isomorphism_classes
from gengraph.models.graphrnn.lanes import LanesSampler
from gengraph.runs.folders import create_run, newest_checkpoint, train_run
from gengraph.runs.sample import sample_run
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.job import SampleRequest
from gengraph.sampling.shards import export_shards, plan_shards, verify_folder
from gengraph.storage import Folder
from gengraph.training.checkpoint import load_checkpoint
from gengraph.training.config import Config

SMALL = ["model.hidden_size=8", "model.embedding_size=4", "model.head.hidden_size=4", "model.head.num_layers=1"]
SHORT = Conditions(max_num_node=12)
DOCS = (Path(__file__).parents[2] / "docs" / "sampling.md").read_text()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "g"
    config = Config().replace([*SMALL, "training.steps=30"])
    create_run(folder, dataset="grid-small", split=split_graphs(load_dataset("grid-small")), split_seed=0, config=config)
    train_run(folder)
    return folder


def draw(run: Path, out: Path | str, num_graphs: int = 60, *, device: str = "cpu", **asked: object) -> dict:
    request = SampleRequest(**{"num_graphs": num_graphs, "shard_size": 25, "conditions": SHORT, **asked})
    return sample_run(run, Folder(str(out)), request, device=device)


def test_shard_size_and_lanes_do_not_change_the_graphs(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = []
    for size in (100, 1000):
        for lanes in (32, 1024):
            monkeypatch.setattr(LanesSampler.__init__, "__defaults__", (lanes,))
            out = tmp_path / f"{size}-{lanes}"
            draw(run, out, 1500, shard_size=size)
            sets.append(read_graphs(out))
        wide, narrow = (sorted((tmp_path / f"{size}-{lanes}").glob("*.parquet")) for lanes in (32, 1024))
        assert [path.read_bytes() for path in wide] == [path.read_bytes() for path in narrow]
    assert all(graphs == sets[0] for graphs in sets)
    assert len(sets[0]) == 1500


def test_the_manifest_says_all(run: Path, tmp_path: Path) -> None:
    conditions = Conditions(within={"nodes": (2, 8)}, components="reject")
    draw(run, tmp_path / "s", conditions=conditions)
    manifest = json.loads((tmp_path / "s" / "manifest.json").read_text())
    assert manifest["run"] == "g"
    assert manifest["conditions"]["within"] == {"nodes": [2, 8]}
    assert [shard["rows"] for shard in manifest["shards"]] == [25, 25, 10]
    assert manifest["num_attempts"] == sum(shard["num_attempts"] for shard in manifest["shards"]) > 60
    assert manifest["acceptance_rate"] == 60 / manifest["num_attempts"]
    with pytest.raises(InputError, match=r"holds another sample \(conditions"):
        draw(run, tmp_path / "s")


def test_a_request_that_cannot_be_met_leaves_the_folder_free(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="loosen them"):
        draw(run, tmp_path, conditions=Conditions(within={"nodes": (900, 901)}, max_num_node=12))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named(run: Path, tmp_path: Path) -> None:
    with pytest.raises(
        NotEnoughResources, match="torch finds no GPU here; use the CPU, or install a torch that was built for the GPU"
    ):
        draw(run, tmp_path, device="cuda")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_the_same_graphs_in_any_number_of_lanes(run: Path) -> None:
    model = load_checkpoint(newest_checkpoint(run)).build_model("cuda")
    draw = partial(sample_graphs, indices=np.arange(6000), seed=0, conditions=SHORT)
    wide, narrow = (draw(InLanes(model, lanes)) for lanes in (32, 9000))
    assert wide.graphs == narrow.graphs


def test_unique_and_novel(run: Path, tmp_path: Path) -> None:
    for name, size in (("a", 25), ("b", 60)):
        manifest = draw(run, tmp_path / name, unique=True, novel_against="train", shard_size=size)
        assert sorted(path.name for path in (tmp_path / name).glob("*") if path.suffix != ".parquet") == ["manifest.json"]
    graphs = read_graphs(tmp_path / "a")
    assert read_graphs(tmp_path / "b") == graphs
    assert len(np.unique(isomorphism_classes(graphs)[0])) == 60
    assert not set(canonical_keys(graphs)) & set(canonical_keys(read_graphs(run / "data" / "train.parquet")))
    assert manifest["num_attempts"] > 60
    (tmp_path / "a" / "shard-000001.parquet").unlink()
    draw(run, tmp_path / "a", unique=True, novel_against="train")
    assert read_graphs(tmp_path / "a") == graphs


def test_too_few_classes_end_with_an_error(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no graph that is known already"):
        draw(run, tmp_path, conditions=Conditions(within={"nodes": (1, 2)}), unique=True)


def test_verify_names_what_is_wrong(run: Path, tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    with pytest.raises(InputError, match=r"has no manifest\.json"):
        verify_folder(folder)
    draw(run, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert verify_folder(folder)["num_graphs"] == 60
    first, second, third = sorted(tmp_path.glob("*.parquet"))
    first.write_bytes(second.read_bytes())  # whole, but another
    content = bytearray(second.read_bytes())
    content[60] ^= 1  # one bit
    second.write_bytes(content)
    third.unlink()
    (tmp_path / "shard-000009.parquet").write_bytes(before[first.name])
    with pytest.raises(
        InputError, match=r"4 files .*000000.*content hash.*000001.*000002.*missing.*000009.*not in the manifest"
    ):
        verify_folder(folder)
    first.unlink()
    (tmp_path / "shard-000009.parquet").unlink()
    draw(run, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    manifest = json.loads(before["manifest.json"])
    del manifest["shards"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="is not finished; run the same"):
        verify_folder(folder)


@pytest.mark.parametrize(("suffix", "count"), [(".g6", 3), (".gexf", 60)])
def test_export(run: Path, tmp_path: Path, suffix: str, count: int) -> None:
    draw(run, tmp_path)
    export_shards(Folder(str(tmp_path)), plan_shards(60, 25, 0), suffix)
    files = sorted(tmp_path.glob(f"*{suffix}"))
    assert len(files) == count
    assert GraphSet.concatenate(map(read_graphs, files)) == read_graphs(tmp_path)
    verify_folder(Folder(str(tmp_path)))


def test_a_uri_of_this_machine(run: Path, tmp_path: Path) -> None:
    draw(run, f"file://{tmp_path}/a")
    draw(run, tmp_path / "b")
    assert read_graphs(tmp_path / "a") == read_graphs(tmp_path / "b")
    assert not list((tmp_path / "a").glob(".*"))
    with pytest.raises(InputError, match="is no folder that pyarrow can open"):
        draw(run, "nowhere://a")


def test_an_object_store(run: Path, tmp_path: Path, bucket: str) -> None:  # noqa: F811
    draw(run, tmp_path / "here")
    expected = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}
    draw(run, bucket)
    folder = Folder(bucket)
    assert {name: folder.read(name) for name in folder.names()} == expected
    verify_folder(folder)
    folder.remove("shard-000001.parquet")
    folder.write("shard-000002.parquet", b"half")
    with pytest.raises(InputError, match="2 files"):
        verify_folder(folder)
    draw(run, bucket)
    assert {name: folder.read(name) for name in folder.names()} == expected
    with pytest.raises(InputError, match="holds another sample"):
        draw(run, bucket, seed=1)


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", DOCS, flags=re.DOTALL), ids=lambda block: block.split()[1])
def test_the_documented_readers(block: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HF_HOME", "HF_DATASETS_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    for name in re.findall(r"import (.*)", block)[0].split(", "):
        pytest.importorskip(name)
    draw(run, "samples/grid")
    Path("runs").mkdir()
    Path("runs/grid-graphrnn").symlink_to(run)
    found: dict = {}
    exec(block, found)
    graphs = read_graphs("samples/grid")
    sizes, num_edges = graphs.num_nodes.tolist(), graphs.num_edges.tolist()
    if "frame" in found:
        assert found["frame"].num_nodes.tolist() == sizes
        assert [len(edges) for edges in found["frame"].edges] == num_edges
    elif "table" in found:
        assert GraphSet.from_arrow(found["table"]) == graphs
    elif "rows" in found:
        assert found["rows"]["num_nodes"][:] == sizes
        assert [len(edges) for edges in found["rows"]["edges"]] == num_edges
    elif "sizes" in found:
        assert sorted(found["sizes"]) == sorted(zip(sizes, num_edges, strict=True))
    elif "batch" in found:
        assert GraphSet.from_edge_index(found["edge_index"], found["batch"]) == graphs
    elif "model" in found:
        assert (
            read_graphs("hundred.g6") == found["graphs"] == sample_graphs(found["model"]._source, np.arange(100), seed=0).graphs
        )
    else:
        assert found["graphs"] == graphs
    assert os.listdir("samples/grid")  # noqa: PTH208
