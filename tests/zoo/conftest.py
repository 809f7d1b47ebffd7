"""A run that has learned next to nothing, and the ready-made model that is made of it."""

from pathlib import Path

import pytest

from gengraph.data import load_dataset, split_graphs
from gengraph.runs.folders import create_run, train_run
from gengraph.training.config import usual_config
from gengraph.zoo.pack import pack_run

SMALL = usual_config("graphrnn-c").replace(
    ["model.hidden_size=8", "model.embedding_size=4", "model.head.hidden_size=4", "training.steps=6"]
)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run grid-small, which has learned next to nothing."""
    folder = tmp_path_factory.mktemp("runs")
    split = split_graphs(load_dataset("grid-small"))
    create_run(folder / "grid-small", dataset="grid-small", split=split, split_seed=0, config=SMALL)
    train_run(folder / "grid-small")
    return folder


@pytest.fixture(scope="session")
def packed(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "grids.safetensors"
    pack_run(runs / "grid-small", path, licence="CC0", command="gengraph train --dataset grid-small")
    return path
