"""The sides of a dark square on white, to a fraction of a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Points

_STEP_PX = 0.25
_REACH_CELLS = 0.75  # of the dark border inside, of the white one outside
_MAX_REACH_PX = 6.0
_ENDS = 0.08  # of a side near its corners that blur has rounded
_ROUNDS = 4
_LEAST_CONTRAST = 0.05  # relative luminance
_LEAST_SHARE = 0.6  # of a side on which its edge must show
_OUTLIER_MAD = 3.5
_CORRELATED = 2.0  # neighbouring profiles share pixels
_FLOOR_PX = 0.03  # no side is better known: optics, print


class NoSides(Exception):  # noqa: N818 - caught where it is meant, never seen by users
    """The square's sides do not show well enough."""


def refine_square(
    light: FloatImage, corners: Points, cells: int
) -> tuple[Points, NDArray[np.float64]]:
    """Corners of a dark square as the crossings of its sides.

    Each side is a line through the places where light crosses the middle between dark and white.
    A symmetric blur leaves that place alone, which is not so for the corner itself.

    Parameters
    ----------
    light : ndarray of float32, shape (M, N)
        Luminance, linear in light.
    corners : ndarray, shape (4, 2)
        About where the corners are, in order around the square.
    cells : int
        Width of the square in cells; the outermost are dark all around, and as much white lies
        around the square.

    Returns
    -------
    corners : ndarray of float64, shape (4, 2)
    covariance : ndarray of float64, shape (4, 2, 2)
        Of each corner's place, px².

    Raises
    ------
    NoSides
        If a side does not show.
    """
    corners = np.asarray(corners, float)
    lines: list[tuple[Points, NDArray[np.float64], NDArray[np.float64]]] = []
    for _ in range(_ROUNDS):
        middle = corners.mean(axis=0)
        lines = [_side(light, corners[i], corners[(i + 1) % 4], middle, cells) for i in range(4)]
        moved = np.array([_crossing(lines[i - 1], lines[i]) for i in range(4)])
        shift = float(np.abs(moved - corners).max())
        corners = moved
        if shift < 0.005:
            break
    covariance = np.array([_covariance(lines[i - 1], lines[i]) for i in range(4)])
    return corners, covariance


def _side(
    light: FloatImage, first: Points, second: Points, middle: Points, cells: int
) -> tuple[Points, NDArray[np.float64], NDArray[np.float64]]:
    """Two points of a side's line, its outward normal, and the variance of both points."""
    along = second - first
    length = float(np.hypot(*along))
    if length < 4:
        raise NoSides
    along /= length
    normal = np.array([along[1], -along[0]])
    depth = abs(float((middle - first) @ normal))
    if (middle - first) @ normal > 0:
        normal = -normal
    reach = min(_MAX_REACH_PX, _REACH_CELLS * 2 * depth / cells)
    place = np.linspace(_ENDS, 1 - _ENDS, max(8, round(length))) * length
    out = np.linspace(-reach, reach, 2 * max(4, round(reach / _STEP_PX)) + 1)
    xy = first + place[:, None, None] * along + out[None, :, None] * normal
    rows, cols = light.shape
    if xy.min() < 0 or xy[..., 0].max() > cols - 1 or xy[..., 1].max() > rows - 1:
        raise NoSides
    profiles = np.asarray(map_coordinates(light, [xy[..., 1], xy[..., 0]], order=1), float)
    offset, known = _edges(profiles, out)
    if known.mean() < _LEAST_SHARE:
        raise NoSides
    fit, variance = _line(place[known], offset[known])
    ends = np.array([fit[0], fit[0] + fit[1] * length])
    points = np.array([first + ends[0] * normal, second + ends[1] * normal])
    return points, normal, np.array([variance[0], variance[1]])


def _edges(
    profiles: NDArray[np.float64], out: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Where each profile, dark inside, crosses the middle between dark and white."""
    part = max(2, len(out) // 4)
    dark, white = profiles[:, :part].mean(axis=1), profiles[:, -part:].mean(axis=1)
    level = (dark + white) / 2
    above = profiles > level[:, None]
    rising = ~above[:, :-1] & above[:, 1:]
    step = rising.argmax(axis=1)
    row = np.arange(len(profiles))
    low, high = profiles[row, step], profiles[row, step + 1]
    offset = out[step] + (level - low) / np.maximum(high - low, 1e-9) * (out[1] - out[0])
    known = rising.any(axis=1) & (rising.sum(axis=1) == 1) & (white - dark > _LEAST_CONTRAST)
    return offset, known


def _line(
    place: NDArray[np.float64], offset: NDArray[np.float64]
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """A line through most of the offsets, and the variance at both ends of the side."""
    keep = np.ones(len(place), bool)
    fit = np.zeros(2)
    for _ in range(5):
        design = np.column_stack([np.ones(keep.sum()), place[keep]])
        fit = np.linalg.lstsq(design, offset[keep], rcond=None)[0]
        off = offset - fit[0] - fit[1] * place
        spread = 1.4826 * float(np.median(np.abs(off[keep]))) + 1e-6
        again = np.abs(off) < _OUTLIER_MAD * spread
        if again.sum() < _LEAST_SHARE * len(place) or (again == keep).all():
            break
        keep = again
    design = np.column_stack([np.ones(keep.sum()), place[keep]])
    rms2 = float(np.mean((offset[keep] - design @ fit) ** 2)) * _CORRELATED
    inverse = np.linalg.inv(design.T @ design) * rms2
    ends = np.array([[1.0, 0.0], [1.0, place[-1] + place[0]]])
    variance = np.einsum("ki,ij,kj->k", ends, inverse, ends) + _FLOOR_PX**2
    return fit, (float(variance[0]), float(variance[1]))


def _crossing(
    one: tuple[Points, NDArray[np.float64], NDArray[np.float64]],
    two: tuple[Points, NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    (a, b), (c, d) = one[0], two[0]
    matrix = np.column_stack([b - a, c - d])
    if abs(np.linalg.det(matrix)) < 1e-6 * np.linalg.norm(matrix) ** 2:
        raise NoSides
    crossing: NDArray[np.float64] = a + np.linalg.solve(matrix, c - a)[0] * (b - a)
    return crossing


def _covariance(
    before: tuple[Points, NDArray[np.float64], NDArray[np.float64]],
    after: tuple[Points, NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Of the corner where the end of one side meets the start of the next."""
    normals = np.array([before[1], after[1]])
    back = np.linalg.inv(normals)
    covariance: NDArray[np.float64] = back @ np.diag([before[2][1], after[2][0]]) @ back.T
    return covariance
