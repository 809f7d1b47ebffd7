import csv

from gengraph.tables import to_csv, to_latex, to_markdown

COLUMNS = ("model", "mmd²")
ROWS = [["a_b, c", "1%"], ["x|y", "2"]]


def test_csv_reads_back() -> None:
    assert list(csv.reader(to_csv(COLUMNS, ROWS).splitlines())) == [list(COLUMNS), *ROWS]


def test_markdown() -> None:
    expected = "| model | mmd² |\n| --- | ---: |\n| a_b, c | 1% |\n| x\\|y | 2 |\n"
    assert to_markdown(COLUMNS, ROWS, num_text=1) == expected


def test_latex_escapes_what_is_special() -> None:
    lines = to_latex(COLUMNS, ROWS, num_text=1).splitlines()
    assert lines[0] == r"\begin{tabular}{lr}"
    assert r"model & mmd$^2$ \\" in lines
    assert r"a\_b, c & 1\% \\" in lines
