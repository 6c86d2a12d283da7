"""What all pictures of one half share, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from scarmetrics.overlay.eyes import common_covers
from scarmetrics.overlay.frame import surroundings
from scarmetrics.overlay.left_out import LeftOut, left_out
from scarmetrics.overlay.outlines import baseline_fates, follow_up_fates
from scarmetrics.overlay.panels import Marks, visit_marks
from scarmetrics.overlay.tone import Tone, fit_tone

if TYPE_CHECKING:
    from scarmetrics.models import Image, Points
    from scarmetrics.pipeline import HalfResult, Pair
    from scarmetrics.registration.frame import Box


@dataclass(frozen=True, eq=False)
class Scene:
    """One half's photographs and marks, ready to be shown.

    Attributes
    ----------
    pair : Pair
        Both photographs, aligned.
    result : HalfResult
        What was measured on one side of them.
    """

    pair: Pair
    result: HalfResult

    @cached_property
    def boxes(self) -> tuple[Box, Box]:
        """The crop of each photograph around its measured skin."""
        first, second = (
            surroundings(visit.roi, mm_per_px)
            for visit, mm_per_px in zip(
                (self.result.baseline, self.result.follow_up),
                self.pair.detection_mm_per_px,
                strict=True,
            )
        )
        return first, second

    @cached_property
    def crops(self) -> tuple[Image, Image]:
        """Each photograph's crop in its own pixels."""
        first, second = (
            image[y0:y1, x0:x1]
            for image, (x0, y0, x1, y1) in zip(self.pair.images, self.boxes, strict=True)
        )
        return first, second

    @cached_property
    def warped(self) -> Image:
        """The follow-up in the pixels of the baseline's crop."""
        return self.pair.registration.warp(self.pair.images[1], self.boxes[0])

    @cached_property
    def tone(self) -> Tone:
        """One brightness curve for both."""
        rois = (self.result.baseline.roi, self.result.follow_up.roi)
        return fit_tone(self.pair.images, rois)

    @cached_property
    def skipped(self) -> tuple[LeftOut | None, LeftOut | None]:
        """Skin of each visit that was not measured."""
        return left_out(self.pair, self.result)

    @cached_property
    def marks(self) -> tuple[Marks, Marks]:
        """Marks of each visit in its own px."""
        matches = self.result.matches
        first, second = (
            visit_marks(visit, fates, skipped, mm_per_px, box)
            for visit, fates, skipped, mm_per_px, box in zip(
                (self.result.baseline, self.result.follow_up),
                (baseline_fates(matches), follow_up_fates(matches)),
                self.skipped,
                self.pair.detection_mm_per_px,
                self.boxes,
                strict=True,
            )
        )
        return first, second

    @cached_property
    def carried(self) -> Marks:
        """Marks of the follow-up in px of the baseline."""
        return self.marks[1].moved(self.pair.registration.inverse_points)

    @cached_property
    def common_covers(self) -> tuple[Points, ...]:
        """Where the eyes of either visit are, in px of the baseline."""
        return common_covers(self.pair)
