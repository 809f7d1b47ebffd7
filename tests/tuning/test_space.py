"""A space is read with its errors named, and every point that is drawn from it makes a valid config."""

import itertools
import json
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengraph.errors import InputError
from gengraph.graphs.order_names import BREADTH_FIRST, ORDERING_NAMES
from gengraph.models.space import Choice, Range, Space
from gengraph.training.config import Config, load_config, presets
from gengraph.tuning.space import apply_point, default_space, draw_point, load_space, parse_space, space_tables

BASE = Config()
EXAMPLE = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text().split("```toml\n")[1].split("```")[0]
TABLES = """
[model]
sequence = [{ ordering = "cm", window = "adaptive" }, { ordering = "dfs", window = "fixed" }]
head = [{ kind = "rnn", num_layers = 1 }, { kind = "mlp", mixture = 3 }, { kind = "context" }]
"""


def test_the_documented_form_is_read_and_written_back() -> None:
    space = parse_space(tomllib.loads(EXAMPLE), BASE, samples=True)
    assert space["training.learning_rate"] == Range(1e-3, 1e-2, log=True)
    assert parse_space(space_tables(space), BASE, samples=True) == space


@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("samples", [True, False])
def test_the_default_space_of_every_preset_is_read_and_written_back(preset: str, samples: bool) -> None:
    base = load_config(preset)
    space = default_space(base, samples=samples)
    assert parse_space(json.loads(json.dumps(space_tables(space))), base, samples=samples) == space
    capable = "temperature" in base.own_family.capabilities(base.model)
    assert ("sampling.temperature" in space) == (samples and capable)
    assert {"training.learning_rate", "training.batch_size"} < set(space)
    assert any(name.startswith("model.") for name in space)


@given(seed=st.integers(0, 2**31), trial=st.integers(0, 10_000), samples=st.booleans(), preset=st.sampled_from(presets()))
def test_draws_from_default_spaces_make_valid_configs(seed: int, trial: int, samples: bool, preset: str) -> None:
    base = load_config(preset)
    space = default_space(base, samples=samples)
    point = draw_point(space, base, seed, trial)
    assert set(point) == set(space)
    setting = apply_point(base, point)
    texts = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in point.items()}
    assert setting.values(space) == texts
    assert Config.from_dict(setting.config.to_dict()) == setting.config
    assert setting.config.model_name == base.model_name
    assert draw_point(space, base, seed, trial) == point


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one field"),
        ("a = 1", "a space has sections of fields"),
        ("[model]\nwidth = [1]", r"model.width = 1 in the space: unknown field model.width; known are model.sequence"),
        ("[modle]\nhidden_size = [8]", "unknown section modle"),
        ("[model]\nhidden_size = 8", r"model.hidden_size: got 8; write a list of choices, or \{ low"),
        ("[model]\nhidden_size = []", "write a list of choices"),
        ("[model]\nhidden_size = [8, 8]", "choices must differ"),
        ("[model]\nhidden_size = [8, 0]", "model.hidden_size = 0 in the space: model.hidden_size must be >= 1"),
        ("[model]\nhidden_size = { low = 1.5, high = 9.5 }", "model.hidden_size must be int, got 1.5"),
        ("[model]\nhidden_size = { low = 9, high = 8 }", "numbers low < high"),
        ("[model]\nhidden_size = { low = 1, high = 8, step = 2 }", "write a list of choices"),
        ("[training]\nlearning_rate = { low = 0, high = 1, log = true }", "0 < low if log = true"),
        ("[training]\nlearning_rate = { low = -1.0, high = 1.0 }", r"learning_rate must lie in \(0, inf\), got -1.0"),
        ("[training]\nsteps = [5, 6]", "training.steps is the same for all trials; leave it out and give the sweep a length"),
        ("[model.sequence]\nordering = ['bfs', 'zigzag']", "ordering must be one of"),
        ("[model]\nsequence = [{ ordering = 'dfs' }]", "adaptive would lose edges under ordering dfs"),
        ("[model]\nhead = [{ kind = 'mlp', num_layers = 2 }]", "unknown field model.head.num_layers"),
        ("[sampling]\ntemperature = [0.9, 0]", "sampling.temperature must be > 0, got 0"),
        ("[sampling]\nheat = [0.9]", "unknown section sampling"),
    ],
)
def test_what_is_no_space_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_space(tomllib.loads(text), BASE, samples=True)


def test_files_that_hold_no_space_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no space file .*nothing\.toml; leave it out for the default space"):
        load_space(tmp_path / "nothing.toml")
    (tmp_path / "broken.toml").write_text("[model\n")
    with pytest.raises(InputError, match="is not TOML"):
        load_space(tmp_path / "broken.toml")
    (tmp_path / "space.toml").write_text(TABLES)
    assert load_space(tmp_path / "space.toml") == tomllib.loads(TABLES)


def test_a_temperature_without_samples_is_refused() -> None:
    with pytest.raises(InputError, match="metric = loss draws none; use metric = mmd or leave it out"):
        parse_space({"sampling": {"temperature": [0.8, 1.0]}}, BASE, samples=False)


def test_draws_belong_to_seed_and_trial_and_have_their_law() -> None:
    space: Space = {
        "training.learning_rate": Range(1e-3, 1e-2, log=True),
        "model.hidden_size": Range(64, 256),
        "model.sequence": Choice(
            ({"ordering": "cm"}, {"ordering": "bfs"}, {"ordering": "dfs", "window": "fixed"}),
        ),
    }
    points = [draw_point(space, BASE, 3, trial) for trial in range(3000)]
    assert points[7] == draw_point(space, BASE, 3, 7) != draw_point(space, BASE, 4, 7)
    sizes = np.array([point["model.hidden_size"] for point in points])
    assert (sizes.min(), sizes.max()) == (64, 256)
    rates = np.array([math.log10(point["training.learning_rate"]) for point in points])
    assert ((rates >= -3) & (rates <= -2)).all()
    counts, _ = np.histogram(rates, bins=10, range=(-3, -2))
    assert counts.min() > 230  # 300 expected, 16 the standard deviation
    orderings = [point["model.sequence"]["ordering"] for point in points]
    assert all(orderings.count(name) > 880 for name in ("cm", "bfs", "dfs"))


def test_whole_ranges_give_both_bounds() -> None:
    for part in (Range(2, 4), Range(2, 4, log=True)):
        assert {part.at(uniform) for uniform in np.linspace(0, 1 - 2**-53, 200)} == {2, 3, 4}


FIELDS: Space = {
    "model.sequence.ordering": Choice(ORDERING_NAMES),
    "model.sequence.window": Choice(("adaptive", "fixed")),
    "model.sequence.bandwidth": Choice(("estimate", "bound")),
    "model.sequence.scan": Choice(("oldest_first", "nearest_first")),
    "model.head.kind": Choice(("rnn", "mlp", "context")),
    "model.stop": Choice(("decision", "edge_eos", "zero_row")),
    "model.node": Choice(("gru", "lstm", "transformer")),
    "model.hidden_size": Choice((8, 10)),
    "model.layer_norm": Choice((False, True)),
    "training.optimizer": Choice(("adam", "adamw")),
    "training.weight_decay": Choice((0.0, 0.1)),
    "training.batch_size": Choice((1, 8)),
    "sampling.temperature": Choice((0.5, 1.0)),
}


def is_valid(point: dict[str, Any]) -> bool:
    """The rules of a GraphRNN's config, written down once more."""
    ordering, stop, head = (point[f"model.{name}"] for name in ("sequence.ordering", "stop", "head.kind"))
    transformer = point["model.node"] == "transformer"
    return not (
        (point["model.sequence.window"] == "adaptive" and ordering not in ("bfs", "cm"))
        or (point["model.sequence.bandwidth"] == "bound" and ordering not in ("bfs", "cm", "rcm"))
        or (stop == "zero_row" and (ordering not in ("bfs", "cm", "dfs") or point["sampling.temperature"] != 1))
        or (stop == "edge_eos" and head != "rnn")
        or (head == "context" and (stop != "decision" or point["model.sequence.scan"] != "oldest_first"))
        or (transformer and (point["model.hidden_size"] == 10 or point["model.layer_norm"]))
        or (point["training.optimizer"] == "adam" and point["training.weight_decay"])
        or point["training.batch_size"] < 2
    )


def test_a_point_is_taken_as_it_is_or_refused() -> None:
    fields = {name: part.extremes for name, part in FIELDS.items()}
    num_valid = 0
    for number, values in enumerate(itertools.product(*fields.values())):
        if number % 23:  # a share of 48384 combinations
            continue
        point = dict(zip(fields, values, strict=True))
        try:
            setting = apply_point(BASE, point, least_batch=2)
        except InputError:
            assert not is_valid(point)
            continue
        assert is_valid(point)
        assert setting.values(fields) == point
        num_valid += 1
    assert num_valid > 100


@given(seed=st.integers(0, 1000), trial=st.integers(0, 50))
def test_draws_from_a_space_of_few_valid_points_are_valid_and_have_values_of_every_field(seed: int, trial: int) -> None:
    point = draw_point(FIELDS, BASE, seed, trial, least_batch=2)
    assert is_valid(point)
    assert set(point) == set(FIELDS)


def test_every_valid_value_is_drawn() -> None:
    seen: dict[str, set[Any]] = {name: set() for name in FIELDS}
    for trial in range(400):
        for name, value in draw_point(FIELDS, BASE, 0, trial).items():
            seen[name].add(value)
    assert seen == {name: set(part.extremes) for name, part in FIELDS.items()}


def test_a_space_without_valid_points_is_refused() -> None:
    space: Space = {"model.sequence.ordering": Choice(("dfs", "degree")), "model.hidden_size": Choice((8, 16))}
    message = (
        r"the space must have valid points, none of 200 was \(.*window = adaptive.*\); put fields that go together in a table"
    )
    with pytest.raises(InputError, match=message):
        draw_point(space, BASE, 0, 0)
    with pytest.raises(InputError, match=r"model.sequence.ordering = 'dfs' in the space: .*adaptive would lose edges"):
        parse_space(space_tables(space), BASE, samples=False)
    with pytest.raises(InputError, match=r"training.batch_size must be >= 4, a graph for each worker, got 2"):
        apply_point(BASE, {"training.batch_size": 2}, least_batch=4)


def test_values_that_are_valid_beside_some_others_are_taken() -> None:
    tables = {"model": {"sequence": {"ordering": ["cm", "dfs"], "window": ["adaptive", "fixed"]}}}
    space = parse_space(tables, BASE, samples=False)
    points = [draw_point(space, BASE, 0, trial) for trial in range(60)]
    found = {tuple(point.values()) for point in points}
    assert found == {("cm", "adaptive"), ("cm", "fixed"), ("dfs", "fixed")}


def test_tables_are_choices_of_fields_that_go_together() -> None:
    space = parse_space(tomllib.loads(TABLES), BASE, samples=False)
    assert parse_space(space_tables(space), BASE, samples=False) == space
    settings_seen = set()
    for trial in range(60):
        point = draw_point(space, BASE, 1, trial)
        config = apply_point(BASE, point).config
        sequence, head = config.model.sequence, config.model.head
        assert sequence.window == ("adaptive" if sequence.ordering in BREADTH_FIRST else "fixed")
        assert head.kind != "mlp" or head.mixture == 3
        assert head.kind != "rnn" or head.num_layers == 1
        settings_seen.add((sequence.ordering, head.kind))
    assert settings_seen == set(itertools.product(("cm", "dfs"), ("rnn", "mlp", "context")))
    point = {"model.sequence": {"ordering": "dfs", "window": "fixed"}, "model.head": {"kind": "mlp", "mixture": 3}}
    values = apply_point(BASE, point).values(space)
    assert "ordering=dfs" in values["model.sequence"]
    assert "window=fixed" in values["model.sequence"]
    assert "mixture=3" in values["model.head"]


@pytest.mark.parametrize("preset", ["graphrnn/paper", "gran/default"])
def test_what_a_model_lacks_is_not_varied(preset: str) -> None:
    base = load_config(preset)
    if preset == "graphrnn/paper":
        with pytest.raises(InputError, match=r"sampling.temperature must be 1 for graphrnn as it is configured, got 0\.5"):
            apply_point(base, {"sampling.temperature": 0.5})
    with pytest.raises(InputError, match=r"unknown field model\.edge_hidden_size"):
        apply_point(base, {"model.edge_hidden_size": 8})
