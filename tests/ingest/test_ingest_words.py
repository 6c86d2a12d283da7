"""Dates, digits and the spellings of visits and views."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate

from scarmetrics.config import IngestConfig, parse_config
from scarmetrics.errors import ConfigError
from scarmetrics.ingest.dates import parse_date
from scarmetrics.ingest.words import AliasTable, Vocabulary, fold, natural_key

PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")

dates = st.dates(dt.date(1850, 1, 1), dt.date(2199, 12, 31))
separators = st.sampled_from(["-", "/", ".", "_", " ", ""])
scripts = st.sampled_from([{}, PERSIAN, ARABIC])


@given(day=dates, separator=separators, script=scripts)
def test_gregorian_date_round_trips(day, separator, script):
    text = f"{day.year:04}{separator}{day.month:02}{separator}{day.day:02}"
    assert parse_date(f" {text.translate(script)} ") == day


@given(day=dates, separator=separators, script=scripts)
def test_jalali_date_round_trips(day, separator, script):
    jalali = JalaliDate(day)
    text = f"{jalali.year:04}{separator}{jalali.month:02}{separator}{jalali.day:02}"
    assert parse_date(text.translate(script)) == day


@given(day=dates)
def test_iso_timestamps_keep_their_day(day):
    for time in ("T10:20", " 00:00:00", "T23:59:59.999"):
        assert parse_date(day.isoformat() + time) == day


def test_known_jalali_days():
    assert parse_date("1400/03/11") == dt.date(2021, 6, 1)
    assert parse_date("1399/12/30") == dt.date(2021, 3, 20)
    assert parse_date("1400/3/1") == dt.date(2021, 5, 22)


@pytest.mark.parametrize(
    "text",
    ["", "11/03/1400", "1400/13/01", "1401/12/30", "2021-02-29", "2021-6", "44348", "20211",
     "2021-06/01", "yesterday", "210601", "0000-00-00", "2021-06-01x", "1400611"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a date|does not exist"):
        parse_date(text)


@given(st.text(max_size=20))
def test_any_text_is_a_date_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert isinstance(parse_date(text), dt.date)


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return Vocabulary.from_config(IngestConfig())


@pytest.mark.parametrize(
    ("text", "visit"),
    [("baseline", "baseline"), ("Before", "baseline"), ("PRE", "baseline"), ("قبل", "baseline"),
     ("Month 3", "month3"), ("month-3", "month3"), ("m۳", "month3"), ("3M", "month3"),
     ("بعد", "month3"), ("month30", None), ("", None)],
)  # fmt: skip
def test_visits_are_found_in_any_spelling(text, visit, words):
    assert words.visits.lookup(text) == visit


def test_views_and_sides(words):
    assert words.views.lookup("LT") == "left"
    assert words.views.lookup("left side") == "left"
    assert words.views.lookup("چپ") == "left"
    assert words.views.lookup("۰") == "frontal"
    assert words.side("R") == "right"
    assert words.side("frontal") is None
    assert words.side("both") is None


def test_arabic_letters_count_as_persian():
    table = AliasTable({"follow": ("یک",)})
    assert table.lookup("يك") == "follow"


def test_date_alias_matches_the_day_in_any_spelling():
    table = AliasTable({"baseline": ("1400-04-01",), "month3": ("2021-09-22",)})
    for text in ("1400-04-01", "1400_4_1", "۱۴۰۰/۰۴/۰۱", "14000401", "2021-06-22"):
        assert table.lookup(text) == "baseline"
    assert table.lookup("2021.09.22") == "month3"
    assert table.lookup("1400-04-02") is None


@pytest.mark.parametrize(
    "aliases",
    [{"a": ("month 3",), "b": ("Month_3",)}, {"a": ("x",), "x": ()},
     {"a": ("2021-06-01",), "b": ("1400/03/11",)}],
)  # fmt: skip
def test_one_spelling_for_two_words_is_refused(aliases):
    with pytest.raises(ValueError, match="stands for both"):
        AliasTable(aliases)


def test_conflict_of_spellings_names_its_place_in_the_config():
    text = "ingest:\n  views:\n    left: [l]\n    right: [r, left side, 'l e f t']\n"
    config = parse_config(text, "study.yaml").ingest
    with pytest.raises(ConfigError) as caught:
        Vocabulary.from_config(config)
    assert "study.yaml, line 4, column 27: ingest.views.right.2: " in str(caught.value)
    assert "'l e f t' stands for both 'left' and 'right'" in str(caught.value)


def test_unknown_word_is_answered_with_the_nearest(words):
    assert "'before'" in words.visits.unknown("the visit", "befor")
    assert "baseline, month3" in words.visits.unknown("the visit", "xyz")


@given(st.text(max_size=12), st.text(max_size=12))
def test_natural_key_orders_all_texts(first, second):
    assert (natural_key(first) == natural_key(second)) == (first == second)
    assert (natural_key(first) < natural_key(second)) != (natural_key(first) >= natural_key(second))


def test_natural_key_knows_numbers():
    assert sorted(["P10", "P2", "p1"], key=natural_key) == ["p1", "P2", "P10"]


@given(st.text(max_size=20))
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)
