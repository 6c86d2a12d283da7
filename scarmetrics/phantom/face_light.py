"""The light that a photograph was taken in, from the shading of the face itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from scarmetrics.models import SIDES
from scarmetrics.opencv import cv2
from scarmetrics.phantom.shading import Light
from scarmetrics.photometry import luminance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.models import Image

_SOFTNESS = 0.4  # cannot be told from the light's height by shading alone: taken as this
_CELL = 0.06  # of the interpupillary distance: wider than a scar
_OFF = 0.05  # relative brightness beyond which a part of the face is something else than shaded
_ELEVATIONS_DEG = np.arange(15.0, 86.0, 1.0)
_MODEL = 468  # landmarks of the face's surface; the rest are irises


def light_of(image: Image, face: Face) -> Light:
    """Estimate the main light of a face.

    The face's broad shape, a quadric through its landmarks, gives normals; the broad brightness of
    its skin is fitted as ambient light plus Lambert's law. Direction comes from the fit; height
    and softness cannot be told apart by it, so the softness is taken as 0.4.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    face : Face
        Its landmarks.

    Returns
    -------
    Light
        To be given to `render`, so that drawn relief is lit as the face is.

    References
    ----------
    J. H. Lambert, Photometria (1760).
    """
    skin = face.skin_mask(SIDES[0]) | face.skin_mask(SIDES[1])
    cell = max(1.0, _CELL * face.interpupillary_px)
    size = (round(image.shape[1] / cell), round(image.shape[0] / cell))
    bright = luminance(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    share = cv2.resize(skin.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    rows, cols = np.nonzero(share > 0.9)
    x = (cols + 0.5) * image.shape[1] / size[0] - 0.5
    y = (rows + 0.5) * image.shape[0] / size[1] - 0.5
    normal_x, normal_y = _broad_normals(face, x, y)
    design = np.column_stack([np.ones(len(x)), normal_x, normal_y])
    typical = max(float(np.median(bright[rows, cols])), 1e-6)
    # beards and hair are no shading: a robust loss lets them go
    relative = bright[rows, cols] / typical

    def misfit(light: NDArray[np.float64]) -> NDArray[np.float64]:
        return design @ light - relative

    fit = least_squares(misfit, x0=(1.0, 0.0, 0.0), loss="soft_l1", f_scale=_OFF)
    level, along_x, along_y = fit.x
    slant = float(np.hypot(along_x, along_y) / max(level, 1e-6))
    heights = np.radians(_ELEVATIONS_DEG)
    direct = 1 - _SOFTNESS
    expected = direct * np.cos(heights) / (direct * np.sin(heights) + _SOFTNESS)
    return Light(
        light_deg=float(np.degrees(np.arctan2(along_y, along_x)) % 360),
        elevation_deg=float(_ELEVATIONS_DEG[np.abs(expected - slant).argmin()]),
        light_softness=_SOFTNESS,
    )


def _broad_normals(face: Face, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X and y of the unit normals, towards the camera, of a quadric through the landmarks."""
    points = face.landmarks[:_MODEL]
    middle, spread = points[:, :2].mean(axis=0), face.interpupillary_px
    u, v = ((points[:, axis] - middle[axis]) / spread for axis in (0, 1))
    design = np.column_stack([np.ones_like(u), u, v, u * u, u * v, v * v])
    fit = np.linalg.lstsq(design, points[:, 2] / spread, rcond=None)[0]
    u, v = (x - middle[0]) / spread, (y - middle[1]) / spread
    slope_x, slope_y = fit[1] + 2 * fit[3] * u + fit[4] * v, fit[2] + fit[4] * u + 2 * fit[5] * v
    length = np.sqrt(1 + slope_x**2 + slope_y**2)
    return slope_x / length, slope_y / length
