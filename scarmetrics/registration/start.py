"""Where registration starts: landmarks of faces, keypoints of close-ups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face.mesh import N_MESH, mirror_order
from scarmetrics.opencv import cv2
from scarmetrics.photometry import skin_coloured
from scarmetrics.registration.frame import Subject
from scarmetrics.registration.keypoints import is_photographic, keypoint_homography
from scarmetrics.registration.landmarks import landmark_affine, landmark_flow
from scarmetrics.registration.result import apply_affine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.models import FloatImage, Image


@dataclass(frozen=True, eq=False)
class Start:
    """Where the flow starts.

    Attributes
    ----------
    work_to_moving : ndarray of float64, shape (2, 3)
        Affine map of points (x, y) of the working frame.
    flow, inverse_flow : ndarray of float32, shape (h, w, 2)
        What the affine map leaves, in working px, and the way back.
    """

    work_to_moving: NDArray[np.float64]
    flow: FloatImage
    inverse_flow: FloatImage


def face_subject(image: Image, face: Face) -> Subject:
    """A photograph of a face."""
    return Subject(
        image=image,
        skin=face.skin_mask("left") | face.skin_mask("right"),
        inside=face.face_mask,
        box=face.box,
        landmarks=face.landmarks[:N_MESH, :2],
    )


def mirrored_subject(subject: Subject) -> Subject:
    """The same photograph with the landmarks that its mirror image would have."""
    assert subject.landmarks is not None
    return replace(subject, landmarks=subject.landmarks[mirror_order()])


def closeup_subject(image: Image) -> Subject:
    """A photograph that is mostly skin."""
    skin = skin_coloured(image)
    rows, cols = image.shape[:2]
    return Subject(image=image, skin=skin, inside=skin, box=(0, 0, cols, rows), landmarks=None)


def start_from_landmarks(
    fixed: Subject,
    moving: Subject,
    to_work: NDArray[np.float64],
    size: tuple[int, int],
    *,
    mirrored: bool,
) -> Start | None:
    """An affine map and a spline through both faces' landmarks; None where they do not match."""
    assert fixed.landmarks is not None
    assert moving.landmarks is not None
    affine = landmark_affine(fixed.landmarks, moving.landmarks, mirrored=mirrored)
    if affine is None:
        return None
    work_to_moving = _compose(affine, cv2.invertAffineTransform(to_work))
    points = apply_affine(to_work, fixed.landmarks)
    moved = apply_affine(cv2.invertAffineTransform(work_to_moving), moving.landmarks)
    return Start(
        work_to_moving, landmark_flow(points, moved, size), landmark_flow(moved, points, size)
    )


def start_from_keypoints(
    fixed: Subject,
    moving: Subject,
    to_work: NDArray[np.float64],
    size: tuple[int, int],
    scales_mm: tuple[float, float],
) -> Start | None:
    """A homography through keypoints of the skin; None where too few match.

    Parameters
    ----------
    fixed, moving : Subject
        The photographs.
    to_work : ndarray of float64, shape (2, 3)
        Map of points from the fixed photograph to the working frame.
    size : tuple of int
        (width, height) of the frame.
    scales_mm : tuple of float
        Size of a pixel of the fixed photograph and of the frame.

    Returns
    -------
    Start or None
    """
    homography = keypoint_homography(
        (fixed.image, fixed.skin), (moving.image, moving.skin), *scales_mm
    )
    if homography is None:
        return None
    work_to_moving = homography @ np.vstack([cv2.invertAffineTransform(to_work), [0, 0, 1]])
    width, height = size
    places = np.array(
        [[0, 0], [width, 0], [0, height], [width, height], [width / 2, height / 2]], np.float64
    )
    if not all(is_photographic(work_to_moving, place) for place in places):
        return None
    flat = np.column_stack([places, np.ones(len(places))])
    moved = flat @ work_to_moving.T
    affine = np.linalg.lstsq(flat, moved[:, :2] / moved[:, 2:], rcond=None)[0].T
    rest = np.linalg.inv(np.vstack([affine, [0, 0, 1]])) @ work_to_moving
    inverse = np.linalg.inv(rest)
    if not all(is_photographic(inverse, place) for place in places):
        return None
    return Start(affine, _projective_flow(rest, size), _projective_flow(inverse, size))


def _projective_flow(homography: NDArray[np.float64], size: tuple[int, int]) -> FloatImage:
    width, height = size
    h = homography.astype(np.float32)
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in h)
    return np.dstack([u / w - x, v / w - y])


def _compose(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine map that applies `inner`, then `outer`."""
    linear = outer[:, :2] @ inner[:, :2]
    return np.column_stack([linear, outer[:, :2] @ inner[:, 2] + outer[:, 2]])
