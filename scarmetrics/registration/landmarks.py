"""Where registration starts on faces: an affine map and a spline through the landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import RBFInterpolator

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Points

_SPLINE_SMOOTHING = 0.01  # landmarks scatter by about a pixel of the net's 256 px crop
_GRID = 32  # spline nodes along the longer side


def landmark_affine(
    fixed_points: Points, moving_points: Points, *, mirrored: bool
) -> NDArray[np.float64] | None:
    """Affine map of the fixed face's landmarks to the moving one's, shape (2, 3).

    None where the landmarks do not match, or match as each other's mirror image when they should
    not, or the other way round.
    """
    matrix, _ = cv2.estimateAffine2D(
        np.ascontiguousarray(fixed_points), np.ascontiguousarray(moving_points), method=cv2.LMEDS
    )
    if matrix is None or not np.isfinite(matrix).all():
        return None
    determinant = float(np.linalg.det(matrix[:, :2]))
    if (-determinant if mirrored else determinant) <= 0:
        return None
    return np.asarray(matrix, np.float64)


def landmark_flow(fixed_points: Points, moving_points: Points, size: tuple[int, int]) -> FloatImage:
    """Smooth flow through the landmarks: a thin-plate spline [1]_ on a coarse grid.

    Parameters
    ----------
    fixed_points, moving_points : ndarray of float64, shape (K, 2)
        (x, y) of the same landmarks in the working frame.
    size : tuple of int
        (width, height) of the frame.

    Returns
    -------
    ndarray of float32, shape (height, width, 2)
        (dx, dy) in working px.

    References
    ----------
    .. [1] F. L. Bookstein, "Principal warps: thin-plate splines and the decomposition of
       deformations", IEEE TPAMI 11(6), 567-585 (1989).
    """
    width, height = size
    unit = float(max(size))
    spline = RBFInterpolator(
        fixed_points / unit,
        moving_points - fixed_points,
        kernel="thin_plate_spline",
        smoothing=_SPLINE_SMOOTHING,
    )
    x = np.linspace(0, width - 1, max(4, round(_GRID * width / unit)))
    y = np.linspace(0, height - 1, max(4, round(_GRID * height / unit)))
    nodes = np.stack(np.meshgrid(x, y), axis=-1)
    coarse = spline(nodes.reshape(-1, 2) / unit).reshape(nodes.shape).astype(np.float32)
    u, v = np.meshgrid(
        np.linspace(0, len(x) - 1, width, dtype=np.float32),
        np.linspace(0, len(y) - 1, height, dtype=np.float32),
    )
    return cv2.remap(coarse, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
