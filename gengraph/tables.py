"""Tables of texts as CSV, Markdown and LaTeX, and numbers with their nouns."""

import csv
import io
from collections.abc import Callable, Collection, Sequence

Rows = Sequence[Sequence[str]]
_LATEX_SPECIAL = str.maketrans({symbol: f"\\{symbol}" for symbol in "&%$#_{}"} | {"²": "$^2$", "±": r"$\pm$"})


def counted(number: int, noun: str) -> str:
    """1 graph, 2 graphs."""
    return f"{number} {noun}{'s' * (number != 1)}"


def to_csv(columns: Sequence[str], rows: Rows) -> str:
    """Comma-separated values with a header line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def to_markdown(columns: Sequence[str], rows: Rows, *, num_text: int) -> str:
    """A Markdown table; all but the first num_text columns are aligned right."""
    rule = ["---"] * num_text + ["---:"] * (len(columns) - num_text)
    lines = [columns, rule, *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _plain(_row: int, _column: int) -> str:
    return "{}"


def to_latex(
    columns: Sequence[str],
    rows: Rows,
    *,
    num_text: int,
    style: Callable[[int, int], str] = _plain,
    rules: Collection[int] = (),
) -> str:
    r"""A LaTeX tabular with booktabs rules.

    Args:
        columns: their names.
        rows: of texts, which are escaped here.
        num_text: so many columns are aligned left.
        style: a pattern for the text at (row, column), `\textbf{{{}}}` say.
        rules: rows with a rule above.
    """
    alignment = "l" * num_text + "r" * (len(columns) - num_text)
    lines = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", _latex_line(columns), r"\midrule"]
    for number, row in enumerate(rows):
        styled = (style(number, i).format(text.translate(_LATEX_SPECIAL)) for i, text in enumerate(row))
        lines += [r"\midrule"] * (number in rules) + [" & ".join(styled) + r" \\"]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_line(texts: Sequence[str]) -> str:
    return " & ".join(text.translate(_LATEX_SPECIAL) for text in texts) + r" \\"
