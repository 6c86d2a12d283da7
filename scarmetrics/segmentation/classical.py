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
from scipy.special import ndtr
from skimage.segmentation import watershed

from scarmetrics.opencv import cv2
from scarmetrics.photometry import blur, log_luminance, masked_plane
from scarmetrics.segmentation.darkness import DarkScale, darkening
from scarmetrics.segmentation.grid import lay_grid
from scarmetrics.segmentation.protocol import FailedSegmentation, Response, ScarLabels
from scarmetrics.segmentation.shapes import (
    MAD_TO_SD,
    apart_from_seed,
    fields,
    grown,
    lesser_pieces,
    peak_and_slope,
    renumber,
    scar_like,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.config import SegmentationConfig
    from scarmetrics.models import FloatImage, Image, Mask


_WORKING_MM = 0.18  # finer photographs are reduced to this; scars below 0.8 mm are not asked for
_WIDE = DarkScale(blur_mm=0.8, around_mm=4.0, span_mm=6.0)  # for scars that the small scale spans
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
_KNOWN_LIMIT = 0.5  # limit of detection where the other visit shows a scar, as a share of the usual
_KNOWN_SIGNIFICANCE = 1.5  # that limit is never below this many times the pair's noise
_LEAST_KNOWN = 0.5  # share of a core that must lie where the other visit shows a scar


class _Cores(NamedTuple):
    """Depressions that were found, before they are outlined."""

    labels: NDArray[np.int32]
    above: NDArray[np.float64]
    """How far each lies above its limit of detection, in log luminance; label 1 is at index 0."""


class ClassicalSegmenter:
    """Difference of Gaussians and closing, basins of half depth.

    Parameters
    ----------
    config : SegmentationConfig
        Sizes in mm, significance, contrast, rule for touching scars.

    Attributes
    ----------
    area_rel_sd, change_rel_sd, repeat_rel_sd, scar_rel_sd : float
        Relative errors of area as `ScarLabels` explains them, from ``benchmarks/uncertainty.py``.
    """

    area_rel_sd = 0.37
    change_rel_sd = 0.70
    repeat_rel_sd = 0.03
    scar_rel_sd = 0.0  # its contours' own uncertainty is enough

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
        grid = lay_grid(roi, min(1.0, mm_per_px / max(_WORKING_MM, coarsest_mm_per_px)))
        if grid is None:
            return FailedSegmentation("no_skin")
        log = log_luminance(image[grid.window], grid.size)
        skin = grid.of_mask(roi)
        mm_per_cell = mm_per_px * grid.px_per_cell[0]
        depth = darkening(log, skin, mm_per_cell)
        inside = depth[skin]
        spread = np.median(np.abs(inside - np.median(inside))) if inside.size else 0.0
        return Response(
            depth=depth,
            roi=skin,
            origin=grid.origin,
            px_per_cell=grid.px_per_cell,
            mm_per_px=mm_per_px,
            noise=float(MAD_TO_SD * spread),
            log=log,
        )

    def label(
        self, response: Response, roi: Mask, noise: float, known: Mask | None = None
    ) -> ScarLabels:
        """Scars in a response.

        Parameters
        ----------
        response : Response
            From `respond`.
        roi : ndarray of bool, shape (M, N)
            Skin that is measured, in the photograph's pixels; the response's or a part of it.
        noise : float
            Noise of the pair.
        known : ndarray of bool, shape (M, N), optional
            Skin where the other visit shows a scar that was not found here: half of the usual
            limit is enough there, yet never less than 1.5 times the noise.

        Returns
        -------
        ScarLabels
            Where `config.touching` is ``split``, each basin is a scar of its own; where it is
            ``merge``, basins that touch are one.
        """
        limit = max(-np.log1p(-self.config.min_contrast), self.config.min_significance * noise)
        height, width = (
            round(n * f)
            for n, f in zip(response.depth.shape, response.px_per_cell[::-1], strict=True)
        )
        x0, y0 = response.origin
        window = np.s_[y0 : y0 + height, x0 : x0 + width]
        found = self._find(response, limit)
        if known is not None and known[window].any():
            lower = min(limit, max(_KNOWN_LIMIT * limit, _KNOWN_SIGNIFICANCE * noise))
            found = _with_known(found, self._find(response, lower), known[window])
        depth, basins, peaks, depth_noise = _outline(response, found.labels)
        depth = cv2.resize(depth, (width, height), interpolation=cv2.INTER_LINEAR)
        basins = cv2.resize(basins, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        least = np.concatenate([[np.inf], _HALF_DEPTH * peaks]).astype(np.float32)
        scars = np.where((depth >= least[basins]) & roi[window], basins, 0).astype(np.int32)
        scars[lesser_pieces(scars)] = 0
        scars[~scar_like(scars, response.mm_per_px, self.config)[scars]] = 0
        chance = np.concatenate([[0], ndtr(found.above / max(noise, 1e-9))])[scars]
        if self.config.touching == "merge":
            scars = fields(scars, self.config.merge_gap_mm / response.mm_per_px)
        labels = np.zeros(roi.shape, np.int32)
        labels[window], count = renumber(scars)
        peak, slope = peak_and_slope(labels[window], depth, count)
        return ScarLabels(
            labels=labels,
            peak=peak,
            boundary_sd_px=max(noise, depth_noise) / np.maximum(slope, 1e-6),
            noise=noise,
            detection_probability=_maxima(chance, labels[window], count),
            smallest_area_px=np.pi / 4 * (self.config.min_diameter_mm / response.mm_per_px) ** 2,
            area_rel_sd=self.area_rel_sd,
            change_rel_sd=self.change_rel_sd,
            repeat_rel_sd=self.repeat_rel_sd,
            scar_rel_sd=self.scar_rel_sd,
        )

    def _find(self, response: Response, limit: float) -> _Cores:
        """Cores of the scars on the working grid: significant, of a scar's size and shape."""
        mm_per_cell = _mm_per_cell(response)
        cores = _cores(response.depth, response.roi, limit, mm_per_cell)
        cores[~scar_like(cores, mm_per_cell, self.config)[cores]] = 0
        wide, wide_depth = self._walled(response, limit)
        wide[np.isin(wide, np.unique(wide[cores > 0]))] = 0  # the small scale has seen these
        depth = np.where(wide > 0, wide_depth, response.depth)
        cores, count = renumber(np.where(wide > 0, wide + cores.max(initial=0), cores))
        return _Cores(cores, _maxima(depth, cores, count) - limit)

    def _walled(self, response: Response, threshold: float) -> tuple[NDArray[np.int32], FloatImage]:
        """Cores of the wide scale with a wall all around, which the shadow of a fold has not.

        Also the depth at that scale.
        """
        log, mm_per_cell = _log_of(response), _mm_per_cell(response)
        depth = darkening(log, response.roi, mm_per_cell, _WIDE)
        cores = _cores(depth, response.roi, threshold, mm_per_cell)
        kept = scar_like(cores, mm_per_cell, self.config)
        kept &= np.bincount(cores.ravel()) >= np.pi / 4 * (_WIDE_FROM_MM / mm_per_cell) ** 2
        for label in np.flatnonzero(kept):
            kept[label] = _least_rise(log, cores == label, mm_per_cell) >= (
                _LEAST_WALL * depth[cores == label].max()
            )
        cores[~kept[cores]] = 0
        return cores, depth


def _with_known(found: _Cores, weak: _Cores, known: Mask) -> _Cores:
    """What was found, and of the weaker the ones that lie where the other visit shows a scar.

    A weaker core that touches one that was found is the same depression under the lower limit.
    """
    rows, cols = weak.labels.shape
    known = (
        cv2.resize(known.astype(np.uint8), (cols, rows), interpolation=cv2.INTER_NEAREST_EXACT) > 0
    )
    cells = np.bincount(weak.labels.ravel())
    taken = np.bincount(weak.labels.ravel(), known.ravel(), len(cells)) >= _LEAST_KNOWN * cells
    taken[np.unique(weak.labels[grown(found.labels > 0, 1)])] = False
    taken[0] = False
    both = np.where(taken[weak.labels], weak.labels + len(found.above), found.labels)
    above = np.concatenate([[0], found.above, weak.above])[both]
    labels, count = renumber(both)
    return _Cores(labels, _maxima(above, labels, count))


def _maxima(
    values: NDArray[np.floating], labels: NDArray[np.int32], count: int
) -> NDArray[np.float64]:
    """Largest value inside each label."""
    largest = np.full(count, -np.inf)
    inside = labels > 0
    np.maximum.at(largest, labels[inside] - 1, values[inside])
    return largest


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
    clear = skin & ~grown(seeds > 0, _CLEAR_MM / mm_per_cell)
    surface = masked_plane(log, clear, _SURFACE_MM / mm_per_cell)
    depth = surface - blur(log, max(_OUTLINE_MM / mm_per_cell, 0.5))
    beside = depth[clear]
    noise = MAD_TO_SD * float(np.median(np.abs(beside))) if beside.size else 0.0
    count = int(seeds.max(initial=0))
    if count == 0:
        return depth, np.zeros_like(seeds), np.zeros(0), noise
    near = skin & grown(seeds > 0, _REACH_MM / mm_per_cell) & (depth > 0)
    basins = watershed(-depth, seeds, mask=near | (seeds > 0)).astype(np.int32)
    peaks = _maxima(depth, seeds, count)
    least = np.concatenate([[np.inf], _HALF_DEPTH * peaks])
    basins[apart_from_seed(np.where(depth >= least[basins], basins, 0), seeds)] = 0
    return depth, basins, peaks, noise


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
    peaks = _maxima(depth, seeds.astype(np.int32), count)
    basins = watershed(-depth, seeds, mask=skin & (depth > _SEED_LEVEL * threshold))
    least = np.concatenate([[np.inf], _SEED_LEVEL * peaks])
    return np.where(depth >= least[basins], basins, 0).astype(np.int32)


def _least_rise(log: FloatImage, core: Mask, mm_per_cell: float) -> float:
    """How much lighter the skin just outside a core is, in the direction where it is least."""
    inner, outer = (grown(core, mm / mm_per_cell) for mm in _WALL_MM)
    y, x = np.nonzero(outer & ~inner)
    centre_y, centre_x = (values.mean() for values in np.nonzero(core))
    sector = np.floor(np.arctan2(y - centre_y, x - centre_x) / (2 * np.pi) * _SECTORS).astype(int)
    sector %= _SECTORS
    total = np.bincount(sector, log[y, x], minlength=_SECTORS)
    around = total / np.maximum(np.bincount(sector, minlength=_SECTORS), 1)
    return float(around.min() - log[core].mean())
