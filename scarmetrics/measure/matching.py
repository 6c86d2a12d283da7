"""Which follow-up scar is which baseline scar, and what became of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from scarmetrics.measure.change import scale_sd_mm2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.measure.area import ScarMeasurement
    from scarmetrics.models import Fate, Mask
    from scarmetrics.registration import Registration
    from scarmetrics.units import PixelScale

    Scales = tuple[PixelScale | None, PixelScale | None]

_LEAST_OVERLAP = 0.1  # of the smaller scar
_CERTAIN_SD = 1.96


@dataclass(frozen=True)
class ScarMatch:
    """What became of one scar.

    A scar that fell into pieces has a match for each piece, and scars that grew together have the
    same follow-up scar; their fate is that of all of them together.

    Attributes
    ----------
    baseline_id, follow_up_id : int or None
        Labels at the two visits; None where the scar is not there.
    fate : {'persisted', 'shrunk', 'grown', 'healed', 'new'}
        'shrunk' and 'grown' only where the areas differ beyond their 95 % uncertainty.
    area_change_mm2, area_change_sd_mm2 : float or None
        Follow-up minus baseline, where one scar is followed by one scar and both visits have a
        scale; None otherwise.
    """

    baseline_id: int | None
    follow_up_id: int | None
    fate: Fate
    area_change_mm2: float | None = None
    area_change_sd_mm2: float | None = None


def match_scars(
    baseline_labels: NDArray[np.int32],
    follow_up_labels: NDArray[np.int32],
    baseline: tuple[ScarMeasurement, ...],
    follow_up: tuple[ScarMeasurement, ...],
    *,
    registration: Registration,
    area_ratio: float,
    scales: Scales = (None, None),
) -> tuple[ScarMatch, ...]:
    """Match scars by their overlap after registration.

    Scars that share skin are followed as one group, so that one that falls into pieces is not
    called new; each is matched to the one with which it shares most.

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
    scales : tuple of PixelScale or None, optional
        Of the two visits, for changes in mm².

    Returns
    -------
    tuple of ScarMatch
        One per scar of the baseline in their order, then one per further piece and new scar.
    """
    shared = _shared(baseline_labels, follow_up_labels, registration, area_ratio)
    followed = {
        pair: _area_change(baseline[pair[0] - 1], follow_up[pair[1] - 1], scales)
        for pair in _one_to_one(shared)
    }
    fates = _group_fates(shared, baseline, follow_up, area_ratio)
    after_of = _most_shared(shared)
    before_of = _most_shared({(j, i): px for (i, j), px in shared.items()})
    known = [
        ScarMatch(
            i,
            after_of.get(i),
            fates.get((i, 0), "healed"),
            *followed.get((i, after_of.get(i, 0)), ()),
        )
        for i in range(1, len(baseline) + 1)
    ]
    further = [
        ScarMatch(before_of.get(j), j, fates.get((0, j), "new"))
        for j in range(1, len(follow_up) + 1)
        if j not in after_of.values()
    ]
    return tuple(known + further)


def unmatched(
    baseline_labels: NDArray[np.int32],
    follow_up_labels: NDArray[np.int32],
    *,
    registration: Registration,
    area_ratio: float,
) -> tuple[Mask, Mask]:
    """Scars that would be called healed, and scars that would be called new.

    Parameters
    ----------
    baseline_labels, follow_up_labels : ndarray of int32, shape (M, N)
        Labels of each visit in its own pixels, without gaps.
    registration, area_ratio
        As for `match_scars`.

    Returns
    -------
    tuple of ndarray of bool, shape (M, N)
        Their pixels, each in its own photograph.
    """
    shared = _shared(baseline_labels, follow_up_labels, registration, area_ratio)
    seen = [np.array([pair[visit] for pair in shared], int) for visit in range(2)]
    return (
        (baseline_labels > 0) & ~np.isin(baseline_labels, seen[0]),
        (follow_up_labels > 0) & ~np.isin(follow_up_labels, seen[1]),
    )


def _shared(
    baseline_labels: NDArray[np.int32],
    follow_up_labels: NDArray[np.int32],
    registration: Registration,
    area_ratio: float,
) -> dict[tuple[int, int], int]:
    """Baseline px that a baseline scar shares with a follow-up scar, where it is enough."""
    before_px, after_px = (
        np.bincount(baseline_labels.ravel()),
        np.bincount(follow_up_labels.ravel()),
    )
    shared = _overlaps(
        baseline_labels, follow_up_labels, len(before_px) - 1, len(after_px) - 1, registration
    )
    return {
        (i, j): px
        for (i, j), px in shared.items()
        if px >= _LEAST_OVERLAP * min(before_px[i], after_px[j] / area_ratio)
    }


def _one_to_one(shared: dict[tuple[int, int], int]) -> list[tuple[int, int]]:
    """Pairs of scars that share skin with no other scar."""
    before, after = Counter(i for i, _ in shared), Counter(j for _, j in shared)
    return [(i, j) for i, j in shared if before[i] == after[j] == 1]


def _area_change(
    before: ScarMeasurement, after: ScarMeasurement, scales: Scales
) -> tuple[float, float] | tuple[()]:
    """Change of a scar's area in mm² and its standard deviation; empty without scales."""
    first, second = scales
    if before.area_mm2 is None or after.area_mm2 is None or first is None or second is None:
        return ()
    parts = (
        before.area_sd_px * before.area_mm2 / before.area_px,
        after.area_sd_px * after.area_mm2 / after.area_px,
        scale_sd_mm2(before.area_mm2, after.area_mm2, first, second),
    )
    return after.area_mm2 - before.area_mm2, float(np.linalg.norm(parts))


def _most_shared(shared: dict[tuple[int, int], int]) -> dict[int, int]:
    """For each first label the second one with which it shares most skin."""
    best: dict[int, int] = {}
    for one, other in sorted(shared, key=lambda key: (-shared[key], key)):
        best.setdefault(one, other)
    return best


def _group_fates(
    shared: dict[tuple[int, int], int],
    baseline: tuple[ScarMeasurement, ...],
    follow_up: tuple[ScarMeasurement, ...],
    area_ratio: float,
) -> dict[tuple[int, int], Fate]:
    """Fate of each scar that shares skin with another, by (baseline label, follow-up label)."""
    if not shared:
        return {}
    before, after = np.array(list(shared)).T - 1
    size = len(baseline) + len(follow_up)
    links = coo_array((np.ones(len(before)), (before, after + len(baseline))), (size, size))
    _, group = connected_components(links, directed=False)
    fates: dict[tuple[int, int], Fate] = {}
    for number in np.unique(group[before]):
        members = np.flatnonzero(group == number)
        firsts = [int(m) for m in members if m < len(baseline)]
        seconds = [int(m) - len(baseline) for m in members if m >= len(baseline)]
        fate = _fate([baseline[i] for i in firsts], [follow_up[j] for j in seconds], area_ratio)
        fates |= dict.fromkeys([(i + 1, 0) for i in firsts], fate)
        fates |= dict.fromkeys([(0, j + 1) for j in seconds], fate)
    return fates


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
    rows, cols = (
        np.flatnonzero(baseline_labels.any(axis=1)),
        np.flatnonzero(baseline_labels.any(axis=0)),
    )
    box = (int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1)
    before = baseline_labels[box[1] : box[3], box[0] : box[2]]
    after = registration.labels_to_fixed(follow_up_labels, box)
    both = (before > 0) & (after > 0)
    codes, counts = np.unique(
        before[both].astype(np.int64) * (n_follow_up + 1) + after[both], return_counts=True
    )
    return {
        divmod(int(code), n_follow_up + 1): int(n) for code, n in zip(codes, counts, strict=True)
    }


def _fate(before: list[ScarMeasurement], after: list[ScarMeasurement], area_ratio: float) -> Fate:
    difference = sum(s.area_px for s in after) / area_ratio - sum(s.area_px for s in before)
    sds = [s.area_sd_px for s in before] + [s.area_sd_px / area_ratio for s in after]
    if abs(difference) <= _CERTAIN_SD * float(np.linalg.norm(sds)):
        return "persisted"
    return "grown" if difference > 0 else "shrunk"
