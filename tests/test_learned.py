"""The learned models as classes: each takes configs of its own model alone."""

import pickle
from pathlib import Path
from typing import Any

import pytest

import gengraph
from gengraph.data import Split
from gengraph.errors import InputError
from gengraph.generators import GENERATORS
from gengraph.learned import learned
from gengraph.models.registry import LEARNED
from gengraph.runs.folders import create_run, train_run
from gengraph.runs.sample import sample_run
from gengraph.sampling.job import SampleRequest
from gengraph.storage import Folder
from gengraph.training.config import Config, load_config, preset_for, presets, usual_config


def test_a_config_of_another_model_is_refused_with_the_way_out() -> None:
    for model, preset in (("GraphRNN", "graphrnn-c/grid"), ("GraphRNNC", "graphrnn/grid"), ("GraphRNNS", "gran/default")):
        config = load_config(preset)
        wanted, found = {"GraphRNN": "graphrnn", "GraphRNNC": "graphrnn-c", "GraphRNNS": "graphrnn-s"}[model], config.model_name
        with pytest.raises(
            InputError, match=rf"^the config must be of {wanted}, got one of {found}; use that model or another"
        ):
            getattr(gengraph, model)(config)
    assert gengraph.GraphRNNC(load_config("graphrnn-c/grid")).config == load_config("graphrnn-c/grid")


@pytest.mark.parametrize("model", LEARNED)
def test_each_class_begins_with_the_preset_of_its_model(model: str) -> None:
    cls = GENERATORS[model]
    assert cls is learned(model) is getattr(gengraph, LEARNED[model].class_name)
    assert cls.__name__ == LEARNED[model].class_name
    generator = cls()
    assert generator.config == usual_config(model) == load_config(str(preset_for(model)))
    assert generator.config.model_name == model
    assert pickle.loads(pickle.dumps(cls)) is cls


@pytest.mark.parametrize("preset", presets())
def test_every_preset_makes_its_model(preset: str) -> None:
    config = load_config(preset)
    assert GENERATORS[preset.partition("/")[0]](config).config is config


def test_what_is_not_fitted_and_what_is_unknown_is_named() -> None:
    generator = gengraph.GraphRNN(Config())
    for use in (lambda: generator.sample(3, seed=0), generator.parameters, lambda: generator.save("nowhere.json")):
        with pytest.raises(InputError, match=r"graphrnn must be fitted before it samples or is saved; call fit\(graphs, seed="):
            use()
    with pytest.raises(InputError, match="unknown model 'graphrnn-x'; choose from graphrnn, graphrnn-s, graphrnn-c, "):
        learned("graphrnn-x")
    with pytest.raises(InputError, match="a learned model has a family, got er, which has none"):
        learned("er")


def test_the_folder_of_a_run_is_loaded_as_what_it_has_trained(tmp_path: Path) -> None:
    graphs = gengraph.load_dataset("ladder-small")
    split = Split(train=graphs[:6], validation=graphs[6:], test=graphs[:1])
    small = ["model.hidden_size=8", "model.embedding_size=4", "model.head.hidden_size=4", "model.head.num_layers=1"]
    config = Config().replace([*small, "training.steps=6", "training.evaluations=6"])
    run = tmp_path / "runs" / "x"
    create_run(run, dataset="ladder-small", split=split, split_seed=0, config=config)
    with pytest.raises(InputError, match="has no checkpoint yet"):
        gengraph.GraphRNN.load(run)
    train_run(run)
    model = gengraph.GraphRNN.load(str(run))
    assert model.parameters()["steps"] == 6
    request = SampleRequest(num_graphs=9, seed=5)
    sample_run(run, Folder(str(tmp_path / "s")), request)
    assert model.sample(9, seed=5) == gengraph.read_graphs(tmp_path / "s")
    model.save(tmp_path / "model.json")
    assert gengraph.GraphRNN.load(tmp_path / "model.json").sample(9, seed=5) == model.sample(9, seed=5)
    with pytest.raises(InputError, match="the config must be of gran, got one of graphrnn"):
        gengraph.GRAN.load(run)
    with pytest.raises(InputError, match="cannot be read"):
        gengraph.GraphRNN.load(tmp_path)


@pytest.mark.parametrize("indices", [3.5, 3.0, "3", [0.5], None, True, -1])
def test_what_is_no_number_of_graphs_is_refused(indices: Any) -> None:
    graphs = gengraph.load_dataset("ladder-small")
    fitted = [GENERATORS["er"]().fit(graphs, seed=0), gengraph.GraphRNN(Config().trained(steps=1)).fit(graphs, seed=0)]
    for model in fitted:
        with pytest.raises(InputError, match=r"whole numbers in 0\.\.2\^63-1|num_graphs must be >= 0"):
            model.sample(indices, seed=0)
