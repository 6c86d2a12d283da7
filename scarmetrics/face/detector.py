"""Where faces are: BlazeFace boxes with eye positions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face.nets import run_net
from scarmetrics.opencv import cv2
from scarmetrics.photometry import warp_affine_reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INPUT_PX = 128
_ANCHOR_GRIDS = ((16, 2), (8, 6))  # cells per side, anchors per cell
_MIN_SCORE = 0.5
_OVERLAP = 0.3


@dataclass(frozen=True)
class FaceBox:
    """A detected face.

    Attributes
    ----------
    centre : tuple of float
        (x, y) of the box in px.
    size_px : float
        Longer side of the box.
    right_eye, left_eye : tuple of float
        (x, y) in px, anatomical sides.
    score : float
        Confidence, 0 to 1.
    """

    centre: tuple[float, float]
    size_px: float
    right_eye: tuple[float, float]
    left_eye: tuple[float, float]
    score: float


def detect_boxes(image: NDArray[np.uint8]) -> list[FaceBox]:
    """Faces in an image, largest first.

    The image is tried as it is, with a border (for a face that fills the frame) and turned by
    35° either way (for a tilted head), until a face is found.

    Parameters
    ----------
    image : ndarray of uint8, shape (M, N, 3)
        RGB.

    Returns
    -------
    list of FaceBox
        Without overlaps; empty when no face is found.
    """
    for border, turn_deg in ((1.0, 0.0), (1.6, 0.0), (1.2, 35.0), (1.2, -35.0)):
        boxes = _detect_once(image, border, turn_deg)
        if boxes:
            return sorted(boxes, key=lambda box: -box.size_px)
    return []


def _detect_once(image: NDArray[np.uint8], border: float, turn_deg: float) -> list[FaceBox]:
    height, width = image.shape[:2]
    scale = _INPUT_PX / (border * max(height, width))
    to_input = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn_deg, scale)
    to_input[:, 2] += (_INPUT_PX - 1) / 2 - np.array([(width - 1) / 2, (height - 1) / 2])
    small = warp_affine_reduced(image, to_input, (_INPUT_PX, _INPUT_PX))
    blob = cv2.dnn.blobFromImage(small, 1 / 127.5, mean=(127.5, 127.5, 127.5))
    regressors, logits = run_net("face_detector.tflite", blob, ("regressors", "classificators"))
    scores = 1 / (1 + np.exp(-np.clip(logits.reshape(-1).astype(np.float64), -50, 50)))
    keep = scores >= _MIN_SCORE
    if not keep.any():
        return []
    raw = regressors.reshape(-1, 16).astype(np.float64)[keep]
    points = raw.reshape(-1, 8, 2).copy()
    points[:, [0, 2, 3, 4, 5, 6, 7]] += _anchors()[keep][:, None, :] * _INPUT_PX
    back = cv2.invertAffineTransform(to_input)
    spots = points[:, [0, 2, 3]] - 0.5  # the net counts from pixel corners
    spots = spots @ back[:, :2].T + back[:, 2]
    sizes = raw[:, 2:4].max(axis=1) / scale
    return _without_overlaps(spots, sizes, scores[keep])


def _without_overlaps(
    spots: NDArray[np.float64], sizes: NDArray[np.float64], scores: NDArray[np.float64]
) -> list[FaceBox]:
    corners = np.column_stack([spots[:, 0] - sizes[:, None] / 2, sizes, sizes])
    order = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), _MIN_SCORE, _OVERLAP)
    return [
        FaceBox(
            centre=(float(spots[i, 0, 0]), float(spots[i, 0, 1])),
            size_px=float(sizes[i]),
            right_eye=(float(spots[i, 1, 0]), float(spots[i, 1, 1])),
            left_eye=(float(spots[i, 2, 0]), float(spots[i, 2, 1])),
            score=float(scores[i]),
        )
        for i in np.asarray(order).reshape(-1)
    ]


@cache
def _anchors() -> NDArray[np.float64]:
    """Anchor centres as fractions of the input, shape (896, 2)."""
    rows = []
    for cells, per_cell in _ANCHOR_GRIDS:
        centre = (np.arange(cells) + 0.5) / cells
        x, y = np.meshgrid(centre, centre)
        rows.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), per_cell, axis=0))
    return np.concatenate(rows)
