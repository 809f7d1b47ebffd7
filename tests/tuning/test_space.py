"""A space is read with its errors named, and every point that is drawn from it makes a valid config."""

import itertools
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gengraph.errors import InputError
from gengraph.graphs.orderings import ORDERINGS
from gengraph.training.config import Config, load_config
from gengraph.tuning.space import Choice, Range, apply_point, default_space, draw_point, parse_space, space_tables

BASE = Config()
EXAMPLE = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text().split("```toml\n")[1].split("```")[0]


def test_the_documented_form_is_read_and_written_back() -> None:
    space = parse_space(tomllib.loads(EXAMPLE), BASE, samples=True)
    assert space["training.learning_rate"] == Range(1e-3, 1e-2, log=True)
    assert space["model.sequence.ordering"] == Choice(("cm", "bfs", "dfs"))
    assert parse_space(space_tables(space), BASE, samples=True) == space
    for samples in (False, True):
        default = default_space(samples=samples)
        assert parse_space(space_tables(default), BASE, samples=samples) == default
        assert ("sampling.temperature" in default) == samples


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one field"),
        ("a = 1", "a space has sections of fields"),
        ("[model]\nwidth = [1]", r"model.width = 1 in the space: unknown field model.width; known are model.head"),
        ("[modle]\nhidden_size = [8]", "unknown field modle"),
        ("[model]\nhidden_size = 8", r"model.hidden_size: got 8; write a list of choices, or \{ low"),
        ("[model]\nhidden_size = []", "write a list of choices"),
        ("[model]\nhidden_size = [8, 8]", "choices must differ"),
        ("[model]\nhidden_size = [8, 0]", "model.hidden_size = 0 in the space: model.hidden_size must be >= 1"),
        ("[model]\nhidden_size = { low = 1.5, high = 9.5 }", "model.hidden_size must be int, got 1.5"),
        ("[model]\nhidden_size = { low = 9, high = 8 }", "numbers low < high"),
        ("[model]\nhidden_size = { low = 1, high = 8, step = 2 }", "write a list of choices"),
        ("[training]\nlearning_rate = { low = 0, high = 1, log = true }", "0 < low if log = true"),
        ("[training]\nlearning_rate = { low = -1.0, high = 1.0 }", "learning_rate must be > 0, got -1.0"),
        ("[training]\nsteps = [5, 6]", "training.steps is the same for all trials"),
        ("[sequence]\nordering = ['bfs', 'zigzag']", "ordering must be one of"),
        ("[sampling]\ntemperature = [0.9, 0]", "sampling.temperature must be > 0, got 0"),
        ("[sampling]\nheat = [0.9]", "unknown field sampling"),
    ],
)
def test_what_is_no_space_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_space(tomllib.loads(text), BASE, samples=True)


def test_a_temperature_without_samples_is_refused() -> None:
    with pytest.raises(InputError, match="use --metric mmd or leave it out"):
        parse_space({"sampling": {"temperature": [0.8, 1.0]}}, BASE, samples=False)


def test_draws_belong_to_seed_and_trial_and_have_their_law() -> None:
    space = parse_space(tomllib.loads(EXAMPLE), BASE, samples=True)
    points = [draw_point(space, 3, trial) for trial in range(3000)]
    assert points[7] == draw_point(space, 3, 7) != draw_point(space, 4, 7)
    sizes = np.array([point["model.hidden_size"] for point in points])
    assert (sizes.min(), sizes.max()) == (64, 256)
    rates = np.array([math.log10(point["training.learning_rate"]) for point in points])
    assert ((rates >= -3) & (rates <= -2)).all()
    counts, _ = np.histogram(rates, bins=10, range=(-3, -2))
    assert counts.min() > 230  # 300 expected, 16 the standard deviation
    orderings = [point["model.sequence.ordering"] for point in points]
    assert all(orderings.count(name) > 880 for name in ("cm", "bfs", "dfs"))


def test_whole_ranges_give_both_bounds() -> None:
    for part in (Range(2, 4), Range(2, 4, log=True)):
        assert {part.at(uniform) for uniform in np.linspace(0, 1 - 2**-53, 200)} == {2, 3, 4}


def test_every_combination_is_made_valid() -> None:
    fields: dict[str, tuple[Any, ...]] = {
        "model.sequence.ordering": ORDERINGS,
        "model.sequence.window": ("adaptive", "fixed"),
        "model.sequence.bandwidth": ("estimate", "bound"),
        "model.sequence.scan": ("oldest_first", "nearest_first"),
        "model.head": ("rnn", "context"),
        "model.stop": ("decision", "zero_row"),
        "training.optimizer": ("adam", "adamw"),
        "training.weight_decay": (0.0, 0.1),
        "training.batch_size": (1, 8),
        "sampling.temperature": (0.5, 1.0),
    }
    for base in (BASE, load_config("paper")):
        for values in itertools.product(*fields.values()):
            point = dict(zip(fields, values, strict=True))
            setting = apply_point(base, point, least_batch=2)
            found = setting.values(fields)
            assert found["model.sequence.ordering"] == point["model.sequence.ordering"]
            assert found["training.batch_size"] == max(2, point["training.batch_size"])
            assert found["training.optimizer"] == point["training.optimizer"]
            kept = point["model.sequence.ordering"] == "bfs" and point["model.stop"] == "decision"
            if kept and point["model.head"] == "rnn" and point["training.optimizer"] == "adamw":
                assert {**found, "training.batch_size": 0} == {**point, "training.batch_size": 0}
            assert setting.temperature == 1 or setting.config.model.stop == "decision"


def test_every_combination_of_a_model_is_made_valid() -> None:
    fields: dict[str, tuple[Any, ...]] = {
        "model.sequence.ordering": ("cm", "degree"),
        "model.head": ("rnn", "mlp", "context"),
        "model.stop": ("decision", "edge_eos", "zero_row"),
        "model.node": ("gru", "lstm", "transformer"),
        "model.hidden_size": (8, 10),
        "model.layer_norm": (False, True),
        "model.edge_context": ("zero", "state"),
        "model.head.node_input": ("adjacency", "edge_state"),
        "model.head.mixture": (0, 3),
    }
    for values in itertools.product(*fields.values()):
        point = dict(zip(fields, values, strict=True))
        found = apply_point(BASE, {**point, "sampling.temperature": 0.5})
        model = found.config.model
        assert (model.head, model.node) == (point["model.head"], point["model.node"])
        assert model.hidden_size == (12 if model.node == "transformer" and point["model.hidden_size"] == 10 else values[4])
        if model.head == "rnn" and model.node == "gru" and (model.stop != "decision" or point["model.stop"] == "decision"):
            assert found.values(fields) == {**point, "model.head.mixture": 0}
        if model.head == "rnn" and point["model.stop"] == "edge_eos":
            assert model.stop == "edge_eos"
        assert found.temperature == (1 if model.stop == "zero_row" else 0.5)
