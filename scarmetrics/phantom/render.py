"""Scars drawn into a photograph by shading their relief, with the truth that goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.phantom.light import decode, encode
from scarmetrics.phantom.marks import draw_marks
from scarmetrics.phantom.scars import window_of
from scarmetrics.phantom.shading import Light, reach_px, shade, tinted
from scarmetrics.phantom.texture import Roughness, rough_relief

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask
    from scarmetrics.phantom.marks import Mark
    from scarmetrics.phantom.scars import Scar

_SUBPIXELS = 4


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
    relative_depth : ndarray of float32, shape (M, N)
        Depth over the greatest depth of the scar it belongs to: 1 at each scar's deepest point,
        0.5 on its outline, 0 on intact skin.
    marks : tuple of Mark
        What was drawn that is no scar.
    roughness : Roughness or None
        The uneven skin between the scars.
    """

    image: Image
    labels: NDArray[np.int32]
    coverage: FloatImage
    mm_per_px: float
    scars: tuple[Scar, ...]
    light: Light
    relative_depth: FloatImage
    marks: tuple[Mark, ...] = ()
    roughness: Roughness | None = None

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
    marks: Sequence[Mark] = (),
    roughness: Roughness | None = None,
    skin: Mask | None = None,
) -> Phantom:
    """Draw scars into a photograph of skin.

    The relief is shaded (`shade`), and the result multiplies the photograph in linear light, so
    that the skin's own texture stays. Where depressions overlap, the deepest counts at each point:
    all depths are below the one intact surface that spans them.

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
    marks : sequence of Mark, optional
        What else lies on the skin and is no scar: colour, hairs, raised papules, creases.
    roughness : Roughness, optional
        Unevenness of the skin between the scars, too shallow to be scars.
    skin : ndarray of bool, shape (M, N), optional
        Where roughness is drawn; everywhere by default.

    Returns
    -------
    Phantom
        With a new image; pixels out of reach of what is drawn are as before.
    """
    if not (np.isfinite(mm_per_px) and mm_per_px > 0):
        raise ValueError(f"mm_per_px is {mm_per_px}, must be a positive number")
    light = light or Light()
    shape = image.shape[:2]
    relief = _relief(shape, scars, mm_per_px)
    depth_mm: FloatImage = relief.depth_mm
    narrowness: FloatImage = relief.narrowness
    if roughness is not None:
        uneven = rough_relief(shape, mm_per_px, roughness, skin)
        # inside a scar the floor is its own
        uneven *= 1 - relief.relative_depth
        depth_mm += uneven
        narrowness += np.maximum(uneven, 0) / np.float32(roughness.width_mm)
    dyed, raised_mm = draw_marks(image, marks, mm_per_px)
    if raised_mm is not None:
        depth_mm = depth_mm - raised_mm
    drawn = image.copy() if dyed is image else dyed
    window = _window(depth_mm, reach_px(mm_per_px))
    if window is not None:
        factor = shade(depth_mm[window], narrowness[window], mm_per_px, light)
        inside = factor != 1
        pixels = drawn[window][inside]
        colour = tinted(factor[inside], relief.relative_depth[window][inside], light)
        drawn[window][inside] = encode(decode(pixels) * colour, image.dtype)
    return Phantom(
        image=drawn,
        labels=relief.labels,
        coverage=coverage(shape, scars, mm_per_px),
        mm_per_px=mm_per_px,
        scars=tuple(scars),
        light=light,
        relative_depth=relief.relative_depth,
        marks=tuple(marks),
        roughness=roughness,
    )


@dataclass(frozen=True, eq=False)
class _Relief:
    depth_mm: FloatImage
    narrowness: FloatImage  # depth over the width of the scar it belongs to
    labels: NDArray[np.int32]
    relative_depth: FloatImage


def _relief(shape: tuple[int, ...], scars: Sequence[Scar], mm_per_px: float) -> _Relief:
    """All depressions together: the deepest counts at each pixel."""
    depth_mm = np.zeros(shape, np.float32)
    narrowness = np.zeros(shape, np.float32)
    owned_mm = np.zeros(shape, np.float32)
    labels = np.zeros(shape, np.int32)
    relative = np.zeros(shape, np.float32)
    for number, scar in enumerate(scars, start=1):
        window = window_of(scar, scar.reach_mm, shape, mm_per_px)
        here = _depth_in(window, scar, mm_per_px)
        width_mm = np.float32(2 * min(scar.rx_mm, scar.ry_mm))
        np.maximum(depth_mm[window], here, out=depth_mm[window])
        np.maximum(narrowness[window], here / width_mm, out=narrowness[window])
        share = here / np.float32(max(scar.depth_mm, 1e-9))
        np.maximum(relative[window], share, out=relative[window])
        owns = (here >= scar.depth_mm / 2) & (here > owned_mm[window])
        labels[window][owns] = number
        owned_mm[window][owns] = here[owns]
    return _Relief(depth_mm, narrowness, labels, relative)


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
        window = window_of(scar, float(outline_mm), shape, mm_per_px)
        inside = _depth_in(window, scar, mm_per_px, _SUBPIXELS) >= scar.depth_mm / 2
        fine[tuple(slice(s.start * _SUBPIXELS, s.stop * _SUBPIXELS) for s in window)] |= inside
    blocks = fine.reshape(rows, _SUBPIXELS, cols, _SUBPIXELS)
    share: FloatImage = blocks.mean(axis=(1, 3), dtype=np.float32)
    return share


def _depth_in(
    window: tuple[slice, slice], scar: Scar, mm_per_px: float, parts: int = 1
) -> FloatImage:
    """Depth in a window's pixels, each divided into `parts` by `parts`."""
    y, x = (
        ((np.arange(span.start * parts, span.stop * parts) + 0.5) / parts - 0.5).astype(np.float32)
        for span in window
    )
    return scar.depth_at(x[None, :], y[:, None], mm_per_px)


def _window(depth_mm: FloatImage, margin: int) -> tuple[slice, slice] | None:
    """Bounding box of what is not zero, with a margin; None when all is."""
    rows, cols = np.nonzero(depth_mm.any(axis=1))[0], np.nonzero(depth_mm.any(axis=0))[0]
    if not len(rows):
        return None
    return (
        slice(max(0, rows[0] - margin), rows[-1] + 1 + margin),
        slice(max(0, cols[0] - margin), cols[-1] + 1 + margin),
    )
