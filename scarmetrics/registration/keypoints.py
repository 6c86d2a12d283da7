"""Where registration starts on close-ups without a face: keypoints of the skin itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import to_uint8

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import Image, Mask, Points

_MOST_KEYPOINTS = 8000
_CONTRAST = 0.01  # SIFT's default 0.04 finds next to nothing on skin
_RATIO = 0.85  # Lowe's test
_LEAST_MATCHES = 8
_TOLERANCE_MM = 3.0  # skin bends by so much against one homography
_LEAST_INLIERS = 8
_LEAST_SHARE = 0.1
_MOST_STRETCH = 3.0  # of one direction against the other
_CONFIDENCE = 0.9999
_ITERATIONS = 5000


def keypoint_homography(
    fixed: tuple[Image, Mask], moving: tuple[Image, Mask], mm_per_px: float, work_mm_per_px: float
) -> NDArray[np.float64] | None:
    """Homography between two photographs of the same skin.

    SIFT keypoints [1]_ on the skin at the working resolution, contrast-limited equalisation before
    that, matches both ways, and a homography by MAGSAC++ [2]_.

    Parameters
    ----------
    fixed, moving : tuple of (ndarray, shape (M, N, 3), ndarray of bool, shape (M, N))
        Photographs and their skin.
    mm_per_px : float
        Scale of the fixed photograph.
    work_mm_per_px : float
        Resolution at which keypoints are sought, of both.

    Returns
    -------
    ndarray of float64, shape (3, 3), or None
        From the fixed to the moving photograph, points (x, y, 1). None where too few matches
        agree, or only with a map that mirrors or crushes.

    References
    ----------
    .. [1] D. G. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2),
       91-110 (2004).
    .. [2] D. Barath, J. Noskova, M. Ivashechkin, J. Matas, "MAGSAC++, a fast, reliable and
       accurate robust estimator", CVPR (2020).
    """
    zoom = min(1.0, mm_per_px / work_mm_per_px)
    (points_a, words_a), (points_b, words_b) = (
        _keypoints(image, skin, zoom) for image, skin in (fixed, moving)
    )
    if min(len(points_a), len(points_b)) < _LEAST_MATCHES:
        return None
    pairs = _matches(words_a, words_b)
    if len(pairs) < _LEAST_MATCHES:
        return None
    a, b = points_a[pairs[:, 0]], points_b[pairs[:, 1]]
    homography, agree = cv2.findHomography(
        a, b, cv2.USAC_MAGSAC, _TOLERANCE_MM / mm_per_px, None, _ITERATIONS, _CONFIDENCE
    )
    if homography is None or agree is None:
        return None
    inliers = int(agree.sum())
    if inliers < max(_LEAST_INLIERS, _LEAST_SHARE * len(pairs)):
        return None
    if not is_photographic(homography, a[agree.ravel() > 0].mean(axis=0)):
        return None
    return np.asarray(homography, np.float64)


def _keypoints(image: Image, skin: Mask, zoom: float) -> tuple[Points, NDArray[np.float32]]:
    """Keypoints (x, y) in the photograph's own pixels, and their descriptors."""
    rows, cols = skin.shape
    size = (max(1, round(cols * zoom)), max(1, round(rows * zoom)))
    small = to_uint8(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    where = cv2.resize(skin.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    gray = cv2.createCLAHE(3.0, (8, 8)).apply(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    sift = cv2.SIFT_create(nfeatures=_MOST_KEYPOINTS, contrastThreshold=_CONTRAST)
    found, words = sift.detectAndCompute(gray, where)
    if words is None:
        return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    per_px = np.array([cols / size[0], rows / size[1]])
    xy = np.array([point.pt for point in found], np.float64)
    return (xy + 0.5) * per_px - 0.5, words


def _matches(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.intp]:
    """Pairs of descriptors that choose each other and nothing else, shape (K, 2)."""
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    there, back = matcher.knnMatch(first, second, k=2), matcher.knnMatch(second, first, k=1)
    chosen = {one[0].queryIdx: one[0].trainIdx for one in back if one}
    pairs = [
        (best.queryIdx, best.trainIdx)
        for best, other in (pair for pair in there if len(pair) == 2)
        if best.distance < _RATIO * other.distance and chosen[best.trainIdx] == best.queryIdx
    ]
    return np.array(pairs, np.intp).reshape(-1, 2)


def is_photographic(homography: NDArray[np.float64], point: Points) -> bool:
    """Whether a homography could be that of two photographs at a point, shape (2,).

    It may neither show the mirror image, nor crush, nor lie beyond its own horizon.
    """
    u, v, w = homography @ [*point, 1.0]
    if w * homography[2, 2] <= 0:
        return False
    jacobian = (homography[:2, :2] - np.outer([u, v], homography[2, :2]) / w) / w
    large, small = np.linalg.svd(jacobian, compute_uv=False)
    return bool(np.linalg.det(jacobian) > 0 and large < _MOST_STRETCH * small)
