"""Linking: the joined tables, what is missing and why, everything wrong at once."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from made_trial import SIDES, Made, area, failure, write_allocation

from scarmetrics.allocation import (
    LinkedStudy,
    LinkError,
    LockError,
    link,
    lock,
    read_linked,
    write_linked,
)
from scarmetrics.allocation.adscar import ADSCAR
from scarmetrics.allocation.halves import HALVES
from scarmetrics.config import parse_config
from scarmetrics.errors import UsageError

ANSWERS = "subject_id,kind,side,event,session,month,score,answered_on"
DATED = "subject_id,procedure,treated_side,allocated_on"


def problems(out: Path, *arguments: Path, **options: bool) -> list[str]:
    with pytest.raises(LinkError) as refused:
        link(out, *arguments, **options)
    assert str(refused.value).count("\n") >= len(refused.value.problems)
    return [str(problem) for problem in refused.value.problems]


def one(frame: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, where
    return frame.iloc[0]


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
    assert len(table) == 4  # nothing is added for what was not asked
    assert one(table, subject_id="P01", event="none")["treatment"] == "saline"
    pain = one(table, event="pain")
    assert (pain["treatment"], pain["procedure"]) == ("adsc_cm", "microneedling")
    assert (pain["session"], pain["score"], pain["answer"]) == (2, 1, "mild")
    unanswered = one(table, event="erythema")
    assert pd.isna(unanswered["score"])
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
    out = Made(tmp_path / "out", ("001", "NA", "1e5", "بیمار۲")).write()
    lock(out)
    listed = write_allocation(
        tmp_path / "list.csv", "001,mn,left", "NA,mn,right", "1e5,mn,left", "بیمار۲,mn,left"
    )
    with pytest.raises(LinkError, match="بیمار"):
        link(out, listed)  # tables that were measured hold digits as 0-9; this one was made up
    study = link(out, listed, accept_incomplete=True)
    assert {"001", "NA", "1e5"} <= set(study.halves.dropna(subset="area_mm2")["subject_id"])


# --- writing


def test_what_is_written_reads_back_equal(locked: Path, allocation: Path, tmp_path: Path) -> None:
    answers = write_allocation(
        tmp_path / "answers.csv", "P01,side_effect,left,pain,1,,1,", header=ANSWERS
    )
    study = link(locked, allocation, answers)
    written = write_linked(study, locked)
    assert written.is_new
    names = {path.name for path in (locked / "linked").iterdir()}
    assert names == {"halves.csv", "adscar.csv", "adscar_dictionary.csv", "questionnaires.csv",
                     "flow.csv", "randomisation.csv", "link.json"}  # fmt: skip
    back = read_linked(locked)
    for name in ("halves", "adscar", "dictionary", "questionnaires", "flow"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(study, name))
    assert list(back.randomisation["p_value"]) == list(study.randomisation["p_value"])
    assert back.lock == study.lock
    content = json.loads((locked / "linked/link.json").read_text(encoding="utf-8"))
    assert content["lock"]["digest"] == study.lock.digest
    assert set(content["sources"]) == {"allocation", "questionnaires"}
    for path in (locked / "linked").iterdir():
        assert str(locked.parent) not in path.read_text(encoding="utf-8")


def test_without_questionnaires_there_is_no_table_of_them(locked: Path, allocation: Path) -> None:
    write_linked(link(locked, allocation), locked)
    assert not (locked / "linked/questionnaires.csv").exists()
    assert read_linked(locked).questionnaires.empty


def test_linking_once_more_changes_nothing_and_another_list_keeps_the_old(
    locked: Path, allocation: Path, tmp_path: Path
) -> None:
    write_linked(link(locked, allocation), locked)
    first = {path.name: path.read_bytes() for path in (locked / "linked").iterdir()}
    (locked / "linked/analysis.json").write_text("{}", encoding="utf-8")
    again = write_linked(link(locked, allocation), locked)
    assert (again.is_new, again.kept) == (False, "")
    assert (locked / "linked/analysis.json").exists()
    other = write_allocation(tmp_path / "other.csv", "P01,mn,right", "P02,mn,left")
    written = write_linked(link(locked, other), locked)
    assert (written.is_new, written.kept) == (True, "linked-1")
    kept = {path.name: path.read_bytes() for path in (locked / "linked-1").iterdir()}
    assert kept.pop("analysis.json") == b"{}"
    assert kept == first
    assert not (locked / "linked/analysis.json").exists()
    assert not list(locked.glob(".linked*"))
    assert link(locked, allocation).lock.number == 1  # none of this is a change of the measurement


def test_the_same_files_give_the_same_bytes(tmp_path: Path, allocation: Path) -> None:
    contents = []
    for name in ("a", "b"):
        out = Made(tmp_path / name).write()
        lock(out)
        write_linked(link(out, allocation), out)
        contents.append({p.name: p.read_bytes() for p in (out / "linked").glob("*.csv")})
    assert contents[0] == contents[1]


def test_a_write_that_fails_leaves_what_was_there(
    locked: Path, allocation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = link(locked, allocation)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="No space"):
        write_linked(study, locked)
    assert not (locked / "linked").exists()
    assert not list(locked.glob(".linked*"))


def test_a_folder_of_somebody_else_is_not_replaced(locked: Path, allocation: Path) -> None:
    (locked / "linked").mkdir()
    (locked / "linked/mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not written by scarmetrics link"):
        write_linked(link(locked, allocation), locked)
    assert (locked / "linked/mine.txt").read_text(encoding="utf-8") == "mine"


def test_altered_or_outdated_tables_are_not_read_back(made: Made, allocation: Path) -> None:
    out = made.write()
    lock(out)
    with pytest.raises(UsageError, match="not linked"):
        read_linked(out)
    write_linked(link(out, allocation), out)
    table = out / "linked/halves.csv"
    original = table.read_bytes()
    table.write_bytes(original.replace(b"adsc_cm", b"saline", 1))
    with pytest.raises(LockError, match=r"linked/halves\.csv"):
        read_linked(out)
    table.write_bytes(original)
    assert isinstance(read_linked(out), LinkedStudy)
    made.write()
    with pytest.raises(LockError, match="measured again"):
        read_linked(out)
    lock(out)
    with pytest.raises(LockError, match="belongs to lock 1"):
        read_linked(out)


# --- the ADaM data set


def test_the_analysis_data_set_has_one_row_per_half_parameter_and_visit(
    locked: Path, allocation: Path
) -> None:
    data = link(locked, allocation).adscar
    assert list(data.columns) == list(ADSCAR)
    assert not data.duplicated(["USUBJID", "LAT", "PARAMCD", "AVISITN"]).any()
    assert len(data) == 2 * 2 * 5 * 2
    assert set(data["USUBJID"]) == {"trial-P01", "trial-P02"}
    before = one(data, SUBJID="P01", LAT="LEFT", PARAMCD="SCARAREA", AVISITN=0)
    after = one(data, SUBJID="P01", LAT="LEFT", PARAMCD="SCARAREA", AVISITN=3)
    assert before["PARAM"] == "Scar surface area (mm2)"
    assert (before["AVISIT"], after["AVISIT"]) == ("Baseline", "Month 3")
    assert (before["TRTP"], before["TRTA"]) == ("ADSC-CM", "ADSC-CM")
    assert (before["ADT"], after["ADT"]) == ("2024-01-08", "2024-04-08")
    assert before["AVAL"] == before["BASE"] == after["BASE"] == area("P01", "left", "baseline")
    assert after["CHG"] == after["AVAL"] - after["BASE"]
    assert after["PCHG"] == pytest.approx(-40)
    assert (before["ABLFL"], before["ANL01FL"], after["ANL01FL"]) == ("Y", "Y", "Y")
    assert pd.isna(after["ABLFL"])
    assert pd.isna(before["CHG"])
    assert after["CHGSD"] == 4.0


def test_the_analysis_data_set_agrees_with_the_changes(locked: Path, allocation: Path) -> None:
    study = link(locked, allocation)
    changes = study.halves[study.halves["visit"] == "change"]
    for row in changes.to_dict("records"):
        after = one(study.adscar, SUBJID=row["subject_id"], LAT=row["side"].upper(),
                    PARAMCD="SCARAREA", AVISITN=3)  # fmt: skip
        assert after["CHG"] == pytest.approx(row["change_mm2"])
        assert after["PCHG"] == pytest.approx(row["change_pct"])
        assert after["TRTPN"] == (1 if row["treatment"] == "adsc_cm" else 0)


def test_missing_halves_are_rows_without_values_and_out_of_the_analysis(
    made: Made, allocation: Path
) -> None:
    made.lose("P01", "right", "face_not_found")
    made.changes[0]["qc_status"] = "fail"
    out = made.write()
    lock(out)
    data = link(out, allocation).adscar
    lost = data[(data["SUBJID"] == "P01") & (data["LAT"] == "RIGHT")]
    assert len(lost) == 10
    assert set(lost["REASND"]) == {"face_not_found"}
    assert lost[["AVAL", "BASE", "CHG", "ABLFL", "ANL01FL"]].isna().all().all()
    doubted = data[(data["SUBJID"] == "P01") & (data["LAT"] == "LEFT")]
    assert doubted["AVAL"].notna().all()
    assert doubted["ANL01FL"].isna().all()


def test_no_scar_at_baseline_has_no_percentage(made: Made, allocation: Path) -> None:
    for row in made.measurements:
        if (row["subject_id"], row["side"], row["visit"]) == ("P01", "left", "baseline"):
            row.update(area_mm2=0.0, projected_area_mm2=0.0, area_fraction=0.0, scar_count=0)
    out = made.write()
    lock(out)
    after = one(link(out, allocation).adscar, SUBJID="P01", LAT="LEFT", PARAMCD="SCARAREA",
                AVISITN=3)  # fmt: skip
    assert after["CHG"] == after["AVAL"]
    assert pd.isna(after["PCHG"])


def test_the_dictionary_explains_every_column_within_adams_limits(
    locked: Path, allocation: Path
) -> None:
    study = link(locked, allocation)
    assert list(study.dictionary["variable"]) == list(study.adscar.columns)
    for row in study.dictionary.to_dict("records"):
        assert len(row["variable"]) <= 8
        assert 0 < len(row["label"]) <= 40
        assert row["source"]
    assert study.dictionary["label"].is_unique
    assert study.adscar["PARAM"].str.len().max() <= 40
    assert study.adscar["PARAMCD"].str.len().max() <= 8


@pytest.mark.parametrize(
    ("visit", "said", "number"),
    [("month6", "Month 6", 6), ("12-weeks", "Week 12", 12), ("late", "Late", 1)],
)
def test_the_name_of_another_followup_is_kept(
    made: Made, allocation: Path, visit: str, said: str, number: int
) -> None:
    made.config = parse_config(
        f"study_id: trial\ningest: {{visits: {{baseline: [], {visit}: []}}}}\n"
        f"pairing: {{follow_up_visit: {visit}}}\n"
    )
    for row in made.measurements:
        row["visit"] = {"month3": visit}.get(row["visit"], row["visit"])
    out = made.write()
    lock(out)
    study = link(out, allocation)
    assert set(study.halves["visit"]) == {"baseline", visit, "change"}
    assert study.halves["reason"].isna().all()
    assert set(zip(study.adscar["AVISIT"], study.adscar["AVISITN"], strict=True)) == {
        ("Baseline", 0),
        (said, number),
    }


def test_sides_are_all_there(locked: Path, allocation: Path) -> None:
    assert set(link(locked, allocation).halves["side"]) == set(SIDES)
