"""From evidence to scars: how every learned method outlines, splits and keeps what it sees.

A learned method says for each cell how likely it lies inside a scar, that is within the contour
at half of the depression's depth. One fixed level of that probability is the contour; scars that
touch are split by watershed [1]_; a scar counts where its evidence reaches a limit somewhere.
Neither level nor limit is taken from the photograph, so both visits fall under one rule.

References
----------
.. [1] P. Soille, "Morphological Image Analysis", 2nd ed., Springer (2003): h-maxima, watershed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from scipy.special import ndtr
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from scarmetrics.opencv import cv2
from scarmetrics.photometry import blur, masked_blur
from scarmetrics.segmentation.protocol import Response, ScarLabels
from scarmetrics.segmentation.shapes import (
    MAD_TO_SD,
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
    from scarmetrics.models import FloatImage, Mask

_APART_MM = 0.6  # maxima nearer than this are one depression
_PROMINENCE = 0.08  # a maximum rises by this above the pass to a higher one
_GUIDE_MM = 0.3  # sigma of the blur that makes a guide of the evidence itself
_CONTRAST_MM = 0.25  # sigma of the blur on which contrast is read
_CLEAR_MM = 0.6  # skin nearer to a scar than this is not the skin that it is compared with
_AROUND_MM = 2.5  # sigma of the window of that skin
_KNOWN_LOG_ODDS = 1.0  # by how much less evidence does where the other visit shows a scar
_FAINT_SHARE = 0.5
_LEAST_KNOWN = 0.5  # share of a scar that must lie there
_FARTHEST_MM = 1.0  # no boundary is less certain than this
_CORRELATION_CELLS = 1.5  # along a contour, errors closer than this move together
_CONNECTED = np.ones((3, 3), bool)


def label_evidence(
    response: Response,
    roi: Mask,
    noise: float,
    config: SegmentationConfig,
    *,
    level: float,
    detection: float,
    evidence_sd: float = 0.15,
    log_odds_sd: float | None = None,
    known: Mask | None = None,
) -> ScarLabels:
    """Outline the scars that a learned method has evidence for.

    Parameters
    ----------
    response : Response
        `depth` is the probability, 0 to 1, that a cell lies inside a scar; `core`, where the
        method gives it, the relative depth by which touching scars are split; `log` the log
        luminance against the skin around, from which contrast is read.
    roi : ndarray of bool, shape (M, N)
        Skin that is measured, in the photograph's pixels; the response's or a part of it.
    noise : float
        Noise of the pair; passed on, since evidence has its own limit.
    config : SegmentationConfig
        Sizes, sensitivity, rule for touching scars.
    level : float
        Probability on the contour, between 0 and 1: the model's, at which area is unbiased.
    detection : float
        Probability that a scar reaches somewhere, between 0 and 1, at a sensitivity of 0.5.
    evidence_sd : float, optional
        Standard deviation of the probability on the contour.
    log_odds_sd : float, optional
        Standard deviation from one photograph to the next of the log-odds that a scar reaches;
        gives the probability of detection, which is left open without it.
    known : ndarray of bool, shape (M, N), optional
        Where the other visit shows a scar, in the photograph's pixels. A scar of which at least
        half lies there counts on less evidence.

    Returns
    -------
    ScarLabels
    """
    rows, cols = response.depth.shape
    size = (round(cols * response.px_per_cell[0]), round(rows * response.px_per_cell[1]))
    x0, y0 = response.origin
    window = np.s_[y0 : y0 + size[1], x0 : x0 + size[0]]
    limit = _logit(detection) - _logit(config.sensitivity)
    faintest = _chance(limit - (0 if known is None else _KNOWN_LOG_ODDS))
    usual = faintest >= detection
    basins, peaks = _basins(response, level if usual else min(level, _FAINT_SHARE * faintest))
    basins = cv2.resize(basins, size, interpolation=cv2.INTER_NEAREST_EXACT)
    evidence = cv2.resize(response.depth, size, interpolation=cv2.INTER_LINEAR)
    # what is fainter than usual is outlined at half of its own evidence
    outline = np.where(peaks >= detection, level, np.minimum(level, _FAINT_SHARE * peaks))
    outline = outline.astype(np.float32)
    scars = np.where((evidence >= outline[basins]) & roi[window], basins, 0).astype(np.int32)
    least = np.full(len(peaks), limit)
    if known is not None:
        least[_mostly_in(scars, known[window], len(peaks))] -= _KNOWN_LOG_ODDS
    spare = _logit(peaks) - least
    scars[~(spare >= 0)[scars]] = 0
    scars[lesser_pieces(scars)] = 0
    scars[~scar_like(scars, response.mm_per_px, config)[scars]] = 0
    whole = scars
    if config.touching == "merge":
        whole = fields(scars, config.merge_gap_mm / response.mm_per_px)
    labels = np.zeros(roi.shape, np.int32)
    labels[window], count = renumber(whole)
    contrast, _ = peak_and_slope(labels[window], _contrast(response, scars > 0, size), count)
    _, slope = peak_and_slope(labels[window], evidence, count)
    sd_px = evidence_sd / np.maximum(slope, 1e-6)
    sure = None
    if log_odds_sd is not None:
        inside = labels[window] > 0
        index = np.arange(1, count + 1)
        best = ndi.maximum(spare[scars[inside]], labels[window][inside], index) if count else []
        sure = ndtr(np.asarray(best, np.float64) / log_odds_sd)
    return ScarLabels(
        labels=labels,
        peak=np.maximum(contrast, 0.0),
        boundary_sd_px=np.minimum(sd_px, _FARTHEST_MM / response.mm_per_px),
        noise=noise,
        detection_probability=sure,
        smallest_area_px=np.pi / 4 * (config.min_diameter_mm / response.mm_per_px) ** 2,
        correlation_px=_CORRELATION_CELLS * response.px_per_cell[0],
    )


def evidence_noise(log: FloatImage, roi: Mask, mm_per_cell: float) -> float:
    """Robust standard deviation of the log luminance on which contrast is read.

    Parameters
    ----------
    log : ndarray of float32, shape (h, w)
        Log luminance against the skin around.
    roi : ndarray of bool, shape (h, w)
        Skin.
    mm_per_cell : float
        Side of a cell.
    """
    inside = blur(log, max(_CONTRAST_MM / mm_per_cell, 0.5))[roi]
    return MAD_TO_SD * float(np.median(np.abs(inside - np.median(inside)))) if inside.size else 0.0


def _mostly_in(scars: NDArray[np.int32], mask: Mask, count: int) -> NDArray[np.bool_]:
    """Which labels, 0 to count - 1, lie in the mask with at least half of their area."""
    whole = np.bincount(scars[scars > 0], minlength=count)
    inside = np.bincount(scars[mask & (scars > 0)], minlength=count)
    return (inside > 0) & (inside >= _LEAST_KNOWN * whole)


def _basins(response: Response, level: float) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """One basin per depression on the working grid, 0 between them, and each one's evidence."""
    evidence, mm_per_cell = response.depth, response.mm_per_px * response.px_per_cell[0]
    candidates = response.roi & (evidence >= level)
    guide = response.core
    if guide is None:
        guide = blur(evidence, max(_GUIDE_MM / mm_per_cell, 0.5))
    seeds = _seeds(np.where(candidates, guide, 0).astype(np.float32), candidates, mm_per_cell)
    # contours run between cells, so basins reach one cell farther
    reach = cv2.dilate(candidates.astype(np.uint8), _CONNECTED.astype(np.uint8)) > 0
    basins = watershed(-guide, seeds, mask=reach).astype(np.int32)
    index = np.arange(int(seeds.max(initial=0)) + 1)
    peaks = np.zeros(len(index))
    if len(index) > 1:
        peaks[1:] = ndi.maximum(evidence, np.where(candidates, basins, 0), index[1:])
    return basins, peaks


def _seeds(guide: FloatImage, candidates: Mask, mm_per_cell: float) -> NDArray[np.int32]:
    """Maxima that are prominent and apart, and at least one for all that hangs together."""
    if not candidates.any():
        return np.zeros(guide.shape, np.int32)
    lowered = np.maximum(guide - np.float32(_PROMINENCE), 0).astype(np.float32)
    tops, _ = ndi.label(local_maxima(_reconstructed(lowered, guide)) & candidates, _CONNECTED)
    window = 2 * max(1, round(_APART_MM / mm_per_cell)) + 1
    highest = guide == cv2.dilate(guide, np.ones((window, window), np.uint8))
    seeds = np.isin(tops, np.unique(tops[highest & candidates])) & (tops > 0)
    whole, _ = ndi.label(candidates, _CONNECTED)
    seeds |= candidates & ~np.isin(whole, np.unique(whole[seeds]))
    return ndi.label(seeds, _CONNECTED)[0].astype(np.int32)


def _reconstructed(marker: FloatImage, mask: FloatImage) -> FloatImage:
    """Morphological reconstruction by dilation, step by step.

    Scars are small, so a few dilations are enough; sorting all cells first, as scikit-image does,
    takes ten times as long.
    """
    around = _CONNECTED.astype(np.uint8)
    while True:
        wider = np.minimum(cv2.dilate(marker, around), mask)
        if np.array_equal(wider, marker):
            return marker
        marker = wider


def _contrast(response: Response, scars: Mask, size: tuple[int, int]) -> FloatImage:
    """Darkness against the skin beside the scars, as a difference of log luminance, per px."""
    if response.log is None:
        raise ValueError("the response comes from another segmenter")
    log, mm_per_cell = response.log, response.mm_per_px * response.px_per_cell[0]
    shape = response.depth.shape[::-1]
    marked = cv2.resize(scars.astype(np.uint8), shape, interpolation=cv2.INTER_NEAREST_EXACT) > 0
    beside = response.roi & ~grown(marked, _CLEAR_MM / mm_per_cell)
    surface = masked_blur(log, beside, _AROUND_MM / mm_per_cell)
    quiet = blur(log, max(_CONTRAST_MM / mm_per_cell, 0.5))
    return cv2.resize(surface - quiet, size, interpolation=cv2.INTER_LINEAR)


def _logit(probability: float | NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(np.asarray(probability, np.float64), 1e-9, 1 - 1e-9)
    return np.log(inside / (1 - inside))


def _chance(log_odds: NDArray[np.float64] | float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))
