"""The scale at a ColorChecker of known patch pitch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import require_rgb, srgb_to_linear, to_uint8
from scarmetrics.scale.plane import PlaneScale, fit_plane
from scarmetrics.scale.result import ScaleNotFound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import Image, Points

_Chart = tuple["NDArray[np.bool_]", "Points"]

_ROWS, _COLS = 4, 6
_GRID = np.array([(column, row) for row in range(_ROWS) for column in range(_COLS)], float)
_EXTENT = np.array([_COLS / 2 + 0.6, _ROWS / 2 + 0.6])  # of the chart with its frame, in pitches
_WORKING_PX = 1600  # longer side that OpenCV looks for charts in
_CANDIDATES = 3  # asked for, so that a second chart shows
_ROUNDS = 6
_WINDOW = 0.62  # half width of what is looked at around a patch, as a share of the pitch
_LEAST_CONTRAST = 0.05  # of a patch against the black around it, in linear light
_LEAST_PATCHES = 12
_FLOOR_PX = 0.05
_OFF_PITCH = 0.05  # a patch that lies farther from its place in the grid is not one
_MAX_OFF = 0.02  # of the pitch: the median patch of a chart lies nearer to its place


def find_colorchecker(
    image: Image,
    *,
    pitch_mm: float,
    max_tilt_deg: float = 50.0,
    camera_distance_mm: float | None = None,
) -> PlaneScale | ScaleNotFound:
    """Find a ColorChecker of 24 patches and the scale in the frontal plane through its middle.

    OpenCV finds the chart to within a tenth of a patch [1]_; then the middle of each patch is
    found as the centre of gravity of what has its colour, which neither blur nor gamma moves.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, upright.
    pitch_mm : float
        From the middle of one patch to the middle of the next.
    max_tilt_deg : float, optional
        Charts tilted by more are refused.
    camera_distance_mm : float, optional
        Distance from the camera to the face.

    Returns
    -------
    PlaneScale or ScaleNotFound
        `ScaleNotFound` is falsy and says why.

    Raises
    ------
    ValueError
        If the image is not RGB of 8 or 16 bit, or `pitch_mm` is not positive.

    References
    ----------
    .. [1] P. D. Marrero Fernández, F. A. Guerrero-Peña, T. I. Ren, J. J. G. Leandro, "Fast and
       robust multiple ColorChecker detection using deep convolutional neural networks",
       arXiv:1810.08639 (2018). The part without a network is used.
    """
    require_rgb(image)
    if not pitch_mm > 0:
        raise ValueError(f"pitch_mm is {pitch_mm}, must be positive")
    small = to_uint8(image)
    charts = _charts(small, 1) or _charts(small, 2)
    if not charts:
        return ScaleNotFound("colorchecker_not_found")
    if len(charts) > 1:
        return ScaleNotFound("colorchecker_several", f"{len(charts)} colour charts were found")
    known, points = charts[0]
    on_chart = (_GRID[known] - [(_COLS - 1) / 2, (_ROWS - 1) / 2]) * pitch_mm
    covariance = np.broadcast_to(np.eye(2) * _FLOOR_PX**2, (len(points), 2, 2))
    found = fit_plane(
        on_chart,
        points,
        outline_mm=np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * _EXTENT * pitch_mm,
        covariance_px2=covariance,
        shape=small.shape[:2],
        camera_distance_mm=camera_distance_mm,
    )
    if found.tilt_deg > max_tilt_deg:
        return ScaleNotFound(
            "colorchecker_tilted",
            f"the chart is tilted by {found.tilt_deg:.0f}°, at most {max_tilt_deg:g}° allowed",
        )
    return found


def _charts(image: NDArray[np.uint8], enlarged: int) -> list[_Chart]:
    """All charts: which of their patches show well, and where these have their middles."""
    rows, cols = image.shape[:2]
    zoom = min(1.0, _WORKING_PX / max(rows, cols)) * enlarged
    size = (round(cols * zoom), round(rows * zoom))
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    searched = image if zoom == 1 else cv2.resize(image, size, interpolation=how)
    detector = cv2.mcc.CCheckerDetector.create()
    detector.setUseDnnModel(False)  # that net is not shipped
    detector.setColorChartType(cv2.mcc.MCC24)
    if not detector.process(cv2.cvtColor(searched, cv2.COLOR_RGB2BGR), _CANDIDATES):
        return []
    charts: list[_Chart] = []
    for checker in detector.getListColorChecker():
        quads = np.asarray(checker.getColorCharts(), float).reshape(-1, 4, 2)
        middles = (quads.mean(axis=1) + 0.5) * [cols / size[0], rows / size[1]] - 0.5
        chart = _refined(image, middles)
        if chart is None:
            continue
        reach, centre = float(np.ptp(chart[1], axis=0).min()) / 2, chart[1].mean(axis=0)
        if all(np.hypot(*(centre - other[1].mean(axis=0))) > reach for other in charts):
            charts.append(chart)
    return charts


def _refined(image: NDArray[np.uint8], middles: Points) -> _Chart | None:
    """A chart near where one was found, or None where the patches are no grid."""
    grid = _GRID
    table = srgb_to_linear(256)
    known = np.zeros(len(grid), bool)
    for _ in range(_ROUNDS):
        to_px, _ = cv2.findHomography(grid[known] if known.any() else grid, middles)
        if to_px is None:
            return None
        moved = [_middle(image, table, to_px, place) for place in grid]
        known = np.array([one is not None for one in moved])
        if known.sum() < _LEAST_PATCHES:
            return None
        middles = np.array([one for one in moved if one is not None])
    to_px, _ = cv2.findHomography(grid[known], middles, cv2.LMEDS)
    off = np.linalg.norm(_through(np.linalg.inv(to_px), middles) - grid[known], axis=1)
    near = off < _OFF_PITCH
    known[np.flatnonzero(known)[~near]] = False
    if known.sum() < _LEAST_PATCHES or np.median(off) > _MAX_OFF:
        return None
    return known, middles[near]


def _middle(
    image: NDArray[np.uint8],
    table: NDArray[np.float32],
    to_px: NDArray[np.float64],
    place: Points,
) -> Points | None:
    """Centre of gravity of what has the patch's colour; None where it does not stand out."""
    corners = _through(to_px, place + _WINDOW * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]))
    x0, y0 = np.floor(corners.min(axis=0)).astype(int)
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int) + 1
    rows, cols = image.shape[:2]
    if x0 < 0 or y0 < 0 or x1 > cols or y1 > rows:
        return None
    part = table[image[y0:y1, x0:x1]]
    x, y = np.meshgrid(np.arange(x0, x1), np.arange(y0, y1))
    xy = np.column_stack([x.ravel(), y.ravel()]).astype(float)
    away = np.abs(_through(np.linalg.inv(to_px), xy) - place).max(axis=1).reshape(part.shape[:2])
    colour = np.median(part[away < 0.2], axis=0) if (away < 0.2).sum() >= 4 else None
    ring = (away > 0.46) & (away < 0.54)
    if colour is None or not ring.any():
        return None
    black = np.quantile(part[ring], 0.25, axis=0)
    contrast = colour - black
    size = float(np.linalg.norm(contrast))
    if size < _LEAST_CONTRAST:
        return None
    share = np.clip((part - black) @ contrast / size**2, 0, 1) * (away < 0.5)
    if share.sum() < 4:
        return None
    centre: Points = (xy * share.reshape(-1, 1)).sum(axis=0) / share.sum()
    return centre


def _through(homography: NDArray[np.floating], xy: Points) -> Points:
    mapped = np.column_stack([xy, np.ones(len(xy))]) @ homography.T
    points: Points = mapped[:, :2] / mapped[:, 2:]
    return points
