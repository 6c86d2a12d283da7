"""One side's skin in one photograph: what of it can be measured, and its regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face import REGIONS
from scarmetrics.face.measurable import beard_texture, measurable_skin, skin_exposure
from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from scarmetrics.config import StudyConfig
    from scarmetrics.face import Face
    from scarmetrics.face.measurable import Cause
    from scarmetrics.models import Image, Mask, Side
    from scarmetrics.scale import Polygon

_BEARDED = [REGIONS.index(name) + 1 for name in ("perioral", "chin", "jaw")]
_CLEAR = [REGIONS.index(name) + 1 for name in ("forehead", "cheek")]


@dataclass(frozen=True, eq=False)
class SideSkin:
    """One side's skin in one photograph.

    Attributes
    ----------
    mask : ndarray of bool, shape (M, N)
        What can be measured of it.
    regions : ndarray of uint8, shape (M, N)
        Named regions, of all its skin.
    excluded : dict of str to float
        Share of the skin that cannot be measured, by cause.
    beard_texture : float or None
        Fine darkness of the lower face over that of the upper.
    exposure, clipped_fraction : float or None
        Median relative luminance of the skin, and the share of it where a channel is at the end of
        its range; None where no skin is seen.
    states : ndarray of uint8, shape (M, N)
        What each pixel is: see `scarmetrics.face.measurable.MeasurableSkin`.
    """

    mask: Mask
    regions: NDArray[np.uint8]
    excluded: Mapping[Cause, float]
    beard_texture: float | None
    exposure: float | None
    clipped_fraction: float | None
    states: NDArray[np.uint8]


def side_skin(
    image: Image,
    face: Face,
    side: Side,
    mm_per_px: float,
    config: StudyConfig,
    *,
    covers: Sequence[Polygon] = (),
    spectacles: Mask | None = None,
) -> SideSkin:
    """Skin of one side in one photograph, by the limits of the config.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    face : Face
        The face in it.
    side : {'left', 'right'}
        Anatomical side.
    mm_per_px : float
        Size of a pixel.
    config : StudyConfig
        Parameters.
    covers : sequence of tuple, optional
        Corners (x, y) in px of each marker or chart.
    spectacles : ndarray of bool, shape (M, N), optional
        What spectacles cover or distort.

    Returns
    -------
    SideSkin
    """
    regions = face.regions(side)
    printed = _inside(covers, face.shape)
    seen = (regions > 0) & ~printed
    if spectacles is not None:
        seen &= ~spectacles
    skin = measurable_skin(
        image,
        regions > 0,
        mm_per_px=mm_per_px,
        darkest=config.face.darkest_skin,
        untilted=face.surface(mm_per_px).within(config.face.max_tilt_deg),
        bearded=np.isin(regions, _BEARDED),
        printed=printed,
        spectacles=spectacles,
    )
    lower, upper = (skin.mask & np.isin(regions, part) for part in (_BEARDED, _CLEAR))
    texture = beard_texture(image, lower, upper, mm_per_px)
    exposure, clipped = skin_exposure(image, seen) if seen.any() else (None, None)
    return SideSkin(skin.mask, regions, skin.excluded, texture, exposure, clipped, skin.states)


def _inside(polygons: Sequence[Polygon], shape: tuple[int, int]) -> Mask:
    canvas = np.zeros(shape, np.uint8)
    for corners in polygons:
        cv2.fillPoly(canvas, [np.rint(np.array(corners)).astype(np.int32)], 1)
    return canvas > 0
