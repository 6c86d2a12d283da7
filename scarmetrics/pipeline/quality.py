"""When a visit or a half is flagged: the limits of the config, applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scarmetrics.config import StudyConfig
    from scarmetrics.face import Face
    from scarmetrics.measure import AreaMeasurement
    from scarmetrics.pipeline.results import Pair
    from scarmetrics.units import PixelScale

_SCALES_DISAGREE_SD = 3.0
_LANDMARK_REL_SD = 0.01  # of the ratio of sizes that the landmarks give


def visit_flags(
    face: Face,
    scale: PixelScale | None,
    detection_mm_per_px: float,
    measurement: AreaMeasurement,
    config: StudyConfig,
) -> tuple[str, ...]:
    """Flags that one photograph's face, scale and measurement call for."""
    flags = {*face.flags, "flat_surface"}
    if scale is None:
        flags |= {"no_scale", "nominal_detection_scale"}
    else:
        low, high = config.quality.interpupillary_mm
        if not low <= scale.mm_per_px * face.interpupillary_px <= high:
            flags.add("scale_implausible")
    smallest_px = config.segmentation.min_diameter_mm / detection_mm_per_px
    if smallest_px < config.quality.min_scar_diameter_px:
        flags.add("coarse_pixels")
    if measurement.scar_count == 0:
        flags.add("no_scar_found")
    return tuple(sorted(flags))


def half_flags(
    pair: Pair, registered_fraction: float, residual_px: float, config: StudyConfig
) -> tuple[str, ...]:
    """Flags that the two visits together call for."""
    flags = set()
    if abs(pair.faces[0].yaw_deg - pair.faces[1].yaw_deg) > config.quality.max_pose_difference_deg:
        flags.add("pose_difference")
    if registered_fraction < config.quality.min_registered_fraction:
        flags.add("low_registered_fraction")
    if residual_px * pair.detection_mm_per_px[0] > config.quality.max_residual_mm:
        flags.add("high_residual")
    if _scales_disagree(pair):
        flags.add("scales_disagree")
    return tuple(sorted(flags))


def _scales_disagree(pair: Pair) -> bool:
    """Whether the two scales contradict the sizes at which the two photographs show the face."""
    first, second = pair.scales
    if first is None or second is None:
        return False
    stated = np.log(first.mm_per_px / second.mm_per_px)
    seen = 0.5 * np.log(pair.registration.affine_area_ratio)
    sd = np.sqrt(first.rel_sd**2 + second.rel_sd**2 + _LANDMARK_REL_SD**2)
    return bool(abs(stated - seen) > _SCALES_DISAGREE_SD * sd)
