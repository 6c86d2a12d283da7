"""Change of scar area between the visits, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scarmetrics.measure.area import AreaMeasurement
    from scarmetrics.units import PixelScale


@dataclass(frozen=True)
class AreaChange:
    """Follow-up minus baseline.

    Attributes
    ----------
    change_mm2, change_sd_mm2 : float or None
        None without a scale at both visits.
    change_pct : float or None
        Percent of the baseline's area, by mm² or, without a scale, by fraction; None when the
        baseline has no scar.
    change_fraction : float
        Difference of the area fractions.
    """

    change_mm2: float | None
    change_sd_mm2: float | None
    change_pct: float | None
    change_fraction: float


def compare(
    baseline: AreaMeasurement,
    follow_up: AreaMeasurement,
    baseline_scale: PixelScale | None,
    follow_up_scale: PixelScale | None,
) -> AreaChange:
    """Change between two visits.

    One calibration used at both visits is wrong by the same factor at both, so its error scales
    the change and not each area; two calibrations err independently. A follow-up scale that was
    carried over from the baseline's errs along with it, and by the ratio of the two on its own.
    In the same way, what the method gets wrong about the scars of a half it gets wrong at both
    visits, so `area_rel_sd` scales the change, as does `change_rel_sd`, of which it is a part;
    boundaries, detection and `repeat_rel_sd` are drawn anew at each visit.

    Parameters
    ----------
    baseline, follow_up : AreaMeasurement
        The two visits.
    baseline_scale, follow_up_scale : PixelScale or None
        Their scales.

    Returns
    -------
    AreaChange
    """
    fraction = follow_up.area_fraction - baseline.area_fraction
    before, after = baseline.area_mm2, follow_up.area_mm2
    if before is None or after is None or baseline_scale is None or follow_up_scale is None:
        percent = 100 * fraction / baseline.area_fraction if baseline.area_fraction else None
        return AreaChange(None, None, percent, fraction)
    change = after - before
    parts = (
        baseline.repeat_sd_mm2,
        follow_up.repeat_sd_mm2,
        max(max(visit.area_rel_sd, visit.change_rel_sd) for visit in (baseline, follow_up))
        * change,
        scale_sd_mm2(before, after, baseline_scale, follow_up_scale),
    )
    return AreaChange(
        change_mm2=change,
        change_sd_mm2=float(np.linalg.norm(parts)),
        change_pct=100 * change / before if before else None,
        change_fraction=fraction,
    )


def scale_sd_mm2(
    before_mm2: float, after_mm2: float, before_scale: PixelScale, after_scale: PixelScale
) -> float:
    """Standard deviation of a change of area that comes from the scales.

    Parameters
    ----------
    before_mm2, after_mm2 : float
        Areas.
    before_scale, after_scale : PixelScale
        Scales of the photographs that they were measured in.

    Returns
    -------
    float
    """
    if before_scale == after_scale and before_scale.source == "device":
        return abs(2 * before_scale.rel_sd * (after_mm2 - before_mm2))
    if after_scale.source == "follow_up":
        own = max(0.0, after_scale.rel_sd**2 - before_scale.rel_sd**2) ** 0.5
        common = 2 * before_scale.rel_sd * (after_mm2 - before_mm2)
        return float(np.hypot(common, 2 * own * after_mm2))
    return float(np.hypot(2 * before_scale.rel_sd * before_mm2, 2 * after_scale.rel_sd * after_mm2))
