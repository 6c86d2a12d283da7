"""Which part of a photograph a panel shows, and at which size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import Image, Mask, Points
    from scarmetrics.registration.frame import Box

    _Pixels = TypeVar("_Pixels", NDArray[np.uint8], Image)

_MARGIN_MM = 4.0
_SMALLEST_MM = 20.0  # less around a tiny region would not show where on the face it is
_NARROWEST = 0.4  # of the longer side, so that a thin strip of skin keeps some surroundings


@dataclass(frozen=True)
class Frame:
    """A crop of a photograph and the panel that shows it.

    Attributes
    ----------
    box : tuple of int
        Crop (x0, y0, x1, y1) in the photograph's px, x1 and y1 exclusive.
    size : tuple of int
        (width, height) of the panel.
    """

    box: Box
    size: tuple[int, int]

    @property
    def zoom(self) -> float:
        """Panel px per photograph px along x."""
        return self.size[0] / (self.box[2] - self.box[0])

    def to_panel(self, xy: Points) -> Points:
        """Points (x, y) of the photograph in the panel, pixel centres at integers in both."""
        x0, y0, x1, y1 = self.box
        zoom = np.array([self.size[0] / (x1 - x0), self.size[1] / (y1 - y0)])
        return (xy - np.array([x0, y0]) + 0.5) * zoom - 0.5

    def resized(self, crop: _Pixels) -> _Pixels:
        """A crop brought to the panel's size: averaged when reduced, bicubic when enlarged."""
        method = cv2.INTER_AREA if self.zoom < 1 else cv2.INTER_CUBIC
        return cv2.resize(crop, self.size, interpolation=method)


def surroundings(roi: Mask, mm_per_px: float) -> Box:
    """The crop that shows a region with a margin of 4 mm, and at least 20 mm.

    Parameters
    ----------
    roi : ndarray of bool, shape (M, N)
        What to show; not empty.
    mm_per_px : float
        Scale, known or nominal, in which the margin is taken.

    Returns
    -------
    tuple of int
        (x0, y0, x1, y1) inside the photograph, x1 and y1 exclusive.
    """
    rows, cols = roi.shape
    x0, x1 = _extent(np.flatnonzero(roi.any(axis=0)))
    y0, y1 = _extent(np.flatnonzero(roi.any(axis=1)))
    margin = _MARGIN_MM / mm_per_px
    width, height = x1 - x0 + 2 * margin, y1 - y0 + 2 * margin
    least = max(_SMALLEST_MM / mm_per_px, _NARROWEST * max(width, height))
    left, right = _around((x0 + x1) / 2, max(width, least), cols)
    top, bottom = _around((y0 + y1) / 2, max(height, least), rows)
    return (left, top, right, bottom)


def fitted(box: Box, max_side_px: int) -> Frame:
    """The frame that shows a crop with its longer side at a given size."""
    width, height = box[2] - box[0], box[3] - box[1]
    zoom = max_side_px / max(width, height)
    return Frame(box, (max(1, round(width * zoom)), max(1, round(height * zoom))))


def _extent(places: NDArray[np.intp]) -> tuple[int, int]:
    return int(places[0]), int(places[-1]) + 1


def _around(centre: float, length: float, limit: int) -> tuple[int, int]:
    """First and last-plus-one pixel of a stretch, cut at the photograph's edge."""
    return max(0, int(centre - length / 2)), min(limit, int(np.ceil(centre + length / 2)))
