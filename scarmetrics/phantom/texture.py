"""Procedural skin: relief, pores and uneven colour, as relative changes of light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import blur

if TYPE_CHECKING:
    from scarmetrics.models import FloatImage, Mask

# Size in mm and standard deviation of log luminance of each octave. With pores and relief they
# sum up to what photographs of faces at 0.18 mm/px show.
_OCTAVES = ((0.10, 0.010), (0.25, 0.016), (0.5, 0.018), (1.0, 0.014), (2.0, 0.006), (4.0, 0.01))
_RELIEF_MM, _RELIEF_SD = 0.18, 0.030
_PORE_MM, _PORE_DEPTH, _PORES_PER_MM2 = 0.17, 0.04, 0.6
_BLOOD_MM, _BLOOD_SD = (1.5, 5.0), 0.03
# Haemoglobin takes green and blue light; red hardly notices.
_BLOOD_RGB = np.array([0.15, 1.1, 0.9], np.float32)


@dataclass(frozen=True)
class SkinStyle:
    """What differs between people's skin.

    Attributes
    ----------
    coarseness : float
        Factor on the strength of all texture.
    pores : float
        Factor on the depth of pores.
    redness : float
        Factor on the unevenness of colour.
    """

    coarseness: float = 1.0
    pores: float = 1.0
    redness: float = 1.0


def skin_texture(
    shape: tuple[int, int], *, mm_per_px: float, seed: int, style: SkinStyle | None = None
) -> FloatImage:
    """Texture of flat, evenly lit skin.

    Parameters
    ----------
    shape : tuple of int
        (M, N).
    mm_per_px : float
        Size of a pixel.
    seed : int
        The same seed gives the same skin.
    style : SkinStyle, optional
        Whose skin.

    Returns
    -------
    ndarray of float32, shape (M, N, 3)
        Natural logarithm of linear light relative to smooth skin.
    """
    style = style or SkinStyle()
    rng = np.random.default_rng(seed)
    tone = np.zeros(shape, np.float32)
    for size_mm, sd in _OCTAVES:
        tone += np.float32(sd) * _noise(shape, size_mm / mm_per_px, rng)
    tone += np.float32(_RELIEF_SD) * _relief(shape, mm_per_px, rng)
    tone -= np.float32(style.pores * _PORE_DEPTH) * _pores(shape, mm_per_px, rng)
    tone *= np.float32(style.coarseness)
    blood = np.zeros(shape, np.float32)
    for size_mm in _BLOOD_MM:
        blood += _noise(shape, size_mm / mm_per_px, rng)
    blood *= np.float32(style.redness * _BLOOD_SD / np.sqrt(len(_BLOOD_MM)))
    return tone[..., None] - blood[..., None] * _BLOOD_RGB


def _noise(shape: tuple[int, int], size_px: float, rng: np.random.Generator) -> FloatImage:
    """Band-limited noise of unit variance; coarse noise is made small and enlarged."""
    reduction = max(1.0, size_px / 2)
    rows, cols = (int(np.ceil(side / reduction)) + 1 for side in shape)
    grain = rng.standard_normal((rows, cols), np.float32)
    sigma_px = size_px / reduction
    band = blur(grain, 0.5 * sigma_px) - blur(grain, sigma_px) if sigma_px > 0.6 else grain
    band /= band.std()
    if reduction == 1:
        cut: FloatImage = band[: shape[0], : shape[1]]
        return cut
    matrix = np.array([[reduction, 0, 0], [0, reduction, 0]])
    size = (shape[1], shape[0])
    return cv2.warpAffine(
        band, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    ).astype(np.float32, copy=False)


def _relief(shape: tuple[int, int], mm_per_px: float, rng: np.random.Generator) -> FloatImage:
    """Fine furrows lit from one side, of unit variance."""
    height = _noise(shape, _RELIEF_MM / mm_per_px, rng)
    fine, coarse = blur(height, 0.7), _noise(shape, 3 * _RELIEF_MM / mm_per_px, rng)
    slope_y, slope_x = np.gradient(fine / fine.std() + coarse)
    turn = rng.uniform(0, 2 * np.pi)
    lit: FloatImage = slope_x * np.float32(np.cos(turn)) + slope_y * np.float32(np.sin(turn))
    lit /= lit.std()
    return lit


def _pores(shape: tuple[int, int], mm_per_px: float, rng: np.random.Generator) -> FloatImage:
    """Dark dots about 1 high, of different depth."""
    count = rng.poisson(_PORES_PER_MM2 * shape[0] * shape[1] * mm_per_px**2)
    dots = np.zeros(shape, np.float32)
    rows, cols = rng.integers(0, shape[0], count), rng.integers(0, shape[1], count)
    np.add.at(dots, (rows, cols), rng.gamma(2.0, 0.5, count).astype(np.float32))
    sigma_px = max(0.6, _PORE_MM / mm_per_px)
    return blur(dots, sigma_px) * np.float32(2 * np.pi * sigma_px**2)


@dataclass(frozen=True)
class Roughness:
    """Unevenness of scarred skin between its scars: shallow dimples and streaks.

    Attributes
    ----------
    depth_mm : float
        Standard deviation of the relief.
    grain_deg : float
        Direction along which it is stretched, clockwise from +x.
    stretch : float
        How much longer than wide the dimples are, 1 or more.
    size_mm : tuple of float
        Widths of its octaves.
    seed : int
        The same seed gives the same relief.
    """

    depth_mm: float = 0.02
    grain_deg: float = 0.0
    stretch: float = 1.5
    size_mm: tuple[float, ...] = (0.3, 0.6, 1.2)
    seed: int = 0

    @property
    def width_mm(self) -> float:
        """Width of a typical dimple."""
        return float(np.mean(self.size_mm))


def rough_relief(
    shape: tuple[int, int], mm_per_px: float, style: Roughness, skin: Mask | None = None
) -> FloatImage:
    """Depth in mm of uneven skin; mean 0, dimples deeper than bumps are high.

    Parameters
    ----------
    shape : tuple of int
        (M, N).
    mm_per_px : float
        Size of a pixel.
    style : Roughness
        How uneven.
    skin : ndarray of bool, shape (M, N), optional
        Where; fades out within 1 mm of its border.

    Returns
    -------
    ndarray of float32, shape (M, N)
    """
    rng = np.random.default_rng(style.seed)
    total = np.zeros(shape, np.float32)
    for size_mm in style.size_mm:
        octave = _grain(shape, size_mm / mm_per_px, style, rng)
        octave += np.float32(0.35) * (octave * octave - 1)
        total += np.float32(np.sqrt(size_mm)) * octave
    total *= np.float32(style.depth_mm) / max(total.std(), np.float32(1e-6))
    if skin is not None:
        total *= blur(skin.astype(np.float32), 1.0 / mm_per_px) * skin
    return total


def _grain(
    shape: tuple[int, int], size_px: float, style: Roughness, rng: np.random.Generator
) -> FloatImage:
    """Noise of unit variance, stretched along one direction."""
    turn = np.radians(style.grain_deg)
    cos, sin = np.cos(turn), np.sin(turn)
    along = np.array([[cos, sin], [-sin, cos]]) / (size_px / 1.5)
    along[0] /= style.stretch
    corners = np.array([[0, 0], [shape[1], 0], [0, shape[0]], [shape[1], shape[0]]]) @ along.T
    low = corners.min(axis=0) - 3
    cols, rows = np.ceil(corners.max(axis=0) - low + 3).astype(int)
    band = rng.standard_normal((int(rows), int(cols)), np.float32)
    band = blur(band, 0.7)
    band /= band.std()
    matrix = np.column_stack([along, -low])
    return cv2.warpAffine(
        band,
        matrix,
        (shape[1], shape[0]),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    ).astype(np.float32, copy=False)
