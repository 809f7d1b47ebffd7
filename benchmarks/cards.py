"""A card of the report for each model on each data set: what its samples look like beside real graphs."""

from collections.abc import Iterator
from html import escape

from gengraph.benchmarks import charts
from gengraph.benchmarks.charts import Row
from gengraph.tables import counted

_DISTRIBUTIONS = ("degree", "clustering", "orbit")
_SQUARE = "-50 -50 1100 1100"
_PARTS = {"train": "the graphs that it was trained on", "validation": "the validation graphs", "test": "the test graphs"}


def card(dataset: Row, cell: Row, number: int) -> str:
    """Pictures, distributions and bits of the samples of a cell.

    Args:
        dataset: that it is compared on, of results.json.
        cell: with pictures and distributions.
        number: of the data set, as the page has its pictures.
    """
    model = escape(cell["model"])
    pictures = real_pictures(dataset)
    real = "".join(
        f'<svg viewBox="{_SQUARE}" aria-hidden="true"><use href="#real-{number}-{i}"/></svg>' for i in range(len(pictures))
    )
    generated = "".join(
        f'<svg viewBox="{_SQUARE}" aria-hidden="true">{charts.graph_paths(picture)}</svg>' for picture in cell["pictures"]
    )
    distributions = "".join(_overlays(dataset["distributions"]["test"], cell))
    if _drawn_molecules(pictures):
        pair = _gallery("test molecules", dataset["num_test"], pictures, real)
    else:
        pair = _gallery("training graphs", dataset["num_fitting"], pictures, real)
    pair += _gallery(f"samples of {model}", cell["num_graphs"], cell["pictures"], generated)
    facts = f"{counted(cell['num_graphs'], 'graph')}, {cell['mean_num_nodes']:.0f} nodes on average"
    facts += f" (test graphs {dataset['mean_num_nodes_test']:.0f})"
    key = "<figcaption>Area: test graphs. Line: these samples.</figcaption>" if distributions else ""
    return (
        f'<article class="card"><header><h3>{model}</h3><span class="note">{facts}</span></header>'
        f'<div class="pair">{pair}</div><figure class="small">{distributions}{key}</figure>{_bits(cell)}</article>'
    )


def real_pictures(dataset: Row) -> list[Row]:
    """The pictures of real graphs beside the samples: training graphs; of molecules, which models may copy, test molecules."""
    test: list[Row] = dataset.get("test_pictures", [])
    train: list[Row] = dataset["pictures"]
    return test if _drawn_molecules(test) else train


def _drawn_molecules(pictures: list[Row]) -> bool:
    return any("molecule" in picture for picture in pictures)


def _overlays(test: Row | None, cell: Row) -> Iterator[str]:
    """The distributions of the test graphs and of a cell's samples."""
    if test:
        yield charts.overlay_sizes(test["nodes"], cell["distributions"]["nodes"], cell["model"])
        yield from (charts.overlay(name, test[name], cell["distributions"][name], cell["model"]) for name in _DISTRIBUTIONS)


def _bits(cell: Row) -> str:
    """What a model needs to say the graphs of each part, for those that have a likelihood."""
    parts = cell.get("bits") or {}
    if any(value is None for bits in parts.values() for value in bits.values()) or not {"train", "test"} <= set(parts):
        return ""
    lines = [f"{bits['node']:.3g} ({bits['graph']:.4g}) on {_PARTS[part]}" for part, bits in parts.items()]
    known, new = (parts[part]["node"] for part in ("train", "test"))
    gap = f": {100 * (new / known - 1):+.0f}% a node" if known > 0 else ""
    return f'<p class="note">Bits a node (a graph): {", ".join(lines)}{gap}.</p>'


def _gallery(what: str, count: int, pictures: list[Row], drawings: str) -> str:
    """Some graphs, and of how many they are."""
    shown, sizes = f"{len(pictures)} of {count} {what}", ", ".join(str(picture["num_nodes"]) for picture in pictures)
    impossible = sum(picture.get("smiles", "") is None for picture in pictures)
    shown += f"; framed: {impossible} that can be no molecules" if impossible else ""
    kind = "graphs molecules" if _drawn_molecules(pictures) else "graphs"
    drawn = f'<div class="{kind}" role="img" aria-label="{shown}, with {sizes} nodes">{drawings}</div>'
    return f"<figure><figcaption>{shown}</figcaption>{drawn}</figure>"
