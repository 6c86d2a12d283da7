"""Patterns and the names that are read with them: wrong ones, and those that never end."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from folders import put
from hypothesis import given, settings
from hypothesis import strategies as st

import scarmetrics as sm
from scarmetrics.config import IngestConfig
from scarmetrics.errors import ConfigError
from scarmetrics.ingest.matcher import MAX_STEPS, Again, TemplateMatcher
from scarmetrics.ingest.patterns import compile_template
from scarmetrics.ingest.words import Vocabulary, fold

WORDS = Vocabulary.from_config(IngestConfig())

WRONG = {
    "none": ((), "the list is empty"),
    "an open brace": (("{subject_id/{visit}/{view}",), "brace"),
    "a closing brace": (("subject_id}/{visit}/{view}",), "brace"),
    "no subject": (("{visit}/{view}",), "{subject_id} is missing"),
    "no visit": (("{subject_id}/{view}",), "{visit} is missing"),
    "no view": (("{subject_id}/{visit}",), "{view} is missing"),
    "an unknown placeholder": (("{subject_id}/{visit}/{view}/{name}",), "{name} is no placeholder"),
    "an empty placeholder": (("{}/{subject_id}/{visit}/{view}",), "is no placeholder"),
    "a format": (("{subject_id:>3}/{visit}/{view}",), "is no placeholder"),
    "a conversion": (("{subject_id!r}/{visit}/{view}",), "is no placeholder"),
    "an attribute": (("{subject_id.__class__}/{visit}/{view}",), "is no placeholder"),
    "an index": (("{subject_id[0]}/{visit}/{view}",), "is no placeholder"),
    "an extension": (("{subject_id}/{visit}/{view}.jpg",), "without extension"),
    "the root": (("/{subject_id}/{visit}/{view}",), "below the exports folder"),
    "the second of two": (("{subject_id}/{visit}/{view}", "x"), "ingest.patterns.1"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_pattern_is_refused_with_a_remedy(fault: str, tmp_path: Path) -> None:
    patterns, says = WRONG[fault]
    put(tmp_path, "P01/pre/L.jpg")
    config = sm.StudyConfig.model_validate({"ingest": {"patterns": patterns}})
    with pytest.raises(ConfigError) as caught:
        sm.Study(config).plan(tmp_path)
    assert says in str(caught.value)
    assert "ingest.patterns" in caught.value.message
    assert caught.value.remedy


def plan(folder: Path, *patterns: str) -> sm.StudyPlan:
    ingest = {"patterns": patterns} if patterns else {}
    return sm.Study(sm.StudyConfig.model_validate({"ingest": ingest})).plan(folder)


UNREADABLE = {
    "no pattern fits": ("photo.jpg", "pattern_unmatched"),
    "an unknown visit": ("P02/spring/left.jpg", "unknown_alias"),
    "an unknown view": ("P02/pre/below.jpg", "unknown_alias"),
    "a subject with a space": ("P 02/pre/left.jpg", "invalid_subject_id"),
    "a subject that is a formula": ("=1+1/pre/left.jpg", "invalid_subject_id"),
    "a subject that is an option": ("-rf/pre/left.jpg", "invalid_subject_id"),
    "a subject of 200 letters": ("P" * 200 + "/pre/left.jpg", "invalid_subject_id"),
    "characters of regular expressions": ("P02.*(+?[/pre/left.jpg", "invalid_subject_id"),
    "braces": ("{subject_id}/pre/left.jpg", "invalid_subject_id"),
    "too deep": ("a/b/c/d/e/f/g/P02/pre/left.jpg", "pattern_unmatched"),
    "250 underscores": ("_" * 250 + ".jpg", ""),
    "125 words": ("l_" * 125 + ".jpg", ""),
}


@pytest.mark.parametrize("fault", UNREADABLE)
def test_a_name_that_cannot_be_read_is_listed_and_the_others_are_planned(
    fault: str, tmp_path: Path
) -> None:
    name, reason_code = UNREADABLE[fault]
    put(tmp_path, "P01/pre/L.jpg", "P01/post/L.jpg", name)
    study = plan(tmp_path)
    assert [(half.subject_id, half.side) for half in study.halves] == [("P01", "left")]
    failures = [failure for failure in study.failures if failure.path_relative == name]
    assert failures
    assert all(failure.remedy for failure in failures)
    if reason_code:
        assert failures[0].reason_code == reason_code


def test_two_names_of_one_photograph_are_not_chosen_between(tmp_path: Path) -> None:
    put(tmp_path, "P01/pre/L.jpg", "P01/pre_left.jpg", "P01/post/L.jpg")
    study = plan(tmp_path)
    assert not study.halves
    (failure,) = study.failures
    assert failure.reason_code == "duplicate_photograph"
    assert "P01/pre_left.jpg" in failure.reason


def test_the_first_of_two_patterns_that_fit_counts(tmp_path: Path) -> None:
    put(tmp_path, "A_B_pre_L.jpg", "A_B_post_L.jpg")
    (half,) = plan(
        tmp_path, "{*}_{subject_id}_{visit}_{view}", "{subject_id}_{visit}_{view}"
    ).halves
    assert half.subject_id == "B"


GREEDY = (
    "{subject_id}_{visit}_{view}_{light}_{captured_on}_{side}_{*}",
    "{*}{*}{*}{*}{*}{*}{*}{*}{*}{subject_id}{*}{*}{*}{*}{*}{*}{*}{visit}{view}",
    "{subject_id}{visit}{subject_id}{view}{subject_id}{light}{light}{side}{side}",
)
LONG = ("_" * 255, "l" * 255, "before_l_" * 28, "0" * 255, "aA" * 127)


@pytest.mark.parametrize("template", GREEDY)
@pytest.mark.parametrize("name", LONG, ids=lambda name: name[:9])
def test_no_name_keeps_a_pattern_busy(
    template: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in steps, not in seconds; a regular expression needs more than ten to the tenth."""
    steps = []
    original = TemplateMatcher._ways

    def counted(self: TemplateMatcher, text: str, state: object) -> object:
        steps.append(state)
        return original(self, text, state)  # type: ignore[arg-type]

    monkeypatch.setattr(TemplateMatcher, "_ways", counted)
    pattern = compile_template(template, WORDS)
    for matcher in (pattern.strict, *pattern.loose):
        steps.clear()
        matcher.fullmatch(name)
        assert 0 < len(steps) <= MAX_STEPS
        if not any(isinstance(part, Again) for part in matcher.parts):
            assert len(steps) <= 2 * len(matcher.parts) * (len(name) + 1)


TEMPLATES = (
    "{subject_id}/{visit}_{view}",
    "{subject_id}_{visit}_{view}_{light}_{captured_on}_{side}_{*}",
    "{*}{subject_id}{*}{visit}{view}",
    "{subject_id}/{subject_id}_{visit}{view}{view}",
    "{visit}{subject_id}{visit}{view}{subject_id}",
)
PIECES = ("a", "_", "l", "P", "base", "before", "1", "month 3", "M_3", "/", "L", "left", "0", " ")


@settings(max_examples=400)
@given(st.sampled_from(TEMPLATES), st.lists(st.sampled_from(PIECES), min_size=1, max_size=10))
def test_the_search_reads_a_name_as_the_regular_expression_does(
    template: str, pieces: list[str]
) -> None:
    pattern = compile_template(template, WORDS)
    text = fold("".join(pieces))
    for matcher in (pattern.strict, *pattern.loose):
        match = matcher._regex.fullmatch(text)
        assert matcher.search(text) == (match.groupdict() if match else None)


TEMPLATE_PIECES = st.one_of(
    st.sampled_from(
        ["{subject_id}", "{visit}", "{view}", "{*}", "{side}", "{", "}", "/", "_", "("]
    ),
    st.text(string.printable, max_size=4),
)


@settings(max_examples=200)
@given(st.lists(TEMPLATE_PIECES, max_size=12).map("".join), st.text(max_size=60))
def test_any_text_is_a_pattern_or_a_value_error(template: str, name: str) -> None:
    try:
        pattern = compile_template(template, WORDS)
    except ValueError:
        return
    fields = pattern.match(fold(name))
    assert fields is None or {"subject_id", "visit", "view"} <= set(fields)
    assert isinstance(pattern.match_loosely(fold(name)), list)
