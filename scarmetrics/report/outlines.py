"""Outlines of a view as SVG paths, and how each fate's line looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.opencv import cv2
from scarmetrics.overlay.strokes import FATE_STROKES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scarmetrics.viewfile import Ring

RESIDUAL_COLOURS = cv2.COLORMAP_VIRIDIS
"""Colours of the residual's picture, from its lowest error to its highest."""
_STOPS = 9
# widths and dashes on the screen, in px
_WIDTH_PX, _UNIT_PX = 1.6, 2.0


@dataclass(frozen=True)
class Line:
    """How a fate's outline is drawn.

    Attributes
    ----------
    colour : str
        As ``#rrggbb``.
    dashes : str
        ``stroke-dasharray``; empty for a solid line.
    width_px : float
        On the screen, at any zoom.
    """

    colour: str
    dashes: str
    width_px: float


LINES: dict[str, Line] = {
    fate: Line(
        "#{:02x}{:02x}{:02x}".format(*stroke.colour),
        " ".join(f"{length * _UNIT_PX:g}" for length in stroke.dashes),
        _WIDTH_PX,
    )
    for fate, stroke in FATE_STROKES.items()
}
"""Colour-blind safe, and told apart by style as well, as in the overlays."""


def path_data(rings: Iterable[Ring]) -> str:
    """Closed rings as the ``d`` of a path, to a tenth of a px."""
    return "".join(
        "M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in ring) + "Z"
        for ring in rings
        if len(ring) > 1 and all(math.isfinite(x + y) for x, y in ring)
    )


def bounds(rings: Iterable[Ring]) -> tuple[float, float, float, float] | None:
    """Box (x0, y0, x1, y1) in px around rings; None where there are none."""
    points = [point for ring in rings for point in ring if math.isfinite(sum(point))]
    if not points:
        return None
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def residual_stops() -> list[tuple[str, str]]:
    """Offsets and colours of the residual's scale."""
    import numpy as np

    codes = np.linspace(0, 255, _STOPS).round().astype(np.uint8)[:, None]
    colours = cv2.applyColorMap(codes, RESIDUAL_COLOURS)[:, 0, ::-1]
    return [
        (f"{100 * index / (_STOPS - 1):g}%", "#{:02x}{:02x}{:02x}".format(*colour))
        for index, colour in enumerate(colours.tolist())
    ]


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
