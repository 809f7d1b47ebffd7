import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from enumeration import tiny_config, tiny_model

from gengraph.errors import InputError
from gengraph.formats import read_graphs
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.job import CheckpointOrigin, SampleRequest, ShardWriter
from gengraph.sampling.shards import close_folder, missing_shards, open_folder, plan_shards, usual_shard_size
from gengraph.storage import Folder
from gengraph.training.checkpoint import Checkpoint
from gengraph.training.config import Config


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    model = tiny_model().float()
    config = Config(model=tiny_config())
    return Checkpoint(config=config, facts=model.facts.to_dict(), weights=model.state_dict(), optimizer={}, step=1)


def write_all(checkpoint: Checkpoint, out: Path, num_graphs: int, shard_size: int, seed: int = 0) -> dict:
    shards = plan_shards(num_graphs, shard_size, seed)
    folder = Folder(str(out))
    open_folder(folder, {"num_graphs": num_graphs, "shard_size": shard_size, "seed": seed})
    write = ShardWriter(CheckpointOrigin(checkpoint, {}), Conditions(), folder)
    for shard in missing_shards(folder, shards):
        write(shard)
    return close_folder(folder, shards)


def test_plan_covers_every_index_once() -> None:
    shards = plan_shards(25, 10, 7)
    assert [(shard.index, shard.first, shard.count, shard.seed) for shard in shards] == [
        (0, 0, 10, 7),
        (1, 10, 10, 7),
        (2, 20, 5, 7),
    ]
    with pytest.raises(InputError, match="num_graphs must be >= 1, got 0"):
        plan_shards(0, 10, 0)


def test_the_usual_shards_follow_from_the_number_of_graphs_and_serve_several_workers() -> None:
    sizes = {n: usual_shard_size(n) for n in (1, 500, 1000, 8001, 10_000, 20_000, 10**6)}
    assert sizes == {1: 500, 500: 500, 1000: 500, 8001: 501, 10_000: 625, 20_000: 1250, 10**6: 10_000}
    request = SampleRequest(num_graphs=20_000, seed=7)
    assert request.about() == {"seed": 7, "num_graphs": 20_000, "shard_size": 1250}
    assert request.shards() == plan_shards(20_000, 1250, 7)
    assert len(request.shards()) == 16
    assert SampleRequest(num_graphs=30, shard_size=10).shards() == plan_shards(30, 10, 0)


def test_shard_size_does_not_change_the_graphs(checkpoint: Checkpoint, tmp_path: Path) -> None:
    expected = sample_graphs(checkpoint.build_model(), np.arange(50), seed=0).graphs
    for size in (7, 50, 80):
        manifest = write_all(checkpoint, tmp_path / str(size), 50, size)
        assert read_graphs(tmp_path / str(size)) == expected
        assert sum(shard["rows"] for shard in manifest["shards"]) == 50


def test_what_is_missing_or_damaged_is_written_again(checkpoint: Checkpoint, tmp_path: Path) -> None:
    write_all(checkpoint, tmp_path, 30, 10)
    files = sorted(tmp_path.glob("*.parquet"))
    whole = [file.read_bytes() for file in files]
    files[0].unlink()
    files[1].write_bytes(whole[1][: len(whole[1]) // 2])
    (tmp_path / ".shard-000002.parquet.abc.tmp").write_bytes(b"left over")
    assert [shard.index for shard in missing_shards(Folder(str(tmp_path)), plan_shards(30, 10, 0))] == [0, 1]
    write_all(checkpoint, tmp_path, 30, 10)
    assert [file.read_bytes() for file in files] == whole
    assert not list(tmp_path.glob(".*"))


def test_manifest_describes_the_folder(checkpoint: Checkpoint, tmp_path: Path) -> None:
    write_all(checkpoint, tmp_path, 30, 10)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["seed"] == 0
    for shard, described in zip(plan_shards(30, 10, 0), manifest["shards"], strict=True):
        assert described["file"] == shard.filename
        assert described["rows"] == pq.read_metadata(tmp_path / shard.filename).num_rows
        assert described["content_hash"] == read_graphs(tmp_path / shard.filename).content_hash()
    assert manifest["num_cut"] == sum(shard["num_cut"] for shard in manifest["shards"])


def test_other_folders_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    write_all(checkpoint, tmp_path / "a", 30, 10)
    with pytest.raises(InputError, match=r"holds another sample \(seed: 0 there, 1 asked for\)"):
        write_all(checkpoint, tmp_path / "a", 30, 10, seed=1)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").touch()
    with pytest.raises(InputError, match=r"is not empty and has no manifest\.json"):
        write_all(checkpoint, tmp_path / "b", 30, 10)
    (tmp_path / "c").touch()
    with pytest.raises(InputError, match="is a file"):
        write_all(checkpoint, tmp_path / "c", 30, 10)


def test_a_full_disk_leaves_whole_shards_only(checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    shards = plan_shards(30, 10, 0)
    open_folder(Folder(str(tmp_path)), {"seed": 0})
    write = ShardWriter(CheckpointOrigin(checkpoint, {}), Conditions(), Folder(str(tmp_path)))
    write(shards[0])
    monkeypatch.setattr("gengraph.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(shards[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "shard-000000.parquet"]
