"""Exact permutation test of two groups of patients, by values or by ranks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from scarmetrics.statistics.results import Relabel
from scarmetrics.statistics.signflip import DRAWS, MOST_EXACT, SEED

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_ROUNDING = 1e-11


def relabel(
    first: ArrayLike,
    second: ArrayLike,
    *,
    ranks: bool = False,
    most_exact: int = MOST_EXACT,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Relabel | None:
    """Permutation test of the difference of two means.

    All ways to choose who belongs to the first group are counted, by meeting in the middle as in
    `scarmetrics.statistics.signflip`, subset sums being kept apart by the subset's size. It tests
    that the groups' distributions are equal, not merely their means.

    Parameters
    ----------
    first, second : array_like, shape (n,) and (m,)
        One value per patient, finite.
    ranks : bool, optional
        Compare mean ranks: the Wilcoxon-Mann-Whitney test, exact with ties.
    most_exact : int, optional
        Beyond so many patients together, random deals stand for all.
    draws, seed : int, optional
        Random deals and where they start.

    Returns
    -------
    Relabel or None
        None where a group is empty.
    """
    one, two = np.asarray(first, float), np.asarray(second, float)
    if not len(one) or not len(two):
        return None
    values = np.concatenate([one, two])
    if ranks:
        values = stats.rankdata(values)
    values -= values.mean()
    observed = abs(float(values[: len(one)].sum()))
    limit = observed - _ROUNDING * float(np.abs(values).sum())
    if len(values) <= most_exact:
        p = _counted(values, len(one), limit) / math.comb(len(values), len(one))
        return Relabel(p=min(1.0, p), method="exact", draws=None, p_standard_error=None)
    random = np.random.Generator(np.random.PCG64(seed))
    extreme = sum(abs(random.permutation(values)[: len(one)].sum()) >= limit for _ in range(draws))
    p = (1 + int(extreme)) / (1 + draws)
    return Relabel(
        p=p, method="monte_carlo", draws=draws, p_standard_error=math.sqrt(p * (1 - p) / draws)
    )


def _counted(values: Floats, size: int, limit: float) -> int:
    """Subsets of a size whose sum is at least `limit` from zero."""
    if limit <= 0:
        return math.comb(len(values), size)
    middle = len(values) // 2
    one, other = _sums_by_size(values[:middle]), _sums_by_size(values[middle:])
    count = 0
    for taken, sums in enumerate(one):
        rest = size - taken
        if 0 <= rest < len(other):
            partners = other[rest]
            count += int(np.searchsorted(partners, -limit - sums, side="right").sum())
            above = np.searchsorted(partners, limit - sums, side="left")
            count += len(partners) * len(sums) - int(above.sum())
    return count


def _sums_by_size(values: Floats) -> list[Floats]:
    """Sorted sums over all subsets, by the subset's size."""
    sums = [np.zeros(1)]
    for value in values:
        without = [*sums, np.zeros(0)]
        with_it = [np.zeros(0), *(s + value for s in sums)]
        sums = [np.concatenate(pair) for pair in zip(without, with_it, strict=True)]
    return [np.sort(s) for s in sums]
