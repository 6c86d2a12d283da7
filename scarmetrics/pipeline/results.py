"""What the pipeline hands on: an aligned pair, one visit's result, one half's result."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scarmetrics.face.glasses import find_glasses
from scarmetrics.face.sharpness import edge_blur_px
from scarmetrics.flags import QcStatus, qc_status
from scarmetrics.pipeline.scales import SizeRatio, size_ratio
from scarmetrics.scale import NO_SCALE, ScaleChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.face.glasses import Glasses
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

    @cached_property
    def blur_px(self) -> tuple[float | None, float | None]:
        """Blur of each photograph, as the standard deviation of a Gaussian."""
        first, second = (
            edge_blur_px(image, face.face_mask, mm_per_px)
            for image, face, mm_per_px in zip(
                self.images, self.faces, self.detection_mm_per_px, strict=True
            )
        )
        return first, second

    @cached_property
    def glasses(self) -> tuple[Glasses, Glasses]:
        """What each face wears over its eyes, if anything."""
        return (
            find_glasses(self.images[0], self.faces[0]),
            find_glasses(self.images[1], self.faces[1]),
        )


@dataclass(frozen=True)
class VisitQuality:
    """How well one photograph shows a half.

    Attributes
    ----------
    yaw_deg, pitch_deg : float
        Head pose.
    blur_px, blur_mm : float or None
        Blur as the standard deviation of a Gaussian; in mm by the photograph's scale.
    exposure : float or None
        Median relative luminance of the side's skin.
    clipped_fraction : float or None
        Share of it where a channel is at the end of its range.
    beard_texture : float or None
        Fine darkness of the lower face over that of the upper; None where either is missing.
    glasses_score : float or None
        Sharpness of what would be the frame of spectacles.
    excluded : dict of str to float
        For each cause the share of this side's skin that the photograph cannot show measurably.
    """

    yaw_deg: float | None = None
    pitch_deg: float | None = None
    blur_px: float | None = None
    blur_mm: float | None = None
    exposure: float | None = None
    clipped_fraction: float | None = None
    beard_texture: float | None = None
    glasses_score: float | None = None
    excluded: Mapping[Cause, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PairQuality:
    """How alike the two photographs of a half were taken.

    Attributes
    ----------
    pose_difference_deg : float or None
        Angle between the directions in which the head looks.
    expression_difference : float or None
        Largest difference in opening and width of the mouth and height of the cheeks, in distances
        between the pupils.
    blur_difference_mm : float or None
        Blur that would make the sharper photograph look like the other, by the baseline's scale or
        a nominal one.
    """

    pose_difference_deg: float | None = None
    expression_difference: float | None = None
    blur_difference_mm: float | None = None


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
    quality : VisitQuality
        How well the photograph shows this half.
    scale_choice : ScaleChoice
        What `scale` was chosen from.
    skin_states : ndarray of uint8, shape (M, N), or None
        Which pixels are this side's skin, and why this photograph cannot show some of them: see
        `scarmetrics.face.measurable.MeasurableSkin`. None where it is not known.
    """

    labels: NDArray[np.int32]
    roi: Mask
    measurement: AreaMeasurement
    scale: PixelScale | None
    flags: tuple[str, ...]
    regions: tuple[RegionMeasurement, ...] = ()
    quality: VisitQuality = VisitQuality()
    scale_choice: ScaleChoice = NO_SCALE
    skin_states: NDArray[np.uint8] | None = None


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
    quality : PairQuality
        How alike the two photographs were taken.
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
    quality: PairQuality = PairQuality()

    @property
    def qc_status(self) -> QcStatus:
        """'pass', 'review' or 'fail', from the flags."""
        return qc_status(self.flags)
