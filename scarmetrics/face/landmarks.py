"""478 landmarks of one face, in three passes."""

from __future__ import annotations

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
    eye_line = np.array(box.left_eye) - np.array(box.right_eye)
    fits = [_fit(image, box, line) for line in (eye_line, -eye_line)]
    return max(fits, key=lambda fit: fit[1])


def _fit(
    image: NDArray[np.uint8], box: FaceBox, eye_line: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    centre, size = np.array(box.centre), box.size_px
    for _ in range(_PASSES):
        landmarks, presence = _fit_once(image, centre, size, eye_line)
        eye_line = landmarks[LEFT_EYE_CORNER, :2] - landmarks[RIGHT_EYE_CORNER, :2]
        level = _rotation(eye_line)
        turned = landmarks[:, :2] @ level.T
        low, high = turned.min(axis=0), turned.max(axis=0)
        centre, size = level.T @ ((low + high) / 2), float((high - low).max())
    return landmarks, presence


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
    back = cv2.invertAffineTransform(to_crop)
    landmarks[:, :2] = landmarks[:, :2] @ back[:, :2].T + back[:, 2]
    landmarks[:, 2] /= zoom
    presence = 1 / (1 + np.exp(-float(np.clip(logit.reshape(-1)[0], -50, 50))))
    return landmarks, float(presence)
