"""Eyes and brows, covered so that nothing of them is left in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face.regions import ORBITS
from scarmetrics.opencv import cv2
from scarmetrics.overlay.text import BACKGROUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.models import Points
    from scarmetrics.pipeline import Pair

_MARGIN = 0.06  # of the distance between the pupils
_CORNERS = 24
_SUBPIXEL_BITS = 6


def eye_covers(face: Face) -> tuple[Points, ...]:
    """Polygons over both eyes, each from below the lower lid to above the brow.

    Parameters
    ----------
    face : Face
        The face, at any angle.

    Returns
    -------
    tuple of ndarray of float64, shape (K, 2)
        Convex, (x, y) in the photograph's px.
    """
    margin_px = _MARGIN * face.interpupillary_px
    return tuple(_widened_hull(face.landmarks[list(orbit), :2], margin_px) for orbit in ORBITS)


def common_covers(pair: Pair) -> tuple[Points, ...]:
    """Polygons over the eyes of both visits, in px of the baseline.

    The follow-up is shown warped to the baseline, and its eyes may lie elsewhere: what either visit
    shows of them is covered in both.
    """
    baseline, follow_up = pair.faces
    carried = [pair.registration.inverse_points(xy) for xy in eye_covers(follow_up)]
    return (*eye_covers(baseline), *(_hull(xy) for xy in carried))


def cover(panel: NDArray[np.uint8], polygons: Sequence[Points]) -> None:
    """Paint over convex polygons, in panel px, without any transparency."""
    for xy in polygons:
        fixed = np.rint(_hull(xy) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(panel, [fixed], BACKGROUND, cv2.LINE_8, _SUBPIXEL_BITS)


def _widened_hull(points: Points, margin_px: float) -> Points:
    angle = 2 * np.pi * np.arange(_CORNERS) / _CORNERS
    disc = margin_px * np.column_stack([np.cos(angle), np.sin(angle)])
    return _hull((points[:, None] + disc).reshape(-1, 2))


def _hull(points: Points) -> Points:
    return np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0], np.float64)
