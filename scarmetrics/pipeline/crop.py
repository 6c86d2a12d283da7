"""A pair cut down to what one side needs, and results put back into the photographs' pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.models import Image, Mask, Side
    from scarmetrics.pipeline.results import Pair, VisitResult
    from scarmetrics.registration.frame import Box
    from scarmetrics.units import PixelScale

_MARGIN_MM = 15.0  # more than any step looks beyond the skin
_FINE_MM = 0.1  # a tenth of the smallest scar: contours need no finer pixels

_Pixel = TypeVar("_Pixel", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Crop:
    """Both photographs around one side, with what is known of them.

    Attributes
    ----------
    pair : Pair
        The photographs.
    part : Pair
        Of the two parts; points and masks count from their corners.
    boxes : tuple of tuple of int
        The parts (x0, y0, x1, y1) in px of the photographs, the last two exclusive.
    binnings : tuple of int
        Sides of the squares of the photographs' pixels that are one pixel of the parts.
    """

    pair: Pair
    part: Pair
    boxes: tuple[Box, Box]
    binnings: tuple[int, int]

    def of(self, mask: Mask, visit: int) -> Mask:
        """What of a mask of a visit's photograph lies in the part."""
        x0, y0, x1, y1 = self.boxes[visit]
        side = self.binnings[visit]
        return mask[y0 + side // 2 : y1 : side, x0 + side // 2 : x1 : side]

    def whole(self, result: VisitResult, visit: int) -> VisitResult:
        """A visit's result in the pixels of its whole photograph."""
        x0, y0, _, _ = self.boxes[visit]
        side = self.binnings[visit]
        centre = (side - 1) / 2
        scars = tuple(
            replace(
                scar,
                x_px=scar.x_px * side + centre + x0,
                y_px=scar.y_px * side + centre + y0,
                area_px=scar.area_px * side**2,
                area_sd_px=scar.area_sd_px * side**2,
            )
            for scar in result.measurement.scars
        )
        states = result.skin_states
        return replace(
            result,
            labels=self._pasted(result.labels, visit),
            roi=self._pasted(result.roi, visit),
            measurement=replace(result.measurement, scars=scars),
            skin_states=None if states is None else self._pasted(states, visit),
        )

    def _pasted(self, part: NDArray[_Pixel], visit: int) -> NDArray[_Pixel]:
        x0, y0, x1, y1 = self.boxes[visit]
        side = self.binnings[visit]
        canvas = np.zeros(self.pair.faces[visit].shape, part.dtype)
        canvas[y0:y1, x0:x1] = np.repeat(np.repeat(part, side, axis=0), side, axis=1)
        return canvas


def crop_to_side(pair: Pair, side: Side) -> Crop:
    """The part of a pair that one side's measurement looks at.

    Parameters
    ----------
    pair : Pair
        From `scarmetrics.pipeline.align_pair`.
    side : {'left', 'right'}
        Anatomical side.

    Returns
    -------
    Crop
        Results are the same as of the whole pair; less of it has to be looked at.
    """
    sizes = pair.detection_mm_per_px
    first, second = (_binning(mm_per_px) for mm_per_px in sizes)
    one, two = (
        _box_around(face, side, mm_per_px, binning)
        for face, mm_per_px, binning in zip(pair.faces, sizes, (first, second), strict=True)
    )
    part = replace(
        pair,
        images=(_cut(pair.images[0], one, first), _cut(pair.images[1], two, second)),
        faces=(pair.faces[0].cropped(one, first), pair.faces[1].cropped(two, second)),
        scales=(_coarser(pair.scales[0], first), _coarser(pair.scales[1], second)),
        detection_mm_per_px=(sizes[0] * first, sizes[1] * second),
        registration=pair.registration.cropped(one, two, (first, second)),
    )
    return Crop(pair, part, (one, two), (first, second))


def _binning(mm_per_px: float) -> int:
    """How many pixels along a line are one where they are finer than scars need."""
    return max(1, int(_FINE_MM / mm_per_px))


def _coarser(scale: PixelScale | None, binning: int) -> PixelScale | None:
    return None if scale is None else replace(scale, mm_per_px=scale.mm_per_px * binning)


def _box_around(face: Face, side: Side, mm_per_px: float, binning: int) -> Box:
    """Skin of the side with a margin; its sides are whole squares of pixels."""
    x0, y0, *_ = face.box
    skin = face.cropped(face.box).skin_mask(side)
    rows, cols = np.flatnonzero(skin.any(axis=1)), np.flatnonzero(skin.any(axis=0))
    margin, (height, width) = int(np.ceil(_MARGIN_MM / mm_per_px)), face.shape
    if len(rows) == 0:
        rows, cols = np.array([0, face.box[3] - y0 - 1]), np.array([0, face.box[2] - x0 - 1])
    low = (max(0, x0 + int(cols[0]) - margin), max(0, y0 + int(rows[0]) - margin))
    high = (
        min(width, x0 + int(cols[-1]) + 1 + margin),
        min(height, y0 + int(rows[-1]) + 1 + margin),
    )
    x1, y1 = (
        start + max(1, (stop - start) // binning) * binning
        for start, stop in zip(low, high, strict=True)
    )
    return (*low, x1, y1)


def _cut(image: Image, box: Box, binning: int) -> Image:
    x0, y0, x1, y1 = box
    part = image[y0:y1, x0:x1]
    size = ((x1 - x0) // binning, (y1 - y0) // binning)
    return part if binning == 1 else cv2.resize(part, size, interpolation=cv2.INTER_AREA)
