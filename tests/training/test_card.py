import json
import re
from pathlib import Path

import pytest
from command_line import FAST, gengraph, in_tmp_path  # noqa: F401

from gengraph.training.card import write_card
from gengraph.training.checkpoint import load_checkpoint
from gengraph.training.config import Config


@pytest.mark.usefixtures("in_tmp_path")
def test_every_checkpoint_has_a_card_that_tells_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    more = "--set training.mmd_every=2 --set training.ema=0.9 --set training.evaluations=2 --seed 4"
    gengraph(f"train --dataset grid-small --steps 6 --run g {more} {FAST}")
    for folder in Path("runs/g/checkpoints").iterdir():
        card = (folder / "card.md").read_text()
        cells = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", card, re.MULTILINE))
        metrics = json.loads((folder / "checkpoint.json").read_text())["metrics"]
        saved = json.loads((folder / "config.json").read_text())
        step = int(folder.name.removeprefix("step-"))
        assert f"# GraphRNN, step {step} of the run g\n" in card
        assert cells["data set"] == "grid-small: 14 train, 2 validation, 4 test graphs"
        assert cells["split"].startswith("seeded, seed 0;")
        assert cells["ordering"] == "cm, adaptive window, oldest_first"
        assert cells["M (max_prev_node)"] == str(saved["facts"]["max_prev_node"])
        assert "averaged over training (decay 0.9)" in cells["weights"]
        assert cells["training"] == f"{step} steps of 4 graphs, adam, seed 4"
        assert "torch 2" in cells["versions"]
        assert f"| {metrics['nll']:.4g} |" in card
        assert f"| {metrics['validation_loss']:.4g} | {metrics['validation_loss_per_node']:.4g} |" in card
        assert ("| degree | clustering | orbit |" in card) == (step == 6)
        assert Config.from_dict(saved["config"]).training.seed == 4
    monkeypatch.chdir(folder)
    snippet = card[card.index("    from pathlib") :].split("config.json")[0]
    names: dict = {}
    exec("\n".join(line.removeprefix("    ") for line in snippet.splitlines()).replace("1000", "7"), names)
    assert len(names["graphs"]) == 7


@pytest.mark.usefixtures("in_tmp_path")
def test_a_card_without_a_run_says_so() -> None:
    gengraph(f"train --dataset grid-small --steps 1 --run g {FAST}")
    card = write_card(load_checkpoint(Path("runs/g/checkpoints/step-00000001")), None)
    assert card.startswith("# GraphRNN, step 1\n")
    assert "| data set | not recorded: fitted to graphs in memory |" in card
    assert "--run" not in card
