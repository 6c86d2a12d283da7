"""The scale at a flat thing of known size, however it is tilted, from points on it.

Foreshortening is not distance. What is wanted is mm per px in the frontal plane through the
middle of the thing, so its pose is fitted: a pinhole camera whose distance is known, or nearly
unknown, and whose optical axis meets the photograph near its middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import Points

_UNIT_PER_MM = 1e-3  # inverse distances are fitted in 1/m
_DISTANCE_REL_SD = 0.1  # a thing near the face is not exactly at the declared distance
_UNKNOWN_DISTANCE = (1.0, 1.0)  # mean and sd of the inverse distance in 1/m
_PRINCIPAL_POINT_SD = 0.05  # of the photograph's longer side: photographs are cropped


@dataclass(frozen=True)
class PlaneScale:
    """Scale at a flat thing.

    Attributes
    ----------
    mm_per_px : float
        In the frontal plane through the middle of the thing.
    rel_sd : float
        Its relative standard deviation, from the points' uncertainty and from what is not known
        of the camera.
    tilt_deg : float
        Angle between the thing and the frontal plane.
    corners_px : ndarray of float64, shape (K, 2)
        The points that it was fitted to.
    outline_px : ndarray of float64, shape (4, 2)
        Corners of what the thing covers in the photograph.
    """

    mm_per_px: float
    rel_sd: float
    tilt_deg: float
    corners_px: Points
    outline_px: Points


@dataclass(frozen=True)
class _Camera:
    middle_px: NDArray[np.float64]
    principal_sd_px: float
    inverse: tuple[float, float]  # mean and sd of the inverse distance, 1/m


@dataclass(frozen=True)
class _Solution:
    log_mm_per_px: float
    variance: float
    chi2: float
    tilt_deg: float


def fit_plane(
    points_mm: Points,
    points_px: Points,
    *,
    outline_mm: Points,
    covariance_px2: NDArray[np.float64],
    shape: tuple[int, int],
    camera_distance_mm: float | None = None,
) -> PlaneScale:
    """Fit the pose of a flat thing and the scale at its middle.

    With one camera and a plane in weak perspective, the longest axis of the ellipse that a circle
    becomes is not foreshortened and gives the scale [1]_. Close to the camera and off its axis
    that is wrong by a percent or so, so the perspective is fitted as well, with what is known of
    the distance as prior. The two poses that weak perspective cannot tell apart are both fitted
    and weighed by how well they explain the points.

    Parameters
    ----------
    points_mm : ndarray, shape (K, 2)
        Points on the thing, its middle at (0, 0), x and y in the same sense as in the image;
        at least four.
    points_px : ndarray, shape (K, 2)
        Where they are seen; pixel centres at integers.
    outline_mm : ndarray, shape (4, 2)
        Corners of the whole thing.
    covariance_px2 : ndarray, shape (K, 2, 2)
        Of each point's place.
    shape : tuple of int
        (M, N) of the photograph.
    camera_distance_mm : float, optional
        Distance from the camera to the face.

    Returns
    -------
    PlaneScale

    References
    ----------
    .. [1] T. Collins, A. Bartoli, "Infinitesimal plane-based pose estimation", Int. J. Comput.
       Vis. 109, 252-286 (2014).
    """
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    near = (
        _UNKNOWN_DISTANCE
        if camera_distance_mm is None
        else (1e3 / camera_distance_mm, _DISTANCE_REL_SD * 1e3 / camera_distance_mm)
    )
    camera = _Camera(middle, _PRINCIPAL_POINT_SD * max(shape), near)
    whiten = np.linalg.inv(np.linalg.cholesky(covariance_px2))
    homography = np.asarray(cv2.findHomography(points_mm, points_px)[0], float)
    centre_px, mm_per_px, rotations = _weak_perspective(homography / homography[2, 2])
    outline_px = cv2.perspectiveTransform(outline_mm[None].astype(float), homography)[0]
    solutions = [
        _fit(points_mm, points_px, whiten, camera, (centre_px, mm_per_px, rotation))
        for rotation in rotations
    ]
    return _weighed(solutions, points_px, outline_px)


def _weak_perspective(h: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, list[Rotation]]:
    """Middle, scale and both rotations from the homography's affine part at the middle."""
    centre = h[:2, 2]
    affine = h[:2, :2] - np.outer(centre, h[2, :2])  # px per mm
    u, axes, vt = np.linalg.svd(affine)
    cosine = axes[1] / axes[0]
    sine = np.sqrt(1 - cosine**2)
    rotations = []
    for sign in (1.0, -1.0):
        top = u @ np.diag([1.0, cosine]) @ vt
        columns = np.vstack([top, sign * sine * vt[1]])
        third = np.cross(columns[:, 0], columns[:, 1])
        rotations.append(Rotation.from_matrix(np.column_stack([columns, third])))
    return centre, float(1 / axes[0]), rotations


def _fit(
    points_mm: Points,
    points_px: Points,
    whiten: NDArray[np.float64],
    camera: _Camera,
    start: tuple[NDArray[np.float64], float, Rotation],
) -> _Solution:
    centre_px, mm_per_px, rotation = start
    inside = np.column_stack([points_mm, np.zeros(len(points_mm))])
    mean, sd = camera.inverse

    def residuals(x: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = (rotation * Rotation.from_rotvec(x[3:6])).apply(inside)
        principal = camera.middle_px + camera.principal_sd_px * x[7:9]
        offset = centre_px + x[1:3] - principal
        per_mm = np.exp(-x[0]) / mm_per_px
        inverse_mm = (mean + sd * x[6]) * _UNIT_PER_MM
        seen = (offset + per_mm * turned[:, :2]) / (1 + inverse_mm * turned[:, 2:]) + principal
        off = np.einsum("kij,kj->ki", whiten, seen - points_px)
        return np.concatenate([off.ravel(), x[6:9]])

    found = least_squares(residuals, np.zeros(9), method="lm", x_scale="jac")
    jacobian = np.asarray(found.jac, float)
    normal = jacobian.T @ jacobian
    dof = len(found.fun) - 9
    chi2 = float(found.fun @ found.fun)
    # points that fit no flat square, more than their own noise allows, tell of bent paper
    variance = float(np.linalg.pinv(normal, hermitian=True)[0, 0]) * max(1.0, chi2 / dof)
    normal_z = (rotation * Rotation.from_rotvec(found.x[3:6])).as_matrix()[2, 2]
    tilt = float(np.degrees(np.arccos(np.clip(normal_z, -1, 1))))
    return _Solution(float(np.log(mm_per_px) + found.x[0]), variance, chi2, tilt)


def _weighed(solutions: list[_Solution], points_px: Points, outline_px: Points) -> PlaneScale:
    best = min(solutions, key=lambda one: one.chi2)
    weights = np.exp([(best.chi2 - one.chi2) / 2 for one in solutions])
    weights /= weights.sum()
    values = np.array([one.log_mm_per_px for one in solutions])
    mean = float(weights @ values)
    variance = float(weights @ [one.variance for one in solutions] + weights @ (values - mean) ** 2)
    return PlaneScale(
        float(np.exp(mean)), float(np.sqrt(variance)), best.tilt_deg, points_px, outline_px
    )
