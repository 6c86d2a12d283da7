"""Skin that cannot be measured: prints, spectacles, hair over it, deep shadow, highlights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage as ndi

from scarmetrics.opencv import cv2
from scarmetrics.photometry import lit_skin, log_luminance, luminance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask

Cause = Literal["print", "glasses", "tilt", "shadow", "highlight", "hair", "beard"]
CAUSES: tuple[Cause, ...] = (
    "print", "glasses", "tilt", "shadow", "highlight", "hair", "beard",
)  # fmt: skip
"""Why skin cannot be measured; skin with several causes counts for the first."""

MEASURABLE = 1
"""State of a pixel of skin that the photograph shows measurably."""

SHADOW_MM = 3.0
"""Brightness is judged over squares of this size, wider than a scar is dark."""

_CELL_MM = 0.25
_STRAND_WIDTH_MM = 1.5  # of single hairs and thin locks
_PROBE_MM = 9.0  # a strand is dark along lines of this length; a scar or a pore is not
_PROBE_SHARE = 0.85
_STRAND_LENGTH_MM = 15.0
_STRAND_DARKNESS = 0.2  # log luminance against the skin beside it
_STRAND_EDGE_MM = 0.4
_SLIM_MM = 2.0  # area over length of hair that hangs over skin; wider webs are beard or gloss
_DIRECTIONS = 16
_TEXTURE_CELL_MM = 0.35
_CLIPPED = 0.992  # of the largest code: JPEG blurs the highest codes a little
_CLIPPED_EDGE_MM = 0.3


@dataclass(frozen=True, eq=False)
class MeasurableSkin:
    """What of a side's skin can be measured in one photograph.

    Attributes
    ----------
    mask : ndarray of bool, shape (M, N)
        A part of the skin.
    excluded : dict of str to float
        For each of `CAUSES` the share of the skin that was left out for it, 0 to 1; they add up to
        what `mask` lacks.
    states : ndarray of uint8, shape (M, N)
        0 off the skin, `MEASURABLE` in `mask`, else `MEASURABLE` + 1 + the place of the cause in
        `CAUSES`.
    """

    mask: Mask
    excluded: Mapping[Cause, float]
    states: NDArray[np.uint8]


def measurable_skin(
    image: Image,
    skin: Mask,
    *,
    mm_per_px: float,
    darkest: float,
    untilted: Mask,
    bearded: Mask,
    printed: Mask | None = None,
    spectacles: Mask | None = None,
) -> MeasurableSkin:
    """Leave out skin under a print, spectacles or hair, tilted, in deep shadow, or blown out.

    Each test is made to miss a little rather than to take clear skin or a scar.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    skin : ndarray of bool, shape (M, N)
        Skin of one side, as anatomy has it.
    mm_per_px : float
        Size of a pixel.
    darkest : float
        Squares of 3 mm darker than this share of the skin's median luminance are left out.
    untilted : ndarray of bool, shape (M, N)
        Where the surface faces the camera enough.
    bearded : ndarray of bool, shape (M, N)
        Where beards grow: dense hair is looked for here only.
    printed : ndarray of bool, shape (M, N), optional
        What a marker or a chart covers.
    spectacles : ndarray of bool, shape (M, N), optional
        What spectacles cover or distort.

    Returns
    -------
    MeasurableSkin
    """
    nothing = np.zeros_like(skin)
    covered = nothing if printed is None else printed
    behind = nothing if spectacles is None else spectacles
    seen = skin & ~covered & ~behind
    strands, webs = hair_strands(image, seen, mm_per_px)
    tests: dict[Cause, Mask] = {
        "print": covered,
        "glasses": behind,
        "tilt": ~untilted,
        "shadow": ~lit_skin(image, seen, SHADOW_MM / mm_per_px, darkest),
        "highlight": clipped_highlights(image, seen, mm_per_px),
        "hair": strands,
        "beard": webs & bearded,
    }
    left, whole = skin.copy(), max(1, int(skin.sum()))
    states = skin.astype(np.uint8) * np.uint8(MEASURABLE)
    excluded: dict[Cause, float] = {}
    for state, cause in enumerate(CAUSES, start=MEASURABLE + 1):
        taken = left & tests[cause]
        excluded[cause] = float(taken.sum() / whole)
        left &= ~taken
        states[taken] = state
    return MeasurableSkin(left, excluded, states)


def skin_exposure(image: Image, skin: Mask) -> tuple[float, float]:
    """How bright skin is, and how much of it the code values could not hold.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.
    skin : ndarray of bool, shape (M, N)
        Where to look; at least one pixel.

    Returns
    -------
    exposure : float
        Median relative luminance, linear in light, 0 to 1.
    clipped : float
        Share of the skin where any channel is at the end of its range.
    """
    pixels = image[skin]
    full = np.iinfo(image.dtype).max
    ends = (pixels >= _CLIPPED * full) | (pixels <= (1 - _CLIPPED) / 2 * full)
    exposure = float(np.median(luminance(pixels[None])))
    return exposure, float(ends.any(axis=1).mean())


def clipped_highlights(image: Image, skin: Mask, mm_per_px: float) -> Mask:
    """Skin whose light the sensor could not hold: green and another channel at their top.

    Red alone is often clipped on light skin and says little; luminance is mostly green.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    skin : ndarray of bool, shape (M, N)
        Where to look.
    mm_per_px : float
        Size of a pixel.

    Returns
    -------
    ndarray of bool, shape (M, N)
        A part of `skin`, with a rim of 0.3 mm.
    """
    limit = _CLIPPED * np.iinfo(image.dtype).max
    top = image >= limit
    clipped = skin & top[..., 1] & (top[..., 0] | top[..., 2])
    return skin & _widened(clipped, _CLIPPED_EDGE_MM / mm_per_px)


def hair_strands(image: Image, skin: Mask, mm_per_px: float) -> tuple[Mask, Mask]:
    """Dark strands over skin: thin, long and dark all along.

    A black-hat [1]_ finds what is darker than the skin on both sides of it; a strand is where that
    holds along nearly all of a straight probe in some direction. Scars and pores are dark in spots.
    Strands that cross to a web, wider than a lock, are a beard where beards grow.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    skin : ndarray of bool, shape (M, N)
        Where to look.
    mm_per_px : float
        Size of a pixel.

    Returns
    -------
    strands, webs : ndarray of bool, shape (M, N)
        Parts of `skin`, with a rim of 0.4 mm.

    References
    ----------
    .. [1] F. Meyer, "Iterative image transformations for an automatic screening of cervical
       smears", J. Histochem. Cytochem. 27(1), 128-135 (1979).
    """
    if not skin.any():
        return skin, skin
    window = _window(skin, int(np.ceil(_PROBE_MM / mm_per_px)))
    part, inside = image[window], skin[window]
    height, width = inside.shape
    zoom = min(1.0, mm_per_px / _CELL_MM)
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    cell_mm = mm_per_px * width / size[0]
    dark = _thin_darkness(log_luminance(part, size), cell_mm) > _STRAND_DARKNESS
    cells = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    found = []
    for kind in _by_width(_along_lines(dark, cell_mm) & cells, cell_mm):
        wide = _widened(kind, _STRAND_EDGE_MM / cell_mm).astype(np.uint8)
        whole = np.zeros_like(skin)
        whole[window] = inside & (cv2.resize(wide, (width, height)) > 0)
        found.append(whole)
    return found[0], found[1]


def beard_texture(image: Image, lower: Mask, upper: Mask, mm_per_px: float) -> float | None:
    """How much finer and darker the texture of the lower face is than that of the upper.

    The mean of what is thin and dark on one region over that on the other. Clear skin has about 1
    wherever it is; stubble has 1.5 and more.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    lower, upper : ndarray of bool, shape (M, N)
        Skin where beards grow, and other skin of the same side.
    mm_per_px : float
        Size of a pixel.

    Returns
    -------
    float or None
        None where either region is missing.
    """
    if not (lower.any() and upper.any()):
        return None
    window = _window(lower | upper, 1)
    part = image[window]
    zoom = min(1.0, mm_per_px / _TEXTURE_CELL_MM)
    size = (max(1, round(part.shape[1] * zoom)), max(1, round(part.shape[0] * zoom)))
    cell_mm = mm_per_px * part.shape[1] / size[0]
    thin = _thin_darkness(log_luminance(part, size), cell_mm)
    means = []
    for region in (lower[window], upper[window]):
        cells = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        inner = cv2.erode(cells, np.ones((7, 7), np.uint8)) > 0
        if not inner.any():
            return None
        means.append(float(thin[inner].mean(dtype=np.float64)))
    return means[0] / max(means[1], 1e-6)


def _window(mask: Mask, margin: int) -> tuple[slice, slice]:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.s_[
        max(0, rows[0] - margin) : rows[-1] + 1 + margin,
        max(0, cols[0] - margin) : cols[-1] + 1 + margin,
    ]


def _thin_darkness(log_light: FloatImage, cell_mm: float) -> FloatImage:
    """How much darker than its surroundings what is thinner than a lock of hair is."""
    width = max(3, 2 * round(_STRAND_WIDTH_MM / cell_mm / 2) + 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return cv2.morphologyEx(log_light, cv2.MORPH_BLACKHAT, disc)


def _along_lines(dark: Mask, cell_mm: float) -> Mask:
    """Dark cells on a probe that is dark along most of its length."""
    length = max(5, 2 * round(_PROBE_MM / cell_mm / 2) + 1)
    canvas, middle = dark.astype(np.float32), length // 2
    found = np.zeros(dark.shape, bool)
    for turn in np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS:
        probe = np.zeros((length, length), np.uint8)
        reach = middle * np.array([np.cos(turn), np.sin(turn)])
        first, last = (np.rint(middle + sign * reach).astype(int).tolist() for sign in (-1, 1))
        cv2.line(probe, first, last, 1)
        share = cv2.filter2D(
            canvas, -1, (probe / probe.sum()).astype(np.float32), borderType=cv2.BORDER_CONSTANT
        )
        centres = (share >= _PROBE_SHARE) & dark
        if centres.any():
            found |= (cv2.dilate(centres.astype(np.uint8), probe) > 0) & dark
    return found


def _by_width(mask: Mask, cell_mm: float) -> tuple[Mask, Mask]:
    """Components as long as a strand: those as slim as a lock of hair, and the others."""
    labels, count = ndi.label(mask, np.ones((3, 3)))
    cells = np.bincount(labels.ravel(), minlength=count + 1)
    slim, broad = np.zeros(count + 1, bool), np.zeros(count + 1, bool)
    for i, place in enumerate(ndi.find_objects(labels), start=1):
        length_mm = cell_mm * float(np.hypot(*(part.stop - part.start for part in place)))
        if length_mm >= _STRAND_LENGTH_MM:
            kind = slim if cells[i] * cell_mm**2 <= _SLIM_MM * length_mm else broad
            kind[i] = True
    return slim[labels], broad[labels]


def _widened(mask: Mask, radius_px: float) -> Mask:
    side = 2 * max(1, round(radius_px)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0
