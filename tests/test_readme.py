"""What the README says works: its commands and its Python run, with smaller numbers."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gengraph.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SMALLER = [
    (r"--budget \S+", "--budget 1s"),
    (r"-n \d+", "-n 20"),
    (r"--(workers|concurrent) \d+", r"--\1 0"),
    (r"--trials \d+", "--trials 1"),
    (r"--datasets \S+", "--datasets ladder-small --models er --workers 0"),
]


def blocks(language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    assert found
    return found


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks("sh"):
        for line in block.splitlines():
            name, *_ = line.split()
            assert name == "gengraph"
            for pattern, replacement in SMALLER:
                line = re.sub(pattern, replacement, line)  # noqa: PLW2901
            result = CliRunner().invoke(app, line.split()[1:])
            assert result.exit_code == 0, f"{line}\n{result.output}"


def test_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks("python"):
        exec(block.replace("budget=20", "budget=1"), {})
    assert (tmp_path / "samples.parquet").exists()


def test_the_tree_is_true() -> None:
    tree = README.split("## The tree")[1].split("[docs/design.md]")[0]
    for name in re.findall(r"^    (\w+)/", tree, flags=re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def test_the_two_commands_are_targets() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {"benchmark", "test", "check"} <= set(targets)
