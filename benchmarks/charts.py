"""Drawings of the report as SVG without colours of their own: classes, which the page's style gives light and dark colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

_SMALLEST = 1e-6  # an MMD below is drawn at the edge
_LONGEST = 16  # letters of a name beside an axis
_SIZE_BARS = 16  # at most
NUM_COLOURS = 8
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to coordinates; values outside are drawn at the ends."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The coordinate of a value."""
        value = min(max(value, self.low), self.high)
        low, high, at = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        return round(self.start + (self.end - self.start) * (at - low) / ((high - low) or 1), 1)

    def decades(self, most: int = 5) -> list[float]:
        """Powers of ten within the scale, at most so many; where there is one at most, numbers between them too."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        within = [power for power in powers if self.low <= 10.0**power <= self.high]
        if len(within) < 2:
            return [x for x in (m * 10.0**power for power in powers for m in (1, 2, 5)) if self.low <= x <= self.high]
        every = max(1, math.ceil(len(within) / most))
        return [10.0**power for power in within if power % every == 0]


def svg(width: float, height: float, label: str, body: str, name: str = "chart") -> str:
    """A drawing with a text for those who do not see it."""
    return f'<svg class="{name}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}">{body}</svg>'


def _text(x: float, y: float, text: str, anchor: str = "start", name: str = "tick") -> str:
    return f'<text class="{name}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, name: str) -> str:
    return f'<line class="{name}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def tick_text(value: float) -> str:
    """A number on an axis: .001, 1, 100."""
    return f"{value:g}" if 0.001 <= value < 100_000 or value == 0 else f"{value:.0e}".replace("e-0", "e-")


def graph_paths(picture: Row) -> str:
    """Edges and nodes of a picture of `scores.look_at`, or what RDKit drew of a molecule, in a square of 1000."""
    if "molecule" in picture:
        scale = 1000 / picture["side"]
        paper = '<path fill="#fff" d="M-50 -50H1050V1050H-50Z"/>'
        frame = '<path class="impossible" d="M-30 -30H1030V1030H-30Z"/>' if picture["smiles"] is None else ""
        return f'{paper}<g transform="scale({scale:.4g})">{picture["molecule"]}</g>{frame}'
    points = [tuple(point.split(",")) for point in picture["points"].split()]
    ends = [tuple(map(int, edge.split("-"))) for edge in picture["edges"].split()]
    edges = "".join(f"M{points[u][0]} {points[u][1]}L{points[v][0]} {points[v][1]}" for u, v in ends)
    nodes = "".join(f"M{x} {y}h0" for x, y in points)
    thin = min(1.1, 14 / math.sqrt(len(ends) + 1))
    dots = min(4.0, 26 / math.sqrt(len(points) + 1))
    drawn = (("edges", thin, edges), ("nodes", dots, nodes))
    return "".join(f'<path class="{name}" stroke-width="{width:.2g}" d="{path}"/>' for name, width, path in drawn)


def intervals(rows: list[Row], statistic: str) -> str:
    """A point and a line for each row on a logarithmic axis; the floor is a line through all, its interval a band."""
    known = [row for row in rows if row["mmd2"].get(statistic) is not None]
    floor = next((row for row in known if row["kind"] == "floor"), None)
    shown = [row for row in known if row["kind"] != "floor"]
    bounds = [floor["mmd2"][statistic]] if floor else []
    bounds += [value for row in shown for value in (row["mmd2"][statistic], *(row["interval"][statistic] or ()))]
    positive = [value for value in bounds if value >= _SMALLEST] or [_SMALLEST, 1.0]
    scale = Scale(max(_SMALLEST, min(positive) / 2), max(positive) * 1.5, 112, 312, log=True)
    bottom = 26 + 22 * len(shown)
    parts = [_text(8, 12, statistic, name="title")]
    for value in scale.decades():
        parts += [
            _line(scale(value), 20, scale(value), bottom, "grid"),
            _text(scale(value), bottom + 14, tick_text(value), "middle"),
        ]
    if floor:
        at, low, high = map(scale, _with_interval(floor, statistic))
        parts.append(f'<rect class="band" x="{low:g}" y="20" width="{high - low:g}" height="{bottom - 20}"/>')
        parts.append(_line(at, 20, at, bottom, "floor"))
    for number, row in enumerate(shown):
        y = 34 + 22 * number
        at, low, high = map(scale, _with_interval(row, statistic))
        parts += [_text(104, y + 4, _short(row["model"]), "end", "label"), _line(low, y, high, y, "interval")]
        edge = " edge" if row["mmd2"][statistic] < scale.low else ""
        parts.append(f'<circle class="point{edge}" cx="{at:g}" cy="{y}" r="4.5"/>')
    values = "; ".join(f"{row['model']} {row['mmd2'][statistic]:.2g}" for row in shown)
    label = f"Squared MMD of {statistic}: {values}" + (f"; floor {floor['mmd2'][statistic]:.2g}" if floor else "")
    return svg(320, bottom + 22, label, "".join(parts))


def _with_interval(row: Row, statistic: str) -> tuple[float, float, float]:
    """A value and the ends of its interval, which are the value itself where there is none."""
    value = row["mmd2"][statistic]
    low, high = row["interval"][statistic] or (value, value)
    return value, low, high


def _short(name: str) -> str:
    """A name for the space beside an axis."""
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def overlay(name: str, reference: Sequence[float], found: Sequence[float], model: str) -> str:
    """The distribution of the test graphs as an area, that of the samples as a line.

    Args:
        name: degree, clustering or orbit.
        reference: what is known of the test graphs (`gengraph.benchmarks.scores.look_at`).
        found: the same of the samples.
        model: that these are of.
    """
    orbits = name == "orbit"
    heights = [[math.log10(1 + value) if orbits else value for value in values] for values in (reference, found)]
    width = len(reference) if name == "clustering" else max(_shown(values) for values in heights)
    heights = [(values + [0.0] * width)[:width] for values in heights]
    title = {"degree": "degree", "clustering": "clustering coefficient", "orbit": "orbit counts, log"}[name]
    return _overlay(title, heights, ("0", "1" if name == "clustering" else str(width - 1)), model)


def overlay_sizes(reference: Sequence[Sequence[int]], found: Sequence[Sequence[int]], model: str) -> str:
    """As `overlay`, of the numbers of nodes, pairs of a number and how many graphs have it, in bins of equal width."""
    sizes = [number for number, _ in (*reference, *found)]
    first, last = min(sizes), max(sizes)
    width = -(-(last - first + 1) // _SIZE_BARS)
    heights = []
    for counts in (reference, found):
        total, bars = sum(count for _, count in counts), [0.0] * ((last - first) // width + 1)
        for number, count in counts:
            bars[(number - first) // width] += count / total
        heights.append(bars)
    return _overlay("number of nodes", heights, (str(first), str(first + width * len(heights[0]) - 1)), model)


def _overlay(title: str, heights: list[list[float]], ends: tuple[str, str], model: str) -> str:
    """Bars of the test graphs and of the samples; `ends` are the least and the largest value."""
    width = len(heights[0])
    x = Scale(0, width, 4, 176)
    y = Scale(0, max(map(max, heights)) or 1, 96, 20)
    outline = "".join(f"L{x(i):g} {y(h):g}L{x(i + 1):g} {y(h):g}" for i, h in enumerate(heights[0]))
    line = "M" + "L".join(f"{x(i + 0.5):g} {y(h):g}" for i, h in enumerate(heights[1]))
    if width == 1:
        line = f"M4 {y(heights[1][0]):g}H176"
    body = (
        f'{_text(4, 12, title, name="title")}<path class="reference" d="M4 96{outline}L{x(width):g} 96Z"/>'
        f'{_line(4, 96, 176, 96, "axis")}<path class="model" d="{line}"/>'
        f"{_text(4, 110, ends[0])}{_text(176, 110, ends[1], 'end')}"
    )
    return svg(180, 114, f"Distribution of the {title} in the test graphs (area) and in the samples of {model} (line)", body)


def _shown(heights: list[float]) -> int:
    """Bins up to the last one that can be seen."""
    high = max(heights, default=0.0)
    return max((i + 1 for i, height in enumerate(heights) if height > high / 200), default=1)


def curves(series: Sequence[tuple[str, list[Row]]], loss: str) -> str:
    """The loss of training against seconds, for each name; points are validation losses.

    Args:
        series: names and their points, dicts of seconds and, where they are known, loss and validation_loss; each has a loss.
        loss: what it is called, the same for all, with its unit.
    """
    points = [point for _, curve in series for point in curve]
    losses = [point[name] for point in points for name in ("loss", "validation_loss") if name in point]
    log = min(losses) > 0 and max(losses) > 10 * min(losses)
    x = Scale(0, max(point["seconds"] for point in points), 48, 410)
    y = Scale(min(losses), max(losses), 198, 20, log=log)
    parts = [_line(48, 198, 410, 198, "axis"), _text(229, 230, "seconds", "middle"), _text(4, 12, loss)]
    for value in y.decades() if log else _ticks(y):
        parts += [_line(48, y(value), 410, y(value), "grid"), _text(42, y(value) + 4, tick_text(value), "end")]
    parts += [_text(x(value), 213, f"{value:g}", "middle") for value in _ticks(x)]
    ends = []
    for number, (name, curve) in enumerate(series):
        colour = f"c{number % NUM_COLOURS}"
        trained = [(x(point["seconds"]), y(point["loss"])) for point in curve if "loss" in point]
        line = "L".join(f"{left:g} {top:g}" for left, top in trained)
        parts.append(f'<path class="curve {colour}" d="M{line}"/>')
        validated = [(x(point["seconds"]), y(point["validation_loss"])) for point in curve if "validation_loss" in point]
        parts += [f'<circle class="{colour}" cx="{left:g}" cy="{top:g}" r="3.5"/>' for left, top in validated]
        ends.append(f"{name} ends at {[point['loss'] for point in curve if 'loss' in point][-1]:.4g}")
    return svg(420, 236, f"Training loss ({loss}) over seconds: {'; '.join(ends)}", "".join(parts))


def _ticks(scale: Scale) -> list[float]:
    """Some round numbers within a scale."""
    step = 10 ** math.floor(math.log10((scale.high - scale.low) or 1))
    step *= 0.5 if (scale.high - scale.low) / step < 3 else 1 if (scale.high - scale.low) / step < 6 else 2
    first, last = math.ceil(scale.low / step), math.floor(scale.high / step + 1e-9)
    return [float(f"{number * step:.6g}") for number in range(first, last + 1)]
