from pathlib import Path

import pytest

from gengraph.config import Config, load_config
from gengraph.errors import InputError


def test_presets() -> None:
    assert load_config("default") == Config()
    paper = load_config("paper")
    assert paper.sequence.ordering == "bfs"
    assert paper.sequence.scan == "nearest_first"
    assert paper.model.stop == "zero_row"
    assert paper.model.num_layers == paper.model.edge_num_layers == 4
    small = load_config("small")
    assert small == paper.replace(["model.hidden_size=64", "model.embedding_size=32"])


def test_round_trip(tmp_path: Path) -> None:
    config = Config().replace(["model.hidden_size=7", "sequence.max_prev_node=12", "training.steps=5", "sequence.ordering=bfs"])
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
        ("model.size=3", "unknown field model.size; known are model.head"),
        ("models.size=3", "unknown field models"),
        ("hidden_size=3", "of the form|has the form section.field=value"),
        ("model.hidden_size", "has the form section.field=value"),
        ("sequence.ordering=zfs", "sequence.ordering must be one of bfs, cm, .*random, got 'zfs'"),
        ("sequence.ordering=dfs", "adaptive would lose edges under ordering dfs.*use --set sequence.window=fixed"),
        ("sequence.quantile=0.0", r"sequence.quantile must lie in \(0, 1\], got 0"),
        ("sequence.bandwidth=guess", "sequence.bandwidth must be one of estimate, bound"),
        ("training.learning_rate=-1", "training.learning_rate must be > 0, got -1"),
        ("training.budget=0", "training.budget must be > 0 seconds"),
        ("training.budget=inf", "training.budget must be a finite number, got inf"),
        ("training.learning_rate=nan", "training.learning_rate must be a finite number"),
        ("training.seed=99999999999999999999", r"training.seed must be in 0\.\.2\^63-1|training.seed must be int"),
        ("model.edge_hidden_size=1", "must be >= 2, got 1"),
        ("model.node=rnn", "model.node must be one of gru, lstm, transformer, got 'rnn'"),
        ("model.dropout=1", r"model.dropout must lie in \[0, 1\), got 1"),
        ("model.dropout=nan", "model.dropout must lie in"),
        ("model.stop=never", "model.stop must be one of decision, edge_eos, zero_row, got 'never'"),
        ("model.mixture=-1", "model.mixture must be >= 0, got -1"),
        ("model.mixture=20", "model.mixture is of the mlp head, got 20 with head rnn; use --set model.head=mlp"),
        ("training.clock=sun", "training.clock must be one of wall, cpu, got 'sun'"),
        ("training.ema=1", r"training.ema must lie in \[0, 1\), got 1"),
        ("training.patience=-1", "training.patience must be >= 0, got -1"),
        ("training.weight_decay=0.1", "weight_decay is for adamw, got 0.1; use --set training.optimizer=adamw"),
        ("training.select=mmd", "select = mmd needs evaluations that measure it; use --set training.mmd_every=1"),
        ("training.mmd_every=11", r"mmd_every must be <= training.evaluations.*got 11 and 10; use --set training.mmd_every=10"),
    ],
)
def test_bad_settings_name_rule_and_value(assignment: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Config().replace([assignment])


def test_fields_that_do_not_go_together_are_refused() -> None:
    for option in ("stop=edge_eos", "edge_context=state", "node_input=edge_state"):
        name, value = option.split("=")
        message = rf"model\.{name} = {value} needs an edge-level network, got head mlp; use --set model\.head=rnn"
        with pytest.raises(InputError, match=message):
            Config().replace(["model.head=mlp", f"model.{option}"])
    with pytest.raises(InputError, match=r"edge_state goes row by row and needs node gru, got lstm"):
        Config().replace(["model.node_input=edge_state", "model.node=lstm"])
    transformer = ["model.node=transformer"]
    with pytest.raises(InputError, match=r"hidden_size must be a multiple of model.num_heads, got 128 and 3"):
        Config().replace([*transformer, "model.num_heads=3"])
    with pytest.raises(InputError, match=r"model.layer_norm is for gru and lstm"):
        Config().replace([*transformer, "model.layer_norm=true"])
    fixed = ["sequence.window=fixed"]
    assert Config().replace([*fixed, "sequence.ordering=dfs"]).sequence.ordering == "dfs"
    with pytest.raises(InputError, match=r"bound is known for bfs, cm, rcm, got ordering degree"):
        Config().replace([*fixed, "sequence.ordering=degree", "sequence.bandwidth=bound"])
    with pytest.raises(InputError, match=r"zero_row takes an empty row for the end, and ordering rcm has empty rows"):
        Config().replace([*fixed, "sequence.ordering=rcm", "model.stop=zero_row"])


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither a preset \(default, .*paper.*\) nor a file"):
        load_config("nothing")
    path = tmp_path / "broken.toml"
    path.write_text("[model\n")
    with pytest.raises(InputError, match="is not TOML"):
        load_config(path)
    path.write_text("model = 3\n")
    with pytest.raises(InputError, match="model must be a table of fields, got 3"):
        load_config(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not a text file"):
        load_config(path)
