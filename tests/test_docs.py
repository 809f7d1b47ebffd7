"""What README and docs say works. A page's blocks are run from its top to its end, with smaller numbers:

- a block of commands or Python without a title is run;
- one whose title is a file name becomes that file;
- one whose title is `refused` must end with exit code 2;
- one whose title begins with `needs` or `takes` says what keeps it from being run: its commands are parsed.

Commands in indented blocks and in the text are parsed too, as are the examples of `--help`.
"""

import pkgutil
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
import typing
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer.main
from command_line import FAST, gengraph, in_tmp_path, orders_are_tried_briefly  # noqa: F401
from mkdocs.exceptions import PluginError

from gengraph.benchmarks.scale import __main__ as scale
from gengraph.cli.app import app
from gengraph.formats import read_graphs
from gengraph.generators import GENERATORS
from gengraph.models import registry
from gengraph.models.registry import LEARNED, Listed, family_of
from gengraph.testing.generators import GeneratorCase
from gengraph.training.config import Config, TrainingConfig, presets
from gengraph.tuning.space import draw_point, parse_space

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
}
COMMAND: Any = typer.main.get_command(app)
SMALLER = [
    (r"(gengraph train (?!.*--(?:model|config|reward|from-pretrained)).*)--budget \S+", rf"\1--steps 5 {FAST}"),
    (r"(gengraph train .*)--budget \S+", r"\1--steps 5"),
    (r"(gengraph train .*--reward .*)--steps 5", r"\1--steps 2"),
    (r"(gengraph resume .*)--budget \S+", r"\1--steps 6"),
    (r"--budget \S+", "--budget 1s"),
    (r"-n \d+", "-n 20"),
    (r"--count \d+", "--count 2"),
    (r"--workers \d+", "--workers 0"),
    (r"--trials \d+", "--trials 1"),
    (r"--orderings \d+", "--orderings 1"),
    (r"--datasets (ladder|grid),\S+", "--datasets ladder-small --models er"),
    (r"(gengraph benchmark .*)", r"\1 --workers 0 --bootstrap 20 -n 5"),
    (r"(gengraph sample --run .*)", r"\1 --max-num-node 30"),
]
ELSEWHERE = {
    "docs/sampling.md": "tests/sampling/test_sample_folder.py",  # its Python opens a sample
}
# Options of other programs: sbatch, docker, ray, pip, git and `python -m gengraph.benchmarks...`.
FOREIGN = {"--gres", "--nodes", "--build-arg", "--generate", "--part", "--price-core-hour", "--price-gigabyte", "--costs"}


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    found = re.findall(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', PAGES[page], flags=re.MULTILINE | re.DOTALL)
    assert 2 * len(found) == len(re.findall(r"^ *```", PAGES[page], flags=re.MULTILINE)), f"{page}: a block of another form"
    return [Block(*parts) for parts in found]


def without_blocks(page: str) -> str:
    return re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """One a line; a backslash at the end joins two, what stands behind # is left out."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line.partition(" #")[0].strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def is_run(block: Block) -> bool:
    return not block.title and block.language in ("sh", "python")


RUN = [page for page in PAGES if any(map(is_run, blocks(page))) and page not in ELSEWHERE]


def line_of_the_page(names: dict[str, Any]) -> Any:
    """What docs/add-a-generator.md says to add for its generator, by the name that the line calls."""
    (line,) = re.findall(
        rf'^"geometric": ((?:{"|".join(names)})\(.*\)),$', PAGES["docs/add-a-generator.md"], flags=re.MULTILINE
    )
    return eval(line, {"GENERATORS": GENERATORS, **names})


@pytest.fixture
def generator_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the registry what docs/add-a-generator.md says to add there; its file will be in tmp_path."""
    listed = line_of_the_page({"Listed": Listed})
    assert (listed.class_name, listed.place) == ("Geometric", "gengraph.baselines.geometric:Geometric")
    outside = replace(listed, place=listed.place.removeprefix("gengraph.baselines."))
    monkeypatch.setitem(registry.CLOSED_FORMS, "geometric", outside)
    monkeypatch.setitem(registry.LISTED, "geometric", outside)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("geometric", None)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", RUN)
@pytest.mark.usefixtures("in_tmp_path", "generator_of_the_page", "orders_are_tried_briefly")
def test_blocks_run(page: str) -> None:
    names: dict[str, Any] = {}
    for block in blocks(page):
        if re.fullmatch(r"[\w./-]+\.\w+", block.title):
            Path(block.title).parent.mkdir(parents=True, exist_ok=True)
            Path(block.title).write_text(block.text)
        elif block.language == "python":
            exec(compile(block.text.replace("budget=20", "budget=1"), page, "exec"), names)
        elif block.language == "sh" and block.title in ("", "refused"):
            for command in commands(block.text):
                run(command, code=2 if block.title else 0)
        else:
            assert not block.title or block.title.startswith(("needs ", "takes ")), (
                f"{page}: a title of no meaning: {block.title}"
            )


def run(command: str, code: int) -> None:
    for pattern, replacement in SMALLER:
        command = re.sub(pattern, replacement, command)
    program, _, rest = command.partition(" ")
    assert program == "gengraph", command
    gengraph(rest, code=code)


@pytest.mark.usefixtures("in_tmp_path")
def test_every_format_is_shown_with_the_same_graphs() -> None:
    for block in blocks("docs/own-graphs.md"):
        if block.title.lower().startswith("two"):
            Path(block.title).parent.mkdir(exist_ok=True)
            Path(block.title).write_text(block.text)
    shown = {path.suffix for path in Path().iterdir()}
    assert shown == {".jsonl", ".json", ".g6", ".s6", ".edgelist", ".csv", ".graphml", ".gml", ""}
    for path in Path().iterdir():
        assert read_graphs(path) == read_graphs("two.jsonl"), path


@pytest.mark.usefixtures("in_tmp_path", "generator_of_the_page")
def test_the_generator_of_the_page_passes_the_suite(tmp_path: Path) -> None:
    for block in blocks("docs/add-a-generator.md"):
        if block.title in {"geometric.py", "test_geometric.py"}:
            Path(block.title).write_text(block.text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_geometric.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 15  # type: ignore[index]


@pytest.mark.usefixtures("in_tmp_path", "generator_of_the_page")
def test_the_case_of_the_page_is_like_those_of_the_suite() -> None:
    (block,) = (block for block in blocks("docs/add-a-generator.md") if block.title == "geometric.py")
    Path("geometric.py").write_text(block.text)
    case = line_of_the_page({"GeneratorCase": GeneratorCase})
    assert case.make is GENERATORS["geometric"]
    assert len(case.fitted.sample(3, seed=0)) == 3
    assert '"er": GeneratorCase(make=GENERATORS["er"]' in (ROOT / "tests" / "models" / "test_conformance.py").read_text()


def shown_commands(page: str) -> list[str]:
    """Commands of gengraph that are shown and not run: in blocks with a reason, and in indented blocks."""
    indented = "\n".join(re.findall(r"^    .*$", without_blocks(page), flags=re.MULTILINE))
    unrun = "\n".join(block.text for block in blocks(page) if block.language == "sh" and block.title)
    lines = commands(f"{indented}\n{unrun}")
    found = [re.search(r"(?:\bgengraph|slurm\.sh) (?=[a-z-])(.*)", line) for line in lines]
    return ["gengraph " + match[1].rstrip("'") for match in found if match]


def parse(command: str) -> None:
    """Raise unless the command exists, with these options and values; a folder of data must be one, and need not be here."""
    node, words = COMMAND, shlex.split(re.sub(r"--data-dir \S+", "--data-dir .", command))[1:]
    while words and words[0] in getattr(node, "commands", {}):
        node = node.commands[words.pop(0)]
    assert not hasattr(node, "commands") or all(word.startswith("-") for word in words[:1]), f"no such command: {command}"
    node.make_context(command, words)


SHOWN = [(page, command) for page in PAGES for command in shown_commands(page)]


def test_commands_that_are_not_run_parse() -> None:
    assert len(SHOWN) > 10
    for page, command in SHOWN:
        try:
            parse(command)
        except Exception as error:
            pytest.fail(f"{page}: {command}\n{error}")
    for wrong in ("gengraph trian", "gengraph train --datset grid", "gengraph sample --run g -n many --out s"):
        with pytest.raises(Exception):  # noqa: B017, PT011
            parse(wrong)


def every_command(node: Any = COMMAND, name: str = "gengraph") -> Iterator[tuple[str, Any]]:
    """Every command by its full name; groups are commands too."""
    yield name, node
    for word, command in getattr(node, "commands", {}).items():
        yield from every_command(command, f"{name} {word}")


def test_examples_of_help_parse() -> None:
    examples = [line for _, command in every_command() for line in commands(command.help or "") if line.startswith("gengraph ")]
    assert len(examples) > 15
    for example in examples:
        parse(example)


def test_every_command_is_in_the_docs() -> None:
    said = re.sub(r"\s+", " ", " ".join(PAGES.values()))
    for name, _ in every_command():
        assert re.search(rf"\b{name}\b", said), name


def test_every_option_in_the_docs_exists() -> None:
    parameters = [parameter for _, command in every_command() for parameter in command.params]
    known = {option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    for page in PAGES:
        for span in re.findall(r"`([^`]+)`", without_blocks(page)):
            for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", span) if span.startswith(("-", "gengraph ")) else ():
                assert option in known | FOREIGN, f"{page}: {span}"


def fields_of(kind: Any, prefix: str) -> Iterator[str]:
    """The dotted names of a config's fields; of a tagged union those of every kind."""
    for name, hint in typing.get_type_hints(kind).items():
        yield f"{prefix}.{name}"
        for part in typing.get_args(hint) or (hint,):
            if is_dataclass(part):
                yield from fields_of(part, f"{prefix}.{name}")


def test_every_field_in_the_docs_exists() -> None:
    families = {family.name: family for family in map(family_of, LEARNED) if family is not None}
    known = {*fields_of(TrainingConfig, "training")}.union(*(fields_of(family.config, "model") for family in families.values()))
    assert {"model.hidden_size", "model.head.features", "model.sequence.ordering", "model.block_size"} <= known
    for page, text in PAGES.items():
        mentioned = re.findall(r"(?:--set '?|`)((?:sequence|model|training)(?:\.[a-z]\w+)+)(?=[`= ])", text)
        assert set(mentioned) <= known, f"{page}: {set(mentioned) - known}"


def test_every_preset_in_the_docs_exists() -> None:
    assert "graphrnn/paper" in presets()
    for page, text in PAGES.items():
        named = re.findall(rf"`(?:--config )?((?:{'|'.join(LEARNED)})/[a-z-]+)`", text)
        given = [name for name in re.findall(r"--config ([\w/.-]+)", text) if not name.endswith(".toml")]
        assert {*named, *given} - {"PRESET"} <= set(presets()), page


def test_every_model_is_in_the_docs() -> None:
    said = " ".join(PAGES.values())
    for name, listed in LEARNED.items():
        assert f"--model {name}" in said or f"| {name} |" in said, name
        assert f"gengraph.{listed.class_name}" in said, listed.class_name


def test_spaces_in_the_docs_are_valid() -> None:
    spaces = [tomllib.loads(block.text) for block in blocks("docs/tuning.md") if block.language == "toml"]
    assert len(spaces) > 1
    for tables in spaces:
        space = parse_space(tables, Config(), samples=True)
        points = [draw_point(space, Config(), 0, trial) for trial in range(20)]
        assert len({repr(point) for point in points}) > 1


def test_modules_in_the_docs_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in re.findall(
        r"^    python -m gengraph\.benchmarks\.scale (.*)$", PAGES["docs/scale.md"], flags=re.MULTILINE
    ):
        monkeypatch.setattr(sys, "argv", ["scale", *shlex.split(arguments)])
        assert scale.parse().command == "predict"
    for page, text in PAGES.items():
        for module in re.findall(r"python -m (gengraph[\w.]+)", text):
            place = ROOT.joinpath(*module.split("."))
            assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), f"{page}: {module}"


def test_files_in_the_docs_exist() -> None:
    found = [
        (page, place)
        for page, text in PAGES.items()
        for place in re.findall(r"`((?:gengraph|cli|baselines|benchmarks|configs|docs|tests)/[\w./-]+)`", text)
        if "NAME" not in place
    ]
    assert len(found) > 10
    for page, place in found:
        assert (ROOT / place).exists(), f"{page}: {place}"


def test_names_in_the_docs_can_be_imported() -> None:
    for page, text in PAGES.items():
        for name in re.findall(r"`(gengraph\.[\w.]+\w)`|^::: (gengraph[\w.]+)$", text, flags=re.MULTILINE):
            dotted = name[0] or name[1]
            if dotted not in {"gengraph.families", "gengraph.rules"}:  # groups of entry points
                assert pkgutil.resolve_name(dotted) is not None, f"{page}: {dotted}"


def test_targets_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page, text in PAGES.items():
        named = re.findall(r"(?:^    |^|`)make ([\w-]+)(?=[`\s])", text, flags=re.MULTILINE)
        assert set(named) - {"it"} <= targets, page


def test_the_tree_in_the_readme_is_true() -> None:
    tree = PAGES["README.md"].split("## The tree")[1].split("\n\n[1]")[0]
    names = re.findall(r"^    (\w+)/", tree, flags=re.MULTILINE)
    assert len(names) > 5
    assert all((ROOT / name).is_dir() for name in names)


def test_the_rooms_in_the_design_are_true() -> None:
    said = PAGES["docs/design.md"].split("## Rooms")[1].split("Arrows point")[0]
    top, inside = said.split("    gengraph/\n")
    assert all((ROOT / name).is_dir() for name in re.findall(r"^    (\w+)/", top, flags=re.MULTILINE))
    rooms = {path.name for path in (ROOT / "gengraph").iterdir() if not path.is_symlink()}
    rooms -= {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    assert {name.rstrip("/") for name in re.findall(r"^      (\w+(?:/|\.py)) ", inside, flags=re.MULTILINE)} == rooms
    models = {path.name for path in (ROOT / "gengraph" / "models").iterdir()} - {"__init__.py", "__pycache__"}
    assert {name.rstrip("/") for name in re.findall(r"^        (\w+(?:/|\.py)) ", inside, flags=re.MULTILINE)} == models


def test_links_of_the_site_lead_to_its_pages() -> None:
    hooks = runpy.run_path(str(ROOT / "docs" / "hooks.py"))
    for here, markdown, wanted in [
        ("api/generators.md", "[a](../add-a-generator.md#b)", "[a](../add-a-generator.md#b)"),
        ("training.md", "[a](../benchmarks/RESULTS.md)", "[a](results.md)"),
        ("results.md", "[a](../docs/training.md)", "[a](training.md)"),
        ("contributing.md", "[a](docs/design.md)", "[a](design.md)"),
        ("clusters.md", "in [deploy/](../deploy).", "in deploy/."),
        ("clusters.md", "[a](lost.md) [b](https://example.org)", "[a](lost.md) [b](https://example.org)"),
    ]:
        assert hooks["on_page_markdown"](markdown, page_at(here)) == wanted
    assert all((ROOT / source).is_file() for source in hooks["ELSEWHERE"])


def test_a_page_of_the_site_that_loads_something_from_elsewhere_is_refused() -> None:
    check = runpy.run_path(str(ROOT / "docs" / "hooks.py"))["on_post_page"]
    for output in ('<a href="https://example.org">a</a>', '<script src="assets/a.js"></script>'):
        assert check(output, page_at("a.md")) == output
    for output in ('<script async src="https://example.org/a.js">', "<link rel=stylesheet href=//example.org/a.css>"):
        with pytest.raises(PluginError, match=r"a\.md"):
            check(output, page_at("a.md"))


def page_at(place: str) -> SimpleNamespace:
    return SimpleNamespace(file=SimpleNamespace(src_uri=place))
