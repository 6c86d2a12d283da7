"""Smoothing of a flow that does not bend it: robust local affine fits on a coarse grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from scarmetrics.models import FloatImage

_RIDGE = 0.05  # in units of the window's variance; holds slopes down in thin slivers
_LEAST_SCATTER_PX = 1e-3
_ROUNDS = 3  # a plain fit, then two with what disagrees held down


def smooth_flow(flow: FloatImage, weight: FloatImage, sigma: float) -> FloatImage:
    """Local affine fits to a flow, robust against what moves unlike its surroundings.

    A Gaussian mean shortens every bend of the flow and is biased at the border of the skin; an
    affine map fitted in the same window (first-order normalised convolution [1]_) is exact for
    any linear flow. Points that disagree with the fit lose weight (biweight of Geman and
    McClure [2]_), so that the outline of a scar that shrank does not drag the skin along.

    Parameters
    ----------
    flow : ndarray of float32, shape (h, w, 2)
        (dx, dy) on a grid.
    weight : ndarray of float32, shape (h, w)
        How well each point's flow is known; not negative.
    sigma : float
        Standard deviation of the Gaussian window, in grid cells.

    Returns
    -------
    ndarray of float32, shape (h, w, 2)

    References
    ----------
    .. [1] H. Knutsson and C.-F. Westin, "Normalized and differential convolution",
       Proc. CVPR, 515-523 (1993).
    .. [2] M. J. Black and P. Anandan, "The robust estimation of multiple motions", Computer
       Vision and Image Understanding 63(1), 75-104 (1996).
    """
    fitted = _affine_fits(flow, weight, sigma)
    known = weight > 0.1 * float(weight.mean())
    for _ in range(_ROUNDS - 1):
        off = np.hypot(flow[..., 0] - fitted[..., 0], flow[..., 1] - fitted[..., 1])
        scatter = 1.4826 * float(np.median(off[known])) if known.any() else 0.0
        trust = weight / (1 + (off / (2 * scatter + _LEAST_SCATTER_PX)) ** 2) ** 2
        fitted = _affine_fits(flow, trust, sigma)
    return fitted


def _affine_fits(flow: FloatImage, weight: FloatImage, sigma: float) -> FloatImage:
    rows, cols = weight.shape
    x = (np.arange(cols, dtype=np.float32) - np.float32(cols / 2))[None, :] / np.float32(sigma)
    y = (np.arange(rows, dtype=np.float32) - np.float32(rows / 2))[:, None] / np.float32(sigma)

    def mean(moment: FloatImage) -> FloatImage:
        return cv2.GaussianBlur(moment, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)

    wx, wy = weight * x, weight * y
    # far from all that is known the fit fades into the grid's own mean
    total = mean(weight) + np.float32(1e-6 * max(float(weight.mean()), 1e-12))
    mx, my = mean(wx) / total, mean(wy) / total
    xx = mean(wx * x) / total - mx * mx + np.float32(_RIDGE)
    yy = mean(wy * y) / total - my * my + np.float32(_RIDGE)
    xy = mean(wx * y) / total - mx * my
    determinant = xx * yy - xy * xy
    fitted = np.empty_like(flow)
    for axis in (0, 1):
        along = flow[..., axis]
        mf = mean(weight * along) / total
        xf, yf = mean(wx * along) / total - mx * mf, mean(wy * along) / total - my * mf
        slope_x, slope_y = (yy * xf - xy * yf) / determinant, (xx * yf - xy * xf) / determinant
        fitted[..., axis] = mf + slope_x * (x - mx) + slope_y * (y - my)
    return fitted
