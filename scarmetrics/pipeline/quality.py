"""When a visit or a half is flagged: the limits of the config, applied."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face.expression import expression_difference, pose_difference_deg
from scarmetrics.face.glasses import find_glasses
from scarmetrics.face.measurable import skin_exposure
from scarmetrics.face.sharpness import edge_blur_px
from scarmetrics.models import FailedHalf
from scarmetrics.pipeline.results import PairQuality, VisitQuality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scarmetrics.config import QualityConfig, StudyConfig
    from scarmetrics.face import Face
    from scarmetrics.measure import AreaMeasurement
    from scarmetrics.models import Image, Mask, Side, View
    from scarmetrics.pipeline.results import Pair
    from scarmetrics.pipeline.skin import SideSkin
    from scarmetrics.registration import FailedRegistration
    from scarmetrics.units import PixelScale

_SCALES_DISAGREE_SD = 3.0
_IMPOSSIBLE = 1.5  # beyond the range of people's faces by this factor, a scale is a mistake
_LEAST_SCAR_PX = 2.0
_EXCUSE = 2.0  # faces turned by 12° and blurred by 0.7 mm are still aligned
_TURNED_DEG = 8.0  # yaw that shows for certain which side is turned to the camera
_FRONTAL_DEG = 20.0


def refuse_scale(
    face: Face,
    scale: PixelScale | None,
    detection_mm_per_px: float,
    visit: str,
    config: StudyConfig,
) -> FailedHalf | None:
    """The failure that a scale calls for with which no scar could be looked for."""
    if scale is not None:
        pupils_mm = scale.mm_per_px * face.interpupillary_px
        low, high = config.quality.interpupillary_mm
        if not low / _IMPOSSIBLE <= pupils_mm <= high * _IMPOSSIBLE:
            return FailedHalf(
                "scale_implausible",
                f"at {scale.mm_per_px:g} mm per px ({scale.source}) the pupils would be "
                f"{pupils_mm:.3g} mm apart",
                visit,
            )
    smallest_px = config.segmentation.min_diameter_mm / detection_mm_per_px
    if smallest_px < _LEAST_SCAR_PX:
        return FailedHalf(
            "pixels_too_coarse",
            f"the smallest scar asked for spans {smallest_px:.1f} px, {_LEAST_SCAR_PX:.0f} needed",
            visit,
        )
    return None


def refuse_side(face: Face, side: Side, view: View | None, visit: str) -> FailedHalf | None:
    """The failure that a head turned away from what was declared calls for."""
    refused = refuse_view(face, view, visit)
    if refused is not None:
        return refused
    if face.side_visible not in (side, "both"):
        detail = f"the photograph shows the {face.side_visible} side, {side} was declared"
        return FailedHalf("side_not_visible", detail, visit)
    return None


def refuse_view(face: Face, view: View | None, visit: str) -> FailedHalf | None:
    """The failure of an oblique photograph that shows the other side than was declared."""
    if view in ("left", "right") and abs(face.yaw_deg) > _TURNED_DEG:
        turned = "left" if face.yaw_deg > 0 else "right"
        if turned != view:
            detail = f"the {turned} side is turned to the camera, the view was declared as {view}"
            return FailedHalf("laterality_conflict", detail, visit)
    return None


def refuse_pair(
    failed: FailedRegistration,
    images: tuple[Image, Image],
    faces: tuple[Face, Face],
    mm_per_px: Sequence[float],
    config: StudyConfig,
) -> FailedHalf:
    """The failure of a pair that could not be aligned.

    Where the faces match and their skin does not, the photographs show two people, unless they
    are too bad or too different to tell.
    """
    if not failed.skin_differs:
        return FailedHalf(failed.reason_code, failed.reason)
    shown = [
        _photo_quality(image, face, mm, face.skin_mask("left") | face.skin_mask("right"))
        for image, face, mm in zip(images, faces, mm_per_px, strict=True)
    ]
    excuses, limits = set(), _limits_of_alignment(config.quality)
    for quality, mm in zip(shown, mm_per_px, strict=True):
        excuses |= _quality_flags(quality, mm, limits)
    for image, face in zip(images, faces, strict=True):
        if find_glasses(image, face).score > config.face.min_glasses_score:
            excuses.add("glasses")
    blurs_mm = [(quality.blur_px or 0.0) * mm for quality, mm in zip(shown, mm_per_px, strict=True)]
    differences = PairQuality(
        pose_difference_deg=pose_difference_deg(*faces),
        blur_difference_mm=_blur_between(*blurs_mm),
    )
    excuses |= _difference_flags(differences, limits)
    if not excuses:
        return FailedHalf("subject_mismatch", f"not the same skin: {failed.reason}")
    causes = ", ".join(sorted(excuses))
    return FailedHalf("registration_disagrees", f"{failed.reason}; it may be for {causes}")


def _limits_of_alignment(limits: QualityConfig) -> QualityConfig:
    """Beyond these the same skin may fail to be aligned; flags are raised long before."""
    lengths = ("max_blur_mm", "max_blur_difference_mm", "max_pose_difference_deg")
    wider = {name: _EXCUSE * getattr(limits, name) for name in lengths}
    return limits.model_copy(update=wider)


def _photo_quality(image: Image, face: Face, mm_per_px: float, skin: Mask) -> VisitQuality:
    exposure, clipped = skin_exposure(image, skin) if skin.any() else (None, None)
    blur_px = edge_blur_px(image, face.face_mask, mm_per_px)
    return VisitQuality(blur_px=blur_px, exposure=exposure, clipped_fraction=clipped)


def _view_contradicted(face: Face, view: View | None) -> bool:
    if view == "frontal":
        return abs(face.yaw_deg) > _FRONTAL_DEG
    return view is not None and abs(face.yaw_deg) <= _TURNED_DEG


def visit_quality(pair: Pair, visit: int, skin: SideSkin) -> VisitQuality:
    """How well one photograph shows one side."""
    face, scale, blur_px = pair.faces[visit], pair.scales[visit], pair.blur_px[visit]
    return VisitQuality(
        yaw_deg=face.yaw_deg,
        pitch_deg=face.pitch_deg,
        blur_px=blur_px,
        blur_mm=None if scale is None or blur_px is None else blur_px * scale.mm_per_px,
        exposure=skin.exposure,
        clipped_fraction=skin.clipped_fraction,
        beard_texture=skin.beard_texture,
        glasses_score=pair.glasses[visit].score,
        excluded=skin.excluded,
    )


def pair_quality(pair: Pair) -> PairQuality:
    """How alike the two photographs were taken."""
    blurs_mm = [
        blur_px * mm_per_px
        for blur_px, mm_per_px in zip(pair.blur_px, pair.detection_mm_per_px, strict=True)
        if blur_px is not None
    ]
    return PairQuality(
        pose_difference_deg=pose_difference_deg(*pair.faces),
        expression_difference=expression_difference(*pair.faces),
        blur_difference_mm=_blur_between(*blurs_mm) if len(blurs_mm) == 2 else None,
    )


def _blur_between(first_mm: float, second_mm: float) -> float:
    """Blur that would make the sharper one like the other: variances add."""
    return math.sqrt(abs(first_mm**2 - second_mm**2))


def visit_flags(
    pair: Pair, visit: int, measurement: AreaMeasurement, quality: VisitQuality, config: StudyConfig
) -> tuple[str, ...]:
    """Flags that one photograph's file, face, view, scale, quality and measurement call for."""
    face, scale = pair.faces[visit], pair.scales[visit]
    flags = {*pair.photo_flags[visit], *face.flags, *pair.scale_choices[visit].flags}
    if config.face.surface == "flat":
        flags.add("flat_surface")
    flags |= _quality_flags(quality, pair.detection_mm_per_px[visit], config.quality)
    if (quality.glasses_score or 0.0) > config.face.min_glasses_score:
        flags.add("glasses")
    if _view_contradicted(face, pair.views[visit]):
        flags.add("view_contradicted")
    if scale is None:
        flags |= {"no_scale", "nominal_detection_scale"}
    else:
        low, high = config.quality.interpupillary_mm
        if not low <= scale.mm_per_px * face.interpupillary_px <= high:
            flags.add("scale_implausible")
    smallest_px = config.segmentation.min_diameter_mm / pair.detection_mm_per_px[visit]
    if smallest_px < config.quality.min_scar_diameter_px:
        flags.add("coarse_pixels")
    if measurement.scar_count == 0:
        flags.add("no_scar_found")
    return tuple(sorted(flags))


def _quality_flags(quality: VisitQuality, mm_per_px: float, limits: QualityConfig) -> set[str]:
    lowest, highest = limits.exposure
    exposure = lowest if quality.exposure is None else quality.exposure
    raised = {
        "beard_suspected": (quality.beard_texture or 0.0) > limits.max_beard_texture,
        "much_not_measurable": sum(quality.excluded.values()) > limits.max_not_measurable,
        "blurred": (quality.blur_px or 0.0) * mm_per_px > limits.max_blur_mm,
        "underexposed": exposure < lowest,
        "overexposed": exposure > highest,
        "clipped": (quality.clipped_fraction or 0.0) > limits.max_clipped,
    }
    return {name for name, is_raised in raised.items() if is_raised}


def half_flags(
    pair: Pair,
    registered_fraction: float,
    residual_px: float,
    quality: PairQuality,
    config: StudyConfig,
) -> tuple[str, ...]:
    """Flags that the two visits together call for."""
    flags = _difference_flags(quality, config.quality)
    if registered_fraction < config.quality.min_registered_fraction:
        flags.add("low_registered_fraction")
    if not residual_px * pair.detection_mm_per_px[0] <= config.quality.max_residual_mm:
        flags.add("high_residual")
    if _scales_disagree(pair):
        flags.add("scales_disagree")
    return tuple(sorted(flags))


def _difference_flags(quality: PairQuality, limits: QualityConfig) -> set[str]:
    raised = {
        "pose_difference": (quality.pose_difference_deg or 0.0) > limits.max_pose_difference_deg,
        "expression_difference": (quality.expression_difference or 0.0)
        > limits.max_expression_difference,
        "sharpness_difference": (quality.blur_difference_mm or 0.0) > limits.max_blur_difference_mm,
    }
    return {name for name, is_raised in raised.items() if is_raised}


def _scales_disagree(pair: Pair) -> bool:
    """Whether the two scales contradict the sizes at which the two photographs show the face."""
    first, second = pair.scales
    if first is None or second is None:
        return False
    stated = np.log(first.mm_per_px / second.mm_per_px)
    seen = 0.5 * np.log(pair.size_ratio.area)
    sd = np.sqrt(first.rel_sd**2 + second.rel_sd**2 + pair.size_ratio.rel_sd**2)
    return bool(abs(stated - seen) > _SCALES_DISAGREE_SD * sd)
