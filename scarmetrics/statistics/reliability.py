"""How well a measurement repeats itself: photographs of the same halves taken again."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import stats

from scarmetrics.errors import UsageError
from scarmetrics.models import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COLUMNS = ("subject_id", "side", "repeat", "area_mm2")
KEYS = ["subject_id", "side"]
_LEAST_TARGETS = 3
_REMEDY = (
    "give one row per photograph: subject_id, side, repeat, area_mm2, each half with the same "
    "repeats"
)


class Icc(Record):
    """ICC(2,1): two-way random effects, absolute agreement, one measurement."""

    estimate: float = Field(
        description="ICC(2,1): share of the variance of single measurements that is between halves"
    )
    ci_low: float = Field(description="lower end of the interval of McGraw and Wong")
    ci_high: float = Field(description="upper end of the interval of McGraw and Wong")
    ms_halves: float = Field(description="mean square between halves, mm⁴")
    ms_repeats: float = Field(description="mean square between repeats, mm⁴")
    ms_residual: float = Field(description="residual mean square, mm⁴")
    f: float | None = Field(description="ms_halves / ms_residual; empty without residual")
    p: float | None = Field(description="p of F against no difference between halves")


class Repeat(Record):
    """A half measured twice: one point of the Bland-Altman plot."""

    subject_id: str
    side: str
    first: str
    second: str
    mean_mm2: float = Field(description="mean of the two measurements, mm²")
    difference_mm2: float = Field(description="later minus earlier measurement, mm²")


class Repeatability(Record):
    """Repeatability of an area measured again from photographs taken again."""

    level: float = Field(description="confidence level of all intervals here")
    n_halves: int = Field(description="halves with every repeat")
    n_repeats: int = Field(description="repeats of each half")
    n_dropped: int = Field(description="halves left out because a repeat of theirs is missing")
    mean_mm2: float = Field(description="mean of all measurements, mm²")
    icc: Icc
    within_sd_mm2: float = Field(
        description="within-subject standard deviation of one measurement (Bland and Altman), mm²"
    )
    within_sd_low_mm2: float = Field(description="lower end of its chi-squared interval, mm²")
    within_sd_high_mm2: float = Field(description="upper end of its chi-squared interval, mm²")
    within_cv_pct: float | None = Field(
        description="within-subject coefficient of variation: root mean square of each half's "
        "standard deviation over its mean, percent; empty where no half has an area"
    )
    mdc95_mm2: float = Field(
        description="minimum detectable change of one half, 95 percent: 1.96 x sqrt(2) x "
        "within_sd, mm²; a smaller change may be measurement error alone"
    )
    mdc95_pct: float | None = Field(
        description="the same in percent of the half's area: 1.96 x sqrt(2) x within_cv"
    )
    bias_mm2: float = Field(description="mean of later minus earlier measurement, mm²")
    bias_low_mm2: float = Field(description="lower end of the interval of the bias, mm²")
    bias_high_mm2: float = Field(description="upper end of the interval of the bias, mm²")
    difference_sd_mm2: float = Field(
        description="standard deviation of the differences of two repeats, mm²; with more than "
        "two repeats sqrt(2) x within_sd"
    )
    loa_low_mm2: float = Field(
        description="lower limit of agreement: bias - 1.96 x difference_sd, mm²"
    )
    loa_high_mm2: float = Field(
        description="upper limit of agreement: bias + 1.96 x difference_sd, mm²"
    )
    loa_margin_mm2: float = Field(
        description="half width of the interval of either limit of agreement, mm²"
    )
    size_correlation: float | None = Field(
        description="Kendall's tau of the magnitude of the differences with the mean area: above "
        "zero where larger areas repeat less well; empty where it is not defined"
    )
    size_correlation_p: float | None = Field(description="two-sided p of size_correlation")
    points: tuple[Repeat, ...]


def icc_2_1(table: Floats, *, level: float = 0.95) -> Icc:
    """ICC(2,1) of a complete table.

    Parameters
    ----------
    table : ndarray of float, shape (n, k)
        A row for each target (half), a column for each repeat or rater; n, k >= 2.
    level : float, optional
        Of the interval.

    Returns
    -------
    Icc

    Raises
    ------
    ValueError
        If there is nothing to compare, or all values are equal.

    References
    ----------
    .. [1] P. E. Shrout, J. L. Fleiss (1979), Psychol. Bull. 86:420.
    .. [2] K. O. McGraw, S. P. Wong (1996), Psychol. Methods 1:30.
    """
    x = np.asarray(table, float)
    n, k = x.shape
    if min(n, k) < 2 or np.ptp(x) == 0:
        raise ValueError("ICC needs two targets, two repeats and values that differ")
    rows, columns, grand = x.mean(axis=1), x.mean(axis=0), x.mean()
    msr = k * float(((rows - grand) ** 2).sum()) / (n - 1)
    msc = n * float(((columns - grand) ** 2).sum()) / (k - 1)
    rest = x - rows[:, None] - columns + grand
    mse = float((rest**2).sum()) / ((n - 1) * (k - 1))
    icc = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
    low, high = _icc_interval(icc, (msr, msc, mse), (n, k), level)
    f = msr / mse if mse else None
    return Icc(
        estimate=icc,
        ci_low=low,
        ci_high=high,
        ms_halves=msr,
        ms_repeats=msc,
        ms_residual=mse,
        f=f,
        p=None if f is None else float(stats.f.sf(f, n - 1, (n - 1) * (k - 1))),
    )


def _icc_interval(
    icc: float, squares: tuple[float, float, float], shape: tuple[int, int], level: float
) -> tuple[float, float]:
    msr, msc, mse = squares
    n, k = shape
    if icc >= 1:
        return 1.0, 1.0
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    spread = (a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1))
    v = (a * msc + b * mse) ** 2 / spread
    above = float(stats.f.ppf((1 + level) / 2, n - 1, v))
    below = float(stats.f.ppf((1 + level) / 2, v, n - 1))
    noise = k * msc + (k * n - k - n) * mse
    low = n * (msr - above * mse) / (above * noise + n * msr)
    high = n * (below * msr - mse) / (noise + n * below * msr)
    return low, high


def repeatability(frame: pd.DataFrame, *, level: float = 0.95) -> Repeatability:
    """Repeatability from halves that were photographed and measured several times.

    Nothing may have happened to the skin between the repeats. Halves are taken as independent,
    though two of them may be one face's.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per photograph: ``subject_id``, ``side``, ``repeat`` (numbers in their order,
        or words) and ``area_mm2``. A half that lacks a repeat others have is left out and counted.
    level : float, optional
        Of the intervals.

    Returns
    -------
    Repeatability

    Raises
    ------
    UsageError
        If columns are missing, a repeat is there twice, an area is negative or not a number, or
        too few halves were repeated.

    References
    ----------
    .. [1] J. M. Bland, D. G. Altman (1999), Stat. Methods Med. Res. 8:135.
    .. [2] J. P. Weir (2005), J. Strength Cond. Res. 19:231, on the minimum detectable change.
    """
    wide = _table(frame)
    complete = wide.dropna()
    if len(complete) < _LEAST_TARGETS or complete.shape[1] < 2:
        raise UsageError(
            f"{len(complete)} halves have all of {complete.shape[1]} repeats; at least "
            f"{_LEAST_TARGETS} halves with 2 are needed",
            _REMEDY,
        )
    x = complete.to_numpy(float)
    n, k = x.shape
    if np.ptp(x) == 0:
        raise UsageError("all repeated areas are equal", "check the column area_mm2")
    df = n * (k - 1)
    within = math.sqrt(float(x.var(axis=1, ddof=1).mean()))
    spans = [
        math.sqrt(df / float(stats.chi2.ppf(q, df))) for q in ((1 + level) / 2, (1 - level) / 2)
    ]
    cv = _within_cv(x)
    points = _points(complete)
    mdc = 1.96 * math.sqrt(2)
    return Repeatability(
        level=level,
        n_halves=n,
        n_repeats=k,
        n_dropped=len(wide) - n,
        mean_mm2=float(x.mean()),
        icc=icc_2_1(x, level=level),
        within_sd_mm2=within,
        within_sd_low_mm2=within * spans[0],
        within_sd_high_mm2=within * spans[1],
        within_cv_pct=cv,
        mdc95_mm2=mdc * within,
        mdc95_pct=None if cv is None else mdc * cv,
        points=points,
        **_agreement(points, n, k, within, level),
        **_grows_with_size(points),
    )


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per half, one column per repeat."""
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise UsageError(f"repeated measurements lack the columns {', '.join(missing)}", _REMEDY)
    frame = frame.loc[:, list(COLUMNS)].copy()
    area = pd.to_numeric(frame["area_mm2"], errors="coerce")
    wrong = frame.loc[frame["area_mm2"].notna() & ~(np.isfinite(area) & (area >= 0))]
    if len(wrong):
        first = wrong.iloc[0]
        raise UsageError(
            f"{len(wrong)} areas are not numbers of mm², the first of subject "
            f"{first['subject_id']}, {first['side']}, repeat {first['repeat']}",
            "correct the column area_mm2; leave it empty where nothing was measured",
        )
    frame["area_mm2"] = area.astype(float)
    frame["subject_id"] = frame["subject_id"].astype(str)
    frame["side"] = frame["side"].astype(str)
    keys = [*KEYS, "repeat"]
    twice = frame.loc[frame.duplicated(keys)]
    if len(twice):
        first = twice.iloc[0]
        raise UsageError(
            f"repeat {first['repeat']} of subject {first['subject_id']}, {first['side']}, is "
            "there more than once",
            "number the repeats of each half",
        )
    wide = frame.pivot(index=KEYS, columns="repeat", values="area_mm2")
    return wide[sorted(wide.columns, key=_order)]


def _order(repeat: object) -> tuple[int, float, str]:
    """Numbers as numbers, so that 10 comes after 2; then words."""
    text = str(repeat)
    return (0, float(text), "") if text.isdecimal() else (1, 0.0, text)


def _within_cv(x: Floats) -> float | None:
    means = x.mean(axis=1)
    some = means > 0
    if not some.any():
        return None
    ratios = x[some].var(axis=1, ddof=1) / means[some] ** 2
    return 100 * math.sqrt(float(ratios.mean()))


def _points(complete: pd.DataFrame) -> tuple[Repeat, ...]:
    halves = zip(*(complete.index.get_level_values(name) for name in KEYS), strict=True)
    return tuple(
        Repeat(
            subject_id=str(subject_id),
            side=str(side),
            first=str(first),
            second=str(second),
            mean_mm2=float(row[first] + row[second]) / 2,
            difference_mm2=float(row[second] - row[first]),
        )
        for (subject_id, side), (_, row) in zip(halves, complete.iterrows(), strict=True)
        for first, second in itertools.combinations(complete.columns, 2)
    )


def _agreement(
    points: tuple[Repeat, ...], n: int, k: int, within: float, level: float
) -> dict[str, float]:
    differences = np.array([point.difference_mm2 for point in points])
    bias = float(differences.mean())
    sd = float(differences.std(ddof=1)) if k == 2 else math.sqrt(2) * within
    quantile = float(stats.t.ppf((1 + level) / 2, n - 1))
    margin = quantile * sd / math.sqrt(n)
    # Bland and Altman (1999), section 2: variance of a limit
    limit = quantile * sd * math.sqrt(1 / n + 1.96**2 / (2 * n * (k - 1) - 2))
    return {
        "bias_mm2": bias,
        "bias_low_mm2": bias - margin,
        "bias_high_mm2": bias + margin,
        "difference_sd_mm2": sd,
        "loa_low_mm2": bias - 1.96 * sd,
        "loa_high_mm2": bias + 1.96 * sd,
        "loa_margin_mm2": limit,
    }


def _grows_with_size(points: tuple[Repeat, ...]) -> dict[str, float | None]:
    means = [point.mean_mm2 for point in points]
    sizes = [abs(point.difference_mm2) for point in points]
    if len(set(sizes)) < 2 or len(set(means)) < 2:
        return {"size_correlation": None, "size_correlation_p": None}
    tau = stats.kendalltau(means, sizes)
    return {"size_correlation": float(tau.statistic), "size_correlation_p": float(tau.pvalue)}
