"""The two numbers that turn probabilities into scars, chosen on photographs that were left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtri

from scarmetrics.config import SegmentationConfig
from scarmetrics.opencv import cv2
from scarmetrics.segmentation.contours import label_evidence
from scarmetrics.segmentation.normalise import LUMINANCE_UNIT
from scarmetrics.segmentation.protocol import Response
from scarmetrics.teach.score import pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage
    from scarmetrics.teach.lesson import Lesson

_LEVELS = np.linspace(0.15, 0.8, 14)
_LIMITS = np.linspace(0.2, 0.95, 31)
_AREA_WEIGHT = 0.25  # F1 that an area wrong by a factor e is worth
_ODDS = 10.0  # log-odds by which evidence above the level is told; any that ndtr resolves


def response_of(lesson: Lesson, evidence: FloatImage) -> Response:
    """A response as a segmenter would give it."""
    skin = lesson.skin
    return Response(
        depth=evidence,
        roi=skin.roi,
        origin=skin.grid.origin,
        px_per_cell=skin.grid.px_per_cell,
        mm_per_px=lesson.mm_per_px,
        noise=0.0,
        log=skin.planes[0] * np.float32(LUMINANCE_UNIT),
    )


class _Candidates(NamedTuple):
    """Scars of one photograph at one level."""

    peak: NDArray[np.float64]
    """Evidence of each that a limit of detection is compared with."""
    area_px: NDArray[np.intp]
    paired: NDArray[np.float64]
    """Share of the readers that have it."""
    traced: float
    traced_px: float


def calibrate(
    lessons: Sequence[Lesson], evidence: Sequence[FloatImage]
) -> tuple[float, float, float]:
    """Level of the contour, detection limit, and the evidence's spread on the contour.

    The pair is taken at which scars pair best with the readers' and the area is theirs.

    Parameters
    ----------
    lessons : sequence of Lesson
        Photographs with tracings.
    evidence : sequence of ndarray of float32, shape (h, w)
        Probability of each cell, by models that have not seen that person.
    """
    best = (-np.inf, float(_LEVELS[5]), 0.5)
    for level in _LEVELS:
        parts = [_candidates(*pair, float(level)) for pair in zip(lessons, evidence, strict=True)]
        for limit in _LIMITS[level <= _LIMITS]:
            score = _score(parts, float(limit))
            if score > best[0]:
                best = (score, float(level), float(limit))
    _, level, limit = best
    return level, limit, _spread(lessons, evidence)


def _candidates(lesson: Lesson, evidence: FloatImage, level: float) -> _Candidates:
    found = label_evidence(
        response_of(lesson, evidence), lesson.roi, 0.0, SegmentationConfig(),
        level=level, detection=level, log_odds_sd=_ODDS,
    )  # fmt: skip
    if found.detection_probability is None:
        raise ValueError("labels come without the evidence of each scar")
    paired = np.zeros((len(lesson.readers), found.count))
    for number, traced in enumerate(lesson.readers):
        for label, _ in pairs(found.labels, traced):
            paired[number, label - 1] = 1
    return _Candidates(
        # the chance of detection says how far above the level the evidence of each reaches
        peak=expit(logit(level) + _ODDS * ndtri(found.detection_probability)),
        area_px=np.bincount(found.labels.ravel(), minlength=found.count + 1)[1:],
        paired=paired.mean(axis=0),
        traced=float(np.mean([len(np.unique(t[t > 0])) for t in lesson.readers])),
        traced_px=float(np.mean([np.count_nonzero(t) for t in lesson.readers])),
    )


def _score(parts: Sequence[_Candidates], limit: float) -> float:
    kept = [part.peak >= limit for part in parts]
    hits = sum(float(part.paired[k].sum()) for part, k in zip(parts, kept, strict=True))
    found = sum(int(k.sum()) for k in kept)
    f1 = 2 * hits / max(found + sum(part.traced for part in parts), 1.0)
    area = sum(float(part.area_px[k].sum()) for part, k in zip(parts, kept, strict=True))
    ratio = max(area, 1.0) / max(sum(part.traced_px for part in parts), 1.0)
    return f1 - _AREA_WEIGHT * abs(float(np.log(ratio)))


def _spread(lessons: Sequence[Lesson], evidence: Sequence[FloatImage]) -> float:
    """Spread of the evidence at the readers' own contours, where it should be one number."""
    values = []
    for lesson, chance in zip(lessons, evidence, strict=True):
        inside = (lesson.target >= 0.5).astype(np.uint8)
        edge = (inside > 0) & (cv2.erode(inside, np.ones((3, 3), np.uint8)) == 0)
        values.append(chance[edge & lesson.skin.roi])
    joined = np.concatenate(values)
    spread = float(np.std(joined)) if joined.size else 0.15
    return float(np.clip(spread, 0.02, 0.4))
