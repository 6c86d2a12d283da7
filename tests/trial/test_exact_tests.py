"""The tests of one effect, against published examples, scipy, statsmodels and plain enumeration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from scarmetrics.statistics import mcnemar, paired_t, relabel, sign_flip, sign_flip_p, signed_rank
from scarmetrics.statistics import welch as welch_t

# Cross- less self-fertilised plants in eighths of an inch: Darwin 1876, in Fisher 1935, section 21
DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48.0])
# Hours of sleep gained by two drugs, the same ten patients: Student 1908
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
# Hamilton depression scale before and after: Hollander and Wolfe, table 3.1
HAMILTON = (
    [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30],
    [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29],
)

small = st.lists(st.integers(-6, 6), min_size=1, max_size=9)
measured = st.lists(
    st.floats(-50, 50, allow_nan=False).map(lambda x: round(x, 3)), min_size=2, max_size=10
)


def flipped_sums(d: np.ndarray) -> np.ndarray:
    return np.array([np.dot(signs, d) for signs in itertools.product((1, -1), repeat=len(d))])


def test_fisher_counted_1726_of_32768_in_darwins_plants() -> None:
    found = sign_flip(DARWIN)
    assert found is not None
    assert found.p == 1726 / 2**15
    assert found.method == "exact"


def test_the_interval_inverts_the_test_of_darwins_plants() -> None:
    found = sign_flip(DARWIN)
    means = sorted(
        DARWIN[list(subset)].mean()
        for size in range(1, 16)
        for subset in itertools.combinations(range(15), size)
    )
    rank = math.floor(0.025 * 2**15)  # subset means that the test rejects on either side
    assert found is not None
    assert found.ci_low == pytest.approx(means[rank - 1], abs=1e-6)
    assert found.ci_high == pytest.approx(means[-rank], abs=1e-6)
    assert sign_flip_p(DARWIN, found.ci_low + 1e-6) > 0.05 >= sign_flip_p(DARWIN, found.ci_low - 1)


@given(small)
def test_sign_flip_is_what_enumeration_gives(values: list[int]) -> None:
    d = np.array(values, float)
    sums = flipped_sums(d)
    assert sign_flip_p(d) == np.mean(np.abs(sums) >= abs(d.sum()))


@given(measured)
def test_sign_flip_takes_sums_that_differ_by_rounding_as_equal(values: list[float]) -> None:
    d = np.array(values)
    whole = np.rint(1000 * d)
    assert sign_flip_p(d) == np.mean(np.abs(flipped_sums(whole)) >= abs(whole.sum()))


@given(measured)
def test_the_interval_holds_what_is_not_rejected(values: list[float]) -> None:
    d = np.array(values)
    found = sign_flip(d, level=0.8)
    assert found is not None
    if found.ci_low is None or found.ci_high is None:
        assert 2 / 2 ** len(d) > 0.2
        return
    spread = np.ptp(d)
    assert found.ci_low - 1e-12 <= d.mean() <= found.ci_high + 1e-12
    if not spread:
        assert found.ci_low == found.ci_high
        return
    for inside, outside, step in (
        (found.ci_low, found.ci_low, spread),
        (found.ci_high, found.ci_high, -spread),
    ):
        assert sign_flip_p(d, inside + 1e-6 * step) > 0.2 - 1e-12
        assert sign_flip_p(d, outside - 1e-6 * step) <= 0.2 + 1e-12


def test_sign_flip_agrees_with_scipy_and_nearly_with_monte_carlo() -> None:
    d = np.random.default_rng(3).normal(0.5, 1, 12)
    exact = sign_flip(d)
    scipys = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
    drawn = sign_flip(d, most_exact=5)
    assert exact is not None
    assert drawn is not None
    assert exact.p == pytest.approx(scipys.pvalue, abs=1e-12)
    assert drawn.method == "monte_carlo"
    assert drawn.p_standard_error is not None
    assert abs(drawn.p - exact.p) < 4 * drawn.p_standard_error
    assert drawn.ci_low == pytest.approx(exact.ci_low, abs=0.03)
    assert drawn.ci_high == pytest.approx(exact.ci_high, abs=0.03)
    assert sign_flip(d, most_exact=5) == drawn


def test_thirty_patients_are_counted_exactly() -> None:
    """All equal but one: the mean is as large in few patterns, which can be counted by hand."""
    d = np.ones(30)
    found = sign_flip(d)
    assert found is not None
    assert found.p == 2 / 2**30
    assert (found.ci_low, found.ci_high) == (1.0, 1.0)
    d[0] = -1.0  # |sum| >= 28: none or one of 30 against the others, either way
    assert sign_flip_p(d) == 2 * (1 + 30) / 2**30


def test_too_few_patients_have_no_interval() -> None:
    found = sign_flip([1.0, 2.0, 4.0, 3.0, 2.5])
    assert found is not None
    assert found.p == 2 / 32
    assert (found.ci_low, found.ci_high) == (None, None)
    assert sign_flip([]) is None


def test_paired_t_of_students_sleep_data() -> None:
    found = paired_t(np.subtract(SLEEP[1], SLEEP[0]))
    assert found is not None
    assert (found.n, found.df) == (10, 9)
    assert found.mean == pytest.approx(1.58)
    assert found.t == pytest.approx(4.0621, abs=5e-5)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert (found.ci_low, found.ci_high) == pytest.approx((0.7001142, 2.4598858), abs=2e-5)


def test_equal_differences_have_no_t() -> None:
    found = paired_t([0.3, 0.3, 0.3])
    assert found is not None
    assert (found.t, found.p, found.sd) == (None, None, 0.0)
    assert found.ci_low == found.ci_high == found.mean
    assert paired_t([1.0]) is None


def test_welch_agrees_with_scipy() -> None:
    g = np.random.default_rng(1)
    x, y = g.normal(0, 1, 14), g.normal(1, 3, 9)
    found = welch_t(x, y)
    scipys = stats.ttest_ind(x, y, equal_var=False)
    interval = scipys.confidence_interval(0.95)
    assert found is not None
    assert (found.t, found.p, found.df) == pytest.approx(
        (scipys.statistic, scipys.pvalue, scipys.df), rel=1e-12
    )
    assert (found.ci_low, found.ci_high) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert welch_t([1.0], y) is None


def test_signed_rank_of_hollander_and_wolfe() -> None:
    found = signed_rank(np.subtract(HAMILTON[0], HAMILTON[1]))
    assert found is not None
    assert found.w_plus == 40
    assert found.p == pytest.approx(0.0390625)
    assert found.pseudomedian == pytest.approx(0.46)
    # as R's wilcox.test(conf.int = TRUE) has it
    assert (found.ci_low, found.ci_high) == pytest.approx((0.010, 0.786))


@given(small)
def test_signed_rank_is_exact_with_ties_and_zeros(values: list[int]) -> None:
    d = np.array(values, float)
    found = signed_rank(d)
    assert found is not None
    kept = d[d != 0]
    if not len(kept):
        assert found.p is None
        return
    ranks = stats.rankdata(np.abs(kept))
    sums = [ranks[np.array(s)].sum() for s in itertools.product((True, False), repeat=len(ranks))]
    w = ranks[kept > 0].sum()
    expected = 2 * min(np.mean(np.array(sums) >= w), np.mean(np.array(sums) <= w))
    assert found.p == pytest.approx(min(1.0, expected))


def test_signed_rank_agrees_with_scipy_without_ties() -> None:
    d = np.random.default_rng(5).normal(0.3, 1, 30)
    found = signed_rank(d)
    assert found is not None
    assert found.p == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, rel=1e-12)


@given(measured, measured)
def test_relabelling_is_what_enumeration_gives(first: list[float], second: list[float]) -> None:
    one, two = first[:5], second[:4]
    together = np.rint(1000 * np.array([*one, *two]))
    n = len(one)

    def apart(chosen: tuple[int, ...]) -> float:
        # in whole numbers, so that ties are ties
        return abs(len(together) * together[list(chosen)].sum() - n * together.sum())

    deals = [apart(c) for c in itertools.combinations(range(len(together)), n)]
    found = relabel(one, two)
    assert found is not None
    assert found.p == pytest.approx(np.mean(np.array(deals) >= apart(tuple(range(n)))))


def test_relabelling_by_ranks_is_the_mann_whitney_test() -> None:
    g = np.random.default_rng(2)
    x, y = g.normal(0, 1, 15), g.normal(0.7, 1, 15)
    by_ranks = relabel(x, y, ranks=True)
    assert by_ranks is not None
    assert by_ranks.p == pytest.approx(stats.mannwhitneyu(x, y, method="exact").pvalue, rel=1e-9)
    drawn = relabel(x, y, ranks=True, most_exact=10, draws=20_000)
    assert drawn is not None
    assert drawn.p_standard_error is not None
    assert abs(drawn.p - by_ranks.p) < 4 * drawn.p_standard_error
    assert relabel([], y) is None


def test_mcnemar_agrees_with_statsmodels() -> None:
    active = [True] * 7 + [False] * 15 + [True] * 2 + [False] * 9
    control = [True] * 7 + [False] * 15 + [False] * 2 + [True] * 9
    found = mcnemar(active, control)
    assert (found.both, found.neither, found.only_adsc_cm, found.only_saline) == (7, 15, 2, 9)
    expected = statsmodels_mcnemar([[7, 2], [9, 15]], exact=True)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.risk_difference == pytest.approx(-7 / 33)
    assert mcnemar([True], [True]).p == 1.0
    assert mcnemar([], []).p is None
