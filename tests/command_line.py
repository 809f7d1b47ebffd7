"""Commands run in the test's process, in a folder of the test's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gengraph.cli.app import app

FAST = "--set model.hidden_size=8 --set model.embedding_size=4 --set model.head.hidden_size=4 --set model.head.num_layers=1"
FAST_S = "--set model.hidden_size=8 --set model.embedding_size=4 --set model.head.hidden_size=4"  # graphrnn-s, graphrnn-c


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def gengraph(command: str, code: int = 0) -> str:
    """The output of a command, standard error included."""
    return _run(command, code).output


def answer(command: str) -> Any:
    """What a command with ``--format json`` says on standard output: signs of life of a slow machine go to standard error."""
    return json.loads(_run(command, 0).stdout)


def _run(command: str, code: int) -> Result:
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def orders_are_tried_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The orders of attachment are compared after four steps."""
    monkeypatch.setattr("gengraph.models.attachment.selection._STEPS", 4)
