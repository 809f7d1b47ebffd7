"""All trials of a sweep as lines over parallel axes, one for each setting and one for the score, by Plotly.

Reference:
    A. Inselberg. The plane with parallel coordinates. The Visual Computer 1, 1985.
"""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengraph.files import write_text
from gengraph.models.space import Range, Space
from gengraph.tuning.space import is_number

_AXIS_WIDTH, _HEIGHT = 170, 480  # pixels
_MOST_TICKS = 8
_COLOURS = [[0.0, "#08306b"], [0.5, "#6baed6"], [1.0, "#c6c6c6"]]
Settings = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        name: of the setting.
        places: where each trial crosses it.
        ticks: (place, label), ascending.
    """

    name: str
    places: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]


def axis_of(name: str, values: Sequence[Any], *, logarithmic: bool = False) -> Axis:
    """An axis for values: numbers by size, over a decade or more by their logarithm; what is no number set out evenly.

    Args:
        name: of the setting.
        values: of the trials.
        logarithmic: by the logarithm in any case, because they were drawn so.
    """
    if not all(map(is_number, values)):
        kinds = sorted({str(value) for value in values})
        return Axis(name, tuple(kinds.index(str(value)) for value in values), tuple(enumerate(kinds)))
    low, high = float(min(values)), float(max(values))
    logarithmic = low > 0 and (logarithmic or high / low >= 10)
    place = math.log10 if logarithmic else float
    marks = sorted(set(values))
    if len(marks) > _MOST_TICKS:
        marks = [low, *_between(low, high, logarithmic=logarithmic), high]
    return Axis(name, tuple(map(place, values)), tuple((place(mark), f"{mark:.3g}") for mark in marks))


def _between(low: float, high: float, *, logarithmic: bool) -> list[float]:
    """Round numbers between two: powers of ten (and 2 and 5 times these, where they are few), or multiples of one."""
    if logarithmic:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [factor * 10.0**k for k in decades for factor in ((1, 2, 5) if len(decades) <= 4 else (1,))]
    else:
        step = 10.0 ** math.floor(math.log10((high - low) / _MOST_TICKS))
        step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= _MOST_TICKS)
        found = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    place = math.log10 if logarithmic else float
    gap = (place(high) - place(low)) / 20  # nearer to an end, its label would lie over that of the end
    return [mark for mark in found if place(low) + gap < place(mark) < place(high) - gap]


def write_html(path: Path, space: Space, settings: Settings, scores: Sequence[float], *, metric: str, title: str) -> None:
    """Write the picture as one HTML file that needs nothing else; a range that is drawn on an axis picks out trials.

    Args:
        path: of the file.
        space: that settings were drawn from.
        settings: of each trial, the value of each field of the space.
        scores: of each trial.
        metric: what the score is; the lower, the darker the trial.
        title: of the page.
    """
    import plotly.graph_objects as go

    axes = [
        axis_of(
            name.partition(".")[2],
            [setting[name] for setting in settings],
            logarithmic=isinstance(values, Range) and values.log,
        )
        for name, values in space.items()
    ]
    axes.append(axis_of(metric, scores))
    lines = go.Parcoords(
        line={"color": axes[-1].places, "colorscale": _COLOURS},
        dimensions=[
            {
                "label": axis.name,
                "values": axis.places,
                "tickvals": [place for place, _ in axis.ticks],
                "ticktext": [label for _, label in axis.ticks],
            }
            for axis in axes
        ],
    )
    figure = go.Figure(lines)
    about = f"{len(scores)} trials, a line each, the darker the lower its {metric}; drag along an axis to pick some out"
    figure.update_layout(
        title={"text": html.escape(title), "subtitle": {"text": about}}, width=max(900, _AXIS_WIDTH * (len(axes) + 1))
    )
    figure.update_layout(height=_HEIGHT, margin={"l": 120, "r": 60, "t": 150, "b": 30}, font={"size": 13})
    write_text(path, figure.to_html(include_plotlyjs=True))
