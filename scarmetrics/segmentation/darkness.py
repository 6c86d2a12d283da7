"""How much darker skin is than the skin around, by two accounts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import blur, masked_plane
from scarmetrics.segmentation.shapes import disc

if TYPE_CHECKING:
    from scarmetrics.models import FloatImage, Mask


class DarkScale(NamedTuple):
    """One scale at which scars are looked for, as lengths on the skin."""

    blur_mm: float
    """Sigma of the blur that quiets pores."""
    around_mm: float
    """Sigma of the skin around."""
    span_mm: float
    """Closing disc: wider shading belongs to the face, not to a scar."""


SMALL = DarkScale(blur_mm=0.4, around_mm=2.0, span_mm=3.0)
"""The scale of most scars."""


def darkening(
    log: FloatImage, skin: Mask, mm_per_cell: float, scale: DarkScale = SMALL
) -> FloatImage:
    """Darkness against the skin around and against the surface that spans it, the lesser one.

    The first is a difference of Gaussians [1]_ without its bias at borders, the second a
    morphological closing [2]_, which leaves shading edges and broad folds alone.

    Parameters
    ----------
    log : ndarray of float32, shape (h, w)
        Log luminance.
    skin : ndarray of bool, shape (h, w)
        Skin.
    mm_per_cell : float
        Side of a cell.
    scale : DarkScale, optional
        Its lengths.

    Returns
    -------
    ndarray of float32, shape (h, w)
        Difference of log luminance, positive where it is darker; 0 outside the skin.

    References
    ----------
    .. [1] D. Marr and E. Hildreth, "Theory of edge detection", Proc. R. Soc. B 207, 187-217 (1980).
    .. [2] F. Meyer, "Iterative image transformations for an automatic screening of cervical
       smears", J. Histochem. Cytochem. 27(1), 128-135 (1979).
    """
    quiet = blur(log, max(scale.blur_mm / mm_per_cell, 0.5))
    against_mean = masked_plane(log, skin, scale.around_mm / mm_per_cell) - quiet
    against_span = _close(quiet, skin, scale.span_mm / mm_per_cell) - quiet
    return np.where(skin, np.minimum(against_mean, against_span), 0).astype(np.float32)


def _close(image: FloatImage, skin: Mask, diameter_px: float) -> FloatImage:
    """Morphological closing over the skin only, by a disc."""
    element = disc(diameter_px / 2)
    low, high = np.float32(image.min() - 1), np.float32(image.max() + 1)
    filled = cv2.dilate(np.where(skin, image, low), element)
    return cv2.erode(np.where(skin, filled, high), element)
