"""Histograms as small inline SVG, drawn in the page's own colours."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from scarmetrics.report.words import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH, _HEIGHT, _BASE = 400, 122, 100
_LEFT, _RIGHT = 8, 8
_TARGET_BINS = 16


@dataclass(frozen=True)
class Axis:
    """Bins of equal, round width.

    Attributes
    ----------
    low, step : float
        Start of the first bin, and their width.
    bins : int
        How many.
    """

    low: float
    step: float
    bins: int

    def place(self, value: float) -> float:
        """Where a value stands, px."""
        span = self.step * self.bins
        return _LEFT + (value - self.low) / span * (_WIDTH - _LEFT - _RIGHT)


def axis_for(values: Sequence[float], *, zero: bool) -> Axis:
    """Round bins that hold all values; with `zero`, that hold 0 too."""
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    rough = (high - low) / _TARGET_BINS or max(abs(high), 1.0) / _TARGET_BINS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first = math.floor(low / step)
    return Axis(first * step, step, math.floor(high / step) - first + 1)


def histogram(values: Sequence[float], axis: Axis, title: str, unit: str) -> Markup:
    """How many halves have which value.

    Parameters
    ----------
    values : sequence of float
        One for each half.
    axis : Axis
        The bins.
    title, unit : str
        What is counted, for those who do not see the picture.

    Returns
    -------
    markupsafe.Markup
        An ``svg`` element.
    """
    counts = [0] * axis.bins
    for value in values:
        counts[min(max(int((value - axis.low) // axis.step), 0), axis.bins - 1)] += 1
    most, digits = max(counts), 0 if axis.step >= 1 else max(1, -math.floor(math.log10(axis.step)))
    width = (_WIDTH - _LEFT - _RIGHT) / axis.bins
    bars = []
    for index, count in enumerate(counts):
        if count:
            start = axis.low + index * axis.step
            span = f"{shown(start, digits)} to {shown(start + axis.step, digits)} {unit}"
            height = round((_BASE - 12) * count / most, 1)
            bars.append(
                Markup(
                    '<rect class="bar" x="{}" y="{}" width="{}" height="{}">'
                    "<title>{}: {}</title></rect>"
                ).format(
                    round(_LEFT + index * width + 0.5, 1), round(_BASE - height, 1),
                    round(width - 1, 1), height, span, count,
                )
            )  # fmt: skip
    middle = statistics.median(values)
    words = (
        f"{title}: {len(values)} halves, median {shown(middle, digits)} {unit}, "
        f"{shown(min(values), digits)} to {shown(max(values), digits)} {unit}"
    )
    parts = [*bars, _rule(axis.place(middle), "median", 4), *_ticks(axis, digits)]
    if axis.low < 0 < axis.low + axis.step * axis.bins:
        parts.append(_rule(axis.place(0.0), "zero", 4))
    frame = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        _WIDTH, _HEIGHT, escape(words)
    )
    return frame + Markup("").join(parts) + Markup("</svg>")


def _ticks(axis: Axis, digits: int) -> list[Markup]:
    line = '<line class="axis" x1="{}" y1="{}" x2="{}" y2="{}"/>'
    parts = [Markup(line).format(_LEFT, _BASE, _WIDTH - _RIGHT, _BASE)]
    every = math.ceil(axis.bins / 5)
    for index in range(0, axis.bins + 1, every):
        value = axis.low + index * axis.step
        x = round(axis.place(value), 1)
        anchor = "start" if x < 20 else "end" if x > _WIDTH - 20 else "middle"
        parts.append(Markup(line).format(x, _BASE, x, _BASE + 4))
        text = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
        parts.append(text.format(x, _BASE + 17, anchor, shown(value, digits)))
    return parts


def _rule(x: float, kind: str, top: float) -> Markup:
    line = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>')
    return line.format(kind, round(x, 1), top, round(x, 1), _BASE)
