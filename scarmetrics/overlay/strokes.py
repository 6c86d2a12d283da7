"""Drawing on a panel: contours by fate, the measured region, hidden eyes."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.overlay.text import BACKGROUND, Colour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import Fate, Points
    from scarmetrics.overlay.outlines import Outline

_SUBPIXEL_BITS = 6
_HALO_DARKENING = 0.55
_DIMMED = 0.5  # brightness of skin that was not measured


@dataclass(frozen=True)
class Stroke:
    """How a line looks, so that it can be told by colour and, without colour, by its style.

    Attributes
    ----------
    colour : tuple of int
        RGB.
    dashes : tuple of float
        Lengths drawn and left out in turn, in line widths with a soft rim; empty for a solid line.
    widths : int
        Thickness in line widths.
    """

    colour: Colour
    dashes: tuple[float, ...] = ()
    widths: int = 1


# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/
FATE_STROKES: Mapping[Fate, Stroke] = MappingProxyType(
    {
        "persisted": Stroke((240, 228, 66)),
        "shrunk": Stroke((86, 180, 233), (6, 2, 1, 2), widths=2),
        "grown": Stroke((213, 94, 0), widths=2),
        "healed": Stroke((0, 158, 115), (4, 3), widths=2),
        "new": Stroke((204, 121, 167), (1, 2), widths=2),
    }
)
REGION_STROKE = Stroke((255, 255, 255))


def draw_outlines(panel: NDArray[np.uint8], outlines: Sequence[Outline], line_px: int) -> None:
    """Draw scars' outlines, in panel px, each over a thin shadow that sets it off the skin."""
    dashed = [(FATE_STROKES[line.fate], _dashes(line.xy, line.fate, line_px)) for line in outlines]
    shadow = np.zeros(panel.shape[:2], np.uint8)
    for stroke, pieces in dashed:
        _polylines(shadow, pieces, 255, stroke.widths * line_px + 2)
    _darken(panel, shadow)
    for stroke, pieces in dashed:
        _polylines(panel, pieces, stroke.colour, stroke.widths * line_px)


def draw_region(panel: NDArray[np.uint8], region: Sequence[Points]) -> None:
    """Gray what lies outside the region and outline the region in white."""
    inside = np.zeros(panel.shape[:2], np.uint8)
    if region:
        rings = [_fixed_point(ring) for ring in region]
        cv2.fillPoly(inside, rings, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    gray = cv2.cvtColor(panel, cv2.COLOR_RGB2GRAY)
    dimmed = cv2.cvtColor(cv2.convertScaleAbs(gray, alpha=_DIMMED), cv2.COLOR_GRAY2RGB)
    _blend(panel, dimmed, 255 - inside)
    shadow = np.zeros(panel.shape[:2], np.uint8)
    _polylines(shadow, region, 255, 3)
    _darken(panel, shadow)
    _polylines(panel, region, REGION_STROKE.colour, 1)


def hide(panel: NDArray[np.uint8], groups: Sequence[Points], margin_px: float) -> None:
    """Cover the convex hull of each group of points, with a margin."""
    for points in groups:
        hull = cv2.convexHull(points.astype(np.float32))[:, 0]
        cv2.fillPoly(panel, [_fixed_point(hull)], BACKGROUND, cv2.LINE_8, _SUBPIXEL_BITS)
        thickness = max(1, round(2 * margin_px))
        cv2.polylines(
            panel, [_fixed_point(hull)], True, BACKGROUND, thickness, cv2.LINE_8, _SUBPIXEL_BITS
        )


def _dashes(xy: Points, fate: Fate, line_px: int) -> list[Points]:
    """The pieces of a closed line that are drawn; the pattern is fitted to close at the seam."""
    pattern = np.array(FATE_STROKES[fate].dashes) * (line_px + 1)
    if len(pattern) == 0:
        return [xy]
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    repeats = max(2, round(along[-1] / pattern.sum()))
    edges = np.concatenate([[0.0], np.cumsum(np.tile(pattern, repeats))])
    edges *= along[-1] / edges[-1]
    return [
        _piece(xy, along, start, stop)
        for start, stop in zip(edges[:-1:2], edges[1::2], strict=True)
    ]


def _piece(xy: Points, along: NDArray[np.float64], start: float, stop: float) -> Points:
    between = along[(along > start) & (along < stop)]
    at = np.concatenate([[start], between, [stop]])
    return np.column_stack([np.interp(at, along, xy[:, axis]) for axis in range(2)])


def _polylines(
    canvas: NDArray[np.uint8], lines: Sequence[Points], colour: Colour | int, width_px: int
) -> None:
    fixed = [_fixed_point(line) for line in lines]
    cv2.polylines(canvas, fixed, False, colour, width_px, cv2.LINE_AA, _SUBPIXEL_BITS)


def _darken(panel: NDArray[np.uint8], shadow: NDArray[np.uint8]) -> None:
    weight = cv2.convertScaleAbs(shadow, alpha=_HALO_DARKENING)
    _blend(panel, np.zeros_like(panel), weight)


def _blend(panel: NDArray[np.uint8], other: NDArray[np.uint8], weight: NDArray[np.uint8]) -> None:
    """Mix another picture into the panel, in place; weight 255 is all of the other."""
    share = weight[..., None].astype(np.uint16)
    panel[:] = ((255 - share) * panel + share * other + 127) // 255


def _fixed_point(points: Points) -> NDArray[np.int32]:
    """Points as OpenCV's fixed-point integers."""
    return np.rint(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)
