import json
import re
from pathlib import Path

import pytest

from gengraph.data import load_dataset, split_graphs
from gengraph.runs.folders import create_run, train_run
from gengraph.training.card import write_card
from gengraph.training.checkpoint import load_checkpoint
from gengraph.training.config import Config

TINY = ["model.hidden_size=8", "model.embedding_size=4", "model.head.hidden_size=4", "model.head.num_layers=1"]


def trained(folder: Path, *settings: str) -> list[Path]:
    """The checkpoints of a run."""
    config = Config().replace([*TINY, *settings])
    create_run(folder, dataset="grid-small", split=split_graphs(load_dataset("grid-small")), split_seed=0, config=config)
    train_run(folder)
    return sorted((folder / "checkpoints").iterdir())


def test_every_checkpoint_has_a_card_that_tells_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = ["training.mmd_every=2", "training.ema=0.9", "training.evaluations=2", "training.seed=4"]
    checkpoints = trained(tmp_path / "g", "training.steps=6", *more)
    assert len(checkpoints) == 2
    for folder in checkpoints:
        card = (folder / "card.md").read_text()
        cells = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", card, re.MULTILINE))
        metrics = json.loads((folder / "checkpoint.json").read_text())["metrics"]
        saved = json.loads((folder / "config.json").read_text())
        step = int(folder.name.removeprefix("step-"))
        assert f"# graphrnn, step {step} of the run g\n" in card
        assert cells["data set"] == "grid-small: 14 train, 2 validation, 4 test graphs"
        assert cells["split"].startswith("seeded, seed 0;")
        assert cells["family"] == "graphrnn"
        assert cells["ordering"] == "cm, adaptive window, oldest_first"
        assert cells["M (max_prev_node)"] == f"{saved['facts']['max_prev_node']}, cuts 0.00% of the edges"
        assert cells["largest training graph"] == f"{saved['facts']['max_num_node']} nodes"
        assert "averaged over training (decay 0.9)" in cells["weights"]
        assert cells["training"] == f"{step} steps of 4 graphs, adam, seed 4"
        assert "torch 2" in cells["versions"]
        assert "The loss: negative log-likelihood, nats a graph, of the sequences that the model reads, an upper bound" in card
        assert "| part | per graph | per edge bit | per node |" in card
        row = [f"{metrics['validation_loss' + unit]:.4g}" for unit in ("", "_per_edge_bit", "_per_node")]
        assert f"| {' | '.join(row)} |" in card
        assert f"| {metrics['loss']:.4g} |" in card
        assert ("| degree | clustering | orbit |" in card) == (step == 6)
        assert Config.from_dict(saved["config"]).training.seed == 4
    monkeypatch.chdir(folder)
    snippet = card[card.index("    from pathlib") :].split("config.json")[0]
    names: dict = {}
    exec("\n".join(line.removeprefix("    ") for line in snippet.splitlines()).replace("1000", "7"), names)
    assert len(names["graphs"]) == 7


def test_a_card_without_a_run_says_so(tmp_path: Path) -> None:
    (folder,) = trained(tmp_path / "g", "training.steps=1")
    card = write_card(load_checkpoint(folder), None)
    assert card.startswith("# graphrnn, step 1\n")
    assert "| data set | not recorded: fitted to graphs in memory |" in card
    assert "--run" not in card
