"""What the pipeline hands on: an aligned pair, one visit's result, one half's result."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scarmetrics.flags import QcStatus, qc_status
from scarmetrics.pipeline.scales import SizeRatio, size_ratio
from scarmetrics.scale import NO_SCALE, ScaleChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.face.measurable import Cause
    from scarmetrics.measure import AreaChange, AreaMeasurement, RegionMeasurement, ScarMatch
    from scarmetrics.models import Image, Mask, Side, View
    from scarmetrics.registration import Registration
    from scarmetrics.units import PixelScale


@dataclass(frozen=True, eq=False)
class Pair:
    """Both visits' photographs, found, scaled and aligned; shared by the two halves of a face.

    Attributes
    ----------
    images : tuple of ndarray
        Baseline and follow-up, RGB.
    faces : tuple of Face
        Theirs.
    scales : tuple of PixelScale or None
        Theirs; None where there is no scale.
    detection_mm_per_px : tuple of float
        What sizes are looked for in: the scale, or a nominal one where there is none.
    registration : Registration
        From baseline to follow-up.
    views : tuple of {'frontal', 'left', 'right'} or None
        What the photographs are declared to show; None is unknown.
    photo_flags : tuple of tuple of str
        Flags of the decoded files.
    scale_choices : tuple of ScaleChoice
        What `scales` were chosen from.
    """

    images: tuple[Image, Image]
    faces: tuple[Face, Face]
    scales: tuple[PixelScale | None, PixelScale | None]
    detection_mm_per_px: tuple[float, float]
    registration: Registration
    views: tuple[View | None, View | None] = (None, None)
    photo_flags: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    scale_choices: tuple[ScaleChoice, ScaleChoice] = (NO_SCALE, NO_SCALE)

    @cached_property
    def size_ratio(self) -> SizeRatio:
        """How large the follow-up shows unchanged skin, relative to the baseline."""
        return size_ratio(self.registration, self.faces, self.detection_mm_per_px)


@dataclass(frozen=True, eq=False)
class VisitResult:
    """One half at one visit.

    Attributes
    ----------
    labels : ndarray of int32, shape (M, N)
        Scars, in the photograph's pixels; 0 is skin.
    roi : ndarray of bool, shape (M, N)
        Skin that was measured, the same anatomical skin at both visits.
    measurement : AreaMeasurement
        Areas and scars.
    scale : PixelScale or None
        The scale used.
    flags : tuple of str
        What concerns this photograph alone.
    regions : tuple of RegionMeasurement
        The same scars and skin, divided among the named regions.
    excluded : dict of str to float
        For each cause the share of this side's skin that this photograph could not show measurably.
    beard_texture : float or None
        Fine darkness of the lower face over that of the upper; None where either is missing.
    scale_choice : ScaleChoice
        What `scale` was chosen from.
    """

    labels: NDArray[np.int32]
    roi: Mask
    measurement: AreaMeasurement
    scale: PixelScale | None
    flags: tuple[str, ...]
    regions: tuple[RegionMeasurement, ...] = ()
    excluded: Mapping[Cause, float] = field(default_factory=dict)
    beard_texture: float | None = None
    scale_choice: ScaleChoice = NO_SCALE


@dataclass(frozen=True, eq=False)
class HalfResult:
    """One measured half.

    Attributes
    ----------
    side : {'left', 'right'}
        Anatomical side.
    baseline, follow_up : VisitResult
        The two visits.
    change : AreaChange
        Follow-up minus baseline.
    matches : tuple of ScarMatch
        What became of each scar.
    registration : Registration
        From baseline to follow-up.
    residual_px, residual_mm : float, float or None
        Median forward-backward disagreement on the measured skin, in baseline px and mm.
    registered_fraction : float
        Share of the common skin that could be aligned.
    flags : tuple of str
        All flags of the half, those of its visits included.
    """

    side: Side
    baseline: VisitResult
    follow_up: VisitResult
    change: AreaChange
    matches: tuple[ScarMatch, ...]
    registration: Registration
    residual_px: float
    residual_mm: float | None
    registered_fraction: float
    flags: tuple[str, ...]

    @property
    def qc_status(self) -> QcStatus:
        """'pass', 'review' or 'fail', from the flags."""
        return qc_status(self.flags)
