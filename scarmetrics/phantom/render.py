"""Scars drawn into a photograph by shading their relief, with the truth that goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.phantom.light import decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask
    from scarmetrics.phantom.scars import Scar

_SUBPIXELS = 4
# Skin scatters light sideways: no shadow on it is sharper than this.
_SCATTER_MM = 0.12
# Light that comes out of skin elsewhere is mostly red: shade costs red less than green and blue.
_SHADE_EXPONENT = np.array([0.70, 1.07, 1.18], np.float32)


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
    """

    light_deg: float = 225.0
    elevation_deg: float = 30.0
    light_softness: float = 0.35
    occlusion: float = 2.3

    def __post_init__(self) -> None:
        if not (0 < self.elevation_deg <= 90 and 0 <= self.light_softness <= 1):
            raise ValueError("elevation_deg must be in (0, 90], light_softness in [0, 1]")


@dataclass(frozen=True, eq=False)
class Phantom:
    """A photograph with scars of known area.

    Attributes
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    labels : ndarray of int32, shape (M, N)
        0 is skin; k is the inside of the outline at half depth of ``scars[k - 1]``. Where
        outlines overlap, the pixel belongs to the scar that is deeper there.
    coverage : ndarray of float32, shape (M, N)
        Share of each pixel that lies inside any outline.
    mm_per_px : float
        Size of a pixel.
    scars : tuple of Scar
        What was drawn.
    light : Light
        How it was lit.
    """

    image: Image
    labels: NDArray[np.int32]
    coverage: FloatImage
    mm_per_px: float
    scars: tuple[Scar, ...]
    light: Light

    @property
    def area_mm2(self) -> float:
        """Area inside all outlines, overlaps counted once."""
        return float(self.coverage.sum(dtype=np.float64)) * self.mm_per_px**2

    def area_within_mm2(self, mask: Mask) -> float:
        """The part of that area inside a mask of shape (M, N)."""
        return float(self.coverage[mask].sum(dtype=np.float64)) * self.mm_per_px**2


def render(
    image: Image,
    scars: Sequence[Scar],
    *,
    mm_per_px: float,
    light: Light | None = None,
) -> Phantom:
    """Draw scars into a photograph of skin.

    The depressions' relief is shaded (Lambert's law relative to flat skin, under a directional
    and an ambient light), floors are darkened for the part of the sky that they do not see, and
    the result multiplies the photograph in linear light, so that the skin's own texture stays.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.
    scars : sequence of Scar
        What to draw.
    mm_per_px : float
        Size of a pixel.
    light : Light, optional
        How the relief is lit.

    Returns
    -------
    Phantom
        With a new image; pixels out of reach of any scar are as before.

    References
    ----------
    J. H. Lambert, Photometria (1760).
    """
    if not (np.isfinite(mm_per_px) and mm_per_px > 0):
        raise ValueError(f"mm_per_px is {mm_per_px}, must be a positive number")
    light = light or Light()
    relief = _relief(image.shape[:2], scars, mm_per_px)
    drawn = image.copy()
    window = _window(relief.depth_mm, _scatter_px(mm_per_px))
    if window is not None:
        shade = _shade(relief.depth_mm[window], relief.narrowness[window], mm_per_px, light)
        inside = shade != 1
        pixels = image[window][inside]
        colour = shade[inside][:, None] ** _SHADE_EXPONENT
        drawn[window][inside] = encode(decode(pixels) * colour, image.dtype)
    return Phantom(
        image=drawn,
        labels=relief.labels,
        coverage=coverage(image.shape[:2], scars, mm_per_px),
        mm_per_px=mm_per_px,
        scars=tuple(scars),
        light=light,
    )


@dataclass(frozen=True, eq=False)
class _Relief:
    depth_mm: FloatImage
    narrowness: FloatImage  # depth over the width of the scar it belongs to
    labels: NDArray[np.int32]


def _relief(shape: tuple[int, ...], scars: Sequence[Scar], mm_per_px: float) -> _Relief:
    """All depressions together: the deepest counts at each pixel."""
    depth_mm = np.zeros(shape, np.float32)
    narrowness = np.zeros(shape, np.float32)
    owned_mm = np.zeros(shape, np.float32)
    labels = np.zeros(shape, np.int32)
    for number, scar in enumerate(scars, start=1):
        window = _window_of(scar, scar.reach_mm, shape, mm_per_px)
        here = _depth_in(window, scar, mm_per_px)
        width_mm = np.float32(2 * min(scar.rx_mm, scar.ry_mm))
        np.maximum(depth_mm[window], here, out=depth_mm[window])
        np.maximum(narrowness[window], here / width_mm, out=narrowness[window])
        owns = (here >= scar.depth_mm / 2) & (here > owned_mm[window])
        labels[window][owns] = number
        owned_mm[window][owns] = here[owns]
    return _Relief(depth_mm, narrowness, labels)


def coverage(shape: tuple[int, ...], scars: Iterable[Scar], mm_per_px: float) -> FloatImage:
    """Share of each pixel inside the scars' outlines at half depth.

    Parameters
    ----------
    shape : tuple of int
        (M, N) of the photograph.
    scars : iterable of Scar
        Overlaps count once.
    mm_per_px : float
        Size of a pixel.

    Returns
    -------
    ndarray of float32, shape (M, N)
        0 to 1, in steps of 1/16.
    """
    rows, cols = shape
    fine = np.zeros((rows * _SUBPIXELS, cols * _SUBPIXELS), np.bool_)
    for scar in scars:
        outline_mm = max(scar.rx_mm, scar.ry_mm) * np.sqrt(1 + scar.irregularity)
        window = _window_of(scar, float(outline_mm), shape, mm_per_px)
        inside = _depth_in(window, scar, mm_per_px, _SUBPIXELS) >= scar.depth_mm / 2
        fine[tuple(slice(s.start * _SUBPIXELS, s.stop * _SUBPIXELS) for s in window)] |= inside
    blocks = fine.reshape(rows, _SUBPIXELS, cols, _SUBPIXELS)
    share: FloatImage = blocks.mean(axis=(1, 3), dtype=np.float32)
    return share


def _window_of(
    scar: Scar, reach_mm: float, shape: tuple[int, ...], mm_per_px: float
) -> tuple[slice, slice]:
    reach = reach_mm / mm_per_px + 1
    spans = []
    for middle, size in ((scar.y_px, shape[0]), (scar.x_px, shape[1])):
        first = int(np.clip(np.floor(middle - reach), 0, size))
        last = int(np.clip(np.ceil(middle + reach) + 1, first, size))
        spans.append(slice(first, last))
    return spans[0], spans[1]


def _depth_in(
    window: tuple[slice, slice], scar: Scar, mm_per_px: float, parts: int = 1
) -> FloatImage:
    """Depth in a window's pixels, each divided into `parts` by `parts`."""
    y, x = (
        ((np.arange(span.start * parts, span.stop * parts) + 0.5) / parts - 0.5).astype(np.float32)
        for span in window
    )
    return scar.depth_at(x[None, :], y[:, None], mm_per_px)


def _scatter_px(mm_per_px: float) -> int:
    """Distance over which shade spreads."""
    return int(np.ceil(4 * _SCATTER_MM / mm_per_px))


def _window(depth_mm: FloatImage, margin: int) -> tuple[slice, slice] | None:
    """Bounding box of what is not zero, with a margin; None when all is."""
    rows, cols = np.nonzero(depth_mm.any(axis=1))[0], np.nonzero(depth_mm.any(axis=0))[0]
    if not len(rows):
        return None
    return (
        slice(max(0, rows[0] - margin), rows[-1] + 1 + margin),
        slice(max(0, cols[0] - margin), cols[-1] + 1 + margin),
    )


def _shade(
    depth_mm: FloatImage, narrowness: FloatImage, mm_per_px: float, light: Light
) -> FloatImage:
    """Luminance relative to flat skin; exactly 1 out of reach of the scars."""
    slope_y, slope_x = np.gradient(depth_mm, np.float32(mm_per_px))
    turn, height = np.radians(light.light_deg), np.radians(light.elevation_deg)
    toward = slope_x * np.float32(np.cos(turn)) + slope_y * np.float32(np.sin(turn))
    upward = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    direct = np.maximum(0, upward * (1 + toward / np.float32(np.tan(height))))
    ambient = (1 + upward) / 2
    soft = np.float32(light.light_softness)
    sky = np.exp(-np.float32(light.occlusion) * narrowness)
    shade = ((1 - soft) * direct + soft * ambient) * sky
    size = 2 * _scatter_px(mm_per_px) + 1
    blurred = cv2.GaussianBlur(shade, (size, size), _SCATTER_MM / mm_per_px)
    near = cv2.dilate((shade != 1).astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    return np.where(near, blurred, np.float32(1))
