"""Messages of the library speak of its own names; the command line says them in options (gengraph/cli/guard.py)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import gengraph

LIBRARY = Path(gengraph.__file__).parent
# cards quote commands; the others are some
COMMANDS = {"training/card.py", "zoo/pack.py", "zoo/make.py", "models/graphrnn/kernels/build.py"}
OPTION = re.compile(r"(?<![\w-])--[a-z]")
ROOMS = [path for path in sorted(LIBRARY.iterdir()) if path.name not in {"cli", "benchmarks"}]  # command lines themselves
SOURCES = [
    source.relative_to(LIBRARY).as_posix()
    for room in ROOMS
    for source in ([room] if room.suffix == ".py" else room.rglob("*.py"))
]


def says_an_option(text: str) -> bool:
    """Whether the text names an option; one that is nothing else is an argument for another program."""
    return OPTION.search(text) is not None and not text.startswith("--")


def texts(tree: ast.Module) -> Iterator[str]:
    """String constants that are no docstrings; what an f-string puts in is written {x}."""
    definitions = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    passed = {id(node) for scope in ast.walk(tree) if isinstance(scope, definitions) for node in _docstring(scope)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed.update(id(part) for part in node.values)
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.value


def _docstring(scope: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    return [statement.value for statement in scope.body if isinstance(statement, ast.Expr)]


@pytest.mark.parametrize("source", [source for source in SOURCES if source not in COMMANDS])
def test_no_text_of_the_library_names_an_option_of_the_command_line(source: str) -> None:
    found = [text for text in texts(ast.parse((LIBRARY / source).read_text())) if says_an_option(text)]
    assert not found, f"{source} must say it in the names of the library (set model.stop = decision): {found}"


def test_texts_are_found() -> None:
    tree = ast.parse("'''--doc'''\nmsg = f'use --{name} now'\nother = 'a' 'or --set'\nrun(['--quiet'])\n")
    assert [text for text in texts(tree) if says_an_option(text)] == ["use --x now", "aor --set"]
    assert len(SOURCES) > 100
