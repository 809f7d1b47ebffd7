"""The learned models as classes: each takes configs of its own model alone."""

import pickle

import pytest

import gengraph
from gengraph.errors import InputError
from gengraph.generators import GENERATORS
from gengraph.learned import learned
from gengraph.models.registry import LEARNED
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
    with pytest.raises(InputError, match="unknown model 'graphrnn-x'; choose from graphrnn, graphrnn-s, graphrnn-c, gran, er"):
        learned("graphrnn-x")
    with pytest.raises(InputError, match="a learned model has a family, got er, which has none"):
        learned("er")
