"""The working frame: both photographs' skin on one grid, as comparable texture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import log_luminance, masked_blur, warp_affine_reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask, Points

Box = tuple[int, int, int, int]
"""Rectangle (x0, y0, x1, y1) in px, x1 and y1 exclusive."""

_COARSE_MM = 2.5  # mean and contrast at this scale are light, not texture
_FINE_MM = 0.5  # of what is left, the part finer than a scar's floor
_FINE_CONTRAST_MM = 0.8
_LEAST_CONTRAST = 0.003  # log luminance; less is quantisation, not skin
_LEAST_FINE = 0.02  # of the coarse texture's standard deviation
_CELLS_PER_SIGMA = 2.5


@dataclass(frozen=True, eq=False)
class Subject:
    """What is aligned: a photograph and where it shows skin.

    Attributes
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    skin : ndarray of bool, shape (M, N)
        Skin to be aligned.
    inside : ndarray of bool, shape (M, N)
        Skin and what lies between, such as eyes: what has texture to compare.
    box : tuple of int
        Where that is.
    landmarks : ndarray of float64, shape (468, 2), or None
        (x, y) of the face's landmarks; None for a close-up.
    """

    image: Image
    skin: Mask
    inside: Mask
    box: Box
    landmarks: Points | None


@dataclass(frozen=True, eq=False)
class WorkImage:
    """One photograph's skin in the working frame.

    Attributes
    ----------
    coarse : ndarray of float32, shape (h, w)
        Log luminance less its local mean, over its local standard deviation; 0 off the face.
    fine : ndarray of float32, shape (h, w)
        The same of `coarse` at the scale of pores.
    skin : ndarray of bool, shape (h, w)
        Skin.
    contrast : float
        Median local standard deviation of log luminance on the skin.
    """

    coarse: FloatImage
    fine: FloatImage
    skin: Mask
    contrast: float

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) of the frame."""
        rows, cols = self.skin.shape
        return rows, cols

    @property
    def has_texture(self) -> bool:
        """Whether the skin shows more than quantisation noise."""
        return self.contrast > _LEAST_CONTRAST


def working_frame(box: Box, zoom: float) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Map of the photograph into a box at a zoom, shape (2, 3), and the box's size there."""
    x0, y0, x1, y1 = box
    size = (max(32, round((x1 - x0) * zoom)), max(32, round((y1 - y0) * zoom)))
    # box corners, half a pixel outside the pixel centres, map to the frame's corners
    offset = zoom * (0.5 - np.array([x0, y0], np.float64)) - 0.5
    return np.column_stack([np.diag([zoom, zoom]), offset]), size


def work_image(
    subject: Subject, to_work: NDArray[np.float64], size: tuple[int, int], work_mm_per_px: float
) -> WorkImage:
    """Bring one photograph into the working frame.

    Parameters
    ----------
    subject : Subject
        The photograph.
    to_work : ndarray of float64, shape (2, 3)
        Map of points (x, y) from the photograph to the frame.
    size : tuple of int
        (width, height) of the frame.
    work_mm_per_px : float
        The frame's resolution.

    Returns
    -------
    WorkImage
    """
    log = log_luminance(warp_affine_reduced(subject.image, to_work, size))
    skin, inside = (_to_frame(mask, to_work, size) for mask in (subject.skin, subject.inside))
    coarse_px = _COARSE_MM / work_mm_per_px
    coarse, spread = _normalised(log, inside, coarse_px, coarse_px, _LEAST_CONTRAST)
    contrast = float(np.median(spread[skin])) if skin.any() else 0.0
    fine, _ = _normalised(
        coarse, inside, _FINE_MM / work_mm_per_px, _FINE_CONTRAST_MM / work_mm_per_px, _LEAST_FINE
    )
    return WorkImage(coarse, fine, skin, contrast)


def _normalised(
    values: FloatImage, inside: Mask, mean_px: float, contrast_px: float, least: float
) -> tuple[FloatImage, FloatImage]:
    """Values less their local mean over their local standard deviation, and that deviation."""
    flat = values - _masked_mean(values, inside, mean_px)
    spread = np.sqrt(np.maximum(_masked_mean(flat * flat, inside, contrast_px), 0))
    texture = np.where(inside, flat / np.maximum(spread, np.float32(least)), np.float32(0))
    return texture, spread


def _masked_mean(values: FloatImage, inside: Mask, sigma_px: float) -> FloatImage:
    """Gaussian mean over the mask, wide ones on a reduced picture."""
    reduction = max(1, int(sigma_px / _CELLS_PER_SIGMA))
    if reduction == 1:
        return masked_blur(values, inside, sigma_px)
    rows, cols = values.shape
    size = (max(1, cols // reduction), max(1, rows // reduction))
    weight = inside.astype(np.float32)
    parts = [
        cv2.GaussianBlur(
            cv2.resize(picture, size, interpolation=cv2.INTER_AREA),
            (0, 0),
            sigma_px / reduction,
            borderType=cv2.BORDER_REFLECT_101,
        )
        for picture in (values * weight, weight)
    ]
    mean = parts[0] / np.maximum(parts[1], np.float32(1e-6))
    return cv2.resize(mean, (cols, rows), interpolation=cv2.INTER_LINEAR)


def _to_frame(mask: Mask, to_work: NDArray[np.float64], size: tuple[int, int]) -> Mask:
    return cv2.warpAffine(mask.view(np.uint8), to_work, size, flags=cv2.INTER_NEAREST) > 0
