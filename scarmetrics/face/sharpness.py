"""How blurred a photograph of a face is, from its sharpest edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import luminance

if TYPE_CHECKING:
    from scarmetrics.models import FloatImage, Image, Mask

_CELL_MM = 0.2  # finer photographs are reduced to it: their noise is not taken for edges
_REBLUR_CELLS = (1.0, 1.5, 2.0)
_STRONG = 97  # percentile of the gradient above which an edge is looked at
_SHARPEST = 25  # percentile of the edges' widths
_LEAST_EDGES = 50
_DIFFERENCE = 1 / 3  # variance of what a central difference averages
_RIM = np.ones((5, 5), np.uint8)


def edge_blur_px(image: Image, inside: Mask, mm_per_px: float) -> float | None:
    """Blur of a photograph as the standard deviation of a Gaussian, from edges in the face.

    A step edge that was blurred by s has its gradient reduced by sqrt((s² + b²) / (s² + a²)) if it
    is blurred again by b instead of a, so two blurs of known width give its own [1]_. Lids, lips,
    brows and hair give edges in every face. Natural edges are not all steps, and few are perfectly
    sharp; the sharpest quarter of the strong ones tells what the camera did. Thin lines look
    sharper than they are to a wide second blur, and noise to a narrow one, so of several the
    largest number counts.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.
    inside : ndarray of bool, shape (M, N)
        The face, features included.
    mm_per_px : float
        Size of a pixel.

    Returns
    -------
    float or None
        In px of the photograph; 0 where edges are as sharp as steps, as after sharpening by a
        camera. None where there are too few edges to tell.

    References
    ----------
    .. [1] S. Zhuo, T. Sim, "Defocus map estimation from a single image", Pattern Recognition
       44(9), 1852-1858 (2011).
    """
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None
    window = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    light, mask = luminance(image[window]), inside[window].astype(np.uint8)
    zoom = min(1.0, mm_per_px / _CELL_MM)
    if zoom < 1:
        size = (max(1, round(mask.shape[1] * zoom)), max(1, round(mask.shape[0] * zoom)))
        light = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
    within = cv2.erode(mask, _RIM, borderValue=0) > 0
    blurs = [_sharpest_edges(light, within, sigma) for sigma in _REBLUR_CELLS]
    known = [blur for blur in blurs if blur is not None]
    return max(known) / zoom if known else None


def _sharpest_edges(light: FloatImage, within: Mask, sigma: float) -> float | None:
    """Width of the sharpest quarter of the edges by blurs of sigma and twice that, in cells."""
    x, y = _gradient(light, sigma)
    strength: FloatImage = np.hypot(x, y)
    wide_x, wide_y = _gradient(light, 2 * sigma)
    scale: FloatImage = np.maximum(strength, np.float32(1e-9))
    along_x, along_y = x / scale, y / scale
    wide = along_x * wide_x + along_y * wide_y
    if not within.any():
        return None
    edge = within & (strength > max(float(np.percentile(strength[within], _STRONG)), 1e-5))
    edge &= (wide > 0) & _is_ridge(strength, along_x, along_y)
    if edge.sum() < _LEAST_EDGES:
        return None
    ratio2 = np.maximum((strength[edge] / wide[edge]).astype(np.float64) ** 2, 1.0002)
    narrow, broad = sigma**2 + _DIFFERENCE, 4 * sigma**2 + _DIFFERENCE
    variance = (broad - ratio2 * narrow) / (ratio2 - 1)
    return float(np.sqrt(max(0.0, np.percentile(variance, _SHARPEST))))


def _gradient(light: FloatImage, sigma: float) -> tuple[FloatImage, FloatImage]:
    blurred = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    y, x = np.gradient(blurred)
    return x, y


def _is_ridge(strength: FloatImage, along_x: FloatImage, along_y: FloatImage) -> Mask:
    """Where the gradient is not weaker than one step up and one step down the edge."""
    rows, cols = strength.shape
    x, y = np.meshgrid(np.arange(cols, dtype=np.float32), np.arange(rows, dtype=np.float32))
    up = cv2.remap(strength, x + along_x, y + along_y, cv2.INTER_LINEAR)
    down = cv2.remap(strength, x - along_x, y - along_y, cv2.INTER_LINEAR)
    return np.asarray((strength >= up) & (strength >= down), bool)
