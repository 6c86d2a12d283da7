"""Faces to draw on: a public-domain portrait, given the skin that its resolution lacks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from skimage import data

from scarmetrics.face import Face, detect_face
from scarmetrics.face.mesh import head_pose_deg
from scarmetrics.face.regions import LEFT_BROW, RIGHT_BROW, feature_mask, outline_mask
from scarmetrics.opencv import cv2
from scarmetrics.phantom.light import decode, encode
from scarmetrics.phantom.texture import SkinStyle, skin_texture
from scarmetrics.phantom.warps import Warp, draw_waves
from scarmetrics.photometry import blur, log_luminance, masked_blur
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask

# Pupils in scikit-image's picture of E. Collins (NASA, public domain), x and y in px.
_PUPILS_PX = np.array([[203.22, 100.51], [246.31, 102.92]])
_FACE_CENTRE_PX = np.array([226.0, 122.0])
_FRAME_MM = (216.0, 270.0)  # width, height of the photograph
_SMOOTHING_PX = 2.0  # about 3 mm: folds and grain below it would look like scars
_HAIR_LOG = 0.45  # hair over the forehead is darker than the skin by this much
_MELANIN_RGB = np.array([0.35, 0.70, 1.15], np.float32)


@dataclass(frozen=True, eq=False)
class PhantomFace:
    """A face without scars.

    Attributes
    ----------
    image : ndarray of uint8, shape (M, N, 3)
        RGB.
    mm_per_px : float
        Size of a pixel: the distance between the pupils is 63 mm.
    pupils_px : ndarray of float64, shape (2, 2)
        x, y of the anatomical right and left pupil.
    face : Face
        Its landmarks and skin, moved along from the portrait rather than found again.
    seed : int
        Which face.
    """

    image: NDArray[np.uint8]
    mm_per_px: float
    pupils_px: NDArray[np.float64]
    face: Face
    seed: int


def astronaut_face(seed: int, mm_per_px: float = 0.18) -> PhantomFace:
    """A frontal face whose skin, tone, shape and light depend on the seed.

    The portrait ships with scikit-image; nothing is downloaded.

    Parameters
    ----------
    seed : int
        The same seed gives the same face.
    mm_per_px : float, optional
        About the size of a pixel; the result states the exact one.

    Returns
    -------
    PhantomFace
        216 by 270 mm, so 1200 by 1500 px at 0.18 mm/px.
    """
    rng = np.random.default_rng(seed)
    cols, rows = (round(side / mm_per_px) for side in _FRAME_MM)
    warp = _draw_shape(rng, mm_per_px, (rows, cols))
    pupils = warp.transform_points(_PUPILS_PX)
    exact_mm_per_px = NOMINAL_INTERPUPILLARY_MM / float(np.hypot(*(pupils[1] - pupils[0])))
    portrait = _portrait()
    large = warp.warp(portrait.code, (rows, cols))
    person = np.clip(warp.warp(portrait.person, (rows, cols)), 0, 1)[..., None]
    smooth = np.clip(warp.warp(portrait.smooth, (rows, cols)), 0, 1)[..., None]
    style = SkinStyle(*np.exp(rng.normal(0, 0.2, 3)).tolist())
    texture = skin_texture(
        (rows, cols), mm_per_px=exact_mm_per_px, seed=int(rng.integers(2**31)), style=style
    )
    melanin = np.float32(rng.uniform(-0.1, 1.0))
    log_light = smooth * texture - person * (melanin * _MELANIN_RGB)
    log_light += _side_light(rng, (rows, cols))
    linear = decode(_sharpened(large, smooth, 0.5 / mm_per_px)) * np.exp(log_light)
    return PhantomFace(
        image=encode(linear, np.uint8),
        mm_per_px=exact_mm_per_px,
        pupils_px=pupils,
        face=_moved(portrait.face, warp, (rows, cols)),
        seed=seed,
    )


def _moved(face: Face, warp: Warp, shape: tuple[int, int]) -> Face:
    landmarks = face.landmarks.copy()
    landmarks[:, :2] = warp.transform_points(face.landmarks[:, :2])
    landmarks[:, 2] /= np.sqrt(np.linalg.det(warp.matrix[:, :2]))
    yaw, pitch, roll = head_pose_deg(landmarks)
    return replace(
        face, landmarks=landmarks, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll, shape=shape
    )


def _draw_shape(rng: np.random.Generator, mm_per_px: float, shape: tuple[int, int]) -> Warp:
    """Level the eyes, enlarge, stretch and bend: a map from the portrait."""
    across = _PUPILS_PX[1] - _PUPILS_PX[0]
    pixels = NOMINAL_INTERPUPILLARY_MM / float(np.hypot(*across)) / mm_per_px
    turn = -np.arctan2(across[1], across[0]) + np.radians(rng.uniform(-1.5, 1.5))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    stretch = np.diag(pixels * (1 + rng.uniform(-0.04, 0.04, 2)))
    linear = np.linalg.inv(stretch @ rotation)
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    matrix = np.column_stack([linear, _FACE_CENTRE_PX - linear @ middle])
    return Warp(matrix, draw_waves(rng, 1.0 / mm_per_px, (120 / mm_per_px, 300 / mm_per_px)))


@dataclass(frozen=True, eq=False)
class _Portrait:
    face: Face
    code: NDArray[np.uint16]
    smooth: FloatImage  # 1 where skin was smoothed and needs texture
    person: FloatImage  # 1 where the skin's tone applies: also lids, lips, ears and neck


@cache
def _portrait() -> _Portrait:
    """The portrait with smooth skin and a forehead clear of hair."""
    image: NDArray[np.uint8] = data.astronaut()
    face = detect_face(image)
    assert face, "the landmark nets know this portrait"
    shape = image.shape[:2]
    inside = outline_mask(face.landmarks, shape, 0.0)
    skin = inside & ~feature_mask(face.landmarks, shape, 0.03 * face.interpupillary_px)
    dark = log_luminance(image) < np.median(log_luminance(image)[skin]) - _HAIR_LOG
    hair = skin & dark & _above_brows(face.landmarks, shape)
    hair = cv2.dilate(hair.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    cover = blur(skin.astype(np.float32), 1.0)
    code = image.astype(np.float32)
    filled = [_filled(np.ascontiguousarray(code[..., i]), skin & ~hair) for i in range(3)]
    code += cover[..., None] * (np.stack(filled, axis=-1) - code)
    person = np.maximum(_skin_coloured(image, skin & ~hair), blur(inside.astype(np.float32), 1.0))
    smoothed = np.round(np.clip(code, 0, 255) * 257).astype(np.uint16)
    return _Portrait(face, smoothed, cover, person)


def _skin_coloured(image: NDArray[np.uint8], sample: Mask) -> FloatImage:
    """How much a pixel has the colour of the sample, whatever its brightness; 0 to 1."""
    logs = np.log(image.astype(np.float32) + 1)
    chroma = np.stack([logs[..., 0] - logs[..., 1], logs[..., 1] - logs[..., 2]], axis=-1)
    off = chroma - np.median(chroma[sample], axis=0)
    inverse = np.linalg.inv(np.cov(off[sample].T)).astype(np.float32)
    return blur(np.exp(np.einsum("mni,ij,mnj->mn", off, inverse, off) / -8), 1.5)


def _above_brows(landmarks: NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    brows = landmarks[[*LEFT_BROW, *RIGHT_BROW], 1]
    return np.broadcast_to(np.arange(shape[0])[:, None] < brows.max(), shape)


def _filled(channel: FloatImage, skin: Mask) -> FloatImage:
    """Smooth skin; where there is none near, what skin farther away looks like."""
    near = masked_blur(channel, skin, _SMOOTHING_PX)
    far = masked_blur(channel, skin, 3 * _SMOOTHING_PX)
    trust = np.clip(3 * blur(skin.astype(np.float32), _SMOOTHING_PX), 0, 1)
    return trust * near + (1 - trust) * far


def _sharpened(image: NDArray[np.uint16], skin: FloatImage, sigma_px: float) -> NDArray[np.uint16]:
    """Unsharp masking of everything but skin, against the look of an enlargement."""
    soft = cv2.GaussianBlur(image, (0, 0), sigma_px).astype(np.float32)
    detail = (image - soft) * (1.2 * (1 - skin))
    return np.clip(image + detail, 0, 65535).astype(np.uint16)


def _side_light(rng: np.random.Generator, shape: tuple[int, int]) -> FloatImage:
    """A gentle change of light across the picture; shape (M, N, 1)."""
    turn, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.12)
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :, None]
    return np.float32(strength) * (x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn)))
