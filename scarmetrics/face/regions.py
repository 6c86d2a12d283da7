"""Which pixels are the skin of one side: landmark indices and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import Mask, Side

# Indices of the landmark model's mesh, each a closed ring unless said otherwise.
OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
# around the lids, not only the opening: lids crease with every blink
RIGHT_EYE = (226, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25)
LEFT_EYE = (446, 467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255)
RIGHT_BROW = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
LEFT_BROW = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)
LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
)  # fmt: skip
RIGHT_NOSTRIL = (98, 97, 2, 94, 141, 241, 238, 79, 218, 64)
LEFT_NOSTRIL = (327, 326, 2, 94, 370, 461, 458, 309, 438, 294)
ORBITS = (RIGHT_EYE + RIGHT_BROW, LEFT_EYE + LEFT_BROW)
RINGS = (LIPS, RIGHT_NOSTRIL, LEFT_NOSTRIL)
MIDLINE = (
    10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 164, 0, 11, 12, 13, 14, 15, 16, 17,
    18, 200, 199, 175, 152,
)  # fmt: skip
"""From the hairline over the nose to the chin; not closed."""

RIGHT_PUPIL, LEFT_PUPIL = 468, 473
_SUBPIXEL_BITS = 4


def outline_mask(landmarks: NDArray[np.float64], shape: tuple[int, int], margin_px: float) -> Mask:
    """Inside of the face outline, less a margin; shape (M, N)."""
    ring = landmarks[list(OUTLINE), :2]
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [_fixed_point(ring)], 255, cv2.LINE_8, _SUBPIXEL_BITS)
    _draw_ring(canvas, ring, margin_px, 0)
    return canvas > 0


def feature_mask(landmarks: NDArray[np.float64], shape: tuple[int, int], margin_px: float) -> Mask:
    """Eyes with lids and brows, lips and nostrils, with a margin around them; shape (M, N)."""
    canvas = np.zeros(shape, np.uint8)
    rings = [landmarks[list(feature), :2] for feature in RINGS]
    # one hull from brow to lower lid: the strip between them is a crease, not measurable skin
    rings += [_hull(landmarks[list(orbit), :2]) for orbit in ORBITS]
    for ring in rings:
        cv2.fillPoly(canvas, [_fixed_point(ring)], 255, cv2.LINE_8, _SUBPIXEL_BITS)
        _draw_ring(canvas, ring, margin_px, 255)
    return canvas > 0


def side_mask(landmarks: NDArray[np.float64], shape: tuple[int, int], side: Side) -> Mask:
    """The image on the given anatomical side of the face's midline; shape (M, N)."""
    line = landmarks[list(MIDLINE), :2]
    reach = 2.0 * float(np.hypot(*shape)) + float(np.abs(line).max())
    down = line[-1] - line[0]
    down /= max(float(np.hypot(*down)), 1e-9)
    line = np.concatenate([[line[0] - reach * down], line, [line[-1] + reach * down]])
    # with the face upright, anatomical left lies to the viewer's right
    to_left = np.array([down[1], -down[0]])
    far = line[[-1, 0]] + reach * to_left
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [_fixed_point(np.concatenate([line, far]))], 255, cv2.LINE_8, 4)
    left = canvas > 0
    return left if side == "left" else ~left


def _hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    hull = cv2.convexHull(points.astype(np.float32)).reshape(-1, 2)
    return np.asarray(hull, np.float64)


def _draw_ring(
    canvas: NDArray[np.uint8], ring: NDArray[np.float64], margin_px: float, value: int
) -> None:
    thickness = max(1, round(2 * margin_px))
    cv2.polylines(canvas, [_fixed_point(ring)], True, value, thickness, cv2.LINE_8, _SUBPIXEL_BITS)


def _fixed_point(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Points as OpenCV's fixed-point integers."""
    return np.round(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)
