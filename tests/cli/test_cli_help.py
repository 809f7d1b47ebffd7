"""What `--help` says and how it looks, and what is imported before a command does anything."""

import inspect
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from command_line import gengraph, in_tmp_path  # noqa: F401

from gengraph.cli.app import COMMANDS, app
from gengraph.cli.help import beginning
from gengraph.models.registry import CLOSED_FORMS, LEARNED, LISTED

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def every_command(node: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    node = node or typer.main.get_command(app)
    yield name.strip(), node
    for word, command in getattr(node, "commands", {}).items():
        yield from every_command(command, f"{name} {word}")


HELP = dict(every_command())
OPTIONS = [(name, parameter) for name, command in HELP.items() for parameter in command.params]


def having(option: str) -> dict[str, Any]:
    """The parameters by command that an option sets."""
    return {name: parameter for name, parameter in OPTIONS if option in parameter.opts}


def test_the_overview_names_every_command_with_the_first_words_of_its_help() -> None:
    output = gengraph("--help")
    assert [name for group in COMMANDS.values() for name in group] == [name for name in HELP if name and " " not in name]
    for title, group in COMMANDS.items():
        assert f"\n{title}:\n" in output
        for name, summary in group.items():
            assert re.sub(r"\s+", " ", HELP[name].help).startswith(summary), name
            assert re.search(rf"^  {name} +{re.escape(summary[:30])}", output, flags=re.MULTILINE), name
    for name, command in HELP.items():
        if " " in name:
            parent, _, word = name.partition(" ")
            assert re.search(rf"^  {word} +{re.escape(beginning(command)[:40])}", gengraph(f"{parent} --help"), re.MULTILINE)


@pytest.mark.parametrize("name", HELP)
def test_help_has_paragraphs_of_full_lines_and_examples_of_one_line_each(name: str) -> None:
    output = gengraph(f"{name} --help")
    text, _, examples = inspect.cleandoc(HELP[name].help).rpartition("Example")
    paragraphs = [re.sub(r"\s+", " ", paragraph).strip() for paragraph in text.split("\n\n") if paragraph.strip()]
    shown = [paragraph.splitlines() for paragraph in output.partition("\n\n")[2].partition("\nExample")[0].split("\n\n")]
    assert [" ".join(line.strip() for line in lines) for lines in shown] == paragraphs
    for lines in shown:  # 80 columns are what the tests' runner has
        for line, following in itertools.pairwise(lines):
            assert len(line) + 1 + len(following.split()[0]) > 80, line
    commands = [line.strip() for line in examples.splitlines() if line.strip().startswith("gengraph")]
    assert any(f"{line} ".startswith(f"gengraph {name} ".replace("  ", " ")) for line in commands)
    assert all(f"\n  {line}\n" in output for line in commands)


@pytest.mark.parametrize("name", HELP)
def test_options_say_what_they_take(name: str) -> None:
    output = gengraph(f"{name} --help")
    assert not re.findall(r"<(?:bool|str|int|float|path|list)\b[^>]*>|\bTrue\b|\bFalse\b|9223372036854775807", output)
    for parameter in HELP[name].params:
        (option,) = parameter.opts[-1:]
        if parameter.param_type_name == "argument":
            assert re.search(rf"^  {re.escape(parameter.metavar)} ", output, re.MULTILINE)
            assert "{" not in output.partition("\n")[0]
        elif not parameter.is_flag:
            assert re.search(rf"^  .*{option} (?:[A-Z]|<\w+\|)", output, re.MULTILINE), option


def test_options_stand_in_groups() -> None:
    output = gengraph("train --help")
    titles = re.findall(r"^(\S.*):$", output, flags=re.MULTILINE)
    assert titles == ["Examples", "Options", "Towards a goal (docs/goals.md)", "Seeds and places", *titles[4:]]
    assert len(titles) == 6
    sections = dict(zip(titles[1:], re.split(r"^\S.*:$", output.partition("\nOptions")[2], flags=re.MULTILINE), strict=True))
    for title, options in {
        "Options": ("--dataset", "--steps", "--set"),
        "Towards a goal (docs/goals.md)": ("--reward", "--rule", "--as", "--start"),
        "Seeds and places": ("--seed", "--runs-dir", "--data-dir"),
        titles[4]: ("--on-loops", "--columns"),
        titles[5]: ("--workers", "--address"),
    }.items():
        for option in options:
            assert [found for found, text in sections.items() if f"  {option} " in text] == [title]


@pytest.mark.parametrize("command", ["train", "tune", "sample", "benchmark"])
def test_help_has_a_line_for_every_model(command: str) -> None:
    output = gengraph(f"{command} --help")
    for name, listed in (LEARNED if command in {"train", "tune"} else LISTED).items():
        assert re.search(rf"^ +{name}: {re.escape(listed.summary)}$", output, re.MULTILINE), name
    if command in {"train", "tune"}:
        assert not any(re.search(rf"^ +{name}: ", output, re.MULTILINE) for name in CLOSED_FORMS)


def test_what_an_option_means_is_the_same_everywhere() -> None:
    assert set(having("--workers")) == {"train", "resume", "tune", "sample", "grow", "evaluate", "benchmark"}
    assert {parameter.default for parameter in having("--workers").values()} == {0}
    assert not having("--concurrent")
    assert not having("--nll")
    assert not having("--output")
    assert not having("--resume")
    assert set(having("--run")) == {"train", "sample"}
    assert {parameter.default for parameter in having("--format").values()} == {"table"}
    for command in having("--format"):
        assert re.search(r"--format <table\|json(\|csv\|markdown\|latex)?>\s", gengraph(f"{command} --help")), command
    for option in ("--address", "--cpus-per-worker", "--seed", "--runs-dir", "--split-seed"):
        parameters = {name: parameter for name, parameter in having(option).items() if (name, option) != ("train", "--seed")}
        assert len(parameters) > 2
        assert len({repr(parameter.default) for parameter in parameters.values()}) == 1, option


def test_every_option_and_argument_has_help() -> None:
    assert len(OPTIONS) > 100
    assert not [(name, parameter.name) for name, parameter in OPTIONS if not parameter.help and parameter.name != "help"]
    sentences = {parameter.help.partition("\n")[0] for _, parameter in OPTIONS if parameter.name != "help"}
    assert not [text for text in sentences if not re.search(r"([.:]|\.\.\.)$", text)]


def test_commands_that_do_not_exist() -> None:
    assert "No such command 'trian'. Did you mean 'train'?" in gengraph("trian", code=2)
    for name in ("help", "options", "progress", "__init__"):  # modules that are no commands
        assert f"No such command '{name}'" in gengraph(name, code=2)
    assert "train --help' for help." in gengraph("train --datset grid", code=2)


@pytest.mark.parametrize("seed", ["-1", "1.5", "many", str(2**63)])
def test_what_is_no_seed(seed: str) -> None:
    assert f"'{seed}' is no seed; write a whole number from 0 to 9223372036854775807" in re.sub(
        r"\s+", " ", gengraph(f"datasets show grid-small --orderings --seed {seed}", code=2)
    )


def modules_after(*arguments: str) -> set[str]:
    """What a new process has imported that ran the command."""
    script = (
        "import sys\n"
        "from gengraph.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


def test_the_overview_imports_no_command() -> None:
    found = modules_after("--help")
    assert {name for name in found if name.startswith("gengraph.")} == {
        "gengraph.cli",
        "gengraph.cli.app",
        "gengraph.cli.guard",
        "gengraph.cli.help",
        "gengraph.errors",
        "gengraph.models",
        "gengraph.models.registry",
    }
    assert not {"rich", "importlib.metadata", "pydantic", "numpy"} & found


def test_no_help_text_imports_a_heavy_library() -> None:
    heavy = {"torch", "ray", "numba", "numpy", "scipy", "pyarrow", "networkx", "matplotlib", "rich"}
    for name in ("train", "sample", "benchmark", "tune"):
        found = modules_after(*name.split(), "--help")
        assert f"gengraph.cli.{name}" in found
        assert not heavy & found
    script = (
        "import sys\n"
        "from gengraph.cli.app import main\n"
        f"for command in {[name for name in HELP if name]}:\n"
        "    sys.argv = ['gengraph', *command.split(), '--help']\n"
        "    try: main()\n"
        "    except SystemExit: pass\n"
        f"heavy = {heavy} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
    for name in HELP:
        assert f"Usage: gengraph {name} [OPTIONS]" in output or not name


def test_looking_at_a_data_set_draws_no_orderings() -> None:
    found = modules_after("datasets", "show", "grid-small")
    assert "gengraph.data.description" in found
    assert not {"torch", "numba", "pyarrow", "scipy.spatial", "gengraph.models.graphrnn.bandwidth"} & found


@pytest.mark.parametrize(
    "command",
    [
        "sample --run nothing --out s",
        "resume nothing",
        "runs show nothing",
        "likelihood nothing",
        "train --dataset nothing",
        "tune --dataset nothing",
        "train --dataset grid --set model.size=3",
        "sweeps resume nothing",
    ],
)
def test_what_does_not_exist_is_said_before_what_takes_seconds_is_imported(command: str) -> None:
    assert not {"torch", "numba", "ray"} & modules_after(*command.split())


# What is imported is said on standard error, at the time.
SAYS_IMPORTS = """
import os, sys
class Says:
    def find_spec(self, name, path=None, target=None):
        if name in {"torch", "numba", "pyarrow"}:
            print("imports", name, os.environ["OMP_WAIT_POLICY"], file=sys.stderr)
sys.meta_path.insert(0, Says())
from gengraph.cli.app import main
main()
"""


def test_training_says_what_it_does_before_it_imports_what_takes_seconds() -> None:
    command = [sys.executable, "-c", SAYS_IMPORTS, "train", "--dataset", "ladder-small", "--model", "graphrnn", "--steps", "1"]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=environment)
    lines = done.stderr.splitlines()
    assert lines[0] == "reading ladder-small"
    assert {"imports torch passive", "imports numba passive", "imports pyarrow passive"} <= set(lines)
