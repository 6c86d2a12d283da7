"""Sizes, shapes and numbers of labelled scars: what all segmenters judge them by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scarmetrics.config import SegmentationConfig
    from scarmetrics.models import FloatImage, Mask

MAX_ELONGATION = 5.0  # of scars; longer ones are creases
MAD_TO_SD = 1.4826


def scar_like(
    scars: NDArray[np.int32], mm_per_px: float, config: SegmentationConfig
) -> NDArray[np.bool_]:
    """Which labels have the size and shape of a scar; index 0 is label 0."""
    kept = np.zeros(int(scars.max(initial=0)) + 1, bool)
    least = np.pi / 4 * (config.min_diameter_mm / mm_per_px) ** 2
    longest = config.max_diameter_mm / mm_per_px
    for label, x, y in members(scars):
        long_px, short_px = axes(x, y)
        crease = long_px > longest or long_px > MAX_ELONGATION * short_px
        kept[label] = len(x) >= least and not crease
    # along its length a crease falls into basins that may each pass for a scar
    for _, x, y in members(fields(scars)):
        long_px, short_px = axes(x, y)
        if long_px > longest and long_px > MAX_ELONGATION * short_px:
            kept[scars[y, x]] = False
    return kept


def members(
    labels: NDArray[np.int32],
) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.intp]]]:
    """Each label that is present, with the columns and rows of its pixels."""
    for label, place in places(labels):
        y, x = np.nonzero(labels[place] == label)
        yield label, x + place[1].start, y + place[0].start


def places(labels: NDArray[np.int32]) -> Iterator[tuple[int, tuple[slice, ...]]]:
    """Each label that is present, with its bounding box."""
    boxes: list[tuple[slice, ...] | None] = list(ndi.find_objects(labels))
    for label, place in enumerate(boxes, start=1):
        if place is not None:
            yield label, place


def fields(scars: NDArray[np.int32], gap_px: float = 0.0) -> NDArray[np.int32]:
    """Labels of what touches, corners included, or lies no farther apart than a gap."""
    inside = scars > 0
    joined = grown(inside, gap_px / 2) if gap_px >= 2 else inside
    return np.where(inside, ndi.label(joined, structure=np.ones((3, 3)))[0], 0).astype(np.int32)


def axes(x: NDArray[np.intp], y: NDArray[np.intp]) -> tuple[float, float]:
    """Full axes of the ellipse with the same second moments as a set of pixels."""
    spread = np.cov(np.stack([x, y]), bias=True) + np.eye(2) / 12
    short, long = np.sqrt(np.maximum(np.linalg.eigvalsh(spread), 1e-9))
    return 4 * float(long), 4 * float(short)


def lesser_pieces(scars: NDArray[np.int32]) -> Mask:
    """All but the largest piece of each scar, as the edge of the region may leave them."""
    lesser = np.zeros(scars.shape, bool)
    for label, place in places(scars):
        pieces, count = ndi.label(scars[place] == label, structure=np.ones((3, 3)))
        if count > 1:
            largest = np.bincount(pieces.ravel())[1:].argmax() + 1
            lesser[place] |= (pieces > 0) & (pieces != largest)
    return lesser


def apart_from_seed(scars: NDArray[np.int32], seeds: NDArray[np.int32]) -> Mask:
    """Pieces of scars that do not hang together with their own seed."""
    apart = np.zeros(scars.shape, bool)
    for label, place in places(scars):
        pieces, count = ndi.label(scars[place] == label)
        if count > 1:
            held = np.unique(pieces[(seeds[place] == label)])
            apart[place] |= (pieces > 0) & ~np.isin(pieces, held)
    return apart


def grown(mask: Mask, radius_px: float) -> Mask:
    """A mask dilated by a disc."""
    return cv2.dilate(mask.astype(np.uint8), disc(radius_px)) > 0


def disc(radius_px: float) -> NDArray[np.uint8]:
    """Structuring element of a disc."""
    radius = max(1, round(radius_px))
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def renumber(scars: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """Labels as 1, 2, ... in reading order of their first pixel, and their number."""
    present, first = np.unique(scars, return_index=True)
    order = [label for label in present[np.argsort(first)] if label]
    table = np.zeros(int(scars.max(initial=0)) + 1, np.int32)
    table[order] = np.arange(1, len(order) + 1)
    return table[scars], len(order)


def peak_and_slope(
    labels: NDArray[np.int32], depth: FloatImage, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per scar: largest depth, and mean steepness of the depth at the boundary, per px."""
    peak, slope = np.zeros(count), np.zeros(count)
    for index, place in enumerate(ndi.find_objects(labels, max_label=count)):
        around = tuple(slice(max(0, s.start - 2), s.stop + 2) for s in place)
        inside = labels[around] == index + 1
        local = depth[around]
        peak[index] = float(local[inside].max())
        edge = inside & ~ndi.binary_erosion(inside)
        along_y, along_x = np.gradient(local) if min(local.shape) > 1 else (local * 0, local * 0)
        slope[index] = float(np.hypot(along_y, along_x)[edge].mean())
    return peak, slope
