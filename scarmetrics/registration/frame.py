"""The working frame: both photographs' faces on one grid, as comparable skin texture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import RBFInterpolator

from scarmetrics.opencv import cv2
from scarmetrics.photometry import blur, log_luminance, masked_blur, warp_affine_reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.models import FloatImage, Image, Mask, Points

_NORMALISING_MM = 2.5  # mean and contrast at this scale are light, not texture
_SPLINE_SMOOTHING = 0.01  # landmarks scatter by about a pixel of the net's 256 px crop
_GRID = 40  # spline nodes along the longer side
_LEAST_CONTRAST = 0.003  # log luminance; less is quantisation, not skin


@dataclass(frozen=True, eq=False)
class WorkImage:
    """One photograph's face in the working frame.

    Attributes
    ----------
    texture : ndarray of float32, shape (h, w)
        Log luminance less its local mean, over its local standard deviation; 0 off the face.
    skin : ndarray of bool, shape (h, w)
        Skin of both sides.
    contrast : float
        Median local standard deviation of log luminance on the skin.
    """

    texture: FloatImage
    skin: Mask
    contrast: float

    @property
    def has_texture(self) -> bool:
        """Whether the skin shows more than quantisation noise."""
        return self.contrast > _LEAST_CONTRAST


def landmark_affine(
    fixed_points: Points, moving_points: Points, *, mirrored: bool
) -> NDArray[np.float64] | None:
    """Affine map of the fixed face's landmarks to the moving one's, shape (2, 3).

    None where the landmarks do not match, or match as each other's mirror image when they should
    not, or the other way round.
    """
    matrix, _ = cv2.estimateAffine2D(
        np.ascontiguousarray(fixed_points), np.ascontiguousarray(moving_points), method=cv2.LMEDS
    )
    if matrix is None or not np.isfinite(matrix).all():
        return None
    determinant = float(np.linalg.det(matrix[:, :2]))
    if (-determinant if mirrored else determinant) <= 0:
        return None
    return np.asarray(matrix, np.float64)


def working_frame(face: Face, zoom: float) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Map of the photograph into its face box at a zoom, shape (2, 3), and the box's size."""
    x0, y0, x1, y1 = face.box
    size = (max(32, round((x1 - x0) * zoom)), max(32, round((y1 - y0) * zoom)))
    # box corners, half a pixel outside the pixel centres, map to the frame's corners
    offset = zoom * (0.5 - np.array([x0, y0], np.float64)) - 0.5
    return np.column_stack([np.diag([zoom, zoom]), offset]), size


def work_image(
    image: Image,
    face: Face,
    to_work: NDArray[np.float64],
    size: tuple[int, int],
    work_mm_per_px: float,
) -> WorkImage:
    """Bring one photograph into the working frame.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        The photograph.
    face : Face
        Its face.
    to_work : ndarray of float64, shape (2, 3)
        Map of points (x, y) from the photograph to the frame.
    size : tuple of int
        (width, height) of the frame.
    work_mm_per_px : float
        The frame's resolution.

    Returns
    -------
    WorkImage
    """
    log = log_luminance(warp_affine_reduced(image, to_work, size))
    skin = _to_frame(face.skin_mask("left") | face.skin_mask("right"), to_work, size)
    inside = _to_frame(face.face_mask, to_work, size)
    sigma = _NORMALISING_MM / work_mm_per_px
    flat = log - masked_blur(log, inside, sigma)
    spread = np.sqrt(np.maximum(masked_blur(flat * flat, inside, sigma), 0))
    contrast = float(np.median(spread[skin])) if skin.any() else 0.0
    texture = np.where(inside, flat / np.maximum(spread, _LEAST_CONTRAST), 0).astype(np.float32)
    return WorkImage(texture, skin, contrast)


def _to_frame(mask: Mask, to_work: NDArray[np.float64], size: tuple[int, int]) -> Mask:
    return cv2.warpAffine(mask.astype(np.uint8), to_work, size, flags=cv2.INTER_NEAREST) > 0


def landmark_flow(fixed_points: Points, moving_points: Points, size: tuple[int, int]) -> FloatImage:
    """Smooth flow through the landmarks: a thin-plate spline [1]_ on a coarse grid.

    Parameters
    ----------
    fixed_points, moving_points : ndarray of float64, shape (K, 2)
        (x, y) of the same landmarks in the working frame.
    size : tuple of int
        (width, height) of the frame.

    Returns
    -------
    ndarray of float32, shape (height, width, 2)
        (dx, dy) in working px.

    References
    ----------
    .. [1] F. L. Bookstein, "Principal warps: thin-plate splines and the decomposition of
       deformations", IEEE TPAMI 11(6), 567-585 (1989).
    """
    width, height = size
    unit = float(max(size))
    spline = RBFInterpolator(
        fixed_points / unit,
        moving_points - fixed_points,
        kernel="thin_plate_spline",
        smoothing=_SPLINE_SMOOTHING,
    )
    x = np.linspace(0, width - 1, max(2, round(_GRID * width / unit)))
    y = np.linspace(0, height - 1, max(2, round(_GRID * height / unit)))
    nodes = np.stack(np.meshgrid(x, y), axis=-1)
    coarse = spline(nodes.reshape(-1, 2) / unit).reshape(nodes.shape).astype(np.float32)
    u, v = np.meshgrid(
        np.linspace(0, len(x) - 1, width, dtype=np.float32),
        np.linspace(0, len(y) - 1, height, dtype=np.float32),
    )
    return cv2.remap(coarse, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def local_correlation(
    first: FloatImage, second: FloatImage, mask: Mask, sigma_px: float
) -> FloatImage:
    """Correlation of two textures within a Gaussian window, shape (h, w), -1 to 1."""
    weight = mask.astype(np.float32)
    cross = blur(first * second * weight, sigma_px)
    energy = blur(first * first * weight, sigma_px) * blur(second * second * weight, sigma_px)
    return cross / np.sqrt(np.maximum(energy, 1e-12))
