"""Named regions of the face's skin, from the landmarks' mesh."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face.mesh import N_MESH, canonical_vertices, mesh_triangles, mirror_order
from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scarmetrics.models import Mask

REGIONS = ("forehead", "temple", "cheek", "nose", "perioral", "chin", "jaw")
"""Names of the regions; a region's label is its place here, counted from 1."""

# Rings of landmarks on the anatomical right side, from the midline outwards and back; the left
# side's are their mirror images. What is in none of them is cheek.
RIGHT_RINGS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "forehead": (10, 109, 67, 103, 68, 70, 46, 53, 52, 65, 55, 8, 9, 151),
        "temple": (103, 54, 21, 162, 127, 34, 143, 35, 226, 113, 46, 70, 68),
        "nose": (8, 193, 245, 188, 174, 217, 198, 209, 49, 129, 98, 97, 2, 94, 4, 195, 6, 168),
        "perioral": (2, 97, 98, 203, 206, 216, 212, 202, 204, 182, 83, 18, 17, 0, 164),
        "chin": (18, 83, 182, 204, 211, 170, 149, 176, 148, 152, 175, 199, 200),
        "jaw": (58, 215, 192, 214, 212, 202, 204, 211, 170, 149, 150, 136, 172),
    }
)
_SUBPIXEL_BITS = 4


@cache
def triangle_regions() -> NDArray[np.uint8]:
    """The region's label of each triangle of `mesh_triangles`, shape (898,)."""
    model, triangles, mirror = canonical_vertices(), mesh_triangles(), mirror_order()
    centres = model[triangles].mean(axis=1)
    mirrored = model[mirror[triangles]].mean(axis=1)
    centres = np.where(centres[:, :1] > 0, mirrored, centres)  # the right side's x is negative
    labels = np.full(len(triangles), REGIONS.index("cheek") + 1, np.uint8)
    for name, ring in RIGHT_RINGS.items():
        polygon = model[list(ring), :2].astype(np.float32)
        inside = [
            cv2.pointPolygonTest(polygon, (float(x), float(y)), False) > 0 for x, y, _ in centres
        ]
        labels[inside] = REGIONS.index(name) + 1
    return labels


def region_labels(landmarks: NDArray[np.float64], skin: Mask) -> NDArray[np.uint8]:
    """Which region each pixel of skin belongs to.

    Triangles are drawn from the farthest to the nearest, so that a nose covers the cheek behind it.

    Parameters
    ----------
    landmarks : ndarray of float64, shape (478, 3)
        x, y, z in px.
    skin : ndarray of bool, shape (M, N)
        The pixels to label.

    Returns
    -------
    ndarray of uint8, shape (M, N)
        0 off the skin, else 1 + the region's place in `REGIONS`.
    """
    triangles = mesh_triangles()
    points = np.round(landmarks[:N_MESH, :2] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    farthest_first = np.argsort(-landmarks[triangles, 2].mean(axis=1), kind="stable")
    canvas = np.zeros(skin.shape, np.uint8)
    labels = triangle_regions()
    for i in farthest_first:
        cv2.fillConvexPoly(canvas, points[triangles[i]], int(labels[i]), cv2.LINE_8, _SUBPIXEL_BITS)
    left_out = skin & (canvas == 0)
    if left_out.any() and canvas.any():
        canvas[left_out] = _nearest(canvas)[left_out]
    return np.where(skin, canvas, 0).astype(np.uint8)


def _nearest(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The label of the nearest labelled pixel at every pixel."""
    _, places = cv2.distanceTransformWithLabels(
        (labels == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(places.max()) + 1, np.uint8)
    values[places[labels > 0]] = labels[labels > 0]
    return values[places]
