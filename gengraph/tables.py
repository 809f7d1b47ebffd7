"""Tables of texts as CSV, Markdown and LaTeX."""

import csv
import io
from collections.abc import Sequence

Rows = Sequence[Sequence[str]]
_LATEX_SPECIAL = str.maketrans({symbol: f"\\{symbol}" for symbol in "&%$#_{}"} | {"²": "$^2$"})


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


def to_latex(columns: Sequence[str], rows: Rows, *, num_text: int) -> str:
    """A LaTeX tabular with booktabs rules."""
    alignment = "l" * num_text + "r" * (len(columns) - num_text)
    head, *body = [" & ".join(cell.translate(_LATEX_SPECIAL) for cell in row) + r" \\" for row in [columns, *rows]]
    lines = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"
