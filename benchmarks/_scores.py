"""Scores of segmentations against known truth: overlap, pairing, ranking, spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from scarmetrics.teach.score import LEAST_IOU, dice, mask_pairs, twice_over_both

__all__ = ["auc", "dice", "f1", "masks_of", "pairs_found", "relative_error", "spread"]

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import Mask


def pairs_found(first: Sequence[Mask], second: Sequence[Mask], least: float = LEAST_IOU) -> int:
    """Pairs whose intersection over union exceeds `least`, the best first, one to one."""
    return len(mask_pairs(first, second, least))


def f1(pairs: int, first: int, second: int) -> float:
    """F1 of detections: twice the pairs over all detections of both; 1 where there are none."""
    return twice_over_both(pairs, first, second)


def masks_of(labels: NDArray[np.int32]) -> list[Mask]:
    """One mask per label that is present."""
    return [labels == label for label in np.unique(labels[labels > 0])]


def relative_error(measured: float, true: float) -> float:
    """Measured over true, less one.

    Raises
    ------
    ValueError
        If there is nothing true to compare with.
    """
    if true <= 0:
        raise ValueError("a relative error needs a true value above zero")
    return measured / true - 1


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Chance that a positive exceeds a negative, ties counted half (area under the ROC curve)."""
    ranks = rankdata([*positive, *negative])[: len(positive)]
    above = float(ranks.sum()) - len(positive) * (len(positive) + 1) / 2
    return above / (len(positive) * len(negative))


def retest_cv_pct(first: Sequence[float], second: Sequence[float]) -> float:
    """Coefficient of variation of one measurement, from pairs that should be equal, in percent.

    The root mean square of the differences of the logarithms over the root of two: a bias between
    the two counts too. Pairs in which either is zero are left out; NaN if none is left.
    """
    both = np.array([(a, b) for a, b in zip(first, second, strict=True) if a > 0 and b > 0])
    if not len(both):
        return float("nan")
    difference = np.log(both[:, 1] / both[:, 0])
    return float(100 * np.sqrt(np.mean(difference**2) / 2))


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """10th percentile, median, 90th percentile; NaN for no values."""
    if not len(values):
        return (float("nan"),) * 3
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9]).tolist()
    return low, middle, high


def share_within(found: Mask, mark: Mask) -> float:
    """Share of a mark's area that is found."""
    return float(found[mark].mean()) if mark.any() else 0.0
