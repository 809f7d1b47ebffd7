"""The list of models."""

import re

import pytest
from command_line import answer, gengraph, in_tmp_path  # noqa: F401

from gengraph.cli.models import capabilities_of
from gengraph.models.registry import CLOSED_FORMS, LEARNED, LISTED, find_family
from gengraph.training.config import usual_config

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def test_every_model_is_listed_with_what_it_can_do() -> None:
    rows = {row["model"]: row for row in answer("models --format json")}
    assert list(rows) == list(LISTED)
    for name, row in rows.items():
        assert row["summary"] == LISTED[name].summary
        assert row["fit"] == ("trained" if name in LEARNED else "closed form")
        able = {kind for kind, value in row.items() if value is True}
        assert able == capabilities_of(name) | ({"labels"} if name in LEARNED else set())
    assert rows["graphrnn-c"]["planar"]
    assert not rows["graphrnn"]["planar"]
    assert not any(value for name in CLOSED_FORMS for value in rows[name].values() if isinstance(value, bool))
    for name in LEARNED:
        config = usual_config(name)
        assert capabilities_of(name) == find_family(config.family).capabilities(config.model)
    lines = gengraph("models").splitlines()
    assert lines[0].split() == ["model", "fit", "can", "summary"]
    shown = dict(zip(LISTED, lines[1:], strict=True))
    able = "labels, likelihood, temperature, planar, overrun, gpu, policy, conditions"
    assert re.match(rf"graphrnn-c +trained +{able} +GraphRNN whose", shown["graphrnn-c"])
    assert re.match(r"er +closed form +- +Erdos", shown["er"])
