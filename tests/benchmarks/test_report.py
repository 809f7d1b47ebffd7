"""report.html in a headless Chromium, and what can be said of it without one."""

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gengraph.benchmarks.charts import overlay_sizes
from gengraph.benchmarks.report import render
from gengraph.cli.app import app

SLOW_PAGE_S = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with everything in them: two data sets, two protocols, published rows, a training curve, a failure."""
    folder = tmp_path_factory.mktemp("report")
    peer = tmp_path_factory.mktemp("peer") / "broken & <b>.g6"
    peer.write_text("?no graph\n")
    command = (
        "benchmark --datasets lobster,grid-small --models graphrnn-s,er,ba --protocols emd,tv --budget 1s -n 20 --workers 0"
    )
    samples = ["--samples", f"Peer@lobster={peer}"]
    result = CliRunner().invoke(app, [*command.split(), *samples, "--out", str(folder)])
    assert result.exit_code == 1, result.output
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())


class Structure(HTMLParser):
    """Checks that every element is closed, and collects tags with their attributes."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    page = Structure(text)
    assert page.open == []
    for tag, attributes in page.found:
        assert tag not in {"link", "iframe", "object", "embed"}
        assert "src" not in attributes
        for name in ("href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not re.search(r"url\(|@import|https?://", text)
    assert "default-src 'none'" in text


def test_whoever_does_not_see_it_is_told(folder: Path) -> None:
    found = Structure((folder / "report.html").read_text()).found
    tags = [tag for tag, _ in found]
    assert tags.count("table") == tags.count("caption") == 4
    assert all(attributes.get("scope") in {"row", "col"} for tag, attributes in found if tag == "th")
    for tag, attributes in found:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
    identifiers = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    targets = {attributes["href"] for tag, attributes in found if tag in {"a", "use"}}
    assert targets <= {f"#{identifier}" for identifier in identifiers}


def test_every_plot_has_the_floor_and_its_interval(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    plots = re.findall(r'<svg class="chart"[^>]*aria-label="Squared MMD of .*?</svg>', text)
    assert len(plots) == 2 * 3 + 2 * 4
    for plot in plots:
        assert "; floor " in plot
        assert '<line class="floor"' in plot
        assert float(re.search(r'<rect class="band"[^>]* width="([\d.]+)"', plot)[1]) >= 0  # type: ignore[index]
    assert any('class="band"' in plot and ' width="0"' not in plot for plot in plots)


def test_failures_stand_in_it_escaped(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    assert "failed: InputError" in text
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_losses_of_different_kinds_share_no_axis(results: dict[str, Any]) -> None:
    cell = next(cell for cell in results["cells"] if cell.get("curve"))
    assert cell["model"] == "graphrnn-s"
    others = [
        cell | {"model": "bound", "loss": "negative ELBO, nats a graph"},
        cell | {"model": "twin"},
        cell | {"model": "outside", "loss": None},
        cell | {"model": "silent", "curve": [{"step": 1, "seconds": 1.0}]},
    ]
    text = render(results | {"cells": [cell, *others]})
    figures = re.findall(r'<svg class="chart"[^>]*aria-label="Training loss \((.*?)\) over seconds: (.*?)"', text)
    named = {loss: re.findall(r"([\w-]+) ends at", models) for loss, models in figures}
    assert named == {
        "negative log-likelihood, nats a graph": ["graphrnn-s", "twin"],
        "negative ELBO, nats a graph": ["bound"],
        "loss of outside": ["outside"],
    }
    for loss in named:
        assert f">{loss}</text>" in text


def test_sizes_of_samples_stand_beside_those_of_the_test_graphs(folder: Path, results: dict[str, Any]) -> None:
    cards = re.findall(r'<article class="card">.*?</article>', (folder / "report.html").read_text())
    assert len(cards) == 2 * 3
    assert all("Distribution of the number of nodes in the test graphs" in card for card in cards)
    sizes = dict(results["datasets"][0]["distributions"]["test"]["nodes"])
    assert sum(sizes.values()) == results["datasets"][0]["num_test"]
    drawn = overlay_sizes([[10, 1], [41, 3]], [[40, 1]], "a model")  # 16 bins of 2: 10, 11; ..; 40, 41
    area = re.search(r'class="reference" d="([^"]*)"', drawn)[1]  # type: ignore[index]
    tops = re.findall(r"L[\d.]+ ([\d.]+)", area)[::2]
    assert tops[:15] == ["77", *["96"] * 14]  # a quarter of the 76 that all would take
    assert area.split("L")[-2].endswith(" 39")
    assert ">10<" in drawn
    assert ">41<" in drawn


def test_bits_on_training_and_test_graphs_stand_beside_each_other(folder: Path, results: dict[str, Any]) -> None:
    text = (folder / "report.html").read_text()
    learned = [cell for cell in results["cells"] if cell["model"] == "graphrnn-s"]
    assert text.count("Bits a node (a graph)") == len(learned) == 2
    for cell in learned:
        assert set(cell["bits"]) == {"train", "test"}
        assert f"{cell['bits']['test']['node']:.3g} ({cell['bits']['test']['graph']:.4g}) on the test graphs" in text
    assert all(cell.get("bits") is None for cell in results["cells"] if cell["model"] in {"er", "ba"})
    by_heart = learned[0] | {"bits": {"train": {"node": 1.0, "graph": 9.0}, "test": {"node": 1.5, "graph": 14.0}}}
    assert "1 (9) on the graphs that it was trained on, 1.5 (14) on the test graphs: +50% a node" in render(
        results | {"cells": [by_heart]}
    )
    endless = learned[0] | {"bits": {"train": {"node": 1.0, "graph": 9.0}, "test": {"node": None, "graph": None}}}
    assert "Bits a node" not in render(results | {"cells": [endless]})


@pytest.mark.parametrize(
    ("ink", "page"), [(ink, "--page") for ink in ("--ink", "--quiet", "--bad", "--accent")] + [("--quiet", "--band")]
)
def test_text_has_contrast(ink: str, page: str) -> None:
    css = (Path(__file__).parents[2] / "benchmarks" / "report.css").read_text()
    for scheme in range(2):  # light, dark
        colours = [re.findall(rf"{name}: #([0-9a-f]{{6}})", css)[scheme] for name in (ink, page)]
        low, high = sorted(map(luminance, colours))
        assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Any]:
    """Chromium with the page open."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs chromium and chromedriver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as chrome:
        chrome.set_page_load_timeout(SLOW_PAGE_S)
        chrome.get((folder / "report.html").as_uri())
        yield chrome


def tables(browser: Any) -> list[dict[str, Any]]:
    """What the page shows: of every table its data set, protocol, head, and rows of (class, texts, values)."""
    return browser.execute_script(
        "return [...document.querySelectorAll('table')].map(t => ({dataset: t.dataset.dataset, protocol: t.dataset.protocol,"
        "head: [...t.tHead.rows[0].cells].map(c => c.innerText.trim()),"
        "sorted: [...t.tHead.rows[0].cells].map(c => c.ariaSort),"
        "rows: [...t.tBodies[0].rows].map(r => ({kind: r.className, texts: [...r.cells].map(c => c.innerText.trim()),"
        "values: [...r.cells].map(c => c.dataset.value)}))}))"
    )


def test_it_loads_without_errors(browser: Any) -> None:
    assert browser.get_log("browser") == []
    assert browser.title == "gengraph benchmark"
    loaded = browser.execute_script("return performance.getEntriesByType('resource').length")
    assert loaded == 0


def test_its_numbers_are_those_of_the_results(browser: Any, results: dict[str, Any]) -> None:
    shown = tables(browser)
    assert len(shown) == 4
    compared = 0
    for table in shown:
        rows = [row for row in results["rows"] if (row["dataset"], row["protocol"]) == (table["dataset"], table["protocol"])]
        measured = [row for row in table["rows"] if row["kind"] != "published"]
        assert [row["texts"][0] for row in measured] == [row["model"] for row in rows]
        for line, row in zip(measured, rows, strict=True):
            if row["error"]:
                assert line["texts"][1] == f"failed: {row['error']}"
                continue
            cells = dict(zip(table["head"], line["values"], strict=True))
            named = {
                "ratio": row["ratio"],
                "size": row["size_mmd2"],
                "nodes": row["mean_num_nodes"],
                "fit s": row["fit_seconds"],
            }
            for name, value in (row["mmd2"] | named).items():
                assert cells[name] == ("" if value is None else repr(value))
                compared += 1
            for name in row["mmd2"]:
                text = line["texts"][table["head"].index(name)].split("±")[0].strip()
                assert abs(float(text) - row["mmd2"][name]) <= max(5e-7, 0.06 * row["mmd2"][name])
        for line in table["rows"]:
            assert line["kind"] != "published" or "published" in line["texts"][0]
    assert compared > 60


def test_it_sorts(browser: Any) -> None:
    button = browser.execute_script("return document.querySelectorAll('table')[0].querySelectorAll('thead button')[1]")
    for direction, sign in (("ascending", 1), ("descending", -1)):
        browser.execute_script("arguments[0].click()", button)
        table = tables(browser)[0]
        assert table["sorted"][1] == direction
        assert [state for state in table["sorted"] if state] == [direction]
        values = [float(row["values"][1]) for row in table["rows"] if row["kind"] in {"", "floor"}]
        assert len(values) > 2
        assert values == sorted(values, key=lambda value: sign * value)
        kinds = [row["kind"] for row in table["rows"]]
        assert kinds.index("failed") == len(values)


def test_published_rows_stay_beneath(browser: Any) -> None:
    place = next(i for i, table in enumerate(tables(browser)) if any(row["kind"] == "published" for row in table["rows"]))
    button = browser.execute_script(f"return document.querySelectorAll('table')[{place}].querySelectorAll('thead button')[2]")
    for _ in range(2):
        browser.execute_script("arguments[0].click()", button)
        kinds = [row["kind"] == "published" for row in tables(browser)[place]["rows"]]
        assert kinds == sorted(kinds)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_the_window(browser: Any, width: int, scheme: str) -> None:
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 28)"}[scheme]


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_no_column_is_cut_without_a_word(browser: Any, width: int) -> None:
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    found = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')].map(frame => { const cut = frame.classList.contains('cut');"
        "const told = frame.previousElementSibling.checkVisibility(), before = frame.scrollLeft; frame.scrollLeft = 1e6;"
        "const inside = [...frame.querySelectorAll('tr > :last-child')].every(cell => cell.getBoundingClientRect().right"
        " <= frame.getBoundingClientRect().right + 1 && cell.getBoundingClientRect().right <= innerWidth);"
        "const scrolled = frame.scrollLeft > 0; frame.scrollLeft = before; return {cut, told, inside, scrolled}; })"
    )
    assert len(found) == 4
    for frame in found:
        assert frame["inside"]  # at the end of the way to the right
        assert frame["scrolled"] == frame["told"] == frame["cut"]
    assert [frame["told"] for frame in found] == [width < 1000] * 4
