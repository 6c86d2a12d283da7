"""Means of differences with intervals by Student's and Welch's t."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from scarmetrics.statistics.results import McNemar, PairedT, Welch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def paired_t(differences: ArrayLike, *, level: float = 0.95) -> PairedT | None:
    """Mean within-patient difference with its t interval.

    Parameters
    ----------
    differences : array_like, shape (n,)
        One per patient, finite.
    level : float, optional
        Of the interval.

    Returns
    -------
    PairedT or None
        None for fewer than two patients.

    References
    ----------
    .. [1] Student (1908), Biometrika 6:1.
    """
    d = np.asarray(differences, float)
    if len(d) < 2:
        return None
    mean, sd = float(d.mean()), float(d.std(ddof=1))
    se, df = sd / math.sqrt(len(d)), len(d) - 1
    if np.ptp(d) == 0:  # not sd, which rounding keeps from zero
        sd = se = 0.0
    half = float(stats.t.ppf((1 + level) / 2, df)) * se
    t = mean / se if se else None
    p = None if t is None else float(2 * stats.t.sf(abs(t), df))
    return PairedT(
        n=len(d), mean=mean, sd=sd, se=se, df=df, t=t, p=p, ci_low=mean - half, ci_high=mean + half
    )


def welch(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Welch | None:
    """Difference of the means of two independent groups, variances not assumed equal.

    Parameters
    ----------
    first, second : array_like, shape (n,) and (m,)
        One value per patient, finite.
    level : float, optional
        Of the interval.

    Returns
    -------
    Welch or None
        None if a group has fewer than two patients.

    References
    ----------
    .. [1] B. L. Welch (1947), Biometrika 34:28.
    """
    one, two = np.asarray(first, float), np.asarray(second, float)
    if min(len(one), len(two)) < 2:
        return None
    difference = float(one.mean() - two.mean())
    parts = [0.0 if np.ptp(x) == 0 else float(x.var(ddof=1)) / len(x) for x in (one, two)]
    se = math.sqrt(sum(parts))
    t = p = df = None
    half = 0.0
    if se:
        shares = (part**2 / (len(x) - 1) for part, x in zip(parts, (one, two), strict=True))
        df = sum(parts) ** 2 / sum(shares)
        t = difference / se
        p = float(2 * stats.t.sf(abs(t), df))
        half = float(stats.t.ppf((1 + level) / 2, df)) * se
    return Welch(
        n_first=len(one),
        n_second=len(two),
        difference=difference,
        se=se,
        df=df,
        t=t,
        p=p,
        ci_low=difference - half,
        ci_high=difference + half,
    )


def mcnemar(active: ArrayLike, control: ArrayLike) -> McNemar:
    """Exact McNemar test.

    Parameters
    ----------
    active, control : array_like of bool, shape (n,)
        Whether the ADSC-CM half and the saline half of each patient have the event.

    Returns
    -------
    McNemar

    References
    ----------
    .. [1] Q. McNemar (1947), Psychometrika 12:153.
    """
    a, c = np.asarray(active, bool), np.asarray(control, bool)
    only_a, only_c = int((a & ~c).sum()), int((c & ~a).sum())
    p = None
    if len(a):
        discordant = only_a + only_c
        p = float(stats.binomtest(only_a, discordant).pvalue) if discordant else 1.0
    return McNemar(
        n=len(a),
        both=int((a & c).sum()),
        only_adsc_cm=only_a,
        only_saline=only_c,
        neither=int((~a & ~c).sum()),
        risk_difference=(only_a - only_c) / len(a) if len(a) else None,
        p=p,
    )
