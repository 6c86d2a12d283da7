"""Exports whose folder and file names say what they are."""

from __future__ import annotations

import datetime as dt
import os
import unicodedata

import pytest
from folders import put
from hypothesis import given
from hypothesis import strategies as st

from scarmetrics.config import IngestConfig, parse_config
from scarmetrics.errors import ConfigError, UsageError
from scarmetrics.ingest import Listing, list_photographs, register_reader, registry
from scarmetrics.ingest.patterns import compile_template
from scarmetrics.ingest.words import Vocabulary, fold


def read(exports, *patterns: str, **options) -> Listing:
    if patterns:
        options["patterns"] = patterns
    return list_photographs(exports, IngestConfig(**options))


def summary(listing: Listing) -> list[tuple[str, str, str]]:
    return [(r.subject_id, r.visit, r.view) for r in listing.records]


def only_failure(listing: Listing):
    assert listing.records == ()
    (failure,) = listing.failures
    return failure


@pytest.mark.parametrize(
    "name",
    ["P01/before/L.jpg", "P01/Before_L.JPG", "before/P01_left.png", "P01_pre_lt.tiff",
     "P01/Month 0/چپ.bmp", "P01/قبل/left side.jpeg", "P۰۱/v۰/L.tif", "P01/V0/L.jpe"],
)  # fmt: skip
def test_default_patterns_read_common_names(name, exports):
    put(exports, name)
    listing = read(exports)
    assert summary(listing) == [("P01", "baseline", "left")]
    assert listing.records[0].path_relative == name
    assert listing.records[0].path == exports / name
    assert listing.failures == ()


@pytest.mark.parametrize(
    ("name", "subject"),
    [("P_01_before_L.jpg", "P_01"), ("A_pre_after_L.jpg", "A_pre"),
     ("x.y-2_month_3_front.jpg", "x.y-2")],
)  # fmt: skip
def test_subject_may_hold_separators(name, subject, exports):
    put(exports, name)
    assert read(exports).records[0].subject_id == subject


def test_patterns_are_tried_in_order_and_glued_views_work(exports):
    put(exports, "12L/before.jpg", "12right/after.jpg")
    listing = read(exports, "{subject_id}{view}/{visit}")
    assert summary(listing) == [("12", "baseline", "left"), ("12", "month3", "right")]


def test_optional_placeholders(exports):
    put(exports, "P1/1400-03-11/before_frontal_polarised_l.jpg")
    listing = read(exports, "{subject_id}/{captured_on}/{visit}_{view}_{light}_{side}")
    (record,) = listing.records
    assert record.captured_on == dt.date(2021, 6, 1)
    assert (record.light, record.side) == ("polarised", "left")


def test_anything_and_repeated_placeholders(exports):
    put(exports, "clinic A/P1/P1_before_L_0042.jpg", "clinic A/P1/P2_before_L_0042.jpg")
    listing = read(exports, "{*}/{subject_id}/{subject_id}_{visit}_{view}_{*}")
    assert summary(listing) == [("P1", "baseline", "left")]
    assert listing.failures[0].reason_code == "pattern_unmatched"


def test_literal_text_ignores_case(exports):
    put(exports, "Patient P1/BEFORE-l.jpg")
    assert summary(read(exports, "patient {subject_id}/{visit}-{view}")) == [
        ("P1", "baseline", "left")
    ]


@pytest.mark.parametrize("folder", ["1400-04-01", "1400_4_1", "۱۴۰۰-۰۴-۰۱", "14000401"])
def test_date_folder_as_visit(folder, exports):
    put(exports, f"P1/{folder}/L.jpg")
    listing = read(exports, visits={"baseline": ("1400-04-01",), "month3": ("1400-07-01",)})
    assert summary(listing) == [("P1", "baseline", "left")]


def test_other_day_than_the_alias_is_unknown(exports):
    put(exports, "P1/1400-04-02/L.jpg")
    visits = {"baseline": ("1400-04-01",), "month3": ("1400-07-01",)}
    assert only_failure(read(exports, visits=visits)).reason_code == "unknown_alias"


def test_decomposed_names_from_other_systems_match(exports):
    name = unicodedata.normalize("NFD", "P1/آخر/L.jpg")
    put(exports, name)
    listing = read(
        exports, visits={"baseline": (), "month3": (unicodedata.normalize("NFC", "آخر"),)}
    )
    assert summary(listing) == [("P1", "month3", "left")]
    assert listing.records[0].path_relative == name


def test_unknown_visit_names_the_nearest_alias_and_the_subject(exports):
    put(exports, "P_01_befor_L.jpg")
    failure = only_failure(read(exports))
    assert failure.reason_code == "unknown_alias"
    assert "'befor'" in failure.reason
    assert "'before'" in failure.reason
    assert (failure.subject_id, failure.visit, failure.side) == ("P_01", "", "left")


def test_the_pattern_that_nearly_fits_explains(exports):
    put(exports, "3 Monthz/P1_left.jpg")
    failure = only_failure(read(exports))
    assert "'3 Monthz'" in failure.reason
    assert (failure.subject_id, failure.side) == ("P1", "left")


def test_unknown_view_keeps_the_visit(exports):
    put(exports, "P01/after/lefft.jpg")
    failure = only_failure(read(exports))
    assert (failure.reason_code, failure.subject_id, failure.visit) == (
        "unknown_alias", "P01", "month3",
    )  # fmt: skip
    assert "'left'" in failure.reason


def test_nothing_known_trusts_no_subject(exports):
    put(exports, "holiday/beach_sunset.jpg")
    failure = only_failure(read(exports))
    assert (failure.reason_code, failure.subject_id) == ("unknown_alias", "")


def test_no_pattern_fits(exports):
    put(exports, "IMG1.jpg")
    failure = only_failure(read(exports))
    assert failure.reason_code == "pattern_unmatched"
    assert failure.path_relative == "IMG1.jpg"
    assert failure.remedy


@pytest.mark.parametrize("subject", ["P 01", "-P01", "a+b", "n" * 65])
def test_invalid_subject_id(subject, exports):
    put(exports, f"{subject}/before/L.jpg")
    assert only_failure(read(exports)).reason_code == "invalid_subject_id"


def test_bad_date_and_contradicting_side_are_failures(exports):
    put(exports, "P1/before_left_right/2021-13-01.jpg")
    pattern = "{subject_id}/{visit}_{view}_{side}/{captured_on}"
    failure = only_failure(read(exports, pattern))
    assert (failure.reason_code, failure.subject_id, failure.side) == ("bad_value", "P1", "left")
    put(exports, "P1/before_left_right/2021-12-01.jpg")
    assert {f.reason_code for f in read(exports, pattern).failures} == {"bad_value"}


def test_clutter_is_skipped_silently(exports):
    put(exports, "P1/before/L.jpg", ".hidden/before/L.jpg", "P1/before/.L.jpg", "P1/Thumbs.db",
        "P1/desktop.ini", "P1/.DS_Store", "__MACOSX/P1/before/._L.jpg", "notes.txt", "x.csv",
        "P1/report.pdf", "config.yaml", "P1/raw.bin", "P1/before/noextension")  # fmt: skip
    listing = read(exports)
    assert summary(listing) == [("P1", "baseline", "left")]
    assert listing.failures == ()


def test_links_are_followed_inside_only(exports, tmp_path):
    outside = tmp_path / "outside"
    put(outside, "L.jpg")
    put(exports, "P1/before/L.jpg", "store/x.dat")
    (exports / "P1" / "after").mkdir()
    (exports / "P1" / "after" / "L.jpg").symlink_to(exports / "P1" / "before" / "L.jpg")
    (exports / "P1" / "after" / "R.jpg").symlink_to(outside / "L.jpg")
    (exports / "P1" / "after" / "F.jpg").symlink_to(exports / "nowhere.jpg")
    (exports / "P1" / "after" / "loop.jpg").symlink_to(exports / "P1" / "after" / "loop.jpg")
    (exports / "linked").symlink_to(outside)
    (exports / "again").symlink_to(exports)
    listing = read(exports)
    assert summary(listing) == [("P1", "month3", "left"), ("P1", "baseline", "left")]
    assert [(f.path_relative, f.reason_code) for f in listing.failures] == [
        ("linked", "path_outside"),
        ("P1/after/F.jpg", "file_missing"),
        ("P1/after/loop.jpg", "file_missing"),
        ("P1/after/R.jpg", "path_outside"),
    ]


def test_name_that_is_no_utf8_is_a_failure_that_can_be_written(exports):
    with open(os.fsencode(exports) + b"/P1_before_\xcc.jpg", "wb"):  # noqa: PTH123 - bytes path
        pass
    failure = only_failure(read(exports))
    assert "UTF-8" in failure.reason
    failure.path_relative.encode()


def test_order_is_natural_and_does_not_depend_on_the_disk(exports):
    put(exports, *(f"P{n}/before/L.jpg" for n in (10, 9, 1)))
    assert [r.subject_id for r in read(exports).records] == ["P1", "P9", "P10"]


@pytest.mark.parametrize(
    ("template", "problem"),
    [("{visit}/{view}", "{subject_id} is missing"), ("{subject_id}_{visit}", "{view} is missing"),
     ("{subject_id}/{visit}/{vew}", "{vew} is no placeholder"),
     ("{subject_id}/{visit}_{view", "brace"), ("{subject_id}/{visit}_view}", "brace"),
     ("{subject_id}/{visit}/{view!r}", "no placeholder"), ("{}/{visit}/{view}", "no placeholder"),
     ("/{subject_id}/{visit}/{view}", "below the exports folder"),
     ("{subject_id}/{visit}/{view}.JPG", "without extension")],
)  # fmt: skip
def test_wrong_template_is_named(template, problem, exports):
    put(exports, "P1/before/L.jpg")
    with pytest.raises(ConfigError) as caught:
        read(exports, template)
    assert template in str(caught.value)
    assert problem in str(caught.value)


def test_no_template_at_all_is_refused(exports):
    put(exports, "P1/before/L.jpg")
    with pytest.raises(ConfigError, match=r"ingest\.patterns: the list is empty"):
        read(exports, patterns=())


def test_wrong_template_of_a_config_file_is_found_by_line_and_column(exports):
    put(exports, "P1/before/L.jpg")
    text = "ingest:\n  patterns:\n    - '{subject_id}/{visit}/{view}'\n    - '{vew}'\n"
    with pytest.raises(ConfigError) as caught:
        list_photographs(exports, parse_config(text, "study.yaml").ingest)
    assert str(caught.value).startswith("study.yaml, line 4, column 7: ingest.patterns.1: '{vew}'")


@given(
    subject=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True),
    visit=st.sampled_from(["baseline", "BEFORE", "t0", "Month 3", "بعد"]),
    view=st.sampled_from(["f", "Left", "rt", "راست", "0"]),
)
def test_what_a_template_writes_it_reads(subject, visit, view):
    words = Vocabulary.from_config(IngestConfig())
    for template in ("{subject_id}/{visit}/{view}", "{visit}/{subject_id}/{view}"):
        pattern = compile_template(template, words)
        path = template.format(subject_id=subject, visit=visit, view=view)
        fields = pattern.match(fold(path))
        assert fields is not None
        assert fields["subject_id"] == subject
        assert words.visits.lookup(fields["visit"]) == words.visits.lookup(visit)
        assert words.views.lookup(fields["view"]) == words.views.lookup(view)


def test_unusable_folders_are_usage_errors(exports, tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        read(tmp_path / "nowhere")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="not a folder"):
        read(tmp_path / "file")
    with pytest.raises(UsageError, match="holds no photograph") as caught:
        read(exports)
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.remedy


def test_unknown_reader_names_the_known_ones(exports):
    with pytest.raises(ConfigError, match="manifest, visioface"):
        read(exports, reader="visiaface")
    config = parse_config("study_id: s\ningest:\n  reader: visiaface\n", "study.yaml")
    with pytest.raises(ConfigError) as caught:
        list_photographs(exports, config.ingest)
    assert str(caught.value).startswith(
        "study.yaml, line 3, column 3: ingest.reader: 'visiaface' is not known"
    )


def test_readers_can_be_added(exports, monkeypatch):
    monkeypatch.setattr(registry, "_READERS", dict(registry._READERS))
    put(exports, "P1/before/L.jpg")

    @register_reader("device x")
    def read_device(folder, config):
        return read_as_visioface(folder, config)

    read_as_visioface = registry._READERS["visioface"]
    assert len(read(exports, reader="device x").records) == 1
    for taken in ("device x", "auto", "manifest"):
        with pytest.raises(ValueError, match="exists already"):
            register_reader(taken)
