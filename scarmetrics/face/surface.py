"""How much skin a pixel shows: tilt and distance of the surface behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask, Points

_MOST_CELLS = 420  # along the longer side of the mesh; about half a millimetre on a face
_SUBPIXEL_BITS = 4
_NEAREST = 0.1  # of the distance to the eyes; nothing of a face is nearer
_LEAST_COSINE = float(np.cos(np.radians(80.0)))  # steeper, a pixel says nothing about the skin


@dataclass(frozen=True, eq=False)
class Surface:
    """The surface that a photograph shows, on cells of a few pixels.

    Attributes
    ----------
    cosine : ndarray of float32, shape (m, n)
        Cosine of the angle between the surface's normal and the direction to the camera; at least
        that of 80°.
    magnification : ndarray of float32, shape (m, n)
        Area that a pixel would show of a surface that faces the camera there, in units of its area
        at the reference depth; 1 everywhere without perspective.
    corner_px : tuple of float
        (x, y) of the first cell's centre in the photograph.
    step_px : float
        Distance between cells.
    shape : tuple of int
        (M, N) of the photograph.
    """

    cosine: FloatImage
    magnification: FloatImage
    corner_px: tuple[float, float]
    step_px: float
    shape: tuple[int, int]

    def factor(self) -> FloatImage:
        """True area per projected area at each pixel, shape (M, N)."""
        return self._in_pixels(self.magnification / self.cosine)

    def factor_at(self, xy: Points) -> NDArray[np.float64]:
        """`factor` at points (x, y) of the photograph, shape (K, 2); shape (K,)."""
        cells = (xy - np.array(self.corner_px)) / self.step_px
        return np.asarray(
            map_coordinates(
                self.magnification / self.cosine, cells.T[::-1], order=1, mode="nearest"
            ),
            np.float64,
        )

    def cropped(self, box: tuple[int, int, int, int], binning: int = 1) -> Surface:
        """The surface in a part (x0, y0, x1, y1) of the photograph, on squares of its pixels."""
        x0, y0, x1, y1 = box
        x, y = self.corner_px
        centre = (binning - 1) / 2  # of a square's pixels
        return replace(
            self,
            corner_px=((x - x0 - centre) / binning, (y - y0 - centre) / binning),
            step_px=self.step_px / binning,
            shape=((y1 - y0) // binning, (x1 - x0) // binning),
        )

    def within(self, max_tilt_deg: float) -> Mask:
        """Pixels whose surface is tilted by no more than that, shape (M, N)."""
        return self._in_pixels(self.cosine) >= np.float32(np.cos(np.radians(max_tilt_deg)))

    def _in_pixels(self, cells: FloatImage) -> FloatImage:
        x, y = self.corner_px
        return cv2.warpAffine(
            cells,
            np.array([[self.step_px, 0, x], [0, self.step_px, y]]),
            self.shape[::-1],
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )


def mesh_surface(
    vertices: NDArray[np.float64],
    triangles: NDArray[np.intp],
    shape: tuple[int, int],
    *,
    focal_px: float | None = None,
) -> Surface:
    """Tilt and distance of a triangle mesh at each pixel.

    Normals are taken at the vertices, as the mean of the triangles around them weighted by area,
    and interpolated between them [1]_, so that facets do not show. Of surfaces that cover each
    other the nearest counts. Beyond the mesh the values of its nearest point are continued.

    With a focal length f, a pixel at (u, v) from the image's centre sees the area (Z/f)² over the
    scalar product of the normal and (u/f, v/f, 1) of a surface at depth Z, in units of its area at
    the depth f, where z is 0.

    Parameters
    ----------
    vertices : ndarray of float64, shape (K, 3)
        x, y in px with pixel centres at integers; z in px away from the camera. With a focal
        length, z counts from the depth at which the scale holds.
    triangles : ndarray of int, shape (T, 3)
        Indices of vertices.
    shape : tuple of int
        (M, N) of the photograph.
    focal_px : float, optional
        Distance from the camera to the depth z = 0, in pixels of the scale there. None is parallel
        projection: a camera that is far away.

    Returns
    -------
    Surface

    References
    ----------
    .. [1] B. T. Phong, "Illumination for computer generated pictures", Communications of the ACM
       18(6), 311-317 (1975).
    """
    low = np.floor(vertices[:, :2].min(axis=0))
    span = vertices[:, :2].max(axis=0) - low
    step = max(1.0, float(span.max()) / _MOST_CELLS)
    cols, rows = (np.ceil(span / step) + 1).astype(int).tolist()
    centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    nearness = 0.0 if focal_px is None else 1 / focal_px
    away = np.maximum(1 + nearness * vertices[:, 2:], _NEAREST)
    positions = np.column_stack([(vertices[:, :2] - centre) * away, vertices[:, 2]])
    values = _rasterise(
        np.column_stack([(vertices[:, :2] - low) / step, vertices[:, 2]]),
        triangles,
        np.column_stack([vertex_normals(positions, triangles), away]),
        (rows, cols),
    )
    normal = values[..., :3] / np.maximum(np.linalg.norm(values[..., :3], axis=2), 1e-6)[..., None]
    x = nearness * (low[0] + step * np.arange(cols) - centre[0])[None, :]
    y = nearness * (low[1] + step * np.arange(rows) - centre[1])[:, None]
    ray = np.sqrt(1 + x**2 + y**2)
    cosine = np.abs(normal[..., 0] * x + normal[..., 1] * y + normal[..., 2]) / ray
    return Surface(
        cosine=np.clip(cosine, _LEAST_COSINE, 1).astype(np.float32),
        magnification=(values[..., 3] ** 2 / ray).astype(np.float32),
        corner_px=(float(low[0]), float(low[1])),
        step_px=step,
        shape=shape,
    )


def vertex_normals(
    positions: NDArray[np.float64], triangles: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Unit normals of a mesh at its vertices, shape (K, 3), weighted by the triangles' areas."""
    a, b, c = (positions[triangles[:, i]] for i in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(positions)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], faces)
    return normals / np.maximum(np.linalg.norm(normals, axis=1), 1e-12)[:, None]


def _rasterise(
    cells: NDArray[np.float64],
    triangles: NDArray[np.intp],
    values: NDArray[np.float64],
    size: tuple[int, int],
) -> NDArray[np.float64]:
    """Values at the vertices, interpolated over the nearest triangle at each cell.

    Triangles are drawn from the farthest to the nearest. Cells that no triangle covers get the
    value of the nearest covered one.
    """
    seen = np.zeros(size, np.int16)  # 1 + the triangle that is seen, 0 for none
    points = np.round(cells[:, :2] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    farthest_first = np.argsort(-cells[triangles, 2].mean(axis=1), kind="stable")
    for i in farthest_first:
        cv2.fillConvexPoly(seen, points[triangles[i]], int(i) + 1, cv2.LINE_8, _SUBPIXEL_BITS)
    empty = seen == 0
    y, x = np.nonzero(~empty)
    which = seen[y, x] - 1
    a, b, c = (cells[triangles[:, corner], :2] for corner in range(3))
    one, two = b - a, c - a
    determinant = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    determinant = np.where(np.abs(determinant) < 1e-9, np.inf, determinant)[which]
    dx, dy = x - a[which, 0], y - a[which, 1]
    second = (two[which, 1] * dx - two[which, 0] * dy) / determinant
    third = (one[which, 0] * dy - one[which, 1] * dx) / determinant
    # a cell that the drawing reaches beyond a triangle's edge gets the edge's value
    weights = np.clip(np.stack([1 - second - third, second, third], axis=1), 0, 1)
    weights /= weights.sum(axis=1, keepdims=True)
    result = np.zeros((*size, values.shape[1]))
    result[y, x] = np.einsum("kc,kcv->kv", weights, values[triangles[which]])
    if empty.any() and not empty.all():
        _, nearest = cv2.distanceTransformWithLabels(
            empty.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        source = np.zeros(int(nearest.max()) + 1, np.intp)
        source[nearest[~empty]] = np.flatnonzero(~empty)
        result[empty] = result.reshape(-1, values.shape[1])[source[nearest[empty]]]
    return result
