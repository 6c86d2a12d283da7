"""Drawing on a panel: contours by fate, the measured region, hatching, hidden eyes."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.overlay.text import Colour

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import Fate, Mask, Points
    from scarmetrics.overlay.outlines import Outline

    _Grid = NDArray[np.int_]

_SUBPIXEL_BITS = 6
_DASH_UNIT_PX = 2
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
        Lengths drawn and left out in turn, in units of 2 px; empty for a solid line.
    """

    colour: Colour
    dashes: tuple[float, ...] = ()


# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/
FATE_STROKES: Mapping[Fate, Stroke] = MappingProxyType(
    {
        "persisted": Stroke((240, 228, 66)),
        "shrunk": Stroke((86, 180, 233), (6, 2, 1, 2)),
        "grown": Stroke((213, 94, 0), (9, 2)),
        "healed": Stroke((0, 158, 115), (3, 3)),
        "new": Stroke((204, 121, 167), (1, 2)),
    }
)
REGION_STROKE = Stroke((255, 255, 255))

# for each reason, the pixels (x, y) that are drawn in a hatching of a given pitch
_HATCHES: Mapping[str, Callable[[_Grid, _Grid, int], Mask]] = MappingProxyType(
    {
        "print": lambda x, y, pitch: (x % pitch == 0) | (y % pitch == 0),
        "glasses": lambda x, y, pitch: (2 * x + y) % (2 * pitch) < 2,
        "tilt": lambda x, _, pitch: x % pitch == 0,
        "shadow": lambda x, y, pitch: (x + y) % pitch == 0,
        "highlight": lambda x, y, pitch: (x - y) % pitch == 0,
        "hair": lambda x, y, pitch: ((x + y) % pitch == 0) | ((x - y) % pitch == 0),
        "beard": lambda _, y, pitch: y % pitch == 0,
        "not_aligned": lambda x, y, pitch: (
            ((x + pitch // 2 * (y // pitch % 2)) % pitch < 2) & (y % pitch < 2)
        ),
        "other_visit": lambda x, y, pitch: (y % pitch == 0) & ((x // pitch + y // pitch) % 2 == 0),
    }
)
_HATCH_MIXED = 2 * 225  # two parts of light gray to one of skin


def draw_outlines(panel: NDArray[np.uint8], outlines: Sequence[Outline]) -> None:
    """Draw scars' outlines, in panel px, each over a thin shadow that sets it off the skin.

    Lines have the same width in px whatever the panel's size, so that they hide as little skin as
    can be.
    """
    dashed = [(FATE_STROKES[line.fate], _dashes(line.xy, line.fate)) for line in outlines]
    shadow = np.zeros(panel.shape[:2], np.uint8)
    _polylines(shadow, [piece for _, pieces in dashed for piece in pieces], 255, 3)
    _darken(panel, shadow)
    for stroke, pieces in dashed:
        for _ in range(2):  # a soft rim laid twice is a fuller line of the same width
            _polylines(panel, pieces, stroke.colour, 1)


def gray_outside(panel: NDArray[np.uint8], region: Sequence[Points]) -> None:
    """Turn what lies outside the measured region gray and darker."""
    inside = np.zeros(panel.shape[:2], np.uint8)
    if region:
        rings = [_fixed_point(ring) for ring in region]
        cv2.fillPoly(inside, rings, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    gray = cv2.cvtColor(panel, cv2.COLOR_RGB2GRAY)
    dimmed = cv2.cvtColor(cv2.convertScaleAbs(gray, alpha=_DIMMED), cv2.COLOR_GRAY2RGB)
    _blend(panel, dimmed, 255 - inside)


def draw_hatching(
    panel: NDArray[np.uint8], left_out: Mapping[str, Sequence[Points]], pitch_px: int
) -> None:
    """Hatch skin that was not measured, in a pattern for each reason of `left_out.REASONS`."""
    y, x = np.ogrid[: panel.shape[0], : panel.shape[1]]
    for reason, rings in left_out.items():
        area = np.zeros(panel.shape[:2], np.uint8)
        cv2.fillPoly(area, [_fixed_point(ring) for ring in rings], 255, cv2.LINE_8, _SUBPIXEL_BITS)
        drawn = (area > 0) & _HATCHES[reason](x, y, pitch_px)
        panel[drawn] = (panel[drawn].astype(np.uint16) + _HATCH_MIXED) // 3


def draw_region(panel: NDArray[np.uint8], region: Sequence[Points]) -> None:
    """Outline the measured region in white."""
    shadow = np.zeros(panel.shape[:2], np.uint8)
    _polylines(shadow, region, 255, 3)
    _darken(panel, shadow)
    _polylines(panel, region, REGION_STROKE.colour, 1)


def _dashes(xy: Points, fate: Fate) -> list[Points]:
    """The pieces of a closed line that are drawn; the pattern is fitted to close at the seam."""
    pattern = np.array(FATE_STROKES[fate].dashes) * _DASH_UNIT_PX
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
