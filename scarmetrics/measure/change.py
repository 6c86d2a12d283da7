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
    the change and not each area; two calibrations err independently.

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
    if baseline_scale == follow_up_scale and baseline_scale.source == "device":
        from_scale = 2 * baseline_scale.rel_sd * change
    else:
        from_scale = float(
            np.hypot(2 * baseline_scale.rel_sd * before, 2 * follow_up_scale.rel_sd * after)
        )
    boundaries = np.hypot(baseline.boundary_sd_mm2 or 0.0, follow_up.boundary_sd_mm2 or 0.0)
    return AreaChange(
        change_mm2=change,
        change_sd_mm2=float(np.hypot(boundaries, from_scale)),
        change_pct=100 * change / before if before else None,
        change_fraction=fraction,
    )
