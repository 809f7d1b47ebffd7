"""Ready-made models: the file, the catalogue, and how they are made."""

import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import gengraph
from gengraph.data import download
from gengraph.errors import DatasetUnavailable, InputError
from gengraph.files import hash_file
from gengraph.models.registry import LEARNED
from gengraph.runs.folders import find_checkpoint, read_run
from gengraph.sampling.attempts import sample_graphs
from gengraph.training.checkpoint import Checkpoint, load_checkpoint
from gengraph.zoo import catalogue as own_catalogue
from gengraph.zoo import load_ready_made, locate, make
from gengraph.zoo.entries import CATALOGUE, FOLDER, Entry
from gengraph.zoo.entries import catalogue as read_catalogue
from gengraph.zoo.pack import pack_run
from gengraph.zoo.stored import halved, read_ready_made, write_ready_made


def trained(runs: Path) -> Checkpoint:
    return load_checkpoint(find_checkpoint(runs / "grid-small"))


def test_it_draws_what_the_run_draws_with_weights_in_half_precision(runs: Path, packed: Path) -> None:
    checkpoint = trained(runs)
    rounded = {name: value.half().float() for name, value in checkpoint.weights.items()}
    model = dataclasses.replace(checkpoint, weights=rounded).build_model()
    expected = sample_graphs(model, np.arange(20), seed=3).graphs
    assert gengraph.pretrained(str(packed)).sample(20, seed=3) == expected
    assert isinstance(gengraph.pretrained(str(packed)), gengraph.GraphRNNC)
    assert gengraph.pretrained(str(packed)).parameters()["facts"] == checkpoint.facts


def test_what_half_precision_can_say_is_drawn_from_as_it_was(runs: Path, tmp_path: Path) -> None:
    checkpoint = trained(runs)
    exact = dataclasses.replace(
        checkpoint, weights={name: torch.round(value * 8) / 8 for name, value in checkpoint.weights.items()}
    )
    write_ready_made(tmp_path / "exact.safetensors", exact, {"reading": None}, card="")
    stored = read_ready_made(tmp_path / "exact.safetensors").checkpoint
    assert all(torch.equal(stored.weights[name], value) for name, value in exact.weights.items())
    graphs = [sample_graphs(one.build_model(), np.arange(20), seed=0).graphs for one in (stored, exact)]
    assert graphs[0] == graphs[1]


def test_one_model_has_one_hash(runs: Path, tmp_path: Path) -> None:
    checkpoint = trained(runs)
    for k in range(6):  # the library has an order of its own each time
        write_ready_made(tmp_path / f"{k}.safetensors", checkpoint, {"reading": None}, card="kärtchen")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    assert read_ready_made(tmp_path / "0.safetensors").card == "kärtchen"


def test_a_run_that_is_not_measured_to_the_end_is_no_model_yet(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gengraph.zoo.pack.floor_ratios", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pack_run(runs / "grid-small", tmp_path / "grids.safetensors", licence="CC0")
    assert not list(tmp_path.iterdir())


def test_it_says_where_it_comes_from_and_how_good_it_is(runs: Path, packed: Path) -> None:
    made, about = load_ready_made(str(packed)), read_run(runs / "grid-small")
    assert made.name == "grids"
    assert made.about["content_hash"] == about["content_hash"]
    assert (made.about["seed"], made.about["steps"], made.about["licence"]) == (0, 6, "CC0")
    quality = made.about["quality"]
    assert quality["ratio"] == pytest.approx(np.exp(np.mean(np.log(list(quality["ratios"].values())))), abs=0.01)
    assert 0 < quality["num_same"] <= quality["num_samples"] == 64
    for said in (
        "`gengraph train --dataset grid-small`",
        "CC0",
        "times the floor",
        "--pretrained grids",
        about["content_hash"]["test"],
    ):
        assert said in made.card
    assert made.training_graphs().content_hash() == about["content_hash"]["train"]


def test_it_holds_no_optimiser_and_half_of_the_bytes(runs: Path, packed: Path) -> None:
    weights = find_checkpoint(runs / "grid-small") / "model.safetensors"
    assert set(load_file(packed)) == set(load_file(weights))
    assert {value.dtype for value in load_file(packed).values()} == {torch.float16}


def test_weights_that_half_precision_cannot_hold_are_refused(runs: Path) -> None:
    checkpoint = trained(runs)
    large = dataclasses.replace(checkpoint, weights=checkpoint.weights | {"decision.bias": torch.full((3,), 1e5)})
    with pytest.raises(InputError, match=r"within 65504 of 0 .* decision.bias does not; train with weight decay"):
        halved(large)


def rewritten(packed: Path, target: Path, **header: str) -> Path:
    with safe_open(packed, framework="pt") as file:
        before = file.metadata()
    save_file(load_file(packed), target, metadata=before | header)
    return target


def test_what_is_no_whole_model_of_this_format_is_refused(packed: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"cut.safetensors is no whole ready-made model \(SafetensorError.*get it again"):
        load_ready_made(str(cut))
    with pytest.raises(InputError, match=r"has format 2 \(gengraph .* reads format 1; install that version"):
        load_ready_made(str(rewritten(packed, tmp_path / "newer.safetensors", format="2")))
    with pytest.raises(InputError, match="no whole ready-made model"):
        load_ready_made(str(rewritten(packed, tmp_path / "torn.safetensors", about="{")))
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="its header names no format; pack a run"):
        load_ready_made(str(tmp_path / "other.safetensors"))
    torch.save({"a": torch.zeros(1)}, tmp_path / "pickled.safetensors")
    with pytest.raises(InputError, match="no whole ready-made model"):
        load_ready_made(str(tmp_path / "pickled.safetensors"))


def test_an_unknown_name_is_told_the_others() -> None:
    with pytest.raises(InputError, match=r"unknown ready-made model 'gird'; choose from .*ladder-small.*, or name a file"):
        gengraph.pretrained("gird")


@pytest.fixture
def server(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The address of the packed model on a local web server, and what that is asked for; the cache is empty."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(packed.parent), **kwargs)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    monkeypatch.delenv("GENGRAPH_DATA", raising=False)
    monkeypatch.setattr(download.platformdirs, "user_cache_dir", lambda _name: str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/grids.safetensors", asked
        running.shutdown()


def test_a_model_at_an_address_is_downloaded_once(packed: Path, server: tuple[str, list[str]]) -> None:
    address = f"{server[0]}#sha256={hash_file(packed)}"
    first, again = locate(address), locate(address)
    assert first == again
    assert server[1] == ["/grids.safetensors"]
    assert first.read_bytes() == packed.read_bytes()
    assert load_ready_made(address).sha256 == hash_file(packed)


def test_so_is_one_of_the_catalogue_that_is_not_in_the_package(
    packed: Path, server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {"far": {"model": "graphrnn-c", "dataset": "grid-small", "address": server[0], "sha256": hash_file(packed)}}
    listed["far"] |= {"num_bytes": 1, "ratio": 1.0, "licence": ""}  # type: ignore[dict-item]
    (tmp_path / CATALOGUE).write_text(json.dumps(listed))
    monkeypatch.setattr("gengraph.zoo.entries.catalogue", lambda: read_catalogue(tmp_path))
    assert locate("far").read_bytes() == packed.read_bytes()


def test_an_address_without_its_hash_and_a_file_with_another_are_refused(server: tuple[str, list[str]]) -> None:
    with pytest.raises(InputError, match=r"#sha256= and 64 hexadecimal digits, got 'http.*; add the hash"):
        locate(server[0])
    with pytest.raises(DatasetUnavailable, match="what came is another file than expected: its sha256 must be 000"):
        locate(f"{server[0]}#sha256={'0' * 64}")


def test_a_file_of_the_package_that_was_changed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry(model="x", dataset="x", address=CATALOGUE, sha256="0" * 64, num_bytes=1, ratio=1, licence="")
    monkeypatch.setattr("gengraph.zoo.entries.catalogue", lambda: {"changed": entry})
    with pytest.raises(InputError, match=r"is not what gengraph came with: .* install gengraph again"):
        locate("changed")


@pytest.mark.parametrize("name", own_catalogue())
def test_what_the_package_brings_is_whole_small_good_and_draws(name: str) -> None:
    entry, path = own_catalogue()[name], locate(name)
    made = read_ready_made(path)
    assert path.stat().st_size == entry.num_bytes <= make.MOST_BYTES
    assert made.checkpoint.config.model_name == entry.model
    assert made.about["quality"]["ratio"] == entry.ratio <= make.BAR
    assert made.about["command"] == make.RECIPES[name].command(name)
    assert (made.about["dataset"], made.about["licence"]) == (entry.dataset, entry.licence)
    graphs = gengraph.pretrained(name).sample(3, seed=0)
    assert (graphs.num_nodes > 1).all()


def test_the_package_brings_nothing_else_and_five_megabytes_at_most() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {CATALOGUE, *(entry.address for entry in own_catalogue().values())}
    assert sum(entry.num_bytes for entry in own_catalogue().values()) <= make.MOST_ALTOGETHER


def test_only_what_is_good_enough_and_small_enough_is_shipped(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(make.RECIPES, "grid-small", make.Recipe())
    with pytest.raises(InputError, match=r"at most 0.5 times the floor on its validation graphs, got .*; train it longer"):
        make.make("grid-small", runs, tmp_path, bar=0.5)
    monkeypatch.setattr(make, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match=r"at most 1000 bytes, .* publish it at an address"):
        make.make("grid-small", runs, tmp_path, bar=1e9)
    assert not list(tmp_path.iterdir())


def test_a_model_is_made_singly_and_stands_in_the_catalogue(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(make.RECIPES, "grid-small", make.Recipe())
    for _ in range(2):
        made = make.make("grid-small", runs, tmp_path, bar=1e9)
    (entry,) = read_catalogue(tmp_path).values()
    assert entry.sha256 == made.sha256 == hashlib.sha256((tmp_path / entry.address).read_bytes()).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == [CATALOGUE, "grid-small.safetensors"]


def test_recipes_are_of_models_and_there_is_none_of_another_name(tmp_path: Path) -> None:
    assert {recipe.model for recipe in make.RECIPES.values()} <= set(LEARNED)
    assert set(own_catalogue()) <= set(make.RECIPES)
    with pytest.raises(InputError, match="no recipe for 'gird'; choose from"):
        make.make("gird", tmp_path)
