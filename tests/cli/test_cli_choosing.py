import json
from pathlib import Path

import pytest
from command_line import gengraph, in_tmp_path  # noqa: F401

from gengraph.training import choosing
from gengraph.training.choosing import Trial

TRIALS = [
    Trial(model="graphrnn-c", why="takes any graphs", ratios={"degree": 9.0}, distance=3.0, steps=5),
    Trial(model="maps", why="all graphs are planar", ratios={"degree": 1.0}, distance=1.0, steps=7),
]


@pytest.mark.usefixtures("in_tmp_path")
def test_the_closest_is_trained_and_what_was_tried_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "try_models", lambda *graphs, **how: iter(TRIALS))
    said = gengraph("train --dataset grid-small --model auto --steps 2")
    assert "graphrnn-c (takes any graphs): distance 3.00 after 5 steps" in said
    assert "maps is trained" in said
    about = json.loads(Path("runs/grid-small-maps/run.json").read_text())
    assert [trial["model"] for trial in about["tried"]] == ["graphrnn-c", "maps"]


def test_a_config_is_a_choice_already() -> None:
    said = gengraph("train --dataset grid-small --model auto --config graphrnn/paper", code=2)
    assert "chooses the config with the model" in said
