"""478 landmarks of one face, in three passes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face.nets import run_net
from scarmetrics.opencv import cv2
from scarmetrics.photometry import warp_affine_reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.face.detector import FaceBox

_CROP_PX = 256
_CROP_MARGIN = 1.5
_PASSES = 3
_FINEST = 2.0  # px of the reduced photograph for each px of the crop, against aliasing
_SURROUNDINGS = 2.0  # reach of a crop around the detector's box, in sizes of that
N_LANDMARKS = 478
RIGHT_EYE_CORNER, LEFT_EYE_CORNER = 33, 263


def fit_landmarks(image: NDArray[np.uint8], box: FaceBox) -> tuple[NDArray[np.float64], float]:
    """Landmarks of the face in a box.

    The crop is turned until the eyes are level. The detector takes faces that are upside down for
    upright ones, which would swap the sides: both ways are tried and the likelier is kept. Each
    further pass crops by the landmarks of the one before, which is what makes tilted and off-centre
    faces precise.

    Parameters
    ----------
    image : ndarray of uint8, shape (M, N, 3)
        RGB.
    box : FaceBox
        Where the face is.

    Returns
    -------
    landmarks : ndarray of float64, shape (478, 3)
        x, y in px with pixel centres at integers; z in the same unit, away from the camera.
    presence : float
        Probability that the crop holds a face.
    """
    zoom = min(1.0, _FINEST * _CROP_PX / (_CROP_MARGIN * max(box.size_px, 1.0)))
    small, to_small = _reduced(image, box, zoom)
    centre = _through(to_small, np.array([box.centre]))[0]
    eyes = _through(to_small, np.array([box.right_eye, box.left_eye]))
    upright = _Fit(centre, box.size_px * zoom, eyes[1] - eyes[0])
    fits = [upright, replace(upright, eye_line=eyes[0] - eyes[1])]
    for _ in range(_PASSES):
        fits = [_next(small, fit) for fit in fits]
    best = max(fits, key=lambda fit: fit.presence)
    landmarks = best.landmarks.copy()
    landmarks[:, :2] = _through(cv2.invertAffineTransform(to_small), landmarks[:, :2])
    landmarks[:, 2] /= zoom
    return landmarks, best.presence


@dataclass(frozen=True, eq=False)
class _Fit:
    """Where to crop, and what the net saw in the crop before."""

    centre: NDArray[np.float64]
    size_px: float
    eye_line: NDArray[np.float64]
    presence: float = 0.0
    landmarks: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))


def _next(image: NDArray[np.uint8], fit: _Fit) -> _Fit:
    """One pass: landmarks of a crop, and the crop that follows from them."""
    landmarks, presence = _fit_once(image, fit.centre, fit.size_px, fit.eye_line)
    eye_line = landmarks[LEFT_EYE_CORNER, :2] - landmarks[RIGHT_EYE_CORNER, :2]
    level = _rotation(eye_line)
    turned = landmarks[:, :2] @ level.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    centre, size_px = level.T @ ((low + high) / 2), float((high - low).max())
    return _Fit(centre, size_px, eye_line, presence, landmarks)


def _reduced(
    image: NDArray[np.uint8], box: FaceBox, zoom: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The surroundings of a face at a zoom, averaged once for all passes, and the map there."""
    reach = _SURROUNDINGS * box.size_px
    rows, cols = image.shape[:2]
    low = np.floor(np.array(box.centre) - reach)
    high = np.ceil(np.array(box.centre) + reach)
    x0, y0 = np.clip(low, 0, [cols - 1, rows - 1]).astype(int)
    x1, y1 = np.clip(high, [x0 + 1, y0 + 1], [cols, rows]).astype(int)
    part = image[y0:y1, x0:x1]
    if zoom < 1:
        size = (max(1, round((x1 - x0) * zoom)), max(1, round((y1 - y0) * zoom)))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    height, width = part.shape[:2]
    kx, ky = width / (x1 - x0), height / (y1 - y0)
    # a pixel centre at x lies at (x + 0.5) k - 0.5 of the reduced part
    to_small = np.array([[kx, 0, (0.5 - x0) * kx - 0.5], [0, ky, (0.5 - y0) * ky - 0.5]])
    return part, to_small


def _through(affine: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    return xy @ affine[:, :2].T + affine[:, 2]


def _rotation(eye_line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation that makes the line from right to left eye horizontal."""
    cos, sin = eye_line / max(float(np.hypot(*eye_line)), 1e-9)
    return np.array([[cos, sin], [-sin, cos]])


def _fit_once(
    image: NDArray[np.uint8],
    centre: NDArray[np.float64],
    size_px: float,
    eye_line: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    zoom = _CROP_PX / (_CROP_MARGIN * max(size_px, 1.0))
    linear = zoom * _rotation(eye_line)
    middle = np.full(2, (_CROP_PX - 1) / 2)
    to_crop = np.column_stack([linear, middle - linear @ centre])
    crop = warp_affine_reduced(image, to_crop, (_CROP_PX, _CROP_PX))
    blob = cv2.dnn.blobFromImage(crop, 1 / 255)
    points, logit = run_net("face_landmarks_detector.tflite", blob, ("Identity", "Identity_1"))
    landmarks = points.reshape(N_LANDMARKS, 3).astype(np.float64)
    landmarks[:, :2] -= 0.5  # the net counts from pixel corners
    landmarks[:, :2] = _through(cv2.invertAffineTransform(to_crop), landmarks[:, :2])
    landmarks[:, 2] /= zoom
    presence = 1 / (1 + np.exp(-float(np.clip(logit.reshape(-1)[0], -50, 50))))
    return landmarks, float(presence)
