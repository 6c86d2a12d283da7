from __future__ import annotations

import math
import pickle
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from scarmetrics.errors import (
    REASONS,
    DependencyError,
    ExitCode,
    ManifestError,
    ManifestProblem,
    PhotographError,
    ScarmetricsError,
    UsageError,
)
from scarmetrics.flags import FLAGS, join_flags, qc_status
from scarmetrics.models import FailedHalf, Failure, FailureRecord, PhotoRecord, valid_subject_id
from scarmetrics.units import PixelScale, ascii_digits, parse_number

FLAG_NAMES = st.sampled_from(sorted(FLAGS))
REASON_CODES = st.sampled_from(sorted(REASONS))
DIGITS = {"persian": "۰۱۲۳۴۵۶۷۸۹", "arabic": "٠١٢٣٤٥٦٧٨٩", "devanagari": "०१२३४५६७८९"}


# --- flags


@pytest.mark.parametrize("name", sorted(FLAGS))
def test_flag_fits_into_a_table_and_is_explained(name: str) -> None:
    assert FLAGS[name].name == name
    assert name.isidentifier()
    assert FLAGS[name].description


def test_status_is_the_severest_of_its_flags() -> None:
    of_severity = {flag.severity: flag.name for flag in FLAGS.values()}
    assert qc_status([]) == "pass"
    assert qc_status([of_severity["info"]]) == "pass"
    assert qc_status([of_severity["info"], of_severity["review"]]) == "review"


@given(st.lists(FLAG_NAMES), st.lists(FLAG_NAMES))
def test_more_flags_never_better_a_status(some: list[str], more: list[str]) -> None:
    order = ["pass", "review", "fail"]
    assert order.index(qc_status(some + more)) >= order.index(qc_status(some))


def test_unregistered_flag_is_an_error() -> None:
    with pytest.raises(KeyError):
        qc_status(["no_such_flag"])


@given(st.lists(FLAG_NAMES))
def test_joined_flags_hold_each_once_whatever_the_order(names: list[str]) -> None:
    cell = join_flags(names)
    assert cell == join_flags(reversed(names))
    assert [name for name in cell.split(";") if name] == sorted(set(names))


# --- reasons, errors, failures


@pytest.mark.parametrize("code", sorted(REASONS))
def test_reason_says_what_is_wrong_and_what_to_do(code: str) -> None:
    assert code.isidentifier()
    for sentence in (REASONS[code].meaning, REASONS[code].remedy):
        assert sentence
        assert "\n" not in sentence
        assert not sentence.endswith(".")


def test_exit_codes_are_the_documented_ones() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "USAGE": 2,
        "SOME_FAILED": 3,
        "NOTHING_MEASURED": 4,
        "INTERRUPTED": 130,
    }


def test_error_reads_as_message_and_remedy() -> None:
    assert str(UsageError("no such folder", "check its path")) == "no such folder: check its path"
    assert str(UsageError("no such folder")) == "no such folder"


def test_dependency_error_is_an_import_error() -> None:
    assert isinstance(DependencyError("no libGL"), ImportError)


@given(REASON_CODES, st.text())
def test_photograph_error_survives_another_process(code: str, detail: str) -> None:
    error = PhotographError(code, detail)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.reason_code, copy.message, copy.remedy) == (code, error.message, error.remedy)


def test_photograph_error_needs_a_registered_reason() -> None:
    with pytest.raises(KeyError):
        PhotographError("no_such_reason")


def test_manifest_error_lists_every_problem_with_its_place() -> None:
    problems = [
        ManifestProblem(3, "view", "unknown_alias", "'lft' is no view"),
        ManifestProblem(0, "", "bad_value", "the column path is missing"),
    ]
    error = ManifestError("manifest.csv", problems)
    assert isinstance(error, ScarmetricsError)
    assert error.problems == tuple(problems)
    lines = str(error).splitlines()
    assert lines[0] == "manifest.csv has 2 problems"
    assert lines[1].strip() == "manifest.csv, line 3, column view: 'lft' is no view"
    assert lines[2].strip() == "manifest.csv, the column path is missing"


def test_failure_is_falsy_and_carries_reason_and_remedy() -> None:
    failure = Failure("face_not_found")
    assert not failure
    assert failure.reason == REASONS["face_not_found"].meaning
    assert failure.remedy == REASONS["face_not_found"].remedy
    assert "face_not_found" in repr(failure)


def test_failed_half_names_the_visit_it_failed_at() -> None:
    half = FailedHalf("no_skin", visit="month3")
    assert not half
    assert half.visit == "month3"


# --- records


@pytest.mark.parametrize("text", ["P01", "7", "a.b-c_d", "بیمار۱۲", "x" * 64])
def test_subject_ids_that_make_file_names_are_kept(text: str) -> None:
    assert valid_subject_id(text) == text


@pytest.mark.parametrize("text", ["", ".", "..", "-x", "_x", "a/b", "a\\b", "a b", "a\n", "x" * 65])
def test_subject_ids_that_do_not_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="subject id"):
        valid_subject_id(text)


@given(st.text())
def test_an_accepted_subject_id_is_one_plain_path_part(text: str) -> None:
    try:
        valid_subject_id(text)
    except ValueError:
        return
    assert Path(f"masks/{text}").parts == ("masks", text)


def photo_record(**changes: object) -> PhotoRecord:
    values = {
        "subject_id": "P01",
        "visit": "baseline",
        "view": "left",
        "path": Path("P01.jpg"),
        "path_relative": "P01.jpg",
    }
    return PhotoRecord.model_validate(values | changes)


@pytest.mark.parametrize(
    "change",
    [
        {"subject_id": "../P01"},
        {"view": "top"},
        {"side": "both"},
        {"mm_per_px": 0.0},
        {"mm_per_px": math.nan},
        {"mm_per_px_rel_sd": -0.1},
        {"shoe_size": 42},
    ],
)
def test_impossible_photograph_is_refused(change: dict[str, object]) -> None:
    assert photo_record()
    with pytest.raises(ValidationError):
        photo_record(**change)


def test_records_cannot_be_changed() -> None:
    record = FailureRecord(reason_code="no_skin", reason="none", remedy="check")
    with pytest.raises(ValidationError):
        record.reason = "another"


# --- units


@pytest.mark.parametrize("value", [0.0, -0.1, math.nan, math.inf])
def test_scale_must_be_a_positive_number(value: float) -> None:
    with pytest.raises(ValueError, match="mm_per_px"):
        PixelScale(value, 0.02, "device")


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_uncertainty_of_a_scale_must_be_zero_or_more(value: float) -> None:
    assert PixelScale(0.1, 0.0, "device").rel_sd == 0
    with pytest.raises(ValueError, match="rel_sd"):
        PixelScale(0.1, value, "device")


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(sorted(DIGITS)))
def test_a_number_reads_the_same_in_any_digits(value: float, script: str) -> None:
    written = repr(value).translate(str.maketrans("0123456789", DIGITS[script]))
    assert parse_number(f" {written} ") == value


def test_persian_separators_are_understood() -> None:
    assert parse_number("۱٬۲۳۴٫۵") == 1234.5


@pytest.mark.parametrize("text", ["", "nan", "inf", "-Infinity", "1,5", "0.1 mm", "۱٫۲٫۳"])
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|float"):
        parse_number(text)


@given(st.text())
def test_text_without_foreign_digits_is_left_alone(text: str) -> None:
    assume(not any(char.isdecimal() and not char.isascii() for char in text))
    assume(not {"٫", "٬"} & set(text))
    assert ascii_digits(text) == text
