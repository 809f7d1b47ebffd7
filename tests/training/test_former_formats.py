"""What gengraph 0.1.0 wrote is read: its configs, checkpoints (format 2), runs and metrics."""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

from gengraph.errors import InputError
from gengraph.models.graphrnn.config import ContextHead, GraphRNNConfig, MLPHead, RNNHead, SequenceConfig
from gengraph.runs.folders import extend_run, find_checkpoint, read_run, train_run
from gengraph.runs.history import differences, read_metrics, summarize
from gengraph.runs.sample import sample_run
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.job import SampleRequest
from gengraph.storage import Folder
from gengraph.training.card import write_card
from gengraph.training.checkpoint import load_checkpoint
from gengraph.training.config import Config, load_config, present_name, presets

FIXTURES = Path(__file__).with_name("fixtures")  # made by gengraph 0.1.0: models of a few units, 20 steps on ladder-small
RUN = FIXTURES / "run-0.1.0"
CHECKPOINTS = {  # the content hash of 200 graphs of seed 3 as 0.1.0 sampled them
    RUN / "checkpoints" / "step-00000020": "31f334841eca56f2e73e650d6ce65dc9b86b82a2510e3db9e72692f4465f7736",
    FIXTURES / "checkpoint-0.1.0-mlp": "129d6a5d24f1414ad48b1cd9a18297ea7176687e53f17229f1c84f63203b27e2",
    FIXTURES / "checkpoint-0.1.0-context": "a8196695e1016e628b8f74f097b51b73b3db163fe7a2d7ec84c9e4550f1336c3",
}
PRESETS = {
    "graphrnn/default": """
[sequence]
ordering = "cm"
bandwidth = "estimate"
quantile = 1.0
window = "adaptive"
scan = "oldest_first"
components = "all"
[model]
head = "rnn"
stop = "decision"
hidden_size = 128
num_layers = 1
embedding_size = 64
edge_hidden_size = 32
edge_num_layers = 2
[training]
batch_size = 4
learning_rate = 0.006
schedule = "cosine"
clip_norm = 1.0
budget = 600.0
evaluations = 10
checkpoint_every = 60.0
seed = 0
""",
    "graphrnn/grid": """
[model]
head = "rnn"
[training]
steps = 6600
learning_rate = 0.003
""",
    "graphrnn-c/community-small": """
[model]
head = "context"
dropout = 0.2
[training]
steps = 2400
batch_size = 8
learning_rate = 0.003
ema = 0.995
""",
    "graphrnn-c/community": """
[model]
head = "context"
[training]
steps = 5000
batch_size = 4
learning_rate = 0.003
""",
    "graphrnn-c/ego-small": """
[model]
head = "context"
[training]
steps = 2700
batch_size = 8
learning_rate = 0.003
""",
    "graphrnn-c/ego": """
[model]
head = "context"
[training]
steps = 5000
batch_size = 4
learning_rate = 0.003
""",
    "graphrnn-c/enzymes": """
[model]
head = "context"
[training]
steps = 1200
batch_size = 8
learning_rate = 0.003
""",
    "graphrnn-c/grid": """
[model]
head = "context"
[training]
steps = 3800
batch_size = 4
learning_rate = 0.003
""",
    "graphrnn-c/ladder": """
[model]
head = "context"
[training]
steps = 1200
batch_size = 8
learning_rate = 0.003
""",
    "graphrnn-c/lobster": """
[model]
head = "context"
[training]
steps = 2400
batch_size = 8
learning_rate = 0.003
""",
    "graphrnn-c/planar": """
[model]
head = "context"
[training]
steps = 9500
batch_size = 4
learning_rate = 0.003
""",
    "graphrnn-c/protein": """
[model]
head = "context"
[training]
steps = 3500
batch_size = 8
learning_rate = 0.003
""",
    "graphrnn-c/sbm": """
[model]
head = "context"
[training]
steps = 5500
batch_size = 4
learning_rate = 0.003
""",
    "graphrnn-c/tree": """
[model]
head = "context"
[training]
steps = 5000
batch_size = 8
learning_rate = 0.003
""",
    "graphrnn-c/default": """
[sequence]
ordering = "cm"
window = "adaptive"
scan = "oldest_first"
[model]
head = "context"
stop = "decision"
hidden_size = 128
num_layers = 1
embedding_size = 64
context_size = 64
[training]
batch_size = 8
learning_rate = 0.003
schedule = "cosine"
clip_norm = 1.0
""",
    "graphrnn/paper": """
[sequence]
ordering = "bfs"
window = "fixed"
scan = "nearest_first"
components = "largest"
[model]
stop = "zero_row"
hidden_size = 128
num_layers = 4
embedding_size = 64
edge_hidden_size = 16
edge_num_layers = 4
[training]
batch_size = 32
learning_rate = 0.003
schedule = "milestones"
clip_norm = 0.0
steps = 96000
""",
    "graphrnn/paper-small": """
[sequence]
ordering = "bfs"
window = "fixed"
scan = "nearest_first"
components = "largest"
[model]
stop = "zero_row"
hidden_size = 64
num_layers = 4
embedding_size = 32
edge_hidden_size = 16
edge_num_layers = 4
[training]
batch_size = 32
learning_rate = 0.003
schedule = "milestones"
clip_norm = 0.0
steps = 96000
""",
}


def upgraded(text: str) -> Config:
    return Config.from_dict(tomllib.loads(text))


SINCE = {"graphrnn-c/protein": ["model.stop=size", "model.totals=true"]}
"""What has been changed in a preset after 0.1.0."""


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_present_one(name: str) -> None:
    assert upgraded(PRESETS[name]).replace(SINCE.get(name, [])) == load_config(name)


def test_every_preset_of_a_graphrnn_but_the_new_ones_was_there() -> None:
    new = {"graphrnn-s/default", *(f"{model}/{name}" for model in ("graphrnn", "graphrnn-c") for name in ("qm9", "moses"))}
    new |= {f"{model}/gpu" for model in ("graphrnn", "graphrnn-s", "graphrnn-c")}
    assert {name for name in presets() if name.startswith("graphrnn")} == {*PRESETS, *new}
    assert upgraded('[model]\nhead = "mlp"\n') == load_config("graphrnn-s/default")


def test_fields_of_other_heads_were_ignored_and_are_left_out() -> None:
    everything = """
[model]
head = "{}"
node = "gru"
num_heads = 4
hidden_size = 9
embedding_size = 5
edge_hidden_size = 6
edge_num_layers = 3
edge_context = "zero"
node_input = "adjacency"
mixture = 0
context_size = 7
context = ["gap", "degree"]
[sequence]
ordering = "bfs"
[training]
select = "nll"
"""
    heads = {
        "rnn": RNNHead(hidden_size=6, num_layers=3),
        "mlp": MLPHead(hidden_size=5, mixture=0),
        "context": ContextHead(hidden_size=7, features=("gap", "degree")),
    }
    for kind, head in heads.items():
        model = GraphRNNConfig(sequence=SequenceConfig(ordering="bfs"), hidden_size=9, embedding_size=5, head=head)
        assert upgraded(everything.format(kind)) == Config(model=model)
    transformer = everything.format("rnn").replace('"gru"', '"transformer"').replace("hidden_size = 9", "hidden_size = 8", 1)
    assert upgraded(transformer).model.num_heads == 4


def test_options_of_the_edge_level_are_kept() -> None:
    config = upgraded('[model]\nedge_context = "state"\nnode_input = "edge_state"\nstop = "edge_eos"\n')
    assert config.model.head == RNNHead(start="state", node_input="edge_state")
    assert upgraded('[model]\nhead = "mlp"\nmixture = 20\nembedding_size = 32\n').model.head == MLPHead(
        hidden_size=32, mixture=20
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[modle]\nhidden_size = 8", "unknown section modle"),
        ("[model]\nsize = 8", r"unknown field model\.size"),
        ("[model]\nhead = 3", r"model\.head\.kind must be one of rnn, mlp, context, got 3"),
        ('[model]\nhead = "tree"', "model.head.kind must be one of rnn, mlp, context, got 'tree'"),
        ("[sequence]\nwidth = 8", r"unknown field model\.sequence\.width"),
        ("sequence = 8", r"model\.sequence must be a table of fields, got 8"),
        ("[model]\nedge_hidden_size = 1", r"model\.head\.hidden_size must be >= 2, got 1"),
        ('[training]\nselect = "best"', r"training\.select must be one of loss, mmd, got 'best'"),
    ],
)
def test_what_was_wrong_then_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        upgraded(text)


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.name)
def test_a_checkpoint_samples_the_graphs_that_it_sampled(path: Path) -> None:
    checkpoint = load_checkpoint(path)
    assert checkpoint.step == 20
    assert (checkpoint.raw_weights is None) == ("mlp" not in path.name)
    graphs = sample_graphs(checkpoint.build_model(), np.arange(200), seed=3).graphs
    assert graphs.content_hash() == CHECKPOINTS[path]
    assert {"loss", "loss_per_node", "validation_loss", "validation_loss_per_edge_bit"} <= set(checkpoint.metrics)
    assert not any("nll" in name for name in checkpoint.metrics)
    assert "| per graph | per edge bit | per node |" in write_card(checkpoint, None)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    shutil.copytree(RUN, tmp_path / "g")
    return tmp_path / "g"


def test_a_run_is_listed_and_described(run: Path) -> None:
    assert read_run(run)["facts"] == {
        "max_prev_node": 2,
        "max_num_node": 20,
        "several_components": False,
        "has_edges": True,
    }
    summary = summarize(run)
    assert (summary.model, summary.dataset, summary.state, summary.step) == ("graphrnn", "ladder-small", "finished", 20)
    assert summary.best_loss == pytest.approx(11.077016830444336)
    nearest, changes = differences(load_config(run / "config.toml"))
    assert nearest.startswith("graphrnn/")
    assert "model.head.hidden_size=4" in changes
    assert find_checkpoint(run, "best") == run / "checkpoints" / "step-00000020"


def test_a_run_goes_on_as_it_would_have(run: Path) -> None:
    """What 0.1.0 made of the same run when it trained it to 40 steps."""
    extend_run(run, steps=40, budget=None)
    assert 'family = "graphrnn"' in (run / "config.toml").read_text()
    assert train_run(run) == 40
    found = {line["step"]: line for line in read_metrics(run)}
    expected = {
        10: (25.9296817779541, 11.362196922302246),
        20: (25.467511494954426, 11.077016830444336),
        40: (24.822110493977863, 10.448186874389648),
    }
    for step, (loss, validation_loss) in expected.items():
        assert found[step]["loss"] == pytest.approx(loss, rel=1e-5)
        assert found[step]["validation_loss"] == pytest.approx(validation_loss, rel=1e-5)
        assert found[step]["cut_edges"] == 0
    checkpoint = load_checkpoint(find_checkpoint(run, "last"))
    assert json.loads((find_checkpoint(run, "last") / "checkpoint.json").read_text())["format"] == 3
    assert checkpoint.selection.step == 40


def test_a_run_is_sampled_from(run: Path, tmp_path: Path) -> None:
    manifest = sample_run(run, Folder(str(tmp_path / "s")), SampleRequest(num_graphs=200, seed=3))
    assert manifest["shards"][0]["content_hash"] == CHECKPOINTS[RUN / "checkpoints" / "step-00000020"]
    assert manifest["config"] == load_config(run / "config.toml").to_dict()


def test_names_of_losses() -> None:
    renamed = {
        "nll": "loss",
        "nll_per_node": "loss_per_node",
        "validation_nll": "validation_loss",
        "validation_nll_per_edge_bit": "validation_loss_per_edge_bit",
    }
    kept = ("loss", "validation_mmd", "nlls", "cut_edges", "step")
    assert {name: present_name(name) for name in renamed} == renamed
    assert tuple(map(present_name, kept)) == kept
