"""Models that installed packages offer, shown with the package of docs/add-a-generator.md."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import gengraph, in_tmp_path  # noqa: F401

from gengraph.benchmarks.settings import Settings
from gengraph.data import load_dataset
from gengraph.errors import InputError
from gengraph.generators import GENERATORS
from gengraph.models.generator import saved_model
from gengraph.models.registry import find_family, offered_models

pytestmark = pytest.mark.usefixtures("in_tmp_path")
PAGE = (Path(__file__).parents[1] / "docs" / "add-a-generator.md").read_text()
Install = Callable[..., None]
GENERATOR, FAMILY = "gengraph.generators", "gengraph.families"  # the groups of entry points, as packages spell them


def file_of_the_page(title: str) -> str:
    (text,) = re.findall(rf'^```\w+ title="{title}"\n(.*?)^```$', PAGE, flags=re.MULTILINE | re.DOTALL)
    return text


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution into a folder on sys.path, as an installer would."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    (site / "geometric.py").write_text(file_of_the_page("geometric.py"))

    def put(project: str = "geometric-graphs", group: str = GENERATOR, **models: str) -> None:
        folder = site / f"{project.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n")
        lines = [f"{name} = {place}\n" for name, place in models.items()]
        (folder / "entry_points.txt").write_text(f"[{group}]\n{''.join(lines)}")

    yield put
    for module in ("geometric", "broken"):
        sys.modules.pop(module, None)


def test_the_package_of_the_page_offers_its_generator(install: Install) -> None:
    project = tomllib.loads(file_of_the_page("pyproject.toml"))["project"]
    with pytest.raises(InputError, match="unknown model 'geometric'; choose from graphrnn"):
        GENERATORS["geometric"]
    assert list(project["entry-points"]) == [GENERATOR]
    install(project["name"], **project["entry-points"][GENERATOR])
    assert "geometric" in GENERATORS
    assert offered_models() == ["geometric"]
    assert "geometric" not in list(GENERATORS)
    assert "geometric" not in Settings().models
    assert "geometric" not in sys.modules  # known, and not imported yet
    fitted = GENERATORS["geometric"]().fit(load_dataset("ladder-small"), seed=0)
    fitted.save("model.json")
    assert GENERATORS[saved_model("model.json")].load("model.json").sample(3, seed=1) == fitted.sample(3, seed=1)
    assert re.search(r"^geometric +its own", gengraph("models"), flags=re.MULTILINE)
    with pytest.raises(InputError, match=r"unknown model 'graphon'; choose from .*empirical, geometric$"):
        Settings(models=("graphon",))


def test_it_stands_in_the_table_and_is_fitted_anew_when_what_its_code_does_changes(install: Install) -> None:
    install(geometric="geometric:Geometric")
    command = "benchmark --datasets grid-small --models geometric --bootstrap 0 --workers 0 --out r"
    gengraph(command)
    gengraph(command)
    assert [row["model"] for row in json.loads(Path("r/results.json").read_text())["rows"]] == ["geometric", "train set"]
    assert len(list(Path("r/cache/fit").glob("*"))) == 1
    source = Path("site/geometric.py")
    source.write_text(source.read_text() + "\n# a comment\n")
    gengraph(command)
    assert len(list(Path("r/cache/fit").glob("*"))) == len(list(Path("r/cache/samples").glob("*"))) == 1
    source.write_text(source.read_text() + "\nCHANGED = True\n")
    gengraph(command)
    assert len(list(Path("r/cache/fit").glob("*"))) == len(list(Path("r/cache/samples").glob("*"))) == 2
    assert "4 graphs in 1 shard: s" in gengraph("sample --model geometric --dataset grid-small -n 4 --out s")
    unique = gengraph("sample --model geometric --dataset grid-small -n 4 --num-nodes 2..20 --unique --shard-size 2 --out u")
    assert "4 graphs in 2 shards: u" in unique


def test_what_is_wrong_with_a_package_is_said(install: Install) -> None:
    Path("site/broken.py").write_text("raise ImportError('no wheels')\n")
    install(broken="broken:Model", function="geometric:KDTree", missing="geometric:Lost", both="geometric:Geometric")
    install("another", both="geometric:Geometric")
    for name, message in {
        "broken": r"'broken' cannot be imported from package geometric-graphs 1\.0 \(ImportError: no wheels\); install what",
        "missing": r"cannot be imported from package geometric-graphs 1\.0 \(AttributeError",
        "function": r"must be a class with fit, sample, parameters, save and load, got <class 'scipy",
        "both": r"offered by one package, got 'both' of .*1\.0 and .*1\.0; uninstall",
    }.items():
        with pytest.raises(InputError, match=message):
            GENERATORS[name]


def test_what_is_wrong_with_a_family_of_a_package_is_said(install: Install) -> None:
    Path("site/broken.py").write_text("raise ImportError('no wheels')\n")
    install(group=FAMILY, broken="broken:FAMILY", half="geometric:Geometric", both="geometric:Geometric")
    install("another", group=FAMILY, both="geometric:Geometric")
    for name, message in {
        "broken": r"'broken' cannot be imported from package geometric-graphs 1\.0 \(ImportError: no wheels\); install what",
        "half": r"family 'half' of package geometric-graphs 1\.0 must have name, config, loss, prepare, build, see docs",
        "both": r"offered by one package, got 'both' of .*1\.0 and .*1\.0; uninstall",
        "lost": r"unknown family 'lost'; choose from graphrnn, .*broken.*, or install the package that offers it",
    }.items():
        with pytest.raises(InputError, match=message):
            find_family(name)
    listed = gengraph("models")  # the others are listed all the same
    assert re.search(r"^er +closed form", listed, flags=re.MULTILINE)
    assert re.search(r"^broken +- .*no wheels", listed, flags=re.MULTILINE)


def test_no_package_is_looked_for_at_start_up() -> None:
    code = (
        "import importlib.metadata; importlib.metadata.entry_points = None\n"
        "import gengraph, gengraph.cli.app, gengraph.benchmarks.suite\n"
        "assert 'er' in gengraph.GENERATORS and gengraph.GENERATORS['er']"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
