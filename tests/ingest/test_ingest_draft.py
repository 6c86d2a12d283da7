"""Drafting a manifest from what folder and file names suggest."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from folders import put

from scarmetrics.config import IngestConfig, StudyConfig
from scarmetrics.errors import ManifestError, UsageError
from scarmetrics.ingest import (
    draft_manifest,
    list_photographs,
    plan_study,
    write_draft,
)


def draft(exports):
    return draft_manifest(exports, IngestConfig())


def guesses(exports) -> list[tuple[str, str, str]]:
    return [(row.subject_id, row.visit, row.view) for row in draft(exports)]


def test_declared_patterns_come_first(exports):
    put(exports, "P01/before/L.jpg")
    (row,) = draft(exports)
    assert (row.subject_id, row.visit, row.view) == ("P01", "baseline", "left")
    assert row.confirm == ""


def test_folders_with_running_numbers(exports):
    put(exports, *(
        f"Study 2021/P{n:02}/IMG_{n}{v}{w}_{visit}-{view}.jpg"
        for n in range(1, 5)
        for v, visit in enumerate(("before", "after"))
        for w, view in enumerate(("L", "R"))
    ))  # fmt: skip
    rows = draft(exports)
    assert {row.subject_id for row in rows} == {"P01", "P02", "P03", "P04"}
    assert [(row.visit, row.view) for row in rows[:4]] == [
        ("baseline", "left"), ("baseline", "right"), ("month3", "left"), ("month3", "right"),
    ]  # fmt: skip
    assert "visit guessed from 'before'" in rows[0].confirm
    assert "view guessed from 'L'" in rows[0].confirm
    assert "use a code, not a name" in rows[0].confirm


def test_flat_names_with_one_photograph_each(exports):
    put(exports, "all/P1-L-pre.jpg", "all/P2-L-pre.jpg", "all/P3-L-post.jpg")
    assert guesses(exports) == [
        ("P1", "baseline", "left"), ("P2", "baseline", "left"), ("P3", "month3", "left"),
    ]  # fmt: skip


def test_glued_views(exports):
    put(exports, "before 12L.jpg", "before 12R.jpg", "after 12L.jpg", "after 14L.jpg")
    assert guesses(exports) == [
        ("12", "month3", "left"), ("14", "month3", "left"),
        ("12", "baseline", "left"), ("12", "baseline", "right"),
    ]  # fmt: skip


def test_subject_and_date_in_one_name(exports):
    put(exports, *(
        f"VisioFace/{subject}_{day}/{subject}_{day}_{view}_STD.jpg"
        for subject, days in (("P01", ("14000401", "14000708")), ("P02", ("14000411", "14000711")))
        for day in days
        for view in ("F", "L45")
    ))  # fmt: skip
    rows = draft(exports)
    assert {(row.subject_id, row.visit) for row in rows} == {
        ("P01", "baseline"), ("P01", "month3"), ("P02", "baseline"), ("P02", "month3"),
    }  # fmt: skip
    assert {row.view for row in rows} == {"frontal", ""}


def test_subjects_that_patterns_found_help_with_the_others(exports):
    put(exports, "P1/before/front.jpg", "P1/before/front (2).jpg")
    assert [row.subject_id for row in draft(exports)] == ["P1", "P1"]


def test_letters_of_a_subject_are_no_view(exports):
    put(exports, "F12/visit before/left a.jpg", "F13/visit before/left a.jpg")
    assert {row.subject_id for row in draft(exports)} == {"F12", "F13"}
    assert {row.view for row in draft(exports)} == {"left"}


def test_two_dates_of_a_subject_are_baseline_and_follow_up(exports):
    put(exports, "P1/1400-04-01/L x.jpg", "P1/1400-07-03/L x.jpg",
        "P2/۱۴۰۰-۰۴-۰۸/L x.jpg", "P2/۱۴۰۰-۰۷-۰۹/L x.jpg")  # fmt: skip
    rows = draft(exports)
    assert [(r.subject_id, r.visit, r.captured_on) for r in rows] == [
        ("P1", "baseline", "2021-06-22"), ("P1", "month3", "2021-09-25"),
        ("P2", "baseline", "2021-06-29"), ("P2", "month3", "2021-10-01"),
    ]  # fmt: skip
    assert "visit guessed from '1400-04-01'" in rows[0].confirm


def test_one_or_three_dates_say_nothing_about_visits(exports):
    put(exports, "P1/2021-06-01/L x.jpg", *(f"P2/2021-0{m}-01/L x.jpg" for m in (6, 7, 8)))
    rows = draft(exports)
    assert {row.visit for row in rows} == {""}
    assert all("visit not found, fill it in" in row.confirm for row in rows)


def test_nothing_to_guess_leaves_cells_empty(exports):
    put(exports, "before L.jpg")
    (row,) = draft(exports)
    assert (row.subject_id, row.visit, row.view) == ("", "baseline", "left")
    assert "subject not found, fill it in" in row.confirm


def test_subject_is_made_valid(exports):
    put(exports, "بیمار ۱/قبل/چپ x.jpg", "بیمار ۱/بعد/چپ x.jpg",
        "بیمار ۲/قبل/چپ x.jpg")  # fmt: skip
    assert {row.subject_id for row in draft(exports)} == {"بیمار-1", "بیمار-2"}


def test_draft_is_read_back_as_the_same_study(exports):
    names = [
        f"P{n}/{visit} session/{view} +x.jpg"
        for n in range(1, 4)
        for visit in ("before", "after")
        for view in ("left", "right")
    ]
    put(exports, *names)  # fmt: skip
    rows = draft(exports)
    write_draft(rows, exports / "manifest.csv")
    with pytest.raises(ManifestError) as caught:
        list_photographs(exports, IngestConfig())
    assert {problem.column for problem in caught.value.problems} == {"confirm"}
    assert len(caught.value.problems) == len(names)
    confirmed = [replace(row, confirm="") for row in rows]
    write_draft(confirmed, exports / "manifest.csv", overwrite=True)
    listing = list_photographs(exports, IngestConfig())
    assert {r.path_relative for r in listing.records} == set(names)
    assert [(r.subject_id, r.visit, r.view) for r in listing.records] == guesses(exports)
    study = plan_study(listing, StudyConfig())
    assert len(study.halves) == 6
    assert study.failures == ()


def test_what_could_not_be_guessed_stops_the_run(exports):
    put(exports, "P1/somewhen/left x.jpg")
    write_draft([replace(row, confirm="") for row in draft(exports)], exports / "manifest.csv")
    with pytest.raises(ManifestError) as caught:
        list_photographs(exports, IngestConfig())
    assert [problem.column for problem in caught.value.problems] == ["visit"]


def test_names_cannot_become_formulas(exports):
    names = ["=1+2 before L.jpg", "+cmd before L.jpg", "-x before L.jpg", "@sum before L.jpg"]
    put(exports, *names)
    write_draft(draft(exports), exports / "manifest.csv")
    with (exports / "manifest.csv").open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.reader(stream):
            assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
    with (exports / "manifest.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert sorted(row["path"] for row in csv.DictReader(stream)) == [
            f"./{n}" for n in sorted(names)
        ]


def test_spreadsheets_see_utf8_and_the_contracts_columns(exports):
    put(exports, "P1/قبل/L.jpg")
    write_draft(draft(exports), exports / "manifest.csv")
    data = (exports / "manifest.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfsubject_id,visit,view,path,captured_on,light,mm_per_px,")
    assert b"mm_per_px_rel_sd,side,confirm\r\n" in data


def test_existing_manifest_is_kept(exports):
    put(exports, "P1/before/L.jpg")
    path = exports / "manifest.csv"
    path.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        write_draft(draft(exports), path)
    assert path.read_text() == "mine"
    write_draft(draft(exports), path, overwrite=True)
    assert len(list_photographs(exports, IngestConfig()).records) == 1


def test_unusable_folders_are_usage_errors(exports, tmp_path):
    with pytest.raises(UsageError, match="holds no photograph"):
        draft(exports)
    with pytest.raises(UsageError, match="does not exist"):
        draft(tmp_path / "nowhere")
    (exports / "x.jpg").symlink_to(exports / "nowhere.jpg")
    with pytest.raises(UsageError, match=r"x\.jpg"):
        draft(exports)
    put(exports, "P1/before/L.jpg")
    (exports / "x.jpg").unlink()
    with pytest.raises(UsageError, match="cannot be written"):
        write_draft(draft(exports), exports / "no" / "manifest.csv")
