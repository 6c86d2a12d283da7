"""A pair cut down to what one side needs, and results put back into the photographs' pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.models import Image, Mask, Side
    from scarmetrics.pipeline.results import Pair, VisitResult
    from scarmetrics.registration.frame import Box

_MARGIN_MM = 15.0  # more than any step looks beyond the skin

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
    """

    pair: Pair
    part: Pair
    boxes: tuple[Box, Box]

    def of(self, mask: Mask, visit: int) -> Mask:
        """What of a mask of a visit's photograph lies in the part."""
        x0, y0, x1, y1 = self.boxes[visit]
        return mask[y0:y1, x0:x1]

    def whole(self, result: VisitResult, visit: int) -> VisitResult:
        """A visit's result in the pixels of its whole photograph."""
        x0, y0, _, _ = self.boxes[visit]
        measurement = result.measurement
        scars = tuple(
            replace(scar, x_px=scar.x_px + x0, y_px=scar.y_px + y0) for scar in measurement.scars
        )
        states = result.skin_states
        return replace(
            result,
            labels=self._pasted(result.labels, visit),
            roi=self._pasted(result.roi, visit),
            measurement=replace(measurement, scars=scars),
            skin_states=None if states is None else self._pasted(states, visit),
        )

    def _pasted(self, part: NDArray[_Pixel], visit: int) -> NDArray[_Pixel]:
        x0, y0, x1, y1 = self.boxes[visit]
        canvas = np.zeros(self.pair.faces[visit].shape, part.dtype)
        canvas[y0:y1, x0:x1] = part
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
    first, second = (
        _box_around(face, side, mm_per_px)
        for face, mm_per_px in zip(pair.faces, pair.detection_mm_per_px, strict=True)
    )
    images, faces = pair.images, pair.faces
    part = replace(
        pair,
        images=(_cut(images[0], first), _cut(images[1], second)),
        faces=(faces[0].cropped(first), faces[1].cropped(second)),
        registration=pair.registration.cropped(first, second),
        scale_choices=(
            pair.scale_choices[0].moved(-first[0], -first[1]),
            pair.scale_choices[1].moved(-second[0], -second[1]),
        ),
    )
    return Crop(pair, part, (first, second))


def _box_around(face: Face, side: Side, mm_per_px: float) -> Box:
    x0, y0, *_ = face.box
    skin = face.cropped(face.box).skin_mask(side)
    rows, cols = np.flatnonzero(skin.any(axis=1)), np.flatnonzero(skin.any(axis=0))
    if len(rows) == 0:
        return face.box
    margin, (height, width) = int(np.ceil(_MARGIN_MM / mm_per_px)), face.shape
    return (
        max(0, x0 + int(cols[0]) - margin),
        max(0, y0 + int(rows[0]) - margin),
        min(width, x0 + int(cols[-1]) + 1 + margin),
        min(height, y0 + int(rows[-1]) + 1 + margin),
    )


def _cut(image: Image, box: Box) -> Image:
    x0, y0, x1, y1 = box
    return image[y0:y1, x0:x1]
