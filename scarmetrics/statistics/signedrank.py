"""Wilcoxon's signed-rank test with the exact distribution of its ranks, ties included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from scarmetrics.statistics.results import SignedRank

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def signed_rank(differences: ArrayLike, *, level: float = 0.95) -> SignedRank | None:
    """Exact signed-rank test and the Hodges-Lehmann estimate with its interval.

    Differences of zero drop, as Wilcoxon has it; tied magnitudes share their mean rank, and the
    distribution is that of these very ranks under all patterns of signs. The interval uses all
    differences and the distribution without ties, which errs on the safe side where there are some.

    Parameters
    ----------
    differences : array_like, shape (n,)
        Within-patient differences, finite.
    level : float, optional
        Of the interval.

    Returns
    -------
    SignedRank or None
        None without a difference.

    References
    ----------
    .. [1] F. Wilcoxon (1945), Biometrics Bulletin 1:80.
    .. [2] M. Hollander, D. A. Wolfe, E. Chicken (2014), Nonparametric Statistical Methods, ch. 3.
    """
    d = np.asarray(differences, float)
    if not len(d):
        return None
    nonzero = d[d != 0]
    ranks = stats.rankdata(np.abs(_merged(nonzero)))
    w_plus = float(ranks[nonzero > 0].sum())
    low, high = _interval(d, level)
    return SignedRank(
        n_nonzero=len(nonzero),
        w_plus=w_plus,
        p=_p(ranks, w_plus) if len(nonzero) else None,
        pseudomedian=float(np.median(_walsh(d))),
        ci_low=low,
        ci_high=high,
    )


def _merged(d: Floats) -> Floats:
    """Magnitudes that differ by rounding only become ties."""
    if not len(d):
        return d
    digits = 12 - int(np.floor(np.log10(np.abs(d).max()))) - 1
    return np.round(d, digits)


def flip_distribution(weights: NDArray[np.int64]) -> Floats:
    """Distribution of the sum of a random half of the weights.

    Parameters
    ----------
    weights : ndarray of int, shape (n,)
        Positive.

    Returns
    -------
    ndarray, shape (sum + 1,)
        Probability of each sum when every weight is in or out with probability 1/2.
    """
    share = np.zeros(int(weights.sum()) + 1)
    share[0] = 1.0
    for weight in weights:
        moved = np.zeros_like(share)
        moved[weight:] = share[: len(share) - weight]
        share = (share + moved) / 2
    return share


def _p(ranks: Floats, w_plus: float) -> float:
    doubled = np.rint(2 * ranks).astype(np.int64)  # mean ranks are multiples of a half
    share = flip_distribution(doubled)
    at = round(2 * w_plus)
    return float(min(1.0, 2 * min(share[: at + 1].sum(), share[at:].sum())))


def _walsh(d: Floats) -> Floats:
    first, second = np.triu_indices(len(d))
    return np.sort((d[first] + d[second]) / 2)


def _interval(d: Floats, level: float) -> tuple[float | None, float | None]:
    below = np.cumsum(flip_distribution(np.arange(1, len(d) + 1)))
    rank = int(np.searchsorted(below, (1 - level) / 2, side="right"))  # P(W < rank) <= alpha / 2
    if rank < 1:
        return None, None
    averages = _walsh(d)
    return float(averages[rank - 1]), float(averages[-rank])
