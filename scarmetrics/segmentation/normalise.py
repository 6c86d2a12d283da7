"""Illumination taken out: what learned methods look at, at one fixed size of cell.

Log luminance and two colour differences on cells of `CELL_MM`, each as its difference from a plane
fitted locally through the skin. Exposure and white balance are constants that fall out, shading of
the face is what the plane follows, and no number is taken from the photograph to scale the rest, so
both visits are looked at with the same eyes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import LUMINANCE, masked_plane, srgb_to_linear
from scarmetrics.segmentation.grid import Grid, lay_grid, resample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask

CELL_MM = 0.2
CHANNELS = 3
COARSEST_MM_PER_PX = 0.6
"""Photographs coarser than this show no scars to look for, or their scale is wrong."""

_AROUND_MM = 5.0  # sigma of the window of the plane
LUMINANCE_UNIT = 0.15
"""Log luminance that is 1 in the first plane."""

_COLOUR_UNIT = 0.10  # the same of the colour differences
_MARGIN_CELLS = 8  # a border without skin around the skin
_CLIP = 5.0
_DARKEST = 1 / 512


class SkinPlanes(NamedTuple):
    """Skin as learned methods see it.

    Attributes
    ----------
    planes : ndarray of float32, shape (3, h, w)
        Log luminance, log R - log G and log G - log B against the skin around, in fixed units;
        0 outside the skin.
    roi : ndarray of bool, shape (h, w)
        Skin.
    grid : Grid
        Where the cells lie in the photograph.
    mm_per_cell : float
        Side of a cell, `CELL_MM` to within rounding.
    """

    planes: NDArray[np.float32]
    roi: Mask
    grid: Grid
    mm_per_cell: float


def skin_planes(
    image: Image, roi: Mask, mm_per_px: float, coarsest_mm_per_px: float | None = None
) -> SkinPlanes | None:
    """Bring a photograph's skin to the form that learned methods take.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.
    roi : ndarray of bool, shape (M, N)
        Skin.
    mm_per_px : float
        Scale.
    coarsest_mm_per_px : float, optional
        The coarser scale of the pair; a finer photograph loses the detail that the other lacks.

    Returns
    -------
    SkinPlanes or None
        None where there is no skin.

    Raises
    ------
    ValueError
        If the photograph is coarser than `COARSEST_MM_PER_PX`.
    """
    if mm_per_px > COARSEST_MM_PER_PX:
        raise ValueError(f"{mm_per_px:g} mm/px is coarser than {COARSEST_MM_PER_PX} mm/px")
    zoom = mm_per_px / CELL_MM
    grid = lay_grid(roi, zoom, margin_px=int(np.ceil(_MARGIN_CELLS / zoom)))
    if grid is None:
        return None
    part = image[grid.window]
    table = srgb_to_linear(np.iinfo(image.dtype).max + 1)
    linear = np.asarray(table[part], np.float32)
    coarsest = max(mm_per_px, coarsest_mm_per_px or 0.0)
    if coarsest > max(mm_per_px, CELL_MM):
        rows, cols = part.shape[:2]
        shrink = mm_per_px / coarsest
        linear = resample(linear, (max(1, round(cols * shrink)), max(1, round(rows * shrink))))
    linear = np.maximum(resample(linear, grid.size), np.float32(_DARKEST))
    skin = grid.of_mask(roi)
    mm_per_cell = mm_per_px * grid.px_per_cell[0]
    return SkinPlanes(planes_of(linear, skin, mm_per_cell), skin, grid, mm_per_cell)


def planes_of(linear: FloatImage, skin: Mask, mm_per_cell: float) -> NDArray[np.float32]:
    """Planes of an image that lies on the working grid already.

    Parameters
    ----------
    linear : ndarray of float32, shape (h, w, 3)
        Linear RGB, positive.
    skin : ndarray of bool, shape (h, w)
        Skin.
    mm_per_cell : float
        Side of a cell.

    Returns
    -------
    ndarray of float32, shape (3, h, w)
    """
    log = np.log(linear)
    luminance = np.log(cv2.transform(linear, LUMINANCE[None, :]).reshape(skin.shape))
    red_green, green_blue = log[..., 0] - log[..., 1], log[..., 1] - log[..., 2]
    planes = np.empty((CHANNELS, *skin.shape), np.float32)
    seen = ((luminance, LUMINANCE_UNIT), (red_green, _COLOUR_UNIT), (green_blue, _COLOUR_UNIT))
    for index, (value, unit) in enumerate(seen):
        surface = masked_plane(np.ascontiguousarray(value), skin, _AROUND_MM / mm_per_cell)
        flat = (value - surface) / np.float32(unit)
        planes[index] = np.where(skin, np.clip(flat, -_CLIP, _CLIP), 0)
    return planes
