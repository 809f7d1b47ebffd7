"""All trials of a sweep as lines over parallel axes, one for each setting and one for the score.

Reference:
    A. Inselberg. The plane with parallel coordinates. The Visual Computer 1, 1985.
"""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengraph.files import atomic_path, write_text
from gengraph.tuning.space import is_number

_WIDTH, _HEIGHT, _TOP, _BOTTOM, _SIDE = 1100, 460, 60, 30, 90
_GOOD, _POOR = (33, 102, 172), (205, 205, 205)
Settings = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        name: of the setting.
        heights: where each trial crosses it, in [0, 1] from the bottom.
        ticks: (height, label), from the bottom.
    """

    name: str
    heights: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]


def axis_of(name: str, values: Sequence[Any]) -> Axis:
    """An axis for values: few or no numbers are set out evenly, many numbers by size, over a decade or more by logarithm."""
    values = [value if is_number(value) else str(value) for value in values]
    kinds = sorted(set(values), key=lambda value: (0, value, "") if is_number(value) else (1, 0, value))
    if len(kinds) <= 6 or not all(map(is_number, kinds)):
        places = {value: i / max(1, len(kinds) - 1) for i, value in enumerate(kinds)}
        return Axis(name, tuple(places[value] for value in values), tuple((places[value], _label(value)) for value in kinds))
    low, high = float(kinds[0]), float(kinds[-1])
    if low > 0 and high / low >= 10:
        places = {value: math.log(value / low) / math.log(high / low) for value in kinds}
        marks = tuple((i / 4, _label(low * (high / low) ** (i / 4))) for i in range(5))
    else:
        places = {value: (value - low) / (high - low) for value in kinds}
        marks = tuple((i / 4, _label(low + (high - low) * i / 4)) for i in range(5))
    return Axis(name, tuple(places[value] for value in values), marks)


def axes_of(settings: Settings, scores: Sequence[float], metric: str) -> list[Axis]:
    """An axis a setting, and the score's."""
    names = list(settings[0])
    return [*(axis_of(name, [setting[name] for setting in settings]) for name in names), axis_of(metric, list(scores))]


def colours(count: int) -> list[tuple[int, int, int]]:
    """Red, green, blue in 0..255 of trials from best to worst."""
    shares = [1 - i / max(1, count - 1) for i in range(count)]
    return [
        tuple(round(poor + (good - poor) * share**2) for good, poor in zip(_GOOD, _POOR, strict=True))  # type: ignore[misc]
        for share in shares
    ]


def write_html(path: Path, settings: Settings, scores: Sequence[float], *, metric: str, title: str) -> None:
    """Write the picture as one HTML file that needs nothing else; a line shows its trial when pointed at.

    Args:
        path: of the file.
        settings: of each trial, best first.
        scores: of each trial.
        metric: what the score is.
        title: of the page.
    """
    axes = axes_of(settings, scores, metric)
    lines = []
    for i, (red, green, blue) in reversed(list(enumerate(colours(len(scores))))):
        points = " ".join(f"{_x(k, len(axes)):.1f},{_y(axis.heights[i]):.1f}" for k, axis in enumerate(axes))
        facts = ", ".join(f"{name.split('.')[-1]} {_label(value)}" for name, value in settings[i].items())
        text = html.escape(f"{metric} {_label(scores[i])}: {facts}")
        width = 3 if i == 0 else 1.5
        style = f'stroke="rgb({red},{green},{blue})" stroke-width="{width}"'
        lines.append(f'<polyline points="{points}" {style}><title>{text}</title></polyline>')
    write_text(
        path,
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n<style>\n'
        "body { font: 14px sans-serif; margin: 2em } text { font-size: 12px; text-anchor: middle }\n"
        "polyline { fill: none } polyline:hover { stroke: #b2182b; stroke-width: 4 } line { stroke: #444 }\n"
        "text.tick { text-anchor: start; fill: #444; paint-order: stroke; stroke: #fff; stroke-width: 3px }\n"
        f"</style></head><body>\n<h1>{html.escape(title)}</h1>\n"
        f"<p>A line is a trial; the darker, the lower its {metric}. {len(scores)} trials; failed ones are left out.</p>\n"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="parallel coordinates of all trials">\n'
        + "\n".join([*lines, *(_svg_axis(axis, _x(k, len(axes))) for k, axis in enumerate(axes))])
        + "\n</svg>\n</body></html>\n",
    )


def write_png(path: Path, settings: Settings, scores: Sequence[float], *, metric: str, title: str) -> None:
    """Write the same picture as PNG; arguments as of `write_html`."""
    from matplotlib.figure import Figure

    axes = axes_of(settings, scores, metric)
    figure = Figure(figsize=(1.8 * max(4, len(axes)), 5), layout="constrained")
    plot = figure.subplots()
    for i, colour in reversed(list(enumerate(colours(len(scores))))):
        heights = [axis.heights[i] for axis in axes]
        plot.plot(range(len(axes)), heights, color=[part / 255 for part in colour], linewidth=3 if i == 0 else 1.2)
    for k, axis in enumerate(axes):
        plot.axvline(k, color="#444", linewidth=0.8)
        for height, label in axis.ticks:
            plot.annotate(label, (k, height), xytext=(4, 2), textcoords="offset points", fontsize=8)
    plot.set_xticks(range(len(axes)), [axis.name.split(".")[-1] for axis in axes])
    plot.set_yticks([])
    plot.set_title(f"{title}: the darker, the lower the {metric}")
    plot.spines[:].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _svg_axis(axis: Axis, x: float) -> str:
    ticks = "".join(
        f'<text class="tick" x="{x + 4:.1f}" y="{_y(height) - 3:.1f}">{html.escape(label)}</text>'
        for height, label in axis.ticks
    )
    name = html.escape(axis.name.split(".")[-1])
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_y(1)}" y2="{_y(0)}"/><text x="{x:.1f}" y="{_TOP - 30}">{name}</text>{ticks}'


def _x(axis: int, count: int) -> float:
    return _SIDE + axis * (_WIDTH - 2 * _SIDE) / max(1, count - 1)


def _y(height: float) -> float:
    return _TOP + (1 - height) * (_HEIGHT - _TOP - _BOTTOM)


def _label(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
