"""Linking: the joined tables, what is missing and why, everything wrong at once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_trial import Made, area, failure, one, write_allocation

import scarmetrics as sm
from scarmetrics.allocation import (
    LinkError,
    LockError,
    link,
    lock,
)
from scarmetrics.allocation.halves import HALVES
from scarmetrics.config import parse_config

ANSWERS = "subject_id,kind,side,event,session,month,score,answered_on"
DATED = "subject_id,procedure,treated_side,allocated_on"


def problems(out: Path, *arguments: Path, **options: bool) -> list[str]:
    with pytest.raises(LinkError) as refused:
        link(out, *arguments, **options)
    assert str(refused.value).count("\n") >= len(refused.value.problems)
    return [str(problem) for problem in refused.value.problems]


def test_each_half_gets_its_treatment_and_keeps_its_values(locked: Path, allocation: Path) -> None:
    halves = link(locked, allocation).halves
    assert list(halves.columns) == list(HALVES)
    assert len(halves) == 2 * 2 * 3
    given = {("P01", "left"): "adsc_cm", ("P01", "right"): "saline",
             ("P02", "left"): "saline", ("P02", "right"): "adsc_cm"}  # fmt: skip
    for (subject, side), treatment in given.items():
        for visit in ("baseline", "month3"):
            row = one(halves, subject_id=subject, side=side, visit=visit)
            assert row["treatment"] == treatment
            assert row["procedure"] == {"P01": "co2_laser", "P02": "microneedling"}[subject]
            assert row["area_mm2"] == area(subject, side, visit)
            assert pd.isna(row["change_mm2"])
            assert pd.isna(row["reason"])
        change = one(halves, subject_id=subject, side=side, visit="change")
        difference = area(subject, side, "month3") - area(subject, side, "baseline")
        assert change["change_mm2"] == difference
        assert change["treatment"] == treatment
        assert pd.isna(change["area_mm2"])


def test_an_unlocked_or_altered_measurement_is_refused(made: Made, allocation: Path) -> None:
    out = made.write()
    with pytest.raises(LockError, match="not locked"):
        link(out, allocation)
    lock(out)
    assert link(out, allocation)
    mask = out / "masks/P01_left_month3.png"
    mask.write_bytes(mask.read_bytes() + b"x")
    with pytest.raises(LockError, match=r"masks/P01_left_month3\.png"):
        link(out, allocation)


def test_failed_halves_are_rows_with_their_reason(made: Made, allocation: Path) -> None:
    made.lose("P01", "right", "registration_disagrees")
    made.lose("P02", "left")
    made.lose("P02", "right")
    made.failures += [failure("P02", "left", "missing_visit"), failure("P02", "", "file_missing")]
    out = made.write()
    lock(out)
    study = link(out, allocation)
    for visit in ("baseline", "month3", "change"):
        lost = one(study.halves, subject_id="P01", side="right", visit=visit)
        assert lost["reason_code"] == "registration_disagrees"
        assert lost["reason"] == "because of registration_disagrees"
        assert lost["treatment"] == "saline"
        assert pd.isna(lost[["area_mm2", "change_mm2", "qc_status"]]).all()
        # its own reason where there is one, the file's where there is none
        row = one(study.halves, subject_id="P02", side="left", visit=visit)
        assert row["reason_code"] == "missing_visit"
        row = one(study.halves, subject_id="P02", side="right", visit=visit)
        assert row["reason_code"] == "file_missing"
    assert len(study.halves) == 12


def test_the_flow_counts_subjects_halves_and_visits(made: Made, allocation: Path) -> None:
    made.lose("P01", "right", "registration_disagrees")
    out = made.write()
    lock(out)
    flow = link(out, allocation).flow
    subjects = one(flow, level="subjects", procedure="co2_laser")
    assert list(subjects[["expected", "measured", "failed"]]) == [1, 0, 1]
    assert subjects["why"] == "registration_disagrees (1)"
    pooled = one(flow, level="subjects", procedure="pooled")
    assert list(pooled[["expected", "measured", "failed"]]) == [2, 1, 1]
    control = one(flow, level="halves", procedure="pooled", treatment="saline")
    assert list(control[["expected", "measured", "failed"]]) == [2, 1, 1]
    active = one(flow, level="halves", procedure="pooled", treatment="adsc_cm")
    assert list(active[["expected", "measured", "failed"]]) == [2, 2, 0]
    visit = one(flow, level="visits", procedure="pooled", treatment="saline", visit="month3")
    assert visit["why"] == "registration_disagrees (1)"
    assert (flow["expected"] == flow["measured"] + flow["failed"]).all()


def test_without_a_scale_fractions_stay_and_the_reason_is_told(
    made: Made, allocation: Path
) -> None:
    empty = dict.fromkeys(("area_mm2", "area_sd_mm2", "projected_area_mm2", "roi_area_mm2"))
    for row in made.measurements:
        row.update(empty)
    for row in made.changes:
        row.update(change_mm2=None, change_sd_mm2=None)
    out = made.write()
    lock(out)
    study = link(out, allocation)
    at_baseline = one(study.halves, subject_id="P01", side="left", visit="baseline")
    assert at_baseline["area_fraction"] > 0
    assert at_baseline["reason_code"] == "no_scale"
    areas = study.adscar[study.adscar["PARAMCD"] == "SCARAREA"]
    assert set(areas["REASND"]) == {"no_scale"}
    assert areas["AVAL"].isna().all()
    assert areas["ANL01FL"].isna().all()
    fractions = study.adscar[study.adscar["PARAMCD"] == "SCARFRAC"]
    assert set(fractions["ANL01FL"]) == {"Y"}


def test_subjects_on_one_side_only_are_problems_until_they_are_accepted(
    made: Made, tmp_path: Path
) -> None:
    made.lose("P02", "left")  # never photographed
    made.add("S07", "left")
    made.failures.append(failure("S08"))
    out = made.write()
    lock(out)
    listed = write_allocation(
        tmp_path / "list.csv", "P01,mn,left", "P2,mn,left", "P09,mn,left", "P02,mn,left"
    )
    assert problems(out, listed) == [
        "list.csv, line 3, column subject_id: P2 has no photographs in the measurement; "
        "is it 'P02'?",
        "list.csv, line 4, column subject_id: P09 has no photographs in the measurement; "
        "is it 'P02'?",
        "list.csv, line 5: P02 is treated on the left, but has photographs of the right half only",
        "failures.csv, line 2, column subject_id: S08 has photographs but is not in list.csv",
        "measurements.csv, line 8, column subject_id: S07 has photographs but is not in list.csv",
    ]
    write_allocation(listed, "P01,mn,left", "P09,mn,left", "P02,mn,left")
    study = link(out, listed, accept_incomplete=True)
    assert len(study.accepted) == 4
    assert set(study.halves["subject_id"]) == {"P01", "P02", "P09"}
    lost = one(study.halves, subject_id="P02", side="left", visit="change")
    assert lost["reason_code"] == "no_images"
    pooled = one(study.flow, level="subjects", procedure="pooled")
    assert pooled["why"] == "no_images (2)"
    others = one(study.flow, procedure="not_allocated")
    assert list(others[["expected", "measured", "why"]]) == [0, 1, "not_allocated (2)"]


def test_a_followup_before_the_baseline_is_a_problem(made: Made, allocation: Path) -> None:
    for row in made.measurements:
        if row["subject_id"] == "P01" and row["visit"] == "month3":
            row["captured_on"] = "2023-12-01"
    made.lose("P02", "left", "visit_order")
    out = made.write()
    lock(out)
    said = problems(out, allocation)
    assert said == [
        "failures.csv, line 2: P02 left: because of visit_order",
        "measurements.csv, line 3, column captured_on: P01: month3 was photographed on "
        "2023-12-01, before baseline on 2024-01-08",
        "measurements.csv, line 5, column captured_on: P01: month3 was photographed on "
        "2023-12-01, before baseline on 2024-01-08",
    ]
    # a half that the run refused may be accepted as lost, a wrong date in the tables may not
    assert len(problems(out, allocation, accept_incomplete=True)) == 2


def test_an_allocation_after_the_followup_is_a_problem(locked: Path, tmp_path: Path) -> None:
    listed = write_allocation(
        tmp_path / "list.csv", "P01,mn,left,1403/05/01", "P02,mn,left,2024-01-09", header=DATED
    )
    (said,) = problems(locked, listed)
    assert said.startswith("list.csv, line 2, column allocated_on: P01 was allocated on 2024-07-22")


def test_every_problem_of_every_file_is_listed_at_once_and_nothing_is_written(
    locked: Path, tmp_path: Path
) -> None:
    listed = write_allocation(tmp_path / "list.csv", "P01,mn,left", "P02,zzz,left", "P09,mn,left")
    answers = write_allocation(
        tmp_path / "answers.csv",
        "P01,side_effect,left,pain,1,,1,۱۴۰۲/۰۱/۰۱",  # before the baseline
        "P03,satisfaction,,,,3,1,",
        "P02,satisfaction,,,,3,9,",
        header=ANSWERS,
    )
    before = sorted(path.name for path in locked.iterdir())
    said = problems(locked, listed, answers)
    assert [line.split(":")[0] for line in said] == [
        "list.csv, line 3, column procedure",
        "list.csv, line 4, column subject_id",
        "answers.csv, line 2, column answered_on",
        "answers.csv, line 3, column subject_id",
        "answers.csv, line 4, column score",
    ]
    assert "before the baseline photograph on 2024-01-08" in said[2]
    assert sorted(path.name for path in locked.iterdir()) == before


def test_an_answer_before_the_allocation_is_a_problem(locked: Path, tmp_path: Path) -> None:
    listed = write_allocation(
        tmp_path / "list.csv", "P01,mn,left,2024-02-01", "P02,mn,left,", header=DATED
    )
    answers = write_allocation(
        tmp_path / "answers.csv", "P01,side_effect,left,pain,1,,1,2024-01-20", header=ANSWERS
    )
    (said,) = problems(locked, listed, answers)
    assert "before the allocation on 2024-02-01" in said


def test_answers_get_the_treatment_of_their_half(
    locked: Path, allocation: Path, tmp_path: Path
) -> None:
    answers = write_allocation(
        tmp_path / "answers.csv",
        "P02,satisfaction,,,,3,4,",
        "P02,side_effect,right,pain,2,,mild,2024-02-20",
        "P01,side_effect,right,none,1,,absent,",
        "P01,side_effect,left,erythema,1,,,",
        header=ANSWERS,
    )
    table = link(locked, allocation, answers).questionnaires
    nothing = table[table["source"] == "none"]
    assert len(table) == 3 + len(nothing)  # nothing is added for what was not asked
    pain = one(table, subject_id="P02", event="pain")
    assert (pain["treatment"], pain["procedure"]) == ("adsc_cm", "microneedling")
    assert (pain["session"], pain["severity"], pain["answer"]) == (2, 1, "mild")
    unanswered = one(table, subject_id="P01", side="left", event="erythema")
    assert pd.isna(unanswered["severity"])
    assert unanswered["reason"] == "not_answered"
    whole = one(table, kind="satisfaction")
    assert pd.isna(whole["side"])
    assert pd.isna(whole["treatment"])
    assert (whole["month"], whole["score"]) == (3, 4)


def test_words_may_come_from_another_config_than_the_measurements(
    locked: Path, tmp_path: Path
) -> None:
    header = "subject_id,procedure,left,right"
    listed = write_allocation(tmp_path / "list.csv", "P01,mn,B,A", "P02,mn,A,B", header=header)
    assert len(problems(locked, listed)) == 4
    config = parse_config("trial: {treatments: {adsc_cm: [A], saline: [B]}}")
    halves = link(locked, listed, config=config).halves
    assert set(halves[halves["subject_id"] == "P01"].query("side == 'right'")["treatment"]) == {
        "adsc_cm"
    }


def test_subjects_whose_names_look_like_other_things_keep_them(tmp_path: Path) -> None:
    out = Made(tmp_path / "out", ("001", "NA", "1e5", "بیمار2")).write()
    lock(out)
    listed = write_allocation(
        tmp_path / "list.csv", "001,mn,left", "NA,mn,right", "1e5,mn,left", "بیمار۲,mn,left"
    )
    halves = link(out, listed).halves
    assert set(halves["subject_id"]) == {"001", "NA", "1e5", "بیمار2"}
    assert halves["reason"].isna().all()


def test_no_side_effect_says_so_of_every_event(
    locked: Path, allocation: Path, tmp_path: Path
) -> None:
    answers = write_allocation(
        tmp_path / "answers.csv",
        "P01,side_effect,left,none,1,,,",
        "P01,side_effect,left,pain,1,,0,",
        "P01,side_effect,right,pain,1,,2,",
        header=ANSWERS,
    )
    table = link(locked, allocation, answers).questionnaires
    left, right = (table[table["side"] == side] for side in ("left", "right"))
    assert set(left["event"]) == set(sm.StudyConfig().trial.events) - {"none"}
    assert left["event"].is_unique
    assert set(left["severity"]) == {0}
    assert one(left, event="pain")["source"] == "answer"
    assert set(left[left["event"] != "pain"]["source"]) == {"none"}
    assert list(right["event"]) == ["pain"]  # what else it had was not asked
