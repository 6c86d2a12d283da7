"""Printed things of known size, put into photographs: square markers, colour charts.

A print hangs in space before the face, at any angle, seen by a pinhole camera. Each pixel is the
mean of the light over its own square, so that edges lie where they should to a hundredth of a
pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from scarmetrics.opencv import cv2
from scarmetrics.phantom.light import decode, encode
from scarmetrics.photometry import blur, srgb_to_linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import Image, Points

_SUBSAMPLES = 8  # along each axis of a pixel
_INK, _PAPER = 0.04, 0.85  # reflectance
# sRGB of a ColorChecker Classic's patches in reading order, as its maker publishes them
_PATCHES = (
    "735244 c29682 627a9d 576c43 8580b1 67bdaa d67e2c 505ba6 c15a63 5e3c6c 9dbc40 e0a32e "
    "383d96 469449 af363c e7c71f bb5695 0885a1 f3f3f2 c8c8c8 a0a0a0 7a7a79 555555 343434"
)
_CHART_SHAPE = (4, 6)
_CHART_FRAME = 0.02


@dataclass(frozen=True, eq=False)
class Print:
    """A flat pattern of rectangles.

    Attributes
    ----------
    colours : ndarray of float32, shape (R, C, 3)
        Reflectance of R, G and B of each rectangle, 0 to 1.
    x_mm, y_mm : ndarray of float64, shape (C + 1,), (R + 1,)
        Where rectangles begin and end, from the middle of what is measured; y grows downwards.
    """

    colours: NDArray[np.float32]
    x_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]

    @property
    def corners_mm(self) -> Points:
        """Of the whole print, clockwise from its upper left, shape (4, 2)."""
        x, y = self.x_mm, self.y_mm
        return np.array([(x[0], y[0]), (x[-1], y[0]), (x[-1], y[-1]), (x[0], y[-1])])


def marker_print(size_mm: float, *, dictionary: Any, marker_id: int = 0) -> Print:
    """A square marker with one cell of white paper around it.

    Parameters
    ----------
    size_mm : float
        Edge of the black square.
    dictionary : cv2.aruco.Dictionary
        Which markers.
    marker_id : int, optional
        Which marker of it.

    Returns
    -------
    Print
    """
    cells = dictionary.markerSize + 2
    code = cv2.aruco.generateImageMarker(dictionary, marker_id, cells)
    ink = np.pad(np.where(code > 0, _PAPER, _INK), 1, constant_values=_PAPER).astype(np.float32)
    edges = np.arange(-1, cells + 2) * size_mm / cells - size_mm / 2
    return Print(np.repeat(ink[..., None], 3, axis=2), edges, edges)


def chart_print(pitch_mm: float, *, gap: float = 0.12) -> Print:
    """A ColorChecker of 4 by 6 patches on black.

    Parameters
    ----------
    pitch_mm : float
        From one patch's middle to the next's.
    gap : float, optional
        Black between two patches, as a share of the pitch.

    Returns
    -------
    Print
    """
    codes = np.array([int(code, 16) for code in _PATCHES.split()])
    levels = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1)
    rows, cols = _CHART_SHAPE
    colours = np.full((2 * rows + 1, 2 * cols + 1, 3), _CHART_FRAME, np.float32)
    colours[1::2, 1::2] = srgb_to_linear(256)[levels].reshape(rows, cols, 3)

    def edges(count: int) -> NDArray[np.float64]:
        middles = (np.arange(count) - (count - 1) / 2) * pitch_mm
        half = (1 - gap) / 2 * pitch_mm
        inner = np.column_stack([middles - half, middles + half]).ravel()
        margin = 2 * gap * pitch_mm
        return np.concatenate([[inner[0] - margin], inner, [inner[-1] + margin]])

    return Print(colours, edges(cols), edges(rows))


@dataclass(frozen=True)
class View:
    """How a print is seen.

    Attributes
    ----------
    centre_px : tuple of float
        Where the print's middle is seen.
    mm_per_px : float
        Scale in the frontal plane through that middle: what is to be measured.
    tilt_deg : float
        Angle between the print and that plane.
    azimuth_deg : float
        Direction in the image of the axis that the print is tilted about.
    turn_deg : float
        How far the print is turned in its own plane.
    distance_mm : float
        From the camera to that plane.
    axis_px : tuple of float
        Where the camera's optical axis meets the photograph.
    """

    centre_px: tuple[float, float]
    mm_per_px: float
    tilt_deg: float = 0.0
    azimuth_deg: float = 0.0
    turn_deg: float = 0.0
    distance_mm: float = 800.0
    axis_px: tuple[float, float] = (0.0, 0.0)

    def homography(self) -> NDArray[np.float64]:
        """From the print's mm to the photograph's px, shape (3, 3)."""
        axis = np.radians(self.azimuth_deg)
        tilt = Rotation.from_rotvec(
            np.radians(self.tilt_deg) * np.array([np.cos(axis), np.sin(axis), 0])
        )
        turned = (tilt * Rotation.from_euler("z", self.turn_deg, degrees=True)).as_matrix()
        focal_px = self.distance_mm / self.mm_per_px
        camera = np.array(
            [[focal_px, 0, self.axis_px[0]], [0, focal_px, self.axis_px[1]], [0, 0, 1]]
        )
        middle = np.array([*self.centre_px, 1.0])
        place = self.distance_mm * np.linalg.solve(camera, middle)
        pose = np.column_stack([turned[:, :2], place])
        homography: NDArray[np.float64] = camera @ pose
        return homography / homography[2, 2]

    def project(self, points_mm: Points) -> Points:
        """Points of the print, shape (K, 2), in the photograph."""
        return _through(self.homography(), np.asarray(points_mm, float))


def place_print(
    image: Image, thing: Print, view: View, *, light: float = 0.8, blur_px: float = 0.6
) -> Image:
    """Put a print into a photograph.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.
    thing : Print
        What.
    view : View
        Where.
    light : float, optional
        Light on it: the luminance of white there.
    blur_px : float, optional
        Standard deviation of the lens's blur of it.

    Returns
    -------
    ndarray of the same shape and type
    """
    rows, cols = image.shape[:2]
    corners = view.project(thing.corners_mm)
    margin = int(np.ceil(4 * blur_px)) + 2
    x0, y0 = np.floor(corners.min(axis=0)).astype(int) - margin
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int) + margin + 1
    cover, colour = _rendered(thing, view, (x0, y0, x1, y1))
    if blur_px > 0:
        cover, colour = blur(cover, blur_px), blur(colour, blur_px)
    # what hangs over the photograph's edge is cut off
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, cols), min(y1, rows)
    if left >= right or top >= bottom:
        return image.copy()
    part = np.s_[top - y0 : bottom - y0, left - x0 : right - x0]
    window = np.s_[top:bottom, left:right]
    linear = decode(image[window])
    linear = linear * (1 - cover[part][..., None]) + np.float32(light) * colour[part]
    result = image.copy()
    result[window] = encode(linear, image.dtype)
    return result


def _rendered(
    thing: Print, view: View, box: tuple[int, int, int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Share of each pixel that the print covers, and its reflectance times that share."""
    x0, y0, x1, y1 = box
    back = np.linalg.inv(view.homography())
    inside = (np.arange(_SUBSAMPLES) + 0.5) / _SUBSAMPLES - 0.5
    cover = np.zeros((y1 - y0, x1 - x0), np.float32)
    colour = np.zeros((*cover.shape, 3), np.float32)
    for dy in inside:
        for dx in inside:
            x, y = np.meshgrid(np.arange(x0, x1) + dx, np.arange(y0, y1) + dy)
            mm = _through(back, np.column_stack([x.ravel(), y.ravel()]))
            column = np.searchsorted(thing.x_mm, mm[:, 0], side="right") - 1
            row = np.searchsorted(thing.y_mm, mm[:, 1], side="right") - 1
            n_rows, n_cols = thing.colours.shape[:2]
            on = (column >= 0) & (column < n_cols) & (row >= 0) & (row < n_rows)
            seen = thing.colours[row.clip(0, n_rows - 1), column.clip(0, n_cols - 1)]
            cover += on.reshape(cover.shape)
            colour += (seen * on[:, None]).reshape(colour.shape)
    samples = np.float32(_SUBSAMPLES**2)
    return cover / samples, colour / samples


def _through(homography: NDArray[np.floating], xy: Points) -> Points:
    mapped = np.column_stack([xy, np.ones(len(xy))]) @ homography.T
    points: Points = mapped[:, :2] / mapped[:, 2:]
    return points
