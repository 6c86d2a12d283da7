"""The analysis data set in ADaM's structure, and its dictionary."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_trial import Made, area, one

from scarmetrics.allocation import link, lock
from scarmetrics.allocation.adscar import ADSCAR
from scarmetrics.config import parse_config


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
