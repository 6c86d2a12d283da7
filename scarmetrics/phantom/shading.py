"""How relief looks under a light: Lambert, cast shadow, occlusion, gloss, colour of shade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage

# Skin scatters light sideways: no shadow on it is sharper than this.
_SCATTER_MM = 0.12
# Light that comes out of skin elsewhere is mostly red: shade costs red less than green and blue.
_SHADE_EXPONENT = np.array([0.70, 1.07, 1.18], np.float32)
_PIGMENT_RGB = np.array([0.45, 1.0, 1.25], np.float32)  # optical density of a scar's colour
_PENUMBRA = 0.12  # width of a shadow's edge, as a share of the height that casts it
_LONGEST_SHADOW_MM = 3.0
_GLOSS_SLOPE = 0.30  # sd of the slopes around the mirror direction that still shine


@dataclass(frozen=True)
class Light:
    """How the relief is lit.

    Attributes
    ----------
    light_deg : float
        Direction towards the light, clockwise from +x in the image.
    elevation_deg : float
        Height of the light above the skin, 0 to 90.
    light_softness : float
        Share of light that comes from everywhere, 0 to 1.
    occlusion : float
        How much darker a floor is for its depth over its width.
    shadow : float
        Share of the direct light that a wall takes away from what lies behind it, 0 to 1.
    gloss : float
        Strength of the shine on slopes that mirror the light, relative to diffuse light.
    tint : float
        How coloured the shade is: 0 grey, 1 as on fair skin, more on darker skin.
    pigment : float
        Optical density, in green light, that a scar's floor has beyond its shade; negative for
        floors paler than the skin.
    """

    light_deg: float = 225.0
    elevation_deg: float = 30.0
    light_softness: float = 0.35
    occlusion: float = 2.3
    shadow: float = 1.0
    gloss: float = 0.0
    tint: float = 1.0
    pigment: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.elevation_deg <= 90 and 0 <= self.light_softness <= 1):
            raise ValueError("elevation_deg must be in (0, 90], light_softness in [0, 1]")
        if not (0 <= self.shadow <= 1 and self.gloss >= 0):
            raise ValueError("shadow must be in [0, 1], gloss not negative")


def reach_px(mm_per_px: float) -> int:
    """Distance over which shade spreads beyond the relief that makes it."""
    return int(np.ceil(4 * _SCATTER_MM / mm_per_px))


def shade(
    depth_mm: FloatImage, narrowness: FloatImage, mm_per_px: float, light: Light
) -> FloatImage:
    """Luminance relative to flat skin; exactly 1 out of reach of the relief.

    Direct light follows Lambert's law [1]_ and is taken away where a wall stands before the light;
    ambient light follows the part of the sky that a point sees; floors lose light with their depth
    over their width; gloss is a Gaussian lobe of slopes around the mirror direction [2]_. All of it
    is blurred by the light that skin scatters sideways.

    Parameters
    ----------
    depth_mm : ndarray of float32, shape (M, N)
        Depth below the intact skin.
    narrowness : ndarray of float32, shape (M, N)
        Depth over the width of the scar it belongs to.
    mm_per_px : float
        Size of a pixel.
    light : Light
        How it is lit.

    Returns
    -------
    ndarray of float32, shape (M, N)

    References
    ----------
    .. [1] J. H. Lambert, Photometria (1760).
    .. [2] G. J. Ward, "Measuring and modeling anisotropic reflection", Proc. SIGGRAPH, 265-272
       (1992).
    """
    slope_y, slope_x = np.gradient(depth_mm, np.float32(mm_per_px))
    turn, height = np.radians(light.light_deg), np.radians(light.elevation_deg)
    cos, sin, tan = np.float32(np.cos(turn)), np.float32(np.sin(turn)), np.float32(np.tan(height))
    toward, across = slope_x * cos + slope_y * sin, slope_y * cos - slope_x * sin
    upward = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    direct = np.maximum(0, upward * (1 + toward / tan))
    if light.shadow > 0:
        direct *= 1 - np.float32(light.shadow) * _cast_shadow(depth_mm, mm_per_px, (cos, sin), tan)
    ambient = (1 + upward) / 2
    soft = np.float32(light.light_softness)
    sky = np.exp(-np.float32(light.occlusion) * narrowness)
    factor = ((1 - soft) * direct + soft * ambient) * sky
    if light.gloss > 0:
        mirror = np.float32(np.tan((np.pi / 2 - height) / 2))
        shine = np.exp(-((toward - mirror) ** 2 + across**2) / np.float32(2 * _GLOSS_SLOPE**2))
        flat = np.exp(-(mirror**2) / np.float32(2 * _GLOSS_SLOPE**2))
        factor += np.float32(light.gloss) * (1 - soft) * (shine - flat)
    size = 2 * reach_px(mm_per_px) + 1
    factor = np.maximum(factor, np.float32(0.02))
    blurred = cv2.GaussianBlur(factor, (size, size), _SCATTER_MM / mm_per_px)
    near = cv2.dilate((factor != 1).astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    return np.where(near, blurred, np.float32(1))


def tinted(
    factor: NDArray[np.float32], relative_depth: NDArray[np.float32], light: Light
) -> NDArray[np.float32]:
    """Factors on linear R, G and B.

    Parameters
    ----------
    factor : ndarray of float32, shape (K,)
        Luminance relative to flat skin.
    relative_depth : ndarray of float32, shape (K,)
        0 on intact skin, 1 at the deepest points.
    light : Light
        Its tint and pigment.

    Returns
    -------
    ndarray of float32, shape (K, 3)
    """
    exponent = 1 + np.float32(light.tint) * (_SHADE_EXPONENT - 1)
    # shine is white: only what is darker than flat skin takes the colour of shade
    colour = np.where(factor[:, None] < 1, factor[:, None] ** exponent, factor[:, None])
    if light.pigment:
        colour = colour * np.exp(
            -np.float32(light.pigment) * relative_depth[:, None] * _PIGMENT_RGB
        )
    return colour


def _cast_shadow(
    depth_mm: FloatImage,
    mm_per_px: float,
    toward: tuple[np.float32, np.float32],
    tan_elevation: np.float32,
) -> FloatImage:
    """Share of the direct light that is kept off by what stands towards the light, 0 to 1."""
    relief_mm = float(depth_mm.max(initial=0) - min(0.0, float(depth_mm.min(initial=0))))
    reach_mm = min(_LONGEST_SHADOW_MM, relief_mm / float(tan_elevation))
    rows, cols = depth_mm.shape
    kept_off = np.zeros_like(depth_mm)
    for step in range(1, int(reach_mm / mm_per_px) + 1):
        matrix = np.array([[1, 0, step * toward[0]], [0, 1, step * toward[1]]], np.float64)
        before = cv2.warpAffine(
            depth_mm,
            matrix,
            (cols, rows),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        above_mm = depth_mm - before - np.float32(step * mm_per_px) * tan_elevation
        np.maximum(kept_off, above_mm, out=kept_off)
    return np.clip(kept_off / np.float32(max(_PENUMBRA * relief_mm, 1e-6)), 0, 1)
