"""The scale from the irises, whose width differs little between people: a last resort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.scale.result import ScaleNotFound
from scarmetrics.units import PixelScale

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Landmarks of the anatomical right and left eye.
_ACROSS = ((469, 471), (474, 476))  # the iris at its widest
_LIDS = ((159, 145), (386, 374))
_OPEN = 0.4  # opening of the lids in widths of the iris: below it the pupil's height is covered
_MAX_YAW_DEG = 30.0
_LEAST_PX = 8.0
# The net draws irises wider than they are: 12.5 and 13.1 mm in the median of two sets of faces
# if the pupils are 63 mm apart, where people's are 11.7.
_NET_REL_SD = 0.08


def iris_scale(
    landmarks: NDArray[np.float64],
    yaw_deg: float,
    *,
    iris_mm: float = 11.7,
    iris_sd_mm: float = 0.5,
) -> PixelScale | ScaleNotFound:
    """Scale at the eyes from the width of the irises [1]_.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 3)
        Of the face; x and y in px.
    yaw_deg : float
        Turn of the head. An eye that looks straight ahead is foreshortened by its cosine, one
        that looks into the camera is not; the first is taken, and the difference is part of the
        uncertainty.
    iris_mm, iris_sd_mm : float, optional
        Horizontal width of the visible iris, mean and standard deviation among people.

    Returns
    -------
    PixelScale or ScaleNotFound
        Of source ``iris``. `ScaleNotFound` is falsy and says why.

    References
    ----------
    .. [1] F. Rüfer, A. Schröder, C. Erb, "White-to-white corneal diameter: normal values in
       healthy humans obtained with the Orbscan II topography system", Cornea 24(3), 259-261
       (2005).
    """
    across = _distances(landmarks, _ACROSS)
    opening = _distances(landmarks, _LIDS) / np.maximum(across, 1e-9)
    if opening.min() < _OPEN:
        return ScaleNotFound(
            "iris_eyes_closed",
            f"an eye is open by {opening.min():.2f} of the iris's width, {_OPEN:g} needed",
        )
    if abs(yaw_deg) > _MAX_YAW_DEG:
        return ScaleNotFound(
            "iris_turned", f"the head is turned by {abs(yaw_deg):.0f}°, at most {_MAX_YAW_DEG:g}°"
        )
    if across.min() < _LEAST_PX:
        return ScaleNotFound(
            "iris_too_small", f"an iris is {across.min():.1f} px wide, {_LEAST_PX:g} needed"
        )
    cosine = float(np.cos(np.radians(yaw_deg)))
    mean_px = float(across.mean()) / cosine
    parts = (
        iris_sd_mm / iris_mm,
        _NET_REL_SD,
        abs(float(across[0] - across[1])) / (2 * float(across.mean())),
        (1 - cosine) / cosine,
    )
    return PixelScale(iris_mm / mean_px, float(np.linalg.norm(parts)), "iris")


def _distances(
    landmarks: NDArray[np.float64], pairs: tuple[tuple[int, int], ...]
) -> NDArray[np.float64]:
    ends = landmarks[np.array(pairs), :2]
    distances: NDArray[np.float64] = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    return distances
