"""Which photographs make a half, and what is said when they do not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scarmetrics.config import StudyConfig
from scarmetrics.errors import REASONS
from scarmetrics.ingest import Listing, plan_study
from scarmetrics.ingest.listing import failed
from scarmetrics.models import PhotoRecord, StudyPlan

VISITS = {"b": "baseline", "m": "month3", "x": "month1"}
VIEWS = {"F": "frontal", "L": "left", "R": "right"}


def photo(code: str, subject_id: str = "P1", name: str = "", **fields) -> PhotoRecord:
    """A record from a code such as ``bL``: baseline, left."""
    relative = f"{subject_id}/{name or code}.jpg"
    return PhotoRecord(
        subject_id=subject_id,
        visit=VISITS[code[0]],
        view=VIEWS[code[1]],
        path=Path("exports") / relative,
        path_relative=relative,
        **fields,
    )


def plan(*records: PhotoRecord, failures=(), **config) -> StudyPlan:
    return plan_study(Listing(records, tuple(failures)), StudyConfig.model_validate(config))


def halves(study: StudyPlan) -> list[tuple[str, str, str, str]]:
    return [
        (h.subject_id, h.side, Path(h.baseline.path_relative).stem,
         Path(h.follow_up.path_relative).stem)
        for h in study.halves
    ]  # fmt: skip


def reasons(study: StudyPlan) -> list[tuple[str, str, str]]:
    return [(f.reason_code, f.side, f.visit) for f in study.failures]


def test_oblique_views_make_each_its_half():
    study = plan(photo("bL"), photo("bR"), photo("mL"), photo("mR"))
    assert halves(study) == [("P1", "left", "bL", "mL"), ("P1", "right", "bR", "mR")]
    assert study.failures == study.unused == ()


def test_frontal_view_makes_both_halves():
    study = plan(photo("bF"), photo("mF"))
    assert halves(study) == [("P1", "left", "bF", "mF"), ("P1", "right", "bF", "mF")]
    assert study.failures == ()


def test_oblique_view_is_preferred_and_order_can_be_changed():
    records = [photo(code) for code in ("bF", "mF", "bL", "mL", "bR", "mR")]
    study = plan(*records)
    assert halves(study) == [("P1", "left", "bL", "mL"), ("P1", "right", "bR", "mR")]
    assert [r.path_relative for r in study.unused] == ["P1/bF.jpg", "P1/mF.jpg"]
    study = plan(*records, pairing={"view_preference": ["frontal", "side"]})
    assert [h[2:] for h in halves(study)] == [("bF", "mF"), ("bF", "mF")]


def test_falls_back_to_the_view_that_both_visits_have():
    study = plan(photo("bL"), photo("bF"), photo("mF"))
    assert halves(study) == [("P1", "left", "bF", "mF"), ("P1", "right", "bF", "mF")]
    assert study.failures == ()


def test_missing_visit_names_it_and_what_is_there():
    study = plan(photo("bL"), photo("bR"), photo("mR"))
    assert halves(study) == [("P1", "right", "bR", "mR")]
    (failure,) = study.failures
    assert (failure.reason_code, failure.side, failure.visit, failure.path_relative) == (
        "missing_visit", "left", "month3", "P1/bL.jpg",
    )  # fmt: skip
    assert "month3 is missing" in failure.reason
    assert "P1/bL.jpg" in failure.reason


def test_visits_in_different_views_are_not_mixed():
    study = plan(photo("bL"), photo("mF"))
    assert halves(study) == []
    assert reasons(study) == [("missing_visit", "left", ""), ("missing_visit", "right", "baseline")]
    assert "same view" in study.failures[0].reason


def test_other_visits_are_unused_but_make_a_side_expected():
    study = plan(photo("bL"), photo("mL"), photo("xL"), photo("xR"))
    assert halves(study) == [("P1", "left", "bL", "mL")]
    assert reasons(study) == [("missing_visit", "right", "")]
    assert "both baseline and month3" in study.failures[0].reason
    assert [r.path_relative for r in study.unused] == ["P1/xL.jpg", "P1/xR.jpg"]


def test_side_restricts_a_frontal_photograph():
    study = plan(photo("bF", side="left"), photo("mF", side="left"))
    assert halves(study) == [("P1", "left", "bF", "mF")]
    assert study.failures == ()


def test_two_frontal_photographs_for_one_side_each_are_no_duplicates():
    study = plan(
        photo("bF", name="b1", side="left"), photo("bF", name="b2", side="right"), photo("mF")
    )
    assert halves(study) == [("P1", "left", "b1", "mF"), ("P1", "right", "b2", "mF")]


def test_duplicates_fail_the_half_and_name_both_files():
    study = plan(photo("bL"), photo("bL", name="copy"), photo("mL"), photo("bR"), photo("mR"))
    assert halves(study) == [("P1", "right", "bR", "mR")]
    (failure,) = study.failures
    assert (failure.reason_code, failure.side, failure.visit) == (
        "duplicate_photograph", "left", "baseline",
    )  # fmt: skip
    assert "P1/bL.jpg" in failure.reason
    assert "P1/copy.jpg" in failure.reason


def test_duplicates_of_one_view_leave_the_other_to_measure():
    study = plan(photo("bL"), photo("bL", name="copy"), photo("mL"),
                 photo("bF", side="left"), photo("mF", side="left"))  # fmt: skip
    assert halves(study) == [("P1", "left", "bF", "mF")]
    assert reasons(study) == [("duplicate_photograph", "left", "baseline")]


def test_frontal_duplicates_fail_both_halves():
    study = plan(photo("bF"), photo("mF"), photo("mF", name="copy"))
    assert reasons(study) == [
        ("duplicate_photograph", "left", "month3"),
        ("duplicate_photograph", "right", "month3"),
    ]


def test_several_lights_are_ambiguous_until_one_is_chosen():
    records = [
        photo(code, name=f"{code}{light}", light=light)
        for code in ("bL", "mL")
        for light in ("White", "UV")
    ]
    study = plan(*records)
    assert halves(study) == []
    assert {f.reason_code for f in study.failures} == {"ambiguous_light"}
    study = plan(*records, ingest={"light": "white"})
    assert halves(study) == [("P1", "left", "bLWhite", "mLWhite")]
    assert study.failures == ()
    assert len(study.unused) == 2


def test_visits_under_different_light_are_not_compared():
    study = plan(photo("bL", light="white"), photo("mL", light="uv"))
    assert halves(study) == []
    assert reasons(study) == [("ambiguous_light", "left", "month3")]


def test_chosen_light_uses_photographs_without_light_only_if_none_has_one():
    config = {"ingest": {"light": "white"}}
    assert halves(plan(photo("bL"), photo("mL"), **config)) == [("P1", "left", "bL", "mL")]
    study = plan(photo("bL", light="white"), photo("mL"), **config)
    assert halves(study) == []
    assert "'P1/mL.jpg'" in study.failures[0].reason
    study = plan(photo("bL", light="white"), photo("mL", light="uv"), **config)
    assert "'uv'" in study.failures[0].reason


def test_follow_up_before_baseline_stops_the_half():
    before, after = dt.date(2021, 6, 1), dt.date(2021, 9, 1)
    study = plan(photo("bL", captured_on=after), photo("mL", captured_on=before))
    assert halves(study) == []
    assert reasons(study) == [("visit_order", "left", "month3")]
    assert halves(plan(photo("bL", captured_on=before), photo("mL", captured_on=after)))


@pytest.mark.parametrize("visit", ["month3", ""])
def test_failed_file_is_named_in_the_half_that_lacks_it(visit):
    lost = failed(
        "file_missing", path_relative="P1/mL.jpg", subject_id="P1", visit=visit, side="left"
    )
    study = plan(photo("bL"), photo("bR"), photo("mR"), failures=[lost])
    assert study.failures[0] == lost
    assert study.failures[1].reason_code == "missing_visit"
    assert "'P1/mL.jpg' could not be used" in study.failures[1].reason


def test_failed_file_of_another_side_or_visit_is_not_blamed():
    lost = [
        failed("file_missing", path_relative="x", subject_id="P1", visit="month3", side="right"),
        failed("file_missing", path_relative="x", subject_id="P1", visit="month1", side="left"),
        failed("file_missing", path_relative="x", subject_id="P2", visit="month3", side="left"),
        failed("pattern_unmatched", path_relative="x"),
    ]
    study = plan(photo("bL"), failures=lost)
    assert "could not be used" not in study.failures[-1].reason


def test_order_is_natural_and_independent_of_the_listing():
    records = [photo(code, f"P{n}") for n in (10, 2) for code in ("mR", "mL", "bR", "bL")]
    expected = [("P2", "left"), ("P2", "right"), ("P10", "left"), ("P10", "right")]
    for order in (records, records[::-1]):
        assert [h[:2] for h in halves(plan(*order))] == expected


def test_visits_compared_are_the_configs():
    pairing = {"baseline_visit": "month1", "follow_up_visit": "month3"}
    visits = {"baseline": [], "month1": [], "month3": []}
    study = plan(photo("xL"), photo("mL"), photo("bL"), pairing=pairing, ingest={"visits": visits})
    assert halves(study) == [("P1", "left", "xL", "mL")]


codes = st.sampled_from([visit + view for visit in VISITS for view in VIEWS])
record_lists = st.lists(
    st.builds(
        photo,
        codes,
        st.sampled_from(["P1", "P2"]),
        st.uuids().map(str),
        light=st.sampled_from([None, "white", "UV"]),
    ),
    max_size=14,
)


@given(records=record_lists, light=st.sampled_from([None, "White"]))
def test_every_expected_half_is_planned_or_explained(records, light):
    study = plan(*records, ingest={"light": light})
    planned = {(h.subject_id, h.side) for h in study.halves}
    failing = {(f.subject_id, f.side) for f in study.failures}
    for record in records:
        sides = ("left", "right") if record.view == "frontal" else (record.view,)
        assert all((record.subject_id, side) in planned | failing for side in sides)
    assert len(planned) == len(study.halves)
    assert all(f.reason_code in REASONS for f in study.failures)
    used = [r for h in study.halves for r in (h.baseline, h.follow_up)]
    assert all((r in used) != (r in study.unused) for r in records)
    for half in study.halves:
        assert (half.baseline.visit, half.follow_up.visit) == ("baseline", "month3")
        assert half.baseline.view == half.follow_up.view
        assert half.baseline.view in {"frontal", half.side}
