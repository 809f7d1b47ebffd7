"""The list of models, and what all commands have in common."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from command_line import gengraph, in_tmp_path  # noqa: F401

from gengraph.cli.app import app
from gengraph.cli.models import capabilities_of
from gengraph.models.registry import CLOSED_FORMS, LEARNED, LISTED, find_family
from gengraph.training.config import usual_config

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def every_command(node: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    node = node or typer.main.get_command(app)
    yield name.strip(), node
    for word, command in getattr(node, "commands", {}).items():
        yield from every_command(command, f"{name} {word}")


OPTIONS = [(name, parameter) for name, command in every_command() for parameter in command.params]


def having(option: str) -> dict[str, Any]:
    """The parameters by command that an option sets."""
    return {name: parameter for name, parameter in OPTIONS if option in parameter.opts}


def test_every_model_is_listed_with_what_it_can_do() -> None:
    rows = {row["model"]: row for row in json.loads(gengraph("models --format json"))}
    assert list(rows) == list(LISTED)
    for name, row in rows.items():
        assert row["summary"] == LISTED[name].summary
        assert row["fit"] == ("trained" if name in LEARNED else "closed form")
        able = {kind for kind, value in row.items() if value is True}
        assert able == capabilities_of(name)
    assert rows["graphrnn-c"]["planar"]
    assert not rows["graphrnn"]["planar"]
    assert not any(value for name in CLOSED_FORMS for value in rows[name].values() if isinstance(value, bool))
    for name in LEARNED:
        config = usual_config(name)
        assert capabilities_of(name) == find_family(config.family).capabilities(config.model)
    lines = gengraph("models").splitlines()
    assert re.match(r"model +fit +labels +sizes +likelihood +temperature +planar +overrun +gpu +summary", lines[0])
    shown = dict(zip(LISTED, lines[1:], strict=True))
    assert re.match(r"graphrnn-c +trained +- +rejection +yes +yes +yes +yes +yes +GraphRNN whose", shown["graphrnn-c"])
    assert re.match(r"er +closed form +- +rejection +- +- +- +- +- +Erdos", shown["er"])


@pytest.mark.parametrize("command", ["train", "tune", "sample", "benchmark"])
def test_help_has_a_line_for_every_model(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    output = gengraph(f"{command} --help")
    for name, listed in (LEARNED if command in {"train", "tune"} else LISTED).items():
        assert re.search(rf"│ +{name}: {re.escape(listed.summary)} +│", output), name
    if command in {"train", "tune"}:
        assert not any(re.search(rf"│ +{name}: ", output) for name in CLOSED_FORMS)


def test_what_an_option_means_is_the_same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(having("--workers")) == {"train", "resume", "tune", "sample", "evaluate", "benchmark"}
    assert {parameter.default for parameter in having("--workers").values()} == {0}
    assert not having("--concurrent")
    assert not having("--nll")
    assert not having("--output")
    assert not having("--resume")
    assert set(having("--run")) == {"train", "sample"}
    assert {parameter.default for parameter in having("--format").values()} == {"table"}
    monkeypatch.setenv("COLUMNS", "200")
    for command in having("--format"):
        assert re.search(r"--format +\W?table\|json(\|csv\|markdown\|latex)?\W? ", gengraph(f"{command} --help")), command
    for option in ("--address", "--cpus-per-worker", "--seed", "--runs-dir", "--split-seed"):
        parameters = {name: parameter for name, parameter in having(option).items() if (name, option) != ("train", "--seed")}
        assert len(parameters) > 2
        assert len({repr(parameter.default) for parameter in parameters.values()}) == 1, option


def test_every_option_and_argument_has_help() -> None:
    assert len(OPTIONS) > 100
    assert not [(name, parameter.name) for name, parameter in OPTIONS if not parameter.help and parameter.name != "help"]
