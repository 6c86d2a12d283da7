"""Which skin of a half was not measured, and why, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from scarmetrics.face.measurable import CAUSES, MEASURABLE
from scarmetrics.opencv import cv2
from scarmetrics.overlay.outlines import ring_area_px, rings_of, window

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scarmetrics.models import Mask, Points
    from scarmetrics.pipeline import HalfResult, Pair, VisitResult
    from scarmetrics.registration.frame import Box

NOT_ALIGNED, OTHER_VISIT = "not_aligned", "other_visit"
REASONS: tuple[str, ...] = (*CAUSES, NOT_ALIGNED, OTHER_VISIT)
"""Why skin was not measured: what its own photograph does not show, what could not be laid on the
other photograph, what the other photograph does not show."""

_LEAST_MM2 = 0.5
_LEAST_MM = 0.4


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Skin of one half at one visit that was not measured.

    Attributes
    ----------
    reasons : ndarray of uint8, shape (h, w)
        0 where skin was measured and off the skin, else 1 + the place in `REASONS`; a window of
        the photograph.
    origin : tuple of int
        (x, y) of the window's first pixel in the photograph.
    skin_px : int
        All skin of the half in this photograph.
    """

    reasons: NDArray[np.uint8]
    origin: tuple[int, int]
    skin_px: int

    def shares(self) -> dict[str, float]:
        """Share of the half's skin by reason, 0 to 1; only reasons that there are."""
        counts = np.bincount(self.reasons.ravel(), minlength=len(REASONS) + 1)
        return {
            reason: float(count / self.skin_px)
            for reason, count in zip(REASONS, counts[1:], strict=True)
            if count
        }

    def rings(self, mm_per_px: float) -> dict[str, tuple[Points, ...]]:
        """Outlines by reason in the photograph's px; not of specks below 0.5 mm²."""
        least_px = _LEAST_MM2 / mm_per_px**2
        corner = np.array(self.origin, np.float64)
        found: dict[str, tuple[Points, ...]] = {}
        places = enumerate(ndi.find_objects(self.reasons), start=1)
        for number, place in [at for at in places if at[1] is not None]:
            reason = REASONS[number - 1]
            mask = self.reasons[place] == number
            if reason in (NOT_ALIGNED, OTHER_VISIT):
                mask = _broad(mask, _LEAST_MM / mm_per_px)
            rings = rings_of(mask, place)
            kept = tuple(ring + corner for ring in rings if ring_area_px(ring) >= least_px)
            if kept:
                found[reason] = kept
        return found


def left_out(pair: Pair, result: HalfResult) -> tuple[LeftOut | None, LeftOut | None]:
    """What was left out at each visit, in its own pixels; None where that is not known."""
    registration = pair.registration

    def aligned_baseline(box: Box) -> Mask:
        x0, y0, x1, y1 = box
        return registration.registered_mask[y0:y1, x0:x1]

    def aligned_follow_up(box: Box) -> Mask:
        return registration.to_moving(registration.registered_mask, box)

    return (
        _of_visit(result.baseline, aligned_baseline),
        _of_visit(result.follow_up, aligned_follow_up),
    )


def _of_visit(visit: VisitResult, aligned: Callable[[Box], Mask]) -> LeftOut | None:
    states = visit.skin_states
    if states is None or not states.any():
        return None
    rows, cols = window(states > 0)
    box = (cols.start, rows.start, cols.stop, rows.stop)
    seen = states[rows, cols]
    reasons = np.maximum(seen, MEASURABLE) - np.uint8(MEASURABLE)
    lacking = (seen == MEASURABLE) & ~visit.roi[rows, cols]
    if lacking.any():
        believed = aligned(box)
        reasons[lacking & ~believed] = REASONS.index(NOT_ALIGNED) + 1
        reasons[lacking & believed] = REASONS.index(OTHER_VISIT) + 1
    return LeftOut(reasons, (cols.start, rows.start), int((seen > 0).sum()))


def _broad(mask: Mask, least_px: float) -> Mask:
    """The mask without what is narrower: two masks that nearly meet leave such slivers."""
    width = 2 * max(1, round(least_px / 2)) + 1
    padded = np.pad(mask.astype(np.uint8), width)
    broad = cv2.morphologyEx(padded, cv2.MORPH_OPEN, np.ones((width, width), np.uint8)) > 0
    return np.asarray(broad[width:-width, width:-width], bool)
