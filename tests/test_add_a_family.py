"""The family of docs/add-a-family.md, as a package that is installed, passes the suites of gengraph.testing."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from command_line import gengraph, in_tmp_path  # noqa: F401

from gengraph.generators import GENERATORS
from gengraph.models.registry import find_family

PAGE = (Path(__file__).parents[1] / "docs" / "add-a-family.md").read_text()


@pytest.fixture
def installed(in_tmp_path: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """The files of the page in a folder on sys.path, with the metadata that an installer would leave."""
    for title, text in re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, flags=re.MULTILINE | re.DOTALL):
        (tmp_path / title).write_text(text)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    folder = tmp_path / "nade_graphs-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    ((group, places),) = project["entry-points"].items()
    lines = [f"{name} = {place}" for name, place in places.items()]
    (folder / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def num_statement_lines(source: str) -> int:
    """Lines with code: imports, docstrings and blank lines are not counted."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and not is_text and not isinstance(node, ast.Import | ast.ImportFrom):
            compound = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For | ast.If)
            lines.update(range(node.lineno, (node.lineno if compound else node.end_lineno or 0) + 1))
    return len(lines)


def test_a_family_is_about_a_hundred_lines(installed: Path) -> None:
    assert sum(num_statement_lines((installed / name).read_text()) for name in ("nade.py", "nade_network.py")) <= 110


@pytest.mark.timeout(400)
def test_it_passes_the_suites(installed: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not ray", "-p", "no:cacheprovider", "test_nade.py"]
    done = subprocess.run(command, cwd=installed, capture_output=True, text=True, timeout=390, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout


def test_every_command_knows_it(installed: Path) -> None:
    assert find_family("nade") is GENERATORS["nade"]().config.own_family  # type: ignore[attr-defined]
    assert "nade" in gengraph("models")
    gengraph("train --dataset community-small --model nade --config nade.toml --steps 3 --run n")
    assert "20 graphs in 1 shard:" in gengraph("sample --run n -n 20 --out s --num-nodes 2..20")
    assert "nade" in gengraph("benchmark --datasets grid-small --models nade --budget 1s --bootstrap 0 -n 4 --out r")
