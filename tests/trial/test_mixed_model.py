"""The mixed model, against lme4's and statsmodels' answers, and where it cannot be trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from test_exact_tests import SLEEP

from scarmetrics.statistics import mixed_model, paired_t, welch


def halves(
    *, seed: int, patients: int = 30, patient_sd: float = 15.0, opposite: float = 0.0
) -> pd.DataFrame:
    """Halves of a trial; `opposite` makes the two halves of a face err in opposite directions."""
    g = np.random.default_rng(seed)
    rows = []
    for index in range(patients):
        common = g.normal(0, patient_sd)
        against = g.normal(0, opposite) if opposite else 0.0
        procedure = ("co2_laser", "microneedling")[index % 2]
        for treatment, sign in (("adsc_cm", 1), ("saline", -1)):
            baseline = 300 + 2 * common + g.normal(0, 30)
            change = common - 0.1 * baseline + sign * (against - 5) + g.normal(0, 8)
            rows.append((f"S{index:02d}", treatment, procedure, change, baseline))
    names = ["subject_id", "treatment", "procedure", "change", "baseline"]
    return pd.DataFrame(rows, columns=names)


def test_students_sleep_data_give_what_lme4_gives() -> None:
    """``lmer(extra ~ group + (1 | ID), sleep)``: 1.58 (0.389), SD 1.6877 and 0.8697."""
    frame = pd.DataFrame(
        [
            {"subject_id": f"{i}", "treatment": arm, "procedure": "co2_laser", "change": value,
             "baseline": 0.0}
            for arm, values in zip(("saline", "adsc_cm"), SLEEP, strict=True)
            for i, value in enumerate(values)
        ]
    )  # fmt: skip
    fit = mixed_model(frame)
    effect = fit.effect("treatment")
    assert fit.method == "reml"
    assert effect is not None
    assert (effect.estimate, effect.se) == pytest.approx((1.58, 0.3890), abs=5e-5)
    assert (fit.patient_sd, fit.residual_sd) == pytest.approx((1.6877, 0.8697), abs=5e-5)
    paired = paired_t(np.subtract(SLEEP[1], SLEEP[0]))
    assert paired is not None
    assert (effect.df, effect.p) == pytest.approx((paired.df, paired.p), rel=1e-3)


def test_it_is_the_model_that_statsmodels_fits_by_formula() -> None:
    frame = halves(seed=1)
    frame = frame.drop(index=[3, 10])  # two patients with one half
    fit = mixed_model(frame)
    formula = (
        "change ~ C(treatment, Treatment('saline')) * C(procedure, Treatment('microneedling'))"
        " + baseline"
    )
    theirs = smf.mixedlm(formula, frame, groups=frame["subject_id"]).fit(reml=True)
    simple = "C(treatment, Treatment('saline'))[T.adsc_cm]"
    crossed = f"{simple}:C(procedure, Treatment('microneedling'))[T.co2_laser]"
    assert (fit.method, fit.n_halves, fit.n_patients) == ("reml", 58, 30)
    effects = {effect.name: effect for effect in fit.effects}
    for name, key in (("treatment_microneedling", simple), ("interaction", crossed),
                      ("baseline", "baseline")):  # fmt: skip
        assert effects[name].estimate == pytest.approx(theirs.fe_params[key], rel=1e-4)
        assert effects[name].se == pytest.approx(theirs.bse_fe[key], rel=1e-3)
    average = theirs.fe_params[simple] + theirs.fe_params[crossed] / 2
    assert effects["treatment"].estimate == pytest.approx(average, rel=1e-4)


def test_without_a_baseline_it_is_the_paired_analysis() -> None:
    frame = halves(seed=2).assign(baseline=0.0)
    fit = mixed_model(frame)
    wide = frame.pivot(index=["subject_id", "procedure"], columns="treatment", values="change")
    d = (wide["adsc_cm"] - wide["saline"]).reset_index(name="d")
    groups = [d.loc[d["procedure"] == name, "d"] for name in ("co2_laser", "microneedling")]
    effect, interaction = fit.effect("treatment"), fit.effect("interaction")
    contrast = welch(*groups)
    assert fit.method == "reml"
    assert effect is not None
    assert interaction is not None
    assert contrast is not None
    assert effect.estimate == pytest.approx(d["d"].mean())
    assert interaction.estimate == pytest.approx(contrast.difference)
    pooled = np.sqrt(np.mean([group.var() for group in groups]) / 30)
    assert effect.se == pytest.approx(pooled, rel=1e-4)


def test_halves_that_oppose_each_other_are_not_taken_for_independent() -> None:
    """Then REML's variance between patients is zero, and its interval would be too narrow."""
    frame = halves(seed=3, patient_sd=0.0, opposite=20.0)
    fit = mixed_model(frame)
    assert fit.singular
    assert fit.method == "differences"
    assert "estimated as zero" in fit.note
    assert fit.patient_sd is None
    wide = frame.pivot(
        index=["subject_id", "procedure"], columns="treatment", values=["change", "baseline"]
    )
    table = pd.DataFrame(
        {name: wide[name]["adsc_cm"] - wide[name]["saline"] for name in ("change", "baseline")}
    ).reset_index()
    table["code"] = np.where(table["procedure"] == "co2_laser", 0.5, -0.5)
    theirs = smf.ols("change ~ baseline + code", table).fit()
    effect = fit.effect("treatment")
    assert effect is not None
    assert effect.estimate == pytest.approx(theirs.params["Intercept"])
    low, high = theirs.conf_int().loc["Intercept"]
    assert (effect.ci_low, effect.ci_high) == pytest.approx((low, high))


def test_units_do_not_matter() -> None:
    frame = halves(seed=4)
    one = mixed_model(frame).effect("treatment")
    tiny = mixed_model(
        frame.assign(change=frame["change"] * 1e-6, baseline=frame["baseline"] * 1e-6)
    ).effect("treatment")
    assert one is not None
    assert tiny is not None
    assert tiny.estimate == pytest.approx(one.estimate * 1e-6, rel=1e-6)
    assert tiny.p == pytest.approx(one.p, rel=1e-5)


@pytest.mark.parametrize("kept", [0, 4])
def test_too_few_halves_are_said(kept: int) -> None:
    fit = mixed_model(halves(seed=5).head(kept))
    assert (fit.method, fit.effects) == ("none", ())
    assert "too few" in fit.note


def test_equal_changes_are_said() -> None:
    fit = mixed_model(halves(seed=6).assign(change=1.0))
    assert (fit.method, fit.note) == ("none", "all changes are equal")
