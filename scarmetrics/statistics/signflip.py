"""Exact sign-flip test of within-patient differences, and the interval that inverts it.

In a split-face trial the side that gets the treatment is drawn by lot. Had the lot fallen the other
way, the patient's difference would have the other sign; so under the null hypothesis all
2**n patterns of signs were equally likely, whatever the distribution of the data [1]_.

All 2**n patterns are counted without listing them: the patients are halved, each half's 2**(n/2)
subset sums are sorted, and pairs of sums are counted by bisection ("meet in the middle", [2]_).
A pattern that flips the set F of patients gives a mean at least as large as the observed one
exactly when the sum over F of (difference - mu) is at most zero. So the one-sided p at mu is the
share of sets whose mean is at most mu, and the ends of the interval are order statistics of the
subset means [3]_.

References
----------
.. [1] R. A. Fisher (1935), The Design of Experiments, section 21.
.. [2] E. Horowitz, S. Sahni (1974), J. ACM 21:277.
.. [3] J. A. Hartigan (1969), J. Am. Stat. Assoc. 64:1303.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special

from scarmetrics.statistics.results import SignFlip

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

MOST_EXACT = 36
"""Patients up to which all patterns are counted; 2**18 sums for either half of them."""

DRAWS = 99_999
SEED = 20080901
_ROUNDING = 1e-11  # of the sum of magnitudes: sums that are equal but for rounding are ties
_CHUNK = 4096


def subset_sums(values: Floats) -> Floats:
    """Sums over all subsets, the empty one included, in ascending order."""
    sums = np.zeros(1)
    for value in values:
        # two sorted runs, which a stable sort merges
        sums = np.sort(np.concatenate([sums, sums + value]), kind="stable")
    return sums


def subsets_at_most(values: Floats, limit: float) -> int:
    """How many subsets, the empty one included, have a sum of at most `limit`."""
    middle = len(values) // 2
    one, other = subset_sums(values[:middle]), subset_sums(values[middle:])
    return int(np.searchsorted(other, limit - one, side="right").sum())


def sign_flip(
    differences: ArrayLike,
    *,
    level: float = 0.95,
    most_exact: int = MOST_EXACT,
    draws: int = DRAWS,
    seed: int = SEED,
) -> SignFlip | None:
    """Sign-flip test of zero mean, with its confidence interval.

    Parameters
    ----------
    differences : array_like, shape (n,)
        Within-patient differences, finite.
    level : float, optional
        Of the interval.
    most_exact : int, optional
        Beyond so many patients, random patterns stand for all.
    draws, seed : int, optional
        Random patterns and where they start.

    Returns
    -------
    SignFlip or None
        None without a difference.

    References
    ----------
    As for the module.
    """
    d = np.asarray(differences, float)
    if not len(d):
        return None
    if len(d) > most_exact:
        return _drawn(d, level, draws, seed)
    low = _end(d, level)
    high = _end(-d, level)
    return SignFlip(
        p=sign_flip_p(d),
        ci_low=low,
        ci_high=None if high is None else -high,
        method="exact",
        draws=None,
        p_standard_error=None,
    )


def sign_flip_p(differences: ArrayLike, mean: float = 0.0) -> float:
    """Exact two-sided p of the hypothesis that the mean difference is `mean`.

    Parameters
    ----------
    differences : array_like, shape (n,)
        At most about 40 of them.
    mean : float, optional
        The hypothesis.

    Returns
    -------
    float
    """
    shifted = np.asarray(differences, float) - mean
    rounding = _ROUNDING * float(np.abs(shifted).sum())
    fewest = min(subsets_at_most(side, rounding) for side in (shifted, -shifted))
    return min(1.0, 2 * fewest / 2 ** len(shifted))


def _end(d: Floats, level: float) -> float | None:
    """Smallest mean that the one-sided test at (1 - level) / 2 does not reject.

    Found to 1e-10 of the differences' spread, on the side that keeps the interval whole.
    """
    patterns = 2 ** len(d)
    rank = math.floor((1 - level) / 2 * patterns + 1e-9)  # of the subset means, from 1
    if rank < 1:
        return None  # no pattern is rare enough
    spread = float(np.ptp(d))
    if not spread:
        return float(d[0])
    wanted = float(special.ndtri((rank + 0.5) / patterns))  # the empty set counts too

    def excess(mean: float) -> float:
        # nearly a straight line in the mean, so that few steps are needed
        return float(special.ndtri(subsets_at_most(d - mean, 0.0) / (patterns + 1))) - wanted

    tolerance = 1e-10 * spread
    below = float(d.min()) - 2 * tolerance
    return float(optimize.brentq(excess, below, float(d.mean()), xtol=tolerance)) - tolerance


def _drawn(d: Floats, level: float, draws: int, seed: int) -> SignFlip:
    """The same by random patterns; the observed one counts as one of them."""
    random = np.random.Generator(np.random.PCG64(seed))
    rounding = _ROUNDING * float(np.abs(d).sum())
    extreme, means = 0, []
    for start in range(0, draws, _CHUNK):
        flipped = random.integers(0, 2, (min(_CHUNK, draws - start), len(d)), dtype=np.int8)
        flipped = flipped.astype(float)
        sums = flipped @ d
        total = d.sum()
        extreme += int((np.abs(total - 2 * sums) >= abs(total) - rounding).sum())
        sizes = flipped.sum(axis=1)
        means.append(sums[sizes > 0] / sizes[sizes > 0])
    subset_means = np.sort(np.concatenate(means))
    rank = max(1, math.floor((1 - level) / 2 * (len(subset_means) + 1)))
    p = (1 + extreme) / (1 + draws)
    return SignFlip(
        p=p,
        ci_low=float(subset_means[rank - 1]),
        ci_high=float(subset_means[-rank]),
        method="monte_carlo",
        draws=draws,
        p_standard_error=math.sqrt(p * (1 - p) / draws),
    )
