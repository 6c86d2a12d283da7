"""A photograph of a face from the front, turned in depth: what a camera at an angle would see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from scarmetrics.face.mesh import mesh_triangles
from scarmetrics.face.surface import vertex_normals
from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    import scarmetrics as sm
    from scarmetrics.models import FloatImage, Image

_STEP_PX = 3
_FACING = 0.1  # vertices that are seen from the front at all
_FALL = 3.0  # how steeply the head falls away beyond the face
_SMOOTHING = 0.025  # of the interpupillary distance
_SLICES = 100


@dataclass(frozen=True, eq=False)
class Relief:
    """A photograph from the front and the depth of what it shows.

    Attributes
    ----------
    image : ndarray of uint8, shape (M, N, 3)
        RGB.
    depth : ndarray of float32, shape (M, N)
        Away from the camera, in px.
    pivot : tuple of float
        (x, z) of the axis that the head is turned about.
    """

    image: Image
    depth: FloatImage
    pivot: tuple[float, float]

    @property
    def area(self) -> FloatImage:
        """True area of the surface behind each pixel, in px²."""
        down, across = np.gradient(self.depth)
        return np.sqrt(1 + down**2 + across**2)


def relief_of(image: Image, face: sm.Face, depth_px: np.ndarray) -> Relief:
    """A smooth surface through the face's landmarks, continued backwards over the head.

    Parameters
    ----------
    image : ndarray of uint8, shape (M, N, 3)
        RGB, a face from the front.
    face : Face
        Its landmarks give x and y.
    depth_px : ndarray of float, shape (468,)
        Depth of each landmark: whatever is to be the truth.
    """
    rows, cols = face.shape
    unit = face.interpupillary_px
    vertices = np.column_stack([face.landmarks[:468, :2], depth_px])
    facing = vertex_normals(vertices, mesh_triangles())[:, 2]
    keep = facing * np.sign(np.median(facing)) > _FACING
    surface = RBFInterpolator(
        vertices[keep, :2] / unit, vertices[keep, 2] / unit, kernel="thin_plate_spline",
        smoothing=5e-4,
    )  # fmt: skip
    hull = cv2.convexHull(vertices[keep, :2].astype(np.float32)).reshape(-1, 2)
    rim = np.concatenate(
        [
            np.linspace(a, b, 25, endpoint=False)
            for a, b in zip(hull, np.roll(hull, -1, 0), strict=True)
        ]
    )
    x, y = np.meshgrid(np.arange(0, cols, _STEP_PX), np.arange(0, rows, _STEP_PX))
    points = np.column_stack([x.ravel(), y.ravel()]).astype(float)
    inside = np.array([cv2.pointPolygonTest(hull, (px, py), False) >= 0 for px, py in points])
    depth = np.zeros(len(points))
    depth[inside] = unit * surface(points[inside] / unit)
    at_rim = unit * surface(rim / unit)
    far, nearest = cKDTree(rim).query(points[~inside], k=30)
    weight = 1 / (far + 4) ** 2
    rim_depth = (at_rim[nearest] * weight).sum(axis=1) / weight.sum(axis=1)
    depth[~inside] = np.minimum(rim_depth + _FALL * far[:, 0], at_rim.max() + unit)
    whole = cv2.warpAffine(
        depth.reshape(x.shape).astype(np.float32), np.diag([_STEP_PX, _STEP_PX, 1.0])[:2],
        (cols, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    whole = cv2.GaussianBlur(whole, (0, 0), _SMOOTHING * unit)
    middle = float(face.landmarks[1, 0]), float(np.median(depth_px) + 0.3 * unit)
    return Relief(image, whole, middle)


def turned(relief: Relief, yaw_deg: float) -> tuple[Image, FloatImage]:
    """The photograph that a far camera takes of the head turned by a yaw.

    Parameters
    ----------
    relief : Relief
        The head from the front.
    yaw_deg : float
        Positive shows more of the anatomical left side.

    Returns
    -------
    image : ndarray of uint8, shape (M, N, 3)
        Rows stay where they are.
    source_x : ndarray of float32, shape (M, N)
        Column of the photograph from the front that each pixel shows; far outside for none.
    """
    cos, sin = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    rows, cols = relief.depth.shape
    x0, z0 = relief.pivot
    x, y = np.meshgrid(np.arange(cols, dtype=np.float32), np.arange(rows, dtype=np.float32))
    low, high = float(relief.depth.min()) - z0, float(relief.depth.max()) - z0
    ends = [-sin * side + cos * z for side in (-x0, cols - x0) for z in (low, high)]
    slices, thick = np.linspace(min(ends), max(ends), _SLICES, retstep=True)
    hit = np.full(relief.depth.shape, np.nan)
    far_behind = -100.0 * cols
    before = np.full(relief.depth.shape, far_behind)
    for away in slices:  # along each pixel's ray, to the first place behind the surface
        column = (cos * (x - x0) - sin * away + x0).astype(np.float32)
        surface = cv2.remap(
            relief.depth, column, y, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT, borderValue=10.0 * cols,
        )  # fmt: skip
        behind = sin * (x - x0) + cos * away + z0 - surface
        new = np.isnan(hit) & (behind >= 0) & (before > -3 * cols)
        share = np.where(new, before / np.minimum(before - behind, -1e-9), 0)
        hit[new] = (away - thick + share * thick)[new]
        before = np.where(behind < 0, behind, far_behind)
    source = np.where(np.isnan(hit), -1e4, cos * (x - x0) - sin * hit + x0).astype(np.float32)
    image = cv2.remap(relief.image, source, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT,
                      borderValue=(120, 120, 120))  # fmt: skip
    return image, source


def carried(labels: np.ndarray, source_x: FloatImage) -> np.ndarray:
    """Labels of the photograph from the front where the turned one shows them; 0 elsewhere."""
    plane = labels.astype(np.float32)
    return _looked_up(plane, source_x, cv2.INTER_NEAREST).astype(int)


def seen_area(relief: Relief, source_x: FloatImage) -> FloatImage:
    """True area of the surface behind each pixel of the turned photograph, in px²."""
    per_column = np.gradient(source_x, axis=1)
    return _looked_up(relief.area, source_x, cv2.INTER_LINEAR) * per_column


def _looked_up(plane: FloatImage, source_x: FloatImage, how: int) -> FloatImage:
    rows = np.arange(plane.shape[0], dtype=np.float32)[:, None] * np.ones_like(source_x)
    return cv2.remap(plane, source_x, rows, how, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
