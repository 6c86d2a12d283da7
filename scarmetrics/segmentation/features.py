"""What a taught segmenter is told about each cell of skin: many scales, no direction.

All features are invariant to quarter turns and mirrors, since light comes from anywhere, and have
fixed lengths in mm. Outside the skin the planes are continued smoothly, so that the edge of the
region is no edge of the skin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import masked_blur

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask

_SCALES_MM = (0.25, 0.4, 0.65, 1.0, 1.6, 2.6)  # sigmas of Gaussians of luminance
_WIDE_MM = 4.0
_TENSOR_MM = ((0.3, 0.8), (0.6, 1.6))  # sigma of the gradient, sigma of its surroundings
_SPREAD_MM = (0.6, 1.2, 2.4)
_CLOSING_MM = (1.2, 2.0, 3.2, 5.0)  # diameters of discs
_OPENING_MM = (1.2, 2.4)
_RANGE_MM = (1.6, 2.8, 4.4)
_COLOUR_MM = (0.3, 0.8, 2.0)
_NET_MM = (0.4, 1.0)
_EVIDENCE_MM = (0.3, 0.6, 1.2, 2.4)
_QUIET_MM = 0.25  # sigma of the blur before ranks and discs, which one dark cell would rule
_FILL_MM = 1.0

_REACH_MM = 18.0  # no feature looks farther
_BLOCK_CELLS = 400_000


class Strip(NamedTuple):
    """Rows of a grid that are worked on at once.

    Attributes
    ----------
    rows : slice
        Rows that are answered for.
    seen : slice
        Rows that are looked at.
    """

    rows: slice
    seen: slice

    @property
    def inner(self) -> slice:
        """The rows answered for, among those looked at."""
        start = self.rows.start - self.seen.start
        return slice(start, start + self.rows.stop - self.rows.start)


def strips(shape: tuple[int, int], mm_per_cell: float) -> list[Strip]:
    """Divide a grid so that the features of a part fit in memory.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    mm_per_cell : float
        Side of a cell.
    """
    margin = int(np.ceil(_REACH_MM / mm_per_cell))
    height = max(margin, _BLOCK_CELLS // max(shape[1], 1))
    return [
        Strip(
            slice(top, min(top + height, shape[0])),
            slice(max(0, top - margin), min(top + height + margin, shape[0])),
        )
        for top in range(0, shape[0], height)
    ]


def skin_features(
    planes: NDArray[np.float32], skin: Mask, mm_per_cell: float, inside: Mask
) -> NDArray[np.float32]:
    """Features of cells, from the planes of `normalise.skin_planes`.

    Parameters
    ----------
    planes : ndarray of float32, shape (5, h, w)
        From `learned.with_net`: log luminance and two colour differences against the skin around,
        and what the net thinks.
    skin : ndarray of bool, shape (h, w)
        Where the planes hold skin.
    mm_per_cell : float
        Side of a cell.
    inside : ndarray of bool, shape (h, w)
        Cells that are asked for; a part of `skin`.

    Returns
    -------
    ndarray of float32, shape (K, F)
        One row per cell that is asked for, in reading order.
    """
    filled = [_filled(plane, skin, mm_per_cell) for plane in planes]
    maps = [
        *_luminance_maps(filled[0], mm_per_cell),
        *(feature for plane in filled[1:3] for feature in _colour_maps(plane, mm_per_cell)),
        *(feature for plane in filled[3:] for feature in _net_maps(plane, mm_per_cell)),
    ]
    return _rows(maps, inside)


def evidence_features(
    evidence: FloatImage, mm_per_cell: float, inside: Mask
) -> NDArray[np.float32]:
    """Features of cells from a first opinion on them and around them (auto-context [1]_).

    Parameters
    ----------
    evidence : ndarray of float32, shape (h, w)
        Log-odds that a cell is scar; a constant outside the skin.
    mm_per_cell : float
        Side of a cell.
    inside : ndarray of bool, shape (h, w)
        Cells that are asked for.

    Returns
    -------
    ndarray of float32, shape (K, G)
        One row per cell that is asked for, in reading order.

    References
    ----------
    .. [1] Z. Tu and X. Bai, "Auto-context and its application to high-level vision tasks and 3D
       brain image segmentation", IEEE PAMI 32(10), 1744-1757 (2010).
    """
    maps = [evidence]
    for sigma_mm in _EVIDENCE_MM:
        smooth = _gauss(evidence, sigma_mm / mm_per_cell)
        maps += [smooth, *_hessian(smooth, sigma_mm / mm_per_cell)]
    quiet = _gauss(evidence, _QUIET_MM / mm_per_cell)
    for diameter_mm in _RANGE_MM:
        maps.append(cv2.dilate(quiet, _disc(diameter_mm / 2 / mm_per_cell)) - quiet)
    return _rows(maps, inside)


def _rows(maps: list[FloatImage], inside: Mask) -> NDArray[np.float32]:
    result = np.empty((int(inside.sum()), len(maps)), np.float32)
    for index, values in enumerate(maps):
        result[:, index] = values[inside]
    return result


def _filled(plane: FloatImage, skin: Mask, mm_per_cell: float) -> FloatImage:
    if skin.all():
        return plane
    return np.where(skin, plane, masked_blur(plane, skin, _FILL_MM / mm_per_cell))


def _luminance_maps(plane: FloatImage, mm_per_cell: float) -> Iterator[FloatImage]:
    yield plane
    for sigma_mm in _SCALES_MM:
        smooth = _gauss(plane, sigma_mm / mm_per_cell)
        yield smooth
        yield from _hessian(smooth, sigma_mm / mm_per_cell)
        yield np.hypot(*_gradient(smooth)) * np.float32(sigma_mm / mm_per_cell)
    yield _gauss(plane, _WIDE_MM / mm_per_cell)
    for inner_mm, outer_mm in _TENSOR_MM:
        yield from _tensor(plane, inner_mm / mm_per_cell, outer_mm / mm_per_cell)
    for sigma_mm in _SPREAD_MM:
        mean = _gauss(plane, sigma_mm / mm_per_cell)
        square = _gauss(plane * plane, sigma_mm / mm_per_cell)
        yield np.sqrt(np.maximum(square - mean * mean, 0))
    quiet = _gauss(plane, _QUIET_MM / mm_per_cell)
    for diameter_mm in _CLOSING_MM:
        yield cv2.morphologyEx(quiet, cv2.MORPH_CLOSE, _disc(diameter_mm / 2 / mm_per_cell)) - quiet
    for diameter_mm in _OPENING_MM:
        yield quiet - cv2.morphologyEx(quiet, cv2.MORPH_OPEN, _disc(diameter_mm / 2 / mm_per_cell))
    for diameter_mm in _RANGE_MM:
        element = _disc(diameter_mm / 2 / mm_per_cell)
        lowest, highest = cv2.erode(quiet, element), cv2.dilate(quiet, element)
        yield (quiet - lowest) / (highest - lowest + np.float32(0.1))
        yield highest - lowest


def _colour_maps(plane: FloatImage, mm_per_cell: float) -> Iterator[FloatImage]:
    for sigma_mm in _COLOUR_MM:
        smooth = _gauss(plane, sigma_mm / mm_per_cell)
        yield smooth
        yield sum(_hessian(smooth, sigma_mm / mm_per_cell), np.zeros_like(smooth))


def _net_maps(plane: FloatImage, mm_per_cell: float) -> Iterator[FloatImage]:
    yield plane
    for sigma_mm in _NET_MM:
        yield _gauss(plane, sigma_mm / mm_per_cell)


def _gauss(image: FloatImage, sigma_px: float) -> FloatImage:
    return cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101)


def _disc(radius_px: float) -> NDArray[np.uint8]:
    """A disc that is the same after a quarter turn; OpenCV's is not."""
    radius = max(1, round(radius_px))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (x * x + y * y <= (radius + 0.3) ** 2).astype(np.uint8)


def _gradient(image: FloatImage) -> tuple[FloatImage, FloatImage]:
    kernel = np.array([[-0.5, 0, 0.5]], np.float32)
    along_x = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    along_y = cv2.filter2D(image, -1, kernel.T, borderType=cv2.BORDER_REFLECT_101)
    return along_x, along_y


def _hessian(smooth: FloatImage, sigma_px: float) -> tuple[FloatImage, FloatImage]:
    """Smaller and larger curvature, times the scale squared."""
    along_x, along_y = _gradient(smooth)
    (xx, xy), (_, yy) = _gradient(along_x), _gradient(along_y)
    return _eigenvalues(xx, xy, yy, sigma_px**2)


def _tensor(plane: FloatImage, inner_px: float, outer_px: float) -> tuple[FloatImage, FloatImage]:
    """Square roots of the structure tensor's eigenvalues: steepness along and across."""
    along_x, along_y = _gradient(_gauss(plane, inner_px))
    moments = (along_x * along_x, along_x * along_y, along_y * along_y)
    xx, xy, yy = (_gauss(moment, outer_px) for moment in moments)
    lesser, greater = _eigenvalues(xx, xy, yy, inner_px**2)
    return np.sqrt(np.maximum(lesser, 0)), np.sqrt(np.maximum(greater, 0))


def _eigenvalues(
    xx: FloatImage, xy: FloatImage, yy: FloatImage, factor: float
) -> tuple[FloatImage, FloatImage]:
    middle = (xx + yy) * np.float32(factor / 2)
    apart = np.hypot(xx - yy, 2 * xy) * np.float32(factor / 2)
    return middle - apart, middle + apart
