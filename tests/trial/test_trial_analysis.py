"""From linked tables to the analysis: what is compared, what is missing, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from _trials import Truth, repeats, trial_answers, trial_halves
from scipy import stats

from scarmetrics.errors import UsageError
from scarmetrics.statistics import Analysis, analyse, as_json, repeatability

TRUTH = Truth(patients=12, effect_pct=-10, missing=0.06, review=0.2)


@pytest.fixture(scope="module")
def halves() -> pd.DataFrame:
    return trial_halves(TRUTH, 6)


@pytest.fixture(scope="module")
def analysis(halves: pd.DataFrame) -> Analysis:
    return analyse(halves, trial_answers(halves, 7), repeatability=repeatability(repeats(12, 8)))


def changes(halves: pd.DataFrame) -> pd.DataFrame:
    return halves[halves["visit"] == "change"]


def one(found: Any, **keys: object) -> Any:
    (member,) = [item for item in found if all(getattr(item, k) == v for k, v in keys.items())]
    return member


def test_the_primary_result_is_the_paired_t_test_of_both_halves(
    halves: pd.DataFrame, analysis: Analysis
) -> None:
    wide = changes(halves).pivot(index="subject_id", columns="treatment", values="change_mm2")
    both = wide.dropna()
    assert len(both) < len(wide)  # the trial has missing halves
    scipys = stats.ttest_rel(both["adsc_cm"], both["saline"])
    interval = scipys.confidence_interval(0.95)
    primary = analysis.primary
    assert (primary.outcome, primary.procedure, primary.halves) == (
        "change_mm2", "pooled", "measured",
    )  # fmt: skip
    assert primary.patients == len(both)
    assert primary.left_out == len(wide) - len(both)
    assert primary.paired_t is not None
    assert primary.paired_t.p == pytest.approx(scipys.pvalue)
    assert (primary.paired_t.ci_low, primary.paired_t.ci_high) == pytest.approx(interval)
    assert primary.adsc_cm_mean == pytest.approx(both["adsc_cm"].mean())
    assert sum(c.role == "primary" for c in analysis.comparisons) == 1


def test_only_pass_leaves_out_every_half_under_review(
    halves: pd.DataFrame, analysis: Analysis
) -> None:
    passed = changes(halves).query("qc_status == 'pass' and procedure == 'co2_laser'")
    both = passed.pivot(index="subject_id", columns="treatment", values="change_pct").dropna()
    found = one(analysis.comparisons, outcome="change_pct", procedure="co2_laser", halves="pass")
    assert found.role == "sensitivity"
    assert found.patients == len(both)
    assert found.paired_t.mean == pytest.approx((both["adsc_cm"] - both["saline"]).mean())


def test_a_half_that_failed_quality_control_is_missing_with_its_flags(
    halves: pd.DataFrame,
) -> None:
    failed = halves.copy()
    row = changes(failed).query("qc_status == 'pass'").index[0]
    failed.loc[row, ["qc_status", "qc_flags"]] = ["fail", "scales_disagree"]
    before, after = analyse(halves), analyse(failed)
    assert len(after.missing.halves) == len(before.missing.halves) + 1
    subject = failed.loc[row, "subject_id"]
    half = one(after.missing.halves, subject_id=subject, treatment=failed.loc[row, "treatment"])
    assert (half.lacks, half.reason) == ("quality", "failed quality control: scales_disagree")
    assert after.primary.patients == before.primary.patients - 1


def test_what_is_missing_is_listed_with_its_reason_and_not_filled(
    halves: pd.DataFrame, analysis: Analysis
) -> None:
    lost = changes(halves).query("change_mm2.isna()")
    assert {(m.subject_id, m.side) for m in analysis.missing.halves} == set(
        zip(lost["subject_id"], lost["side"], strict=True)
    )
    assert {m.reason for m in analysis.missing.halves} == set(lost["reason"])
    assert {m.lacks for m in analysis.missing.halves} == {"baseline and month3"}
    assert sum(count.halves for count in analysis.missing.counts) == len(lost)
    flow = one(analysis.flow, procedure="pooled")
    assert (flow.patients, flow.halves) == (12, 24)
    assert flow.halves_changed == 24 - len(lost) == flow.halves_pass + flow.halves_review


def test_a_half_in_no_row_is_still_expected(halves: pd.DataFrame) -> None:
    kept = halves[~((halves["subject_id"] == "S01") & (halves["treatment"] == "saline"))]
    found = analyse(kept)
    half = one(found.missing.halves, subject_id="S01")
    sides = set(halves.loc[halves["subject_id"] == "S01", "side"])
    given = kept.loc[kept["subject_id"] == "S01", "side"].iloc[0]
    assert (half.treatment, half.reason) == ("saline", "not in the tables")
    assert {half.side, given} == sides


def test_without_a_scale_only_mm2_is_missing(halves: pd.DataFrame) -> None:
    blind = halves.copy()
    lost = set(halves.loc[halves["reason"] != "", "subject_id"])
    whole = min(set(halves["subject_id"]) - lost)
    mine = blind["subject_id"] == whole
    blind.loc[mine, ["area_mm2", "area_sd_mm2", "change_mm2", "change_sd_mm2"]] = np.nan
    blind.loc[mine, "qc_flags"] = "no_scale"
    found = analyse(blind)
    assert {(m.lacks, m.reason) for m in found.missing.halves if m.subject_id == whole} == {
        ("mm²", "flags no_scale")
    }
    by_outcome = {
        c.outcome: c.patients
        for c in found.comparisons
        if c.procedure == "pooled" and c.halves == "measured"
    }
    assert by_outcome["change_fraction"] == by_outcome["change_mm2"] + 1


def test_the_order_of_rows_changes_nothing(halves: pd.DataFrame, analysis: Analysis) -> None:
    answers = trial_answers(halves, 7)
    shuffled = analyse(
        halves.sample(frac=1, random_state=1),
        answers.sample(frac=1, random_state=2),
        repeatability=analysis.repeatability,
    )
    assert shuffled.model_dump_json() == analysis.model_dump_json()


def test_columns_that_know_missing_and_another_word_for_the_follow_up_give_the_same(
    halves: pd.DataFrame, analysis: Analysis
) -> None:
    again = halves.convert_dtypes()
    answers = trial_answers(halves, 7).convert_dtypes()
    assert "Float64" in {str(kind) for kind in again.dtypes}
    again["visit"] = again["visit"].replace({"month3": "week12"})
    found = analyse(again, answers, repeatability=analysis.repeatability)
    assert found.model_dump_json() == analysis.model_dump_json()


def test_measurement_error_is_told_from_the_tables_and_from_repeats(
    halves: pd.DataFrame, analysis: Analysis
) -> None:
    wide = changes(halves).pivot(
        index="subject_id", columns="treatment", values=["change_mm2", "change_sd_mm2"]
    )
    both = wide.dropna()
    variance = (both["change_sd_mm2"] ** 2).sum(axis=1)
    noise = one(analysis.noise, procedure="pooled")
    assert noise.difference_sd_mm2 == pytest.approx(np.sqrt(variance.mean()))
    assert noise.mean_se_mm2 == pytest.approx(np.sqrt(variance.sum()) / len(both))
    assert analysis.repeatability is not None
    assert analysis.detectable is not None
    within = analysis.repeatability.within_sd_mm2
    assert analysis.detectable.half_mdc95_mm2 == pytest.approx(1.96 * 2**0.5 * within)
    limit = analysis.detectable.half_mdc95_mm2
    active = changes(halves).query("treatment == 'adsc_cm'")["change_mm2"]
    beyond = one(analysis.detectable.beyond, treatment="adsc_cm")
    assert (beyond.halves, beyond.shrunk) == (active.notna().sum(), (active < -limit).sum())


def test_side_effects_are_compared_within_patients(halves: pd.DataFrame) -> None:
    answers = trial_answers(halves, 7)
    found = analyse(halves, answers)
    rows = answers.query("event == 'erythema' and session == 2")
    wide = rows.pivot(index="subject_id", columns="treatment", values="severity").dropna()
    effect = one(found.side_effects, event="erythema", session="2", procedure="pooled")
    active, control = wide["adsc_cm"] > 0, wide["saline"] > 0
    assert effect.mcnemar.n == len(wide)
    assert effect.mcnemar.only_saline == (~active & control).sum()
    assert effect.saline_answers == rows.query("treatment == 'saline'")["severity"].notna().sum()


def test_an_answer_that_is_not_there_is_no_answer(halves: pd.DataFrame) -> None:
    answers = trial_answers(halves, 7)
    scores = answers.query("kind == 'satisfaction' and month == 3 and treatment == 'saline'")
    asked = one(analyse(halves, answers).satisfaction, month="3", procedure="pooled", unit="half")
    fewer = one(
        analyse(halves, answers.drop(index=scores.index[:2])).satisfaction,
        month="3", procedure="pooled", unit="half",
    )  # fmt: skip
    empty = answers.copy()
    empty.loc[scores.index[:2], "score"] = np.nan
    left_empty = one(
        analyse(halves, empty).satisfaction, month="3", procedure="pooled", unit="half"
    )
    assert (asked.n, fewer.n) == (12, 10)
    assert left_empty == fewer


def test_words_of_severity_are_grades(halves: pd.DataFrame) -> None:
    answers = trial_answers(halves, 7)
    words = answers.copy()
    words["severity"] = words["severity"].map(
        {0: "none", 1: "mild", 2: "Moderate", 3: "severe"}, na_action="ignore"
    )
    assert analyse(halves, words).side_effects == analyse(halves, answers).side_effects


def swapped(halves: pd.DataFrame, subject: str, **cells: object) -> pd.DataFrame:
    wrong = halves.copy()
    for name, value in cells.items():
        wrong.loc[wrong["subject_id"] == subject, name] = value
    return wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: swapped(f, "S03", treatment="saline"), "S03: both sides have the same"),
        (lambda f: swapped(f, "S03", treatment="botox"), "treatment 'botox' is not one of"),
        (lambda f: swapped(f, "S03", procedure="peeling"), "procedure 'peeling' is not one of"),
        (lambda f: pd.concat([f, f.head(1)]), "S01: left, baseline is there twice"),
        (
            lambda f: pd.concat([f, f.head(1).assign(visit="x", procedure="microneedling")]),
            "S01: more than one procedure",
        ),
        (
            lambda f: pd.concat([f, f.head(1).assign(visit="month6")]),
            "more than one follow-up visit: month3, month6",
        ),
        (
            lambda f: pd.concat([f, f.head(3).assign(visit=["a", "b", "c"], side="right")]),
            "S01: a side with both treatments",
        ),
        (lambda f: f.drop(columns="procedure"), "lacks the columns procedure"),
        (lambda f: f.head(0), "it has no row"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(
    halves: pd.DataFrame, change, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        analyse(change(halves))


def test_all_contradictions_are_said_at_once(halves: pd.DataFrame) -> None:
    wrong = swapped(swapped(halves, "S03", treatment="saline"), "S05", procedure="peeling")
    with pytest.raises(UsageError) as error:
        analyse(wrong)
    assert "S03" in str(error.value)
    assert "peeling" in str(error.value)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"kind": "poll"}, "kind 'poll'"),
        ({"score": "good"}, "score 'good' is not a number"),
        ({"treatment": "x"}, "treatment 'x'"),
        ({"procedure": ""}, "procedure ''"),
        ({"treatment": ""}, "an answer about one side has no treatment"),
    ],
)
def test_questionnaires_that_contradict_themselves_are_refused(
    halves: pd.DataFrame, cells: dict[str, str], message: str
) -> None:
    answers = trial_answers(halves, 7).astype(object)
    for name, cell in cells.items():
        answers.loc[answers.index[0], name] = cell
    with pytest.raises(UsageError, match=message):
        analyse(halves, answers)
    with pytest.raises(UsageError, match="answered twice"):
        analyse(halves, pd.concat([trial_answers(halves, 7).head(1)] * 2))


@pytest.mark.parametrize("patients", [1, 2, 3, 5])
def test_few_patients_give_what_can_be_said(patients: int) -> None:
    found = analyse(trial_halves(Truth(patients=patients), 1))
    assert found.primary.patients == patients
    assert (found.primary.paired_t is None) == (patients < 2)
    assert found.primary.sign_flip is not None
    assert found.primary.sign_flip.ci_low is None
    assert {model.fit.method for model in found.models} == {"none"}


def leaves(value: object, path: str = "") -> list[str]:
    if isinstance(value, dict):
        inner = [leaves(v, f"{path}.{k}" if path else k) for k, v in value.items()]
        return [leaf for found in inner for leaf in found]
    if isinstance(value, list):
        return [leaf for v in value for leaf in leaves(v, f"{path}[]")]
    return [path] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_every_number_has_its_definition(halves: pd.DataFrame, analysis: Analysis) -> None:
    flow = pd.DataFrame({"step": ["baseline"], "halves": [24]})
    document = as_json(
        analysis.model_copy(update={"flow_given": analyse(halves, flow=flow).flow_given})
    )
    numbers = set(leaves(document["analysis"]))
    paths = {path.replace("rows[][]", "rows") for path in numbers}
    assert len(paths) > 100
    assert sorted(paths - set(document["definitions"])) == []


def test_definitions_of_given_tables_travel_with_them(halves: pd.DataFrame) -> None:
    table = pd.DataFrame({"procedure": ["co2_laser"], "side_left": [8], "p": [np.nan]})
    table.attrs["definitions"] = {"side_left": "patients whose left half was given ADSC-CM"}
    found = analyse(halves, randomisation=table).randomisation
    assert found is not None
    assert found.rows == (("co2_laser", 8, None),)
    assert found.definitions["side_left"] == "patients whose left half was given ADSC-CM"


def test_a_level_that_is_none_is_refused(halves: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="confidence level"):
        analyse(halves, level=95)
