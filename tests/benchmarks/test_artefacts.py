"""The store of artefacts, and which changes of the code make results anew."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import gengraph
from gengraph.benchmarks.artefacts import Store, code_version, meaning

LIBRARY = Path(gengraph.__file__).parent
SOURCE = '''"""What it is."""

from math import sqrt  # a comment


class Root:
    """A root."""

    power: float = 0.5
    """Its power."""

    def of(self, number: float) -> float:
        """The root of a number."""
        return sqrt(number + 1)
'''
BARE = """from math import sqrt
class Root:
    power: float = 0.5
    def of(self, number: float) -> float:

        # another comment
        return sqrt(
            number + 1
        )
"""


def test_a_damaged_artefact_is_made_anew(tmp_path: Path) -> None:
    store, calls = Store(tmp_path), []

    def make(folder: Path) -> dict[str, Any]:
        calls.append(folder)
        (folder / "file").write_text("content")
        return {"answer": 42}

    made = store.step("step", {"a": 1}, make)
    assert store.step("step", {"a": 1}, make) == made
    assert len(calls) == 1
    (made.folder / "file").write_text("cont")
    assert store.find("step", {"a": 1}) is None
    assert store.step("step", {"a": 1}, make) == made
    assert len(calls) == 2
    assert store.step("step", {"a": 2}, make).folder != made.folder
    (made.folder / "record.json").write_text("{")
    assert store.step("step", {"a": 1}, make).outcome == {"answer": 42}


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> dict[str, Any]:
        (folder / "file").touch()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Store(tmp_path).step("step", {}, fail)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_step_that_is_cut_off_is_swept_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = store.step("step", {}, lambda _folder: {})
    (tmp_path / "step" / f".{made.folder.name}.abc.tmp").mkdir()
    store.sweep()
    assert store.find("step", {}) == made
    assert list(tmp_path.glob("*/*")) == [made.folder]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (BARE, True),
        (SOURCE.replace("What it is.", "What else it is."), True),
        (SOURCE.replace("Its power.", "Its other power."), True),
        (SOURCE.replace("The root of", "A root of").replace("# a comment", ""), True),
        (SOURCE.replace("0.5", "0.25"), False),
        (SOURCE.replace("number + 1", "number - 1"), False),
        (SOURCE.replace("power", "exponent"), False),
        (SOURCE.replace("return sqrt", "'text'.strip()\n        return sqrt"), False),
        ("not Python", False),
    ],
)
def test_what_a_source_file_means(text: str, same: bool, tmp_path: Path) -> None:
    before, after = tmp_path / "before.py", tmp_path / "after.py"
    before.write_text(SOURCE)
    after.write_text(text)
    assert (meaning(before) == meaning(after)) == same
    (tmp_path / "native.h").write_text("int x;  // a comment")
    (tmp_path / "other.h").write_text("int x;")
    assert meaning(tmp_path / "native.h") != meaning(tmp_path / "other.h")


PARTS = ("models/graphrnn", "baselines", "benchmarks", "cli", "distributed", "testing", "configs", "streams.py")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of some rooms."""
    copied = tmp_path_factory.mktemp("library") / "gengraph"
    for part in PARTS:
        (copied / part).parent.mkdir(parents=True, exist_ok=True)
        if part.endswith(".py"):
            shutil.copy(LIBRARY / part, copied / part)
        else:
            shutil.copytree(LIBRARY / part, copied / part, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    return copied


@pytest.fixture(scope="module")
def untouched(library: Path) -> str:
    return code_version(library)


def edited(library: Path, source: str, old: str, new: str) -> str:
    """The version with a text in a file replaced; the file is put back."""
    path = library / source
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    try:
        return code_version.__wrapped__(library)
    finally:
        path.write_text(text)


def test_a_room_may_be_a_link(library: Path, untouched: str, tmp_path: Path) -> None:
    (library / "baselines").rename(tmp_path / "elsewhere")
    (library / "baselines").symlink_to(tmp_path / "elsewhere")
    try:
        assert code_version.__wrapped__(library) == untouched
    finally:
        (library / "baselines").unlink()
        (tmp_path / "elsewhere").rename(library / "baselines")


@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        ("models/graphrnn/network.py", '"""GraphRNN and GraphRNN-S', '"""GraphRNN'),
        ("baselines/gnp.py", "\nimport ", "\n# a comment\n\nimport "),
        ("benchmarks/scores.py", "judge graphs", "look at graphs"),
        ("benchmarks/settings.py", "FLOOR = ", "GROUND = "),
        ("cli/app.py", "import ", "import this\nimport "),
        ("distributed/tasks.py", "_LOSSES = 3", "_LOSSES = 4"),
        ("testing/generators.py", "import ", "import this\nimport "),
        ("configs/graphrnn/grid.toml", "steps = ", "steps = 1"),
    ],
)
def test_what_results_do_not_depend_on_makes_no_other_version(
    source: str, old: str, new: str, library: Path, untouched: str
) -> None:
    assert edited(library, source, old, new) == untouched


@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        ("models/graphrnn/lanes.py", "BLOCK = 256", "BLOCK = 128"),
        ("models/graphrnn/kernels/native/threads.h", "", "// a comment\n"),
        ("baselines/gnp.py", "import numpy", "import math\nimport numpy"),
        ("benchmarks/scores.py", "_NUM_PICTURES = 4", "_NUM_PICTURES = 5"),
        ("streams.py", "import numpy", "import math\nimport numpy"),
    ],
)
def test_a_change_of_what_computes_makes_another_version(
    source: str, old: str, new: str, library: Path, untouched: str
) -> None:
    assert edited(library, source, old, new) != untouched
