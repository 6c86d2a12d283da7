"""Spectacles on a face: whether there are any, and the skin that they hide or distort.

A frame draws sharp edges where bare skin has only smooth shading: along a ring below each eye and
across the root of the nose. Both strips are read from the photograph in the plane of a pair of
spectacles, worn by the landmark model's metric face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face.mesh import N_MESH, canonical_vertices
from scarmetrics.opencv import cv2
from scarmetrics.photometry import srgb_to_linear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from scarmetrics.face.face import Face
    from scarmetrics.models import FloatImage, Image, Mask, Points

_MM_PER_UNIT = 10.0  # of the metric face, which is in cm

# The plane of the spectacles on the metric face in mm: x to its left, y up, z to the viewer.
_FRAME_Z_MM = 55.0
_EYE_X_MM, _EYE_Y_MM = 32.0, 24.0
_BEND = 6.0 / 65.0**2
_LEAN = 0.12
_BOX_MM = np.array([(-82.0, 52.0), (82.0, 52.0), (-82.0, -26.0), (82.0, -26.0)])

_CELL_MM = 0.35
_DARKEST = 0.004  # of linear light; darker is noise
_ANGLES = np.radians(np.arange(-15.0, 181.0, 3.0))  # from the nose downwards to the temple
_RADII_MM = np.arange(13.0, 43.0, 0.4)  # beyond the lashes
_CHEEK = np.s_[11:56, :]  # angles of the ring that cross bare skin
_BRIDGE_X_MM = np.arange(-8.0, 8.01, 0.5)
_BRIDGE_Y_MM = np.arange(44.0, 10.0, -0.4)
_NEAR_BRIDGE = 22  # columns of the bridge on the side that a turned head shows
_TURNED_DEG = 12.0

_NOISE = 3.0  # times the median of the cheek's own edges
_FLOOR = 0.015  # of log light
_RING_STEP, _RING_COST = 3, 0.03
_BRIDGE_STEP, _BRIDGE_COST = 2, 0.05

_SURE_RING = 0.6  # below it the ring is no rim's: rimless lenses
_RIMLESS_MM = 30.0
_LEAST_MM, _TOP_MM = 22.0, 24.0
_MARGIN_MM, _SHADOW_MM = 5.0, 3.0
_NOSE_MM = np.array([(-17.0, 42.0), (17.0, 42.0), (17.0, 10.0), (-17.0, 10.0)])
_HINGE_MM = ((52.0, 48.0), (52.0, 22.0))
_EAR_MM = np.array([(78.0, 8.0, -25.0), (78.0, 38.0, -25.0)])


@dataclass(frozen=True, eq=False)
class Glasses:
    """What a face wears over its eyes.

    Attributes
    ----------
    score : float
        Sharpness of the edges along the best ring and across the nose, 0 to 1: about 0.5 on bare
        faces, 0.7 and more under most frames.
    covered : ndarray of bool, shape (M, N)
        Where frame, lenses, bars and their shadow lie if these are spectacles.
    """

    score: float
    covered: Mask


def head_camera(landmarks: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], Points]:
    """How the photograph shows points of the metric face, by the affine map that fits best.

    Parameters
    ----------
    landmarks : ndarray of float64, shape (478, 3)
        x, y, z in px.

    Returns
    -------
    callable
        From points in mm, shape (K, 3): x to the face's left, y up, z to the viewer, to x, y in px.
    """
    model = _MM_PER_UNIT * canonical_vertices()
    design = np.column_stack([model, np.ones(N_MESH)])
    fit = np.linalg.lstsq(design, landmarks[:N_MESH, :2], rcond=None)[0]

    def project(points_mm: NDArray[np.float64]) -> Points:
        return np.asarray(points_mm @ fit[:3] + fit[3])

    return project


def find_glasses(image: Image, face: Face) -> Glasses:
    """Look for spectacles.

    Edges of log luminance and of log red over green, in units of the cheeks' own, are followed
    along the best path around each eye, from the nose below the eye to the temple, and across the
    nose. A head that is turned is judged by the side that it shows.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    face : Face
        The face in it.

    Returns
    -------
    Glasses
        `FaceConfig.min_glasses_score` says from which score on it counts.

    References
    ----------
    R. Bellman, Dynamic Programming (Princeton University Press, 1957).
    """
    camera = head_camera(face.landmarks)
    right, left, nose = _edges(image, camera, face.interpupillary_px)
    near = int(np.sign(face.yaw_deg)) if abs(face.yaw_deg) > _TURNED_DEG else 0
    if near:
        nose = nose[-_NEAR_BRIDGE:] if near > 0 else nose[:_NEAR_BRIDGE]
    paths, strength = _best_paths(np.stack([right, left]), _RING_STEP, _RING_COST)
    across = _best_paths(nose[None], _BRIDGE_STEP, _BRIDGE_COST)[1][0]
    ring = strength.mean() if near == 0 else strength[1 if near > 0 else 0]
    # spectacles are alike on both sides: the ring that is seen better stands for both
    better = int(strength.argmax()) if near == 0 else (1 if near > 0 else 0)
    rim_mm = _RADII_MM[paths[better]]
    if strength[better] < _SURE_RING:
        rim_mm = np.maximum(rim_mm, _RIMLESS_MM)
    sides = [side for side in (-1, 1) if side * face.yaw_deg > -_TURNED_DEG]
    covered = _covered(camera, rim_mm, sides, face.shape)
    return Glasses(float((ring + across) / 2), covered)


def _on_frame(xy_mm: Points) -> NDArray[np.float64]:
    """Points of the spectacles' plane in space: bent around the head, leaning in at the bottom."""
    x, y = xy_mm.T
    return np.column_stack([x, y, _FRAME_Z_MM - _BEND * x**2 + _LEAN * (y - _EYE_Y_MM)])


def _ring_mm(side: int, angles: NDArray[np.float64], radii: NDArray[np.float64]) -> Points:
    x = side * (_EYE_X_MM - radii * np.cos(angles))
    return np.stack([x, _EYE_Y_MM - radii * np.sin(angles)], axis=-1)


def _edges(
    image: Image, camera: Callable[[NDArray[np.float64]], Points], interpupillary_px: float
) -> list[FloatImage]:
    """Strength of edges, 0 to 1, around the right eye, the left eye, and down the nose's root."""
    box = camera(_on_frame(_BOX_MM))
    rows, cols = image.shape[:2]
    x0, y0 = np.clip(np.floor(box.min(axis=0)), 0, [cols - 2, rows - 2]).astype(int)
    x1, y1 = np.clip(np.ceil(box.max(axis=0)) + 1, [x0 + 2, y0 + 2], [cols, rows]).astype(int)
    zoom = min(1.0, 63.0 / (_CELL_MM * interpupillary_px))
    size = (max(2, round((x1 - x0) * zoom)), max(2, round((y1 - y0) * zoom)))
    part = cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    light = srgb_to_linear(np.iinfo(image.dtype).max + 1)[part]
    planes = _planes(light)
    grids = [
        _ring_mm(side, _ANGLES[:, None], _RADII_MM[None].repeat(len(_ANGLES), 0))
        for side in (-1, 1)
    ]
    grids.append(np.stack(np.meshgrid(_BRIDGE_X_MM, _BRIDGE_Y_MM, indexing="ij"), axis=-1))
    back = np.array([size[0] / (x1 - x0), size[1] / (y1 - y0)])
    strips = []
    for grid in grids:
        at = (camera(_on_frame(grid.reshape(-1, 2))) - [x0, y0] + 0.5) * back - 0.5
        at = at.reshape(grid.shape).astype(np.float32)
        strip = cv2.remap(
            planes, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        soft = cv2.GaussianBlur(strip, (0, 0), sigmaX=1.0, sigmaY=0.8)
        slope = np.zeros_like(soft)
        slope[:, 1:-1] = np.abs(soft[:, 2:] - soft[:, :-2])
        strips.append(slope)
    cheeks = np.concatenate([strip[_CHEEK].reshape(-1, 2) for strip in strips[:2]])
    unit = _NOISE * np.median(cheeks, axis=0) + np.float32(_FLOOR)
    sizes = [np.sqrt(np.square(strip / unit).sum(axis=-1)) for strip in strips]
    return [size / (1 + size) for size in sizes]


def _planes(light: FloatImage) -> FloatImage:
    """Log luminance, and log red over green: frames have another colour than skin."""
    red, green, blue = (light[..., channel] for channel in range(3))
    bright = np.log(0.2126 * red + 0.7152 * green + 0.0722 * blue + _DARKEST)
    hue = np.log((red + _DARKEST) / (green + _DARKEST))
    return np.stack([bright, hue], axis=-1).astype(np.float32)


def _best_paths(
    strength: NDArray[np.float32], step: int, cost: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """In each plane the path from first to last row that holds the most, and its mean.

    From row to row it moves by up to `step` columns, each at a cost.
    """
    planes, rows, cols = strength.shape
    total = strength[:, 0].copy()
    moves = np.zeros(strength.shape, np.intp)
    shifts = np.arange(-step, step + 1)
    price = (cost * np.abs(shifts)).astype(np.float32)[None, :, None]
    for row in range(1, rows):
        wide = np.pad(total, ((0, 0), (step, step)), constant_values=-np.inf)
        choices = np.stack([wide[:, step + s : step + s + cols] for s in shifts], axis=1) - price
        best = choices.argmax(axis=1)
        moves[:, row] = shifts[best]
        total = np.take_along_axis(choices, best[:, None], axis=1)[:, 0] + strength[:, row]
    paths = np.zeros((planes, rows), np.intp)
    column = total.argmax(axis=-1)
    each = np.arange(planes)
    for row in range(rows - 1, -1, -1):
        paths[:, row] = column
        column = column + moves[each, row, column]
    held = np.take_along_axis(strength, paths[..., None], axis=-1)[..., 0]
    return paths, held.mean(axis=-1, dtype=np.float64)


def _covered(
    camera: Callable[[NDArray[np.float64]], Points],
    rim_mm: NDArray[np.float64],
    bars: Sequence[int],
    shape: tuple[int, int],
) -> Mask:
    """Skin behind the lenses out to the rim and its shadow, the bridge, and bars to the ears."""
    margin = _MARGIN_MM + _SHADOW_MM * np.clip(np.sin(_ANGLES), 0, 1)
    below = _ring_mm(1, _ANGLES, np.maximum(rim_mm, _LEAST_MM) + margin)
    turn = np.linspace(_ANGLES[-1], _ANGLES[0] + 2 * np.pi, 24)[1:-1]
    share = (turn - turn[0]) / (turn[-1] - turn[0])
    ends = np.hypot(*(below[[-1, 0]] - [_EYE_X_MM, _EYE_Y_MM]).T)
    wide = ends[0] + share * (ends[1] - ends[0])
    above = _ring_mm(1, turn, wide)
    above[:, 1] = np.minimum(above[:, 1], _EYE_Y_MM + _TOP_MM)
    lens = np.concatenate([below, above])
    shapes = [_on_frame(lens * [side, 1]) for side in (-1, 1)]
    shapes.append(_on_frame(_NOSE_MM))
    hinge = np.array(_HINGE_MM)
    for side in bars:
        shapes.append(np.concatenate([_on_frame(hinge * [side, 1]), _EAR_MM * [side, 1, 1]]))
    canvas = np.zeros(shape, np.uint8)
    for points in shapes:
        cv2.fillPoly(canvas, [np.rint(camera(points)).astype(np.int32)], 1)
    return canvas > 0
