"""Relief-like dark depressions at the sizes of scars: the explainable method.

Scars are found first and outlined second. To find them, illumination is removed twice and a pixel
must be dark by both accounts: against a local plane through the skin around it (a difference of
Gaussians [1]_ without its bias at borders), and against the intact surface that spans it
(morphological closing [2]_), which leaves shading edges and broad folds alone. A depression counts
when its deepest point exceeds both a least contrast and a multiple of the pair's noise.

To outline them, the surface is laid anew through the skin *between* the scars, so that a scar does
not pull down the very level it is measured against, and the photograph is blurred less. The
boundary is where the depth below that surface falls to half of its maximum, inside the scar's own
watershed basin.

References
----------
.. [1] D. Marr and E. Hildreth, "Theory of edge detection", Proc. R. Soc. B 207, 187-217 (1980).
.. [2] F. Meyer, "Iterative image transformations for an automatic screening of cervical smears",
   J. Histochem. Cytochem. 27(1), 128-135 (1979).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from scarmetrics.opencv import cv2
from scarmetrics.photometry import blur, log_luminance, masked_plane
from scarmetrics.segmentation.protocol import FailedSegmentation, Response, ScarLabels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scarmetrics.config import SegmentationConfig
    from scarmetrics.models import FloatImage, Image, Mask


class _Scale(NamedTuple):
    """One scale at which scars are looked for, as lengths on the skin."""

    blur_mm: float
    """Sigma of the blur that quiets pores."""
    around_mm: float
    """Sigma of the skin around."""
    span_mm: float
    """Closing disc: wider shading belongs to the face, not to a scar."""


_WORKING_MM = 0.18  # finer photographs are reduced to this; scars below 0.8 mm are not asked for
_SMALL = _Scale(blur_mm=0.4, around_mm=2.0, span_mm=3.0)
_WIDE = _Scale(blur_mm=0.8, around_mm=4.0, span_mm=6.0)  # for scars that the small scale spans
_WIDE_FROM_MM = 2.5  # equivalent diameter of the narrowest core taken from the wide scale
_WALL_MM = (0.3, 1.0)  # just outside a core
_SECTORS = 8
_LEAST_WALL = 0.6  # rise across the wall in every sector, as a share of the depth
_APART_MM = 0.6  # maxima nearer than this are one depression
_SEED_LEVEL = 0.42  # share of the maximum that a scar must hold to be judged by size and shape
_OUTLINE_MM = 0.25  # sigma of the blur under the outline
_CLEAR_MM = 0.6  # skin nearer to a scar than this does not carry the surface that spans it
_SURFACE_MM = 2.5  # sigma of that surface
_REACH_MM = 1.0  # an outline leaves its seed by no more than this
_HALF_DEPTH = 0.5
_MAX_ELONGATION = 5.0  # of scars; longer ones are creases
_MAD_TO_SD = 1.4826


class ClassicalSegmenter:
    """Difference of Gaussians and closing, basins of half depth.

    Parameters
    ----------
    config : SegmentationConfig
        Sizes in mm, significance, contrast, rule for touching scars.
    """

    def __init__(self, config: SegmentationConfig) -> None:
        self.config = config

    def respond(
        self, image: Image, roi: Mask, mm_per_px: float, coarsest_mm_per_px: float
    ) -> Response | FailedSegmentation:
        """Depth signal of one photograph.

        Parameters
        ----------
        image : ndarray of uint8 or uint16, shape (M, N, 3)
            RGB.
        roi : ndarray of bool, shape (M, N)
            Skin.
        mm_per_px : float
            Scale.
        coarsest_mm_per_px : float
            The coarser scale of the pair; a finer photograph is reduced to it.

        Returns
        -------
        Response or FailedSegmentation
        """
        rows, cols = np.flatnonzero(roi.any(axis=1)), np.flatnonzero(roi.any(axis=0))
        if len(rows) == 0:
            return FailedSegmentation("no_skin")
        y0, y1, x0, x1 = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
        part, skin = image[y0:y1, x0:x1], roi[y0:y1, x0:x1]
        height, width = skin.shape
        zoom = min(1.0, mm_per_px / max(_WORKING_MM, coarsest_mm_per_px))
        size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
        log = log_luminance(part, size)
        skin = cv2.resize(skin.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT) > 0
        mm_per_cell = mm_per_px * width / size[0]
        depth = _darkening(log, skin, mm_per_cell, _SMALL)
        inside = depth[skin]
        spread = np.median(np.abs(inside - np.median(inside))) if inside.size else 0.0
        return Response(
            depth=depth,
            roi=skin,
            origin=(int(x0), int(y0)),
            px_per_cell=(width / size[0], height / size[1]),
            mm_per_px=mm_per_px,
            noise=float(_MAD_TO_SD * spread),
            log=log,
        )

    def label(self, response: Response, roi: Mask, noise: float) -> ScarLabels:
        """Scars in a response.

        Parameters
        ----------
        response : Response
            From `respond`.
        roi : ndarray of bool, shape (M, N)
            Skin that is measured, in the photograph's pixels; the response's or a part of it.
        noise : float
            Noise of the pair.

        Returns
        -------
        ScarLabels
            Where `config.touching` is ``split``, each basin is a scar of its own; where it is
            ``merge``, basins that touch are one.
        """
        least_depth = -np.log1p(-self.config.min_contrast)
        seeds = self._find(response, max(least_depth, self.config.min_significance * noise))
        depth, basins, peaks, depth_noise = _outline(response, seeds)
        height, width = (
            round(n * f)
            for n, f in zip(response.depth.shape, response.px_per_cell[::-1], strict=True)
        )
        x0, y0 = response.origin
        window = np.s_[y0 : y0 + height, x0 : x0 + width]
        depth = cv2.resize(depth, (width, height), interpolation=cv2.INTER_LINEAR)
        basins = cv2.resize(basins, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        least = np.concatenate([[np.inf], _HALF_DEPTH * peaks]).astype(np.float32)
        scars = np.where((depth >= least[basins]) & roi[window], basins, 0).astype(np.int32)
        scars[_lesser_pieces(scars)] = 0
        scars[~self._scar_like(scars, response.mm_per_px)[scars]] = 0
        if self.config.touching == "merge":
            scars = _fields(scars)
        labels = np.zeros(roi.shape, np.int32)
        labels[window], count = _renumber(scars)
        peak, slope = _peak_and_slope(labels[window], depth, count)
        return ScarLabels(
            labels=labels,
            peak=peak,
            boundary_sd_px=max(noise, depth_noise) / np.maximum(slope, 1e-6),
            noise=noise,
        )

    def _find(self, response: Response, threshold: float) -> NDArray[np.int32]:
        """Cores of the scars on the working grid: significant, of a scar's size and shape."""
        mm_per_cell = _mm_per_cell(response)
        cores = _cores(response.depth, response.roi, threshold, mm_per_cell)
        cores[~self._scar_like(cores, mm_per_cell)[cores]] = 0
        wide = self._walled(response, threshold)
        wide[np.isin(wide, np.unique(wide[cores > 0]))] = 0  # the small scale has seen these
        cores = np.where(wide > 0, wide + cores.max(initial=0), cores)
        return _renumber(cores)[0]

    def _walled(self, response: Response, threshold: float) -> NDArray[np.int32]:
        """Cores of the wide scale with a wall all around, which the shadow of a fold has not."""
        log, mm_per_cell = _log_of(response), _mm_per_cell(response)
        depth = _darkening(log, response.roi, mm_per_cell, _WIDE)
        cores = _cores(depth, response.roi, threshold, mm_per_cell)
        kept = self._scar_like(cores, mm_per_cell)
        kept &= np.bincount(cores.ravel()) >= np.pi / 4 * (_WIDE_FROM_MM / mm_per_cell) ** 2
        for label in np.flatnonzero(kept):
            kept[label] = _least_rise(log, cores == label, mm_per_cell) >= (
                _LEAST_WALL * depth[cores == label].max()
            )
        cores[~kept[cores]] = 0
        return cores

    def _scar_like(self, scars: NDArray[np.int32], mm_per_px: float) -> NDArray[np.bool_]:
        """Which labels have the size and shape of a scar; index 0 is label 0."""
        kept = np.zeros(int(scars.max(initial=0)) + 1, bool)
        least = np.pi / 4 * (self.config.min_diameter_mm / mm_per_px) ** 2
        longest = self.config.max_diameter_mm / mm_per_px
        for label, x, y in _members(scars):
            long_px, short_px = _axes(x, y)
            crease = long_px > longest or long_px > _MAX_ELONGATION * short_px
            kept[label] = len(x) >= least and not crease
        # along its length a crease falls into basins that may each pass for a scar
        for _, x, y in _members(_fields(scars)):
            long_px, short_px = _axes(x, y)
            if long_px > longest and long_px > _MAX_ELONGATION * short_px:
                kept[scars[y, x]] = False
        return kept


def _log_of(response: Response) -> FloatImage:
    if response.log is None:
        raise ValueError("the response comes from another segmenter")
    return response.log


def _mm_per_cell(response: Response) -> float:
    return response.mm_per_px * response.px_per_cell[0]


def _outline(
    response: Response, seeds: NDArray[np.int32]
) -> tuple[FloatImage, NDArray[np.int32], NDArray[np.float64], float]:
    """Depth below the surface that spans the scars, their basins, maxima, and the depth's noise."""
    log, mm_per_cell, skin = _log_of(response), _mm_per_cell(response), response.roi
    clear = skin & ~_grown(seeds > 0, _CLEAR_MM / mm_per_cell)
    surface = masked_plane(log, clear, _SURFACE_MM / mm_per_cell)
    depth = surface - blur(log, max(_OUTLINE_MM / mm_per_cell, 0.5))
    beside = depth[clear]
    noise = _MAD_TO_SD * float(np.median(np.abs(beside))) if beside.size else 0.0
    count = int(seeds.max(initial=0))
    if count == 0:
        return depth, np.zeros_like(seeds), np.zeros(0), noise
    near = skin & _grown(seeds > 0, _REACH_MM / mm_per_cell) & (depth > 0)
    basins = watershed(-depth, seeds, mask=near | (seeds > 0)).astype(np.int32)
    peaks = np.asarray(ndi.maximum(depth, seeds, np.arange(1, count + 1)), np.float64)
    least = np.concatenate([[np.inf], _HALF_DEPTH * peaks])
    basins[_apart_from_seed(np.where(depth >= least[basins], basins, 0), seeds)] = 0
    return depth, basins, peaks, noise


def _apart_from_seed(scars: NDArray[np.int32], seeds: NDArray[np.int32]) -> Mask:
    """Pieces of scars that do not hang together with their own seed."""
    apart = np.zeros(scars.shape, bool)
    for label, place in _places(scars):
        pieces, count = ndi.label(scars[place] == label)
        if count > 1:
            held = np.unique(pieces[(seeds[place] == label)])
            apart[place] |= (pieces > 0) & ~np.isin(pieces, held)
    return apart


def _lesser_pieces(scars: NDArray[np.int32]) -> Mask:
    """All but the largest piece of each scar, as the edge of the region may leave them."""
    lesser = np.zeros(scars.shape, bool)
    for label, place in _places(scars):
        pieces, count = ndi.label(scars[place] == label, structure=np.ones((3, 3)))
        if count > 1:
            largest = np.bincount(pieces.ravel())[1:].argmax() + 1
            lesser[place] |= (pieces > 0) & (pieces != largest)
    return lesser


def _grown(mask: Mask, radius_px: float) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), _disc(radius_px)) > 0


def _disc(radius_px: float) -> NDArray[np.uint8]:
    radius = max(1, round(radius_px))
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _darkening(log: FloatImage, skin: Mask, mm_per_cell: float, scale: _Scale) -> FloatImage:
    """Darkness against the skin around and against the surface that spans it, the lesser one."""
    quiet = blur(log, max(scale.blur_mm / mm_per_cell, 0.5))
    against_mean = masked_plane(log, skin, scale.around_mm / mm_per_cell) - quiet
    against_span = _close(quiet, skin, scale.span_mm / mm_per_cell) - quiet
    return np.where(skin, np.minimum(against_mean, against_span), 0).astype(np.float32)


def _cores(
    depth: FloatImage, skin: Mask, threshold: float, mm_per_cell: float
) -> NDArray[np.int32]:
    """What holds a share of its watershed basin's maximum, where that is significant."""
    window = 2 * max(1, round(_APART_MM / mm_per_cell)) + 1
    highest = cv2.dilate(depth, np.ones((window, window), np.uint8))
    seeds, count = ndi.label(
        (depth == highest) & (depth > threshold) & skin, structure=np.ones((3, 3))
    )
    if count == 0:
        return np.zeros(depth.shape, np.int32)
    peaks = ndi.maximum(depth, seeds, np.arange(1, count + 1))
    basins = watershed(-depth, seeds, mask=skin & (depth > _SEED_LEVEL * threshold))
    least = np.concatenate([[np.inf], _SEED_LEVEL * np.asarray(peaks, np.float64)])
    return np.where(depth >= least[basins], basins, 0).astype(np.int32)


def _members(
    labels: NDArray[np.int32],
) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.intp]]]:
    """Each label that is present, with the columns and rows of its pixels."""
    for label, place in _places(labels):
        y, x = np.nonzero(labels[place] == label)
        yield label, x + place[1].start, y + place[0].start


def _places(labels: NDArray[np.int32]) -> Iterator[tuple[int, tuple[slice, ...]]]:
    """Each label that is present, with its bounding box."""
    places: list[tuple[slice, ...] | None] = list(ndi.find_objects(labels))
    for label, place in enumerate(places, start=1):
        if place is not None:
            yield label, place


def _least_rise(log: FloatImage, core: Mask, mm_per_cell: float) -> float:
    """How much lighter the skin just outside a core is, in the direction where it is least."""
    inner, outer = (_grown(core, mm / mm_per_cell) for mm in _WALL_MM)
    y, x = np.nonzero(outer & ~inner)
    centre_y, centre_x = (values.mean() for values in np.nonzero(core))
    sector = np.floor(np.arctan2(y - centre_y, x - centre_x) / (2 * np.pi) * _SECTORS).astype(int)
    sector %= _SECTORS
    total = np.bincount(sector, log[y, x], minlength=_SECTORS)
    around = total / np.maximum(np.bincount(sector, minlength=_SECTORS), 1)
    return float(around.min() - log[core].mean())


def _fields(scars: NDArray[np.int32]) -> NDArray[np.int32]:
    """Labels of what touches, corners included."""
    return ndi.label(scars > 0, structure=np.ones((3, 3)))[0].astype(np.int32)


def _close(image: FloatImage, skin: Mask, diameter_px: float) -> FloatImage:
    """Morphological closing over the skin only, by a disc."""
    disc = _disc(diameter_px / 2)
    low, high = np.float32(image.min() - 1), np.float32(image.max() + 1)
    filled = cv2.dilate(np.where(skin, image, low), disc)
    return cv2.erode(np.where(skin, filled, high), disc)


def _axes(x: NDArray[np.intp], y: NDArray[np.intp]) -> tuple[float, float]:
    """Full axes of the ellipse with the same second moments as a set of pixels."""
    spread = np.cov(np.stack([x, y]), bias=True) + np.eye(2) / 12
    short, long = np.sqrt(np.maximum(np.linalg.eigvalsh(spread), 1e-9))
    return 4 * float(long), 4 * float(short)


def _renumber(scars: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """Labels as 1, 2, ... in reading order of their first pixel, and their number."""
    present, first = np.unique(scars, return_index=True)
    order = [label for label in present[np.argsort(first)] if label]
    table = np.zeros(int(scars.max(initial=0)) + 1, np.int32)
    table[order] = np.arange(1, len(order) + 1)
    return table[scars], len(order)


def _peak_and_slope(
    labels: NDArray[np.int32], depth: FloatImage, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per scar: largest depth, and mean steepness of the depth at the boundary, per px."""
    peak, slope = np.zeros(count), np.zeros(count)
    for index, place in enumerate(ndi.find_objects(labels, max_label=count)):
        grown = tuple(slice(max(0, s.start - 2), s.stop + 2) for s in place)
        inside = labels[grown] == index + 1
        local = depth[grown]
        peak[index] = float(local[inside].max())
        edge = inside & ~ndi.binary_erosion(inside)
        along_y, along_x = np.gradient(local) if min(local.shape) > 1 else (local * 0, local * 0)
        slope[index] = float(np.hypot(along_y, along_x)[edge].mean())
    return peak, slope
