"""The picture of letters."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.maps.drawing import draw_letters
from gengraph.testing.generators import path_graphs

HOUSE = GraphSet.from_edge_lists([8], [[(0, 1), (1, 2), (2, 3), (3, 0), (2, 4), (3, 4), (4, 5), (4, 6), (0, 7), (1, 7)]])


def test_a_picture_has_every_triangle_and_every_edge(tmp_path: Path) -> None:
    draw_letters(HOUSE, tmp_path / "maps.svg")
    elements = list(ElementTree.parse(tmp_path / "maps.svg").getroot())
    lines = [element for element in elements if element.tag.endswith("line")]
    texts = [str(element.text) for element in elements if element.tag.endswith("text")]
    assert len(lines) == 3 * 9 - 6
    assert sum("dasharray" not in line.attrib["style"] for line in lines) == HOUSE.num_edges[0]
    assert [text for text in texts if text.endswith("E")][-1].startswith("13 ")
    assert {str(node) for node in range(1, 9)} | {"root"} <= set(texts)
    assert len(texts) == 8 + 2 * 9 - 4


def test_the_picture_of_the_docs_is_this_one(tmp_path: Path) -> None:
    draw_letters(HOUSE, tmp_path / "maps.svg")
    committed = Path(__file__).parents[3] / "docs" / "images" / "maps.svg"
    assert (tmp_path / "maps.svg").read_text() == committed.read_text()


def test_a_graph_too_small_for_a_picture(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 3 nodes, got 2"):
        draw_letters(path_graphs(2), tmp_path / "maps.svg")
