"""A marker of which the photograph's edge has cut a part: to name what is wrong, not to measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scarmetrics.models import Points

_LEVELS = range(50, 200, 25)
_LEAST_PX = 15  # extent of what may be a part of a marker
_STRAIGHT = 0.03  # of a contour's length: its corners
_AT_EDGE_PX = 2.5
_WHOLE_LENGTHS = np.arange(0.5, 1.55, 0.05)  # of the cut sides, in units of the whole one
_INSIDE_CELLS = 0.3
_LEAST_BITS = 0.45  # share of the code that must be seen


def marker_at_edge(gray: NDArray[np.uint8], known: Any, marker_id: int | None) -> bool:
    """Whether a part of a marker touches the edge of the photograph.

    Parameters
    ----------
    gray : ndarray of uint8, shape (M, N)
        The photograph.
    known : cv2.aruco.Dictionary
        Which markers.
    marker_id : int or None
        Which of them; None is any.

    Returns
    -------
    bool
    """
    codes = _codes(known, marker_id)
    for level in _LEVELS:
        dark = np.pad((gray < level).astype(np.uint8), 1)
        contours, _ = cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            outline = contour.reshape(-1, 2) - 1
            if np.ptp(outline, axis=0).min() < _LEAST_PX or not _at_edge(outline, gray).any():
                continue
            if any(_decodes(gray, corners, codes) for corners in _whole_squares(outline, gray)):
                return True
    return False


def _codes(known: Any, marker_id: int | None) -> NDArray[np.bool_]:
    """White cells of every marker in all four rotations, shape (K, cells, cells)."""
    cells = known.markerSize + 2
    numbers = range(len(known.bytesList)) if marker_id is None else [marker_id]
    drawn = [cv2.aruco.generateImageMarker(known, number, cells) > 0 for number in numbers]
    return np.array([np.rot90(code, turn) for code in drawn for turn in range(4)])


def _at_edge(points: NDArray[Any], gray: NDArray[np.uint8]) -> NDArray[np.bool_]:
    rows, cols = gray.shape
    x, y = points[:, 0], points[:, 1]
    beyond_x = (x < _AT_EDGE_PX) | (x > cols - 1 - _AT_EDGE_PX)
    at_edge: NDArray[np.bool_] = beyond_x | (y < _AT_EDGE_PX) | (y > rows - 1 - _AT_EDGE_PX)
    return at_edge


def _whole_squares(outline: NDArray[np.intp], gray: NDArray[np.uint8]) -> Iterator[Points]:
    """Corners of the squares that an outline may be a part of."""
    # the hull, because white cells that touch the edge make bays
    hull = cv2.convexHull(outline.reshape(-1, 1, 2).astype(np.int32))
    polygon = cv2.approxPolyDP(hull, _STRAIGHT * cv2.arcLength(hull, True), True)
    corners = polygon.reshape(-1, 2).astype(float)
    cut = _at_edge(corners, gray)
    if not 4 <= len(corners) <= 6 or cut.sum() < 2:
        return
    start = int(np.flatnonzero(cut & ~np.roll(cut, -1))[0]) if not cut.all() else 0
    chain = np.roll(corners, -start, axis=0)  # a cut corner, the whole ones, a cut corner
    whole = chain[~np.roll(cut, -start)]
    last = chain[(1 + len(whole)) % len(chain)]
    if len(whole) == 3:
        fourth = _meeting(whole[0], chain[0], whole[2], last)
        if fourth is not None:
            yield np.array([*whole, fourth])
    elif len(whole) == 2:
        side = float(np.hypot(*(whole[1] - whole[0])))
        for length in side * _WHOLE_LENGTHS:
            ends = [_along(whole[1], last, length), _along(whole[0], chain[0], length)]
            yield np.array([*whole, *ends])


def _along(start: Points, towards: Points, length: float) -> Points:
    way = towards - start
    point: Points = start + way * (length / max(float(np.hypot(*way)), 1e-9))
    return point


def _meeting(a: Points, b: Points, c: Points, d: Points) -> Points | None:
    """Where the line from a through b meets the one from c through d."""
    matrix = np.column_stack([b - a, c - d])
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    point: Points = a + np.linalg.solve(matrix, c - a)[0] * (b - a)
    return point


def _decodes(gray: NDArray[np.uint8], corners: Points, codes: NDArray[np.bool_]) -> bool:
    """Whether the visible cells of a square are those of a marker."""
    cells = codes.shape[1]
    ideal = np.array([(0, 0), (cells, 0), (cells, cells), (0, cells)], np.float32)
    (ax, ay), (bx, by) = corners[1] - corners[0], corners[2] - corners[1]
    if ax * by - ay * bx < 0:  # a mirrored order; markers are not mirrored
        corners = corners[::-1]
    to_px = cv2.getPerspectiveTransform(ideal, corners.astype(np.float32))
    rows, cols = gray.shape
    row, col = np.mgrid[:cells, :cells] + 0.5
    spread = np.array([-_INSIDE_CELLS, 0.0, _INSIDE_CELLS])
    x, y = (col[..., None, None] + spread[:, None]), (row[..., None, None] + spread[None, :])
    x, y = np.broadcast_arrays(x, y)
    at = cv2.perspectiveTransform(np.stack([x, y], axis=-1).reshape(1, -1, 2), to_px)
    at = at.reshape(cells, cells, 9, 2)
    seen = ((at >= 0) & (at <= [cols - 1, rows - 1])).all(axis=(2, 3))
    px = np.rint(at).astype(int).clip(0, [cols - 1, rows - 1])
    levels = gray[px[..., 1], px[..., 0]].mean(axis=-1)
    inner = seen[1:-1, 1:-1]
    if inner.mean() < _LEAST_BITS or np.ptp(levels[seen]) < 40:
        return False
    white = levels > (levels[seen].min() + levels[seen].max()) / 2
    agrees = (codes == white) | ~seen
    return bool(agrees.all(axis=(1, 2)).any())
