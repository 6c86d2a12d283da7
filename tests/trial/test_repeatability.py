"""Repeatability against published tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scarmetrics.errors import UsageError
from scarmetrics.statistics import icc_2_1, repeatability

# Four judges rate six targets: Shrout and Fleiss 1979, table 2
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
# Peak flow by a large and a mini meter, twice each, l/min: Bland and Altman 1986, table 1
WRIGHT = [
    (494, 490), (395, 397), (516, 512), (434, 401), (476, 470), (557, 611), (413, 415), (442, 431),
    (650, 638), (433, 429), (417, 420), (656, 633), (267, 275), (478, 492), (178, 165), (423, 372),
    (427, 421),
]  # fmt: skip
MINI = [
    (512, 525), (430, 415), (520, 508), (428, 444), (500, 500), (600, 625), (364, 460), (380, 390),
    (658, 642), (445, 432), (432, 420), (626, 605), (260, 227), (477, 467), (259, 268), (350, 370),
    (451, 443),
]  # fmt: skip


def as_frame(table: object) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"subject_id": f"P{row:02d}", "side": "left", "repeat": repeat, "area_mm2": value}
            for row, values in enumerate(np.asarray(table, float).tolist())
            for repeat, value in enumerate(values, start=1)
        ]
    )


def test_icc_of_shrout_and_fleiss() -> None:
    found = icc_2_1(JUDGES)
    assert found.estimate == pytest.approx(0.29, abs=0.005)  # published
    assert (found.ms_halves, found.ms_residual) == pytest.approx((11.24, 1.02), abs=0.005)
    assert found.f == pytest.approx(11.03, abs=0.005)
    # McGraw and Wong's interval of it, as R's psych::ICC gives it
    assert (found.ci_low, found.ci_high) == pytest.approx((0.019, 0.761), abs=5e-4)


def test_icc_of_perfect_repeats_is_one() -> None:
    found = icc_2_1(np.column_stack([JUDGES[:, 0]] * 3))
    assert (found.estimate, found.ci_low, found.ci_high, found.f) == (1.0, 1.0, 1.0, None)
    with pytest.raises(ValueError, match="two repeats"):
        icc_2_1(JUDGES[:, :1])


@pytest.mark.parametrize(("table", "published"), [(WRIGHT, 15.3), (MINI, 19.9)])
def test_within_subject_sd_of_bland_and_altman(table: object, published: float) -> None:
    found = repeatability(as_frame(table))
    assert found.within_sd_mm2 == pytest.approx(published, abs=0.05)
    assert found.mdc95_mm2 == pytest.approx(2.77 * published, rel=0.005)
    assert found.within_sd_low_mm2 < found.within_sd_mm2 < found.within_sd_high_mm2


def test_limits_of_agreement_of_bland_and_altman() -> None:
    """The first reading of either meter: -2.1 ± 2 x 38.8, -79.7 to 75.5 with the rounded 2."""
    first = [(mini, wright) for (wright, _), (mini, _) in zip(WRIGHT, MINI, strict=True)]
    found = repeatability(as_frame(first))
    assert found.bias_mm2 == pytest.approx(-2.1, abs=0.05)
    assert found.difference_sd_mm2 == pytest.approx(38.8, abs=0.05)
    assert found.loa_low_mm2 == pytest.approx(-2.1 - 1.96 * 38.8, abs=0.2)
    assert found.loa_high_mm2 == pytest.approx(-2.1 + 1.96 * 38.8, abs=0.2)
    assert (found.bias_low_mm2, found.bias_high_mm2) == pytest.approx((-22.0, 17.8), abs=0.1)
    assert len(found.points) == 17


def test_a_known_error_is_found_again() -> None:
    g = np.random.default_rng(8)
    truth = g.uniform(100, 500, 400)
    table = truth[:, None] * np.exp(0.05 * g.standard_normal((400, 3)))
    found = repeatability(as_frame(table))
    assert found.within_cv_pct == pytest.approx(5, abs=0.25)
    assert found.mdc95_pct == pytest.approx(1.96 * 2**0.5 * 5, abs=0.7)
    assert found.size_correlation is not None
    assert found.size_correlation > 0.1  # the error grows with the area
    assert len(found.points) == 3 * 400


def test_a_half_without_every_repeat_is_counted_not_filled() -> None:
    frame = as_frame(WRIGHT)
    frame.loc[3, "area_mm2"] = np.nan
    found = repeatability(frame)
    assert (found.n_halves, found.n_dropped) == (16, 1)
    without = repeatability(as_frame([pair for i, pair in enumerate(WRIGHT) if i != 1]))
    assert found.within_sd_mm2 == pytest.approx(without.within_sd_mm2)


def test_the_order_of_rows_does_not_matter_and_repeat_10_is_later_than_2() -> None:
    frame = as_frame(WRIGHT)
    shuffled = frame.sample(frac=1, random_state=1).assign(repeat=lambda f: f["repeat"].astype(str))
    assert repeatability(shuffled) == repeatability(frame)
    later = repeatability(frame.assign(repeat=frame["repeat"].map({1: "2", 2: "10"})))
    assert later.bias_mm2 == repeatability(frame).bias_mm2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="side"), "lack the columns side"),
        (lambda f: pd.concat([f, f.head(1)]), "more than once"),
        (lambda f: f.assign(area_mm2=-1.0), "not numbers of mm²"),
        (lambda f: f.assign(area_mm2=7.0), "all repeated areas are equal"),
        (lambda f: f[f["repeat"] == 1], "at least 3 halves with 2"),
        (lambda f: f.head(0), "0 halves"),
    ],
)
def test_what_cannot_be_used_is_said(change, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        repeatability(change(as_frame(WRIGHT)))
