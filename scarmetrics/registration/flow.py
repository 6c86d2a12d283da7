"""Dense flow between two pictures in the working frame: where the skin's texture has gone.

Coarse to fine: dense inverse search at half resolution finds the way, then windowed least squares
follow the texture to a small part of a pixel, first on coarse texture and last on the finest,
which says least about a scar's outline and most about the skin around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.registration.smooth import smooth_flow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask
    from scarmetrics.registration.frame import WorkImage

FWHM_PER_SIGMA = 2.3548

CELL_PX = 3  # the flow is held on a grid of these cells while it is estimated
_GRAY_PER_SD = 40  # gray levels per local standard deviation, for the 8-bit search
_LEAST_SIGMA = 0.5  # of the smoothing, in grid cells: no window is narrower than its samples
_WINDOW = 0.63  # of the smoothing's sigma: the window of the least squares
_SEARCH_SMOOTHING = 2.4  # times the smoothing's sigma, after the search
_STEPS = ("coarse", "fine", "fine")
_TOLERANCE = {"coarse": 1.0, "fine": 0.5}  # difference of texture that halves a pixel's weight
_OFF_SKIN = 0.02  # weight of the rest of the face: eyes and lips move as they like
_LEAST_GRADIENT = 1e-3  # squared, in standard deviations per px; below it there is no texture
_MOST_PER_STEP_PX = 2.0


@dataclass(frozen=True, eq=False)
class Flow:
    """A dense flow and how far the texture agrees with it.

    Attributes
    ----------
    field : ndarray of float32, shape (h, w, 2)
        (dx, dy) in working px.
    unrest_px : ndarray of float32, shape of the grid
        Length of the last step, averaged over the smoothing: what the texture still asks for and
        the smoothing does not grant.
    """

    field: FloatImage
    unrest_px: FloatImage


def dense_flow(
    first: WorkImage, second: WorkImage, start: FloatImage, skin: Mask, smoothing_px: float
) -> Flow:
    """Flow from one picture to the other.

    Dense inverse search [1]_, then least squares in Gaussian windows [2]_ with the mean gradient
    of both pictures, every pixel weighted by how well it agrees (Geman-McClure), each step
    followed by robust local affine smoothing.

    Parameters
    ----------
    first, second : WorkImage
        Textures on one grid.
    start : ndarray of float32, shape (h, w, 2)
        Flow to start from, px.
    skin : ndarray of bool, shape (h, w)
        Skin of both pictures, in the first one's place.
    smoothing_px : float
        Full width at half maximum of the smoothing.

    Returns
    -------
    Flow

    References
    ----------
    .. [1] T. Kroeger, R. Timofte, D. Dai, L. Van Gool, "Fast optical flow using dense inverse
       search", ECCV (2016).
    .. [2] B. D. Lucas and T. Kanade, "An iterative image registration technique with an
       application to stereo vision", Proc. IJCAI, 674-679 (1981).
    """
    sigma = max(smoothing_px / FWHM_PER_SIGMA / CELL_PX, _LEAST_SIGMA)
    importance = np.where(skin, np.float32(1), np.float32(_OFF_SKIN))
    grid = _search(first.coarse, second.coarse, start)
    grid = smooth_flow(grid, to_grid(importance), _SEARCH_SMOOTHING * sigma)
    step = np.zeros_like(grid)
    for texture in _STEPS:
        a, b = getattr(first, texture), getattr(second, texture)
        field = from_grid(grid, first.shape)
        step, known = _least_squares(
            a, follow(b, field, cv2.INTER_CUBIC), importance, _WINDOW * sigma, _TOLERANCE[texture]
        )
        grid = smooth_flow(grid + step, known, sigma)
    unrest = cv2.GaussianBlur(np.hypot(step[..., 0], step[..., 1]), (0, 0), sigma)
    return Flow(from_grid(grid, first.shape), unrest)


def _search(first: FloatImage, second: FloatImage, start: FloatImage) -> FloatImage:
    """Flow on the grid by dense inverse search at half resolution, on top of the start."""
    solver = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    solver.setFinestScale(0)
    halves = [_half_gray(picture) for picture in (first, follow(second, start))]
    rest = np.asarray(solver.calc(halves[0], halves[1], None), np.float32) * 2
    rows, cols = first.shape
    rest = cv2.resize(rest, (cols, rows), interpolation=cv2.INTER_LINEAR)
    return to_grid(rest + follow(start, rest))


def _half_gray(texture: FloatImage) -> NDArray[np.uint8]:
    rows, cols = texture.shape
    size = (max(16, cols // 2), max(16, rows // 2))
    half = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
    return np.clip(128 + _GRAY_PER_SD * half, 0, 255).astype(np.uint8)


def _least_squares(
    first: FloatImage, second: FloatImage, importance: FloatImage, sigma: float, tolerance: float
) -> tuple[FloatImage, FloatImage]:
    """One step from the first picture to the second, on the grid.

    Returns the step, and how well it is known: the smaller eigenvalue of the normal equations.
    """
    mean = 0.5 * (first + second)
    gx = cv2.Scharr(mean, cv2.CV_32F, 1, 0, scale=1 / 32)
    gy = cv2.Scharr(mean, cv2.CV_32F, 0, 1, scale=1 / 32)
    difference = second - first
    weight = importance / (1 + (difference / np.float32(tolerance)) ** 2)
    wx, wy = weight * gx, weight * gy

    def window(moment: FloatImage) -> FloatImage:
        return cv2.GaussianBlur(to_grid(moment), (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)

    xx, yy = window(wx * gx) + _LEAST_GRADIENT, window(wy * gy) + _LEAST_GRADIENT
    xy, xd, yd = window(wx * gy), window(wx * difference), window(wy * difference)
    determinant = xx * yy - xy * xy
    step = np.dstack([(xy * yd - yy * xd) / determinant, (xy * xd - xx * yd) / determinant])
    half_trace = 0.5 * (xx + yy)
    least = half_trace - np.sqrt(np.maximum(half_trace * half_trace - determinant, 0))
    known = np.maximum(least - _LEAST_GRADIENT, 0) + np.float32(1e-6)
    return np.clip(step, -_MOST_PER_STEP_PX, _MOST_PER_STEP_PX), known


def to_grid(values: FloatImage) -> FloatImage:
    """Means over the grid's cells; the last ones may reach beyond the frame."""
    rows, cols = values.shape[:2]
    down, right = -rows % CELL_PX, -cols % CELL_PX
    padded = cv2.copyMakeBorder(values, 0, down, 0, right, cv2.BORDER_REPLICATE)
    size = ((cols + right) // CELL_PX, (rows + down) // CELL_PX)
    return cv2.resize(padded, size, interpolation=cv2.INTER_AREA)


def from_grid(grid: FloatImage, shape: tuple[int, int]) -> FloatImage:
    """Values of the grid at every pixel of a frame of shape (h, w); exact where they are linear."""
    rows, cols = shape
    size = (grid.shape[1] * CELL_PX, grid.shape[0] * CELL_PX)
    # bicubic with OpenCV's kernel ripples on a slope; a mean of the bilinear does not
    whole = cv2.blur(cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR), (CELL_PX, CELL_PX))
    return np.ascontiguousarray(whole[:rows, :cols])


def inverse_flow(flow: FloatImage, start: FloatImage, steps: int = 12) -> FloatImage:
    """The inverse of a smooth flow on the same grid, by fixed-point iteration."""
    inverse = start
    for _ in range(steps):
        inverse = -follow(flow, inverse)
    return inverse


def follow(
    values: NDArray[Any], flow: FloatImage, interpolation: int = cv2.INTER_LINEAR
) -> NDArray[Any]:
    """Values read where the flow leads."""
    rows, cols = flow.shape[:2]
    # two maps: with one of two channels, OpenCV 5.0's linear remap reads an empty second one
    x = flow[..., 0] + np.arange(cols, dtype=np.float32)[None, :]
    y = flow[..., 1] + np.arange(rows, dtype=np.float32)[:, None]
    return cv2.remap(values, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
