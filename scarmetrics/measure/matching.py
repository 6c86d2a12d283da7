"""Which follow-up scar is which baseline scar, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.measure.area import ScarMeasurement
    from scarmetrics.models import Fate
    from scarmetrics.registration import Registration

_LEAST_OVERLAP = 0.1  # of the smaller scar
_CERTAIN_SD = 1.96


@dataclass(frozen=True)
class ScarMatch:
    """What became of one scar.

    Attributes
    ----------
    baseline_id, follow_up_id : int or None
        Labels at the two visits; None where the scar is not there.
    fate : {'persisted', 'shrunk', 'grown', 'healed', 'new'}
        'shrunk' and 'grown' only where the areas differ beyond their 95 % uncertainty.
    """

    baseline_id: int | None
    follow_up_id: int | None
    fate: Fate


def match_scars(
    baseline_labels: NDArray[np.int32],
    follow_up_labels: NDArray[np.int32],
    baseline: tuple[ScarMeasurement, ...],
    follow_up: tuple[ScarMeasurement, ...],
    *,
    registration: Registration,
    area_ratio: float,
) -> tuple[ScarMatch, ...]:
    """Match scars by their overlap after registration, best overlap first, one to one.

    Parameters
    ----------
    baseline_labels, follow_up_labels : ndarray of int32, shape (M, N)
        Labels of each visit in its own pixels.
    baseline, follow_up : tuple of ScarMeasurement
        Their measurements.
    registration : Registration
        From baseline to follow-up.
    area_ratio : float
        px² of the follow-up per px² of the baseline for unchanged skin.

    Returns
    -------
    tuple of ScarMatch
        One per scar: those of the baseline in their order, then new ones.
    """
    overlap = _overlaps(
        baseline_labels, follow_up_labels, len(baseline), len(follow_up), registration
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in sorted(overlap, key=lambda key: (-overlap[key], key)):
        smaller = min(baseline[i - 1].area_px, follow_up[j - 1].area_px / area_ratio)
        if i in pairs or j in taken or overlap[i, j] < _LEAST_OVERLAP * smaller:
            continue
        pairs[i] = j
        taken.add(j)
    known = [
        ScarMatch(i, pairs[i], _fate(baseline[i - 1], follow_up[pairs[i] - 1], area_ratio))
        if i in pairs
        else ScarMatch(i, None, "healed")
        for i in range(1, len(baseline) + 1)
    ]
    new = [ScarMatch(None, j, "new") for j in range(1, len(follow_up) + 1) if j not in taken]
    return tuple(known + new)


def _overlaps(
    baseline_labels: NDArray[np.int32],
    follow_up_labels: NDArray[np.int32],
    n_baseline: int,
    n_follow_up: int,
    registration: Registration,
) -> dict[tuple[int, int], int]:
    """Baseline px of scar i that land on follow-up scar j."""
    if n_baseline == 0 or n_follow_up == 0:
        return {}
    y, x = np.nonzero(baseline_labels)
    landed = np.rint(registration.transform_points(np.column_stack([x, y]))).astype(int)
    rows, cols = follow_up_labels.shape
    inside = (landed >= 0).all(axis=1) & (landed[:, 0] < cols) & (landed[:, 1] < rows)
    before = baseline_labels[y[inside], x[inside]]
    after = follow_up_labels[landed[inside, 1], landed[inside, 0]]
    codes, counts = np.unique(
        before.astype(np.int64) * (n_follow_up + 1) + after, return_counts=True
    )
    table = {
        divmod(int(code), n_follow_up + 1): int(n) for code, n in zip(codes, counts, strict=True)
    }
    return {key: n for key, n in table.items() if key[1] > 0}


def _fate(before: ScarMeasurement, after: ScarMeasurement, area_ratio: float) -> Fate:
    difference = after.area_px / area_ratio - before.area_px
    sd = float(np.hypot(before.area_sd_px, after.area_sd_px / area_ratio))
    if abs(difference) <= _CERTAIN_SD * sd:
        return "persisted"
    return "grown" if difference > 0 else "shrunk"
