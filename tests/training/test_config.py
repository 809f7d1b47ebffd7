import dataclasses
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from gengraph.errors import InputError
from gengraph.models.graphrnn.config import GraphRNNConfig, MLPHead, SequenceConfig
from gengraph.models.registry import LEARNED
from gengraph.training.config import Config, TrainingConfig, load_config, preset_for, presets, usual_config


def test_none_is_a_choice_where_there_is_one_of_that_name() -> None:
    without = usual_config("digress").replace(["model.features=none"])
    assert without.model.features == "none"
    assert Config.from_dict(without.to_dict()) == without
    assert without.replace(["training.steps=none"]).training.steps is None


def test_presets() -> None:
    assert load_config("graphrnn/default") == Config()
    paper = load_config("graphrnn/paper")
    assert paper.model.sequence.ordering == "bfs"
    assert paper.model.sequence.scan == "nearest_first"
    assert paper.model.stop == "zero_row"
    assert paper.model.num_layers == paper.model.head.num_layers == 4
    small = load_config("graphrnn/paper-small")
    assert small == paper.replace(["model.hidden_size=64", "model.embedding_size=32"])


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_of_the_model_it_stands_under(name: str) -> None:
    config = load_config(name)
    assert config.model_name == name.partition("/")[0]
    assert Config.from_dict(config.to_dict()) == config


def test_the_usual_config_is_the_preset_of_the_data_set_or_the_default_one() -> None:
    assert preset_for("graphrnn-c", "grid") == "graphrnn-c/grid"
    assert preset_for("graphrnn-c", "grid:all") == "graphrnn-c/grid"
    assert preset_for("graphrnn-c", "enzymes.parquet") == preset_for("graphrnn-c") == "graphrnn-c/default"
    assert preset_for("nothing", "grid") is None
    assert usual_config("graphrnn", "grid") == load_config("graphrnn/grid")
    assert usual_config("graphrnn") == Config()


def test_round_trip(tmp_path: Path) -> None:
    settings = ["model.hidden_size=7", "model.sequence.max_prev_node=12", "training.steps=5", "model.sequence.ordering=bfs"]
    config = Config().replace(settings)
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml())
    assert load_config(path) == config
    assert Config.from_dict(config.to_dict()) == config
    assert config.replace(["training.steps=none"]).training.steps is None


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("model.hidden_size=0", "model.hidden_size must be >= 1, got 0"),
        ("model.hidden_size=big", "model.hidden_size must be int, got 'big'"),
        ("model.hidden_size=true", "model.hidden_size must be int, got True"),
        ("model.size=3", "unknown field model.size; known are model.sequence"),
        ("models.size=3", "unknown section models; a config has family, model, training and labels"),
        ("model.hidden_size.big=3", "model.hidden_size.big is no field: hidden_size is a value, not a table of fields"),
        ("hidden_size=3", "has the form section.field=value, model.hidden_size=64 say, got 'hidden_size=3'"),
        ("model.hidden_size", "has the form section.field=value"),
        ("model.sequence.ordering=zfs", "model.sequence.ordering must be one of bfs, cm, .*random, got 'zfs'"),
        (
            "model.sequence.ordering=dfs",
            "adaptive would lose edges under ordering dfs.*set model.sequence.window = fixed",
        ),
        ("model.sequence.quantile=0.0", r"model.sequence.quantile must lie in \(0, 1\], got 0"),
        ("model.sequence.bandwidth=guess", "model.sequence.bandwidth must be one of estimate, bound"),
        ("training.learning_rate=-1", r"training.learning_rate must lie in \(0, inf\), got -1"),
        ("training.budget=0", r"training.budget must lie in \(0, inf\), got 0"),
        ("training.budget=inf", r"training.budget must lie in \(0, inf\), got inf"),
        ("training.learning_rate=nan", r"training.learning_rate must lie in \(0, inf\), got nan"),
        ("training.seed=99999999999999999999", r"training.seed must be in 0\.\.2\^63-1|training.seed must be int"),
        ("model.head=mlp", "model.head must be a table of fields, got 'mlp'; its field kind says which"),
        ("model.head.kind=tree", "model.head.kind must be one of rnn, mlp, context, got 'tree'"),
        ('model.head.kind=["rnn"]', r"model.head.kind must be one of rnn, mlp, context, got \['rnn'\]"),
        ("model.head.hidden_size=1", "must be >= 2, got 1"),
        ("model.head.mixture=20", "unknown field model.head.mixture; known are model.head.kind, model.head.hidden_size"),
        ("model.node=rnn", "model.node must be one of gru, lstm, transformer, got 'rnn'"),
        ("model.num_heads=4", "model.num_heads is for node transformer, got 4 with node gru; leave it out"),
        ("model.dropout=1", r"model.dropout must lie in \[0, 1\), got 1"),
        ("model.dropout=nan", "model.dropout must lie in"),
        ("model.stop=never", "model.stop must be one of decision, size, edge_eos, zero_row, got 'never'"),
        ("training.clock=sun", "training.clock must be one of wall, cpu, got 'sun'"),
        ("training.ema=1", r"training.ema must lie in \[0, 1\), got 1"),
        ("training.patience=-1", "training.patience must be >= 0, got -1"),
        ("training.weight_decay=0.1", "weight_decay is for adamw, got 0.1; set training.optimizer = adamw"),
        ("training.select=mmd", "select = mmd needs evaluations that measure it; set training.mmd_every = 1"),
        ("training.mmd_every=11", r"mmd_every must be <= training.evaluations.*got 11 and 10; set training.mmd_every = 10"),
    ],
)
def test_bad_settings_name_rule_and_value(assignment: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Config().replace([assignment])


@pytest.mark.parametrize(
    ("kind", "field", "message"),
    [
        ("mlp", "num_layers=2", "unknown field model.head.num_layers; known are .*model.head.mixture"),
        ("mlp", "features=[]", "unknown field model.head.features"),
        ("mlp", "start=state", "unknown field model.head.start"),
        ("mlp", "node_input=edge_state", "unknown field model.head.node_input"),
        ("context", "mixture=3", "unknown field model.head.mixture; known are .*model.head.features"),
        ("context", "num_layers=2", "unknown field model.head.num_layers"),
        ("mlp", "mixture=-1", "model.head.mixture must be >= 0, got -1; 0 is no mixture"),
        ("mlp", "hidden_size=0", "model.head.hidden_size must be >= 1, got 0"),
        ("context", 'features=["colour"]', "model.head.features must be among distance, .*, got 'colour'"),
        ("context", "features=degree", "model.head.features must be a list of names, got 'degree'"),
    ],
)
def test_a_head_knows_its_own_fields_only(kind: str, field: str, message: str) -> None:
    for settings in ([f"model.head.kind={kind}", f"model.head.{field}"], [f"model.head.{field}", f"model.head.kind={kind}"]):
        with pytest.raises(InputError, match=message):
            Config().replace(settings)


def test_another_head_begins_with_its_own_defaults_whatever_comes_first() -> None:
    base = Config().replace(["model.head.hidden_size=8"])
    assert base.replace(["model.head.kind=mlp"]).model.head == MLPHead()
    assert base.replace(["model.head.kind=rnn"]) == base
    for settings in (["model.head.kind=mlp", "model.head.hidden_size=5"], ["model.head.hidden_size=5", "model.head.kind=mlp"]):
        assert base.replace(settings).model.head == MLPHead(hidden_size=5)
    values = {"model.head": {"hidden_size": 5, "kind": "mlp"}, "model": {"sequence": {"ordering": "bfs"}}}
    found = base.with_values(values)
    assert found.model.head == MLPHead(hidden_size=5)
    assert found.model.sequence == SequenceConfig(ordering="bfs")


def sections(config: Any, path: str = "model.") -> Iterator[tuple[str, Any]]:
    """The dataclasses of a config by where they stand; of a tagged union the one that is there."""
    yield path, config
    for field in dataclasses.fields(config):
        if dataclasses.is_dataclass(getattr(config, field.name)):
            yield from sections(getattr(config, field.name), f"{path}{field.name}.")


@pytest.mark.parametrize("model", LEARNED)
def test_every_field_with_choices_refuses_other_values(model: str) -> None:
    config, num_fields = usual_config(model), 0
    for path, section in [("training.", config.training), *sections(config.model)]:
        for name, hint in typing.get_type_hints(type(section)).items():
            if typing.get_origin(hint) is Literal:
                known = "rnn, mlp, context" if name == "kind" else ", ".join(map(str, typing.get_args(hint)))
                with pytest.raises(InputError, match=rf"^{path}{name} must be one of {known}, got 'zigzag'$"):
                    config.replace([f"{path}{name}=zigzag"])
                num_fields += 1
    assert num_fields >= 5


def test_values_that_no_parser_saw_are_looked_at_too() -> None:
    with pytest.raises(InputError, match=r"model.stop must be one of decision, size, edge_eos, zero_row, got 'never'"):
        Config(model=GraphRNNConfig(stop="never"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"model.hidden_size must be int, got 8.5"):
        Config(model=GraphRNNConfig(hidden_size=8.5))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"training.clock must be one of wall, cpu, got 'sun'"):
        Config().trained(clock="sun")
    with pytest.raises(InputError, match="model must be a GraphRNNConfig for family graphrnn, got TrainingConfig"):
        Config(model=TrainingConfig())


def test_fields_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"stop = edge_eos needs an edge-level network, got head mlp; set model\.head\.kind = rnn"
    ):
        Config().replace(["model.head.kind=mlp", "model.stop=edge_eos"])
    with pytest.raises(InputError, match=r"edge_state goes row by row and needs node gru, got lstm; set model\.node = gru"):
        Config().replace(["model.head.node_input=edge_state", "model.node=lstm"])
    transformer = ["model.node=transformer"]
    with pytest.raises(InputError, match=r"hidden_size must be a multiple of model.num_heads, got 128 and 3"):
        Config().replace([*transformer, "model.num_heads=3"])
    with pytest.raises(InputError, match=r"hidden_size must be a multiple of model.num_heads, got 126 and 4"):
        Config().replace([*transformer, "model.hidden_size=126"])
    with pytest.raises(InputError, match=r"model.layer_norm is for gru and lstm"):
        Config().replace([*transformer, "model.layer_norm=true"])
    fixed = ["model.sequence.window=fixed"]
    assert Config().replace([*fixed, "model.sequence.ordering=dfs"]).model.sequence.ordering == "dfs"
    with pytest.raises(InputError, match=r"bound is known for bfs, cm, rcm, got ordering degree"):
        Config().replace([*fixed, "model.sequence.ordering=degree", "model.sequence.bandwidth=bound"])
    with pytest.raises(InputError, match=r"zero_row takes an empty row for the end, and ordering rcm has empty rows"):
        Config().replace([*fixed, "model.sequence.ordering=rcm", "model.stop=zero_row"])
    context = ["model.head.kind=context"]
    for setting in ("model.stop=zero_row", "model.sequence.scan=nearest_first"):
        with pytest.raises(
            InputError, match=r"context needs model\.stop = decision or size and model\.sequence\.scan = oldest_first"
        ):
            Config().replace([*context, setting])


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither a preset nor a file; each of .*, graphrnn, .* has one, NAME/default"):
        load_config("nothing")
    with pytest.raises(InputError, match=r"did you mean graphrnn/paper-small.*\?"):
        load_config("graphrnn/paper-smal")
    with pytest.raises(InputError, match=r"no config 'paper'.*nor a file; did you mean .*graphrnn/paper\?"):
        load_config("paper")
    path = tmp_path / "broken.toml"
    path.write_text("[model\n")
    with pytest.raises(InputError, match="is not TOML"):
        load_config(path)
    for family in ("", 'family = "graphrnn"\n'):
        for section in ("model", "training"):
            path.write_text(f"{family}{section} = 3\n")
            with pytest.raises(InputError, match=f"{section} must be a table of fields, got 3"):
                load_config(path)
    path.write_text('family = "zigzag"\n')
    with pytest.raises(InputError, match=r"unknown family 'zigzag'; choose from graphrnn, gran, .*, or install"):
        load_config(path)
    path.write_text("family = 3\n")
    with pytest.raises(InputError, match="family must be a name, got 3"):
        load_config(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not a text file"):
        load_config(path)


def test_a_config_is_hashable_and_its_fields_do_not_change() -> None:
    assert {Config(): 1}[load_config("graphrnn/default")] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().family = "gran"  # type: ignore[misc]
